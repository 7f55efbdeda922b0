"""What exporters put around recurrent layers costs nothing: states of zeros, transposes, directions put side by side."""

from __future__ import annotations

import pytest
from chains import Chain, Net, build, chain, check

_RUNS = [{"x": (3, 5, 4)}, {"x": (1, 1, 4)}]
_W = "float[1, 12, 4] w, float[1, 12, 3] r, float[1, 24] b"
_ZEROS = "float zero = {0.0}, int64[1] one = {1}, int64[1] three = {3}, int64[1] last = {-1}, int64[1] first = {0}"

CHAINS = (
    chain(
        "keras_lstm",  # time to the front and back, states of zeros as long as the batch is
        f"""agraph (float[B, T, 4] x) => (y) <{_W}, {_ZEROS}, float[1, 1, 1] nothing = {{0.0}}, int64 axis = {{0}}> {{
            s = Shape(x)  n = Gather<axis = 0>(s, first)  shape = Concat<axis = 0>(one, n, three)  h = Expand(nothing, shape)
            t = Transpose<perm = [1, 0, 2]>(x)
            all, last_h, last_c = LSTM<hidden_size = 3>(t, w, r, b, , h, h)
            flat = Squeeze(all, one)
            y = Transpose<perm = [1, 0, 2]>(flat)
        }}""",
        _RUNS,
        "",
        must="LSTM",
    ),
    chain(
        "torch_gru",  # one direction of several states cut out of zeros; Y with its directions as units
        """agraph (float[B, T, 4] x) => (y, last_h) <float[2, 9, 4] w, float[2, 9, 3] r, float[2, 18] b,
            int64[1] two = {2}, int64[1] four = {4}, int64[1] three = {3}, int64[1] first = {0}, int64[3] whole = {0, 0, 6}> {
            s = Shape(x)  n = Gather<axis = 0>(s, first)  shape = Concat<axis = 0>(four, n, three)  zeros = ConstantOfShape(shape)
            h = Slice(zeros, first, two, first)
            t = Transpose<perm = [1, 0, 2]>(x)
            all, last_h = GRU<hidden_size = 3, direction = "bidirectional", linear_before_reset = 1>(t, w, r, b, , h)
            beside = Transpose<perm = [0, 2, 1, 3]>(all)
            joined = Reshape(beside, whole)
            y = Transpose<perm = [1, 0, 2]>(joined)
        }""",
        _RUNS,
        "",
        must="GRU",
    ),
    chain(
        "keras_bidirectional",  # the directions cut apart and put side by side
        """agraph (float[B, T, 4] x) => (y) <float[2, 3, 4] w, float[2, 3, 3] r, float[2, 6] b,
            int64[1] zero = {0}, int64[1] one = {1}, int64[1] two = {2}> {
            t = Transpose<perm = [1, 0, 2]>(x)
            all = RNN<hidden_size = 3, direction = "bidirectional">(t, w, r, b)
            f0 = Slice(all, zero, one, one)  f = Squeeze(f0, one)  b0 = Slice(all, one, two, one)  g = Squeeze(b0, one)
            joined = Concat<axis = 2>(f, g)
            y = Transpose<perm = [1, 0, 2]>(joined)
        }""",
        _RUNS,
        "",
        must="RNN",
    ),
    chain(
        "stacked",  # what one layer writes transposed the next one reads as it lies
        """agraph (float[B, T, 4] x) => (y) <float[1, 3, 4] w, float[1, 3, 3] r, float[1, 3, 3] w2, float[1, 3, 3] r2, int64[1] one = {1}> {
            t = Transpose<perm = [1, 0, 2]>(x)  a = RNN<hidden_size = 3>(t, w, r)  s = Squeeze(a, one)  h = Transpose<perm = [1, 0, 2]>(s)
            t2 = Transpose<perm = [1, 0, 2]>(h)  a2 = RNN<hidden_size = 3>(t2, w2, r2)  s2 = Squeeze(a2, one)
            y = Transpose<perm = [1, 0, 2]>(s2)
        }""",
        _RUNS,
        "Squeeze",
        must="RNN",
    ),
    chain(
        "cut",  # every other step of some of the inputs
        """agraph (float[T, B, 9] x) => (y) <float[1, 3, 4] w, float[1, 3, 3] r,
            int64[2] begin = {1, 3}, int64[2] end = {100, 7}, int64[2] axes = {0, 2}, int64[2] steps = {2, 1}> {
            c = Slice(x, begin, end, axes, steps)
            y = RNN<hidden_size = 3>(c, w, r)
        }""",
        [{"x": (7, 2, 9)}, {"x": (2, 1, 9)}],
        "",
        must="RNN",
    ),
    chain(
        "transposed_inputs",  # the inputs of a step lie apart: they are brought together first
        """agraph (float[T, 4, B] x) => (y) <float[1, 3, 4] w, float[1, 3, 3] r> {
            c = Transpose<perm = [0, 2, 1]>(x)
            y = RNN<hidden_size = 3>(c, w, r)
        }""",
        [{"x": (5, 4, 2)}, {"x": (1, 4, 1)}],
        "",
        must="RNN Transpose",
    ),
    chain(
        "read_twice",  # Y is an output as it is, too
        """agraph (float[T, B, 4] x) => (y, z) <float[1, 3, 4] w, float[1, 3, 3] r> {
            y = RNN<hidden_size = 3>(x, w, r)
            z = Transpose<perm = [2, 0, 1, 3]>(y)
        }""",
        [{"x": (5, 2, 4)}, {"x": (1, 1, 4)}],
        "",
        must="RNN Transpose",
    ),
    chain(
        "some_state",  # not zeros
        """agraph (float[T, B, 4] x) => (y) <
            float[1, 3, 4] w, float[1, 3, 3] r, float[1, 1, 3] h0, int64[1] one = {1}, int64[1] three = {3}> {
            s = Shape<start = 1, end = 2>(x)  shape = Concat<axis = 0>(one, s, three)  h = Expand(h0, shape)
            y = RNN<hidden_size = 3>(x, w, r, , , h)
        }""",
        [{"x": (5, 2, 4)}, {"x": (1, 1, 4)}],
        "",
        must="RNN Expand",
    ),
)


@pytest.fixture(scope="module")
def nets() -> dict[str, Net]:
    """Every chain, converted and compiled."""
    return build(CHAINS)


@pytest.mark.parametrize("each", CHAINS, ids=lambda each: each.name)
def test_recurrence(each: Chain, nets: dict[str, Net]) -> None:
    """The layer alone is left, where it can be, and gives onnxruntime's answers at all sizes."""
    check(each, nets[each.name])


def test_states_of_zeros_are_no_inputs(nets: dict[str, Net]) -> None:
    """Whatever they are made of."""
    for name in ("keras_lstm", "torch_gru"):
        assert "Expand" not in nets[name].left and "ConstantOfShape" not in nets[name].left
