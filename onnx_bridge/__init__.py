"""onnx_bridge: trained models as C++ headers that need nothing but a compiler, with proof that they compute what the framework computed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from onnx_bridge.errors import (
    ArgumentError,
    BridgeError,
    DeclarationError,
    ExportError,
    InferenceError,
    InternalError,
    InvalidModel,
    SofieError,
    ToolchainError,
    UnsupportedModel,
    VerificationError,
    WeightsError,
)
from onnx_bridge.hooks import HOOKS as _HOOKS
from onnx_bridge.version import __version__

if TYPE_CHECKING:
    from onnx_bridge.conversion import Conversion
    from onnx_bridge.custom import CustomOp, custom_op
    from onnx_bridge.emit.header import Emitted
    from onnx_bridge.ir.rmodel import RModel
    from onnx_bridge.pipeline import check, convert
    from onnx_bridge.runtime.compiled import CompiledModel

__all__ = [
    "ArgumentError", "BridgeError", "CompiledModel", "Conversion", "CustomOp", "DeclarationError", "ExportError", "InferenceError",
    "InternalError", "InvalidModel", "RModel", "SofieError", "ToolchainError", "UnsupportedModel", "VerificationError",
    "WeightsError", "__version__", "check", "convert", "custom_op",
]  # fmt: skip

#: Where the names live that are imported only when they are asked for, so that importing the package stays quick.
_LAZY = {
    "convert": "onnx_bridge.pipeline",
    "check": "onnx_bridge.pipeline",
    "Conversion": "onnx_bridge.conversion",
    "CompiledModel": "onnx_bridge.runtime.compiled",
    "CustomOp": "onnx_bridge.custom",
    "RModel": "onnx_bridge.ir.rmodel",
    "custom_op": "onnx_bridge.custom",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'onnx_bridge' has no attribute {name!r}")
    import importlib

    value = globals()[name] = getattr(importlib.import_module(_LAZY[name]), name)
    return value


def _optimise(model: RModel) -> None:
    from onnx_bridge.optimise import optimise

    optimise(model)


def _emit(model: RModel, **options: Any) -> Emitted:
    from onnx_bridge.emit.header import emit
    from onnx_bridge.emit.names import model_name

    if model.name != model_name(model.name):
        raise ArgumentError(f"an RModel is called as a C++ namespace can be; {model.name!r} cannot, {model_name(model.name)!r} can")
    return emit(model, **options)


_HOOKS.update(optimise=_optimise, emit=_emit)
