"""A net inside functions that numba compiles: the same bits, no Python on the way, threads of numba's own, refusals that say why."""

from __future__ import annotations

import gc
import pickle
import warnings
from typing import Any

import numpy as np
import pytest

numba = pytest.importorskip("numba", reason="numba comes with the environment `engines`")

from small_nets import compiled, drawn, score  # noqa: E402 - after the test whether there is numba

from onnx_bridge import CompiledModel  # noqa: E402


@pytest.fixture(scope="module")
def net() -> CompiledModel:
    return score()


def test_it_is_called_as_in_python(net: CompiledModel) -> None:
    """By position, by name, and into memory that is there; a view with strides is copied, as in Python."""
    x = drawn(5, 4)
    room = np.empty((5, 1), np.float32)

    @numba.njit
    def called(x: Any, room: Any) -> Any:
        return net(x), net(x=x), net(x[::-1]), net(x, out=room)

    by_place, by_name, backwards, there = called(x, room)
    wanted = net(x).tobytes()
    assert by_place.tobytes() == by_name.tobytes() == there.tobytes() == room.tobytes() == wanted
    assert backwards.tobytes() == net(x[::-1]).tobytes()


def test_it_may_be_an_argument(net: CompiledModel) -> None:
    @numba.njit
    def called(network: Any, x: Any) -> Any:
        return network(x)

    assert called(net, drawn(3, 4)).tobytes() == net(drawn(3, 4)).tobytes()
    assert called(pickle.loads(pickle.dumps(net)), drawn(3, 4)).tobytes() == net(drawn(3, 4)).tobytes()


def test_each_of_numbas_threads_has_its_workspace(net: CompiledModel) -> None:
    """Events of different sizes, so that workspaces grow while others compute."""
    x, lengths = drawn(4000, 4), np.random.default_rng(1).integers(0, 9, 500)
    starts = np.concatenate([[0], np.cumsum(lengths)])

    @numba.njit(parallel=True)
    def all_events(x: Any, starts: Any) -> Any:
        y = np.empty((len(x), 1), np.float32)
        for i in numba.prange(len(starts) - 1):
            net(x[starts[i] : starts[i + 1]], y[starts[i] : starts[i + 1]])
        return y

    got = all_events(x, starts)
    for first, last in zip(starts, starts[1:], strict=False):
        assert got[first:last].tobytes() == net(x[first:last]).tobytes()


def test_sizes_are_told_by_formulas_and_values() -> None:
    """A dim that is 2 * N + 1 of what another dim is, several outputs, a size that is an input's value."""
    text = """ends (float[N, 3] x, float[N, P] mask, int64 count) => (float[N] sums, float[M, P] rows)
    { axis = Constant <value = int64[1] {1}> ()
      sums = ReduceSum <keepdims = 0> (x, axis)
      once = ReduceSum <keepdims = 1> (mask, zero)
      one = Constant <value = int64[1] {1}> ()
      counts = Reshape(count, one)
      repeats = Concat <axis = 0> (counts, one)
      rows = Tile(once, repeats) }"""
    net = compiled(text, zero=np.array([0]))
    x, mask, count = drawn(4, 3), drawn(4, 5), np.array(3)

    @numba.njit
    def called(x: Any, mask: Any, count: Any) -> Any:
        return net(x, mask, count)

    sums, rows = called(x, mask, count)
    wanted = net(x, mask, count)
    assert rows.shape == wanted["rows"].shape == (3, 5)
    assert sums.tobytes() == wanted["sums"].tobytes() and rows.tobytes() == wanted["rows"].tobytes()
    with pytest.raises(ValueError, match="input 'mask' has another shape than float32"):
        called(x, mask[:2], count)
    with pytest.raises(ValueError, match="input 'count' is a size, but is negative"):
        called(x, mask, np.array(-1))


@pytest.mark.parametrize(
    ("x", "says"),
    [
        (drawn(5, 4).astype(np.float64), r"input 'x' is array\(float64, 2d, C\), expected an array of float32 \[N, 4\]"),
        (drawn(4), r"input 'x' is array\(float32, 1d, C\), expected an array of float32 \[N, 4\]"),
        (1.5, "input 'x' is float64, expected an array of float32"),
    ],
    ids=["type", "rank", "number"],
)
def test_what_it_does_not_take_is_refused_when_it_is_compiled(net: CompiledModel, x: Any, says: str) -> None:
    @numba.njit
    def called(x: Any) -> Any:
        return net(x)

    with pytest.raises(numba.core.errors.TypingError, match=says):
        called(x)


def test_shapes_are_refused_when_it_runs(net: CompiledModel) -> None:
    @numba.njit
    def called(x: Any, room: Any) -> Any:
        return net(x, room)

    with pytest.raises(ValueError, match="input 'x' has another shape than float32 .N, 4. asks for"):
        called(drawn(5, 3), np.empty((5, 1), np.float32))
    with pytest.raises(ValueError, match="output 'y' has another shape than float32 .N, 1. asks for"):
        called(drawn(5, 4), np.empty((4, 1), np.float32))
    memory = np.ones(20, np.float32)
    with pytest.raises(ValueError, match="output 'y' shares memory with an input"):
        called(memory.reshape(5, 4), memory[15:].reshape(5, 1))
    assert (memory == 1).all()


def test_what_data_decides_is_refused() -> None:
    net = compiled("found (float[N] x) => (int64[1, K] places) { places = NonZero(x) }")

    @numba.njit
    def called(x: Any) -> Any:
        return net(x)

    with pytest.raises(Exception, match="found has sizes that data decides, which cannot be used inside a function that numba compiles"):
        called(drawn(5))


def test_compiled_code_outlives_the_net() -> None:
    """It has the model's address in it; and numba must not keep that from one process to the next."""
    net = score(3)
    wanted = net(drawn(2, 3)).tobytes()

    def made(net: CompiledModel) -> Any:
        @numba.njit
        def called(x: Any) -> Any:
            return net(x)

        called(drawn(2, 3))
        return called

    called = made(net)
    del net
    gc.collect()
    assert called(drawn(2, 3)).tobytes() == wanted


def test_it_is_not_cached_in_files(net: CompiledModel) -> None:
    @numba.njit(cache=True)
    def called(x: Any) -> Any:
        return net(x)

    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        called(drawn(2, 4))
    assert any("dynamic globals" in str(each.message) for each in said)
