"""Element types: one row each, with what ONNX, numpy, C++ and safetensors call it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class DType:
    """An element type.

    Attributes:
        name: ONNX's name in lower case, as numpy spells it where numpy has it.
        onnx: the value of TensorProto.DataType.
        numpy: the numpy type of a tensor's storage.
        storage: the C++ type in memory.
        compute: the C++ type that arithmetic is done in.
        safetensors: the code in a safetensors header.
    """

    name: str
    onnx: int
    numpy: np.dtype[np.generic]
    storage: str
    compute: str
    safetensors: str

    @property
    def size(self) -> int:
        """Bytes of one element."""
        return self.numpy.itemsize

    @property
    def is_float(self) -> bool:
        return self.name in ("float32", "float64", "float16", "bfloat16")

    @property
    def is_integer(self) -> bool:
        return self.name.startswith(("int", "uint"))

    def __str__(self) -> str:
        return self.name

    def __repr__(self) -> str:
        return self.name


def _row(name: str, onnx: int, storage: str, compute: str, safetensors: str, numpy: str | None = None) -> DType:
    return DType(name, onnx, np.dtype(numpy or name), storage, compute, safetensors)


float32 = _row("float32", 1, "float", "float", "F32")
uint8 = _row("uint8", 2, "std::uint8_t", "std::uint8_t", "U8")
int8 = _row("int8", 3, "std::int8_t", "std::int8_t", "I8")
uint16 = _row("uint16", 4, "std::uint16_t", "std::uint16_t", "U16")
int16 = _row("int16", 5, "std::int16_t", "std::int16_t", "I16")
int32 = _row("int32", 6, "std::int32_t", "std::int32_t", "I32")
int64 = _row("int64", 7, "std::int64_t", "std::int64_t", "I64")
bool_ = _row("bool", 9, "bool", "bool", "BOOL")
float16 = _row("float16", 10, "std::uint16_t", "float", "F16")
float64 = _row("float64", 11, "double", "double", "F64")
uint32 = _row("uint32", 12, "std::uint32_t", "std::uint32_t", "U32")
uint64 = _row("uint64", 13, "std::uint64_t", "std::uint64_t", "U64")
bfloat16 = _row("bfloat16", 16, "std::uint16_t", "float", "BF16", numpy="uint16")

ALL = (float32, uint8, int8, uint16, int16, int32, int64, bool_, float16, float64, uint32, uint64, bfloat16)
BY_ONNX = {dtype.onnx: dtype for dtype in ALL}
BY_NAME = {dtype.name: dtype for dtype in ALL}

#: Families, for what operators declare. HALVES are stored in 16 bits and computed in float.
HALVES = (float16, bfloat16)
WIDE_FLOATS = (float32, float64)
FLOATS = (*WIDE_FLOATS, *HALVES)
SIGNED = (int8, int16, int32, int64)
UNSIGNED = (uint8, uint16, uint32, uint64)
INTEGERS = (*SIGNED, *UNSIGNED)
INDICES = (int32, int64)

#: TensorProto.DataType values that no row stands for, named for messages.
UNSUPPORTED = {
    0: "undefined",
    8: "string",
    14: "complex64",
    15: "complex128",
    17: "float8e4m3fn",
    18: "float8e4m3fnuz",
    19: "float8e5m2",
    20: "float8e5m2fnuz",
    21: "uint4",
    22: "int4",
    23: "float4e2m1",
    24: "float8e8m0",
    25: "uint2",
    26: "int2",
}


def of(array: np.ndarray) -> DType:
    """The row of a numpy array's type."""
    return BY_NAME[array.dtype.name]
