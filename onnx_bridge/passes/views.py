"""Tensors traced back to where their elements lie, through the operators that only move or rename them."""

from __future__ import annotations

from collections.abc import Mapping

from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.roperator import ROperator
from onnx_bridge.ir.tensor import Tensor
from onnx_bridge.library.known import axis_in
from onnx_bridge.library.view import View, whole
from onnx_bridge.operators.flatten import Flatten
from onnx_bridge.operators.gather import Gather
from onnx_bridge.operators.identity import Identity
from onnx_bridge.operators.reshape import Reshape
from onnx_bridge.operators.slice import Slice
from onnx_bridge.operators.split import Split
from onnx_bridge.operators.squeeze import Squeeze, Unsqueeze
from onnx_bridge.operators.transpose import Transpose

#: Operators whose output is their first input's memory under another shape.
SHAPES = (Reshape, Squeeze, Unsqueeze, Flatten)


def trace(tensor: Tensor, producers: Mapping[Tensor, ROperator]) -> tuple[Tensor, View]:
    """The tensor whose memory holds the elements of `tensor` before they were transposed, sliced or gathered, and how they lie there."""
    maker = producers.get(tensor)
    if maker is None or tensor.layout != "planar" or not maker.inputs or maker.inputs[0] is None or maker.x.layout != "planar":
        return tensor, whole(tensor)
    if isinstance(maker, (Identity, Transpose, Slice, Split, Gather, *SHAPES)):
        root, view = trace(maker.x, producers)
        found = _through(maker, tensor, view)
        if found is not None:
            return root, found
    return tensor, whole(tensor)


def _through(maker: ROperator, tensor: Tensor, view: View) -> View | None:
    """The output of an operator as a view of what its input is a view of."""
    if isinstance(maker, Transpose):
        return view.transposed(maker.order(maker.x))
    if isinstance(maker, Slice):
        for axis, cut in enumerate(maker.cuts()):
            if cut.step < 1:
                return None
            view = view.cut(axis, cut.start, cut.count, cut.step)
        return view
    if isinstance(maker, Split):
        axis, pieces = axis_in(maker.axis, maker.x.rank), maker.pieces(*maker.arguments(2))  # type: ignore[arg-type]
        start: Size = 0
        for piece, output in zip(pieces, maker.outputs, strict=True):
            if output is tensor:
                return view.cut(axis, start, piece)
            start = start + piece
        return None
    if isinstance(maker, Gather):
        axis, place = axis_in(maker.axis, maker.x.rank), maker.one()
        if place is None:
            return None
        view = view.cut(axis, place, 1)
        return view.without(axis) if maker.input(1).rank == 0 else view.reshaped(tensor.shape)
    return view if isinstance(maker, Identity) else view.reshaped(tensor.shape)
