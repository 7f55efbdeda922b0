"""The walk over an ONNX graph that builds an RModel, collecting everything that stands in the way before it raises once."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

import onnx_bridge.operators  # noqa: F401  (fills the registry)
from onnx_bridge.errors import Finding, InvalidModel, UnsupportedModel
from onnx_bridge.ir import dims, dtypes, roperator
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import DType
from onnx_bridge.ir.rmodel import RModel
from onnx_bridge.ir.roperator import ROperator
from onnx_bridge.ir.tensor import ASSUMED, NeedsValue, ShapeError, Tensor, Type, Unify
from onnx_bridge.lowering import schemas
from onnx_bridge.operators.cast import Cast


def lower(model: onnx.ModelProto, name: str, pinned: Mapping[str, int] | None = None) -> RModel:
    """Builds the RModel of an ONNX model in normal form.

    Args:
        model: the model; see `normalize`.
        name: what the RModel is called, a C++ identifier.
        pinned: numbers for symbolic dims of the inputs.

    Raises:
        UnsupportedModel: with everything that stands in the way.
        InvalidModel: the graph contradicts itself.
    """
    bindings: dict[str, Size] = dict(pinned or {})
    valued: set[str] = set()
    conditions: list[Size] = []
    notes: list[str] = []
    while True:
        known = len(conditions)
        walk = _Walk(model, name, bindings, valued, conditions)
        assumed: list[tuple[Size, Size]] = []
        token = ASSUMED.set(assumed)
        try:
            rmodel = walk.run()
        except Unify as unify:
            notes.append(f"dim {unify.name} must be {unify.size}: the model is only consistent so")
            bindings = {key: dims.substitute(size, {unify.name: unify.size}) for key, size in bindings.items()}
            bindings[unify.name] = unify.size
            conditions = []
            continue
        except NeedsValue as needs:
            source = walk.scalar_source(needs.tensor)
            if source is None or source in valued:
                raise UnsupportedModel([Finding(walk.node, walk.op, str(needs))]) from None
            notes.append(f"input {source} decides a size: it is one of the run-time sizes")
            valued.add(source)
            conditions = []
            continue
        finally:
            ASSUMED.reset(token)
        if len(conditions) > known:
            continue  # what came before the last condition may be plainer with it
        rmodel.conditions = dims.essential(conditions)
        notes += [f"{condition} must not be negative: the model is only meant for such sizes" for condition in rmodel.conditions]
        rmodel.constraints = assumed
        notes += [f"{a} must equal {b}: checked at every call" for a, b in assumed]
        rmodel.notes = notes + rmodel.notes
        return rmodel


class _Walk:
    """One attempt: all symbols that `bindings` names are replaced, inputs in `valued` are sizes, `conditions` hold and are added to."""

    def __init__(self, model: onnx.ModelProto, name: str, bindings: Mapping[str, Size], valued: set[str], conditions: list[Size]) -> None:
        self.model, self.bindings, self.valued = model, bindings, valued
        self.opsets = {imported.domain: imported.version for imported in model.opset_import}
        self.rmodel = RModel(name, conditions=conditions)
        self.findings: list[Finding] = []
        self.unknown: set[str] = set()
        self.sources: dict[str, set[str]] = {}
        self.wide: dict[tuple[int, str], str] = {}
        self.node = self.op = ""

    def run(self) -> RModel:
        graph = self.model.graph
        initialized = {tensor.name for tensor in graph.initializer}
        for value in graph.input:
            if value.name not in initialized:
                self.add_input(value)
        self.walk(graph, self.rmodel)
        if self.findings:
            raise UnsupportedModel(self.findings)
        self.rmodel.add_output_tensor_name_list(value.name for value in graph.output)
        return self.rmodel

    def add_input(self, value: onnx.ValueInfoProto) -> None:
        kind = value.type.WhichOneof("value")
        if kind != "tensor_type":
            self.findings.append(Finding("", "input", f"{value.name!r} is a {kind or 'value without a type'}; only tensors are supported"))
            self.unknown.add(value.name)
            return
        code = value.type.tensor_type.elem_type
        if code not in dtypes.BY_ONNX:
            why = f"{value.name!r} has the unsupported type {dtypes.UNSUPPORTED.get(code, code)}"
            self.findings.append(Finding("", "input", why))
            self.unknown.add(value.name)
            return
        if not value.type.tensor_type.HasField("shape"):
            why = f"{value.name!r} has no shape, not even a rank"
            self.findings.append(Finding("", "input", why, "export the model with input shapes; single dims may be symbolic"))
            self.unknown.add(value.name)
            return
        shape: list[Size] = []
        for axis, dim in enumerate(value.type.tensor_type.shape.dim):
            if dim.HasField("dim_value") and dim.dim_value < -1:
                raise InvalidModel(f"input {value.name!r} has the negative size {dim.dim_value} on axis {axis}")
            if dim.HasField("dim_value") and dim.dim_value >= 0:
                shape.append(dim.dim_value)
            else:  # without a name, or -1, as some exporters say unknown
                size = dims.parse(dim.dim_param) if dim.dim_param else dims.symbol(self.unnamed(value.name, axis))
                shape.append(dims.substitute(size, self.bindings))
        tensor = self.rmodel.add_input_tensor_info(value.name, dtypes.BY_ONNX[code], shape)
        self.sources[value.name] = {value.name}
        if value.name in self.valued:
            symbol = dims.symbol(self.unnamed(value.name, 0) if shape else self.cleaned(value.name))
            (symbol_name,) = dims.symbols(symbol)
            size = dims.substitute(symbol, self.bindings)
            tensor.value = np.full(tuple(dims.evaluate(s, {}) for s in shape), size, dtype=object)
            if symbol_name not in self.rmodel.symbols and not isinstance(size, int):
                self.rmodel.symbols.append(symbol_name)
                self.rmodel.symbol_inputs[symbol_name] = value.name

    @staticmethod
    def cleaned(name: str) -> str:
        return "".join(c if c.isascii() and (c.isalnum() or c == "_") else "_" for c in name)

    def unnamed(self, name: str, axis: int) -> str:
        return f"{self.cleaned(name)}_{axis}"

    def scalar_source(self, tensor: Tensor) -> str | None:
        """The integer input of one element that `tensor` was computed from, if there is exactly one."""
        candidates = [
            source.name
            for source in self.rmodel.inputs
            if source.name in self.sources.get(tensor.name, set()) and source.dtype.is_integer and source.count == 1
        ]
        return candidates[0] if len(candidates) == 1 else None

    def walk(self, graph: onnx.GraphProto, rmodel: RModel) -> None:
        """Lowers a graph's initializers and nodes into `rmodel`."""
        for initializer in graph.initializer:
            if initializer.data_type not in dtypes.BY_ONNX:
                kind = dtypes.UNSUPPORTED.get(initializer.data_type, str(initializer.data_type))
                self.findings.append(Finding("", "initializer", f"{initializer.name!r} has the unsupported type {kind}"))
                self.unknown.add(initializer.name)
                continue
            array = numpy_helper.to_array(initializer)
            dtype = dtypes.BY_ONNX[initializer.data_type]
            value = array.view(np.uint16) if dtype is dtypes.bfloat16 and array.dtype.itemsize == 2 else array
            rmodel.add_tensor(Tensor(initializer.name, Type(dtype, value.shape), value))
        for node in graph.node:
            self.lower_node(node, rmodel)

    def lower_node(self, node: onnx.NodeProto, rmodel: RModel) -> None:
        domain = "" if node.domain == "ai.onnx" else node.domain
        self.node = node.name or (node.output[0] if node.output else "")
        self.op = f"{domain}.{node.op_type}" if domain else node.op_type
        # A domain of others that is not imported counts as version 1, as onnxruntime reads it.
        opset = self.opsets.get(domain, 1) if domain else self.opsets.get("", self.opsets.get("ai.onnx", 0))
        cls = roperator.find(node.op_type, domain, opset)
        if cls is None:
            where = f"opset {opset} of {domain or 'ai.onnx'}"
            self.refuse(
                node, f"not supported in {where}", "`onnx-bridge ops` lists what is; an operator of your own is declared with custom_op"
            )
            return
        if any(name in self.unknown for name in node.input):
            self.unknown.update(node.output)
            return
        op = cls(name=self.node, opset=opset)
        try:
            op.set_attributes({a.name: self.attribute_value(a, rmodel) for a in node.attribute})
            self.add(op, [name or None for name in node.input], [name or None for name in node.output], rmodel)
        except ShapeError as error:
            self.refuse(node, str(error))
            return
        reached = set().union(*(self.sources.get(name, set()) for name in node.input)) if node.input else set()
        for name in node.output:
            self.sources[name] = reached

    def add(self, op: ROperator, inputs: list[str | None], outputs: list[str | None], rmodel: RModel) -> None:
        """Adds an operator; halves that it does not compute become float32 in front of it, and halves again behind it."""
        tensors = [None if name is None else rmodel.tensor(name) for name in inputs]
        halves = schemas.halves(op, tensors)
        for index, tensor in enumerate(tensors):
            if tensor is not None and tensor.dtype is halves.get(schemas.variable_of(op, index, output=False)):
                inputs[index] = self.widened(op, tensor, rmodel)
        back: list[tuple[str, str, DType]] = []
        for index, name in enumerate(outputs):
            half = halves.get(schemas.variable_of(op, index, output=True))
            if name is not None and half is not None:
                outputs[index] = rmodel.new_name(f"{name}_float32")
                back.append((str(outputs[index]), name, half))
        rmodel.add_operator(op, inputs, outputs)
        for source, name, half in back:
            self.cast(op, source, name, half, rmodel)

    def widened(self, op: ROperator, half: Tensor, rmodel: RModel) -> str:
        """The name of a half as float32; all who read it in one graph share that."""
        key = (id(rmodel), half.name)
        if key not in self.wide:
            self.wide[key] = self.cast(op, half.name, rmodel.new_name(f"{half.name}_float32"), dtypes.float32, rmodel)
        return self.wide[key]

    @staticmethod
    def cast(op: ROperator, source: str, target: str, dtype: DType, rmodel: RModel) -> str:
        """Adds a Cast beside an operator; returns the name of what it makes."""
        made = Cast(name=f"{op.title()} Cast", opset=op.opset)
        made.set_attributes({"to": dtype.onnx})
        rmodel.add_operator(made, [source], [target])
        return target

    def refuse(self, node: onnx.NodeProto, why: str, advice: str = "") -> None:
        self.findings.append(Finding(self.node, self.op, why, advice))
        self.unknown.update(node.output)

    def attribute_value(self, attribute: onnx.AttributeProto, rmodel: RModel) -> Any:
        """An attribute's value in Python: text, numbers, arrays, nested RModels."""
        kind = attribute.type
        if kind == onnx.AttributeProto.GRAPH:
            return self.nested(attribute.g, rmodel)
        if kind == onnx.AttributeProto.TENSOR:
            return numpy_helper.to_array(attribute.t)
        if kind == onnx.AttributeProto.STRING:
            return attribute.s.decode("utf-8", "replace")
        if kind == onnx.AttributeProto.STRINGS:
            return [text.decode("utf-8", "replace") for text in attribute.strings]
        if kind in (onnx.AttributeProto.INT, onnx.AttributeProto.FLOAT):
            return onnx.helper.get_attribute_value(attribute)
        if kind in (onnx.AttributeProto.INTS, onnx.AttributeProto.FLOATS):
            return list(onnx.helper.get_attribute_value(attribute))
        raise ShapeError(f"attribute {attribute.name!r} is of a kind that is not supported ({kind})")

    def nested(self, graph: onnx.GraphProto, outer: RModel) -> Body:
        """The body of a control-flow operator, lowered when the operator knows its inputs' types."""
        return Body(self, graph, outer)


@dataclasses.dataclass
class Body:
    """A subgraph that an operator lowers (`lower`) once it knows the types of the subgraph's inputs."""

    walk: _Walk
    graph: onnx.GraphProto
    outer: RModel

    @property
    def input_names(self) -> list[str]:
        return [value.name for value in self.graph.input]

    def declared_shape(self, index: int, default: tuple[Size, ...]) -> tuple[Size, ...]:
        """The shape that the graph declares for an input, where it is fixed."""
        shape = self.graph.input[index].type.tensor_type.shape
        if all(dim.HasField("dim_value") for dim in shape.dim):
            return tuple(dim.dim_value for dim in shape.dim)
        return default

    def lower(self, inputs: list[Tensor], bound: Mapping[str, Tensor] | None = None) -> RModel:
        """The nested RModel.

        Args:
            inputs: the tensors that are made anew for the body.
            bound: what the names of the subgraph's inputs stand for; by default those of `inputs`.
        """
        body = RModel(self.graph.name or "body", tensors=self.outer.tensors, symbols=self.outer.symbols)
        body.inputs = inputs
        body.tensors.update(bound if bound is not None else {tensor.name: tensor for tensor in inputs})
        node, op, found = self.walk.node, self.walk.op, len(self.walk.findings)
        self.walk.walk(self.graph, body)
        self.walk.node, self.walk.op = node, op
        if len(self.walk.findings) > found or any(value.name in self.walk.unknown for value in self.graph.output):
            raise ShapeError("its body cannot be converted")
        body.add_output_tensor_name_list(value.name for value in self.graph.output)
        return body
