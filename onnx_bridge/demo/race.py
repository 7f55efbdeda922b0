"""Timing two engines fairly: in turns, so that what disturbs the machine disturbs both, and by their best round."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

#: Runs something so many times and says how many seconds that took.
Loop = Callable[[int], float]


def race(loops: Mapping[str, Loop], *, rounds: int = 7, seconds: float = 0.02) -> dict[str, float]:
    """The seconds of one call, for each loop the least of `rounds` rounds of about `seconds`, the loops by turns."""
    numbers = {name: _number(loop, seconds) for name, loop in loops.items()}
    best = dict.fromkeys(loops, float("inf"))
    for _ in range(rounds):
        for name, loop in loops.items():
            best[name] = min(best[name], loop(numbers[name]) / numbers[name])
    return best


def _number(loop: Loop, seconds: float) -> int:
    """How many calls take about `seconds`."""
    number = 1
    while (spent := loop(number)) < seconds / 4:
        number *= 4
    return max(1, round(number * seconds / spent))


def onnxruntime_session(model: Any) -> Any:
    """An InferenceSession of onnxruntime on a model (a path or bytes), on one thread."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def onnxruntime_loop(session: Any, feeds: Mapping[str, np.ndarray]) -> Loop:
    """A loop of calls from Python with inputs and outputs bound before it: the least that Python can ask of onnxruntime."""
    import onnxruntime

    binding = session.io_binding()
    for name, array in feeds.items():
        binding.bind_cpu_input(name, np.ascontiguousarray(array))
    for output, value in zip(session.get_outputs(), session.run(None, dict(feeds)), strict=True):
        binding.bind_ortvalue_output(output.name, onnxruntime.OrtValue.ortvalue_from_numpy(value))

    def loop(number: int) -> float:
        run = session.run_with_iobinding
        begin = time.perf_counter()
        for _ in range(number):
            run(binding)
        return time.perf_counter() - begin

    return loop


def empty_call_seconds() -> float:
    """What a call of onnxruntime costs when the model does next to nothing: one number, negated."""
    from onnx import TensorProto, helper

    one = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Neg", ["x"], ["y"])], "empty", one[:1], one[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    loop = onnxruntime_loop(onnxruntime_session(model.SerializeToString()), {"x": np.zeros(1, np.float32)})
    return race({"empty": loop})["empty"]
