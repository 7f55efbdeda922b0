"""Inputs and outputs of a file that are several tensors of a header: sequences, optionals."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Group:
    """An input or an output that is no tensor, by the names of the tensors that it is made of.

    Attributes:
        name: what the file calls it.
        there: a bool, whether it is there; empty where it always is.
        data: the tensor; of a sequence the numbers of all elements, one behind the other. Empty where it never is there.
        table: of a sequence the shapes of its elements, a row each: [elements, rank], or [elements, 9] where the rank is not known,
            the rank and up to eight sizes. Empty where it is a tensor.
    """

    name: str
    there: str = ""
    data: str = ""
    table: str = ""

    @property
    def tensors(self) -> list[str]:
        """Their names, in order."""
        return [name for name in (self.there, self.data, self.table) if name]
