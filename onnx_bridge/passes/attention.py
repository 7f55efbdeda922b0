"""Attention: two products with a softmax between them become one operator."""

from __future__ import annotations

from onnx_bridge.ir.dialect import Dialect
from onnx_bridge.ir.rmodel import RModel
from onnx_bridge.ir.roperator import ROperator
from onnx_bridge.ir.tensor import Tensor
from onnx_bridge.kernel_operators.fused_attention import FusedAttention
from onnx_bridge.kernel_operators.group import Group
from onnx_bridge.kernel_operators.product import Product
from onnx_bridge.kernel_operators.softmax import MaskedSoftmaxRows, SoftmaxRows
from onnx_bridge.library.epilogue import epilogue_operands
from onnx_bridge.passes.base import Pass, all_of_type


class Attention(Pass):
    """
    1. Product(Q, K^T), Softmax over the last axis, Product(., V), each read by the next alone: FusedAttention.
       Where(IsNaN(softmax), 0, softmax) may stand behind the softmax, as PyTorch writes it for queries that may look at nothing.
       What the first product does to its scores as its last acts (scale, masks added or chosen by Where) goes along.
    """

    name = "attention"
    takes = gives = Dialect.KERNEL

    def call(self, model: RModel) -> bool:
        consumers, producers = model.consumers(), model.producers()
        changed = False
        for softmax in list(model.operators):
            if not isinstance(softmax, SoftmaxRows) or softmax.rows[2] != 1:
                continue
            scores, readers = producers.get(softmax.x), consumers.get(softmax.y, [])
            guard = readers[0] if len(readers) == 1 and zeroes_nan(readers[0], softmax.y) else None
            weights = softmax.y if guard is None else guard.y
            readers = consumers.get(weights, [])
            if not isinstance(scores, Product) or len(readers) != 1 or not isinstance(readers[0], Product):
                continue
            made = self.fused(model, scores, softmax, readers[0], weights, consumers)
            if made is not None:
                made.rare = "ZeroMasked" if isinstance(softmax, MaskedSoftmaxRows) else "ZeroNan" if guard is not None else "KeepNan"
                model.operators[model.operators.index(readers[0])] = made
                for op in (scores, softmax, guard):
                    if op is not None:
                        model.operators.remove(op)
                changed = True
        return changed

    def fused(
        self,
        model: RModel,
        scores: Product,
        softmax: SoftmaxRows,
        values: Product,
        weights: Tensor,
        consumers: dict[Tensor, list[ROperator]],
    ) -> FusedAttention | None:
        inner = [scores.y, softmax.y, weights]
        if any(t in model.outputs or len(consumers[t]) != 1 for t in inner) or softmax.rows[1] != softmax.x.shape[-1]:
            return None
        if values.x is not weights or values.views[0] is not None or values.transpose_a or values.steps or scores.y_order is not None:
            self.decline(softmax.title(), "the product behind it does not take it as it is")
            return None
        (computed,) = FusedAttention.kernel.types
        if not all_of_type(computed, *scores.inputs[:2], softmax.x, *values.inputs[:2], values.y):
            self.decline(softmax.title(), f"Q, K, V and the scores are not all {computed}")
            return None
        q, k = scores.sides()
        _, v = values.sides()
        if q.strides[-1] != 1 or k.strides[-2] != 1 or v.strides[-1] != 1 or len(q.shape) != softmax.x.rank:
            self.decline(softmax.title(), "the last axis of Q, K or V is not contiguous")
            return None
        if softmax.x.shape[:-2] != q.shape[:-2] or values.matrix_shape()[:-2] != softmax.x.shape[:-2]:
            self.decline(softmax.title(), "Q, K and V are not batched alike")
            return None
        op = FusedAttention(
            name=f"{scores.title()} + {softmax.title()} + {values.title()}",
            opset=softmax.opset,
            q=q,
            k=k.transposed([*range(len(k.shape) - 2), len(k.shape) - 1, len(k.shape) - 2]),
            v=v,
            steps=scores.steps,
            raw=scores.raw or scores.y,
            y_order=values.y_order,
        )
        op.inputs = [scores.input(0), scores.input(1), values.input(1), *(epilogue_operands(scores) if scores.steps else [])]
        op.outputs = [values.y]
        return op


def zeroes_nan(op: ROperator, weights: Tensor) -> bool:
    """Whether an operator is Where(IsNaN(weights), 0, weights)."""
    if not isinstance(op, Group) or [step.op.op_type for step in op.steps] != ["IsNaN", "Where"]:
        return False
    asked, chosen = op.steps
    zero = chosen.inputs[1]
    return (
        asked.inputs == (weights,)
        and chosen.inputs[0] is asked.output
        and chosen.inputs[2] is weights
        and zero.is_constant
        and not zero.constant().any()
    )
