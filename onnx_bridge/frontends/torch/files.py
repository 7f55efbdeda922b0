"""Files of PyTorch: what they are is seen in their archive, without running what they hold."""

from __future__ import annotations

import contextlib
import json
import os
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from onnx_bridge.errors import ExportError, InvalidModel
from onnx_bridge.frontends.exported import innermost

SUFFIXES = (".pt", ".pth", ".ts", ".pt2")

#: What may stand in the sizes of a program, which PyTorch evaluates as Python: symbols, numbers, functions of sympy (with a capital).
_SIZE = re.compile(r"(?:[A-Z]\w*|[a-z]{1,2}\d+|oo|int_oo|[a-z]+=|'\w+'|\d+(?:\.\d+)?|[\s+\-*/%(),<>=&|~])*")


def kind_of(path: Path) -> str:
    """What a file holds: "script", "program", or a refusal.

    Raises:
        InvalidModel: there is no such file, or it is damaged.
        ExportError: it holds what only code can bring to life.
    """
    if not path.is_file():
        raise InvalidModel(f"{str(path)!r}: there is no such file")
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name.partition("/")[2] for name in archive.namelist()]
            damaged = archive.testzip()
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError) as error:
        raise _no_archive(path, error) from None
    if damaged is not None:
        raise InvalidModel(f"{str(path)!r} is damaged: {damaged!r} in it does not have its checksum")
    if any(name.startswith("code/") for name in names) and "constants.pkl" in names:
        return "script"
    if any(name.startswith("models/") and name.endswith(".json") for name in names):
        return "program"
    if "archive_format" in names:
        raise ExportError(f"{str(path)!r} holds compiled code of AOTInductor, not a program: torch.export.save(program, ...) writes one")
    if "data.pkl" in names:
        raise _pickled(path)
    raise InvalidModel(f"{str(path)!r} is a zip archive, but neither TorchScript nor a program of torch.export")


def _no_archive(path: Path, error: Exception) -> ExportError | InvalidModel:
    with path.open("rb") as stream:
        head = stream.read(2)
    if head[:1] == b"\x80" and len(head) > 1 and head[1] <= 5:
        return _pickled(path)
    return InvalidModel(f"{str(path)!r} is damaged, or no file of PyTorch: {error}")


def _pickled(path: Path) -> ExportError:
    return ExportError(
        f"{str(path)!r} holds pickled objects: weights alone, or a module whose code is elsewhere and would be run to load it. Save the "
        f"module with torch.export.save(torch.export.export(module, inputs), 'model.pt2') or torch.jit.script(module).save('model.pt'); "
        f"or write the Python that makes it and loads its weights, and name that: 'train.py:model'"
    )


def load_script(torch: Any, path: Path) -> Any:
    """A TorchScript module.

    Raises:
        InvalidModel: it cannot be read.
    """
    try:
        return torch.jit.load(str(path), map_location="cpu")
    except Exception as error:
        raise _unreadable(path, "TorchScript", error) from None


def load_program(torch: Any, path: Path, trusted: bool) -> Any:
    """A program of torch.export.

    Raises:
        InvalidModel: it cannot be read.
        ExportError: it holds pickled objects and is not trusted.
    """
    if not trusted:
        _refuse_code(path)
    try:
        with contextlib.nullcontext() if trusted else _only_weights():
            return torch.export.load(path)
    except Exception as error:
        raise _unreadable(path, "a program of torch.export", error) from None


def _unreadable(path: Path, what: str, error: Exception) -> InvalidModel | ExportError:
    text = innermost(error)
    unknown = re.search(
        r"(?:Unknown builtin op:|[Cc]ould not find|Unable to find op|not found in|No such operator|no attribute).{0,200}", text
    )
    if "deserializing" in text or "WeightsUnpickler" in text or unknown:
        return ExportError(
            f"{str(path)!r}: PyTorch cannot read it as {what}: {text}. If it uses operators that a package registers, name the modules "
            f"that do so: imports=['mypackage.ops'], --import mypackage.ops"
        )
    return InvalidModel(f"{str(path)!r}: PyTorch cannot read it as {what}: {text}")


def _refuse_code(path: Path) -> None:
    """Refuses programs that hold what could run code as it is loaded: pickled objects, sizes that are more than arithmetic.

    Raises:
        ExportError: there is something of that kind.
    """
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            inner = name.partition("/")[2]
            if inner.startswith("data/constants/") and inner.rpartition("/")[2].startswith(("custom_obj", "script_obj")):
                raise ExportError(f"{str(path)!r} holds a pickled object ({inner}), which may run code: pass trusted=True if you know it")
            if inner.startswith("models/") and inner.endswith(".json"):
                try:
                    content = json.loads(archive.read(name))
                except ValueError as error:
                    raise InvalidModel(f"{str(path)!r} is damaged: {inner}: {error}") from None
                for text in _sizes(content):
                    if not _SIZE.fullmatch(text):
                        raise ExportError(
                            f"{str(path)!r} has a size that is no arithmetic, {text[:80]!r}: pass trusted=True if you know the file"
                        )


def _sizes(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            if key == "expr_str" and isinstance(item, str):
                yield item
            else:
                yield from _sizes(item)
    elif isinstance(value, list):
        for item in value:
            yield from _sizes(item)


@contextlib.contextmanager
def _only_weights() -> Iterator[None]:
    """Has torch.load take nothing but tensors, whoever calls it."""
    name = "TORCH_FORCE_WEIGHTS_ONLY_LOAD"
    before = os.environ.get(name)
    os.environ[name] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before
