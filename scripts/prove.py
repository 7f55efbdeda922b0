"""Proves what a header promises, for a folder of models.

    python scripts/prove.py FOLDER | MODEL.onnx ... [--rows 8] [--no-flags] [--compiler clang++] [--only NAME ...]

For each model, in a process of its own: verified against onnxruntime on the seeded inputs and on NAME.inputs_*.npz beside the model
(worst difference, relative to the largest value; * where the model's own conditioning set the limit); the rows of a batch against
the rows alone; the AVX2 body against the widest; -O2 against -O3 -march=native -ffast-math, and against a second compiler; the
allocations of 20 calls of infer (glibc only); what the compiler took at -O2, user time; the lines of the header. A table, a line a
model; exits with 1 if anything does not hold. Skeletons (NAME.skeleton.onnx) must have been filled in before.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from same_bits import agree, first_sizes, rows_alone

from onnx_bridge import convert
from onnx_bridge.errors import BridgeError
from onnx_bridge.runtime.compiled import CompiledModel
from onnx_bridge.toolchain import find_compiler
from onnx_bridge.verify.inputs import feeds

COUNTER = Path(__file__).resolve().parent.parent / "tests" / "cpp" / "count_allocations.cpp"
CALLS = 20
HEAD = ("model", "verified", "rows alone", "AVX2 = best", "fast-math", "compiler", "allocations", "compile s", "lines", "")


@dataclass
class Proof:
    """What was found of one model; None where it was not asked or has no meaning."""

    model: str
    error: str = ""
    worst: float | None = None
    conditioning: bool = False
    rows: int | None = None
    bodies: bool | None = None
    flags: bool | None = None
    compiler: bool | None = None
    allocations: int | None = None
    seconds: float | None = None
    lines: int | None = None

    @property
    def holds(self) -> bool:
        """Whether nothing that was asked failed."""
        return not self.error and not self.rows and not self.allocations and False not in (self.bodies, self.flags, self.compiler)

    def cells(self) -> tuple[str, ...]:
        """The line of the table, in the order of `HEAD`."""

        def word(same: bool | None) -> str:
            return {None: "-", True: "same", False: "DIFFER"}[same]

        def number(value: float | None, form: str) -> str:
            return "-" if value is None else format(value, form)

        worst = "FAILS" if self.worst is None else f"{self.worst:.1e}{'*' if self.conditioning else ''}"
        rows = "no batch" if self.rows is None else f"{self.rows} DIFFER" if self.rows else "same"
        return (
            self.model, worst, "-" if self.error else rows, word(self.bodies), word(self.flags), word(self.compiler),
            number(self.allocations, "d"), number(self.seconds, ".1f"), number(self.lines, ",d"), self.error,
        )  # fmt: skip


def given_inputs(model: Path) -> list[dict[str, np.ndarray]]:
    """The input sets that lie beside a model."""
    return [dict(np.load(file, allow_pickle=False)) for file in sorted(model.parent.glob(f"{model.stem}.inputs_*.npz"))]


def allocations(net: CompiledModel, given: Mapping[str, np.ndarray]) -> int | None:
    """The allocations of some calls of infer; None unless the counter was loaded before this process."""
    process = ctypes.CDLL(None)
    if not hasattr(process, "count_infer"):
        return None
    process.count_infer.restype = ctypes.c_long
    process.count_infer.argtypes = [ctypes.c_void_p] * 6 + [ctypes.c_longlong]
    library, arrays = net._library, net._arrays(given)
    plan = net._plan(arrays)
    outputs, sizes = net._memory(plan), library.packed(tuple(plan.sizes.values()))
    memory = np.zeros(library.workspace_bytes(sizes) // 4 + 64, np.float32)
    space = library.workspace(sizes, -(-memory.ctypes.data // 64) * 64)
    ends = library.pointers(arrays), library.pointers(outputs)
    counted = process.count_infer(library.address("infer_arrays"), library.model, space, sizes, *ends, CALLS)
    library.call["workspace_free"](space)
    return int(counted)


def prove(path: Path, rows: int, flags: bool, compiler: str | None) -> Proof:
    """One model, in this process."""
    proof = Proof(path.stem)
    given = given_inputs(path)
    before = os.times().children_user
    try:
        made = convert(path, inputs=given)
    except BridgeError as error:
        lines = [line for line in str(error).splitlines() if line.strip()]
        proof.error = f"{type(error).__name__}: {' '.join(' '.join([*lines[:2], *lines[2:][-1:]]).split())}"[:300]
        return proof
    proof.seconds = os.times().children_user - before
    proof.lines = made.header.count("\n")
    proof.worst = max((row.worst / row.scale if row.scale else row.worst for row in made.report.rows), default=0.0)
    proof.conditioning = any(row.conditioning for row in made.report.rows)
    wide = made.compile()
    if not given:
        given = [feeds(made.model, first_sizes(made.model, wide, 3), "normal", 1)]
    proof.allocations = max((n for n in (allocations(wide, g) for g in given) if n is not None), default=None)
    proof.rows = rows_alone(made.model, wide, rows)
    narrow = made.compile(body="avx2")
    proof.bodies = all(agree(wide, narrow, g) for g in given)
    if flags:
        fast = made.compile(flags=("-O3", "-march=native", "-ffast-math"))
        proof.flags = all(agree(wide, fast, g) for g in given)
    if compiler:
        other = made.compile(compiler=compiler)
        proof.compiler = all(agree(wide, other, g) for g in given)
    return proof


def counter(folder: Path) -> Path:
    """The library that counts allocations, built."""
    library = folder / "count_allocations.so"
    find_compiler().run(["-std=c++17", "-O1", "-shared", "-fPIC", "-ftls-model=initial-exec", str(COUNTER), "-o", str(library)])
    return library


def apart(path: Path, options: argparse.Namespace, preload: Path | None) -> Proof:
    """One model in a process of its own, whose crash is a finding."""
    call = [sys.executable, __file__, "--one", str(path), "--rows", str(options.rows)]
    call += ["--no-flags"] if options.no_flags else []
    call += ["--compiler", options.compiler] if options.compiler else []
    with tempfile.TemporaryDirectory() as cache:  # nothing is built already, or there would be no compile time to tell
        env = {**os.environ, "ONNX_BRIDGE_CACHE": cache, **({"LD_PRELOAD": str(preload)} if preload else {})}
        done = subprocess.run(call, env=env, capture_output=True, text=True, check=False)
    try:
        return Proof(**json.loads(done.stdout.splitlines()[-1]))
    except (IndexError, ValueError):
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        return Proof(path.stem, f"ended with status {done.returncode}: {last}"[:300])


def main() -> int:
    """Prints the table; 1 if anything does not hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", type=Path, help="ONNX files, or folders of them")
    parser.add_argument("--rows", type=int, default=8, help="rows of the batch that is compared with its rows alone")
    parser.add_argument("--no-flags", action="store_true", help="leave out the build with -O3 -march=native -ffast-math")
    parser.add_argument("--compiler", help="a second compiler, compared with the first")
    parser.add_argument("--only", metavar="NAME", nargs="+", help="the models to take from a folder")
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(asdict(prove(options.one, options.rows, not options.no_flags, options.compiler))))
        return 0
    paths = [file for p in options.models for file in (sorted(p.glob("*.onnx")) if p.is_dir() else [p]) if ".skeleton" not in file.name]
    paths = [p for p in paths if not options.only or p.stem in options.only]
    if not paths:
        parser.error("no models")
    width = max(len(p.stem) for p in paths)
    form = f"{{:<{width}}}  {{:<9}} {{:<10}} {{:<11}} {{:<9}} {{:<8}} {{:>11}} {{:>9}} {{:>7}}  {{}}"
    print(form.format(*HEAD).rstrip(), flush=True)
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        preload = counter(Path(folder)) if platform.libc_ver()[0] == "glibc" else None
        for path in paths:
            proof = apart(path, options, preload)
            failed += not proof.holds
            print(form.format(*proof.cells()).rstrip(), flush=True)
    print(f"{len(paths) - failed} of {len(paths)} hold")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
