"""CDist of com.microsoft."""

from __future__ import annotations

from onnx_bridge.ir.dtypes import WIDE_FLOATS
from onnx_bridge.ir.roperator import ROperator, UnsupportedForm, Writer, attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type, same
from onnx_bridge.operators.cases import case, data


@operator("CDist", domain="com.microsoft")
class CDist(ROperator):
    """y[m, k] = the distance of a[m] from b[k]; metric euclidean, or sqeuclidean, its square.

    Of the differences themselves: onnxruntime subtracts products, and knows less of points that are near.
    """

    kernels = ("distances.hxx",)
    computes = (WIDE_FLOATS, WIDE_FLOATS)

    metric: str = attribute("sqeuclidean")

    def types(self, a: Tensor, b: Tensor) -> Type:
        if self.metric not in ("euclidean", "sqeuclidean"):
            raise UnsupportedForm(f"metric must be euclidean or sqeuclidean, as in onnxruntime, got {self.metric!r}")
        if a.rank != 2 or b.rank != 2 or a.dtype is not b.dtype:
            raise ShapeError(f"a and b must be matrices of one type, got {a.type} and {b.type}")
        same(a.shape[1], b.shape[1])
        return Type(a.dtype, (a.shape[0], b.shape[0]))

    def emit(self, cpp: Writer) -> None:
        a, b = self.x, self.input(1)
        cpp.call("distances", a.shape[0], b.shape[0], a.shape[1], self.metric == "euclidean", a, b, self.y)

    cases = (
        case(a=("M", 5), b=(33, 5), attributes={"metric": "euclidean"}),
        case(a=(4, 70), b=("K", 70), attributes={"metric": "sqeuclidean"}),
        case(a=data(4, 7, dtype="float64"), b=data(9, 7, dtype="float64"), attributes={"metric": "euclidean"}),
    )
