"""Sizes that data decides: a Loop that stacks and ends early has as many rows as turns were taken."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
from check import oracle
from zoo import Net

from onnx_bridge import InferenceError, UnsupportedModel, convert
from onnx_bridge.errors import InternalError
from onnx_bridge.ir import dims
from onnx_bridge.ir.validate import validate
from onnx_bridge.toolchain.compiler import find_compiler
from onnx_bridge.verify.localise import localise

FLOAT, INT64, BOOL = 1, 7, 9


def doubling(after: str = "", most: int | str = 6) -> onnx.ModelProto:
    """x [N, 3] doubled for as long as its sum is below 100, each state kept; then a few operators on those."""
    net = Net("doubling")
    x = net.input("x", ("N", 3))
    count = net.input(most, (), INT64) if isinstance(most, str) else net.constant(most)
    body = Net("body")
    body.input("turn", (), INT64), body.input("on", (), BOOL)
    twice = body("Add", body.input("now", ("N", 3)), "now")
    low = body("Less", body("ReduceSum", twice, keepdims=0), body.constant(100, np.float32))
    graph = body.graph(goes_on=(low, BOOL, ()), next=(twice, FLOAT, ("N", 3)), seen=(twice, FLOAT, ("N", 3)))
    last, path = net.many("Loop", count, net.constant(True, np.bool_), x, outputs=2, body=graph)
    scaled = net("MatMul", net("Relu", path), net.weight(3, 5))
    given = {"last": (last, FLOAT, ("N", 3)), "path": (path, FLOAT, ("T", "N", 3)), "scaled": (scaled, FLOAT, ("T", "N", 5))}
    if after == "shape":  # nobody reads the rows
        return net.model(shape=(net("Shape", path), INT64, (3,)))
    if after == "fixed":
        return net.floats(y=(net("Add", path, net.weight(4, 1, 3)), (4, "N", 3)))
    if after == "rows":
        given["first"] = (net("Slice", path, net.constant([0]), net.constant([2])), FLOAT, None)
        given["total"] = (net("ReduceSum", net("Transpose", path, perm=[1, 0, 2]), net.constant([1]), keepdims=0), FLOAT, ("N", 3))
    graph = net.graph(**given)
    return onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)


STARTS = (100, 30, 7, 1, 0.1)


def agrees(model: onnx.ModelProto, name: str, **more: object) -> None:
    net, session = convert(model, name=name).compile(), oracle(model)
    for rows in (1, 2):
        for start in STARTS:
            feeds = {"x": np.full((rows, 3), start, np.float32), **{key: np.asarray(value) for key, value in more.items()}}
            for ours, theirs in zip(net.run(feeds), session.run(None, feeds), strict=True):
                assert ours.shape == theirs.shape
                np.testing.assert_allclose(ours, theirs, rtol=1e-5)


def test_as_many_rows_as_turns() -> None:
    """Operators behind it run over that many; verification compares outputs so far as they are filled."""
    agrees(doubling("rows"), "early_rows")


def test_the_most_may_be_a_size_of_the_call() -> None:
    agrees(doubling(most="most"), "early_most", most=3)


def test_a_size_that_is_read_alone() -> None:
    """The loop is not dropped though nobody reads what it makes."""
    agrees(doubling("shape"), "early_shape")


def test_what_needs_a_number_of_rows_is_tested_as_the_network_runs() -> None:
    """A call that finds another number is refused, as onnxruntime refuses it; the banner and the report say so."""
    model = doubling("fixed")
    four = [{"x": np.full((rows, 3), 2.3 / rows, np.float32)} for rows in (1, 2)]
    made = convert(model, name="early_fixed", inputs=four)
    net = made.compile()

    for given in four:
        np.testing.assert_allclose(net(**given), oracle(model).run(None, given)[0], rtol=1e-5)
    with pytest.raises(InferenceError, match="refuses these inputs"):
        net(np.full((1, 3), 7, np.float32))
    assert any("doubling_Loop0_0 turns must be 4: data decides that" in note for note in made.report.notes)


def test_the_face_says_how_many(tmp_path: Path) -> None:
    """`Workspace::found` in C++; SOFIE's vectors are as long as what was filled."""
    convert(doubling(), name="early", verify=False).save(tmp_path)
    (tmp_path / "main.cpp").write_text("""
#include "early.hxx"
int main() {
   onnx_bridge::early::Model model("early.dat");
   onnx_bridge::early::Workspace ws(model, {1});
   float x[3] = {7, 7, 7}, last[3], path[18], scaled[30];
   if (!model.infer(ws, {1}, x, last, path, scaled) || ws.found().doubling_Loop0_0_turns != 3) return 1;
   TMVA_SOFIE_early::Session session("early.dat", 1);
   auto y = session.infer(1, x);
   return y[1].size() == 9 && y[2].size() == 15 && y[1][8] == 56 && model.output_size(1, {1}) == 18 ? 0 : 2;
}
""")
    find_compiler().run(["-std=c++17", "-O0", "-Wall", "-Wextra", "-Werror", str(tmp_path / "main.cpp"), "-o", str(tmp_path / "main")])
    subprocess.run([tmp_path / "main"], cwd=tmp_path, check=True)


def test_limits() -> None:
    """at_most() is never below a value, whatever the found size is."""
    n, t = dims.symbol("N"), dims.symbol("T")
    for size in (t * n + 3, n - t, dims.floor_div(t * 4 + 3, 2), dims.maximum(t, n) * 2 - t * 3, dims.minimum(t, 4) + n):
        limit = dims.at_most(size, {"T": n + 2})
        assert "T" not in dims.symbols(limit)
        for number in range(5):
            for found in range(number + 3):
                assert dims.evaluate(size, {"N": number, "T": found}) <= dims.evaluate(limit, {"N": number})
    by_found = dims.at_most(dims.floor_div(n * 3, t), {"T": 4})  # T is 1 or more there
    assert all(number * 3 // found <= dims.evaluate(by_found, {"N": number}) for number in range(9) for found in range(1, 5))
    with pytest.raises(ValueError, match="can be told"):
        dims.at_most(t * dims.minimum(n - 5, 3), {"T": 4})


def test_a_fault_behind_a_found_size_is_found() -> None:
    """The first tensor that differs is named, also where data decides its shape."""
    made = convert(doubling("rows"), name="early_fault", verify=False)
    feeds = {"x": np.full((2, 3), 7, np.float32)}

    assert "no intermediate tensor differs" in localise(made.model, made.emitted, made.normal, feeds, {"N": 2})
    normal = onnx.ModelProto()
    normal.CopyFrom(made.normal)
    (relu,) = [node for node in normal.graph.node if node.op_type == "Relu"]
    relu.op_type = "Neg"
    assert "'doubling_Relu1'" in localise(made.model, made.emitted, normal, feeds, {"N": 2})


# ---- NonZero, Compress: what follows them


def same_as_oracle(model: onnx.ModelProto, name: str, *feeds: dict[str, np.ndarray]) -> None:
    """Verifies a model, and compares what numpy gets, shapes included."""
    net, session = convert(model, name=name).compile(), oracle(model)
    for given in feeds:
        for ours, theirs in zip(net.run(given), session.run(None, given), strict=True):
            assert ours.shape == theirs.shape and ours.dtype == theirs.dtype
            np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


def rows(values: Sequence[float], width: int = 3) -> np.ndarray:
    """A matrix whose rows hold one value each."""
    return np.repeat(np.asarray(values, np.float32)[:, None], width, 1)


#: Rows of which some are positive, none is, and all are.
SEVERAL = ([1, -1, 2, 0, 3], [-1, -2, 0], [4, 5], [-1], [7])


def test_nonzero_gather_reduce() -> None:
    """The rows whose sum is positive, their sum, and how many they are as a number: Shape of what data decides."""
    net = Net("gathered")
    x = net.input("x", ("N", 3))
    places = net("Squeeze", net("NonZero", net("Relu", net("ReduceSum", x, net.constant([1]), keepdims=0))), net.constant([0]))
    chosen = net("Gather", x, places, axis=0)
    count = net("Shape", chosen, start=0, end=1)
    flat = net("Reshape", chosen, net("Concat", net("Mul", count, net.constant([3])), net.constant([1]), axis=0))
    model = net.typed(
        sums=(net("ReduceSum", chosen, net.constant([0]), keepdims=0), FLOAT),
        chosen=(chosen, FLOAT), count=(count, INT64), flat=(flat, FLOAT), places=(places, INT64),
    )  # fmt: skip
    same_as_oracle(model, "gathered", *({"x": rows(values)} for values in SEVERAL))


def test_compress_matmul() -> None:
    """Products, a softmax over what was kept, and a sum of two that were kept by one condition."""
    net = Net("kept")
    x = net.input("x", ("N", 3))
    keep = net("Greater", net("ReduceMax", x, axes=[1], keepdims=0), net.constant(0, np.float32))
    kept = net("Compress", x, keep, axis=0)
    made = net("Relu", net("MatMul", kept, net.weight(3, 4)))
    scores = net("Softmax", net("Transpose", made, perm=[1, 0]), axis=1)
    doubled = net("Add", kept, net("Slice", kept, net.constant([0]), net.constant([2**40])))
    attended = net("MatMul", scores, kept)
    model = net.typed(made=(made, FLOAT), scores=(scores, FLOAT), attended=(attended, FLOAT), doubled=(doubled, FLOAT))
    same_as_oracle(model, "kept", *({"x": rows(values)} for values in SEVERAL))


def test_what_is_found_inside_of_a_body_stays_there() -> None:
    """A Loop whose turns keep other elements each time, and a branch: sizes that are found anew; none of them leaves."""
    body = Net("turns")
    turn, on, total, x = (body.input(name, shape, kind) for name, shape, kind in (
        ("turn", (), INT64), ("on", (), BOOL), ("total", (), FLOAT), ("x", ("N",), FLOAT)))  # fmt: skip
    kept = body("Compress", x, body("Greater", x, body("Cast", turn, to=1)), axis=0)
    summed = body("Add", total, body("ReduceSum", kept, keepdims=0))
    graph = body.graph(goes_on=(on, BOOL, ()), next=(summed, FLOAT, ()), handed=(x, FLOAT, ("N",)), seen=(summed, FLOAT, ()))
    net = Net("inside")
    x = net.input("x", ("N",))
    total, _, seen = net.many("Loop", net.constant(4), net.constant(True, np.bool_), net.constant(0, np.float32), x, outputs=3, body=graph)
    same_as_oracle(net.typed(total=(total, FLOAT), seen=(seen, FLOAT)), "inside", *({"x": np.asarray(v, np.float32)} for v in SEVERAL))


def test_what_would_leave_a_body_is_refused_by_name() -> None:
    branches = []
    for name in ("then", "else"):
        branch = Net(name)
        branches.append(branch.graph(y=(branch("NonZero", "x"), INT64, (1, "K"))))
    net = Net("leaving")
    x = net.input("x", ("N",))
    positive = net("Greater", net("ReduceSum", x, keepdims=0), net.constant(0, np.float32))
    y = net("If", positive, then_branch=branches[0], else_branch=branches[1])

    with pytest.raises(UnsupportedModel, match="data decides that inside, anew each time it is run"):
        convert(net.typed(y=(y, INT64)), verify=False)


def test_a_program_reads_the_size_of_an_output(tmp_path: Path) -> None:
    """`Workspace::output_size` after a call; `Model::output_size` is the room that it needs; the bound is reached, and 0."""
    net = Net("chooses")
    x = net.input("x", ("N", 3))
    keep = net("Greater", net("ReduceMax", x, axes=[1], keepdims=0), net.constant(0, np.float32))
    model = net.typed(kept=(net("Compress", x, keep, axis=0), FLOAT), places=(net("NonZero", x), INT64), all=(net("Neg", x), FLOAT))
    convert(model, name="chooses", verify=False).save(tmp_path)
    (tmp_path / "main.cpp").write_text("""
#include "chooses.hxx"
#include <cstdio>
int main() {
   using namespace onnx_bridge::chooses;
   Model model;
   Workspace ws(model, {4});
   std::vector<float> kept(Model::output_size(0, {4})), all(Model::output_size(2, {4}));
   std::vector<std::int64_t> places(Model::output_size(1, {4}));
   const float x[][12] = {{0, 1, 0, 0, 0, 0, -1, -1, -1, 2, 0, 3}, {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, {}};
   for (const float* given : x) {
      if (!model.infer(ws, {4}, given, kept.data(), places.data(), all.data())) return 1;
      for (int output = 0; output < 3; output++)
         std::printf("%zu=%zux%zu ", ws.output_size(output), ws.output_size(output, 0), ws.output_size(output, 1));
   }
   if (!model.infer(ws, {2}, x[1], kept.data(), places.data(), all.data())) return 1;
   std::printf("%zu %zu %zu %zu\\n", ws.output_size(0), ws.output_size(1), ws.output_size(3), ws.output_size(0, 2));
   TMVA_SOFIE_chooses::Session session("", 4);
   const auto [kept_by, places_by, all_by] = session.infer(4, x[0]);
   std::printf("%zu %zu %zu", kept_by.size(), places_by.size(), all_by.size());
   return 0;
}
""")
    find_compiler().run(["-std=c++17", "-O0", "-Wall", "-Wextra", "-Werror", str(tmp_path / "main.cpp"), "-o", str(tmp_path / "main")])
    told = subprocess.run([tmp_path / "main"], cwd=tmp_path, check=True, capture_output=True, text=True).stdout

    each = ["6=2x3 12=2x6 12=4x3", "12=4x3 24=2x12 12=4x3", "0=0x3 0=2x0 12=4x3", "6 12 0 0", "6 12 12"]
    assert told.split() == " ".join(each).split()


def test_a_k_that_is_computed() -> None:
    """TopK of as many as there are positive numbers; a k that is larger than there are elements is refused, as onnxruntime refuses it."""
    net = Net("best")
    x, more = net.input("x", ("N", 5)), net.input("more", ("M",))
    positive = net("Cast", net("Greater", x, net.constant(0, np.float32)), to=INT64)
    k = net("ReduceMax", net("ReduceSum", positive, net.constant([1]), keepdims=0), keepdims=1)
    k = net("Add", k, net("Cast", net("ReduceSum", more, keepdims=1), to=INT64))
    values, places = net.many("TopK", x, k, outputs=2, axis=1)
    model = net.typed(values=(values, FLOAT), places=(places, INT64), sums=(net("ReduceSum", values, net.constant([1])), FLOAT))
    rng, none = np.random.default_rng(3), np.zeros(2, np.float32)
    feeds = [{"x": rng.standard_normal((n, 5)).astype(np.float32) - shift, "more": none} for n in (1, 3) for shift in (-9, 0, 1)]
    made = convert(model, name="best", inputs=feeds)
    compiled, session = made.compile(), oracle(model)

    for given in feeds:
        for ours, theirs in zip(compiled.run(given), session.run(None, given), strict=True):
            assert ours.shape == theirs.shape
            np.testing.assert_allclose(ours, theirs, rtol=1e-6)
    for more_by in (6, -9):
        with pytest.raises(InferenceError, match="refuses these inputs"):
            compiled(feeds[0]["x"], np.array([more_by], np.float32))


def test_who_works_with_a_size_before_it_is_found_is_named() -> None:
    """Though it reads nothing that the finder makes."""
    net = Net("late")
    x = net.input("x", ("N", 3))
    kept = net("Compress", x, net("Greater", net("ReduceMax", x, axes=[1], keepdims=0), net.constant(0, np.float32)), axis=0)
    model = convert(net.typed(y=(net("ConstantOfShape", net("Shape", kept)), FLOAT)), verify=False).model
    (finder,) = [op for op in model.operators if op.found]
    model.operators.remove(finder)
    model.operators.append(finder)

    with pytest.raises(InternalError, match=r"is float32 \[late_Compress\d+ kept, 3\], and late_Compress\d+ kept is found only later"):
        validate(model, "passes")


def test_an_index_into_what_was_kept() -> None:
    """Inputs are drawn that are places of the least that can be there: one row."""
    net = Net("picked")
    x, which = net.input("x", ("N", 3)), net.input("which", ("M",), INT64)
    kept = net("Compress", x, net("Greater", net("ReduceMax", x, axes=[1], keepdims=0), net.constant(0, np.float32)), axis=0)
    model = net.typed(y=(net("Neg", net("Gather", kept, which)), FLOAT))
    same_as_oracle(model, "picked", {"x": rows([1, -1, 2]), "which": np.array([1, 0, -1])})
