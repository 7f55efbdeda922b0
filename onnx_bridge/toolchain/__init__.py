"""Finding a compiler, building, and keeping what was built."""

from onnx_bridge.toolchain.build import build
from onnx_bridge.toolchain.cache import cache_folder
from onnx_bridge.toolchain.compiler import Compiler, find_compiler

__all__ = ["Compiler", "build", "cache_folder", "find_compiler"]
