#!/usr/bin/env python3
"""Writes the README's comparison with onnxruntime: the demo's model and those of bench_models.py, timed as bench.py does.

Measures for a few minutes, in which the machine should do nothing else.
"""

from __future__ import annotations

import argparse
import sys

import bench
import onnx
from bench_models import MODELS
from readme import replace

from onnx_bridge.demo.events import events
from onnx_bridge.demo.run import MODEL as DEMO


def main() -> int:
    """Measures and writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--print", action="store_true", help="print the table instead of writing it")
    bench.add_options(parser)
    options = parser.parse_args()
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
    return replace("comparison", bench.table(rows))


if __name__ == "__main__":
    sys.exit(main())
