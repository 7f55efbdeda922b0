#!/usr/bin/env python3
"""Writes the README's comparison with onnxruntime.

    python scripts/compare.py                     the demo's model and those of bench_models.py, timed as bench.py does
    python scripts/compare.py --from peers.json   the results of a benchmark that ran onnxruntime by its C functions

A results file is a list of {"model", "batch", "peers": {"ort": {...}, "product": {...}}}, each peer with "min_us", ours with
"max_abs_diff". Measuring takes a few minutes, in which the machine should do nothing else.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from pathlib import Path

import bench
import onnx
from bench_models import MODELS
from pages import replace

from onnx_bridge.demo.events import events
from onnx_bridge.demo.run import MODEL as DEMO


def table_of(path: Path) -> str:
    """The table of a results file, with the geometric mean of the ratios."""
    lines = ["| model | batch | header, µs | onnxruntime, µs | times as fast | largest difference |", "|---|---|---|---|---|---|"]
    ratios, versions = [], set()
    for result in json.loads(path.read_text(encoding="utf-8")):
        ours, theirs = result["peers"]["product"], result["peers"]["ort"]
        ratio = theirs["min_us"] / ours["min_us"]
        ratios.append(ratio)
        versions.add(theirs["version"])
        cells = [result["model"], str(result["batch"]), *(bench.digits(t) for t in (ours["min_us"], theirs["min_us"]))]
        lines.append(f"| {' | '.join(cells)} | {bench.digits(ratio)} | {ours['max_abs_diff']:.1e} |")
    mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
    head = (
        f"Microseconds a call, the least of many rounds taken by turns on one thread; onnxruntime {', '.join(sorted(versions))} by its C "
        f"functions with outputs allocated beforehand. Geometric mean: {mean:.2f} times as fast."
    )
    return "\n".join([head, "", *lines])


def main() -> int:
    """Measures and writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--print", action="store_true", help="print the table instead of writing it")
    parser.add_argument("--from", dest="results", type=Path, metavar="JSON", help="write down a benchmark's results instead of measuring")
    bench.add_options(parser)
    options = parser.parse_args()
    if options.results is not None:
        return replace("README.md", "comparison", table_of(options.results))
    models: dict[str, onnx.ModelProto | str] = {DEMO.stem: str(DEMO), **{make.__name__: make() for make in MODELS}}
    rows = []
    for name, model in models.items():
        for batch in (1, 64):
            print(f"{name}, N = {batch}", file=sys.stderr)
            inputs = {"event": events(batch, seed=1)[0]} if name == DEMO.stem else None
            rows.append(bench.timed(name, model, {"N": batch}, rounds=options.rounds, seconds=options.ms / 1000, inputs=inputs))
    if options.print:
        print(bench.table(rows))
        return 0
    return replace("README.md", "comparison", bench.table(rows))


if __name__ == "__main__":
    sys.exit(main())
