"""Files of onnxruntime's last level of optimisation, in which images lie in blocks of channels: their weights in ONNX's order again."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping

import numpy as np
import onnx
from onnx import numpy_helper

from onnx_bridge.errors import Finding, UnsupportedModel
from onnx_bridge.graphs import all_graphs, all_nodes, attribute, read_names, set_attributes

#: The domain of the operators that work on blocks.
DOMAIN = "com.microsoft.nchwc"

#: Operators of other domains that onnxruntime lets work on blocks: of one image, and of several.
_UNARY = (
    "Clip", "Elu", "FastGelu", "Gelu", "HardSigmoid", "HardSwish", "LeakyRelu", "QuickGelu", "Relu", "Sigmoid", "Tanh",
)  # fmt: skip
_JOINING = ("Add", "Concat", "Mul", "Sum")

_ADVICE = "give the model as it was before onnxruntime optimised it, or optimised up to ORT_ENABLE_EXTENDED"


def plain_blocks(model: onnx.ModelProto) -> tuple[onnx.ModelProto, list[str]]:
    """A model whose convolutions on blocked images have their weights in ONNX's order, for plain images, and a note of it.

    It is the model itself if it has none; operators/nchwc.py has the rest. How large blocks are hangs on the processor that a file was
    made for, 8 channels or 16, and not every file says it.

    Raises:
        UnsupportedModel: weights are computed, or a blocked image is read, made or handed out by what knows no blocks.
    """
    if not any(node.domain == DOMAIN for node in all_nodes(model.graph)):
        return model, []
    plain = onnx.ModelProto()
    plain.CopyFrom(model)
    return plain, _in_place(plain)


def _in_place(model: onnx.ModelProto) -> list[str]:
    # Nodes that lack inputs or outputs are refused where they are lowered.
    nodes = [node for node in all_nodes(model.graph) if node.domain == DOMAIN and node.input and node.output]
    weights = {tensor.name: tensor for graph in all_graphs(model.graph) for tensor in graph.initializer}
    sizes: set[int] = set()
    images = _images(model, weights, sizes)
    shapes = {name: list(tensor.dims) for name, tensor in weights.items()}
    for node in nodes:
        name = node.input[1] if node.op_type == "Conv" and len(node.input) > 1 else None
        if name is not None and len(shapes.get(name, ())) != 4:
            _refuse(node, f"its weights {name!r} must be constants, of rank 4")
    convolutions = [node for node in nodes if node.op_type == "Conv" and len(node.input) > 1]
    sizes.update(_blocks(convolutions, shapes, images), _ends(nodes, convolutions, shapes))
    if len(sizes) > 1 or not sizes <= {8, 16}:
        _refuse(nodes[0], f"the file has blocks of {' and of '.join(map(str, sorted(sizes)))} channels; they may be of 8 or of 16")
    block = min(sizes, default=_own_block())
    done: dict[str, onnx.TensorProto] = {}
    for node in convolutions:
        name = node.input[1]
        if name not in done:
            done[name] = numpy_helper.from_array(_plain(numpy_helper.to_array(weights[name]), node, block), name)
    for name, tensor in done.items():
        weights[name].CopyFrom(tensor)
    _keep_whole(model, images, block)
    guessed = "" if sizes else ", which is what onnxruntime has on this processor: the file does not say it"
    return [f"weights for images in blocks of {block} channels{guessed}: put into ONNX's order"]


def _refuse(node: onnx.NodeProto, why: str) -> None:
    raise UnsupportedModel([Finding(node.name or next(iter(node.output), ""), f"{node.domain}.{node.op_type}", why, _ADVICE)])


def _images(model: onnx.ModelProto, weights: Mapping[str, onnx.TensorProto], sizes: set[int]) -> set[str]:
    """The tensors that are images in blocks: what operators of the domain make of one another, and pointwise operators of those.

    For a product that broadcasts, an image becomes [N, C / b, H, W, b], and one of four axes again behind it. Plain images need
    neither: both Reshapes become Identity, and what they say of the blocks goes into `sizes`.

    Raises:
        UnsupportedModel: one is read, made or handed out by what knows no blocks.
    """
    images: set[str] = set()
    for graph in all_graphs(model.graph):
        for node in graph.node:
            reads = [name for name in read_names(node) if name in images]
            if node.domain == DOMAIN:
                _check(node, images)
                images.update(node.output[:1] if node.op_type != "ReorderOutput" else ())
            elif reads and node.op_type == "Reshape" and (block := _parted(node, weights)) is not None:
                node.op_type = "Identity"
                del node.input[1:], node.attribute[:]
                sizes.update([block] if block else [])
                images.update(node.output)
            elif reads:
                plain = set(node.input) - images - ({*node.input[1:]} if node.op_type in _UNARY else set())
                if node.op_type not in (*_UNARY, *_JOINING) or plain or attribute(node, "axis", 1) != 1:
                    _refuse(node, f"it reads {reads[0]!r}, an image in blocks of channels, which it does not know")
                images.update(node.output)
        for value in graph.output:
            if value.name in images:
                maker = next(node for node in all_nodes(model.graph) if value.name in node.output)
                _refuse(maker, f"its output {value.name!r}, an image in blocks of channels, is one of the graph's")
    return images


def _parted(node: onnx.NodeProto, weights: Mapping[str, onnx.TensorProto]) -> int | None:
    """The size of the blocks that a Reshape gives an axis of its own, 0 where it takes that away; None where it does something else."""
    tensor = weights.get(node.input[1]) if len(node.input) > 1 else None
    if tensor is None or list(tensor.dims) not in ([4], [5]):
        return None
    shape = [int(size) for size in numpy_helper.to_array(tensor)]
    return ([*shape[4:], 0][0]) if shape[:4] == [0, -1, 0, 0] else None


def _check(node: onnx.NodeProto, images: set[str]) -> None:
    """What an operator on blocks reads."""
    for index, name in enumerate(node.input):
        if node.op_type == "Conv" and index in (0, 1, 2):
            continue
        ours = node.op_type != "ReorderInput"
        if name and (name in images) != ours:
            _refuse(node, f"its input {name!r} must {'' if ours else 'not '}be an image in blocks of channels")


def _keep_whole(model: onnx.ModelProto, images: set[str], block: int) -> None:
    """Where images go to operators that know no blocks, the channels that fill the last one stay."""
    makers = {name: node for node in all_nodes(model.graph) for name in node.output if name in images}
    waiting = [name for node in makers.values() if node.domain != DOMAIN for name in node.input if name in images]
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            node = makers[name]
            if node.op_type in ("Conv", "ReorderInput"):
                set_attributes(node, whole=block)
            else:
                waiting.extend(other for other in node.input if other in images)


def _group(node: onnx.NodeProto) -> int:
    return int(attribute(node, "group", 1))


def _blocks(convolutions: list[onnx.NodeProto], shapes: Mapping[str, list[int]], images: set[str]) -> Iterator[int]:
    """How large the blocks can only be, as the weights are: 8 where a number of channels is no multiple of 16."""
    for node in convolutions:
        out, channels = shapes[node.input[1]][:2]
        blocked = node.input[0] in images
        if out % 16 or (8 <= channels < 16 and blocked and _group(node) == 1):
            yield 8
        elif 8 <= channels < 16 and not blocked:
            yield 16


def _ends(nodes: list[onnx.NodeProto], convolutions: list[onnx.NodeProto], shapes: Mapping[str, list[int]]) -> Iterator[int]:
    """How large the blocks can only be, as the images are that are put into ONNX's order right behind a convolution."""
    made = {node.output[0]: shapes[node.input[1]][0] for node in convolutions}
    for node in nodes:
        if node.op_type == "ReorderOutput" and node.input[0] in made:
            channels = int(attribute(node, "channels", 0))
            if -(-channels // 8) * 8 != made[node.input[0]]:
                yield 16


def _own_block() -> int:
    """The blocks of onnxruntime on this processor: 16 channels where it has vectors of 512 bits, or is none of Intel's kind."""
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return 16
    try:
        found: list[str] = np.show_config(mode="dicts")["SIMD Extensions"]["found"]
    except (TypeError, KeyError):  # a numpy that does not tell
        return 16
    return 16 if any("512" in name or name == "X86_V4" for name in found) else 8


def _plain(weights: np.ndarray, node: onnx.NodeProto, block: int) -> np.ndarray:
    """Weights [O, I, kh, kw] in ONNX's order, that lie as [O / b][I / b][kh][kw][b of I][b of O], or [O / b][I][kh][kw][b of O]."""
    out, channels, height, width = weights.shape
    if out % block:
        _refuse(node, f"its weights have {out} output channels, which is no multiple of {block}")
    if channels < block:
        apart = weights.reshape(out // block, channels, height, width, block)
        return np.ascontiguousarray(apart.transpose(0, 4, 1, 2, 3).reshape(weights.shape))
    if channels % block:
        _refuse(node, f"its weights have {channels} input channels, which is no multiple of {block}")
    apart = weights.reshape(out // block, channels // block, height, width, block, block)
    return np.ascontiguousarray(apart.transpose(0, 5, 1, 4, 2, 3).reshape(weights.shape))
