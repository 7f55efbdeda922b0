"""Operators of `torch.library` and `torch.ops` that were declared: how the two exporters translate them, one node each."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from onnx_bridge.custom import CustomOp, known
from onnx_bridge.frontends.exported import require
from onnx_bridge.frontends.opaque import Node
from onnx_bridge.frontends.torch import internals
from onnx_bridge.frontends.torch.opaque import written

#: For the types of a schema of PyTorch: the Python type, and what the TorchScript exporter calls it.
_TYPES: dict[str, tuple[Any, str]] = {
    "Tensor": (None, "v"), "float": (float, "f"), "int": (int, "i"), "bool": (int, "i"), "str": (str, "s"),
    "List[int]": (Sequence[int], "is"), "List[float]": (Sequence[float], "fs"),
}  # fmt: skip


def declared() -> Iterator[tuple[CustomOp, Any]]:
    """Operators of PyTorch's own registry that were declared: (operator, overload)."""
    for op in known().values():
        for function in op.functions:
            if (overload := internals.overload_of(function)) is not None:
                yield op, overload


def dynamo_table() -> dict[Any, Callable[..., Any]]:
    """Translations for `custom_translation_table`."""
    return {overload: _translation(op, overload) for op, overload in declared()}


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
    arguments = internals.arguments_of(overload)
    return [(a.name, str(a.type), a.default_value if a.has_default_value() else empty) for a in arguments]


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
        for op, overload in declared():
            arguments = _arguments(overload)
            names = [name for name, *_ in arguments]
            count = len(op.inputs)

            def symbolic(g: Any, *args: Any, op: CustomOp = op, names: list[str] = names, count: int = count) -> Any:
                attributes = dict(zip(names[count:], args[count:], strict=True))
                node = Node.of(op.name, args[:count], attributes, domain=op.domain, version=op.version)
                return written(g, node, args[:count], len(op.outputs))

            kinds = [_TYPES.get(kind, (None, "v"))[1] for _, kind, _ in arguments]
            name = str(overload.name()).partition(".")[0]
            torch.onnx.register_custom_op_symbolic(name, internals.parsed(kinds, symbolic), opset)
            registered.append(name)
        yield
    finally:
        for name in registered:
            torch.onnx.unregister_custom_op_symbolic(name, opset)
