"""What a header takes and gives: arguments checked, run-time sizes told from them, memory for the outputs."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from onnx_bridge.emit.header import Emitted
from onnx_bridge.errors import InferenceError
from onnx_bridge.ir.dims import DividedByZero
from onnx_bridge.ir.dtypes import string
from onnx_bridge.ir.tensor import Tensor
from onnx_bridge.processes import most_memory
from onnx_bridge.runtime import texts
from onnx_bridge.runtime.groups import names_of, put_together, taken_apart
from onnx_bridge.runtime.inputs import array_of
from onnx_bridge.runtime.outputs import Outputs, by_name, check_apart, into, new, shape_of_memory
from onnx_bridge.runtime.sizes import check_conditions, solve

#: How much room there is at first for what data decides without a limit.
FIRST_BOUND = 256

#: How many sets of shapes a plan is kept for.
PLANS = 256

_Answer = TypeVar("_Answer")

#: Arrays, strings packed; memory for the outputs, in whose place packed strings are put; and the run-time sizes.
Run = Callable[[list[np.ndarray], list[np.ndarray], Mapping[str, int]], _Answer]


@dataclass(frozen=True)
class Plan:
    """What a call with inputs of certain shapes needs, found once for all such calls.

    Attributes:
        sizes: the run-time sizes, in the header's order.
        memory: the shape of each output; where data decides it, of the memory for as many elements as it may have.
    """

    sizes: Mapping[str, int]
    memory: tuple[tuple[int, ...], ...]


class Signature:
    """The arguments of a header; whoever derives from it runs it."""

    def __init__(self, emitted: Emitted) -> None:
        self._emitted = emitted
        self._plans: dict[object, Plan] = {}
        #: Whose values are sizes, so that a plan is for these values.
        self._by_value = frozenset(value.source for value in emitted.symbol_inputs.values())
        #: Sizes that say how much room there is for what data decides: they grow.
        self._bounds = dict.fromkeys(emitted.bounds, FIRST_BOUND)

    @property
    def input_names(self) -> list[str]:
        return names_of((t.name for t in self._emitted.inputs), self._emitted.input_groups)

    @property
    def output_names(self) -> list[str]:
        return names_of((t.name for t in self._emitted.outputs), self._emitted.output_groups)

    def sizes_of(self, feeds: Mapping[str, Any]) -> dict[str, int]:
        """The values of the run-time sizes that these inputs have."""
        return solve(self._emitted, self._arrays(feeds), self._bounds)

    def run(self, feeds: Mapping[str, Any], *, cast: bool = False) -> Outputs:
        """The outputs of the model for inputs by name.

        Args:
            feeds: an array for each input.
            cast: round inputs of another type to the model's, such as doubles to float32, instead of refusing them.

        Raises:
            InferenceError: inputs are missing or unknown, or their types or shapes are not the model's.
        """
        _, outputs, plan = self._with_room(self._arrays(feeds, cast), self._infer)
        return self._filled(outputs, plan.sizes)

    def _with_room(self, arrays: list[np.ndarray], run: Run[_Answer], out: Any = None) -> tuple[_Answer, list[np.ndarray], Plan]:
        """What a run on checked inputs returns, its outputs and its plan. Where there was too little room, it runs again with more."""
        handed = [texts.packed(a) if t.dtype is string else a for t, a in zip(self._emitted.inputs, arrays, strict=True)]
        while True:
            plan = self._plan(arrays)
            outputs = self._memory(plan, out, arrays)
            try:
                return run(handed, outputs, plan.sizes), outputs, plan
            except InferenceError:
                if not self._roomier(plan, outputs):
                    raise

    def _roomier(self, plan: Plan, outputs: Sequence[np.ndarray]) -> bool:
        """Makes room for what a refused call has found that it needs; False where room was not what it lacked.

        Raises:
            InferenceError: what it needs is more than there is memory for.
        """
        lacked: dict[str, int] = {}
        for bound, found in self._emitted.bounds.items():
            wanted = int(outputs[-1][list(self._emitted.found).index(found)])
            if plan.sizes[bound] < wanted:
                lacked[bound] = wanted
        if lacked:
            most = most_memory()
            if (needed := self._bytes({**plan.sizes, **lacked})) > most:
                what = " and ".join(f"{self._emitted.bounds[bound]} is {wanted} or more" for bound, wanted in lacked.items())
                raise InferenceError(
                    f"data decides that {what}: a call would take {needed} bytes for its outputs and its workspace, "
                    f"more than the {most} that the machine, or $ONNX_BRIDGE_GIBIBYTES, has"
                )
            for halvings in range(64):  # twice the room, or the part of it that there is memory for
                more = {bound: wanted + (max(2 * plan.sizes[bound] - wanted, 0) >> halvings) for bound, wanted in lacked.items()}
                if more == lacked or self._bytes({**plan.sizes, **more}) <= most:
                    break
            self._bounds.update(more)
        return bool(lacked)

    def _bytes(self, sizes: Mapping[str, int]) -> int:
        """Bytes of the outputs and the workspace of a call."""
        memory = (math.prod(shape_of_memory(t, sizes, self._emitted.found)) * t.dtype.size for t in self._emitted.outputs)
        return sum(memory) + self._workspace(sizes)

    def _workspace(self, sizes: Mapping[str, int]) -> int:
        """Bytes of scratch memory of a call."""
        return self._emitted.plan.offsets(sizes)[1]

    def _infer(self, arrays: list[np.ndarray], outputs: list[np.ndarray], sizes: Mapping[str, int]) -> None:
        """Runs the header on checked inputs and fills the outputs."""
        raise NotImplementedError

    def _bound(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """Arguments of a call, by name."""
        names = self.input_names
        if len(args) > len(names):
            raise InferenceError(f"the model has {len(names)} inputs ({', '.join(names)}), got {len(args)}")
        feeds = dict(zip(names, args, strict=False))
        for name, value in kwargs.items():
            if name in feeds:
                raise InferenceError(f"input {name!r} was given twice")
            feeds[name] = value
        return feeds

    def _arrays(self, feeds: Mapping[str, Any], cast: bool = False) -> list[np.ndarray]:
        """The inputs in their order, their types and ranks checked."""
        if self._emitted.input_groups:
            feeds = taken_apart(feeds, self._emitted.input_groups, {t.name: t for t in self._emitted.inputs})
        names = [t.name for t in self._emitted.inputs]
        unknown, missing = [n for n in feeds if n not in names], [n for n in names if n not in feeds]
        if unknown or missing:
            what = [f"no input is called {', '.join(map(repr, unknown))}"] if unknown else []
            what += [f"missing: {', '.join(map(repr, missing))}"] if missing else []
            raise InferenceError(f"{'; '.join(what)} (the inputs are {', '.join(map(repr, names))})")
        return [array_of(t, feeds[t.name], cast) for t in self._emitted.inputs]

    def _plan(self, arrays: Sequence[np.ndarray]) -> Plan:
        """The plan for inputs of such shapes."""
        values = [array.tobytes() for t, array in zip(self._emitted.inputs, arrays, strict=True) if t.name in self._by_value]
        key = (*(array.shape for array in arrays), *values, *self._bounds.values())
        plan = self._plans.get(key)
        if plan is None:
            try:
                sizes = solve(self._emitted, arrays, self._bounds)
                check_conditions(self._emitted, sizes)
                plan = Plan(sizes, tuple(shape_of_memory(t, sizes, self._emitted.found) for t in self._emitted.outputs))
            except DividedByZero as error:
                raise InferenceError(f"the model refuses these inputs: {error}") from error
            if len(self._plans) >= PLANS:
                self._plans.clear()
            self._plans[key] = plan
        return plan

    def _memory(self, plan: Plan, out: Any = None, inputs: Sequence[np.ndarray] = ()) -> list[np.ndarray]:
        """Memory for the outputs, the caller's where it is given; behind them for what data decides, if that is anything."""
        tensors, found = self._emitted.outputs, self._emitted.found
        given: dict[str, np.ndarray] = {}
        if out is not None:
            theirs = by_name(tensors, out)
            shapes = zip(tensors, plan.memory, strict=True)
            given = {t.name: into(t, theirs[t.name], shape) for t, shape in shapes if t.name in theirs}
            check_apart(given, dict(zip((t.name for t in self._emitted.inputs), inputs, strict=True)))
        arrays = [self._new(t, shape) if t.name not in given else given[t.name] for shape, t in zip(plan.memory, tensors, strict=True)]
        return [*arrays, np.zeros(len(found), np.int64)] if found else arrays

    def _new(self, tensor: Tensor, shape: tuple[int, ...]) -> np.ndarray:
        """Memory for an output that the caller gives none for."""
        return texts.room(shape) if tensor.dtype is string else new(tensor, shape)

    def _filled(self, arrays: list[np.ndarray], sizes: Mapping[str, int]) -> Outputs:
        """The outputs of a call, as far as it filled them; behind them is what data decided."""
        found, tensors = self._emitted.found, self._emitted.outputs
        if not found and not any(t.dtype is string for t in tensors):
            return self._named(arrays)
        known = {**sizes, **dict(zip(found, map(int, arrays[-1]), strict=True))} if found else sizes
        filled = []
        for tensor, array in zip(tensors, arrays, strict=False):
            shape = tensor.type.shape_at(known)
            plain = texts.unpacked(array, shape) if tensor.dtype is string else array.reshape(-1)[: math.prod(shape)].reshape(shape)
            filled.append(plain)
        return self._named(filled)

    def _named(self, arrays: list[np.ndarray]) -> Outputs:
        """Outputs by the file's names, sequences and optionals as such."""
        names = [t.name for t in self._emitted.outputs]
        return Outputs(*put_together(names, arrays, self._emitted.output_groups))
