"""Tensors of an RModel: their types, and what is known of their values before the model runs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from onnx_bridge.errors import BridgeError
from onnx_bridge.ir import dims
from onnx_bridge.ir.dims import Size
from onnx_bridge.ir.dtypes import DType
from onnx_bridge.ir.values import ValueType

Shape: TypeAlias = "tuple[Size, ...]"

#: Channels of one block in the blocked layout [batch][ceil(C/16)][spatial][16], the same on every processor.
BLOCK = 16


#: More bytes than any processor addresses: a size of this many is a fault of the model, and must not meet arithmetic that overflows.
MOST_BYTES = 1 << 48


#: Floats of inputs that decide sizes are counted in such parts of 1 (a float32 from 2**-17 on is a whole number of them).
PARTS = 2**40


#: Pairs of sizes that shape rules took for equal without proof; the lowering collects them.
ASSUMED: ContextVar[list[tuple[Size, Size]] | None] = ContextVar("ASSUMED", default=None)


#: Sizes that data decides: no symbol can be taken for one of them, nor they for another size; that is tested as the network runs.
DECIDED: ContextVar[Collection[str]] = ContextVar("DECIDED", default=())


#: Sizes that are values of inputs and taken not to be negative.
UNSIGNED: ContextVar[Collection[str]] = ContextVar("UNSIGNED", default=())


#: Sizes that are values of inputs.
GIVEN: ContextVar[Collection[str]] = ContextVar("GIVEN", default=())


class Signed(BridgeError):
    """Raised by a shape rule for which a value of an input may be negative: the lowering starts again with that."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"{name} may be negative")


def of_either_sign(size: Size) -> Size:
    """A size that may be negative where it is made of values of inputs.

    Raises:
        Signed: one of them is not known to be of either sign.
    """
    for name in sorted(dims.symbols(size) & set(UNSIGNED.get())):
        raise Signed(name)
    return size


class Unify(BridgeError):
    """Raised by a shape rule that can only hold if a symbol equals another size: the lowering starts again with that."""

    def __init__(self, name: str, size: Size) -> None:
        self.name, self.size = name, size
        super().__init__(f"{name} must be {size}")


class ShapeError(BridgeError):
    """Shapes or types that contradict an operator's rule; the lowering adds the node and reports it."""


class NeedsConstant(ShapeError):
    """Raised where the numbers of a tensor must be known at conversion, and are not."""

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor
        super().__init__(f"{tensor.name!r} must be a constant, but is computed at run time")


class NeedsValue(BridgeError):
    """Raised where a shape depends on a tensor's values, and those are known only at run time.

    Attributes:
        tensor: what decides.
        what: what it decides.
        advice: what to do about it, if that is something special.
        fixed: whether floats will do that are counted in parts of 1.
    """

    def __init__(self, tensor: Tensor, what: str = "", advice: str = "", fixed: bool = False) -> None:
        self.tensor, self.advice, self.fixed = tensor, advice, fixed
        self.what = what or "the shape of its output depends on data"
        super().__init__(f"{self.what}: {tensor.name!r}")


class RanksDiffer(BridgeError):
    """Raised by an If whose branches give different ranks: the lowering parts the whole graph there.

    Attributes:
        decided: a size that is 1 where the first branch is taken, else 0; None where data decides that.
    """

    def __init__(self, types: str, decided: Size | None) -> None:
        self.decided = decided
        super().__init__(f"the branches give {types}")


@dataclass(frozen=True)
class Type(ValueType):
    """A tensor's type: an element type and a shape.

    Attributes:
        dtype: the element type.
        shape: one size an axis.
        either: for an output that has one rank or another, as sizes or data decide: a size that is 1 or 0, and the types where it is. Its
            shape is the number of its elements.
    """

    dtype: DType
    shape: Shape
    either: tuple[Size, Type, Type] | None = None

    @classmethod
    def of_either(cls, decided: Size, one: Type, other: Type) -> Type:
        """The type of an output that is `one` where `decided` is 1, and `other` where it is 0."""
        count = dims.selected([(decided, dims.product(one.shape)), (1 - decided, dims.product(other.shape))])
        return cls(one.dtype, (count,), (decided, one, other))

    def shape_at(self, sizes: Mapping[str, int]) -> tuple[int, ...]:
        """The shape for given run-time sizes."""
        if self.either is None:
            return tuple(dims.evaluate(size, sizes) for size in self.shape)
        decided, one, other = self.either
        return (one if dims.evaluate(decided, sizes) else other).shape_at(sizes)

    def __str__(self) -> str:
        if self.either is not None:
            return f"{self.either[1]} or {self.either[2]}"
        return f"{self.dtype} [{', '.join(map(str, self.shape))}]"

    def check_bytes(self) -> None:
        """Refuses what no memory can hold, whatever the run-time sizes are.

        Raises:
            ShapeError: it is.
        """
        if dims.largest_factor(dims.product(self.shape)) * self.dtype.size > MOST_BYTES:
            raise ShapeError(f"{self} is larger than any memory")


@dataclass(frozen=True)
class Dequantized:
    """What numbers that are known at conversion were integers of.

    Attributes:
        integers, scale, zero: the inputs of the DequantizeLinear; zero points may be missing.
        axis: the axis that scales lie along; None where there is one.
    """

    integers: Tensor
    scale: Tensor
    zero: Tensor | None
    axis: int | None


@dataclass(eq=False)
class Tensor:
    """A tensor of an RModel, or another value that an ONNX graph may hold.

    Attributes:
        name: the name in the ONNX graph; what taps and reports call it.
        declared: its type; of a tensor element type and ONNX shape, whatever the layout in memory.
        value: what is known at conversion: an array (a constant), an object array of Sizes (integers computed from
            symbolic dims), or None.
        fixed: of floats that decide sizes, what they are in PARTS of 1; None if that is not known, not even as sizes.
        layout: "planar" (ONNX order) or "blocked" ([batch][ceil(C/16)][spatial][16], channels beyond C are +0).
        dequantized: the integers that a constant was given as.
    """

    name: str
    declared: ValueType
    value: np.ndarray | None = field(default=None, repr=False)
    layout: str = "planar"
    dequantized: Dequantized | None = field(default=None, repr=False)
    fixed: tuple[Size, ...] | None = field(default=None, repr=False)

    @property
    def type(self) -> Type:
        """The type of a tensor.

        Raises:
            ShapeError: it is none.
        """
        if not isinstance(self.declared, Type):
            raise ShapeError(f"{self.name!r} is {self.declared}; only tensors are supported here")
        return self.declared

    @property
    def dtype(self) -> DType:
        return self.type.dtype

    @property
    def shape(self) -> Shape:
        return self.type.shape

    @property
    def rank(self) -> int:
        return len(self.type.shape)

    @property
    def count(self) -> Size:
        """Number of elements in the ONNX sense."""
        return dims.product(self.type.shape)

    @property
    def is_constant(self) -> bool:
        """Whether the value is known in numbers."""
        return self.value is not None and self.value.dtype != object

    @property
    def stored_count(self) -> Size:
        """Number of elements in memory: more than `count` where the blocked layout pads the channels."""
        if self.layout == "planar":
            return self.count
        batch, channels, *spatial = self.shape
        return dims.product([batch, dims.ceil_div(channels, BLOCK), *spatial, BLOCK])

    @property
    def bytes(self) -> Size:
        return self.stored_count * self.dtype.size

    def constant(self) -> np.ndarray:
        """The value of a constant."""
        if self.value is None or self.value.dtype == object:
            raise NeedsConstant(self)
        return self.value

    def sizes(self) -> tuple[Size, ...]:
        """The value of a small integer tensor, flat, as sizes; of one of floats without what stands behind the point."""
        if self.value is None:
            raise NeedsValue(self)
        if self.value.dtype.kind == "f" and not np.isfinite(self.value).all():
            raise ShapeError(f"{self.name!r} decides a size, and is {', '.join(map(str, self.value.reshape(-1)[:8]))}")
        return tuple(size if isinstance(size, dims.Dim) else int(size) for size in self.value.reshape(-1))


def fixed_of(tensor: Tensor) -> tuple[Size, ...]:
    """The numbers of a small tensor, flat, in PARTS of 1.

    Raises:
        NeedsValue: they are not known, not even as sizes.
        ShapeError: one is a constant that is not finite.
    """
    if tensor.fixed is not None:
        return tensor.fixed
    if not tensor.is_constant or not tensor.dtype.is_float:
        if tensor.value is None:
            raise NeedsValue(tensor, fixed=True)
        return tuple(size * PARTS for size in tensor.sizes())
    numbers = tensor.constant().astype(np.float64).reshape(-1)
    if not np.isfinite(numbers).all():
        raise ShapeError(f"{tensor.name!r} must be finite, got {numbers.tolist()}")
    return tuple(round(float(number) * PARTS) for number in numbers)


def broadcast(*shapes: Sequence[Size]) -> Shape:
    """The shape that numpy's broadcasting gives.

    Raises:
        Unify: two sizes can only be broadcast if a symbol of one equals the other.
        ShapeError: the shapes cannot be broadcast.
    """
    rank = max((len(shape) for shape in shapes), default=0)
    result: list[Size] = []
    for axis in range(-rank, 0):
        size: Size = 1
        for shape in shapes:
            if len(shape) >= -axis:
                size = same_or_one(size, shape[axis])
        result.append(size)
    return tuple(result)


def same_or_one(a: Size, b: Size) -> Size:
    """The size that a and b broadcast to."""
    if b == 1 or a == b:
        return a
    if a == 1:
        return b
    return same(a, b)


def same(a: Size, b: Size) -> Size:
    """The size that both must be.

    Raises:
        Unify: a symbol of one must equal the other.
        ShapeError: they differ for certain.
    """
    if a == b:
        return a
    assumed = ASSUMED.get()
    for one, other in ((a, b), (b, a)):
        if assumed and (one, other) in assumed:  # taken for equal before
            return one
    for one, other in ((a, b), (b, a)) if not _by_data(a, b) else ():
        if isinstance(one, dims.Dim) and len(one.terms) == 1:
            monomial, factor = one.terms[0]
            if factor == 1 and len(monomial) == 1 and isinstance(monomial[0], dims.Symbol):
                name = monomial[0].name
                if name not in dims.symbols(other):
                    raise Unify(name, other)
    for one, other in ((a, b), (b, a)):  # k * symbol + c == number
        if isinstance(one, dims.Dim) and isinstance(other, int) and len(dims.symbols(one)) == 1 and dims.is_linear(one):
            (name,) = dims.symbols(one)
            offset = dims.evaluate(one, {name: 0})
            value, rest = divmod(other - offset, dims.evaluate(one, {name: 1}) - offset)
            if rest != 0 or value < 0:
                raise ShapeError(f"sizes {a} and {b} do not agree")
            if not _by_data(a, b):
                raise Unify(name, value)
    plain = _without_common(a, b)
    if plain is not None:
        return b if same(*plain) == plain[1] else a
    if assumed is not None and not isinstance(a - b, int):
        # Neither can be told from the other (2 * floor_div(H, 2) and H): the model is right where they agree, which is checked at run time.
        simple, involved = sorted((a, b), key=lambda size: (_by_data(size), len(str(size))))
        if (simple, involved) not in assumed:
            assumed.append((simple, involved))
        return simple
    raise ShapeError(f"sizes {a} and {b} do not agree")


def _by_data(*sizes: Size) -> bool:
    """Whether data decides one of some sizes."""
    decided = DECIDED.get()
    return bool(decided) and any(not dims.symbols(size).isdisjoint(decided) for size in sizes)


def fits(tensor: Tensor, shape: Sequence[Size], what: str) -> None:
    """Holds a tensor against the shape that it must have.

    Raises:
        Unify: it has that shape if a symbol equals another size.
        ShapeError: it has another rank, or a size that is another one for certain.
    """
    try:
        if tensor.rank != len(shape):
            raise ShapeError("another rank")
        for size, wanted in zip(tensor.shape, shape, strict=True):
            same(size, wanted)
    except ShapeError:
        raise ShapeError(f"{what} must be [{', '.join(map(str, shape))}], got {tensor.type}") from None


def broadcasts(tensor: Tensor, shape: Sequence[Size], what: str) -> None:
    """Holds a tensor against a shape that it must broadcast to, which stays as it is.

    Raises:
        Unify: it does if a symbol equals another size.
        ShapeError: it does not.
    """
    try:
        if tensor.rank > len(shape):
            raise ShapeError("more axes")
        for size, wanted in zip(reversed(tensor.shape), reversed(shape), strict=False):
            if size != 1:
                same(size, wanted)
    except ShapeError:
        raise ShapeError(f"{what} must broadcast to [{', '.join(map(str, shape))}], got {tensor.type}") from None


def _without_common(a: Size, b: Size) -> tuple[Size, Size] | None:
    """Two products without a symbol that is in both (N * T and 6 * N are equal where T is 6), or None if they share none."""
    if not isinstance(a, dims.Dim) or not isinstance(b, dims.Dim) or len(a.terms) != 1 or len(b.terms) != 1:
        return None
    for name in sorted(dims.symbols(a) & dims.symbols(b)):
        symbol = dims.symbol(name)
        left, right = dims.floor_div(a, symbol), dims.floor_div(b, symbol)
        if left * symbol == a and right * symbol == b:
            return left, right
    return None
