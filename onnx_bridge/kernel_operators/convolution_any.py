"""ConvolutionAny: a convolution, or a transposed one, whose weights are known only at run time, or in double precision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from onnx_bridge.ir import dims
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.roperator import KernelOperator, Writer
from onnx_bridge.ir.tensor import Tensor, Type
from onnx_bridge.kernels.convolution import CONV_ANY, CONV_DOUBLES, CONV_TRANSPOSED_ANY, CONV_TRANSPOSED_DOUBLES
from onnx_bridge.library.kernel import Kernel, for_type
from onnx_bridge.library.loops import add_index
from onnx_bridge.library.window import NONE, Window


@dataclass(eq=False, kw_only=True)
class ConvolutionAny(KernelOperator):
    """x [N, C, spatial...], w as ONNX has it, b [O] or absent: y [N, O, spatial...], planar; one image a call."""

    op_type = "ConvolutionAny"

    window: Window = field(default_factory=lambda: Window((NONE, NONE, NONE)))
    group: int = 1
    transposed: bool = False

    @property
    def kernel(self) -> Kernel:
        kernels = (CONV_TRANSPOSED_ANY, CONV_TRANSPOSED_DOUBLES) if self.transposed else (CONV_ANY, CONV_DOUBLES)
        return for_type(self.x.dtype, kernels)

    def types(self, x: Tensor, w: Tensor, b: Tensor | None = None) -> Type:
        channels = w.shape[1] * self.group if self.transposed else w.shape[0]
        return Type(x.dtype, (x.shape[0], channels, *(axis.out for axis in self.window.axes[5 - x.rank :])))

    def kernel_files(self) -> Sequence[str]:
        return [self.kernel.header]

    def scratch_bytes(self) -> Size:
        return self.kernel.scratch_bytes(self.window, self.group, self.x.shape[1], self.y.shape[1])

    def emit(self, cpp: Writer) -> None:
        x, w, b = self.arguments(3)
        assert x is not None
        images, y = self.y.shape[0], self.y
        scratch = [] if self.kernel.scratch is None else ["nullptr"]
        if self.scratch_bytes() != 0:
            scratch = [f"reinterpret_cast<float*>({cpp.scratch()})"]
        with cpp.block(""):
            window = self.window.declare(cpp)
            image = cpp.local("image")
            steps = [add_index(cpp, image, dims.product(tensor.shape[1:])) for tensor in (x, y)]
            with cpp.block(f"for (Size {image} = 0; {image} < {cpp.size(images)}; {image}++)"):
                places = [cpp.pointer(tensor) + step for tensor, step in zip((x, y), steps, strict=True)]
                cpp.call(self.kernel.function, window, self.group, x.shape[1], y.shape[1], places[0], w, b, places[1], *scratch)
