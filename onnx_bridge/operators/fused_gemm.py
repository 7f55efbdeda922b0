"""FusedGemm of com.microsoft."""

from __future__ import annotations

from onnx_bridge.ir.dtypes import WIDE_FLOATS
from onnx_bridge.ir.roperator import attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type, broadcasts, same
from onnx_bridge.library.composite import Composite, Parts
from onnx_bridge.operators.activated import activated, check_activation
from onnx_bridge.operators.cases import case, weight
from onnx_bridge.operators.gemm import Gemm


@operator("FusedGemm", domain="com.microsoft")
class FusedGemm(Composite):
    """y = activation(Gemm(a, b, c)): what onnxruntime's optimiser makes of the two."""

    computes = (WIDE_FLOATS,)

    activation: str = attribute("")
    activation_alpha: float | None = attribute(None)
    activation_beta: float | None = attribute(None)
    activation_gamma: float | None = attribute(None)
    alpha: float = attribute(1.0)
    beta: float = attribute(1.0)
    transA: int = attribute(0)
    transB: int = attribute(0)

    def numbers(self) -> dict[str, float]:
        """The numbers of the activation."""
        found = {"alpha": self.activation_alpha, "beta": self.activation_beta, "gamma": self.activation_gamma}
        return {name: value for name, value in found.items() if value is not None}

    def types(self, a: Tensor, b: Tensor, c: Tensor | None = None) -> Type:
        check_activation(self.activation, self.numbers())
        if a.rank != 2 or b.rank != 2:
            raise ShapeError(f"a and b must be matrices, got {a.type} and {b.type}")
        if {tensor.dtype for tensor in (a, b, c) if tensor is not None} != {a.dtype}:
            raise ShapeError(f"a, b and c must have one type, got {a.dtype} and {b.dtype}")
        m, k = reversed(a.shape) if self.transA else a.shape
        k2, n = reversed(b.shape) if self.transB else b.shape
        same(k, k2)
        if c is not None:
            broadcasts(c, (m, n), "c")
        return Type(a.dtype, (m, n))

    def parts(self, build: Parts) -> Tensor:
        given = [tensor for tensor in self.inputs if tensor is not None]
        y = build.add(Gemm, *given, alpha=self.alpha, beta=self.beta, transA=self.transA, transB=self.transB)
        return activated(build, y, self.activation, self.numbers())

    cases = (
        case(a=("N", 7), b=weight(7, 64), c=weight(64), attributes={"activation": "Relu"}),
        case(a=("N", 7), b=weight(5, 7), c=weight(5), attributes={"activation": "LeakyRelu", "activation_alpha": 0.3, "transB": 1}),
        case(a=("N", 7), b=weight(7, 5), c=weight(1, 5), attributes={"activation": "Tanh", "alpha": 0.5, "beta": 2.0}),
        case(a=(9, 6), b=(9, 20), c=(6, 1), attributes={"activation": "Sigmoid", "transA": 1}),
        case(a=(3, 6), b=weight(6, 20), attributes={"activation": "HardSigmoid", "activation_alpha": 0.3, "activation_beta": 0.4}),
        case(a=(3, 6), b=weight(6, 20), attributes={"activation": "Elu", "activation_alpha": 0.7}),
        case(a=(3, 6), b=weight(6, 20), attributes={"activation": "ThresholdedRelu", "activation_alpha": 0.7}),
        case(a=(3, 6), b=weight(6, 20), attributes={"activation": "Softplus"}),
        case(a=(3, 6), b=weight(6, 20), attributes={"activation": "Softsign"}),
        case(a=(0, 4), b=weight(4, 8), attributes={"activation": "Relu"}),
    )
