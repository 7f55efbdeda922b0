"""LinearAttention of com.microsoft; that of ONNX is taken apart by ONNX's own function."""

from __future__ import annotations

from collections.abc import Sequence

from onnx_bridge.ir import dims
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import float32
from onnx_bridge.ir.roperator import ROperator, UnsupportedForm, Writer, attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type, fits
from onnx_bridge.kernels.linear_attention import LINEAR_ATTENTION
from onnx_bridge.operators.cases import case, data
from onnx_bridge.operators.heads import width_of


@operator("LinearAttention", domain="com.microsoft")
class LinearAttention(ROperator):
    """y = scale q S; S [dk, dv] is a state for each head that every token changes: S = exp(decay) S + k r, r = beta (v - k exp(decay) S).

    update_rule "linear" has neither decay nor beta (r = v), "gated" the first, "delta" the second, "gated_delta" both.
    Inputs: q [N, S, q_num_heads * dk], k [N, S, heads * dk], v [N, S, heads * dv], the state before [N, heads, dk, dv], the decay
    [N, S, heads * dk] or [N, S, heads], and beta [N, S, heads] or [N, S, 1]. Outputs: y, and the state behind the last token.
    """

    kernels = (LINEAR_ATTENTION.header,)
    computes = ((float32,),)

    chunk_size: int = attribute(64)
    kv_num_heads: int = attribute()
    q_num_heads: int = attribute()
    scale: float = attribute(0.0)
    state_window: int = attribute(0)
    update_rule: str = attribute("gated_delta")

    def types(
        self,
        q: Tensor,
        k: Tensor,
        v: Tensor,
        past: Tensor | None = None,
        decay: Tensor | None = None,
        beta: Tensor | None = None,
    ) -> Sequence[Type]:
        if self.state_window:
            raise UnsupportedForm("state_window, the states behind several tokens, is not supported: onnxruntime has it for GPUs alone")
        if self.update_rule not in ("linear", "gated", "delta", "gated_delta"):
            raise ShapeError(f"update_rule must be linear, gated, delta or gated_delta, got {self.update_rule!r}")
        queries, heads = self.q_num_heads, self.kv_num_heads
        dk, dv = width_of(k, heads, "key"), width_of(v, heads, "value")
        if queries < 1 or max(queries, heads) % min(queries, heads):
            raise ShapeError(f"one of q_num_heads and kv_num_heads must be a multiple of the other, got {queries} and {heads}")
        batch, length = k.shape[:2]
        fits(q, (batch, length, queries * dk), "query")
        fits(v, (batch, length, heads * dv), "value")
        if past is not None:
            fits(past, (batch, heads, dk, dv), "past_state")
        for tensor, what, used in ((decay, "decay", "gated" in self.update_rule), (beta, "beta", "delta" in self.update_rule)):
            if used and tensor is None:
                raise ShapeError(f"update_rule {self.update_rule!r} needs {what}")
        if decay is not None:
            fits(decay, (batch, length, heads * dk if decay.rank == 3 and decay.shape[2] == heads * dk else heads), "decay")
        if beta is not None:
            fits(beta, (batch, length, 1 if beta.rank == 3 and beta.shape[2] == 1 else heads), "beta")
        return [Type(float32, (batch, length, max(queries, heads) * dv)), Type(float32, (batch, heads, dk, dv))]

    def scratch_bytes(self) -> Size:
        return 0 if self.wants(1) else dims.product(self.state()) * 4

    def state(self) -> tuple[Size, ...]:
        """The shape of the state."""
        k, v, heads = self.input(1), self.input(2), self.kv_num_heads
        return (k.shape[0], heads, width_of(k, heads, "key"), width_of(v, heads, "value"))

    def emit(self, cpp: Writer) -> None:
        q, k, v, past, decay, beta = self.arguments(6)
        assert q is not None and k is not None
        if "gated" not in self.update_rule:
            decay = None
        if "delta" not in self.update_rule:
            beta = None
        batch, heads, dk, dv = self.state()
        each = decay is not None and decay.shape[2] == heads * dk and dk != 1
        scale = self.scale or int(dk) ** -0.5  # type: ignore[arg-type]
        sizes = ", ".join(cpp.size(size) for size in (batch, k.shape[1], self.q_num_heads, heads, dk, dv))
        pointers = ", ".join("nullptr" if t is None else cpp.pointer(t) for t in (decay, beta))
        betas = 1 if beta is None else beta.shape[2]
        call = f"LinearAttention{{{sizes}, {pointers}, {'true' if each else 'false'}, {betas}, {scale!r}f}}"
        state = self.output(1) if self.wants(1) else f"reinterpret_cast<float*>({cpp.scratch()})"
        cpp.call(LINEAR_ATTENTION.function, call, q, k, v, past, state, self.y)

    cases = (
        case(q=("N", 5, 8), k=("N", 5, 8), v=("N", 5, 40), past=("N", 2, 4, 20), decay=data("N", 5, 2, low=-2, high=0),
             beta=("N", 5, 2), attributes={"q_num_heads": 2, "kv_num_heads": 2}, outputs=2),
        case(q=(2, "T", 8), k=(2, "T", 8), v=(2, "T", 12), past=None, decay=data(2, "T", 8, low=-2, high=0), beta=(2, "T", 1),
             attributes={"q_num_heads": 2, "kv_num_heads": 2, "scale": 0.7}, outputs=2),
        case(q=(2, 4, 72), k=(2, 4, 36), v=(2, 4, 32), past=(2, 2, 18, 16), decay=data(2, 4, 36, low=-2, high=0),
             attributes={"q_num_heads": 4, "kv_num_heads": 2, "update_rule": "gated"}, outputs=2),
        case(q=(2, 3, 6), k=(2, 3, 12), v=(2, 3, 8), past=None, decay=None, beta=(2, 3, 4),
             attributes={"q_num_heads": 2, "kv_num_heads": 4, "update_rule": "delta"}, outputs=2),
        case(q=(1, 6, 8), k=(1, 6, 8), v=(1, 6, 8), attributes={"q_num_heads": 1, "kv_num_heads": 1, "update_rule": "linear"}, outputs=2),
    )  # fmt: skip
