"""AVX-512 with products of bytes summed by fours (VPDPBUSD): servers since 2019, AMD since 2022."""

from __future__ import annotations

from onnx_bridge.targets import avx512

TARGET = avx512.TARGET.with_more("avx512_vnni", 17, features={"vnni"}, gcc="avx512vnni", detected="has(7, 0, ecx, 1u << 11)")
