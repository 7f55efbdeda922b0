"""Programs of torch.export: their inputs and dynamic dims are their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from onnx_bridge.errors import ExportError
from onnx_bridge.frontends.request import BATCH, Dynamic, dynamic_axes
from onnx_bridge.frontends.torch import calls
from onnx_bridge.frontends.torch.calls import Call


def call_of(torch: Any, program: Any, inputs: Any) -> Call:
    """How the program is called: with the example that it was exported with, unless another is given.

    Raises:
        ExportError: there is no example, or it does not fit.
    """
    names = calls.unique([str(name) for name in program.graph_signature.user_inputs])
    if program.example_inputs is None and inputs is None:
        raise ExportError(f"the program holds no example: give example_inputs for {', '.join(names)}")
    if inputs is None:
        args, kwargs = program.example_inputs
        call = calls.taken_apart(torch, tuple(args), None, "the program")
        more = calls.taken_apart(torch, dict(kwargs), None, "the program")
        call.kwargs = {key: calls.shifted(value, len(call.tensors)) for key, value in more.kwargs.items()}
        call.tensors += more.tensors
    else:
        call = calls.taken_apart(torch, inputs, None, "the program")
    if len(call.tensors) != len(names):
        raise ExportError(f"the program takes {len(names)} tensors ({', '.join(names)}); example_inputs holds {len(call.tensors)}")
    call.names = names
    return call


def dynamic_of(program: Any, call: Call, dynamic: Dynamic | None, notes: list[str]) -> tuple[list[dict[int, str]], dict[str, str]]:
    """The dynamic axes of each input with their names, and the names in place of those that the program has.

    The program knows which dims are dynamic but not what they were called: a leading one is the batch, another is called after its input.

    Raises:
        ExportError: a dim is to be dynamic that the program has fixed.
    """
    symbols = _symbols(program, call.names)
    shapes = [tuple(tensor.shape) for tensor in call.tensors]
    said = dynamic_axes(call.names, shapes, dynamic) if dynamic is not None else [{} for _ in shapes]
    rename: dict[str, str] = {}
    for name, own, wanted in zip(call.names, symbols, said, strict=True):
        for axis, dim in wanted.items():
            if axis in own:
                rename.setdefault(own[axis], dim)
            elif dynamic is not None and _asked(dynamic, call.names, name):
                raise ExportError(
                    f"dynamic: the program was exported with axis {axis} of {name!r} fixed; export it again with "
                    f"dynamic_shapes={{{name!r}: {{{axis}: torch.export.Dim({dim!r})}}}}"
                )
    for name, own in zip(call.names, symbols, strict=True):
        for axis, symbol in own.items():
            if symbol.isidentifier() and symbol not in rename:
                plain = BATCH if axis == 0 and BATCH not in rename.values() else f"{name}_{axis}"
                rename[symbol] = plain
    if not any(symbols):
        notes.append("the program was exported with fixed sizes, without a dynamic batch: so is the header")
    return [{axis: calls.renamed(symbol, rename) for axis, symbol in own.items()} for own in symbols], rename


def _asked(dynamic: Mapping[Any, Any], names: list[str], name: str) -> bool:
    return name in dynamic or any(
        isinstance(key, int) and names[key] == name for key in dynamic if isinstance(key, int) and key < len(names)
    )


def _symbols(program: Any, names: list[str]) -> list[dict[int, str]]:
    """For each input, the sizes that are no numbers, by axis."""
    placeholders = {str(node.name): node.meta.get("val") for node in program.graph.nodes if node.op == "placeholder"}
    found = []
    for own in program.graph_signature.user_inputs:
        shape = getattr(placeholders.get(str(own)), "shape", ())
        found.append({axis: str(size) for axis, size in enumerate(shape) if not isinstance(size, int)})
    return found or [{} for _ in names]
