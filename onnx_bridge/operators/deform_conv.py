"""DeformConv."""

from __future__ import annotations

from onnx_bridge.ir import dims
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import WIDE_FLOATS
from onnx_bridge.ir.roperator import ROperator, Writer, attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type, fits, same
from onnx_bridge.library.window import NONE, Axis, kernel_sizes, sliding_axes
from onnx_bridge.operators.cases import case, data, weight

#: Pixels that the kernel does together: deform_block of deform_conv.hxx.
_BLOCK = 32


@operator("DeformConv", since=19)
class DeformConv(ROperator):
    """Conv whose taps are moved by offset[N, offset_group * taps * axes, pixels...], each times mask[N, offset_group * taps, pixels...].

    x [N, C, spatial...] with one to three spatial axes, w [O, C / group, kernel...], b [O] and mask optional; moved taps are interpolated.
    """

    kernels = ("deform_conv.hxx",)
    computes = (WIDE_FLOATS,)

    dilations: list[int] | None = attribute(None)
    group: int = attribute(1)
    kernel_shape: list[int] | None = attribute(None)
    offset_group: int = attribute(1)
    pads: list[int] | None = attribute(None)
    strides: list[int] | None = attribute(None)

    def axes(self) -> list[Axis]:
        """The spatial axes."""
        kernel = kernel_sizes(self.input(1), self.kernel_shape)
        return sliding_axes(self.x.shape[2:], kernel, self.strides, self.dilations, self.pads, "NOTSET")

    def types(self, x: Tensor, w: Tensor, offset: Tensor, b: Tensor | None = None, mask: Tensor | None = None) -> Type:
        if w.rank != x.rank or not 3 <= x.rank <= 5:
            raise ShapeError(f"x and w must have one rank of 3, 4 or 5, got {x.type} and {w.type}")
        for tensor in (w, offset, b, mask):
            if tensor is not None and tensor.dtype is not x.dtype:
                raise ShapeError(f"all inputs must be {x.dtype}, got {tensor.type}")
        if self.group < 1 or self.offset_group < 1:
            raise ShapeError(f"group and offset_group must be positive, got {self.group} and {self.offset_group}")
        o, c = w.shape[0], x.shape[1]
        same(dims.floor_div(o, self.group) * self.group, o)
        same(c, w.shape[1] * self.group)
        same(dims.floor_div(c, self.offset_group) * self.offset_group, c)
        outs = tuple(axis.out for axis in self.axes())
        moved = self.offset_group * dims.product(w.shape[2:])
        fits(offset, (x.shape[0], moved * (x.rank - 2), *outs), "offset")
        if b is not None:
            fits(b, (o,), "b")
        if mask is not None:
            fits(mask, (x.shape[0], moved, *outs), "mask")
        return Type(x.dtype, (x.shape[0], o, *outs))

    def scratch_bytes(self) -> Size:
        return self.x.shape[1] * dims.product(self.input(1).shape[2:]) * (_BLOCK * self.x.dtype.size)

    def emit(self, cpp: Writer) -> None:
        x, w, offset, b, mask = (tensor or f"static_cast<const {self.x.dtype.storage}*>(nullptr)" for tensor in self.arguments(5))
        axes = [NONE] * (5 - self.x.rank) + self.axes()
        described = [
            f"DeformAxis{{{', '.join(cpp.size(s) for s in (a.size, a.out, a.kernel, a.stride, a.dilation, a.pad))}}}" for a in axes
        ]
        sizes = [self.x.shape[0], self.x.shape[1], self.y.shape[1], self.group, self.offset_group]
        cpp.call(f"deform_conv<{self.x.rank - 2}>", *sizes, *described, x, w, offset, b, mask, cpp.scratch(), self.y)

    _W = weight(6, 4, 3, 3)
    cases = (
        case(x=("N", 4, 8, 9), w=_W, offset=("N", 18, 8, 9), b=weight(6), mask=data("N", 9, 8, 9, low=0),
             attributes={"pads": [1, 1, 1, 1]}),
        case(x=(2, 4, 8, 9), w=_W, offset=(2, 18, 6, 7), opset=19),
        case(x=(2, 4, 8, 9), w=_W, offset=(2, 18, 3, 4), attributes={"strides": [2, 2]}),
        case(x=(2, 4, 8, 9), w=_W, offset=data(2, 36, 4, 5, low=-9, high=9), b=None, mask=(2, 18, 4, 5),
             attributes={"dilations": [2, 2], "offset_group": 2, "kernel_shape": [3, 3]}),
        case(x=(1, 4, 5, 5), w=weight(6, 2, 2, 2), offset=(1, 8, 6, 6), b=(6,), attributes={"group": 2, "pads": [1, 1, 1, 1]}),
        case(x=(1, 4, "H", 9), w=(6, 4, 3, 3), offset=(1, 18, "H", 9), attributes={"pads": [1, 1, 1, 1]}),
        case(x=data(1, 2, 5, 5, dtype="float64"), w=weight(3, 2, 2, 2, dtype="float64"), offset=data(1, 8, 4, 4, dtype="float64")),
    )  # fmt: skip
