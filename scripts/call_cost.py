"""What a call from Python costs beyond the network itself: microseconds, the least of many rounds.

    python scripts/call_cost.py [MODEL.onnx ...]

Without models it takes a small dense network. Each is called through Python's C API and through ctypes (where Python.h is not there),
with and without memory for the outputs, positionally and by `run`, and, for comparison, in onnxruntime. "network" is a call in a loop
of C++, on the same buffers; what stands beside the others is what they take more than that.
"""

from __future__ import annotations

import argparse
import timeit
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from onnx_bridge import CompiledModel, convert
from onnx_bridge.runtime.callers import CtypesCaller


def small_network() -> onnx.ModelProto:
    """x [N, 16] -> dense 16, Relu -> dense 1."""
    rng = np.random.default_rng(0)
    weights = {name: rng.normal(size=shape).astype(np.float32) for name, shape in {"a": (16, 16), "b": (16, 1)}.items()}
    nodes = [helper.make_node(op, read, [made]) for op, read, made in (("MatMul", ["x", "a"], "m"), ("Relu", ["m"], "r"))]
    nodes.append(helper.make_node("MatMul", ["r", "b"], ["y"]))
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", width]) for name, width in (("x", 16), ("y", 1))]
    constants = [numpy_helper.from_array(value, name) for name, value in weights.items()]
    graph = helper.make_graph(nodes, "small", ends[:1], ends[1:], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def least(call: Callable[[], object], rounds: int = 300, seconds: float = 0.001) -> float:
    """Microseconds of a call, the least of some rounds that take about so many seconds each."""
    timer = timeit.Timer(call)
    number = max(1, int(seconds / max(min(timer.repeat(5, 20)) / 20, 1e-7)))
    return min(timer.repeat(rounds, number)) / number * 1e6


def ways(net: CompiledModel, feeds: dict[str, np.ndarray]) -> dict[str, Callable[[], object]]:
    """The ways of calling a net."""
    args = tuple(feeds.values())
    out = list(net.run(feeds))
    memory = out[0] if len(out) == 1 else out
    return {"net(x)": lambda: net(*args), "net(x, out=y)": lambda: net(*args, out=memory), "net.run": lambda: net.run(feeds)}


def measure(model: onnx.ModelProto, name: str) -> None:
    """Prints the lines of a model."""
    net = convert(model, name=name, verify=False).compile()
    by_ctypes = convert(model, name=name, verify=False).compile()
    by_ctypes._caller = CtypesCaller(by_ctypes._library, by_ctypes._emitted)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    feeds = {
        value.name: np.zeros([dim.dim_value or 1 for dim in value.type.tensor_type.shape.dim],
                             helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type))
        for value in model.graph.input if value.name not in {t.name for t in model.graph.initializer}
    }  # fmt: skip
    number = max(1, int(1e-3 / max(net.time(feeds, 10) / 10, 1e-9)))
    network = min(net.time(feeds, number) for _ in range(300)) / number * 1e6
    print(f"{name:<24} network        {network:8.3f}")
    for what, each in (("C API", net), ("ctypes", by_ctypes)):
        for way, call in ways(each, feeds).items():
            if type(each._caller).__name__ == "CtypesCaller" and what == "C API":
                print(f"{'':<24} {what}: not here (no Python.h)")
                break
            spent = least(call)
            print(f"{'':<24} {what + ' ' + way:<21} {spent:8.3f}  + {spent - network:.3f}")
    spent = least(lambda: session.run(None, feeds))
    print(f"{'':<24} {'onnxruntime':<21} {spent:8.3f}  + {spent - network:.3f}")
    empty = least(lambda: None)
    print(f"{'':<24} {'(an empty function)':<21} {empty:8.3f}")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", type=Path)
    files = parser.parse_args().models
    for file in files:
        measure(onnx.load(file), file.stem)
    if not files:
        measure(small_network(), "small")


if __name__ == "__main__":
    main()
