"""Models with something wrong: what `fuzz.py` makes of sound ones. Each mutation changes one thing of a kind; nothing is checked."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from functools import cache

import onnx
from google.protobuf.message import DecodeError
from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto, helper

#: Numbers that programs do not expect.
INTEGERS = (0, 1, -1, 2, 3, 7, 255, 2**31 - 1, 2**31, -(2**31), 2**40, 2**62, 2**63 - 1, -(2**63))
FLOATS = (0.0, -0.0, 1.0, -1.0, 1e-45, 3e38, float("inf"), float("-inf"), float("nan"))
NAMES = (
    "", " ", "a;b", 'a"b', "a\\b", "a\nb", "int", "while", "delete", "class", "x" * 3000, "Ångström", "模型", "*/ int main() {", "//", "/*",
    "??/", "0", "3x", "a-b", "N/2", "2*N", "-", "min", "near", "std", "infer", "Model", "Size", "lanes", "%s%n", "../x", "${x}", "x0", "t0",
)  # fmt: skip
TYPES = (*range(24), 99, -1)

#: Texts that programs do not expect, as elements of tensors.
TEXTS = (b"", b"\0", b"\xff\xfe", "模型".encode(), b"(" * 40, b"a|*", b"1e999", b"nan", b"-", b"x" * 5000)

#: The domains that operators are taken from; onnx has no schemas of the last ones.
DOMAINS = ("", "ai.onnx.ml", "com.microsoft", "com.microsoft.nchwc")

Mutation = Callable[[ModelProto, random.Random], None]


@cache
def operators(domain: str) -> list[str]:
    """The operators of a domain: those of onnx's schemas, and those that are registered here."""
    from onnx_bridge.ir.roperator import REGISTRY

    schemas = {schema.name for schema in onnx.defs.get_all_schemas() if schema.domain == domain}
    return sorted(schemas | {name for known, name in REGISTRY if known == domain})


@cache
def attributes(domain: str, op_type: str) -> list[str]:
    """The attributes of an operator, by its schema or by what is registered."""
    from onnx_bridge.ir.roperator import REGISTRY

    schema = onnx.defs.get_schema(op_type, domain=domain) if onnx.defs.has(op_type, domain) else None
    found = set() if schema is None else set(schema.attributes)
    return sorted(found.union(*(cls.attributes() for cls in REGISTRY.get((domain, op_type), []))))


def graphs(model: ModelProto) -> list[GraphProto]:
    """The graph and those inside it."""
    found = [model.graph]
    for graph in found:
        for node in graph.node:
            for attribute in node.attribute:
                found += [g for g in (attribute.g, *attribute.graphs) if g.node or g.output]
    return found


def a_graph(model: ModelProto, rng: random.Random) -> GraphProto:
    """Mostly the outermost."""
    return rng.choice(graphs(model))


def a_node(model: ModelProto, rng: random.Random) -> NodeProto | None:
    """Any node of any graph."""
    nodes = [node for graph in graphs(model) for node in graph.node]
    return rng.choice(nodes) if nodes else None


def a_name(model: ModelProto, rng: random.Random) -> str:
    """Of a value that there is, or a hostile one."""
    names = [name for graph in graphs(model) for node in graph.node for name in (*node.input, *node.output)]
    names += [value.name for value in (*model.graph.input, *model.graph.initializer)]
    return rng.choice(names) if names and rng.random() < 0.8 else rng.choice(NAMES)


def ends(model: ModelProto, rng: random.Random) -> list[ValueInfoProto]:
    """Inputs and outputs of a graph."""
    graph = a_graph(model, rng)
    return [*graph.input, *graph.output]


def element_type(model: ModelProto, rng: random.Random) -> None:
    """An input or output of another type."""
    for value in rng.sample(found := ends(model, rng), min(len(found), 1)):
        value.type.tensor_type.elem_type = rng.choice(TYPES)


def shape(model: ModelProto, rng: random.Random) -> None:
    """An input or output with an axis more, less or of another size, or without a shape."""
    for value in rng.sample(found := ends(model, rng), min(len(found), 1)):
        dims = value.type.tensor_type.shape.dim
        way = rng.randrange(5)
        if way == 0 and dims:
            del dims[rng.randrange(len(dims))]
        elif way == 1:
            dims.add().dim_value = rng.choice(INTEGERS)
        elif way == 2 and dims:
            rng.choice(dims).dim_value = rng.choice(INTEGERS)
        elif way == 3 and dims:
            rng.choice(dims).dim_param = rng.choice(("N", "M", "K", *NAMES))
        else:
            value.type.tensor_type.ClearField("shape")


def other_type(model: ModelProto, rng: random.Random) -> None:
    """An input that is no tensor."""
    for value in rng.sample(found := ends(model, rng), min(len(found), 1)):
        value.type.CopyFrom(
            rng.choice(
                (
                    onnx.TypeProto(),
                    helper.make_tensor_type_proto(TensorProto.STRING, [2]),
                    helper.make_sequence_type_proto(helper.make_tensor_type_proto(7, ["N"])),
                    helper.make_optional_type_proto(helper.make_sequence_type_proto(helper.make_tensor_type_proto(1, [2]))),
                    helper.make_map_type_proto(7, helper.make_tensor_type_proto(1, [])),
                    helper.make_sequence_type_proto(helper.make_tensor_type_proto(1, [2])),
                    helper.make_optional_type_proto(helper.make_tensor_type_proto(1, [2])),
                    helper.make_sparse_tensor_type_proto(1, [2]),
                )
            )
        )


def input_of_node(model: ModelProto, rng: random.Random) -> None:
    """An input dropped, emptied, doubled, renamed, added, or all of them exchanged."""
    node = a_node(model, rng)
    if node is None:
        return
    names = list(node.input)
    if rng.random() < 1 / 6:
        rng.shuffle(names)
    else:
        _one_changed(names, a_name(model, rng), rng)
    del node.input[:]
    node.input.extend(names)


def output_of_node(model: ModelProto, rng: random.Random) -> None:
    """An output dropped, emptied, doubled, renamed or added; renamed to the node's own input it closes a cycle."""
    node = a_node(model, rng)
    if node is None:
        return
    names = list(node.output)
    _one_changed(names, rng.choice((a_name(model, rng), "extra", *NAMES)), rng)
    del node.output[:]
    node.output.extend(names)


def _one_changed(names: list[str], other: str, rng: random.Random) -> None:
    """One of a node's names dropped, emptied, doubled or replaced, or another one added."""
    way = rng.randrange(5) if names else 4
    place = rng.randrange(len(names)) if names else 0
    if way == 0:
        del names[place]
    elif way == 1:
        names[place] = ""
    elif way == 2:
        names.append(names[place])
    elif way == 3:
        names[place] = other
    else:
        names.append(other)


def nodes(model: ModelProto, rng: random.Random) -> None:
    """A node removed, repeated, or two exchanged."""
    graph = a_graph(model, rng)
    order = list(graph.node)
    way = rng.randrange(3)
    if not order:
        return
    if way == 0:
        del order[rng.randrange(len(order))]
    elif way == 1:
        order.insert(rng.randrange(len(order) + 1), rng.choice(order))
    else:
        rng.shuffle(order)
    copies = [NodeProto.FromString(node.SerializeToString()) for node in order]
    del graph.node[:]
    graph.node.extend(copies)


def operator(model: ModelProto, rng: random.Random) -> None:
    """Another operator, or another domain."""
    node = a_node(model, rng)
    if node is None:
        return
    way = rng.random()
    if way < 0.5:
        node.op_type = rng.choice([*(operators(node.domain) or operators("")), "", "Nothing", "::", "x" * 99])
    elif way < 0.7:
        domain = rng.choice(DOMAINS)
        node.domain, node.op_type = domain, rng.choice(operators(domain))
        if all(entry.domain != domain for entry in model.opset_import):
            model.opset_import.append(helper.make_opsetid(domain, rng.choice((1, 2, 3, 5))))
    else:
        node.domain = rng.choice(("ai.onnx.ml", "com.microsoft", "onnx_bridge", "ai.onnx", "no.such", *NAMES))


def opset(model: ModelProto, rng: random.Random) -> None:
    """Another opset or version of the format; two of one domain, or none."""
    way = rng.randrange(4)
    if way == 0 and model.opset_import:
        model.opset_import[0].version = rng.choice((*range(1, 27), 0, -1, 999, 2**40))
    elif way == 1:
        model.opset_import.append(helper.make_opsetid(rng.choice(("", "ai.onnx", "x")), rng.randrange(1, 26)))
    elif way == 2:
        del model.opset_import[:]
    else:
        model.ir_version = rng.choice((0, 1, 3, 8, 13, 99, 2**40))


def an_attribute(name: str, rng: random.Random) -> AttributeProto:
    """Of any kind, of any value."""
    some = [rng.choice(INTEGERS) for _ in range(rng.choice((0, 1, 2, 3, 4, 9)))]
    value = rng.choice(
        (
            rng.choice(INTEGERS), rng.choice(FLOATS), rng.choice(NAMES), some or [1], [rng.choice(FLOATS) for _ in some] or [1.0],
            [rng.choice(NAMES) for _ in some] or ["x"], helper.make_tensor("t", rng.choice((1, 6, 7, 9, 11)), [0], []),
            helper.make_tensor("t", 7, [len(some)], some), helper.make_tensor("t", 1, [2, 2], [rng.choice(FLOATS) for _ in range(4)]),
            helper.make_graph([], "g", [], []), helper.make_tensor_type_proto(1, [2]),
        )
    )  # fmt: skip
    made = helper.make_attribute(name, value)
    if rng.random() < 0.1:
        made.type = rng.randrange(15)  # says another kind than it holds
    return made


def attribute(model: ModelProto, rng: random.Random) -> None:
    """An attribute removed, changed or added."""
    node = a_node(model, rng)
    if node is None:
        return
    kept = list(node.attribute)
    known = attributes(node.domain, node.op_type)
    way = rng.randrange(4)
    if way == 0 and kept:
        del kept[rng.randrange(len(kept))]
    elif way == 1 and kept:
        changed = rng.choice(kept)
        if changed.ints:
            changed.ints[rng.randrange(len(changed.ints))] = rng.choice(INTEGERS)
        elif changed.type == AttributeProto.INT:
            changed.i = rng.choice(INTEGERS)
        elif changed.type == AttributeProto.FLOAT:
            changed.f = rng.choice(FLOATS)
        elif changed.type == AttributeProto.STRING:
            changed.s = rng.choice((b"", b"\xff", b"NOTSET", b"SAME_UPPER", b"linear", b"SOFTMAX", b"BRANCH_LEQ", b"(", b"x" * 500))
        elif changed.floats:
            changed.floats[rng.randrange(len(changed.floats))] = rng.choice(FLOATS)
        elif changed.strings:
            changed.strings[rng.randrange(len(changed.strings))] = rng.choice((*TEXTS, b"BRANCH_EQ", b"LEAF", b"BRANCH_LT"))
        else:
            changed.CopyFrom(an_attribute(changed.name, rng))
    elif way == 2 and kept:
        changed = rng.choice(kept)
        changed.CopyFrom(an_attribute(changed.name, rng))
    else:
        kept.append(an_attribute(rng.choice(list(known) if known and rng.random() < 0.9 else list(NAMES)), rng))
    copies = [AttributeProto.FromString(one.SerializeToString()) for one in kept]
    del node.attribute[:]
    node.attribute.extend(copies)


def tensors(model: ModelProto) -> list[TensorProto]:
    """Everything that holds numbers."""
    all_graphs = graphs(model)
    constants = [a.t for graph in all_graphs for node in graph.node for a in node.attribute if a.HasField("t")]
    return [*(tensor for graph in all_graphs for tensor in graph.initializer), *constants]


def constant(model: ModelProto, rng: random.Random) -> None:
    """A constant of other sizes, another type, with less data or other numbers, or data elsewhere."""
    found = tensors(model)
    if not found:
        return
    tensor = rng.choice(found)
    way = rng.randrange(7)
    if way == 0:
        tensor.data_type = rng.choice(TYPES)
    elif way == 1 and tensor.dims:
        tensor.dims[rng.randrange(len(tensor.dims))] = rng.choice(INTEGERS)
    elif way == 2:
        tensor.dims.append(rng.choice((1, *INTEGERS)))
    elif way == 3:
        tensor.raw_data = tensor.raw_data[: rng.randrange(len(tensor.raw_data) + 1)]
    elif way == 4:
        tensor.data_location = TensorProto.EXTERNAL
        entry = tensor.external_data.add()
        entry.key, entry.value = "location", rng.choice(("../../../etc/passwd", "/dev/zero", "no such", "", "."))
    else:
        numbers(tensor, rng)


def numbers(tensor: TensorProto, rng: random.Random) -> None:
    """Other numbers of the same type, as many."""
    try:
        count = onnx.numpy_helper.to_array(tensor).size
        if tensor.data_type == TensorProto.STRING:
            tensor.string_data[:] = [rng.choice(TEXTS) for _ in range(count)]
            return
        integral = tensor.data_type in (2, 3, 4, 5, 6, 7, 12, 13)
        values = [rng.choice(INTEGERS) if integral else rng.choice(FLOATS) for _ in range(min(count, 4096))]
        made = helper.make_tensor(tensor.name, tensor.data_type, tensor.dims, (values * (count // max(len(values), 1) + 1))[:count])
    except Exception:  # not a tensor any more, or a number that its type does not hold
        return
    tensor.CopyFrom(made)


def names(model: ModelProto, rng: random.Random) -> None:
    """One name, wherever it stands, becomes a hostile one or that of another value."""
    old = a_name(model, rng)
    new = rng.choice(NAMES) if rng.random() < 0.7 else a_name(model, rng)
    for graph in graphs(model):
        for value in (*graph.input, *graph.output, *graph.initializer, *graph.value_info):
            if value.name == old:
                value.name = new
        for node in graph.node:
            for group in (node.input, node.output):
                for index, name in enumerate(group):
                    if name == old:
                        group[index] = new
        if rng.random() < 0.2:
            graph.name = new


def outputs(model: ModelProto, rng: random.Random) -> None:
    """An output of a graph twice, none, of no value, or an input."""
    graph = a_graph(model, rng)
    way = rng.randrange(4)
    if way == 0 and graph.output:
        graph.output.append(rng.choice(graph.output))
    elif way == 1 and graph.output:
        del graph.output[rng.randrange(len(graph.output))]
    elif way == 2:
        graph.output.append(helper.make_empty_tensor_value_info(a_name(model, rng)))
    elif graph.input:
        graph.output.append(rng.choice(graph.input))


def initializer(model: ModelProto, rng: random.Random) -> None:
    """A constant becomes an input, an input gets a default, a name is given twice."""
    graph = a_graph(model, rng)
    way = rng.randrange(3)
    if way == 0 and graph.initializer:
        taken = graph.initializer[rng.randrange(len(graph.initializer))]
        sizes: Sequence[int | str] = [rng.choice(("N", *taken.dims)) for _ in taken.dims]
        graph.input.append(helper.make_tensor_value_info(taken.name, taken.data_type, sizes))
        if rng.random() < 0.7:
            graph.initializer.remove(taken)
    elif way == 1 and graph.input:
        graph.initializer.append(helper.make_tensor(rng.choice(graph.input).name, 1, [2], [1.0, 2.0]))
    elif graph.initializer:
        graph.initializer.append(rng.choice(graph.initializer))


def nested(model: ModelProto, rng: random.Random) -> None:
    """All nodes inside an If, a Loop or a Scan, a few or very many deep."""
    graph = model.graph
    if not graph.output:
        return
    kind = rng.choice(("If", "Loop", "Scan"))
    for depth in range(rng.choice((1, 1, 2, 3, 3 if kind == "If" else 25))):  # an If doubles what is inside
        results = [o.name for o in graph.output]
        inner = helper.make_graph(list(graph.node), f"inner{depth}", [], [helper.make_empty_tensor_value_info(name) for name in results])
        del graph.node[:]
        if kind == "If":
            graph.node.append(helper.make_node("Constant", [], [f"go{depth}"], value=helper.make_tensor("", 9, [], [rng.random() < 0.5])))
            graph.node.append(helper.make_node("If", [f"go{depth}"], results, then_branch=inner, else_branch=inner))
        else:
            if kind == "Loop":
                inner.input.extend([helper.make_tensor_value_info(f"i{depth}", 7, []), helper.make_tensor_value_info(f"on{depth}", 9, [])])
                inner.node.append(helper.make_node("Identity", [f"on{depth}"], [f"still{depth}"]))
                inner.output.insert(0, helper.make_tensor_value_info(f"still{depth}", 9, []))
            trips = helper.make_tensor("", 7, [], [rng.choice((1, 2, *INTEGERS))])
            graph.node.append(helper.make_node("Constant", [], [f"trips{depth}"], value=trips))
            more = {"num_scan_inputs": rng.choice((0, 1))} if kind == "Scan" else {}
            graph.node.append(helper.make_node(kind, [f"trips{depth}", *([""] if kind == "Loop" else [])], results, body=inner, **more))


STRUCTURE: tuple[Mutation, ...] = (
    element_type, shape, shape, other_type, input_of_node, input_of_node, output_of_node, nodes, operator, opset, attribute, attribute,
    attribute, constant, constant, constant, names, names, outputs, initializer, nested,
)  # fmt: skip


def bytewise(data: bytes, other: bytes, rng: random.Random) -> bytes:
    """Bytes flipped, cut off, put in, or two models in one."""
    way = rng.randrange(4)
    if way == 0:
        changed = bytearray(data)
        for _ in range(rng.choice((1, 2, 8, 64))):
            changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
        return bytes(changed)
    if way == 1:
        return data[: rng.randrange(len(data))]
    cut = rng.randrange(len(data))
    if way == 2:
        return data[:cut] + rng.randbytes(rng.choice((1, 4, 50))) + data[cut + rng.choice((0, 1, 4)) :]
    return data[:cut] + other[rng.randrange(len(other)) :]


def mutant(seeds: Sequence[bytes], seed: int, index: int) -> bytes:
    """The mutant of a number: always the same."""
    rng = random.Random(f"{seed}:{index}")  # noqa: S311  (no secret)
    data = rng.choice(seeds)
    if rng.random() < 0.2:
        return bytewise(data, rng.choice(seeds), rng)
    model = ModelProto.FromString(data)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        mutation = rng.choice(STRUCTURE)
        try:
            mutation(model, rng)
        except (ValueError, TypeError, OverflowError, UnicodeError, DecodeError):
            continue  # what protobuf itself does not hold
    return model.SerializeToString()
