"""Labels of classes, which are integers or strings: as attributes, types, and tables in C++."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from onnx_bridge.ir.dtypes import DType, int64, string
from onnx_bridge.ir.roperator import Writer
from onnx_bridge.ir.tensor import ShapeError
from onnx_bridge.library.texts import table


def labels_of(numbers: Sequence[int] | None, texts: Sequence[str] | None) -> list[Any]:
    """The labels, of which there are those of one kind.

    Raises:
        ShapeError: there are none, or both kinds.
    """
    if bool(numbers) == bool(texts):
        raise ShapeError("there must be either labels that are integers or labels that are strings")
    return list(texts or numbers or [])


def label_type(labels: Sequence[Any]) -> DType:
    """Their element type."""
    return string if isinstance(labels[0], str) else int64


def label_table(cpp: Writer, name: str, labels: Sequence[Any]) -> str:
    """C++'s ClassNumbers or TextTable."""
    if label_type(labels) is string:
        return table(cpp, f"{name}_labels", labels)
    return f"ClassNumbers{{{cpp.weight(f'{name}_labels', np.array(labels, np.int64))}}}"
