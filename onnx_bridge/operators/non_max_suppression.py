"""NonMaxSuppression."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from onnx_bridge.ir import dims
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import float32, int64
from onnx_bridge.ir.roperator import ROperator, Writer, attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type, fits, same
from onnx_bridge.kernels.suppress import SUPPRESS
from onnx_bridge.operators.cases import case, const, data, given


@operator("NonMaxSuppression", since=10)
class NonMaxSuppression(ROperator):
    """y[k] = batch, class and box of the k-th chosen one: of each class the boxes of the best scores that do not overlap too much.

    At most max_output_boxes_per_class of each class, none without it; overlap above iou_threshold (0 without it) is too much; boxes whose
    score is not above score_threshold, if there is one, are left out. How many are chosen is found as the network runs.
    """

    kernels = (SUPPRESS.header,)
    computes = ((float32,), (float32,), (int64,), (float32,), (float32,))

    center_point_box: int = attribute(0)

    def types(
        self, boxes: Tensor, scores: Tensor, most: Tensor | None = None, overlap: Tensor | None = None, least: Tensor | None = None
    ) -> Type:
        if boxes.rank != 3 or scores.rank != 3:
            raise ShapeError(f"boxes must be [batch, n, 4] and scores [batch, classes, n], got {boxes.type} and {scores.type}")
        n = same(boxes.shape[1], scores.shape[2])
        fits(boxes, (scores.shape[0], n, 4), "boxes")
        for number in (most, overlap, least):
            if number is not None and number.count != 1:
                raise ShapeError(f"limits must be single numbers, got {number.type}")
        if self.center_point_box not in (0, 1):
            raise ShapeError(f"center_point_box must be 0 or 1, got {self.center_point_box}")
        chosen = dims.minimum(n, self.known_most(most)) if most is not None and most.value is not None else n
        return Type(int64, (self.find("chosen", scores.shape[0] * scores.shape[1] * chosen), 3))

    @staticmethod
    def known_most(most: Tensor) -> Size:
        """How many of each class may be chosen; as many as there are, where that is a very large number."""
        (size,) = most.sizes()
        return size if not isinstance(size, int) else min(max(size, 0), 1 << 31)

    def reads(self) -> Sequence[int]:
        most = self.arguments(3)[2]
        return [
            i for i, tensor in enumerate(self.inputs) if tensor is not None and not (i == 2 and most is not None and most.value is not None)
        ]

    def scratch_bytes(self) -> Size:
        return SUPPRESS.scratch_bytes(self.x.shape[1])

    def emit(self, cpp: Writer) -> None:
        boxes, scores, most, overlap, least = self.arguments(5)
        assert boxes is not None and scores is not None
        limit = "0" if most is None else f"*{cpp.pointer(most)}" if most.value is None else cpp.size(self.known_most(most))
        (count,) = self.found.values()
        given = [bool(self.center_point_box), limit, boxes, scores, overlap, least]
        cpp.call(f"{cpp.size(count)} = {SUPPRESS.function}", *scores.shape, *given, self.y, cpp.scratch())

    _CORNERS = np.array(
        [[[0, 0, 1, 1], [0, 0.1, 1, 1.1], [1, -0.1, 0, 0.9], [0, 10, 1, 11], [0, 10.1, 1, 11.1], [0, 100, 1, 101]]], np.float32
    )
    _SCORES = ((0.9, 0.75, 0.6, 0.95, 0.5, 0.3), (0.1, 0.75, 0.75, 0.2, 0.5, 0.3))
    _HALF = const(0.5, "float32")
    cases = (
        case(boxes=given(_CORNERS), scores=given([_SCORES]), most=const([3]), overlap=_HALF, least=const(0.25, "float32")),
        case(boxes=given(_CORNERS), scores=given([_SCORES]), most=given([2], "int64"), overlap=given([0.5]), least=given([0.0])),
        case(boxes=given(_CORNERS), scores=given([_SCORES]), most=const(2**62), overlap=_HALF),
        case(boxes=given(_CORNERS), scores=given([_SCORES]), most=const([9])),
        case(boxes=given(_CORNERS), scores=given([_SCORES])),
        case(boxes=data(2, "N", 4), scores=data(2, 3, "N"), most=const([4]), overlap=_HALF, least=const([-0.5], "float32")),
        case(boxes=data(2, 9, 4, low=0), scores=data(2, 3, 9), most=const([5]), overlap=_HALF, attributes={"center_point_box": 1}),
        case(boxes=given(np.zeros((1, 4, 4))), scores=given(np.ones((1, 1, 4))), most=const([3]), overlap=_HALF, opset=10),
    )
