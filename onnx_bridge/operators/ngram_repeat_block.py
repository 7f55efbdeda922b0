"""NGramRepeatBlock of com.microsoft."""

from __future__ import annotations

import numpy as np

from onnx_bridge.ir.dtypes import float32, int64
from onnx_bridge.ir.roperator import UnsupportedForm, attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type, same
from onnx_bridge.library.composite import Composite, Parts
from onnx_bridge.operators.cases import case, given
from onnx_bridge.operators.heads import cut
from onnx_bridge.operators.pointwise import TABLE
from onnx_bridge.operators.scatter_elements import ScatterElements


@operator("NGramRepeatBlock", domain="com.microsoft")
class NGramRepeatBlock(Composite):
    """y = scores [N, words], -inf where a word behind the last ones of ids [N, S] would repeat `ngram_size` words that are there."""

    computes = ((int64,), (float32,))

    ngram_size: int = attribute()

    def types(self, ids: Tensor, scores: Tensor) -> Type:
        if ids.rank != 2 or scores.rank != 2 or self.ngram_size < 1:
            raise ShapeError(f"ids and scores must have rank 2, and ngram_size be positive, got {ids.type} and {scores.type}")
        if not isinstance(ids.shape[1], int):
            raise UnsupportedForm(f"the number of words must be known, got {ids.type}")
        same(ids.shape[0], scores.shape[0])
        return scores.type

    def parts(self, build: Parts) -> Tensor:
        ids, scores = self.input(0), self.input(1)
        length, before = ids.shape[1], self.ngram_size - 1
        assert isinstance(length, int)
        places = length - before
        if places < 1:
            return build.add(TABLE["Add"], scores, build.constant("nothing", 0.0, scores))
        words = cut(build, ids, before, length, 1)
        ends = build.constant("ends", -np.inf, scores)
        blocked = build.add(TABLE["Mul"], ends, build.constant("all", np.ones((1, places)), scores))
        for j in range(before):
            last = cut(build, ids, places + j, places + j + 1, 1)
            alike = build.add(TABLE["Equal"], cut(build, ids, j, places + j, 1), last)
            blocked = build.add(TABLE["Where"], alike, blocked, build.constant("free", np.inf, scores))
        if before == 0:
            blocked = build.add(TABLE["Where"], build.add(TABLE["Equal"], words, words), blocked, ends)
        return build.add(ScatterElements, scores, words, blocked, axis=1, reduction="min")

    cases = (
        case(ids=given([[1, 2, 3, 1, 2], [4, 4, 4, 4, 4], [0, 1, 2, 3, 4]], "int64"), scores=(3, 6), attributes={"ngram_size": 3}),
        case(ids=given([[1, 2, 3, 1, 2]], "int64"), scores=(1, 6), attributes={"ngram_size": 2}),
        case(ids=given([[1, 2]], "int64"), scores=(1, 6), attributes={"ngram_size": 4}),
    )
