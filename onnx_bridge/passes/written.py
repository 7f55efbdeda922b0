"""Whether every tensor that is read at run time has been written before."""

from __future__ import annotations

from collections.abc import Set

from onnx_bridge.errors import InternalError
from onnx_bridge.ir.rmodel import RModel, nested_models
from onnx_bridge.ir.tensor import Tensor


def check_written(model: RModel, outside: Set[Tensor] = frozenset()) -> None:
    """Holds that whatever is read is a weight, an input, or written by an operator before.

    Args:
        model: a model after its passes.
        outside: what is written where a nested model begins.

    Raises:
        InternalError: a tensor that nobody wrote, and who reads it.
    """
    written = {*outside, *model.inputs}
    for op in model.operators:
        for tensor in (op.inputs[index] for index in op.reads()):
            _check(tensor, written, op.title())
        for body in nested_models(op):
            check_written(body, written)
        written.update(tensor for tensor in op.outputs if tensor is not None)
    for tensor in model.outputs:
        _check(tensor, written, "the model")


def _check(tensor: Tensor | None, written: Set[Tensor], reader: str) -> None:
    if tensor is not None and tensor not in written and not tensor.is_constant:
        raise InternalError("emit", LookupError(f"{reader} reads {tensor.name!r}, which nothing writes"), reader)
