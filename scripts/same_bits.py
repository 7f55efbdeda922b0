"""Holds headers to the promise of the same bits.

    python scripts/same_bits.py MODEL.onnx ... [--rows 64] [--compiler clang++]

For each model: every row of a batch against the same row alone; the AVX2 body against the AVX-512 body; -O2 against
-O3 -march=native -ffast-math. Prints a line a model; exits with 1 if any bit differs.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from itertools import islice
from pathlib import Path

import numpy as np

import onnx_bridge
from onnx_bridge.ir import dims
from onnx_bridge.ir.rmodel import RModel
from onnx_bridge.runtime.compiled import CompiledModel
from onnx_bridge.verify.inputs import feeds
from onnx_bridge.verify.sizes import allowed, sizes_to_try


def batch_symbol(model: RModel) -> str | None:
    """The symbol that is the first axis of every input that has symbols, and of an output."""
    leading = {t.shape[0] for t in model.inputs if t.rank and not isinstance(t.shape[0], int)}
    if len(leading) != 1:
        return None
    (size,) = leading
    names = dims.symbols(size)
    if size != dims.symbol(*names) or not any(t.rank and t.shape[0] == size for t in model.outputs):
        return None
    return names.pop()


def first_sizes(model: RModel, net: CompiledModel, batch: int | None) -> dict[str, int]:
    """Sizes that the model takes, the batch being `batch`."""
    symbol = batch_symbol(model)
    for sizes in list(islice(sizes_to_try(model), 8))[::-1]:
        if symbol is not None and batch is not None:
            sizes = {**sizes, symbol: batch}
        if allowed(model, sizes):
            return sizes
    raise SystemExit("no sizes found that the model takes")


def same(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether two arrays are the same byte for byte."""
    return a.shape == b.shape and a.tobytes() == b.tobytes()


def rows_alone(model: RModel, net: CompiledModel, rows: int) -> int | None:
    """How many rows of a batch differ from the row alone; None without a batch."""
    symbol = batch_symbol(model)
    if symbol is None:
        return None
    sizes = first_sizes(model, net, rows)
    given = feeds(model, sizes, "normal", 7)
    batched = [t for t in model.inputs if t.rank and t.shape[0] == dims.symbol(symbol)]
    whole = net.run(given)
    different = 0
    for row in range(rows):
        alone = net.run({t.name: given[t.name][row : row + 1] if t in batched else given[t.name] for t in model.inputs})
        outputs = [(a, b) for t, a, b in zip(model.outputs, whole, alone, strict=True) if t.rank and t.shape[0] == dims.symbol(symbol)]
        different += not all(same(np.ascontiguousarray(a[row : row + 1]), b) for a, b in outputs)
    return different


def agree(one: CompiledModel, other: CompiledModel, given: Mapping[str, np.ndarray]) -> bool:
    """Whether two builds give the same bytes."""
    return all(same(a, b) for a, b in zip(one.run(given), other.run(given), strict=True))


def main() -> int:
    """Reads the command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", type=Path)
    parser.add_argument("--rows", type=int, default=64)
    parser.add_argument("--compiler", help="a second compiler, compared with the first")
    parser.add_argument("--no-flags", action="store_true", help="leave out the build with -O3 -march=native -ffast-math")
    args = parser.parse_args()
    failed = False
    for path in args.models:
        conversion = onnx_bridge.convert(path, verify=False)
        model, net = conversion.model, conversion.compile()
        given = [feeds(model, first_sizes(model, net, 3), kind, 1) for kind in ("normal", "edges")]
        different = rows_alone(model, net, args.rows)
        results = {f"rows of {args.rows} alone": None if different is None else different == 0}
        wide, narrow = conversion.compile(body="best"), conversion.compile(body="avx2")
        results["AVX2 = best body"] = all(agree(wide, narrow, g) for g in given)
        if not args.no_flags:
            fast = conversion.compile(flags=("-O3", "-march=native", "-ffast-math"))
            results["-O3 -march=native -ffast-math"] = all(agree(wide, fast, g) for g in given)
        if args.compiler:
            results[args.compiler] = all(agree(wide, conversion.compile(compiler=args.compiler), g) for g in given)
        failed |= False in results.values()
        words = {True: "same", False: "DIFFER", None: "no batch"}
        print(f"{path.stem}: " + ", ".join(f"{what}: {words[result]}" for what, result in results.items()), flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main())
