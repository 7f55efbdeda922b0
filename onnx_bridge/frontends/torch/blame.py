"""What an exporter of PyTorch said, shortened to its own words, and the layer that it speaks of."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from onnx_bridge.frontends.exported import innermost
from onnx_bridge.frontends.torch.calls import Call, followed
from onnx_bridge.frontends.trial import Rejected

#: Where what PyTorch says of an error turns to advice for its own developers.
_ENOUGH = re.compile(
    r"\s*(?:\[Caused by|Caused by:|For more information|Please feel free|You can use|\(Size-like|Failure message: No decomp).*"
)

_OPERATOR = re.compile(r"aten[.:]+(\w+)")


def said(torch: Any, error: Exception, module: Any, call: Call) -> str:
    """The innermost error, and the layer that it comes from where that can be found."""
    if isinstance(error, Rejected):
        return str(error)
    text = _ENOUGH.sub("", innermost(error))
    layer = _from_traceback(error, module)
    if not layer and (found := _OPERATOR.search(text)) is not None:
        layer = _caller(torch, module, call, found[1])
    return f"{text} (in the layer {layer})" if layer else text


def _from_traceback(error: BaseException, module: Any) -> str:
    """The layer whose forward was running when the innermost error was raised."""
    names = _layers(module)
    found = ""
    for part in _chain(error):
        trace = part.__traceback__
        while trace is not None:
            owner = trace.tb_frame.f_locals.get("self")
            if trace.tb_frame.f_code.co_name == "forward" and id(owner) in names:
                found = names[id(owner)]
            trace = trace.tb_next
    return found


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and those behind it, the innermost last."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or current.__context__


def _layers(module: Any) -> dict[int, str]:
    """Layers by identity, as messages name them."""
    if not hasattr(module, "named_modules"):
        return {}
    return {id(layer): f"{name!r}, {type(layer).__name__}" for name, layer in module.named_modules() if name}


def _caller(torch: Any, module: Any, call: Call, operator: str) -> str:
    """The layer that calls an operator first, found by running the example again."""
    names = _layers(module)
    where: list[str] = []
    found: list[str] = []

    class Watch(torch.overrides.TorchFunctionMode):  # type: ignore[misc]
        def __torch_function__(self, function: Any, _: Any, args: Any = (), kwargs: Any = None) -> Any:
            if getattr(function, "__name__", "").strip("_") in operator and len(getattr(function, "__name__", "").strip("_")) > 2:
                found.append(where[-1] if where else "")
            return function(*args, **(kwargs or {}))

    hooks = followed(torch, module, where)
    try:
        with torch.no_grad(), Watch():
            call.run(module, [tensor.clone() for tensor in call.tensors])
    except Exception:
        return ""  # what was to be found out is only where: the error itself is known
    finally:
        for hook in hooks:
            hook.remove()
    by_name = {text.split("'")[1]: text for text in names.values()}
    return by_name.get(found[0], "") if found else ""
