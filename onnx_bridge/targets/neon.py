"""NEON: every arm64 processor, so that its compilers need no word for it."""

from __future__ import annotations

from onnx_bridge.targets.record import Architecture, Target

#: `system_has(bits)` asks the system: on Linux what AT_HWCAP says; Apple's processors, all of them, have what is asked for here.
ARM64 = Architecture(
    "__aarch64__",
    asks="""\
#if defined(__linux__)
auto system_has = [](unsigned long bits) { return (getauxval(AT_HWCAP) & bits) == bits; };
#elif defined(__APPLE__)
auto system_has = [](unsigned long) { return true; };
#else
auto system_has = [](unsigned long) { return false; };
#endif""",
    include="sys/auxv.h",
)

TARGET = Target("neon", 5, lanes=4, registers=32, architecture=ARM64, features=frozenset({"neon"}))
