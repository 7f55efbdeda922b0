"""What stands around recurrent layers: states of zeros, and changes of layout, which their kernels do on the way."""

from __future__ import annotations

from onnx_bridge.ir.dialect import Dialect
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.rmodel import RModel
from onnx_bridge.ir.roperator import ROperator
from onnx_bridge.ir.tensor import Tensor
from onnx_bridge.library.loops import contiguous_strides
from onnx_bridge.library.view import runs_of
from onnx_bridge.operators.cast import Cast
from onnx_bridge.operators.concat import Concat
from onnx_bridge.operators.constant_of_shape import ConstantOfShape
from onnx_bridge.operators.expand import Expand
from onnx_bridge.operators.gather import Gather
from onnx_bridge.operators.identity import Identity
from onnx_bridge.operators.recurrent import Recurrent
from onnx_bridge.operators.slice import Slice
from onnx_bridge.operators.split import Split
from onnx_bridge.operators.tile import Tile
from onnx_bridge.operators.transpose import Transpose
from onnx_bridge.passes.base import Pass
from onnx_bridge.passes.views import SHAPES, trace


class ZeroStates(Pass):
    """An initial state of zeros (a constant, or made of zeros by Expand, ConstantOfShape, Slice and the like) is no input at all."""

    name = "zero states"
    takes = gives = Dialect.ONNX

    def call(self, model: RModel) -> bool:
        changed = False
        producers = model.producers()
        for op in model.operators:
            if not isinstance(op, Recurrent):
                continue
            for index in range(5, min(len(op.inputs), 7)):
                tensor = op.inputs[index]
                if tensor is not None and is_zero(tensor, producers):
                    op.inputs[index] = None
                    changed = True
        return changed


class Recurrences(Pass):
    """
    1. What makes x by transposing or cutting something: x is read where that lies, if the inputs of a step stay side by side.
    2. Transposes and views that alone read Y, one after the other, and leave the units last: Y is written as the last of them has it.
    """

    name = "recurrences"
    takes = gives = Dialect.KERNEL

    def call(self, model: RModel) -> bool:
        changed = False
        for op in list(model.operators):
            if isinstance(op, Recurrent):
                changed |= self.read(op, model.producers())
                changed |= self.written(op, model)
        return changed

    def read(self, op: Recurrent, producers: dict[Tensor, ROperator]) -> bool:
        root, view = trace(op.x, producers)
        if root is op.x or op.x_view is not None:
            return False
        if view.strides[-1] != 1 and view.shape[-1] != 1:
            self.decline(op.title(), "the inputs of a step do not lie side by side")
            return False
        op.x_view, op.inputs[0] = view, root
        return True

    def written(self, op: Recurrent, model: RModel) -> bool:
        y = op.outputs[0]
        if y is None or op.y_strides is not None:
            return False
        consumers = model.consumers()
        shape = y.shape
        # The axes of Y that are not of size 1, in the order in which they lie; each axis of a tensor on the way is a run of them.
        order = [axis for axis in range(4) if shape[axis] != 1]
        chain: list[ROperator] = []
        last, found = 0, order
        tensor: Tensor = y
        while True:
            readers = consumers.get(tensor, [])
            if len(readers) != 1 or tensor in model.outputs or not isinstance(readers[0], (Transpose, *SHAPES)):
                break
            reader = readers[0]
            if isinstance(reader, Transpose):
                runs = runs_of([shape[axis] for axis in order], tensor.shape)
                if runs is None:
                    break
                order = [order[place] for axis in reader.order(tensor) for place in runs[axis]]
            chain.append(reader)
            tensor = reader.y
            if 3 not in order or order[-1] == 3:
                last, found = len(chain), order
        if not any(isinstance(reader, Transpose) for reader in chain[:last]):
            return False
        strides: dict[int, Size] = dict.fromkeys(range(4), 0)
        strides.update(zip(found, contiguous_strides([shape[axis] for axis in found]), strict=True))
        time, direction, batch = (1, 2, 0) if op.layout else (0, 1, 2)
        op.y_strides = (strides[time], strides[direction], strides[batch])
        op.outputs[0] = chain[last - 1].y
        model.operators = [other for other in model.operators if other not in chain[:last]]
        return True


def is_zero(tensor: Tensor, producers: dict[Tensor, ROperator]) -> bool:
    """Whether every element of a tensor is known to be 0."""
    if tensor.is_constant:
        return not tensor.constant().any()
    maker = producers.get(tensor)
    if isinstance(maker, ConstantOfShape):
        return not maker.element()[0]
    if isinstance(maker, Concat):
        return all(part is not None and is_zero(part, producers) for part in maker.inputs)
    if isinstance(maker, (Cast, Expand, Gather, Identity, Slice, Split, Tile, Transpose, *SHAPES)):
        return is_zero(maker.x, producers)
    return False
