"""Every tensor that is read at run time has been written before."""

from __future__ import annotations

from onnx_bridge.ir.dialect import Dialect
from onnx_bridge.ir.rmodel import RModel, read_tensors
from onnx_bridge.ir.roperator import ROperator
from onnx_bridge.ir.tensor import Tensor
from onnx_bridge.operators.sizes import sizes_of
from onnx_bridge.passes.base import Pass


class Written(Pass):
    """1. A tensor that has nothing but a value of sizes, whichever pass made it, is written down before its first reader.
    What nested models read is written outside of them.
    """

    name = "written"
    takes = Dialect.ONNX
    gives = Dialect.KERNEL
    optional = False
    nested = False  # a nested model does not know what is written outside of it

    def call(self, model: RModel) -> bool:
        written = {*model.inputs, *model.producers()}
        operators: list[ROperator] = []

        def write(tensor: Tensor) -> None:
            if tensor.value is not None and not tensor.is_constant and tensor not in written:
                operators.append(sizes_of(tensor, f"sizes of {tensor.name}"))
                written.add(tensor)

        for op in model.operators:
            for tensor in read_tensors(op):
                write(tensor)
            operators.append(op)
        for tensor in model.outputs:
            write(tensor)
        changed = len(operators) != len(model.operators)
        model.operators = operators
        return changed
