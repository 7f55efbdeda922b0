"""GroupQueryAttention of com.microsoft."""

from __future__ import annotations

from collections.abc import Sequence

from onnx_bridge.ir import dims
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import WIDE_FLOATS, float32, int32, int64
from onnx_bridge.ir.roperator import UnsupportedForm, attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type, fits, same
from onnx_bridge.library.composite import Composite, Parts
from onnx_bridge.operators.attention import numbers, sizes
from onnx_bridge.operators.cases import case, const, given, weight
from onnx_bridge.operators.cast import Cast
from onnx_bridge.operators.concat import Concat
from onnx_bridge.operators.expand import Expand
from onnx_bridge.operators.gather_elements import GatherND
from onnx_bridge.operators.heads import MaskedAttention, check_bias, check_rotary, cut, joined, positions, turned, width_of
from onnx_bridge.operators.layer_normalization import SimplifiedLayerNormalization
from onnx_bridge.operators.pointwise import TABLE
from onnx_bridge.operators.variadic import Max, Min


@operator("GroupQueryAttention", domain="com.microsoft")
class GroupQueryAttention(Composite):
    """y = softmax(softcap(scale * q k^T) + masks) v, for each head; several heads of q share one of k and v, and no query looks ahead.

    Inputs: q [N, S, heads * D], or q, k and v side by side; k and v [N, S, groups * D]; keys and values of the past [N, groups, P, D];
    how many keys each row of the batch has with the new ones, less 1; the largest such number; cosines and sines of positions; positions;
    what is added to the scores; for each head one more score, of no value; weights that q and k are normalised by.
    Outputs: y, and keys and values with the new ones, [N, groups, T, D]: rows beyond those that there are hold 0.
    """

    computes = (
        *[WIDE_FLOATS] * 5, (int32,), (int32,), *[WIDE_FLOATS] * 2, (int64,), *[WIDE_FLOATS] * 2, *[(float32,)] * 2, WIDE_FLOATS,
    )  # fmt: skip

    causal: int = attribute(1)
    do_rotary: int = attribute(0)
    k_quant_type: str = attribute("NONE")
    kv_cache_bit_width: int = attribute(0)
    kv_num_heads: int = attribute()
    local_window_size: int = attribute(-1)
    num_heads: int = attribute()
    qk_norm_epsilon: float = attribute(1e-6)
    qk_output: int = attribute(0)
    rotary_interleaved: int = attribute(0)
    scale: float | None = attribute(None)
    sliding_window_cache: int = attribute(0)
    smooth_softmax: int = attribute(0)
    softcap: float = attribute(0.0)
    v_quant_type: str = attribute("NONE")

    def width(self) -> int:
        """The size of a head."""
        packed = len(self.inputs) < 2 or self.inputs[1] is None
        heads = self.num_heads + 2 * self.kv_num_heads if packed else self.num_heads
        return width_of(self.x, heads, "query")

    def lengths(self) -> tuple[Size, Size]:
        """How many keys there are room for in the past, and with the new ones."""
        past, total = self.arguments(4)[3], self.input(6).sizes()[0]
        before: Size = 0 if past is None else past.shape[2]
        return before, total if past is None else dims.maximum(before, total)

    def types(
        self,
        q: Tensor,
        k: Tensor | None,
        v: Tensor | None,
        past_key: Tensor | None,
        past_value: Tensor | None,
        last: Tensor,
        total: Tensor,
        cos: Tensor | None = None,
        sin: Tensor | None = None,
        places: Tensor | None = None,
        added: Tensor | None = None,
        sink: Tensor | None = None,
        k_scale: Tensor | None = None,
        v_scale: Tensor | None = None,
        q_norm: Tensor | None = None,
        k_norm: Tensor | None = None,
    ) -> Sequence[Type]:
        if {self.k_quant_type, self.v_quant_type} != {"NONE"} or k_scale is not None or v_scale is not None:
            raise UnsupportedForm("quantised keys and values of the past are not supported; export the model with a cache of floats")
        if self.sliding_window_cache:
            raise UnsupportedForm("sliding_window_cache is not supported; export the model with a cache of all keys")
        if self.qk_output or self.wants(3):
            raise UnsupportedForm("the scores as an output (qk_output) are not supported; take the fourth output away")
        if not self.causal and self.local_window_size > 0:
            raise ShapeError("local_window_size is for causal attention alone")
        if past_key is not None and past_key.rank != 4:
            raise ShapeError(f"past_key must be [batch, kv_num_heads, past, size], got {past_key.type}")
        heads, groups, width = self.num_heads, self.kv_num_heads, self.width()
        if groups < 1 or heads < 1 or heads % groups:
            raise ShapeError(f"num_heads, {heads}, must be a multiple of kv_num_heads, {groups}")
        batch, length = q.shape[:2]
        if (k is None) != (v is None) or (past_key is None) != (past_value is None) or (q_norm is None) != (k_norm is None):
            raise ShapeError("key and value, past_key and past_value, and the weights of their norms must be given together")
        for tensor in (k, v):
            if tensor is not None:
                fits(tensor, (batch, length, groups * width), "key or value")
        if total.count != 1:
            raise ShapeError(f"total_sequence_length must be one number, got {total.type}")
        if last.rank not in (1, 2) or last.shape[1:] not in ((), (1,)):
            raise ShapeError(f"seqlens_k must be [batch], got {last.type}")
        same(last.shape[0], batch)
        before, keys = self.lengths()
        most = total.sizes()[0]
        if not dims.at_least(before, most):  # else a buffer with room for the new ones
            same(most, before + length)
        for tensor in (past_key, past_value):
            if tensor is not None:
                fits(tensor, (batch, groups, before, width), "past_key or past_value")
        if self.do_rotary:
            if cos is None or sin is None:
                raise ShapeError("do_rotary needs cos_cache and sin_cache")
            if check_rotary(cos, sin, length) > width:
                raise ShapeError(f"cos_cache, {cos.type}, is for more numbers than the {width} of a head")
        if places is not None:
            fits(places, (batch, length), "position_ids")
        if added is not None:
            check_bias(added, batch, heads, length, keys)
        if sink is not None:
            fits(sink, (heads,), "head_sink")
        for tensor in (q_norm, k_norm):
            if tensor is not None:
                fits(tensor, (width,), "q_norm_weight or k_norm_weight")
        present = Type(q.dtype, (batch, groups, keys, width))
        return [Type(q.dtype, (batch, length, heads * width)), present, present]

    # ---- its operators

    def parts(self, build: Parts) -> Sequence[Tensor | None]:
        added, sink = self.arguments(12)[10:]
        batch, length = self.x.shape[:2]
        before, keys = self.lengths()
        add, sub = TABLE["Add"], TABLE["Sub"]
        one, none = (build.model.new_constant(f"{self.y.name}_{value}", value, int64) for value in (1, 0))
        counts = build.add(add, build.reshape(build.add(Cast, self.input(5), to=int64.onnx), [batch, 1]), one)
        start = build.add(Max, build.add(sub, counts, sizes(build, length)), none)
        rows = build.add(add, numbers(build, length, [1, length]), start)
        q, k, v = self.operands(build, rows)
        place = numbers(build, keys, [1, keys])
        k, v = (self.present(build, *pair, start, place) for pair in ((k, 3), (v, 4)))
        seen = self.seen(build, rows, counts, place)
        masks = [build.reshape(seen, [batch, 1, *seen.shape[-2:]])] + ([] if added is None else [added])
        operands = [q, k, v]
        if sink is not None or self.smooth_softmax:
            operands[1:], masks = self.with_sink(build, operands[1:], masks, sink)
        own = {} if self.scale is None else {"scale": self.scale}
        y = build.add(MaskedAttention, *operands, None, None, None, None, *masks, softcap=self.softcap, **own)
        return [joined(build, y), k, v]

    def operands(self, build: Parts, rows: Tensor) -> list[Tensor]:
        """q as [N, heads, S, D], k and v as [N, S, groups, D], normalised and turned."""
        q, k, v = self.arguments(3)
        cos, sin, places = self.arguments(10)[7:]
        norms = [*self.arguments(16)[14:], None]
        heads, groups, width = self.num_heads, self.kv_num_heads, self.width()
        assert q is not None
        if k is None or v is None:
            ends = [heads * width, (heads + groups) * width, (heads + 2 * groups) * width]
            q, k, v = (cut(build, q, begin, end, -1) for begin, end in zip([0, *ends], ends, strict=False))
        made = [build.reshape(t, [*t.shape[:2], t.shape[2] // width, width]) for t in (q, k, v)]
        made = [
            t if norm is None else build.add(SimplifiedLayerNormalization, t, norm, axis=-1, epsilon=self.qk_norm_epsilon)
            for t, norm in zip(made, norms, strict=True)
        ]
        if self.do_rotary and cos is not None and sin is not None:
            cos, sin = positions(build, rows if places is None else places, cos, sin)
            made[:2] = [turned(build, t, cos, sin, bool(self.rotary_interleaved)) for t in made[:2]]
        return [build.transpose(made[0], [0, 2, 1, 3]), *made[1:]]

    def present(self, build: Parts, new: Tensor, index: int, start: Tensor, place: Tensor) -> Tensor:
        """Keys or values [N, groups, T, D]: of the past as many as a row of the batch has, then the new ones, then 0."""
        past = self.arguments(5)[index]
        before, keys = self.lengths()
        batch = self.x.shape[0]
        if past is not None or keys != new.shape[1]:
            every = new if past is None else build.add(Concat, build.transpose(past, [0, 2, 1, 3]), new, axis=1)
            behind = build.add(TABLE["Add"], build.add(TABLE["Sub"], place, start), sizes(build, before))
            chosen = build.add(TABLE["Where"], build.add(TABLE["Less"], place, start), place, behind)
            chosen = build.add(Min, chosen, sizes(build, every.shape[1] - 1))
            taken = build.add(GatherND, every, build.reshape(chosen, [batch, keys, 1]), batch_dims=1)
            end = build.add(TABLE["Add"], start, sizes(build, new.shape[1]))
            there = build.reshape(build.add(TABLE["Less"], place, end), [batch, keys, 1, 1])
            new = build.add(TABLE["Where"], there, taken, build.constant("empty", 0.0, new))
        return build.transpose(new, [0, 2, 1, 3])

    def seen(self, build: Parts, rows: Tensor, counts: Tensor, place: Tensor) -> Tensor:
        """Which keys a query looks at, [N, S or 1, T]."""
        batch, length = self.x.shape[:2]
        place = build.reshape(place, [1, 1, *place.shape[1:]])
        seen = build.add(TABLE["Less"], place, build.reshape(counts, [batch, 1, 1]))
        if not self.causal:
            return seen
        own = build.reshape(rows, [batch, length, 1])
        seen = build.add(TABLE["And"], seen, build.add(TABLE["LessOrEqual"], place, own))
        if self.local_window_size > 0:
            first = build.add(TABLE["Sub"], own, sizes(build, self.local_window_size))
            seen = build.add(TABLE["And"], seen, build.add(TABLE["Greater"], place, first))
        return seen

    def with_sink(self, build: Parts, pair: list[Tensor], masks: list[Tensor], sink: Tensor | None) -> tuple[list[Tensor], list[Tensor]]:
        """Keys, values and masks with one more key, whose score is `sink` or 0, and whose value is 0."""
        longer: list[Tensor] = []
        for tensor in (*pair, *masks):
            axis = 2 if len(longer) < 2 else tensor.rank - 1
            shape = [1 if index == axis else size for index, size in enumerate(tensor.shape)]
            last = build.constant("last", tensor.dtype.name == "bool", tensor)
            longer.append(build.add(Concat, tensor, build.add(Expand, last, sizes(build, *shape)), axis=axis))
        if sink is not None:
            keys = pair[0].shape[2]
            front = build.add(Expand, build.constant("front", 0.0, sink), sizes(build, 1, self.num_heads, 1, keys))
            longer.append(build.add(Concat, front, build.reshape(sink, [1, self.num_heads, 1, 1]), axis=-1))
        return longer[:2], longer[2:]

    cases = (
        case(q=(2, 5, 32), k=(2, 5, 16), v=(2, 5, 16), past_key=None, past_value=None, last=given([4, 4], "int32"),
             total=const(5, "int32"), attributes={"num_heads": 4, "kv_num_heads": 2}, outputs=3),
        case(q=(2, 1, 32), k=(2, 1, 16), v=(2, 1, 16), past_key=(2, 2, 6, 8), past_value=(2, 2, 6, 8), last=given([6, 4], "int32"),
             total=const(7, "int32"), attributes={"num_heads": 4, "kv_num_heads": 2, "scale": 0.3}, outputs=3),
        case(q=(2, 1, 128), k=None, v=None, past_key=(2, 2, 6, 16), past_value=(2, 2, 6, 16), last=given([6, 4], "int32"),
             total=const(7, "int32"), cos=weight(9, 8), sin=weight(9, 8),
             attributes={"num_heads": 4, "kv_num_heads": 2, "do_rotary": 1}, outputs=3),
        case(q=(1, 6, 64), k=(1, 6, 16), v=(1, 6, 16), past_key=None, past_value=None, last=given([5], "int32"),
             total=const(6, "int32"), cos=weight(9, 8), sin=weight(9, 8),
             attributes={"num_heads": 4, "kv_num_heads": 1, "do_rotary": 1, "rotary_interleaved": 1, "local_window_size": 2,
                         "softcap": 1.5}),
        case(q=(1, 3, 32), k=(1, 3, 16), v=(1, 3, 16), past_key=(1, 2, 4, 8), past_value=(1, 2, 4, 8), last=given([6], "int32"),
             total=const(7, "int32"), cos=None, sin=None, places=None, added=(1, 4, 3, 7), sink=weight(4),
             attributes={"num_heads": 4, "kv_num_heads": 2}, outputs=3),
        case(q=(1, 5, 32), k=(1, 5, 16), v=(1, 5, 16), past_key=(1, 2, 8, 8), past_value=(1, 2, 8, 8), last=given([4], "int32"),
             total=const(5, "int32"), attributes={"num_heads": 4, "kv_num_heads": 2, "smooth_softmax": 1}),
        case(q=(1, 5, 32), k=(1, 5, 16), v=(1, 5, 16), past_key=None, past_value=None, last=given([4], "int32"),
             total=const(5, "int32"), attributes={"num_heads": 4, "kv_num_heads": 2, "causal": 0}),
        case(q=(1, 1, 64), k=(1, 1, 32), v=(1, 1, 32), past_key=(1, 2, 6, 16), past_value=(1, 2, 6, 16), last=given([6], "int32"),
             total=const(7, "int32"), cos=weight(9, 8), sin=weight(9, 8), places=given([[6]], "int64"),
             attributes={"num_heads": 4, "kv_num_heads": 2, "do_rotary": 1}, outputs=3),
        case(q=(2, 5, 32), k=(2, 5, 16), v=(2, 5, 16), past_key=None, past_value=None, last=given([4, 2], "int32"),
             total=const(5, "int32"), attributes={"num_heads": 4, "kv_num_heads": 2}, outputs=3),
    )  # fmt: skip
