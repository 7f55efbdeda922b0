"""FeatureVectorizer."""

from __future__ import annotations

from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import WIDE_FLOATS, float32, int32, int64
from onnx_bridge.ir.roperator import ROperator, Writer, attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type, same
from onnx_bridge.operators.cases import case, data


@operator("FeatureVectorizer", domain="ai.onnx.ml", since=1)
class FeatureVectorizer(ROperator):
    """y [rows][sum of inputdimensions] = the inputs side by side, as floats: of each so many features, and zeros where it has fewer."""

    kernels = ("features.hxx",)
    computes = ((*WIDE_FLOATS, int32, int64),)

    inputdimensions: list[int] | None = attribute(None)

    def types(self, *inputs: Tensor) -> Type:
        kept = self.inputdimensions or []
        if not inputs or len(inputs) != len(kept) or min(kept, default=-1) < 0:
            raise ShapeError(f"inputdimensions must be a size for each of {len(inputs)} inputs, got {kept}")
        for tensor in inputs:
            if tensor.rank not in (1, 2):
                raise ShapeError(f"inputs must be [rows, features], got {tensor.type}")
        rows = self.rows(inputs[0])
        for tensor in inputs[1:]:
            rows = same(rows, self.rows(tensor))
        return Type(float32, (rows, sum(kept)))

    @staticmethod
    def rows(x: Tensor) -> Size:
        """How many rows an input has; of rank 1 it is one row."""
        return x.shape[0] if x.rank == 2 else 1

    def emit(self, cpp: Writer) -> None:
        kept, done = self.inputdimensions or [], 0
        for index, count in enumerate(kept):
            x = self.input(index)
            cpp.call("copy_features", self.rows(x), x.shape[-1], count, sum(kept), x, f"{cpp.pointer(self.y)} + {done}")
            done += count

    cases = (
        case(a=("N", 2), b=("N", 3), attributes={"inputdimensions": [2, 3]}, exact=True),
        case(a=("N", 3), attributes={"inputdimensions": [3]}),
        *(case(a=data(4, 2, dtype=d, high=9), b=data(4, 1, dtype=d, high=9), attributes={"inputdimensions": [2, 1]})
          for d in ("float64", "int32", "int64")),
    )  # fmt: skip
