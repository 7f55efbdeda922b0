"""Attributes and initializers of a file in Python."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

from onnx_bridge.errors import InvalidModel
from onnx_bridge.ir.tensor import ShapeError


def attribute_value(attribute: onnx.AttributeProto) -> Any:
    """An attribute's value: text, numbers, arrays.

    Raises:
        ShapeError: it is of a kind that is not known.
    """
    kind = attribute.type
    if kind == onnx.AttributeProto.TENSOR:
        return array(attribute.t, f"attribute {attribute.name!r}")
    if kind == onnx.AttributeProto.STRING:
        return attribute.s.decode("utf-8", "replace")
    if kind == onnx.AttributeProto.STRINGS:
        return [text.decode("utf-8", "replace") for text in attribute.strings]
    if kind in (onnx.AttributeProto.INT, onnx.AttributeProto.FLOAT):
        return onnx.helper.get_attribute_value(attribute)
    if kind in (onnx.AttributeProto.INTS, onnx.AttributeProto.FLOATS):
        return list(onnx.helper.get_attribute_value(attribute))
    raise ShapeError(f"attribute {attribute.name!r} is of a kind that is not supported ({kind})")


def array(tensor: onnx.TensorProto, what: str) -> np.ndarray:
    """The numbers of a tensor.

    Raises:
        InvalidModel: they do not fit its shape or type.
    """
    try:
        return numpy_helper.to_array(tensor)
    except Exception as error:
        raise InvalidModel(f"{what} cannot be read: {error}") from None
