"""TransformScores: a post_transform of ai.onnx.ml on its own. What regressors are made of; no file names it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from onnx_bridge.ir import dims
from onnx_bridge.ir.dtypes import float32
from onnx_bridge.ir.roperator import ROperator, Writer, attribute
from onnx_bridge.ir.tensor import Tensor, Type
from onnx_bridge.library.post_transform import functor


@dataclass(eq=False, kw_only=True)
class TransformScores(ROperator):
    """y = x, each row of which is transformed."""

    op_type = "TransformScores"
    computes = ((float32,),)
    kernels: ClassVar[tuple[str, ...]] = ("class_scores.hxx",)

    post_transform: str = attribute("NONE")

    def types(self, x: Tensor) -> Type:
        return x.type

    def emit(self, cpp: Writer) -> None:
        x = self.x
        cpp.call("transform_scores", dims.product(x.shape[:-1]), x.shape[-1], x, f"{functor(self.post_transform)}()", self.y)
