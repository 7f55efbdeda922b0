"""check_op: a case of an operator from ONNX to the header, static and symbolic, against onnxruntime. Many cases share one library."""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper

from onnx_bridge import convert
from onnx_bridge.custom import complete
from onnx_bridge.emit.header import Emitted
from onnx_bridge.operators.cases import Case, Data
from onnx_bridge.runtime.compiled import CompiledModel, only
from onnx_bridge.runtime.shim import MAIN, sources
from onnx_bridge.toolchain import build

#: The newest opset of ai.onnx that the oracle reads.
NEWEST = 22

#: Operators for which the oracle ends the whole process on empty inputs.
ABORTS_ON_EMPTY = {"Einsum", "GRU", "LSTM", "RNN", "Unique"}

#: Values that symbolic dims are run with, one after the other.
SIZES = (1, 3, 17, 0)


@dataclass
class Prepared:
    """A case with its model, header and inputs."""

    name: str
    case: Case
    model: onnx.ModelProto
    emitted: Emitted
    symbols: list[str]


def model_of(op_type: str, domain: str, case: Case, name: str) -> onnx.ModelProto:
    """The one-node model of a case."""
    inputs, initializers, names = [], [], []
    for key, described in case.inputs.items():
        if described is None:
            names.append("")
            continue
        names.append(key)
        kind = helper.np_dtype_to_tensor_dtype(np.dtype(described.dtype))
        if described.constant:
            initializers.append(numpy_helper.from_array(values(described, {}, f"{name}:{key}"), key))
        else:
            inputs.append(helper.make_tensor_value_info(key, kind, list(described.shape)))
    outputs = [f"y{i}" for i in range(case.outputs)]
    while names and not names[-1]:
        names.pop()
    attributes = {k: numpy_helper.from_array(v) if isinstance(v, np.ndarray) else v for k, v in case.attributes.items()}
    node = helper.make_node(op_type, names, outputs, domain=domain, name="node", **attributes)
    graph = helper.make_graph([node], name, inputs, [helper.make_empty_tensor_value_info(o) for o in outputs], initializers)
    opsets = [helper.make_opsetid("", case.opset if not domain and case.opset else NEWEST)]
    if domain:
        opsets.append(helper.make_opsetid(domain, case.opset or 1))
    model = helper.make_model(graph, opset_imports=opsets, ir_version=9)
    complete(model)  # the oracle knows a custom operator by its body
    return model


def values(described: Data, sizes: dict[str, int], seed: str) -> np.ndarray:
    """The values of an input."""
    if described.values is not None:
        return described.values
    shape = [sizes[s] if isinstance(s, str) else s for s in described.shape]
    rng = np.random.default_rng(zlib.crc32(f"{seed}{sizes}".encode()))
    dtype = np.dtype(described.dtype)
    if dtype.kind == "f" or dtype.name == "bfloat16":
        return np.asarray(rng.uniform(described.low, described.high, shape)).astype(dtype)
    return np.asarray(rng.integers(int(described.low), int(described.high), shape)).astype(dtype)


def prepare(op_type: str, domain: str, cases: Sequence[Case]) -> list[Prepared]:
    """The headers of some cases."""
    prepared = []
    for index, case in enumerate(cases):
        name = f"{op_type.lower()}_{index}"
        model = model_of(op_type, domain, case, name)
        emitted = convert(model, name=name, verify=False).emitted
        symbols = sorted({s for d in case.inputs.values() if d is not None for s in d.shape if isinstance(s, str)})
        prepared.append(Prepared(name, case, model, emitted, symbols))
    return prepared


#: Cases are built quickly, and without a warning.
FLAGS = (
    "-Og", "-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Wsign-conversion", "-Weffc++", "-Wfloat-equal", "-Werror",
)  # fmt: skip


def compile_all(prepared: Sequence[Prepared], flags: Sequence[str] = FLAGS) -> list[CompiledModel]:
    """One library for all the headers."""
    library = build(sources(*(p.emitted for p in prepared)), MAIN, flags=[only(), *flags])
    return [CompiledModel(p.emitted, str(library), "best") for p in prepared]


def feeds_of(prepared: Prepared) -> Iterator[dict[str, np.ndarray]]:
    """Inputs of a case, one set for each value of its symbolic dims."""
    for size in SIZES if prepared.symbols else (1,):
        if size == 0 and prepared.model.graph.node[0].op_type in ABORTS_ON_EMPTY:
            continue
        sizes = {s: size + 2 * i if size else 0 for i, s in enumerate(prepared.symbols)}
        yield {k: values(d, sizes, f"{prepared.name}:{k}") for k, d in prepared.case.inputs.items() if d is not None and not d.constant}


def oracle(model: onnx.ModelProto) -> onnxruntime.InferenceSession:
    """onnxruntime on a model, quiet, one thread."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def worst(got: np.ndarray, want: np.ndarray) -> float:
    """The largest difference, relative to the largest finite value; infinite where shapes, types, NaNs or infinities differ."""
    if got.shape != want.shape or got.dtype != want.dtype:
        return math.inf
    if want.dtype.kind != "f":
        return 0.0 if np.array_equal(got, want) else math.inf
    infinite = np.isinf(got) | np.isinf(want)
    if not np.array_equal(np.isnan(got), np.isnan(want)) or not np.array_equal(got[infinite], want[infinite]):
        return math.inf
    finite = np.isfinite(want)
    if not finite.any():
        return 0.0
    scale = max(float(np.abs(want[finite]).max()), 1e-30)
    return float(np.abs(got[finite].astype(np.float64) - want[finite].astype(np.float64)).max()) / scale


def check_op(op_type: str, domain: str, cases: Sequence[Case], tolerance: float = 1e-6) -> list[str]:
    """Runs the cases of an operator; returns what is wrong, a line each."""
    prepared = prepare(op_type, domain, cases)
    nets = compile_all(prepared)
    wrong = []
    for p, net in zip(prepared, nets, strict=True):
        session = oracle(p.model)
        for feeds in feeds_of(p):
            try:
                wanted = session.run(None, feeds)
            except Exception:
                if all(value.size for value in feeds.values()):
                    raise
                continue  # the oracle itself refuses empty inputs here
            got = net.run(feeds)
            for name, a, b in zip(net.output_names, got, wanted, strict=True):
                error = worst(a, np.asarray(b))
                if error > (0.0 if p.case.exact else tolerance):
                    shapes = {k: v.shape for k, v in feeds.items()}
                    types = f"{a.dtype}{a.shape} / {np.asarray(b).dtype}{np.asarray(b).shape}"
                    wrong.append(f"{p.name} {p.case.attributes} {shapes}: {name} {types}: {error:.3g}")
    return wrong
