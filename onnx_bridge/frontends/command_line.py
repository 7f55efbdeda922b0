"""What the command line says of a model's inputs: examples and dynamic axes, as `convert` takes them."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import external_data_helper

from onnx_bridge.errors import InferenceError
from onnx_bridge.graphs import all_graphs


def arrays(file: str) -> dict[str, np.ndarray]:
    """The arrays of an .npz file, by name.

    Raises:
        InferenceError: it is not one.
    """
    try:
        archive = np.load(file, allow_pickle=False)
        if isinstance(archive, np.ndarray):
            raise InferenceError(f"inputs {file!r}: is one array without a name; save it with numpy.savez(file, name=array)")
        with archive:
            return {name: archive[name] for name in archive.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise InferenceError(f"inputs {file!r}: cannot be read as an .npz file: {error}") from None


def example_inputs(words: Sequence[str]) -> dict[str, np.ndarray] | None:
    """Example inputs by name: NAME=2,3,32,32 (floats), NAME=2,16:int64, or the arrays of FILE.npz; None where nothing is said.

    Made values are seeded: normally distributed floats; zeros and ones of any other type.

    Raises:
        InferenceError: a word is none of these.
    """
    found: dict[str, np.ndarray] = {}
    for word in words:
        name, separator, described = word.partition("=")
        if separator and not Path(word).is_file():
            found[name] = _made(name, described, word)
        else:
            found.update(arrays(word))
    return found or None


def _made(name: str, described: str, word: str) -> np.ndarray:
    sizes, _, kind = described.partition(":")
    try:
        shape = [int(size) for size in sizes.split(",") if size.strip()]
        dtype = np.dtype(kind or "float32")
    except (TypeError, ValueError):
        shape, dtype = [-1], np.dtype("float32")
    if not name.isidentifier() or any(not 0 <= size <= 1 << 31 for size in shape) or dtype.kind not in "fiub":
        raise InferenceError(f"example inputs {word!r}: NAME=SIZES[:TYPE], such as x=2,3,32,32 or tokens=2,16:int64, or FILE.npz is meant")
    rng = np.random.default_rng(len(name))
    values = rng.standard_normal(shape) if dtype.kind == "f" else rng.integers(0, 2, shape)
    return np.asarray(values).astype(dtype)


def dynamic(words: Sequence[str]) -> dict[str | int, dict[int, str]] | None:
    """Dynamic axes: INPUT:AXIS=NAME, or INPUT alone for one whose shape is fixed; None where nothing is said.

    Raises:
        InferenceError: a word is neither.
    """
    found: dict[str | int, dict[int, str]] = {}
    for word in words:
        name, separator, rest = word.partition(":")
        axis, equals, dim = rest.partition("=")
        axes = found.setdefault(name, {})
        if not separator and name.isidentifier():
            continue
        if not name or not equals or not axis.removeprefix("-").isdecimal() or not dim.isidentifier():
            raise InferenceError(f"dynamic {word!r}: INPUT:AXIS=NAME, such as x:0=batch, or INPUT is meant")
        axes[int(axis)] = dim
    return found or None


def depfile(header: Path, model: str) -> str:
    """What a build tool reads to know when a header is out of date, in the language of make.

    Args:
        header: what depends on the files.
        model: what the command line was given: a file, with its external data; a folder, with all that is in it; FILE.py:ATTRIBUTE.
    """
    path = Path(model)
    if not path.exists():
        path = Path(model.rpartition(":")[0] or model)
    files = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
    if path.suffix == ".onnx":
        tensors = [t for graph in all_graphs(onnx.load(path, load_external_data=False).graph) for t in graph.initializer]
        outside = {external_data_helper.ExternalDataInfo(t).location for t in tensors if t.data_location == onnx.TensorProto.EXTERNAL}
        files += [path.parent / name for name in sorted(outside)]
    return f"{_escaped(header)}: " + " \\\n  ".join(_escaped(file.resolve()) for file in files) + "\n"


def _escaped(path: Path) -> str:
    return path.as_posix().replace("$", "$$").replace(" ", "\\ ").replace("#", "\\#")
