"""What PyTorch or its files refuse: the message says who, in PyTorch's words, and what to do."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from harness import needs

pytestmark = needs("torch")

import torch
from torch import nn

import onnx_bridge
from onnx_bridge.errors import BridgeError, ExportError, InvalidModel
from onnx_bridge.frontends import Request, export, framework_of

X = np.zeros((2, 3), np.float32)


class LogGamma(nn.Module):
    """A layer that has no place in ONNX."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(3, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.inner(x).abs().lgamma()


def test_an_operator_without_translation() -> None:
    with pytest.raises(ExportError) as caught:
        onnx_bridge.convert(nn.Sequential(nn.Linear(3, 3), LogGamma()), example_inputs=X)
    text = str(caught.value)
    assert "Sequential cannot be exported from PyTorch" in text
    assert "torch.onnx.export: DispatchError: No ONNX function found for <OpOverload(op='prims.lgamma', overload='default')>" in text
    assert "torch.onnx.export(dynamo=False): UnsupportedOperatorError" in text
    assert "in the layer '1', LogGamma" in text and "Rewrite that layer" in text and "custom_op" in text


def test_a_layer_that_draws_random_numbers() -> None:
    class Noise(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x + torch.randn_like(x)

    with pytest.raises(ExportError, match="Noise gives another answer when it is called again.*take out what is random"):
        onnx_bridge.convert(Noise(), example_inputs=X)


# ---- example inputs


class Two(nn.Module):
    """Layers that do not fit together."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(3, 2), nn.Linear(4, 2))

    def forward(self, x: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        return self.layers(x)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (None, r"example_inputs is needed.*each input of Two.forward\(x.*mask.*--example-inputs"),
        (
            X,
            r"Two refuses the example inputs \(x: float32\[2, 3\]\) in its layer 'layers.1': RuntimeError.*It takes Two.forward\(x",
        ),
        (X.astype(np.float64), r"\(x: float64\[2, 3\]\) in its layer 'layers.0': RuntimeError: mat1 and mat2 must have the same dtype"),
        ((X, X, X), r"do not fit Two.forward\(x.*too many positional arguments"),
        ({"y": X}, r"do not fit Two.forward\(x.*missing a required argument: 'x'.*mapping by these names"),
        ({"x": X, "y": X}, r"unexpected keyword argument 'y'"),
    ],
    ids=["none", "shape", "type", "too many", "wrong name", "one too many"],
)
def test_example_inputs_that_do_not_fit(inputs: Any, message: str) -> None:
    with pytest.raises(ExportError, match=message):
        onnx_bridge.convert(Two(), example_inputs=inputs)


@pytest.mark.parametrize(
    ("dynamic", "message"),
    [
        ({"y": {0: "n"}}, "there is no input 'y'; the inputs are input"),
        ({"input": {5: "n"}}, "'input' has no axis 5"),
        ({"input": {0: "2n"}}, "must have a name that is an identifier"),
    ],
)
def test_dynamic_that_does_not_fit(dynamic: Any, message: str) -> None:
    with pytest.raises(ExportError, match=message):
        onnx_bridge.convert(nn.Linear(3, 2), example_inputs=X, dynamic=dynamic)


def test_numbers_that_numpy_has_not() -> None:
    """bfloat16 is converted and compared; complex numbers are of no type that a header has."""
    assert onnx_bridge.convert(nn.Linear(3, 2).bfloat16(), example_inputs=torch.zeros(2, 3, dtype=torch.bfloat16)).report.passed
    with pytest.warns(UserWarning, match="Complex modules"), pytest.raises(BridgeError, match="(?i)complex"):
        onnx_bridge.convert(nn.Linear(3, 2).to(torch.complex64), example_inputs=torch.zeros(2, 3, dtype=torch.complex64))


def test_a_module_that_gives_no_tensor() -> None:
    class Count(nn.Module):
        def forward(self, x: torch.Tensor) -> int:
            return len(x)

    with pytest.raises(ExportError, match="Count gives no tensor for the example inputs, but int"):
        onnx_bridge.convert(Count(), example_inputs=X)


# ---- files


def program(layer: nn.Module | None = None) -> Any:
    return torch.export.export(layer or nn.Linear(3, 2), (torch.zeros(2, 3),), dynamic_shapes=({0: torch.export.Dim("n")},))


def refused(path: Path, **arguments: Any) -> str:
    """The message that a file is refused with."""
    assert framework_of(str(path)) == "torch"
    with pytest.raises(BridgeError) as caught:
        export(str(path), "torch", Request(**arguments))
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_torchscript_needs_an_example(tmp_path: Path) -> None:
    path = tmp_path / "net.pt"
    torch.jit.script(Two()).save(str(path))
    with pytest.raises(ExportError, match=r"net: example_inputs is needed.*net.forward\(x, mask=None\)"):
        export(str(path), "torch", Request())


@pytest.mark.parametrize("what", ["module", "weights", "old"])
def test_pickles_are_not_loaded(tmp_path: Path, what: str) -> None:
    path = tmp_path / "net.pt"
    module = nn.Linear(3, 2)
    if what == "old":
        path.write_bytes(pickle.dumps(module.state_dict()))
    else:
        torch.save(module if what == "module" else module.state_dict(), path)
    assert "holds pickled objects" in (message := refused(path, example_inputs=X))
    assert "torch.export.save" in message and "'train.py:model'" in message


@pytest.mark.parametrize("name", ["net.pt", "net.pt2"])
def test_damaged_files(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    layer = nn.Linear(3, 2)
    assert "there is no such file" in refused(path)
    path.write_bytes(b"")
    assert "is damaged, or no file of PyTorch" in refused(path)
    if name == "net.pt":
        torch.jit.script(layer).save(str(path))
    else:
        torch.export.save(program(layer), path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert "is damaged" in refused(path)
    weights = layer.weight.detach().numpy().tobytes()
    assert weights in whole
    path.write_bytes(whole.replace(weights, weights[::-1]))
    assert "does not have its checksum" in refused(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "hello")
    assert "neither TorchScript nor a program of torch.export" in refused(path)


def rewritten(source: Path, target: Path, change: Any) -> None:
    """A copy of an archive with one file in it changed."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))


def test_sizes_of_a_program_are_arithmetic(tmp_path: Path) -> None:
    good, bad, witness = tmp_path / "good.pt2", tmp_path / "bad.pt2", tmp_path / "witness"
    torch.export.save(program(), good)

    def spoilt(name: str, content: bytes) -> bytes:
        if not name.endswith("models/model.json"):
            return content
        return json.dumps(json.loads(content), default=str).replace("Symbol('", f"open('{witness}', 'w') or Symbol('").encode()

    rewritten(good, bad, spoilt)
    assert "a size that is no arithmetic" in refused(bad)
    assert not witness.exists()


def test_a_program_holds_no_pickles(tmp_path: Path) -> None:
    good, bad, witness = tmp_path / "good.pt2", tmp_path / "bad.pt2", tmp_path / "witness"
    torch.export.save(program(), good)

    class Evil:
        def __reduce__(self) -> Any:
            return open, (str(witness), "w")

    import io

    stream = io.BytesIO()
    torch.save((Evil(),), stream)
    rewritten(good, bad, lambda name, content: stream.getvalue() if "sample_inputs" in name else content)
    assert "cannot read it" in refused(bad)
    assert not witness.exists()


OPERATOR = """
import torch
from onnx_bridge import custom_op

tripled = custom_op("test_torch::Tripled", "Tripled (x) => (y) { t = Add (x, x) y = Add (t, x) }")

@tripled
@torch.library.custom_op("test_torch::tripled", mutates_args=())
def triple(x: torch.Tensor) -> torch.Tensor:
    return x * 3

@triple.register_fake
def _(x):
    return torch.empty_like(x)
"""


def test_a_program_with_an_operator_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "test_torch_operator.py").write_text(OPERATOR)
    monkeypatch.syspath_prepend(str(tmp_path))
    path = tmp_path / "net.pt2"
    save = (
        "import torch, test_torch_operator as o\n"
        "class Net(torch.nn.Module):\n"
        "    def forward(self, x): return o.triple(x) + 1\n"
        f"program = torch.export.export(Net(), (torch.ones(2, 3),), dynamic_shapes=({{0: torch.export.Dim('n')}},))\n"
        f"torch.export.save(program, {str(path)!r})\n"
    )
    subprocess.run([sys.executable, "-c", save], cwd=tmp_path, check=True, capture_output=True)
    assert "imports=['mypackage.ops']" in refused(path)
    made = export(str(path), "torch", Request(imports=["test_torch_operator"]))
    try:
        assert [(node.domain, node.op_type) for node in made.model.graph.node][:1] == [("test_torch", "Tripled")]
        assert made.model.functions[0].name == "Tripled"
        assert np.array_equal(made.reference({"x": X + 2})[0], X + 7)
    finally:
        made.close()


def test_a_program_with_fixed_sizes(tmp_path: Path) -> None:
    fixed = torch.export.export(nn.Linear(3, 2), (torch.zeros(2, 3),))
    made = export(fixed, "torch", Request())
    assert any("fixed sizes" in note for note in made.notes)
    assert [d.dim_value for d in made.model.graph.input[0].type.tensor_type.shape.dim] == [2, 3]
    with pytest.raises(ExportError, match=r"axis 0 of 'input' fixed; export it again with dynamic_shapes"):
        export(fixed, "torch", Request(dynamic={"input": {0: "n"}}))


# ---- packages


@pytest.mark.parametrize("package", ["torch", "onnxscript"])
def test_a_missing_package(package: str, tmp_path: Path) -> None:
    path = tmp_path / "net.pt2"
    torch.export.save(program(), path)
    script = (
        "import sys\nfrom pathlib import Path\n"
        f"sys.modules[{package!r}] = None\n"
        "from onnx_bridge.errors import ExportError\nfrom onnx_bridge.frontends import Request, torch\n"
        f"try:\n    torch.export(Path({str(path)!r}), Request())\nexcept ExportError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert f"needs the package {package!r}, which is not installed: pip install 'onnx_bridge[torch]'" in done.stdout, done.stderr


def test_recognising_imports_nothing() -> None:
    script = (
        "import sys\nfrom pathlib import Path\nfrom onnx_bridge.frontends import torch\n"
        "assert torch.reads(Path('a.pt2')) and torch.reads(Path('a.pth')) and not torch.reads(Path('a.onnx'))\n"
        "assert not torch.recognises(3) and not torch.recognises(print)\n"
        "assert 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_the_error_of_a_damaged_file_is_of_its_class(tmp_path: Path) -> None:
    path = tmp_path / "net.pt"
    path.write_bytes(b"no zip")
    with pytest.raises(InvalidModel):
        onnx_bridge.convert(str(path), example_inputs=X)
