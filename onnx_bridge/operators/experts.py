"""MoE and QMoE of com.microsoft: mixtures of experts."""

from __future__ import annotations

from dataclasses import dataclass

from onnx_bridge.ir import dims
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import float32, uint8
from onnx_bridge.ir.roperator import ROperator, UnsupportedForm, Writer, attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type, fits
from onnx_bridge.kernels.experts import EXPERTS
from onnx_bridge.operators.cases import Data, case, data, weight

#: The functions between the two layers, as C++ has them.
_ACTIVATIONS = {
    "relu": "Alone<ReluOf>()", "gelu": "Alone<GeluTanhOf>()", "silu": "Alone<SiluOf>()", "identity": "Alone<NothingOf>()",
}  # fmt: skip

_THIRD = "a third layer of experts (fc3) is not supported: onnxruntime has it for GPUs alone; put its weights into the first one, in turns"


@dataclass(eq=False, kw_only=True)
class Experts(ROperator):
    """y = for each row of x, the sum over the k experts that a router likes best of its share times w2 activation(w1 x + b1) + b2.

    x: [rows, hidden] or [N, S, hidden]; router: [rows, experts]. gelu is that by tanh; swiglu takes w1's rows in turns.
    """

    kernels = (EXPERTS.header,)

    activation_alpha: float = attribute(1.0)
    activation_beta: float = attribute(0.0)
    activation_type: str = attribute("relu")
    k: int = attribute(1)
    normalize_routing_weights: int = attribute(0)
    swiglu_fusion: int = attribute(0)
    swiglu_limit: float | None = attribute(None)
    use_sparse_mixer: int = attribute(0)

    def checked(self, x: Tensor, router: Tensor, w1: Tensor, packed: tuple[int, int]) -> tuple[int, int, int]:
        """The numbers of experts, of hidden features and of those between the two layers; how many weights a byte has of each layer.

        Raises:
            ShapeError, UnsupportedForm: attributes or shapes that are not so.
        """
        if self.activation_type not in (*_ACTIVATIONS, "swiglu"):
            raise ShapeError(f"activation_type must be relu, gelu, silu, swiglu or identity, got {self.activation_type!r}")
        if self.activation_type == "swiglu" and self.swiglu_fusion != 1:
            raise UnsupportedForm("swiglu wants swiglu_fusion 1, rows in turns: onnxruntime has others for GPUs alone")
        if x.rank not in (2, 3) or router.rank != 2 or w1.rank != 3:
            raise ShapeError(f"x must have rank 2 or 3, router_probs 2 and weights 3, got {x.type}, {router.type} and {w1.type}")
        experts, wide, columns = w1.shape
        if not all(isinstance(size, int) and size > 0 for size in w1.shape):
            raise UnsupportedForm(f"the sizes of weights must be known, got {w1.type}")
        assert isinstance(experts, int) and isinstance(wide, int) and isinstance(columns, int)
        if wide % self.pairs() or not 1 <= self.k <= experts:
            raise ShapeError(f"k must be from 1 to the number of experts, and swiglu has two rows each; got {self.k}, {w1.type}")
        hidden, inner = columns * packed[0], wide // self.pairs()
        fits(x, (*x.shape[:-1], hidden), "input")
        fits(router, (dims.product(x.shape[:-1]), experts), "router_probs")
        return experts, hidden, inner

    def pairs(self) -> int:
        """How many rows of the first layer make a number for the second one."""
        return 2 if self.activation_type == "swiglu" else 1

    def rows(self) -> Size:
        """How many rows x has."""
        return dims.product(self.x.shape[:-1])

    def inner(self) -> int:
        """The numbers between the two layers."""
        return int(self.input(2).shape[1]) // self.pairs()  # type: ignore[arg-type]

    def scratch_bytes(self) -> Size:
        return EXPERTS.scratch_bytes(self.rows(), self.k, self.x.shape[-1], self.inner(), self.pairs())

    def mixed(self, cpp: Writer, routing: str, w1: str, b1: Tensor | None, w2: str, b2: Tensor | None) -> None:
        """The call."""
        if self.activation_type == "swiglu":
            limit = "infinity<float>()" if self.swiglu_limit is None else f"{float(self.swiglu_limit)!r}f"
            activation = f"GatedPairs{{{float(self.activation_alpha)!r}f, {float(self.activation_beta)!r}f, {limit}}}"
        else:
            activation = _ACTIVATIONS[self.activation_type]
        scratch = f"reinterpret_cast<float*>({cpp.scratch()})"
        router = self.input(1)
        call = (self.rows(), router.shape[1], self.k, self.x, router, routing, w1, b1, w2, b2, activation, scratch, self.y)
        cpp.call(EXPERTS.function, *call)


@operator("MoE", domain="com.microsoft")
class MoE(Experts):
    """Weights of floats; shares are softmax(router), with normalize_routing_weights divided by the sum over the chosen experts.

    Inputs: x, router, w1 [experts, inner, hidden], b1, w2 [experts, hidden, inner], b2.
    """

    computes = ((float32,),)

    def types(
        self, x: Tensor, router: Tensor, w1: Tensor, b1: Tensor | None, w2: Tensor, b2: Tensor | None = None, *third: Tensor | None
    ) -> Type:
        if any(tensor is not None for tensor in third):
            raise UnsupportedForm(_THIRD)
        experts, hidden, inner = self.checked(x, router, w1, (1, 1))
        fits(w2, (experts, hidden, inner), "fc2_experts_weights")
        for tensor, width, what in ((b1, inner * self.pairs(), "fc1_experts_bias"), (b2, hidden, "fc2_experts_bias")):
            if tensor is not None:
                fits(tensor, (experts, width), what)
        return x.type

    def emit(self, cpp: Writer) -> None:
        _, _, w1, b1, w2, b2 = self.arguments(6)
        assert w1 is not None and w2 is not None
        rows = [f"FloatRows{{{cpp.pointer(w)}, {w.shape[1]}, {w.shape[2]}}}" for w in (w1, w2)]
        self.mixed(cpp, f"Routing{{nullptr, {'true' if self.normalize_routing_weights else 'false'}}}", rows[0], b1, rows[1], b2)

    cases = (
        case(x=("N", 16), r=("N", 5), w1=weight(5, 24, 16), b1=weight(5, 24), w2=weight(5, 16, 24), b2=weight(5, 16), attributes={"k": 2}),
        case(x=(2, 17, 16), r=data(34, 4, low=-3, high=3), w1=weight(4, 24, 16), b1=None, w2=weight(4, 16, 24),
             attributes={"k": 4, "activation_type": "silu", "normalize_routing_weights": 1}),
        case(x=(100, 37), r=data(100, 3, low=-3, high=3), w1=weight(3, 40, 37), b1=weight(3, 40), w2=weight(3, 37, 20), b2=weight(3, 37),
             attributes={"k": 2, "activation_type": "swiglu", "swiglu_fusion": 1, "activation_alpha": 1.7, "activation_beta": 1.0,
                         "swiglu_limit": 2.0}),
        case(x=(9, 16), r=data(9, 3), w1=data(3, 40, 16), b1=data(3, 40), w2=data(3, 16, 40), attributes={"activation_type": "gelu"}),
        case(x=(9, 16), r=data(9, 3), w1=weight(3, 8, 16), b1=None, w2=weight(3, 16, 4),
             attributes={"activation_type": "swiglu", "swiglu_fusion": 1}),
        case(x=(9, 16), r=data(9, 3), w1=weight(3, 8, 16), b1=None, w2=weight(3, 16, 8), attributes={"activation_type": "identity"}),
    )  # fmt: skip


def _packed(*shape: int) -> Data:
    """Bytes of weights."""
    return weight(*shape, dtype="uint8", low=0, high=256)


def _scales(*shape: int) -> Data:
    """Scales, small and positive."""
    return weight(*shape, low=0.01, high=0.05)


@operator("QMoE", domain="com.microsoft")
class QMoE(Experts):
    """Weights of integers of 2, 4 or 8 bits, (integer - zero point) * scale, in blocks or a row a block, unpacked as they are used.

    Shares are softmax(router) over the chosen experts, or what `router_weights` says of them. Computed in float32, whatever
    `accuracy_level` allows. Inputs: x, router, w1, scales, b1, w2, scales, b2, three of a third layer, the zero points of each,
    router_weights.
    """

    computes = ((float32,), (float32,), *[(uint8,), (float32,), (float32,)] * 3, *[(uint8,)] * 3, (float32,))

    accuracy_level: int = attribute(0)
    block_size: int = attribute(0)
    expert_weight_bits: int = attribute(4)
    fc1_expert_weight_bits: int = attribute(0)
    fc2_expert_weight_bits: int = attribute(0)
    fc3_expert_weight_bits: int = attribute(0)
    quant_type: str = attribute("int")
    weights_prepacked: int = attribute(-1)

    def bits(self) -> tuple[int, int]:
        """Those of a weight, of either layer."""
        return self.fc1_expert_weight_bits or self.expert_weight_bits, self.fc2_expert_weight_bits or self.expert_weight_bits

    def types(self, *_: Tensor | None) -> Type:
        x, router, w1, s1, b1, w2, s2, b2, *third = self.arguments(11)
        z1, z2, z3, weights, *scales = self.arguments(21)[11:]
        if self.quant_type != "int" or any(tensor is not None for tensor in scales):
            raise UnsupportedForm(f"weights of floats of 4 or 8 bits (quant_type {self.quant_type!r}) are not supported: onnxruntime has "
                                  f"them for GPUs alone")  # fmt: skip
        if any(tensor is not None for tensor in (*third, z3)):
            raise UnsupportedForm(_THIRD)
        if not all(bits in (2, 4, 8) for bits in self.bits()):
            raise ShapeError(f"weights must have 2, 4 or 8 bits, got {self.bits()}")
        if self.bits()[0] != self.bits()[1]:
            raise UnsupportedForm(f"layers of {self.bits()} bits are not supported: onnxruntime takes one number on CPUs")
        if any(tensor is None for tensor in (x, router, w1, s1, w2, s2)):
            raise ShapeError("input, router_probs, weights and their scales must be there")
        assert x is not None and router is not None and w1 is not None and w2 is not None and s1 is not None and s2 is not None
        each = (8 // self.bits()[0], 8 // self.bits()[1])
        experts, hidden, inner = self.checked(x, router, w1, each)
        if inner % each[1]:
            raise ShapeError(f"rows of {inner} weights of {self.bits()[1]} bits fill no bytes")
        fits(w2, (experts, hidden, inner // each[1]), "fc2_experts_weights")
        layers = ((s1, z1, b1, inner * self.pairs(), hidden), (s2, z2, b2, hidden, inner))
        for (scale, zero, bias, n, k), bits in zip(layers, self.bits(), strict=True):
            block = self.block(k)
            fits(scale, (experts, n) if scale.rank == 2 else (experts, n, k // block), "scales")
            if zero is not None:
                flat = (experts, -(-n * bits // 8))
                fits(zero, (experts, n, -(-(k // block) * bits // 8)) if self.block_size else flat, "zero points")
            if bias is not None:
                fits(bias, (experts, n), "a bias")
        if weights is not None:
            fits(weights, router.shape, "router_weights")
        return x.type

    def block(self, k: int) -> int:
        """How many weights of a row of k share a scale."""
        if self.block_size < 0 or (self.block_size and (k % self.block_size or self.block_size < 8)):
            raise ShapeError(f"block_size must be at least 8 and divide the rows of weights, {k}; got {self.block_size}")
        return self.block_size or k

    def emit(self, cpp: Writer) -> None:
        x, router, w1, s1, b1, w2, s2, b2 = self.arguments(8)
        z1, z2, _, weights = self.arguments(15)[11:]
        assert x is not None and router is not None and w1 is not None and w2 is not None and s1 is not None and s2 is not None
        rows = []
        for w, scale, zero, bits in ((w1, s1, z1, self.bits()[0]), (w2, s2, z2, self.bits()[1])):
            k = int(w.shape[2]) * (8 // bits)  # type: ignore[arg-type]
            zeros = "nullptr" if zero is None else cpp.pointer(zero)
            flat = "false" if self.block_size else "true"
            sizes = f"{w.shape[1]}, {k}, {self.block(k)}"
            rows.append(f"PackedRows<{bits}>{{{cpp.pointer(w)}, {cpp.pointer(scale)}, {zeros}, {sizes}, {flat}}}")
        chosen = weights is None or self.normalize_routing_weights
        routing = f"Routing{{{'nullptr' if weights is None else cpp.pointer(weights)}, {'true' if chosen else 'false'}}}"
        self.mixed(cpp, routing, rows[0], b1, rows[1], b2)

    cases = (
        case(x=("N", 16), r=("N", 5), w1=_packed(5, 24, 8), s1=_scales(5, 24), b1=weight(5, 24), w2=_packed(5, 16, 12), s2=_scales(5, 16),
             b2=weight(5, 16), attributes={"k": 2}),
        case(x=(70, 32), r=(70, 3), w1=_packed(3, 96, 16), s1=_scales(3, 96, 2), b1=None, w2=_packed(3, 32, 24), s2=_scales(3, 32, 3),
             b2=None,
             w3=None, s3=None, b3=None, z1=_packed(3, 96, 1), z2=_packed(3, 32, 2),
             attributes={"k": 2, "activation_type": "swiglu", "swiglu_fusion": 1, "block_size": 16, "swiglu_limit": 7.0,
                         "activation_alpha": 1.702, "activation_beta": 1.0}),
        case(x=(7, 16), r=(7, 4), w1=_packed(4, 24, 4), s1=_scales(4, 24), b1=None, w2=_packed(4, 16, 6), s2=_scales(4, 16), b2=None,
             w3=None, s3=None, b3=None, z1=_packed(4, 6), z2=_packed(4, 4),
             attributes={"k": 3, "activation_type": "silu", "expert_weight_bits": 2}),
        case(x=(7, 16), r=(7, 4), w1=_packed(4, 24, 16), s1=_scales(4, 24), b1=None, w2=_packed(4, 16, 24), s2=_scales(4, 16), b2=None,
             w3=None, s3=None, b3=None, z1=_packed(4, 24), z2=_packed(4, 16), z3=None, weights=(7, 4),
             attributes={"k": 2, "activation_type": "gelu", "expert_weight_bits": 8}),
        case(x=(7, 16), r=(7, 4), w1=_packed(4, 24, 16), s1=_scales(4, 24), b1=None, w2=_packed(4, 16, 24), s2=_scales(4, 16), b2=None,
             w3=None, s3=None, b3=None, z1=None, z2=None, z3=None, weights=data(7, 4, low=0.1, high=1.0),
             attributes={"k": 2, "expert_weight_bits": 8, "fc2_expert_weight_bits": 8, "normalize_routing_weights": 1}),
    )  # fmt: skip
