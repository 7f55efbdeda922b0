"""fourier.hxx: what transforms need beside their inputs, tables of roots of unity and scratch memory."""

from __future__ import annotations

import numpy as np

from onnx_bridge.ir.dims import Size

#: Primes beyond this are not transformed by themselves: fourier_prime.
_PRIME = 31

#: No longer transform of a known length is made: its tables have 48 bytes a number, and may have 144.
LONGEST = 1 << 24

#: Bytes of a complex number in each lane, on the processor with the most lanes.
_WAVES = 2 * 64


def size_of(n: int) -> int:
    """How many numbers the transform has that is made for a length n > 0: fourier_size."""
    rest = n
    for prime in range(2, _PRIME + 1):
        while rest % prime == 0:
            rest //= prime
    return n if rest == 1 else 1 << (2 * n - 2).bit_length()


def tables(n: int) -> np.ndarray:
    """The tables of a length n > 0, as pairs of doubles: fourier_tables."""
    m = size_of(n)
    parts = [_roots(2 * np.arange(m), m)]
    if m != n:
        chirp = _roots(np.arange(n, dtype=object) ** 2 % (2 * n), n)
        convolved = np.zeros(m, np.complex128)
        convolved[:n] = chirp.conj()
        convolved[m - n + 1 :] = chirp[:0:-1].conj()
        parts += [chirp, np.fft.fft(convolved)]
    return np.ascontiguousarray(np.concatenate(parts)).view(np.float64)


def _roots(turns: np.ndarray, n: int) -> np.ndarray:
    """exp(-pi i turns / n)."""
    angles = np.pi * turns.astype(np.float64) / n
    return np.cos(angles) - 1j * np.sin(angles)


def scratch_bytes(n: Size) -> Size:
    """Scratch memory of transforms of length n, with their tables where n is open."""
    return 2 * size_of(max(n, 1)) * _WAVES if isinstance(n, int) else tables_at(n) + (2 * 4 + 2 + 2 * 4) * 8 * n


def tables_at(n: Size) -> Size:
    """Where the tables of an open length begin in the scratch memory."""
    return 2 * 4 * n * _WAVES
