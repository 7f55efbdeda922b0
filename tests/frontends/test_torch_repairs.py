"""What PyTorch's exporters get wrong without a word: repaired, or caught by the comparison. A test fails when its repair is taken out."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import numpy as np
import pytest
from harness import needs

pytestmark = needs("torch")

import onnx
import onnxruntime
import torch
from torch import nn
from torch_zoo_sequences import Padded

from onnx_bridge.errors import ExportError
from onnx_bridge.frontends import Exported, Request, export
from onnx_bridge.frontends.torch import finish as torch_finish
from onnx_bridge.frontends.torch import layers as torch_layers
from onnx_bridge.frontends.torch import routes as torch_routes
from onnx_bridge.frontends.torch import translations as torch_translations
from onnx_bridge.frontends.trial import Rejected

X = torch.linspace(-2.9, 2.8, 12).reshape(2, 6)


def exported(model: Any, *examples: Any, dynamic: Any = None) -> Exported:
    return export(model, "torch", Request(examples or None, dynamic))


def answer(made: Exported, *inputs: np.ndarray) -> list[np.ndarray]:
    """What onnxruntime makes of the exported model."""
    session = onnxruntime.InferenceSession(made.model.SerializeToString())
    return session.run(None, dict(zip([value.name for value in session.get_inputs()], inputs, strict=True)))


def operators(made: Exported) -> list[str]:
    return [node.op_type for node in made.model.graph.node]


def shape(made: Exported, index: int = 0) -> list[Any]:
    return [dim.dim_param or dim.dim_value for dim in made.model.graph.input[index].type.tensor_type.shape.dim]


def scripted(module: nn.Module) -> Any:
    return torch.jit.script(module.eval())


def traced(module: nn.Module, example: torch.Tensor) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.jit.trace(module.eval(), example)


@pytest.fixture
def no_translations(monkeypatch: pytest.MonkeyPatch) -> None:
    """The exporters as they come."""
    monkeypatch.setattr(torch_translations, "dynamo_table", lambda _: {})
    monkeypatch.setattr(torch_translations, "TORCHSCRIPT", {})


class Function(nn.Module):
    """A function as a module."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *inputs: torch.Tensor) -> Any:
        return self.function(*inputs)


# ---- numbers


@pytest.mark.parametrize("form", [lambda module: module, scripted], ids=["module", "script"])
def test_log_sigmoid_is_finite_far_out(form: Callable[[nn.Module], Any]) -> None:
    far = np.array([[-200, -50, -1, 0, 1, 50]], np.float32)
    (y,) = answer(exported(form(nn.LogSigmoid()), X), far)
    assert np.allclose(y, torch.nn.functional.logsigmoid(torch.from_numpy(far)).numpy(), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("form", [lambda module: module, lambda module: traced(module, torch.ones(1, 2, 4, 4))], ids=["module", "trace"])
@pytest.mark.parametrize("options", [{}, {"padding": 1, "count_include_pad": False}], ids=["plain", "padded"])
def test_divisor_of_average_pooling(form: Callable[[nn.Module], Any], options: dict[str, Any]) -> None:
    pool = nn.AvgPool2d(2, divisor_override=3, **options)
    x = torch.randn(2, 2, 4, 4)
    (y,) = answer(exported(form(pool), x), x.numpy())
    assert np.allclose(y, pool(x).numpy(), atol=1e-6)


def test_divisor_with_ceil_is_refused() -> None:
    with pytest.raises(ExportError, match="ceil_mode and divisor_override"):
        exported(nn.AvgPool2d(2, divisor_override=3, ceil_mode=True), torch.randn(2, 2, 5, 5))


def test_threshold_of_softplus_in_torchscript() -> None:
    soft = nn.Softplus(beta=2, threshold=3)
    x = torch.linspace(1.4, 1.7, 6)[None]
    (y,) = answer(exported(scripted(soft), X), x.numpy())
    assert np.allclose(y, soft(x).numpy(), atol=1e-6)


@pytest.mark.parametrize("function", [lambda x: torch.floor_divide(x, 0.3), lambda x: x.int() // 2, lambda x: x.long() // -3])
def test_floor_division_in_torchscript(function: Callable[[torch.Tensor], torch.Tensor]) -> None:
    (y,) = answer(exported(traced(Function(function), X), X), X.numpy())
    assert np.array_equal(y, function(X).numpy())


@pytest.mark.parametrize(
    ("module", "example"),
    [
        (lambda: nn.AvgPool2d(2, divisor_override=3), torch.randn(2, 2, 4, 4)),
        (nn.LogSigmoid, X),
        (lambda: traced(Function(lambda x: x.int() // 2), X), X),
        (lambda: torch.jit.script(nn.Softplus(2, 3)), X),
    ],
    ids=["divisor", "logsigmoid", "floor_divide", "softplus"],
)
@pytest.mark.usefixtures("no_translations")
def test_the_comparison_catches_what_is_not_repaired(module: Callable[[], Any], example: torch.Tensor) -> None:
    try:
        said = "\n".join(exported(module(), example).notes)  # a later route may be right
    except ExportError as error:
        said = str(error)
    assert "is off by" in said


def test_rrelu_has_its_slope_of_inference() -> None:
    made = exported(nn.RReLU(0.1, 0.5), X)
    assert operators(made) == ["LeakyRelu"] and made.route == torch_routes.MODULE[0].name


def test_distances() -> None:
    for p in (1.0, 2.0, 3.0, float("inf")):
        made = exported(Function(lambda a, b, p=p: torch.cdist(a, b, p=p)), torch.randn(2, 3, 4), torch.randn(2, 5, 4))
        assert made.route == torch_routes.MODULE[0].name


# ---- what is frozen


@pytest.mark.parametrize("kind", [nn.RNN, nn.LSTM, nn.GRU])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_recurrent_layers_keep_their_length_and_their_name(kind: type[nn.Module], bidirectional: bool) -> None:
    layer = kind(3, 4, num_layers=2, batch_first=True, bidirectional=bidirectional)
    made = exported(layer, torch.randn(2, 5, 3), dynamic={"input": {0: "batch", 1: "time"}})
    assert shape(made) == ["batch", "time", 3]
    assert operators(made).count(kind.__name__) == 2 and made.route == torch_routes.MODULE[0].name
    assert all(len(node.input) <= 4 for node in made.model.graph.node if node.op_type == kind.__name__), "zero states are absent"
    x = torch.randn(3, 9, 3)
    assert np.allclose(answer(made, x.numpy())[0], layer(x)[0].detach().numpy(), atol=1e-6)


def test_where_the_exporter_would_freeze_a_length_another_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch_layers, "opaque_layers", lambda *_: nullcontext())
    made = exported(nn.RNN(3, 4), torch.randn(5, 2, 3), dynamic={"input": {0: "time", 1: "batch"}})
    assert any("passed over torch.onnx.export:" in note and "static shape of 5" in note for note in made.notes)
    assert shape(made) == ["time", "batch", 3] and "RNN" in operators(made)


def test_a_length_that_came_out_fixed_is_noticed() -> None:
    model = onnx.parser.parse_model('<ir_version: 8, opset_import: ["": 18]> g (float[N, 5] x) => (float[N, 5] y) { y = Relu (x) }')
    torch_finish.expect_inputs(model, ["x"], [(2, 5)], [{0: "batch"}])
    assert model.graph.output[0].type.tensor_type.shape.dim[0].dim_param == "batch"
    with pytest.raises(Rejected, match="axis 1 of 'x' was to be 'time' and came out as the example's 5"):
        torch_finish.expect_inputs(model, ["x"], [(2, 5)], [{0: "batch", 1: "time"}])
    with pytest.raises(Rejected, match="has no input 'z'"):
        torch_finish.expect_inputs(model, ["x", "z"], [(2, 5), (2,)], [{0: "batch"}, {}])


@pytest.mark.parametrize("kind", [nn.RNN, nn.LSTM, nn.GRU])
@pytest.mark.parametrize("form", ["script", "program"])
def test_zero_states_are_left_out_of_what_was_saved(kind: type[nn.Module], form: str) -> None:
    layer = Function(kind(3, 4, batch_first=True))
    layer.eval()
    x = torch.randn(2, 5, 3)
    model = traced(layer, x) if form == "script" else torch.export.export(layer, (x,), dynamic_shapes=(({0: torch.export.Dim("n")},),))
    made = exported(model, *([x] if form == "script" else []))
    assert all(len(node.input) <= 4 for node in made.model.graph.node if node.op_type == kind.__name__)
    assert kind.__name__ in operators(made) and "Expand" not in operators(made)


def test_inputs_that_share_an_example_are_not_tied() -> None:
    made = exported(Function(lambda a, b: a - 2 * b), X, X)
    a, b = np.ones((1, 6), np.float32), np.full((1, 6), 5, np.float32)
    assert np.array_equal(answer(made, a, b)[0], a - 2 * b)


class Branch(nn.Module):
    """A branch that depends on data."""

    def __init__(self, limit: float = 0.0) -> None:
        super().__init__()
        self.limit = limit

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if bool(x.sum() > self.limit):
            return x * 2
        return -x


class Unreadable(Branch):
    """The same in Python that TorchScript does not take."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        try:
            return x * 2 if bool(x.sum() > self.limit) else -x
        finally:
            pass


def test_a_branch_stays_a_branch_where_the_source_can_be_read() -> None:
    made = exported(Branch(limit=1e6), X)
    assert "If" in operators(made)
    big = np.full((1, 6), 1e6, np.float32)
    assert np.array_equal(answer(made, big)[0], big * 2)


@pytest.mark.parametrize("limit", [0.0, 1e6], ids=["seen", "never seen by the comparison"])
def test_a_branch_that_would_be_frozen_is_refused(limit: float) -> None:
    with pytest.raises(ExportError, match="data-dependent"):
        exported(Unreadable(limit), X)


# ---- what does not load, and what becomes a crowd of nodes


def test_masks_are_as_onnxruntime_wants_them() -> None:
    made = exported(Padded(), torch.randn(2, 5, 8), torch.tensor([[False] * 4 + [True]] * 2))
    assert "Attention" in operators(made) and made.route == torch_routes.MODULE[0].name


def test_the_reference_is_that_of_the_layers() -> None:
    """The fused operator of PyTorch gives NaN where a mask leaves nothing; its layers, and ONNX, do not look there."""
    module = Padded().eval()
    x, padding = torch.randn(2, 5, 8), torch.tensor([[False] * 4 + [True], [True] * 5])
    made = exported(module, x, padding)
    wanted = made.reference({"x": x.numpy(), "padding": padding.numpy()})[0]
    assert np.isfinite(wanted).all() and made.route == torch_routes.MODULE[0].name
    assert np.allclose(answer(made, x.numpy(), padding.numpy())[0], wanted, atol=1e-6)
    assert torch.backends.mha.get_fastpath_enabled()


def test_a_projected_lstm_is_taken_apart() -> None:
    made = exported(nn.LSTM(3, 4, proj_size=2), torch.randn(5, 2, 3), dynamic={"input": {1: "batch"}})
    assert "LSTM" not in operators(made) and any("torch.onnx.export: " in note for note in made.notes)


@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
@pytest.mark.parametrize("offsets", [False, True], ids=["rows", "offsets"])
@pytest.mark.parametrize("options", [{}, {"padding_idx": 1}, {"include_last_offset": True}], ids=["plain", "padding", "last"])
def test_bags_are_no_loops(mode: str, offsets: bool, options: dict[str, Any]) -> None:
    bag = nn.EmbeddingBag(7, 3, mode=mode, **options)
    ids = torch.tensor([[1, 2, 6], [3, 1, 1], [1, 1, 1]])
    given = (ids.flatten(), torch.tensor([0, 3, 6] + [9] * bool(options.get("include_last_offset")))) if offsets else (ids,)
    made = exported(bag, *given, dynamic={0: {}, 1: {}} if offsets else None)
    assert "Loop" not in operators(made) and made.route == torch_routes.MODULE[0].name
    assert np.allclose(answer(made, *(value.numpy() for value in given))[0], bag(*given).detach().numpy(), atol=1e-6)


# ---- the user's object


def test_a_module_is_left_as_it_was() -> None:
    module = nn.Sequential(nn.LSTM(3, 4, batch_first=True), nn.Dropout(0.5)).train()
    module[1].eval()
    before = copy.deepcopy(module.state_dict())
    made = exported(Function(lambda x, m=module: m[1](m[0](x)[0])), torch.randn(2, 5, 3))
    made = exported(module[0], torch.randn(2, 5, 3))
    assert module.training and module[0].training and not module[1].training
    assert module.state_dict().keys() == before.keys() and all(torch.equal(a, before[k]) for k, a in module.state_dict().items())
    assert "forward" not in vars(module[0]) and any("was in training mode" in note for note in made.notes)


class Uncopied(nn.Module):
    """A module that refuses to be copied."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.5))

    def __deepcopy__(self, _: Any) -> Any:
        raise RuntimeError("there is only one of me")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers(x)


def test_a_module_that_cannot_be_copied_gets_its_modes_back() -> None:
    module = Uncopied().train()
    made = exported(module, torch.randn(2, 3))
    assert "Dropout" not in operators(made) and any("there is only one of me" in note for note in made.notes)
    x = np.ones((4, 3), np.float32)
    assert np.allclose(made.reference({"x": x})[0], answer(made, x)[0], atol=1e-6)
    assert module.training and module.layers[1].training


def test_a_compiled_module_is_the_module() -> None:
    assert operators(exported(torch.compile(nn.Linear(6, 2)), X)) == ["Gemm"]


def test_registrations_of_torchscript_are_taken_back() -> None:
    exported(scripted(nn.LogSigmoid()), X)
    import io

    stream = io.BytesIO()
    with pytest.warns(DeprecationWarning):
        torch.onnx.export(nn.LogSigmoid(), (X,), stream, dynamo=False)
    assert b"Softplus" not in stream.getvalue()


def test_weights_that_come_out_in_another_type_are_rounded() -> None:
    """torch.onnx folds a normalisation into a convolution of bfloat16 in float32, and leaves its weights so."""
    torch.manual_seed(0)
    layers = nn.Sequential(nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.ReLU()).eval().bfloat16()

    made = export(layers, "torch", Request(torch.randn(2, 2, 5, 5).bfloat16()))

    assert {tensor.data_type for tensor in made.model.graph.initializer if len(tensor.dims) == 4} == {onnx.TensorProto.BFLOAT16}
