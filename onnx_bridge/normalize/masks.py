"""What is taken out by a mask and put back by it: Where, in place of as many rows as the mask has true elements.

`x[mask] = f(y[mask])` arrives as NonZero, GatherND, f, ScatterND: sizes that depend on data, though the result's does not. Where f treats
each element, or each row, by itself it can be computed everywhere and chosen by the mask. Likewise for updates of which a mask drops
those with an index outside, as JAX's are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from onnx_bridge.graphs import all_graphs, attribute, is_onnx, opset, replace_nodes, set_attributes
from onnx_bridge.normalize.selections import Places, Selected, Sizes, Type, Value, gives_count, is_places, known_types

#: Operators that treat each element by itself.
_ELEMENTWISE = {
    "Abs", "Acos", "Acosh", "Add", "And", "Asin", "Asinh", "Atan", "Atanh", "Cast", "Ceil", "Celu", "Clip", "Cos", "Cosh", "Div", "Elu",
    "Equal", "Erf", "Exp", "Floor", "Gelu", "Greater", "GreaterOrEqual", "HardSigmoid", "HardSwish", "IsInf", "IsNaN", "LeakyRelu", "Less",
    "LessOrEqual", "Log", "Max", "Mean", "Min", "Mish", "Mod", "Mul", "Neg", "Not", "Or", "Pow", "Reciprocal", "Relu", "Round", "Selu",
    "Sigmoid", "Sign", "Sin", "Sinh", "Softplus", "Softsign", "Sqrt", "Sub", "Sum", "Tan", "Tanh", "ThresholdedRelu", "Where", "Xor",
}  # fmt: skip

#: Operators along the axes from `axis` on, and what the attribute is where it is not written.
_ALONG = {"Softmax": -1, "LogSoftmax": -1, "LayerNormalization": -1, "RMSNormalization": -1}

#: What a reduction of ScatterND does with the element that stands there.
_REDUCTIONS = {"add": "Add", "mul": "Mul", "max": "Max", "min": "Min"}


def assignments_by_mask(model: onnx.ModelProto) -> list[str]:
    """Writes what is put where a mask is true, and updates of which a mask keeps some, without sizes that depend on data."""
    graphs = list(all_graphs(model.graph))
    if not any(node.op_type == "NonZero" for graph in graphs for node in graph.node):
        return []
    known, constants = known_types(model), {t.name: t for graph in graphs for t in graph.initializer}
    values: dict[str, Value] = {}
    count = 0
    for graph in graphs:
        walk = _Walk(graph, opset(model), known, constants, values)
        count += walk.run()
    return [f"{count} assignments to elements that a mask chooses were written with Where"] if count else []


class _Walk:
    """One graph: what its tensors are, and the nodes that are made for it."""

    def __init__(
        self, graph: onnx.GraphProto, opset: int, known: dict[str, Type], constants: dict[str, onnx.TensorProto], values: dict[str, Value]
    ) -> None:
        self.graph, self.opset, self.known, self.constants, self.values = graph, opset, known, constants, values
        self.producers = {name: node for node in graph.node for name in node.output}
        self.nodes: list[onnx.NodeProto] = []
        self.made = 0

    def run(self) -> int:
        """Rewrites the graph's scatters; how many."""
        rules: dict[str, Callable[[onnx.NodeProto], Value | None]] = {
            "NonZero": self.nonzero, "Transpose": self.transpose, "Squeeze": self.reshaped, "Unsqueeze": self.reshaped,
            "Reshape": self.reshape, "Identity": self.same, "Max": self.maximum, "Shape": self.shape, "Gather": self.gather,
            "GatherND": self.gather_nd, "Slice": self.slice, "ReduceSum": self.counted, "Concat": self.concat, "Expand": self.expand,
            "Gemm": self.product, "MatMul": self.product,
        }  # fmt: skip
        found = 0
        for node in self.graph.node:
            scatter = self.scatter(node) if is_onnx(node, "ScatterND") else False
            found += scatter
            if scatter:
                continue
            self.nodes.append(node)
            if not is_onnx(node) or len(node.output) != 1:
                continue
            rule = rules.get(node.op_type) or (self.elementwise if node.op_type in _ELEMENTWISE else None)
            value = (self.along if node.op_type in _ALONG else rule or (lambda _: None))(node)
            if value is not None:
                self.values[node.output[0]] = value
        if found:
            replace_nodes(self.graph, self.nodes)
        return found

    # ---- what is known of a tensor

    def of(self, node: onnx.NodeProto, index: int = 0) -> Value | None:
        return self.values.get(node.input[index]) if index < len(node.input) else None

    def rank(self, name: str) -> int | None:
        return len(self.known[name][1]) if name in self.known else None

    def numbers(self, node: onnx.NodeProto, index: int, name: str = "") -> list[int] | None:
        """Constant integers: an input's, or those of the attribute that older opsets have for it."""
        if index < len(node.input) and node.input[index] in self.constants:
            return [int(n) for n in numpy_helper.to_array(self.constants[node.input[index]]).reshape(-1)]
        found = attribute(node, name, None)
        return list(found) if isinstance(found, Sequence) else None

    def covers(self, mask: str, x: str) -> bool:
        """Whether a tensor's leading sizes may be the mask's; what is not known of a size is taken to agree, but a 1 is broadcast."""
        if mask not in self.known or x not in self.known:
            return False
        front, whole = self.known[mask][1], self.known[x][1]
        agree = all(a == b or ((a is None or b is None) and 1 not in (a, b)) for a, b in zip(front, whole, strict=False))
        return len(whole) >= len(front) and agree

    # ---- nodes that are made

    def add(self, op: str, inputs: Sequence[str], **attributes: Any) -> str:
        self.made += 1
        name = f"{inputs[0]}_{op}_by_mask_{self.made}"
        while name in self.known:
            name += "_"
        self.known[name] = 0, ()
        self.nodes.append(helper.make_node(op, list(inputs), [name], name=name, **attributes))
        return name

    def constant(self, values: object, dtype: type = np.int64) -> str:
        self.made += 1
        name = f"constant_by_mask_{self.made}"
        while name in self.known:
            name += "_"
        self.constants[name] = numpy_helper.from_array(np.asarray(values, dtype), name)
        self.known[name] = self.constants[name].data_type, tuple(self.constants[name].dims)
        self.graph.initializer.append(self.constants[name])
        return name

    def mask(self, name: str, trailing: int, like: str) -> str:
        """The mask as bools, with sizes of 1 behind its own, which are those of `like`: a mask of one row is not to be spread."""
        rank = self.rank(name) or 0
        front, whole = self.known[name][1], self.known[like][1] if like in self.known else ()
        sure = None not in front and front == whole[:rank]
        if self.known[name][0] != onnx.TensorProto.BOOL:
            name = self.add("Cast", [name], to=onnx.TensorProto.BOOL)
        if not sure:
            sizes = self.add("Slice", [self.add("Shape", [like]), self.constant([0]), self.constant([rank])])
            name = self.add("Reshape", [name, sizes])
        if not trailing:
            return name
        axes = list(range(rank, rank + trailing))
        return self.add("Unsqueeze", [name], axes=axes) if self.opset < 13 else self.add("Unsqueeze", [name, self.constant(axes)])

    # ---- places and sizes

    def nonzero(self, node: onnx.NodeProto) -> Value | None:
        mask = next(iter(node.input), "")
        while (maker := self.producers.get(mask)) is not None and maker.op_type in ("Expand", "Identity"):
            shape = self.known[mask][1] if mask in self.known else (None,)
            if None in shape or shape != self.known.get(maker.input[0], (0, ()))[1]:
                break
            mask = maker.input[0]  # one mask, however often it is spread over its own shape
        return Places(mask, "columns") if self.rank(mask) else None

    def transpose(self, node: onnx.NodeProto) -> Value | None:
        value = self.of(node)
        if not is_places(value, "columns", "rows") or list(attribute(node, "perm", (1, 0))) != [1, 0]:
            return None
        return Places(value.mask, {"columns": "rows", "rows": "columns"}[value.form])

    def reshaped(self, node: onnx.NodeProto) -> Value | None:
        """Squeeze and Unsqueeze."""
        value, axes = self.of(node), self.numbers(node, 1, "axes")
        if isinstance(value, Sizes):
            return value
        if isinstance(value, Selected):
            return self.unsqueezed(node, value, axes)
        if not isinstance(value, Places) or self.rank(value.mask) != 1:
            return None
        if node.op_type == "Squeeze":
            there = {"rows": (1, -1), "columns": (0, -2)}.get(value.form, ())
            return Places(value.mask, "flat") if axes is not None and len(axes) == 1 and axes[0] in there else None
        form = {1: "rows", -1: "rows", 0: "columns", -2: "columns"}.get(axes[0]) if axes is not None and len(axes) == 1 else None
        return Places(value.mask, form) if form and value.form == "flat" else None

    def reshape(self, node: onnx.NodeProto) -> Value | None:
        value, shape = self.of(node), self.numbers(node, 1)
        if isinstance(value, Selected) and shape == [-1]:
            return value if value.rank == 0 else Selected(value.mask, value.dense, None)
        if isinstance(value, Sizes) and value.tail == ():
            return value
        if isinstance(value, Places) and self.rank(value.mask) == 1:
            form = "flat" if shape == [-1] else "rows" if shape == [-1, 1] else ""
            return Places(value.mask, form) if form else None
        return None

    def same(self, node: onnx.NodeProto) -> Value | None:
        return self.of(node)

    def maximum(self, node: onnx.NodeProto) -> Value | None:
        return self.of(node) if len(node.input) == 1 else self.elementwise(node)

    def shape(self, node: onnx.NodeProto) -> Value | None:
        value = self.of(node)
        if any(attribute(node, name, default) != default for name, default in (("start", 0), ("end", None))):
            return Sizes(value.mask) if isinstance(value, (Places, Selected)) and gives_count(node, value) else None
        if isinstance(value, Places):
            return None if value.form == "columns" else Sizes(value.mask, () if value.form == "flat" else None)
        return Sizes(value.mask, () if value.rank == 0 else None) if isinstance(value, Selected) and value.rank is not None else None

    def counted(self, node: onnx.NodeProto) -> Value | None:
        """The sum of a mask, of all of its elements."""
        axes, source = self.numbers(node, 1, "axes"), node.input[0]
        seen: list[str] = []
        while (maker := self.producers.get(source)) is not None and maker.op_type in ("Cast", "Reshape"):
            if maker.op_type == "Reshape" and self.numbers(maker, 1) != [-1]:
                break
            seen.append(maker.op_type)
            source = maker.input[0]
        whole = not axes and (len(node.input) < 2 or not node.input[1])
        flat = axes in ([0], [-1]) and (self.rank(source) == 1 or "Reshape" in seen)
        boolean = source in self.known and self.known[source][0] == onnx.TensorProto.BOOL
        return Sizes(source) if boolean and (whole or flat) and self.rank(source) else None

    def concat(self, node: onnx.NodeProto) -> Value | None:
        first = self.of(node)
        if not isinstance(first, Sizes) or first.tail != () or any(name in self.values for name in node.input[1:]):
            return None
        return Sizes(first.mask, tuple(node.input[1:]))

    # ---- rows

    def gather(self, node: onnx.NodeProto) -> Value | None:
        x, places = self.of(node), self.of(node, 1)
        axis = int(attribute(node, "axis", 0))
        if isinstance(x, Sizes) and axis == 0:
            return Sizes(x.mask) if self.numbers(node, 1) == [0] else None
        if axis == 0 and x is None and isinstance(places, Places) and places.form == "flat" and self.covers(places.mask, node.input[0]):
            return Selected(places.mask, node.input[0], (self.rank(node.input[0]) or 1) - 1)
        return None

    def gather_nd(self, node: onnx.NodeProto) -> Value | None:
        x, places = node.input[0], self.of(node, 1)
        if x in self.values or not is_places(places, "rows") or attribute(node, "batch_dims", 0) or not self.covers(places.mask, x):
            return None
        return Selected(places.mask, x, (self.rank(x) or 0) - (self.rank(places.mask) or 0))

    def slice(self, node: onnx.NodeProto) -> Value | None:
        """The first of something: of sizes, how many; of rows, as many as there are."""
        value, starts, ends = self.of(node), self.numbers(node, 1, "starts"), self.numbers(node, 2, "ends")
        if isinstance(value, Sizes) and starts == [0] and ends == [1]:
            return Sizes(value.mask)
        axes, steps, until = self.numbers(node, 3, "axes"), self.numbers(node, 4), self.of(node, 2)
        whole = starts == [0] and axes in (None, [0]) and steps in (None, [1]) and isinstance(until, Sizes)
        if not whole or not isinstance(value, Selected) or not isinstance(until, Sizes):
            return None
        return value if until.mask == value.mask or (value.rank is None and self.widened(until.mask) == value.mask) else None

    def expand(self, node: onnx.NodeProto) -> Value | None:
        value, sizes = self.of(node), self.of(node, 1)
        if not isinstance(sizes, Sizes):
            return None
        if isinstance(value, Places):
            return value if value.mask == sizes.mask and value.form == "flat" and sizes.tail == () else None
        if isinstance(value, Selected):
            length = None if sizes.tail is None else sum(self.length(name) for name in sizes.tail)
            return value if value.mask == sizes.mask and length in (None, value.rank) else None
        x = node.input[0]
        if sizes.tail is None or x not in self.known:
            return None
        shape, rank = self.known[x][1], sum(self.length(name) for name in sizes.tail)
        if len(shape) > rank + 1 or (len(shape) == rank + 1 and shape[0] != 1):
            return None
        whole = self.add("Shape", [sizes.mask])
        if sizes.tail:
            whole = self.add("Concat", [whole, *sizes.tail], axis=0)
        return Selected(sizes.mask, self.add("Expand", [x, whole]), rank)

    def length(self, name: str) -> int:
        sizes = self.known.get(name, (0, (None,)))[1]
        return sizes[0] if len(sizes) == 1 and isinstance(sizes[0], int) else 1 << 20

    def elementwise(self, node: onnx.NodeProto) -> Value | None:
        found = [value for value in map(self.values.get, node.input) if value is not None]
        if not found or not all(isinstance(value, Selected) for value in found):
            return None
        rows = [value for value in found if isinstance(value, Selected)]
        first = rows[0]
        if any((row.mask, row.rank) != (first.mask, first.rank) for row in rows) or first.rank is None:
            return None
        for name in node.input:
            if name and name not in self.values:  # must say the same to every row
                shape = self.known[name][1] if name in self.known else None
                if shape is None or (len(shape) > first.rank and not all(size == 1 for size in shape[: len(shape) - first.rank])):
                    return None
                if len(shape) > first.rank + 1:
                    return None
        return Selected(first.mask, self.again(node, [self.dense(name) for name in node.input]), first.rank)

    def dense(self, name: str) -> str:
        value = self.values.get(name)
        return value.dense if isinstance(value, Selected) else name

    def again(self, node: onnx.NodeProto, inputs: Sequence[str]) -> str:
        """The node once more, on other inputs."""
        name = self.add(node.op_type, [name or "" for name in inputs])
        self.nodes[-1].attribute.extend(node.attribute)
        return name

    def along(self, node: onnx.NodeProto) -> Value | None:
        """Along axes of each row."""
        value, axis = self.of(node), int(attribute(node, "axis", _ALONG[node.op_type]))
        if not isinstance(value, Selected) or not value.rank or any(name in self.values for name in node.input[1:]) or self.opset < 13:
            return None
        axis = axis if axis < 0 else axis - value.rank - 1
        if axis < -value.rank:
            return None
        made = self.again(node, [value.dense, *node.input[1:]])
        set_attributes(self.nodes[-1], axis=axis)
        return Selected(value.mask, made, value.rank)

    def unsqueezed(self, node: onnx.NodeProto, value: Selected, axes: list[int] | None) -> Value | None:
        """Axes of size 1 within each row."""
        if node.op_type != "Unsqueeze" or axes is None or value.rank is None or self.opset < 13:
            return None
        rank = value.rank + len(axes)
        places = [axis % (rank + 1) for axis in axes]
        if 0 in places:
            return None
        shift = (self.rank(value.mask) or 0) - 1
        return Selected(value.mask, self.add("Unsqueeze", [value.dense, self.constant([axis + shift for axis in places])]), rank)

    def product(self, node: onnx.NodeProto) -> Value | None:
        """Rows times a matrix."""
        value = self.of(node)
        if not isinstance(value, Selected) or value.rank != 1 or any(name in self.values for name in node.input[1:]):
            return None
        if self.rank(node.input[1]) != 2 or (len(node.input) > 2 and (self.rank(node.input[2]) or 0) > 1) or attribute(node, "transA", 0):
            return None
        if node.op_type == "MatMul" or self.rank(value.mask) == 1:
            return Selected(value.mask, self.again(node, [value.dense, *node.input[1:]]), 1)
        if (attribute(node, "alpha", 1.0), attribute(node, "beta", 1.0)) != (1, 1):
            return None
        weights = self.add("Transpose", [node.input[1]], perm=[1, 0]) if attribute(node, "transB", 0) else node.input[1]
        made = self.add("MatMul", [value.dense, weights])
        return Selected(value.mask, self.add("Add", [made, node.input[2]]) if len(node.input) > 2 and node.input[2] else made, 1)

    # ---- putting back

    def widened(self, mask: str) -> str:
        """The mask that another is the spread of, over axes behind its own; its own name where it is none."""
        maker = self.producers.get(mask)
        if maker is None or maker.op_type != "Expand" or (inner := self.producers.get(maker.input[0])) is None:
            return mask
        rank, axes = self.rank(inner.input[0]), self.numbers(inner, 1, "axes")
        if inner.op_type != "Unsqueeze" or rank is None or axes is None:
            return mask
        places = sorted(axis % (rank + len(axes)) for axis in axes)
        return inner.input[0] if places == list(range(rank, rank + len(axes))) else mask

    def scatter(self, node: onnx.NodeProto) -> bool:
        """Writes a ScatterND anew, if it can be."""
        data, (places, updates) = node.input[0], (self.of(node, 1), self.of(node, 2))
        reduction = attribute(node, "reduction", b"none")
        reduction = reduction.decode("utf-8", "replace") if isinstance(reduction, bytes) else str(reduction)
        if data in self.values or not isinstance(updates, Selected):
            return False
        if isinstance(places, Selected):
            return places.mask == updates.mask and places.rank is not None and self.kept(node, places, updates)
        if not is_places(places, "rows") or not self.covers(places.mask, data):
            return False
        if updates.rank is None and self.widened(places.mask) == updates.mask:
            trailing = 0
        elif places.mask == updates.mask and updates.rank is not None:
            trailing = updates.rank
        else:
            return False
        chosen = updates.dense if reduction == "none" else self.add(_REDUCTIONS[reduction], [data, updates.dense])
        self.nodes.append(helper.make_node("Where", [self.mask(places.mask, trailing, data), chosen, data], node.output, name=node.name))
        return True

    def kept(self, node: onnx.NodeProto, places: Selected, updates: Selected) -> bool:
        """A scatter of the updates that a mask keeps: the others go to a row behind the last one, which is cut off again."""
        depth = self.known.get(places.dense, (0, (None,)))[1][-1] if places.rank == 1 else None
        if not isinstance(depth, int) or not depth or node.input[0] not in self.known or self.opset < 13:
            return False
        data, zero, one = node.input[0], self.constant([0]), self.constant([1])
        kind, shape = self.known[data]
        rows = self.add("Slice", [(sizes := self.add("Shape", [data])), zero, one])
        row = [one, self.add("Slice", [sizes, one, self.constant([1 << 30])])] if len(shape) > 1 else [one]
        blank = self.constant(0, helper.tensor_dtype_to_np_dtype(kind).type)
        longer = self.add("Concat", [data, self.add("Expand", [blank, self.add("Concat", row, axis=0)])], axis=0)
        outside = self.add("Concat", [rows, *([self.constant([0] * (depth - 1))] if depth > 1 else [])], axis=0)
        indices = self.add("Where", [self.mask(places.mask, 1, places.dense), places.dense, outside])
        scattered = self.again(node, [longer, indices, updates.dense])
        self.nodes.append(helper.make_node("Slice", [scattered, zero, rows], node.output, name=node.name))
        return True
