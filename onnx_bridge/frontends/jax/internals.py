"""What is used of JAX and jax2onnx that they do not promise: see `onnx_bridge.frontends.internals`.

jax2onnx has no public way to be given a lowering. Its plugins, which it is made of, register theirs as `register_lowering` does here.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from onnx_bridge.frontends.exported import require
from onnx_bridge.frontends.internals import gone, internal

_PLUGINS = "jax2onnx.plugins.plugin_system"
_SEEN = "0.17.1"


def prepare(jax: Any) -> None:
    """Gives JAX a name that jax2onnx 0.17 needs, and JAX from 0.12 on has not.

    jax2onnx asks for `jax._src.core.ClosedJaxpr`; JAX 0.12 made one class of it and `Jaxpr`, and keeps the public name
    `jax.extend.core.ClosedJaxpr` for it, whose value the missing name gets. JAX 0.8 to 0.11 have both.

    Raises:
        ExportError: there is no `jax._src.core` any more.
    """
    if tuple(map(int, jax.__version__.split(".")[:2])) < (0, 12):
        return
    core, public = internal("jax", "jax._src.core", "0.8 to 0.12"), require("jax.extend.core", "JAX", "jax")
    if not hasattr(core, "ClosedJaxpr"):
        core.ClosedJaxpr = public.ClosedJaxpr


def import_plugins() -> None:
    """Has jax2onnx import its plugins, which replace functions of JAX: it is done before those are remembered."""
    internal("jax2onnx", f"{_PLUGINS}:import_all_plugins", _SEEN)()


def register_lowering(primitive: str, lower: Callable[[Any, Any], None]) -> None:
    """Gives jax2onnx the lowering of a primitive: a function of its context and the equation."""
    register = internal("jax2onnx", f"{_PLUGINS}:register_primitive", _SEEN)
    base = internal("jax2onnx", f"{_PLUGINS}:PrimitiveLeafPlugin", _SEEN)
    register(jaxpr_primitive=primitive)(type("Lowering", (base,), {"lower": lambda _, context, equation: lower(context, equation)}))


@contextlib.contextmanager
def lowerings_replaced(lowerings: Mapping[str, Callable[[Any, Any, Any], None]]) -> Iterator[None]:
    """Replaces lowerings for the block, by primitive; each is told the plugin that it stands for, then what a lowering is told.

    `register_primitive` is for good: from the registry alone can a lowering that is there already be put back.
    """
    registry = internal("jax2onnx", f"{_PLUGINS}:PLUGIN_REGISTRY", _SEEN)
    if not isinstance(registry, dict):
        raise gone("jax2onnx", f"{_PLUGINS}.PLUGIN_REGISTRY that is a dict", _SEEN)
    kept = {name: registry.get(name) for name in lowerings}
    try:
        for name, lower in lowerings.items():
            register_lowering(name, lambda context, equation, lower=lower, plugin=kept[name]: lower(plugin, context, equation))  # type: ignore[misc]
        yield
    finally:
        for name, plugin in kept.items():
            registry.pop(name, None)
            if plugin is not None:
                registry[name] = plugin
