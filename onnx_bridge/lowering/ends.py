"""Inputs and outputs of a model that are sequences or optionals, as the tensors that a header takes and gives for them."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TypeAlias

from onnx_bridge.ir import dims
from onnx_bridge.ir.dtypes import DType, bool_, int64
from onnx_bridge.ir.groups import Group
from onnx_bridge.ir.rmodel import RModel
from onnx_bridge.ir.roperator import ROperator, UnsupportedForm
from onnx_bridge.ir.tensor import Tensor, Type
from onnx_bridge.ir.values import OptionalType, SequenceType, UnrankedType, ValueType
from onnx_bridge.lowering.parts import Chunks, One, OptionalValue, Part, Ragged, SequenceValue, Stack
from onnx_bridge.operators.identity import Identity
from onnx_bridge.operators.sequence_parts import ANY_RANK, Form, PackSequence

#: Adds an operator to a model, between tensors by their names.
Add: TypeAlias = Callable[[ROperator, "list[str | None]", "list[str | None]"], None]


def add_input(name: str, declared: ValueType, rmodel: RModel, taken: Collection[str]) -> None:
    """Adds the tensors of an input that is a sequence, an optional tensor or an optional sequence.

    Raises:
        UnsupportedForm: it is something else.
    """
    optional = isinstance(declared, OptionalType)
    inside = declared.element if isinstance(declared, OptionalType) else declared
    there = rmodel.add_input_tensor_info(f"{name} there", bool_, ()) if optional else None
    if isinstance(inside, SequenceType):
        value, group = _sequence(name, inside, rmodel, taken)
    elif optional and isinstance(inside, (Type, UnrankedType)):
        axes = range(inside.rank or 0) if isinstance(inside, UnrankedType) else ()
        names = [_free(f"{name}_{axis}", rmodel, taken) for axis in axes]
        shape = inside.shape if isinstance(inside, Type) else tuple(map(dims.symbol, names))
        value = rmodel.add_input_tensor_info(f"{name} value", inside.dtype, shape)
        group = Group(name, data=value.name)
    else:
        raise UnsupportedForm(f"{name!r} is {declared}; sequences of tensors and optional tensors are taken")
    if there is not None:
        value = OptionalValue(name, declared, there=there, inside=value)
        group = Group(name, there.name, group.data, group.table)
    else:
        value.name = name
    rmodel.add_tensor(value)
    rmodel.input_groups.append(group)


def _sequence(name: str, declared: SequenceType, rmodel: RModel, taken: Collection[str]) -> tuple[Tensor, Group]:
    element = declared.element
    if not isinstance(element, (Type, UnrankedType)):
        raise UnsupportedForm(f"{name!r} is {declared}; sequences of tensors are taken")
    rank = element.rank if isinstance(element, UnrankedType) else len(element.shape)
    rank = rank or None  # files say a rank of 0 where they say nothing
    sizes = [_free(f"{name}_{what}", rmodel, taken) for what in ("numbers", "length")]
    data = rmodel.add_input_tensor_info(f"{name} numbers", element.dtype, [dims.symbol(sizes[0])])
    columns = ANY_RANK if rank is None else rank
    table = rmodel.add_input_tensor_info(f"{name} shapes", int64, [dims.symbol(sizes[1]), columns])
    parts: list[Part] = [Ragged(data, table, rank)]
    value = SequenceValue(f"{name} inside", declared, parts=parts, element=element.dtype)
    return value, Group(name, data=data.name, table=table.name)


def _free(name: str, rmodel: RModel, taken: Collection[str]) -> str:
    while name in rmodel.symbols or name in taken:
        name += "_"
    return name


def add_output(value: Tensor, rmodel: RModel, add: Add) -> None:
    """Adds the tensors of an output, whatever it is."""
    if not isinstance(value, (SequenceValue, OptionalValue)):
        rmodel.outputs.append(value)
        return
    name, group = value.name, Group(value.name)
    if isinstance(value, OptionalValue):
        assert value.there is not None
        there = rmodel.new_name(f"{name} there")
        add(Identity.make(there), [value.there.name], [there])
        rmodel.outputs.append(rmodel.tensor(there))
        group = Group(name, there=there)
        inside = value.inside
    else:
        inside = value
    if isinstance(inside, SequenceValue):
        data, table = packed(inside, name, rmodel, add)
        rmodel.outputs += [data, table]
        group = Group(name, group.there, data.name, table.name)
    elif inside is not None:
        held = rmodel.new_name(f"{name} value")
        add(Identity.make(held), [inside.name], [held])
        rmodel.outputs.append(rmodel.tensor(held))
        group = Group(name, group.there, held)
    rmodel.output_groups.append(group)


def rank_of(parts: list[Part]) -> int | None:
    """The rank of all elements; None where it is not known, or they have several."""
    ranks = {_rank(part) for part in parts}
    return ranks.pop() if len(ranks) == 1 else None


def _rank(part: Part) -> int | None:
    if isinstance(part, Ragged):
        return part.rank
    if isinstance(part, Stack):
        return part.tensor.rank - 1
    return part.tensor.rank if isinstance(part, (One, Chunks)) else None


def packed(value: SequenceValue, name: str, rmodel: RModel, add: Add, rank: int | None = -1) -> tuple[Tensor, Tensor]:
    """The numbers of a sequence's elements, and the table of their shapes; its columns are for `rank` unless that is -1."""
    forms: list[Form] = []
    inputs: list[str | None] = []
    for part in value.parts:
        if isinstance(part, Ragged):
            forms.append(Form("ragged"))
            inputs += [part.data.name, part.table.name]
        elif isinstance(part, Chunks):
            forms.append(Form("chunks", part.axis, part.size))
            inputs.append(part.tensor.name)
        elif isinstance(part, (One, Stack)):
            forms.append(Form("stack" if isinstance(part, Stack) else "one"))
            inputs.append(part.tensor.name)
    made = PackSequence(name=name, forms=forms, rank=rank_of(value.parts) if rank == -1 else rank, dtype=dtype_of(value))
    names = rmodel.new_name(f"{name} numbers"), rmodel.new_name(f"{name} shapes")
    add(made, inputs, list(names))
    return rmodel.tensor(names[0]), rmodel.tensor(names[1])


def dtype_of(value: SequenceValue) -> DType:
    """The element type of a sequence."""
    assert value.element is not None
    return value.element
