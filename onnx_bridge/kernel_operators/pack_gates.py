"""PackGates: weights, biases or peepholes of a recurrent layer that are known only at run time, packed for kernels/recurrent.hxx."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from onnx_bridge.ir import dims
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.roperator import KernelOperator, Writer
from onnx_bridge.ir.tensor import BLOCK, Tensor, Type
from onnx_bridge.kernels.product import whole_panels


@dataclass(frozen=True)
class Gates:
    """Neighbouring gates that are packed together: the first, how many, and to how many of these those from `added` on are added."""

    first: int
    count: int
    sums: int = 0
    added: int = 0


@dataclass(eq=False, kw_only=True)
class PackGates(KernelOperator):
    """y [D, gates * ceil(H / 16), K, 16] of x [D, all gates * H, K], or without K: groups of gates one after the other, interleaved."""

    op_type = "PackGates"

    groups: Sequence[Gates]
    units: Size

    def types(self, x: Tensor) -> Type:
        count = sum(group.count for group in self.groups)
        return Type(x.dtype, (x.shape[0], count * dims.ceil_div(self.units, BLOCK), self.terms, BLOCK))

    @property
    def terms(self) -> Size:
        """K."""
        return self.x.shape[2] if self.x.rank > 2 else 1

    def kernel_files(self) -> Sequence[str]:
        return ["pack_gates.hxx"]

    def emit(self, cpp: Writer) -> None:
        x, y, row = self.x, self.y, self.units * self.terms
        of_gate = whole_panels(self.units) * self.terms
        done: Size = 0
        for group in self.groups:
            source, target = _moved(cpp, x, group.first * row), _moved(cpp, y, done)
            added = _moved(cpp, x, group.added * row)
            steps = [dims.product(tensor.shape[1:]) for tensor in (x, y)]
            cpp.call("pack_gates", x.shape[0], group.count, self.units, self.terms, source, added, group.sums, steps[0], target, steps[1])
            done = done + group.count * of_gate


def _moved(cpp: Writer, tensor: Tensor, by: Size) -> str:
    """A pointer to an element of a tensor."""
    return cpp.pointer(tensor) + ("" if by == 0 else f" + {cpp.size(by)}")
