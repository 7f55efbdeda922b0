"""What every processor has: SSE2 on x86-64, NEON on arm64, four numbers side by side elsewhere."""

from __future__ import annotations

from onnx_bridge.targets.record import Architecture, Target

TARGET = Target("baseline", 4, lanes=4, registers=16, architecture=Architecture(""))
