// widest_body.hxx: which body of a header this processor can run.
//
// Part of every header, and built on its own by whoever compiles a header for this very processor (ONNX_BRIDGE_ONLY).
/// The widest vectors that this processor and this system support: 16, 8 or 4 floats.
inline int widest_body()
{
#if defined(__x86_64__)
   // CPUID by hand: __builtin_cpu_supports does not link under Cling.
   auto cpuid = [](unsigned leaf, unsigned (&r)[4]) {
      __asm__ volatile("cpuid" : "=a"(r[0]), "=b"(r[1]), "=c"(r[2]), "=d"(r[3]) : "a"(leaf), "c"(0));
   };
   unsigned r[4];
   cpuid(0, r);
   if (r[0] < 7) return 4;
   cpuid(1, r);
   if (!(r[2] >> 12 & 1) || !(r[2] >> 27 & 1)) return 4;  // FMA, OSXSAVE
   unsigned low, high;
   __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
   cpuid(7, r);
   if ((low & 6) != 6 || !(r[1] >> 5 & 1)) return 4;  // AVX2, and registers that the system saves
   const unsigned avx512 = 1u << 16 | 1u << 17 | 1u << 30 | 1u << 31;
   return (low & 0xe6) == 0xe6 && (r[1] & avx512) == avx512 ? 16 : 8;
#else
   return 4;
#endif
}
