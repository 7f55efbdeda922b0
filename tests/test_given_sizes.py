"""Integer inputs of few elements that decide shapes: their values are run-time sizes, some of which may be negative."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from check import oracle
from zoo import Net

from onnx_bridge import ArgumentError, InferenceError, UnsupportedModel, convert
from onnx_bridge.toolchain.compiler import find_compiler

FLOAT, INT64 = 1, 7


def net(op: str, *given: str, lengths: dict[str, int], after: bool = True, **attributes: Any) -> onnx.ModelProto:
    """x [N, 6] and integer inputs into one operator, with a Relu and a sum of rows behind it."""
    made = Net(op.lower())
    inputs = [made.input("x", ("N", 6)), *(made.input(name, (lengths[name],), INT64) if name else "" for name in given)]
    y = made("Relu", made(op, *inputs, **attributes))
    return made.typed(y=(y, FLOAT), told=(made("Shape", y), INT64))


def agrees(model: onnx.ModelProto, name: str, rows: int, *calls: dict[str, list[int]]) -> Any:
    """Verifies the model with inputs that are drawn, and compares others."""
    made = convert(model, name=name)
    compiled, session = made.compile(), oracle(model)
    x = np.random.default_rng(0).standard_normal((rows, 6)).astype(np.float32)
    for call in calls:
        feeds = {"x": x, **{key: np.asarray(values, np.int64) for key, values in call.items()}}
        for ours, theirs in zip(compiled.run(feeds), session.run(None, feeds), strict=True):
            assert np.array_equal(ours, theirs), call
    return made


def test_a_shape() -> None:
    """Of which one size may be -1, and 0 takes over what is there."""
    model = net("Reshape", "shape", lengths={"shape": 3})
    made = agrees(model, "given_shape", 4, *({"shape": s} for s in ([2, 3, 4], [-1, 2, 3], [0, 3, -1], [0, 0, 1], [24, 1, -1])))

    assert made.model.symbols == ["N", "shape_0", "shape_1", "shape_2"]
    compiled, x = made.compile(), np.zeros((4, 6), np.float32)
    for wrong in ([2, 2, 2], [-1, -1, 4], [-2, 3, 4], [5, -1, 1], [0, 0, 0]):
        with pytest.raises(InferenceError):
            compiled(x, np.asarray(wrong))


def test_what_sizes_share_is_computed_once() -> None:
    """Each use would otherwise be the whole expression again, and a header of a few operators take a compiler many seconds."""
    header = convert(net("Reshape", "shape", lengths={"shape": 3}), name="given_shared", verify=False).emitted.header
    takes = header[header.index("inline bool Model::takes(") :]

    assert takes[: takes.index("\n}\n")].count("floor_div(") == 1


def test_pads() -> None:
    model = net("Pad", "pads", lengths={"pads": 4})
    agrees(model, "given_pads", 3, *({"pads": p} for p in ([0, 1, 2, 3], [-1, -2, 0, 1], [0, -3, 0, -3], [-3, 0, 0, 0], [0, 0, 0, 0])))


def test_starts_and_ends() -> None:
    model = net("Slice", "starts", "ends", lengths={"starts": 2, "ends": 2})
    cases = [([0, 1], [3, -1]), ([-2, -4], [9, 5]), ([-9, 3], [-1, -9]), ([5, 7], [9, 9])]
    agrees(model, "given_ends", 5, *({"starts": a, "ends": b} for a, b in cases))


def test_sizes_that_are_not_negative() -> None:
    """Repeats, the shape that is expanded to, and sizes computed from an input's elements."""
    agrees(net("Tile", "repeats", lengths={"repeats": 2}), "given_repeats", 2, *({"repeats": r} for r in ([2, 3], [1, 1], [0, 2])))
    made = Net("filled")
    shape = made.input("shape", (2,), INT64)
    first = made("Gather", shape, made.constant([0]))
    filled = made("ConstantOfShape", made("Concat", shape, made("Mul", first, made.constant([2])), axis=0))
    model = made.typed(y=(made("Add", filled, made.constant(1, np.float32)), FLOAT))
    compiled = convert(model, name="given_filled").compile()

    assert compiled(np.array([2, 3])).shape == (2, 3, 4)
    with pytest.raises(InferenceError, match="is a size, but -1 was given"):
        compiled(np.array([2, -1]))


def test_numbers_for_values() -> None:
    """`dims=` makes them constants, negative ones too; a call with others is refused. So axes can be given, too."""
    model = net("Pad", "pads", lengths={"pads": 4})
    fixed = convert(model, name="fixed_pads", dims={"pads_0": -1, "pads_1": 2, "pads_2": 0, "pads_3": 0})
    compiled, x = fixed.compile(), np.ones((3, 6), np.float32)

    assert fixed.model.symbols == ["N"] and compiled(x, np.array([-1, 2, 0, 0]))[0].shape == (2, 8)
    with pytest.raises(InferenceError, match="refuses these inputs"):
        compiled(x, np.array([0, 2, 0, 0]))
    with pytest.raises(ArgumentError, match="must be a whole number, not 'one'"):
        convert(model, dims={"pads_0": "one"})  # type: ignore[dict-item]
    axes = net("ReduceSum", "axes", lengths={"axes": 1})
    assert convert(axes, name="fixed_axes", dims={"axes": -1}).compile()(x, np.array([-1]))[0].shape == (3, 1)


def test_a_program_gives_negative_values(tmp_path: Path) -> None:
    """In Dims they are signed; `infer` refuses dims that are not the input's values. SOFIE's face takes them before the input."""
    convert(net("Pad", "pads", lengths={"pads": 4}), name="padded", verify=False).save(tmp_path)
    (tmp_path / "main.cpp").write_text("""
#include "padded.hxx"
int main() {
   using namespace onnx_bridge::padded;
   Model model;
   const Dims dims{2, 0, -2, 1, 1};
   Workspace ws(model, dims);
   float x[12] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, y[15];
   const std::int64_t pads[4] = {0, -2, 1, 1}, others[4] = {0, -1, 1, 1};
   std::int64_t shape[2];
   if (Model::output_size(0, dims) != 15 || !model.infer(ws, dims, x, pads, y, shape)) return 1;
   if (model.infer(ws, dims, x, others, y, shape)) return 2;
   TMVA_SOFIE_padded::Session session("", 2, 0, -2, 1, 1);
   const auto [padded, sizes] = session.infer(2, x, 0, -2, 1, 1, pads);
   return padded.size() == 15 && shape[0] == 3 && sizes[1] == 5 && y[0] == 3 && y[4] == 0 && y[5] == 9 ? 0 : 3;
}
""")
    find_compiler().run(["-std=c++17", "-O0", "-Wall", "-Wextra", "-Werror", str(tmp_path / "main.cpp"), "-o", str(tmp_path / "main")])
    subprocess.run([tmp_path / "main"], cwd=tmp_path, check=True)


@pytest.mark.parametrize("depth", [float("nan"), float("inf")])
def test_a_float_that_is_no_number_decides_no_size(depth: float) -> None:
    made = Net("one_hot")
    y = made("OneHot", made.input("x", ("N",), INT64), made.constant(depth, np.float32), made.constant([0, 1], np.float32))

    with pytest.raises(UnsupportedModel, match="decides a size, and is (nan|inf)"):
        convert(made.typed(y=(y, FLOAT)), verify=False)


def test_axes_are_sizes_of_the_call() -> None:
    """An axis that is an input may be any that x has: the output's sizes follow from it. Others, and the same one twice, are refused."""
    made = convert(net("ReduceSum", "axes", lengths={"axes": 2}))
    compiled, x = made.compile(), np.arange(18, dtype=np.float32).reshape(3, 6)

    assert made.report.reference is not None
    np.testing.assert_array_equal(compiled(x, np.array([-1, 0]))[0], [[153]])
    with pytest.raises(InferenceError, match="refuses these inputs"):
        compiled(x, np.array([0, 2]))
    with pytest.raises(InferenceError, match="refuses these inputs"):
        compiled(x, np.array([1, -1]))


def test_scales_are_sizes_of_the_call() -> None:
    """Floats of an input decide sizes as integers do, in whole parts of 1; what is no number is refused, and so is a scale of 0."""
    one = Net("scaled")
    resized = one("Resize", one.input("x", ("N", 6)), "", one.input("scales", (2,), FLOAT))
    compiled = convert(one.typed(y=(resized, FLOAT))).compile()
    x = np.arange(18, dtype=np.float32).reshape(3, 6)

    for scales in ([1, 1], [2, 0.5], [0.7, 1.3]):
        y = compiled(x, np.array(scales, np.float32))
        assert y.shape == (int(np.float32(3) * np.float32(scales[0])), int(np.float32(6) * np.float32(scales[1])))
    for wrong in ([np.nan, 1], [0, 1], [-1, 1]):
        with pytest.raises(InferenceError):
            compiled(x, np.array(wrong, np.float32))


def test_what_a_shape_leaves_as_it_is() -> None:
    """A value of 1 keeps the size of x, one call after another, be that known or open."""
    made = Net("expand_given")
    known, rows = made.input("known", (3, 1)), made.input("rows", ("N", 1))
    of_known, of_rows = made.input("of_known", (3,), INT64), made.input("of_rows", (2,), INT64)
    model = made.typed(y=(made("Relu", made("Expand", known, of_known)), FLOAT), z=(made("Expand", rows, of_rows), FLOAT))
    compiled, session = convert(model, name="expand_given").compile(), oracle(model)
    for n, wanted, sizes in ((2, [2, 1, 6], [1, 4]), (2, [1, 3, 1], [2, 1]), (1, [4, 3, 2], [5, 3]), (1, [1, 1, 5], [1, 1])):
        feeds = {
            "known": np.arange(3, dtype=np.float32).reshape(3, 1), "rows": np.arange(n, dtype=np.float32).reshape(n, 1) - 1,
            "of_known": np.array(wanted, np.int64), "of_rows": np.array(sizes, np.int64),
        }  # fmt: skip
        for ours, theirs in zip(compiled.run(feeds), session.run(None, feeds), strict=True):
            assert np.array_equal(ours, theirs), (n, wanted, sizes)
    with pytest.raises(InferenceError):
        compiled.run({**feeds, "of_known": np.array([1, 2, 1], np.int64)})
