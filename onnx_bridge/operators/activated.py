"""Activations by name, as operators of com.microsoft carry them along."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from onnx_bridge.ir.roperator import UnsupportedForm
from onnx_bridge.ir.tensor import ShapeError, Tensor
from onnx_bridge.library.composite import Parts
from onnx_bridge.operators.clip import Clip
from onnx_bridge.operators.pointwise import TABLE

#: The activations that onnxruntime fuses, and the names of their numbers, in the order in which a list of numbers has them.
ACTIVATIONS: Mapping[str, Sequence[str]] = {
    "Elu": ("alpha",), "HardSigmoid": ("alpha", "beta"), "LeakyRelu": ("alpha",), "Relu": (), "Selu": ("alpha", "gamma"), "Sigmoid": (),
    "Softplus": (), "Softsign": (), "Tanh": (), "ThresholdedRelu": ("alpha",), "Clip": ("min", "max"),
}  # fmt: skip


def check_activation(name: str, numbers: Mapping[str, float]) -> None:
    """Refuses an activation that is not known, or numbers that it has not.

    Raises:
        UnsupportedForm, ShapeError: as it says.
    """
    if name and name not in ACTIVATIONS:
        raise UnsupportedForm(f"activation {name!r} is not known (known: {', '.join(ACTIVATIONS)})")
    more = set(numbers) - set(ACTIVATIONS.get(name, ()))
    if more:
        raise ShapeError(f"activation {name or 'none'!r} has no number called {' or '.join(sorted(more))}")


def activated(build: Parts, x: Tensor, name: str, numbers: Mapping[str, float]) -> Tensor:
    """`x` behind an activation; `x` itself where the name is empty."""
    if not name:
        return x
    if name == "Clip":
        return build.add(Clip, x, *(build.constant(which, numbers[which], x) for which in ("min", "max") if which in numbers))
    return build.add(TABLE[name], x, **numbers)
