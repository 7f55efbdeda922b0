"""Compiles headers with the compilers, standards and flags that they must not warn under.

    python scripts/compilers.py [MODEL.onnx ...] [--optimised] [--compilers g++ clang++-19] [--standards c++17 c++20] [--minutes 60]

Each model that converts, those of tests/zoo.py where none is named, becomes a header (without verification), and each header is compiled
in every way of the table: with every compiler and standard, with -O2 too where `--optimised` says so (warnings of the optimiser come only
then), without exceptions and run-time types, behind <windows.h> by MinGW, and as one text that does not include itself, from standard
input. Prints a line a model: a dot for each way that is clean, the way's name where it is not, with the first messages below. Exits with
1 if any is not.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import onnx

from onnx_bridge import BridgeError, convert
from onnx_bridge.emit.header import Emitted

COMPILERS = ("g++-11", "g++-12", "clang++-14", "clang++-19")
STANDARDS = ("c++17", "c++20")
MINGW = "x86_64-w64-mingw32-g++"
WARNINGS = (
    "-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Wsign-conversion", "-Weffc++", "-Wfloat-equal", "-Werror",
)  # fmt: skip

#: Everything in a header, where exceptions are and where they are not.
USE = """
#include "{name}.hxx"
namespace net = onnx_bridge::{name};
int main()
{{
   std::string error;
   const auto model = net::Model::open({file}error);
   if (!model) return 1;
   auto workspace = net::Workspace::make(*model);
   [[maybe_unused]] const volatile auto infer = &net::Model::infer;
#if defined(__cpp_exceptions)
   const net::Model same;
   const net::Workspace another(same);
   const TMVA_SOFIE_{name}::Session session, copy(session);
   [[maybe_unused]] const volatile auto call = &TMVA_SOFIE_{name}::Session::doInfer;
#endif
   return workspace ? 0 : 1;
}}
"""


@dataclass(frozen=True)
class Way:
    """One way to compile: what it is called, the command, what stands before the header, whether the text goes to standard input."""

    name: str
    command: Sequence[str]
    before: str = ""
    text: bool = False


def ways(compilers: Sequence[str], standards: Sequence[str], optimised: bool) -> Iterator[Way]:
    """All ways for which the compiler is here; says which are not."""
    for compiler in (*compilers, MINGW):
        if not shutil.which(compiler):
            print(f"{compiler} is not installed: left out")
    here = [compiler for compiler in compilers if shutil.which(compiler)]
    for compiler in here:
        for standard in standards:
            words = [compiler, f"-std={standard}", *WARNINGS]
            yield Way(f"{compiler} {standard}", [*words, "-fsyntax-only"])
            if optimised:
                yield Way(f"{compiler} {standard} -O2", [*words, "-O2", "-c", "-o", "/dev/null"])
        strict = [compiler, f"-std={standards[0]}", *WARNINGS, "-fsyntax-only"]
        yield Way(f"{compiler} without exceptions", [*strict, "-fno-exceptions", "-fno-rtti"])
        yield Way(f"{compiler} text", strict, text=True)
    if shutil.which(MINGW):
        yield Way("windows.h", [MINGW, "-std=c++17", *WARNINGS, "-fsyntax-only"], before="#include <windows.h>\n")


def zoo(folder: Path) -> list[Path]:
    """The models of tests/zoo.py as files."""
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
    from zoo import ZOO

    for name, make in ZOO.items():
        onnx.save(make(), folder / f"{name}.onnx")
    return list(folder.glob("*.onnx"))


def headers(model: Path, folder: Path) -> tuple[Emitted, Emitted]:
    """A model's header, written, and the one that does not include itself."""
    plain, text = (convert(model, verify=False, self_include=self_include).emitted for self_include in (True, False))
    plain.write(folder)
    return plain, text


def complaint(way: Way, plain: Emitted, text: Emitted, folder: Path) -> str:
    """What a compiler says; nothing, if nothing."""
    file = '"", ' if plain.weights.payload_bytes and plain.form == "file" else ""
    source = way.before + USE.format(name=plain.name, file=file)
    if way.text:
        source = source.replace(f'#include "{plain.name}.hxx"', text.header)
    command = [*way.command, f"-I{folder}", "-x", "c++", "-"]
    done = subprocess.run(command, input=source, cwd=folder, capture_output=True, text=True, check=False)
    lines = [line for line in done.stderr.splitlines() if "warning:" in line or "error:" in line]
    return "\n".join(lines[:3] or ([f"status {done.returncode}"] if done.returncode else []))


def main() -> int:
    """Reads the command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", type=Path)
    parser.add_argument("--compilers", nargs="+", default=COMPILERS)
    parser.add_argument("--standards", nargs="+", default=STANDARDS)
    parser.add_argument("--optimised", action="store_true", help="with -O2, too: a minute a model, hours for large ones")
    parser.add_argument("--minutes", type=float, help="begin no model later than this")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        return judged(args, args.models or zoo(Path(folder)))


def judged(args: argparse.Namespace, models: Sequence[Path]) -> int:
    """Prints the table; returns the exit status."""
    every = list(ways(args.compilers, args.standards, args.optimised))
    begin, clean, faulty, refused, left = time.monotonic(), 0, 0, 0, 0
    for model in sorted(models, key=lambda path: path.stat().st_size):
        if args.minutes and time.monotonic() - begin > 60 * args.minutes:
            left += 1
            continue
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            try:
                plain, text = headers(model, folder)
            except BridgeError as error:
                refused += 1
                print(f"{model.stem}: not converted: {str(error).splitlines()[0]}", flush=True)
                continue
            said = {way.name: complaint(way, plain, text, folder) for way in every}
        print(f"{model.stem}: {''.join('.' if not what else f' [{way}] ' for way, what in said.items())}", flush=True)
        for way, what in said.items():
            if what:
                print(f"   {way}: {what}", flush=True)
        faulty += any(said.values())
        clean += not any(said.values())
    print(f"{len(every)} ways: {clean} clean, {faulty} not, {refused} not converted, {left} left for want of time")
    return int(faulty > 0)


if __name__ == "__main__":
    sys.exit(main())
