"""check_op: cases of an operator from ONNX to the header, static and symbolic, against onnxruntime. Cases that are alike share a header."""

from __future__ import annotations

import math
import zlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper

from onnx_bridge import convert
from onnx_bridge.custom import complete
from onnx_bridge.emit.header import Emitted
from onnx_bridge.graphs import DRAWING
from onnx_bridge.operators.cases import Case, Data
from onnx_bridge.references.second import Evaluated
from onnx_bridge.references.served import session
from onnx_bridge.references.silent import are_cut
from onnx_bridge.runtime.compiled import CompiledModel, only
from onnx_bridge.runtime.sources import MAIN, sources
from onnx_bridge.toolchain import build

#: The newest opset of ai.onnx that the oracle reads.
NEWEST = 22

#: Operators for which the oracle ends the whole process on empty inputs, or gives nothing.
ABORTS_ON_EMPTY = {"DynamicQuantizeLSTM", "Einsum", "FeatureVectorizer", "GRU", "LSTM", "QAttention", "QLinearSoftmax", "RNN", "Unique"}

#: What strings are drawn from.
WORDS = ["a", "b", "", "a b", "b a  c", "\N{LATIN SMALL LETTER E WITH ACUTE}", "ab"]

#: Values that symbolic dims are run with, one after the other.
SIZES = (1, 3, 17, 0)


@dataclass
class Prepared:
    """A case with its model, header and inputs."""

    name: str
    case: Case
    model: onnx.ModelProto
    emitted: Emitted
    symbols: list[str]


def model_of(op_type: str, domain: str, case: Case, name: str) -> onnx.ModelProto:
    """The one-node model of a case."""
    inputs, initializers, names = [], [], []
    for key, described in case.inputs.items():
        if described is None:
            names.append("")
            continue
        names.append(key)
        kind = onnx.TensorProto.STRING if described.dtype == "str" else helper.np_dtype_to_tensor_dtype(np.dtype(described.dtype))
        if described.constant:
            known = values(described, {}, f"{name}:{key}")
            initializers.append(numpy_helper.from_array(known.astype(object) if known.dtype.kind == "U" else known, key))
        else:
            inputs.append(helper.make_tensor_value_info(key, kind, list(described.shape)))
    outputs = [f"y{i}" for i in range(case.outputs)]
    while names and not names[-1]:
        names.pop()
    attributes = {k: numpy_helper.from_array(v) if isinstance(v, np.ndarray) else v for k, v in case.attributes.items()}
    node = helper.make_node(op_type, names, outputs, domain=domain, name="node", **attributes)
    graph = helper.make_graph([node], name, inputs, [helper.make_empty_tensor_value_info(o) for o in outputs], initializers)
    opsets = [helper.make_opsetid("", case.opset if not domain and case.opset else NEWEST)]
    if domain:
        opsets.append(helper.make_opsetid(domain, case.opset or 1))
    model = helper.make_model(graph, opset_imports=opsets, ir_version=9)
    complete(model)  # the oracle knows a custom operator by its body
    return model


def values(described: Data, sizes: dict[str, int], seed: str) -> np.ndarray:
    """The values of an input."""
    if described.values is not None:
        return described.values.astype(object) if described.values.dtype.kind == "U" else described.values
    shape = [sizes[s] if isinstance(s, str) else s for s in described.shape]
    rng = np.random.default_rng(zlib.crc32(f"{seed}{sizes}".encode()))
    dtype = np.dtype(described.dtype)
    if dtype.kind == "U":
        return np.asarray(rng.choice(WORDS, shape), object)
    if dtype.kind == "f" or dtype.name == "bfloat16":
        return np.asarray(rng.uniform(described.low, described.high, shape)).astype(dtype)
    return np.asarray(rng.integers(int(described.low), int(described.high), shape)).astype(dtype)


#: Cases are built quickly, and without a warning.
FLAGS = (
    "-Og", "-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Wsign-conversion", "-Weffc++", "-Wfloat-equal", "-Werror",
)  # fmt: skip


def compile_all(prepared: Sequence[Prepared], flags: Sequence[str] = FLAGS) -> list[CompiledModel]:
    """One library for all the headers."""
    library = build(sources(*(p.emitted for p in prepared)), MAIN, flags=[only(), *flags])
    return [CompiledModel(p.emitted, str(library), "best") for p in prepared]


def oracle(model: onnx.ModelProto) -> onnxruntime.InferenceSession:
    """onnxruntime on a model, quiet, one thread, with exact sums of bytes where it has them."""
    return session(model.SerializeToString())


def reference(model: onnx.ModelProto, case: Case) -> Callable[[dict[str, np.ndarray]], Sequence[np.ndarray]]:
    """onnxruntime's answers; those of onnx.reference where it cuts sums of uint8 by int8, of which it has exact ones for few forms."""
    types = {data.dtype for data in case.inputs.values() if data is not None and len(data.shape) > 1}
    if {"uint8", "int8"} <= types and all(not node.domain for node in model.graph.node) and are_cut(model):
        return Evaluated(model)
    asked = oracle(model)
    return lambda feeds: asked.run(None, feeds)


def worst(got: np.ndarray, want: np.ndarray) -> float:
    """The largest difference, relative to the largest finite value; infinite where shapes, types, NaNs or infinities differ."""
    if got.shape != want.shape or got.dtype != want.dtype:
        return math.inf
    if want.dtype.kind != "f":
        return 0.0 if np.array_equal(got, want) else math.inf
    infinite = np.isinf(got) | np.isinf(want)
    if not np.array_equal(np.isnan(got), np.isnan(want)) or not np.array_equal(got[infinite], want[infinite]):
        return math.inf
    finite = np.isfinite(want)
    if not finite.any():
        return 0.0
    scale = max(float(np.abs(want[finite]).max()), 1e-30)
    return float(np.abs(got[finite].astype(np.float64) - want[finite].astype(np.float64)).max()) / scale


@dataclass
class Tried:
    """A case with its model, and what the oracle says to each set of its inputs."""

    name: str
    case: Case
    model: onnx.ModelProto
    runs: list[tuple[dict[str, np.ndarray], list[np.ndarray]]]


def tried(op_type: str, domain: str, case: Case, name: str) -> Tried:
    """A case at each value of its symbolic dims, but where the oracle itself refuses empty inputs."""
    model = model_of(op_type, domain, case, name)
    asked, runs = reference(model, case), []
    symbols = sorted({s for d in case.inputs.values() if d is not None for s in d.shape if isinstance(s, str)})
    for size in SIZES if symbols else (1,):
        if size == 0 and op_type in ABORTS_ON_EMPTY:
            continue
        sizes = {s: size + 2 * i if size else 0 for i, s in enumerate(symbols)}
        feeds = {k: values(d, sizes, f"{name}:{k}") for k, d in case.inputs.items() if d is not None and not d.constant}
        if op_type in DRAWING and runs:
            asked = reference(model, case)  # a session goes on with the numbers that it draws; a header does not
        try:
            runs.append((feeds, [np.asarray(value) for value in asked(feeds)]))
        except Exception:
            if all(value.size for value in feeds.values()):
                raise
    return Tried(name, case, model, runs)


def together(models: Sequence[onnx.ModelProto], name: str) -> onnx.ModelProto:
    """Models of the same opsets and functions side by side in one, in which everything of the first one is called c0_..."""
    whole = onnx.ModelProto()
    whole.CopyFrom(models[0])
    whole.ClearField("graph")
    whole.graph.name = name
    for index, model in enumerate(models):
        part = onnx.compose.add_prefix(model, f"c{index}_", rename_functions=False)
        for value in (*part.graph.input, *part.graph.output):
            for dim in value.type.tensor_type.shape.dim:
                if dim.dim_param:
                    dim.dim_param = f"c{index}_{dim.dim_param}"
        whole.graph.MergeFrom(onnx.GraphProto(node=part.graph.node, input=part.graph.input, output=part.graph.output))
        whole.graph.initializer.extend(part.graph.initializer)
    return whole


#: How many sizes a header of several cases leaves open at most: what is said of one size is looked at for every other.
OPEN = 6


def alike(cases: Sequence[Tried]) -> list[list[Tried]]:
    """Cases whose models can stand in one: of the same opsets and functions, with few open sizes; where inputs may be sizes, alone."""
    groups: dict[tuple[bytes, int], list[Tried]] = {}
    seen: Counter[bytes] = Counter()
    for index, one in enumerate(cases):
        given = [d for d in one.case.inputs.values() if d is not None and not d.constant]
        bare = onnx.ModelProto(opset_import=one.model.opset_import, functions=one.model.functions)
        kind = bare.SerializeToString(deterministic=True)
        alone = any(np.dtype(d.dtype).kind == "i" and len(d.shape) < 2 for d in given)
        groups.setdefault((kind, -1 - index if alone else seen[kind] // OPEN), []).append(one)
        seen[kind] += 0 if alone else len({s for d in given for s in d.shape if isinstance(s, str)})
    return list(groups.values())


def check_op(op_type: str, domain: str, cases: Sequence[Case], tolerance: float = 1e-6) -> list[str]:
    """Runs the cases of an operator, those that are alike in one header; returns what is wrong, a line each."""
    groups = alike([tried(op_type, domain, case, f"{op_type.lower()}_{index}") for index, case in enumerate(cases)])
    made = []
    for index, group in enumerate(groups):
        name = f"{op_type.lower()}_{index}"
        model = together([one.model for one in group], name)
        made.append(Prepared(name, group[0].case, model, convert(model, name=name, verify=False).emitted, []))
    wrong = []
    for group, net in zip(groups, compile_all(made), strict=True):
        for turn in range(max(len(one.runs) for one in group)):
            wrong += compared(group, net, turn, tolerance)
    return wrong


def compared(group: Sequence[Tried], net: CompiledModel, turn: int, tolerance: float) -> list[str]:
    """What is wrong in one run of cases that share a header; those that have no such turn run with their first inputs once more."""
    wrong = []
    runs = [one.runs[turn if turn < len(one.runs) else 0] for one in group]
    got = iter(net.run({f"c{i}_{key}": value for i, (feeds, _) in enumerate(runs) for key, value in feeds.items()}))
    for one, (feeds, wanted) in zip(group, runs, strict=True):
        for index, b in enumerate(wanted):
            a = next(got)
            error = worst(a, b)
            if error > (0.0 if one.case.exact else tolerance):
                shapes = {k: v.shape for k, v in feeds.items()}
                types = f"{a.dtype}{a.shape} / {b.dtype}{b.shape}"
                wrong.append(f"{one.name} {one.case.attributes} {shapes}: y{index} {types}: {error:.3g}")
    return wrong
