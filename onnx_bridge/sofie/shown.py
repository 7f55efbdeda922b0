"""What SOFIE's Print functions say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from onnx_bridge.sofie.graph import Info
from onnx_bridge.sofie.values import ConvertShapeToString, ConvertStringToType, ConvertTypeToString, Dim


def inputs(tensors: Mapping[str, Info]) -> str:
    """Of PrintRequiredInputTensors."""
    lines = ["Model requires following inputs:"]
    for name, info in sorted(tensors.items(), key=lambda item: not _open(item[1])):
        what = "Parametrised" if _open(info) else "Fully Specified"
        lines.append(f"{what} Tensor name: {name}\ttype: {ConvertTypeToString(info.type)}\tshape: {_shape(info.shape)}")
    return "\n".join([*lines, "\n"])


def constants(tensors: Mapping[str, np.ndarray]) -> str:
    """Of PrintInitializedTensors."""
    lines = ["Model initialized the following tensors:"]
    lines += [f'Tensor name: "{name}"\ttype: {_type(value)}\tshape: {_sizes(value)}' for name, value in tensors.items()]
    return "\n".join([*lines, "\n"])


def between(what: str, tensors: Mapping[str, Info]) -> str:
    """Of PrintIntermediateTensors and PrintDynamicTensors."""
    lines = [f"Model specify the following {what} tensors:"]
    for name, info in tensors.items():
        lines.append(f'Tensor name: "{name}"\ttype: {ConvertTypeToString(info.type)}\tshape: {_shape(info.shape)}')
    return "\n".join([*lines, "\n"])


def outputs(tensors: Mapping[str, Info]) -> str:
    """Of PrintOutputTensors."""
    lines = ["Model specify the following output tensors:"]
    lines += [f'Tensor name: "{name}"\tshape: {ConvertShapeToString(info.shape)}' for name, info in tensors.items()]
    return "\n".join([*lines, "\n"])


def head(name: str, value: np.ndarray | None, count: int) -> str:
    """Of HeadInitializedTensors."""
    if value is None:
        return f"Tensor {name} not found in model's initialized tensor list\n"
    numbers = " ,".join(f"{number:.6g}" if isinstance(number, float) else str(number) for number in value.reshape(-1)[:count].tolist())
    more = ", ..." if count < value.size else ""
    return f"Tensor name: {name}\ttype: {_type(value)}\tshape: {_sizes(value)}\ndata: [\n{numbers}{more}]\n"


def _open(info: Info) -> bool:
    return any(size.isParam for size in info.shape)


def _shape(shape: Sequence[Dim]) -> str:
    return "[" + ",".join(size.GetVal() for size in shape) + "]"


def _sizes(value: np.ndarray) -> str:
    return "[" + ",".join(map(str, value.shape)) + "]"


def _type(value: np.ndarray) -> str:
    return ConvertTypeToString(ConvertStringToType(value.dtype.name))
