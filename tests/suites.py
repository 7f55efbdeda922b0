"""The cases of `onnx.backend.test` that come with onnx: what they are, and how answers are compared."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

#: Tolerances of floats, where a case's own are not wider. Everything else is compared exactly.
RTOL, ATOL = 1e-3, 1e-5

#: Folders of onnx.backend.test whose cases are complete on disk.
FOLDERS = ("simple", "pytorch-converted", "pytorch-operator")


@dataclass(frozen=True)
class SuiteCase:
    """A case: a model, and outputs for inputs.

    Attributes:
        name: as onnx spells it.
        kind: "node", "model", or the folder that it is in.
        read: gives the model and the sets of (inputs, outputs) by position; what is large is read only here.
        rtol, atol: tolerances of floats.
    """

    name: str
    kind: str
    read: Callable[[], tuple[onnx.ModelProto, list[tuple[list[Any], list[Any]]]]]
    rtol: float = RTOL
    atol: float = ATOL


def array(value: Any) -> Any:
    """What a data set holds as what a call takes and gives: arrays, lists of them, or None."""
    if isinstance(value, onnx.TensorProto):
        return numpy_helper.to_array(value)
    if isinstance(value, onnx.SequenceProto):
        return [array(v) for v in numpy_helper.to_list(value)]
    if isinstance(value, onnx.OptionalProto):
        return array(numpy_helper.to_optional(value))
    if isinstance(value, (list, tuple)):
        return [array(v) for v in value]
    return value


def low_bits(x: Any, wanted: Any) -> Any:
    """What a case of Cast from floats to integers of four and two bits is to give: the low bits of the whole number, as of onnxruntime.

    ONNX leaves open what comes of a number beyond the type. The cases have what ml_dtypes makes of it: low bits up to 0.6, 0 since 0.7.
    """
    narrow = getattr(getattr(wanted, "dtype", None), "name", "") in ("int4", "uint4", "int2", "uint2")
    return x.astype(np.float32).astype(np.int32).astype(wanted.dtype) if narrow else wanted


def node_cases() -> list[SuiteCase]:
    """The cases of single operators, and the small models, that onnx makes in Python."""
    from onnx.backend.test.case import model as models
    from onnx.backend.test.case import node as nodes

    with np.errstate(all="ignore"):
        found = [("node", case) for case in nodes.collect_testcases(None)]
        found += [("model", case) for case in models.collect_testcases() if case.model is not None]

    def made(case: Any) -> tuple[onnx.ModelProto, list[tuple[list[Any], list[Any]]]]:
        sets = [([array(v) for v in inputs], [array(v) for v in outputs]) for inputs, outputs in case.data_sets]
        if case.name.startswith("test_cast"):
            sets = [(inputs, [low_bits(inputs[0], wanted) for wanted in outputs]) for inputs, outputs in sets]
        return case.model, sets

    return [
        SuiteCase(case.name, kind, functools.partial(made, case), max(RTOL, case.rtol or 0), max(ATOL, case.atol or 0))
        for kind, case in sorted(found, key=lambda pair: pair[1].name)
    ]


def _proto(file: Path, described: onnx.ValueInfoProto) -> Any:
    """What a file of a data set holds."""
    kind = described.type.WhichOneof("value")
    proto = {"sequence_type": onnx.SequenceProto, "optional_type": onnx.OptionalProto}.get(kind or "", onnx.TensorProto)()
    proto.ParseFromString(file.read_bytes())
    return array(proto)


def _folder(folder: Path) -> tuple[onnx.ModelProto, list[tuple[list[Any], list[Any]]]]:
    """A case on disk."""
    model = onnx.load(folder / "model.onnx")
    constant = {i.name for i in model.graph.initializer}
    inputs = [i for i in model.graph.input if i.name not in constant]
    sets = []
    for data in sorted(folder.glob("test_data_set*")):
        sets.append((_files(data, "input", inputs), _files(data, "output", model.graph.output)))
    return model, sets


def _files(data: Path, word: str, values: Iterable[onnx.ValueInfoProto]) -> list[Any]:
    """A data set's inputs, or outputs, as far as there are files."""
    files = [(data / f"{word}_{i}.pb", value) for i, value in enumerate(values)]
    return [_proto(file, value) for file, value in files if file.exists()]


def folder_cases() -> list[SuiteCase]:
    """The cases that come as files."""
    import onnx.backend.test as package

    data = Path(package.__file__).parent / "data"
    folders = [(kind, folder) for kind in FOLDERS for folder in sorted((data / kind).iterdir()) if (folder / "model.onnx").exists()]
    return [SuiteCase(folder.name, kind, functools.partial(_folder, folder)) for kind, folder in folders]


def light_cases() -> list[SuiteCase]:
    """The networks that come without weights: convolutional nets of the model zoo."""
    import onnx.backend.test as package

    def read(file: Path) -> tuple[onnx.ModelProto, list[tuple[list[Any], list[Any]]]]:
        model = onnx.load(file)
        constant = {i.name for i in model.graph.initializer}
        inputs = []
        for value in (v for v in model.graph.input if v.name not in constant):  # as onnx's runner makes them
            shape = [dim.dim_value or 1 for dim in value.type.tensor_type.shape.dim]
            inputs.append((np.arange(math.prod(shape)).reshape(shape) / math.prod(shape)).astype(np.float32))
        outputs = [_proto(file.with_name(f"{file.stem}_output_0.pb"), model.graph.output[0])]
        return model, [(inputs, outputs)]

    files = sorted((Path(package.__file__).parent / "data" / "light").glob("*.onnx"))
    return [SuiteCase(f"test_{file.stem}", "light", functools.partial(read, file)) for file in files]


def named(model: onnx.ModelProto, inputs: Sequence[Any]) -> dict[str, Any]:
    """A data set's inputs by name."""
    constant = {i.name for i in model.graph.initializer}
    return dict(zip([i.name for i in model.graph.input if i.name not in constant], inputs, strict=False))


def difference(got: Any, want: Any, rtol: float, atol: float) -> str:
    """How an answer differs from the one that is wanted; nothing, if it does not."""
    if want is None or got is None:
        return "" if want is got else f"{got!r} in place of {want!r}"
    if isinstance(want, list):
        if not isinstance(got, (list, tuple)) or len(got) != len(want):
            return f"{len(got) if isinstance(got, (list, tuple)) else type(got).__name__} in place of {len(want)} tensors"
        return next((found for g, w in zip(got, want, strict=True) if (found := difference(g, w, rtol, atol))), "")
    got, want = np.asarray(got), np.asarray(want)
    if got.shape != want.shape:
        return f"shape {got.shape} in place of {want.shape}"
    if want.dtype.kind in "OUST" or got.dtype.kind in "OUST":
        return "" if [str(v) for v in got.ravel()] == [str(v) for v in want.ravel()] else "other strings"
    if got.dtype != want.dtype:
        return f"type {got.dtype} in place of {want.dtype}"
    if want.dtype.kind in "biu":
        return "" if np.array_equal(got, want) else f"{int((got != want).sum())} of {want.size} elements differ"
    if want.dtype.kind == "c":
        got, want = got.view(got.real.dtype), want.view(want.real.dtype)
    # Two units in the last place, as onnx's own comparison allows bfloat16: cases round behind other operators than their expanded forms.
    rtol = max(rtol, {"bfloat16": 2**-6, "float16": 2**-9}.get(want.dtype.name, 0))
    got, want = got.astype(np.float64), want.astype(np.float64)
    close = np.isclose(got, want, rtol=rtol, atol=atol, equal_nan=True)
    return "" if close.all() else f"{int((~close).sum())} of {want.size} elements differ, by up to {np.nanmax(np.abs(got - want)):.3g}"
