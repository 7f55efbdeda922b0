"""One CompiledModel for many: threads, copies, other processes, Dask. Every answer has the bits that one thread alone gets."""

from __future__ import annotations

import copy
import ctypes
import multiprocessing
import pickle
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from models import model_of
from onnx import TensorProto, helper, numpy_helper

import onnx_bridge
from onnx_bridge import CompiledModel
from onnx_bridge.runtime.library import NO_MEMORY

THREADS, CALLS = 8, 500


@pytest.fixture(scope="module")
def conversion() -> onnx_bridge.Conversion:
    """x [N, T, 8] -> y [N, T, 8]: its tensors lie in the workspace, so that a shared one would be seen."""
    rng = np.random.default_rng(0)
    nodes = []
    for i, (a, b) in enumerate([("x", "h"), ("h", "g"), ("g", "y")]):
        nodes += [helper.make_node("MatMul", [a, "w"], [f"m{i}"]), helper.make_node("Softmax", [f"m{i}"], [b], axis=1)]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", "T", 8]) for name in "xy"]
    weights = [numpy_helper.from_array(rng.normal(size=(8, 8)).astype(np.float32), "w")]
    return onnx_bridge.convert(model_of(helper.make_graph(nodes, "shared", ends[:1], ends[1:], weights)), verify=False)


@pytest.fixture(scope="module")
def net(conversion: onnx_bridge.Conversion) -> CompiledModel:
    return conversion.compile()


def drawn(count: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, 5, 8)).astype(np.float32)


@pytest.mark.parametrize("counts", [[4], [1, 7, 3, 64, 2]], ids=["same sizes", "different sizes"])
def test_threads_share_one_net(net: CompiledModel, counts: list[int]) -> None:
    inputs = [drawn(counts[i % len(counts)], i) for i in range(THREADS)]
    wanted = [net(x).tobytes() for x in inputs]

    def wrong(turn: int) -> int:
        orders = range(CALLS)
        return sum(net(inputs[(turn + i) % THREADS]).tobytes() != wanted[(turn + i) % THREADS] for i in orders)

    with ThreadPoolExecutor(THREADS) as pool:
        assert list(pool.map(wrong, range(THREADS))) == [0] * THREADS


def test_there_are_no_more_workspaces_than_calls_at_a_time(net: CompiledModel) -> None:
    for count in (3, 50, 1, 50):
        net(drawn(count, count))

    assert 1 <= net._caller.idle() <= THREADS


def test_threads_have_workspaces_of_their_own_where_nobody_keeps_any(net: CompiledModel) -> None:
    """The function that numba calls: sizes, inputs and outputs one by one."""
    here = net._library.function("here", ctypes.c_int, [ctypes.c_void_p, *[ctypes.c_int64] * 2, *[ctypes.c_void_p] * 2])

    def call(count: int) -> bool:
        x = drawn(count, count)
        y = np.empty_like(x)
        status = here(net._library.model, count, 5, x.ctypes.data, y.ctypes.data)
        return bool(status == 0 and y.tobytes() == net(x).tobytes())

    with ThreadPoolExecutor(THREADS) as pool:
        assert all(pool.map(call, [1, 30, 2, 7, 64, 3] * 20))
    assert here(net._library.model, 2**62, 2**62, None, None) == NO_MEMORY


def test_an_error_in_one_thread_is_no_error_in_another(net: CompiledModel) -> None:
    x = drawn(3, 0)
    wanted = net(x).tobytes()

    def call(i: int) -> bytes:
        if i % 2:
            with pytest.raises(onnx_bridge.InferenceError):
                net(x[0])
        return bytes(net(x).tobytes())

    with ThreadPoolExecutor(THREADS) as pool:
        assert set(pool.map(call, range(100))) == {wanted}


def test_copies_are_the_net_itself(conversion: onnx_bridge.Conversion, net: CompiledModel) -> None:
    x = drawn(2, 1)
    short_lived = conversion.compile()
    copies = [copy.copy(short_lived), copy.deepcopy([short_lived])[0]]
    del short_lived

    assert [made(x).tobytes() for made in copies] == [net(x).tobytes()] * 2


def test_a_pickled_net_answers_the_same(conversion: onnx_bridge.Conversion, net: CompiledModel) -> None:
    x = drawn(2, 2)
    pickled = pickle.dumps(net)

    assert pickle.loads(pickled)(x).tobytes() == net(x).tobytes()
    assert len(pickled) < len(conversion.header) + len(conversion.weights) + 5000  # no RModel, no plan
    assert pickle.loads(pickle.dumps(conversion.compile(body="baseline"))).__dask_tokenize__()[-2] == "baseline"


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # test runners have threads; the children here only compute
@pytest.mark.parametrize("start", ["spawn", "fork"])
def test_other_processes(net: CompiledModel, start: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Spawned with an empty cache they build the library there; forked they have the one that is loaded."""
    inputs = [drawn(n, n) for n in (1, 5, 2)]
    wanted = [net(x).tobytes() for x in inputs]
    if start == "spawn":
        monkeypatch.setenv("ONNX_BRIDGE_CACHE", str(tmp_path))
    with ProcessPoolExecutor(2, multiprocessing.get_context(start)) as pool:
        assert [y.tobytes() for y in pool.map(net, inputs)] == wanted
    if start == "spawn":
        assert len(list(tmp_path.glob("*/model.so"))) == 3  # the net, the caller through the C API, the question what the processor can run


@pytest.mark.parametrize("scheduler", ["threads", "processes"])
def test_dask_maps_it_over_blocks(net: CompiledModel, scheduler: str) -> None:
    array = pytest.importorskip("dask.array", reason="Dask comes with the extra 'test'")
    x = drawn(1000, 3)

    blocks = array.from_array(x, chunks=(96, 5, 8)).map_blocks(net, dtype=np.float32)

    assert blocks.compute(scheduler=scheduler, num_workers=4).tobytes() == net(x).tobytes()
    assert blocks.name == array.from_array(x, chunks=(96, 5, 8)).map_blocks(copy.copy(net), dtype=np.float32).name


def test_they_say_what_they_are_in_a_line(conversion: onnx_bridge.Conversion, net: CompiledModel) -> None:
    assert repr(net) == f"<CompiledModel {conversion.name}(x: float32 [N, T, 8]) -> y: float32 [N, T, 8]>"
    assert repr(conversion) == f"<Conversion {conversion.name}: 6 operators, {len(conversion.weights)} bytes of weights, not verified>"
