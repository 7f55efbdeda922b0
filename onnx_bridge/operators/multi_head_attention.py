"""MultiHeadAttention of com.microsoft."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import WIDE_FLOATS, int32
from onnx_bridge.ir.roperator import UnsupportedForm, attribute, operator
from onnx_bridge.ir.tensor import Shape, ShapeError, Tensor, Type, fits, same
from onnx_bridge.library.composite import Composite, Parts
from onnx_bridge.operators.cases import case, data, given, weight
from onnx_bridge.operators.heads import MaskedAttention, check_bias, check_mask, cut, joined, parted, width_of, written_mask
from onnx_bridge.operators.identity import Identity
from onnx_bridge.operators.pointwise import TABLE


@operator("MultiHeadAttention", domain="com.microsoft")
class MultiHeadAttention(Composite):
    """y = softmax(scale * q k^T + masks) v, for each head.

    Inputs: q [N, S, heads * D], or q, k and v together, [N, S, heads, 3, D]; k [N, T, heads * D], or with v, [N, T, heads, 2, D], or both
    as they have been made, [N, heads, T, D]; what is added to all three; a mask of keys; what is added to the scores; keys and values of
    the past. Outputs: y, keys and values with those of the past in front, and the weights.
    """

    computes = (WIDE_FLOATS, WIDE_FLOATS, WIDE_FLOATS, WIDE_FLOATS, (int32,), WIDE_FLOATS, WIDE_FLOATS, WIDE_FLOATS, (int32,))

    mask_filter_value: float = attribute(-10000.0)
    num_heads: int = attribute()
    scale: float | None = attribute(None)
    unidirectional: int = attribute(0)

    def shapes(self) -> tuple[Shape, Shape, Shape]:
        """q, k and v, each [N, heads, S, D]."""
        q, k, v = self.arguments(3)
        assert q is not None
        if q.rank == 5:
            shape = self.packed(q, 3, "query")
            return shape, shape, shape
        width = width_of(q, self.num_heads, "query")
        qs: Shape = (q.shape[0], self.num_heads, q.shape[1], width)
        if k is None:
            raise ShapeError("key is missing")
        if k.rank == 5:
            return qs, self.packed(k, 2, "key"), self.packed(k, 2, "key")
        if v is None:
            raise ShapeError("value is missing")
        if k.rank == 4:
            return qs, k.shape, v.shape
        ks, vs = ((t.shape[0], self.num_heads, t.shape[1], width_of(t, self.num_heads, what)) for t, what in ((k, "key"), (v, "value")))
        return qs, ks, vs

    def packed(self, x: Tensor, count: int, what: str) -> Shape:
        """[N, heads, S, D] of several in one tensor, [N, S, heads, count, D]."""
        batch, length, heads, have, width = x.shape
        if heads != self.num_heads or have != count:
            raise ShapeError(f"{what} must be [batch, length, {self.num_heads}, {count}, size], got {x.type}")
        return (batch, heads, length, width)

    def types(
        self,
        q: Tensor,
        k: Tensor | None = None,
        v: Tensor | None = None,
        bias: Tensor | None = None,
        mask: Tensor | None = None,
        added: Tensor | None = None,
        past_key: Tensor | None = None,
        past_value: Tensor | None = None,
        past_length: Tensor | None = None,
        beams: Tensor | None = None,
    ) -> Sequence[Type]:
        if past_length is not None or beams is not None:
            raise UnsupportedForm("keys in a buffer longer than the past (past_sequence_length, cache_indirection) are not supported; "
                                  "export the model without sharing buffers of past and present")  # fmt: skip
        if q.rank not in (3, 5) or (k is not None and k.rank not in (3, 4, 5)):
            raise ShapeError(f"query must have rank 3 or 5, key 3, 4 or 5, got {q.type} and {k.type if k is not None else 'none'}")
        if v is not None and (k is None or v.rank != k.rank):
            raise ShapeError(f"value must have the rank of key, got {v.type}")
        qs, ks, vs = self.shapes()
        for a, b in ((qs[0], ks[0]), (qs[0], vs[0]), (ks[2], vs[2]), (qs[3], ks[3]), (ks[1], vs[1]), (qs[1], ks[1])):
            same(a, b)
        if k is not None and k.rank == 4:
            same(ks[3], vs[3])
        if not isinstance(qs[3], int) and self.scale is None:
            raise UnsupportedForm(f"the size of a head must be a number where no scale is given, got {qs[3]}")
        if bias is not None:
            fits(bias, (self.num_heads * (qs[3] + ks[3] + vs[3]),), "bias")
        if (past_key is None) != (past_value is None):
            raise ShapeError("past_key and past_value must be given together")
        past: Size = 0
        if past_key is not None and past_value is not None:
            if past_key.rank != 4:
                raise ShapeError(f"past_key and past_value must be [N, heads, past, size], got {past_key.type}")
            past = past_key.shape[2]
            for tensor, shape in ((past_key, ks), (past_value, vs)):
                fits(tensor, (*shape[:2], past, shape[3]), "past_key or past_value")
        keys = past + ks[2]
        if mask is not None:
            check_mask(mask, qs[0], qs[2], keys)
        if added is not None:
            check_bias(added, qs[0], qs[1], qs[2], keys)
        present = [Type(q.dtype, (*shape[:2], keys, shape[3])) for shape in (ks, vs)]
        return [Type(q.dtype, (qs[0], qs[2], qs[1] * vs[3])), *present, Type(q.dtype, (*qs[:3], keys))]

    def operands(self, build: Parts) -> list[Tensor]:
        """q, k and v as [N, heads, S, D], with what is added to them."""
        q, k, v, bias = self.arguments(4)
        assert q is not None
        heads, shapes = self.num_heads, self.shapes()
        ends = [0, heads * shapes[0][3], heads * (shapes[0][3] + shapes[1][3])]
        ends.append(ends[-1] + heads * shapes[2][3])
        flat: list[Tensor | None] = [q, k, v]
        if q.rank == 5:
            flat = [self.piece(build, q, index) for index in range(3)]
        elif k is not None and k.rank == 5:
            flat = [q, *(self.piece(build, k, index) for index in range(2))]
        made = []
        for index, tensor in enumerate(flat):
            assert tensor is not None
            if bias is not None and tensor.rank == 3:
                tensor = build.add(TABLE["Add"], tensor, cut(build, bias, ends[index], ends[index + 1], 0))
            made.append(parted(build, tensor, heads) if tensor.rank == 3 else tensor)
        return made

    def piece(self, build: Parts, x: Tensor, index: int) -> Tensor:
        """One of those in [N, S, heads, count, D], as [N, S, heads * D]."""
        batch, length, heads, _, width = x.shape
        return build.reshape(cut(build, x, index, index + 1, 3), [batch, length, heads * width])

    def parts(self, build: Parts) -> Sequence[Tensor | None]:
        mask, added, past_key, past_value = self.arguments(8)[4:]
        q, k, v = self.operands(build)
        keys = k.shape[2] + (0 if past_key is None else past_key.shape[2])
        masks = [] if mask is None else [written_mask(build, mask, q, q.shape[0], keys, self.mask_filter_value)]
        masks += [] if added is None else [added]
        count = 4 if self.wants(3) else 3 if self.wants(1) or self.wants(2) else 1
        own = {} if self.scale is None else {"scale": self.scale}
        y, *more = build.many(
            count, MaskedAttention, q, k, v, None, past_key, past_value, None, *masks,
            is_causal=int(bool(self.unidirectional)), qk_matmul_output_mode=2, **own,
        )  # fmt: skip
        presents = [build.add(Identity, t) if t in self.inputs else t for t in more[:2]]
        return [joined(build, y), *presents, *more[2:]]

    cases = (
        case(q=("N", 5, 24), k=("N", 7, 24), v=("N", 7, 12), attributes={"num_heads": 3}),
        case(q=("N", 5, 24), k=("N", 5, 24), v=("N", 5, 24), bias=weight(72), attributes={"num_heads": 3, "unidirectional": 1}),
        case(q=(2, 5, 24), k=(2, 7, 24), v=(2, 7, 24), bias=weight(72), mask=given([[1] * 7, [1, 1, 0, 1, 1, 0, 0]], "int32"),
             added=(1, 3, 5, 7), attributes={"num_heads": 3, "scale": 0.2}),
        case(q=(2, 5, 24), k=(2, 7, 24), v=(2, 7, 24), bias=None, mask=given([3, 7], "int32"), attributes={"num_heads": 3}),
        case(q=(2, 5, 24), k=(2, 7, 24), v=(2, 7, 24), bias=None, mask=given(np.ones((2, 5, 7)) * np.tri(5, 7, 3), "int32"),
             attributes={"num_heads": 3, "mask_filter_value": -50.0}),
        case(q=(2, 5, 24), k=(2, 3, 7, 8), v=(2, 3, 7, 8), attributes={"num_heads": 3}),
        case(q=("N", 1, 24), k=("N", 1, 24), v=("N", 1, 24), bias=None, mask=None, added=None, past_key=("N", 3, "P", 8),
             past_value=("N", 3, "P", 8), attributes={"num_heads": 3}, outputs=3),
        case(q=(2, 4, 24), k=(2, 4, 24), v=(2, 4, 24), bias=weight(72), mask=data(2, 6, dtype="int32", low=1, high=2),
             added=(2, 3, 4, 6), past_key=(2, 3, 2, 8), past_value=(2, 3, 2, 8),
             attributes={"num_heads": 3, "unidirectional": 1}, outputs=3),
    )  # fmt: skip
