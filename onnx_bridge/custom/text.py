"""ONNX functions from what a declaration gives: text, a FunctionProto, or an onnxscript function."""

from __future__ import annotations

from typing import Any

import onnx
import onnx.parser

from onnx_bridge.errors import DeclarationError

#: The opset that texts are written in: new enough for all that bodies need, and read by every exporter's models.
OPSET = 17


def function_of(body: Any, domain: str, name: str) -> onnx.FunctionProto:
    """The function, which has the name and the domain.

    Raises:
        DeclarationError: it cannot be read, or is called otherwise.
    """
    if hasattr(body, "to_function_proto"):  # onnxscript
        body = body.to_function_proto()
    if isinstance(body, str):
        try:
            body = onnx.parser.parse_function(f'<domain: "{domain}", opset_import: ["": {OPSET}]> {body}')
        except onnx.parser.ParseError as error:
            raise DeclarationError(f"{domain}::{name}: its body is not ONNX's text: {error}") from None
    if not isinstance(body, onnx.FunctionProto):
        raise DeclarationError(f"{domain}::{name}: a body is text, a FunctionProto or an onnxscript function, not {type(body).__name__}")
    function = onnx.FunctionProto()
    function.CopyFrom(body)
    if function.name != name:
        raise DeclarationError(f"{domain}::{name}: its body is called {function.name!r}")
    function.domain = domain
    return function
