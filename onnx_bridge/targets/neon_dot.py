"""NEON with products of bytes summed by fours (SDOT, UDOT): arm64 since 2018."""

from __future__ import annotations

from onnx_bridge.targets import neon

TARGET = neon.TARGET.with_more(
    "neon_dot", 6, features={"dot"}, gcc="arch=armv8.2-a+dotprod", clang="dotprod", detected="system_has(1ul << 20)"
)
