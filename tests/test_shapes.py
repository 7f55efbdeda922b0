"""Shapes computed in the graph: chains of Shape, Gather, Slice, arithmetic and Where as exporters write them, gone after conversion."""

from __future__ import annotations

import numpy as np
import pytest
import zoo
from chains import Chain, Net, build, chain, check

from onnx_bridge import convert
from onnx_bridge.errors import InferenceError, UnsupportedModel
from onnx_bridge.ir import dims
from onnx_bridge.operators.slice import Cut, cut

N, S, P = dims.symbol("N"), dims.symbol("S"), dims.symbol("P")


CHAINS = (
    chain(
        "heads",  # x.view(x.size(0), x.size(1), 4, -1).transpose(1, 2)
        """agraph (float[B, T, 24] x) => (y) <
            int64 zero = {0},
            int64 one = {1},
            int64[1] front = {0},
            int64[1] four = {4},
            int64[1] rest = {-1}> {
            s0 = Shape(x)  b0 = Gather<axis=0>(s0, zero)  b = Unsqueeze(b0, front)
            s1 = Shape(x)  t0 = Gather<axis=0>(s1, one)  t = Unsqueeze(t0, front)
            shape = Concat<axis=0>(b, t, four, rest)
            r = Reshape(x, shape)
            y = Transpose<perm=[0, 2, 1, 3]>(r)
        }""",
        [{"x": (2, 3, 24)}, {"x": (1, 1, 24)}],
        "Reshape Transpose",
    ),
    chain(
        "expand_as",  # torch's expand: -1 keeps a size, found by Equal and Where over ConstantOfShape
        """agraph (float[1, T] x, float[B, T, D] like) => (y) <
            int64 rank = {3},
            int64[1] front = {0},
            int64 minus = {-1}> {
            s = Shape(like)  n = Unsqueeze(rank, front)
            ones = ConstantOfShape<value = int64[1] {1}>(n)
            u = Unsqueeze(x, front)
            t = Transpose<perm=[0, 2, 1]>(u)
            keep = Mul(ones, minus)
            isminus = Equal(s, keep)
            shape = Where(isminus, ones, s)
            y = Expand(t, shape)
        }""",
        [{"x": (1, 3), "like": (2, 3, 5)}, {"x": (1, 1), "like": (1, 1, 1)}],
        "Unsqueeze Transpose Expand",
    ),
    chain(
        "positions",  # an embedding of arange(T), then a triangular mask of T by T
        """agraph (float[B, T, 4] x) => (y, mask) <
            int64 one = {1},
            int64 zero = {0},
            int64[1] front = {0},
            float[40, 4] table> {
            s = Shape(x)  t = Gather<axis=0>(s, one)
            places = Range(zero, t, one)
            e = Gather<axis=0>(table, places)
            e1 = Unsqueeze(e, front)
            y = Add(x, e1)
            t1 = Unsqueeze(t, front)  square = Concat<axis=0>(t1, t1)
            full = ConstantOfShape<value = float[1] {-1.5}>(square)
            mask = Trilu<upper=1>(full, one)
        }""",
        [{"x": (2, 3, 4)}, {"x": (1, 40, 4)}, {"x": (2, 0, 4)}],
        "Range Gather Unsqueeze Pointwise ConstantOfShape Trilu",
    ),
    chain(
        "cached_mask",  # the rows from `past` on of a constant triangle, as GPT-2 was exported: S + P columns of it, then over the scores
        """agraph (float[S, T] scores, float[P, 2] past) => (y) <
            int64 zero = {0},
            int64[1] front = {0},
            int64[1] second = {1},
            float[16, 16] triangle> {
            s = Shape(scores)  n0 = Gather<axis=0>(s, zero)
            p = Shape(past)  p0 = Gather<axis=0>(p, zero)
            total = Add(n0, p0)
            begin0 = Sub(total, n0)  begin = Unsqueeze(begin0, front)  end = Unsqueeze(total, front)
            rows = Slice(triangle, begin, end, front)
            columns = Slice(rows, front, end, second)
            y = Mul(scores, columns)
        }""",
        [{"scores": (3, 5), "past": (2, 2)}, {"scores": (16, 16), "past": (0, 2)}, {"scores": (1, 9), "past": (8, 2)}],
        "Slice Pointwise",
        refused=[{"scores": (9, 17), "past": (8, 2)}],
    ),
    chain(
        "difference",  # torch.diff with the first element in front
        """agraph (float[B, T] x) => (y) <
            int64[1] zero = {0},
            int64[1] one = {1},
            int64[1] last = {-1},
            int64[1] far = {9223372036854775807}> {
            first = Slice(x, zero, one, one)
            longer = Concat<axis=1>(first, x)
            upper = Slice(longer, one, far, one)
            lower = Slice(longer, zero, last, one)
            d = Sub(upper, lower)
            y = Add(d, x)
        }""",
        [{"x": (2, 5)}, {"x": (3, 1)}],
        "Slice Concat Pointwise",
    ),
    chain(
        "round_up",  # padded at the end to a multiple of 8, cut into windows of 8
        """agraph (float[B, T] x) => (y) <
            int64 one = {1},
            int64 eight = {8},
            int64[1] front = {0},
            int64[3] zeros = {0, 0, 0},
            int64[3] windows = {0, -1, 8}> {
            s = Shape(x)  t = Gather<axis=0>(s, one)
            over = Mod(t, eight)  missing0 = Sub(eight, over)  missing1 = Mod(missing0, eight)
            missing = Unsqueeze(missing1, front)
            pads = Concat<axis=0>(zeros, missing)
            padded = Pad<mode="constant">(x, pads)
            y = Reshape(padded, windows)
        }""",
        [{"x": (2, 5)}, {"x": (1, 8)}, {"x": (2, 17)}],
        "Pad Reshape",
    ),
    chain(
        "halves",  # sizes computed by Split, ReduceProd, Div and Cast
        """agraph (float[B, T, 6] x) => (y, z) <
            int64 two = {2},
            int64[1] rest = {-1},
            int64[1] back = {0},
            int64[1] last = {2},
            int64[1] inner = {1}> {
            s = Shape(x)
            b, t, c = Split<axis=0, num_outputs=3>(s)
            short = Cast<to=6>(c)  long = Cast<to=7>(short)
            half = Div(long, two)
            y = Slice(x, back, half, last)
            whole = ReduceProd<keepdims=1>(s)
            per = Div(whole, long)
            shape = Concat<axis=0>(per, rest)
            z = Reshape(x, shape)
        }""",
        [{"x": (2, 5, 6)}, {"x": (1, 1, 6)}],
        "Slice Reshape Copy",
    ),
    chain(
        "from_first",  # nodes relative to the first one, spread over edges
        """agraph (float[M, 3] nodes, float[E, 3] edges) => (y) <int64[1] zero = {0}, int64[1] one = {1}> {
            first = Slice(nodes, zero, one, zero)
            y = Sub(edges, first)
        }""",
        [{"nodes": (5, 3), "edges": (7, 3)}, {"nodes": (1, 3), "edges": (1, 3)}],
        "Slice Pointwise",
        refused=[{"nodes": (0, 3), "edges": (2, 3)}],
    ),
    chain(
        "back_to_front",  # steps that are not one, on an axis whose size is open
        """agraph (float[T, 3] x) => (y, z) <
            int64[1] zero = {0},
            int64[1] last = {-1},
            int64[1] before = {-9223372036854775807},
            int64[1] back = {-1},
            int64[1] far = {1000000000},
            int64[1] two = {2}> {
            y = Slice(x, last, before, zero, back)
            z = Slice(x, zero, far, zero, two)
        }""",
        [{"x": (5, 3)}, {"x": (1, 3)}, {"x": (4, 3)}, {"x": (0, 3)}],
        "Slice",
    ),
)


@pytest.fixture(scope="module")
def nets() -> dict[str, Net]:
    """Every chain, converted and compiled."""
    return build(CHAINS)


@pytest.mark.parametrize("each", CHAINS, ids=lambda each: each.name)
def test_chain(each: Chain, nets: dict[str, Net]) -> None:
    """The arithmetic of shapes is gone, and what is left gives onnxruntime's answers at all sizes."""
    check(each, nets[each.name])


def test_cut_numbers() -> None:
    """Cuts of axes of known sizes are numpy's."""
    for size in range(5):
        for start in range(-7, 8):
            for end in range(-7, 8):
                for step in (1, 2, 3):
                    wanted = list(range(size))[start:end:step]
                    found = cut(size, start, end, step)
                    assert found.count == len(wanted), (size, start, end, step)
                    assert not wanted or found.start == wanted[0], (size, start, end, step)


@pytest.mark.parametrize("step", [1, 2, 3, -1, -2])
def test_cut_symbolic(step: int) -> None:
    """A cut of an axis of an open size is, at each size, the cut of that size."""
    for start in (*range(-4, 5), 2**31 - 1, -(2**63)):
        for end in (*range(-4, 5), 2**63 - 1, -(2**31)):
            conditions: list[dims.Size] = []
            with dims.assuming(conditions):
                found = cut(N, start, end, step)
            for size in range(8):
                wanted = cut(size, start, end, step)
                at = {"N": size}
                if any(dims.evaluate(condition, at) < 0 for condition in conditions):
                    assert wanted.count == 0  # one element was asked for, and there is none
                    continue
                assert dims.evaluate(found.count, at) == wanted.count, (start, end, size)
                assert wanted.count == 0 or dims.evaluate(found.start, at) == wanted.start, (start, end, size)


def test_cut_plain() -> None:
    """What people write is as plain as they think of it."""
    far = 2**63 - 1
    assert cut(N, 0, far, 1) == Cut(0, N)
    assert cut(N, -2, far, 1) == Cut(dims.maximum(0, N - 2), dims.minimum(2, N))
    assert cut(N + 3, 1, far, 1) == Cut(1, N + 2)
    assert cut(N + 3, 0, -1, 1) == Cut(0, N + 2)
    assert cut(N + P, P, N + P, 1) == Cut(P, N)
    assert cut(N + 9, -4, -2, 1) == Cut(N + 5, 2)


def test_cut_of_one() -> None:
    """One element of an axis of an open size is one, on the condition that it is there."""
    conditions: list[dims.Size] = []
    with dims.assuming(conditions):
        assert cut(N, -1, 2**63 - 1, 1) == Cut(N - 1, 1)
        assert cut(N, 0, 1, 1) == Cut(0, 1)
    assert conditions == [N - 1]


def test_plainer() -> None:
    """A minimum that only differs at 0 is not left over where that does not show."""
    assert dims.maximum(0, dims.minimum(dims.minimum(1, S) + S - 1, S)) == S
    assert dims.floor_div(dims.floor_div(N, 2) + 1, 3) == dims.floor_div(N + 2, 6)
    assert dims.evaluate(dims.maximum(0, S * dims.floor_div(9, dims.maximum(S, 1))), {"S": 0}) == 0  # as 9 / S it would divide by 0


def test_assumed() -> None:
    """Assumptions are used, recorded once, and dropped where others imply them."""
    conditions: list[dims.Size] = []
    with dims.assuming(conditions):
        dims.assume(N - 3)
        dims.assume(N - 2)
        dims.assume(N + 1)
        assert dims.maximum(N - 3, 0) == N - 3
    assert conditions == [N - 3]
    assert dims.maximum(N - 3, 0) != N - 3
    assert dims.essential([N - 2, N - 3]) == [N - 3]


def test_windows_have_room() -> None:
    """Two poolings by 2 of an open height: one condition on the height, where onnxruntime would take a window that hangs over the end."""
    net = zoo.Net("net")
    h = net("MaxPool", net.input("x", ("N", 2, "H", 8)), kernel_shape=[2, 2], strides=[2, 2])
    h = net("Conv", h, net.weight(3, 2, 3, 1), strides=[2, 1])
    made = convert(net.floats(y=(h, ("N", 3, "J", 4))), verify=False)

    assert made.model.conditions == [dims.symbol("H") - 6]
    with pytest.raises(InferenceError, match="H - 6 must not be negative"):
        made.compile()(np.zeros((1, 2, 5, 8), np.float32))


def test_convolutions_have_room() -> None:
    net = zoo.Net("net")
    h = net("Conv", net.input("x", ("N", 2, 2)), net.weight(3, 2, 3), strides=[2])

    with pytest.raises(UnsupportedModel, match="does not fit"):
        convert(net.floats(y=(h, ("N", 3, 1))), verify=False)


def test_reflections_have_room() -> None:
    net = zoo.Net("net")
    x = net.input("x", ("N", "T"))
    made = convert(net.floats(y=(net("Pad", x, net.constant([0, 3, 0, -1]), mode="reflect"), ("N", "U"))), verify=False)

    assert made.model.conditions == [dims.symbol("T") - 5]
