"""StringConcat, and Equal and Where of strings."""

from __future__ import annotations

from onnx_bridge.ir.dtypes import bool_, string
from onnx_bridge.ir.roperator import ROperator, Writer, operator
from onnx_bridge.ir.tensor import Tensor, Type, broadcast
from onnx_bridge.library.loops import broadcast_strides, collapse
from onnx_bridge.library.texts import TextMaker
from onnx_bridge.operators.cases import case, const, data, given


def places(op: ROperator) -> list[object]:
    """The sizes of the output and the strides of the operands, for kernels."""
    shape = op.y.shape
    sizes, strides = collapse(shape, [broadcast_strides(tensor.shape, shape) for tensor in op.inputs if tensor is not None])
    return [sizes, *strides]


@operator("StringConcat", since=20)
class StringConcat(TextMaker):
    """y = the text of a with that of b behind it, element by element; they broadcast."""

    kernels = ("text.hxx",)
    computes = ((string,),)

    def types(self, a: Tensor, b: Tensor) -> Type:
        return Type(string, broadcast(a.shape, b.shape))

    def emit(self, cpp: Writer) -> None:
        cpp.call("concat_text", *places(self), self.x, self.input(1), self.y, self.room(cpp))
        self.refuse_short(cpp)

    cases = (
        case(a=given(["ab", "", "c"], "str"), b=given(["", "", "\N{GREEK SMALL LETTER ALPHA}d"], "str")),
        case(a=given([["a"], ["b"]], "str"), b=const(["x", "y", "z"], "str")),
        case(a=data("N", 3, dtype="str"), b=given(["y"], "str")),
        case(a=const("left ", "str"), b=data(2, "N", dtype="str")),
        case(a=given(["x" * 5000] * 3, "str"), b=given(["y"], "str")),
    )


@operator("Equal", since=19)
class EqualText(ROperator):
    """y = whether two strings are the same, byte by byte; they broadcast."""

    kernels = ("text.hxx",)
    computes = ((string,),)
    of_text = True

    def types(self, a: Tensor, b: Tensor) -> Type:
        return Type(bool_, broadcast(a.shape, b.shape))

    def emit(self, cpp: Writer) -> None:
        cpp.call("equal_text", *places(self), self.x, self.input(1), self.y)

    cases = (
        case(a=given(["ab", "", "c", "de"], "str"), b=given(["", "", "c", "d"], "str")),
        case(a=data("N", 1, dtype="str"), b=const(["a", "b", ""], "str")),
        case(a=data(2, "N", dtype="str"), b=data(2, "N", dtype="str")),
    )


@operator("Where", since=9)
class WhereText(ROperator):
    """y = the string of a where the condition holds, else that of b; all three broadcast."""

    kernels = ("text.hxx",)
    computes = ((bool_,), (string,))
    of_text = True

    def types(self, condition: Tensor, a: Tensor, b: Tensor) -> Type:
        return Type(string, broadcast(condition.shape, a.shape, b.shape))

    def emit(self, cpp: Writer) -> None:
        cpp.call("choose_text", *places(self), self.x, self.input(1), self.input(2), self.y)

    cases = (
        case(condition=data("N", 3, dtype="bool", low=0, high=2), a=data("N", 1, dtype="str"), b=const(["x", "", "y"], "str")),
        case(condition=data(3, dtype="bool", low=0, high=2), a=data(2, "N", 3, dtype="str"), b=data(2, "N", 3, dtype="str")),
    )
