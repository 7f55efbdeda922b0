"""Declared operators through both exporters of PyTorch: one node each, for functions and for operators of torch.library."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import pytest
from harness import needs

pytestmark = needs("torch")

import onnxruntime
import torch
from torch import nn

from onnx_bridge import custom_op
from onnx_bridge.custom import complete
from onnx_bridge.frontends.torch import calls as torch_calls
from onnx_bridge.frontends.torch import routes as torch_routes
from onnx_bridge.frontends.torch.routes import Made, Task

BODY = """
    {name} <beta: float = 1.0, power: int = 1> (x, y) => (z) {{
        b = Constant <value_float: float = @beta> ()
        p = Constant <value_int: int = @power> ()
        q = Cast <to: int = 1> (p)
        bx = Mul (b, x)
        s = Pow (y, q)
        z = Add (bx, s)
    }}
"""

plain = custom_op("test_torch_custom::Plain", BODY.format(name="Plain"))
listed = custom_op("test_torch_custom::Listed", BODY.format(name="Listed"))


@plain
def mixed(x: torch.Tensor, y: torch.Tensor, beta: float = 1.0, power: int = 1) -> torch.Tensor:
    return beta * x + y**power


@listed
@torch.library.custom_op("test_torch_custom::mixed", mutates_args=())
def library_mixed(x: torch.Tensor, y: torch.Tensor, beta: float, power: int = 1) -> torch.Tensor:
    return beta * x + y**power


@library_mixed.register_fake
def _(x: torch.Tensor, y: torch.Tensor, beta: float, power: int = 1) -> torch.Tensor:
    return torch.empty_like(x)


class Net(nn.Module):
    """A layer, the function, another operation."""

    def __init__(self, function: Callable[..., torch.Tensor]) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 3)
        self.function = function

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.function(self.layer(x), x, 1.5, power=2) * 2


@pytest.mark.parametrize("route", [torch_routes.captured, torch_routes.traced], ids=["torch.onnx.export", "traced"])
@pytest.mark.parametrize(("function", "name"), [(mixed, "Plain"), (library_mixed, "Listed")], ids=["function", "library"])
def test_one_node_for_the_operator(route: Callable[[Task], Made], function: Any, name: str) -> None:
    net = Net(function).eval()
    x = torch.randn(2, 3)
    call = torch_calls.taken_apart(torch, x, None, "net")
    model = route(Task(torch, net, call, ["output"], [{0: "batch"}])).model
    (node,) = [node for node in model.graph.node if node.domain == "test_torch_custom"]
    given = {attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in node.attribute}
    assert node.op_type == name and given == {"beta": 1.5, "power": 2}
    assert not {"Pow"} & {node.op_type for node in model.graph.node}, "the insides of the function are not exported"
    complete(model)
    onnx.checker.check_model(model)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    other = torch.randn(5, 3)
    (ours,) = session.run(None, {session.get_inputs()[0].name: other.numpy()})
    with torch.no_grad():
        assert np.allclose(ours, net(other).numpy(), atol=1e-6)
