"""Strings through whole conversions: inputs of every kind, outputs, room that grows, verification, patterns beside Python's own."""

from __future__ import annotations

import random
import re

import numpy as np
import onnx
import pytest
from faults import plant

from onnx_bridge import InferenceError, UnsupportedModel, convert
from onnx_bridge.errors import VerificationError
from onnx_bridge.library.automaton import automaton
from onnx_bridge.references.silent import doubt
from onnx_bridge.runtime.compiled import CompiledModel


def parsed(text: str) -> onnx.ModelProto:
    return onnx.parser.parse_model(f'<ir_version: 9, opset_import: ["" : 20, "ai.onnx.ml": 3]>\n{text}')


SEVERAL = """
g (string[N,M] x) => (string[N,M] y, int64[N,M] ids, string[N,M,P] pieces, int64[N,M] n, bool[N,M] e)
<string suffix = {"-end"}, string a = {"a"}>
{
   y = StringConcat(x, suffix)
   ids = ai.onnx.ml.LabelEncoder <keys_strings = ["a", "b"], values_int64s = [1, 2]> (x)
   pieces, n = StringSplit <delimiter = "-"> (y)
   e = Equal(x, a)
}
"""


@pytest.fixture(scope="module")
def several() -> CompiledModel:
    """A net with several operators of strings, compared with onnxruntime."""
    converted = convert(parsed(SEVERAL))
    assert converted.report.passed
    return converted.compile()


def test_strings_of_every_kind(several: CompiledModel) -> None:
    """Objects, numpy's own text, bytes and lists; what comes back are objects."""
    for given in (np.array([["a", "x-y"]], object), np.array([["a", "x-y"]]), np.array([[b"a", b"x-y"]]), [["a", "x-y"]]):
        y, ids, pieces, n, e = several(given)
        assert y.tolist() == [["a-end", "x-y-end"]] and y.dtype == object
        assert ids.tolist() == [[1, -1]] and n.tolist() == [[2, 3]] and e.tolist() == [[True, False]]
        assert pieces.tolist() == [[["a", "end", ""], ["x", "y", "end"]]]


def test_text_that_needs_more_room_than_there_is(several: CompiledModel) -> None:
    """More text than the first room, more pieces than that; bytes that are no UTF-8 come back as they were."""
    long, many, odd = "\N{SNOWMAN}" * 50_000, "-" * 10_000, "\udcff"
    y, _, pieces, n, _ = several(np.array([[long], [many], [odd]], object))

    assert y[:, 0].tolist() == [f"{long}-end", f"{many}-end", f"{odd}-end"]
    assert pieces.shape == (3, 1, 10_002) and n[1, 0] == 10_002


def test_no_strings_at_all(several: CompiledModel) -> None:
    y, _, pieces, *_ = several(np.zeros((0, 3), object))
    assert y.shape == (0, 3) and pieces.shape == (0, 3, 0)


@pytest.mark.parametrize("wrong", [[["a", 1]], [[1.0]], ["a"]])
def test_what_are_no_strings_is_refused(several: CompiledModel, wrong: object) -> None:
    with pytest.raises(InferenceError, match="input 'x'"):
        several(np.array(wrong, object))


def test_a_wrong_string_is_found() -> None:
    """The comparison turns red: the header is of another model than the reference runs."""
    model = parsed('g (string[N] x) => (string[N] y) <string suffix = {"-end"}> { y = StringConcat(x, suffix) }')
    from onnx_bridge.operators.string_concat import StringConcat

    emit = StringConcat.emit
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(StringConcat, "emit", lambda op, cpp: cpp.call("copy_text", op.x.count, op.x, op.y))
        with pytest.raises(VerificationError, match="differ"):
            convert(model)
    assert StringConcat.emit is emit


PATTERNS = (
    r"www\.[\w.-]+\.\bcom\b", r"(\W|^)[\w.\-]{0,25}@(yahoo|gmail)\.com(\W|$)",
    "a*b|c{2,3}d?", "[^a-c]+x", "(?i)ab[c-e]*|[^a]b", r".*\bfoo\b.*",
    r"\Bx|x\B.", "[\\d_]{2}|\xe9+[\u03b1-\u03c9]", "(a|b)*?abb$", "(?s).b.", ".b.", "", "(?:a(?:b|c)+){2}", "^$", "(?i:a)b|\\x61{2}",
)  # fmt: skip


@pytest.mark.parametrize("pattern", PATTERNS)
def test_patterns_match_what_they_match_in_python(pattern: str) -> None:
    """On strings that are drawn from what stands in them."""
    made, wanted, rng = automaton(pattern), re.compile(pattern, re.ASCII), random.Random(0)
    for _ in range(500):
        text = "".join(rng.choice("abcdeABx @.wfo_\xe9\n\u03b1\u03a9") for _ in range(rng.randrange(7)))
        text = rng.choice(["www.a.com", "x@yahoo.com", " a@gmail.com.", "foo", "aabb"]) + text[:2] if rng.random() < 0.2 else text
        assert made.takes(text.encode()) == bool(wanted.fullmatch(text)), text


@pytest.mark.parametrize("pattern", [r"\pN", "(?m)^a", "a{2000}", "(", "[b-a]", "a**", r"(?P<n>a)\1", "((((a{99}){99}){99}){99})"])
def test_patterns_that_are_not_read_are_refused(pattern: str) -> None:
    text = pattern.replace("\\", "\\\\")
    model = parsed(f'g (string[N] x) => (bool[N] y) {{ y = RegexFullMatch <pattern = "{text}"> (x) }}')
    with pytest.raises(UnsupportedModel, match="pattern"):
        convert(model, verify=False)


MOVED = """
g (string[N,3] x, bool c, int64 turns) => (string[M] y, string[N,3] z, string[N,3] w, string[3] last)
<int64[1] flat = {-1}, string[3] known = {"a", "", "\N{GREEK SMALL LETTER ALPHA}"}, int64[1] at = {0}, int64[2] wide = {2, 1},
 int64[1] one = {1}, int64[1] three = {3}, int64[3] order = {2, 0, 1},
 bool yes = {1}>
{
   turned = Transpose(x)
   back = Transpose(turned)
   joined = Concat <axis = 0> (back, x)
   tiled = Tile(joined, wide)
   cut = Slice(tiled, one, three, one)
   y = Reshape(cut, flat)
   same = Equal(x, known)
   z = Where(same, x, known)
   w = If(c) <then_branch = t () => (string[N,3] p) { p = Where(same, known, x) },
              else_branch = e () => (string[N,3] q) { q = Identity(x) }>
   row = Slice(x, at, one, at)
   first = Reshape(row, flat)
   last = Loop(turns, yes, first) <body = b (int64 i, bool go, string[3] now) => (bool on, string[3] next) {
      on = Identity(go)
      next = Gather(now, order)
   }>
}
"""


def test_strings_are_moved() -> None:
    """Operators of shapes, a branch and a loop, as onnxruntime has them; none of their text is copied."""
    converted = convert(parsed(MOVED), name="moved")
    assert converted.report.passed and "text_bytes" not in converted.header
    given = {"x": np.array([["a", "b", "c"], ["", "", "long " * 50]], object), "c": np.array(True), "turns": np.array(2)}
    y, z, w, last = converted.compile().run(given)
    assert y.tolist() == ["b", "c", "", "long " * 50] * 4
    assert last.tolist() == ["b", "c", "a"]


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_gathered_strings_have_a_reference(axis: int) -> None:
    """onnxruntime copies only the first string of each block; where blocks are longer, onnx.reference is asked instead."""
    model = parsed(f"g (string[4,3,2] x, int64[N] i) => (string[P,Q,R] y) {{ y = Gather <axis = {axis}> (x, i) }}")
    x = np.array([f"text {i}" for i in range(24)], object).reshape(4, 3, 2)

    made = convert(model)

    assert made.compile()(x, np.array([1, 0, 1])).tolist() == x.take([1, 0, 1], axis).tolist()
    assert made.report.reference.startswith("onnx.reference" if axis < 2 and doubt(model) else "onnxruntime")


def test_a_wrong_gather_of_strings_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next reference judges: a header that is wrong is no better for a reference that is."""
    plant(monkeypatch, "data + inside(indices[i], n) * inner, inner)", "data, inner)")
    model = parsed("g (string[4,3] x, int64[N] i) => (string[P,Q] y) { y = Gather (x, i) }")
    with pytest.raises(VerificationError, match="onnx.reference"):
        convert(model)


@pytest.mark.parametrize(
    ("body", "shape"),
    [
        ("y = DepthToSpace <blocksize = 2> (x)", (1, 8, 2, 3)),
        ("y = SpaceToDepth <blocksize = 2> (x)", (2, 1, 4, 6)),
        ('y = Pad <mode = "reflect"> (x, pads)', (2, 3, 4, 3)),
        ("y = Pad (x, pads, word)", (2, 3, 1, 3)),
        ("y = NonZero (x)", (2, 2, 1, 3)),
    ],
)
def test_strings_where_onnxruntime_has_no_kernel(body: str, shape: tuple[int, ...]) -> None:
    """What ONNX allows for strings, beside onnx.reference."""
    kind = "int64[4,K] y" if "NonZero" in body else "string[A,B,C,D] y"
    known = '<int64[8] pads = {0, 1, 0, 2, 1, 0, 0, 1}, string word = {"edge"}>'
    model = parsed(f"g (string[{','.join(map(str, shape))}] x) => ({kind}) {known} {{ {body} }}")
    x = np.array([f"text {i}" if i % 5 else "" for i in range(int(np.prod(shape)))], object).reshape(shape)

    report = convert(model, inputs=[{"x": x}]).report

    assert report.passed and report.reference.startswith("onnx.reference")


@pytest.mark.parametrize("target", [1, 7, 9, 2, 10])
def test_strings_that_become_numbers_are_drawn_as_such(target: int) -> None:
    """A verification needs no inputs of the caller's: what is moved, and then cast, is text of numbers."""
    model = parsed(f"""g (string[N,2] x, string[N] names) => (float[P] y, string[N] z) <int64[1] flat = {{-1}}> {{
        rows = Transpose(x)
        long = Reshape(rows, flat)
        cast = Cast <to = {target}> (long)
        y = Cast <to = 1> (cast)
        z = StringConcat(names, names)
    }}""")
    assert convert(model).report.reference.startswith("onnxruntime")


def test_text_that_is_no_number() -> None:
    """A call with it is refused, as onnxruntime refuses it."""
    run = convert(
        parsed("g (string[N] x) => (float[N] y) { y = Cast <to = 1> (x) }"), inputs=[{"x": np.array(["1", "-2e3"], object)}]
    ).compile()
    assert run(["0.5", "NaN"]).tolist()[0] == 0.5
    with pytest.raises(InferenceError):
        run(["0.5", "one"])


def test_numbers_as_text_in_a_loop() -> None:
    """Text of every turn stays where it is; more of it than there is room for is asked for again."""
    model = parsed("""g (int64 turns, float[N] x) => (string[T,N] y) <bool yes = {1}> {
        end, y = Loop(turns, yes, x) <body = b (int64 i, bool go, float[N] now) => (bool on, float[N] next, string[N] text) {
            on = Identity(go)
            next = Add(now, now)
            text = Cast <to = 8> (now)
        }>
    }""")
    y = convert(model).compile()(np.array(40), np.full(300, 1.5, np.float32))
    y = y[0] if isinstance(y, tuple) else y
    assert y.shape == (40, 300) and y[:3, 7].tolist() == ["1.5", "3", "6"] and y[39, 299] == "8.2463372e+11"
