"""What a value of a graph may be other than a tensor: a sequence, an optional, a map. `ir/tensor.py` has the type of tensors.

Nothing computes with these yet. A Tensor holds the type of whatever it stands for; `Tensor.type` is where those who need a tensor ask
for it, and where others are refused by name.
"""

from __future__ import annotations

from dataclasses import dataclass

from onnx_bridge.ir.dtypes import DType


@dataclass(frozen=True)
class ValueType:
    """The type of a value of a graph: a tensor's (`Type`), or one of those below."""


@dataclass(frozen=True)
class UnrankedType(ValueType):
    """A tensor of which only the element type is known, and maybe the rank, as inside of sequences."""

    dtype: DType
    rank: int | None = None

    def __str__(self) -> str:
        return f"{self.dtype} [{'...' if self.rank is None else ', '.join('?' * self.rank)}]"


@dataclass(frozen=True)
class SequenceType(ValueType):
    """Any number of values of one type."""

    element: ValueType

    def __str__(self) -> str:
        return f"a sequence of {self.element}"


@dataclass(frozen=True)
class OptionalType(ValueType):
    """A value, or none."""

    element: ValueType

    def __str__(self) -> str:
        return f"an optional {self.element}"


@dataclass(frozen=True)
class MapType(ValueType):
    """Values by keys, which are integers or strings."""

    key: DType
    value: ValueType

    def __str__(self) -> str:
        return f"a map from {self.key} to {self.value}"
