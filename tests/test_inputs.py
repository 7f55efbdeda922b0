"""Drawn inputs: what they mean is told by where they go, and they are drawn as that at every size."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import onnx
import pytest
from zoo import Net

from onnx_bridge import convert
from onnx_bridge.errors import InferenceError
from onnx_bridge.ir.meaning import Meaning
from onnx_bridge.ir.rmodel import RModel
from onnx_bridge.references.refusal import Refusal
from onnx_bridge.verify.inputs import KINDS, feeds
from onnx_bridge.verify.meanings import _STEPS

I32, I64, U8, BOOL = onnx.TensorProto.INT32, onnx.TensorProto.INT64, onnx.TensorProto.UINT8, onnx.TensorProto.BOOL


def lowered(net: Net, tensor: str) -> RModel:
    """The model that gives a tensor; its meanings are those of the graph before the passes."""
    graph = net.graph()
    graph.output.append(onnx.helper.make_empty_tensor_value_info(tensor))
    opset = onnx.helper.make_opsetid("", net.opset)
    return convert(onnx.helper.make_model(graph, opset_imports=[opset], ir_version=9), verify=False).model


def drawn(model: RModel, name: str, **sizes: int) -> Iterator[np.ndarray]:
    """An input of each kind, of two seeds."""
    for kind in KINDS:
        for seed in (0, 1):
            values = feeds(model, sizes, kind, seed)[name]
            assert values.dtype == model.tensor(name).dtype.numpy
            yield values


def every(model: RModel, name: str, **sizes: int) -> np.ndarray:
    """All elements that are drawn, flat."""
    return np.concatenate([values.reshape(-1) for values in drawn(model, name, **sizes)])


# ---- indices


def through(net: Net, index: str, how: str) -> str:
    """An index on its way to what it points into: 7 rows, of which the model may add 3 to it, or the like."""
    if how == "as it is":
        return index
    if how == "shifted":
        return net("Add", index, net.constant(3))
    if how == "from the end":
        return net("Sub", net.constant(6), index)
    if how == "scaled":
        return net("Mul", index, net.constant(3))
    if how == "divided":
        return net("Div", index, net.constant(2))
    if how == "moved about":
        halves = net("Concat", net("Unsqueeze", index, net.constant([0])), net.constant([[0, 1, 2]]), axis=1)
        return net("Slice", net("Transpose", halves, perm=[1, 0]), net.constant([0]), net.constant([2]))
    if how == "chosen":
        small = net("Less", index, net.constant(2))
        return net("Where", small, net("Add", index, net.constant(5)), index)
    assert how == "in another type"
    return net("Cast", net("Cast", index, to=onnx.TensorProto.FLOAT), to=I32)


@pytest.mark.parametrize(
    ("how", "least", "most"),
    [("as it is", 0, 6), ("shifted", -3, 3), ("from the end", 0, 6), ("scaled", 0, 2), ("divided", 0, 12), ("moved about", 0, 6),
     ("in another type", 0, 6)],
)  # fmt: skip
def test_indices(how: str, least: int, most: int) -> None:
    net = Net("net")
    model = lowered(net, net("Gather", net.weight(7, 2), through(net, net.input("i", ("N",), I64), how)))

    values = every(model, "i", N=40)
    assert values.min() == least and values.max() == most


def test_indices_that_the_model_wraps() -> None:
    net = Net("net")
    index = net.input("i", ("N",), I64)
    wrapped = net("Where", net("Less", index, net.constant(0)), net("Add", index, net.constant(7)), index)
    model = lowered(net, net("Gather", net.weight(7, 2), wrapped))

    values = every(model, "i", N=40)
    assert values.min() == -7 and values.max() == 6


def test_indices_of_two_inputs_that_are_added() -> None:
    net = Net("net")
    sum_ = net("Add", net("Mul", net.input("i", ("N",), I64), net.constant(10)), net.input("j", ("N",), I64))
    model = lowered(net, net("Gather", net.weight(60, 2), sum_))

    for kind in KINDS:
        given = feeds(model, {"N": 40}, kind, 0)
        assert 0 <= (10 * given["i"] + given["j"]).min() <= (10 * given["i"] + given["j"]).max() < 60


Gathering = Callable[[Net, str, str], str]

#: Operators that take indices i into x, [rows, 3].
POINTING: dict[str, Gathering] = {
    "Gather": lambda net, x, i: net("Gather", x, net("Squeeze", i, net.constant([1]))),
    "GatherElements": lambda net, x, i: net("GatherElements", x, i),
    "GatherND": lambda net, x, i: net("GatherND", x, i),
    "ScatterElements": lambda net, x, i: net("ScatterElements", x, i, net("Cast", i, to=onnx.TensorProto.FLOAT), reduction="add"),
    "ScatterND": lambda net, x, i: net("ScatterND", x, i, net("GatherND", x, i), reduction="add"),
}


@pytest.mark.parametrize("op", POINTING)
def test_indices_into_an_open_axis(op: str) -> None:
    """They follow it, whatever its size is."""
    net = Net("net")
    model = lowered(net, POINTING[op](net, net.input("x", ("rows", 3)), net.input("i", ("edges", 1), I64)))

    for rows, edges in ((1, 1), (3, 2), (17, 40)):
        values = every(model, "i", rows=rows, edges=edges)
        assert values.min() == 0 and values.max() == rows - 1


def test_codes_of_a_written_out_one_hot() -> None:
    net = Net("net")
    rows = net("Unsqueeze", net.input("i", ("N",), I32), net.constant([1]))
    hot = net("Equal", rows, net.constant(np.arange(30)[None], np.int32))
    model = lowered(net, net("MatMul", net("Cast", hot, to=onnx.TensorProto.FLOAT), net.weight(30, 2)))

    values = every(model, "i", N=40)
    assert values.min() == 0 and values.max() == 29


def test_one_hot() -> None:
    net = Net("net")
    hot = net("OneHot", net.input("i", ("N",), I64), net.constant([9]), net.constant([0, 1], np.float32))
    model = lowered(net, hot)

    assert set(every(model, "i", N=99)) == set(range(9))


def test_indices_in_a_branch() -> None:
    net, inner = Net("net"), Net("branch")
    index = net.input("i", ("N",), I64)
    branch = inner.graph(chosen=(inner("Gather", inner.weight(4, 2), index), onnx.TensorProto.FLOAT, ("N", 2)))
    other = Net("other").graph(rest=(net("Gather", net.weight(6, 2), index), onnx.TensorProto.FLOAT, ("N", 2)))
    net.nodes.append(onnx.helper.make_node("If", [net.input("flag", (), BOOL)], ["made"], then_branch=branch, else_branch=other))
    model = lowered(net, "made")

    assert every(model, "i", N=40).max() == 3
    assert {bool(value) for value in drawn(model, "flag", N=1)} == {True, False}


def test_indices_that_a_loop_carries() -> None:
    """The one that is handed on from turn to turn, a half of it each time, points into 5 rows."""
    net, inner = Net("net"), Net("body")
    inner.input("turn", (), I64)
    goes_on = inner.input("goes_on", (), BOOL)
    place = inner.input("place", ("N",), I64)
    body = inner.graph(
        still=(goes_on, BOOL, ()),
        next=(inner("Div", place, inner.constant(2)), I64, ("N",)),
        row=(inner("Gather", inner.weight(5, 2), place), onnx.TensorProto.FLOAT, ("N", 2)),
    )
    net.nodes.append(onnx.helper.make_node("Loop", [net.constant(3), "", net.input("i", ("N",), I64)], ["last", "rows"], body=body))
    model = lowered(net, "rows")

    values = every(model, "i", N=40)
    assert values.min() == 0 and values.max() == 4


# ---- lengths


def test_lengths() -> None:
    net = Net("net")
    x = net.input("x", ("T", "B", 3))
    _, h = net.many(
        "GRU", x, net.weight(1, 12, 3), net.weight(1, 12, 4), net.weight(1, 24), net.input("lengths", ("B",), I32), outputs=2, hidden_size=4
    )
    model = lowered(net, h)

    for size in (1, 5):
        values = every(model, "lengths", T=size, B=30)
        assert values.min() == 1 and values.max() == size


def test_lengths_that_are_sorted_first() -> None:
    """As PyTorch's packed sequences are: the sequences are put into the order of their lengths."""
    net = Net("net")
    lengths = net.input("lengths", ("B",), I64)
    ordered, places = net.many("TopK", lengths, net("Shape", lengths), axis=0, outputs=2)
    x = net("Gather", net.input("x", (5, "B", 3)), places, axis=1)
    model = lowered(net, net("ReverseSequence", x, ordered, time_axis=0, batch_axis=1))
    values = every(model, "lengths", B=4)

    assert values.min() >= 1 and values.max() == 5


@pytest.mark.parametrize("op", ["Div", "Mod"])
def test_whole_numbers_are_not_divided_by_zero(op: str) -> None:
    net = Net("net")
    model = lowered(net, net(op, net.input("a", ("N",), I64), net.input("b", ("N",), I64)))

    assert every(model, "b", N=30).min() == 1


@pytest.mark.parametrize("inverted", [False, True])
def test_lengths_beside_places(inverted: bool) -> None:
    """A mask that a model makes of lengths."""
    net = Net("net")
    x = net.input("x", ("B", "T"))
    size = net("Gather", net("Shape", x), net.constant(1))
    places = net("Unsqueeze", net("Range", net.constant(0), size, net.constant(1)), net.constant([0]))
    lengths = net("Unsqueeze", net.input("lengths", ("B",), I64), net.constant([1]))
    mask = net("Less", places, lengths) if not inverted else net("GreaterOrEqual", places, lengths)
    model = lowered(net, net("Where", mask, x, net.constant(-1e9, np.float32)))

    values = every(model, "lengths", B=30, T=5)
    assert values.min() == 1 and values.max() == 5


def test_offsets() -> None:
    """Bags of rows, as EmbeddingBag is exported: each place lies in the bag that begins before it, where the next does not."""
    net = Net("net")
    x = net.input("x", ("T",))
    places = net("Range", net.constant(0), net("Squeeze", net("Shape", x)), net.constant(1))
    begin = net.input("begin", ("bags",), I64)
    end = net("Concat", net("Slice", begin, net.constant([1]), net.constant([1 << 40])), net("Shape", x), axis=0)
    after = net("GreaterOrEqual", places, net("Unsqueeze", begin, net.constant([1])))
    inside = net("And", after, net("Less", places, net("Unsqueeze", end, net.constant([1]))))
    model = lowered(net, net("MatMul", net("Cast", inside, to=onnx.TensorProto.FLOAT), net("Unsqueeze", x, net.constant([1]))))

    for values in drawn(model, "begin", T=9, bags=5):
        assert values[0] == 0 and (np.diff(values) >= 0).all() and values[-1] <= 9
    assert every(model, "begin", T=9, bags=5).max() > 4


# ---- masks

SCORES = ("B", 2, "T")


def masked(net: Net, how: str) -> str:
    """Scores, those of what the mask does not keep being very small."""
    scores = net.input("scores", SCORES)
    if how == "1 - mask, times -1e4":
        mask = net("Cast", net.input("mask", ("B", "T"), I64), to=onnx.TensorProto.FLOAT)
        rest = net("Sub", net.constant(1, np.float32), net("Unsqueeze", mask, net.constant([1])))
        return net("Add", scores, net("Mul", rest, net.constant(-1e4, np.float32)))
    if how == "(mask - 1) times 1e9":
        mask = net.input("mask", ("B", 1, "T"))
        return net("Add", scores, net("Mul", net("Sub", mask, net.constant(1, np.float32)), net.constant(1e9, np.float32)))
    if how == "kept":
        mask = net("Unsqueeze", net("Cast", net.input("mask", ("B", "T"), I64), to=BOOL), net.constant([1]))
        return net("Where", mask, scores, net.constant(-np.inf, np.float32))
    if how == "left out":
        mask = net("Equal", net.input("mask", ("B", 1, "T"), I32), net.constant(0, np.int32))
        return net("Where", mask, net.constant(-3e38, np.float32), scores)
    if how == "ignored":
        mask = net("Unsqueeze", net.input("mask", ("B", "T"), BOOL), net.constant([1]))
        return net("Where", mask, net.constant(-1e9, np.float32), scores)
    assert how == "not ignored"
    mask = net("And", net("Not", net.input("mask", ("B", 1, "T"), BOOL)), net.constant([[[True]]], np.bool_))
    return net("Where", mask, scores, net.constant(-1e9, np.float32))


MASKS = {"1 - mask, times -1e4": 1, "(mask - 1) times 1e9": 1, "kept": 1, "left out": 1, "ignored": 0, "not ignored": 0}


@pytest.mark.parametrize("how", MASKS)
def test_masks_keep_something_in_every_row(how: str) -> None:
    """What is kept comes first, as tokenizers pad, and is never nothing."""
    net = Net("net")
    model = lowered(net, net("Softmax", masked(net, how)))
    kept, lengths = MASKS[how], set[int]()

    for size in (1, 6):
        for values in drawn(model, "mask", B=9, T=size):
            rows = values.reshape(-1, size) == kept
            assert set(np.unique(values)) <= {0, 1}
            assert rows[:, 0].all() and (np.diff(rows.astype(int), axis=1) <= 0).all()
            lengths |= set(rows.sum(1))
    assert lengths == {1, 2, 3, 4, 5, 6}


def test_a_mask_whose_sums_are_positions() -> None:
    """As in OPT: what is kept is counted, times the mask, and that many rows there are of the table; the mask itself is no index."""
    net = Net("positions")
    mask = net.input("mask", ("N", "T"), I64)
    count = net("Mul", net("CumSum", mask, net.constant(1)), mask)
    rows = net("Gather", net.constant(np.arange(66.0), np.float32), net("Add", net("Sub", count, net.constant(1)), net.constant(2)))
    model = lowered(net, net("Where", net("Cast", mask, to=BOOL), rows, net.constant(-1e9, np.float32)))

    assert set(every(model, "mask", N=3, T=9)) == {0, 1}


def test_a_mask_of_queries_and_keys() -> None:
    net = Net("net")
    heads = net.input("q", ("B", 1, "S", 8)), net.input("k", ("B", 1, "T", 8))
    net.opset = 23
    model = lowered(net, net("Attention", *heads, heads[1], net.input("mask", ("S", "T"), BOOL)))

    for values in drawn(model, "mask", B=1, S=5, T=4):
        assert values.any(1).all()


def test_features_that_are_compared_with_zero_are_no_mask() -> None:
    """As a Masking layer does: rows of zeros are left out."""
    net = Net("net")
    x = net.input("x", ("N", 5))
    there = net("Cast", net("Not", net("Equal", x, net.constant(0, np.float32))), to=onnx.TensorProto.FLOAT)
    model = lowered(net, net("MatMul", net("Mul", x, there), net.weight(5, 2)))

    assert len(set(every(model, "x", N=30))) > 100


# ---- numbers


def test_bytes_are_bytes() -> None:
    net = Net("net")
    model = lowered(net, net("Cast", net.input("image", ("N", 9), U8), to=onnx.TensorProto.FLOAT))

    values = every(model, "image", N=99)
    assert values.min() == 0 and values.max() == 255 and len(set(values)) > 250


def test_codes_that_choose() -> None:
    """A sampling rate that a branch compares, and another."""
    net = Net("net")
    rate = net("Equal", net.input("rate", (), I64), net.constant(16000))
    x = net.input("x", ("N", 3))
    model = lowered(net, net("Where", rate, x, net("Neg", x)))

    assert set(every(model, "rate", N=1)) == {16000, 16001}


def test_numbers_that_no_float_holds_are_compared() -> None:
    """x times a large number, several times over, is beyond every float: what it is compared with is compared all the same."""
    net = Net("net")
    x = net.input("x", ("N", 3), onnx.TensorProto.INT64)
    for _ in range(40):
        x = net("Mul", x, net.constant(1 << 30))
    model = lowered(net, net("Cast", net("Greater", x, net.constant(0)), to=onnx.TensorProto.FLOAT))

    assert model.meanings["x"].codes == set()


def test_counts_and_what_is_hashed() -> None:
    net = Net("net")
    counts = net("Cast", net.input("counts", ("N",), I64), to=onnx.TensorProto.FLOAT)
    rows = net("Mod", net.input("ids", ("N",), I64), net.constant(50))
    model = lowered(net, net("Add", net("Gather", net.weight(50), rows), net("Exp", counts)))

    assert set(every(model, "counts", N=99)) == set(range(10))
    assert every(model, "ids", N=99).max() > 1000


def test_the_same_seed_draws_the_same() -> None:
    net = Net("net")
    model = lowered(net, net("Softmax", masked(net, "kept")))
    a, b = (feeds(model, {"B": 3, "T": 7}, "normal", 4) for _ in range(2))

    assert all(np.array_equal(a[name], b[name]) for name in a)
    assert not np.array_equal(a["scores"], feeds(model, {"B": 3, "T": 7}, "normal", 5)["scores"])


def test_integers_of_an_operator_that_is_not_known_are_safe(monkeypatch: pytest.MonkeyPatch) -> None:
    """They may be indices, if the first input is of another type."""
    monkeypatch.delitem(_STEPS, "GatherElements")
    net = Net("net")
    model = lowered(net, net("GatherElements", net.weight(2, 3), net.input("i", ("N", 3), I64)))

    assert set(every(model, "i", N=9)) == {0, 1}


def test_what_nothing_tells_is_safe() -> None:
    model = lowered(net := Net("net"), net("Identity", net.input("i", ("N",), I64)))

    assert model.meanings["i"] == Meaning() and set(every(model, "i", N=9)) == {0, 1}


@pytest.mark.parametrize(("shape", "said"), [((2**20, 2**22), "more than the"), ((0, 2**62), "more than any array can have")])
def test_inputs_that_no_memory_holds_are_refused(shape: tuple[int, int], said: str) -> None:
    """The model only asks how large they are, so that its header needs none of them."""
    net = Net("net")
    sizes = net("Shape", net.input("x", shape))
    model = lowered(net, sizes)

    with pytest.raises(Refusal, match=said):
        feeds(model, {}, "normal", 1)
    with pytest.raises(InferenceError, match="nothing could be compared.*input 'x' of shape"):
        convert(net.model(y=(sizes, I64, [2])), name="net")
