"""Attention."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from onnx_bridge.ir import dims
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import FLOATS, WIDE_FLOATS, bool_, float64, int64
from onnx_bridge.ir.roperator import UnsupportedForm, attribute, operator
from onnx_bridge.ir.tensor import Shape, ShapeError, Tensor, Type, fits, same
from onnx_bridge.library.composite import Composite, Parts
from onnx_bridge.library.known import of_sizes
from onnx_bridge.operators.cases import Case, case, data, given
from onnx_bridge.operators.cast import Cast
from onnx_bridge.operators.concat import Concat
from onnx_bridge.operators.identity import Identity
from onnx_bridge.operators.matmul import MatMul
from onnx_bridge.operators.pad import Pad
from onnx_bridge.operators.pointwise import TABLE
from onnx_bridge.operators.range import Range
from onnx_bridge.operators.softmax import MaskedSoftmax

#: Causal masks of up to this many elements are constants.
MOST_MASK = 1 << 20


@operator("Attention", since=23)
class Attention(Composite):
    """y = softmax(mask(softcap(scale * q k^T))) v, for each head; a query that may look at no key gets 0.

    q, k, v are [N, heads, S, D], or [N, S, heads * D] with the numbers of heads as attributes; several heads of q may share one of k and v.
    Inputs: q, k, v, mask (bool: keep; float: added), past keys and values, and, since opset 24, the number of keys of each row of the
    batch. Outputs: y, keys and values with those of the past in front, and the scores in one of four states.
    """

    computes = (*[WIDE_FLOATS] * 3, (bool_, *WIDE_FLOATS), *[WIDE_FLOATS] * 2, (int64,))

    is_causal: int = attribute(0)
    kv_num_heads: int | None = attribute(None)
    q_num_heads: int | None = attribute(None)
    qk_matmul_output_mode: int = attribute(0)
    scale: float | None = attribute(None)
    softcap: float = attribute(0.0)
    softmax_precision: int | None = attribute(None)

    # ---- shapes

    def headed(self, x: Tensor, heads: int | None, what: str) -> Shape:
        """[N, heads, S, D] of an input."""
        if x.rank == 4:
            return x.shape
        batch, length, width = x.shape
        if not heads or (isinstance(width, int) and width % heads):
            raise ShapeError(f"{what} {x.type} cannot be parted into {heads} heads")
        return (batch, heads, length, dims.floor_div(width, heads))

    def shapes(self) -> tuple[Shape, Shape, Shape, Size]:
        """[N, heads, S, D] of q, k and v, and the number of keys with those of the past."""
        q, k, v, _, past = self.arguments(5)
        assert q is not None and k is not None and v is not None
        shapes = (
            self.headed(q, self.q_num_heads, "q"), self.headed(k, self.kv_num_heads, "k"), self.headed(v, self.kv_num_heads, "v"),
        )  # fmt: skip
        return (*shapes, shapes[1][2] + (0 if past is None else past.shape[2]))

    def types(self, q: Tensor, k: Tensor, v: Tensor, *rest: Tensor | None) -> Sequence[Type]:
        mask, past_key, past_value, lengths = self.arguments(7)[3:]
        for tensor in (k, v, past_key, past_value):
            if tensor is not None and tensor.dtype is not q.dtype:
                raise UnsupportedForm(f"q, k, v and what is past must have one type, got {q.dtype} and {tensor.dtype}")
        if len({q.rank, k.rank, v.rank}) != 1 or q.rank not in (3, 4):
            raise ShapeError(f"q, k and v must all have rank 3 or 4, got {q.type}, {k.type}, {v.type}")
        if self.softmax_precision not in (None, 0, *(dtype.onnx for dtype in FLOATS)):
            raise UnsupportedForm(f"softmax_precision must be a type of floating-point numbers, got {self.softmax_precision}")
        if self.qk_matmul_output_mode not in range(4):
            raise ShapeError(f"qk_matmul_output_mode must be 0 to 3, got {self.qk_matmul_output_mode}")
        if (past_key is None) != (past_value is None):
            raise ShapeError("past_key and past_value must be given together")
        for tensor in (past_key, past_value):
            if tensor is not None and tensor.rank != 4:
                raise ShapeError(f"past_key and past_value must be [N, heads, past, size], got {tensor.type}")
        qs, ks, vs, keys = self.shapes()
        for a, b in ((qs[0], ks[0]), (qs[0], vs[0]), (ks[1], vs[1]), (qs[3], ks[3]), (ks[2], vs[2])):
            same(a, b)
        if not isinstance(qs[1], int) or not isinstance(ks[1], int) or ks[1] == 0 or qs[1] % ks[1]:
            raise UnsupportedForm(f"the heads of q, {qs[1]}, must be a multiple of those of k and v, {ks[1]}")
        if not isinstance(qs[3], int) and self.scale is None:
            raise UnsupportedForm(f"the size of a head must be a number where no scale is given, got {qs[3]}")
        if lengths is not None:
            fits(lengths, qs[:1], "nonpad_kv_seqlen")
        if mask is not None:
            if mask.dtype not in (bool_, q.dtype) or not 2 <= mask.rank <= 4:
                raise ShapeError(f"the mask must be bool or {q.dtype}, of rank 2 to 4, got {mask.type}")
            sizes_of_scores = (self.covered(mask, keys), qs[2], qs[1], qs[0])
            for size, target in zip(reversed(mask.shape), sizes_of_scores, strict=False):
                if size != 1:
                    same(size, target)
        y = (qs[0], qs[2], qs[1] * vs[3]) if q.rank == 3 else (*qs[:3], vs[3])
        present = [Type(q.dtype, (*shape[:2], keys, shape[3])) for shape in (ks, vs)]
        return [Type(q.dtype, y), *present, Type(q.dtype, (*qs[:3], keys))]

    def covered(self, mask: Tensor, keys: Size) -> Size:
        """How many keys a mask speaks of: since opset 24 it may be shorter, and no query looks at the rest."""
        last = mask.shape[-1]
        shorter = self.opset >= 24 and isinstance(last, int) and isinstance(keys, int) and 1 < last < keys
        return last if shorter else keys

    # ---- its operators

    def parts(self, build: Parts) -> Sequence[Tensor | None]:
        _, _, _, mask, past_key, past_value, lengths = self.arguments(7)
        qs, ks, vs, keys = self.shapes()
        group = int(np.asarray(qs[1])) // int(np.asarray(ks[1]))  # heads of q for one of k and v
        k, v = (self.present(build, self.input(i), shape, past) for i, shape, past in ((1, ks, past_key), (2, vs, past_value)))
        presents = [k, v]
        q = self.input(0)
        if group > 1:
            split = (ks[1], group)
            if q.rank == 3:
                q = build.transpose(build.reshape(q, [qs[0], qs[2], *split, qs[3]]), [0, 2, 3, 1, 4])
            else:
                q = build.reshape(q, [qs[0], *split, *qs[2:]])
            k, v = (build.reshape(t, [*t.shape[:2], 1, *t.shape[2:]]) for t in (k, v))
        elif q.rank == 3:
            q = build.transpose(build.reshape(q, [qs[0], qs[2], qs[1], qs[3]]), [0, 2, 1, 3])
        last = [*range(k.rank - 2), k.rank - 1, k.rank - 2]
        scores = build.add(MatMul, q, build.transpose(k, last))
        scale = self.scale if self.scale is not None else 1 / math.sqrt(int(np.asarray(qs[3])))
        states = [build.add(TABLE["Mul"], scores, build.constant("scale", scale, q))]
        states.append(self.capped(build, states[0]))
        states.append(self.masked(build, states[1], self.masks(build, mask, lengths, qs, keys), group))
        states.append(self.softmax(build, states[2]))
        y = build.add(MatMul, states[3], v)
        wide = (qs[0], qs[2], qs[1] * vs[3])
        if self.x.rank == 3:
            front = list(range(y.rank))
            y = build.reshape(build.transpose(y, [0, y.rank - 2, *front[1:-2], y.rank - 1]), wide)
        else:
            y = build.reshape(y, [*qs[:3], vs[3]])
        shown: Tensor | None = None
        if self.wants(3):
            shown = build.reshape(states[self.qk_matmul_output_mode], [*qs[:3], keys])
        given = [build.add(Identity, t) if t in self.inputs and self.wants(i) else t for i, t in ((1, presents[0]), (2, presents[1]))]
        return [y, *(t if self.wants(i) else None for i, t in ((1, given[0]), (2, given[1]))), shown]

    def present(self, build: Parts, x: Tensor, shape: Shape, past: Tensor | None) -> Tensor:
        """Keys or values as [N, heads, T, D], behind those of the past."""
        if x.rank == 3:
            x = build.transpose(build.reshape(x, [shape[0], shape[2], shape[1], shape[3]]), [0, 2, 1, 3])
        return x if past is None else build.add(Concat, past, x, axis=2)

    def capped(self, build: Parts, scores: Tensor) -> Tensor:
        """The scores bent so that they stay within the cap."""
        if not self.softcap:
            return scores
        cap = build.constant("cap", self.softcap, scores)
        return build.add(TABLE["Mul"], build.add(TABLE["Tanh"], build.add(TABLE["Div"], scores, cap)), cap)

    def softmax(self, build: Parts, scores: Tensor) -> Tensor:
        """Over the keys, in float64 if that is asked for, and never in less than the scores have."""
        if self.softmax_precision != float64.onnx or scores.dtype is float64:
            return build.add(MaskedSoftmax, scores, axis=-1)
        wide = build.add(MaskedSoftmax, build.add(Cast, scores, to=float64.onnx), axis=-1)
        return build.add(Cast, wide, to=scores.dtype.onnx)

    def masks(self, build: Parts, mask: Tensor | None, lengths: Tensor | None, qs: Shape, keys: Size) -> list[Tensor]:
        """Masks that broadcast to [N, heads, S, T]."""
        found = [] if mask is None else [self.lengthened(build, mask, keys)]
        past = self.arguments(5)[4]
        if lengths is not None:
            lengths = build.reshape(lengths, [qs[0], 1, 1, 1])
            place = numbers(build, keys, [1, 1, 1, keys])
            found.append(build.add(TABLE["Less"], place, lengths))
            if self.is_causal:
                behind = build.add(TABLE["Sub"], lengths, build.reshape(sizes(build, qs[2]), [1, 1, 1, 1]))
                row = build.add(TABLE["Add"], numbers(build, qs[2], [1, 1, qs[2], 1]), behind)
                found.append(build.add(TABLE["LessOrEqual"], place, row))
        elif self.is_causal:
            found.append(causal(build, qs[2], keys, 0 if past is None else past.shape[2]))
        return found

    def lengthened(self, build: Parts, mask: Tensor, keys: Size) -> Tensor:
        """A mask as long as there are keys."""
        if self.covered(mask, keys) == keys:
            return mask
        rest = keys - mask.shape[-1]
        hidden = build.constant("hidden", False if mask.dtype is bool_ else -np.inf, mask)
        return build.add(Pad, mask, sizes(build, *[0] * (2 * mask.rank - 1), rest), hidden)

    def masked(self, build: Parts, scores: Tensor, masks: Sequence[Tensor], group: int) -> Tensor:
        """The scores where the masks let them be, -inf elsewhere; float masks are added."""
        for mask in masks:
            if group > 1 and mask.rank >= 3:
                heads = (1, 1) if mask.shape[-3] == 1 else scores.shape[1:3]
                mask = build.reshape(mask, [*mask.shape[:-3], *heads, *mask.shape[-2:]])
            if mask.dtype is bool_:
                scores = build.add(TABLE["Where"], mask, scores, build.constant("masked", -np.inf, scores))
            else:
                scores = build.add(TABLE["Add"], scores, mask)
        return scores

    cases: ClassVar[Sequence[Case]] = (
        case(q=(2, 3, 5, 8), k=(2, 3, 7, 8), v=(2, 3, 7, 4), opset=23),
        case(q=("N", 3, 5, 8), k=("N", 3, 7, 8), v=("N", 3, 7, 8), mask=(5, 7), attributes={"scale": 0.2, "softcap": 1.5}, opset=23),
        case(q=("N", 5, 24), k=("N", 7, 24), v=("N", 7, 12), mask=data(1, 5, 7, dtype="bool", low=0, high=2),
             attributes={"q_num_heads": 3, "kv_num_heads": 3}, opset=23),
        case(q=("N", 5, 24), k=("N", 5, 8), v=("N", 5, 4), attributes={"q_num_heads": 6, "kv_num_heads": 2, "is_causal": 1}, opset=23),
        case(q=(2, 6, 5, 4), k=(2, 2, 7, 4), v=(2, 2, 7, 8), mask=(2, 6, 5, 7), attributes={"is_causal": 1}, opset=23),
        case(q=(2, 6, 5, 4), k=(2, 2, 7, 4), v=(2, 2, 7, 8), mask=data(2, 1, 5, 7, dtype="bool", low=0, high=2), opset=23),
        case(q=(2, 2, "S", 4), k=(2, 2, "T", 4), v=(2, 2, "T", 4), attributes={"is_causal": 1}, opset=23),
        case(q=(2, 2, 3, 4), k=(2, 2, 3, 4), v=(2, 2, 3, 4), opset=23,
             mask=given([[True, False, True], [False, False, False], [True, True, False]], "bool")),
        case(q=(2, 2, 3, 4), k=(2, 2, 3, 4), v=(2, 2, 3, 4), past_mask=None, past_k=(2, 2, 5, 4), past_v=(2, 2, 5, 4), outputs=3,
             attributes={"is_causal": 1}, opset=23),
        case(q=(2, 3, 8), k=(2, 3, 8), v=(2, 3, 8), mask=(3, 3), outputs=4, opset=23,
             attributes={"q_num_heads": 2, "kv_num_heads": 2, "qk_matmul_output_mode": 0, "is_causal": 1}),
        case(q=(2, 4, 3, 4), k=(2, 2, 3, 4), v=(2, 2, 3, 4), mask=(3, 3), outputs=4, attributes={"qk_matmul_output_mode": 3}, opset=23),
        case(q=(2, 2, 3, 4), k=(2, 2, 7, 4), v=(2, 2, 7, 4), attributes={"softmax_precision": 11}, opset=23),
        case(q=(2, 2, 3, 4), k=(2, 2, 7, 4), v=(2, 2, 7, 4), attributes={"softmax_precision": 10}, opset=23),
    )  # fmt: skip


def sizes(build: Parts, *values: Size) -> Tensor:
    """A vector of sizes."""
    return build.model.new_constant("sizes", of_sizes(values, int64), int64)


def numbers(build: Parts, count: Size, shape: Shape | list[Size]) -> Tensor:
    """0, 1, 2, ... below `count`, in a shape."""
    zero, one = (build.constant(hint, value, sizes(build, 0)) for hint, value in (("zero", 0), ("one", 1)))
    limit = build.model.new_constant("count", of_sizes([count], int64).reshape(()), int64)
    return build.reshape(build.add(Range, zero, limit, one), shape)


def causal(build: Parts, queries: Size, keys: Size, past: Size) -> Tensor:
    """A mask [queries, keys]: a query looks at those of the past, and at what is not behind it."""
    if isinstance(queries, int) and isinstance(keys, int) and isinstance(past, int) and queries * keys <= MOST_MASK:
        return build.model.new_constant("causal", np.tri(queries, keys, past, dtype=bool))
    row = numbers(build, queries, [queries, 1])
    if past != 0:
        row = build.add(TABLE["Add"], row, sizes(build, past))
    return build.add(TABLE["LessOrEqual"], numbers(build, keys, [1, keys]), row)
