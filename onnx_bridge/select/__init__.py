"""From ONNX's operators to those of kernels, rule by rule. What no rule takes must be its own kernel."""

from __future__ import annotations

from onnx_bridge.errors import InternalError
from onnx_bridge.ir.rmodel import RModel, nested_models
from onnx_bridge.passes.base import Pass
from onnx_bridge.select.batch_norm import BatchNorm
from onnx_bridge.select.concat import Concatenations
from onnx_bridge.select.convolution import Convolutions
from onnx_bridge.select.dense_bias import DenseBias
from onnx_bridge.select.dense_gemm import DenseGemm
from onnx_bridge.select.dense_matmul import DenseMatMul
from onnx_bridge.select.pointwise import Loops
from onnx_bridge.select.product import Products
from onnx_bridge.select.recurrent import RecurrentLayers
from onnx_bridge.select.softmax import Softmaxes
from onnx_bridge.select.transposed_convolution import TransposedConvolutions
from onnx_bridge.select.written import Written

#: Every rule, in the order in which they are tried.
RULES: tuple[type[Pass], ...] = (
    Convolutions, TransposedConvolutions, DenseGemm, DenseMatMul, Products, DenseBias, BatchNorm, Softmaxes, RecurrentLayers,
    Concatenations, Loops, Written,
)  # fmt: skip


def check_selected(model: RModel) -> None:
    """Holds that a header can execute every operator.

    Raises:
        InternalError: one of ONNX is not its own kernel, and no rule has taken it.
    """
    for op in model.operators:
        if not op.is_own_kernel():
            raise InternalError(
                "select", NotImplementedError(f"no rule of select/ takes {op.op_type}, at {op.title()!r}, and it has no kernel")
            )
        for body in nested_models(op):
            check_selected(body)
