"""SOFIE's Python: `from onnx_bridge import sofie as SOFIE` in the place of `SOFIE = ROOT.TMVA.Experimental.SOFIE`.

Names, arguments, their order and defaults are SOFIE's, so that its tutorials and scripts run; docs/sofie.md says what is different.
Whatever is parsed or built goes the one way of this package: ONNX, conversion, proof. Errors are SofieErrors, or those of `convert`; all
are BridgeErrors.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from onnx_bridge.errors import SofieError
from onnx_bridge.sofie import values
from onnx_bridge.sofie.moving import MOVING
from onnx_bridge.sofie.parsers import PyKeras, PyTorch, RModelParser_ONNX, RSofieReader
from onnx_bridge.sofie.rmodel import RModel
from onnx_bridge.sofie.roperator import ROperator
from onnx_bridge.sofie.roperators import CALCULATING
from onnx_bridge.sofie.values import (
    Clean_name,
    ConvertDynamicShapeToString,
    ConvertShapeToDim,
    ConvertShapeToInt,
    ConvertShapeToLength,
    ConvertShapeToString,
    ConvertStringToType,
    ConvertTypeToString,
    Dim,
    EActivationType,
    EBasicBinaryOperator,
    EBasicIsOperator,
    EBasicNaryOperator,
    EBasicUnaryOperator,
    EComparisionOperator,
    EReduceOpMode,
    ETensorType,
    OptimizationLevel,
    Options,
    PoolOpMode,
    RandomOpMode,
    RAttributes_Pool,
    ReshapeOpMode,
)

__all__ = [
    "Clean_name", "ConvertDynamicShapeToString", "ConvertShapeToDim", "ConvertShapeToInt", "ConvertShapeToLength",
    "ConvertShapeToString", "ConvertStringToType", "ConvertTypeToString", "Dim", "EActivationType", "EBasicBinaryOperator",
    "EBasicIsOperator", "EBasicNaryOperator", "EBasicUnaryOperator", "EComparisionOperator", "EReduceOpMode", "ETensorType",
    "OptimizationLevel", "Options", "PoolOpMode", "PyKeras", "PyTorch", "RAttributes_Pool", "RModel", "RModelParser_ONNX",
    "ROperator", "RSofieReader", "RandomOpMode", "ReshapeOpMode", "SofieError", "include_dir",
]  # fmt: skip

#: What SOFIE has, or had, and this package has not, with what to do.
_ELSEWHERE = {
    "RModel_GNN": "models of GraphNets are not read (SOFIE has removed them, too): export the network from PyTorch or JAX with the "
    "numbers of nodes and edges as dynamic dims, and parse that",
    "RModelParser_Keras": "it is called PyKeras",
    "RModelParser_PyTorch": "it is called PyTorch",
}
_ELSEWHERE |= dict.fromkeys(
    ("RModel_GraphIndependent", "RFunction_MLP", "RFunction_Sum", "RFunction_Mean", "GNN_Data"), _ELSEWHERE["RModel_GNN"]
)

#: The operators, ROperator_X, and the enumerators that C++ has in the namespace itself.
_NAMES: dict[str, Any] = {f"ROperator_{name}": made for name, made in (CALCULATING | MOVING).items()}
_NAMES |= {member.name: member for kind in values.UNSCOPED for member in kind}


def include_dir() -> str:
    """The folder of `TMVA/SOFIEHelpers.hxx`, SofieFunctor, for compilers where there is no ROOT with TMVA: `-I`, or AddIncludePath."""
    return str(Path(__file__).parent / "include")


def __getattr__(name: str) -> Any:
    if name in _NAMES:
        return _NAMES[name]
    if name in _ELSEWHERE:
        raise SofieError(f"TMVA-SOFIE: {name}: {_ELSEWHERE[name]}")
    raise AttributeError(f"module 'onnx_bridge.sofie' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, *_NAMES])
