"""MelWeightMatrix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from onnx_bridge.ir import dims, dtypes
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import HALVES, INDICES, WIDE_FLOATS
from onnx_bridge.ir.roperator import ROperator, UnsupportedForm, Writer, attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type
from onnx_bridge.operators.cases import case, const, data


@operator("MelWeightMatrix", since=17)
class MelWeightMatrix(ROperator):
    """y[dft_length / 2 + 1, num_mel_bins] = the weights of a spectrum's lines in bins that are evenly spaced in mel.

    The two sizes are constants, or computed from dims; sample_rate and the edges in hertz are any numbers.
    """

    kernels = ("mel.hxx",)
    computes = (INDICES, INDICES, INDICES, WIDE_FLOATS)

    output_datatype: int = attribute(1)

    def types(self, bins: Tensor, length: Tensor, sample_rate: Tensor, lower: Tensor, upper: Tensor) -> Type:
        for tensor in (bins, length, sample_rate, lower, upper):
            if tensor.count != 1 or tensor.rank > 1:
                raise ShapeError(f"all inputs must be single numbers, got {tensor.type}")
        if upper.dtype is not lower.dtype:
            raise ShapeError(f"both edges must be of one type, got {lower.type} and {upper.type}")
        dtype = dtypes.BY_ONNX.get(self.output_datatype)
        if dtype is None or dtype in HALVES or not (dtype.is_float or dtype.is_integer) or not dtype.is_computed:
            raise UnsupportedForm(f"output_datatype {dtypes.name_of(self.output_datatype)} is not supported")
        count, n = self.sizes()
        for size, what in ((count, "num_mel_bins"), (n, "dft_length")):
            if isinstance(size, int) and size < 0:
                raise ShapeError(f"{what} must not be negative, got {size}")
        return Type(dtype, (dims.floor_div(n, 2) + 1, count))

    def sizes(self) -> tuple[Size, Size]:
        """How many bins, and the length of the transform."""
        return self.input(0).sizes()[0], self.input(1).sizes()[0]

    def reads(self) -> Sequence[int]:
        return (2, 3, 4)

    def emit(self, cpp: Writer) -> None:
        cpp.call("mel_weight_matrix", *self.sizes(), self.input(2), self.input(3), self.input(4), self.y)

    _EDGES: ClassVar[Mapping[str, Any]] = {"low": const(20.0, "float32"), "high": const(7600.0, "float32")}
    _ALL: ClassVar[Mapping[str, Any]] = {"rate": const(16000), "low": const(0.0, "float32"), "high": const(8e3, "float32")}
    cases = (
        case(bins=const(8), length=const(256), rate=const(16000), **_EDGES, opset=17),
        case(bins=const(40), length=const(400), rate=const(16000), low=data(low=0, high=60), high=data(low=5000, high=7900)),
        case(bins=data(dtype="int64", low=5, high=9), length=const(64), **_ALL),
        case(bins=const(8, "int32"), length=data(dtype="int32", low=33, high=40), rate=const(16000, "int32"), **_EDGES),
        case(bins=const(8), length=const(32), **_ALL, attributes={"output_datatype": 11}),
        case(bins=const(4), length=const(16), **_ALL, attributes={"output_datatype": 7}),
    )
