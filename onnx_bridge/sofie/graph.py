"""The ONNX model that SOFIE's calls build: inputs, constants, operators, outputs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import onnx
from onnx import helper, numpy_helper, shape_inference

from onnx_bridge.custom import complete
from onnx_bridge.errors import SofieError
from onnx_bridge.sofie.roperator import Nodes, ROperator
from onnx_bridge.sofie.values import ConvertTypeToString, Dim, ETensorType

#: The opset whose forms the operators write, and the first format that has it.
OPSET, FORMAT = 21, 10


@dataclass
class Info:
    """What is known of a tensor."""

    type: ETensorType
    shape: list[Dim]


@dataclass
class Graph:
    """What was added to an RModel, in order.

    Attributes:
        inputs, constants, declared: by name: inputs, initialized tensors, and what was said of intermediate ones.
        input_order: the inputs' names in the order of infer's arguments, those that were told; the others stand behind them.
        operators, outputs: in order.
    """

    inputs: dict[str, Info] = field(default_factory=dict)
    input_order: list[str] = field(default_factory=list)
    constants: dict[str, np.ndarray] = field(default_factory=dict)
    declared: dict[str, Info] = field(default_factory=dict)
    operators: list[ROperator] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)

    def model(self, name: str) -> onnx.ModelProto:
        """The model in ONNX, with the types of its outputs.

        Raises:
            SofieError: an operator reads what is not there, two make the same tensor, an input was named and not declared.
        """
        nodes, constants = self._nodes()
        if not self.outputs:
            raise SofieError(f"TMVA-SOFIE: {name} has no outputs; name them by AddOutputTensorNameList")
        order = list(dict.fromkeys((*self.input_order, *self.inputs)))
        for missing in (key for key in order if key not in self.inputs):
            raise SofieError(f"TMVA-SOFIE: the input {missing!r} was named, but nothing says its type and shape (AddInputTensorInfo)")
        made = _model(name, nodes, [_info(key, self.inputs[key]) for key in order], self.outputs, constants, self.declared)
        self._check_made(nodes, self.outputs, "the model's outputs")
        return made

    def branch(self, outputs: Sequence[str]) -> onnx.GraphProto:
        """The graph of a branch of an If, which sees the tensors around it.

        Raises:
            SofieError: it has inputs of its own, or other outputs than the If.
        """
        if self.inputs:
            raise SofieError("TMVA-SOFIE: ROperator_If: a branch has no inputs of its own: it reads the tensors of the model around it")
        if len(self.outputs) != len(outputs):
            raise SofieError(f"TMVA-SOFIE: ROperator_If: a branch has {len(self.outputs)} outputs, the If {len(outputs)}")
        nodes, constants = self._nodes(inside=True)
        ends = [helper.make_empty_tensor_value_info(key) for key in self.outputs]
        return helper.make_graph(nodes, "branch", [], ends, constants)

    def type_of(self, name: str) -> int:
        """The element type of a tensor, as far as it is known; UNDEFINED else."""
        info = self.infos().get(name)
        return ETensorType.UNDEFINED if info is None else info.type

    def infos(self, numbers: Mapping[str, int] | None = None) -> dict[str, Info]:
        """What is known of every tensor; `numbers` are for open sizes."""
        nodes, constants = self._nodes(resolve=False)
        inputs = [_info(key, Info(info.type, [_number(size, numbers) for size in info.shape])) for key, info in self.inputs.items()]
        return infos(_model("model", nodes, inputs, self.outputs, constants, {} if numbers else self.declared))

    def _nodes(self, inside: bool = False, resolve: bool = True) -> tuple[list[onnx.NodeProto], list[onnx.TensorProto]]:
        """The nodes, and the constants; `resolve` looks whether all that is read is there."""
        nodes: list[onnx.NodeProto] = []
        constants = [
            numpy_helper.from_array(np.ascontiguousarray(value).reshape(value.shape), key) for key, value in self.constants.items()
        ]
        known: dict[str, int] = {key: info.type for key, info in {**self.declared, **self.inputs}.items()}
        known |= {tensor.name: tensor.data_type for tensor in constants}

        def type_of(name: str) -> int:
            if name not in known and resolve and not inside:
                known.update((key, info.type) for key, info in self.infos().items())
            return known.get(name, ETensorType.UNDEFINED)

        for index, op in enumerate(self.operators):
            written = Nodes(f"{op.name}_{index}", op.kinds, type_of)
            op.write(written)
            nodes += written.nodes
            constants += written.constants
        if resolve and not inside:
            self._check_names(nodes, {tensor.name for tensor in constants})
        return nodes, constants

    def _check_names(self, nodes: Sequence[onnx.NodeProto], constants: set[str]) -> None:
        there = {*self.inputs, *constants}
        for node in nodes:
            for name in filter(None, node.output):
                if name in there:
                    raise SofieError(f"TMVA-SOFIE: {node.name}: the tensor {name!r} already exists")
                there.add(name)
        for node in nodes:
            for name in filter(None, node.input):
                if name not in there:
                    raise SofieError(f"TMVA-SOFIE: {node.name}: the input tensor {name!r} is not found in the model")

    def _check_made(self, nodes: Sequence[onnx.NodeProto], names: Iterable[str], what: str) -> None:
        made = {name for node in nodes for name in node.output} | self.inputs.keys() | self.constants.keys()
        for name in names:
            if name not in made:
                raise SofieError(f"TMVA-SOFIE: {what}: the tensor {name!r} is not found in the model")

    def check_types(self, made: onnx.ModelProto) -> None:
        """The element type that an operator's template says is that of one of its tensors.

        Raises:
            SofieError: it is not.
        """
        known = infos(made)
        for index, op in enumerate(self.operators):
            title = f"{op.name}_{index}"
            nodes = [node for node in made.graph.node if node.name == title or node.name.startswith(f"{title}_")]
            types = {known[name].type for node in nodes for name in (*node.input, *node.output) if name in known}
            wanted = next((kind for kind in op.kinds if isinstance(kind, ETensorType)), None)
            if wanted is not None and types and wanted not in types:
                found = ", ".join(ConvertTypeToString(kind) for kind in sorted(types))
                raise SofieError(f"TMVA-SOFIE: {op.name}<{ConvertTypeToString(wanted)}> ({title}) has tensors of {found} alone")


def _info(name: str, info: Info) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, int(info.type), [size.value for size in info.shape])


def _model(
    name: str, nodes: Sequence[onnx.NodeProto], inputs: Sequence[onnx.ValueInfoProto], outputs: Sequence[str],
    constants: Sequence[onnx.TensorProto], declared: dict[str, Info],
) -> onnx.ModelProto:  # fmt: skip
    ends = [helper.make_empty_tensor_value_info(key) for key in outputs]
    between = [_info(key, info) for key, info in declared.items() if key not in outputs]
    graph = helper.make_graph(nodes, name, inputs, ends, constants, value_info=between)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=FORMAT)
    complete(made)
    return shape_inference.infer_shapes(made)


def _number(size: Dim, numbers: Mapping[str, int] | None) -> Dim:
    return Dim("", numbers[size.param]) if numbers and size.param in numbers else size


def pinned(model: onnx.ModelProto, numbers: Mapping[str, int] | None) -> onnx.ModelProto:
    """A model with numbers for sizes that its inputs leave open; the model itself, if there are none."""
    if not numbers:
        return model
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    del copy.graph.value_info[:]
    for value in copy.graph.input:
        for size in value.type.tensor_type.shape.dim:
            if size.dim_param in numbers:
                size.dim_value = numbers[size.dim_param]
    return copy


def infos(model: onnx.ModelProto) -> dict[str, Info]:
    """The types and shapes of tensors, as far as ONNX's shape inference tells them; a size that it does not tell is called "?"."""
    inferred = shape_inference.infer_shapes(model, data_prop=True)
    found = {tensor.name: Info(_kind(tensor.data_type), [Dim("", size) for size in tensor.dims]) for tensor in inferred.graph.initializer}
    for value in (*inferred.graph.input, *inferred.graph.value_info, *inferred.graph.output):
        if not value.type.HasField("tensor_type") or not value.type.tensor_type.elem_type:
            continue
        sizes = value.type.tensor_type.shape.dim
        shape = [Dim("", size.dim_value) if size.HasField("dim_value") else Dim(size.dim_param or "?") for size in sizes]
        found[value.name] = Info(_kind(value.type.tensor_type.elem_type), shape)
    return found


def _kind(code: int) -> ETensorType:
    return ETensorType(code) if code in ETensorType._value2member_map_ else ETensorType.UNDEFINED
