"""RModel: inputs, initialized tensors, operators in order, outputs. Pure data; names follow SOFIE."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from onnx_bridge.errors import InvalidModel
from onnx_bridge.hooks import HOOKS
from onnx_bridge.ir import dims, dtypes
from onnx_bridge.ir.dim_names import parse
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import DType
from onnx_bridge.ir.groups import Group
from onnx_bridge.ir.meaning import Meaning
from onnx_bridge.ir.roperator import ROperator
from onnx_bridge.ir.tensor import ShapeError, Tensor, Type


@dataclass(frozen=True)
class Narrowing:
    """A size that the model's file leaves open, another that it must be equal to, and the operator that needs it."""

    size: Size
    other: Size
    node: str
    op: str

    def __str__(self) -> str:
        return f"{self.size} must be {self.other}" + (f": {self.op} at {self.node!r} needs it" if self.op else "")


@dataclass(frozen=True)
class InputValue:
    """An element of an integer input whose values are sizes.

    Attributes:
        source: the input.
        index: which of its elements.
        signed: whether it may be negative, as a pad.
        is_float: whether it is a float, of which the size is the value in PARTS of 1 (ir/tensor.py).
    """

    source: str
    index: int = 0
    signed: bool = False
    is_float: bool = False


@dataclass(eq=False)
class RModel:
    """A network as a list of operators over tensors.

    Attributes:
        name: a C++ identifier; the namespace and the files are called by it.
        inputs: the input tensors, in the order of the ONNX graph.
        outputs: the output tensors.
        operators: in an order in which every tensor is produced before it is read.
        notes: what happened on the way (repairs, fusions, refusals), for the report.
        symbols: run-time sizes in the order in which the inputs name them.
        symbol_inputs: sizes that are the value of an element of an integer input, by symbol.
        conditions: sizes that are taken not to be negative; `infer` refuses dims for which one is.
        constraints: pairs of sizes that must be equal; a call where they are not is refused.
        meanings: what the elements of the inputs are for, as far as that is known.
        found: sizes that data decides, which its operators find as they run, with what they are never above.
        bounds: sizes of which the caller says how much room there is, by what data decides of them: a call that lacks room is refused.
        input_groups, output_groups: what the file takes and gives that is no tensor, as the tensors here that it is made of.
        narrowed: where the model takes fewer sizes than its file says.
        input_values: the sizes that the elements of integer inputs must be, by input.
        source: what the model was made from, for the banner.
        optimised: whether the passes have run.
    """

    name: str
    inputs: list[Tensor] = field(default_factory=list)
    outputs: list[Tensor] = field(default_factory=list)
    operators: list[ROperator] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    symbols: list[str] = field(default_factory=list)
    symbol_inputs: dict[str, InputValue] = field(default_factory=dict)
    conditions: list[Size] = field(default_factory=list)
    constraints: list[tuple[Size, Size]] = field(default_factory=list)
    meanings: Mapping[str, Meaning] = field(default_factory=dict)
    found: dict[str, Size] = field(default_factory=dict)
    bounds: dict[str, str] = field(default_factory=dict)
    input_groups: list[Group] = field(default_factory=list)
    output_groups: list[Group] = field(default_factory=list)
    narrowed: list[Narrowing] = field(default_factory=list)
    input_values: dict[str, tuple[Size, ...]] = field(default_factory=dict)
    source: Mapping[str, str] = field(default_factory=dict)
    optimised: bool = False
    tensors: dict[str, Tensor] = field(default_factory=dict, repr=False)

    # ---- building by hand

    def add_input_tensor_info(self, name: str, dtype: DType | str, shape: Sequence[Size | str]) -> Tensor:
        """Declares an input; a `str` in the shape is a symbolic dim (an expression such as "2*N" is allowed)."""
        sizes = tuple(parse(size) if isinstance(size, str) else size for size in shape)
        tensor = self.add_tensor(Tensor(name, Type(dtypes.BY_NAME[dtype] if isinstance(dtype, str) else dtype, sizes)))
        self.inputs.append(tensor)
        for size in sizes:
            for symbol in sorted(dims.symbols(size)):
                if symbol not in self.symbols:
                    self.symbols.append(symbol)
        return tensor

    def add_initialized_tensor(self, name: str, value: np.ndarray) -> Tensor:
        """Adds a constant."""
        return self.add_tensor(Tensor(name, Type(dtypes.of(value), value.shape), value))

    def add_operator(self, op: ROperator, inputs: Sequence[str | None], outputs: Sequence[str | None]) -> ROperator:
        """Appends an operator; the types (and known values) of its outputs come from its own rules."""
        op.inputs = [None if name is None else self.tensor(name) for name in inputs]
        op.outputs = [None] * len(outputs)  # some rules depend on how many there are
        with dims.assuming(self.conditions):
            types, values = op.infer()
            outputs = op.named(outputs)
            for declared in types:
                for size in () if declared is None else declared.shape:
                    if isinstance(size, int) and size < 0:
                        raise ShapeError(f"the output would have the size {size}")
                    dims.assume(size)
                if declared is not None:
                    declared.check_bytes()
        missing = [index for index, name in enumerate(outputs) if name is not None and (index >= len(types) or types[index] is None)]
        if missing:
            raise ShapeError(f"output {missing[0]} is not one that it gives here")
        op.outputs = []
        for index, name in enumerate(outputs):
            type_ = types[index] if index < len(types) else None
            if name is None or type_ is None:
                op.outputs.append(None)
            else:
                op.outputs.append(self.add_tensor(Tensor(name, type_, values[index])))
        with dims.assuming(self.conditions):
            op.settled()
        for tensor in op.inputs:
            if tensor is not None and self.tensors.get(tensor.name) is not tensor:  # the rule reads a constant in another shape
                tensor.name = self.new_name(tensor.name)
                self.add_tensor(tensor)
        self.operators.append(op)
        return op

    def add_output_tensor_name_list(self, names: Iterable[str]) -> None:
        """Declares the outputs."""
        self.outputs = [self.tensor(name) for name in names]

    def add_tensor(self, tensor: Tensor) -> Tensor:
        """Adds a tensor under its name, which must be new."""
        if tensor.name in self.tensors:
            raise InvalidModel(f"two tensors are called {tensor.name!r}")
        self.tensors[tensor.name] = tensor
        return tensor

    def tensor(self, name: str) -> Tensor:
        """The tensor called `name`."""
        try:
            return self.tensors[name]
        except KeyError:
            raise InvalidModel(f"no tensor is called {name!r}") from None

    def new_name(self, hint: str) -> str:
        """A tensor name that is free."""
        name, count = hint, 1
        while name in self.tensors:
            count += 1
            name = f"{hint}_{count}"
        return name

    def new_tensor(self, hint: str, type_: Type, **kwargs: Any) -> Tensor:
        """A new tensor; its name starts with `hint`."""
        return self.add_tensor(Tensor(self.new_name(hint), type_, **kwargs))

    def new_constant(self, hint: str, value: Any, dtype: DType | None = None) -> Tensor:
        """A new tensor that is known: a constant, or integers that are sizes.

        Args:
            hint: what its name starts with.
            value: numbers, or an array of objects with sizes among them.
            dtype: its element type; that of the numbers unless given.
        """
        sizes = isinstance(value, np.ndarray) and value.dtype == object
        array = np.asarray(value, None if sizes or dtype is None else dtype.numpy)
        return self.new_tensor(hint, Type(dtype or dtypes.of(array), array.shape), value=np.ascontiguousarray(array).reshape(array.shape))

    def forget_unused(self) -> None:
        """Tensors that nothing names any more go, constants with their bytes, and their names are free."""
        used: dict[int, dict[str, Tensor]] = {}
        models = list(all_models(self))
        for model in models:  # most nested ones have the dictionary of the model that they are in
            used.setdefault(id(model.tensors), {}).update((tensor.name, tensor) for tensor in used_tensors(model))
        for model in models:
            model.tensors = used[id(model.tensors)]

    # ---- the three steps of SOFIE's programs; what does them stands above the IR, which knows neither passes nor emission

    def initialize(self) -> None:
        """Runs the passes, once: folds, fuses, selects kernels, lays out. The last thing that is done to a model before it is generated."""
        if not self.optimised:
            HOOKS["optimise"](self)

    def generate(self, **options: Any) -> Any:
        """The header and the weights, as an `Emitted`; `initialize` comes first if that was left out.

        Args:
            **options: those of `onnx_bridge.emit.header.emit`: `weights`, `self_include`.

        Raises:
            ArgumentError: the model's name cannot be that of a namespace.
        """
        self.initialize()
        return HOOKS["emit"](self, **options)

    def output_generated(self, path: str | Path, **options: Any) -> Path:
        """Writes NAME.hxx and NAME.dat into the folder `path`; returns the header's path. The options are those of `generate`."""
        return Path(self.generate(**options).write(path))

    # ---- reading

    def limits(self) -> dict[str, Size]:
        """The sizes that data decides, those inside of bodies included, with what they are never above."""
        found = dict(self.found)
        for op in self.operators:
            for body in nested_models(op):
                found.update(body.limits())
        return found

    def producers(self) -> dict[Tensor, ROperator]:
        """The operator that makes each tensor."""
        return {tensor: op for op in self.operators for tensor in op.outputs if tensor is not None}

    def consumers(self) -> dict[Tensor, list[ROperator]]:
        """The operators that read each tensor's memory, in order; nested ones count as their control-flow operator."""
        readers: dict[Tensor, list[ROperator]] = {}
        for op in self.operators:
            for tensor in dict.fromkeys(read_tensors(op)):
                readers.setdefault(tensor, []).append(op)
        return readers

    def __str__(self) -> str:
        rows = [("tensor", "type", "what")]
        rows += [(t.name, str(t.type), "input") for t in self.inputs]
        for op in self.operators:
            for t in op.outputs:
                if t is not None:
                    sources = ", ".join("-" if i is None else i.name for i in op.inputs)
                    rows.append((t.name, str(t.type), f"{op.op_type}({sources})"))
        rows += [(t.name, str(t.type), "output") for t in self.outputs]
        widths = [max(len(row[column]) for row in rows) for column in range(3)]
        return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)


def all_models(model: RModel) -> Iterator[RModel]:
    """A model and those nested in it."""
    yield model
    for op in model.operators:
        for body in nested_models(op):
            yield from all_models(body)


def all_operators(model: RModel) -> Iterator[ROperator]:
    """The operators of a model, those of its nested ones behind the one that they are in."""
    for op in model.operators:
        yield op
        for body in nested_models(op):
            yield from all_operators(body)


def used_tensors(model: RModel) -> Iterator[Tensor]:
    """Every tensor that a model itself names, as often as it does; its nested ones name theirs."""
    yield from (*model.inputs, *model.outputs)
    for op in model.operators:
        yield from (tensor for tensor in (*op.inputs, *op.outputs) if tensor is not None)


def rename(model: RModel, new: Mapping[Tensor, Tensor]) -> None:
    """Has all operators of a model, and its nested ones, name other tensors in the place of some. Its own inputs and outputs stay."""
    for op in model.operators:
        op.rename(new)
        for body in nested_models(op):
            rename(body, new)
            body.outputs = [new.get(tensor, tensor) for tensor in body.outputs]


def dead_operators(model: RModel) -> list[ROperator]:
    """The operators that nobody needs, the last one first."""
    needed: set[Tensor] = set(model.outputs)
    dead: list[ROperator] = []
    for op in reversed(model.operators):
        if op.found or any(tensor in needed for tensor in op.outputs if tensor is not None):
            needed.update(read_tensors(op))
        else:
            dead.append(op)
    return dead


def sweep(model: RModel) -> bool:
    """Takes out what nobody needs, in nested models first; returns whether there was anything."""
    changed = False
    for op in model.operators:
        for body in nested_models(op):
            changed |= sweep(body)
    dead = set(dead_operators(model))
    model.operators = [op for op in model.operators if op not in dead]
    return changed or bool(dead)


def nested_models(op: ROperator) -> Iterator[RModel]:
    """The bodies of a control-flow operator."""
    for name in op.attributes():
        value = getattr(op, name)
        if isinstance(value, RModel):
            yield value


def read_tensors(op: ROperator) -> Iterator[Tensor]:
    """The tensors whose memory an operator reads, those that its bodies capture included."""
    for index in op.reads():
        tensor = op.inputs[index]
        if tensor is not None:
            yield tensor
    for body in nested_models(op):
        own = set(body.inputs) | {t for inner in body.operators for t in inner.outputs if t is not None}
        for inner in body.operators:
            yield from (t for t in read_tensors(inner) if t not in own)
        yield from (t for t in body.outputs if t not in own)
