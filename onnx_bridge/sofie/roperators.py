"""SOFIE's operators that calculate: dense and recurrent layers, convolutions, normalisations, what works element by element."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from onnx_bridge.errors import SofieError
from onnx_bridge.sofie.roperator import Name, Nodes, Template
from onnx_bridge.sofie.values import (
    EActivationType,
    EBasicBinaryOperator,
    EBasicIsOperator,
    EBasicNaryOperator,
    EBasicUnaryOperator,
    EComparisionOperator,
    EReduceOpMode,
    ETensorType,
    PoolOpMode,
    RAttributes_Pool,
)

_T = (ETensorType,)
_NONE = Name("")


def _activated(nodes: Nodes, activation: EActivationType, output: Name) -> tuple[Name, list[tuple[str, dict[str, Any]]]]:
    """What a node in front of an activation writes to, and the activation."""
    if activation is EActivationType.UNDEFINED:
        return output, []
    return nodes.between(), [("Relu", {}) if activation is EActivationType.RELU else ("LeakyRelu", {"alpha": 0.01})]


def _gemm(
    nodes: Nodes, alpha: float, beta: float, transA: int, transB: int, nameA: Name, nameB: Name, nameC: Name, nameY: Name,
    activation: EActivationType = EActivationType.UNDEFINED,
) -> None:  # fmt: skip
    """Y = activation(alpha A B + beta C); A and B transposed where that is said. Of tensors of more than two axes: their matrices."""
    made, then = _activated(nodes, activation, nameY)
    nodes.node("Gemm", [nameA, nameB, nameC], [made], alpha=alpha, beta=beta, transA=transA, transB=transB)
    for op, attributes in then:
        nodes.node(op, [made], [nameY], **attributes)


def _gemm_without_bias(
    nodes: Nodes, alpha: float, beta: float, transA: int, transB: int, nameA: Name, nameB: Name, nameY: Name,
    activation: EActivationType = EActivationType.UNDEFINED,
) -> None:  # fmt: skip
    _gemm(nodes, alpha, beta, transA, transB, nameA, nameB, Name(""), nameY, activation)


def _window(autopad: str, **sizes: Sequence[int]) -> dict[str, Any]:
    """Attributes of a window, those that are not said left out."""
    given: dict[str, Any] = {key: list(value) for key, value in sizes.items() if len(value)}
    if autopad not in ("", "NOTSET"):
        given = {"auto_pad": autopad} | {key: value for key, value in given.items() if key != "pads" or any(value)}
    return given


def _conv(
    nodes: Nodes, autopad: str, dilations: Sequence[int], group: int, kernelShape: Sequence[int], pads: Sequence[int],
    strides: Sequence[int], nameX: Name, nameW: Name, nameB: Name, nameY: Name,
) -> None:  # fmt: skip
    """Y = X convolved with W, plus B, which may be left out ("")."""
    window = _window(autopad, dilations=dilations, kernel_shape=kernelShape, pads=pads, strides=strides)
    nodes.node("Conv", [nameX, nameW, nameB], [nameY], group=group, **window)


def _conv_without_bias(
    nodes: Nodes, autopad: str, dilations: Sequence[int], group: int, kernelShape: Sequence[int], pads: Sequence[int],
    strides: Sequence[int], nameX: Name, nameW: Name, nameY: Name,
) -> None:  # fmt: skip
    _conv(nodes, autopad, dilations, group, kernelShape, pads, strides, nameX, nameW, Name(""), nameY)


def _conv_transpose(
    nodes: Nodes, autopad: str, dilations: Sequence[int], group: int, kernelShape: Sequence[int], outputPadding: Sequence[int],
    outputShape: Sequence[int], pads: Sequence[int], strides: Sequence[int], nameX: Name, nameW: Name, nameB: Name, nameY: Name,
) -> None:  # fmt: skip
    """Y = X convolved transposed with W, plus B, which may be left out ("")."""
    window = _window(
        autopad, dilations=dilations, kernel_shape=kernelShape, output_padding=outputPadding, output_shape=outputShape, pads=pads,
        strides=strides,
    )  # fmt: skip
    nodes.node("ConvTranspose", [nameX, nameW, nameB], [nameY], group=group, **window)


def _pool(nodes: Nodes, mode: PoolOpMode, attr: RAttributes_Pool, nameX: Name, nameY: Name) -> None:
    """Y = the largest or mean of each window of X, or the mean of each channel."""
    if mode is PoolOpMode.GlobalAveragePool:
        nodes.node("GlobalAveragePool", [nameX], [nameY])
        return
    window = _window(attr.auto_pad, kernel_shape=attr.kernel_shape, pads=attr.pads, strides=attr.strides, dilations=attr.dilations)
    window["ceil_mode"] = attr.ceil_mode or None
    if mode is PoolOpMode.MaxPool:
        nodes.node("MaxPool", [nameX], [nameY], storage_order=attr.storage_order or None, **window)
    elif mode is PoolOpMode.AveragePool:
        nodes.node("AveragePool", [nameX], [nameY], count_include_pad=attr.count_include_pad or None, **window)
    else:
        raise SofieError("TMVA-SOFIE: ROperator_Pool: the mode is MaxPool, AveragePool or GlobalAveragePool, not InvalidPool")


def _batch_normalization(
    nodes: Nodes, epsilon: float, momentum: float, training_mode: int, nameX: Name, nameScale: Name, nameB: Name, nameMean: Name,
    nameVar: Name, nameY: Name, activation: EActivationType = EActivationType.UNDEFINED,
) -> None:  # fmt: skip
    """Y = activation(Scale (X - Mean) / sqrt(Var + epsilon) + B), by channels."""
    if training_mode:
        raise SofieError("TMVA-SOFIE: ROperator_BatchNormalization: training_mode must be 0: a header is for inference")
    made, then = _activated(nodes, activation, nameY)
    nodes.node("BatchNormalization", [nameX, nameScale, nameB, nameMean, nameVar], [made], epsilon=epsilon, momentum=momentum)
    for op, attributes in then:
        nodes.node(op, [made], [nameY], **attributes)


def _layer_normalization(
    nodes: Nodes, axis: int, epsilon: float, stashType: int, nameX: Name, nameScale: Name, nameB: Name, nameY: Name, nameMean: Name,
    nameInvStdDev: Name,
) -> None:  # fmt: skip
    """Y = X from axis on with mean 0 and variance 1, times Scale, plus B; "" leaves B, the means and deviations out."""
    outputs = [nameY, nameMean, nameInvStdDev]
    nodes.node("LayerNormalization", [nameX, nameScale, nameB], outputs, axis=axis, epsilon=epsilon, stash_type=stashType)


def _instance_normalization(nodes: Nodes, epsilon: float, nameInput: Name, nameScale: Name, nameBias: Name, nameOutput: Name) -> None:
    """Output = each channel of each image with mean 0 and variance 1, times Scale, plus Bias."""
    nodes.node("InstanceNormalization", [nameInput, nameScale, nameBias], [nameOutput], epsilon=epsilon)


def _recurrent(
    alpha: Sequence[float], beta: Sequence[float], activations: Sequence[str], clip: float, direction: str, hidden: int, layout: int
) -> dict[str, Any]:
    """What the recurrent layers have in common; SOFIE's empty lists and zeros mean that nothing is said."""
    return {
        "activation_alpha": list(alpha) or None, "activation_beta": list(beta) or None, "activations": list(activations) or None,
        "clip": clip or None, "direction": direction or None, "hidden_size": hidden or None, "layout": layout or None,
    }  # fmt: skip


def _lstm(
    nodes: Nodes, activation_alpha: Sequence[float], activation_beta: Sequence[float], activations: Sequence[str], clip: float,
    direction: str, hidden_size: int, input_forget: int, layout: int, nameX: Name, nameW: Name, nameR: Name, nameB: Name,
    nameSequence_lens: Name, nameInitial_h: Name, nameInitial_c: Name, nameP: Name, nameY: Name, nameY_h: Name, nameY_c: Name,
) -> None:  # fmt: skip
    """ONNX's LSTM; inputs behind R, and outputs, may be left out ("")."""
    said = _recurrent(activation_alpha, activation_beta, activations, clip, direction, hidden_size, layout)
    inputs = [nameX, nameW, nameR, nameB, nameSequence_lens, nameInitial_h, nameInitial_c, nameP]
    nodes.node("LSTM", inputs, [nameY, nameY_h, nameY_c], input_forget=input_forget or None, **said)


def _gru(
    nodes: Nodes, activation_alpha: Sequence[float], activation_beta: Sequence[float], activations: Sequence[str], clip: float,
    direction: str, hidden_size: int, layout: int, linear_before_reset: int, nameX: Name, nameW: Name, nameR: Name, nameB: Name,
    nameSequence_lens: Name, nameInitial_h: Name, nameY: Name, nameY_h: Name,
) -> None:  # fmt: skip
    """ONNX's GRU; inputs behind R, and outputs, may be left out ("")."""
    said = _recurrent(activation_alpha, activation_beta, activations, clip, direction, hidden_size, layout)
    inputs = [nameX, nameW, nameR, nameB, nameSequence_lens, nameInitial_h]
    nodes.node("GRU", inputs, [nameY, nameY_h], linear_before_reset=linear_before_reset, **said)


def _rnn(
    nodes: Nodes, activation_alpha: Sequence[float], activation_beta: Sequence[float], activations: Sequence[str], clip: float,
    direction: str, hidden_size: int, layout: int, nameX: Name, nameW: Name, nameR: Name, nameB: Name, nameSequence_lens: Name,
    nameInitial_h: Name, nameY: Name, nameY_h: Name,
) -> None:  # fmt: skip
    """ONNX's RNN; inputs behind R, and outputs, may be left out ("")."""
    said = _recurrent(activation_alpha, activation_beta, activations, clip, direction, hidden_size, layout)
    nodes.node("RNN", [nameX, nameW, nameR, nameB, nameSequence_lens, nameInitial_h], [nameY, nameY_h], **said)


def _unary(nodes: Nodes, nameX: Name, nameY: Name) -> None:
    """Y = a function of X: the enumerator without its k."""
    nodes.node(nodes.mode.name[1:], [nameX], [nameY])


def _binary(nodes: Nodes, nameA: Name, nameB: Name, nameY: Name) -> None:
    """Y = A op B, each repeated as the other's shape needs."""
    if nodes.mode is EBasicBinaryOperator.FMod:
        nodes.node("Mod", [nameA, nameB], [nameY], fmod=1)
    else:
        nodes.node(nodes.mode.name, [nameA, nameB], [nameY])


def _nary(nodes: Nodes, inputNames: Sequence[Name], nameY: Name) -> None:
    """Y = the largest, smallest, mean or sum of the inputs."""
    nodes.node(nodes.mode.name, inputNames, [nameY])


def _is(nodes: Nodes, nameX: Name, nameY: Name) -> None:
    """Y = whether X is infinite, infinite with a sign, or no number."""
    kind = nodes.mode
    if kind is EBasicIsOperator.kIsNaN:
        nodes.node("IsNaN", [nameX], [nameY])
    else:
        positive, negative = kind is not EBasicIsOperator.kIsInfNeg, kind is not EBasicIsOperator.kIsInfPos
        nodes.node("IsInf", [nameX], [nameY], detect_positive=int(positive), detect_negative=int(negative))


def _comparision(nodes: Nodes, nameX1: Name, nameX2: Name, nameY: Name) -> None:
    """Y = whether X1 is equal to, less than, ... X2."""
    names = {"Eq": "Equal", "LessEq": "LessOrEqual", "GreaterEq": "GreaterOrEqual"}
    nodes.node(names.get(nodes.mode.name, nodes.mode.name), [nameX1, nameX2], [nameY])


def _reduce(nodes: Nodes, keepdims: int, attrAxes: Sequence[int], nameX: Name, nameAxes: Name, nameY: Name) -> None:
    """Y = the mean, sum, ... of X along axes: those of the list, else those in a tensor, else all."""
    if nodes.mode is EReduceOpMode.InvalidReduceOp:
        raise SofieError("TMVA-SOFIE: ROperator_Reduce: InvalidReduceOp is none")
    axes = nodes.constant(list(attrAxes)) if attrAxes else nameAxes
    nodes.node(nodes.mode.name, [nameX, axes], [nameY], keepdims=keepdims)


def _softmax(nodes: Nodes, attr_axis: int, nameX: Name, nameY: Name, logSoftmax: bool = False) -> None:
    """Y = the softmax of X along an axis, or its logarithm."""
    nodes.node("LogSoftmax" if logSoftmax else "Softmax", [nameX], [nameY], axis=attr_axis)


def _elu(nodes: Nodes, alpha: float, nameX: Name, nameY: Name) -> None:
    """Y = X where it is positive, alpha (exp(X) - 1) elsewhere."""
    nodes.node("Elu", [nameX], [nameY], alpha=alpha)


def _leaky_relu(nodes: Nodes, alpha: float, nameX: Name, nameY: Name) -> None:
    """Y = X where it is positive, alpha X elsewhere."""
    nodes.node("LeakyRelu", [nameX], [nameY], alpha=alpha)


def _hard_sigmoid(nodes: Nodes, alpha: float, beta: float, nameX: Name, nameY: Name) -> None:
    """Y = alpha X + beta between 0 and 1."""
    nodes.node("HardSigmoid", [nameX], [nameY], alpha=alpha, beta=beta)


def _swish(nodes: Nodes, nameX: Name, nameY: Name) -> None:
    """Y = X times the sigmoid of X."""
    sigmoid = nodes.between()
    nodes.node("Sigmoid", [nameX], [sigmoid])
    nodes.node("Mul", [nameX, sigmoid], [nameY])


def _gelu(nodes: Nodes, nameX: Name, nameY: Name, approximate: str = "none") -> None:
    """Y = X times the normal distribution function of X, or its approximation by tanh."""
    nodes.node("Gelu", [nameX], [nameY], approximate=approximate)


def _clip(nodes: Nodes, nameX: Name, nameY: Name, nameMin: Name = _NONE, nameMax: Name = _NONE) -> None:
    """Y = X between two bounds, each of which may be left out ("")."""
    nodes.node("Clip", [nameX, nameMin, nameMax], [nameY])


def _einsum(nodes: Nodes, equation: str, namesX: Sequence[Name], nameY: Name) -> None:
    """Y = the sum of products that an equation of letters says."""
    nodes.node("Einsum", namesX, [nameY], equation=equation)


def _plain(op: str, what: str) -> Any:
    def form(nodes: Nodes, nameX: Name, nameY: Name) -> None:
        nodes.node(op, [nameX], [nameY])

    form.__doc__ = what
    return form


#: What the names of SOFIE's operators begin with stands in Template.
CALCULATING = {
    "Gemm": Template("Gemm", _T, _gemm, _gemm_without_bias),
    "Conv": Template("Conv", _T, _conv, _conv_without_bias),
    "ConvTranspose": Template("ConvTranspose", _T, _conv_transpose),
    "Pool": Template("Pool", _T, _pool),
    "BatchNormalization": Template("BatchNormalization", _T, _batch_normalization),
    "LayerNormalization": Template("LayerNormalization", _T, _layer_normalization),
    "InstanceNormalization": Template("InstanceNormalization", _T, _instance_normalization),
    "LSTM": Template("LSTM", _T, _lstm),
    "GRU": Template("GRU", _T, _gru),
    "RNN": Template("RNN", _T, _rnn),
    "BasicUnary": Template("BasicUnary", (ETensorType, EBasicUnaryOperator), _unary),
    "BasicBinary": Template("BasicBinary", (ETensorType, EBasicBinaryOperator), _binary),
    "BasicNary": Template("BasicNary", (ETensorType, EBasicNaryOperator), _nary),
    "Basic_Is": Template("Basic_Is", (EBasicIsOperator,), _is),
    "Comparision": Template("Comparision", (ETensorType, EComparisionOperator), _comparision),
    "Reduce": Template("Reduce", (ETensorType, EReduceOpMode), _reduce),
    "Softmax": Template("Softmax", _T, _softmax),
    "Elu": Template("Elu", _T, _elu),
    "LeakyRelu": Template("LeakyRelu", _T, _leaky_relu),
    "HardSigmoid": Template("HardSigmoid", _T, _hard_sigmoid),
    "HardSwish": Template("HardSwish", _T, _plain("HardSwish", "Y = X times its hard sigmoid.")),
    "Swish": Template("Swish", _T, _swish),
    "Gelu": Template("Gelu", _T, _gelu),
    "Clip": Template("Clip", _T, _clip),
    "Einsum": Template("Einsum", _T, _einsum),
    "Erf": Template("Erf", _T, _plain("Erf", "Y = the error function of X.")),
    "Relu": Template("Relu", _T, _plain("Relu", "Y = X where it is positive, 0 elsewhere.")),
    "Selu": Template("Selu", _T, _plain("Selu", "Y = the scaled exponential linear unit of X.")),
    "Sigmoid": Template("Sigmoid", _T, _plain("Sigmoid", "Y = 1 / (1 + exp(-X)).")),
    "Softplus": Template("Softplus", _T, _plain("Softplus", "Y = log(exp(X) + 1).")),
    "Tanh": Template("Tanh", _T, _plain("Tanh", "Y = the hyperbolic tangent of X.")),
    "Not": Template("Not", (), _plain("Not", "Y = whether X is false.")),
}
