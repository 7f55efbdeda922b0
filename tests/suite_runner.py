"""Runs cases of `onnx.backend.test` through headers, many of them in one library; says of each how it went.

The manifest, `suite_refused.json`, lists what is refused, with the reason that is given, and the few cases in which onnxruntime, which is
what convert() compares with, does not give what the case has: there the answer is to be onnxruntime's. Everything else is to be right.
`scripts/node_suite.py --renew` writes it anew.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx
from check import oracle, together
from suites import SuiteCase, difference, named

from onnx_bridge import BridgeError, convert
from onnx_bridge.emit.header import Emitted
from onnx_bridge.errors import InferenceError, ToolchainError, UnsupportedModel
from onnx_bridge.runtime.compiled import CompiledModel, only
from onnx_bridge.runtime.sources import MAIN, sources
from onnx_bridge.toolchain import build

MANIFEST = Path(__file__).parent / "suite_refused.json"

#: Cases in one library.
BATCH = 24

#: Nothing is timed, so that what costs a compiler least will do.
FLAGS = ("-O0",)


@dataclass(frozen=True)
class Outcome:
    """How a case went: "right", "refused" at conversion, or "wrong"; and the reason, or what is wrong."""

    case: SuiteCase
    word: str
    said: str = ""


def refused() -> dict[str, str]:
    """The reason for each case that is refused, by kind and name, as the manifest has it."""
    read = json.loads(MANIFEST.read_text(encoding="utf-8"))["refused"]
    return {name: reason for reason, names in read.items() for name in names}


def otherwise() -> dict[str, str]:
    """Why onnxruntime's answer is another one, for each case in which it is, by kind and name."""
    read = json.loads(MANIFEST.read_text(encoding="utf-8"))["otherwise"]
    return {name: reason for reason, names in read.items() for name in names}


def manifest_is_of_this_onnx() -> bool:
    """Whether the manifest was written with the onnx that is installed."""
    return str(json.loads(MANIFEST.read_text(encoding="utf-8"))["onnx"]) == onnx.__version__


def reason_of(error: BridgeError) -> str:
    """The first thing that stands in the way."""
    return str(error.findings[0]) if isinstance(error, UnsupportedModel) and error.findings else str(error).splitlines()[0]


THEIRS = otherwise()


def theirs(model: onnx.ModelProto, inputs: Sequence[Any], got: Sequence[Any]) -> list[Any]:
    """What onnxruntime gives; where it has no kernel, the answer itself, of which then only the number of outputs is looked at."""
    known = onnx.ModelProto()
    known.CopyFrom(model)
    known.ir_version = min(model.ir_version, 11)
    try:
        return list(oracle(known).run(None, named(known, inputs)))
    except Exception:  # its own errors have no common class but this
        return list(got)


@dataclass(frozen=True)
class Built:
    """A header, and the cases in it: one, or several side by side, all whose names in the first of which begin with c0_."""

    cases: Sequence[SuiteCase]
    emitted: Emitted


def run(cases: Sequence[SuiteCase], flags: Sequence[str] = FLAGS) -> Iterator[Outcome]:
    """Converts the cases, builds one library of those that convert, and runs each on its data."""
    made: list[Built] = []
    for index, case in enumerate(cases):
        try:
            made.append(Built([case], convert(case.read()[0], name=f"c{index}", verify=False).emitted))
        except BridgeError as error:
            yield Outcome(case, "refused", reason_of(error))
    yield from _outcomes(list(_merged(made)), flags)


def _merged(made: Sequence[Built]) -> Iterator[Built]:
    """Cases of fixed sizes and one data set share a header where their opsets are the same, so that kernels are compiled once."""
    groups: dict[bytes, list[Built]] = {}
    for one in made:
        model, sets = one.cases[0].read()
        kind = onnx.ModelProto(opset_import=model.opset_import).SerializeToString(deterministic=True)
        if model.functions or len(sets) != 1 or one.emitted.symbols or one.emitted.found:
            yield one
        else:
            groups.setdefault(kind, []).append(one)
    for index, group in enumerate(groups.values()):
        if len(group) == 1:
            yield group[0]
            continue
        cases = [one.cases[0] for one in group]
        try:
            whole = together([case.read()[0] for case in cases], f"g{index}")
            yield Built(cases, convert(whole, name=f"g{index}", verify=False).emitted)
        except Exception:  # onnx cannot rename everything: each has a header of its own, as it has had
            yield from group


def _outcomes(made: Sequence[Built], flags: Sequence[str]) -> Iterator[Outcome]:
    """The outcomes of headers; where a library cannot be built, each case has one of its own."""
    if not made:
        return
    try:
        library = str(build(sources(*(one.emitted for one in made)), MAIN, flags=[only(), *flags]))
    except ToolchainError as error:
        if len(made) == 1 and len(made[0].cases) == 1:
            yield Outcome(made[0].cases[0], "wrong", f"does not compile: {error}")
        else:
            yield from _alone([case for one in made for case in one.cases], flags)
        return
    for one in made:
        found = _judged(one, CompiledModel(one.emitted, library, "best"))
        wrong = [case for case, said in found if said]
        if len(one.cases) > 1 and wrong:  # is it the case, or its neighbours?
            yield from _alone(wrong, flags)
            found = [(case, said) for case, said in found if not said]
        yield from (Outcome(case, "wrong" if said else "right", said) for case, said in found)


def _alone(cases: Sequence[SuiteCase], flags: Sequence[str]) -> Iterator[Outcome]:
    """The outcomes of cases in headers and libraries of their own."""
    for case in cases:
        yield from _outcomes([Built([case], convert(case.read()[0], name="alone", verify=False).emitted)], flags)


def _judged(one: Built, net: CompiledModel) -> list[tuple[SuiteCase, str]]:
    """Runs a header on the data of its cases; says of each what is wrong."""
    read = [case.read() for case in one.cases]
    prefixes = [f"c{index}_" for index in range(len(read))] if len(read) > 1 else [""]
    said = [""] * len(read)
    for turn in range(max(len(sets) for _, sets in read)):
        feeds: dict[str, Any] = {}
        for prefix, (model, sets) in zip(prefixes, read, strict=True):
            feeds |= {prefix + name: value for name, value in named(model, sets[turn][0]).items()}
        try:
            outputs = net.run({name: value for name, value in feeds.items() if name in net.input_names})
        except InferenceError as error:
            return [(case, f"refuses to run: {error}") for case in one.cases]
        answers = iter(outputs)
        for index, (case, (model, sets)) in enumerate(zip(one.cases, read, strict=True)):
            wanted = sets[turn][1]
            got = [next(answers) for _ in model.graph.output]
            if len(got) < len(wanted):
                said[index] = said[index] or f"{len(got)} outputs in place of {len(wanted)}"
            if f"{case.kind}/{case.name}" in THEIRS:
                wanted = theirs(model, sets[turn][0], got)
            for number, (g, w) in enumerate(zip(got, wanted, strict=False)):
                if found := difference(g, w, case.rtol, case.atol):
                    said[index] = said[index] or f"output {number}: {found}"
    return list(zip(one.cases, said, strict=True))
