"""One ONNX node in place of a function's insides: a primitive of JAX, and the lowering that jax2onnx is given for it.

Recurrent layers, pools and operators of the user's own are exported through it. Everywhere else the primitive is the function.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from onnx_bridge.custom import EXPORTING, CustomOp
from onnx_bridge.frontends.exported import require
from onnx_bridge.frontends.jax.worlds import untouched

#: Of the primitive.
NAME = "onnx_bridge.node"


@dataclass(frozen=True)
class Node:
    """What is to become of a function.

    Attributes:
        op: the ONNX operator.
        function: from the inputs that there are to a tuple of outputs; what JAX computes.
        attributes: of the ONNX node.
        domain: of the operator; empty for ONNX's own.
        version: of that domain; None for ONNX's own.
        slots: which of the ONNX inputs there are.
        elementwise: whether an axis in front of all inputs and outputs changes nothing, as `jax.vmap` adds one.
    """

    op: str
    function: Callable[..., tuple[Any, ...]]
    attributes: tuple[tuple[str, Any], ...] = ()
    domain: str = ""
    version: int | None = None
    slots: tuple[bool, ...] = (True,)
    elementwise: bool = False


def call(node: Node, *inputs: Any) -> list[Any]:
    """The outputs of a node, as tracers that jax2onnx will take for those of one ONNX node."""
    return list(_primitive().bind(*inputs, node=node))


@functools.cache
def _primitive() -> Any:
    """Declares the primitive to JAX and to jax2onnx, once a process.

    `register_primitive` and `PrimitiveLeafPlugin` are how jax2onnx's own plugins are written; there is no other way in.
    """
    jax = require("jax", "JAX", "jax")
    core = require("jax.extend.core", "JAX", "jax")
    mlir, batching = require("jax.interpreters.mlir", "JAX", "jax"), require("jax.interpreters.batching", "JAX", "jax")
    plugins = require("jax2onnx.plugins.plugin_system", "JAX", "jax")
    primitive = core.Primitive(NAME)
    primitive.multiple_results = True

    def compute(*inputs: Any, node: Node) -> list[Any]:
        with untouched():
            return list(node.function(*inputs))

    def shapes(*inputs: Any, node: Node) -> list[Any]:
        with untouched():
            made = jax.eval_shape(node.function, *[jax.ShapeDtypeStruct(x.shape, x.dtype) for x in inputs])
        return [jax.core.ShapedArray(x.shape, x.dtype) for x in made]

    def batched(inputs: Sequence[Any], axes: Sequence[Any], *, node: Node) -> tuple[list[Any], list[int]]:
        if node.elementwise and _ranks_agree(inputs, axes):
            outputs = primitive.bind(*[jax.numpy.moveaxis(x, axis, 0) for x, axis in zip(inputs, axes, strict=True)], node=node)
        else:  # the operator has no such axis: its insides are exported instead
            given = [None if axis is batching.not_mapped else axis for axis in axes]
            outputs = jax.vmap(node.function, in_axes=given)(*inputs)
        return list(outputs), [0] * len(outputs)

    def _ranks_agree(inputs: Sequence[Any], axes: Sequence[Any]) -> bool:
        return batching.not_mapped not in axes and len({x.ndim for x in inputs}) == 1

    def lower(_: object, context: Any, equation: Any) -> None:
        node: Node = equation.params["node"]
        values = iter([context.get_value_for_var(variable) for variable in equation.invars])
        outputs = [context.get_value_for_var(variable) for variable in equation.outvars]
        made = getattr(context.builder, node.op)(
            *[next(values) if there else None for there in node.slots],
            _domain=node.domain, _version=node.version, _outputs=[value.name for value in outputs], **dict(node.attributes),
        )  # fmt: skip
        for variable, declared, value in zip(equation.outvars, outputs, [made] if len(outputs) == 1 else made, strict=True):
            value.type, value.shape = declared.type, declared.shape
            context.bind_value_for_var(variable, value)

    primitive.def_impl(compute)
    primitive.def_abstract_eval(shapes)
    mlir.register_lowering(primitive, mlir.lower_fun(compute, multiple_results=True))
    batching.primitive_batchers[primitive] = batched
    plugins.register_primitive(jaxpr_primitive=NAME)(type("NodePlugin", (plugins.PrimitiveLeafPlugin,), {"lower": lower}))
    return primitive


def marker(op: CustomOp, function: Callable[..., Any], inputs: Sequence[Any], attributes: Mapping[str, Any]) -> Any:
    """What stands in place of a function that is declared to be an operator, while JAX is exporting."""
    jax = require("jax", "JAX", "jax")
    structure: list[Any] = []

    def whole(*values: Any) -> tuple[Any, ...]:
        """The function as it is, markers inside it too."""
        given = iter(values)
        token = EXPORTING.set(None)
        try:
            result = function(*[next(given) if there else None for there in slots], **attributes)
        finally:
            EXPORTING.reset(token)
        leaves, tree = jax.tree_util.tree_flatten(result)
        structure[:] = [tree]
        return tuple(leaves)

    slots = tuple(value is not None for value in inputs)
    node = Node(
        op.name, whole, tuple((name, _attribute(value, op.attributes.get(name))) for name, value in attributes.items()), op.domain,
        op.version, slots, op.functor is not None,
    )  # fmt: skip
    given = [jax.numpy.asarray(value) for value in inputs if value is not None]
    with untouched():
        jax.eval_shape(whole, *[jax.ShapeDtypeStruct(x.shape, x.dtype) for x in given])
    return jax.tree_util.tree_unflatten(structure[0], call(node, *given))


def _attribute(value: Any, default: Any) -> Any:
    """An attribute as ONNX has it: plain Python, of the type that was declared."""
    value = value.tolist() if hasattr(value, "tolist") else value
    if isinstance(value, (list, tuple)):
        return tuple(value)
    return float(value) if isinstance(default, float) else int(value) if isinstance(value, bool) else value
