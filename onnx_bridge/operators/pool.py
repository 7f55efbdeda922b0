"""MaxPool, AveragePool, LpPool: a window slides over the spatial axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from onnx_bridge.ir import dims
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import IN_FLOAT32, WIDE_FLOATS, float64, int64
from onnx_bridge.ir.roperator import ROperator, UnsupportedForm, Writer, attribute, operator
from onnx_bridge.ir.tensor import BLOCK, ShapeError, Tensor, Type
from onnx_bridge.library.loops import add_index
from onnx_bridge.library.window import Window, sliding_axes, window
from onnx_bridge.operators.cases import Case, case


class Pool(ROperator):
    """What the three have in common: attributes, shapes, one kernel for blocked and one for planar images."""

    kernels = ("pool.hxx", "epilogue.hxx")
    computes = (WIDE_FLOATS,)
    #: Blocked in, blocked out: the pass `layout` may choose.
    follows_layout = True
    kernel_shape: Sequence[int]

    def way(self) -> str:
        """The C++ object that says how a window is pooled."""
        raise NotImplementedError

    def window(self) -> Window:
        """The window over x."""
        ceil_mode = bool(getattr(self, "ceil_mode", 0))
        axes = sliding_axes(
            self.x.shape[2:], list(self.kernel_shape), getattr(self, "strides", None), getattr(self, "dilations", None),
            getattr(self, "pads", None), getattr(self, "auto_pad", "NOTSET"), ceil_mode,
        )  # fmt: skip
        return window(axes)

    def types(self, x: Tensor) -> Sequence[Type]:
        if not 3 <= x.rank <= 5:
            raise ShapeError(f"x must have rank 3, 4 or 5, got {x.type}")
        out = Type(x.dtype, (*x.shape[:2], *(axis.out for axis in self.window().axes[5 - x.rank :])))
        return [out, Type(int64, out.shape)]

    def emit(self, cpp: Writer) -> None:
        x, y = self.x, self.y
        with cpp.block(""):
            name = self.window().declare(cpp)
            planes = x.shape[0] * x.shape[1]
            if x.dtype is float64:
                self.emit_doubles(cpp, name, planes)
            elif self.wants(1):
                cpp.call("max_pool_indices", name, planes, bool(getattr(self, "storage_order", 0)), x, y, self.output(1))
            elif y.layout == "planar":
                cpp.call("pool_planar", name, planes, self.way(), x, y)
            else:
                blocks = dims.ceil_div(x.shape[1], BLOCK) * BLOCK
                image = cpp.local("image")
                with cpp.block(f"for (Size {image} = 0; {image} < {cpp.size(x.shape[0])}; {image}++)"):
                    source = cpp.pointer(x) + add_index(cpp, image, blocks * dims.product(x.shape[2:]))
                    target = cpp.pointer(y) + add_index(cpp, image, blocks * dims.product(y.shape[2:]))
                    cpp.call("pool_blocked", name, x.shape[1], self.way(), source, target, "Keep()")

    def emit_doubles(self, cpp: Writer, name: str, planes: Size) -> None:
        """The call in double precision."""
        raise NotImplementedError

    def kernel_files(self) -> Sequence[str]:
        return ["window_doubles.hxx"] if self.x.dtype is float64 else self.kernels


@operator("MaxPool", since=1)
class MaxPool(Pool):
    """y = the largest value in each window; the second output says where it was, counted over the whole input."""

    widens = IN_FLOAT32

    auto_pad: str = attribute("NOTSET")
    ceil_mode: int = attribute(0)
    dilations: list[int] | None = attribute(None)
    kernel_shape: list[int] = attribute()
    pads: list[int] | None = attribute(None)
    storage_order: int = attribute(0)
    strides: list[int] | None = attribute(None)

    def way(self) -> str:
        return "PoolMax()"

    def emit_doubles(self, cpp: Writer, name: str, planes: Size) -> None:
        places = [self.output(1)] if self.wants(1) else []
        cpp.call("max_pool_doubles", name, planes, bool(self.storage_order), self.x, self.y, *places)

    def kernel_files(self) -> Sequence[str]:
        return [*super().kernel_files(), "pool_indices.hxx"] if self.wants(1) else super().kernel_files()

    cases: ClassVar[Sequence[Case]] = (
        case(x=("N", 5, 9, 11), attributes={"kernel_shape": [2, 2], "strides": [2, 2]}),
        case(x=("N", 16, 9, 11), attributes={"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]}),
        case(x=(2, 3, 9, 10), attributes={"kernel_shape": [3, 2], "strides": [2, 3], "ceil_mode": 1}),
        case(x=(2, 3, 20), attributes={"kernel_shape": [3], "dilations": [2]}),
        case(x=(1, 2, 5, 6, 7), attributes={"kernel_shape": [2, 2, 2], "auto_pad": "SAME_UPPER"}),
        case(x=(2, 3, 6, 7), attributes={"kernel_shape": [2, 3], "strides": [1, 2], "pads": [0, 1, 0, 1]}, outputs=2),
        case(x=("N", 2, 9), attributes={"kernel_shape": [1], "strides": [2]}, exact=True),
        case(x=("N", 2, 1, 4), attributes={"kernel_shape": [2, 5], "strides": [2, 3]}, exact=True),
        case(x=("N", 20, 1), attributes={"kernel_shape": [2], "strides": [2]}, outputs=2, exact=True),
    )


@operator("AveragePool", since=1)
class AveragePool(Pool):
    """y = the mean of each window; count_include_pad says whether padding counts as zeros or not at all."""

    auto_pad: str = attribute("NOTSET")
    ceil_mode: int = attribute(0)
    count_include_pad: int = attribute(0)
    dilations: list[int] | None = attribute(None)
    kernel_shape: list[int] = attribute()
    pads: list[int] | None = attribute(None)
    strides: list[int] | None = attribute(None)

    def way(self) -> str:
        return "PoolAverage{{}, " + ("true" if self.count_include_pad else "false") + "}"

    def emit_doubles(self, cpp: Writer, name: str, planes: Size) -> None:
        cpp.call("sum_pool_doubles", name, planes, 0, bool(self.count_include_pad), self.x, self.y)

    def types(self, x: Tensor) -> Sequence[Type]:
        types = super().types(x)
        axes = self.window().axes
        if self.count_include_pad and self.opset < 19 and any(isinstance(axis.room, int) and axis.room < 0 for axis in axes):
            raise UnsupportedForm("a window that is larger than the padded image, which count_include_pad counts in full before opset 19")
        return types

    cases: ClassVar[Sequence[Case]] = (
        case(x=("N", 5, 9, 11), attributes={"kernel_shape": [2, 2], "strides": [2, 2]}),
        case(x=("N", 16, 9, 11), attributes={"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}),
        case(x=(2, 3, 9, 11), attributes={"kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "count_include_pad": 1}),
        case(x=(2, 3, 9, 10), attributes={"kernel_shape": [3, 2], "strides": [2, 3], "ceil_mode": 1}),
        case(x=(2, 3, 20), attributes={"kernel_shape": [4], "auto_pad": "SAME_LOWER"}),
        case(x=(1, 2, 5, 6, 7), attributes={"kernel_shape": [2, 2, 2]}),
        case(x=("N", 2, 1, 4), attributes={"kernel_shape": [2, 5], "strides": [2, 3]}, opset=17),
        case(x=("N", 20, 1), attributes={"kernel_shape": [4], "strides": [3], "pads": [1, 1], "count_include_pad": 1}),
    )


@operator("LpPool", since=2)
class LpPool(Pool):
    """y = the p-norm of each window."""

    auto_pad: str = attribute("NOTSET")
    ceil_mode: int = attribute(0)
    dilations: list[int] | None = attribute(None)
    kernel_shape: list[int] = attribute()
    p: int = attribute(2)
    pads: list[int] | None = attribute(None)
    strides: list[int] | None = attribute(None)

    def way(self) -> str:
        return f"PoolLp{{{{}}, {self.p}}}"

    def emit_doubles(self, cpp: Writer, name: str, planes: Size) -> None:
        cpp.call("sum_pool_doubles", name, planes, self.p, False, self.x, self.y)

    cases = (
        case(x=("N", 5, 9, 11), attributes={"kernel_shape": [2, 2], "strides": [2, 2]}),
        case(x=(2, 3, 9, 11), attributes={"kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "p": 1}),
        case(x=(2, 3, 20), attributes={"kernel_shape": [4], "p": 3}),
        case(x=(2, 3, 2), attributes={"kernel_shape": [4], "strides": [3]}),
    )


class GlobalPool(ROperator):
    """What GlobalAveragePool and GlobalMaxPool have in common: all pixels of a channel become one."""

    kernels = ("pool_global.hxx", "epilogue.hxx")
    computes = (WIDE_FLOATS,)
    follows_layout = True
    way = ""
    planar_kernel = ""
    #: The function of kernels/window_doubles.hxx, and what it takes behind the number of planes.
    doubles: ClassVar[tuple[str, Sequence[object]]]

    def types(self, x: Tensor) -> Type:
        if x.rank < 3:
            raise ShapeError(f"x must have spatial axes, got {x.type}")
        return Type(x.dtype, (*x.shape[:2], *[1] * (x.rank - 2)))

    def kernel_files(self) -> Sequence[str]:
        return ["window_doubles.hxx"] if self.x.dtype is float64 else self.kernels

    def emit(self, cpp: Writer) -> None:
        x, y = self.x, self.y
        pixels = dims.product(x.shape[2:])
        if x.dtype is float64:
            one, all_ = "{1, 1, 1, 1, 1, 0, 0}", f"{{{cpp.size(pixels)}, 1, {cpp.size(pixels)}, 1, 1, 0, 0}}"
            function, more = self.doubles
            cpp.call(function, f"Window{{{one}, {one}, {all_}}}", x.shape[0] * x.shape[1], *more, x, y)
            return
        if y.layout == "planar":
            cpp.call(self.planar_kernel, x.shape[0] * x.shape[1], pixels, x, y)
            return
        blocks = dims.ceil_div(x.shape[1], BLOCK) * BLOCK
        image = cpp.local("image")
        with cpp.block(f"for (Size {image} = 0; {image} < {cpp.size(x.shape[0])}; {image}++)"):
            source, target = cpp.pointer(x) + add_index(cpp, image, blocks * pixels), cpp.pointer(y) + add_index(cpp, image, blocks)
            cpp.call("pool_global_blocked", x.shape[1], pixels, self.way, source, target, "Keep()")


@operator("GlobalAveragePool", since=1)
class GlobalAveragePool(GlobalPool):
    """y = the mean over all spatial axes, which stay as ones."""

    way = "PoolAverage()"
    planar_kernel = "global_average_planar"
    doubles = "sum_pool_doubles", (0, False)

    cases: ClassVar[Sequence[Case]] = (case(x=("N", 5, 6, 7)), case(x=(2, 33, 100)), case(x=(1, 3, 2, 3, 4)))


@operator("GlobalMaxPool", since=1)
class GlobalMaxPool(GlobalPool):
    """y = the maximum over all spatial axes, which stay as ones."""

    way = "PoolMax()"
    planar_kernel = "global_max_planar"
    doubles = "max_pool_doubles", (False,)

    cases: ClassVar[Sequence[Case]] = (case(x=("N", 5, 6, 7)), case(x=(2, 33, 100)), case(x=(1, 3, 2, 3, 4)))
