"""What a call from Python takes and gives: the quick way by a plan, the slow way that checks, memory of the caller's, arrays of others.

Both quick ways, through Python's C API and through ctypes, are held to the slow one.
"""

from __future__ import annotations

import copy
import inspect
import pickle
import sys
import sysconfig
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from models import dense_net, model_of
from onnx import TensorProto, helper, numpy_helper
from zoo import Net

from onnx_bridge import CompiledModel, InferenceError, ToolchainError, convert
from onnx_bridge.runtime import callers, signature
from onnx_bridge.runtime.callers import CtypesCaller, c_api
from onnx_bridge.runtime.outputs import Outputs


def both_ways(net: CompiledModel) -> Iterator[CompiledModel]:
    """The net as it is, and without Python's C API; each has met no shapes."""
    yield net
    other = pickle.loads(pickle.dumps(net))
    other._caller = CtypesCaller(other._library, other._emitted)
    yield other


def slow(net: CompiledModel) -> CompiledModel:
    """The net without a quick way."""
    other: CompiledModel = pickle.loads(pickle.dumps(net))
    other._caller = None
    return other


def two_in_two_out() -> CompiledModel:
    """a [N, 2], b [N, M] -> sum [N, 2], twice [N, M]."""
    nodes = [helper.make_node("Add", ["a", "a"], ["sum"], "one"), helper.make_node("Add", ["b", "b"], ["twice"], "two")]
    shapes = {"a": ["N", 2], "b": ["N", "M"], "sum": ["N", 2], "twice": ["N", "M"]}
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()]
    return convert(model_of(helper.make_graph(nodes, "two", ends[:2], ends[2:])), name="two_calls", verify=False).compile()


@pytest.fixture(scope="module")
def dense() -> CompiledModel:
    """x [N, 3] -> y [N, 2]."""
    return convert(dense_net(), name="dense_calls", verify=False).compile()


@pytest.fixture(scope="module")
def two() -> CompiledModel:
    return two_in_two_out()


@pytest.fixture(params=["C API", "ctypes"])
def net(request: pytest.FixtureRequest, dense: CompiledModel) -> CompiledModel:
    """x [N, 3] -> y [N, 2], by each quick way."""
    return list(both_ways(dense))[request.param == "ctypes"]


@pytest.fixture(params=["C API", "ctypes"])
def pair(request: pytest.FixtureRequest, two: CompiledModel) -> CompiledModel:
    return list(both_ways(two))[request.param == "ctypes"]


def rows(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, 3)).astype(np.float32)


# ---- the quick way


def test_the_c_api_is_what_is_used(dense: CompiledModel) -> None:
    if c_api() is None:
        pytest.skip("there is no Python.h here")
    assert type(dense._caller).__name__ == "Caller" and not isinstance(dense._caller, CtypesCaller)


def test_a_method_in_c_is_the_method(dense: CompiledModel) -> None:
    """It looks as Python's does, may be fetched and called later, and calls Python's where it has no answer."""
    assert list(inspect.signature(dense.run).parameters) == ["feeds", "out", "cast"]
    assert "Runs the model" in (type(dense).__call__.__doc__ or "") and "by name" in (type(dense).run.__doc__ or "")
    x, call, run = rows(3), dense.__call__, dense.run
    for _ in range(2):
        assert call(x).tobytes() == run({"x": x})[0].tobytes() == CompiledModel.__call__(dense, x=x).tobytes()
        assert run(feeds={"x": x}, cast=True)[0].tobytes() == call(x).tobytes()
    for wrong in (lambda: CompiledModel.__call__(), lambda: run(), lambda: run({"x": x}, 1, 2), lambda: run({"x": x}, unknown=1)):
        with pytest.raises(TypeError):
            wrong()


def test_a_shape_that_was_met_needs_no_checking(net: CompiledModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sizes are solved once for each shape, and what answers then is the quick way alone."""
    solved: list[tuple[int, ...]] = []
    real = signature.solve
    monkeypatch.setattr(signature, "solve", lambda emitted, arrays, bounds: solved.append(arrays[0].shape) or real(emitted, arrays, bounds))
    wanted = {n: net(rows(n)).tobytes() for n in (101, 102)}
    assert solved == [(101, 3), (102, 3)]

    monkeypatch.setattr(CompiledModel, "_checked_run", lambda *_: pytest.fail("the slow way was taken"))
    for n in (101, 102, 101):
        assert net(rows(n)).tobytes() == net(x=rows(n)).tobytes() == net.run({"x": rows(n)})["y"].tobytes() == wanted[n]
    assert net(np.asfortranarray(rows(101))[:, :].copy()).tobytes() == wanted[101]
    assert len(solved) == 2


def test_several_inputs_and_outputs(pair: CompiledModel) -> None:
    slowly = slow(pair)
    for n, m in [(3, 5), (0, 5), (3, 0), (3, 5), (5, 3), (3, 5)]:
        a, b = np.full((n, 2), 2, np.float32), rows(n * m).reshape(n, m, 3)[..., 0].copy()
        wanted = slowly(a, b)
        for outputs in (pair(a, b), pair(a, b=b), pair(b=b, a=a), pair.run({"b": b, "a": a}), pair.run({"b": b, "a": a}, out=None)):
            assert type(outputs) is Outputs and outputs.keys() == ["sum", "twice"]
            assert [(y.shape, y.tobytes()) for y in outputs] == [(y.shape, y.tobytes()) for y in wanted]
    outputs = pair(a, b)
    assert pickle.loads(pickle.dumps(outputs))["twice"].tobytes() == copy.copy(outputs)["twice"].tobytes() == wanted["twice"].tobytes()


def test_nothing_is_kept_of_a_call(pair: CompiledModel) -> None:
    """No reference to what was given or made, whether the call is answered, refused, or left to the slow way."""
    a, b, twice = np.ones((3, 2), np.float32), np.ones((3, 5), np.float32), np.zeros((3, 5), np.float32)
    held = (a, b, twice, twice.dtype, pair._caller, "twice", Outputs)

    def turn() -> None:
        pair(a, b), pair(a, b=b), pair.run({"a": a, "b": b}), pair(a, b, out={"twice": twice}), pair(a[::2], b[::2])
        for wrong in ((a, b[:2]), (a,), (a, b, b)):
            with pytest.raises(InferenceError):
                pair(*wrong)

    turn()
    before = [sys.getrefcount(thing) for thing in held]
    for _ in range(50):
        turn()
    assert [after - known for after, known in zip([sys.getrefcount(thing) for thing in held], before, strict=True)] == [0] * len(held)


def test_more_shapes_than_plans_are_kept_for(net: CompiledModel) -> None:
    x = rows(700)
    wanted = [net(x[:n]).tobytes() for n in range(700)]

    assert [net(x[:n]).tobytes() for n in reversed(range(700))] == wanted[::-1]


def test_values_that_are_sizes_are_part_of_a_plan() -> None:
    """The same shapes with other values are another plan."""
    ends = [helper.make_tensor_value_info(name, TensorProto.INT64, shape) for name, shape in (("n", []), ("y", ["N"]))]
    numbers = [numpy_helper.from_array(np.array(value), f"c{value}") for value in (0, 1)]
    graph = helper.make_graph([helper.make_node("Range", ["c0", "n", "c1"], ["y"])], "range", ends[:1], ends[1:], numbers)
    for net in both_ways(convert(model_of(graph), name="range_calls", verify=False).compile()):
        for n in (3, 5, 3, 0, 5):
            assert net(np.array(n)).tolist() == list(range(n))
        with pytest.raises(InferenceError, match="'n' is a size, but -1"):
            net(np.array(-1))


def test_a_size_that_data_decides_is_told_each_time() -> None:
    """The shape of an output is not the plan's."""
    net = Net("turns")
    x, body = net.input("x", (2,)), Net("body")
    body.input("turn", (), TensorProto.INT64), body.input("on", (), TensorProto.BOOL)
    twice = body("Add", body.input("now", (2,)), "now")
    low = body("Less", body("ReduceSum", twice, keepdims=0), body.constant(100, np.float32))
    graph = body.graph(goes_on=(low, TensorProto.BOOL, ()), next=(twice, 1, (2,)), seen=(twice, 1, (2,)))
    _, path = net.many("Loop", net.constant(9), net.constant(True, np.bool_), x, outputs=2, body=graph)
    made = convert(net.model(path=(path, 1, ("T", 2))), name="turns_calls", verify=False).compile()

    assert [len(made(np.full(2, start, np.float32))) for start in (50, 1, 50, 20)] == [1, 6, 1, 2]


def test_threads_share_each_way(net: CompiledModel) -> None:
    inputs = [rows(n, n) for n in (1, 7, 3, 64, 2)]
    wanted = [net(x).tobytes() for x in inputs]

    def wrong(turn: int) -> int:
        return sum(net(inputs[(turn + i) % 5]).tobytes() != wanted[(turn + i) % 5] for i in range(500))

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(wrong, range(8))) == [0] * 8
    assert net._caller.idle() <= 8


def test_a_long_call_lets_other_threads_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """With an interval in which Python takes the GIL from nobody, another thread runs only if the call gives it away."""
    net = Net("long")
    x = net.input("x", ("N", 256))
    for _ in range(4):
        x = net("MatMul", x, net.weight(256, 256))
    made = convert(net.floats(y=(x, ("N", 256))), name="long_calls", verify=False).compile()
    x = np.zeros((500, 256), np.float32)
    made(x)
    interval, go, ran = sys.getswitchinterval(), threading.Lock(), []
    go.acquire()

    def other() -> None:
        with go:
            ran.append(True)

    thread = threading.Thread(target=other)
    thread.start()
    sys.setswitchinterval(1000)
    try:
        go.release()
        made(x)
        assert ran
    finally:
        sys.setswitchinterval(interval)
        thread.join()


def test_without_pythons_headers(monkeypatch: pytest.MonkeyPatch, dense: CompiledModel) -> None:
    """Where Python.h is not there, or cannot be compiled, ctypes does it; where arrays keep their address elsewhere, the slow way."""
    monkeypatch.setattr(callers, "build", lambda *_, **__: (_ for _ in ()).throw(ToolchainError("none")))
    assert c_api.__wrapped__() is None
    monkeypatch.undo()
    monkeypatch.setattr(sysconfig, "get_paths", lambda: {"include": "/nowhere", "platinclude": "/nowhere"})
    monkeypatch.setattr(callers, "c_api", c_api.__wrapped__)
    assert isinstance(callers.caller_for(dense._library, dense._emitted), CtypesCaller)
    monkeypatch.setattr(callers, "data_offset", lambda: 0)
    assert callers.caller_for(dense._library, dense._emitted) is None


# ---- memory of the caller's


def test_outputs_can_be_written_to_memory_that_is_there(net: CompiledModel) -> None:
    for x in (rows(4), rows(4, 1), np.asfortranarray(rows(4, 2))):
        wanted, y = net(x).tobytes(), np.full((4, 2), 7, np.float32)

        for call in (lambda x=x, y=y: net(x, out=y), lambda x=x, y=y: net(x=x, out=[y]), lambda x=x, y=y: net(x, out={"y": y})):
            y[:] = 7
            assert call() is y and y.tobytes() == wanted
        y[:] = 7
        assert net.run({"x": x}, out=y)["y"] is y and y.tobytes() == wanted


def test_some_of_several_outputs(pair: CompiledModel) -> None:
    a, b, twice = np.ones((3, 2), np.float32), np.ones((3, 5), np.float32), np.zeros((3, 5), np.float32)
    for _ in range(2):
        for out in ({"twice": twice}, [None, twice], (None, twice), {"sum": None, "twice": twice}):
            twice[:] = 0
            outputs = pair(a, b, out=out)
            assert outputs["twice"] is twice and (twice == 2).all() and (outputs["sum"] == 2).all()


SEVEN = np.full((4, 2), 7, np.float32)


@pytest.mark.parametrize(
    ("out", "says"),
    [
        (SEVEN.astype(np.float64), r"'y' is float64 \[4, 2\], expected float32 \[4, 2\]"),
        (SEVEN.astype(">f4"), "'y' is >f4"),
        (SEVEN[:3], r"'y' is float32 \[3, 2\], expected float32 \[4, 2\]"),
        (SEVEN.reshape(8), r"'y' is float32 \[8\]"),
        (np.asfortranarray(SEVEN), "'y' must be writeable, aligned, and its elements neighbours"),
        (np.repeat(SEVEN, 2, 0)[::2], "elements neighbours"),
        (np.broadcast_to(np.float32(7), (4, 2)), "writeable"),
        ([SEVEN, SEVEN], r"has 1 outputs \(y\), and memory for 2"),
        ({"z": SEVEN}, "no output is called 'z'"),
        ([[7.0, 7.0]] * 4, "memory for 4"),
        ({"y": [[7.0, 7.0]] * 4}, "'y' is a list, expected an array of numpy"),
    ],
)
def test_memory_that_does_not_fit_is_refused(net: CompiledModel, out: Any, says: str) -> None:
    """And nothing is written."""
    for _ in range(2):
        with pytest.raises(InferenceError, match=says):
            net(rows(4), out=out)
    assert (np.asarray(SEVEN) == 7).all()


def test_memory_is_no_reason_for_the_slow_way(dense: CompiledModel) -> None:
    """Without the C API neither, where there is one input and one output; what does not fit is left to the slow way, which says so."""
    caller, x, y = CtypesCaller(dense._library, dense._emitted), rows(4), np.empty((4, 2), np.float32)
    assert caller(x, out=y) is None  # there is no plan yet
    net = pickle.loads(pickle.dumps(dense))
    net._caller = caller = CtypesCaller(net._library, net._emitted)
    wanted = net(x)

    assert caller(x, out=y) is y and y.tobytes() == wanted.tobytes()
    memory = np.zeros(20, np.float32)
    fixed = np.zeros((4, 2), np.float32)
    fixed.flags.writeable = False
    for other in (y[:3], y.astype(np.float64), np.asfortranarray(y), fixed, [y], None):
        assert caller(x, out=other) is None
    assert caller(memory[:12].reshape(4, 3), out=memory[10:18].reshape(4, 2)) is None
    assert caller(x, room=y) is None and not fixed.any()


def test_memory_must_not_overlap(pair: CompiledModel) -> None:
    memory = np.ones(40, np.float32)
    a, b = memory[:6].reshape(3, 2), memory[6:21].reshape(3, 5)
    for _ in range(2):  # before there is a plan, and with it
        with pytest.raises(InferenceError, match="out: 'twice' shares memory with input 'a'"):
            pair(a, b, out={"twice": memory[5:20].reshape(3, 5)})
        with pytest.raises(InferenceError, match="out: 'sum' shares memory with input 'b'"):
            pair(a, b, out={"sum": memory[20:26].reshape(3, 2)})
        with pytest.raises(InferenceError, match="out: 'twice' shares memory with output 'sum'"):
            pair(a, b, out=[memory[21:27].reshape(3, 2), memory[25:40].reshape(3, 5)])
        pair(a, b)
    assert (memory == 1).all()


def test_an_input_may_be_called_out() -> None:
    """Then the word means the input; `run` takes memory all the same."""
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N"]) for name in ("out", "cast", "y")]
    graph = helper.make_graph([helper.make_node("Add", ["out", "cast"], ["y"])], "words", ends[:2], ends[2:])
    one, two, y = (np.full(3, value, np.float32) for value in (1, 2, 0))
    for net in both_ways(convert(model_of(graph), name="words_calls", verify=False).compile()):
        for _ in range(2):
            assert net(out=one, cast=two).tolist() == net(one, cast=two).tolist() == [3, 3, 3]
            assert net.run({"out": one, "cast": two}, out=y)[0] is y


# ---- other types


@pytest.mark.parametrize("wider", [np.float64, ">f4", np.float16, ml_dtypes.bfloat16, np.int64, np.bool_])
def test_other_types_are_rounded_where_that_is_asked_for(net: CompiledModel, wider: Any) -> None:
    x = (rows(4) * 10).astype(wider)
    wanted = net(x.astype(np.float32)).tobytes()
    y = np.empty((4, 2), np.float32)

    for _ in range(2):
        with pytest.raises(InferenceError, match="'x' is .*, expected float32; give it as float32, or call with cast=True"):
            net(x)
        assert net(x, cast=True).tobytes() == net.run({"x": x}, cast=True)[0].tobytes() == wanted
        assert net(x, cast=True, out=y) is y and y.tobytes() == wanted


def test_what_a_cast_would_lose_is_refused(net: CompiledModel) -> None:
    with pytest.raises(InferenceError, match="float64 and holds values beyond float32"):
        net(np.full((1, 3), 1e300), cast=True)
    with pytest.raises(InferenceError, match="'x' is complex64, expected float32$"):
        net(np.ones((1, 3), np.complex64), cast=True)
    assert np.isnan(net(np.full((1, 3), np.nan), cast=True)).all()


def test_lists_of_different_lengths_are_refused(net: CompiledModel) -> None:
    with pytest.raises(InferenceError, match=r"input 'x' is a builtins list that is no array of float32 \[N, 3\] \(.*inhomogeneous"):
        net([[1, 2, 3], [4]])


def test_integers_keep_their_values() -> None:
    ends = [helper.make_tensor_value_info(name, TensorProto.INT32, ["N"]) for name in "xy"]
    graph = helper.make_graph([helper.make_node("Neg", ["x"], ["y"])], "negative", ends[:1], ends[1:])
    for net in both_ways(convert(model_of(graph), name="negative_calls", verify=False).compile()):
        for _ in range(2):
            assert net(np.array([1, 2])).tolist() == net([1, 2]).tolist() == [-1, -2]
        for cast in (False, True):
            with pytest.raises(InferenceError, match="'x' is int64, expected int32, and holds values that are none of it"):
                net(np.array([2**40]), cast=cast)
            with pytest.raises(InferenceError, match="'x' is float32, expected int32$"):
                net(np.ones(1, np.float32), cast=cast)


# ---- arrays of others


class Foreign:
    """An array of somebody who speaks DLPack and nothing else."""

    def __init__(self, array: np.ndarray, device: int = 1) -> None:
        self.array, self.device, self.reads = array, device, 0

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.device, 0

    def __dlpack__(self, **options: Any) -> Any:
        self.reads += 1
        if self.device != 1:
            raise BufferError("not here")
        return self.array.__dlpack__(**{key: value for key, value in options.items() if key != "copy"})


def test_dlpack_in_and_out(net: CompiledModel) -> None:
    x = rows(4)
    wanted = net(x).tobytes()
    for _ in range(2):
        foreign = Foreign(x)
        assert net(foreign).tobytes() == net(x=foreign).tobytes() == wanted and foreign.reads == 2
    assert np.from_dlpack(net(x)).tobytes() == wanted
    with pytest.raises(InferenceError, match=r"'x' is a test_calls Foreign on another device \(DLPack's number 2\): copy it to the CPU"):
        net(Foreign(x, device=2))
    with pytest.raises(InferenceError, match="'x' is float64, expected float32; give it as float32"):
        net(Foreign(x.astype(np.float64)))
    assert net(Foreign(x.astype(np.float64)), cast=True).tobytes() == wanted


def test_capsules_of_dlpack(net: CompiledModel) -> None:
    """Of each kind, read as often as one likes, in any order of elements; one that was consumed is refused."""
    x = rows(4)
    wanted, y = net(x).tobytes(), np.zeros((4, 2), np.float32)
    for options in ({}, {"max_version": (1, 0)} if np.lib.NumpyVersion(np.__version__) >= "2.1.0" else {}):
        for array in (x, np.asfortranarray(x), rows(8)[::2]):
            capsule = array.__dlpack__(**options)
            for _ in range(2):
                assert net(capsule).tobytes() == net(x=capsule).tobytes() == net(array).tobytes()
        held = sys.getrefcount(capsule)
        assert net(capsule, out=y.__dlpack__(**options)) is not None and net(rows(0).__dlpack__(**options)).shape == (0, 2)
        assert net(x.__dlpack__(**options), out=y).tobytes() == wanted and sys.getrefcount(capsule) == held
    with pytest.raises(InferenceError, match="'x' is float64, expected float32; give it as float32"):
        net(x.astype(np.float64).__dlpack__())
    capsule = x.__dlpack__()
    np.from_dlpack(type("Once", (), {"__dlpack__": lambda self, **_: capsule, "__dlpack_device__": lambda self: (1, 0)})())
    with pytest.raises(InferenceError, match="'x' is a builtins PyCapsule that cannot be read in place .*used already"):
        net(capsule)


def test_bfloat16_has_a_quick_way_too() -> None:
    """numpy has no such type of its own; bits are taken for the numbers that they are."""
    ends = [helper.make_tensor_value_info(name, TensorProto.BFLOAT16, ["N"]) for name in "xy"]
    graph = helper.make_graph([helper.make_node("Neg", ["x"], ["y"])], "halves", ends[:1], ends[1:])
    x = np.array([1, -2.5], ml_dtypes.bfloat16)
    for net in both_ways(convert(model_of(graph), name="bfloat16_calls", verify=False).compile()):
        for _ in range(2):
            assert net(x).tolist() == net(x.view(np.uint16)).tolist() == [-1, 2.5]
        assert net(np.array([1, -2.5]), cast=True).tolist() == net([1, -2.5]).tolist() == [-1, 2.5]
        assert net._caller is not None and net._caller(x).dtype == ml_dtypes.bfloat16
