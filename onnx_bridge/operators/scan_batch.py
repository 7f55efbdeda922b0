"""Scan of opset 8."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import field
from typing import Any

from onnx_bridge.ir import dims
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import STORED, int64
from onnx_bridge.ir.rmodel import RModel
from onnx_bridge.ir.roperator import ROperator, Writer, attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type, fits, same
from onnx_bridge.library.loops import add_index
from onnx_bridge.operators.if_ import keeps_type


@operator("Scan", since=8)
class BatchedScan(ROperator):
    """Runs a graph over the sequences of a batch, one after the other, for each element of a sequence.

    Inputs: lengths [N] of the sequences (absent: all of T), cut to 0 .. T, the states [N, ...], then the scan inputs [N, T, ...]; outputs:
    the last states, then the scan outputs [N, T, ...], which hold 0 beyond a sequence's length. A scan input is read forwards
    (direction 0) or backwards (1) from the sequence's end.
    """

    computes = ((int64,), STORED)
    tested_by = "test_scan_batch.py"

    body: Any = attribute()
    num_scan_inputs: int = attribute()
    directions: list[int] | None = attribute(None)
    #: The body's inputs: of the states that are carried, by the operator's input, and of the slices.
    carried: list[tuple[int, Tensor]] = field(default_factory=list)
    slices: list[Tensor] = field(default_factory=list)

    @property
    def states(self) -> int:
        """The number of states."""
        return len(self.inputs) - 1 - self.num_scan_inputs

    def types(self, sequence_lens: Tensor | None, *inputs: Tensor) -> Sequence[Type]:
        states = self.states
        if not 0 < self.num_scan_inputs <= len(inputs) or any(tensor is None for tensor in inputs):
            raise ShapeError(f"{len(inputs)} inputs are given, of which {self.num_scan_inputs} are scanned")
        short = [tensor for i, tensor in enumerate(inputs) if tensor.rank < 1 + (i >= states)]
        if short:
            raise ShapeError(f"states must be [N, ...] and what is scanned [N, T, ...], got {short[0].type}")
        if len(self.directions or ()) not in (0, self.num_scan_inputs) or not set(self.directions or ()) <= {0, 1}:
            raise ShapeError(f"directions must be 0 or 1 for each of {self.num_scan_inputs} scan inputs, got {self.directions}")
        batch, steps = functools.reduce(same, (t.shape[0] for t in inputs)), functools.reduce(same, (t.shape[1] for t in inputs[states:]))
        if sequence_lens is not None:
            fits(sequence_lens, (batch,), "sequence_lens")
        if not isinstance(self.body, RModel):  # else lowered before
            self.lower(inputs)
        scans = [Type(scan.dtype, (batch, steps, *scan.shape)) for scan in self.body.outputs[states:]]
        return [*(tensor.type for tensor in inputs[:states]), *scans]

    def lower(self, inputs: Sequence[Tensor]) -> None:
        """Has the body be a model, and tells its inputs."""
        names, states = self.body.input_names, self.states
        if len(names) != len(inputs) or self.body.output_count < states:
            raise ShapeError(f"the body has {len(names)} inputs and {self.body.output_count} outputs for {len(inputs)} and {states} states")
        inner = [Tensor(name, Type(t.dtype, t.shape[1 + (i >= states) :])) for i, (name, t) in enumerate(zip(names, inputs, strict=True))]
        self.carried, self.slices = list(enumerate(inner[:states], 1)), inner[states:]
        lowered = self.body.lower(inner)
        for (_, tensor), made in zip(self.carried, lowered.outputs, strict=False):
            keeps_type(tensor, made)
        self.body = lowered

    def emit(self, cpp: Writer) -> None:
        assert isinstance(self.body, RModel)
        states, (batch, steps) = self.states, self.input(1 + self.states).shape[:2]
        row, turn, length = cpp.local("row"), cpp.local("turn"), cpp.local("length")
        with cpp.block(f"for (Size {row} = 0; {row} < {cpp.size(batch)}; {row}++)"):
            cpp.line(f"const Size {length} = {self.length(cpp, row, steps)};")
            for i, tensor in self.carried:
                copy(cpp, tensor, cpp.pointer(tensor), cpp.pointer(self.input(i)) + add_index(cpp, row, tensor.count))
            with cpp.block(f"for (Size {turn} = 0; {turn} < {length}; {turn}++)"):
                cpp.require(self.body.conditions, self.body.constraints)
                for i, tensor in enumerate(self.slices):
                    place = f"({length} - 1 - {turn})" if self.directions and self.directions[i] else turn
                    copy(cpp, tensor, cpp.pointer(tensor), at(cpp, self.input(1 + states + i), row, place))
                cpp.operators(self.body.operators)
                for scan, target in zip(self.body.outputs[states:], self.outputs[states:], strict=False):  # some left out
                    if target is not None:
                        copy(cpp, scan, at(cpp, target, row, turn), cpp.pointer(scan))
                for (_, tensor), made in zip(self.carried, self.body.outputs, strict=False):
                    copy(cpp, tensor, cpp.pointer(tensor), cpp.pointer(made))
            for target in self.outputs[states:]:
                if target is not None and self.inputs[0] is not None:
                    rest = f"static_cast<std::size_t>(({cpp.size(steps)} - {length}) * {cpp.size(dims.product(target.shape[2:]))})"
                    cpp.line(f"std::memset({at(cpp, target, row, length)}, 0, {rest} * sizeof(*{cpp.pointer(target)}));")
            for (_, tensor), target in zip(self.carried, self.outputs, strict=False):
                if target is not None:
                    copy(cpp, tensor, cpp.pointer(target) + add_index(cpp, row, tensor.count), cpp.pointer(tensor))

    def length(self, cpp: Writer, row: str, steps: Size) -> str:
        """The length of a sequence in C++."""
        lengths, most = self.inputs[0], cpp.size(steps)
        if lengths is None:
            return most
        given = f"{cpp.pointer(lengths)}[{row}]"
        return f"{given} < 0 ? 0 : {given} < {most} ? static_cast<Size>({given}) : {most}"


def at(cpp: Writer, tensor: Tensor, row: str, place: str) -> str:
    """A pointer to an element of a sequence of [N, T, ...]."""
    return f"{cpp.pointer(tensor)} + ({row} * {cpp.size(tensor.shape[1])} + {place}) * {cpp.size(dims.product(tensor.shape[2:]))}"


def copy(cpp: Writer, of: Tensor, target: str, source: str) -> None:
    """Emits the copy of as much as a tensor has."""
    cpp.line(f"std::memcpy({target}, {source}, static_cast<std::size_t>({cpp.size(of.bytes)}));")
