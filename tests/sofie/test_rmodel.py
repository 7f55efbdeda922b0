"""An RModel by SOFIE's calls: built by hand or parsed, verified, written, and used by C++ programs that were written for SOFIE."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import onnx
import pytest
from check import oracle
from onnx import parser

import onnx_bridge
from onnx_bridge import SofieError, UnsupportedModel
from onnx_bridge import sofie as SOFIE
from onnx_bridge.toolchain import find_compiler

FLOAT = SOFIE.ETensorType.FLOAT


def numbers(*shape: int, low: float = -1) -> np.ndarray:
    return np.random.default_rng(sum(shape)).uniform(low, 1, shape).astype(np.float32)


def small(name: str = "Small") -> SOFIE.RModel:
    """x [bs, 3] -> Gemm, Relu -> y [bs, 2]."""
    model = SOFIE.RModel(name, "today")
    model.AddInputTensorInfo("x", FLOAT, [SOFIE.Dim("bs"), 3])
    model.AddInputTensorName("x")
    model.AddInitializedTensor["float"]("w", [3, 2], numbers(3, 2))
    model.AddInitializedTensor("b", FLOAT, [2], [0.5, -0.25])
    model.AddOperator(SOFIE.ROperator_Gemm["float"](1.0, 1.0, 0, 0, "x", "w", "b", "h"))
    model.AddOperatorReference(SOFIE.ROperator_Relu["float"]("h", "y"))
    model.AddOutputTensorNameList(["y"])
    return model


#: The network of the next test, written by somebody else: what onnxruntime makes of it is what must come out.
NET = """
<ir_version: 8, opset_import: ["" : 17]>
net (float[2, 3, 8, 8] image, float[5, 2, 4] track, bool[2, 3] chosen) => (float[2, 3] y, float[1, 2, 6] last, float[2, 3] mixed) {
    h = Conv <kernel_shape = [3, 3], pads = [1, 1, 1, 1], strides = [2, 2]> (image, k, kb)
    n = BatchNormalization <epsilon = 0.001> (h, scale, shift, mean, variance)
    r = Relu (n)
    p = MaxPool <kernel_shape = [2, 2], strides = [2, 2]> (r)
    f = Flatten (p)
    g = Gemm <transB = 1> (f, w, wb)
    y = Softmax <axis = 1> (g)
    all, last = LSTM <hidden_size = 6> (track, lw, lr, lb)
    mixed = Where (chosen, y, g)
}
"""


def test_built_by_hand(tmp_path: Path) -> None:
    """From Conv, BatchNormalization, Relu, a pool, Gemm and an LSTM: it verifies, and is the network that ONNX's own text says."""
    weights = {
        "k": numbers(4, 3, 3, 3), "kb": numbers(4), "scale": numbers(4), "shift": numbers(4), "mean": numbers(4),
        "variance": numbers(4, low=0.5), "w": numbers(3, 16), "wb": numbers(3), "lw": numbers(1, 24, 4), "lr": numbers(1, 24, 6),
        "lb": numbers(1, 48),
    }  # fmt: skip
    model = SOFIE.RModel("by-hand")
    model.AddInputTensorInfo("track", FLOAT, [5, SOFIE.Dim("bs"), 4])
    model.AddInputTensorInfo("chosen", SOFIE.ETensorType.BOOL, ["bs", 3])
    model.AddInputTensorInfo("image", FLOAT, ["bs", 3, 8, 8])
    for name in ("image", "track", "chosen"):
        model.AddInputTensorName(name)
    for name, value in weights.items():
        model.AddInitializedTensor["float"](name, value.shape, value)
    pool = SOFIE.RAttributes_Pool(kernel_shape=[2, 2], strides=[2, 2])
    for op in (
        SOFIE.ROperator_Conv["float"]("NOTSET", [1, 1], 1, [3, 3], [1, 1, 1, 1], [2, 2], "image", "k", "kb", "h"),
        SOFIE.ROperator_BatchNormalization["float"](1e-3, 0.9, 0, "h", "scale", "shift", "mean", "variance", "n"),
        SOFIE.ROperator_Relu["float"]("n", "r"),
        SOFIE.ROperator_Pool["float"](SOFIE.MaxPool, pool, "r", "p"),
        SOFIE.ROperator_Reshape(SOFIE.Flatten, 1, "p", "", "f"),
        SOFIE.ROperator_Gemm["float"](1.0, 1.0, 0, 1, "f", "w", "wb", "g"),
        SOFIE.ROperator_Softmax["float"](1, "g", "y"),
        SOFIE.ROperator_LSTM["float"]([], [], [], 0.0, "forward", 6, 0, 0, "track", "lw", "lr", "lb", "", "", "", "", "all", "last", ""),
        SOFIE.ROperator_Where["float"]("y", "g", "chosen", "mixed"),  # the order of ROOT 6.36
    ):
        model.AddOperator(op)
    model.AddOutputTensorNameList(["y", "last", "mixed"])
    model.Generate(SOFIE.Options.kDefault, 2)
    model.OutputGenerated(tmp_path / "by_hand.hxx")

    assert model.conversion.report.passed
    assert model.GetTensorShape("n") == [2, 4, 4, 4] and model.GetInputTensorNames() == ["image", "track", "chosen"]
    theirs = parser.parse_model(NET)
    theirs.graph.initializer.extend(onnx.numpy_helper.from_array(value, name) for name, value in weights.items())
    feeds = {"image": numbers(2, 3, 8, 8), "track": numbers(5, 2, 4), "chosen": numbers(2, 3) > 0}
    wanted = oracle(theirs).run(None, feeds)
    got = model.conversion.compile().run(feeds)
    assert max(float(np.abs(a - b).max()) for a, b in zip(got, wanted, strict=True)) < 1e-5


#: Programs that were written for SOFIE: the headers are found and called as SOFIE's are.
PROGRAM = r"""
#include <cstdio>
#include "Small.hxx"
#include "renamed.hxx"
#include "Free.hxx"
#include "Tensors.hxx"
#include "Several.hxx"
namespace TMVA_SOFIE_Small { struct Session; }
int main()
{
   float x[] = {1, -2, 3, 4, 5, -6};
   TMVA_SOFIE_Small::Session s("Small.dat"), beside("Small.dat", 2);
   std::vector<float> y = s.infer(x);
   if (y.size() != 2 || s.infer(2, x) != beside.infer(x)) return 1;
   if (TMVA_SOFIE_MLP_4L::Session().infer(x) != y) return 2;           // renamed.dat, by itself
   if (SOFIE_MLP_4L::Session("renamed.dat").infer(x) != y) return 3;   // the standalone's name
   if (TMVA_SOFIE_Free::infer(1, x) != y) return 4;                    // Options.kNoSession
   if (TMVA_SOFIE_Tensors::Session("Tensors.safetensors").infer(x) != y || TMVA_SOFIE_Tensors::Session().infer(x) != y) return 5;
   if (TMVA_SOFIE_first::Session("Several.dat").infer(x) != y || TMVA_SOFIE_second::Session("Several.dat").infer(x) != y) return 6;
   std::printf("%zu numbers\n", y.size());
}
"""


def test_headers_are_called_as_those_of_sofie(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names, files, options and several models in one header; all in one program."""
    monkeypatch.chdir(tmp_path)
    model = small()
    model.Generate()
    model.OutputGenerated()
    renamed = small("models/MLP-4L.v2".rpartition("/")[2].rpartition(".")[0])
    renamed.Generate(verify=False)
    renamed.OutputGenerated("renamed.hxx")
    free = small("Free")
    free.Generate(SOFIE.Options.kNoSession | SOFIE.Options.kNoWeightFile, verify=False)
    free.OutputGenerated()
    tensors = small("Tensors")
    tensors.Generate(SOFIE.Options.kSafetensorsWeightFile, verify=False)
    tensors.OutputGenerated()
    for name in ("first", "second"):
        several = small(name)
        several.Generate(verify=False)
        several.OutputGenerated("Several.hxx", True)
    files = ["Free.hxx", *(f"{name}.{suffix}" for name in ("Several", "Small") for suffix in ("dat", "hxx")), "Tensors.hxx"]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*files, "Tensors.safetensors", "renamed.dat", "renamed.hxx"])

    (tmp_path / "main.cpp").write_text(PROGRAM)
    find_compiler().run(["-std=c++17", "-O0", "-Wall", "-Werror", "main.cpp", "-o", "main"])
    said = subprocess.run(["./main"], capture_output=True, text=True, check=False)
    assert (said.returncode, said.stdout) == (0, "2 numbers\n")


def test_a_file_of_onnx_is_parsed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Parse, what is printed, numbers for open sizes, and what cannot be parsed."""
    monkeypatch.chdir(tmp_path)
    source = small("file")
    onnx.save(source._graph.model("file"), "my-file.v1.onnx")
    parsing = SOFIE.RModelParser_ONNX()

    assert parsing.CheckModel("my-file.v1.onnx") and {"Gemm", "Relu"} <= set(parsing.GetRegisteredOperators())
    model = parsing.Parse("my-file.v1.onnx")
    assert model.GetName() == "my_filev1" and model.IsDimInputTensor("x") and model.GetTensorData["float"]("b").tolist() == [0.5, -0.25]
    assert model.GetDynamicTensorShape("h")[0].GetVal() == "bs" and model.GetTensorType("h") == FLOAT
    model.Initialize({"bs": 4})
    assert model.GetTensorShape("h") == [4, 2] and SOFIE.ConvertTypeToString(model.GetTensorType("w")) == "float"
    model.PrintRequiredInputTensors()
    model.PrintInitializedTensors()
    model.PrintIntermediateTensors()
    model.PrintOutputTensors()
    model.HeadInitializedTensors("b", 1)
    said = capsys.readouterr().out
    for line in (
        "Fully Specified Tensor name: x\ttype: float\tshape: [4,3]\n", 'Tensor name: "w"\ttype: float\tshape: [3,2]\n',
        'Tensor name: "h"\ttype: float\tshape: [4,2]\n', 'Tensor name: "y"\tshape: { 4 , 2 }\n', "data: [\n0.5, ...]\n",
    ):  # fmt: skip
        assert line in said
    with pytest.raises(SofieError, match=r"my-file.v1 was parsed; add what is missing"):
        model.AddOperator(SOFIE.ROperator_Relu["float"]("y", "z"))

    hard = onnx.parser.parse_model('<ir_version: 8, opset_import: ["" : 17, "x.y" : 1]> g (float[2] x) => (float[2] y) { y = x.y.Odd (x) }')
    onnx.save(hard, "hard.onnx")
    assert not parsing.CheckModel("hard.onnx")
    with pytest.raises(UnsupportedModel, match="Odd"):
        parsing.Parse("hard.onnx")


def test_a_reader_computes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One event at a time: lists, arrays of the input's shape or flat, as ROOT's takes std::vector; what fits nowhere is refused."""
    file = tmp_path / "file.onnx"
    onnx.save(small("file")._graph.model("file"), file)
    event = numbers(1, 3)
    (wanted,) = oracle(onnx.load(file)).run(None, {"x": event})

    reader = SOFIE.RSofieReader(str(file), verbose=True)

    assert "onnxruntime" in capsys.readouterr().out
    for x in (event, event[0], event[0].tolist()):
        assert reader.Compute(x) == pytest.approx(wanted[0].tolist(), rel=1e-6)
    with pytest.raises(SofieError, match=r"Compute: input x has 3 numbers \(1, 3\), got 4"):
        reader.Compute([1, 2, 3, 4])
    with pytest.raises(SofieError, match="Compute: the model has 1 input, got 2"):
        reader.Compute(event, event)
    with pytest.raises(SofieError, match="there is no file"):
        SOFIE.RSofieReader(str(tmp_path / "other.onnx"))


def test_branches_and_custom_operators() -> None:
    """If holds models that read what is around them; Custom is an operator that custom_op has declared."""
    onnx_bridge.custom_op("sofie.tests::Cube", "Cube (x) => (y) { s = Mul(x, x)  y = Mul(s, x) }")
    model = SOFIE.RModel("branches")
    model.AddInputTensorInfo("x", FLOAT, [4])
    model.AddInputTensorInfo("which", SOFIE.ETensorType.BOOL, [1])
    branches = []
    for op in (SOFIE.ROperator_Tanh["float"]("c", "r"), SOFIE.ROperator_Relu["float"]("c", "r")):
        branch = SOFIE.RModel("branch")
        branch.AddOperator(op)
        branch.AddOutputTensorNameList(["r"])
        branches.append(branch)
    model.AddOperator(SOFIE.ROperator_Custom["float"]("Cube", ["x"], ["c"], [[4]], "cube.hxx"))
    model.AddOperator(SOFIE.ROperator_If("which", ["y"], *branches))
    model.AddOutputTensorNameList(["y"])
    model.Generate()

    x = numbers(4)
    net = model.conversion.compile()
    assert np.allclose(net.run({"x": x, "which": np.array([True])})[0], np.tanh(x**3), atol=1e-6)
    assert np.allclose(net.run({"x": x, "which": np.array([False])})[0], np.maximum(x**3, 0), atol=1e-6)


def refused(model: SOFIE.RModel, why: str) -> None:
    with pytest.raises(SofieError, match=why):
        model.Generate()


def test_what_is_wrong_is_said_by_sofies_names() -> None:
    """Nothing is ignored: what was added wrongly, options that no header serves, calls in another order."""
    assert issubclass(SofieError, RuntimeError) and issubclass(SofieError, onnx_bridge.BridgeError)
    model = small()
    model.AddOperator(SOFIE.ROperator_Relu["float"]("nowhere", "z"))
    refused(model, r"ROperator_Relu_2: the input tensor 'nowhere' is not found in the model")
    model = small()
    model.AddOperator(SOFIE.ROperator_Tanh["float"]("x", "h"))
    refused(model, r"ROperator_Tanh_2: the tensor 'h' already exists")
    model = small()
    model.AddOutputTensorNameList(["q"])
    refused(model, r"outputs: the tensor 'q' is not found")
    model = small()
    model.AddOperator(SOFIE.ROperator_Identity["double"]("y", "z"))
    refused(model, r"ROperator_Identity<double> \(ROperator_Identity_2\) has tensors of float alone")
    model = small()
    model.AddInputTensorName("other")
    refused(model, r"the input 'other' was named, but nothing says its type")
    with pytest.raises(SofieError, match=r"the tensor 'w' already exists"):
        model.AddInitializedTensor["float"]("w", [1], [1])
    with pytest.raises(SofieError, match=r"'v' of shape \[2, 3\] has 6 elements, not 5"):
        model.AddInitializedTensor["float"]("v", [2, 3], range(5))
    with pytest.raises(SofieError, match="call Generate first"):
        small().OutputGenerated()
    for option, why in ((SOFIE.Options.kRootBinaryWeightFile, "NAME.dat"), (SOFIE.Options.kGNN, "GraphNets"), (1, "needs kNoWeightFile")):
        with pytest.raises(SofieError, match=why):
            small().Generate(option)
    with pytest.raises(SofieError, match="there is no file nowhere.onnx"):
        SOFIE.RModelParser_ONNX().Parse("nowhere.onnx")
    with pytest.raises(SofieError, match="custom_op"):
        SOFIE.RModelParser_ONNX().RegisterOperator("Odd")
