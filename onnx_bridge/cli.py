"""The command line: a thin face on the calls that the package offers.

What a user did wrong is one message on stderr and exit status 1, wrong usage is 2. Results go to stdout, progress to stderr and only
where that is a terminal. With --json stdout holds one JSON document, also where a model is refused; with --quiet nothing.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, TextIO

from onnx_bridge.errors import BridgeError, VerificationError
from onnx_bridge.version import __version__


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line and returns the exit status."""
    options = _parser().parse_args(argv)
    out = Output(json=options.json, quiet=options.quiet)
    try:
        status: int = options.run(options, out)
        sys.stdout.flush()
        return status
    except BridgeError as error:
        out.failed(error)
    except BrokenPipeError:  # whoever read our output has gone, as `head` does; nothing may be flushed there at the end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        where = f" {str(error.filename)!r}" if error.filename else ""
        print(f"onnx-bridge: cannot read or write{where}: {error.strerror or error}", file=sys.stderr)
    except KeyboardInterrupt:
        print("onnx-bridge: interrupted", file=sys.stderr)
        return 130
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="onnx-bridge",
        description="Trained models as standalone C++17 headers, with proof.",
        allow_abbrev=False,
    )
    here = Path(__file__).parent
    parser.add_argument("--cmake-dir", action=_Print, const=here / "cmake", help="print where find_package(onnx_bridge) looks")
    parser.add_argument("--pkg-config-dir", action=_Print, const=here / "pkgconfig", help="print what PKG_CONFIG_PATH needs")
    parser.add_argument("--version", action="version", version=f"onnx-bridge {__version__}")
    commands = parser.add_subparsers(metavar="command", required=True)

    def command(name: str, run: Callable[[argparse.Namespace, Output], int], what: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=what, description=what, allow_abbrev=False)
        made.set_defaults(run=run)
        form = made.add_mutually_exclusive_group()
        form.add_argument("--json", action="store_true", help="print one JSON document")
        form.add_argument("-q", "--quiet", action="store_true", help="print no results; the exit status tells")
        return made

    def takes_model(made: argparse.ArgumentParser) -> None:
        made.add_argument(
            "model",
            help="an .onnx, .keras, .h5, .pt or .pt2 file, a SavedModel folder, a file that XGBoost or LightGBM saved, "
            "or MODULE:ATTRIBUTE or FILE.py:ATTRIBUTE",
        )
        made.add_argument(
            "--example-inputs", metavar="INPUT", nargs="+", default=[],
            help="for PyTorch and JAX: NAME=2,3,32,32, NAME=2,16:int64, or FILE.npz",
        )  # fmt: skip
        made.add_argument(
            "--dynamic", metavar="INPUT:AXIS=NAME", action="append", default=[],
            help="a run-time size (default: each leading axis is the batch); INPUT alone: none of its sizes; may be repeated",
        )  # fmt: skip
        made.add_argument(
            "--import", metavar="MODULE", dest="imports", action="append", default=[], help="import this before the file is read"
        )
        made.add_argument("--strict", action="store_true", help="refuse a model that takes fewer sizes than its file leaves open")
        made.add_argument("--trusted", action="store_true", help="the file may run code of its own, as Lambda layers of Keras do")
        made.add_argument("-v", "--verbose", action="store_true", help="show what the framework and its exporter printed")

    def takes_dims(made: argparse.ArgumentParser) -> None:
        made.add_argument("--dim", metavar="NAME=SIZE", type=_dim, action="append", default=[], help="fix a symbolic dim; may be repeated")

    convert = command("convert", _convert, "Convert a model, compare it with onnxruntime, and write NAME.hxx, NAME.dat and NAME.onnx.")
    takes_model(convert)
    convert.add_argument("-o", "--output", metavar="FOLDER", default=".", help="where the files go (default: here)")
    convert.add_argument("--name", help="the C++ name (default: that of the file)")
    takes_dims(convert)
    convert.add_argument(
        "--weights", choices=("file", "object", "source", "header"), default="file",
        help="NAME.dat, mapped when it runs (default); NAME.o, linked; NAME_weights.cpp, compiled; text of the header, up to 4 MiB",
    )  # fmt: skip
    convert.add_argument("--target", metavar="MACHINE", help="what an object is for, as c++ -dumpmachine prints it (default: this machine)")
    convert.add_argument("--depfile", metavar="FILE", type=Path, help="write which files the header depends on, as make and ninja read it")
    convert.add_argument("--no-self-include", action="store_true", help="a longer header, which may be pasted, piped or declared as text")
    convert.add_argument("--c", action="store_true", help="write NAME.h and NAME.cpp, too: functions for C and what calls C")
    convert.add_argument("--fortran", action="store_true", help="write NAME.f90, too, a module for Fortran; implies --c")
    convert.add_argument("--no-verify", action="store_true", help="neither compile nor compare; the header says so")

    check = command("check", _check, "Say what stands in the way of converting a model; exit status 1 if anything does.")
    takes_model(check)

    verify = command("verify", _verify, "Convert and compile a model, compare it with onnxruntime, and print the table.")
    takes_model(verify)
    verify.add_argument("--inputs", metavar="FILE.npz", nargs="+", default=[], help="inputs by name, compared beside the seeded ones")
    takes_dims(verify)

    command("ops", _ops, "List the operators that are supported.")
    demo = command("demo", _demo, "Convert a trained model that comes with the package, and time it beside onnxruntime.")
    demo.add_argument(
        "--from", dest="framework", choices=("keras", "torch", "flax"), help="build its network in this framework and convert that"
    )
    return parser


class _Print(argparse.Action):
    """Prints a path, on one line however long it is, and ends."""

    def __init__(self, option_strings: Sequence[str], dest: str, const: Path, help: str) -> None:
        super().__init__(option_strings, argparse.SUPPRESS, nargs=0, const=const, default=argparse.SUPPRESS, help=help)

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        print(self.const)
        parser.exit()


def _dim(text: str) -> tuple[str, int]:
    name, separator, size = text.rpartition("=")
    if not name or not separator or not size.isascii() or not size.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=SIZE, such as batch=1")
    return name, int(size)


def _said(options: argparse.Namespace) -> dict[str, Any]:
    """What the command line says of a model of a framework, as arguments of the calls."""
    from onnx_bridge.frontends import command_line

    return {
        "example_inputs": command_line.example_inputs(options.example_inputs), "dynamic": command_line.dynamic(options.dynamic),
        "imports": options.imports, "trusted": options.trusted, "strict": options.strict,
    }  # fmt: skip


def _convert(options: argparse.Namespace, out: Output) -> int:
    from onnx_bridge.emit.objects import platform
    from onnx_bridge.pipeline import convert

    if options.target is not None:
        platform(options.target)  # what is wrong with it is said before the work is done
    with Progress(shown=not options.quiet) as progress:
        made = convert(
            options.model,
            **_said(options),
            name=options.name,
            dims=dict(options.dim),
            verify=not options.no_verify,
            self_include=not options.no_self_include,
            progress=progress,
        )
    made = replace(made, emitted=made.emitted.with_weights(options.weights))
    header = made.save(options.output, options.weights, options.target, c=options.c, fortran=options.fortran)
    names = [*made.emitted.files(options.target), made.normal_file(header).name]
    names += [f"{made.name}.h", f"{made.name}.cpp"] if options.c or options.fortran else []
    names += [f"{made.name}.f90"] if options.fortran else []
    files = [str(header.with_name(name)) for name in names]
    if options.depfile:
        from onnx_bridge.frontends.command_line import depfile

        options.depfile.write_text(depfile(header, options.model), encoding="utf-8")
    if options.verbose:
        print(made.report.log, file=sys.stderr)
    out.result({"name": made.name, "files": files, "report": made.report}, f"{made.report}\nwrote {', '.join(files)}")
    return 0


def _check(options: argparse.Namespace, out: Output) -> int:
    from onnx_bridge.pipeline import check

    findings = check(options.model, **_said(options))
    out.result({"converts": not findings, "findings": findings}, "\n".join(map(str, findings)) if findings else "converts")
    return 1 if findings else 0


def _verify(options: argparse.Namespace, out: Output) -> int:
    from onnx_bridge.frontends import command_line
    from onnx_bridge.pipeline import convert

    given = [command_line.arrays(file) for file in options.inputs]
    try:
        with Progress(shown=not options.quiet) as progress:
            made = convert(options.model, **_said(options), dims=dict(options.dim), inputs=given, progress=progress)
    except VerificationError as error:
        if error.report is not None and not options.json:
            out.result({}, str(error.report))
            print(f"onnx-bridge: {str(error).splitlines()[0]}", file=sys.stderr)
            return 1
        raise
    if options.verbose:
        print(made.report.log, file=sys.stderr)
    out.result({"name": made.name, "report": made.report}, str(made.report))
    return 0


@dataclass(frozen=True)
class Supported:
    """An operator that can be converted.

    Attributes:
        domain: "ai.onnx" for ONNX's own.
        name: ONNX's name.
        since: the first opset whose form is read.
        cases: how many test cases it declares.
    """

    domain: str
    name: str
    since: int
    cases: int


def supported() -> list[Supported]:
    """The operators of the registry, by domain and name."""
    import onnx_bridge.operators  # noqa: F401  (fills the registry)
    from onnx_bridge.custom import load
    from onnx_bridge.ir.roperator import REGISTRY

    load()
    return [
        Supported(domain or "ai.onnx", name, min(cls.since for cls in classes), sum(len(cls.cases) for cls in classes))
        for (domain, name), classes in sorted(REGISTRY.items())
    ]


def _ops(_: argparse.Namespace, out: Output) -> int:
    rows = supported()
    width = max(len(row.name) for row in rows)
    domains = max(len(row.domain) for row in rows)
    lines = [f"{row.domain:<{domains}}  {row.name:<{width}}  from opset {row.since:>2}  {row.cases:>3} test cases" for row in rows]
    out.result(rows, "\n".join([*lines, f"{len(rows)} operators, {sum(row.cases for row in rows)} test cases"]))
    return 0


def _demo(options: argparse.Namespace, out: Output) -> int:
    from onnx_bridge.demo.run import demo

    with Progress(shown=not options.quiet) as progress:
        lines = list(demo(progress, options.framework))
    out.result({"lines": lines}, "\n".join(lines))
    return 0


@dataclass(frozen=True)
class Output:
    """How results are printed: as text, as one JSON document, or not at all."""

    json: bool = False
    quiet: bool = False

    def result(self, data: object, text: str) -> None:
        """Prints what a command found; `data` holds mappings, sequences, numbers, text and dataclasses."""
        if self.json:
            print(json.dumps(_plain(data), indent=1))
        elif not self.quiet:
            print(text)

    def failed(self, error: BridgeError) -> None:
        """Prints why nothing was found."""
        if self.json:
            said = {"error": type(error).__name__, "message": str(error)}
            more = {name: getattr(error, name) for name in ("findings", "report") if getattr(error, name, None)}
            print(json.dumps(_plain({**said, **more}), indent=1))
        else:
            print(f"onnx-bridge: {error}", file=sys.stderr)


def _plain(value: Any) -> Any:
    """What JSON can hold: numbers that are not finite become text."""
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    return value if isinstance(value, (bool, int, str)) or value is None else str(value)


class Progress:
    """Names each stage as it begins and its seconds when it is over; says nothing where stderr is no terminal.

    With `rich` installed a spinner turns meanwhile.
    """

    def __init__(self, stream: TextIO | None = None, shown: bool = True) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._shown = shown and self._stream.isatty()
        self._stage = ""
        self._begin = 0.0
        self._spinner: Any = None

    def __call__(self, stage: str) -> None:
        self._end()
        self._stage, self._begin = stage, time.perf_counter()
        if self._shown:
            self._spinner = _spinner(self._stream, stage)
            if self._spinner is None:
                print(f"  {stage:<12}", end="", file=self._stream, flush=True)

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def _end(self) -> None:
        if not self._stage or not self._shown:
            return
        if self._spinner is not None:
            self._spinner.stop()
            print(f"  {self._stage:<12}", end="", file=self._stream)
        print(f"{time.perf_counter() - self._begin:7.2f} s", file=self._stream, flush=True)
        self._stage = ""


def _spinner(stream: TextIO, text: str) -> Any:
    """A spinner that turns, or None without `rich`."""
    try:
        from rich.console import Console
    except ImportError:
        return None
    status = Console(file=stream).status(text)
    status.start()
    return status
