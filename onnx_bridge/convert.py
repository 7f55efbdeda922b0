"""convert(): the road, one call a stage."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TypeAlias

import numpy as np
import onnx

from onnx_bridge.conversion import Conversion
from onnx_bridge.emit.header import emit
from onnx_bridge.emit.names import model_name
from onnx_bridge.errors import Finding, UnsupportedModel, VerificationError
from onnx_bridge.ir.rmodel import RModel
from onnx_bridge.lowering import lower
from onnx_bridge.normalize import normalize, read
from onnx_bridge.normalize.read import Source
from onnx_bridge.passes import run_passes
from onnx_bridge.runtime import compile_emitted
from onnx_bridge.verify import Oracle, Report
from onnx_bridge.verify import verify as compare
from onnx_bridge.verify.localise import localise

ModelLike: TypeAlias = "str | Path | bytes | onnx.ModelProto"


def convert(
    model: ModelLike,
    *,
    name: str | None = None,
    dims: Mapping[str, int] | None = None,
    verify: bool = True,
    inputs: Iterable[Mapping[str, np.ndarray]] = (),
    embed_weights: bool = False,
    without: Collection[str] = (),
    progress: Callable[[str], None] = lambda stage: None,
) -> Conversion:
    """Turns a model into a C++ header that has been compared with onnxruntime.

    Args:
        model: an ONNX file's path, its bytes, or an onnx.ModelProto.
        name: the C++ name; by default that of the file or graph.
        dims: numbers for symbolic dims, which then are constants of the header.
        verify: compile and compare; False is the only way to get a header that was not compared.
        inputs: inputs to compare with, by name, beside the seeded ones.
        embed_weights: put the weights into the header.
        without: passes to leave out, by name, to find out which one did something.
        progress: told the name of each stage as it begins.

    Raises:
        InvalidModel: the model cannot be read, or contradicts itself.
        UnsupportedModel: with everything that stands in the way.
        ToolchainError: no compiler, or it refuses.
        VerificationError: the header's answers are not onnxruntime's.
    """
    report = Report("")
    stage = _stages(report, progress)
    with stage("read"):
        source = read(model)
    with stage("normalise"):
        normal, notes = normalize(source.model)
    with stage("lower"):
        rmodel = _lowered(source, normal, name, dims)
    with stage("optimise"):
        run_passes(rmodel, without)
    report.name, report.notes = rmodel.name, [*notes, *rmodel.notes]
    with stage("emit"):
        emitted = emit(rmodel, embed_weights=embed_weights)
    if verify:
        with stage("compile"):
            net = compile_emitted(emitted)
        with stage("compare"):
            found = compare(rmodel, net, Oracle(source.model), report, inputs)
        if found.failed is not None:
            with stage("localise"):
                report.suspect = localise(rmodel, normal, found.failed, net.sizes_of(found.failed))
            raise VerificationError(
                f"{rmodel.name}: the compiled code and {report.reference} differ\n{report.table()}\n{report.suspect}", report
            )
    proven = emit(rmodel, embed_weights=embed_weights, proof=report.proof())
    return Conversion(rmodel.name, rmodel, normal, proven, report, emitted)


def check(model: ModelLike) -> list[Finding]:
    """Everything that stands in the way of converting a model; nothing, if nothing does.

    Raises:
        InvalidModel: the model cannot be read, or contradicts itself.
    """
    source = read(model)
    try:
        rmodel = _lowered(source, normalize(source.model)[0], None, None)
        run_passes(rmodel)
        emit(rmodel)
    except UnsupportedModel as error:
        return list(error.findings)
    return []


def _lowered(source: Source, normal: onnx.ModelProto, name: str | None, dims: Mapping[str, int] | None) -> RModel:
    rmodel = lower(normal, model_name(name or Path(source.file).stem), dims)
    rmodel.source = {"file": source.file, "sha256": source.sha256, "opsets": source.opsets}
    return rmodel


def _stages(report: Report, progress: Callable[[str], None]) -> Callable[[str], AbstractContextManager[None]]:
    @contextmanager
    def stage(what: str) -> Iterator[None]:
        progress(what)
        begin = time.perf_counter()
        yield
        report.stages[what] = time.perf_counter() - begin

    return stage
