"""What the exporters of PyTorch make of single functions, where their own translation is wrong or missing.

Each of the two exporters takes a table. An entry stands here because without it the exported model is silently wrong (avg_pool with a
divisor, log_sigmoid, the threshold of softplus, floor division) or the exporter gives up (rrelu, cdist, rms_norm, unflatten).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from onnx_bridge.frontends.exported import require
from onnx_bridge.frontends.torch import internals
from onnx_bridge.frontends.torch.ordering import ordering_table

Ints = Sequence[int]

#: What the TorchScript exporter is asked for: the newest that it knows.
TORCHSCRIPT_OPSET = 20


def dynamo_table(torch: Any) -> dict[Any, Callable[..., Any]]:
    """For `torch.onnx.export(..., custom_translation_table=)`: functions of onnxscript by operator."""
    aten = torch.ops.aten
    return {
        aten.log_sigmoid.default: _log_sigmoid,
        aten.avg_pool2d.default: _avg_pool2d,
        aten.avg_pool3d.default: _avg_pool3d,
        aten.rrelu.default: _rrelu,
        aten.cdist.default: _cdist,
        aten.rnn_tanh.input: _rnn_tanh,
        aten.rnn_relu.input: _rnn_relu,
        **ordering_table(torch),
    }


def _onnx() -> Any:
    return require("onnxscript", "PyTorch", "torch").opset20


def _log_sigmoid(x: Any) -> Any:
    """-softplus(-x): the exporter's log(sigmoid(x)) is -inf where the sigmoid is 0."""
    op = _onnx()
    return op.Neg(op.Softplus(op.Neg(x)))


def _avg_pool2d(
    x: Any, kernel_size: Ints, stride: Ints = (), padding: Ints = (0, 0), ceil_mode: bool = False, count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Any:  # fmt: skip
    return _avg_pool(2, x, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


def _avg_pool3d(
    x: Any, kernel_size: Ints, stride: Ints = (), padding: Ints = (0, 0, 0), ceil_mode: bool = False, count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Any:  # fmt: skip
    return _avg_pool(3, x, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


def _avg_pool(rank: int, x: Any, kernel: Ints, stride: Ints, padding: Ints, ceil_mode: bool, include: bool, divisor: int | None) -> Any:
    """AveragePool, which has no divisor of its own: with padding counted it divides by the window's size, which is made good."""
    op = _onnx()
    kernel, stride, padding = _each(kernel, rank), _each(stride or kernel, rank), _each(padding or 0, rank)
    unbatched = len(x.shape) == rank + 1
    y = op.Unsqueeze(x, op.Constant(value_ints=[0])) if unbatched else x
    _refuse_ceil_with_divisor(ceil_mode, divisor)
    y = op.AveragePool(
        y, kernel_shape=kernel, strides=stride, pads=[*padding, *padding], ceil_mode=int(ceil_mode),
        count_include_pad=int(include or divisor is not None),
    )  # fmt: skip
    if divisor is not None:
        y = op.Mul(y, op.CastLike(op.Constant(value_float=_size(kernel) / divisor), y))
    return op.Squeeze(y, op.Constant(value_ints=[0])) if unbatched else y


def _refuse_ceil_with_divisor(ceil_mode: bool, divisor: int | None) -> None:
    if ceil_mode and divisor is not None:
        raise ValueError("average pooling with ceil_mode and divisor_override: ONNX divides the last windows by another number")


def _each(value: Any, rank: int) -> list[int]:
    values = [value] if isinstance(value, int) else list(value)
    return [int(v) for v in (values * rank if len(values) == 1 else values)]


def _size(kernel: Ints) -> float:
    size = 1
    for k in kernel:
        size *= k
    return float(size)


def _rrelu(x: Any, lower: float = 0.125, upper: float = 1 / 3, training: bool = False, generator: Any = None) -> Any:
    """In inference the slope is the mean of the bounds."""
    return _onnx().LeakyRelu(x, alpha=(lower + upper) / 2)


def _cdist(x: Any, y: Any, p: float = 2.0, compute_mode: int | None = None) -> Any:
    op = _onnx()
    apart = op.Sub(op.Unsqueeze(x, op.Constant(value_ints=[-2])), op.Unsqueeze(y, op.Constant(value_ints=[-3])))
    axis = op.Constant(value_ints=[-1])
    if p == 2:
        return op.ReduceL2(apart, axis, keepdims=0)
    if p == 1:
        return op.ReduceL1(apart, axis, keepdims=0)
    if p == float("inf"):
        return op.ReduceMax(op.Abs(apart), axis, keepdims=0)
    power = op.CastLike(op.Constant(value_float=p), x)
    return op.Pow(op.ReduceSum(op.Pow(op.Abs(apart), power), axis, keepdims=0), op.Reciprocal(power))


def _rnn_tanh(
    x: Any, hx: Any, params: Sequence[Any], has_biases: bool, num_layers: int, dropout: float, train: bool, bidirectional: bool,
    batch_first: bool,
) -> Any:  # fmt: skip
    return _rnn("Tanh", x, hx, params, has_biases, num_layers, bidirectional, batch_first)


def _rnn_relu(
    x: Any, hx: Any, params: Sequence[Any], has_biases: bool, num_layers: int, dropout: float, train: bool, bidirectional: bool,
    batch_first: bool,
) -> Any:  # fmt: skip
    return _rnn("Relu", x, hx, params, has_biases, num_layers, bidirectional, batch_first)


def _rnn(
    activation: str, x: Any, hx: Any, params: Sequence[Any], has_biases: bool, levels: int, bidirectional: bool, batch_first: bool
) -> Any:
    """An RNN node a level, where the exporter unrolls over the length of the example."""
    op = _onnx()
    directions, each = 2 if bidirectional else 1, 4 if has_biases else 2
    front = op.Constant(value_ints=[0])

    def joined(values: Sequence[Any], axis: int = 0) -> Any:
        return values[0] if len(values) == 1 else op.Concat(*values, axis=axis)

    y = op.Transpose(x, perm=[1, 0, 2]) if batch_first else x
    finals = []
    for level in range(levels):
        parts = [params[(level * directions + d) * each :][:each] for d in range(directions)]
        weights = [joined([op.Unsqueeze(part[index], front) for part in parts]) for index in range(2)]
        bias = joined([op.Unsqueeze(op.Concat(part[2], part[3], axis=0), front) for part in parts]) if has_biases else None
        start = op.Slice(hx, op.Constant(value_ints=[level * directions]), op.Constant(value_ints=[(level + 1) * directions]), front)
        y, final = op.RNN(
            y, *weights, bias, None, start, hidden_size=int(params[1].shape[1]), activations=[activation] * directions,
            direction="bidirectional" if bidirectional else "forward",
        )  # fmt: skip
        finals.append(final)
        if directions == 1:
            y = op.Squeeze(y, op.Constant(value_ints=[1]))
        else:
            y = op.Reshape(op.Transpose(y, perm=[0, 2, 1, 3]), op.Constant(value_ints=[0, 0, -1]))
    return (op.Transpose(y, perm=[1, 0, 2]) if batch_first else y), joined(finals)


@contextlib.contextmanager
def torchscript_table(torch: Any) -> Iterator[None]:
    """Registers translations for the TorchScript exporter inside the block, and takes them out: its registry belongs to the process."""
    for name, (function, kinds) in TORCHSCRIPT.items():
        torch.onnx.register_custom_op_symbolic(f"aten::{name}", internals.parsed(kinds, function), TORCHSCRIPT_OPSET)
    try:
        yield
    finally:
        for name in TORCHSCRIPT:
            torch.onnx.unregister_custom_op_symbolic(f"aten::{name}", TORCHSCRIPT_OPSET)


def _number(value: Any) -> Any:
    """The constant behind a value of the graph; None where it is None or computed."""
    node = value.node()
    return node.t("value").tolist() if node.kind() == "onnx::Constant" and node.hasAttribute("value") else None


def _ts_log_sigmoid(g: Any, x: Any) -> Any:
    return g.op("Neg", g.op("Softplus", g.op("Neg", x)))


def _ts_softplus(g: Any, x: Any, beta: Any, threshold: Any) -> Any:
    """With the threshold, which the exporter leaves out."""
    beta, threshold = g.op("CastLike", beta, x), g.op("CastLike", threshold, x)
    scaled = g.op("Mul", x, beta)
    return g.op("Where", g.op("Greater", scaled, threshold), x, g.op("Div", g.op("Softplus", scaled), beta))


def _ts_floor_divide(g: Any, x: Any, y: Any) -> Any:
    """Rounds down; the exporter rounds towards zero."""
    whole = ("Long", "Int", "Short", "Char", "Byte")
    if isinstance(_number(y), int):
        y = g.op("CastLike", y, x)
    if x.type().scalarType() in whole and (_number(y) is None or isinstance(_number(y), int)) and y.type().scalarType() in (*whole, None):
        # The remainder has the divisor's sign, so what it leaves divides without a rest.
        return g.op("Div", g.op("Sub", x, g.op("Mod", x, y)), y)
    return g.op("Floor", g.op("Div", x, g.op("CastLike", y, x)))


def _ts_rms_norm(g: Any, x: Any, shape: Sequence[int], weight: Any, eps: float | None) -> Any:
    torch = require("torch", "PyTorch", "torch")
    axes = g.op("Constant", value_t=torch.tensor(list(range(-len(shape), 0))))
    tiny = g.op("CastLike", g.op("Constant", value_t=torch.tensor(torch.finfo(torch.float32).eps if eps is None else eps)), x)
    scaled = g.op("Div", x, g.op("Sqrt", g.op("Add", g.op("ReduceMean", g.op("Mul", x, x), axes, keepdims_i=1), tiny)))
    return scaled if weight.node().mustBeNone() else g.op("Mul", scaled, weight)


def _ts_unflatten(g: Any, x: Any, dim: int, sizes: Any) -> Any:
    """Tells the rank of what it gives: where it does not, traced attention cannot be exported."""
    torch = require("torch", "PyTorch", "torch")
    rank = x.type().dim()
    if rank is None:
        raise ValueError("unflatten of a tensor whose rank is not known")
    zero, whole = (g.op("Constant", value_t=torch.tensor([number])) for number in (0, -1))
    parts = [zero] * (dim % rank) + [g.op("Reshape", size, whole) for size in sizes.node().inputs()]
    rest = [g.op("Shape", x, start_i=dim % rank + 1)] if dim % rank + 1 < rank else []
    y = g.op("Reshape", x, g.op("Concat", *parts, *rest, axis_i=0))
    y.setType(x.type().with_sizes([None] * (len(parts) + rank - dim % rank - 1)))
    return y


def _ts_avg_pool(rank: int) -> Callable[..., Any]:
    def translate(
        g: Any, x: Any, kernel: Ints, stride: Ints, padding: Ints, ceil_mode: int, include: int, divisor: int | None = None
    ) -> Any:
        torch = require("torch", "PyTorch", "torch")
        _refuse_ceil_with_divisor(bool(ceil_mode), divisor)
        sizes, pads = _each(kernel, rank), _each(padding or 0, rank)
        y = g.op(
            "AveragePool", x, kernel_shape_i=sizes, strides_i=_each(stride or sizes, rank), pads_i=[*pads, *pads],
            ceil_mode_i=int(ceil_mode), count_include_pad_i=int(include or divisor is not None),
        )  # fmt: skip
        if divisor is None:
            return y
        return g.op("Mul", y, g.op("CastLike", g.op("Constant", value_t=torch.tensor(_size(sizes) / divisor)), y))

    return translate


#: For the TorchScript exporter: functions by the name of the operator, and their arguments: v a tensor, i a number, f a float, is numbers.
TORCHSCRIPT: dict[str, tuple[Callable[..., Any], tuple[str, ...]]] = {
    "log_sigmoid": (_ts_log_sigmoid, ("v",)),
    "softplus": (_ts_softplus, ("v", "v", "v")),
    "floor_divide": (_ts_floor_divide, ("v", "v")),
    "unflatten": (_ts_unflatten, ("v", "i", "v")),
    "rms_norm": (_ts_rms_norm, ("v", "is", "v", "f")),
    "avg_pool2d": (_ts_avg_pool(2), ("v", "is", "is", "is", "i", "i", "i")),
    "avg_pool3d": (_ts_avg_pool(3), ("v", "is", "is", "is", "i", "i", "i")),
}
