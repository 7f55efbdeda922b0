"""The sizes that a model's file declares for its inputs, and the numbers that a caller gives for them."""

from __future__ import annotations

import functools
import operator
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import onnx

from onnx_bridge.errors import ArgumentError, InvalidModel
from onnx_bridge.ir import dims, dtypes
from onnx_bridge.ir.dim_names import parse
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import DType
from onnx_bridge.ir.tensor import Tensor, Type
from onnx_bridge.ir.values import MapType, OptionalType, SequenceType, UnrankedType, ValueType

#: An input of up to so many integers may decide sizes: pads of eight axes.
MOST_VALUES = 16


class Declared:
    """The sizes of a graph's inputs as the file has them. A dim without a name is called by its input and axis: `x_0`."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        initialized = {tensor.name for tensor in graph.initializer}
        self.inputs = [value for value in graph.input if value.name not in initialized]
        self.names = {dim.dim_param for value in self.inputs for dim in value.type.tensor_type.shape.dim if dim.dim_param}

    def shape(self, value: onnx.ValueInfoProto) -> tuple[Size, ...]:
        """The declared shape of an input.

        Raises:
            InvalidModel: a size is negative. -1 stands for one that is open, as some exporters write it.
        """
        shape: list[Size] = []
        for axis, dim in enumerate(value.type.tensor_type.shape.dim):
            if dim.HasField("dim_value") and dim.dim_value < -1:
                raise InvalidModel(f"input {value.name!r} has the negative size {dim.dim_value} on axis {axis}")
            if dim.HasField("dim_value") and dim.dim_value >= 0:
                shape.append(dim.dim_value)
            else:
                shape.append(parse(dim.dim_param) if dim.dim_param else dims.symbol(self._own(f"{value.name}_{axis}")))
        return tuple(shape)

    def values(self, value: onnx.ValueInfoProto, shape: Sequence[Size]) -> list[str]:
        """The symbols of an integer input of few elements, for where its values are sizes: of one, the input's name.

        Args:
            value: the input.
            shape: its sizes, numbers by now: one that the file leaves open may be bound.
        """
        count = dims.product(shape)
        assert isinstance(count, int)
        if count == 1:
            return [self._own(value.name, self.opened)]
        taken = self.opened.union(other.name for other in self.inputs)
        return [self._own(f"{value.name}_{index}", taken) for index in range(count)]

    def valued(self, bindings: Collection[str]) -> set[str]:
        """The integer inputs that a number is given for: they are sizes, too."""
        return {value.name for value in self.inputs if not set(self.value_names(value)).isdisjoint(bindings)}

    @functools.cached_property
    def opened(self) -> set[str]:
        """The symbols of the sizes that have no names in the file."""
        return set().union(*(dims.symbols(size) for value in self.inputs for size in self.shape(value))) - self.names

    def _own(self, name: str, taken: Collection[str] = ()) -> str:
        """A name that no dim of the file has, and none of `taken`."""
        while name in self.names or name in taken:
            name += "_"
        return name

    def pinned(self, numbers: Mapping[str, Any] | None) -> dict[str, int]:
        """Numbers for symbols, checked.

        Raises:
            ArgumentError: there is no such symbol, or the number is none that a size can be.
        """
        if numbers is not None and not isinstance(numbers, Mapping):
            raise ArgumentError(f"dims: a mapping from names to sizes is meant, such as {{'batch': 1}}, not {numbers!r}")
        known = sorted(self._symbols())
        for name, number in (numbers or {}).items():
            if name not in known:
                parts = sorted(dims.symbols(parse(name))) if isinstance(name, str) else []
                if name in self.names and set(parts) <= set(known):
                    raise ArgumentError(f"dims: {name!r} is an expression; give a size for {' and '.join(map(repr, parts))}")
                open_sizes = f"its open sizes are {', '.join(map(repr, known))}" if known else "it has no open sizes"
                raise ArgumentError(f"dims: the model has no size {name!r} ({open_sizes})")
            _check_size(name, number, least=None if name in self._all_values() else 1)
        return {name: operator.index(number) for name, number in (numbers or {}).items()}

    def _symbols(self) -> set[str]:
        """The names that a size may be given for."""
        found: set[str] = set()
        for value in self.inputs:
            shape = self.shape(value)
            found.update(name for size in shape for name in dims.symbols(size))
        return found | self._all_values()

    def value_names(self, value: onnx.ValueInfoProto) -> list[str]:
        """The names of the values of an input if they may be sizes; else none."""
        shape = self.shape(value)
        return self.values(value, shape) if may_be_sizes(value, shape) else []

    def _all_values(self) -> set[str]:
        return {name for value in self.inputs for name in self.value_names(value)}


def element_type(code: int) -> DType:
    """The element type of a tensor.

    Raises:
        InvalidModel: ONNX has no such type.
    """
    if code not in dtypes.BY_ONNX:
        raise InvalidModel(f"the element type {dtypes.name_of(code)} is none of ONNX's")
    return dtypes.BY_ONNX[code]


def value_type(declared: onnx.TypeProto) -> ValueType:
    """The type that a file declares for what is not a tensor, or is inside of it.

    Raises:
        InvalidModel: it is none of ONNX's.
    """
    kind = declared.WhichOneof("value")
    if kind == "tensor_type":
        shape = declared.tensor_type.shape.dim
        dtype = element_type(declared.tensor_type.elem_type)
        fixed = declared.tensor_type.HasField("shape") and all(dim.HasField("dim_value") for dim in shape)
        return Type(dtype, tuple(dim.dim_value for dim in shape)) if fixed else UnrankedType(dtype, len(shape) or None)
    if kind == "sequence_type":
        return SequenceType(value_type(declared.sequence_type.elem_type))
    if kind == "optional_type":
        return OptionalType(value_type(declared.optional_type.elem_type))
    if kind == "map_type":
        return MapType(element_type(declared.map_type.key_type), value_type(declared.map_type.value_type))
    raise InvalidModel(f"a value of the type {kind or 'nothing'} is none that is supported")


def is_few(tensor: Tensor, floats: bool = False) -> bool:
    """Whether it is a few integers, or with `floats` a few floats of four or eight bytes, which may be sizes."""
    if not isinstance(tensor.declared, Type):
        return False
    return (tensor.dtype.is_integer or (floats and tensor.dtype in dtypes.WIDE_FLOATS)) and _is_few(tensor.count)


def may_be_sizes(value: onnx.ValueInfoProto, shape: tuple[Size, ...]) -> bool:
    """Whether an input is a few integers, which may be sizes."""
    dtype = dtypes.BY_ONNX.get(value.type.tensor_type.elem_type)
    return dtype is not None and dtype.is_integer and value.type.tensor_type.HasField("shape") and _is_few(dims.product(shape))


def _is_few(count: Size) -> bool:
    return isinstance(count, int) and 0 < count <= MOST_VALUES


def _check_size(name: str, number: Any, least: int | None) -> None:
    """Raises ArgumentError for what is no size: less than `least`, if that is a number."""
    try:
        size = operator.index(number)
    except TypeError:
        size = None
    if size is None or isinstance(number, bool) or (least is not None and size < least):
        from_on = "" if least is None else f" from {least} on"
        raise ArgumentError(f"dims: the size of {name!r} must be a whole number{from_on}, not {number!r}")
