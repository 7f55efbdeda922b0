"""What jax2onnx does to JAX and Flax while it traces, and undoing parts of it.

jax2onnx replaces public functions (`jax.numpy.shape`, `flax.linen.max_pool`) and the `__call__` of layers while the function that it
exports is traced, so that they arrive as primitives that it knows. A replacement takes fewer forms of call than the original, and some are
wrong. The function that is exported runs inside that world: it can put originals back for as long as it runs, for which no name of
jax2onnx's is needed.
"""

from __future__ import annotations

import contextlib
import importlib
import sys
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from onnx_bridge.frontends.opaque import replaced

#: Where jax2onnx replaces things; those that are not imported hold nothing that a model could use.
_MODULES = (
    "jax.numpy", "jax.numpy.linalg", "jax.nn", "jax.nn.initializers", "jax.lax", "jax.random", "jax.image", "jax.scipy.special",
    "flax.linen", "flax.linen.activation", "flax.linen.pooling", "flax.linen.attention", "flax.linen.linear", "flax.linen.normalization",
    "flax.nnx", "flax.nnx.nn.activations", "flax.nnx.nn.linear", "flax.nnx.nn.normalization", "equinox.nn",
)  # fmt: skip


@dataclass(frozen=True)
class Original:
    """A public function, or the `__call__` of a class, as it was before the export.

    Attributes:
        name: its full name, "jax.numpy.shape" or "flax.linen.Dense.__call__".
        owner: the module or class.
        attribute: its name there.
        value: the function.
    """

    name: str
    owner: Any
    attribute: str
    value: Any

    @property
    def replaced(self) -> bool:
        return getattr(self.owner, self.attribute, None) is not self.value


#: The originals of the export that is under way.
_ORIGINALS: ContextVar[tuple[Original, ...]] = ContextVar("_ORIGINALS", default=())


def originals() -> tuple[Original, ...]:
    """Everything that jax2onnx may replace, as it is now."""
    found: dict[tuple[int, str], Original] = {}
    for module in filter(None, map(sys.modules.get, _MODULES)):
        for attribute, value in vars(module).items():
            if isinstance(value, type):
                if "__call__" in vars(value):
                    call = vars(value)["__call__"]
                    found.setdefault((id(value), "__call__"), Original(f"{module.__name__}.{attribute}.__call__", value, "__call__", call))
            elif callable(value):
                found[id(module), attribute] = Original(f"{module.__name__}.{attribute}", module, attribute, value)
    return tuple(found.values())


@contextlib.contextmanager
def remembered() -> Iterator[None]:
    """Remembers the originals for the block, in which jax2onnx will replace them."""
    token = _ORIGINALS.set(originals())
    try:
        yield
    finally:
        _ORIGINALS.reset(token)


@contextlib.contextmanager
def put_back() -> Iterator[None]:
    """Puts back for good what the block replaced."""
    try:
        yield
    finally:
        for original in _ORIGINALS.get():
            if original.replaced:
                setattr(original.owner, original.attribute, original.value)


@contextlib.contextmanager
def undone(which: Callable[[str], bool]) -> Iterator[None]:
    """Puts the originals back whose names `which` holds for."""
    with contextlib.ExitStack() as stack:
        for original in _ORIGINALS.get():
            if original.replaced and which(original.name):
                stack.enter_context(replaced(original.owner, original.attribute, original.value))
        yield


@contextlib.contextmanager
def untouched() -> Iterator[None]:
    """JAX as it is when nobody exports."""
    with undone(lambda _: True):
        yield


def without_dead_code(function: Callable[..., Any], seen: Callable[[Any], None]) -> Callable[..., Any]:
    """The function without equations that nothing needs: recurrent layers split random keys that they never use, which ONNX has not.

    `dce_jaxpr` and `eval_jaxpr` are public names of jax.interpreters and jax.core.

    Args:
        function: of arrays to a tuple of arrays.
        seen: told what it was traced to.
    """
    jax = importlib.import_module("jax")
    partial_eval = importlib.import_module("jax.interpreters.partial_eval")

    def live(*inputs: Any) -> Any:
        traced = jax.make_jaxpr(function)(*inputs)
        body = getattr(traced, "jaxpr", traced)
        seen(body)
        body, _ = partial_eval.dce_jaxpr(body, [True] * len(body.outvars), instantiate=True)
        return jax.core.eval_jaxpr(body, traced.consts, *inputs)

    return live


def kept_by_jax(body: Any, inside: bool = False) -> bool:
    """Whether functions that JAX traces once and remembers (jitted ones, bodies of loops) were traced to what only jax2onnx knows.

    The names of such primitives have a dot in them: "jax.nn.silu".
    """
    for equation in body.eqns:
        if inside and "." in equation.primitive.name:
            return True
        for value in equation.params.values():
            for inner in value if isinstance(value, (tuple, list)) else (value,):
                inner = getattr(inner, "jaxpr", inner)
                if hasattr(inner, "eqns") and kept_by_jax(inner, True):
                    return True
    return False
