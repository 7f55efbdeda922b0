"""What reads and writes sequences of tensors of any shape: an element, a part, all of one. No file names these: the lowering makes them."""

from __future__ import annotations

from dataclasses import dataclass, field

from onnx_bridge.ir import dims
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import STORED, DType, bool_, float32, int64
from onnx_bridge.ir.roperator import ROperator, Writer
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type
from onnx_bridge.library.loops import around

#: Columns of a table where the rank of the elements is not known: the rank, and up to eight sizes.
ANY_RANK = 9


@dataclass(eq=False, kw_only=True)
class ElementOf(ROperator):
    """y = the element of a sequence at a place, which may count from the end; a call for which it is outside is refused."""

    op_type = "ElementOf"
    kernels = ("sequence.hxx",)
    computes = (STORED, (int64,), (int64,))
    points = True

    def types(self, x: Tensor, table: Tensor, place: Tensor) -> Type:
        rank = table.shape[1]
        if x.rank != 1 or not isinstance(rank, int) or place.count != 1:
            raise ShapeError(f"{x.type}, {table.type} and {place.type} are no sequence and place")
        return Type(x.dtype, tuple(self.find(f"size {axis}", x.count) for axis in range(rank)))

    def emit(self, cpp: Writer) -> None:
        table, place = self.input(1), self.input(2)
        at, offset, columns = cpp.local("place"), cpp.local("offset"), table.shape[1]
        rows = cpp.pointer(table)
        cpp.line(f"const Size {at} = sequence_place(*{cpp.pointer(place)}, {cpp.size(table.shape[0])});")
        cpp.line(f"if ({at} < 0) return false;")
        cpp.line(f"const Size {offset} = sequence_offset<{columns}>({at}, {cpp.size(self.x.count)}, {rows});")
        cpp.line(f"if ({offset} < 0) return false;")
        cpp.line(f"if (row_count<{columns}>({rows} + {at} * {columns}, {cpp.size(self.x.count)} - {offset}) < 0) return false;")
        for axis, size in enumerate(self.y.shape):
            cpp.line(f"{cpp.size(size)} = static_cast<Size>({rows}[{at} * {columns} + {axis}]);")
            cpp.line(f"if ({cpp.size(size)} > {cpp.size(self.x.count)}) return false;")  # of an empty element: memory is planned for less
        cpp.point(self.y, self.x, offset)


@dataclass(eq=False, kw_only=True)
class JoinedNumbers(ROperator):
    """The numbers of elements that are joined along an axis, or stacked there; how many of each size come out says JoinedShape."""

    axis: int

    op_type = "JoinedNumbers"
    kernels = ("sequence.hxx",)
    computes = (STORED, (int64,))

    def types(self, x: Tensor, table: Tensor) -> Type:
        return x.type

    def emit(self, cpp: Writer) -> None:
        table = self.input(1)
        joined = cpp.local("joined")
        with cpp.block(""):
            cpp.call(
                f"const bool {joined} = join_elements<{table.shape[1]}>", table.shape[0], self.x.count, self.axis, table, self.x, self.y
            )
            cpp.line(f"if (!{joined}) return false;")


@dataclass(eq=False, kw_only=True)
class JoinedShape(ROperator):
    """y = x, numbers that JoinedNumbers has put in order, as a tensor. Elements whose other sizes differ are refused, as none are."""

    axis: int
    stacked: bool

    op_type = "JoinedShape"
    kernels = ("sequence.hxx",)
    computes = (STORED, (int64,))
    points = True

    def types(self, x: Tensor, table: Tensor) -> Type:
        rank = table.shape[1]
        assert isinstance(rank, int)
        sizes = [self.find(f"size {axis}", x.count) for axis in range(rank)]
        return Type(x.dtype, (*sizes[: self.axis], table.shape[0], *sizes[self.axis :]) if self.stacked else tuple(sizes))

    def emit(self, cpp: Writer) -> None:
        table = self.input(1)
        rank, sizes = table.shape[1], cpp.local("sizes")
        cpp.line(f"Size {sizes}[{max(1, int(str(rank)))}];")
        whole, stacked = cpp.size(self.x.count), "true" if self.stacked else "false"
        length, rows = cpp.size(table.shape[0]), cpp.pointer(table)
        cpp.line(f"if (!joined_sizes<{rank}>({length}, {whole}, {self.axis}, {stacked}, {rows}, {sizes})) return false;")
        for place, size in enumerate(self.found.values()):
            cpp.line(f"{cpp.size(size)} = {sizes}[{place}];")
        cpp.point(self.y, self.x, "0")


@dataclass(eq=False, kw_only=True)
class SequencePart(ROperator):
    """The elements of a sequence from `first` on, `count` of them: their numbers and their table. How many numbers, is found."""

    first: Size
    count: Size

    op_type = "SequencePart"
    kernels = ("sequence.hxx", "copy.hxx")
    computes = (STORED, (int64,))

    def types(self, x: Tensor, table: Tensor) -> list[Type]:
        return [Type(x.dtype, (self.find("numbers", x.count),)), Type(int64, (self.count, table.shape[1]))]

    def emit(self, cpp: Writer) -> None:
        x, table = self.x, self.input(1)
        columns, begin, end = table.shape[1], cpp.local("begin"), cpp.local("end")
        for name, place in ((begin, self.first), (end, self.first + self.count)):
            cpp.line(f"const Size {name} = sequence_offset<{columns}>({cpp.size(place)}, {cpp.size(x.count)}, {cpp.pointer(table)});")
        cpp.line(f"if ({end} < 0) return false;")
        (numbers,) = self.found.values()
        cpp.line(f"{cpp.size(numbers)} = {end} - {begin};")
        if self.wants(0):
            cpp.call("copy_run", self.y, f"{cpp.pointer(x)} + {begin}", numbers)
        if self.wants(1):
            rows = f"{cpp.pointer(table)} + {cpp.size(self.first * columns)}"
            cpp.call("copy_run", self.output(1), rows, self.count * columns)


@dataclass(frozen=True)
class Form:
    """How an operator's input holds elements of a sequence: "one", "stack", "chunks" along an axis, or "ragged", with a table behind it."""

    kind: str
    axis: int = 0
    size: Size = 1


@dataclass(eq=False, kw_only=True)
class PackSequence(ROperator):
    """All elements of a sequence one behind the other, and the table of their shapes.

    Attributes:
        forms: what the inputs are, in order.
        rank: that of all elements; None where they have several, or it is not known.
        dtype: the element type.
    """

    forms: list[Form] = field(default_factory=list)
    rank: int | None = None
    dtype: DType = float32

    op_type = "PackSequence"
    kernels = ("sequence.hxx", "copy.hxx")

    computes = (STORED,)

    @property
    def columns(self) -> int:
        """The columns of the table."""
        return ANY_RANK if self.rank is None else self.rank

    def pieces(self) -> list[tuple[Form, Tensor, Tensor | None]]:
        """The forms with their inputs."""
        found, index = [], 0
        for form in self.forms:
            ragged = form.kind == "ragged"
            table = self.input(index + 1) if ragged else None
            found.append((form, self.input(index), table))
            index += 1 + ragged
        return found

    @staticmethod
    def length(form: Form, tensor: Tensor, table: Tensor | None) -> Size:
        """How many elements a piece has."""
        if table is not None:
            return table.shape[0]
        if form.kind == "stack":
            return tensor.shape[0]
        if form.kind == "chunks":
            return dims.ceil_div(tensor.shape[form.axis], form.size)
        return 1

    def types(self, *_: Tensor) -> list[Type]:
        pieces = self.pieces()
        total = sum((tensor.count for _, tensor, _ in pieces), start=0)
        length = sum((self.length(*piece) for piece in pieces), start=0)
        return [Type(self.dtype, (total,)), Type(int64, (length, self.columns))]

    def emit(self, cpp: Writer) -> None:
        at: Size = 0
        row: Size = 0
        for form, tensor, table in self.pieces():
            length = self.length(form, tensor, table)
            to, rows = f"{cpp.pointer(self.y)} + {cpp.size(at)}", f"{cpp.pointer(self.output(1))} + {cpp.size(row * self.columns)}"
            shape = [*(tensor.shape[1:] if form.kind == "stack" else tensor.shape)]
            if form.kind == "chunks":
                axis, size = form.axis, form.size
                outer, whole, inner = around(tensor.shape, axis, axis + 1)
                cpp.call("put_chunks", outer, whole, inner, size, tensor, to)
                cpp.call(f"put_chunk_rows<{self.columns}, {tensor.rank}>", length, size, axis, shape, rows)
            else:
                cpp.call("copy_run", to, tensor, tensor.count)
                if table is not None:
                    cpp.call(f"copy_rows<{self.columns}, {table.shape[1]}>", length, table, rows)
                elif self.columns:
                    cpp.call(f"put_rows<{self.columns}, {max(1, len(shape))}>", length, shape or [1], str(len(shape)), rows)
            at, row = at + tensor.count, row + length


@dataclass(eq=False, kw_only=True)
class OptionalElement(ROperator):
    """y = x, which must be there: a call for which it is not is refused."""

    op_type = "OptionalElement"
    kernels = ("copy.hxx",)
    computes = (STORED, (bool_,))

    def types(self, x: Tensor, there: Tensor) -> Type:
        if there.count != 1:
            raise ShapeError(f"whether it is there must be one bool, got {there.type}")
        return x.type

    def emit(self, cpp: Writer) -> None:
        cpp.line(f"if (!*{cpp.pointer(self.input(1))}) return false;")
        cpp.call("copy_run", self.y, self.x, self.x.count)
