"""Sequences and optionals: taken apart at conversion as far as their lengths and shapes are known, read and written by tables beyond."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from onnx_bridge import InferenceError, UnsupportedModel, convert
from onnx_bridge.conversion import Conversion
from onnx_bridge.emit.header import Emitted
from onnx_bridge.runtime.compiled import CompiledModel


def parsed(text: str, opset: int = 20) -> onnx.ModelProto:
    return onnx.parser.parse_model(f'<ir_version: 9, opset_import: ["" : {opset}]>\n{text}')


def compared(text: str, opset: int = 20) -> tuple[Conversion, CompiledModel]:
    """A model that agrees with its reference at several sizes, and its callable."""
    converted = convert(parsed(text, opset))
    assert converted.report.passed
    return converted, converted.compile()


CONSTANTS = "mone = Constant<value_int = -1>() zero = Constant<value_int = 0>() two = Constant<value_int = 2>()"


def test_a_sequence_of_known_length_vanishes() -> None:
    """No operator of the header knows of one."""
    converted, net = compared(f"""g (float[N,4] a, float[M,4] b) => (float[P,4] y, int64 n, float[Q,R,S] z, float[T,U] last) {{ {CONSTANTS}
        s = SequenceConstruct(a, b)
        t = SequenceInsert(s, a, zero)
        u = SequenceErase(t, mone)
        e = SequenceEmpty<dtype = 1>()
        v = SequenceInsert(e, b)
        y = ConcatFromSequence<axis = 0>(t)
        z = ConcatFromSequence<axis = 1, new_axis = 1>(u)
        last = SequenceAt(v, mone)
        n = SequenceLength(t) }}""")

    assert not {op.op_type for op in converted.model.operators} & {"PackSequence", "ElementOf", "SequencePart"}
    a, b = np.ones((2, 4), np.float32), np.zeros((3, 4), np.float32)
    y, n, z, last = net(a, b)
    assert y.shape == (7, 4) and n == 3 and z.shape == (2, 2, 4) and last.shape == (3, 4)


@pytest.mark.parametrize("keepdims", [0, 1])
def test_slices_of_an_open_axis(keepdims: int) -> None:
    """Stacked elements: one is taken at a place that is computed, and at one that is an input."""
    _, net = compared(f"""g (float[3,N] x, int64 i, int64[1] j) => (float[A,B] y, float[C,D] first, float[E,F] picked) {{ {CONSTANTS}
        s = SplitToSequence<axis = 1, keepdims = {keepdims}>(x)
        k = Add(j, j)
        kk = Squeeze(k)
        first0 = SequenceAt(s, zero)
        picked0 = SequenceAt(s, i)
        three = Constant<value_ints = [3, 1]>()
        first = Reshape(first0, three)
        picked = Reshape(picked0, three)
        y = ConcatFromSequence<axis = 0, new_axis = {1 - keepdims}>(s) }}""")
    x = np.arange(12, dtype=np.float32).reshape(3, 4)
    y, first, picked = net(x, np.int64(-2), np.array([1]))

    assert np.array_equal(first[:, 0], x[:, 0]) and np.array_equal(picked[:, 0], x[:, 2])
    assert np.array_equal(y, x.T if keepdims == 0 else x.T.reshape(12, 1))


def test_pieces_of_which_the_last_is_shorter() -> None:
    """The number of pieces and the size of the last follow from sizes; what comes in front and behind is told apart."""
    _, net = compared(f"""g (float[T,2] x, int64 size) => (float[A,2] y, int64 n, float[B,2] last, seq(float[C,2]) all) {{ {CONSTANTS}
        s = SplitToSequence<axis = 0>(x, size)
        n = SequenceLength(s)
        last = SequenceAt(s, mone)
        first = SequenceAt(s, zero)
        all = SequenceInsert(s, first)
        y = ConcatFromSequence<axis = 0>(all) }}""")
    x = np.arange(14, dtype=np.float32).reshape(7, 2)
    y, n, last, pieces = net(x, np.int64(3))

    assert n == 3 and np.array_equal(last, x[6:]) and [len(piece) for piece in pieces] == [3, 3, 1, 3]
    assert np.array_equal(y, np.concatenate(pieces))


def test_sequences_in_and_out() -> None:
    """A list of arrays of any shapes of one rank; an element goes in at a place that an input says, one comes out."""
    _, net = compared("""g (seq(float[K]) s, float[M] e, int64 p) => (seq(float[A]) y, int64 n, float[Q] a) {
        y = SequenceInsert(s, e, p)
        n = SequenceLength(y)
        m = Constant<value_int = -1>()
        a0 = SequenceAt(s, m)
        a = Relu(a0) }""")
    given = [np.array([-1.0, 2.0], np.float32), np.zeros(0, np.float32), np.array([-3.0, 4.0, 5.0], np.float32)]
    e = np.array([7.0], np.float32)
    for place in range(-3, 4):
        y, n, a = net(given, e, np.int64(place))
        wanted = list(given)
        wanted.insert(place, e)
        assert n == 4 and len(y) == 4 and all(np.array_equal(one, other) for one, other in zip(y, wanted, strict=True))
        assert a.tolist() == [0.0, 4.0, 5.0]
    with pytest.raises(InferenceError):
        net([], e, np.int64(0))


def test_elements_of_several_ranks() -> None:
    """Where the file does not say the rank, rows of the table do."""
    _, net = compared("g (seq(int64) s, int64[N] e) => (seq(int64) y) { y = SequenceInsert(s, e) }")
    given = [np.int64(3), np.arange(6).reshape(2, 3), np.zeros((0, 2), np.int64)]
    y = net([np.asarray(one) for one in given], np.arange(2))

    assert [one.shape for one in y] == [(), (2, 3), (0, 2), (2,)] and y[1].tolist() == [[0, 1, 2], [3, 4, 5]]


@pytest.mark.parametrize("wrong", [3, "text", [np.zeros(2)], [np.zeros((2, 2), np.float32)]])
def test_what_is_no_such_sequence_is_refused(wrong: object) -> None:
    net = convert(parsed("g (seq(float[K]) s) => (int64 n) { n = SequenceLength(s) }"), verify=False).compile()
    with pytest.raises(InferenceError, match="input 's'"):
        net(wrong)


def test_a_table_that_lies_is_refused(tmp_path: Path) -> None:
    """Shapes that do not fit the numbers are read by nobody."""
    model = parsed("g (seq(float[K,L]) s, int64 i) => (float[A,B] y) { y0 = SequenceAt(s, i)\n y = Relu(y0) }")
    net = convert(model, verify=False).compile()
    numbers = np.arange(6, dtype=np.float32)
    for table in ([[2, 3]], [[1, 1], [5, 1]]):
        assert net.run({"s numbers": numbers, "s shapes": np.array(table), "i": np.int64(-1)})[0].shape == tuple(table[-1])
    for table in ([[2, 4]], [[-2, -3]], [[1 << 40, 1 << 40]], [[7, 1], [0, 0]], [[3, 1], [4, 1]]):
        with pytest.raises(InferenceError):
            net.run({"s numbers": numbers, "s shapes": np.array(table), "i": np.int64(-1)})


def test_optionals() -> None:
    """None, or left out, is what is not there; an element of it is refused."""
    _, net = compared("""g (optional(float[N]) o, float[M] d) => (bool h, float[M] y) {
        h = OptionalHasElement(o)
        y = Neg(d) }""")
    d = np.ones(2, np.float32)
    assert net(np.zeros(3, np.float32), d)[0] and not net(None, d)[0] and not net(d=d)[0]

    net = convert(parsed("g (optional(float[N]) o) => (float[N] y) { e = OptionalGetElement(o)\n y = Neg(e) }"), verify=False).compile()
    assert net(d).tolist() == [-1, -1]
    with pytest.raises(InferenceError):
        net(None)


def test_known_optionals_vanish() -> None:
    converted, net = compared("""g (float[N] x) => (float[N] y, bool h) {
        o = Optional(x)
        h = OptionalHasElement(o)
        e = OptionalGetElement(o)
        y = Neg(e) }""")
    assert net(np.ones(2, np.float32))[1] and "Optional" not in str({op.op_type for op in converted.model.operators})


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("g (float[N] x) => (float[A] y) { s=SequenceConstruct(x)\n c=Constant<value_int=2>()\n y = SequenceAt(s, c) }", "none of them"),
        ("g (float[N] x) => (float[A] y) { s = SequenceEmpty()\n y = ConcatFromSequence<axis=0>(s) }", "empty"),
        ("g (float[N] x, int64[N] z) => (seq(float) y) { y = SequenceConstruct(x, z) }", "holds a tensor of int64"),
        ("g (float[N] x) => (float[N] y) { s = SequenceConstruct(x)\n y = Relu(s) }", "only tensors"),
        ("g (float[N] x) => (float[N] y) { y = SequenceAt(x, x) }", "must be a sequence"),
        ("g (seq(map(int64, float)) x) => (int64 y) { y = SequenceLength(x) }", "sequences of tensors"),
        ("g (string[4] x) => (seq(string) y) { y = SplitToSequence(x) }", "of type string"),
    ],
)  # fmt: skip
def test_what_is_refused(text: str, why: str) -> None:
    with pytest.raises(UnsupportedModel, match=why):
        convert(parsed(text), verify=False)


def test_pickles_know_sequences() -> None:
    emitted: Emitted = convert(parsed("g (seq(float[K]) s) => (int64 n) { n = SequenceLength(s) }"), verify=False).emitted
    assert [group.name for group in emitted.for_calls().input_groups] == ["s"]


@pytest.mark.parametrize(("axis", "new"), [(0, 0), (1, 0), (-1, 0), (0, 1), (1, 1), (-1, 1)])
def test_elements_of_any_shape_are_joined(axis: int, new: int) -> None:
    """Along each axis, and stacked; what does not fit, and a sequence of nothing, is refused."""
    ends = "float[A,B,C] y" if new else "float[A,B] y"
    model = parsed(f"""g (seq(float[H,W]) s, float[P,Q] last) => ({ends}) {{
        t = SequenceInsert(s, last)
        joined = ConcatFromSequence<axis = {axis}, new_axis = {new}>(t)
        y = Neg(joined) }}""")
    rng = np.random.default_rng(0)
    shapes = [(2, 3)] * 3 if new else [(2, 3), (4, 3), (1, 3)] if axis == 0 else [(2, 3), (2, 1), (2, 4)]
    *given, last = [rng.normal(size=shape).astype(np.float32) for shape in shapes]
    join = np.stack if new else np.concatenate
    sets = []
    for one in ([*given, last], [np.full((5, 4), i, np.float32) for i in range(4)]):
        numbers, table = np.concatenate([element.reshape(-1) for element in one[:-1]]), np.array([element.shape for element in one[:-1]])
        sets.append({"s numbers": numbers, "s shapes": table, "last": one[-1]})
    converted = convert(model, inputs=sets)
    assert converted.report.passed
    net = converted.compile()
    assert np.array_equal(net(given, last), -join([*given, last], axis))
    with pytest.raises(InferenceError):
        net([np.ones((2, 3), np.float32), np.ones((5, 6), np.float32)], last)


def test_places_among_elements_that_differ() -> None:
    """Elements of two shapes, taken, put in and left out at places that are inputs."""
    _, net = compared("""g (float[N] a, float[M] b, int64 i, int64 j) => (float[A] y, float[B] joined, seq(float[C]) rest) {
        s = SequenceConstruct(a, b)
        y = SequenceAt(s, i)
        t = SequenceInsert(s, b, j)
        joined = ConcatFromSequence<axis = 0>(t)
        rest = SequenceErase(t, i) }""")
    a, b = np.arange(3, dtype=np.float32), np.ones(2, np.float32)
    y, joined, rest = net(a, b, np.int64(1), np.int64(0))
    assert np.array_equal(y, b) and np.array_equal(joined, [*b, *a, *b]) and [len(one) for one in rest] == [2, 2]


def test_an_empty_element_with_a_large_size_is_refused() -> None:
    """What is added up over its empty axis is more than memory was planned for."""
    _, net = compared("""g (seq(float[H,W]) s, int64 i) => (float[A] y, float[A] z) {
        axis = Constant<value_ints = [0]>()
        e = SequenceAt(s, i)
        y = ReduceSum<keepdims = 0>(e, axis)
        z = Exp(y) }""")
    assert net([np.ones((2, 5), np.float32)], np.int64(0))[0].tolist() == [2.0] * 5
    with pytest.raises(InferenceError):
        net([np.zeros((0, 5000), np.float32)], np.int64(0))


# ---- control flow


def test_what_a_loop_appends_is_a_scan_output() -> None:
    """Of one shape: rows that are joined. The sequence had something in it before."""
    converted, net = compared(f"""g (float[T,3] x, int64 n, float[1,3] first) => (float[A,3] y, int64 length) {{ {CONSTANTS}
        t = Constant<value = bool {{1}}>()
        s = SequenceConstruct(first)
        all = Loop(n, t, s) <body = b (int64 i, bool go, seq(float[1,3]) s0) => (bool on, seq(float[1,3]) s1) {{
            on = Identity(go)
            row0 = Gather(x, i)
            ax = Constant<value_ints = [0]>()
            row = Unsqueeze(row0, ax)
            twice = Add(row, row)
            s1 = SequenceInsert(s0, twice)
        }}>
        y = ConcatFromSequence<axis = 0>(all)
        length = SequenceLength(all) }}""")
    x = np.arange(12, dtype=np.float32).reshape(4, 3)
    y, length = net(x, np.int64(3), np.ones((1, 3), np.float32))

    assert length == 4 and np.array_equal(y, np.concatenate([np.ones((1, 3)), 2 * x[:3]]))
    assert "PackSequence" not in {op.op_type for op in converted.model.operators}


def test_elements_that_grow_from_turn_to_turn() -> None:
    _, net = compared("""g (float[N] x, int64 n, seq(float[M]) s) => (seq(float[A]) all) {
        t = Constant<value = bool {1}>()
        all = Loop(n, t, s) <body = b (int64 i, bool go, seq(float[K]) s0) => (bool on, seq(float[K]) s1) {
            on = Identity(go)
            one = Constant<value_ints = [1]>()
            zero = Constant<value_ints = [0]>()
            ii = Unsqueeze(i, zero)
            end = Add(ii, one)
            part = Slice(x, zero, end)
            s1 = SequenceInsert(s0, part)
        }> }""")
    x = np.arange(3, dtype=np.float32)
    made = net(x, np.int64(4), [np.full(2, 9, np.float32)])
    assert [one.tolist() for one in made] == [[9, 9], [0], [0, 1], [0, 1, 2], [0, 1, 2]]


def test_a_function_of_each_element() -> None:
    """SequenceMap, over a sequence that is an input."""
    _, net = compared("""g (seq(float[N]) s, float[1] b) => (seq(float[N]) y) {
        y = SequenceMap(s, b) <body = f (float[N] e, float[1] c) => (float[N] r) { r = Add(e, c) }> }""")
    given = [np.arange(n, dtype=np.float32) for n in (3, 0, 2)]
    y = net(given, np.array([2], np.float32))
    assert all(np.array_equal(a + 2, b) for a, b in zip(given, y, strict=True))


def test_a_loop_that_does_more_with_a_sequence_is_unrolled() -> None:
    """The last element, which the turn before has put there, twice."""
    converted, net = compared("""g (float[N] x) => (float[N] y, float[3,N] all) {
        three = Constant<value_int = 3>()
        s = SequenceConstruct(x)
        u, all = Loop(three, , s) <body = b (int64 i, bool go, seq(float[N]) s0) => (bool on, seq(float[N]) s1, float[N] row) {
            on = Constant<value = bool {1}>()
            m = Constant<value_int = -1>()
            last = SequenceAt(s0, m)
            row = Add(last, last)
            s1 = SequenceInsert(s0, row)
        }>
        m1 = Constant<value_int = -1>()
        y = SequenceAt(u, m1) }""")
    assert net(np.ones(2, np.float32))[0].tolist() == [8, 8]
    assert "Loop" not in {op.op_type for op in converted.model.operators}


def carrying_an_optional(first: str, kind: str, turn: str) -> onnx.ModelProto:
    """A loop whose input may be empty: what stands in its place is then made in the first turn."""
    model = parsed(
        f"""g (int64 n, bool c, float[5] x, float[1] given) => ({kind} y) {{
        y = Loop(n, c, given) <body = b (int64 i, bool go, {kind} o) => (bool on, {kind} made) {{
            on = Identity(go)
            there = OptionalHasElement(o)
            missing = Not(there)
            whole = If(missing) <then_branch = t () => ({kind} a) {{
                zero = Constant<value_float = 0.0>()
                a = {first}
            }}, else_branch = e () => ({kind} b) {{ b = OptionalGetElement(o) }}>
            axis = Constant<value_ints = [0]>()
            one = Constant<value_ints = [1]>()
            at = Unsqueeze(i, axis)
            end = Add(at, one)
            piece = Slice(x, axis, end)
            made = {turn}
        }}> }}""",
        opset=16,
    )
    inside = onnx.TypeProto()
    inside.CopyFrom(model.graph.node[0].attribute[0].g.input[2].type)
    model.graph.input[3].type.CopyFrom(onnx.helper.make_optional_type_proto(inside))
    model.graph.node[0].attribute[0].g.input[2].type.CopyFrom(model.graph.input[3].type)
    return model


def test_a_loop_that_carries_a_sequence_that_may_be_missing() -> None:
    """As node/test_loop16_seq_none of onnx: there after the first turn, whatever it was before."""
    converted = convert(carrying_an_optional("SequenceConstruct(zero)", "seq(float)", "SequenceInsert(whole, piece)"))
    net = converted.compile()
    x, given = np.arange(1, 6, dtype=np.float32), [np.full((2, 1), 9, np.float32)]

    assert converted.report.passed
    assert [one.tolist() for one in net(np.int64(2), np.True_, x, None)] == [0, [1], [1, 2]]
    assert [one.tolist() for one in net(np.int64(2), np.True_, x, given)] == [[[9], [9]], [1], [1, 2]]
    for turns, goes_on in ((0, np.True_), (3, np.False_)):
        assert [one.tolist() for one in net(np.int64(turns), goes_on, x, given)] == [[[9], [9]]]
        with pytest.raises(InferenceError):
            net(np.int64(turns), goes_on, x, None)


def test_a_loop_that_carries_a_tensor_that_may_be_missing() -> None:
    converted = convert(carrying_an_optional("Identity(x)", "float[5]", "Add(whole, x)"))
    net = converted.compile()
    x = np.arange(5, dtype=np.float32)

    assert converted.report.passed
    assert np.array_equal(net(np.int64(3), np.True_, x, None), 4 * x)
    assert np.array_equal(net(np.int64(3), np.True_, x, np.ones(5, np.float32)), 1 + 3 * x)
    assert np.array_equal(net(np.int64(0), np.True_, x, np.ones(5, np.float32)), np.ones(5))
    with pytest.raises(InferenceError):
        net(np.int64(0), np.True_, x, None)


def test_a_loop_that_asks_whether_there_was_something() -> None:
    """It goes on only behind a turn that found nothing: the second one finds what the first has left."""
    model = carrying_an_optional("SequenceConstruct(zero)", "seq(float)", "SequenceInsert(whole, piece)")
    body = model.graph.node[0].attribute[0].g
    body.node.append(onnx.helper.make_node("And", ["go", "missing"], ["goes_on"]))
    body.output[0].name = "goes_on"
    net = convert(model).compile()
    x = np.arange(1, 6, dtype=np.float32)

    assert [one.tolist() for one in net(np.int64(5), np.True_, x, None)] == [0, [1], [1, 2]]
    assert [one.tolist() for one in net(np.int64(5), np.True_, x, [np.full(1, 9, np.float32)])] == [[9], [1]]


def test_a_loop_that_does_more_with_an_optional_is_refused() -> None:
    """What data decides to do with it cannot be done in front of the loop."""
    model = carrying_an_optional("SequenceConstruct(zero)", "seq(float)", "SequenceInsert(whole, piece)")
    body = model.graph.node[0].attribute[0].g
    next(node for node in body.node if node.op_type == "If").input[0] = "go"
    with pytest.raises(UnsupportedModel, match="a sequence or an optional is carried"):
        convert(model)


def test_branches_give_sequences() -> None:
    """Of one length and shape, as tensors; of others, as the branch that is taken gives them."""
    _, net = compared("""g (float[N] x, bool c) => (float[N] y, seq(float[A]) z, int64 n) {
        a, b = If(c) <then_branch = t () => (seq(float[N]) s, seq(float[A]) v) {
            s = SequenceConstruct(x)
            v = SequenceConstruct(x, x)
        }, else_branch = e () => (seq(float[N]) r, seq(float[A]) w) {
            nx = Neg(x)
            r = SequenceConstruct(nx)
            two = Constant<value_float = 2.0>()
            ax = Constant<value_ints = [0]>()
            tt = Unsqueeze(two, ax)
            w = SequenceConstruct(tt)
        }>
        zero = Constant<value_int = 0>()
        y = SequenceAt(a, zero)
        z = Identity(b)
        n = SequenceLength(b) }""")
    x = np.ones(3, np.float32)
    y, z, n = net(x, np.array(True))
    assert y.tolist() == [1, 1, 1] and [len(one) for one in z] == [3, 3] and n == 2
    y, z, n = net(x, np.array(False))
    assert y.tolist() == [-1, -1, -1] and [one.tolist() for one in z] == [[2.0]] and n == 1


def test_a_branch_gives_nothing() -> None:
    model = parsed(
        """g (float[N] x, bool c) => (optional(seq(float[N])) y) {
        y = If(c) <then_branch = t () => (optional(seq(float[N])) a) { a = Optional<type: type_proto = seq(float)>() },
        else_branch = e () => (optional(seq(float[N])) b) { s = SequenceConstruct(x)
            b = Optional(s) }> }""".replace("<type: type_proto = seq(float)>", "")
    )
    net = convert(model, verify=False).compile()
    x = np.ones(2, np.float32)
    assert net(x, np.array(True)) is None and net(x, np.array(False))[0].tolist() == [1, 1]


def test_branches_of_known_sizes_that_differ() -> None:
    """Data decides how long the output is."""
    _, net = compared("""g (float[3] x, float[2] z, bool c) => (float[K] y) {
        y = If(c) <then_branch = t () => (float[3] a) { a = Neg(x) }, else_branch = e () => (float[2] b) { b = Neg(z) }> }""")
    x, z = np.ones(3, np.float32), np.ones(2, np.float32)
    assert net(x, z, np.array(True)).shape == (3,) and net(x, z, np.array(False)).shape == (2,)
