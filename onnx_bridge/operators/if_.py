"""If."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from onnx_bridge.ir.rmodel import RModel
from onnx_bridge.ir.roperator import ROperator, UnsupportedForm, Writer, attribute, operator
from onnx_bridge.ir.tensor import Tensor, Type, same


@operator("If", since=1)
class If(ROperator):
    """The outputs of one of two graphs, as a scalar bool says. Where the bool is known at conversion only that graph is lowered.

    Both branches must give outputs of the same types and shapes.
    """

    tested_by = "test_control_flow.py"

    then_branch: Any = attribute()
    else_branch: Any = attribute()

    def types(self, condition: Tensor) -> Sequence[Type]:
        if condition.is_constant:
            known = bool(condition.constant().reshape(-1)[0])
            taken = self.then_branch if known else self.else_branch
            self.then_branch, self.else_branch = taken.lower([]), None
            return [t.type for t in self.then_branch.outputs]
        self.then_branch, self.else_branch = self.then_branch.lower([]), self.else_branch.lower([])
        return [_common(a, b) for a, b in zip(self.then_branch.outputs, self.else_branch.outputs, strict=True)]

    def reads(self) -> Sequence[int]:
        return [] if self.else_branch is None else [0]

    def emit(self, cpp: Writer) -> None:
        if self.else_branch is None:
            self._branch(cpp, self.then_branch)
            return
        with cpp.block(f"if (*{cpp.pointer(self.x)})"):
            self._branch(cpp, self.then_branch)
        with cpp.block("else"):
            self._branch(cpp, self.else_branch)

    def _branch(self, cpp: Writer, body: RModel) -> None:
        cpp.operators(body.operators)
        for source, target in zip(body.outputs, self.outputs, strict=True):
            if target is not None:
                copy_tensor(cpp, target, source)


def copy_tensor(cpp: Writer, target: Tensor, source: Tensor, offset: str = "") -> None:
    """Emits the copy of a whole tensor."""
    cpp.line(f"std::memcpy({cpp.pointer(target)}{offset}, {cpp.pointer(source)}, static_cast<std::size_t>({cpp.size(source.bytes)}));")


def _common(a: Tensor, b: Tensor) -> Type:
    if a.dtype is not b.dtype or a.rank != b.rank:
        raise UnsupportedForm(f"the branches give {a.type} and {b.type}; they must give one type and rank")
    return Type(a.dtype, tuple(same(x, y) for x, y in zip(a.shape, b.shape, strict=True)))
