"""The attributes of ONNX's convolutions."""

from __future__ import annotations

from dataclasses import dataclass

from onnx_bridge.ir.roperator import ROperator, attribute


@dataclass(eq=False, kw_only=True)
class Convolving(ROperator):
    """How a window goes over an image: what Conv and its relatives of all domains have in common."""

    auto_pad: str = attribute("NOTSET")
    dilations: list[int] | None = attribute(None)
    group: int = attribute(1)
    kernel_shape: list[int] | None = attribute(None)
    pads: list[int] | None = attribute(None)
    strides: list[int] | None = attribute(None)
