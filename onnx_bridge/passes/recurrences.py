"""Changes of layout around recurrent layers, which their kernels do on the way."""

from __future__ import annotations

from onnx_bridge.ir.dialect import Dialect
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.rmodel import RModel
from onnx_bridge.ir.roperator import ROperator
from onnx_bridge.ir.tensor import Tensor
from onnx_bridge.kernel_operators.recurrent import RecurrentKernel
from onnx_bridge.library.loops import contiguous_strides
from onnx_bridge.library.moving import Permuting, Reshaping, trace
from onnx_bridge.library.view import runs_of
from onnx_bridge.passes.base import Pass


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
            if isinstance(op, RecurrentKernel):
                changed |= self.read(op, model.producers())
                changed |= self.written(op, model)
        return changed

    def read(self, op: RecurrentKernel, producers: dict[Tensor, ROperator]) -> bool:
        root, view = trace(op.x, producers)
        if root is op.x or op.x_view is not None:
            return False
        if view.strides[-1] != 1 and view.shape[-1] != 1:
            self.decline(op.title(), "the inputs of a step do not lie side by side")
            return False
        op.x_view, op.inputs[0] = view, root
        return True

    def written(self, op: RecurrentKernel, model: RModel) -> bool:
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
            if len(readers) != 1 or tensor in model.outputs or not isinstance(readers[0], (Permuting, Reshaping)):
                break
            reader = readers[0]
            if isinstance(reader, Permuting):
                runs = runs_of([shape[axis] for axis in order], tensor.shape)
                if runs is None:
                    break
                order = [order[place] for axis in reader.order(tensor) for place in runs[axis]]
            chain.append(reader)
            tensor = reader.y
            if 3 not in order or order[-1] == 3:
                last, found = len(chain), order
        if not any(isinstance(reader, Permuting) for reader in chain[:last]):
            return False
        strides: dict[int, Size] = dict.fromkeys(range(4), 0)
        strides.update(zip(found, contiguous_strides([shape[axis] for axis in found]), strict=True))
        time, direction, batch = (1, 2, 0) if op.batch_first else (0, 1, 2)
        op.y_strides = (strides[time], strides[direction], strides[batch])
        op.outputs[0] = chain[last - 1].y
        op.y_shape = op.y.shape
        model.operators = [other for other in model.operators if other not in chain[:last]]
        return True
