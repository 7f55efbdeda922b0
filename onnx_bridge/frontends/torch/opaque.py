"""Opaque nodes in PyTorch's two exporters: a symbolic operator where it captures, a function of autograd where it traces."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from onnx_bridge.frontends.opaque import Node, Output, Outputs


class _Tracer:
    def __init__(self, torch: Any) -> None:
        self.torch = torch

    def flat(self, result: Any) -> tuple[list[Any], Callable[[Sequence[Any]], Any]]:
        """See `Tracer`."""
        if isinstance(result, (tuple, list)):
            return list(result), tuple
        return [result], lambda tensors: tensors[0]


class SymbolicTracer(_Tracer):
    """The exporter that captures with torch.export."""

    def place(self, node: Node, inputs: Sequence[Any], outputs: Outputs) -> list[Any]:
        """See `Tracer`."""
        made = [Output(value.dtype, value.shape) for value in outputs(*inputs)] if callable(outputs) else outputs
        name = f"{node.domain}::{node.op_type}" if node.domain else node.op_type
        return list(
            self.torch.onnx.ops.symbolic_multi_out(
                name, tuple(node.in_place(inputs)), dict(node.attributes), dtypes=[output.dtype for output in made],
                shapes=[output.shape for output in made], version=node.version,
            )
        )  # fmt: skip


class AutogradTracer(_Tracer):
    """The exporter that traces: a function of autograd may say what it is in ONNX."""

    def place(self, node: Node, inputs: Sequence[Any], outputs: Outputs) -> list[Any]:
        """See `Tracer`; `outputs` is the function that PyTorch computes."""
        assert callable(outputs)
        function, count = outputs, 0

        class Function(self.torch.autograd.Function):  # type: ignore[misc,name-defined]
            @staticmethod
            def forward(_: Any, *tensors: Any) -> Any:
                nonlocal count
                made = function(*tensors)
                count = len(made)
                return made[0] if count == 1 else tuple(made)

            @staticmethod
            def symbolic(g: Any, *values: Any) -> Any:
                return written(g, node, values, count)

        results = Function.apply(*inputs)
        return list(results) if isinstance(results, tuple) else [results]


def written(g: Any, node: Node, inputs: Sequence[Any], outputs: int) -> Any:
    """A node in the graph of the TorchScript exporter.

    Args:
        g: the graph.
        node: what is written.
        inputs: those that there are.
        outputs: how many it has.
    """
    suffixes = {float: "f", int: "i", str: "s"}
    named = {}
    for name, value in node.attributes:
        several = isinstance(value, tuple)
        kind = type(value[0] if several and value else 0 if several else value)
        named[f"{name}_{suffixes[kind]}"] = list(value) if several else value
    made = g.op(f"{node.domain}::{node.op_type}", *inputs, outputs=outputs, **named)
    if outputs == 1 and inputs:
        made.setType(inputs[0].type())
    return made
