"""Which of PyTorch's exporters is taken: the first whose model is right and can be converted; and what is said where none can."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnx
import pytest
from harness import needs

pytestmark = needs("torch")

import torch
from torch import nn

import onnx_bridge
from onnx_bridge.errors import ExportError, Finding
from onnx_bridge.frontends import Request, export
from onnx_bridge.frontends.torch.routes import MODULE
from onnx_bridge.ir.roperator import REGISTRY

X = torch.randn(3, 4)


class Choosing(nn.Module):
    """Gives as many rows as are positive. The first parameter of forward need not be called self."""

    def forward(this, x: torch.Tensor) -> torch.Tensor:
        return x[x[:, 0] > 0] * 2


class Net(nn.Module):
    """A layer that is a layer of another."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.Sequential(nn.Linear(4, 4), Choosing())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.blocks(x)


def net(script: bool) -> Any:
    torch.manual_seed(0)
    return torch.jit.script(Net().eval()) if script else Net().eval()


def test_a_route_that_cannot_be_converted_is_passed_over() -> None:
    asked: list[int] = []

    def obstacles(model: onnx.ModelProto) -> list[Finding]:
        asked.append(len(model.graph.node))
        return [Finding("n", "Op", "is not for us")] * (3 - len(asked))

    made = export(nn.Linear(4, 2), "torch", Request(X, obstacles=obstacles))

    assert made.route == MODULE[2].name and len(asked) == 3
    assert f"passed over {MODULE[0].name}: cannot be converted: Op at 'n': is not for us and 1 things more" in made.notes


def test_where_none_can_the_one_with_the_least_in_the_way_is_given() -> None:
    counts = iter((3, 1, 2, 2))
    made = export(nn.Linear(4, 2), "torch", Request(X, obstacles=lambda model: [Finding("n", "Op", "not for us")] * next(counts)))

    assert made.route == MODULE[1].name


@pytest.mark.parametrize("script", [False, True])
def test_what_cannot_be_converted_is_named_with_the_users_layer(script: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """TorchScript's exporter keeps the names of layers, but not of those without weights, and no lines."""
    monkeypatch.delitem(REGISTRY, ("", "NonZero"))
    (found,) = onnx_bridge.check(net(script), example_inputs=X)

    assert found.op == "NonZero" and "not supported in opset" in found.why
    assert script or found.origin == "layer 'blocks.1', test_torch_routes.py line 30: return x[x[:, 0] > 0] * 2"


def test_a_files_process_asks_back(tmp_path: Path) -> None:
    torch.jit.save(net(script=True), path := tmp_path / "net.pt")
    seen: list[set[str]] = []

    def obstacles(model: onnx.ModelProto) -> list[Finding]:
        seen.append({node.op_type for node in model.graph.node})
        return [Finding("n", "Op", "not for us", "another", "layer")]

    made = export(str(path), "torch", Request(X.numpy(), obstacles=obstacles))
    made.close()

    assert len(seen) == 1 and "NonZero" in seen[0]


class Either(nn.Module):
    """Layers in the branches of torch.cond."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(4, 4), nn.Linear(4, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cond(x.mean() > 0, self.a, self.b, (x,))


def test_layers_inside_branches() -> None:
    """PyTorch captures a branch whole, and refuses one whose layers have hooks."""
    made = export(Either(), "torch", Request(X))

    assert "If" in {node.op_type for node in made.model.graph.node}


class Along(nn.Module):
    """PyTorch cannot leave the sizes of these two open."""

    def forward(self, x: torch.Tensor, i: torch.Tensor) -> torch.Tensor:
        return torch.take_along_dim(x, i, 1)


def test_where_a_size_stands_in_the_way_it_can_be_fixed() -> None:
    x, i = torch.randn(2, 4), torch.tensor([[0, 3, 1], [2, 2, 0]])
    with pytest.raises(ExportError, match=r"static shape of 2(.|\n)*or fix the shapes, with dynamic={'x': {}, 'i': {}}"):
        export(Along(), "torch", Request((x, i)))

    assert export(Along(), "torch", Request((x, i), {"x": {}, "i": {}})).route == MODULE[0].name
