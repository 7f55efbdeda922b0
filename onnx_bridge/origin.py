"""Where a conversion begins: ONNX as it was given, or a framework's model, exported, with the framework's own answer beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import onnx

from onnx_bridge.errors import ArgumentError, ExportError
from onnx_bridge.frontends import Exported, Request, export, framework_of, import_modules
from onnx_bridge.ir.rmodel import RModel
from onnx_bridge.normalize import read
from onnx_bridge.normalize.read import Source
from onnx_bridge.verify import Framework


@dataclass(frozen=True)
class Origin:
    """What a conversion begins with.

    Attributes:
        source: the ONNX model, which is what the oracle runs.
        exported: what the front end gave; None for a model that was ONNX already.
    """

    source: Source
    exported: Exported | None

    @property
    def framework(self) -> Framework | None:
        """The framework's own answer."""
        return None if self.exported is None else Framework(self.exported.framework, self.exported.reference)

    @property
    def examples(self) -> list[dict[str, np.ndarray]]:
        """The example inputs, which the header is compared on, too."""
        return [] if self.exported is None else self.exported.examples

    @property
    def notes(self) -> list[str]:
        """Where it comes from, and what was done on the way."""
        if self.exported is None:
            return []
        return [f"exported from {self.exported.framework} by {self.exported.route}", *self.exported.notes]

    @property
    def log(self) -> str:
        """What the framework and its exporter printed."""
        return "" if self.exported is None else self.exported.log

    def check_sizes(self, rmodel: RModel, pinned: Mapping[str, int]) -> None:
        """Refuses an exported model that says that a size is dynamic, and is only consistent with one number for it.

        Raises:
            ExportError: such a size, and the number.
        """
        if self.exported is None:
            return
        for value, name, size in narrowed(self.exported.model, rmodel, pinned):
            raise ExportError(
                f"the model exported from {self.exported.framework} is only consistent with {name} = {size}: its "
                f"exporter wrote that size into it, as it does where code reads a size as a number. For a fixed size give "
                f"dynamic={{{value!r}: {{}}}}"
            )


def check_said(source: Source, request: Request) -> None:
    """Refuses what means something for models of frameworks alone.

    Raises:
        ArgumentError: it was said of an ONNX model.
    """
    inputs = ", ".join(f"{value.name} [{', '.join(_spelt(dim) for dim in value.type.tensor_type.shape.dim)}]" for value in source.inputs)
    if request.dynamic is not None:
        raise ArgumentError(
            f"dynamic: {source.file} is ONNX, and its sizes stand in it: its inputs are {inputs}. dynamic is for models of frameworks, "
            f"which are exported with it; a number for an open size is given by dims={{name: number}} (--dim), and to open one that is a "
            f"number, export the model again"
        )
    if request.example_inputs is not None:
        raise ArgumentError(
            f"example_inputs: {source.file} is ONNX and says what it takes: {inputs}. Exporters of frameworks need examples; inputs to "
            f"compare the header with are given as inputs=[{{name: array}}] (--inputs FILE.npz)"
        )
    if request.trusted:
        raise ArgumentError(f"trusted: {source.file} is ONNX, which holds no code that could run; leave it out")


def _spelt(dim: onnx.TensorShapeProto.Dimension) -> str:
    return str(dim.dim_value) if dim.HasField("dim_value") else dim.dim_param or "?"


def narrowed(model: onnx.ModelProto, rmodel: RModel, pinned: Mapping[str, int]) -> Iterator[tuple[str, str, int]]:
    """Sizes that a model leaves open and that can only be one number: the input, the size's name, the number."""
    for value in model.graph.input:
        for declared, size in zip(value.type.tensor_type.shape.dim, rmodel.tensor(value.name).shape, strict=True):
            if declared.dim_param and declared.dim_param not in pinned and isinstance(size, int):
                yield value.name, declared.dim_param, size


@contextmanager
def origin_of(model: Any, request: Request, stage: Callable[[str], AbstractContextManager[None]]) -> Iterator[Origin]:
    """The model, read, and exported before that if it is a framework's; inside, the framework answers.

    Args:
        model: what `convert` was given.
        request: what was said of it.
        stage: names and times a stage.

    Raises:
        ArgumentError: what was said means nothing for this model.
        ExportError: the framework's exporter refuses the model, or is not installed.
        InvalidModel: it cannot be read, or contradicts itself.
    """
    framework = framework_of(model)
    if framework is None:
        import_modules(request.imports)
        with stage("read"):
            source = read(model)
        check_said(source, request)
        yield Origin(source, None)
        return
    with stage("export"):
        exported = export(model, framework, request)
    with closing(exported):
        with stage("read"):
            source = replace(read(exported.model), file=exported.name)
        yield Origin(source, exported)
