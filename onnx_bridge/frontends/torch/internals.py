"""What is used of PyTorch that it does not promise: see `onnx_bridge.frontends.internals`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from onnx_bridge.frontends.internals import gone, internal

_SEEN = "2.13"


def uncompiled(model: Any) -> Any:
    """What torch.compile wraps, by the name that state dicts know; the model itself where it is not wrapped."""
    while hasattr(model, "_orig_mod"):
        model = model._orig_mod
    return model


def overload_of(function: Any) -> Any:
    """The overload behind an operator of `torch.ops` or of `torch.library.custom_op`; None for what is neither.

    Raises:
        ExportError: it is an operator of `torch.library.custom_op` that does not tell its overload.
    """
    if isinstance(function, internal("torch", "torch._ops:OpOverload", _SEEN)):
        return function
    if isinstance(function, internal("torch", "torch._ops:OpOverloadPacket", _SEEN)):
        return getattr(function, "default", None)
    if not isinstance(function, internal("torch", "torch.library:CustomOpDef", _SEEN)):
        return None
    if not hasattr(function, "_opoverload"):
        raise gone("torch", "torch.library.CustomOpDef._opoverload", _SEEN)
    return function._opoverload


def arguments_of(overload: Any) -> Sequence[Any]:
    """The arguments in the schema of an overload: each has a name, a type, and perhaps a default.

    Raises:
        ExportError: overloads do not tell their schema.
    """
    if not hasattr(overload, "_schema"):
        raise gone("torch", f"schema of {overload}", _SEEN)
    arguments: Sequence[Any] = overload._schema.arguments
    return arguments


def parsed(kinds: Sequence[str], function: Callable[..., Any]) -> Callable[..., Any]:
    """A translation for the TorchScript exporter whose arguments come as what they are: v a tensor, i a number, f a float, is numbers."""
    translation: Callable[..., Any] = internal("torch", "torch.onnx.symbolic_helper:parse_args", _SEEN)(*kinds)(function)
    return translation
