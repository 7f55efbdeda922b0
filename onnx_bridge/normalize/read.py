"""Reading a model that nobody vouches for: from a path, bytes, or a ModelProto."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import google.protobuf.message
import onnx
from onnx import checker, external_data_helper, numpy_helper

from onnx_bridge.errors import Finding, InvalidModel, UnsupportedModel
from onnx_bridge.graphs import all_graphs, without_weights
from onnx_bridge.normalize.formats import described, described_folder, described_object
from onnx_bridge.normalize.order import in_order, sort_nodes
from onnx_bridge.normalize.seeds import give_seeds


@dataclass(frozen=True)
class Source:
    """A model as it was given but for seeds that it lacks, which is what the oracle runs, and where it came from.

    Attributes:
        model: the model, with external data loaded.
        file: the name of its file, or of the graph.
        sha256: of the file, or of the serialised model.
    """

    model: onnx.ModelProto
    file: str
    sha256: str

    @property
    def inputs(self) -> list[onnx.ValueInfoProto]:
        """What a caller gives: the inputs without those that have a value in the file."""
        values = {tensor.name for tensor in self.model.graph.initializer}
        return [value for value in self.model.graph.input if value.name not in values]

    @property
    def opsets(self) -> str:
        """The opsets, as the banner shows them."""
        return ", ".join(f"{imported.domain or 'ai.onnx'} {imported.version}" for imported in self.model.opset_import)


def read(model: str | Path | bytes | onnx.ModelProto) -> Source:
    """Reads a model and checks it.

    Raises:
        InvalidModel: there is no such file, it is not ONNX, it has no outputs, external data leaves the model's folder or is missing, an
            initializer contradicts the input that it is the default of, or onnx's checker finds fault.
        UnsupportedModel: its opset is newer than the installed onnx knows.
    """
    folder: Path | None = None
    if isinstance(model, onnx.ModelProto):
        proto, name = onnx.ModelProto(), model.graph.name or "model"
        proto.CopyFrom(model)
        sha256 = _hash(proto.SerializeToString(deterministic=True) if proto.ByteSize() < 1 << 31 else b"")
    elif isinstance(model, bytes):
        proto = _parse(model, "the bytes given", "")
        name, sha256 = proto.graph.name or "model", _hash(model)
    elif isinstance(model, (str, Path)):
        path = Path(model)
        try:
            if path.is_dir():
                raise InvalidModel(f"{str(path)!r} {described_folder(path)}")
            raw = path.read_bytes()
        except OSError as error:
            raise InvalidModel(f"cannot read the model {str(path)!r}: {error.strerror or error}") from None
        proto, name, folder = _parse(raw, repr(str(path)), path.name), path.name, path.resolve().parent
        sha256 = _hash(raw)
        del raw  # as large as the model
    else:
        raise InvalidModel(f"a model is a path, bytes or an onnx.ModelProto, not {type(model).__name__}{described_object(model)}")
    _load_external_data(proto, folder, name)
    _check_opsets(proto, name)
    _check(proto, name)
    _check_defaults(proto.graph, name)
    if not proto.graph.output:
        raise InvalidModel(f"{name}: the graph has no outputs, so there is nothing to compute")
    give_seeds(proto)
    return Source(proto, name, sha256)


def _hash(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


def _parse(raw: bytes, what: str, name: str) -> onnx.ModelProto:
    if not raw:
        raise InvalidModel(f"{what}: is empty, not an ONNX model")
    proto, fault = onnx.ModelProto(), ""
    try:
        proto.ParseFromString(raw)
    except google.protobuf.message.DecodeError as error:
        fault = str(error)
    if not fault and not proto.HasField("graph"):
        fault = "it has no graph"
    if not fault and not proto.opset_import and proto.ir_version >= 3:
        fault = "it has no opset"
    if fault:
        known = described(raw, name)
        raise InvalidModel(f"{what}: is not an ONNX model, or is truncated ({fault})" if known is None else f"{what} {known}")
    for text in _texts(proto):
        if not isinstance(text, str):
            raise InvalidModel(f"{what}: is not an ONNX model, or is damaged (the name {text!r} is not UTF-8)")
    return proto


def _texts(model: onnx.ModelProto) -> Iterator[object]:
    """Every name in a model; protobuf hands out those that are not UTF-8 as bytes."""
    yield from (imported.domain for imported in model.opset_import)
    for graph in all_graphs(model.graph):
        yield graph.name
        for value in (*graph.input, *graph.output, *graph.value_info):
            yield value.name
            yield from (dim.dim_param for dim in value.type.tensor_type.shape.dim)
        for tensor in graph.initializer:
            yield tensor.name
            yield from (entry.value for entry in tensor.external_data)
        for node in graph.node:
            yield from (node.name, node.op_type, node.domain, *node.input, *node.output, *(a.name for a in node.attribute))


def _load_external_data(model: onnx.ModelProto, folder: Path | None, name: str) -> None:
    """Loads tensors that lie in other files, none of which may be outside the model's folder."""
    for graph in all_graphs(model.graph):
        tensors = [*graph.initializer, *(a.t for node in graph.node for a in node.attribute if a.type == onnx.AttributeProto.TENSOR)]
        for tensor in tensors:
            if tensor.data_location != onnx.TensorProto.EXTERNAL:
                continue
            info = external_data_helper.ExternalDataInfo(tensor)
            where = f"{name}: external data of {tensor.name!r} in {info.location!r}"
            if folder is None:
                raise InvalidModel(f"{where}: a model that is not a file has no folder to look in; load it with onnx.load first")
            target = (folder / info.location).resolve()
            if Path(info.location).is_absolute() or not target.is_relative_to(folder):
                raise InvalidModel(f"{where}: the path leaves the model's folder")
            if not target.is_file():
                raise InvalidModel(f"{where}: there is no such file")
            expected = _raw_bytes(tensor)
            offset, length = info.offset or 0, info.length or expected
            if offset < 0 or length != expected or offset + length > target.stat().st_size:
                raise InvalidModel(
                    f"{where}: {length} bytes at {offset} asked for, {expected} needed, the file has {target.stat().st_size}"
                )
            with target.open("rb") as file:
                file.seek(offset)
                tensor.raw_data = file.read(length)
            tensor.data_location = onnx.TensorProto.DEFAULT
            del tensor.external_data[:]


#: Bits of an element in raw data, where numpy's type has others: an onnx before 1.19 has wider ones for short floats, too.
_BITS = {
    **dict.fromkeys(("UINT2", "INT2"), 2), **dict.fromkeys(("UINT4", "INT4", "FLOAT4E2M1"), 4), "BFLOAT16": 16,
    **dict.fromkeys(("FLOAT8E4M3FN", "FLOAT8E4M3FNUZ", "FLOAT8E5M2", "FLOAT8E5M2FNUZ", "FLOAT8E8M0"), 8),
}  # fmt: skip


def _raw_bytes(tensor: onnx.TensorProto) -> int:
    """How many bytes of raw data a tensor has.

    Raises:
        InvalidModel: it has a negative size, or a type that ONNX has not.
    """
    if min(tensor.dims, default=0) < 0:
        raise InvalidModel(f"tensor {tensor.name!r} has the negative size {min(tensor.dims)}")
    try:
        known = _BITS.get(onnx.TensorProto.DataType.Name(tensor.data_type))
        bits = known or 8 * int(onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize)
    except (KeyError, ValueError):
        raise InvalidModel(f"tensor {tensor.name!r} has the unknown type {tensor.data_type}") from None
    count: int = math.prod(tensor.dims)
    return -(-count * bits // 8)


#: Bytes of a tensor that the checker is not shown.
_MUCH = 1024

#: What onnx's checker may say without the model being refused: outputs need no types, and the lowering lists the rest itself.
_LEFT_TO_LOWERING = (
    "No Op registered",
    "No opset import for domain",
    "IR version",
    "deprecated",
    "Unrecognized type",
    "Field 'type' of 'value_info'",
    "Field 'shape' of 'type'",
)


def _check(model: onnx.ModelProto, name: str) -> None:
    """onnx's own checker; what it says of unknown operators and versions is left to the lowering, which lists all of them."""
    for graph in all_graphs(model.graph):
        attributes = (attribute.t for node in graph.node for attribute in node.attribute if attribute.HasField("t"))
        for tensor in (*graph.initializer, *attributes):
            _check_tensor(tensor, name)
    try:
        checker.check_model(_light(model))
    except checker.ValidationError as error:
        text = str(error).strip()
        if not any(harmless in text for harmless in _LEFT_TO_LOWERING):
            # The nodes are in order by now: what the checker takes for a matter of order is that nothing makes a tensor.
            unmade = re.search(r"topologically sorted, however input '(.*?)' of node", text)
            cause = f"{unmade[1]!r} is read, but is neither an input, nor an initializer, nor what a node makes; " if unmade else ""
            raise InvalidModel(f"{name}: {cause}onnx's checker finds: {' '.join(text.split())}") from None
    except ValueError as error:  # models of 2 GiB and more cannot be serialised for the checker
        if "2GB" not in str(error) and "2GiB" not in str(error):
            raise InvalidModel(f"{name}: {error}") from None


def _check_opsets(model: onnx.ModelProto, name: str) -> None:
    """Refuses opsets that the installed onnx has no schemas for: what their operators mean nobody here can know."""
    newest = {domain: versions[1] for domain, versions in onnx.defs.C.schema_version_map().items()}
    used = {node.domain for graph in all_graphs(model.graph) for node in graph.node}
    used |= {node.domain for function in model.functions for node in function.node}
    used |= {""} if "ai.onnx" in used else set()
    for entry in model.opset_import:
        domain = "" if entry.domain == "ai.onnx" else entry.domain
        if domain in used and entry.version > newest.get(domain, entry.version):
            known = f"the newest that onnx {onnx.__version__} defines is {newest[domain]}"
            what = f"{name} is of opset {entry.version} of {domain or 'ai.onnx'}; {known}"
            raise UnsupportedModel([Finding("", "opset", what, "install a newer onnx, or export the model in an older opset")])


def _check_defaults(graph: onnx.GraphProto, name: str) -> None:
    """An initializer that is the default of an input has its type and its shape, as onnxruntime insists."""
    inputs = {value.name: value.type.tensor_type for value in graph.input}
    for tensor in graph.initializer:
        declared = inputs.get(tensor.name)
        if declared is None:
            continue
        sizes = [dim.dim_value if dim.HasField("dim_value") and dim.dim_value >= 0 else None for dim in declared.shape.dim]
        fits = len(sizes) == len(tensor.dims) and all(size in (None, found) for size, found in zip(sizes, tensor.dims, strict=True))
        if declared.HasField("shape") and not fits:
            said = ", ".join("?" if size is None else str(size) for size in sizes)
            raise InvalidModel(
                f"{name}: the input {tensor.name!r} is declared [{said}], the initializer that is its default is {list(tensor.dims)}"
            )
        if declared.elem_type not in (0, tensor.data_type):
            names = {code: kind for kind, code in onnx.TensorProto.DataType.items()}
            said, kind = (names.get(code, str(code)) for code in (declared.elem_type, tensor.data_type))
            raise InvalidModel(f"{name}: the input {tensor.name!r} is declared {said}, the initializer that is its default is {kind}")


def _light(model: onnx.ModelProto) -> onnx.ModelProto:
    """A model for the checker: its nodes in order, and one number in the place of many, which it would copy twice and not look at.

    The oracle gets the model as it was given, and sorts on its own.
    """
    light = without_weights(model)
    for tensor in model.graph.initializer:
        if tensor.HasField("raw_data") and len(tensor.raw_data) > _MUCH and tensor.data_type != onnx.TensorProto.STRING:
            size = len(tensor.raw_data) // math.prod(tensor.dims) or 1
            light.graph.initializer.add(name=tensor.name, data_type=tensor.data_type, dims=[1], raw_data=bytes(size))
        else:
            light.graph.initializer.append(tensor)
    light.ir_version = max(light.ir_version, 4)  # before, initializers had to be inputs; onnxruntime writes others, and reads them
    if not in_order(light):
        sort_nodes(light)
    return light


def _check_tensor(tensor: onnx.TensorProto, name: str) -> None:
    """Its type is one of ONNX's, its sizes are sizes, and it holds as many numbers as they say."""
    what = f"{name}: tensor {tensor.name!r} of shape {list(tensor.dims)}"
    if tensor.data_type not in onnx.TensorProto.DataType.values() or tensor.data_type == onnx.TensorProto.UNDEFINED:
        raise InvalidModel(f"{what} has the element type {tensor.data_type}, which ONNX has not")
    if min(tensor.dims, default=0) < 0:
        raise InvalidModel(f"{what} has a negative size")
    if not tensor.HasField("raw_data") or tensor.data_type == onnx.TensorProto.STRING:  # strings are never raw
        try:
            numpy_helper.to_array(tensor)
        except (ValueError, TypeError, KeyError, OverflowError, MemoryError, checker.ValidationError) as error:
            raise InvalidModel(f"{what} cannot be read: {error}") from None
        return
    if len(tensor.raw_data) != _raw_bytes(tensor):
        raise InvalidModel(f"{what} has {len(tensor.raw_data)} bytes")
