"""Attention: two products with a softmax between them become one operator."""

from __future__ import annotations

from onnx_bridge.ir.dtypes import float32
from onnx_bridge.ir.rmodel import RModel
from onnx_bridge.ir.roperator import ROperator
from onnx_bridge.ir.tensor import Tensor
from onnx_bridge.operators.epilogue import epilogue_operands
from onnx_bridge.operators.fused_attention import FusedAttention, View
from onnx_bridge.operators.product import Product
from onnx_bridge.operators.softmax import Softmax
from onnx_bridge.passes.base import Pass


class Attention(Pass):
    """
    1. Product(Q, K^T), Softmax over the last axis, Product(., V), each read by the next alone: FusedAttention.
       The first product's last acts may be a Mul or Div by a constant and then an Add of a mask that runs along the keys.
    """

    name = "attention"

    def call(self, model: RModel) -> bool:
        consumers, producers = model.consumers(), model.producers()
        changed = False
        for softmax in list(model.operators):
            if not isinstance(softmax, Softmax) or softmax.rows()[2] != 1 or softmax.x.dtype is not float32:
                continue
            scores, readers = producers.get(softmax.x), consumers.get(softmax.y, [])
            if not isinstance(scores, Product) or len(readers) != 1 or not isinstance(readers[0], Product):
                continue
            made = self.fused(model, scores, softmax, readers[0], consumers)
            if made is not None:
                model.operators[model.operators.index(readers[0])] = made
                model.operators.remove(scores)
                model.operators.remove(softmax)
                changed = True
        return changed

    def fused(
        self, model: RModel, scores: Product, softmax: Softmax, values: Product, consumers: dict[Tensor, list[ROperator]]
    ) -> FusedAttention | None:
        inner = [scores.y, softmax.y]
        if any(t in model.outputs or len(consumers[t]) != 1 for t in inner) or softmax.axis not in (-1, softmax.x.rank - 1):
            return None
        if values.x is not softmax.y or values.a_order is not None or values.transpose_a or values.steps or scores.y_order is not None:
            self.decline(softmax.title(), "the product behind it does not take it as it is")
            return None
        (q_shape, q_strides), (k_shape, k_strides) = scores.sides()
        _, (v_shape, v_strides) = values.sides()
        if q_strides[-1] != 1 or k_strides[-2] != 1 or v_strides[-1] != 1 or len(q_shape) != softmax.x.rank:
            self.decline(softmax.title(), "the last axis of Q, K or V is not contiguous")
            return None
        if softmax.x.shape[:-2] != q_shape[:-2] or values.matrix_shape()[:-2] != softmax.x.shape[:-2]:
            self.decline(softmax.title(), "Q, K and V are not batched alike")
            return None
        found = scale_and_mask(scores)
        if found is None:
            self.decline(softmax.title(), "what happens to the scores is not a scale and a mask")
            return None
        scale, mask = found
        op = FusedAttention(
            name=f"{scores.title()} + {softmax.title()} + {values.title()}",
            opset=softmax.opset,
            q=View(q_shape, tuple(q_strides)),
            k=View((*k_shape[:-2], k_shape[-1], k_shape[-2]), (*k_strides[:-2], k_strides[-1], k_strides[-2])),
            v=View(v_shape, tuple(v_strides)),
            scale=scale,
            y_order=values.y_order,
        )
        op.inputs = [scores.input(0), scores.input(1), values.input(1), *([mask] if mask is not None else [])]
        op.outputs = [values.y]
        return op


def scale_and_mask(scores: Product) -> tuple[float, Tensor | None] | None:
    """The scale and the mask that the steps of a product amount to; None if they are anything else."""
    scale, mask = 1.0, None
    current = scores.raw
    for step in scores.steps:
        others = [t for t in step.inputs if t is not current]
        if len(others) != 1 or len(step.inputs) != 2 or mask is not None:
            return None
        other = others[0]
        constant = float(other.constant().reshape(-1)[0]) if other.is_constant and other.constant().size == 1 else None
        if step.op.op_type in ("Mul", "Div") and constant is not None and scale == 1.0:
            if step.op.op_type == "Div" and step.inputs[0] is not current:
                return None
            scale = constant if step.op.op_type == "Mul" else 1 / constant
        elif step.op.op_type == "Add" and _runs_along(other, scores):
            mask = other
        else:
            return None
        current = step.output
    return scale, mask


def _runs_along(mask: Tensor, scores: Product) -> bool:
    """Whether a mask has an element for each key; it may repeat along the other axes."""
    return mask.dtype is float32 and mask.rank >= 1 and mask.shape[-1] == scores.y.shape[-1] and mask in epilogue_operands(scores)
