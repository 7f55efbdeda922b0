"""What onnx's own schemas say of a node: the element types that ONNX allows, and which inputs and outputs share one."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence

import onnx

from onnx_bridge.ir import dtypes
from onnx_bridge.ir.dtypes import DType
from onnx_bridge.ir.roperator import ROperator
from onnx_bridge.ir.tensor import ShapeError, Tensor

_Formal = onnx.defs.OpSchema.FormalParameter

#: How schemas spell the element types.
_SPELLED = {f"tensor({ {'float32': 'float', 'float64': 'double'}.get(dtype.name, dtype.name) })": dtype for dtype in dtypes.ALL}


@functools.cache
def schema_of(op_type: str, domain: str, opset: int) -> onnx.defs.OpSchema | None:
    """The schema of an operator as it is in an opset; None where ONNX has none."""
    try:
        return onnx.defs.get_schema(op_type, opset, domain)
    except onnx.defs.SchemaError:
        return None


def formal(parameters: Sequence[_Formal], index: int) -> _Formal | None:
    """The formal parameter of an input or output; the last one, if it is variadic, stands for all behind it."""
    if index < len(parameters):
        return parameters[index]
    variadic = parameters and parameters[-1].option == onnx.defs.OpSchema.FormalParameterOption.Variadic
    return parameters[-1] if variadic else None


def allowed(parameter: _Formal) -> list[DType]:
    """The element types of a formal parameter, of those that a tensor can have here."""
    return [dtype for spelling, dtype in _SPELLED.items() if spelling in parameter.types]


def halves(op: ROperator, inputs: Sequence[Tensor | None]) -> Mapping[str, DType]:
    """The type variables of a node that stand for a half that is not computed: it is computed in float32 instead.

    Args:
        op: the operator, with its attributes.
        inputs: what it will read.

    Returns:
        By the name of the variable (of a schema, else ""), float16 or bfloat16.

    Raises:
        ShapeError: an input has a type that ONNX does not allow, or inputs that must share a type have several.
    """
    schema = schema_of(op.op_type, op.domain, op.opset)
    bound: dict[str, tuple[DType, str]] = {}
    found: dict[str, DType] = {}
    for index, tensor in enumerate(inputs):
        parameter = None if schema is None else formal(schema.inputs, index)
        if tensor is None:
            continue
        variable = "" if parameter is None else parameter.type_str
        if parameter is not None:
            if tensor.dtype not in allowed(parameter):
                may = ", ".join(map(str, allowed(parameter))) or "no type that is supported"
                raise ShapeError(f"input {parameter.name!r} is of type {tensor.dtype}; ONNX allows {may}")
            first, name = bound.setdefault(variable, (tensor.dtype, parameter.name))
            if parameter.is_homogeneous and first is not tensor.dtype:
                raise ShapeError(f"inputs {name!r} and {parameter.name!r} must have one type, got {first} and {tensor.dtype}")
        computed = op.computed(index)
        if tensor.dtype in dtypes.HALVES and tensor.dtype not in computed and dtypes.float32 in computed:
            found[variable] = tensor.dtype
    return found


def variable_of(op: ROperator, index: int, *, output: bool) -> str:
    """The type variable of an input or an output of a node; "" where no schema says it."""
    schema = schema_of(op.op_type, op.domain, op.opset)
    parameter = None if schema is None else formal(schema.outputs if output else schema.inputs, index)
    return "" if parameter is None else parameter.type_str
