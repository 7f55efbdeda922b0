"""Opaque nodes in what JAX traces: a primitive, and the lowering that jax2onnx is given for it.

Recurrent layers, pools and operators of the user's own are exported through it. Everywhere else the primitive is the function.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from onnx_bridge.frontends.exported import require
from onnx_bridge.frontends.jax import internals
from onnx_bridge.frontends.jax.worlds import untouched
from onnx_bridge.frontends.opaque import Node, Outputs

#: Of the primitive.
NAME = "onnx_bridge.node"


class PrimitiveTracer:
    """JAX while it traces.

    Attributes:
        versions: of the domains, other than ONNX's own, that nodes are of.
    """

    def __init__(self) -> None:
        self.versions: dict[str, int] = {}

    def place(self, node: Node, inputs: Sequence[Any], outputs: Outputs) -> list[Any]:
        """See `Tracer`; `outputs` is the function that JAX computes."""
        assert callable(outputs)
        if node.domain:
            self.versions[node.domain] = node.version or 1
        jax = require("jax", "JAX", "jax")
        given = [value if hasattr(value, "dtype") else jax.numpy.asarray(value) for value in inputs]
        return list(_primitive().bind(*given, node=node, function=outputs))

    def flat(self, result: Any) -> tuple[list[Any], Callable[[Sequence[Any]], Any]]:
        """See `Tracer`."""
        trees = require("jax.tree_util", "JAX", "jax")
        leaves, tree = trees.tree_flatten(result)
        return leaves, lambda tensors: trees.tree_unflatten(tree, tensors)


@functools.cache
def _primitive() -> Any:
    """Declares the primitive to JAX and to jax2onnx, once a process."""
    jax = require("jax", "JAX", "jax")
    core = require("jax.extend.core", "JAX", "jax")
    mlir, batching = require("jax.interpreters.mlir", "JAX", "jax"), require("jax.interpreters.batching", "JAX", "jax")
    primitive = core.Primitive(NAME)
    primitive.multiple_results = True

    def compute(*inputs: Any, node: Node, function: Callable[..., Any]) -> list[Any]:
        with untouched():
            return list(function(*inputs))

    def shapes(*inputs: Any, node: Node, function: Callable[..., Any]) -> list[Any]:
        with untouched():
            made = jax.eval_shape(function, *[jax.ShapeDtypeStruct(x.shape, x.dtype) for x in inputs])
        return [jax.core.ShapedArray(x.shape, x.dtype) for x in made]

    def batched(inputs: Sequence[Any], axes: Sequence[Any], *, node: Node, function: Callable[..., Any]) -> tuple[list[Any], list[int]]:
        if node.elementwise and _ranks_agree(inputs, axes):
            moved = [jax.numpy.moveaxis(x, axis, 0) for x, axis in zip(inputs, axes, strict=True)]
            outputs = primitive.bind(*moved, node=node, function=function)
        else:  # the operator has no such axis: its insides are exported instead
            given = [None if axis is batching.not_mapped else axis for axis in axes]
            outputs = jax.vmap(function, in_axes=given)(*inputs)
        return list(outputs), [0] * len(outputs)

    def _ranks_agree(inputs: Sequence[Any], axes: Sequence[Any]) -> bool:
        return batching.not_mapped not in axes and len({x.ndim for x in inputs}) == 1

    primitive.def_impl(compute)
    primitive.def_abstract_eval(shapes)
    mlir.register_lowering(primitive, mlir.lower_fun(compute, multiple_results=True))
    batching.primitive_batchers[primitive] = batched
    internals.register_lowering(NAME, _lower)
    return primitive


def _lower(context: Any, equation: Any) -> None:
    """Writes the ONNX node."""
    node: Node = equation.params["node"]
    inputs = node.in_place(context.get_value_for_var(variable) for variable in equation.invars)
    outputs = [context.get_value_for_var(variable) for variable in equation.outvars]
    made = getattr(context.builder, node.op_type)(
        *inputs, _domain=node.domain, _version=node.version, _outputs=[value.name for value in outputs], **dict(node.attributes)
    )
    for variable, declared, value in zip(equation.outvars, outputs, [made] if len(outputs) == 1 else made, strict=True):
        value.type, value.shape = declared.type, declared.shape
        context.bind_value_for_var(variable, value)
