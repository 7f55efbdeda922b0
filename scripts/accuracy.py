#!/usr/bin/env python3
"""How far headers are from the truth, beside onnxruntime: a table in Markdown.

    python scripts/accuracy.py MODEL.onnx ... [--inputs 3]

The truth is the model in float64: every float32 of it made a double, run by onnx.reference (see verify/arbiter.py). Each model is
converted and verified, then header, onnxruntime and truth answer the same inputs, normally distributed and larger ones at the smallest
sizes that the model takes, and those of NAME.inputs_*.npz beside it. A number is the largest error of all float outputs, in units of
1e-7 of the largest value of its output over all these inputs: 0.6 is the rounding of that value itself. Models that onnx.reference cannot
run are left out, with the reason.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx

from onnx_bridge import convert
from onnx_bridge.errors import BridgeError, InferenceError
from onnx_bridge.ir.rmodel import RModel
from onnx_bridge.judge import difference, scale_of
from onnx_bridge.references.oracle import Oracle
from onnx_bridge.references.refusal import Refusal
from onnx_bridge.references.second import Evaluated
from onnx_bridge.runtime.compiled import CompiledModel
from onnx_bridge.verify.inputs import feeds
from onnx_bridge.verify.sizes import sizes_to_try

UNIT = 1e-7


@dataclass
class Measured:
    """A model's errors in units of 1e-7 of its outputs' largest values; or why there are none."""

    name: str
    ours: float = 0.0
    theirs: float = 0.0
    decided: bool = False
    refused: str = ""

    def row(self) -> str:
        """A line of the table."""
        if self.refused:
            return f"| {self.name} | | | | {self.refused} |"
        times = f"{self.ours / self.theirs:.2g}" if self.theirs else "1" if not self.ours else ""
        note = "float64 decided" if self.decided else ""
        return f"| {self.name} | {self.ours:.3g} | {self.theirs:.3g} | {times} | {note} |"


def measured(path: Path, number: int) -> Measured:
    """The errors of a model.

    Args:
        path: its file.
        number: how many inputs of NAME.inputs_*.npz are taken.
    """
    found = Measured(path.stem)
    model = onnx.load(path)
    given = [dict(np.load(file)) for file in sorted(path.parent.glob(f"{path.stem}.inputs_*.npz"))[:number]]
    try:
        made = convert(str(path), inputs=given)
        found.decided = any("float64" in row.decided for row in made.report.rows)
        net = made.compile()
        with closing(Oracle(model)) as oracle, closing(Evaluated(model, double=True)) as truth:
            all_inputs = [*_drawn(made.model, net, oracle), *given]
            answers = [(net.run(inputs), oracle(inputs), truth(inputs)) for inputs in all_inputs]
        for index in range(len(net.output_names)):
            _measure(found, [(ours[index], theirs[index], exact[index]) for ours, theirs, exact in answers])
    except BridgeError as error:
        found.refused = f"{type(error).__name__}: {' '.join(str(error).split())[:120]}"
    return found


def _drawn(model: RModel, net: CompiledModel, oracle: Oracle) -> list[dict[str, np.ndarray]]:
    """Inputs at the first sizes that both take."""
    for sizes in sizes_to_try(model):
        drawn = [feeds(model, sizes, kind, 0) for kind in ("normal", "wide")]
        with suppress(InferenceError, Refusal):
            for inputs in drawn:
                net.run(inputs), oracle(inputs)
            return drawn
    return []


def _measure(found: Measured, answers: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> None:
    """Adds the errors of one output: the header's, onnxruntime's and the true answers."""
    floats = [(a, b, t) for a, b, t in answers if a.dtype == np.float32 and t.dtype == np.float64 and a.shape == b.shape == t.shape]
    scale = max((scale_of(t) for _, _, t in floats), default=0.0)
    for a, b, t in floats if scale else []:
        found.ours = max(found.ours, difference(a, t) / scale / UNIT)
        found.theirs = max(found.theirs, difference(b, t) / scale / UNIT)


def table(rows: Sequence[Measured]) -> Iterator[str]:
    """The lines of the table, and what they come to."""
    yield "| model | header | onnxruntime | times | |"
    yield "|---|---|---|---|---|"
    yield from (row.row() for row in rows)
    compared = [row for row in rows if not row.refused]
    nearer = sum(row.ours <= row.theirs for row in compared)
    yield ""
    yield f"{len(compared)} models: the header is at least as near as onnxruntime in {nearer}."


def main() -> int:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", type=Path)
    parser.add_argument("--inputs", type=int, default=2, help="how many of the inputs that lie beside a model are taken")
    options = parser.parse_args()
    rows = []
    for path in options.models:
        rows.append(measured(path, options.inputs))
        print(rows[-1].row(), file=sys.stderr, flush=True)
    print("\n".join(table(rows)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
