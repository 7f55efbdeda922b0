"""Sizes that data decides: a Loop that stacks and ends early has as many rows as turns were taken."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import onnx
import pytest
from check import oracle
from zoo import Net

from onnx_bridge import InferenceError, convert
from onnx_bridge.ir import dims
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
