"""onnxruntime in a process of its own: what that process does."""

from __future__ import annotations

import ctypes
import re
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import helper

from onnx_bridge.references.sequences import answered, given_as

#: Types that numpy lacks: how onnxruntime spells them, as ONNX numbers them, and elements in a byte of its memory.
_FOREIGN = {"bfloat16": (16, 0), "float8e4m3fn": (17, 1), "float8e4m3fnuz": (18, 1), "float8e5m2": (19, 1), "float8e5m2fnuz": (20, 1)} | {
    "uint4": (21, 2), "int4": (22, 2), "float4e2m1": (23, 2), "float8e8m0": (24, 1), "uint2": (25, 4), "int2": (26, 4),
}  # fmt: skip


class OnnxRuntime:
    """Sessions by name: opened, and run; see `Sessions`."""

    def __init__(self) -> None:
        self._sessions: dict[str, Any] = {}
        self._labels: dict[str, dict[str, list[Any]]] = {}

    def answer(self, message: dict[str, Any]) -> dict[str, Any]:
        """The names of a session's outputs, or the outputs."""
        if "open" in message:
            opened = self._sessions[message["open"]] = session(message["model"], message["optimised"])
            self._labels[message["open"]] = _labels(opened, message["model"])
            return {"outputs": [output.name for output in opened.get_outputs()], "version": onnxruntime.__version__}
        return {"outputs": _run(self._sessions[message["run"]], message["feeds"], self._labels[message["run"]])}


def session(model: str | bytes, optimised: bool = True) -> onnxruntime.InferenceSession:
    """A session on a model or its file: one thread, without a word.

    Without VNNI onnxruntime cuts sums of products of bytes to 16 bits, unless it is asked for exact ones. Some models it cannot load
    then: a QLinearConv of int8 by int8, whose sums are exact anyway, or one in a Scan.
    """
    try:
        return _session(model, optimised, exact="1")
    except Exception:  # its errors have no common class but this
        return _session(model, optimised, exact="0")


def _session(model: str | bytes, optimised: bool, exact: str) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.x64quantprecision", exact)
    if not optimised:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def _labels(session: Any, model: str) -> dict[str, list[Any]]:
    """Of outputs that are lists of maps, the keys in the order of the columns that they were made of: those of the ZipMap."""
    if not any(output.type.startswith("seq(map(") for output in session.get_outputs()):
        return {}
    nodes = [node for node in onnx.load(model, load_external_data=False).graph.node if node.op_type == "ZipMap"]
    return {
        node.output[0]: next((list(helper.get_attribute_value(a)) for a in node.attribute if a.name.startswith("classlabels_")), [])
        for node in nodes
    }


def _matrix(maps: list[dict[Any, float]], labels: list[Any]) -> np.ndarray:
    """A list of maps as a matrix, a row a map, a column a label."""
    keys = [label.decode("utf-8", "replace") if isinstance(label, bytes) else label for label in labels]
    return np.array([[row[key] for key in keys] for row in maps], np.float32).reshape(len(maps), len(keys))


def _run(session: Any, feeds: dict[str, np.ndarray], labels: dict[str, list[Any]]) -> list[np.ndarray]:
    """The outputs. Types that numpy lacks go to and fro as the memory that they are, lists of maps are matrices."""
    ends = [*session.get_inputs(), *session.get_outputs()]
    kinds = {end.name: kind for end in ends if (kind := _foreign(end.type)) is not None}
    if not kinds:
        named = {entry.name: entry.type for entry in session.get_inputs()}
        fed = given_as(feeds, named) if named.keys() - feeds.keys() else feeds
        outputs = session.get_outputs()
        made = session.run(None, fed)
        plain = [_matrix(v, labels[o.name]) if o.name in labels else v for v, o in zip(made, outputs, strict=True)]
        return answered(plain, ["tensor(float)" if output.name in labels else output.type for output in outputs])
    given = {name: _handed_over(array, *kinds[name]) if name in kinds else _plain(array) for name, array in feeds.items()}
    names = [output.name for output in session.get_outputs()]
    made = session.run_with_ort_values(names, given)
    return [_taken(value, *kinds[name]) if name in kinds else np.asarray(value.numpy()) for name, value in zip(names, made, strict=True)]


def _foreign(type_: str) -> tuple[int, int] | None:
    """What _FOREIGN has of the elements of an input or output."""
    found = re.fullmatch(r"tensor\((\w+)\)", type_)
    return _FOREIGN.get(found[1]) if found else None


def _plain(array: np.ndarray) -> Any:
    return onnxruntime.OrtValue.ortvalue_from_numpy(array)


def _handed_over(array: np.ndarray, code: int, packing: int) -> Any:
    """An array of a type that numpy lacks, as onnxruntime's own. Elements of less than a byte are packed, in memory for one byte each."""
    codes: np.ndarray = np.ascontiguousarray(array).view(np.uint8 if packing else np.uint16)
    if packing > 1:
        width = 8 // packing
        flat = np.zeros(-(-codes.size // packing) * packing, np.uint8)
        flat[: codes.size] = codes.reshape(-1) & ((1 << width) - 1)
        packed = np.bitwise_or.reduce(flat.reshape(-1, packing) << (width * np.arange(packing, dtype=np.uint8)), 1, dtype=np.uint8)
        codes = np.concatenate([packed, np.zeros(codes.size - packed.size, np.uint8)]).reshape(codes.shape)
    return onnxruntime.OrtValue.ortvalue_from_numpy_with_onnx_type(codes, code)


def _taken(value: Any, code: int, packing: int) -> np.ndarray:
    """A value of onnxruntime as an array of a type that numpy lacks."""
    shape = value.shape()
    count = int(np.prod(shape, dtype=np.int64))
    wanted = helper.tensor_dtype_to_np_dtype(code)
    bytes_ = -(-count // packing) if packing else 2 * count
    memory: np.ndarray = np.frombuffer(ctypes.string_at(value.data_ptr(), bytes_) if count else b"", np.uint8)
    if packing > 1:
        shifts = np.arange(packing, dtype=np.uint8) * (8 // packing)
        parts: np.ndarray = np.right_shift.outer(memory, shifts) % (1 << 8 // packing)
        memory = parts.astype(np.uint8).reshape(-1)[:count]
    return memory.view(wanted).reshape(shape)
