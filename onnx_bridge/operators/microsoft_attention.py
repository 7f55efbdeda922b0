"""Attention of com.microsoft."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import WIDE_FLOATS, DType, int32
from onnx_bridge.ir.roperator import UnsupportedForm, attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type, fits, same
from onnx_bridge.library.composite import Composite, Parts
from onnx_bridge.operators.cases import Case, case, given, weight
from onnx_bridge.operators.concat import Concat
from onnx_bridge.operators.heads import MaskedAttention, check_bias, check_mask, cut, joined, parted, written_mask
from onnx_bridge.operators.matmul import MatMul
from onnx_bridge.operators.pointwise import TABLE

_SHARED = "a buffer of keys that is longer than the past (past_present_share_buffer) is not supported; export the model without it"


@operator("Attention", domain="com.microsoft")
class MicrosoftAttention(Composite):
    """Attention of x to itself: q, k and v are x w + b, side by side.

    Inputs: x [N, S, I], w [I, widths of q, k and v], b, a mask of keys, keys and values of the past [2, N, heads, P, D], and what is added
    to the scores. Outputs: y [N, S, width of v], keys and values with those of the past in front.
    """

    computes: ClassVar[Sequence[Sequence[DType]]] = (WIDE_FLOATS, WIDE_FLOATS, WIDE_FLOATS, (int32,), WIDE_FLOATS, WIDE_FLOATS, (int32,))

    do_rotary: int = attribute(0)
    mask_filter_value: float = attribute(-10000.0)
    num_heads: int = attribute()
    past_present_share_buffer: int = attribute(0)
    qkv_hidden_sizes: list[int] | None = attribute(None)
    rotary_embedding_dim: int = attribute(0)
    scale: float | None = attribute(None)
    unidirectional: int = attribute(0)

    def widths(self, w: Tensor) -> list[int]:
        """The widths of q, k and v, all heads together."""
        total = w.shape[1]
        if not isinstance(total, int):
            raise UnsupportedForm(f"the number of columns of weights must be known, got {w.type}")
        found = [int(size) for size in self.qkv_hidden_sizes or [total // 3] * 3]
        heads = self.num_heads
        sound = len(found) == 3 and heads > 0 and sum(found) == total and min(found) > 0 and found[0] == found[1]
        if not sound or any(size % heads for size in found):
            raise ShapeError(f"q, k and v of the widths {found} for {heads} heads do not fit the weights, {w.type}")
        return found

    def types(
        self,
        x: Tensor,
        w: Tensor,
        b: Tensor | None = None,
        mask: Tensor | None = None,
        past: Tensor | None = None,
        added: Tensor | None = None,
        past_length: Tensor | None = None,
    ) -> Sequence[Type]:
        if past_length is not None:
            raise UnsupportedForm(_SHARED)
        return self.attended(x.dtype, x, w, b, mask, past, added)

    def attended(
        self, dtype: DType, x: Tensor, w: Tensor, b: Tensor | None, mask: Tensor | None, past: Tensor | None, added: Tensor | None
    ) -> Sequence[Type]:
        """The types of the outputs."""
        if self.past_present_share_buffer:
            raise UnsupportedForm(_SHARED)
        if self.do_rotary:
            raise UnsupportedForm("do_rotary is not supported: onnxruntime has it for GPUs alone; put a RotaryEmbedding in front")
        if x.rank != 3 or w.rank != 2:
            raise ShapeError(f"x must have rank 3 and weights rank 2, got {x.type} and {w.type}")
        same(x.shape[2], w.shape[0])
        widths, heads = self.widths(w), self.num_heads
        if b is not None:
            fits(b, w.shape[1:], "bias")
        batch, length = x.shape[:2]
        before: Size = 0
        if past is not None:
            if past.rank != 5 or widths[1] != widths[2]:
                raise ShapeError(f"past must have rank 5, and keys and values one width, got {past.type}")
            before = past.shape[3]
            fits(past, (2, batch, heads, before, widths[1] // heads), "past")
        if mask is not None:
            check_mask(mask, batch, length, before + length)
        if added is not None:
            check_bias(added, batch, heads, length, before + length)
        present = Type(dtype, (2, batch, heads, before + length, widths[1] // heads))
        return [Type(dtype, (batch, length, widths[2])), present]

    def parts(self, build: Parts) -> Sequence[Tensor | None]:
        x, w, b, mask, past, added = self.arguments(6)
        assert x is not None and w is not None
        flat = build.add(MatMul, x, w)
        return self.attend(build, flat if b is None else build.add(TABLE["Add"], flat, b), mask, past, added)

    def attend(self, build: Parts, flat: Tensor, mask: Tensor | None, past: Tensor | None, added: Tensor | None) -> Sequence[Tensor | None]:
        """The outputs, of q, k and v side by side."""
        heads, widths = self.num_heads, self.widths(self.input(1))
        ends = [0, widths[0], widths[0] + widths[1], sum(widths)]
        q, k, v = (parted(build, cut(build, flat, ends[i], ends[i + 1], -1), heads) for i in range(3))
        before = [None, None] if past is None else [build.reshape(cut(build, past, i, i + 1, 0), past.shape[1:]) for i in range(2)]
        keys = k.shape[2] + (0 if past is None else past.shape[3])
        masks = [] if mask is None else [written_mask(build, mask, q, q.shape[0], keys, self.mask_filter_value)]
        masks += [] if added is None else [added]
        own = {} if self.scale is None else {"scale": self.scale}
        y, *more = build.many(
            3 if self.wants(1) else 1, MaskedAttention, q, k, v, None, *before, None, *masks,
            is_causal=int(bool(self.unidirectional)), **own,
        )  # fmt: skip
        if not more:
            return [joined(build, y)]
        return [joined(build, y), build.add(Concat, *(build.reshape(t, [1, *t.shape]) for t in more), axis=0)]

    cases: ClassVar[Sequence[Case]] = (
        case(x=("N", 5, 10), w=weight(10, 72), b=weight(72), attributes={"num_heads": 3}),
        case(x=(2, 5, 10), w=weight(10, 36), b=weight(36), mask=given([[1] * 5, [1, 1, 0, 1, 0]], "int32"),
             attributes={"num_heads": 3, "qkv_hidden_sizes": [12, 12, 12], "unidirectional": 1}),
        case(x=(2, 5, 10), w=weight(10, 30), b=weight(30), attributes={"num_heads": 3, "qkv_hidden_sizes": [12, 12, 6], "scale": 0.3}),
        case(x=(2, 5, 10), w=(10, 36), b=(36,), attributes={"num_heads": 3}),
        case(x=(2, 5, 10), w=weight(10, 36), b=weight(36), mask=given(np.tri(5, 5)[None] * np.ones((2, 1, 1)), "int32"),
             attributes={"num_heads": 3, "mask_filter_value": -20.0}),
        case(x=("N", 2, 10), w=weight(10, 36), b=weight(36), mask=None, past=(2, "N", 3, "P", 4),
             attributes={"num_heads": 3, "unidirectional": 1}, outputs=2),
        case(x=(2, 2, 10), w=weight(10, 36), b=weight(36), mask=None, past=None, added=(1, 3, 2, 2),
             attributes={"num_heads": 3}),
    )  # fmt: skip
