"""HannWindow, HammingWindow and BlackmanWindow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from onnx_bridge.ir import dims, dtypes
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import INDICES, DType, bool_, float32, float64, int64
from onnx_bridge.ir.roperator import UnsupportedForm, attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type
from onnx_bridge.library.composite import Composite, Parts, onnx
from onnx_bridge.library.known import MOST, of_sizes
from onnx_bridge.operators.cases import Case, case, const, data


class CosineWindow(Composite):
    """A sum of cosines of 0, 1, 2 turns over `size` elements, or over size - 1 unless it is periodic; computed in double."""

    computes = (INDICES,)

    #: The factors of the cosines.
    factors: ClassVar[Sequence[float]] = ()

    output_datatype: int = 1
    periodic: int = 1

    def types(self, size: Tensor) -> Type:
        if size.count != 1 or size.rank > 1:
            raise ShapeError(f"size must be one number, got {size.type}")
        dtype = self.element()
        count = self.count()
        if isinstance(count, int) and count < 0:
            raise ShapeError(f"size must not be negative, got {count}")
        return Type(dtype, (count,))

    def element(self) -> DType:
        """The type of y."""
        dtype = dtypes.BY_ONNX.get(self.output_datatype)
        if dtype is None or not dtype.is_computed or dtype is bool_:
            raise UnsupportedForm(f"output_datatype {dtypes.name_of(self.output_datatype)} is not supported")
        return dtype

    def count(self) -> Size:
        """How many elements there are."""
        return self.x.sizes()[0]

    def values(self, size: Tensor) -> np.ndarray | None:
        count = self.count()
        if not isinstance(count, int) or count > MOST:
            return None
        turns = 2 * np.pi * np.arange(count) / np.float64(count if self.periodic else max(count - 1, 1))
        made = sum(factor * np.cos(number * turns) for number, factor in enumerate(self.factors))
        dtype = self.element()
        return np.asarray(made, np.float64).astype(float64.numpy if dtype is float64 else float32.numpy).astype(dtype.numpy)

    def reads(self) -> Sequence[int]:
        return ()

    def parts(self, build: Parts) -> Tensor:
        count = self.count()
        zero, one = (build.model.new_constant(f"{self.y.name}_{number}", np.int64(number), int64) for number in (0, 1))
        end = build.model.new_constant(f"{self.y.name}_size", of_sizes([count], int64).reshape(()), int64)
        # Of a symmetric window of one element any other length will do.
        length = of_sizes([count if self.periodic else dims.maximum(count - 1, 1)], int64)
        span = build.add(onnx("Cast"), build.model.new_constant(f"{self.y.name}_span", length, int64), to=float64.onnx)
        place = build.add(onnx("Cast"), build.add(onnx("Range"), zero, end, one), to=float64.onnx)
        turns = build.add(onnx("Div"), build.add(onnx("Mul"), place, build.constant("turn", 2 * np.pi, place)), span)
        made = build.constant("mean", self.factors[0], place)
        for number, factor in enumerate(self.factors[1:], 1):
            angle = build.add(onnx("Mul"), turns, build.constant(f"turns_{number}", float(number), place))
            wave = build.add(onnx("Mul"), build.add(onnx("Cos"), angle), build.constant(f"factor_{number}", factor, place))
            made = build.add(onnx("Add"), wave, made)
        if self.element() is not float64:  # whole numbers are cut off from floats, as in onnx's functions
            made = build.add(onnx("Cast"), made, to=float32.onnx)
        return made if self.element() is made.dtype else build.add(onnx("Cast"), made, to=self.output_datatype)


def _cases(opset: int) -> Sequence[Case]:
    return (
        case(size=const(10), opset=opset),
        case(size=const(9), attributes={"periodic": 0}),
        case(size=data(dtype="int64", low=7, high=12)),
        case(size=data(dtype="int32", low=7, high=12), attributes={"periodic": 0}),
        case(size=data(dtype="int64", low=8, high=9), attributes={"output_datatype": 7}),
        case(size=const(16), attributes={"output_datatype": 6}),
    )


@operator("HannWindow", since=17)
class HannWindow(CosineWindow):
    """y[size] = 0.5 - 0.5 cos: Hann's window."""

    factors = (0.5, -0.5)
    output_datatype: int = attribute(1)
    periodic: int = attribute(1)
    cases = _cases(17)


@operator("HammingWindow", since=17)
class HammingWindow(CosineWindow):
    """y[size] = 25 / 46 - 21 / 46 cos: Hamming's window."""

    factors = (25 / 46, -21 / 46)
    output_datatype: int = attribute(1)
    periodic: int = attribute(1)
    cases = _cases(17)


@operator("BlackmanWindow", since=17)
class BlackmanWindow(CosineWindow):
    """y[size] = 0.42 - 0.5 cos + 0.08 cos of two turns: Blackman's window."""

    factors = (0.42, -0.5, 0.08)
    output_datatype: int = attribute(1)
    periodic: int = attribute(1)
    cases = _cases(17)
