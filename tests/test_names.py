"""Names: whatever a model calls its things becomes C++ that means no more than a name."""

from __future__ import annotations

import re
from itertools import pairwise

import onnx
import pytest

from onnx_bridge import convert
from onnx_bridge.emit.names import Names, identifier
from onnx_bridge.emit.writer import comment

#: Names that a model from anywhere may hold.
HOSTILE = [
    'x"); std::system("true"); ("',
    "a\nb\r\nc",
    "end */ of comment // and \\",
    "??/",
    "??=define x ??'",
    "naïve Größe 名前 🙂",
    "int",
    "std",
    "__reserved__",
    "_Upper",
    "1st",
    "",
    " ",
    "\x00\x01\x7f",
    "a" * 5000,
    "../../etc/passwd",
    "%s%n",
    "R\"x(",
    "#include <cstdio>",
    "a.b/c:0",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_identifier_is_one(text: str) -> None:
    """ASCII letters, digits, single underscores; no leading digit, nothing reserved, not endless."""
    name = identifier(text)

    assert re.fullmatch(r"[A-Za-z][A-Za-z0-9]*(_[A-Za-z0-9]+)*_?", name)
    assert len(name) <= 80


@pytest.mark.parametrize(("text", "expected"), [("layer.1/Relu_0", "layer_1_Relu_0"), ("x", "x"), ("model-v2", "model_v2"), ("3d", "t3d")])
def test_identifier_keeps_what_it_can(text: str, expected: str) -> None:
    assert identifier(text) == expected


def test_names_are_handed_out_once() -> None:
    names = Names(["run"])
    handed = [names.new(hint) for hint in ["x", "x", "x_2", "x", "run", "float", "a/b", "a.b", *HOSTILE, *HOSTILE]]

    assert len(set(handed)) == len(handed)
    assert not set(handed) & {"run", "float", "int", "std"}
    assert handed[:3] == ["x", "x_2", "x_2_2"]


def test_reserved_names_stay_free() -> None:
    names = Names()
    names.reserve(["kernel"])

    assert names.new("kernel") == "kernel_2"


@pytest.mark.parametrize("text", HOSTILE)
def test_comment_is_one_harmless_line(text: str) -> None:
    """No line break or backslash ends the comment or drags the next line in; no trigraph is left."""
    shown = comment(text)

    assert re.fullmatch(r"[ -~]*", shown)
    assert "\\" not in shown
    assert "??" not in shown
    assert len(shown) <= 200


def test_names_do_not_depend_on_the_run() -> None:
    """The same hints give the same names: headers are the same byte for byte when they are made again."""
    made = [[Names().new(hint) for hint in HOSTILE] for _ in range(3)]

    assert all(a == b for a, b in pairwise(made))


def test_outputs_that_are_constants_keep_their_names() -> None:
    """What they are copied from is called by another name, in nested graphs too; so it is where an output is a body's constant."""
    model = onnx.parser.parse_model("""<ir_version: 8, opset_import: ["" : 17]>
        constants (float[N,3] x, bool on) => (float[N,3] y, float[3] k, float[3] same, float[3] z) <float[3] k = {1.0,2.0,3.0}> {
            y = Add(x, k)
            same = Identity(k)
            z = If(on) <
                then_branch = one () => (float[3] a) { a = Identity(k) },
                else_branch = two () => (float[3] b) { d = ReduceMax<axes=[0], keepdims=0>(x)  b = Mul(d, k) }
            >
        }""")
    made = convert(model, verify=False)

    assert [tensor.name for tensor in made.model.outputs] == ["y", "k", "same", "z"]
    assert not any(tensor.is_constant for tensor in made.model.outputs)
    assert "k_source" in made.model.tensors and "k_output" not in made.model.tensors
