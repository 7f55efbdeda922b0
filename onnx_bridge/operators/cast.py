"""Cast and CastLike: numbers under another type; BitCast: bits under another type."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from onnx_bridge.ir.dtypes import BY_NAME, BY_ONNX, STORED, DType, bfloat16, bool_, float8e8m0, float32, int8, name_of
from onnx_bridge.ir.roperator import ROperator, UnsupportedForm, Writer, attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type
from onnx_bridge.library.expressions import Expression, Function, Parameter
from onnx_bridge.library.functions import conversion
from onnx_bridge.library.steps import ENCODED, PointwiseOperator
from onnx_bridge.operators.cases import case, data, given

#: How opsets 1-5 spell the types that numpy calls otherwise.
_SPELLED = {"float": "float32", "double": "float64"}


#: How a number becomes a power of two.
_ROUND_MODES = ("up", "down", "nearest")


@dataclass(eq=False, kw_only=True)
class Converting(PointwiseOperator):
    """y = x as `target`. Floats become integers by truncation; what does not fit, see kernels/cast.hxx. Numbers become bool by x != 0.

    Narrow types (kernels/tiny_types.hxx): floats become integers of four and two bits by rounding, as onnxruntime has it; what is too large
    for a float of eight bits becomes its largest number unless `saturate` is 0, then NaN or infinity. In `round_mode` numbers become
    float8e8m0. Halves and doubles go to narrow floats by way of float32.
    """

    computes = (STORED,)

    saturate: int = attribute(1)
    round_mode: str = attribute("up")

    def kernel_files(self) -> Sequence[str]:
        narrow = self.x.dtype.is_narrow or self.y.dtype.is_narrow
        return ("pointwise.hxx", "tiny_types.hxx") if narrow else ("pointwise.hxx",)

    def target(self) -> DType:
        """The type of y."""
        raise NotImplementedError

    def types(self, x: Tensor, *like: Tensor) -> Type:
        if self.round_mode not in _ROUND_MODES:
            raise UnsupportedForm(f"round_mode must be one of {', '.join(_ROUND_MODES)}, got {self.round_mode!r}")
        return Type(self.target(), x.shape)

    def values(self, x: Tensor, *like: Tensor) -> np.ndarray | None:
        return None if x.value is None else converted(x.value, x.dtype, self.target())

    def reads(self) -> Sequence[int]:
        return (0,)

    def makes_zeros(self, zero: Callable[[Tensor], bool]) -> bool:
        return zero(self.x)

    def expression(self, *operands: Expression) -> Expression:
        source, target = self.x.dtype, self.y.dtype
        if target.is_narrow and source is not target:
            return self.to_narrow(operands[0], source, target)
        if source is target or source.compute == target.compute == "float":
            return operands[0]
        if target is bool_ and source.compute == "float":
            return conversion("float_to_mask", target)(*operands)
        if source is bool_ and target.compute == "float":
            return conversion("mask_to_float", target)(*operands)
        return conversion(f"cast<{target.compute}>", target)(*operands)

    def to_narrow(self, x: Expression, source: DType, target: DType) -> Expression:
        """A number as the nearest one of a narrow type; of an integer the low bits are left when it is stored."""
        if target.is_integer:
            of_float = f"nearest_integer<{target.compute}>"
            return conversion(of_float if source.is_float else f"cast<{target.compute}>", target)(x)
        if source.compute != "float":
            x = conversion("cast<float>", float32)(x)
        if target is float8e8m0:
            mode, saturate = f"PowerOfTwo::{self.round_mode}", "true" if self.saturate else "false"
            power_of_two = Function("power_of_two", 1, 9, lambda value, *_: value, numbers=2, result=target)
            return power_of_two(x, Parameter(mode), Parameter(saturate))
        return conversion(f"saturated<{ENCODED[target]}>", target)(x) if self.saturate or target.bits < 8 else x


def converted(value: np.ndarray, source: DType, target: DType) -> np.ndarray | None:
    """A known value under another type; None where sizes would no longer be integers."""
    if value.dtype == object:
        wide = target.is_integer and target.size >= 4
        return value if wide and (source.is_integer or source is bool_) or target is source else None
    if target.is_narrow or source.is_narrow:
        return value if target is source else _widened(value, source, target)
    with np.errstate(all="ignore"):
        if target is bool_:
            return np.asarray(value != 0)
        if target is bfloat16:
            value = value.astype(np.float32)  # as the kernel does
        return value.astype(target.numpy)


def _widened(value: np.ndarray, source: DType, target: DType) -> np.ndarray | None:
    """Known values of a narrow type under another one. What becomes one is left to the kernel, and so are types that ml_dtypes lacks."""
    if target.is_narrow or value.dtype.kind in "iu":
        return None
    return converted(value.astype(np.float32 if source.is_float else np.int8), float32 if source.is_float else int8, target)


def named(to: int | str) -> DType:
    """The type that a Cast names."""
    found = BY_NAME.get(_SPELLED.get(to.lower(), to.lower())) if isinstance(to, str) else BY_ONNX.get(to)
    if found is None:
        raise UnsupportedForm(f"a cast to {to if isinstance(to, str) else name_of(to)} is not supported")
    return found


#: Types that the oracle can hand out.
_TO = (1, 2, 3, 5, 6, 7, 9, 10, 11, 12, 13)


@operator("Cast", since=1)
class Cast(Converting):
    """y = x as the type `to`: a name in opsets 1-5, TensorProto's number since."""

    to: int | str = attribute()

    def target(self) -> DType:
        return named(self.to)

    cases = (
        *(case(x=data("N", 19, low=-3, high=9), attributes={"to": t}) for t in _TO),
        *(case(x=data(3, 19, dtype=f, low=-3, high=9), attributes={"to": t}) for f in ("float16", "int64") for t in _TO),
        *(
            case(x=data(3, 19, dtype=f, low=0, high=9), attributes={"to": t})
            for f in ("float64", "int8", "uint8", "int32", "uint64")
            for t in (1, 7)
        ),
        *(case(x=data(3, 19, dtype="bool", low=0, high=2), attributes={"to": t}) for t in (1, 2, 6, 7, 9, 10, 11)),
        case(x=given([0.0, -0.0, np.nan, np.inf, -np.inf, 1e-30, 0.5, -0.5]), attributes={"to": 9}),
        case(x=given([np.nan, 3e9, -3e9, 1e20, 300.0, -1.0, 2.9, -2.9]), attributes={"to": 6}),
        case(x=given([65519.0, 65520.0, 1e-8, 6e-8, np.inf, np.nan, 1 / 3]), attributes={"to": 10}),
        case(x=data(0, 3), attributes={"to": 7}),
    )


@operator("CastLike", since=15)
class CastLike(Converting):
    """y = x as the type of the second input."""

    def target(self) -> DType:
        return self.input(1).dtype

    cases = (
        case(x=data("N", 7, high=9), like=data(1, dtype="int64", high=3)),
        case(x=data(4, 7, dtype="bool", low=0, high=2), like=data(1)),
    )


@operator("BitCast", since=26)
class BitCast(ROperator):
    """y = the bits of x as the type `to`, which is as wide. A byte other than 0 is true."""

    tested_by = "test_narrow.py"
    computes = (STORED,)

    to: int = attribute()

    def target(self) -> DType:
        """The type of y."""
        found = BY_ONNX.get(self.to)
        if found is None:
            raise UnsupportedForm(f"a cast to {name_of(self.to)} is not supported")
        return found

    def types(self, x: Tensor) -> Type:
        target = self.target()
        if target.bits != x.dtype.bits:
            raise ShapeError(f"{target} has {target.bits} bits, {x.dtype} has {x.dtype.bits}")
        return Type(target, x.shape)

    def values(self, x: Tensor) -> np.ndarray | None:
        target = self.target()
        if x.value is None or x.value.dtype == object or target.bits < 8:
            return x.value if target is x.dtype else None
        return x.value.view(np.uint8) != 0 if target is bool_ else x.value.view(target.numpy)

    def does_nothing(self) -> bool:
        return self.x.dtype is self.y.dtype

    def makes_zeros(self, zero: Callable[[Tensor], bool]) -> bool:
        return zero(self.x)

    def kernel_files(self) -> Sequence[str]:
        return ("tiny_types.hxx" if self.y.dtype is bool_ or self.y.dtype.bits < 8 else "bytes.hxx",)

    def emit(self, cpp: Writer) -> None:
        if self.y.dtype is bool_:
            cpp.call("copy_bools", self.y.count, self.x, self.y)
        elif self.y.dtype.bits < 8:
            cpp.call(f"copy_low_bits<{self.y.dtype.bits}>", self.y.count, self.x, self.y)
        else:
            cpp.call("copy_bits", self.y.count, self.x, self.y)
