#!/usr/bin/env python3
"""Converts whole models with every dim open and compares them on their own inputs: a table in Markdown, a line a model.

    python scripts/models.py FOLDER [--only NAME ...] [--rows rows.jsonl] [--minutes 10]

Each *.onnx of the folder is converted and verified in a process of its own, with the inputs that lie beside it as NAME.inputs_*.npz; then
the header answers each of these once more, beside onnxruntime. `open` are the dims that stay arguments of the call, `sets` sets of inputs
that were compared, `difference` the largest one of all outputs by the largest value of that output (0 where they are equal, as integers
and strings must be), `seconds` those of the conversion, compiler and comparison included, `MB` the most memory that the process or one of
its children (compiler, onnxruntime) held; the last column says which sizes must agree though the file does not say so, and who decided
where the fixed rule did not. `--rows` keeps the lines found so far, and goes on from there. Exits with 1 if a model is refused or differs.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from onnx_bridge import BridgeError, convert
from onnx_bridge.judge import difference, scale_of
from onnx_bridge.references.oracle import Oracle


@dataclass
class Tried:
    """What became of a model.

    Attributes:
        name: its file's name.
        symbols: the dims that stay open.
        sets: how many sets of its own inputs were compared.
        worst: the largest difference, by the largest value of its output.
        seconds: of the conversion.
        megabytes: the most memory that one process held.
        decided: which sizes must agree, and who decided where the fixed rule did not.
        failed: why it is not right; empty where it is.
    """

    name: str
    symbols: str = ""
    sets: int = 0
    worst: float = 0.0
    seconds: float = 0.0
    megabytes: int = 0
    decided: str = ""
    failed: str = ""

    def row(self) -> str:
        """A line of the table."""
        cells = self.name, self.symbols, self.sets, f"{self.worst:.1e}" if self.worst else "0", f"{self.seconds:.1f}", self.megabytes
        return f"| {' | '.join(map(str, cells))} | {self.failed or self.decided} |"


def tried(path: Path) -> Tried:
    """Converts a model, and compares it on its own inputs."""
    found = Tried(path.stem)
    given = [dict(np.load(file)) for file in sorted(path.parent.glob(f"{path.stem}.inputs_*.npz"))]
    began = time.perf_counter()
    try:
        made = convert(str(path), inputs=given)
        found.seconds = time.perf_counter() - began
        found.symbols = ", ".join(made.model.symbols)
        found.decided = "; ".join([*made.report.narrowed, *(row.decided for row in made.report.rows if row.decided)])
        net = made.compile()
        with closing(Oracle(onnx.load(path))) as oracle:
            for inputs in given:
                found.worst = max(found.worst, *map(_apart, net.run(inputs), oracle(inputs)))
                found.sets += 1
    except BridgeError as error:
        found.seconds = found.seconds or time.perf_counter() - began
        found.failed = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
    used = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    found.megabytes = max(used) // 1024
    return found


def _apart(ours: Any, theirs: Any) -> float:
    """How far two outputs are apart, by the largest value; 0 where both are equal."""
    a, b = np.asarray(ours), np.asarray(theirs)
    if a.shape != b.shape or a.dtype != b.dtype:
        return float("inf")
    if np.array_equal(a, b) or a.dtype.kind not in "fV":
        return 0.0 if np.array_equal(a, b) else float("inf")
    return difference(a, b) / (scale_of(b) or 1.0)


def all_of(folder: Path, only: Sequence[str], kept: Path | None, minutes: float) -> Iterator[Tried]:
    """The models of a folder, each in a process of its own."""
    lines = kept.read_text(encoding="utf-8").splitlines() if kept is not None and kept.exists() else []
    known = {row["name"]: Tried(**row) for row in map(json.loads, lines)}
    for path in sorted(folder.glob("*.onnx")):
        if only and path.stem not in only:
            continue
        if path.stem not in known:
            known[path.stem] = _apart_from_us(path, minutes)
            if kept is not None:
                with kept.open("a", encoding="utf-8") as file:
                    print(json.dumps(asdict(known[path.stem])), file=file)
        yield known[path.stem]


def _apart_from_us(path: Path, minutes: float) -> Tried:
    """`tried` in a process of its own."""
    command = [sys.executable, __file__, str(path.parent), "--one", str(path)]
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=60 * minutes, env=os.environ, check=False)
    except subprocess.TimeoutExpired:
        return Tried(path.stem, seconds=60 * minutes, failed=f"not ready after {minutes:g} minutes")
    last = ended.stdout.strip().splitlines()[-1:]
    if ended.returncode or not last:
        return Tried(path.stem, failed=f"the process ended with {ended.returncode}: {ended.stderr[-200:]}")
    return Tried(**json.loads(last[0]))


def table(rows: Sequence[Tried]) -> Iterator[str]:
    """The lines of the table, and what they come to."""
    yield "| model | open | sets | difference | seconds | MB | |"
    yield "|---|---|---|---|---|---|---|"
    yield from (row.row() for row in rows)
    yield ""
    yield f"{sum(not row.failed for row in rows)} of {len(rows)} models are right, on {sum(row.sets for row in rows)} sets of inputs."


def main() -> int:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="these models alone")
    parser.add_argument("--rows", type=Path, metavar="JSONL", help="where lines are kept")
    parser.add_argument("--minutes", type=float, default=10, help="how long one model may take (default 10)")
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one is not None:
        print(json.dumps(asdict(tried(options.one))))
        return 0
    rows = []
    for row in all_of(options.folder, options.only, options.rows, options.minutes):
        rows.append(row)
        print(row.row(), file=sys.stderr, flush=True)
    print("\n".join(table(rows)))
    return int(any(row.failed for row in rows))


if __name__ == "__main__":
    sys.exit(main())
