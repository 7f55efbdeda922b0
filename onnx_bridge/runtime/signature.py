"""What a header takes and gives: arguments checked, run-time sizes told from them, memory for the outputs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from onnx_bridge.emit.header import Emitted
from onnx_bridge.errors import InferenceError
from onnx_bridge.runtime.inputs import array_of
from onnx_bridge.runtime.outputs import Outputs, by_name, check_apart, into, new, shape_of_memory
from onnx_bridge.runtime.sizes import check_conditions, solve

#: How many sets of shapes a plan is kept for.
PLANS = 256


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

    @property
    def input_names(self) -> list[str]:
        return [t.name for t in self._emitted.inputs]

    @property
    def output_names(self) -> list[str]:
        return [t.name for t in self._emitted.outputs]

    def sizes_of(self, feeds: Mapping[str, Any]) -> dict[str, int]:
        """The values of the run-time sizes that these inputs have."""
        return solve(self._emitted, self._arrays(feeds))

    def run(self, feeds: Mapping[str, Any], *, cast: bool = False) -> Outputs:
        """The outputs of the model for inputs by name.

        Args:
            feeds: an array for each input.
            cast: round inputs of another type to the model's, such as doubles to float32, instead of refusing them.

        Raises:
            InferenceError: inputs are missing or unknown, or their types or shapes are not the model's.
        """
        arrays = self._arrays(feeds, cast)
        plan = self._plan(arrays)
        outputs = self._memory(plan)
        self._infer(arrays, outputs, plan.sizes)
        return self._filled(outputs, plan.sizes)

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
        names = self.input_names
        unknown, missing = [n for n in feeds if n not in names], [n for n in names if n not in feeds]
        if unknown or missing:
            what = [f"no input is called {', '.join(map(repr, unknown))}"] if unknown else []
            what += [f"missing: {', '.join(map(repr, missing))}"] if missing else []
            raise InferenceError(f"{'; '.join(what)} (the inputs are {', '.join(map(repr, names))})")
        return [array_of(t, feeds[t.name], cast) for t in self._emitted.inputs]

    def _plan(self, arrays: Sequence[np.ndarray]) -> Plan:
        """The plan for inputs of such shapes."""
        values = [array.tobytes() for t, array in zip(self._emitted.inputs, arrays, strict=True) if t.name in self._by_value]
        key = (*(array.shape for array in arrays), *values)
        plan = self._plans.get(key)
        if plan is None:
            sizes = solve(self._emitted, arrays)
            check_conditions(self._emitted, sizes)
            plan = Plan(sizes, tuple(shape_of_memory(t, sizes, self._emitted.found) for t in self._emitted.outputs))
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
            check_apart(given, dict(zip(self.input_names, inputs, strict=True)))
        arrays = [given[t.name] if t.name in given else new(t, shape) for shape, t in zip(plan.memory, tensors, strict=True)]
        return [*arrays, np.zeros(len(found), np.int64)] if found else arrays

    def _filled(self, arrays: list[np.ndarray], sizes: Mapping[str, int]) -> Outputs:
        """The outputs of a call, as far as it filled them; behind them is what data decided."""
        found = self._emitted.found
        if not found:
            return Outputs(self.output_names, arrays)
        known = {**sizes, **dict(zip(found, map(int, arrays[-1]), strict=True))}
        shapes = [t.type.shape_at(known) for t in self._emitted.outputs]
        cut = [array.reshape(-1)[: math.prod(shape)].reshape(shape) for array, shape in zip(arrays[:-1], shapes, strict=True)]
        return Outputs(self.output_names, cut)
