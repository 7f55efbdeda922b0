"""GatherBlockQuantized of com.microsoft: Gather of numbers of few bits in blocks, which stay packed."""

from __future__ import annotations

import numpy as np

from onnx_bridge.ir import dims
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import float32, int4, int32, int64, uint4, uint8
from onnx_bridge.ir.roperator import ROperator, UnsupportedForm, Writer, attribute, operator
from onnx_bridge.ir.tensor import Shape, ShapeError, Tensor, Type, fits
from onnx_bridge.library.known import axis_in
from onnx_bridge.operators.cases import case, const, data, given, weight


@operator("GatherBlockQuantized", domain="com.microsoft")
class GatherBlockQuantized(ROperator):
    """y = the slices x[..., indices, ...] of `gather_axis`, as (integer - zero point) * scale; an index outside gives zeros.

    x is uint8, of integers of `bits` bits along its last axis, or int4 or uint4. `block_size` places along `quantize_axis` share a scale
    and a zero point; without zero points these are 0, and for uint8 half of the integers' range.
    """

    kernels = ("gather_blocks.hxx",)
    computes = ((uint8, int4, uint4), (int32, int64), (float32,), (uint8, int4, uint4))

    bits: int = attribute(4)
    block_size: int = attribute(128)
    gather_axis: int = attribute(0)
    quantize_axis: int = attribute(1)

    @property
    def width(self) -> int:
        """Bits of an integer."""
        return self.bits if self.x.dtype is uint8 else 4

    def unpacked(self, shape: Shape) -> Shape:
        """The shape of the integers."""
        return (*shape[:-1], shape[-1] * (8 // self.width)) if self.x.dtype is uint8 else shape

    def types(self, x: Tensor, indices: Tensor, scales: Tensor, zeros: Tensor | None = None) -> Type:
        if x.rank == 0:
            raise ShapeError("x must not be a scalar")
        if self.width not in (2, 4, 8) or self.block_size < 16 or self.block_size & (self.block_size - 1):
            raise ShapeError(f"bits must be 2, 4 or 8 and block_size a power of 2 from 16 on, got {self.width} and {self.block_size}")
        gather, along, shape = axis_in(self.gather_axis, x.rank), axis_in(self.quantize_axis, x.rank), self.unpacked(x.shape)
        if x.dtype is uint8 and gather:
            raise ShapeError(f"gather_axis must be 0 where x is uint8, got {gather}")
        if x.dtype is uint8 and along == gather:
            raise ShapeError(f"gather_axis and quantize_axis must differ where x is uint8, got {gather} for both")
        if x.dtype is not uint8 and not (x.is_constant and (zeros is None or zeros.is_constant)):
            raise UnsupportedForm(f"x and its zero points must be constants where they are {x.dtype}")
        wanted = [dims.ceil_div(size, self.block_size) if axis == along else size for axis, size in enumerate(shape)]
        fits(scales, wanted, "scales")
        if zeros is not None:
            if zeros.dtype is not x.dtype:
                raise ShapeError(f"zero points must be of x's type, {x.dtype}, got {zeros.dtype}")
            each = 8 // self.width if x.dtype is uint8 else 1
            fits(zeros, (*wanted[:-1], dims.ceil_div(wanted[-1], each)), "zero points")
        return Type(float32, (*shape[:gather], *indices.shape, *shape[gather + 1 :]))

    def bytes_of(self, cpp: Writer, tensor: Tensor) -> str:
        """The pointer to packed integers; int4 become the uint4 that are 8 more."""
        if tensor.dtype is uint8:
            return cpp.pointer(tensor)
        values = tensor.constant().astype(np.int8).astype(np.int64) + (8 if tensor.dtype is int4 else 0)
        rows = values.reshape(-1, values.shape[-1] if tensor is not self.x else values.size)
        pairs = np.pad(rows, ((0, 0), (0, rows.shape[1] % 2)))
        return cpp.weight(f"{tensor.name}_packed", (pairs[:, 0::2] | pairs[:, 1::2] << 4).astype(np.uint8))

    def emit(self, cpp: Writer) -> None:
        x, indices, scales, zeros = self.arguments(4)
        assert x is not None and indices is not None and scales is not None
        shape, gather, along = self.unpacked(x.shape), axis_in(self.gather_axis, x.rank), axis_in(self.quantize_axis, x.rank)
        zero = {uint8: 1 << (self.width - 1), int4: 8, uint4: 0}[x.dtype]
        sizes: list[Size] = [shape[along], dims.product(shape[along + 1 :]), self.block_size]
        way = f"IntegerBlocks{{{self.width}, {', '.join(map(cpp.size, sizes))}, {zero}.0f, {cpp.size(scales.shape[-1])}}}"
        cpp.call(
            "gather_blocks", dims.product(shape[:gather]), shape[gather], dims.product(shape[gather + 1 :]), indices.count, way,
            self.bytes_of(cpp, x), indices, scales, "nullptr" if zeros is None else self.bytes_of(cpp, zeros), self.y,
        )  # fmt: skip

    _INDICES = data("N", 3, dtype="int64", low=-50, high=50)
    cases = (
        case(x=weight(50, 20, dtype="uint8", low=0, high=256), indices=_INDICES, scales=weight(50, 3),
             attributes={"block_size": 16}, exact=True),
        case(x=weight(50, 48, dtype="uint8", low=0, high=256), indices=given([3, -1], "int32"), scales=weight(50, 3),
             zeros=weight(50, 3, dtype="uint8", low=0, high=256), attributes={"block_size": 16, "bits": 8}, exact=True),
        case(x=weight(50, 32, dtype="uint8", low=0, high=256), indices=_INDICES, scales=weight(50, 4),
             zeros=weight(50, 2, dtype="uint8", low=0, high=256), attributes={"block_size": 16}, exact=True),
        case(x=weight(50, 37, dtype="int4", low=-8, high=8), indices=_INDICES, scales=weight(50, 3),
             zeros=weight(50, 3, dtype="int4", low=-8, high=8), attributes={"block_size": 16}, exact=True),
        case(x=weight(5, 37, 6, dtype="uint4", low=0, high=16), indices=given([[0, 9]], "int64"), scales=weight(5, 3, 6),
             attributes={"block_size": 16, "gather_axis": 2, "quantize_axis": 1}, exact=True),
        case(x=weight(33, 4, dtype="uint4", low=0, high=16), indices=const([30, -33, 2]), scales=weight(3, 4),
             zeros=weight(3, 4, dtype="uint4", low=0, high=16), attributes={"block_size": 16, "quantize_axis": 0}, exact=True),
    )  # fmt: skip
