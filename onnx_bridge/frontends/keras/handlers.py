"""TensorFlow operators that tf2onnx does not convert, or converts wrongly.

A handler gets (ctx, node, name, arguments) and replaces the node in the graph `ctx`. tf2onnx swallows what it raises.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from onnx import TensorProto

from onnx_bridge.frontends.keras import internals


def _replace(ctx: Any, node: Any, op_type: str, inputs: list[str], **attributes: Any) -> None:
    outputs, shapes, dtypes, name = list(node.output), node.output_shapes, node.output_dtypes, node.name
    ctx.remove_node(name)
    ctx.make_node(op_type, inputs, attr=attributes, outputs=outputs, name=name, shapes=shapes, dtypes=dtypes)


def _made(ctx: Any, op_type: str, inputs: list[str], like: str | None = None, **attributes: Any) -> str:
    known = {} if like is None else {"shapes": [ctx.get_shape(like)], "dtypes": [ctx.get_dtype(like)]}
    return str(ctx.make_node(op_type, inputs, attr=attributes, **known).output[0])


def _constant(ctx: Any, value: np.ndarray) -> str:
    return str(ctx.make_const(internals.new_name("constant"), value).output[0])


def _one(ctx: Any, like: str) -> str:
    kinds = {TensorProto.DOUBLE: np.float64, TensorProto.FLOAT16: np.float16}
    return _constant(ctx, np.array(1, kinds.get(ctx.get_dtype(like), np.float32)))


def _select(ctx: Any, node: Any, name: str, _: object) -> None:
    """Where. tf2onnx itself makes c * a + (1 - c) * b, by which a NaN or infinity of the branch that is not taken leaks."""
    condition, a, b = node.input
    rank, other = ctx.get_rank(condition), ctx.get_rank(a)
    if node.type == "Select" and rank == 1 and other is not None and other > 1:  # the older form: a condition for each row
        axes = _constant(ctx, np.arange(1, other, dtype=np.int64))
        condition = _made(ctx, "Unsqueeze", [condition, axes])
    if ctx.get_dtype(a) == TensorProto.BOOL:  # onnxruntime's Where takes no bools
        taken, other = _made(ctx, "And", [condition, a]), _made(ctx, "And", [_made(ctx, "Not", [condition]), b])
        _replace(ctx, node, "Or", [taken, other])
    else:
        _replace(ctx, node, "Where", [condition, a, b])


def _erfc(ctx: Any, node: Any, name: str, _: object) -> None:
    """1 - Erf: the exact GELU of TensorFlow from 2.19 on."""
    x = node.input[0]
    _replace(ctx, node, "Sub", [_one(ctx, x), _made(ctx, "Erf", [x], x)])


def _expm1(ctx: Any, node: Any, name: str, _: object) -> None:
    x = node.input[0]
    _replace(ctx, node, "Sub", [_made(ctx, "Exp", [x], x), _one(ctx, x)])


def _log1p(ctx: Any, node: Any, name: str, _: object) -> None:
    x = node.input[0]
    _replace(ctx, node, "Log", [_made(ctx, "Add", [x, _one(ctx, x)], x)])


def _bucketize(ctx: Any, node: Any, name: str, _: object) -> None:
    """How many boundaries are not above x."""
    x = node.input[0]
    boundaries = _constant(ctx, np.array(node.get_attr("boundaries").floats, np.float32))
    if ctx.get_dtype(x) != TensorProto.FLOAT:
        x = _made(ctx, "Cast", [x], to=TensorProto.FLOAT)
    column = _made(ctx, "Unsqueeze", [x, _constant(ctx, np.array([-1], np.int64))])
    reached = _made(ctx, "Cast", [_made(ctx, "GreaterOrEqual", [column, boundaries])], to=TensorProto.INT32)
    _replace(ctx, node, "ReduceSum", [reached, _constant(ctx, np.array([-1], np.int64))], keepdims=0)


def _bincount(ctx: Any, node: Any, name: str, _: object) -> None:
    """A sum of one-hot rows, where the number of bins does not depend on the data: CategoryEncoding asks for exactly so many."""
    numbers, size, weights = node.input
    bins = _bins(ctx, size)
    if bins is None or ctx.get_shape(weights) != [0]:
        return  # as tf2onnx does it
    kind = ctx.get_dtype(node.output[0])
    wide = _made(ctx, "Cast", [numbers], to=TensorProto.INT64)
    values = _constant(ctx, np.array([0, 1], np.float32))
    rows = _made(ctx, "OneHot", [wide, _constant(ctx, np.array(bins, np.int64)), values], axis=-1)
    counts = _made(ctx, "ReduceSum", [rows, _constant(ctx, np.array([-2], np.int64))], keepdims=0)
    if node.get_attr_value("binary_output"):
        counts = _made(ctx, "Min", [counts, _constant(ctx, np.array(1, np.float32))])
    _replace(ctx, node, "Cast", [counts], to=kind)


def _bins(ctx: Any, name: str) -> int | None:
    """A number, or min(n, max(n, anything)), which is n."""
    node = ctx.get_node_by_output(name)
    if node.is_const():
        return int(node.get_tensor_value(as_list=False))
    if node.type not in ("Min", "Minimum"):
        return None
    least = {int(each.get_tensor_value(as_list=False)) for each in node.inputs if each.is_const()}
    for inner in node.inputs:
        if inner.type in ("Max", "Maximum"):
            least &= {int(each.get_tensor_value(as_list=False)) for each in inner.inputs if each.is_const()}
            return min(least, default=None)
    return None


def _broadcast_shapes(ctx: Any, node: Any, name: str, _: object) -> None:
    """The shape that two shapes broadcast to: that of zeros of the one beside zeros of the other."""
    zeros = []
    for shape in node.input:
        wide = shape if ctx.get_dtype(shape) == TensorProto.INT64 else _made(ctx, "Cast", [shape], to=TensorProto.INT64)
        zeros.append(_made(ctx, "ConstantOfShape", [wide]))
    found = _made(ctx, "Shape", [_made(ctx, "Add", zeros)])
    _replace(ctx, node, "Cast", [found], to=ctx.get_dtype(node.output[0]))


def _bitcast(ctx: Any, node: Any, name: str, _: object) -> None:
    """For floats as integers whose sign alone is looked at, which is how Keras tells -0.0 from 0.0: -1 or 0.

    1 / x has the sign bit of x for every x but NaN and the infinities, and these have it by x < 0.
    """
    x = node.input[0]
    floats = {TensorProto.FLOAT: np.float32, TensorProto.DOUBLE: np.float64}
    kind = floats.get(ctx.get_dtype(x))
    consumers = ctx.find_output_consumers(node.output[0])
    if kind is None or not consumers or not all(_asks_for_the_sign(consumer) for consumer in consumers):
        return  # stays, and is refused afterwards
    zero = _constant(ctx, np.array(0, kind))
    below = _made(ctx, "Less", [x, zero])
    inverse = _made(ctx, "Less", [_made(ctx, "Reciprocal", [x], x), zero])
    negative = _made(ctx, "Cast", [_made(ctx, "Or", [below, inverse])], to=ctx.get_dtype(node.output[0]))
    _replace(ctx, node, "Neg", [negative])


def _asks_for_the_sign(node: Any) -> bool:
    """Whether all that a node takes of an integer is its highest bit."""
    constants = [int(each.get_tensor_value(as_list=False)) for each in node.inputs if each.is_const() and each.output_shapes[0] == []]
    return (node.type == "BitwiseAnd" and constants == [np.iinfo(np.int32).min]) or (node.type == "Less" and constants == [0])


def _floor_div(ctx: Any, node: Any, name: str, _: object) -> None:
    """Rounded down. tf2onnx rounds quotients of integers towards zero, as ONNX's Div does."""
    x, y = node.input
    if ctx.get_dtype(x) in _FLOATS:
        _replace(ctx, node, "Floor", [_made(ctx, "Div", [x, y], node.output[0])])
    else:
        _replace(ctx, node, "Div", [_made(ctx, "Sub", [x, _made(ctx, "Mod", [x, y], node.output[0])], node.output[0]), y])


def _floor_mod(ctx: Any, node: Any, name: str, _: object) -> None:
    """The remainder with the divisor's sign: ONNX's Mod for integers; for floats by the quotient rounded down."""
    x, y = node.input
    if ctx.get_dtype(x) in _FLOATS:
        whole = _made(ctx, "Floor", [_made(ctx, "Div", [x, y], node.output[0])], node.output[0])
        _replace(ctx, node, "Sub", [x, _made(ctx, "Mul", [whole, y], node.output[0])])
    else:
        _replace(ctx, node, "Mod", [x, y])


def _cross(ctx: Any, node: Any, name: str, _: object) -> None:
    def turned(tensor: str, *order: int) -> str:
        return _made(ctx, "Gather", [tensor, _constant(ctx, np.array(order, np.int64))], tensor, axis=-1)

    x, y = node.input
    first = _made(ctx, "Mul", [turned(x, 1, 2, 0), turned(y, 2, 0, 1)], node.output[0])
    _replace(ctx, node, "Sub", [first, _made(ctx, "Mul", [turned(x, 2, 0, 1), turned(y, 1, 2, 0)], node.output[0])])


_FLOATS = (TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16)

#: As tf2onnx wants them.
HANDLERS: dict[str, tuple[Callable[..., None], list[Any]]] = {
    "Select": (_select, []),
    "SelectV2": (_select, []),
    "Erfc": (_erfc, []),
    "Expm1": (_expm1, []),
    "Log1p": (_log1p, []),
    "Bucketize": (_bucketize, []),
    "DenseBincount": (_bincount, []),
    "FloorDiv": (_floor_div, []),
    "FloorMod": (_floor_mod, []),
    "Cross": (_cross, []),
    "BroadcastArgs": (_broadcast_shapes, []),
    "Bitcast": (_bitcast, []),
}
