"""AVX-512 with VNNI and products of bfloat16 summed by twos (VDPBF16PS): servers since 2020, AMD since 2022."""

from __future__ import annotations

from onnx_bridge.targets import avx512_vnni

TARGET = avx512_vnni.TARGET.with_more("avx512_bf16", 18, features={"bf16"}, gcc="avx512bf16", detected="has(7, 1, eax, 1u << 5)")
