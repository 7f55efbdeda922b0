"""The checksum that a weights file is known by, as the generated header computes it (kernels/weights_file.hxx)."""

from __future__ import annotations

import numpy as np

_STEP = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
_CHUNK = 1 << 14  # words at a time: two buffers of 128 KiB stay in the cache


def checksum(data: bytes | bytearray | memoryview | np.ndarray) -> int:
    """The sum, modulo 2**64, of a mix of each 64-bit little-endian word with its place.

    A change within one word always shows; swapped words or a range of zeros escape one time in 2**64.

    Args:
        data: the bytes, or a C-contiguous array of any dtype; the number of bytes must be a multiple of 8.

    Returns:
        An integer below 2**64; 0 for no bytes.

    Raises:
        ValueError: the number of bytes is not a multiple of 8, or the array is not contiguous.
    """
    if isinstance(data, np.ndarray):
        if not data.flags.c_contiguous:
            raise ValueError("checksum needs a C-contiguous array")
        data = data.reshape(-1).view(np.uint8)
    raw = np.frombuffer(data, np.uint8)
    if raw.size % 8:
        raise ValueError(f"checksum needs a multiple of 8 bytes, got {raw.size}")
    words = raw.view("<u8")
    places = np.arange(1, min(_CHUNK, words.size) + 1, dtype=np.uint64) * _STEP
    mixed, shifted = np.empty_like(places), np.empty_like(places)
    total = 0
    for begin in range(0, words.size, _CHUNK):
        chunk = words[begin : begin + _CHUNK]
        mix, shift = mixed[: chunk.size], shifted[: chunk.size]
        np.add(places[: chunk.size], np.uint64(begin * int(_STEP) % 2**64), out=mix)
        np.bitwise_xor(mix, chunk, out=mix)
        for bits, factor in ((32, _FIRST), (29, _SECOND)):
            np.right_shift(mix, np.uint64(bits), out=shift)
            np.bitwise_xor(mix, shift, out=mix)
            np.multiply(mix, factor, out=mix)
        np.right_shift(mix, np.uint64(32), out=shift)
        np.bitwise_xor(mix, shift, out=mix)
        total += int(mix.sum(dtype=np.uint64))
    return total % 2**64
