"""Declared operators in the exporters of PyTorch: one node each, whether they are marked functions or operators of `torch.library`."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from onnx_bridge.custom import EXPORTING, CustomOp, Marker, known
from onnx_bridge.frontends.exported import require

#: For the types of a schema of PyTorch: the Python type, and what the TorchScript exporter calls it.
_TYPES: dict[str, tuple[Any, str]] = {
    "Tensor": (None, "v"), "float": (float, "f"), "int": (int, "i"), "bool": (int, "i"), "str": (str, "s"),
    "List[int]": (Sequence[int], "is"), "List[float]": (Sequence[float], "fs"),
}  # fmt: skip


@contextlib.contextmanager
def marking(marker: Marker) -> Iterator[None]:
    """Declared functions go to the marker inside the block."""
    token = EXPORTING.set(marker)
    try:
        yield
    finally:
        EXPORTING.reset(token)


def _computed(function: Callable[..., Any], inputs: Sequence[Any], attributes: Mapping[str, Any]) -> Any:
    """What the function gives; declared functions that it calls are no nodes of their own."""
    token = EXPORTING.set(None)
    try:
        return function(*inputs, **attributes)
    finally:
        EXPORTING.reset(token)


def dynamo_marker(torch: Any) -> Marker:
    """For the exporter that captures with torch.export: a symbolic operator of the shape that the function gives."""

    def marker(op: CustomOp, function: Callable[..., Any], inputs: Sequence[Any], attributes: Mapping[str, Any]) -> Any:
        results = _computed(function, inputs, attributes)
        several = isinstance(results, (tuple, list))
        outputs = list(results) if several else [results]
        made = torch.onnx.ops.symbolic_multi_out(
            f"{op.domain}::{op.name}", tuple(inputs), dict(attributes), dtypes=[y.dtype for y in outputs],
            shapes=[y.shape for y in outputs], version=op.version,
        )  # fmt: skip
        return tuple(made) if several else made[0]

    return marker


def torchscript_marker(torch: Any) -> Marker:
    """For the exporter that traces: an autograd function, which may say what it is in ONNX."""

    def marker(op: CustomOp, function: Callable[..., Any], inputs: Sequence[Any], attributes: Mapping[str, Any]) -> Any:
        class Node(torch.autograd.Function):  # type: ignore[misc]
            @staticmethod
            def forward(_: Any, *tensors: Any) -> Any:
                return _computed(function, tensors, attributes)

            @staticmethod
            def symbolic(g: Any, *values: Any) -> Any:
                return _node(g, op, values, attributes)

        return Node.apply(*inputs)

    return marker


def _node(g: Any, op: CustomOp, inputs: Sequence[Any], attributes: Mapping[str, Any]) -> Any:
    suffixes = {float: "f", int: "i", bool: "i", str: "s"}

    def spelt(value: Any) -> tuple[str, Any]:
        if isinstance(value, (list, tuple)):
            return suffixes[type(value[0]) if value else int] + "", list(value)
        return suffixes[type(value)], value

    named = {f"{name}_{suffix}": plain for name, value in attributes.items() for suffix, plain in [spelt(value)]}
    made = g.op(f"{op.domain}::{op.name}", *inputs, outputs=len(op.outputs), **named)
    if len(op.outputs) == 1 and inputs:
        made.setType(inputs[0].type())
    return made


def library_operators(torch: Any) -> Iterator[tuple[CustomOp, Any]]:
    """Operators of PyTorch's own registry that were declared: (operator, overload)."""
    for op in known().values():
        for function in op.functions:
            if (overload := _overload(torch, function)) is not None:
                yield op, overload


def _overload(torch: Any, function: Any) -> Any:
    """The overload behind an operator of `torch.ops` or `torch.library.custom_op`.

    The latter tells it only by a private name (seen in 2.13); where that is gone the operator is not translated, and the exporter says so.
    """
    if isinstance(function, torch._ops.OpOverload):
        return function
    if isinstance(function, torch._ops.OpOverloadPacket):
        return getattr(function, "default", None)
    return getattr(function, "_opoverload", None)


def dynamo_table(torch: Any) -> dict[Any, Callable[..., Any]]:
    """Translations for `custom_translation_table`."""
    return {overload: _translation(op, overload) for op, overload in library_operators(torch)}


def _translation(op: CustomOp, overload: Any) -> Callable[..., Any]:
    arguments = _arguments(overload)
    inputs, attributes = arguments[: len(op.inputs)], arguments[len(op.inputs) :]

    def translate(*args: Any, **kwargs: Any) -> Any:
        values = dict(zip((name for name, *_ in arguments), args, strict=False)) | kwargs
        given = {name: values[name] for name, *_ in attributes if name in values}
        return _onnxscript_op(op, given)(*(values.get(name) for name, *_ in inputs), **given)

    parameters = []
    for name, kind, default in arguments:
        annotation = _TYPES.get(kind, (None, "v"))[0] or inspect.Parameter.empty
        parameters.append(inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=default, annotation=annotation))
    translate.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    translate.__annotations__ = {p.name: p.annotation for p in parameters if p.annotation is not p.empty}
    return translate


def _arguments(overload: Any) -> list[tuple[str, str, Any]]:
    """Name, type and default of each argument."""
    empty = inspect.Parameter.empty
    return [(a.name, str(a.type), a.default_value if a.has_default_value() else empty) for a in overload._schema.arguments]


def _onnxscript_op(op: CustomOp, attributes: Mapping[str, Any]) -> Callable[..., Any]:
    """The operator as onnxscript calls one: it wants a schema, which need not be registered."""
    import onnx

    values = require("onnxscript", "PyTorch", "torch").values
    schema = onnx.defs.OpSchema
    kinds = {float: "FLOAT", int: "INT", bool: "INT", str: "STRING", list: "INTS", tuple: "INTS"}

    def kind(value: Any) -> Any:
        floats = isinstance(value, (list, tuple)) and any(isinstance(item, float) for item in value)
        return schema.AttrType.FLOATS if floats else getattr(schema.AttrType, kinds[type(value)])

    any_tensor = [f"tensor({name})" for name in ("float", "double", "float16", "int64", "int32", "bool")]
    made = schema(
        op.name, op.domain, op.version,
        inputs=[schema.FormalParameter(name, f"T_{name}") for name in op.inputs],
        outputs=[schema.FormalParameter(name, f"U_{name}") for name in op.outputs],
        type_constraints=[(f"T_{n}", any_tensor, "") for n in op.inputs] + [(f"U_{n}", any_tensor, "") for n in op.outputs],
        attributes=[schema.Attribute(name, kind(value), "") for name, value in attributes.items()],
    )  # fmt: skip
    return values.Op(values.Opset(op.domain, op.version), op.name, made)  # type: ignore[no-any-return]


@contextlib.contextmanager
def torchscript_table(torch: Any, opset: int) -> Iterator[None]:
    """Registers translations for the TorchScript exporter inside the block."""
    registered: list[str] = []
    try:
        for op, overload in library_operators(torch):
            arguments = _arguments(overload)
            names = [name for name, *_ in arguments]
            count = len(op.inputs)

            def symbolic(g: Any, *args: Any, op: CustomOp = op, names: list[str] = names, count: int = count) -> Any:
                return _node(g, op, args[:count], dict(zip(names[count:], args[count:], strict=True)))

            kinds = [_TYPES.get(kind, (None, "v"))[1] for _, kind, _ in arguments]
            name = str(overload.name()).partition(".")[0]
            torch.onnx.register_custom_op_symbolic(name, torch.onnx.symbolic_helper.parse_args(*kinds)(symbolic), opset)
            registered.append(name)
        yield
    finally:
        for name in registered:
            torch.onnx.unregister_custom_op_symbolic(name, opset)
