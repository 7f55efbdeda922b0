"""The weights file: a safetensors container whose arrays lie packed for the kernels, each at a multiple of 64 bytes."""

from __future__ import annotations

import hashlib
import io
import json
import struct
from dataclasses import dataclass
from typing import IO, Any

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
        head, payload: its two parts; each is a multiple of 64 bytes.
        arrays: what it holds, by C++ name.
        header_hash, payload_hash: checksums of the two parts (`checksum`).
    """

    head: bytes
    payload: bytes
    arrays: dict[str, Packed]
    header_hash: int
    payload_hash: int

    @property
    def data(self) -> bytes:
        """The whole file, in a copy."""
        return self.head + self.payload

    @property
    def bytes(self) -> int:
        """How long the file is."""
        return len(self.head) + len(self.payload)

    @property
    def header_bytes(self) -> int:
        """Where the payload begins."""
        return len(self.head)

    @property
    def payload_bytes(self) -> int:
        return len(self.payload)

    def write(self, file: IO[Any]) -> None:
        """Writes the file, without a copy in memory."""
        file.write(self.head)
        file.write(self.payload)


class Packing:
    """A weights file that grows array by array, so that packed weights are in memory once and not twice.

    The arrays keep their packed shapes. Gaps are not allowed between the tensors of a safetensors file, so what aligns
    the next array belongs to a `pad` tensor of its own.
    """

    def __init__(self) -> None:
        self._arrays: dict[str, Packed] = {}
        self._table: dict[str, object] = {}
        self._payload = io.BytesIO()

    def add(self, name: str, array: np.ndarray) -> None:
        """Copies an array to the end of the file."""
        at = self._payload.tell()
        dtype = dtypes.of(array)
        self._arrays[name] = Packed(dtype, array.shape, at)
        self._table[name] = {"dtype": dtype.safetensors, "shape": list(array.shape), "data_offsets": [at, at + array.nbytes]}
        little = np.ascontiguousarray(array.astype(array.dtype.newbyteorder("<"), copy=False))
        self._payload.write(little.reshape(-1).view(np.uint8).data)
        end = self._payload.tell()
        gap = -end % ALIGNMENT
        if gap:
            self._table[f"pad.{end}"] = {"dtype": "U8", "shape": [gap], "data_offsets": [end, end + gap]}
            self._payload.write(bytes(gap))

    def image(self, name: str) -> WeightsImage:
        """The file of the model `name`."""
        payload = self._payload.getvalue()  # shares the buffer
        metadata = {"format": "onnx_bridge", "model": name, "sha256": hashlib.sha256(payload).hexdigest()}
        header = json.dumps({"__metadata__": metadata, **self._table}, separators=(",", ":")).encode()
        header += b" " * (-(len(header) + 8) % ALIGNMENT)
        head = struct.pack("<Q", len(header)) + header
        return WeightsImage(head, payload, self._arrays, checksum(head), checksum(payload))
