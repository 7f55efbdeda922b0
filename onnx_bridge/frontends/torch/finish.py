"""What is done to the ONNX model that an exporter of PyTorch gave, before it is compared and handed over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import onnx
from onnx import numpy_helper

from onnx_bridge.frontends.arrays import array
from onnx_bridge.frontends.torch.calls import renamed
from onnx_bridge.frontends.trial import Rejected
from onnx_bridge.graphs import Fresh, add_constant, all_graphs, drop_unread, is_onnx, names_in, rename, replace_inputs, rewrite_nodes

#: Where the inputs of recurrent operators that hold first states stand.
_STATES = {"RNN": (5,), "GRU": (5,), "LSTM": (5, 6)}

#: Operators whose output is all zeros if their first input is, or all their inputs are.
_MOVING = {"Expand", "Slice", "Reshape", "Unsqueeze", "Squeeze", "Transpose", "Gather", "Identity", "Cast", "CastLike", "Tile", "Split"}


def expect_inputs(model: onnx.ModelProto, names: Sequence[str], shapes: Sequence[Sequence[int]], axes: Sequence[Mapping[int, str]]) -> None:
    """Sees to it that the graph's inputs are those of the module, in its order, with the dynamic dims that were asked for.

    An exporter may leave out what the module does not read.

    Raises:
        Rejected: a dim that was to be dynamic came out fixed.
    """
    given = {value.name: value for value in model.graph.input}
    if extra := [name for name in given if name not in names]:
        raise Rejected(f"the exported model has inputs that the module does not have: {', '.join(extra)}")
    ordered = []
    new: dict[str, str] = {}
    for name, shape, dynamic in zip(names, shapes, axes, strict=True):
        value = given.get(name)
        if value is None:
            raise Rejected(f"the exported model has no input {name!r}")
        dims = value.type.tensor_type.shape.dim
        for axis, dim in enumerate(dims):
            if axis in dynamic:
                if dim.HasField("dim_value"):
                    raise Rejected(f"axis {axis} of {name!r} was to be {dynamic[axis]!r} and came out as the example's {dim.dim_value}")
                if dim.dim_param.isidentifier():
                    new.setdefault(dim.dim_param, dynamic[axis])
                dim.dim_param = dynamic[axis]
            else:
                dim.dim_value = shape[axis]
        ordered.append(value)
    replace_inputs(model.graph, ordered)
    rename_dims(model, new)


def rename_dims(model: onnx.ModelProto, names: Mapping[str, str]) -> None:
    """Gives symbolic dims other names, wherever they stand in expressions."""
    for value in (*model.graph.input, *model.graph.output, *model.graph.value_info):
        for dim in value.type.tensor_type.shape.dim:
            if dim.dim_param:
                dim.dim_param = renamed(dim.dim_param, names)


def sizes_as_seen(model: onnx.ModelProto, shapes: Sequence[Sequence[tuple[int, ...]]]) -> None:
    """Takes numbers out of the sizes of outputs that were seen with others: exporters leave them behind from the example."""
    del model.graph.value_info[:]
    for index, value in enumerate(model.graph.output):
        for axis, dim in enumerate(value.type.tensor_type.shape.dim):
            if dim.HasField("dim_value") and any(shape[index][axis] != dim.dim_value for shape in shapes):
                dim.Clear()


def without_prefix(model: onnx.ModelProto, prefix: str) -> None:
    """Gives the weights the names that they have in the module, without that of the wrapper around it."""
    whole = list(all_graphs(model.graph))
    taken = names_in(whole)
    plain = {tensor.name: tensor.name.removeprefix(prefix) for tensor in model.graph.initializer}
    rename(whole, {name: new for name, new in plain.items() if new not in taken})


def without_zero_states(model: onnx.ModelProto) -> int:
    """Takes away first states of recurrent operators that are zero, as absent ones are; how many."""
    found = 0
    producers = {name: node for node in model.graph.node for name in node.output}
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    for node in model.graph.node:
        for index in _STATES.get(node.op_type, ()):
            if len(node.input) > index and node.input[index] and _is_zero(node.input[index], producers, constants):
                node.input[index] = ""
                found += 1
        while node.op_type in _STATES and node.input and not node.input[-1]:
            node.input.pop()
    if found:
        drop_unread(model.graph)
    return found


def with_full_masks(model: onnx.ModelProto) -> int:
    """Gives masks of Attention that are the same for every query the size that onnxruntime insists on; how many."""
    shapes = {value.name: list(value.type.tensor_type.shape.dim) for value in model.graph.value_info}
    fresh = Fresh(names_in(all_graphs(model.graph)))
    found = 0

    def spread(node: onnx.NodeProto) -> Iterator[onnx.NodeProto]:
        nonlocal found
        mask = node.input[3] if is_onnx(node, "Attention") and len(node.input) > 3 else ""
        query = shapes.get(node.input[0], []) if node.input else []
        if mask and len(query) == 4 and len(shapes.get(mask, [])) > 1 and shapes[mask][-2].dim_value == 1 != query[2].dim_value:
            found += 1
            length, one, size, full = (fresh(f"{mask}_{part}") for part in ("length", "one", "size", "full"))
            add_constant(model.graph, [1], one)
            yield onnx.helper.make_node("Shape", [node.input[0]], [length], start=2, end=3)
            yield onnx.helper.make_node("Concat", [length, one], [size], axis=0)
            yield onnx.helper.make_node("Expand", [mask, size], [full])
            node.input[3] = full
        yield node

    rewrite_nodes(model.graph, spread)
    return found


def _is_zero(name: str, producers: Mapping[str, onnx.NodeProto], constants: Mapping[str, onnx.TensorProto]) -> bool:
    if name in constants:
        return not numpy_helper.to_array(constants[name]).any()
    node = producers.get(name)
    if node is None or not is_onnx(node):
        return False
    if node.op_type == "ConstantOfShape":
        return not any(numpy_helper.to_array(attribute.t).any() for attribute in node.attribute)
    if node.op_type == "Constant":
        return all(attribute.name == "value" and not numpy_helper.to_array(attribute.t).any() for attribute in node.attribute)
    if node.op_type == "Concat":
        return all(_is_zero(source, producers, constants) for source in node.input)
    return node.op_type in _MOVING and _is_zero(node.input[0], producers, constants)


def arrays(names: Sequence[str], tensors: Sequence[object]) -> dict[str, np.ndarray]:
    """Tensors of PyTorch as arrays by name."""
    return {name: np.array(array(tensor)) for name, tensor in zip(names, tensors, strict=True)}
