"""Lowerings of jax2onnx that fail, or compute something else, replaced while a model is exported.

Each is told the lowering that it replaces, for the forms that it leaves to that.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np


def _remainder(_: Any, context: Any, equation: Any) -> None:
    """`lax.rem`, and with it `%`, `//`, `jnp.mod`: ONNX's Mod with the dividend's sign. jax2onnx's own needs every size as a number."""
    x, y = (context.get_value_for_var(variable) for variable in equation.invars)
    _bind(context, equation, "Mod", x, y, fmod=1)


def _dynamic_slice(original: Any, context: Any, equation: Any) -> None:
    """`lax.dynamic_slice`, whose window is moved to where it fits: jax2onnx cuts off what is outside, so sizes hang on data.

    One Gather an axis, of as many entries as the window has.
    """
    x, *starts = equation.invars
    sizes, shape = equation.params["slice_sizes"], x.aval.shape
    cut = [axis for axis, size in enumerate(sizes) if not _same(size, shape[axis])]
    if not cut or not all(isinstance(size, int) for axis in cut for size in (sizes[axis], shape[axis])):
        original.lower(context, equation)
        return
    value = context.get_value_for_var(x)
    for axis in cut:
        start = _made(context, "Cast", context.get_value_for_var(starts[axis]), to=7)
        low, high = _whole(context, 0), _whole(context, shape[axis] - sizes[axis])
        inside = _made(context, "Min", _made(context, "Max", start, low), high)
        places = _made(context, "Add", inside, _whole(context, range(sizes[axis])))
        last = axis == cut[-1]
        value = _bind(context, equation, "Gather", value, places, axis=axis) if last else _made(context, "Gather", value, places, axis=axis)


def _pool(op: str) -> Callable[[Any, Any, Any], None]:
    """`lax.reduce_window`: a pool along the axes that the window has more than one entry of; jax2onnx pools along all of them."""

    def lower(original: Any, context: Any, equation: Any) -> None:
        p, x = equation.params, equation.invars[0]
        window, strides, padding = p["window_dimensions"], p["window_strides"], [tuple(map(int, pair)) for pair in p["padding"]]
        along = [a for a, parts in enumerate(zip(window, strides, padding, strict=True)) if parts != (1, 1, (0, 0))]
        others = [axis for axis in range(len(window)) if axis not in along]
        dilated = any(size != 1 for size in p["base_dilation"])
        if dilated or len(along) not in (1, 2, 3) or len(others) > 2 or not np.issubdtype(x.aval.dtype, np.floating):
            original.lower(context, equation)
            return
        order = [*others, *along]
        value = _made(context, "Transpose", context.get_value_for_var(x), perm=order)
        front = _whole(context, range(2 - len(others)))
        value = _made(context, "Unsqueeze", value, front) if len(others) < 2 else value
        attributes = {} if op == "MaxPool" else {"count_include_pad": 1}
        value = _made(
            context, op, value, kernel_shape=[window[axis] for axis in along], strides=[strides[axis] for axis in along],
            pads=[padding[axis][side] for side in (0, 1) for axis in along], dilations=[p["window_dilation"][axis] for axis in along],
            **attributes,
        )  # fmt: skip
        value = _made(context, "Squeeze", value, front) if len(others) < 2 else value
        if op == "AveragePool":
            count = context.builder.add_initializer_from_array(context.fresh_name("count"), np.asarray(math.prod(window), x.aval.dtype))
            value = _made(context, "Mul", value, count)
        _bind(context, equation, "Transpose", value, perm=[order.index(axis) for axis in range(len(order))])

    return lower


def _same(a: Any, b: Any) -> bool:
    try:
        return bool(a == b)
    except Exception:  # sizes with names that JAX cannot compare
        return False


def _whole(context: Any, values: int | Sequence[int]) -> Any:
    array = np.asarray(values if isinstance(values, int) else list(values), np.int64)
    return context.builder.add_initializer_from_array(context.fresh_name("whole"), array)


def _made(context: Any, op: str, *inputs: Any, **attributes: Any) -> Any:
    """A node in between."""
    return getattr(context.builder, op)(*inputs, _outputs=[context.fresh_name(op.lower())], **attributes)


def _bind(context: Any, equation: Any, op: str, *inputs: Any, **attributes: Any) -> Any:
    """The node whose output is the equation's."""
    (variable,) = equation.outvars
    declared = context.get_value_for_var(variable)
    value = getattr(context.builder, op)(*inputs, _outputs=[declared.name], **attributes)
    value.type, value.shape = declared.type, declared.shape
    context.bind_value_for_var(variable, value)
    return value


#: By primitive.
LOWERINGS: dict[str, Callable[[Any, Any, Any], None]] = {
    "rem": _remainder,
    "dynamic_slice": _dynamic_slice,
    "reduce_window_max": _pool("MaxPool"),
    "reduce_window_sum": _pool("AveragePool"),
}
