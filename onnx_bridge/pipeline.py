"""convert(): from a model to a header, one call a stage."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import onnx

from onnx_bridge.arguments import check_dynamic, check_imports, check_inputs, check_without
from onnx_bridge.conversion import Conversion
from onnx_bridge.custom import expand
from onnx_bridge.emit.header import Emitted, emit
from onnx_bridge.emit.names import model_name
from onnx_bridge.errors import BridgeError, Finding, InternalError, InvalidModel, UnsupportedModel, VerificationError
from onnx_bridge.frontends.request import Dynamic, Request
from onnx_bridge.ir.rmodel import RModel
from onnx_bridge.ir.tensor import NeedsValue, ShapeError, Unify
from onnx_bridge.lowering import functions, lower
from onnx_bridge.lowering.blocked import plain_blocks
from onnx_bridge.lowering.declared import Declared
from onnx_bridge.normalize import normalize, read
from onnx_bridge.normalize.read import Source
from onnx_bridge.optimise import optimise
from onnx_bridge.origin import narrowed, origin_of
from onnx_bridge.references.chain import References
from onnx_bridge.references.ties import Ties
from onnx_bridge.runtime.compiled import built
from onnx_bridge.runtime.signature import Signature
from onnx_bridge.verify import Framework, Report
from onnx_bridge.verify import verify as compare
from onnx_bridge.verify.arbiter import Arbiter, by_winograd
from onnx_bridge.verify.check import Comparison, opened, warm_up
from onnx_bridge.verify.localise import localise
from onnx_bridge.verify.meanings import meanings
from onnx_bridge.verify.unwritten import name_unwritten

#: Tells numbers for open sizes from the shapes of the inputs.
Pinning: TypeAlias = "Callable[[Mapping[str, tuple[int | str, ...]]], Mapping[str, int]]"


def convert(
    model: Any,
    *,
    example_inputs: Any = None,
    dynamic: Dynamic | None = None,
    imports: Sequence[str] = (),
    trusted: bool = False,
    name: str | None = None,
    dims: Mapping[str, int] | Pinning | None = None,
    verify: bool = True,
    inputs: Iterable[Mapping[str, np.ndarray]] = (),
    self_include: bool = True,
    without: Collection[str] = (),
    strict: bool = False,
    progress: Callable[[str], None] = lambda stage: None,
) -> Conversion:
    """Turns a model into a C++ header that has been compared with onnxruntime, and with the framework that the model is of.

    Args:
        model: ONNX, as a path, bytes, or an onnx.ModelProto. Keras or TensorFlow: a live model, a .keras or .h5 file, a SavedModel folder.
            PyTorch: a module, a torch.export program, a .pt or .pt2 file. JAX: a function, a module of flax.nnx or Equinox, or
            (linen module, variables). scikit-learn, XGBoost, LightGBM: fitted estimators and pipelines, boosters, files of the latter two.
            Or "module:attribute", "file.py:attribute" for what only Python code can make.
        example_inputs: for PyTorch and JAX: an array, a tuple of them, or a mapping by name; for scikit-learn and its
            like: rows, whose type is the header's, a DataFrame, or columns by name.
        dynamic: {input: {axis: name}} for exported models. An input that is not named has the batch as its leading axis.
        imports: modules to import before the model is read, such as those that register its layers or declare its operators.
        trusted: whether a file may run code of its own, as Lambda layers of Keras do.
        name: the C++ name; by default that of the file or graph.
        dims: numbers for symbolic dims, which then are constants of the header; or a function that is given the shapes of the inputs,
            {name: sizes}, an open one by its name, and returns such numbers.
        verify: compile and compare; False is the only way to get a header that was not compared.
        inputs: inputs to compare with, by name, beside the seeded ones.
        self_include: the header includes itself once for each instruction set; False gives a longer one that does not, for interpreters
            that are handed text, for standard input, and for pasting it into another file.
        without: passes to leave out, by name, to find out which one did something.
        strict: refuse a model that takes fewer sizes than its file leaves open, instead of saying so.
        progress: told the name of each stage as it begins.

    Raises:
        ArgumentError: an argument is of a wrong form, or speaks of what the model has not.
        InvalidModel: the model cannot be read, or contradicts itself.
        ExportError: the framework's exporter refuses the model, or is not installed.
        UnsupportedModel: with everything that stands in the way.
        ToolchainError: no compiler, or it refuses.
        VerificationError: the header's answers are not the references'.
    """
    check_without(without)
    check_imports(imports)
    check_dynamic(dynamic)
    if verify:
        warm_up()
    report = Report("")
    stage = _stages(report, progress)
    with origin_of(model, Request(example_inputs, dynamic, imports, trusted, _obstacles(dims)), stage) as origin:
        with stage("normalise"):
            normal, notes = normalize(origin.source.model)
        with stage("lower"):
            pinned = _pinned(normal, dims)
            rmodel = _lowered(origin.source, normal, name, pinned, strict)
            origin.check_sizes(rmodel, pinned or {})
            examples = [*origin.examples, *check_inputs(rmodel, inputs)]
        with stage("optimise"):
            optimise(rmodel, without)
        report.name, report.notes, report.log = rmodel.name, [*origin.notes, *notes, *rmodel.notes], origin.log
        report.narrowed = [str(found) for found in rmodel.narrowed]
        with stage("emit"):
            emitted = emit(rmodel, self_include=self_include)
        if verify:
            with stage("compile"):
                library = built(emitted)
            asked = References(origin.source.model), Arbiter(origin.source.model, by_winograd(rmodel))
            with stage("compare"), closing(opened(emitted, library)) as net, closing(asked[0]) as references, closing(asked[1]) as arbiter:
                several = bool(rmodel.output_groups)  # an output of the file is not the header's of the same number
                ties, decides = (None, None) if several else (Ties(normal), arbiter)
                found = compare(rmodel, net, references, report, examples, framework=origin.framework, ties=ties, arbiter=decides)
            report.notes += [note for note in origin.notes if note not in report.notes]  # what the framework said as it answered
            if found.unwritten is not None:
                with stage("localise"):
                    shown = name_unwritten(rmodel, emitted, found.unwritten)
                report.suspect = f"memory that nothing wrote shows in the compiled code's answers: {shown}"
                raise VerificationError(f"{rmodel.name}: a fault of onnx_bridge, please report it: {report.suspect}", report)
            if found.failures:
                with stage("localise"):
                    several = bool(rmodel.output_groups or rmodel.input_groups)
                    report.suspect = "" if several else _suspect(found, origin.framework, rmodel, emitted, normal, net)
                names = " and ".join(found.failures)
                raise VerificationError(f"{rmodel.name}: the compiled code and {names} differ\n{report.table()}\n{report.suspect}", report)
    with reported("emit"):
        proven = emitted.with_proof(report.proof())
    return Conversion(rmodel.name, rmodel, normal, proven, report, str(Path(model).absolute()) if isinstance(model, (str, Path)) else "")


def check(
    model: Any,
    *,
    example_inputs: Any = None,
    dynamic: Dynamic | None = None,
    imports: Sequence[str] = (),
    trusted: bool = False,
    strict: bool = False,
) -> list[Finding]:
    """Everything that stands in the way of converting a model; nothing, if nothing does. The arguments are those of `convert`.

    Raises:
        InvalidModel: the model cannot be read, or contradicts itself.
        ExportError: the framework's exporter refuses the model, or is not installed.
    """
    check_imports(imports)
    check_dynamic(dynamic)
    stage = _stages(Report(""), lambda _: None)
    with origin_of(model, Request(example_inputs, dynamic, imports, trusted, _obstacles(None)), stage) as origin:
        source = origin.source
    try:
        with stage("normalise"):
            normal, _ = normalize(source.model)
        with stage("lower"):
            rmodel = _lowered(source, normal, None, None, strict)
        with stage("optimise"):
            optimise(rmodel)
        with stage("emit"):
            emit(rmodel)
    except UnsupportedModel as error:
        return list(error.findings)
    return []


def _suspect(
    found: Comparison, framework: Framework | None, rmodel: RModel, emitted: Emitted, normal: onnx.ModelProto, net: Signature
) -> str:
    """Who is to blame: the exporter, if the header agrees with onnxruntime; else the first tensor that differs."""
    agreed = any(call.reference is not None for call in found.calls)
    if framework is not None and agreed and list(found.failures) == [framework.name]:
        return (
            f"the compiled code agrees with onnxruntime: it is the exported model that does not compute what {framework.name} does; "
            f"convert(..., verify=False) gives it as it is"
        )
    failed = next(iter(found.failures.values()))
    return localise(rmodel, emitted, normal, failed, net.sizes_of(failed))


def _lowered(source: Source, normal: onnx.ModelProto, name: str | None, dims: Mapping[str, int] | None, strict: bool) -> RModel:
    rmodel = _walked(normal, model_name(name or Path(source.file).stem), dims)
    rmodel.meanings = meanings(rmodel)
    if strict and rmodel.narrowed:
        advice = "give one of them with dims=, or convert without strict"
        raise UnsupportedModel([Finding(n.node, n.op or "model", f"{n.size} must be {n.other}", advice) for n in rmodel.narrowed])
    rmodel.source = {"file": source.file, "sha256": source.sha256, "opsets": source.opsets}
    return rmodel


def _pinned(normal: onnx.ModelProto, dims: Mapping[str, int] | Pinning | None) -> Mapping[str, int] | None:
    """The numbers that a caller gives for open sizes, asked for if it gave a function."""
    if not callable(dims):
        return dims
    declared = Declared(normal.graph)
    return dims({value.name: tuple(s if isinstance(s, int) else str(s) for s in declared.shape(value)) for value in declared.inputs})


def _obstacles(dims: Mapping[str, int] | Pinning | None) -> Callable[[onnx.ModelProto], list[Finding]]:
    """What stands in the way of converting an exported model, before it is converted: front ends choose among their ways by it."""

    def found(model: onnx.ModelProto) -> list[Finding]:
        try:
            normal = normalize(read(model).model)[0]
            pinned = _pinned(normal, dims)
            rmodel = _walked(normal, "model", pinned)
        except UnsupportedModel as error:
            return list(error.findings)
        except InvalidModel as error:
            return [Finding("", "model", str(error))]
        return [Finding("", "input", f"only {name} = {size} is consistent") for _, name, size in narrowed(model, rmodel, pinned or {})]

    return found


def _walked(normal: onnx.ModelProto, name: str, dims: Mapping[str, int] | None) -> RModel:
    """The RModel. Operators of which a form is refused are taken apart where ONNX defines them by others, if that helps."""
    plain, notes = plain_blocks(normal)
    expanded = _expanded(plain)
    try:
        rmodel = lower(expanded, name, dims)
        rmodel.notes += notes
        return rmodel
    except UnsupportedModel as error:
        names = functions.refused(expanded, error.findings)
        apart = functions.in_place(expanded, names) if names else None
        if apart is None:
            raise
        try:
            rmodel = lower(normalize(functions.take_apart(apart))[0], name, dims)
            rmodel.notes += notes
            return rmodel
        except UnsupportedModel:
            raise error from None


def _expanded(normal: onnx.ModelProto) -> onnx.ModelProto:
    """The model with operators that have no kernels taken apart: custom ones without a functor, and those that ONNX defines by others.

    It is the normal form itself where there are none.
    """
    expanded = functions.take_apart(expand(normal))
    return normal if expanded is normal else normalize(expanded)[0]


def _stages(report: Report, progress: Callable[[str], None]) -> Callable[[str], AbstractContextManager[None]]:
    @contextmanager
    def stage(what: str) -> Iterator[None]:
        progress(what)
        begin = time.perf_counter()
        with reported(what):
            yield
        report.stages[what] = time.perf_counter() - begin

    return stage


@contextmanager
def reported(stage: str) -> Iterator[None]:
    """What escapes from a stage and is not meant for users is an InternalError; they see no bare traceback.

    Nor do they see numpy's warnings: a model's constants may be infinite, and sums of them overflow, as they would at run time.

    Raises:
        InternalError: from what escaped.
    """
    try:
        with np.errstate(all="ignore"):
            yield
    except (ShapeError, NeedsValue, Unify) as error:  # these are said of nodes, by the lowering alone
        raise InternalError(stage, error) from error
    except BridgeError:
        raise
    except Exception as error:
        raise InternalError(stage, error) from error
