"""What `scripts/fuzz.py` damages: small sound models in which every operator is, and what an operator's own cases do not hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import onnx
from check import model_of
from onnx import helper, numpy_helper
from zoo import ZOO

from onnx_bridge.custom import load
from onnx_bridge.graphs import all_nodes
from onnx_bridge.ir.roperator import REGISTRY

#: A model with more bytes is no seed: a mutant is to be quick, and what is changed in it to be read.
BYTES = 20_000

#: Operators without cases, since onnxruntime lacks them or they come in groups: (domain, operator), inputs' sizes, attributes.
ALONE: Sequence[tuple[str, str, Sequence[Sequence[int | str]], dict[str, object]]] = (
    ("", "BitCast", [["N", 3]], {"to": 6}),
    ("com.microsoft", "BiasAdd", [["N", 3, 8], [8], ["N", 3, 8]], {}),
    ("com.microsoft", "BiasDropout", [["N", 3, 8], [8], ["N", 3, 8]], {}),
    ("com.microsoft", "BiasSoftmax", [["N", 3, 8], [8]], {"axis": 2, "is_inner_broadcast": 0}),
    ("com.microsoft", "BiasSplitGelu", [["N", 3, 8], [8]], {}),
    ("com.microsoft", "FusedMatMulActivation", [["N", 4], [4, 3]], {"activation": "LeakyRelu", "activation_alpha": 0.1}),
    ("com.microsoft", "GemmFastGelu", [["N", 4], [4, 3], [3]], {}),
    ("com.microsoft", "NhwcConv", [["N", 5, 6, 2], [4, 2, 3, 3], [4]], {"pads": [1, 1, 1, 1]}),
    ("ai.onnx.preview.training", "Adagrad", [[], [], ["N", 3], ["N", 3], ["N", 3]], {"norm_coefficient": 0.1}),
    ("ai.onnx.preview.training", "Adam", [[], [], ["N", 3], ["N", 3], ["N", 3], ["N", 3]], {"alpha": 0.9, "beta": 0.9}),
    (
        "ai.onnx.preview.training", "Momentum", [[], [], ["N", 3], ["N", 3], ["N", 3]],
        {"alpha": 0.9, "beta": 0.5, "mode": "nesterov", "norm_coefficient": 0.1},
    ),
)  # fmt: skip

#: Control flow, sequences, optionals, functions of the model's own, strings, halves and integers of a byte, in onnx's own language.
TEXTS = {
    "cumulate": """<ir_version: 9, opset_import: ["" : 17]>
        cumulate (float[N, 3] h, float[T, N, 3] a) => (float[N, 3] last, float[T, N, 3] path) {
            last, path = Scan <num_scan_inputs = 1, body = step (float[N, 3] now, float[N, 3] x) => (float[N, 3] next, float[N, 3] seen) {
                next = Add(now, x)
                seen = Tanh(next)
            }>(h, a)
        }""",
    "until": """<ir_version: 9, opset_import: ["" : 18]>
        until (float[N] x, int64 most) => (float[N] y, float[T, N] path) <bool go = {1}, float limit = {9}> {
            y, path = Loop <body = turn (int64 i, bool on, float[N] now) => (bool still, float[N] next, float[N] seen) {
                next = Add(now, now)
                sum = ReduceSum <keepdims = 0> (next)
                still = Less(sum, limit)
                seen = Identity(next)
            }>(most, go, x)
        }""",
    "chosen": """<ir_version: 9, opset_import: ["" : 18]>
        chosen (float[N, 4] x, bool yes) => (float[N, M] y) {
            y = If (yes) <then_branch = a () => (float[N, 4] one) { one = Relu(x) },
                          else_branch = b () => (float[N, 8] two) { two = Concat <axis = 1> (x, x) }>
        }""",
    "listed": """<ir_version: 9, opset_import: ["" : 18]>
        listed (float[N, 4] x, int64 place) => (float[N, 4] y, int64 n, float[M, 4] all) {
            empty = SequenceEmpty()
            some = SequenceInsert(empty, x)
            negative = Neg(x)
            more = SequenceInsert(some, negative, place)
            fewer = SequenceErase(more, place)
            y = SequenceAt(more, place)
            n = SequenceLength(fewer)
            all = ConcatFromSequence <axis = 0> (more)
        }""",
    "parted": """<ir_version: 9, opset_import: ["" : 18]>
        parted (float[N, 4] x) => (float[N, 2] y) <int64 first = {1}> {
            parts = SplitToSequence <axis = 1> (x)
            mapped = SequenceMap <body = each (float[N, 1] part) => (float[N, 2] wide) { wide = Concat <axis = 1> (part, part) }>(parts)
            y = SequenceAt(mapped, first)
        }""",
    "maybe": """<ir_version: 9, opset_import: ["" : 18]>
        maybe (optional(float[N, 4]) x) => (bool there, float[N, 4] y) {
            there = OptionalHasElement(x)
            y = OptionalGetElement(x)
        }""",
    "given": """<ir_version: 9, opset_import: ["" : 18]>
        given (float[N, 4] x, seq(float[N, 4]) many) => (optional(float[N, 4]) y, seq(float[N, 4]) more) {
            y = Optional(x)
            more = SequenceInsert(many, x)
        }""",
    "function": """<ir_version: 9, opset_import: ["" : 18, "mine" : 1]>
        function (float[N, 4] x) => (float[N, 4] y) { h = mine.twice <times = 3.0> (x)  y = mine.twice(h) }
        <domain: "mine", opset_import: ["" : 18, "mine" : 1]>
        twice <times: float = 2.0> (x) => (y) { c = Constant <value_float: float = @times> ()  y = mine.product(x, c) }
        <domain: "mine", opset_import: ["" : 18]>
        product (a, b) => (c) { c = Mul(a, b) }""",
    "words": """<ir_version: 9, opset_import: ["" : 20, "ai.onnx.ml" : 4]>
        words (string[N] x) => (bool[N] y, int64[N] code, string[N, M] parts, int64[N] counts) <string suffix = {"-"}> {
            long = StringConcat(x, suffix)
            y = RegexFullMatch <pattern = "[a-c ]+-"> (long)
            code = ai.onnx.ml.LabelEncoder <keys_strings = ["a", "b"], values_int64s = [1, 2], default_int64 = 7> (x)
            parts, counts = StringSplit <delimiter = " "> (x)
        }""",
    "narrow": """<ir_version: 10, opset_import: ["" : 21]>
        narrow (float[N, 4] x) => (float[N, 4] y)
        <float scale = {0.1}, uint4 zero = {3}, int4[4, 4] w = {1, -2, 3, -4, 5, -6, 7, -8, 1, 2, 3, 4, 0, 1, 0, 1}> {
            q = QuantizeLinear(x, scale, zero)
            d = DequantizeLinear(q, scale, zero)
            v = DequantizeLinear(w, scale)
            p = MatMul(d, v)
            eighth = Cast <to = 17> (p)
            y = Cast <to = 1> (eighth)
        }""",
    "halves": """<ir_version: 9, opset_import: ["" : 18]>
        halves (float16[N, 4] x, bfloat16[N, 4] z) => (float16[N, 4] y, bfloat16[N, 4] u) {
            h = Softmax <axis = 1> (x)
            y = Mul(h, x)
            u = Add(z, z)
        }""",
    "spectrum": """<ir_version: 9, opset_import: ["" : 20]>
        spectrum (float[N, T] x) => (float[N, F, 9, 2] y, float[N, M, 2] z)
        <int64 hop = {4}, int64 size = {16}, int64 axis = {1}, int64[1] last = {-1}> {
            window = HannWindow(size)
            y = STFT(x, hop, window)
            wide = Unsqueeze(x, last)
            z = DFT <onesided = 1> (wide, , axis)
        }""",
    "quantised": """<ir_version: 9, opset_import: ["" : 17]>
        quantised (float[N, 2, 5, 5] x) => (float[N, 3, 3, 3] y, int32[N, 3, 3, 3] sums)
        <float s = {0.05}, uint8 z = {128}, int8[3, 2, 3, 3] w = {WEIGHTS}, int8 wz = {0}, float t = {0.2}> {
            q = QuantizeLinear(x, s, z)
            c = QLinearConv(q, s, z, w, s, wz, t, z)
            y = DequantizeLinear(c, t, z)
            sums = ConvInteger(q, w, z)
        }""",
}



def written(name: str) -> onnx.ModelProto:
    """A model of TEXTS."""
    return onnx.parser.parse_model(TEXTS[name].replace("WEIGHTS", ", ".join(str(i % 7 - 3) for i in range(54))))


def alone(domain: str, op_type: str, shapes: Sequence[Sequence[int | str]], attributes: dict[str, object]) -> onnx.ModelProto:
    """One node; of an optimizer's inputs the second counts, and of the others' all but the first are constant, but for open sizes."""
    training = domain.endswith("training")
    given = {f"x{i}": shape for i, shape in enumerate(shapes)}
    fixed = {} if training else {n: shape for n, shape in given.items() if n != "x0" and "N" not in shape}
    inputs = [helper.make_tensor_value_info(n, 7 if training and n == "x1" else 1, given[n]) for n in given if n not in fixed]
    weights = [numpy_helper.from_array(np.full(shape, 0.5, "f"), n) for n, shape in fixed.items()]
    outputs = [f"y{i}" for i in range(len(shapes) - 3 if training else 1)]
    node = helper.make_node(op_type, list(given), outputs, domain=domain, **attributes)
    graph = helper.make_graph([node], "alone", inputs, [helper.make_empty_tensor_value_info(name) for name in outputs], weights)
    opsets = [helper.make_opsetid("", 26 if op_type == "BitCast" else 21), *([helper.make_opsetid(domain, 1)] if domain else [])]
    return helper.make_model(graph, opset_imports=opsets, ir_version=9)


def in_blocks() -> onnx.ModelProto:
    """Images in blocks of 8 channels, as onnxruntime's last level of optimisation writes them."""
    chain: list[tuple[str, dict[str, object]]] = [
        ("ReorderInput", {"channels_last": 0}), ("Conv", {"pads": [1, 1, 1, 1], "activation": "Relu"}),
        ("MaxPool", {"kernel_shape": [2, 2], "strides": [2, 2]}), ("AveragePool", {"kernel_shape": [2, 2]}),
        ("Upsample", {"scales": [1, 1, 2, 2]}), ("GlobalAveragePool", {}), ("GlobalMaxPool", {}), ("ReorderOutput", {"channels": 6}),
    ]  # fmt: skip
    nodes, last = [], "x"
    for op_type, attributes in chain:
        inputs = [last, "w", "b"] if op_type == "Conv" else [last]
        nodes.append(helper.make_node(op_type, inputs, [last := f"t{len(nodes)}"], domain="com.microsoft.nchwc", **attributes))
    weights = {"w": np.ones((8, 8, 3, 3), "f"), "b": np.ones(8, "f")}
    weights["w"][6:], weights["b"][6:] = 0, 0
    initializers = [numpy_helper.from_array(value, name) for name, value in weights.items()]
    x = helper.make_tensor_value_info("x", 1, ["N", 8, 6, 6])
    graph = helper.make_graph(nodes, "in_blocks", [x], [helper.make_empty_tensor_value_info(last)], initializers)
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft.nchwc", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=9)


def cases(of: Sequence[str] = ()) -> Iterator[onnx.ModelProto]:
    """The operators' own; with names in `of`, those of operators of these names or domains alone."""
    load()
    for (domain, op_type), classes in sorted(REGISTRY.items()):
        if not of or op_type in of or (domain or "ai.onnx") in of:
            yield from (model_of(op_type, domain, case, "seed") for cls in classes for case in cls.cases)


def others() -> Iterator[onnx.ModelProto]:
    """What is no operator's case."""
    yield from (make() for make in ZOO.values())
    yield from (alone(*one) for one in ALONE)
    yield from map(written, TEXTS)
    yield in_blocks()


def suite() -> Iterator[onnx.ModelProto]:
    """The cases of onnx.backend.test; making them takes half a minute."""
    from suites import folder_cases, node_cases

    yield from (case.read()[0] for case in (*node_cases(), *folder_cases()))


def operators_of(model: onnx.ModelProto) -> set[tuple[str, str]]:
    """(domain, operator) of all nodes, those of functions and inner graphs among them."""
    nodes = [*all_nodes(model.graph), *(node for function in model.functions for node in function.node)]
    return {("" if node.domain == "ai.onnx" else node.domain, node.op_type) for node in nodes}


def seeds(of: Sequence[str] = (), with_suite: bool = False) -> list[bytes]:
    """All of them as files; with names in `of`, those with an operator of these names or domains, and only cases that are its own."""
    models = [*cases(of), *(model for model in (*others(), *(suite() if with_suite else ())) if not of or _names(model) & set(of))]
    return [data for model in models if len(data := model.SerializeToString()) < BYTES]


def _names(model: onnx.ModelProto) -> set[str]:
    found = operators_of(model)
    return {name for _, name in found} | {domain or "ai.onnx" for domain, _ in found if domain}
