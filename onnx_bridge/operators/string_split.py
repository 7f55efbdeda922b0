"""StringSplit."""

from __future__ import annotations

from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import int64, string
from onnx_bridge.ir.roperator import ROperator, Writer, attribute, operator
from onnx_bridge.ir.tensor import Tensor, Type
from onnx_bridge.operators.cases import case, data, given

#: Strings are never parted more often than this.
_MOST = (1 << 31) - 1


@operator("StringSplit", since=20)
class StringSplit(ROperator):
    """y[.., j] = piece j of each string of x, as `delimiter` parts it, or any number of blanks without one; z = how many pieces each has.

    An empty string has no pieces, as onnxruntime has it, which counts blanks alone as white space. At most maxsplit + 1 pieces, the last
    of which is the rest. Behind the pieces of a string stand empty ones; how many there are at most is found as the network runs. The
    pieces are views of x.
    """

    kernels = ("text.hxx",)
    computes = ((string,),)

    delimiter: str | None = attribute(None)
    maxsplit: int | None = attribute(None)

    @property
    def most(self) -> int:
        """How many pieces there may be."""
        return _MOST if self.maxsplit is None or not 0 <= self.maxsplit < _MOST else self.maxsplit + 1

    def types(self, x: Tensor) -> list[Type]:
        pieces = self.find("pieces", None if self.most == _MOST else self.most)
        return [Type(string, (*x.shape, pieces)), Type(int64, x.shape)]

    def scratch_bytes(self) -> Size:
        return 0 if self.wants(1) else 8 * self.x.count

    def emit(self, cpp: Writer) -> None:
        (pieces,) = self.found.values()
        delimiter = f"std::string_view({cpp.text(self.delimiter or '')})"
        counts = cpp.pointer(self.output(1)) if self.wants(1) else f"reinterpret_cast<std::int64_t*>({cpp.scratch()})"
        n = self.x.count
        cpp.call(f"{cpp.size(pieces)} = count_pieces", n, delimiter, self.most, self.x, counts)
        cpp.require_room(pieces)
        if self.wants(0):
            cpp.call("split_text", n, pieces, delimiter, self.most, self.x, self.y)

    cases = (
        case(x=given(["a,b,c", "d", ",e", "f,,"], "str"), outputs=2, attributes={"delimiter": ","}),
        case(x=given([["  a  b ", "c"], ["\td e\n f", " "]], "str"), outputs=2),
        case(x=data("N", 2, dtype="str"), outputs=2, attributes={"delimiter": " ", "maxsplit": 1}),
        case(x=given(["one two  three four"], "str"), outputs=2, attributes={"maxsplit": 2, "delimiter": ""}),
        case(x=given(["1--2--3", "4"], "str"), outputs=2, attributes={"delimiter": "--"}),
    )
