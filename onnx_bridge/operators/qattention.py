"""QAttention of com.microsoft: Attention whose first product is one of bytes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from onnx_bridge.ir.dtypes import float32, int32
from onnx_bridge.ir.roperator import operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type
from onnx_bridge.library.composite import Parts
from onnx_bridge.operators.cases import case, const, data, given, weight
from onnx_bridge.operators.integer_product import check_columns, check_one
from onnx_bridge.operators.matmul_integer import BYTES, MatMulIntegerToFloat, bytes_of
from onnx_bridge.operators.microsoft_attention import MicrosoftAttention


@operator("QAttention", domain="com.microsoft")
class QAttention(MicrosoftAttention):
    """Attention of x to itself, x and w being bytes: what onnxruntime's dynamic quantiser makes of Attention.

    Inputs: x [N, S, I], w [I, widths of q, k and v], b, the scales of x and w, a mask of keys, the zero points of x and w, and keys and
    values of the past [2, N, heads, P, D]. Scales and zero points of w are one, or one a column. Outputs as Attention has them.
    """

    computes = (BYTES, BYTES, (float32,), (float32,), (float32,), (int32,), BYTES, BYTES, (float32,))

    def types(  # type: ignore[override]
        self, x: Tensor, w: Tensor, b: Tensor, x_scale: Tensor, w_scale: Tensor, mask: Tensor | None = None, x_zero: Tensor | None = None,
        w_zero: Tensor | None = None, past: Tensor | None = None,
    ) -> Sequence[Type]:  # fmt: skip
        made = self.attended(float32, x, w, b, mask, past, None)
        check_one(x_scale, "the scale of x")
        for zero, of, what in ((x_zero, x, "x"), (w_zero, w, "w")):
            if zero is not None and zero.dtype is not of.dtype:
                raise ShapeError(f"the zero point of {what} must be of its type, {of.dtype}, got {zero.dtype}")
        if x_zero is not None:
            check_one(x_zero, "the zero point of x")
        for of_w, what in ((w_scale, "the scale of w"), (w_zero, "the zero point of w")):
            if of_w is not None:
                if of_w.rank > 1:
                    raise ShapeError(f"{what} must be one number, or one a column, got {of_w.type}")
                check_columns(of_w, w.shape, what)
        return made

    def parts(self, build: Parts) -> Sequence[Tensor | None]:
        x, w, b, x_scale, w_scale, mask, x_zero, w_zero, past = self.arguments(9)
        flat = build.add(MatMulIntegerToFloat, x, w, x_scale, w_scale, x_zero, w_zero, b)
        return self.attend(build, flat, mask, past, None)

    cases = (
        case(
            x=bytes_of("N", 5, 10), w=bytes_of(10, 72, kind="int8", constant=True), b=weight(72), xs=const(0.01, "float32"),
            ws=const(0.02, "float32"), mask=None, xz=const(120, "uint8"), wz=const(0, "int8"), attributes={"num_heads": 3},
        ),
        case(
            x=bytes_of(2, 5, 10), w=bytes_of(10, 36, constant=True), b=weight(36), xs=data(low=0.01, high=0.02),
            ws=weight(36, low=0.01, high=0.02), mask=given([[1] * 5, [1, 1, 0, 1, 0]], "int32"), xz=const([7], "uint8"),
            wz=const(np.arange(36) + 100, "uint8"), attributes={"num_heads": 3, "unidirectional": 1},
        ),
        case(
            x=bytes_of(2, 2, 10), w=bytes_of(10, 36, kind="int8", constant=True), b=weight(36), xs=const(0.01, "float32"),
            ws=const(0.02, "float32"), mask=None, xz=const(120, "uint8"), wz=const(0, "int8"), past=(2, 2, 3, "P", 4),
            attributes={"num_heads": 3, "unidirectional": 1}, outputs=2,
        ),
    )  # fmt: skip
