"""Dropout."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from onnx_bridge.ir.dtypes import COMPUTED, STORED, bool_
from onnx_bridge.ir.roperator import ROperator, UnsupportedForm, Writer, attribute, operator
from onnx_bridge.ir.tensor import Tensor, Type
from onnx_bridge.library.known import storage_literal, stored
from onnx_bridge.operators.cases import case, const


@operator("Dropout", since=1)
class Dropout(ROperator):
    """y = x, the same memory, and mask = all true: what is left of it at inference.

    The ratio and the seed do not matter then; opsets 1-6 said is_test, opsets since 12 say training_mode. The mask has x's
    type before opset 10; before opset 12 nobody said what is in it, and onnxruntime makes it all false.
    """

    kernels = ("bytes.hxx",)
    computes = (STORED, COMPUTED)

    ratio: float = attribute(0.5)
    seed: int = attribute(0)
    is_test: int = attribute({1: 0, 7: 1})
    consumed_inputs: list[int] | None = attribute(None)

    @property
    def is_view(self) -> bool:  # type: ignore[override]
        """Unless the mask is asked for."""
        return not self.wants(1)

    def types(self, x: Tensor, ratio: Tensor | None = None, training_mode: Tensor | None = None) -> list[Type]:
        trains = training_mode is not None and (not training_mode.is_constant or bool(training_mode.constant().any()))
        drops = ratio is None or not ratio.is_constant or bool(ratio.constant().any())
        if (trains and drops) or not self.is_test:
            raise UnsupportedForm("training (training_mode, or is_test=0) is not supported; export the model for inference")
        return [x.type, Type(bool_ if self.opset >= 10 else x.dtype, x.shape)]

    def values(self, x: Tensor, *_: Tensor | None) -> Sequence[np.ndarray | None]:
        return [x.value, None]

    def reads(self) -> Sequence[int]:
        return (0,)

    def emit(self, cpp: Writer) -> None:
        mask = self.output(1)
        if self.wants(0) and not self.y.is_constant:
            cpp.call("copy_run", self.y, self.x, self.x.count)
        cpp.call("fill", mask, mask.count, storage_literal(stored(self.opset >= 12, mask.dtype), mask.dtype))

    cases = (
        case(x=("N", 3)),
        case(x=("N", 3), outputs=2),
        case(x=(2, 3), ratio=const(0.3, "float32"), training_mode=const(False, "bool"), outputs=2),
        case(x=(2, 3), opset=7, attributes={"ratio": 0.25}),
        case(x=(2, 3), opset=10, outputs=2),
    )
