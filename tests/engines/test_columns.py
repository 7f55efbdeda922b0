"""Awkward arrays through a net: the answers lie where the numbers lay, with the bits that rows alone get."""

from __future__ import annotations

import numpy as np
import pytest

ak = pytest.importorskip("awkward", reason="awkward comes with the environment `engines`")

from small_nets import compiled, drawn, score  # noqa: E402 - after the test whether there is awkward

from onnx_bridge import CompiledModel, InferenceError  # noqa: E402
from onnx_bridge.engines import jagged  # noqa: E402

COUNTS = [3, 0, 1, 5, 0]


@pytest.fixture(scope="module")
def net() -> CompiledModel:
    return rowwise(4)


def rowwise(features: int, outputs: int = 1) -> CompiledModel:
    text = f"rows (float[N, {features}] x) => (float[N, {outputs}] y) {{ h = MatMul(x, w)  y = Tanh(h) }}"
    return compiled(text, w=drawn(features, outputs))


def lists(column: np.ndarray) -> ak.Array:
    return ak.unflatten(column, COUNTS)


def test_a_number_for_each_particle(net: CompiledModel) -> None:
    """Doubles, integers and numbers of the event among the columns."""
    rows = drawn(9, 4).astype(np.float64)
    rows[:, 2] = np.round(10 * rows[:, 2])
    met = np.arange(5) / 7
    rows[:, 3] = np.repeat(met, COUNTS)
    columns = [lists(rows[:, 0]), lists(rows[:, 1].astype(np.float32)), lists(rows[:, 2].astype(np.int64)), met]
    rows[:, 1] = rows[:, 1].astype(np.float32)

    got = jagged(net, columns)

    assert ak.num(got).to_list() == COUNTS and str(got.type) == "5 * var * float32"
    assert ak.to_numpy(ak.flatten(got)).tobytes() == net(rows.astype(np.float32)).tobytes()


def test_a_number_for_each_event(net: CompiledModel) -> None:
    rows = drawn(6, 4)
    got = jagged(net, list(rows.T))

    assert str(got.type) == "6 * float32" and ak.to_numpy(got).tobytes() == net(rows).tobytes()


def test_lists_of_lists_and_what_is_missing(net: CompiledModel) -> None:
    nested = ak.Array([[[0.5, 1.5], []], [], [[-1.0]], None, [[2.0, None]]])
    got = jagged(net, [nested, 1.0, nested, 2.0])
    rows = np.array([[v, 1, v, 2] for v in (0.5, 1.5, -1, 2)], np.float32)

    values = [float(v) for v in net(rows)[:, 0]]
    assert got.to_list() == [[values[:2], []], [], [[values[2]]], None, [[values[3], None]]]


@pytest.mark.parametrize("empty", [[], [[], []]], ids=["no event", "no particle"])
def test_nothing(net: CompiledModel, empty: list[object]) -> None:
    column = ak.values_astype(ak.Array(empty), np.float32)

    assert jagged(net, [column] * 4).to_list() == empty


def test_rows_of_numbers_are_lists() -> None:
    """One feature, three outputs."""
    net, column = rowwise(1, 3), drawn(9)
    got = jagged(net, [lists(column)])

    assert str(got.type) == "5 * var * 3 * float32"
    assert ak.to_numpy(ak.flatten(got)).tobytes() == net(column[:, np.newaxis]).tobytes()


def test_several_outputs_are_a_dict() -> None:
    net = compiled("ends (float[N, 2] x) => (float[N] sums, float[N, 2] y) { y = Tanh(x)  sums = ReduceSum <keepdims = 0> (x, one) }",
                   one=np.array([1]))  # fmt: skip
    rows = drawn(9, 2)
    got = jagged(net, [lists(column) for column in rows.T])

    assert list(got) == ["sums", "y"] and str(got["sums"].type) == "5 * var * float32"
    assert ak.to_numpy(ak.flatten(got["y"])).tobytes() == net(rows)["y"].tobytes()


def test_what_cannot_be_columns_is_refused(net: CompiledModel) -> None:
    column = lists(drawn(9))
    with pytest.raises(InferenceError, match="rows has 4 features a row, got 3 columns"):
        jagged(net, [column] * 3)
    with pytest.raises(InferenceError, match="cannot broadcast"):
        jagged(net, [column, column, column, ak.unflatten(drawn(9), COUNTS[::-1])])
    with pytest.raises(InferenceError, match="that is no array of float32 .N, 4. .*onnx_bridge.engines.jagged takes jagged arrays"):
        net(column)
    fixed = compiled("fixed (float[3, 4] x) => (float[3, 4] y) { y = Tanh(x) }")
    with pytest.raises(InferenceError, match="fixed takes x float32 .3, 4.; columns can be given to a network of one input"):
        jagged(fixed, [column] * 4)
    summed = compiled("summed (float[N, 4] x) => (float[1, 4] y) { y = ReduceMean <axes = [0]> (x) }")
    with pytest.raises(InferenceError, match="summed gives y float32 .1, 4."):
        jagged(summed, [column] * 4)


def test_a_batch_of_all_particles_is_one_call() -> None:
    """A softmax over the rows shows it."""
    net, rows = score(2), drawn(9, 2)
    got = jagged(net, [lists(column) for column in rows.T])

    assert ak.to_numpy(ak.flatten(got)).tobytes() == net(rows).tobytes()
