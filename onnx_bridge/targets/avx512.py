"""AVX-512 with the instructions that all processors but the first (Xeon Phi) have: F, BW, DQ, VL."""

from __future__ import annotations

from onnx_bridge.targets.avx2 import X86
from onnx_bridge.targets.record import Target

_INSTRUCTIONS = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma"

TARGET = Target(
    "avx512",
    16,
    lanes=16,
    registers=32,
    architecture=X86,
    features=frozenset({"avx2", "avx512"}),
    gcc=_INSTRUCTIONS,
    clang=_INSTRUCTIONS,
    detected="saves(0xe6) && has(1, 0, ecx, 1u << 12) && has(7, 0, ebx, 1u << 5 | 1u << 16 | 1u << 17 | 1u << 30 | 1u << 31)",
)
