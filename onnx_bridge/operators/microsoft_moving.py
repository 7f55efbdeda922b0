"""ExpandDims, Trilu, Pad, Range, GatherND and Unique of com.microsoft: what ONNX has had since under the same names or others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from onnx_bridge.ir.dtypes import float32, int32, int64
from onnx_bridge.ir.roperator import Writer, attribute, operator
from onnx_bridge.ir.tensor import NeedsValue, ShapeError, Tensor, Type
from onnx_bridge.kernels.unique import UNIQUE
from onnx_bridge.library.composite import Composite, Parts
from onnx_bridge.library.known import axis_in
from onnx_bridge.operators.cases import Case, case, const, data, given
from onnx_bridge.operators.gather_elements import GatherND
from onnx_bridge.operators.identity import Identity
from onnx_bridge.operators.pad import Pad
from onnx_bridge.operators.range import Range
from onnx_bridge.operators.trilu import Trilu
from onnx_bridge.operators.unique import Unique


@operator("ExpandDims", domain="com.microsoft")
class ExpandDims(Composite):
    """x with an axis of one more."""

    def types(self, x: Tensor, axis: Tensor) -> Type:
        if axis.dtype is not int32 or axis.count != 1:
            raise ShapeError(f"axis must be one int32, got {axis.type}")
        place = axis_in(int(axis.constant().reshape(-1)[0]), x.rank + 1)
        return Type(x.dtype, (*x.shape[:place], 1, *x.shape[place:]))

    def parts(self, build: Parts) -> Tensor:
        return build.add(Identity, build.reshape(self.x, self.types(*self.inputs).shape))  # type: ignore[arg-type]

    cases = (
        case(x=("N", 5), axis=const(1, "int32")),
        case(x=(3, 5), axis=const([-1], "int32")),
        case(x=data(3, 5, dtype="int64", high=9), axis=const(0, "int32")),
    )


@operator("Trilu", domain="com.microsoft")
class MicrosoftTrilu(Trilu):
    """Trilu."""

    cases: ClassVar[Sequence[Case]] = (
        case(x=("N", 5)), case(x=("N", 5, 4), k=const(-1), attributes={"upper": 0}), case(x=data(3, 5, dtype="int64", high=9)),
    )  # fmt: skip


@operator("Range", domain="com.microsoft")
class MicrosoftRange(Composite):
    """Range; delta is 1 if it is absent."""

    def types(self, start: Tensor, limit: Tensor, delta: Tensor | None = None) -> Type:
        if len({tensor.dtype for tensor in (start, limit, delta) if tensor is not None}) > 1:
            raise ShapeError(f"start, limit and delta must have one type, got {start.dtype} and {limit.dtype}")
        step = Tensor("one", Type(start.dtype, ()), np.ones((), start.dtype.numpy)) if delta is None else delta
        for tensor in (start, limit, step):
            if tensor.value is None:
                raise NeedsValue(tensor)
        return Type(start.dtype, (Range.make(self.name).length(start, limit, step),))

    def parts(self, build: Parts) -> Tensor:
        start, limit, delta = self.arguments(3)
        assert start is not None and limit is not None
        inputs = [build.reshape(t, []) for t in (start, limit, build.constant("one", 1, start) if delta is None else delta)]
        return build.add(Range, *inputs)

    cases = (
        case(start=const(2), limit=const(9)),
        case(start=const(2.0, "float32"), limit=const(9.0, "float32"), delta=const(1.5, "float32")),
        case(start=const([9], "int32"), limit=const([2], "int32"), delta=const([-2], "int32")),
    )


@operator("Pad", domain="com.microsoft")
class MicrosoftPad(Composite):
    """Pad; pads may be [1, 2 * rank]."""

    computes = ((float32,), (int64,), (float32,))

    mode: str = attribute("constant")

    def pad(self, pads: Tensor) -> Tensor:
        if pads.rank not in (1, 2) or (pads.rank == 2 and pads.shape[0] != 1):
            raise ShapeError(f"pads must be [2 * rank] or [1, 2 * rank], got {pads.type}")
        value = pads.value if pads.value is None else pads.value.reshape(-1)
        return Tensor(pads.name, Type(pads.dtype, pads.shape[-1:]), value)

    def types(self, x: Tensor, pads: Tensor, value: Tensor | None = None) -> Type:
        op = Pad.make(mode=self.mode)
        op.inputs = [x, self.pad(pads), value]
        found = op.infer_types()[0]
        assert found is not None
        return found

    def parts(self, build: Parts) -> Tensor:
        x, pads, value = self.arguments(3)
        assert x is not None and pads is not None
        return build.add(Pad, x, build.reshape(pads, pads.shape[-1:]), value, mode=self.mode)

    cases = (
        case(x=("N", 5), pads=const([0, 2, 0, 3])),
        case(x=(3, 5), pads=const([[0, 1, 2, -1]]), value=const([1.5], "float32")),
        case(x=(3, 5), pads=const([0, 1, 2, 1]), attributes={"mode": "reflect"}),
        case(x=(3, 5), pads=const([0, 1, 2, 1]), attributes={"mode": "edge"}),
    )


@operator("GatherND", domain="com.microsoft")
class MicrosoftGatherND(Composite):
    """GatherND without axes of a batch."""

    def gathered(self, x: Tensor, indices: Tensor) -> Type:
        op = GatherND.make()
        op.inputs = [x, indices]
        found = op.infer_types()[0]
        assert found is not None
        return found

    def types(self, x: Tensor, indices: Tensor) -> Type:
        if indices.dtype not in (int32, int64):
            raise ShapeError(f"indices must be int32 or int64, got {indices.type}")
        return self.gathered(x, indices)

    def parts(self, build: Parts) -> Tensor:
        return build.add(GatherND, self.x, self.input(1))

    cases = (
        case(x=(6, 5, 4), indices=data("N", 2, dtype="int64", low=0, high=5)),
        case(x=(6, 5), indices=data(3, 1, dtype="int32", low=0, high=5)),
    )


@operator("Unique", domain="com.microsoft")
class MicrosoftUnique(Unique):
    """The different elements of x [n] as they come first, where in them each element of x is, and how often each is there."""

    computes = ((float32,),)

    sorted: int = attribute(0)

    def types(self, x: Tensor) -> list[Type]:
        if x.rank != 1:
            raise ShapeError(f"x must have rank 1, got {x.type}")
        y, _, places, counts = super().types(x)
        return [y, places, counts]

    def emit(self, cpp: Writer) -> None:
        outer, n, inner = self.around(self.x)
        made = (None, *(self.outputs[index] if self.wants(index) else None for index in (1, 2)))
        (count,) = self.found.values()
        cpp.call(f"{cpp.size(count)} = {UNIQUE.function}", outer, n, inner, False, self.x, self.y, *made, cpp.scratch())

    cases: ClassVar[Sequence[Case]] = (
        case(x=given([2.0, 1.0, 1.0, 3.0, 4.0, 3.0]), outputs=3),
        case(x=given([0.5, -0.0, 0.0, -1.5, 0.5]), outputs=3),
        case(x=data("N", low=0, high=1), outputs=3),
    )
