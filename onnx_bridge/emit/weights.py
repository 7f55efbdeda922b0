"""The weights file: a safetensors container whose arrays lie packed for the kernels, each at a multiple of 64 bytes."""

from __future__ import annotations

import hashlib
import io
import json
import struct
from collections.abc import MutableMapping
from dataclasses import dataclass

import numpy as np

from onnx_bridge.emit.checksum import checksum
from onnx_bridge.ir import dtypes
from onnx_bridge.ir.dtypes import DType

ALIGNMENT = 64


@dataclass(frozen=True)
class Packed:
    """An array of the weights file: its element type, its shape, and where it begins within the payload."""

    dtype: DType
    shape: tuple[int, ...]
    offset: int


@dataclass(frozen=True)
class WeightsImage:
    """A weights file in memory, and what the header must know of it.

    Attributes:
        data: the whole file.
        header_bytes: where the payload begins, a multiple of 64.
        arrays: what it holds, by C++ name.
        header_hash, payload_hash: checksums of the two parts (`checksum`).
    """

    data: bytes
    header_bytes: int
    arrays: dict[str, Packed]
    header_hash: int
    payload_hash: int

    @property
    def payload_bytes(self) -> int:
        return len(self.data) - self.header_bytes


def weights_image(name: str, arrays: MutableMapping[str, np.ndarray]) -> WeightsImage:
    """Lays out the weights file of the model `name`.

    The arrays keep their packed shapes. Gaps are not allowed between the tensors of a safetensors file, so what aligns
    the next array belongs to a `pad` tensor of its own.

    The arrays are taken out of `arrays` as they are copied, so that the weights are in memory once and not twice.
    """
    table: dict[str, object] = {}
    packed: dict[str, Packed] = {}
    at = 0
    for key, array in arrays.items():
        dtype = dtypes.of(array)
        packed[key] = Packed(dtype, array.shape, at)
        table[key] = {"dtype": dtype.safetensors, "shape": list(array.shape), "data_offsets": [at, at + array.nbytes]}
        at += array.nbytes
        gap = -at % ALIGNMENT
        if gap:
            table[f"pad.{at}"] = {"dtype": "U8", "shape": [gap], "data_offsets": [at, at + gap]}
            at += gap
    head = _head(name, table, "0" * 64)
    file = io.BytesIO()
    file.write(head)
    for key in packed:
        array = arrays.pop(key)
        file.write(np.ascontiguousarray(array.astype(array.dtype.newbyteorder("<"), copy=False)).reshape(-1).view(np.uint8).data)
        file.write(bytes(-array.nbytes % ALIGNMENT))
    with file.getbuffer() as whole, whole[len(head) :] as payload:
        payload_hash = checksum(payload)
        head = _head(name, table, hashlib.sha256(payload).hexdigest())
        whole[: len(head)] = head
    return WeightsImage(file.getvalue(), len(head), packed, checksum(head), payload_hash)


def _head(name: str, table: dict[str, object], sha256: str) -> bytes:
    """What stands before the payload; of the same length whatever the hash is."""
    metadata = {"format": "onnx_bridge", "model": name, "sha256": sha256}
    header = json.dumps({"__metadata__": metadata, **table}, separators=(",", ":")).encode()
    header += b" " * (-(len(header) + 8) % ALIGNMENT)
    return struct.pack("<Q", len(header)) + header
