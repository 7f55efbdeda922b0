"""Every operator with each of its inputs of a wrong type, rank, size and symbol, and without it: refused, or right.

A form is accepted in silence only where onnxruntime takes it, too; what is taken in another element type compiles.
"""

from __future__ import annotations

import subprocess
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import onnx
import pytest
from check import Prepared, compile_all, model_of, oracle, reference, values, worst
from forms import OTHER, Form, empty, shapes, types

import onnx_bridge.operators  # noqa: F401  (fills the registry)
from onnx_bridge import InvalidModel, UnsupportedModel
from onnx_bridge.custom import load
from onnx_bridge.emit.header import Header
from onnx_bridge.emit.names import usual
from onnx_bridge.ir import dtypes
from onnx_bridge.ir.rmodel import RModel
from onnx_bridge.ir.roperator import REGISTRY
from onnx_bridge.lowering import lower
from onnx_bridge.normalize import normalize
from onnx_bridge.operators.cases import Case
from onnx_bridge.optimise import optimise
from onnx_bridge.runtime.compiled import only
from onnx_bridge.toolchain import find_compiler

load()

EVERY = sorted(REGISTRY)


def written(model: onnx.ModelProto, name: str = "form") -> tuple[RModel, Header] | None:
    """The model and its network, written, without the header around it; or None where it is refused with findings."""
    try:
        rmodel = lower(normalize(model)[0], name)
        optimise(rmodel)
        return rmodel, Header(rmodel, True, False, usual(name))
    except (UnsupportedModel, InvalidModel):
        return None


def is_open(rmodel: RModel) -> bool:
    """Whether a model takes every size that its file leaves open, without a word."""
    return not (rmodel.narrowed or rmodel.conditions or rmodel.constraints)


#: What is right although onnxruntime refuses it: (operator, input, what was changed), and why.
RIGHT: dict[tuple[str, str, str], str] = {
    ("Attention", "mask", "*"): "a mask broadcasts",
    ("Conv", "x", "size 2 = 1"): "a window that does not fit gives no place",
    ("ConvInteger", "x", "size 3 = 1"): "a window that does not fit gives no place",
    ("ConvTranspose", "*", "*"): "an output_shape that does not follow from strides is padded or cut",
    ("ConvTransposeWithDynamicPads", "pads", "absent"): "they are optional; onnxruntime wants them",
    ("CropAndResize", "x", "size 0 = 1"): "an index of an image outside is brought to the nearest",
    ("Einsum", "*", "rank+1"): "an ellipsis broadcasts, as numpy has it",
    ("Attention", "b", "absent"): "onnxruntime dies without a bias",
    ("FastGelu", "x", "scalar"): "a scalar is no reason to refuse it",
    ("Gather", "x", "rank+1"): "a constant index outside is brought to the nearest end",
    ("GatherND", "*", "*"): "a constant index outside is brought to the nearest end",
    ("GlobalAveragePool", "x", "*"): "onnxruntime has no more than three spatial axes",
    ("GlobalLpPool", "x", "rank+2"): "onnxruntime has no more than three spatial axes",
    ("GlobalMaxPool", "x", "*"): "onnxruntime has no more than three spatial axes",
    ("LRN", "x", "*"): "onnxruntime has four axes only",
    ("Pad", "x", "*"): "a border wider than what it reflects goes to and fro",
    ("Range", "*", "rank+1"): "one element is one number, as ONNX's own expansion of AffineGrid has it; inference of shapes refuses it",
    ("Resize", "x", "*"): "onnxruntime resizes the last axes only",
    ("MaxRoiPool", "x", "size 0 = 1"): "an index of an image outside is brought to the nearest",
    ("RoiAlign", "x", "size 0 = 1"): "an index of an image outside is brought to the nearest",
    ("Scatter", "x", "*"): "an update with a constant index outside is dropped",
    ("ScatterElements", "x", "*"): "an update with a constant index outside is dropped",
    ("ScatterND", "x", "*"): "an update with a constant index outside is dropped",
    ("Split", "x", "rank-1"): "the last piece may be empty",
    ("STFT", "length", "absent"): "the one frame is the signal; onnxruntime has no such form",
    ("STFT", "window", "absent"): "the one frame is the signal; onnxruntime has no such form",
    ("TensorScatter", "update", "*"): "what lies beyond the cache is dropped",
    ("SkipLayerNormalization", "skip", "*"): "a residual broadcasts",
    ("SkipSimplifiedLayerNormalization", "skip", "*"): "a residual broadcasts",
    ("QGemm", "b_scale", "*"): "one scale beside a zero point a column, and the other way about",
    ("QGemm", "b_zero", "*"): "one scale beside a zero point a column, and the other way about",
    ("QLinearSigmoid", "y_zero", "absent"): "it is optional; onnxruntime ends its process",
    ("QLinearLeakyRelu", "y_zero", "absent"): "it is optional; onnxruntime ends its process",
    **{
        (f"QLinear{op}", f"{key}_{what}", form): "it is one number either way, and zero points are optional"
        for op in ("Add", "Mul", "AveragePool", "GlobalAveragePool")
        for key in "abcxy"
        for what in ("scale", "zero")
        for form in ("rank+1", "absent")
    },
}


def known(op_type: str, form: Form) -> bool:
    """Whether the form is one of those in RIGHT."""
    keys = {(op_type, key, what) for key in (form.key, "*") for what in (form.what, "*")}
    return not keys.isdisjoint(RIGHT)


def oracle_takes(model: onnx.ModelProto, case: Case) -> bool:
    """Whether onnxruntime runs a form, every symbol another size."""
    symbols = sorted({s for data in case.inputs.values() if data is not None for s in data.shape if isinstance(s, str)})
    sizes = {symbol: 3 + 2 * index for index, symbol in enumerate(symbols)} | {OTHER: 11}
    given = {k: values(data, sizes, k) for k, data in case.inputs.items() if data is not None and not data.constant}
    zeros = {k: np.zeros_like(value) if value.dtype.kind == "i" else value for k, value in given.items()}  # indices within any range
    try:
        session = oracle(model)
    except Exception:
        return False
    for feeds in (given, zeros):
        with suppress(Exception):
            session.run(None, feeds)
            return True
    return False


#: How many sets of inputs and attributes of an operator every run looks at, beside those that have an input which these do not have.
SETS = 3


def forms_of_shapes(domain: str, op_type: str, first: bool) -> Iterator[Form]:
    """Each change once for cases that are alike, of the first sets of inputs, constants and attributes, or of the others."""
    early: dict[str, bool] = {}
    covered: set[str] = set()
    seen = set()
    for case in (case for cls in REGISTRY[domain, op_type] for case in cls.cases if not empty(case)):
        described = {key: data.constant for key, data in case.inputs.items() if data is not None}
        alike = str((described, sorted(case.attributes), case.opset))
        early.setdefault(alike, len(early) < SETS or not covered.issuperset(described))
        covered |= set(described) if early[alike] else set()
        for form in shapes(case) if early[alike] is first else ():
            if (alike, form.key, form.what) not in seen:
                seen.add((alike, form.key, form.what))
                yield form


@pytest.mark.parametrize("first", [True, pytest.param(False, marks=pytest.mark.slow)], ids=["first", "others"])
@pytest.mark.parametrize(("domain", "op_type"), EVERY, ids=lambda part: part or "ai.onnx")
def test_shapes(domain: str, op_type: str, first: bool) -> None:
    """An input of another rank, size or symbol, or none at all: a finding, a condition, or right."""
    wrong = []
    for form in forms_of_shapes(domain, op_type, first):
        model = model_of(op_type, domain, form.case, "form")
        made = written(model)
        if made is not None and is_open(made[0]) and not known(op_type, form) and not oracle_takes(model, form.case):
            given = {key: None if data is None else data.shape for key, data in form.case.inputs.items()}
            wrong.append(f"{form.key} {form.what}: {given} {form.case.attributes} opset {form.case.opset}")

    assert not wrong, "\n".join(wrong)


#: The element types that every run looks at, and the others.
COMMON = ("float64", "float16", "bfloat16", "int8", "int32", "int64", "bool")
OTHERS = tuple(dtype.name for dtype in dtypes.COMPUTED if dtype.name not in COMMON)

#: Tests of types, which share compiles.
PARTS = 4

#: How many cases are tried in a type, until one is taken.
TRIES = 2

#: How many forms of a part are run, too.
RUN = 8

#: What a difference may be, relative to the largest value: one rounding of the type.
TOLERANCE = {"float16": 2e-3, "bfloat16": 1e-2}


def accepted(part: int, names: Sequence[str]) -> Iterator[tuple[Form, Prepared]]:
    """Forms in other element types that are taken: for each operator each type of each input once."""
    for domain, op_type in EVERY[part::PARTS]:
        tries: Counter[str] = Counter()
        for case in (case for cls in REGISTRY[domain, op_type] for case in cls.cases if not empty(case)):
            for form in types(op_type, domain, case, names):
                alike = f"{form.key} {form.what}"
                tries[alike] += 1
                if tries[alike] > TRIES:
                    continue
                name = f"form_{part}_{op_type.lower()}_{tries.total()}"
                model = model_of(op_type, domain, form.case, name)
                made = written(model, name)
                if made is not None:
                    tries[alike] = TRIES
                    symbols = sorted({s for data in case.inputs.values() if data is not None for s in data.shape if isinstance(s, str)})
                    yield form, Prepared(name, form.case, model, made[1].make(), symbols)


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("names", [COMMON, pytest.param(OTHERS, marks=pytest.mark.slow)], ids=["common", "others"])
def test_types(part: int, names: Sequence[str], tmp_path: Path) -> None:
    """An element type that is taken is one of the schema's, gives C++ without a warning, and the right numbers."""
    forms = list(accepted(part, names))
    for _, prepared in forms:
        (tmp_path / f"{prepared.name}.hxx").write_text(prepared.emitted.header, encoding="utf-8")
    (tmp_path / "all.cpp").write_text("".join(f'#include "{prepared.name}.hxx"\n' for _, prepared in forms), encoding="utf-8")
    flags = ("-std=c++17", "-fsyntax-only", "-Wall", "-Wextra", "-Werror", "-Wno-misleading-indentation")
    call = [*find_compiler().command, *flags, only(), str(tmp_path / "all.cpp")]
    done = subprocess.run(call, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr[:4000]
    numbers = [(form, prepared) for form, prepared in forms if form.what != "bfloat16"]  # which onnxruntime takes from nobody
    assert not list(differences(numbers[:: max(1, len(numbers) // RUN)]))


#: Element types in which onnxruntime computes something else.
OTHERWISE = dict.fromkeys(
    [("ReduceLogSumExp", "int32"), ("ReduceLogSumExp", "int64")],
    "it sums powers of e that are cut to integers each; ours is what is whole of the logarithm, as in onnx.reference",
)


def differences(forms: list[tuple[Form, Prepared]]) -> Iterator[str]:
    """What differs from onnxruntime, of those forms that it has a kernel for, with values that it takes."""
    runs = []
    for form, prepared in forms:
        sizes = {symbol: 3 + 2 * index for index, symbol in enumerate(prepared.symbols)}
        given = {k: values(d, sizes, prepared.name + k) for k, d in form.case.inputs.items() if d is not None and not d.constant}
        with suppress(Exception):
            runs.append((form, prepared, given, reference(prepared.model, form.case)(given)))
    assert runs
    for (form, prepared, given, wanted), net in zip(runs, compile_all([run[1] for run in runs]), strict=True):
        for name, ours, theirs in zip(net.output_names, net.run(given), wanted, strict=True):
            error = worst(ours, np.asarray(theirs))
            if error > TOLERANCE.get(form.what, 1e-6) and (prepared.model.graph.node[0].op_type, form.what) not in OTHERWISE:
                yield f"{prepared.model.graph.node[0].op_type} {form.key} {form.what} {form.case.attributes} {name}: {error}"
