"""What onnx's own schemas say of a node: the element types that ONNX allows, and which inputs and outputs share one."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence

import onnx
import onnx.checker
import onnx.numpy_helper
from onnx import helper, shape_inference

from onnx_bridge.ir import dtypes
from onnx_bridge.ir.dtypes import DType
from onnx_bridge.ir.roperator import ROperator
from onnx_bridge.ir.tensor import ShapeError, Tensor

_Formal = onnx.defs.OpSchema.FormalParameter
_OPTION = onnx.defs.OpSchema.FormalParameterOption

#: The kinds of attributes as protobuf numbers them.
_KINDS = {
    getattr(onnx.defs.OpSchema.AttrType, name): number
    for name, number in onnx.AttributeProto.AttributeType.items()
    if hasattr(onnx.defs.OpSchema.AttrType, name)
}
#: The fields of attributes that hold messages, by kind.
_FIELDS = {onnx.AttributeProto.TENSOR: "t", onnx.AttributeProto.GRAPH: "g", onnx.AttributeProto.SPARSE_TENSOR: "sparse_tensor"}

#: Constants of up to this many elements are shown to onnx's inference: axes, shapes, scales.
MOST_SHOWN = 1024

#: Above every opset: the newest schemas.
_NEWEST = 1_000_000

#: How schemas spell the element types.
_SPELLED = {f"tensor({dtype.schema})": dtype for dtype in dtypes.ALL}
_SPELLINGS = {dtype: spelling for spelling, dtype in _SPELLED.items()}


@functools.cache
def schema_of(op_type: str, domain: str, opset: int) -> onnx.defs.OpSchema | None:
    """The schema of an operator as it is in an opset; None where ONNX has none."""
    try:
        return onnx.defs.get_schema(op_type, min(max(opset, 1), _NEWEST), domain)
    except onnx.defs.SchemaError:
        return None


def formal(parameters: Sequence[_Formal], index: int) -> _Formal | None:
    """The formal parameter of an input or output; the last one, if it is variadic, stands for all behind it."""
    if index < len(parameters):
        return parameters[index]
    variadic = parameters and parameters[-1].option == _OPTION.Variadic
    return parameters[-1] if variadic else None


def is_single(parameters: Sequence[_Formal], index: int) -> bool:
    """Whether an input or output must be there: neither optional nor one of many."""
    parameter = formal(parameters, index)
    return parameter is not None and parameter.option == _OPTION.Single


def input_names(node: onnx.NodeProto, most: int) -> list[str | None]:
    """What a node reads; empty names at the end, beyond the first `most`, are as if they were not written."""
    names = [name or None for name in node.input]
    while len(names) > most and names[-1] is None:
        names.pop()
    return names


def output_names(node: onnx.NodeProto, domain: str, opset: int) -> list[str | None]:
    """What a node makes. What nobody wants but the operator always has gets a name, too: kernels write it."""
    names = [name or None for name in node.output]
    schema = schema_of(node.op_type, domain, opset)
    if schema is None:
        return names
    names += [None] * (schema.min_output - len(names))
    own = next(name for name in node.output if name) if any(node.output) else ""
    return [name or (f"{own}, unnamed output {i}" if is_single(schema.outputs, i) else None) for i, name in enumerate(names)]


def allowed(parameter: _Formal) -> list[DType]:
    """The element types of a formal parameter, of those that a tensor can have here."""
    return [dtype for spelling, dtype in _SPELLED.items() if spelling in parameter.types and dtype.is_taken]


def widened(op: ROperator, inputs: Sequence[Tensor | None]) -> Mapping[str, tuple[DType, DType]]:
    """The type variables of a node that stand for a type that is computed in another one.

    Args:
        op: the operator, with its attributes.
        inputs: what it will read.

    Returns:
        By the name of the variable (of a schema, else ""), the type and the one that it is computed in (`ROperator.widens`).

    Raises:
        ShapeError: an input has a type that ONNX does not allow, or inputs that must share a type have several.
    """
    schema = schema_of(op.op_type, op.domain, op.opset)
    bound: dict[str, tuple[DType, str]] = {}
    found: dict[str, tuple[DType, DType]] = {}
    for index, tensor in enumerate(inputs):
        parameter = None if schema is None else formal(schema.inputs, index)
        if tensor is None:
            continue
        variable = variable_of(op, index, output=False)
        if parameter is not None:
            if _SPELLINGS[tensor.dtype] not in parameter.types:
                may = ", ".join(map(str, allowed(parameter))) or "no type that is supported"
                raise ShapeError(f"input {parameter.name!r} is of type {tensor.dtype}; ONNX allows {may}")
            first, name = bound.setdefault(variable, (tensor.dtype, parameter.name))
            if parameter.is_homogeneous and first is not tensor.dtype:
                raise ShapeError(f"inputs {name!r} and {parameter.name!r} must have one type, got {first} and {tensor.dtype}")
        computed, wide = op.computed(index), op.widens.get(tensor.dtype)
        if wide is not None and wide in computed and tensor.dtype not in computed:
            found[variable] = tensor.dtype, wide
    return found


def variable_of(op: ROperator, index: int, *, output: bool) -> str:
    """The type variable of an input or an output of a node; "" where no schema says it, but for inputs of their own types."""
    schema = schema_of(op.op_type, op.domain, op.opset)
    parameter = None if schema is None else formal(schema.outputs if output else schema.inputs, index)
    if parameter is None:
        return f"input {index}" if not output and index in op.own_inputs else ""
    return parameter.type_str


def check_shapes(
    node: onnx.NodeProto, domain: str, opset: int, inputs: Sequence[Tensor | None], scalars: Sequence[int] = ()
) -> None:
    """Has onnx itself infer the types of a node's outputs: what it refuses contradicts ONNX, whatever is computed.

    Args:
        node: without graphs in its attributes; others are left alone.
        domain: the operator's.
        opset: the version of that domain.
        inputs: what it reads, by position.
        scalars: which of them count as scalars where they are tensors of one element.

    Raises:
        ShapeError: with onnx's reason.
    """
    schema = schema_of(node.op_type, domain, opset)
    if schema is None or schema.deprecated or any(a.type == onnx.AttributeProto.GRAPH for a in node.attribute):
        return
    types, values = {}, {}
    for index, (name, tensor) in enumerate(zip(node.input, inputs, strict=False)):
        if tensor is None:
            continue
        scalar = index in scalars and tensor.count == 1
        shape = () if scalar else tensor.shape
        types[name] = helper.make_tensor_type_proto(tensor.dtype.onnx, [size if isinstance(size, int) else None for size in shape])
        if tensor.is_constant and tensor.constant().dtype.kind in "biuf" and tensor.constant().size <= MOST_SHOWN:
            value = tensor.constant()
            values[name] = onnx.numpy_helper.from_array(value.reshape(()) if scalar else value, name)
    named = onnx.NodeProto()
    named.CopyFrom(node)
    for index, name in enumerate(node.output):
        named.output[index] = name or f"unnamed output {index}"  # nobody reads it; the checker wants a name for it
    try:
        shape_inference.infer_node_outputs(schema, named, types, values, opset_imports=[helper.make_opsetid(domain, opset)])
    except onnx.checker.ValidationError:
        return  # of types, which are looked at here, and better
    except shape_inference.InferenceError as error:
        raise ShapeError(f"onnx infers no shape: {' '.join(str(error).split())}") from None


def contradictions(node: onnx.NodeProto, domain: str, opset: int) -> list[str]:
    """What a node says that its schema does not allow: numbers of inputs and outputs, inputs that must be there, attributes.

    Attributes that the schema does not know are none of ONNX's own operators, as onnxruntime has it, and are left to the operator in
    other domains; of those that a newer schema knows the kind is looked at.
    """
    schema, newest = schema_of(node.op_type, domain, opset), schema_of(node.op_type, domain, _NEWEST)
    attributes = {} if schema is None else schema.attributes
    known = {**({} if newest is None else newest.attributes), **attributes}
    found = [f"attribute {a.name!r} {why}" for a in node.attribute if (why := _contradiction(a, known.get(a.name)))]
    if schema is None:
        return found
    given = {a.name for a in node.attribute}
    if domain in ("", "ai.onnx.ml"):
        found += [f"attribute {name!r} is not one of opset {opset}" for name in sorted(given - attributes.keys())]
    found += [f"attribute {name!r} is missing" for name, declared in attributes.items() if declared.required and name not in given]
    inputs = list(node.input)
    while inputs and not inputs[-1]:
        inputs.pop()
    for index, name in enumerate(inputs):
        parameter = formal(schema.inputs, index)
        if parameter is None:
            found.append(f"it has {len(inputs)} inputs, at most {len(schema.inputs)} are allowed")
            break
        if not name and parameter.option != _OPTION.Optional:
            found.append(f"input {index} ({parameter.name!r}) is missing")
    found += [
        f"input {index} ({parameter.name!r}) is missing"
        for index, parameter in enumerate(schema.inputs)
        if index >= len(inputs) and index < schema.min_input and parameter.option != _OPTION.Optional
    ]
    if not any(node.output) and schema.min_output > 0:
        found.append("it has no output")
    if len(node.output) > schema.max_output:
        found.append(f"it has {len(node.output)} outputs, at most {schema.max_output} are allowed")
    return found


def _contradiction(attribute: onnx.AttributeProto, declared: onnx.defs.OpSchema.Attribute | None) -> str:
    """What is wrong with an attribute, or nothing."""
    kinds = onnx.AttributeProto.AttributeType
    if attribute.type in _FIELDS and not attribute.HasField(_FIELDS[attribute.type]):
        return f"is a {kinds.Name(attribute.type)} that holds none"
    if declared is not None and attribute.type not in (kinds.UNDEFINED, _KINDS.get(declared.type)):
        return f"is of kind {kinds.Name(attribute.type)}; ONNX has {kinds.Name(_KINDS[declared.type])}"
    return ""
