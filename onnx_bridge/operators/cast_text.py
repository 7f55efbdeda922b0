"""Cast and CastLike of strings: to numbers, and of numbers to strings."""

from __future__ import annotations

from dataclasses import dataclass

from onnx_bridge.ir.dtypes import COMPUTED, DType, bfloat16, float16, string
from onnx_bridge.ir.roperator import UnsupportedForm, Writer, attribute, operator
from onnx_bridge.ir.tensor import Tensor, Type
from onnx_bridge.library.texts import TextMaker
from onnx_bridge.operators.cases import case, data, given
from onnx_bridge.operators.cast import named

#: What numbers are in memory where they are not themselves.
_NUMBERS = {float16: "HalfNumber", bfloat16: "Bfloat16Number"}


@dataclass(eq=False, kw_only=True)
class ConvertingText(TextMaker):
    """y = x as `target`, as onnxruntime has it: floats with eight digits; numbers as the C library reads them in front of a text.

    A call with a text that is no number is refused.
    """

    kernels = ("text_cast.hxx",)
    computes = ((*COMPUTED, string),)

    saturate: int = attribute(1)
    round_mode: str = attribute("up")

    def target(self) -> DType:
        """The type of y."""
        raise NotImplementedError

    def types(self, x: Tensor, *like: Tensor) -> Type:
        target = self.target()
        if target is not string and target not in COMPUTED:
            raise UnsupportedForm(f"a cast of strings to {target} is not supported")
        if target is string and x.dtype is not string and self.text is None:
            raise UnsupportedForm("that it makes strings cannot be seen from the file (name it in a Cast instead, to=8)")
        return Type(target, x.shape)

    def reads(self) -> tuple[int, ...]:
        return (0,)

    def does_nothing(self) -> bool:
        return self.x.dtype is self.y.dtype

    def emit(self, cpp: Writer) -> None:
        source, target = self.x.dtype, self.y.dtype
        if source is target:
            cpp.call("copy_text", self.y.count, self.x, self.y)
        elif target is string:
            cpp.call(f"numbers_to_text<{_NUMBERS.get(source, 'PlainNumber')}>", self.y.count, self.x, self.y, self.room(cpp))
            self.refuse_short(cpp)
        else:
            with cpp.block(""):
                are_numbers = cpp.local("are_numbers")
                cpp.call(f"const bool {are_numbers} = text_to_numbers<{_NUMBERS.get(target, 'PlainNumber')}>", self.y.count, self.x, self.y)
                cpp.line(f"if (!{are_numbers}) return false;")


_TEXTS = given(["1", "0", "27", "-5"], "str")
_FLOATS = given(
    [
        "1", "-0.0", " 0.1", "NaN", "INF", "-inf", "+Infinity", "1e20", "3.14 and more", ".5", "5.", "00012.5E+1", "1e",
        "123456789.123456789", "0.1000000014901161193847656250000000000001", "9" * 300, "-2.5e-3",
    ],
    "str",
)  # fmt: skip


@operator("Cast", since=1)
class CastText(ConvertingText):
    """y = x as the type `to`, where one of them is a string."""

    of_text = True

    to: int | str = attribute()

    def target(self) -> DType:
        return named(self.to)

    cases = (
        *(case(x=_TEXTS, attributes={"to": t}) for t in (1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13)),
        *(case(x=_FLOATS, attributes={"to": t}) for t in (1, 10, 11)),
        case(x=given([" 12", "1.5", "300", "9223372036854775807", "-9223372036854775808"], "str"), attributes={"to": 7}),
        case(x=given(["18446744073709551615", "-1", "44"], "str"), attributes={"to": 13}),
        case(x=data("N", 3, dtype="str"), attributes={"to": 8}),
        case(x=given([1.0, 0.1, -0.0, float("nan"), float("inf"), -float("inf"), 1e20, 1e-7, 123456.789, 12345678.9, 0.00012345, 1e8 - 1]),
             attributes={"to": 8}),
        case(x=given([1.0, 1 / 3, 1e300, 5e-324, 123456789.0, 0.0001, 9.99999995e-5], "float64"), attributes={"to": 8}),
        case(x=given([1.0, 0.1, -65504.0], "float16"), attributes={"to": 8}),
        case(x=data("N", 3, low=-1000, high=1000), attributes={"to": 8}),
        *(case(x=data(9, dtype=kind, low=0, high=100), attributes={"to": 8}) for kind in ("uint8", "int8", "uint16", "int32", "uint64")),
        case(x=given([1, -5, 2**63 - 1, -(2**63)], "int64"), attributes={"to": 8}),
        case(x=data(5, dtype="bool", low=0, high=2), attributes={"to": 8}),
    )  # fmt: skip


@operator("CastLike", since=15)
class CastLikeText(ConvertingText):
    """y = x as the type of the second input, where one of them is a string."""

    of_text = True

    def target(self) -> DType:
        return self.input(1).dtype

    cases = (
        case(x=data("N", 3, high=9), like=given(["a"], "str")),
        case(x=_TEXTS, like=data(1, dtype="int32", high=3)),
        case(x=data(3, dtype="str"), like=data(1, dtype="str")),
    )
