"""Changes of layout between planar and blocked tensors; the pass `layout` puts them where they are needed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from onnx_bridge.ir import dims
from onnx_bridge.ir.roperator import KernelOperator, Writer
from onnx_bridge.ir.tensor import BLOCK, Tensor, Type


@dataclass(eq=False, kw_only=True)
class Relayout(KernelOperator):
    """The same values in the other layout. Where both lie alike in memory it is a view."""

    kernels = ("blocked.hxx",)
    function: ClassVar[str] = ""
    #: The layout that it makes.
    makes: ClassVar[str] = ""

    def types(self, x: Tensor) -> Type:
        return x.type

    @property
    def is_view(self) -> bool:  # type: ignore[override]
        channels = self.x.shape[1]
        return dims.product(self.x.shape[2:]) == 1 and isinstance(channels, int) and channels % BLOCK == 0

    def takes_layout(self, tensor: Tensor) -> bool:
        return (tensor.layout == self.makes) is (tensor is self.y)

    def emit(self, cpp: Writer) -> None:
        batch, channels, *spatial = self.x.shape
        cpp.call(self.function, batch, channels, dims.product(spatial), self.x, self.y)


@dataclass(eq=False, kw_only=True)
class ToBlocked(Relayout):
    """Planar to blocked."""

    op_type = "ToBlocked"
    function = "to_blocked"
    makes = "blocked"


@dataclass(eq=False, kw_only=True)
class FromBlocked(Relayout):
    """Blocked to planar."""

    op_type = "FromBlocked"
    function = "from_blocked"
    makes = "planar"
