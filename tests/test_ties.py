"""Positions of equal values: another one is as good; a position of another value is not."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import onnx
import pytest
from zoo import Net

from onnx_bridge import convert
from onnx_bridge.errors import VerificationError
from onnx_bridge.operators.arg_max import ArgMax
from onnx_bridge.references.ties import Ties
from onnx_bridge.verify import Oracle

F32, I64, I32 = onnx.TensorProto.FLOAT, onnx.TensorProto.INT64, onnx.TensorProto.INT32

#: Rows with ties: of the largest at 1 and 3; of the second largest at 0, 2 and 4; none.
X = np.array([[1, 5, 2, 5, 0], [3, 9, 3, 1, 3], [5, 4, 3, 2, 1]], np.float32)


def explained(make: Callable[[Net, str], str], got: object, kind: int = I64, x: np.ndarray = X) -> bool:
    """Whether `got` is as good as what onnxruntime answers; they must differ."""
    net = Net("net")
    model = net.model(y=(make(net, net.input("x", x.shape)), kind, ()))
    model.graph.output[0].type.tensor_type.ClearField("shape")
    feeds = {"x": x}
    (wanted,) = Oracle(model)(feeds)
    ours = np.asarray(got, wanted.dtype)
    assert ours.shape == wanted.shape and not np.array_equal(ours, wanted)
    ties = Ties(model)
    return ties.explain(0, feeds, ties.in_order(0, ours), ties.in_order(0, wanted))


def largest(**attributes: int) -> Callable[[Net, str], str]:
    return lambda net, x: net("ArgMax", x, axis=1, **attributes)


def best(k: int, **attributes: int) -> Callable[[Net, str], str]:
    return lambda net, x: net.many("TopK", x, net.constant([k]), outputs=2, **attributes)[1]


@pytest.mark.parametrize(
    ("make", "good", "bad"),
    [
        pytest.param(largest(), [[3], [1], [0]], [[3], [1], [1]], id="keepdims"),
        pytest.param(largest(keepdims=0), [3, 1, 0], [2, 1, 0], id="no keepdims"),
        pytest.param(largest(keepdims=0, select_last_index=1), [1, 1, 0], [1, 0, 0], id="the last one"),
        pytest.param(lambda net, x: net("ArgMin", net("Neg", x), axis=1, keepdims=0), [3, 1, 0], [3, 3, 0], id="ArgMin"),
        pytest.param(best(2), [[3, 1], [1, 4], [0, 1]], [[3, 1], [1, 3], [0, 1]], id="TopK"),
        pytest.param(best(2), [[1, 3], [1, 2], [0, 1]], [[1, 1], [1, 0], [0, 1]], id="one of them twice"),
        pytest.param(best(2), [[1, 3], [1, 2], [0, 1]], [[1, 3], [1, 5], [0, 1]], id="outside"),
        pytest.param(best(3, sorted=0), [[1, 2, 3], [1, 4, 2], [2, 1, 0]], [[1, 0, 3], [1, 4, 2], [2, 1, 0]], id="in any order"),
    ],
)
def test_positions(make: Callable[[Net, str], str], good: Sequence[object], bad: Sequence[object]) -> None:
    assert explained(make, good)
    assert not explained(make, bad)


def chained(net: Net, x: str) -> str:
    """The second best of each column, from the last column on, as a row of int32."""
    _, places = net.many("TopK", x, net.constant([2]), outputs=2, axis=0)
    second = net("Slice", places, net.constant([1]), net.constant([2]), net.constant([0]))
    turned = net("Transpose", net("Cast", second, to=I32), perm=[1, 0])
    return net("Gather", net("Reshape", turned, net.constant([-1])), net.constant([4, 3, 2, 1, 0]))


def test_positions_that_are_moved_about() -> None:
    """Each is judged by its own row: of the column 2 the second best is in the rows 1 and 2, of the others in one."""
    wanted = [2, 2, 2, 0, 1]

    assert explained(chained, [2, 2, 1, 0, 1], I32)
    for place, value in enumerate(wanted):
        wrong = [*wanted[:place], 0 if value else 1, *wanted[place + 1 :]]
        assert not explained(chained, wrong, I32)


@pytest.mark.parametrize(("kind", "survive"), [(I32, True), (onnx.TensorProto.INT8, False)], ids=["int32", "int8"])
def test_the_type_of_a_cast_is_found_by_name(kind: int, survive: bool) -> None:
    """Positions do not survive int8, which is not the first of these attributes."""
    net = Net("net", opset=19)
    places = net("ArgMax", net.input("x", X.shape), axis=1, keepdims=0)
    model = net.model(y=(net("Cast", places, saturate=1, to=kind), kind, (3,)))
    ours, wanted = np.array([[3, 1, 0], [1, 1, 0]], onnx.helper.tensor_dtype_to_np_dtype(kind))

    assert [a.name for a in model.graph.node[1].attribute] == ["saturate", "to"]
    assert Ties(model).explain(0, {"x": X}, ours, wanted) is survive


def test_scores_that_were_computed_tie_within_rounding() -> None:
    """Those that are given do not."""
    x = np.array([[1, 1 + 2e-7, 0]], np.float32)

    assert explained(lambda net, x: net("ArgMax", net("Softmax", x), axis=1), [[0]], x=x)
    assert not explained(lambda net, x: net("ArgMax", x, axis=1), [[0]], x=x)


def test_other_integers_are_exact() -> None:
    """What is calculated from positions, and what is none."""
    assert not explained(lambda net, x: net("Add", net("ArgMax", x, axis=1, keepdims=0), net.constant(1)), [4, 2, 1])
    assert not explained(lambda net, x: net("Cast", x, to=I64), X.astype(np.int64) + 1)


def test_values_in_any_order_are_sorted() -> None:
    net = Net("net")
    values, _ = net.many("TopK", net.input("x", ("N", 5)), net.constant([3]), outputs=2, sorted=0)
    ties = Ties(net.floats(y=(values, ("N", 3))))

    assert np.array_equal(ties.in_order(0, np.float32([[3, 1, 2], [7, 7, 1]])), np.float32([[1, 2, 3], [1, 7, 7]]))


def test_a_header_that_finds_the_last_of_equals(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is right, and the report says so; one that finds the smallest is not."""
    net = Net("net")
    model = net.model(y=(net("ArgMax", net.input("x", ("N", 6)), axis=1), I64, ("N", 1)))
    emit = ArgMax.emit

    def last(self: ArgMax, cpp: object) -> None:
        self.select_last_index = 1
        emit(self, cpp)  # type: ignore[arg-type]

    monkeypatch.setattr(ArgMax, "emit", last)
    made = convert(model, name="last")
    assert made.report.passed and made.report.rows[0].tied and "ok, ties" in made.report.table()
    assert "other positions where values tie" in made.header

    monkeypatch.setattr(ArgMax, "function", "arg_min")
    with pytest.raises(VerificationError, match="FAILS"):
        convert(model, name="last")


def test_pooling_what_was_unpooled_gives_it_again() -> None:
    """ONNX's words for MaxUnpool; where output_shape is not the smallest one, onnx's own case of it contradicts them."""
    net = Net("unpooled")
    pooled, places = net.many("MaxPool", net.input("x", (1, 2, 5, 7)), outputs=2, kernel_shape=[2, 2], strides=[2, 2])
    unpooled = net("MaxUnpool", pooled, places, net.constant([1, 2, 5, 7]), kernel_shape=[2, 2], strides=[2, 2])
    again = net("MaxPool", unpooled, kernel_shape=[2, 2], strides=[2, 2])
    model = net.floats(pooled=(pooled, (1, 2, 2, 3)), again=(again, (1, 2, 2, 3)), unpooled=(unpooled, (1, 2, 5, 7)))

    given = 1 + np.random.default_rng(3).random((1, 2, 5, 7), np.float32)
    first, second, whole = convert(model).compile().run({"x": given})

    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(whole[whole > 0], given[whole > 0])
