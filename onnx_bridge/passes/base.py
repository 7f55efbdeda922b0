"""What a pass is."""

from __future__ import annotations

from typing import ClassVar

from onnx_bridge.ir.dialect import Dialect
from onnx_bridge.ir.dtypes import DType
from onnx_bridge.ir.rmodel import RModel
from onnx_bridge.ir.tensor import Tensor


class Pass:
    """RModel -> RModel, in place. The docstring of a pass lists its cases; `declined` records why one did not apply.

    A pass of ONNX's dialect sees operators of ONNX alone, and makes such. One of the kernels' dialect stands behind the selection: it knows
    kernel operators, and of ONNX's that are their own kernels what the library and `ROperator` say of them.
    """

    name: ClassVar[str] = ""
    #: The dialects that it takes and gives; None: whichever.
    takes: ClassVar[Dialect | None] = None
    gives: ClassVar[Dialect | None] = None
    #: Whether `without` may leave it out: nothing can be emitted without the others.
    optional: ClassVar[bool] = True
    #: Whether it runs over nested models by themselves, before the model that they are in.
    nested: ClassVar[bool] = True

    def __init__(self) -> None:
        self.declined: list[str] = []

    def call(self, model: RModel) -> bool:
        """Runs the pass; returns whether anything changed."""
        raise NotImplementedError

    def decline(self, what: str, why: str) -> None:
        """Records that a case was seen and not taken."""
        self.declined.append(f"{self.name}: {what}: {why}")


def all_of_type(dtype: DType, *tensors: Tensor | None) -> bool:
    """Whether all tensors that are there have an element type: what is fused must have it everywhere that the kernel reads and writes."""
    return all(tensor is None or tensor.dtype is dtype for tensor in tensors)
