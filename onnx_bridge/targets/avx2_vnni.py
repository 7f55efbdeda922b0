"""AVX2 with products of bytes summed by fours (VPDPBUSD): x86-64 without AVX-512 since 2021."""

from __future__ import annotations

from onnx_bridge.targets import avx2

TARGET = avx2.TARGET.with_more("avx2_vnni", 9, features={"vnni"}, gcc="avxvnni", detected="has(7, 1, eax, 1u << 4)")
