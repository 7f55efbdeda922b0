"""OneHotEncoder."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from onnx_bridge.ir.dtypes import WIDE_FLOATS, float32, int32, int64, string
from onnx_bridge.ir.roperator import ROperator, Writer, attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type
from onnx_bridge.library.texts import table
from onnx_bridge.operators.cases import case, data, given


@operator("OneHotEncoder", domain="ai.onnx.ml", since=1)
class OneHotEncoder(ROperator):
    """y [..., categories] = 1 at the place of x among the categories, else 0; numbers are made whole, towards 0.

    With zeros = 0 a call with what is no category is refused.
    """

    computes = ((*WIDE_FLOATS, int32, int64, string),)

    cats_int64s: list[int] | None = attribute(None)
    cats_strings: list[str] | None = attribute(None)
    zeros: int = attribute(1)

    def categories(self, x: Tensor) -> Sequence[int] | Sequence[str]:
        """Those of the kind of x."""
        found = self.cats_strings if x.dtype is string else self.cats_int64s
        if not found or (self.cats_strings and self.cats_int64s):
            raise ShapeError(f"there must be cats_{'strings' if x.dtype is string else 'int64s'} alone for {x.type}")
        return found

    def types(self, x: Tensor) -> Type:
        return Type(float32, (*x.shape, len(self.categories(x))))

    def kernel_files(self) -> Sequence[str]:
        return ["text_features.hxx" if self.x.dtype is string else "features.hxx"]

    def emit(self, cpp: Writer) -> None:
        x, y, known, name = cpp.pointer(self.x), cpp.pointer(self.y), self.categories(self.x), f"{self.y.name}_categories"
        count = cpp.size(self.x.count)
        if self.x.dtype is string:
            call = f"encode_texts({count}, {table(cpp, name, list(map(str, known)))}, {x}, {y})"
        else:
            call = f"encode_categories({count}, {len(known)}, {x}, {cpp.weight(name, np.asarray(known, np.int64))}, {y})"
        cpp.line(f"{call};" if self.zeros else f"if (!{call}) return false;")

    cases = (
        *(
            case(x=data("N", 2, dtype=kind, low=-1, high=5), attributes={"cats_int64s": [0, 1, 4]})
            for kind in ("int64", "float32", "float64")
        ),
        case(x=given([0.5, 1.9, -0.5, np.nan, 4.0, 1e30]), attributes={"cats_int64s": [0, 1, 4]}),
        case(x=data(5, dtype="int64", low=0, high=2), attributes={"cats_int64s": [0, 1], "zeros": 0}),
        case(x=given(["a", "b", ""], "str"), attributes={"cats_strings": ["b", "", "d"]}),
    )  # fmt: skip
