"""Element types: one row each, with what ONNX, numpy, C++ and safetensors call it. Types that numpy lacks are those of ml_dtypes."""

from __future__ import annotations

from dataclasses import dataclass

import ml_dtypes
import numpy as np


@dataclass(frozen=True)
class DType:
    """An element type.

    Attributes:
        name: ONNX's name in lower case, as numpy spells it where numpy itself has the type.
        onnx: the value of TensorProto.DataType.
        numpy: the numpy type of a tensor's storage. An element of less than a byte has a byte of its own.
        storage: the C++ type in memory.
        compute: the C++ type that an element is read as, and that arithmetic is done in; empty where no kernel has the type.
        safetensors: the code in a safetensors header.
        bits: what ONNX packs an element into. In memory it has a byte at least, its code in the low bits: those above are never looked
            at, and are written as copies of the sign (int4, int2) or zeros, so that integers can be read as int8_t and uint8_t.
    """

    name: str
    onnx: int
    numpy: np.dtype[np.generic]
    storage: str
    compute: str
    safetensors: str
    bits: int

    @property
    def size(self) -> int:
        """Bytes of one element in memory; of a string, those of a std::string_view, whose text is elsewhere."""
        return _VIEW_BYTES if self.name == "string" else self.numpy.itemsize

    @property
    def packing(self) -> int:
        """Elements in a byte of a file in ONNX's form; 1 where they take a byte or more."""
        return max(1, 8 // self.bits) if self.bits in (2, 4) else 1

    @property
    def schema(self) -> str:
        """What ONNX's schemas call it: `tensor(float)` is float32."""
        return {"float32": "float", "float64": "double"}.get(self.name, self.name)

    @property
    def is_float(self) -> bool:
        return self.name.startswith(("float", "bfloat"))

    @property
    def is_integer(self) -> bool:
        return self.name.startswith(("int", "uint"))

    @property
    def limits(self) -> tuple[int, int]:
        """The smallest and the largest number of an integer type."""
        signed = self.name.startswith("int")
        return (-(1 << self.bits - 1) if signed else 0), (1 << self.bits - signed) - 1

    @property
    def is_narrow(self) -> bool:
        """Whether it is a type of eight bits or less that is moved and converted, and never calculated with."""
        return 0 < self.bits < 8 or (self.bits == 8 and self.is_float)

    @property
    def is_stored(self) -> bool:
        """Whether there are kernels that move it and convert it: a header takes and gives it."""
        return bool(self.compute)

    @property
    def is_computed(self) -> bool:
        """Whether there are kernels that calculate with it."""
        return bool(self.compute) and not self.is_narrow

    @property
    def is_taken(self) -> bool:
        """Whether a header takes and gives tensors of it: what is stored, and strings, which operators name that know them."""
        return self.is_stored or self.name == "string"

    def __str__(self) -> str:
        return self.name

    def __repr__(self) -> str:
        return self.name


#: Bytes of a std::string_view on the largest processors.
_VIEW_BYTES = 16


def _row(name: str, onnx: int, storage: str, compute: str, safetensors: str, numpy: type | None = None, bits: int = 0) -> DType:
    kind = np.dtype(numpy or name)
    return DType(name, onnx, kind, storage, compute, safetensors, bits or 8 * kind.itemsize)


def _byte(name: str, onnx: int, safetensors: str, of_ml_dtypes: str, bits: int = 8) -> DType:
    """A narrow type, an element a byte. ml_dtypes 0.3, which TensorFlow 2.15 insists on, lacks some: they are bytes."""
    storage = "std::int8_t" if name.startswith("int") else "std::uint8_t"
    numpy = getattr(ml_dtypes, of_ml_dtypes, np.int8 if name.startswith("int") else np.uint8)
    return _row(name, onnx, storage, "float" if name.startswith("float") else storage, safetensors, numpy, bits)


float32 = _row("float32", 1, "float", "float", "F32")
uint8 = _row("uint8", 2, "std::uint8_t", "std::uint8_t", "U8")
int8 = _row("int8", 3, "std::int8_t", "std::int8_t", "I8")
uint16 = _row("uint16", 4, "std::uint16_t", "std::uint16_t", "U16")
int16 = _row("int16", 5, "std::int16_t", "std::int16_t", "I16")
int32 = _row("int32", 6, "std::int32_t", "std::int32_t", "I32")
int64 = _row("int64", 7, "std::int64_t", "std::int64_t", "I64")
string = _row("string", 8, "std::string_view", "", "", np.str_)
bool_ = _row("bool", 9, "bool", "bool", "BOOL")
float16 = _row("float16", 10, "std::uint16_t", "float", "F16")
float64 = _row("float64", 11, "double", "double", "F64")
uint32 = _row("uint32", 12, "std::uint32_t", "std::uint32_t", "U32")
uint64 = _row("uint64", 13, "std::uint64_t", "std::uint64_t", "U64")
complex64 = _row("complex64", 14, "std::complex<float>", "", "C64")
complex128 = _row("complex128", 15, "std::complex<double>", "", "C128")
bfloat16 = _row("bfloat16", 16, "std::uint16_t", "float", "BF16", ml_dtypes.bfloat16)
float8e4m3fn = _byte("float8e4m3fn", 17, "F8_E4M3", "float8_e4m3fn")
float8e4m3fnuz = _byte("float8e4m3fnuz", 18, "F8_E4M3FNUZ", "float8_e4m3fnuz")
float8e5m2 = _byte("float8e5m2", 19, "F8_E5M2", "float8_e5m2")
float8e5m2fnuz = _byte("float8e5m2fnuz", 20, "F8_E5M2FNUZ", "float8_e5m2fnuz")
uint4 = _byte("uint4", 21, "U8", "uint4", bits=4)
int4 = _byte("int4", 22, "I8", "int4", bits=4)
float4e2m1 = _byte("float4e2m1", 23, "U8", "float4_e2m1fn", bits=4)
float8e8m0 = _byte("float8e8m0", 24, "F8_E8M0", "float8_e8m0fnu")
uint2 = _byte("uint2", 25, "U8", "uint2", bits=2)
int2 = _byte("int2", 26, "I8", "int2", bits=2)
float6e2m3 = _byte("float6e2m3", 27, "U8", "float6_e2m3fn", bits=6)
float6e3m2 = _byte("float6e3m2", 28, "U8", "float6_e3m2fn", bits=6)

#: Every element type of ONNX.
ALL = (
    float32, uint8, int8, uint16, int16, int32, int64, string, bool_, float16, float64, uint32, uint64, complex64, complex128, bfloat16,
    float8e4m3fn, float8e4m3fnuz, float8e5m2, float8e5m2fnuz, uint4, int4, float4e2m1, float8e8m0, uint2, int2, float6e2m3, float6e3m2,
)  # fmt: skip
BY_ONNX = {dtype.onnx: dtype for dtype in ALL}
BY_NAME = {dtype.name: dtype for dtype in ALL}
_BY_NUMPY = {dtype.numpy.name: dtype for dtype in reversed(ALL)}  # bytes are first of all uint8 and int8

#: Families, for what operators declare. NARROW are moved and converted only; STORED are those and what is calculated with, MOVED those and
#: strings. HALVES are stored in 16 bits and computed in float.
COMPUTED = tuple(dtype for dtype in ALL if dtype.is_computed)
NARROW = tuple(dtype for dtype in ALL if dtype.is_narrow)
STORED = (*COMPUTED, *NARROW)
MOVED = (*STORED, string)
HALVES = (float16, bfloat16)
WIDE_FLOATS = (float32, float64)
FLOATS = (*WIDE_FLOATS, *HALVES)
SIGNED = (int8, int16, int32, int64)
UNSIGNED = (uint8, uint16, uint32, uint64)
INTEGERS = (*SIGNED, *UNSIGNED)
INDICES = (int32, int64)

#: What an operator computes in float32 that takes halves and integers, too, as onnxruntime does: see ROperator.widens.
IN_FLOAT32 = dict.fromkeys((*HALVES, *INTEGERS, bool_), float32)


def settled(array: np.ndarray) -> np.ndarray:
    """An array whose integers of less than a byte have their sign in the bits above, as kernels write them; others as they are."""
    signed = array.dtype in (int4.numpy, int2.numpy) and array.dtype != np.int8
    return array.astype(np.int8).view(array.dtype) if signed else array


def of(array: np.ndarray) -> DType:
    """The row of a numpy array's type."""
    return string if array.dtype.kind == "U" else _BY_NUMPY[array.dtype.name]


def name_of(onnx: int) -> str:
    """What a value of TensorProto.DataType is called, in messages."""
    return BY_ONNX[onnx].name if onnx in BY_ONNX else f"number {onnx}" if onnx else "undefined"
