"""Cast and CastLike: numbers under another type."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from onnx_bridge.ir.dtypes import BY_NAME, BY_ONNX, DType, bfloat16, bool_, name_of
from onnx_bridge.ir.roperator import UnsupportedForm, attribute, operator
from onnx_bridge.ir.tensor import Tensor, Type
from onnx_bridge.library.expressions import Expression
from onnx_bridge.library.functions import conversion
from onnx_bridge.library.steps import PointwiseOperator
from onnx_bridge.operators.cases import case, data, given

#: How opsets 1-5 spell the types that numpy calls otherwise.
_SPELLED = {"float": "float32", "double": "float64"}


class Converting(PointwiseOperator):
    """y = x as `target`. Floats become integers by truncation; what does not fit, see kernels/cast.hxx. Numbers become bool by x != 0."""

    kernels = ("pointwise.hxx",)

    def target(self) -> DType:
        """The type of y."""
        raise NotImplementedError

    def types(self, x: Tensor, *like: Tensor) -> Type:
        return Type(self.target(), x.shape)

    def values(self, x: Tensor, *like: Tensor) -> np.ndarray | None:
        return None if x.value is None else converted(x.value, x.dtype, self.target())

    def reads(self) -> Sequence[int]:
        return (0,)

    def makes_zeros(self, zero: Callable[[Tensor], bool]) -> bool:
        return zero(self.x)

    def expression(self, *operands: Expression) -> Expression:
        source, target = self.x.dtype, self.y.dtype
        if source is target or source.compute == target.compute == "float":
            return operands[0]
        if target is bool_ and source.compute == "float":
            return conversion("float_to_mask", target)(*operands)
        if source is bool_ and target.compute == "float":
            return conversion("mask_to_float", target)(*operands)
        return conversion(f"cast<{target.compute}>", target)(*operands)


def converted(value: np.ndarray, source: DType, target: DType) -> np.ndarray | None:
    """A known value under another type; None where sizes would no longer be integers."""
    if value.dtype == object:
        wide = target.is_integer and target.size >= 4
        return value if wide and (source.is_integer or source is bool_) or target is source else None
    with np.errstate(all="ignore"):
        if target is bool_:
            return np.asarray(value != 0)
        if target is bfloat16:
            value = value.astype(np.float32)  # as the kernel does
        return value.astype(target.numpy)


#: Types that the oracle can hand out.
_TO = (1, 2, 3, 5, 6, 7, 9, 10, 11, 12, 13)


@operator("Cast", since=1)
class Cast(Converting):
    """y = x as the type `to`: a name in opsets 1-5, TensorProto's number since. `saturate` matters to float8 only."""

    to: int | str = attribute()
    saturate: int = attribute(1)
    round_mode: str = attribute("up")

    def target(self) -> DType:
        if isinstance(self.to, str):
            name = _SPELLED.get(self.to.lower(), self.to.lower())
            found = BY_NAME.get(name)
        else:
            found = BY_ONNX.get(self.to)
        if found is None:
            asked = self.to if isinstance(self.to, str) else name_of(self.to)
            raise UnsupportedForm(f"a cast to {asked} is not supported")
        return found

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

    saturate: int = attribute(1)
    round_mode: str = attribute("up")

    def target(self) -> DType:
        return self.input(1).dtype

    cases = (
        case(x=data("N", 7, high=9), like=data(1, dtype="int64", high=3)),
        case(x=data(4, 7, dtype="bool", low=0, high=2), like=data(1)),
    )
