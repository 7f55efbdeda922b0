"""convert(): the road, one call a stage."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from onnx_bridge.conversion import Conversion
from onnx_bridge.custom import expand
from onnx_bridge.emit.header import emit
from onnx_bridge.emit.names import model_name
from onnx_bridge.errors import ExportError, Finding, UnsupportedModel, VerificationError
from onnx_bridge.frontends import Exported, Request, export, framework_of
from onnx_bridge.frontends.request import Dynamic
from onnx_bridge.ir.rmodel import RModel
from onnx_bridge.lowering import lower
from onnx_bridge.normalize import normalize, read
from onnx_bridge.normalize.read import Source
from onnx_bridge.passes import run_passes
from onnx_bridge.runtime import CompiledModel, compile_emitted
from onnx_bridge.verify import Framework, Oracle, Report
from onnx_bridge.verify import verify as compare
from onnx_bridge.verify.check import Comparison
from onnx_bridge.verify.localise import localise


def convert(
    model: Any,
    *,
    example_inputs: Any = None,
    dynamic: Dynamic | None = None,
    imports: Sequence[str] = (),
    trusted: bool = False,
    name: str | None = None,
    dims: Mapping[str, int] | None = None,
    verify: bool = True,
    inputs: Iterable[Mapping[str, np.ndarray]] = (),
    embed_weights: bool = False,
    without: Collection[str] = (),
    progress: Callable[[str], None] = lambda stage: None,
) -> Conversion:
    """Turns a model into a C++ header that has been compared with onnxruntime, and with the framework that the model is of.

    Args:
        model: ONNX, as a path, bytes, or an onnx.ModelProto. Keras or TensorFlow: a live model, a .keras or .h5 file, a SavedModel folder.
            PyTorch: a module, a torch.export program, a .pt or .pt2 file. JAX: a function, a module of flax.nnx or Equinox, or
            (linen module, variables). Or "module:attribute", "file.py:attribute" for what only Python code can make.
        example_inputs: for PyTorch and JAX: an array, a tuple of them, or a mapping by name.
        dynamic: {input: {axis: name}} for exported models. An input that is not named has the batch as its leading axis.
        imports: modules to import before a file is read, such as those that register its layers.
        trusted: whether a file may run code of its own, as Lambda layers of Keras do.
        name: the C++ name; by default that of the file or graph.
        dims: numbers for symbolic dims, which then are constants of the header.
        verify: compile and compare; False is the only way to get a header that was not compared.
        inputs: inputs to compare with, by name, beside the seeded ones.
        embed_weights: put the weights into the header.
        without: passes to leave out, by name, to find out which one did something.
        progress: told the name of each stage as it begins.

    Raises:
        InvalidModel: the model cannot be read, or contradicts itself.
        ExportError: the framework's exporter refuses the model, or is not installed.
        UnsupportedModel: with everything that stands in the way.
        ToolchainError: no compiler, or it refuses.
        VerificationError: the header's answers are not the references'.
    """
    report = Report("")
    stage = _stages(report, progress)
    exported = _exported(model, Request(example_inputs, dynamic, imports, trusted), stage)
    with closing(exported) if exported is not None else nullcontext():
        with stage("read"):
            source = _source(model, exported)
        with stage("normalise"):
            normal, notes = normalize(source.model)
        with stage("lower"):
            rmodel = _lowered(source, normal, name, dims)
            _not_frozen(exported, rmodel, dims or {})
        with stage("optimise"):
            run_passes(rmodel, without)
        report.name, report.notes = rmodel.name, [*_origin(exported), *notes, *rmodel.notes]
        report.log = exported.log if exported is not None else ""
        with stage("emit"):
            emitted = emit(rmodel, embed_weights=embed_weights)
        if verify:
            with stage("compile"):
                net = compile_emitted(emitted)
            with stage("compare"):
                framework = None if exported is None else Framework(exported.framework, exported.reference)
                examples = [] if exported is None else exported.examples
                found = compare(rmodel, net, Oracle(source.model), report, [*examples, *inputs], framework=framework)
            if found.failures:
                with stage("localise"):
                    report.suspect = _suspect(found, framework, rmodel, normal, net)
                names = " and ".join(found.failures)
                raise VerificationError(f"{rmodel.name}: the compiled code and {names} differ\n{report.table()}\n{report.suspect}", report)
    proven = emit(rmodel, embed_weights=embed_weights, proof=report.proof())
    return Conversion(rmodel.name, rmodel, normal, proven, report, emitted)


def check(
    model: Any, *, example_inputs: Any = None, dynamic: Dynamic | None = None, imports: Sequence[str] = (), trusted: bool = False
) -> list[Finding]:
    """Everything that stands in the way of converting a model; nothing, if nothing does. The arguments are those of `convert`.

    Raises:
        InvalidModel: the model cannot be read, or contradicts itself.
        ExportError: the framework's exporter refuses the model, or is not installed.
    """
    exported = _exported(model, Request(example_inputs, dynamic, imports, trusted), lambda _: nullcontext())
    with closing(exported) if exported is not None else nullcontext():
        source = _source(model, exported)
    try:
        rmodel = _lowered(source, normalize(source.model)[0], None, None)
        run_passes(rmodel)
        emit(rmodel)
    except UnsupportedModel as error:
        return list(error.findings)
    return []


def _exported(model: object, request: Request, stage: Callable[[str], AbstractContextManager[None]]) -> Exported | None:
    """The model as its framework's exporter gives it; None for what is ONNX already."""
    framework = framework_of(model)
    if framework is None:
        return None
    with stage("export"):
        return export(model, framework, request)


def _source(model: Any, exported: Exported | None) -> Source:
    return read(model) if exported is None else replace(read(exported.model), file=exported.name)


def _origin(exported: Exported | None) -> list[str]:
    return [] if exported is None else [f"exported from {exported.framework} by {exported.route}", *exported.notes]


def _not_frozen(exported: Exported | None, rmodel: RModel, pinned: Mapping[str, int]) -> None:
    """Refuses an exported model that says that a size is dynamic, and is only consistent with one number for it."""
    for value in [] if exported is None else exported.model.graph.input:
        for declared, size in zip(value.type.tensor_type.shape.dim, rmodel.tensor(value.name).shape, strict=True):
            if declared.dim_param and declared.dim_param not in pinned and isinstance(size, int):
                assert exported is not None
                raise ExportError(
                    f"the model exported from {exported.framework} is only consistent with {declared.dim_param} = {size}: its exporter "
                    f"wrote that size into it, as it does where code reads a size as a number. For a fixed size give "
                    f"dynamic={{{value.name!r}: {{}}}}"
                )


def _suspect(found: Comparison, framework: Framework | None, rmodel: RModel, normal: onnx.ModelProto, net: CompiledModel) -> str:
    """Who is to blame: the exporter, if the header agrees with onnxruntime; else the first tensor that differs."""
    if framework is not None and list(found.failures) == [framework.name]:
        return (
            f"the compiled code agrees with onnxruntime: it is the exported model that does not compute what {framework.name} does; "
            f"convert(..., verify=False) gives it as it is"
        )
    failed = next(given for reference, given in found.failures.items() if framework is None or reference != framework.name)
    return localise(rmodel, normal, failed, net.sizes_of(failed))


def _lowered(source: Source, normal: onnx.ModelProto, name: str | None, dims: Mapping[str, int] | None) -> RModel:
    rmodel = lower(_expanded(normal), model_name(name or Path(source.file).stem), dims)
    rmodel.source = {"file": source.file, "sha256": source.sha256, "opsets": source.opsets}
    return rmodel


def _expanded(normal: onnx.ModelProto) -> onnx.ModelProto:
    """The model with custom operators that have no functor taken apart; it is the normal form itself where there are none."""
    expanded = expand(normal)
    return normal if expanded is normal else normalize(expanded)[0]


def _stages(report: Report, progress: Callable[[str], None]) -> Callable[[str], AbstractContextManager[None]]:
    @contextmanager
    def stage(what: str) -> Iterator[None]:
        progress(what)
        begin = time.perf_counter()
        yield
        report.stages[what] = time.perf_counter() - begin

    return stage
