"""The weights file: a safetensors container whose arrays lie packed for the kernels, each at a multiple of 64 bytes."""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from onnx_bridge.emit.checksum import checksum
from onnx_bridge.ir import dtypes

ALIGNMENT = 64


@dataclass(frozen=True)
class WeightsImage:
    """A weights file in memory, and what the header must know of it.

    Attributes:
        data: the whole file.
        header_bytes: where the payload begins, a multiple of 64.
        offsets: where each array begins within the payload.
        header_hash, payload_hash: checksums of the two parts (`checksum`).
    """

    data: bytes
    header_bytes: int
    offsets: dict[str, int]
    header_hash: int
    payload_hash: int

    @property
    def payload_bytes(self) -> int:
        return len(self.data) - self.header_bytes


def weights_image(name: str, arrays: Mapping[str, np.ndarray]) -> WeightsImage:
    """Lays out the weights file of the model `name`.

    The arrays keep their packed shapes. Gaps are not allowed between the tensors of a safetensors file, so what aligns
    the next array belongs to a `pad` tensor of its own.
    """
    table: dict[str, object] = {}
    offsets: dict[str, int] = {}
    parts: list[bytes] = []
    at = 0
    for key, array in arrays.items():
        raw = np.ascontiguousarray(array.astype(array.dtype.newbyteorder("<"), copy=False)).tobytes()
        offsets[key] = at
        table[key] = {"dtype": dtypes.of(array).safetensors, "shape": list(array.shape), "data_offsets": [at, at + len(raw)]}
        at += len(raw)
        parts.append(raw)
        gap = -at % ALIGNMENT
        if gap:
            table[f"pad.{at}"] = {"dtype": "U8", "shape": [gap], "data_offsets": [at, at + gap]}
            at += gap
            parts.append(bytes(gap))
    payload = b"".join(parts)
    metadata = {"format": "onnx_bridge", "model": name, "sha256": hashlib.sha256(payload).hexdigest()}
    header = json.dumps({"__metadata__": metadata, **table}, separators=(",", ":")).encode()
    header += b" " * (-(len(header) + 8) % ALIGNMENT)
    head = struct.pack("<Q", len(header)) + header
    return WeightsImage(head + payload, len(head), offsets, checksum(head), checksum(payload))
