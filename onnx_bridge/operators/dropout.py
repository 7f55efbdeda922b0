"""Dropout."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from onnx_bridge.ir.dtypes import COMPUTED, STORED, WIDE_FLOATS, bool_, float32
from onnx_bridge.ir.literals import literal
from onnx_bridge.ir.roperator import ROperator, UnsupportedForm, Writer, attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type
from onnx_bridge.library.known import storage_literal, stored
from onnx_bridge.operators.cases import case, const, data, given
from onnx_bridge.operators.random_numbers import seed_of


@operator("Dropout", since=1)
class Dropout(ROperator):
    """y = x, the same memory, and mask = all true: what is left of it at inference.

    The ratio and the seed do not matter then; opsets 1-6 said is_test, opsets since 12 say training_mode, which may be known only at run
    time. The mask has x's type before opset 10; before opset 12 nobody said what is in it, and onnxruntime makes it all false.
    In training numbers are drawn from the seed anew at every call: those of the first run of onnxruntime.
    """

    computes = (STORED, COMPUTED)

    ratio: float = attribute(0.5)
    seed: int | None = attribute(None)
    is_test: int = attribute({1: 0, 7: 1})
    consumed_inputs: list[int] | None = attribute(None)

    @property
    def is_view(self) -> bool:  # type: ignore[override]
        """Unless the mask is asked for, or elements may be dropped."""
        return not self.wants(1) and not self.may_drop()

    def may_drop(self) -> bool:
        """Whether elements may be dropped."""
        _, ratio, mode = self.arguments(3)
        trains = mode is not None and (not mode.is_constant or bool(mode.constant().any()))
        drops = ratio is None or not ratio.is_constant or bool(ratio.constant().any())
        return (trains and drops) or not self.is_test

    def kernel_files(self) -> Sequence[str]:
        return ("random.hxx",) if self.may_drop() else ("bytes.hxx",)

    def types(self, x: Tensor, ratio: Tensor | None = None, training_mode: Tensor | None = None) -> list[Type]:
        for tensor, what in ((ratio, "ratio"), (training_mode, "training_mode")):
            if tensor is not None and (tensor.count != 1 or tensor.rank > 1):
                raise ShapeError(f"{what} must be one number, got {tensor.type}")
        if self.may_drop():
            if self.opset < 12:
                raise UnsupportedForm("training (is_test=0) is not supported before opset 12, which has no seeds; export for inference")
            if x.dtype not in WIDE_FLOATS or (ratio is not None and not ratio.is_constant and ratio.dtype not in WIDE_FLOATS):
                raise UnsupportedForm(f"training (training_mode) is not supported for {x.dtype}; export the model for inference")
            seed_of(self.seed, 64)
        return [x.type, Type(bool_ if self.opset >= 10 else x.dtype, x.shape)]

    def values(self, x: Tensor, *_: Tensor | None) -> Sequence[np.ndarray | None]:
        return [None if self.may_drop() else x.value, None]

    def reads(self) -> Sequence[int]:
        if not self.may_drop():
            return (0,)
        return [0, *(index for index in (1, 2) if (tensor := self.arguments(3)[index]) is not None and not tensor.is_constant)]

    def emit(self, cpp: Writer) -> None:
        if self.may_drop():
            x, ratio, mode = self.arguments(3)
            assert mode is not None
            train = "true" if mode.is_constant else f"*{cpp.pointer(mode)}"
            share = 0.5 if ratio is None else float(ratio.constant().reshape(-1)[0]) if ratio.is_constant else None
            dropped = literal(share, float32) if share is not None or ratio is None else f"static_cast<float>(*{cpp.pointer(ratio)})"
            y = self.y if self.wants(0) else f"static_cast<{self.x.dtype.storage}*>(nullptr)"
            cpp.call("dropout", seed_of(self.seed, 64), self.x.count, train, dropped, x, y, self.output(1) if self.wants(1) else None)
            return
        mask = self.output(1)
        if self.wants(0) and not self.y.is_constant:
            cpp.call("copy_run", self.y, self.x, self.x.count)
        cpp.call("fill", mask, mask.count, storage_literal(stored(self.opset >= 12, mask.dtype), mask.dtype))

    cases = (
        case(x=("N", 3)),
        case(x=("N", 3), outputs=2),
        case(x=(2, 3), ratio=const(0.3, "float32"), training_mode=const(False, "bool"), outputs=2),
        case(x=("N", 7), ratio=const(0.3, "float32"), training_mode=const(True, "bool"), outputs=2, attributes={"seed": 5}),
        case(x=(5, 7), ratio=data(low=0.2, high=0.7), training_mode=given(True, "bool"), outputs=2, attributes={"seed": -2}, opset=12),
        case(x=(5, 7), ratio=None, training_mode=given(False, "bool"), attributes={"seed": 1 << 40}, opset=13),
        case(x=data(5, 7, dtype="float64"), ratio=None, training_mode=const(True, "bool"), attributes={"seed": 3}),
        case(x=(2, 3), opset=7, attributes={"ratio": 0.25}),
        case(x=(2, 3), opset=10, outputs=2),
    )
