"""Awkward arrays in, awkward arrays out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from onnx_bridge.errors import InferenceError
from onnx_bridge.runtime.compiled import CompiledModel


def jagged(net: CompiledModel, columns: Sequence[Any]) -> Any:
    """A row of a network for each element of some awkward arrays; the answers lie in the same lists as the elements.

    The arrays are broadcast against each other, as awkward does it: a number of an event goes with each of its particles. All rows of a
    call are one batch. Where an element is missing (None), so is the answer.

    Args:
        net: of one input [N, F], compiled.
        columns: F arrays of numbers, or numbers, one for each feature, of any type: they are rounded to the network's.

    Returns:
        An array, of numbers where the output is [N] or [N, 1], else of lists as long as the output's rows; several outputs are a dict of
        such by name.

    Raises:
        InferenceError: the network has another form, or there are not as many columns as it has features.
    """
    import awkward

    emitted = net.emitted
    features = _features(net)
    if len(columns) != features:
        raise InferenceError(f"{emitted.name} has {features} features a row, got {len(columns)} columns")
    dtype = emitted.inputs[0].dtype.numpy

    def leaves(layouts: Any, **_: Any) -> Any:
        if not all(layout.is_numpy or layout.is_unknown for layout in layouts[:features]):
            return None  # go on inside
        rows = np.empty((layouts[0].length, features), dtype)
        for column, layout in enumerate(layouts[:features]):
            rows[:, column] = awkward.to_numpy(layout)
        return tuple(awkward.contents.NumpyArray(_answer(output)).to_RegularArray() for output in net.run({emitted.inputs[0].name: rows}))

    try:
        # numbers are broadcast here; a lone array `transform` would hand over by itself, and want one back
        arrays = awkward.broadcast_arrays(*columns) if features > 1 else [*columns, *columns]
        answers = awkward.transform(leaves, *arrays)
    except (TypeError, ValueError) as error:
        raise InferenceError(f"the columns do not go together: {next(iter(str(error).splitlines()), '')}") from None
    several = answers if isinstance(answers, tuple) else (answers,)
    return several[0] if len(several) == 1 else dict(zip(net.output_names, several, strict=True))


def _features(net: CompiledModel) -> int:
    """How many numbers are a row.

    Raises:
        InferenceError: inputs are not rows.
    """
    emitted = net.emitted
    tensors = emitted.inputs
    if len(tensors) != 1 or tensors[0].rank != 2 or not isinstance(tensors[0].shape[1], int) or isinstance(tensors[0].shape[0], int):
        has = ", ".join(f"{t.name} {t.type}" for t in tensors)
        raise InferenceError(f"{emitted.name} takes {has}; columns can be given to a network of one input [N, F] whose N is open")
    rows = tensors[0].shape[0]
    if emitted.found or any(t.rank not in (1, 2) or t.shape[0] != rows for t in emitted.outputs):
        gives = ", ".join(f"{t.name} {t.type}" for t in emitted.outputs)
        raise InferenceError(f"{emitted.name} gives {gives}; columns can be made of outputs [N] and [N, K] with the input's N")
    return int(tensors[0].shape[1])


def _answer(output: np.ndarray) -> np.ndarray:
    return output[:, 0] if output.ndim == 2 and output.shape[1] == 1 else output

