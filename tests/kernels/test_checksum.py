"""The checksum of emit/checksum.py: the values that weights_file_test.cpp asks of C++, and its definition word by word."""

from __future__ import annotations

import numpy as np
import pytest

from onnx_bridge.emit.checksum import checksum

PATTERN = (np.arange(800_000) % 251).astype(np.uint8)


def defined(data: bytes) -> int:
    """The same sum in Python's own integers."""
    last = 2**64 - 1
    total = key = 0
    for i in range(0, len(data), 8):
        key = (key + 0x9E3779B97F4A7C15) & last
        word = int.from_bytes(data[i : i + 8], "little") ^ key
        word = (word ^ word >> 32) * 0xBF58476D1CE4E5B9 & last
        word = (word ^ word >> 29) * 0x94D049BB133111EB & last
        total += word ^ word >> 32
    return total & last


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", 0),
        (bytes(64), 0x15428D86ED422068),
        (PATTERN[:64000], 0xD7FC57E26F429B06),
        (PATTERN, 0x4A272ACD0BF21606),
        (PATTERN.view(np.float32).reshape(-1, 8), 0x4A272ACD0BF21606),
        (PATTERN.tobytes(), 0x4A272ACD0BF21606),
    ],
)
def test_values_that_the_header_computes_too(data: bytes | np.ndarray, expected: int) -> None:
    assert checksum(data) == expected


@pytest.mark.parametrize("words", [1, 7, 8, (1 << 14) - 1, 1 << 14, (1 << 14) + 1, (1 << 15) + 3])
def test_definition_across_chunks(words: int) -> None:
    data = np.random.default_rng(words).bytes(8 * words)

    assert checksum(data) == defined(data)


def test_refuses_what_it_cannot_sum() -> None:
    with pytest.raises(ValueError, match="multiple of 8 bytes, got 7"):
        checksum(bytes(7))
    with pytest.raises(ValueError, match="C-contiguous"):
        checksum(np.zeros((4, 4))[:, ::2])
