"""The ways from PyTorch to ONNX, as tables: which are tried for what, and in which order."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import onnx

from onnx_bridge.frontends.opaque import marking
from onnx_bridge.frontends.torch import layers, library, translations
from onnx_bridge.frontends.torch.calls import Call, flat, layer_by_layer
from onnx_bridge.frontends.torch.opaque import AutogradTracer, SymbolicTracer

#: What the exporter that captures is asked for. From 20 on Gelu, Mish and HardSwish are one node each, from 23 on RMSNormalization,
#: GroupNormalization and Attention are; nothing that this exporter writes is better in a later one.
OPSET = 23


@dataclass
class Task:
    """What is to be exported.

    Attributes:
        torch: the package.
        module: what is called: a module in inference mode, or a torch.export program.
        call: how it is called.
        outputs: names of its outputs.
        axes: for each tensor of the call, the names of its dynamic axes.
    """

    torch: Any
    module: Any
    call: Call
    outputs: Sequence[str]
    axes: Sequence[Mapping[int, str]]

    def tensors(self) -> tuple[Any, ...]:
        """The example, a fresh tensor each: the exporters tie inputs that share one."""
        return tuple(tensor.clone() for tensor in self.call.tensors)


@dataclass
class Made:
    """What a route gave.

    Attributes:
        model: the ONNX model.
        doubts: why it might be wrong for other inputs, in the exporter's words.
        prefix: what stands in front of the module's own names of weights.
    """

    model: onnx.ModelProto
    doubts: list[str] = field(default_factory=list)
    prefix: str = "module."


@dataclass(frozen=True)
class Route:
    """A way to ONNX.

    Attributes:
        name: as the report calls it.
        run: takes it; raises whatever PyTorch raises.
    """

    name: str
    run: Callable[[Task], Made]


def captured(task: Task) -> Made:
    """torch.export, then torch.onnx."""
    torch = task.torch
    tracer = SymbolicTracer(torch)
    with layers.opaque_layers(tracer, task.module), marking(tracer), torch.no_grad():
        program = torch.onnx.export(
            flat(torch, task.module, task.call), task.tensors(), dynamic_shapes=(tuple(dict(axes) or None for axes in task.axes),),
            **_options(task),
        )  # fmt: skip
    return Made(program.model_proto)


def decomposed(task: Task) -> Made:
    """As `captured`, with all operators of PyTorch taken apart first: for those that the exporter translates wrongly or not at all."""
    torch = task.torch
    dims: dict[str, Any] = {}
    specs = [{axis: dims.setdefault(name, torch.export.Dim(name)) for axis, name in axes.items()} or None for axes in task.axes]
    with marking(SymbolicTracer(torch)), torch.no_grad():
        program = torch.export.export(flat(torch, task.module, task.call), task.tensors(), dynamic_shapes=(tuple(specs),))
        return Made(torch.onnx.export(program.run_decompositions(), **_options(task)).model_proto)


def of_program(task: Task) -> Made:
    """torch.onnx of a program that torch.export made before."""
    return Made(task.torch.onnx.export(task.module, **_options(task)).model_proto, prefix="")


def of_program_decomposed(task: Task) -> Made:
    """The same, with all operators of PyTorch taken apart first."""
    return Made(task.torch.onnx.export(task.module.run_decompositions(), **_options(task)).model_proto, prefix="")


def _options(task: Task) -> dict[str, Any]:
    table = {**translations.dynamo_table(task.torch), **library.dynamo_table()}
    return {
        "dynamo": True, "verbose": False, "opset_version": OPSET, "input_names": list(task.call.names), "output_names": list(task.outputs),
        "custom_translation_table": table,
    }  # fmt: skip


def traced(task: Task) -> Made:
    """The older exporter: it runs the module once and follows its tensors."""
    module = flat(task.torch, task.module, task.call)
    if not isinstance(task.module, task.torch.jit.ScriptModule):
        return _by_torchscript(task, module)
    # Traced first, so that what is scripted inside (branches, loops) is taken over as it is.
    return _by_torchscript(task, task.torch.jit.trace(module, task.tensors(), check_trace=False))


def scripted(task: Task) -> Made:
    """The older exporter on the module's source, which keeps branches and loops that depend on data."""
    torch = task.torch
    module = flat(torch, torch.jit.script(task.module), task.call)
    return _by_torchscript(task, torch.jit.trace(module, task.tensors(), check_trace=False))


def _by_torchscript(task: Task, module: Any) -> Made:
    torch = task.torch
    stream = io.BytesIO()
    opset = translations.TORCHSCRIPT_OPSET
    with contextlib.ExitStack() as stack:
        caught = stack.enter_context(warnings.catch_warnings(record=True))
        warnings.simplefilter("always")
        stack.enter_context(marking(AutogradTracer(torch)))
        stack.enter_context(library.torchscript_table(torch, opset))
        stack.enter_context(translations.torchscript_table(torch))
        stack.enter_context(layer_by_layer(torch))
        torch.onnx.export(
            module, task.tensors(), stream, dynamo=False, opset_version=opset, input_names=list(task.call.names),
            output_names=list(task.outputs),
            dynamic_axes={name: dict(axes) for name, axes in zip(task.call.names, task.axes, strict=True) if axes},
        )  # fmt: skip
    doubts = [_doubt(entry) for entry in caught if issubclass(entry.category, torch.jit.TracerWarning) and not _of_package(torch, entry)]
    return Made(onnx.load_model_from_string(stream.getvalue()), list(dict.fromkeys(text for text in doubts if "Python" in text)))


def _doubt(entry: warnings.WarningMessage) -> str:
    """The first sentence of a warning, with the line that it speaks of."""
    return f"{' '.join(str(entry.message).split()).partition('. ')[0]} ({Path(entry.filename).name}, line {entry.lineno})"


def _of_package(torch: Any, entry: warnings.WarningMessage) -> bool:
    """Whether a warning is of PyTorch's own layers, which look at sizes and options, not at data."""
    return Path(torch.__file__).parent in Path(entry.filename).parents


#: For modules: the exporter that is developed comes first; the older one knows some things that it does not.
MODULE = (
    Route("torch.onnx.export", captured),
    Route("torch.onnx.export(dynamo=False)", traced),
    Route("torch.jit.script and torch.onnx.export(dynamo=False)", scripted),
    Route("torch.export, run_decompositions and torch.onnx.export", decomposed),
)

#: For TorchScript: the newer exporter takes none.
SCRIPT = (Route("torch.onnx.export(dynamo=False)", traced),)

#: For programs of torch.export.
PROGRAM = (
    Route("torch.onnx.export of the program", of_program),
    Route("run_decompositions and torch.onnx.export of the program", of_program_decomposed),
)
