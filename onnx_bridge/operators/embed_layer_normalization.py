"""EmbedLayerNormalization of com.microsoft."""

from __future__ import annotations

from collections.abc import Sequence

from onnx_bridge.ir.dtypes import WIDE_FLOATS, int32
from onnx_bridge.ir.roperator import attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type, fits, same
from onnx_bridge.library.composite import Composite, Parts
from onnx_bridge.operators.attention import numbers, sizes
from onnx_bridge.operators.cases import case, data, given, weight
from onnx_bridge.operators.cast import Cast
from onnx_bridge.operators.expand import Expand
from onnx_bridge.operators.gather import Gather
from onnx_bridge.operators.layer_normalization import LayerNormalization
from onnx_bridge.operators.pointwise import TABLE
from onnx_bridge.operators.reduce import ReduceSum


@operator("EmbedLayerNormalization", domain="com.microsoft")
class EmbedLayerNormalization(Composite):
    """y = the sum of the rows of words, segments and positions, normalised.

    Inputs: words [N, S], segments [N, S], the tables of words, positions and segments, gamma, beta, a mask [N, S], positions [N, S] or
    [1, S] (else 0, 1, ...). Outputs: y [N, S, width], how many words of each row the mask keeps (0 without one), and the sum.
    """

    computes = ((int32,), (int32,), *[WIDE_FLOATS] * 5, (int32,), (int32,))
    own_types = (1,)

    epsilon: float = attribute(1e-12)
    mask_index_type: int = attribute(0)

    def types(
        self,
        words: Tensor,
        segments: Tensor | None,
        table: Tensor,
        places: Tensor,
        parts: Tensor | None,
        gamma: Tensor,
        beta: Tensor,
        mask: Tensor | None = None,
        given_places: Tensor | None = None,
    ) -> Sequence[Type]:
        if words.rank != 2:
            raise ShapeError(f"input_ids must be [batch, length], got {words.type}")
        if (segments is None) != (parts is None):
            raise ShapeError("segment_ids and segment_embedding must be given together")
        batch, length = words.shape
        for tensor in (table, places, parts):
            if tensor is not None and tensor.rank != 2:
                raise ShapeError(f"tables of embeddings must have rank 2, got {tensor.type}")
        for tensor, what in ((gamma, "gamma"), (beta, "beta")):
            fits(tensor, table.shape[1:], what)
        for tensor in (places, parts):
            if tensor is not None:
                same(tensor.shape[1], table.shape[1])
        for tensor, what in ((segments, "segment_ids"), (mask, "mask")):
            if tensor is not None:
                fits(tensor, (batch, length), what)
        if given_places is not None:
            if given_places.rank != 2 or given_places.shape[0] not in (1, batch):
                raise ShapeError(f"position_ids must be [batch or 1, length], got {given_places.type}")
            same(given_places.shape[1], length)
        y = Type(table.dtype, (batch, length, table.shape[1]))
        return [y, Type(int32, (batch,)), y]

    def parts(self, build: Parts) -> Sequence[Tensor | None]:
        words, segments, table, places, kinds, gamma, beta, mask, given_places = self.arguments(9)
        assert words is not None and table is not None and places is not None
        batch, length = words.shape
        where = numbers(build, length, [1, length]) if given_places is None else given_places
        total = build.add(TABLE["Add"], build.add(Gather, table, words, axis=0), build.add(Gather, places, where, axis=0))
        if segments is not None:
            total = build.add(TABLE["Add"], total, build.add(Gather, kinds, segments, axis=0))
        y = build.add(LayerNormalization, total, gamma, beta, axis=-1, epsilon=self.epsilon)
        if mask is None:
            kept = build.add(Expand, build.model.new_constant("none", 0, int32), sizes(build, batch))
        else:
            ones = build.add(Cast, build.add(TABLE["Equal"], mask, build.constant("one", 1, mask)), to=int32.onnx)
            kept = build.add(ReduceSum, ones, sizes(build, 1), keepdims=0)
        return [y, kept, total]

    cases = (
        case(words=data("N", 5, dtype="int32", low=0, high=9), segments=data("N", 5, dtype="int32", low=0, high=2), table=weight(9, 16),
             places=weight(7, 16), kinds=weight(2, 16), gamma=weight(16), beta=weight(16), outputs=2),
        case(words=data(2, 5, dtype="int32", low=0, high=9), segments=None, table=weight(9, 16), places=weight(7, 16), kinds=None,
             gamma=weight(16), beta=weight(16), mask=given([[1, 1, 1, 0, 0], [1] * 5], "int32"), attributes={"epsilon": 0.01}, outputs=2),
        case(words=data(2, 3, dtype="int32", low=0, high=9), segments=data(2, 3, dtype="int32", low=0, high=2), table=weight(9, 16),
             places=weight(7, 16), kinds=weight(2, 16), gamma=weight(16), beta=weight(16), mask=None,
             position=given([[0, 4, 2]], "int32"), outputs=3),
    )  # fmt: skip
