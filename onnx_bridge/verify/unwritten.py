"""Memory that nobody wrote: what a header answers must not depend on what its workspace and its outputs held before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing

import numpy as np

from onnx_bridge.emit.header import Emitted
from onnx_bridge.errors import InferenceError
from onnx_bridge.ir.rmodel import RModel, read_tensors
from onnx_bridge.processes import Died
from onnx_bridge.runtime.compiled import built
from onnx_bridge.runtime.isolated import IsolatedModel

#: The bytes that memory is filled with: of floats a NaN, and a large number.
FILLS = (0xFF, 0x7E)

Feeds = Mapping[str, np.ndarray]


def first_unwritten(net: IsolatedModel, calls: Iterable[tuple[Feeds, Sequence[np.ndarray]]]) -> Feeds | None:
    """The inputs of the first call whose answer depends on what memory held before, or None.

    Args:
        net: the compiled code.
        calls: inputs, and what it answered with memory as it was.
    """
    return next((given for given, answered in calls if not all(_same(net, given, answered, fill) for fill in FILLS)), None)


def _same(net: IsolatedModel, given: Feeds, answered: Sequence[np.ndarray], fill: int) -> bool:
    """Whether the answer has the same bits with memory filled."""
    try:
        return all(a.tobytes() == b.tobytes() for a, b in zip(net.filled(given, fill), answered, strict=True))
    except (Died, InferenceError):  # it answered before
        return False


def name_unwritten(model: RModel, emitted: Emitted, feeds: Feeds) -> str:
    """Says in which tensor memory that nobody wrote shows first.

    Args:
        model: the RModel after its passes.
        emitted: its header.
        feeds: inputs for which it shows.
    """
    emitted = emitted.with_taps()
    try:
        with closing(IsolatedModel(emitted, built(emitted, taps=True))) as net:
            one, other = (net.tapped(feeds, fill) for fill in FILLS)
    except (Died, InferenceError) as how:
        return f"the tensor could not be found: {how}"
    found = next((t for t in emitted.tapped if t.name in one and one[t.name].tobytes() != other[t.name].tobytes()), None)
    if found is None:
        return "it shows in no tensor between, but in an output"
    producers = model.producers()
    maker = producers.get(model.tensor(found.name))
    if maker is None:
        return f"it shows first in {found.name!r}"
    unmade = [t.name for t in read_tensors(maker) if t not in producers and t not in model.inputs and not t.is_constant]
    return f"it shows first in {found.name!r}, made by {maker.title()} ({maker.op_type})" + (f" of {unmade[0]!r}" if unmade else "")
