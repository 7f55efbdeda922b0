"""Scan."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import field
from typing import Any

from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import STORED
from onnx_bridge.ir.rmodel import RModel
from onnx_bridge.ir.roperator import ROperator, Writer, attribute, operator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type, same
from onnx_bridge.library import strided
from onnx_bridge.library.known import axis_in
from onnx_bridge.library.loops import contiguous_strides
from onnx_bridge.library.strided import Side
from onnx_bridge.operators.if_ import copy_tensor, keeps_type


@operator("Scan", since=9)
class Scan(ROperator):
    """Runs a graph once for each element of an axis of its scan inputs, carrying states from turn to turn and stacking scan outputs.

    Inputs: the states, then the scan inputs, which are all equally long; outputs: the last states, then the scan outputs. Each is scanned
    along an axis of its own, forwards (direction 0) or backwards (1).
    """

    kernels = ("copy.hxx",)
    computes = (STORED,)
    tested_by = "test_scan.py"

    body: Any = attribute()
    num_scan_inputs: int = attribute()
    scan_input_axes: list[int] | None = attribute(None)
    scan_input_directions: list[int] | None = attribute(None)
    scan_output_axes: list[int] | None = attribute(None)
    scan_output_directions: list[int] | None = attribute(None)
    #: The body's inputs: of the states that are carried, by their position, and of the slices.
    carried: list[tuple[int, Tensor]] = field(default_factory=list)
    slices: list[Tensor] = field(default_factory=list)

    @property
    def states(self) -> int:
        """The number of states."""
        return len(self.inputs) - self.num_scan_inputs

    def types(self, *inputs: Tensor) -> Sequence[Type]:
        body, states = self.body, self.states
        if isinstance(body, RModel):  # lowered before
            return self.results(body, inputs)
        names = body.input_names
        if not 0 < self.num_scan_inputs <= len(inputs) or len(names) != len(inputs):
            raise ShapeError(f"the body has {len(names)} inputs, expected {len(inputs)}, of which {self.num_scan_inputs} are scanned")
        bound: dict[str, Tensor] = {}
        self.carried, self.slices = [], []
        for i, tensor in enumerate(inputs[:states]):
            if body.hands_on(i, names[i]):
                bound[names[i]] = tensor
            else:
                bound[names[i]] = Tensor(names[i], tensor.type)
                self.carried.append((i, bound[names[i]]))
        self.length(inputs)
        for i, tensor in enumerate(inputs[states:]):
            axis = axis_in(_at(self.scan_input_axes, i), tensor.rank, "scan_input_axes")
            name = names[states + i]
            bound[name] = Tensor(name, Type(tensor.dtype, tensor.shape[:axis] + tensor.shape[axis + 1 :]))
            self.slices.append(bound[name])
        lowered = body.lower([*(t for _, t in self.carried), *self.slices], bound)
        for i, tensor in self.carried:
            keeps_type(tensor, lowered.outputs[i])
        self.body = lowered
        return self.results(lowered, inputs)

    def length(self, inputs: Sequence[Tensor]) -> Size:
        """The number of turns, which all scan inputs are long."""
        axes = [axis_in(_at(self.scan_input_axes, i), t.rank, "scan_input_axes") for i, t in enumerate(inputs[self.states :])]
        lengths = [tensor.shape[axis] for tensor, axis in zip(inputs[self.states :], axes, strict=True)]
        return functools.reduce(same, lengths)

    def results(self, body: RModel, inputs: Sequence[Tensor]) -> Sequence[Type]:
        """The types of the outputs, from what the body makes."""
        states, length = self.states, self.length(inputs)
        stacked = []
        for i, scan in enumerate(body.outputs[states:]):
            axis = axis_in(_at(self.scan_output_axes, i), scan.rank + 1, "scan_output_axes")
            stacked.append(Type(scan.dtype, (*scan.shape[:axis], length, *scan.shape[axis:])))
        return [*(t.type for t in inputs[:states]), *stacked]

    def emit(self, cpp: Writer) -> None:
        assert isinstance(self.body, RModel)
        states = self.states
        first = self.input(states)
        length = first.shape[axis_in(_at(self.scan_input_axes, 0), first.rank)]
        for i, tensor in self.carried:
            copy_tensor(cpp, tensor, self.input(i))
        turn = cpp.local("turn")
        with cpp.block(f"for (Size {turn} = 0; {turn} < {cpp.size(length)}; {turn}++)"):
            cpp.require(self.body.conditions, self.body.constraints)
            places = (turn, f"({cpp.size(length)} - 1 - {turn})")
            for i, tensor in enumerate(self.slices):
                x = self.input(states + i)
                axis = axis_in(_at(self.scan_input_axes, i), x.rank)
                source = self.slice(cpp, x, axis, places[_at(self.scan_input_directions, i)])
                strided.copy(cpp, tensor.shape, Side(tensor, contiguous_strides(tensor.shape)), source)
            cpp.operators(self.body.operators)
            for i, (scan, target) in enumerate(zip(self.body.outputs[states:], self.outputs[states:], strict=False)):  # some left out
                if target is not None:
                    axis = axis_in(_at(self.scan_output_axes, i), target.rank)
                    to = self.slice(cpp, target, axis, places[_at(self.scan_output_directions, i)])
                    strided.copy(cpp, scan.shape, to, Side(scan, contiguous_strides(scan.shape)))
            for i, tensor in self.carried:
                copy_tensor(cpp, tensor, self.body.outputs[i])
        carried = dict(self.carried)
        for i, target in enumerate(self.outputs[:states]):
            if target is not None:
                copy_tensor(cpp, target, carried.get(i, self.input(i)))

    @staticmethod
    def slice(cpp: Writer, tensor: Tensor, axis: int, place: str) -> Side:
        """One element of an axis of a tensor, at a place that is C++."""
        strides = contiguous_strides(tensor.shape)
        return Side(tensor, [*strides[:axis], *strides[axis + 1 :]], 0, f" + {place} * {cpp.size(strides[axis])}")


def _at(values: Sequence[int] | None, index: int) -> int:
    """An attribute's number for one scan input or output; 0 unless it is given."""
    return values[index] if values else 0
