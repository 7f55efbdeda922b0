"""What jax2onnx gets wrong without a word, or refuses though ONNX has it: put right while it traces.

Each repair stands in the place of functions that jax2onnx has replaced, gives its own reason, and is noted when a model used it.
"""

from __future__ import annotations

import contextlib
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from onnx_bridge.frontends.exported import require
from onnx_bridge.frontends.jax.opaque import PrimitiveTracer
from onnx_bridge.frontends.jax.worlds import undone
from onnx_bridge.frontends.opaque import Node, replaced

#: Told what a model used.
Note = Callable[[str], None]


@contextlib.contextmanager
def pools(note: Note) -> Iterator[None]:
    """Pools arrive as MaxPool and AveragePool with the padding and the shape that Flax gives them.

    jax2onnx drops explicit padding, and takes neither positional arguments nor windows along dynamic axes. Flax's own `avg_pool`,
    `max_pool` and `min_pool` are put back; they, and references to them that a model took before the export, all call `pool`.
    """
    pooling = sys.modules.get("flax.linen.pooling")
    if pooling is None:
        yield
        return
    jax = require("jax", "JAX", "jax")
    original, average_original = _original(pooling, "pool"), _original(pooling, "avg_pool")

    def pool(inputs: Any, init: Any, reduce_fn: Any, window_shape: Any, strides: Any, padding: Any) -> Any:
        window = tuple(window_shape)

        def flax(x: Any) -> Any:
            return original(x, init, reduce_fn, window, strides, padding)

        plain = isinstance(init, (int, float)) and jax.numpy.issubdtype(inputs.dtype, jax.numpy.floating)
        if plain and reduce_fn is jax.lax.max and init == -math.inf:
            return _pooled(note, "MaxPool", flax, inputs, window, strides, padding)
        if plain and reduce_fn is jax.lax.min and init == math.inf:
            return -_pooled(note, "MaxPool", lambda x: -flax(-x), -inputs, window, strides, padding)
        if plain and reduce_fn is jax.lax.add and init == 0:
            count = math.prod(window)
            mean = _pooled(note, "AveragePool", lambda x: flax(x) / count, inputs, window, strides, padding, count_include_pad=1)
            return mean * count
        return flax(inputs)

    def avg_pool(inputs: Any, window_shape: Any, strides: Any = None, padding: Any = "VALID", count_include_pad: bool = True) -> Any:
        if not jax.numpy.issubdtype(inputs.dtype, jax.numpy.floating):
            return average_original(inputs, window_shape, strides, padding, count_include_pad)
        return _pooled(
            note, "AveragePool", lambda x: average_original(x, window_shape, strides, padding, count_include_pad), inputs,
            tuple(window_shape), strides, padding, count_include_pad=int(count_include_pad),
        )  # fmt: skip

    names = {"pool": pool, "avg_pool": avg_pool}
    with undone(lambda name: name.rpartition(".")[2] in ("max_pool", "min_pool")), contextlib.ExitStack() as stack:
        for module in ("flax.linen", "flax.linen.pooling", "flax.nnx"):
            owner = require(module, "Flax", "jax")
            for name, value in names.items():
                if name in vars(owner):
                    stack.enter_context(replaced(owner, name, value))
        yield


def _original(owner: Any, name: str) -> Any:
    with undone(lambda _: True):
        return getattr(owner, name)


def _pooled(
    note: Note, op: str, flax: Callable[[Any], Any], inputs: Any, window: Sequence[int], strides: Any, padding: Any, **attributes: int
) -> Any:
    """One pool over the axes before the last: channels to the front and back around the ONNX operator."""
    jax = require("jax", "JAX", "jax")
    axes = len(window)
    batch = inputs.shape[: inputs.ndim - axes - 1]
    if len(batch) != 1:
        inputs = jax.numpy.reshape(inputs, (1 if not batch else math.prod(batch), *inputs.shape[len(batch) :]))
    to_front, to_back = (0, axes + 1, *range(1, axes + 1)), (0, *range(2, axes + 2), 1)
    made: dict[str, Any] = {"kernel_shape": tuple(map(int, window)), "strides": tuple(strides or (1,) * axes), **attributes}
    if isinstance(padding, str):
        made["auto_pad"] = {"SAME": "SAME_UPPER"}.get(padding.upper(), padding.upper())
    else:
        made["pads"] = (*(int(low) for low, _ in padding), *(int(high) for _, high in padding))
        note(f"explicit padding of pools, which jax2onnx drops, was given to {op}")

    def function(x: Any) -> tuple[Any]:
        return (jax.numpy.transpose(flax(jax.numpy.transpose(x, to_back)), to_front),)

    given = [jax.numpy.transpose(inputs, to_front)]
    (output,) = PrimitiveTracer().place(Node.of(op, given, made), given, function)
    output = jax.numpy.transpose(output, to_back)
    return output if len(batch) == 1 else jax.numpy.reshape(output, (*batch, *output.shape[1:]))


@contextlib.contextmanager
def log_sigmoid(note: Note) -> Iterator[None]:
    """log(sigmoid(x)) as -softplus(-x), as JAX computes it: jax2onnx exports Sigmoid and Log, which is -inf from about -88 on."""
    jax = require("jax", "JAX", "jax")

    def stable(x: Any) -> Any:
        note("log_sigmoid, which jax2onnx takes apart into Sigmoid and Log (-inf for large negative x), was exported through Softplus")
        return -jax.nn.softplus(-x)

    with _everywhere("log_sigmoid", stable):
        yield


@contextlib.contextmanager
def cumulative_product(note: Note) -> Iterator[None]:
    """`cumprod` as a scan: jax2onnx writes a CumProd, which ONNX has from opset 26 on, into models of older opsets."""
    jax = require("jax", "JAX", "jax")
    original = _original(jax.numpy, "cumprod")

    def product(a: Any, axis: int | None = None, dtype: Any = None, out: Any = None) -> Any:
        if out is not None:
            return original(a, axis, dtype, out)
        values = jax.numpy.asarray(a) if dtype is None else jax.numpy.asarray(a, dtype)
        if axis is None:
            values, axis = jax.numpy.ravel(values), 0
        note("cumprod, for which jax2onnx writes a node that is newer than the model's opset, was exported as a scan")
        rows = jax.numpy.moveaxis(values, axis, 0)

        def step(so_far: Any, row: Any) -> tuple[Any, Any]:
            return so_far * row, so_far * row

        return jax.numpy.moveaxis(jax.lax.scan(step, jax.numpy.ones_like(rows[0]), rows)[1], 0, axis)

    with _everywhere("cumprod", product):
        yield


@contextlib.contextmanager
def switches(note: Note) -> Iterator[None]:
    """A `switch` of several branches as conditions inside one another: jax2onnx has conditions of two branches alone."""
    jax = require("jax", "JAX", "jax")
    original = _original(jax.lax, "switch")

    def switch(index: Any, branches: Sequence[Callable[..., Any]], *operands: Any, **rest: Any) -> Any:
        if rest or len(branches) <= 2:
            return original(index, branches, *operands, **rest)
        note("lax.switch, of which jax2onnx takes two branches alone, was exported as conditions inside one another")
        which = jax.numpy.clip(index, 0, len(branches) - 1)

        def chosen(first: int) -> Callable[..., Any]:
            if first == len(branches) - 1:
                return branches[first]
            return lambda *xs: jax.lax.cond(which == first, branches[first], chosen(first + 1), *xs)

        return chosen(0)(*operands)

    with _everywhere("switch", switch):
        yield


@contextlib.contextmanager
def general_layers(note: Note) -> Iterator[None]:
    """Dense layers with several axes of features are Flax's own: jax2onnx drops the reshape behind their product."""
    del note
    with undone(lambda name: name.endswith((".DenseGeneral.__call__", ".LinearGeneral.__call__"))):
        yield


@contextlib.contextmanager
def shapes(note: Note) -> Iterator[None]:
    """`jnp.shape` and `jnp.size` are numbers: jax2onnx makes tensors of them, which Flax's scans do not take."""
    del note
    with undone(lambda name: name in ("jax.numpy.shape", "jax.numpy.size")):
        yield


@contextlib.contextmanager
def _everywhere(name: str, value: Callable[..., Any]) -> Iterator[None]:
    """Replaces a function of jax.numpy, jax.nn and Flax wherever it stands under its name."""
    with contextlib.ExitStack() as stack:
        for module in ("jax.numpy", "jax.lax", "jax.nn", "flax.linen", "flax.linen.activation", "flax.nnx"):
            owner = sys.modules.get(module)
            if owner is not None and name in vars(owner):
                stack.enter_context(replaced(owner, name, value))
        yield


#: All of them, in the order in which they are put up.
REPAIRS: tuple[Callable[[Note], contextlib.AbstractContextManager[None]], ...] = (
    pools, log_sigmoid, cumulative_product, switches, general_layers, shapes,
)  # fmt: skip
