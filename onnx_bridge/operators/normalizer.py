"""Normalizer."""

from __future__ import annotations

from onnx_bridge.ir.dtypes import WIDE_FLOATS, float32, int32, int64
from onnx_bridge.ir.roperator import ROperator, Writer, attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type
from onnx_bridge.operators.cases import case, data, given

_NORMS = {"MAX": "Norm::largest", "L1": "Norm::sum", "L2": "Norm::squares"}


@operator("Normalizer", domain="ai.onnx.ml", since=1)
class Normalizer(ROperator):
    """y = each row of x by its largest number (MAX, as it is, without magnitude), sum of magnitudes (L1) or length (L2); y is float."""

    kernels = ("features.hxx",)
    computes = ((*WIDE_FLOATS, int32, int64),)

    norm: str = attribute("MAX")

    def types(self, x: Tensor) -> Type:
        if self.norm not in _NORMS:
            raise ShapeError(f"norm must be one of {', '.join(_NORMS)}, got {self.norm!r:.40}")
        if x.rank not in (1, 2):
            raise ShapeError(f"x must be [rows, features], got {x.type}")
        return Type(float32, x.shape)

    def emit(self, cpp: Writer) -> None:
        rows = self.x.shape[0] if self.x.rank == 2 else 1
        cpp.call(f"normalize_features<{_NORMS[self.norm]}>", rows, self.x.shape[-1], self.x, self.y)

    cases = (
        *(case(x=("N", 3), attributes={"norm": norm}) for norm in _NORMS),
        *(
            case(x=given([[1, -2, 3], [0, 0, 0], [-1, -2, -3], [0, -1, -4]], kind), attributes={"norm": norm})
            for norm in _NORMS for kind in ("float32", "float64", "int32", "int64")
        ),
        *(case(x=data(9, 70, dtype="float64"), attributes={"norm": norm}) for norm in _NORMS),
        case(x=(4,), attributes={"norm": "L2"}),
    )  # fmt: skip
