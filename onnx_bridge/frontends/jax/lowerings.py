"""Lowerings of jax2onnx that fail for dynamic sizes, replaced while a model is exported."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from onnx_bridge.frontends.exported import require


def _remainder(_: object, context: Any, equation: Any) -> None:
    """`lax.rem`, and with it `%`, `//`, `jnp.mod`: ONNX's Mod with the dividend's sign. jax2onnx's own needs every size as a number."""
    x, y = (context.get_value_for_var(variable) for variable in equation.invars)
    (variable,) = equation.outvars
    declared = context.get_value_for_var(variable)
    value = context.builder.Mod(x, y, fmod=1, _outputs=[declared.name])
    value.type, value.shape = declared.type, declared.shape
    context.bind_value_for_var(variable, value)


#: By primitive.
LOWERINGS = {"rem": _remainder}


@contextlib.contextmanager
def lowerings() -> Iterator[None]:
    """Replaces lowerings for the block.

    `PLUGIN_REGISTRY` is where jax2onnx's `register_primitive`, the public way to add a lowering, puts it, for good; a lowering that is
    there already can be put back from there alone. Where the registry is gone nothing is replaced: such models are refused.
    """
    plugins = require("jax2onnx.plugins.plugin_system", "JAX", "jax")
    registry = getattr(plugins, "PLUGIN_REGISTRY", None)
    if registry is None:
        yield
        return
    kept = {name: registry.get(name) for name in LOWERINGS}
    try:
        for name, lower in LOWERINGS.items():
            made = type("Lowering", (plugins.PrimitiveLeafPlugin,), {"lower": lower})
            plugins.register_primitive(jaxpr_primitive=name)(made)
        yield
    finally:
        for name, plugin in kept.items():
            registry.pop(name, None)
            if plugin is not None:
                registry[name] = plugin
