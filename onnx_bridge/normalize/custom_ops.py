"""Custom operators are recognised in the nodes that exporters write for them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import onnx
from onnx import numpy_helper

from onnx_bridge.custom import CustomOp, Pattern, complete, known
from onnx_bridge.graphs import all_graphs, read_names, replace_nodes

#: Operators whose two operands may stand in either order.
_COMMUTATIVE = {"Add", "Mul", "Max", "Min"}

#: How near a number must be to that of a pattern: exporters write constants in fewer digits, and through float.
_NEAR = 1e-6

#: Where attributes are left out, what they are; others must be as the pattern has them.
_DEFAULTS: Mapping[tuple[str, str], object] = {("Softmax", "axis"): -1, ("Gelu", "approximate"): "none"}


def recognise_custom_ops(model: onnx.ModelProto) -> list[str]:
    """Puts one node in the place of the nodes that a pattern of a declared operator matches, and adds the operators' bodies."""
    found: Counter[str] = Counter()
    patterns = [(op, pattern) for op in known().values() for pattern in op.patterns]
    constants: dict[str, np.ndarray] = {}
    for graph in all_graphs(model.graph):
        constants |= {t.name: numpy_helper.to_array(t) for t in graph.initializer if _elements(t) == 1}
    for graph in all_graphs(model.graph):
        found += _recognised(graph, patterns, constants)
    complete(model)
    return [f"recognised {name}{f' {count} times' if count > 1 else ''}" for name, count in sorted(found.items())]


def _elements(tensor: onnx.TensorProto) -> int:
    return int(np.prod(tensor.dims, dtype=np.int64))


def _recognised(graph: onnx.GraphProto, patterns: list[tuple[CustomOp, Pattern]], constants: Mapping[str, np.ndarray]) -> Counter[str]:
    found: Counter[str] = Counter()
    producers = {name: node for node in graph.node for name in node.output if name}
    readers = Counter(name for node in graph.node for name in read_names(node))
    readers.update(value.name for value in graph.output)
    removed: set[int] = set()
    replaced: dict[int, onnx.NodeProto] = {}
    for node in reversed(graph.node):
        if id(node) in removed or len(node.output) != 1:
            continue
        for op, pattern in patterns:
            match = next(_Matcher(pattern.function, producers, constants).root(node), None)
            inner = [] if match is None else [n for n in match.nodes.values() if n is not node]
            # What is read elsewhere too must stay, and then nothing is won.
            if match is None or any(id(n) in removed or readers[n.output[0]] != 1 for n in inner):
                continue
            attributes = {name: value for name, value in op.attributes.items() if value is not None} | dict(pattern.attributes)
            attributes |= match.numbers
            inputs = [match.values[name] for name in op.inputs]
            replaced[id(node)] = onnx.helper.make_node(
                op.name, inputs, list(node.output), name=node.name or node.output[0], domain=op.domain, **attributes
            )
            removed |= {id(n) for n in inner}
            found[f"{op.domain}::{op.name}"] += 1
            break
    if replaced:
        replace_nodes(graph, [replaced.get(id(node), node) for node in graph.node if id(node) not in removed])
    return found


@dataclass(frozen=True)
class _Match:
    """What stands for what: tensors for the pattern's inputs, numbers for its attributes, nodes for its nodes."""

    values: dict[str, str] = field(default_factory=dict)
    numbers: dict[str, float] = field(default_factory=dict)
    nodes: dict[int, onnx.NodeProto] = field(default_factory=dict)


class _Matcher:
    """Finds a pattern's nodes behind a node of a graph."""

    def __init__(self, pattern: onnx.FunctionProto, producers: Mapping[str, onnx.NodeProto], constants: Mapping[str, np.ndarray]) -> None:
        self.inputs = set(pattern.input)
        self.makers = {name: node for node in pattern.node for name in node.output}
        self.output = pattern.output[0]
        self.producers, self.constants = producers, constants

    def root(self, node: onnx.NodeProto) -> Iterator[_Match]:
        """All matches whose output is the node's."""
        yield from self.value(self.output, node.output[0], _Match())

    def value(self, wanted: str, given: str, match: _Match) -> Iterator[_Match]:
        """All ways in which the tensor `given` of the graph is the pattern's `wanted`."""
        if wanted in self.inputs:
            if match.values.get(wanted, given) == given and given not in self.constants:
                yield _Match({**match.values, wanted: given}, match.numbers, match.nodes)
            return
        maker = self.makers[wanted]
        if maker.op_type == "Constant":
            yield from self.number(maker.attribute[0], given, match)
            return
        node = self.producers.get(given)
        if node is None or len(node.output) != 1 or not _same_kind(maker, node):
            return
        begun = _Match(match.values, match.numbers, {**match.nodes, id(maker): node})
        orders = [list(node.input)]
        if maker.op_type in _COMMUTATIVE and len(node.input) == 2:
            orders.append(orders[0][::-1])
        for order in orders:
            yield from self.all_values(list(maker.input), order, begun)

    def all_values(self, wanted: list[str], given: list[str], match: _Match) -> Iterator[_Match]:
        if not wanted:
            yield match
            return
        for first in self.value(wanted[0], given[0], match):
            yield from self.all_values(wanted[1:], given[1:], first)

    def number(self, attribute: onnx.AttributeProto, given: str, match: _Match) -> Iterator[_Match]:
        """A constant of one element, which any number is for an attribute of the operator."""
        array = self.constants.get(given)
        if array is None or array.dtype.kind != "f":
            return
        number = float(array.reshape(-1)[0])
        if not attribute.ref_attr_name:
            if np.isclose(number, onnx.helper.get_attribute_value(attribute), rtol=_NEAR, atol=0):
                yield match
        elif match.numbers.get(attribute.ref_attr_name, number) == number:
            yield _Match(match.values, {**match.numbers, attribute.ref_attr_name: number}, match.nodes)


def _same_kind(wanted: onnx.NodeProto, given: onnx.NodeProto) -> bool:
    if (wanted.op_type, wanted.domain, len(wanted.input)) != (given.op_type, given.domain, len(given.input)):
        return False

    def attributes(node: onnx.NodeProto) -> dict[str, object]:
        found = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        found = {name: value.decode("utf-8", "replace") if isinstance(value, bytes) else value for name, value in found.items()}
        return {name: value for name, value in found.items() if _DEFAULTS.get((node.op_type, name)) != value}

    return attributes(wanted) == attributes(given)
