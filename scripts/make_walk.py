#!/usr/bin/env python3
"""Writes the walk of docs/design.md: one small network at every stage, as the code prints it; --check only says whether it is current."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from pages import replace

from onnx_bridge.emit.header import emit
from onnx_bridge.ir.rmodel import RModel
from onnx_bridge.lowering import lower
from onnx_bridge.normalize import normalize
from onnx_bridge.optimise import STEPS
from onnx_bridge.passes.memory import plan_memory


def network() -> onnx.ModelProto:
    """x [batch, 4] -> dense 3, Relu, Dropout -> dense 1, Sigmoid -> y [batch, 1], as exporters write it."""
    rng = np.random.default_rng(0)
    weights = {
        name: numpy_helper.from_array(rng.normal(size=shape).astype(np.float32), name)
        for name, shape in {"w1": (4, 3), "b1": (3,), "w2": (3, 1), "b2": (1,)}.items()
    }
    nodes = [
        helper.make_node("Constant", [], ["b1"], "dense/bias", value=weights.pop("b1")),
        helper.make_node("MatMul", ["x", "w1"], ["m1"], "dense/MatMul"),
        helper.make_node("Add", ["m1", "b1"], ["a1"], "dense/Add"),
        helper.make_node("Relu", ["a1"], ["r1"], "dense/Relu"),
        helper.make_node("Dropout", ["r1"], ["d1"], "dropout"),
        helper.make_node("MatMul", ["d1", "w2"], ["m2"], "head/MatMul"),
        helper.make_node("Add", ["m2", "b2"], ["a2"], "head/Add"),
        helper.make_node("Sigmoid", ["a2"], ["y"], "head/Sigmoid"),
    ]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", width]) for name, width in (("x", 4), ("y", 1))]
    graph = helper.make_graph(nodes, "mlp", ends[:1], ends[1:], list(weights.values()))
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def nodes_of(model: onnx.ModelProto) -> str:
    """The constants of a graph, and a line a node."""
    graph = model.graph
    kept = [f"initializer {t.name} {list(t.dims)}" for t in graph.initializer]
    rows = [f"{', '.join(node.output)} = {node.op_type}({', '.join(node.input)})" for node in graph.node]
    width = max(map(len, rows))
    return "\n".join([", ".join(kept), *(f"{row:<{width}}  {node.name}" for row, node in zip(rows, graph.node, strict=True))])


def between(text: str, first: str, last: str) -> str:
    """The part of a text from `first` until before `last`."""
    start = text.index(first)
    return text[start : text.index(last, start)].rstrip()


def stages() -> Iterator[tuple[str, str, str]]:
    """What is said of each stage, the language of what is shown, and that."""
    model = network()
    yield "The graph as an exporter wrote it: a bias as a node, a Dropout that does nothing when a network is used.", "", nodes_of(model)
    normal, _ = normalize(model)
    yield "In normal form (`normalize/`): constants are initializers. It still is ONNX, and runs in onnxruntime.", "", nodes_of(normal)
    rmodel = lower(normal, "mlp")
    said = (
        "Lowered (`lowering/`): an operator a node, its types from its own rules. `batch` is a symbol. This is what `print(rmodel)` says:"
    )
    yield said, "", str(rmodel)
    for name, before in _steps(rmodel):
        yield name, "", before
    plan = plan_memory(rmodel)
    yield (
        "Memory is planned (`passes/memory.py`): each tensor that is neither input nor output has a place in the workspace.",
        "",
        "\n".join(
            f"{tensor.name} {tensor.type}: {buffer.bytes} bytes, for operators {buffer.start} to {buffer.end}"
            for tensor, buffer in plan.buffers.items()
        ),
    )
    header = emit(rmodel).header
    yield (
        "The header (`emit/`) has the kernels that these operators call, and the network: a line an operator, with its ONNX names:",
        "cpp",
        between(header, "static bool run(", "\n#undef"),
    )
    yield (
        "Its first lines say what it is; behind `proof` stands what was compared, once that has been done:",
        "cpp",
        between(header, "//   operators", "\n//\n// Contract"),
    )


def _steps(rmodel: RModel) -> Iterator[tuple[str, str]]:
    """Every pass and rule that changes the model: what it is, and the operators behind it."""
    for make in STEPS:
        step = make()
        if step.call(rmodel):
            module = make.__module__.removeprefix("onnx_bridge.").replace(".", "/")
            said = (sys.modules[make.__module__].__doc__ or "").splitlines()[0]
            rows = [row for row in str(rmodel).splitlines()[1:] if not row.endswith(("  input", "  output"))]
            yield f"`{step.name}` (`{module}.py`). {said}", "\n".join(rows)


def text() -> str:
    """The walk."""
    parts = []
    for said, language, shown in stages():
        parts.append(f"{said}\n\n```{language}\n{shown}\n```")
    return "\n\n".join(parts)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    sys.exit(replace("docs/design.md", "walk", text(), check=parser.parse_args().check))
