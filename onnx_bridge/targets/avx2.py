"""AVX2 with FMA: x86-64 since 2013."""

from __future__ import annotations

from onnx_bridge.targets.record import Architecture, Target

#: `has(leaf, part, register, bits)` asks CPUID, `saves(bits)` XCR0: whether the system keeps these registers for a thread.
X86 = Architecture(
    "__x86_64__",
    asks="""\
// CPUID by hand: __builtin_cpu_supports does not link under Cling.
unsigned r[4];
enum { eax, ebx, ecx, edx };
auto cpuid = [&r](unsigned leaf, unsigned part) {
   __asm__ volatile("cpuid" : "=a"(r[eax]), "=b"(r[ebx]), "=c"(r[ecx]), "=d"(r[edx]) : "a"(leaf), "c"(part));
};
cpuid(0, 0);
auto has = [&, last = r[eax]](unsigned leaf, unsigned part, int which, unsigned bits) {
   if (leaf > last) return false;
   cpuid(leaf, part);
   return (r[which] & bits) == bits;
};
auto saves = [&has](unsigned bits) {
   unsigned low, high;
   if (!has(1, 0, ecx, 1u << 27)) return false;  // OSXSAVE
   __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
   return (low & bits) == bits;
};""",
)

TARGET = Target(
    "avx2",
    8,
    lanes=8,
    registers=16,
    architecture=X86,
    features=frozenset({"avx2"}),
    gcc="avx2,fma",
    clang="avx2,fma",
    detected="saves(6) && has(1, 0, ecx, 1u << 12) && has(7, 0, ebx, 1u << 5)",
)
