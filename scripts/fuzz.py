"""Feeds damaged models to convert(), and what it accepts to a compiler and to sanitizers.

    python scripts/fuzz.py --count 10000 --seed 1
    python scripts/fuzz.py --count 300 --of com.microsoft If Loop
    python scripts/fuzz.py --count 10000 --suite --every 10

Seeds are the operators' own cases and the models of the tests (`tests/seeds.py`), and with --suite those of onnx.backend.test;
`mutants.py` changes their structure or their bytes. A mutant is to be refused with a BridgeError, or to give a header that compiles, and
runs on drawn inputs without a report of the address and undefined-behaviour sanitizers. Everything else is a fault: another exception
(InternalError among them), a hang, a death, too much memory. Outcomes are counted; a fault is kept as a file in --folder, with a line
that shows it again. Exits with 1 if there was any.
"""

from __future__ import annotations

import argparse
import multiprocessing
import multiprocessing.connection
import os
import re
import signal
import subprocess
import sys
import tempfile
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "tests")]

from mutants import mutant  # noqa: E402
from seeds import seeds  # noqa: E402

from onnx_bridge import BridgeError, convert  # noqa: E402
from onnx_bridge.errors import InferenceError, InternalError, ToolchainError  # noqa: E402
from onnx_bridge.ir import dims  # noqa: E402
from onnx_bridge.ir.rmodel import RModel  # noqa: E402
from onnx_bridge.references.refusal import Refusal  # noqa: E402
from onnx_bridge.runtime.compiled import CompiledModel, only  # noqa: E402
from onnx_bridge.runtime.sources import MAIN, sources  # noqa: E402
from onnx_bridge.toolchain import build, find_compiler  # noqa: E402
from onnx_bridge.verify.inputs import feeds  # noqa: E402
from onnx_bridge.verify.sizes import elements, sizes_to_try  # noqa: E402

#: Seconds of the processor that a conversion, or all calls of a model, may take; seconds that are waited; bytes of address space.
SECONDS, WAIT, BYTES = 20, 600, 8 << 30

#: Accepted models in one library, the largest tensor and the sizes that a model is called with.
BATCH, ELEMENTS, CALLS = 40, 1 << 20, 3

#: How a process ends whose time is over.
LATE = -27

SANITIZERS = ("-O1", "-g1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer")

PRELOADED = ("libasan.so", "libstdc++.so")

#: Faults that look alike are kept only so often.
KEPT = 3


_REPORTED = re.compile(r"ERROR: AddressSanitizer: [\w-]+|runtime error: .*|^[\w.]*(?:Error|Exception)\b.*", re.MULTILINE)


@dataclass
class Fault:
    """What should not have happened to a mutant; faults with one `signature` are probably one."""

    index: int
    signature: str
    detail: str
    data: bytes = field(repr=False)


def signature_of(error: BaseException) -> str:
    """Where in onnx_bridge an exception comes from."""
    error = error.__cause__ or error
    frames = [f for f in traceback.extract_tb(error.__traceback__) if "onnx_bridge" in f.filename]
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].name}" if frames else ""
    return f"{type(error).__name__}{place}"


def time_limit() -> None:
    """From now on the process may use so many seconds of its processor; then it ends, even where Python does not come to a signal."""
    if sys.platform != "win32":
        signal.signal(signal.SIGPROF, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_PROF, SECONDS)


def outcome(data: bytes) -> tuple[str, str, str]:
    """What convert() says to a mutant: how it is counted, and of a fault the signature and the detail."""
    try:
        convert(data, name="m", verify=False)
    except InternalError as error:
        return "fault", signature_of(error), str(error)
    except BridgeError as error:
        return f"refused: {type(error).__name__}", "", str(error)
    except BaseException as error:
        return "fault", signature_of(error), "".join(traceback.format_exception(error))[-2000:]
    return "accepted", "", ""


def converter(pipe: multiprocessing.connection.Connection, given: Sequence[bytes], seed: int) -> None:
    """A process that converts the mutants whose numbers it is told."""
    if sys.platform == "linux":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))
    warnings.simplefilter("ignore")
    warnings.simplefilter("error", RuntimeWarning)
    while True:
        index = pipe.recv()
        time_limit()
        pipe.send(outcome(mutant(given, seed, index)))


class Converters:
    """One such process after the other: a new one where the last died or had to be ended."""

    def __init__(self, given: Sequence[bytes], seed: int) -> None:
        self.given, self.seed = given, seed
        self.process: multiprocessing.process.BaseProcess | None = None

    def ask(self, index: int) -> tuple[str, str, str]:
        """What becomes of a mutant."""
        if self.process is None:
            context = multiprocessing.get_context("spawn")
            self.pipe, other = context.Pipe()
            self.process = context.Process(target=converter, args=(other, self.given, self.seed), daemon=True)
            self.process.start()
            other.close()
        try:
            self.pipe.send(index)
            if self.pipe.poll(WAIT):
                return self.pipe.recv()
            self.close()
            return "fault", "hang", f"no answer within {WAIT} s"
        except (EOFError, OSError):
            self.process.join()
            code, self.process = self.process.exitcode, None
            what = "hang" if code == LATE else f"death, status {code}"
            return "fault", what, f"the process ended with status {code}"

    def close(self) -> None:
        """Ends the process."""
        if self.process is not None:
            self.process.kill()
            self.process.join()
            self.process = None


def prepared(files: Sequence[Path]) -> tuple[dict[str, str], list]:
    """The sources of one library for all the models, and what convert() gave for each."""
    made = [convert(str(file), name=file.stem, verify=False) for file in files]
    return sources(*(m.emitted for m in made)), made


def counts(model: RModel, sizes: Mapping[str, int]) -> list[int]:
    """How many elements the inputs, and all else together, have."""
    return [elements(model, sizes), *(dims.evaluate(tensor.count, sizes) for tensor in model.inputs)]


def run_models(library: str, files: Sequence[Path]) -> None:
    """Calls each model on drawn inputs; says on standard output which one it has come to. Runs with the sanitizers loaded."""
    for file, conversion in zip(files, prepared(files)[1], strict=True):
        print(f"begin {file.stem}", flush=True)
        time_limit()
        calls = 0
        net = CompiledModel(conversion.emitted, library, "best")
        for sizes in islice(sizes_to_try(conversion.model), CALLS):
            for kind in ("normal", "edges"):
                try:
                    if all(count <= ELEMENTS for count in counts(conversion.model, sizes)):
                        net.run(feeds(conversion.model, sizes, kind, 1))
                        calls += 1
                except (InferenceError, Refusal, MemoryError):
                    continue
        print(f"{'ran' if calls else 'never ran'} {file.stem}", flush=True)


def libraries(files: Sequence[Path], folder: Path) -> Iterator[tuple[list[Path], str | None, str]]:
    """Builds one library of all models, or, where that fails, one of each: (models, library or None, what the compiler says)."""
    flags = [only(), *SANITIZERS]
    try:
        yield list(files), str(build(prepared(files)[0], MAIN, flags=flags)), ""
    except ToolchainError as error:
        if len(files) == 1:
            yield list(files), None, str(error)
        else:
            for file in files:
                yield from libraries([file], folder)


def preloaded() -> str:
    """The sanitizer's library, which has to be there before Python is, and that of C++, whose exceptions it watches."""
    command = [*find_compiler().command]
    found = [subprocess.run([*command, f"-print-file-name={name}"], capture_output=True, text=True, check=True) for name in PRELOADED]
    return " ".join(done.stdout.strip() for done in found)


def run_sanitized(files: list[Path], library: str) -> Iterator[tuple[Path, str, str]]:
    """For each model how it went, and what the sanitizers said."""
    environment = {
        **os.environ, "LD_PRELOAD": preloaded(), "ASAN_OPTIONS": "detect_leaks=0,allocator_may_return_null=1,abort_on_error=0",
        "UBSAN_OPTIONS": "print_stacktrace=1",
    }  # fmt: skip
    while files:
        command = [sys.executable, __file__, "--run", library, *map(str, files)]
        with tempfile.TemporaryFile("w+") as said:
            try:
                done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=said, timeout=WAIT, check=False)
                status, told = done.returncode, done.stdout.decode()
            except subprocess.TimeoutExpired as late:
                status, told = None, (late.stdout or b"").decode()
            said.seek(0)
            report = said.read()
        lines = [line.rsplit(" ", 1) for line in told.splitlines() if line]
        ended = {stem: word for word, stem in lines if word != "begin"}
        yield from ((file, ended[file.stem], "") for file in files if file.stem in ended)
        rest = [file for file in files if file.stem not in ended]
        if rest and not lines and status != 0:
            raise RuntimeError(f"the sanitized process does not start: {report[:2000]}")
        if rest:
            yield rest[0], "late" if status in (None, LATE) else "fault", report[-6000:]
        files = rest[1:]


class Fuzzer:
    """Counts outcomes and keeps faults.

    Args:
        seed: the drawing's.
        folder: where faults are kept.
        of: names of operators or domains that seeds must have.
        suite: with the seeds of onnx.backend.test.
        every: of the accepted models one in so many is compiled and run.
    """

    def __init__(self, seed: int, folder: Path, of: Sequence[str] = (), suite: bool = False, every: int = 1) -> None:
        self.seed, self.folder, self.of, self.suite, self.every = seed, folder, of, suite, every
        self.counts: Counter[str] = Counter()
        self.faults: list[Fault] = []
        self.given = seeds(of, suite)
        if not self.given:
            raise SystemExit(f"no operator has cases of the name or the domain {' or '.join(of)}")

    def run(self, numbers: Sequence[int], progress: bool = False) -> None:
        """All mutants of these numbers."""
        converters, accepted = Converters(self.given, self.seed), []
        for count, index in enumerate(numbers, 1):
            word, signature, detail = converters.ask(index)
            if word == "fault":
                self.fault(index, f"convert: {signature}", detail)
            else:
                self.counts[word] += 1
            if word == "accepted" and self.counts[word] % self.every == 0:
                accepted.append(index)
            if len(accepted) == BATCH or (accepted and count == len(numbers)):
                self.compile_and_run(accepted)
                accepted = []
            if progress and count % 100 == 0:
                print(f"{count}: {dict(sorted(self.counts.items()))}, {len(self.faults)} faults", flush=True)
        converters.close()

    def compile_and_run(self, indices: Sequence[int]) -> None:
        """Headers of accepted mutants."""
        with tempfile.TemporaryDirectory(prefix="fuzz-") as name:
            folder = Path(name)
            files = {folder / f"m{index}.onnx": index for index in indices}
            for file, index in files.items():
                file.write_bytes(mutant(self.given, self.seed, index))
            for some, library, complaint in libraries(list(files), folder):
                if library is None:
                    first = re.sub(r"\d+", "#", (re.findall(r"error: .*", complaint) or [complaint])[0])
                    self.fault(files[some[0]], f"compiler: {first[:120]}", complaint)
                    continue
                self.counts["compiled"] += len(some)
                for file, word, report in run_sanitized(some, library):
                    if word == "late" and re.search(rb"Loop|Scan", file.read_bytes()):
                        self.counts["runs for long"] += 1
                    elif word in ("fault", "late"):
                        found = _REPORTED.findall(report) or [word]
                        self.fault(files[file], f"running: {re.sub(r'[0-9a-fx]*[0-9]+', '#', found[0])}", report)
                    else:
                        self.counts[word] += 1

    def fault(self, index: int, signature: str, detail: str) -> None:
        """Counts it, and keeps it if it is among the first of its kind."""
        self.counts["FAULT " + signature] += 1
        fault = Fault(index, signature, detail, mutant(self.given, self.seed, index))
        self.faults.append(fault)
        if self.counts["FAULT " + signature] > KEPT:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        file = self.folder / f"{self.seed}_{index}.onnx"
        file.write_bytes(fault.data)
        again = f"""python -c "import onnx_bridge; onnx_bridge.convert('{file}', verify=False)"  # {signature}"""
        if not signature.startswith("convert"):
            of = (f" --of {' '.join(self.of)}" if self.of else "") + " --suite" * self.suite
            again = f"python scripts/fuzz.py --seed {self.seed} --only {index}{of}  # {signature}"
        with (self.folder / "faults.txt").open("a", encoding="utf-8") as log:
            log.write(f"{again}\n")
        (self.folder / f"{self.seed}_{index}.txt").write_text(detail, encoding="utf-8")


def main() -> int:
    """Reads the command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1000, help="how many mutants")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="the number of the first mutant")
    parser.add_argument("--only", type=int, help="this mutant alone")
    parser.add_argument("--of", nargs="+", default=[], metavar="NAME", help="mutants of these operators' cases alone, or of a domain's")
    parser.add_argument("--suite", action="store_true", help="mutants of the cases of onnx.backend.test, too")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="compile and run one in N of the accepted models")
    parser.add_argument("--folder", type=Path, default=Path("fuzz-faults"))
    parser.add_argument("--run", nargs="+", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.run:
        os.environ.pop("LD_PRELOAD", None)  # not for the processes that convert() starts
        run_models(args.run[0], [Path(file) for file in args.run[1:]])
        return 0
    fuzzer = Fuzzer(args.seed, args.folder, args.of, args.suite, args.every)
    with tempfile.TemporaryDirectory(prefix="fuzz-cache-") as cache:
        os.environ["ONNX_BRIDGE_CACHE"] = cache
        fuzzer.run([args.only] if args.only is not None else range(args.first, args.first + args.count), progress=args.count > 100)
    for word, count in sorted(fuzzer.counts.items()):
        print(f"{count:7} {word}")
    return bool(fuzzer.faults)


if __name__ == "__main__":
    np.seterr(all="ignore")
    sys.exit(main())
