"""A built model as a callable on numpy arrays."""

from onnx_bridge.runtime.compiled import CompiledModel, compile_emitted

__all__ = ["CompiledModel", "compile_emitted"]
