"""MatMulInteger16 of com.microsoft."""

from __future__ import annotations

from onnx_bridge.ir.dtypes import int16, int32
from onnx_bridge.ir.roperator import operator
from onnx_bridge.ir.tensor import Tensor, Type
from onnx_bridge.library.composite import Composite, Parts
from onnx_bridge.operators.cases import case, data
from onnx_bridge.operators.cast import Cast
from onnx_bridge.operators.matmul import MatMul


@operator("MatMulInteger16", domain="com.microsoft")
class MatMulInteger16(Composite):
    """y = the matrix product of int16, in int32."""

    computes = ((int16,), (int16,))

    def types(self, a: Tensor, b: Tensor) -> Type:
        op = MatMul.make(self.name)
        op.inputs = [Tensor(tensor.name, Type(int32, tensor.shape)) for tensor in (a, b)]
        found = op.infer_types()[0]
        assert found is not None
        return found

    def parts(self, build: Parts) -> Tensor:
        return build.add(MatMul, *(build.add(Cast, self.input(index), to=int32.onnx) for index in range(2)))

    cases = (
        case(a=data("N", 7, dtype="int16", low=-900, high=900), b=data(7, 5, dtype="int16", low=-900, high=900)),
        case(a=data(2, 3, 7, dtype="int16", low=-900, high=900), b=data(2, 7, 5, dtype="int16", low=-900, high=900)),
    )
