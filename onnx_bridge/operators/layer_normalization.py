"""LayerNormalization and RMSNormalization: rows of the last axes, each normalised by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from onnx_bridge.ir import dims
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import WIDE_FLOATS, float32, float64
from onnx_bridge.ir.roperator import ROperator, UnsupportedForm, Writer, attribute, operator
from onnx_bridge.ir.tensor import Shape, ShapeError, Tensor, Type, same
from onnx_bridge.kernels.rows import LAYER_NORM, RMS_NORM
from onnx_bridge.library.kernel import Kernel, for_type
from onnx_bridge.library.known import axis_in
from onnx_bridge.library.loops import short
from onnx_bridge.operators.cases import case, const, data, weight


@dataclass(eq=False, kw_only=True)
class RowNormalization(ROperator):
    """What both have in common: the axes from `axis` on are one row; scale and bias broadcast to it."""

    in_place = (0,)
    computes = (WIDE_FLOATS,)
    #: The kernels that do it, one for each element type.
    kernel_by_type: ClassVar[Sequence[Kernel]] = RMS_NORM

    axis: int = attribute(-1)
    epsilon: float = attribute(1e-5)
    stash_type: int = attribute(1)

    def checked(self, x: Tensor, *parameters: Tensor | None) -> int:
        """The first axis of a row, after a look at everything."""
        first = axis_in(self.axis, x.rank)
        row = x.shape[first:]
        for tensor in parameters:
            if tensor is None:
                continue
            if tensor.dtype is not x.dtype or tensor.rank > len(row):
                raise ShapeError(f"scale and bias must broadcast to [{', '.join(map(str, row))}] of {x.dtype}, got {tensor.type}")
            fixed = tensor.is_constant and all(isinstance(size, int) for size in row)
            for size, wanted in zip(tensor.shape, row[len(row) - tensor.rank :], strict=True):
                if size != 1 or not fixed:
                    same(size, wanted)
            if tensor.rank < len(row) and not fixed:
                raise UnsupportedForm("scale and bias that repeat along a row must be constants, and the row's size a number")
        return first

    def row(self) -> Shape:
        """The shape of a row."""
        return self.x.shape[axis_in(self.axis, self.x.rank) :]

    def rows(self) -> Size:
        """Their number."""
        return dims.product(self.x.shape[: axis_in(self.axis, self.x.rank)])

    def parameter(self, cpp: Writer, tensor: Tensor | None) -> object:
        """Scale or bias as a pointer to one number for each element of a row."""
        row = self.row()
        if tensor is None or tensor.shape == row:
            return tensor
        numbers = [size for size in row if isinstance(size, int)]
        return cpp.weight(f"{tensor.name}_row", np.broadcast_to(tensor.constant(), numbers))

    @property
    def kernel(self) -> Kernel:
        return for_type(self.x.dtype, self.kernel_by_type)

    def kernel_files(self) -> Sequence[str]:
        return [self.kernel.header]


@operator("LayerNormalization", since=1)
class LayerNormalization(RowNormalization):
    """y = (x - mean) / sqrt(variance + epsilon) * scale + bias, over each row. Optional outputs: the mean, and 1 / sqrt(...).

    An ai.onnx operator since opset 17; onnxruntime has had it before under the same name.
    """

    kernel_by_type = LAYER_NORM

    def types(self, x: Tensor, scale: Tensor, bias: Tensor | None = None) -> list[Type]:
        first = self.checked(x, scale, bias)
        if x.dtype is not float32:
            return [x.type]
        moments = Type(float32, (*x.shape[:first], *(1 for _ in x.shape[first:])))
        return [x.type, moments, moments]

    def emit(self, cpp: Writer) -> None:
        x, scale, bias = self.arguments(3)
        moments = [self.output(index) if self.wants(index) else None for index in (1, 2)]
        parameters = (self.parameter(cpp, scale), self.parameter(cpp, bias))
        n = short(cpp, dims.product(self.row()))
        epsilon = repr(self.epsilon) if self.x.dtype is float64 else self.epsilon
        cpp.call(self.kernel.function, self.rows(), n, x, *parameters, self.y, epsilon, *(moments if any(moments) else ()))

    cases = (
        case(x=("N", 64), scale=weight(64), bias=weight(64)),
        case(x=("N", 5, 7), scale=weight(7)),
        case(x=("N", 5, 7), scale=weight(5, 7), bias=weight(5, 7), attributes={"axis": 1, "epsilon": 0.01}),
        case(x=(2, 5, 7), scale=weight(7), bias=const(np.full((5, 1), 0.5), "float32"), attributes={"axis": -2}),
        case(x=(3, "N"), scale=("N",), bias=("N",)),
        case(x=(2, 3, 200), scale=weight(200), bias=weight(200), outputs=3),
        case(x=(2, 3, 4), scale=weight(3, 4), bias=weight(3, 4), attributes={"axis": 1}, outputs=3),
        case(x=data(4, 300, low=90, high=110), scale=weight(300)),
        case(x=data(3, 9, dtype="float64"), scale=weight(9, dtype="float64"), bias=weight(9, dtype="float64")),
        case(x=(0, 4), scale=weight(4), bias=weight(4)),
    )


@operator("RMSNormalization", since=23)
class RMSNormalization(RowNormalization):
    """y = x / sqrt(mean of x^2 + epsilon) * scale, over each row."""

    def types(self, x: Tensor, scale: Tensor) -> Type:
        self.checked(x, scale)
        return x.type

    def emit(self, cpp: Writer) -> None:
        n = short(cpp, dims.product(self.row()))
        epsilon = repr(self.epsilon) if self.x.dtype is float64 else self.epsilon
        cpp.call(self.kernel.function, self.rows(), n, self.x, self.parameter(cpp, self.input(1)), self.y, epsilon)

    cases = (
        case(x=("N", 64), scale=weight(64), opset=23),
        case(x=("N", 5, 7), scale=weight(5, 7), attributes={"axis": 1}, opset=23),
        case(x=(2, 5, 300), scale=weight(300), attributes={"epsilon": 0.1}, opset=23),
        case(x=(3, "N"), scale=("N",), opset=23),
        case(x=data(3, 9, dtype="float64"), scale=weight(9, dtype="float64"), opset=23),
    )


@operator("SimplifiedLayerNormalization", since=1)
class SimplifiedLayerNormalization(RowNormalization):
    """onnxruntime's own name for RMSNormalization; its second output is 1 / sqrt(...)."""

    def types(self, x: Tensor, scale: Tensor) -> list[Type]:
        first = self.checked(x, scale)
        return [x.type, Type(x.dtype, (*x.shape[:first], *(1 for _ in x.shape[first:])))]

    def emit(self, cpp: Writer) -> None:
        n = short(cpp, dims.product(self.row()))
        epsilon = repr(self.epsilon) if self.x.dtype is float64 else self.epsilon
        inverse = (self.output(1),) if self.wants(1) else ()
        cpp.call(self.kernel.function, self.rows(), n, self.x, self.parameter(cpp, self.input(1)), self.y, epsilon, *inverse)

    cases = (
        case(x=("N", 64), scale=weight(64)),
        case(x=(2, 3, 40), scale=weight(40), attributes={"epsilon": 0.1}, outputs=2),
    )
