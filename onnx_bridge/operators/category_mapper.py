"""CategoryMapper."""

from __future__ import annotations

from typing import Any

from onnx_bridge.ir.dtypes import DType, int64, string
from onnx_bridge.ir.roperator import attribute, operator
from onnx_bridge.ir.tensor import ShapeError
from onnx_bridge.operators.cases import case, data, given
from onnx_bridge.operators.label_encoder import LabelEncoder


@operator("CategoryMapper", domain="ai.onnx.ml", since=1)
class CategoryMapper(LabelEncoder):
    """y = the integer of each string, or the string of each integer; the default of what is none of them."""

    cats_int64s: list[int] | None = attribute(None)
    cats_strings: list[str] | None = attribute(None)
    default_int64: int = attribute(-1)
    default_string: str = attribute("_Unused")

    def mapping(self, dtype: DType) -> tuple[tuple[DType, list[Any]], tuple[DType, list[Any]], Any]:
        numbers, texts = (int64, list(self.cats_int64s or [])), (string, list(self.cats_strings or []))
        if not numbers[1] or not texts[1]:
            raise ShapeError("cats_int64s and cats_strings must both be given")
        return (texts, numbers, self.default_int64) if dtype is string else (numbers, texts, self.default_string)

    cases = (
        case(x=given(["a", "b", "zz"], "str"), attributes={"cats_int64s": [5, 7, 9], "cats_strings": ["b", "", "a"]}),
        case(
            x=data("N", 3, dtype="int64", low=4, high=9),
            attributes={"cats_int64s": [5, 7, 9], "cats_strings": ["b", "", "a"], "default_string": "none"},
        ),
    )
