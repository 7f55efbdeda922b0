"""Factors of queries and keys become factors of the scores, where the attention kernel has them for nothing."""

from __future__ import annotations

import numpy as np

from onnx_bridge.ir.dialect import Dialect
from onnx_bridge.ir.dtypes import float32
from onnx_bridge.ir.rmodel import RModel
from onnx_bridge.ir.roperator import ROperator
from onnx_bridge.ir.tensor import Tensor
from onnx_bridge.library.channels import linear
from onnx_bridge.library.moving import Reshaping
from onnx_bridge.library.steps import PointwiseOperator
from onnx_bridge.operators.gather import Gather
from onnx_bridge.operators.matmul import MatMul
from onnx_bridge.operators.pointwise import TABLE
from onnx_bridge.operators.softmax import Softmax
from onnx_bridge.operators.transpose import Transpose
from onnx_bridge.passes.base import Pass

Mul = TABLE["Mul"]


class Scales(Pass):
    """
    1. MatMul(x * c, y) or MatMul(x, y * c), c one constant, x and y perhaps transposed after that, whose result goes through pointwise
       operators into a Softmax: MatMul(x, y) * c. Each score is then rounded once where each of its terms was rounded before.
    """

    name = "scales"
    takes = gives = Dialect.ONNX

    def call(self, model: RModel) -> bool:
        consumers, producers = model.consumers(), model.producers()
        changed = False
        for op in list(model.operators):
            if not isinstance(op, MatMul) or op.y.dtype is not float32 or not self.scores(op.y, consumers):
                continue
            factors = [self.taken(model, op, tensor, consumers, producers) for tensor in op.inputs if tensor is not None]
            factor = float(np.prod([f for f in factors if f is not None]))
            if all(f is None for f in factors):
                continue
            y = op.y
            plain = model.new_tensor(f"{y.name}_plain", y.type)
            scaled = Mul.make(f"{op.title()} scale").between([plain, model.new_constant(f"{y.name}_scale", factor, float32)], [y])
            op.outputs = [plain]
            model.operators.insert(model.operators.index(op) + 1, scaled)
            changed = True
        return changed

    @staticmethod
    def scores(tensor: Tensor, consumers: dict[Tensor, list[ROperator]]) -> bool:
        """Whether a tensor alone becomes the input of a Softmax, through pointwise operators at most."""
        while True:
            readers = consumers.get(tensor, [])
            if len(readers) != 1 or len(readers[0].outputs) != 1:
                return False
            if isinstance(readers[0], Softmax):
                return True
            if not isinstance(readers[0], PointwiseOperator) or readers[0].y.shape != tensor.shape:
                return False
            tensor = readers[0].y

    @staticmethod
    def taken(
        model: RModel, product: ROperator, tensor: Tensor, consumers: dict[Tensor, list[ROperator]], producers: dict[Tensor, ROperator]
    ) -> float | None:
        """Takes the factor of an operand away, if it has one, and says which."""
        reader = product
        while True:
            maker = producers.get(tensor)
            if maker is None or consumers.get(tensor) != [reader] or tensor in model.outputs:
                return None
            if isinstance(maker, PointwiseOperator):
                break
            if not isinstance(maker, (Transpose, Gather, Reshaping)):
                return None
            reader, tensor = maker, maker.x
        for x in maker.inputs:
            found = None if x is None or x.type != tensor.type else linear(maker, x, 0)
            if found is None or found.offset is not None or found.factor is None or found.factor.size != 1:
                continue
            number = float(found.factor[0])
            if number == 0 or not np.isfinite(number):
                return None
            reader.inputs = [x if t is tensor else t for t in reader.inputs]
            model.operators.remove(maker)
            return number
        return None
