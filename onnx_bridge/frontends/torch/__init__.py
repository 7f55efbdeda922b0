"""PyTorch: modules, TorchScript, programs of torch.export; and their files."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from onnx_bridge.custom import complete
from onnx_bridge.errors import ArgumentError, ExportError, Finding
from onnx_bridge.frontends import arrays
from onnx_bridge.frontends.exported import Exported, Reference, innermost, require
from onnx_bridge.frontends.halves import with_one_type
from onnx_bridge.frontends.request import Request, dynamic_axes
from onnx_bridge.frontends.torch import blame, calls, files, finish, internals, origins, programs, routes
from onnx_bridge.frontends.torch.calls import Call
from onnx_bridge.frontends.torch.routes import Made, Route, Task
from onnx_bridge.frontends.trial import Trial
from onnx_bridge.judge import is_float

_OURS = {
    ("torch.nn.modules.module", "Module"), ("torch.export.exported_program", "ExportedProgram"), ("torch.jit", "ScriptFunction"),
}  # fmt: skip


def recognises(model: object) -> bool:
    """Whether a live object is PyTorch's: told by the names of its classes."""
    return any((cls.__module__, cls.__qualname__.rpartition(".")[2]) in _OURS for cls in type(model).__mro__)


def reads(path: Path) -> bool:
    """Whether a file is meant for PyTorch; what it holds is looked at when it is exported."""
    return path.suffix.lower() in files.SUFFIXES


def environment(_: Path) -> Mapping[str, str]:
    """Variables for the process that exports a file."""
    return {}


def export(model: Any, request: Request) -> Exported:
    """Exports a module, TorchScript, a program of torch.export, or the file of one of the latter two.

    Raises:
        InvalidModel: the file is damaged.
        ExportError: it cannot be exported; the message holds what each way said.
    """
    kind = files.kind_of(model) if isinstance(model, Path) else ""
    torch = require("torch", "PyTorch", "torch")
    require("onnxscript", "PyTorch", "torch")
    if isinstance(model, Path):
        name = model.stem
        model = files.load_script(torch, model) if kind == "script" else files.load_program(torch, model, request.trusted)
    else:
        name = "model" if isinstance(model, torch.export.ExportedProgram) else _class_name(model)
    if isinstance(model, torch.export.ExportedProgram):
        return _program(torch, model, request, name)
    return _module(torch, model, request, name)


def _class_name(model: Any) -> str:
    model = internals.uncompiled(model)
    return str(getattr(model, "original_name", None) or type(model).__name__)


def _module(torch: Any, given: Any, request: Request, name: str) -> Exported:
    notes: list[str] = []
    module, inference = _own(torch, given, notes)
    with inference():
        signature = _signature(torch, module)
        takes = f"{name}.forward{'(...)' if signature is None else calls.spelt(signature)}"
        if request.example_inputs is None:
            raise ExportError(
                f"{name}: example_inputs is needed: PyTorch's exporters run the module once. Give one array or tensor for each "
                f"input of {takes}; on the command line --example-inputs NAME=SIZES, such as x=1,3,32,32"
            )
        call = calls.taken_apart(torch, request.example_inputs, signature, f"{name}.forward")
        result = calls.called(torch, module, call, name, takes)
    outputs = calls.output_names(result, call.names)
    if not outputs:
        raise ExportError(f"{name} gives no tensor for the example inputs, but {type(result).__name__}")
    axes = dynamic_axes(call.names, [tuple(t.shape) for t in call.tensors], request.dynamic)
    if call.constants:
        notes.append(f"arguments that are no tensors are part of the model: {', '.join(call.constants)}")
    script = isinstance(module, (torch.jit.ScriptModule, torch.jit.ScriptFunction))
    task = Task(torch, module, call, outputs, axes)
    with inference():
        reference = _reference(torch, module, call, inference)
        _steady(reference, call, name)
        return _first_that_holds(task, routes.SCRIPT if script else routes.MODULE, reference, name, notes, request.obstacles)


def _program(torch: Any, program: Any, request: Request, name: str) -> Exported:
    call = programs.call_of(torch, program, request.example_inputs)
    notes: list[str] = []
    axes, rename = programs.dynamic_of(program, call, request.dynamic, notes)
    module = program.module()
    result = calls.called(torch, module, call, name, f"inputs {call.describe()}")
    task = Task(torch, program, call, calls.output_names(result, call.names), axes)
    reference = _reference(torch, module, call, _nothing)
    _steady(reference, call, name)
    return _first_that_holds(task, routes.PROGRAM, reference, name, notes, request.obstacles, rename)


def _own(torch: Any, given: Any, notes: list[str]) -> tuple[Any, Callable[[], Any]]:
    """A copy of a module in inference mode on the CPU, and what to be inside of while it is used; the user's object stays as it is."""
    given = internals.uncompiled(given)
    if isinstance(given, torch.jit.ScriptFunction):
        return given, _nothing
    training = [name or "the module itself" for name, layer in given.named_modules() if layer.training]
    if training:
        notes.append(f"was in training mode ({_few(training)}); exported in inference mode, as eval() sets it")
    try:
        return copy.deepcopy(given).cpu().eval(), _nothing
    except Exception as error:  # whatever the user's classes raise when they are copied
        notes.append(f"the module cannot be copied ({innermost(error)}), so its own modes are set while it is exported, and set back")
    modes = {layer: layer.training for layer in given.modules()}

    @contextmanager
    def inference() -> Iterator[None]:
        given.eval()
        try:
            yield
        finally:
            for layer, mode in modes.items():
                layer.training = mode

    return given, inference


@contextmanager
def _nothing() -> Iterator[None]:
    yield


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _signature(torch: Any, module: Any) -> inspect.Signature | None:
    """The parameters of a module's forward."""
    if isinstance(module, (torch.jit.ScriptModule, torch.jit.ScriptFunction)):
        schema = getattr(getattr(module, "forward", module), "schema", None) or getattr(module, "schema", None)
        if schema is None:
            return None
        parameters = [
            inspect.Parameter(
                a.name,
                inspect.Parameter.POSITIONAL_OR_KEYWORD,
                default=a.default_value if a.has_default_value() else inspect.Parameter.empty,
            )
            for a in schema.arguments[int(isinstance(module, torch.jit.ScriptModule)) :]  # a method's first is the module
        ]
        return inspect.Signature(parameters)
    try:
        return inspect.signature(module.forward)
    except (TypeError, ValueError):
        return None


def _reference(torch: Any, module: Any, call: Call, inference: Callable[[], Any]) -> Reference:
    """PyTorch's own answer, by the names of the inputs."""

    def answer(feeds: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        tensors = [calls.tensor_of(torch, feeds[name]) for name in call.names]
        with inference(), torch.no_grad(), calls.layer_by_layer(torch):
            return [np.array(arrays.array(value, "an output")) for value in call.run(module, tensors)]

    return answer


def _steady(reference: Reference, call: Call, name: str) -> None:
    """Raises an ExportError for a module that answers differently when it is asked again, or with what numpy has not."""
    try:
        feeds = finish.arrays(call.names, call.tensors)
        first, second = reference(feeds), reference(feeds)
    except ArgumentError as error:
        raise ExportError(f"{name}: {error}. Convert the module and its inputs first: module.float()") from None
    if not all(np.array_equal(a, b, equal_nan=is_float(a)) for a, b in zip(first, second, strict=True)):
        raise ExportError(
            f"{name} gives another answer when it is called again with the same inputs: it draws random numbers, or keeps a state. A "
            f"header cannot be compared with that; take out what is random in inference mode (dropout that is always on, noise)"
        )


@dataclass
class _Candidate:
    """A model that is PyTorch's, and what stands in the way of converting it."""

    route: Route
    made: Made
    remarks: list[str]
    findings: Sequence[Finding]


def _first_that_holds(
    task: Task, ways: Sequence[Route], reference: Reference, name: str, notes: list[str],
    obstacles: Callable[[onnx.ModelProto], Sequence[Finding]], rename: Mapping[str, str] | None = None,
) -> Exported:  # fmt: skip
    """The first route whose model is PyTorch's and can be converted; one that followed a single branch only if no other is left.

    Where none can be converted it is the one with the least in the way: what that is is said when it is converted.

    Raises:
        ExportError: no route gives one.
    """
    failures: list[tuple[str, str]] = []
    doubtful: _Candidate | None = None
    blocked: list[_Candidate] = []
    accepted: _Candidate | None = None
    for route in ways:
        try:
            made = route.run(task)
            remarks = _examined(task, made, reference, rename or {})
        except Exception as error:  # exporters raise whatever the code below them raises
            failures.append((route.name, blame.said(task.torch, error, task.module, task.call)))
            continue
        candidate = _Candidate(route, made, remarks, obstacles(made.model))
        if candidate.findings:
            more = f" and {len(candidate.findings) - 1} things more" if len(candidate.findings) > 1 else ""
            failures.append((route.name, f"cannot be converted: {candidate.findings[0]}{more}"))
            blocked += [] if made.doubts else [candidate]
            continue
        if made.doubts and doubtful is None and route is not ways[-1]:
            doubtful = candidate
            failures.append((route.name, f"put aside, for it followed what the example did: {made.doubts[0]}"))
            continue
        accepted = candidate
        break
    if accepted is None and doubtful is not None and any("data-dependent" in why for _, why in failures):
        doubtful = None  # PyTorch itself says that the module goes another way for other data
    if accepted is None and blocked:
        accepted = min(blocked, key=lambda candidate: len(candidate.findings))
    if (found := accepted or doubtful) is None:
        listed = "\n".join(f"  - {route}: {why}" for route, why in failures)
        raise ExportError(
            f"{name} cannot be exported from PyTorch {task.torch.__version__}:\n{listed}\n"
            f"Rewrite that layer with functions that have a place in ONNX, or declare it as an operator of its own (onnx_bridge.custom_op)"
            f"{_fixed(task, failures)}"
        )
    failures = [failure for failure in failures if failure[0] != found.route.name]
    if accepted is None:
        found.remarks.append(
            f"the export followed what the example did, and would do so for inputs that go another way: {'; '.join(found.made.doubts)}"
        )
    passed_over = [f"passed over {other}: {why}" for other, why in failures]
    return Exported(
        found.made.model, f"PyTorch {task.torch.__version__}", found.route.name, reference, name, [*notes, *passed_over, *found.remarks],
        [finish.arrays(task.call.names, task.call.tensors)],
    )  # fmt: skip


#: In what PyTorch and its exporters say where a size that was to stay open became a number.
_OF_SIZES = ("static shape", "specialized", "Constraints violated", "was to be")


def _fixed(task: Task, failures: Sequence[tuple[str, str]]) -> str:
    """The advice to fix the shapes, where a size stands in the way of being exported."""
    if not any(task.axes) or not any(word in why for _, why in failures for word in _OF_SIZES):
        return ""
    return f"; or fix the shapes, with dynamic={{{', '.join(f'{name!r}: {{}}' for name in task.call.names)}}}"


def _examined(task: Task, made: Made, reference: Reference, rename: Mapping[str, str]) -> list[str]:
    """Repairs an exported model and compares it with PyTorch; what there is to say about it."""
    model = made.model
    remarks = []
    finish.without_prefix(model, made.prefix)
    finish.rename_dims(model, rename)
    finish.expect_inputs(model, task.call.names, [tuple(t.shape) for t in task.call.tensors], task.axes)
    if count := finish.without_zero_states(model):
        remarks.append(f"{count} first states of recurrent layers are zero, and left out")
    if count := with_one_type(model):
        remarks.append(f"{count} weights of layers in halves came out as float32, and are rounded")
    if count := finish.with_full_masks(model):
        remarks.append(f"{count} masks of attention are spread over the queries, as onnxruntime wants them")
    complete(model)
    origins.write(task.torch, model)
    axes = dict(zip(task.call.names, task.axes, strict=True))
    seen = Trial(model, "PyTorch", reference, finish.arrays(task.call.names, task.call.tensors), axes).run()
    finish.sizes_as_seen(model, seen.shapes)
    return [*remarks, *seen.remarks]
