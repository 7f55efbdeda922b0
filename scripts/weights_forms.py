"""The ways in which weights come into a program, measured: what each costs the compiler and linker, and what opening a Model costs.

    python scripts/weights_forms.py              # a file, an object, a source: 100 MB
    python scripts/weights_forms.py 10 --forms file header

Columns: seconds to write the files; seconds and peak memory of the assembler's copy, where there is one, and of the link; microseconds to
open a Model with every byte summed, as it is done by default with a file, then once more in the same process, and with Check::layout, as
it is done by default with what is in the program, in a process of its own. The least of five processes each; all is in the system's cache.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from onnx_bridge import Conversion, convert
from onnx_bridge.toolchain import find_compiler

#: What the built program prints: microseconds for one opening and for the next, of a Model whose every number is then used.
PROGRAM = """
#include "net.hxx"
#include <chrono>
static double opened(onnx_bridge::net::Check check)
{
   const auto begin = std::chrono::steady_clock::now();
   std::string error;
   const auto model = onnx_bridge::net::Model::open(OPEN error, onnx_bridge::net::Body::best, check);
   if (!model) std::puts(error.c_str());
   return 1e6 * std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}
int main(int argc, char**)
{
   using onnx_bridge::net::Check;
   const Check check = argc > 1 ? Check::layout : Check::all;
   const double first = opened(check);
   std::printf("%.1f %.1f\\n", first, opened(check));
}
"""

#: Runs a program and prints what it took. In a process of its own: a child's peak memory begins with its parent's.
WATCH = """
import os, subprocess, sys, time
begin = time.perf_counter()
_, status, used = os.wait4(subprocess.Popen(sys.argv[1:]).pid, 0)
print(time.perf_counter() - begin, used.ru_maxrss)
sys.exit(status != 0)
"""


def network(megabytes: float) -> Conversion:
    """A net of one matrix of so many megabytes."""
    columns = 1000
    rows = int(megabytes * 1e6 / 4 / columns)
    weights = np.random.default_rng(0).normal(size=(rows, columns)).astype(np.float32)
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", size]) for name, size in (("x", rows), ("y", columns))]
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"])]
    graph = helper.make_graph(nodes, "net", ends[:1], ends[1:], [numpy_helper.from_array(weights, "w")])
    return convert(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), name="net", verify=False)


def spent(folder: Path, *command: str | Path) -> tuple[float, float]:
    """Seconds and peak mebibytes of a program and those that it starts, run in a folder.

    Raises:
        SystemExit: it fails.
    """
    said = subprocess.run([sys.executable, "-c", WATCH, *map(str, command)], cwd=folder, stdout=subprocess.PIPE, text=True, check=False)
    if said.returncode:
        raise SystemExit(f"{command[0]} failed")
    seconds, kibibytes = map(float, said.stdout.split())
    return seconds, kibibytes / 1024


def measure(made: Conversion, form: str, folder: Path) -> None:
    """Prints the line of a form."""
    begin = time.perf_counter()
    made.save(folder, weights=form)
    wrote = time.perf_counter() - begin
    compiler = find_compiler().command
    copied = spent(folder, *compiler, "-c", folder / "net_weights.cpp", "-o", folder / "net.o") if form == "source" else (0.0, 0.0)
    linked = [folder / "net.o"] if form in ("object", "source") else []
    given = f'"{folder}/net.dat",' if form == "file" else ""
    (folder / "main.cpp").write_text(PROGRAM.replace("OPEN", given), encoding="ascii")
    spent(folder, *compiler, "-std=c++17", "-O2", f"-I{folder}", "-c", folder / "main.cpp", "-o", folder / "main.o")  # alike for all forms
    built = spent(folder, *compiler, folder / "main.o", *linked, "-o", folder / "main")
    time.sleep(4)  # what was changed a moment ago is summed every time

    def least(*arguments: str) -> list[float]:
        said = [subprocess.run([folder / "main", *arguments], capture_output=True, text=True, check=True).stdout for _ in range(5)]
        return [min(times) for times in zip(*(map(float, line.split()) for line in said), strict=True)]

    (first, again), (layout, _) = least(), least("layout")
    columns = f"{wrote:6.2f} s   {copied[0]:6.2f} s {copied[1]:6.0f} MB   {built[0]:6.2f} s {built[1]:6.0f} MB"
    print(f"{form:<8} {columns}   {first:10.1f} {again:10.1f} {layout:10.1f}")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("megabytes", nargs="?", type=float, default=100)
    parser.add_argument("--forms", nargs="+", default=["file", "object", "source"], choices=["file", "object", "source", "header"])
    asked = parser.parse_args()
    made = network(asked.megabytes)
    heads = f"{'written':>8}   {'assembled':>18}   {'linked':>18}"
    print(f"{'':<8} {heads}   {'open, us':>10} {'once more':>10} {'layout':>10}")
    for form in asked.forms:
        with tempfile.TemporaryDirectory() as folder:
            measure(made, form, Path(folder))


if __name__ == "__main__":
    main()
