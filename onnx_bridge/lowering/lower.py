"""The walk over an ONNX graph that builds an RModel, collecting everything that stands in the way before it raises once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextvars import copy_context
from dataclasses import replace
from typing import Any

import numpy as np
import onnx

import onnx_bridge.operators  # noqa: F401  (fills the registry)
from onnx_bridge.errors import ORIGIN, BridgeError, Finding, InternalError, UnsupportedModel
from onnx_bridge.ir import dims, dtypes, roperator
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import DType
from onnx_bridge.ir.rmodel import Narrowing, RModel, nested_models
from onnx_bridge.ir.roperator import ROperator, UnsupportedForm
from onnx_bridge.ir.tensor import (
    ASSUMED,
    DECIDED,
    GIVEN,
    UNSIGNED,
    NeedsConstant,
    NeedsValue,
    RanksDiffer,
    ShapeError,
    Signed,
    Tensor,
    Type,
    Unify,
)
from onnx_bridge.lowering import schemas
from onnx_bridge.lowering.advice import IMPOSSIBLE
from onnx_bridge.lowering.attributes import array, attribute_value
from onnx_bridge.lowering.body import Body
from onnx_bridge.lowering.branches import put_together
from onnx_bridge.lowering.declared import Declared, element_type
from onnx_bridge.lowering.ends import add_output
from onnx_bridge.lowering.found import FoundSizes, test_behind_finders
from onnx_bridge.lowering.inputs import Inputs, Refused
from onnx_bridge.lowering.parting import part
from onnx_bridge.lowering.room import for_text, make_room
from onnx_bridge.lowering.taken_apart import TakenApart, lowering_of
from onnx_bridge.operators.cast import Cast

#: What to do about a size that data decides.
ADVICE = (
    "make it a constant, or a number that shapes or one integer input of the model decide: such an input becomes a run-time size, "
    "and dims= fixes one"
)


def lower(model: onnx.ModelProto, name: str, pinned: Mapping[str, int] | None = None) -> RModel:
    """Builds the RModel of an ONNX model in normal form.

    Args:
        model: the model; see `normalize`.
        name: what the RModel is called, a C++ identifier.
        pinned: numbers for symbolic dims of the inputs, by the names that the file has for them.

    Raises:
        ArgumentError: `pinned` names what is no size of the model, or gives what is none.
        UnsupportedModel: with everything that stands in the way.
        InvalidModel: the graph contradicts itself.
    """
    declared = Declared(model.graph)
    bindings: dict[str, Size] = dict(declared.pinned(pinned))
    signed: set[str] = set()
    try:
        return _lower(model, name, declared, bindings, signed)
    except UnsupportedModel:
        if not signed:
            raise
    return _lower(model, name, declared, bindings, None)  # it may be meant for values that are not negative alone


def _lower(model: onnx.ModelProto, name: str, declared: Declared, bindings: dict[str, Size], signed: set[str] | None) -> RModel:
    """Attempts, until nothing more is learned. `signed` are values of inputs that may be negative, added to; None where none may."""
    inputs = Inputs(declared, dict(bindings), declared.valued(bindings), set() if signed is None else signed)
    conditions: list[Size] = []
    notes: list[str] = []
    narrowed: list[Narrowing] = []
    while True:
        known = len(conditions)
        walk = _Walk(model, name, inputs, conditions, signed is not None)
        try:
            rmodel = copy_context().run(walk.run)  # which sets what rules look at
        except Unify as unify:
            narrowed.append(Narrowing(dims.symbol(unify.name), unify.size, walk.node, walk.op))
            bound = {key: dims.substitute(size, {unify.name: unify.size}) for key, size in inputs.bindings.items()}
            inputs.bindings = {**bound, unify.name: unify.size}
            conditions = []
            continue
        except _Valued as needs:
            notes += [f"input {source} decides a size: it is one of the run-time sizes" for source in needs.sources]
            inputs.valued.update(needs.sources)
            conditions = []
            continue
        except Signed as either:
            inputs.signed.add(either.name)
            conditions = []
            continue
        if len(conditions) > known:
            continue  # what came before the last condition may be plainer with it
        rmodel.conditions = dims.essential(conditions)
        notes += test_behind_finders(rmodel)
        notes += [f"{condition} must not be negative: the model is only meant for such sizes" for condition in rmodel.conditions]
        rmodel.narrowed = [replace(found, other=dims.substitute(found.other, inputs.bindings)) for found in narrowed]
        rmodel.narrowed += [walk.narrowing(pair) for pair in rmodel.constraints]
        for op, body, branch in _bodies(rmodel.operators):
            if branch:
                notes += _of_branch(op, body)
            else:
                rmodel.narrowed += [walk.narrowing(pair) for pair in body.constraints]
        rmodel.notes = notes + rmodel.notes
        return rmodel


def _bodies(operators: Iterable[ROperator], branch: bool = False) -> Iterator[tuple[ROperator, RModel, bool]]:
    """Control-flow operators with their bodies, and whether those are run at some sizes only: in one of two branches."""
    for op in operators:
        inside = list(nested_models(op))
        for body in inside:
            inner = branch or len(inside) > 1
            yield op, body, inner
            yield from _bodies(body.operators, inner)


def _of_branch(op: ROperator, body: RModel) -> list[str]:
    """What a branch needs of the sizes."""
    where = f"in the branch {body.name!r} of {op.title()!r}"
    pairs = [(b, a) if isinstance(a, int) else (a, b) for a, b in body.constraints]
    equal = [f"{where}: {a} must be {b}, which is tested where the branch is taken" for a, b in pairs]
    return equal + [f"{where}: {size} must not be negative, which is tested where the branch is taken" for size in body.conditions]


class _Valued(Exception):
    """The values of inputs, `sources`, are sizes: the lowering starts again with that."""

    def __init__(self, sources: list[str]) -> None:
        self.sources = sources
        super().__init__(*sources)


class _Walk:
    """One attempt, with its own reading of the inputs; `conditions` hold and are added to."""

    def __init__(self, model: onnx.ModelProto, name: str, inputs: Inputs, conditions: list[Size], signs: bool) -> None:
        self.model, self.inputs, self.signs = model, inputs, signs
        self.opsets = {imported.domain: imported.version for imported in model.opset_import}
        self.rmodel = RModel(name, conditions=conditions)
        self.findings: list[Finding] = []
        self.unknown: set[str] = set()
        self.sources: dict[str, set[str]] = {}
        self.wide: dict[tuple[RModel, str, DType], str] = {}
        self.needed: dict[tuple[Size, Size], tuple[str, str]] = {}
        self.settled: dict[Size | Tensor, bool] = {}
        self.contradictions: list[Finding] = []
        self.makers: dict[Tensor, ROperator] = {}
        self.found = FoundSizes(self.rmodel, taken=inputs.declared.names)
        self.text: tuple[Tensor, Size] | None = None
        self.node = self.op = ""

    def run(self) -> RModel:
        graph = self.model.graph
        ASSUMED.set(self.rmodel.constraints), DECIDED.set(self.found.limits), UNSIGNED.set(())
        for value in self.inputs.declared.inputs:
            self.add_input(value)
        UNSIGNED.set(set(self.inputs.unsigned(self.rmodel)) if self.signs else ())
        GIVEN.set(set(self.rmodel.symbol_inputs))
        self.text = make_room(graph, self.opsets, self.rmodel, self.found)
        try:
            self.fill(graph, self.rmodel)
        except ShapeError:
            if not self.findings:
                raise
        self.check_ends()
        if self.findings:
            raise UnsupportedModel(self.findings)
        return self.rmodel

    def check_ends(self) -> None:
        """Refuses inputs and outputs that no header can take or give, where no operator has refused them."""
        for what, tensors in (("input", self.rmodel.inputs), ("output", self.rmodel.outputs)) if not self.findings else ():
            for tensor in tensors:
                if not (isinstance(tensor.declared, Type) and tensor.dtype.is_taken):
                    kinds = ", ".join(map(str, (*dtypes.STORED, dtypes.string)))
                    why = f"{tensor.name!r} is {tensor.declared}; a header takes and gives tensors of {kinds}"
                    self.findings.append(Finding("", what, why))

    def fill(self, graph: onnx.GraphProto, rmodel: RModel) -> None:
        """Lowers a graph into an empty `rmodel`, its outputs included.

        Where an If gives outputs of one rank or another, what follows is lowered once for each of its branches.

        Raises:
            ShapeError: an output could not be lowered; the findings say why.
        """
        before = replace(rmodel, tensors=dict(rmodel.tensors), found=dict(rmodel.found), operators=list(rmodel.operators))
        try:
            self.walk(graph, rmodel)
        except RanksDiffer as differ:
            part(self, graph, rmodel, differ, before)
            return
        if any(value.name in self.unknown for value in graph.output):
            raise ShapeError("its body cannot be converted")
        if rmodel is not self.rmodel:
            rmodel.add_output_tensor_name_list(value.name for value in graph.output)
            return
        there = {*(value.name for value in (*graph.input, *graph.initializer)), *(name for node in graph.node for name in node.output)}
        for value in graph.output:
            if value.name not in there:  # what a body makes is not for those outside
                self.findings.append(Finding("", "output", f"{value.name!r} is no input and no initializer, and no node makes it"))
                continue
            try:
                add_output(rmodel.tensor(value.name), rmodel, lambda op, inputs, outputs: self.add(op, inputs, outputs, rmodel))
            except UnsupportedForm as error:  # a sequence of strings is made, but cannot be packed
                self.findings.append(Finding("", "output", f"{value.name!r}: {error}"))

    def add_input(self, value: onnx.ValueInfoProto) -> None:
        self.sources[value.name] = {value.name}
        try:
            self.inputs.add(value, self.rmodel)
        except Refused as refused:
            self.findings.append(Finding("", "input", refused.why, refused.advice))
            if value.name not in self.rmodel.tensors:
                self.unknown.add(value.name)

    def walk(self, graph: onnx.GraphProto, rmodel: RModel) -> None:
        """Lowers a graph's initializers and nodes into `rmodel`."""
        for initializer in graph.initializer:
            dtype = element_type(initializer.data_type)
            value = array(initializer, f"initializer {initializer.name!r}").astype(dtype.numpy, copy=False)
            rmodel.add_tensor(Tensor(initializer.name, Type(dtype, value.shape), value))
        for node in graph.node:
            self.lower_node(node, rmodel)

    def lower_node(self, node: onnx.NodeProto, rmodel: RModel) -> None:
        domain = "" if node.domain == "ai.onnx" else node.domain
        self.node = node.name or (node.output[0] if node.output else "")
        self.op = f"{domain}.{node.op_type}" if domain else node.op_type
        # A domain of others that is not imported counts as version 1, as onnxruntime reads it.
        opset = self.opsets.get(domain, 1) if domain else self.opsets.get("", self.opsets.get("ai.onnx", 0))
        wrong = schemas.contradictions(node, domain, opset)
        if wrong:
            for why in wrong:
                self.refuse(node, why)
            return
        cls = roperator.find(node.op_type, domain, opset, for_text(node, rmodel))
        taken_apart = lowering_of(node, rmodel)
        if cls is None and taken_apart is None:
            where = f"opset {opset} of {domain or 'ai.onnx'}"
            why, advice = IMPOSSIBLE.get((domain, node.op_type), ("", ""))
            advice = advice or "`onnx-bridge ops` lists what is; an operator of your own is declared with custom_op"
            self.refuse(node, f"not supported in {where}{': ' if why else ''}{why}", advice, form=True)
            return
        if any(name in self.unknown for name in node.input):
            self.unknown.update(node.output)
            return
        op = Cast(name=self.node) if cls is None or taken_apart else cls(name=self.node, opset=opset)
        inputs = schemas.input_names(node, len(type(op).formal_inputs()[0]))
        if node.op_type == "If" and (taken := self.taken(inputs[0], rmodel)) is not None:
            inputs[0] = rmodel.new_tensor("taken", Type(dtypes.bool_, ()), value=np.array(taken)).name
        try:
            if taken_apart is not None:
                with dims.assuming(rmodel.conditions):
                    taken_apart(self.taken_apart(node, rmodel))
                self.reached(node)
                return
            op.set_attributes({a.name: self.attribute_value(a, rmodel) for a in node.attribute})
            outputs = schemas.output_names(node, domain, opset)
            self.add_reading(op, inputs, outputs, rmodel)
            schemas.check_shapes(node, domain, opset, [rmodel.tensor(name) if name else None for name in node.input], op.scalars)
        except (ShapeError, dims.SizeTooLong) as error:
            advice = self.inputs.advice(error, self.sources) if isinstance(error, NeedsConstant) else ""
            self.refuse(node, str(error), advice, form=isinstance(error, (NeedsConstant, UnsupportedForm)))
            if not isinstance(error, UnsupportedForm):
                self.contradictions.append(self.findings[-1])
            return
        except NeedsValue as needs:
            sources = self.inputs.deciding(needs, self.rmodel, self.sources)
            if sources:
                raise _Valued(sources) from None
            self.refuse(node, self.decided_by(node, needs), needs.advice or ADVICE, form=True)
            return
        except (BridgeError, _Valued):  # Unify and RanksDiffer among them
            raise
        except Exception as error:
            raise InternalError("lower", error, f"{self.op} at {self.node!r}") from error
        self.makers.update((tensor, op) for tensor in op.outputs if tensor is not None)
        for pair in ASSUMED.get() or ():
            self.needed.setdefault(pair, (self.node, self.op))
        self.reached(node)

    def taken_apart(self, node: onnx.NodeProto, rmodel: RModel) -> TakenApart:
        """What lowers a node that has to do with sequences."""
        found = len(self.findings)
        return TakenApart(
            rmodel, node, lambda op, inputs, outputs: self.add_reading(op, inputs, outputs, rmodel), max(self.opsets.values()),
            nested=self.nested, lower=self.lower_node, failed=lambda: len(self.findings) > found,
        )  # fmt: skip

    def reached(self, node: onnx.NodeProto) -> None:
        """Notes what a node's outputs depend on."""
        reached = set().union(*(self.sources.get(name, set()) for name in node.input)) if node.input else set()
        for name in node.output:
            self.sources[name] = reached

    def add_reading(self, op: ROperator, inputs: Sequence[str | None], outputs: Sequence[str | None], rmodel: RModel) -> None:
        """Adds an operator. It may read sizes as the network runs that neither are known nor can be the values of inputs."""
        try:
            self.add(op, list(inputs), list(outputs), rmodel)
        except NeedsValue as needs:
            if not op.may_read_sizes or self.inputs.deciding(needs, self.rmodel, self.sources):
                raise
            if op.reads_either_sign:
                self.inputs.sign(needs.tensor, self.rmodel, self.sources)
            op.reads_sizes = True
            self.add(op, list(inputs), list(outputs), rmodel)

    def add(self, op: ROperator, inputs: list[str | None], outputs: list[str | None], rmodel: RModel) -> None:
        """Adds an operator; types that it computes in another one become that in front of it, and what they were behind it."""
        tensors = [None if name is None else rmodel.tensor(name) for name in inputs]
        widened = schemas.widened(op, tensors)
        for index, tensor in enumerate(tensors):
            dtype, wide = widened.get(schemas.variable_of(op, index, output=False), (None, None))
            if tensor is not None and wide is not None and tensor.dtype is dtype:
                inputs[index] = self.widened(op, tensor, wide, rmodel)
        back: list[tuple[str, str, DType]] = []
        for index, name in enumerate(outputs):
            dtype, wide = widened.get(schemas.variable_of(op, index, output=True), (None, None))
            if name is not None and dtype is not None and index not in op.own_types:
                outputs[index] = rmodel.new_name(f"{name}_{wide}")
                back.append((str(outputs[index]), name, dtype))
        if op.makes_text:
            op.text = self.text
        op.finder = lambda what, most: self.found.find(what, most, rmodel)
        rmodel.add_operator(op, inputs, outputs)
        put_together(op, outputs, rmodel)
        op.finder = None
        for source, name, dtype in back:
            self.cast(op, source, name, dtype, rmodel)

    def widened(self, op: ROperator, tensor: Tensor, wide: DType, rmodel: RModel) -> str:
        """The name of a tensor under a wider type; all who read it in one graph share that."""
        key = (rmodel, tensor.name, wide)
        if key not in self.wide:
            self.wide[key] = self.cast(op, tensor.name, rmodel.new_name(f"{tensor.name}_{wide}"), wide, rmodel)
        return self.wide[key]

    @staticmethod
    def cast(op: ROperator, source: str, target: str, dtype: DType, rmodel: RModel) -> str:
        """Adds a Cast beside an operator; returns the name of what it makes."""
        made = Cast(name=f"{op.title()} Cast", opset=op.opset)
        made.set_attributes({"to": dtype.onnx})
        rmodel.add_operator(made, [source], [target])
        return target

    def taken(self, condition: str | None, rmodel: RModel) -> bool | None:
        """Which branch of an If is taken where the graph is lowered for one; None where that is open."""
        tensor = rmodel.tensors.get(condition or "")
        if tensor is None or tensor.is_constant or tensor.count != 1:
            return None
        return self.settled.get(tensor if tensor.value is None else tensor.sizes()[0])

    def decided_by(self, node: onnx.NodeProto, needs: NeedsValue) -> str:
        """Which input decides a size, and what that is computed from."""
        name, maker = needs.tensor.name, self.makers.get(needs.tensor)
        reached = sorted(self.sources.get(name, set()))
        made = f"is computed by {maker.op_type} at {maker.title()!r}" if maker is not None else "is known only when it runs"
        origin = f", from {' and '.join(map(repr, reached[:3]))}{' and others' if len(reached) > 3 else ''}" if reached else ""
        if name in reached:
            made, origin = "is an input of the model", ""
        which = f"its input {list(node.input).index(name)}, {name!r}," if name in node.input else repr(name)
        return f"{needs.what}: {which} {made}{origin}"

    def narrowing(self, pair: tuple[Size, Size]) -> Narrowing:
        """Two sizes that must be equal, and the operator that needs it."""
        return Narrowing(pair[1], pair[0], *self.needed.get(pair, ("", "")))

    def refuse(self, node: onnx.NodeProto, why: str, advice: str = "", *, form: bool = False) -> None:
        origin = next((entry.value for entry in node.metadata_props if entry.key == ORIGIN), "")
        self.findings.append(Finding(self.node, self.op, why, advice, origin, form))
        self.unknown.update(node.output)

    def attribute_value(self, attribute: onnx.AttributeProto, rmodel: RModel) -> Any:
        """An attribute's value in Python: text, numbers, arrays, nested RModels."""
        if attribute.type == onnx.AttributeProto.GRAPH:
            return self.nested(attribute.g, rmodel)
        return attribute_value(attribute)

    def nested(self, graph: onnx.GraphProto, outer: RModel) -> Body:
        """The body of a control-flow operator, lowered when the operator knows its inputs' types."""
        return Body(self, graph, outer)
