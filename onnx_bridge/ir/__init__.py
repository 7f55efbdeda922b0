"""The intermediate representation: RModel, ROperator, tensors, types, symbolic dims."""

from onnx_bridge.ir.dtypes import DType
from onnx_bridge.ir.rmodel import RModel
from onnx_bridge.ir.roperator import ROperator, UnsupportedForm, Writer, attribute, operator
from onnx_bridge.ir.tensor import BLOCK, Shape, ShapeError, Tensor, Type, Unify, broadcast

__all__ = [
    "BLOCK",
    "DType",
    "RModel",
    "ROperator",
    "Shape",
    "ShapeError",
    "Tensor",
    "Type",
    "Unify",
    "UnsupportedForm",
    "Writer",
    "attribute",
    "broadcast",
    "operator",
]
