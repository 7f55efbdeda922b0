"""A graph inside a control-flow operator, which lowers it once it knows what the graph reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import onnx

from onnx_bridge.errors import Finding
from onnx_bridge.graphs import all_nodes, is_onnx, read_names, subgraphs
from onnx_bridge.ir import dims
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.rmodel import RModel
from onnx_bridge.ir.roperator import ROperator, UnsupportedForm
from onnx_bridge.ir.tensor import ASSUMED, RanksDiffer, ShapeError, Tensor, Type, Unify
from onnx_bridge.library.known import of_sizes, settled
from onnx_bridge.lowering.branches import End, agree
from onnx_bridge.lowering.found import FoundSizes, refuse_leaving, test_behind_finders
from onnx_bridge.operators.reshape import reshape_to
from onnx_bridge.operators.turn_size import TurnSize

#: How many graphs, one in the other, a graph may hold that is lowered a second time: each level doubles how often the innermost one is.
DEEP = 6


class Walk(Protocol):
    """What a body needs of the walk that it is met on."""

    node: str
    op: str
    findings: list[Finding]
    unknown: set[str]
    makers: dict[Tensor, ROperator]
    rmodel: RModel
    opsets: dict[str, int]
    settled: dict[Size | Tensor, bool]
    contradictions: list[Finding]
    needed: dict[tuple[Size, Size], tuple[str, str]]
    found: FoundSizes

    def add(self, op: ROperator, inputs: list[str | None], outputs: list[str | None], rmodel: RModel) -> None:
        """Adds an operator to a model."""

    def fill(self, graph: onnx.GraphProto, rmodel: RModel) -> None:
        """Lowers a graph into an empty `rmodel`, its outputs included."""


@dataclass
class Body:
    """A subgraph that an operator lowers (`lower`) once it knows the types of the subgraph's inputs."""

    on: Walk
    graph: onnx.GraphProto
    outer: RModel

    @property
    def input_names(self) -> list[str]:
        return [value.name for value in self.graph.input]

    @property
    def output_count(self) -> int:
        return len(self.graph.output)

    def declared_shape(self, index: int, default: tuple[Size, ...]) -> tuple[Size, ...]:
        """The shape that the graph declares for an input, where it is fixed."""
        shape = self.graph.input[index].type.tensor_type.shape
        if all(dim.HasField("dim_value") for dim in shape.dim):
            return tuple(dim.dim_value for dim in shape.dim)
        return default

    def hands_on(self, output: int, name: str) -> bool:
        """Whether an output is nothing but the tensor called `name`."""
        same = {node.output[0]: node.input[0] for node in self.graph.node if is_onnx(node, "Identity")}
        found = self.graph.output[output].name
        while found != name and found in same:
            found = same[found]
        return bool(found == name)

    @property
    def makers(self) -> Mapping[Tensor, ROperator]:
        """The operators that make the tensors of the lowered graph, and of the graphs around it."""
        return self.on.makers

    def lower(
        self, inputs: list[Tensor], bound: Mapping[str, Tensor] | None = None, free: int = 0, turn: tuple[Tensor, Size] | None = None
    ) -> RModel:
        """The nested RModel, with the conditions that its operators make.

        Args:
            inputs: the tensors that are made anew for the body.
            bound: what the names of the subgraph's inputs stand for; by default those of `inputs`.
            free: of how many of the last outputs data may decide the sizes inside.
            turn: an input that is the number of a turn, and what it is never above: where the body cannot be lowered otherwise, it
                is known as a size.
        """
        named = bound if bound is not None else {tensor.name: tensor for tensor in inputs}
        if turn is None:
            return self._lower(inputs, named, free)
        state = dict(self.outer.tensors), set(self.on.unknown), len(self.on.findings), self.on.node, self.on.op
        try:
            return self._lower(inputs, named, free)
        except ShapeError as error:
            if not self._may_hang_on(turn[0].name):
                raise
            first, found = error, self.on.findings[state[2] :]
            self._restore(state)
        try:
            return self._lower(inputs, named, free, turn)
        except ShapeError:
            turn[0].value = None
            self._restore(state)
            self.on.findings += found
            raise first from None

    def _may_hang_on(self, turn: str) -> bool:
        """Whether it can matter that the number of a turn is known: to a graph that reads it, and holds no more than `DEEP` others."""
        deep = _depth(self.graph) > DEEP
        return not deep and turn in {*(v.name for v in self.graph.output), *(name for n in self.graph.node for name in read_names(n))}

    def _restore(self, state: tuple[dict[str, Tensor], set[str], int, str, str]) -> None:
        """Takes back what was lowered in vain."""
        tensors, unknown, findings, self.on.node, self.on.op = state
        self.outer.tensors.clear()
        self.outer.tensors.update(tensors)
        self.on.unknown.intersection_update(unknown)
        del self.on.findings[findings:]

    def _lower(self, inputs: list[Tensor], named: Mapping[str, Tensor], free: int, turn: tuple[Tensor, Size] | None = None) -> RModel:
        body = RModel(self.graph.name or "body", tensors=self.outer.tensors, symbols=self.outer.symbols)
        body.inputs = inputs
        body.tensors.update(named)
        if turn is not None:
            op = TurnSize(name=f"turn of {self.on.node}", most=turn[1])
            self.on.add(op, [turn[0].name], [], body)
            turn[0].value = of_sizes([op.size], turn[0].dtype).reshape([dims.evaluate(size, {}) for size in turn[0].shape])
        try:
            self._walk(body, free)
        except ShapeError:
            self.on.found.forget(body.found)
            raise
        for tensor in body.outputs:
            if isinstance(tensor.declared, Type) and tensor.type.either is not None:
                decided = tensor.type.either[0]
                if not dims.symbols(decided).isdisjoint(body.found):
                    raise UnsupportedForm(f"{tensor.name!r} is {tensor.type}, and data decides that inside; it must have one rank")
                self.on.found.forget(body.found)
                raise RanksDiffer(str(tensor.type), decided)  # of what is around it
        return body

    def agree(self, bodies: Sequence[RModel]) -> list[End] | None:
        """Has all branches give tensors; what the file's outputs are made of, where one of them is none."""
        return agree(bodies, lambda op, inputs, outputs, body: self.on.add(op, inputs, outputs, body))

    def branch(self) -> RModel:
        """The nested RModel of a graph that is run at some sizes only.

        Where it is only consistent if a symbol is another size, it is lowered for that size alone: its constraints say so, and outside
        of it the symbol stays open.
        """
        bindings: dict[str, Size] = {}
        while True:
            body = RModel(self.graph.name or "body", tensors=self.outer.tensors, symbols=self.outer.symbols)
            tensors, unknown, found = dict(body.tensors), set(self.on.unknown), len(self.on.findings)
            node, op = self.on.node, self.on.op
            hidden = self._bind(body, bindings)
            try:
                self._walk(body)
            except Unify as unify:
                bindings = {key: dims.substitute(size, {unify.name: unify.size}) for key, size in bindings.items()}
                bindings[unify.name] = unify.size
                self.on.found.forget(body.found)
                body.tensors.clear()
                body.tensors.update(tensors)
                self.on.unknown.intersection_update(unknown)
                del self.on.findings[found:]
                self.on.node, self.on.op = node, op
                continue
            body.tensors.update(hidden)
            body.constraints = [(dims.symbol(name), size) for name, size in bindings.items()] + body.constraints
            return body

    def _walk(self, body: RModel, free: int = 0) -> None:
        node, op, found = self.on.node, self.on.op, len(self.on.findings)
        try:
            with _equalities(body):
                self.on.fill(self.graph, body)
        finally:
            self.on.node, self.on.op = node, op
        if len(self.on.findings) > found:
            raise ShapeError("its body cannot be converted")
        refuse_leaving(body, body.outputs[: len(body.outputs) - free])
        body.conditions = dims.essential(body.conditions)
        self.on.rmodel.notes += test_behind_finders(body)

    def _bind(self, body: RModel, bindings: Mapping[str, Size]) -> dict[str, Tensor]:
        """Has the body see tensors from outside with symbols replaced; returns what is hidden by that."""
        names = {name for node in all_nodes(self.graph) for name in node.input}
        names |= {value.name for value in self.graph.output}
        hidden = {}
        for name in sorted(names & body.tensors.keys() if bindings else ()):
            tensor = body.tensors[name]
            if any(size != dims.substitute(size, bindings) for size in (*tensor.shape, *_symbolic(tensor))):
                hidden[name] = tensor
                body.tensors[name] = _seen(body, tensor, bindings)
        return hidden


def _depth(graph: onnx.GraphProto) -> int:
    """How many graphs stand in a graph, one in the other."""
    return max((1 + _depth(inner) for node in graph.node for inner in subgraphs(node)), default=0)


def _symbolic(tensor: Tensor) -> tuple[Size, ...]:
    return () if tensor.value is None or tensor.is_constant else tensor.sizes()


def _seen(body: RModel, tensor: Tensor, bindings: Mapping[str, Size]) -> Tensor:
    """A tensor with symbols replaced: sizes in numbers, or the same memory."""
    shape = tuple(dims.substitute(size, bindings) for size in tensor.shape)
    seen = body.new_tensor(f"{tensor.name} in {body.name}", Type(tensor.dtype, shape))
    if tensor.value is not None:
        values = of_sizes((dims.substitute(size, bindings) for size in tensor.sizes()), tensor.dtype)
        seen.value = settled(values.reshape(tensor.value.shape), tensor.dtype)
        return seen
    body.operators.append(reshape_to(seen.name, tensor, seen))
    return seen


@contextmanager
def _equalities(body: RModel) -> Iterator[None]:
    """Gathers the sizes that the body's operators take to be equal."""
    token = ASSUMED.set(body.constraints)
    try:
        yield
    finally:
        ASSUMED.reset(token)
