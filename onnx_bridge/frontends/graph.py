"""Writing an ONNX graph, node by node: what front ends do whose library has no exporter that is right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

#: Of ai.onnx and of ai.onnx.ml: the first with trees of doubles that give doubles.
OPSET, ML_OPSET = 21, 5

ML = "ai.onnx.ml"

#: numpy's kinds of text, which ONNX has as strings.
_TEXT = "OUS"


class Graph:
    """A graph that grows.

    Values are called by their names; whatever is no name is a constant.

    Attributes:
        notes: for the report.
    """

    def __init__(self) -> None:
        self.notes: list[str] = []
        self._nodes: list[onnx.NodeProto] = []
        self._constants: dict[tuple[str, tuple[int, ...], bytes], onnx.TensorProto] = {}
        self._inputs: list[onnx.ValueInfoProto] = []
        self._outputs: list[onnx.ValueInfoProto] = []
        self._taken: set[str] = set()
        self._renamed: dict[str, str] = {}
        self._scope: list[str] = []

    def input(self, name: str, dtype: np.dtype[Any], columns: int, rows: str | int) -> str:
        """An input [rows][columns]."""
        self._taken.add(name)
        self._inputs.append(helper.make_tensor_value_info(name, _code(dtype), [rows, columns]))
        return name

    def output(self, name: str, value: str, dtype: np.dtype[Any], shape: Sequence[str | int]) -> None:
        """An output of that name: the value, which nothing may be added to any more."""
        if not any(value in node.output for node in self._nodes):  # an input, a constant, or what is an output already
            self._nodes.append(helper.make_node("Identity", [self._renamed.get(value, value)], [name], name=f"output/{name}"))
        else:
            self._renamed[value] = name
            for node in self._nodes:
                for values in (node.input, node.output):
                    values[:] = [name if one == value else one for one in values]
        self._outputs.append(helper.make_tensor_value_info(name, _code(dtype), list(shape)))

    def reserve(self, names: Sequence[str]) -> None:
        """Keeps names for the outputs."""
        self._taken.update(names)

    def within(self, name: str) -> _Scope:
        """Nodes of the block are called by the estimator that they are of."""
        return _Scope(self._scope, name)

    def constant(self, value: Any, dtype: Any = None) -> str:
        """A constant; equal ones are one."""
        array = np.asarray(value, dtype)
        if array.dtype.kind in _TEXT:
            array = np.array([str(text) for text in array.reshape(-1)], object).reshape(array.shape)
            key = ("string", array.shape, "\0".join(array.reshape(-1)).encode())
        else:
            key = (array.dtype.name, array.shape, np.ascontiguousarray(array).tobytes())
        if key not in self._constants:
            whole = np.ascontiguousarray(array).reshape(array.shape)  # what is contiguous has a rank of 1 at least
            self._constants[key] = numpy_helper.from_array(whole, self._name("constant"))
        return self._constants[key].name

    def add(self, op_type: str, *inputs: Any, domain: str = "", outputs: int = 1, **attributes: Any) -> Any:
        """A node; the name of its output, or a list of them.

        Args:
            op_type: ONNX's name.
            inputs: names, "" for one that is left out, or constants.
            domain: of the operator.
            outputs: how many; for more than one a list is returned.
            attributes: arrays become tensors; None is left out.
        """
        names = [value if isinstance(value, str) else self.constant(value) for value in inputs]
        made = [self._name(op_type) for _ in range(outputs)]
        given = {k: numpy_helper.from_array(v) if isinstance(v, np.ndarray) else v for k, v in attributes.items() if v is not None}
        name = "/".join([*self._scope, made[0]])
        self._nodes.append(helper.make_node(op_type, names, made, name=name, domain=domain, **given))
        return made[0] if outputs == 1 else made

    def cast(self, x: str, dtype: Any) -> str:
        """The value as another type."""
        return str(self.add("Cast", x, to=_code(np.dtype(dtype))))

    def classes(self, index: str, classes: np.ndarray) -> str:
        """The classes, texts or whole numbers, of their numbers."""
        if classes.dtype.kind in _TEXT:
            numbers, texts = [*range(len(classes))], [str(one) for one in classes]
            return str(self.add("LabelEncoder", index, domain=ML, keys_int64s=numbers, values_strings=texts, default_string=""))
        if np.array_equal(classes, np.arange(len(classes))):
            return index
        return str(self.add("Gather", self.constant(classes.astype(np.int64)), index, axis=0))

    def reduce(self, op_type: str, x: str, axis: int, keep: bool = True) -> str:
        """ReduceSum and the like, over one axis."""
        return str(self.add(op_type, x, np.array([axis], np.int64), keepdims=int(keep)))

    def concat(self, values: Sequence[str], axis: int = 1) -> str:
        """Values side by side."""
        return values[0] if len(values) == 1 else str(self.add("Concat", *values, axis=axis))

    def columns(self, x: str, which: Sequence[int], of: int | None = None) -> str:
        """Some columns; x itself where they are all `of` them in order."""
        if of is not None and list(which) == list(range(of)):
            return x
        return str(self.add("Gather", x, np.asarray(list(which), np.int64), axis=1))

    def reshape(self, x: str, *sizes: int) -> str:
        """Another shape; -1 is what is left, 0 what it was."""
        return str(self.add("Reshape", x, np.array(sizes, np.int64)))

    def model(self, name: str) -> onnx.ModelProto:
        """The model."""
        graph = helper.make_graph(self._nodes, name, self._inputs, self._outputs, [*self._constants.values()])
        newest = any(node.op_type == "TreeEnsemble" for node in self._nodes)  # which has taken the place of what others write
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(ML, ML_OPSET if newest else 3)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=10, producer_name="onnx_bridge")

    def splice(self, model: onnx.ModelProto, inputs: Sequence[str]) -> list[str]:
        """Another exporter's model as nodes of this one; the names of its outputs."""
        prefix = f"{self._name('spliced')}_"
        names = {value.name: given for value, given in zip(model.graph.input, inputs, strict=True)}
        for tensor in model.graph.initializer:
            copy = onnx.TensorProto()
            copy.CopyFrom(tensor)
            copy.name = names[tensor.name] = prefix + tensor.name
            self._constants["spliced", (), copy.name.encode()] = copy
        for node in model.graph.node:
            made = onnx.NodeProto()
            made.CopyFrom(node)
            made.name = "/".join([*self._scope, node.name or node.op_type])
            for place, value in enumerate(node.input):
                made.input[place] = names.get(value, value)
            for place, value in enumerate(node.output):
                made.output[place] = names.setdefault(value, prefix + value if value else "")
            self._nodes.append(made)
        return [names[value.name] for value in model.graph.output]

    def _name(self, wish: str) -> str:
        name, number = wish.lower(), 1
        while name in self._taken:
            name, number = f"{wish.lower()}_{number}", number + 1
        self._taken.add(name)
        return name


class _Scope:
    def __init__(self, scope: list[str], name: str) -> None:
        self._scope, self._name = scope, name

    def __enter__(self) -> None:
        self._scope.append(self._name)

    def __exit__(self, *_: object) -> None:
        self._scope.pop()


def _code(dtype: np.dtype[Any]) -> int:
    return onnx.TensorProto.STRING if dtype.kind in _TEXT else int(helper.np_dtype_to_tensor_dtype(dtype))
