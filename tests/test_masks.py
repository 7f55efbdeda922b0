"""Assignments by a mask: the normal form has no size that depends on data, and gives the same numbers."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx
import onnx.parser
import onnxruntime
import pytest

from onnx_bridge.normalize import normalize
from onnx_bridge.normalize.masks import assignments_by_mask

HEAD = '<ir_version: 8, opset_import: ["" : 18]>\n'

#: x[x > half] = 0, as PyTorch's exporter writes it.
ZERO = """g (float[N, 3] x) => (float[N, 3] y) <float half = {0.5}, float zero = {0}, int64[1] whole = {-1}> {
    mask = Greater (x, half)
    columns = NonZero (mask)
    places = Transpose <perm: ints = [1, 0]> (columns)
    line = Reshape (mask, whole)
    ones = Cast <to: int = 7> (line)
    count = ReduceSum <keepdims: int = 1> (ones)
    values = Expand (zero, count)
    updates = Reshape (values, whole)
    y = ScatterND (x, places, updates)
}"""

#: out[x > 0] = 2 * x[x > 0], an added constant and a second selected tensor; `reduction` as given.
TWO = """g (float[N, 3] x, float[N, 3] out) => (float[N, 3] y) <float zero = {0}, float[1] two = {2}> {
    mask = Greater (x, zero)
    columns = NonZero (mask)
    places = Transpose <perm: ints = [1, 0]> (columns)
    rows = GatherND (x, places)
    others = GatherND (out, places)
    twice = Mul (rows, two)
    sum = Add (twice, others)
    y = ScatterND <reduction: string = "REDUCTION"> (out, places, sum)
}"""

#: The same with the second mask spread over its own shape, as TorchScript's masked_scatter has it.
SPREAD = TWO.replace(
    "others = GatherND (out, places)",
    "s = Shape (out)\nm = Expand (mask, s)\nf = NonZero (m)\nh = Transpose (f)\nothers = GatherND (out, h)",
)

#: x[x[:, 0] > 0] = tanh(x[...] @ w + b), of rows, where the assignment spreads the mask over the elements of the rows.
ROWS = """g (float[N, 3] x) => (float[N, 3] y) <float zero = {0}, int64 first = {0}, int64[1] last = {-1}, int64[1] whole = {-1},
    float[3, 3] w = {1, 2, 3, -1, 0.5, 0, 2, 1, 0.25}, float[3] b = {0.5, 0, 1}, int64[1] begin = {0}> {
    column = Gather <axis: int = 1> (x, first)
    mask = Greater (column, zero)
    columns = NonZero (mask)
    flat = Squeeze (columns, begin)
    rows = Gather (x, flat)
    sums = Gemm (rows, w, b)
    values = Softmax <axis: int = 1> (sums)
    wide = Unsqueeze (mask, last)
    shape = Shape (x)
    spread = Expand (wide, shape)
    wide_columns = NonZero (spread)
    wide_places = Transpose <perm: ints = [1, 0]> (wide_columns)
    line = Reshape (values, whole)
    sizes = Shape (wide_places)
    count = Slice (sizes, begin, one)
    updates = Slice (line, begin, count, begin)
    y = ScatterND (x, wide_places, updates)
}""".replace("int64[1] begin = {0}>", "int64[1] begin = {0}, int64[1] one = {1}>")

#: The experts of a mixture: rows that a mask of two axes chooses, times weights of their own that it chooses, too.
EXPERT = """g (float[N, 2, 3] x, float[N, 2] weight) => (float[N, 2, 3] y)
    <float zero = {0}, int64[1] last = {-1}, float[3, 3] w = {1, 2, 3, -1, 0.5, 0, 2, 1, 0.25}, float[3] b = {0.5, 0, 1}> {
    mask = Greater (weight, zero)
    columns = NonZero (mask)
    places = Transpose <perm: ints = [1, 0]> (columns)
    rows = GatherND (x, places)
    sums = Gemm <transB: int = 1> (rows, w, b)
    chosen = GatherND (weight, places)
    factor = Unsqueeze (chosen, last)
    scaled = Mul (factor, sums)
    updates = Add (rows, scaled)
    y = ScatterND (x, places, updates)
}"""

#: Updates whose index is outside are dropped, as in JAX.
DROPPED = """g (float[N, 2] x, int64[E, 1] i, float[E, 2] u) => (float[N, 2] y)
    <int64 zero = {0}, int64[1] axis = {1}, int64[1] begin = {0}> {
    shape = Shape (x)
    size = Gather (shape, zero)
    low = GreaterOrEqual (i, zero)
    high = Less (i, size)
    inside = And (low, high)
    valid = Squeeze (inside, axis)
    columns = NonZero (valid)
    places = Transpose <perm: ints = [1, 0]> (columns)
    flat = Squeeze (places, axis)
    indices = Gather (i, flat)
    updates = Gather (u, flat)
    y = ScatterND <reduction: string = "REDUCTION"> (x, indices, updates)
}"""


def parsed(text: str) -> onnx.ModelProto:
    model = onnx.parser.parse_model(HEAD + text)
    onnx.checker.check_model(model, full_check=True)
    return model


def answer(model: onnx.ModelProto, feeds: Mapping[str, np.ndarray]) -> np.ndarray:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, dict(feeds))[0])


def feeds(model: onnx.ModelProto, n: int, e: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng([n, e])
    made: dict[str, np.ndarray] = {}
    for value in model.graph.input:
        shape = [d.dim_value or {"N": n, "E": e}[d.dim_param] for d in value.type.tensor_type.shape.dim]
        whole = value.type.tensor_type.elem_type == onnx.TensorProto.INT64
        made[value.name] = rng.integers(-2, n + 2, shape) if whole else rng.standard_normal(shape).astype(np.float32)
    return made


@pytest.mark.parametrize(
    "text",
    [
        ZERO,
        ROWS,
        SPREAD.replace("REDUCTION", "none"),
        EXPERT,
        *(TWO.replace("REDUCTION", r) for r in ("none", "add", "max")),
        *(DROPPED.replace("REDUCTION", r) for r in ("none", "add")),
    ],
    ids=["zero", "rows", "spread", "expert", "two", "two_add", "two_max", "dropped", "dropped_add"],
)
def test_assignment_without_sizes_that_depend_on_data(text: str) -> None:
    model = parsed(text)
    normal, notes = normalize(model)

    assert "NonZero" not in {node.op_type for node in normal.graph.node}
    assert "1 assignments to elements that a mask chooses were written with Where" in notes
    for n, e in ((1, 1), (4, 7), (5, 3), (3, 0)):
        given = feeds(model, n, e)
        np.testing.assert_allclose(answer(normal, given), answer(model, given), rtol=1e-6)


def test_in_the_body_of_a_loop() -> None:
    """The body's dead nodes go, too."""
    body = ZERO.partition("{\n")[2].rpartition("}")[0]
    text = f"""g (float[N, 3] x0, int64 turns) => (float[N, 3] y0) <float half = {{0.5}}, float zero = {{0}}, int64[1] whole = {{-1}}> {{
        y0 = Loop (turns, , x0) <body = inner (int64 i, bool go, float[N, 3] x) => (bool on, float[N, 3] z) {{
            on = Identity (go)
            {body}
            z = Add (y, y)
        }}>
    }}"""
    model = parsed(text)
    normal, _ = normalize(model)
    given = {"x0": np.random.default_rng(0).standard_normal((4, 3)).astype(np.float32), "turns": np.array(3)}

    (loop,) = normal.graph.node
    assert "NonZero" not in {node.op_type for node in loop.attribute[0].g.node}
    assert np.array_equal(answer(normal, given), answer(model, given))


#: What must stay: what is replaced in TWO, and by what.
KEPT = {
    "the rows are an output as well": ("=> (float[N, 3] y)", "=> (float[N, 3] y, float[M] sum)"),
    "another mask": (
        "others = GatherND (out, places)", "more = Less (x, two)\nf = NonZero (more)\nh = Transpose (f)\nothers = GatherND (x, h)",
    ),
    "a value for each row": (
        "twice = Mul (rows, two)", "k = Shape (rows)\nv = ConstantOfShape (k)\nw = CumSum (v, begin)\ntwice = Mul (rows, w)",
    ),
    "a sum over the rows": ("twice = Mul (rows, two)", "s = ReduceSum (rows)\ntwice = Mul (rows, s)"),
}  # fmt: skip


@pytest.mark.parametrize("what", KEPT)
def test_what_depends_on_the_number_of_rows_stays(what: str) -> None:
    old, new = KEPT[what]
    assert old in TWO
    text = TWO.replace(old, new).replace("REDUCTION", "none").replace("float zero", "int64[1] begin = {0}, int64[1] one = {1}, float zero")
    model = onnx.parser.parse_model(HEAD + text)
    normal, _ = normalize(model)

    assert "NonZero" in {node.op_type for node in normal.graph.node}


def test_a_mask_of_one_row_is_not_spread_over_many() -> None:
    text = TWO.replace("REDUCTION", "none").replace("float zero", "int64[1] begin = {0}, int64[1] one = {1}, float zero")
    normal, _ = normalize(
        onnx.parser.parse_model(HEAD + text.replace("mask = Greater (x,", "b = Slice (x, begin, one)\nmask = Greater (b,"))
    )

    assert answer(normal, feeds(normal, 1, 0)).shape == (1, 3)
    with pytest.raises(Exception, match="cannot be reshaped"):
        answer(normal, feeds(normal, 2, 0))


def test_a_model_without_masks_is_not_looked_at() -> None:
    """Inferring shapes costs time, and fails beyond 2 GB."""
    model = parsed("g (float[N] x) => (float[N] y) { y = Neg (x) }")
    model.graph.node[0].op_type = "NoSuchThing"

    assert assignments_by_mask(model) == []


def test_large_weights_are_not_shown_to_the_inference(monkeypatch: pytest.MonkeyPatch) -> None:
    """It serialises what it is shown, which takes time, and fails beyond 2 GB."""
    model = parsed(TWO.replace("REDUCTION", "none"))
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.zeros((1 << 20, 3), np.float32), "large"))
    model.graph.node.insert(0, onnx.helper.make_node("ReduceSum", ["large"], ["sums"]))
    shown = []
    infer = onnx.shape_inference.infer_shapes
    monkeypatch.setattr(onnx.shape_inference, "infer_shapes", lambda given, **how: shown.append(given.ByteSize()) or infer(given, **how))

    assert len(assignments_by_mask(model)) == 1
    assert shown and max(shown) < 1 << 16
