"""SOFIE's small types and what converts them: element types, sizes, enumerators, names, options."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum, IntEnum, IntFlag
from math import prod
from typing import Any

import numpy as np

from onnx_bridge.errors import SofieError


class ETensorType(IntEnum):
    """Element types, with ONNX's numbers and SOFIE's spelling."""

    UNDEFINED = 0
    FLOAT = 1
    UNINT8 = 2
    INT8 = 3
    UINT16 = 4
    INT16 = 5
    INT32 = 6
    INT64 = 7
    STRING = 8
    BOOL = 9
    FLOAT16 = 10
    DOUBLE = 11
    UINT32 = 12
    UINT64 = 13
    COMPLEX64 = 14
    COMPLEX28 = 15
    BFLOAT16 = 16
    UINT8 = 2


#: What `ConvertTypeToString` says, and what numpy calls the type.
_SPELT: dict[ETensorType, tuple[str, str]] = {
    ETensorType.FLOAT: ("float", "float32"), ETensorType.UINT8: ("uint8_t", "uint8"), ETensorType.INT8: ("int8_t", "int8"),
    ETensorType.UINT16: ("uint16_t", "uint16"), ETensorType.INT16: ("int16_t", "int16"), ETensorType.INT32: ("int32_t", "int32"),
    ETensorType.INT64: ("int64_t", "int64"), ETensorType.BOOL: ("bool", "bool"), ETensorType.FLOAT16: ("float16", "float16"),
    ETensorType.DOUBLE: ("double", "float64"), ETensorType.UINT32: ("uint32_t", "uint32"), ETensorType.UINT64: ("uint64_t", "uint64"),
}  # fmt: skip

_BY_NAME = {name: kind for kind, names in _SPELT.items() for name in names} | {
    "Float": ETensorType.FLOAT, "int": ETensorType.INT32, "long": ETensorType.INT64, "unsigned char": ETensorType.UINT8,
    "std::int64_t": ETensorType.INT64, "std::int32_t": ETensorType.INT32, "std::uint8_t": ETensorType.UINT8,
}  # fmt: skip


def ConvertTypeToString(type: int) -> str:
    """The C++ name of an element type; "other" for one that SOFIE has no name for."""
    return _SPELT.get(ETensorType(type), ("other", ""))[0]


def ConvertStringToType(type: str) -> ETensorType:
    """The element type of a C++ or numpy name; UNDEFINED where there is none."""
    return _BY_NAME.get(str(type), ETensorType.UNDEFINED)


def numpy_type(type: int) -> np.dtype[Any]:
    """The numpy type of an element type.

    Raises:
        SofieError: no model that is built by hand can have it.
    """
    names = _SPELT.get(ETensorType(type))
    if names is None:
        raise SofieError(f"TMVA-SOFIE: tensors of {ETensorType(type).name} cannot be added by hand; convert an ONNX file that has them")
    return np.dtype(names[1])


def type_of_template(argument: Any) -> ETensorType:
    """The element type that a template argument means: "float", `float`, a numpy type, an ETensorType.

    Raises:
        SofieError: it is none.
    """
    if isinstance(argument, ETensorType):
        return argument
    spelt = {float: "float", int: "int", bool: "bool"}.get(argument, argument) if isinstance(argument, type) else argument
    try:
        name = spelt if isinstance(spelt, str) else np.dtype(spelt).name
    except TypeError:
        name = repr(argument)
    kind = ConvertStringToType(name)
    if kind is ETensorType.UNDEFINED:
        raise SofieError(f"TMVA-SOFIE: {argument!r} is no element type; such are {', '.join(names[0] for names in _SPELT.values())}")
    return kind


@dataclass(frozen=True)
class Dim:
    """A size of a tensor: a number, or a parameter that is given when the network runs."""

    param: str = ""
    dim: int = 0

    @property
    def isParam(self) -> bool:
        return bool(self.param)

    def GetVal(self) -> str:
        return self.param or str(self.dim)

    @property
    def value(self) -> int | str:
        """The number, or the parameter's name."""
        return self.param or self.dim


def dim_of(size: Any) -> Dim:
    """A size as a Dim: a number, a parameter's name, or what has SOFIE's fields.

    Raises:
        SofieError: it is none.
    """
    if isinstance(size, Dim):
        return size
    if isinstance(size, str):
        return Dim(size) if not size.isdigit() else Dim("", int(size))
    if hasattr(size, "isParam"):
        return Dim(str(size.param)) if size.isParam else Dim("", int(size.dim))
    try:
        number = int(size)
    except (TypeError, ValueError):
        raise SofieError(f"TMVA-SOFIE: a size is a number or the name of a parameter, not {size!r}") from None
    if number < 0:
        raise SofieError(f"TMVA-SOFIE: the size {number} is negative; a size that is given later has a name")
    return Dim("", number)


def ConvertShapeToDim(shape: Iterable[int]) -> list[Dim]:
    """Sizes as Dims."""
    return [dim_of(size) for size in shape]


def ConvertShapeToInt(shape: Iterable[Dim]) -> list[int]:
    """The numbers of a shape; nothing, if one of its sizes is a parameter."""
    found = list(shape)
    return [] if any(size.isParam for size in found) else [size.dim for size in found]


def ConvertShapeToLength(shape: Iterable[int]) -> int:
    """How many elements a tensor of a shape has."""
    return prod(int(size) for size in shape)


def ConvertShapeToString(shape: Iterable[int | Dim]) -> str:
    """A shape as SOFIE prints it."""
    return "{ " + " , ".join(dim_of(size).GetVal() for size in shape) + " }"


ConvertDynamicShapeToString = ConvertShapeToString


def Clean_name(name: Any) -> str:
    """SOFIE's name of a tensor or model: '-' becomes '_', and what is no letter, digit or '_' goes."""
    return "".join(c for c in str(name).replace("-", "_") if (c.isascii() and c.isalnum()) or c == "_")


class Options(IntFlag):
    """What `Generate` is asked for; several are joined by |."""

    kDefault = 0x0
    kNoSession = 0x1
    kNoWeightFile = 0x2
    kRootBinaryWeightFile = 0x4
    kGNN = 0x8
    kGNNComponent = 0x10
    kProfile = 0x20
    kSafetensorsWeightFile = 0x40
    kStridedInput = 0x80


#: Options that no header can serve, with what to do.
REFUSED_OPTIONS: dict[Options, str] = {
    Options.kRootBinaryWeightFile: "reading weights from a .root file needs ROOT in the program. Leave the option out: the weights are in "
    "NAME.dat, mapped, not copied; or give Options.kNoWeightFile, which puts them into the header",
    Options.kGNN: "models of GraphNets are not read (SOFIE has removed them, too). Export the network from PyTorch or JAX with the numbers "
    "of nodes and edges as dynamic dims, and parse that",
    Options.kProfile: "the header has no counters in it. Leave the option out, and ask a profiler: the network has a line an operator",
    Options.kStridedInput: "infer takes contiguous arrays. Leave the option out, and copy what is strided",
}
REFUSED_OPTIONS[Options.kGNNComponent] = REFUSED_OPTIONS[Options.kGNN]

OptimizationLevel = Enum("OptimizationLevel", ["kBasic", "kExtended"])
EBasicUnaryOperator = Enum(
    "EBasicUnaryOperator",
    ["kReciprocal", "kSqrt", "kNeg", "kExp", "kLog", "kSin", "kCos", "kAbs", "kSoftplus", "kAtan", "kFloor", "kAsinh", "kAcosh", "kAtanh"],
)
EBasicBinaryOperator = Enum("EBasicBinaryOperator", ["Add", "Sub", "Mul", "Div", "Pow", "Mod", "FMod"])
EBasicNaryOperator = Enum("EBasicNaryOperator", ["Max", "Min", "Mean", "Sum"])
EBasicIsOperator = Enum("EBasicIsOperator", ["kIsInf", "kIsInfPos", "kIsInfNeg", "kIsNaN"])
EComparisionOperator = Enum("EComparisionOperator", ["Eq", "Less", "LessEq", "Greater", "GreaterEq"])
EReduceOpMode = Enum(
    "EReduceOpMode", ["ReduceMean", "ReduceSum", "ReduceSumSquare", "ReduceProd", "ReduceL2", "ReduceMax", "ReduceMin", "InvalidReduceOp"]
)
EActivationType = Enum("EActivationType", ["UNDEFINED", "RELU", "LEAKYRELU"])
PoolOpMode = Enum("PoolOpMode", ["InvalidPool", "MaxPool", "AveragePool", "GlobalAveragePool"])
ReshapeOpMode = Enum("ReshapeOpMode", ["Reshape", "Flatten", "Squeeze", "Unsqueeze"])
RandomOpMode = Enum("RandomOpMode", ["kUniform", "kNormal"])

#: Enumerations whose enumerators C++ has in the namespace itself: `SOFIE.Add`.
UNSCOPED = (EBasicBinaryOperator, EBasicNaryOperator, EComparisionOperator, EReduceOpMode, PoolOpMode, ReshapeOpMode, RandomOpMode)


@dataclass
class RAttributes_Pool:
    """The attributes of a pool, with SOFIE's defaults."""

    auto_pad: str = "NOTSET"
    ceil_mode: int = 0
    count_include_pad: int = 0
    storage_order: int = 0
    dilations: Sequence[int] = ()
    kernel_shape: Sequence[int] = ()
    pads: Sequence[int] = ()
    strides: Sequence[int] = ()
