#!/usr/bin/env python3
"""Times headers beside onnxruntime and prints a table in Markdown.

    python scripts/bench.py a.onnx b.onnx --size N=32

Both run on one thread and on the same seeded inputs, by turns; a number is the best of the rounds. The header runs in a loop of C++
(-O2, the widest body that the processor has), onnxruntime from Python with inputs and outputs bound before the loop. What that
costs stands above the table, as the time of a model that negates one number: subtract it where it matters.
Sizes that are not given are 1; they stay run-time arguments of both.
"""

from __future__ import annotations

import argparse
import platform
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import onnx
import onnxruntime

from onnx_bridge import BridgeError, convert
from onnx_bridge.demo.race import Loop, empty_call_seconds, onnxruntime_loop, onnxruntime_session, race
from onnx_bridge.toolchain import find_compiler
from onnx_bridge.verify.inputs import feeds


@dataclass(frozen=True)
class Timed:
    """A model's times, in microseconds a call; or why there are none."""

    name: str
    sizes: str = ""
    ours: float = 0.0
    theirs: float = 0.0
    difference: float = 0.0
    refused: str = ""

    def row(self) -> str:
        """A line of the table."""
        if self.refused:
            return f"| {self.name} | {self.sizes} | {self.refused} | | | |"
        cells = [self.name, self.sizes, digits(self.ours), digits(self.theirs), digits(self.theirs / self.ours), f"{self.difference:.1e}"]
        return f"| {' | '.join(cells)} |"


def digits(number: float) -> str:
    """Three digits, or all that stand before the point."""
    return f"{number:.0f}" if number >= 1000 else f"{number:.3g}"


def timed(
    name: str,
    model: onnx.ModelProto | str,
    sizes: Mapping[str, int],
    *,
    rounds: int,
    seconds: float,
    inputs: Mapping[str, np.ndarray] | None = None,
) -> Timed:
    """Converts, compares once, times; on seeded inputs of the given sizes unless there are `inputs`."""
    shown = ", ".join(f"{symbol} = {size}" for symbol, size in sizes.items())
    try:
        made = convert(model, name=name, verify=False)
        given = inputs or feeds(made.model, {symbol: sizes.get(symbol, 1) for symbol in made.model.symbols}, "normal", 0)
        net = made.compile()
        ours = net.run(given)
    except BridgeError as error:
        return Timed(name, shown, refused=" ".join(str(error).split())[:100])
    session = onnxruntime_session(model if isinstance(model, str) else model.SerializeToString())
    worst = max(relative(a, np.asarray(b)) for a, b in zip(ours, session.run(None, given), strict=True))
    loops: dict[str, Loop] = {"ours": partial(net.time, given), "theirs": onnxruntime_loop(session, given)}
    best = race(loops, rounds=rounds, seconds=seconds)
    return Timed(name, shown, best["ours"] * 1e6, best["theirs"] * 1e6, worst)


def relative(a: np.ndarray, b: np.ndarray) -> float:
    """The largest difference by the largest magnitude; infinite where shapes differ."""
    if a.shape != b.shape:
        return float("inf")
    scale = float(np.abs(b.astype(np.float64)).max(initial=0))
    return float(np.abs(a.astype(np.float64) - b.astype(np.float64)).max(initial=0)) / (scale or 1.0)


def table(rows: Iterable[Timed]) -> str:
    """The rows as Markdown, with what they were measured on."""
    empty = empty_call_seconds() * 1e6
    lines = [
        f"One thread of {processor()}; {find_compiler().version} -O2; onnxruntime {onnxruntime.__version__}, "
        f"called from Python, where a model that negates one number takes {empty:.2f} µs.",
        "",
        "| model | sizes | header, µs | onnxruntime, µs | times faster | difference |",
        "|---|---|---|---|---|---|",
    ]
    return "\n".join([*lines, *(row.row() for row in rows)])


def processor() -> str:
    """The processor's name."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.split(":", 1)[1].strip() for line in text.splitlines() if line.startswith("model name")), platform.machine())


def size(text: str) -> tuple[str, int]:
    """`NAME=SIZE`."""
    name, _, number = text.partition("=")
    return name, int(number)


def add_options(parser: argparse.ArgumentParser) -> None:
    """How long to measure."""
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--ms", type=float, default=20, help="milliseconds of each round (default 20)")


def main(argv: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", help="ONNX files")
    parser.add_argument("--size", metavar="NAME=SIZE", type=size, action="append", default=[], help="a symbolic dim of the inputs")
    add_options(parser)
    options = parser.parse_args(argv)
    rows = []
    for path in options.models:
        print(path, file=sys.stderr)
        rows.append(timed(Path(path).stem, path, dict(options.size), rounds=options.rounds, seconds=options.ms / 1000))
    print(table(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
