"""If."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import field
from typing import Any

import numpy as np

from onnx_bridge.ir import dims
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import bool_, string
from onnx_bridge.ir.rmodel import RModel
from onnx_bridge.ir.roperator import ROperator, UnsupportedForm, Writer, attribute, operator
from onnx_bridge.ir.tensor import RanksDiffer, ShapeError, Tensor, Type, same


@operator("If", since=1)
class If(ROperator):
    """The outputs of one of two graphs, as a scalar bool says. Where the bool is known at conversion only that graph is lowered.

    Both branches must give outputs of the same element types. Where ranks differ, all that follows stands in both branches. Sizes may
    differ where sizes decide which branch is taken, or where they are numbers; else a branch may be taken only if it gives the size that
    the output has. What a branch needs of the sizes is tested where it is taken.
    """

    tested_by = "test_control_flow.py"

    then_branch: Any = attribute()
    else_branch: Any = attribute()
    #: The branches are all of a graph: nobody but the caller reads their outputs, which may have a rank each.
    whole: bool = False
    #: What the outputs of the file are made of, where one of them is no tensor.
    ends: list[Any] | None = field(default=None)

    def types(self, condition: Tensor) -> Sequence[Type]:
        if condition.count != 1 or condition.dtype is not bool_:
            raise ShapeError(f"the condition must be one bool, got {condition.type}")
        if isinstance(self.then_branch, RModel):  # lowered before
            return [t.type for t in self.then_branch.outputs] if self.else_branch is None else self.common()
        if condition.is_constant:
            known = bool(condition.constant().reshape(-1)[0])
            taken = self.then_branch if known else self.else_branch
            self.then_branch, self.else_branch = taken.lower([]), None
            self._check_count(self.then_branch)
            self.ends = taken.agree([self.then_branch])
            return [t.type for t in self.then_branch.outputs]
        body = self.then_branch
        self.then_branch, self.else_branch = body.branch(), self.else_branch.branch()
        self._check_count(self.then_branch)
        if len(self.then_branch.outputs) != len(self.else_branch.outputs):
            raise ShapeError(f"the branches give {len(self.then_branch.outputs)} and {len(self.else_branch.outputs)} outputs")
        self.ends = body.agree([self.then_branch, self.else_branch])
        return self.common()

    def _check_count(self, branch: RModel) -> None:
        if len(branch.outputs) != len(self.outputs):
            raise ShapeError(f"a branch gives {len(branch.outputs)} outputs, and the node has {len(self.outputs)}")

    def common(self) -> list[Type]:
        """The types of the outputs, from those of the lowered branches."""
        ragged = [end.is_ragged for end in self.ends or () for _ in range(end.count)]
        pairs = list(zip(self.then_branch.outputs, self.else_branch.outputs, strict=True))
        return [self._common(a, b, index, ragged[index : index + 1] == [True]) for index, (a, b) in enumerate(pairs)]

    def named(self, outputs: Sequence[str | None]) -> Sequence[str | None]:
        if self.ends is None:
            return outputs
        found: list[str | None] = []
        for name, end in zip(outputs, self.ends, strict=False):
            found += [name] if end.is_tensor else [None if name is None else f"{name} {index}" for index in range(end.count)]
        return found

    @property
    def decided(self) -> Size | None:
        """1 where the condition holds, else 0, if sizes decide that."""
        return None if self.x.value is None or self.x.is_constant else self.x.sizes()[0]

    def _common(self, a: Tensor, b: Tensor, index: int, ragged: bool) -> Type:
        """The type of an output, from those of the branches."""
        if a.dtype is not b.dtype:
            raise ShapeError(f"the branches give {a.type} and {b.type}; they must give one type")
        if not self.whole and (inner := a.type.either or b.type.either):
            raise RanksDiffer(f"{a.type} and {b.type}", inner[0])
        if a.rank != b.rank or a.type.either or b.type.either:
            if not self.whole:
                raise RanksDiffer(f"{a.type} and {b.type}", self.decided)
            return Type.of_either(self.find("taken", 1) if self.decided is None else self.decided, a.type, b.type)
        sizes = enumerate(zip(a.shape, b.shape, strict=True))
        return Type(a.dtype, tuple(self._size(x, y, f"size {index} {axis}", ragged) for axis, (x, y) in sizes))

    def _size(self, a: Size, b: Size, what: str, ragged: bool) -> Size:
        if a == b:
            return a
        if self.decided is not None:
            return self.decided * a + (1 - self.decided) * b
        if ragged or (isinstance(a, int) and isinstance(b, int)):
            return self.find(what, dims.maximum(a, b))
        for size, other, body in ((a, b, self.then_branch), (b, a, self.else_branch)):
            if dims.substitute(other, dict(_numbers(body))) == size:
                return other  # what the branch itself needs makes it so
        size, other = sorted((a, b), key=lambda size: (not isinstance(size, int), len(str(size))))
        needed = (self.else_branch if size is a else self.then_branch).constraints
        if (size, other) not in needed:
            needed.append((size, other))
        return size

    def values(self, condition: Tensor) -> Sequence[np.ndarray | None]:
        # Of the only branch that is taken: shapes may be made of them.
        return [tensor.value if self.else_branch is None else None for tensor in self.then_branch.outputs]

    def reads(self) -> Sequence[int]:
        return [] if self.else_branch is None or self.decided is not None else [0]

    def emit(self, cpp: Writer) -> None:
        if self.else_branch is None:
            self._branch(cpp, self.then_branch)
            return
        holds = f"*{cpp.pointer(self.x)}" if self.decided is None else f"{cpp.size(self.decided)} != 0"
        with cpp.block(f"if ({holds})"):
            self._branch(cpp, self.then_branch, 1)
        with cpp.block("else"):
            self._branch(cpp, self.else_branch, 0)

    def _branch(self, cpp: Writer, body: RModel, taken: int = 1) -> None:
        if "taken" in self.found:
            cpp.line(f"{cpp.size(self.found['taken'])} = {taken};")
        cpp.require(body.conditions, body.constraints)
        cpp.operators(body.operators)
        found = list(self.found.values())
        for source, target in zip(body.outputs, self.outputs, strict=True):
            if target is not None and not target.is_constant:  # what is known of the only branch is a constant already
                one_rank = found and target.type.either is None
                for size, own in zip(target.shape, source.shape, strict=True) if one_rank else ():
                    if size in found:
                        cpp.line(f"{cpp.size(size)} = {cpp.size(own)};")
                copy_tensor(cpp, target, source)


def _numbers(body: RModel) -> Iterator[tuple[str, Size]]:
    """The symbols that a body needs to be another size."""
    for a, b in body.constraints:
        names = sorted(dims.symbols(a))
        if len(names) == 1 and a == dims.symbol(names[0]):
            yield names[0], b


def keeps_type(carried: Tensor, made: Tensor) -> None:
    """Holds that what a turn hands on has the type and the sizes of what it was given.

    Raises:
        UnsupportedForm: it has not.
        Unify: it has only if a symbol is another size.
    """
    if made.dtype is carried.dtype and made.rank == carried.rank:
        try:
            for a, b in zip(made.shape, carried.shape, strict=True):
                same(a, b)
            return
        except ShapeError:
            pass
    advice = ""
    if carried.type.dtype is made.type.dtype:
        advice = (
            " (rows that each turn adds may be a scan output, which is joined behind the loop; else carry a tensor of the largest size and "
            "how much of it is used, or let the program take the turns, with the body as the model)"
        )
    raise UnsupportedForm(f"what is carried from turn to turn as {carried.name!r} changes from {carried.type} to {made.type}{advice}")


def copy_tensor(cpp: Writer, target: Tensor, source: Tensor, offset: str = "") -> None:
    """Emits the copy of a whole tensor."""
    text = source.dtype is string  # of which an element is as large as the processor's pointers want it
    size = f"({cpp.size(source.count)}) * sizeof(std::string_view)" if text else f"({cpp.size(source.bytes)})"
    cpp.line(f"std::memcpy({cpp.pointer(target)}{offset}, {cpp.pointer(source)}, static_cast<std::size_t>{size});")
