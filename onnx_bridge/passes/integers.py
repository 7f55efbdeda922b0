"""Operators between dequantised inputs and a quantised output compute with integers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from onnx_bridge.ir.dialect import Dialect
from onnx_bridge.ir.dtypes import DType, float32, int8, int32, uint8
from onnx_bridge.ir.rmodel import RModel
from onnx_bridge.ir.roperator import ROperator
from onnx_bridge.ir.tensor import Dequantized, ShapeError, Tensor, Unify
from onnx_bridge.library.quantized import limits
from onnx_bridge.operators.concat import Concat
from onnx_bridge.operators.conv import Conv
from onnx_bridge.operators.dequantize_linear import DequantizeLinear
from onnx_bridge.operators.gemm import Gemm
from onnx_bridge.operators.integer_conv import QLinearConv
from onnx_bridge.operators.matmul import MatMul
from onnx_bridge.operators.matmul_integer import MatMulIntegerToFloat, QLinearMatMul
from onnx_bridge.operators.pointwise import TABLE
from onnx_bridge.operators.pool import AveragePool, GlobalAveragePool
from onnx_bridge.operators.qgemm import QGemm
from onnx_bridge.operators.qlinear_arithmetic import QLinearAdd, QLinearMul
from onnx_bridge.operators.qlinear_pool import QLinearAveragePool, QLinearGlobalAveragePool
from onnx_bridge.operators.qlinear_softmax import QLinearSoftmax
from onnx_bridge.operators.qlinear_table import QLinearConcat, QLinearLeakyRelu, QLinearSigmoid
from onnx_bridge.operators.quantize_linear import QuantizeLinear
from onnx_bridge.operators.softmax import Softmax
from onnx_bridge.passes.base import Pass

Add, Mul, Relu, Sigmoid, LeakyRelu = (TABLE[name] for name in ("Add", "Mul", "Relu", "Sigmoid", "LeakyRelu"))
#: Bytes, their scale and their zero point.
Side: TypeAlias = "tuple[Tensor, Tensor, Tensor]"

_WINDOW = ("auto_pad", "kernel_shape", "pads", "strides")


class Integers(Pass):
    """
    Where all inputs of an operator are dequantised bytes, with one scale each (weights: one a channel), and nothing but a
    QuantizeLinear to bytes with one scale reads what it makes:
    1. Conv with a bias of int32 that has the scale of the sums, or none: QLinearConv; so MatMul: QLinearMatMul, Gemm: QGemm.
    2. Add, Mul, AveragePool, GlobalAveragePool, Softmax, Sigmoid, LeakyRelu, Concat, all of one type: QLinearAdd and so on.
    3. A Relu in between goes, if the zero point is the smallest integer: quantising cuts what is below.
    4. A MatMul that nobody quantises behind it: MatMulIntegerToFloat.
    onnxruntime does the same in its optimised graphs, and these are its integers. It makes uint8 of int8 that is dequantised for one reader
    and nothing else; where that leaves two types, those of 2 compute with floats (`held`).
    """

    name = "integers"
    takes = gives = Dialect.ONNX

    def call(self, model: RModel) -> bool:
        self.model = model
        self.producers, self.consumers = model.producers(), model.consumers()
        operators: list[ROperator] = []
        gone: set[ROperator] = set()
        for op in model.operators:
            made = self.quantised(op, gone) if isinstance(op, QuantizeLinear) else None
            operators.append(made or op)
        last = [self.to_float(op) or op for op in operators if op not in gone]
        changed = last != model.operators
        model.operators = last
        return changed

    def quantised(self, quantize: QuantizeLinear, gone: set[ROperator]) -> ROperator | None:
        """What stands in the place of a QuantizeLinear and of what it reads, which is `gone` then."""
        scale, zero = quantize.input(1), quantize.arguments(3)[2]
        if quantize.y.dtype not in (uint8, int8) or scale.count != 1 or scale.dtype is not float32:
            return None
        if zero is None:
            zero = self.model.new_constant(f"{quantize.y.name}_zero", 0, quantize.y.dtype)
        op, passed = self.made_alone(quantize.x), []
        if isinstance(op, Relu) and zero.is_constant and int(zero.constant().reshape(())) == limits(zero.dtype)[0]:
            passed, op = [op], self.made_alone(op.x)
        if op is None or op in gone:
            return None
        for kind, make in self.makers():
            if isinstance(op, kind):
                found = make(op, (quantize.y, scale, zero))
                if found is None or not self.settle(found, quantize.y):
                    return None
                gone.update((op, *passed))
                return found
        return None

    def made_alone(self, tensor: Tensor) -> ROperator | None:
        """What makes a tensor that has one reader."""
        if tensor in self.model.outputs or len(self.consumers.get(tensor, [])) != 1:
            return None
        return self.producers.get(tensor)

    def settle(self, op: ROperator, y: Tensor) -> bool:
        """Gives an operator its output, if its own rules agree."""
        op.outputs = [y]
        try:
            return op.infer_types()[0] == y.type
        except (ShapeError, Unify) as why:
            self.decline(op.title(), str(why))
            return False

    def makers(self) -> Sequence[tuple[type[ROperator], Callable[[Any, Side], ROperator | None]]]:
        return (
            (Conv, self.conv), (MatMul, self.matmul), (Gemm, self.gemm), (Add, self.pair), (Mul, self.pair), (Concat, self.concat),
            (AveragePool, self.single), (GlobalAveragePool, self.single), (Softmax, self.single), (Sigmoid, self.single),
            (LeakyRelu, self.single),
        )  # fmt: skip

    def side(self, tensor: Tensor | None, axis: int | None = None) -> Side | None:
        """The bytes, scale and zero point that a tensor is dequantised from; scales may lie along `axis`."""
        found = self.dequantized(tensor)
        if found is None or found.integers.dtype not in (uint8, int8) or found.scale.dtype is not float32:
            return None
        if found.axis is not None and found.axis != axis:
            return None
        zero = found.zero
        if zero is None:
            none = np.zeros([int(str(size)) for size in found.scale.shape], found.integers.dtype.numpy)
            zero = self.model.new_constant(f"{found.integers.name}_zero", none)
        return found.integers, found.scale, zero

    def dequantized(self, tensor: Tensor | None) -> Dequantized | None:
        """What a tensor is dequantised from."""
        if tensor is None or tensor.dtype is not float32:
            return None
        maker = self.producers.get(tensor)
        if isinstance(maker, DequantizeLinear):
            by = maker.spread(maker.x, maker.input(1), maker.arguments(3)[2])
            return None if by.block else Dequantized(maker.x, maker.input(1), maker.arguments(3)[2], by.axis)
        return tensor.dequantized

    def held(self, *sides: Side) -> DType | None:
        """The type that onnxruntime has for all of some quantised tensors; None if they are of two."""
        found = {uint8 if integers.dtype is int8 and self.turned(integers) else integers.dtype for integers, *_ in sides}
        return found.pop() if len(found) == 1 else None

    def turned(self, integers: Tensor) -> bool:
        """Whether onnxruntime makes uint8 of int8: what is quantised, and dequantised for one reader and nothing else."""
        readers = self.consumers.get(integers, [])
        if len(readers) != 1 or integers in self.model.outputs:
            return False
        maker, reader = self.producers.get(integers), readers[0]
        if not isinstance(maker, QuantizeLinear) or not isinstance(reader, DequantizeLinear):
            return False
        zeros = [op.arguments(3)[2] for op in (maker, reader)]
        if not all(zero is not None and zero.is_constant for zero in zeros):
            return False
        uses = sum(max(op.inputs.count(reader.y), 1) for op in self.consumers.get(reader.y, []))
        return uses + (reader.y in self.model.outputs) == 1

    def bias(self, tensor: Tensor | None, x_scale: Tensor, w_scale: Tensor) -> tuple[bool, Tensor | None]:
        """Whether a bias can be added to the sums, and its integers."""
        if tensor is None:
            return True, None
        found = self.dequantized(tensor)
        if (
            found is None
            or found.integers.dtype is not int32
            or not (x_scale.is_constant and w_scale.is_constant and found.scale.is_constant)
        ):
            return False, None
        if found.zero is not None and (not found.zero.is_constant or found.zero.constant().any()):
            return False, None
        sums = x_scale.constant().reshape(-1) * w_scale.constant().reshape(-1)
        scale = found.scale.constant().reshape(-1)
        alike = scale.size in (1, sums.size) and np.allclose(scale, sums, rtol=1e-5, atol=0)
        return alike, found.integers

    def conv(self, op: Conv, to: Side) -> ROperator | None:
        x, w = self.side(op.x), self.side(op.input(1), 0)
        if type(op) is not Conv or x is None or w is None:
            return None
        fits, bias = self.bias(op.arguments(3)[2], x[1], w[1])
        if not fits:
            return None
        window = {name: getattr(op, name) for name in (*_WINDOW, "dilations", "group") if getattr(op, name) is not None}
        return QLinearConv.make(op.name, 10, **window).between([*x, *w, *to[1:], *([] if bias is None else [bias])], [])

    def matmul(self, op: MatMul, to: Side) -> ROperator | None:
        a, b = self.side(op.x), self.side(op.input(1), 1 if op.input(1).rank == 2 else None)
        return None if a is None or b is None else QLinearMatMul.make(op.name, 21).between([*a, *b, *to[1:]], [])

    def gemm(self, op: Gemm, to: Side) -> ROperator | None:
        a, b = self.side(op.x), self.side(op.input(1), 0 if op.transB else 1)
        if a is None or b is None or op.alpha != 1 or op.beta != 1:
            return None
        fits, c = self.bias(op.arguments(3)[2], a[1], b[1])
        gemm = QGemm.make(op.name, 1, transA=op.transA, transB=op.transB)
        return gemm.between([*a, *b, c, *to[1:]], []) if fits else None

    def pair(self, op: ROperator, to: Side) -> ROperator | None:
        a, b = self.side(op.x), self.side(op.input(1))
        held = self.held(a, b, to) if a is not None and b is not None else None
        if a is None or b is None or held is None:
            return None
        made = (QLinearAdd if isinstance(op, Add) else QLinearMul).make(op.name, 1)
        made.shift = 128 if held is not to[0].dtype else 0
        return made.between([*a, *b, *to[1:]], [])

    def concat(self, op: Concat, to: Side) -> ROperator | None:
        sides = [found for tensor in op.inputs if (found := self.side(tensor)) is not None]
        if len(sides) != len(op.inputs) or self.held(*sides, to) is None:
            return None
        return QLinearConcat.make(op.name, 1, axis=op.axis).between([*to[1:], *(tensor for side in sides for tensor in side)], [])

    def single(self, op: ROperator, to: Side) -> ROperator | None:
        x = self.side(op.x)
        held = self.held(x, to) if x is not None else None
        if x is None or held is None or x[0].dtype is not to[0].dtype or len(op.outputs) != 1:
            return None
        made: ROperator
        if isinstance(op, AveragePool):
            if any(each != 1 for each in op.dilations or ()):
                return None
            window = {name: getattr(op, name) for name in _WINDOW if getattr(op, name) is not None}
            made = QLinearAveragePool.make(op.name, 1, ceil_mode=op.ceil_mode, count_include_pad=op.count_include_pad, **window)
            made.shift = 128 if held is not to[0].dtype else 0
        elif isinstance(op, Softmax):
            made = QLinearSoftmax(name=op.name, opset=op.opset)
            made.axis = op.axis
        elif isinstance(op, LeakyRelu):
            made = QLinearLeakyRelu.make(op.name, 1, alpha=getattr(op, "alpha", 0.01))
        else:
            made = (QLinearSigmoid if isinstance(op, Sigmoid) else QLinearGlobalAveragePool).make(op.name, 1)
        return made.between([*x, *to[1:]], [])

    def to_float(self, op: ROperator) -> ROperator | None:
        """MatMulIntegerToFloat for a product of dequantised matrices that stays float32."""
        if not isinstance(op, MatMul) or op.y.dtype is not float32:
            return None
        a, b = self.side(op.x), self.side(op.input(1), 1 if op.input(1).rank == 2 else None)
        if a is None or b is None or op.x.is_constant:
            return None
        product = MatMulIntegerToFloat.make(op.name, 1).between([a[0], b[0], a[1], b[1], a[2], b[2]], [])
        return product if self.settle(product, op.y) else None
