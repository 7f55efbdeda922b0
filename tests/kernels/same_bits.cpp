// kernels: pointwise.hxx double_functions.hxx
// region: functions_region.hxx doubles_region.hxx
// Prints a hash of what each function gives on each body; tests/test_kernels.py compares builds with other flags and compilers.
#include <cstdio>
#include <cstring>
#include <vector>
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

using namespace kernels;

static const bool has_avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
                               __builtin_cpu_supports("avx512vl");

/// Of bits, because the flags under test may forget that there are NaNs, which count alike here.
static std::uint64_t hash_of(const std::vector<float>& y)
{
   std::uint64_t hash = 1469598103934665603u;
   for (float element : y) {
      std::uint32_t u;
      std::memcpy(&u, &element, 4);
      hash = (hash ^ ((u & 0x7fffffff) > 0x7f800000 ? 1 : u)) * 1099511628211u;
   }
   return hash;
}
static std::uint64_t hash_of(const std::vector<double>& y)
{
   std::uint64_t hash = 1469598103934665603u;
   for (double element : y) {
      std::uint64_t u;
      std::memcpy(&u, &element, 8);
      hash = (hash ^ ((u & 0x7fffffffffffffff) > 0x7ff0000000000000 ? 1 : u)) * 1099511628211u;
   }
   return hash;
}

static std::vector<float> floats;
static std::vector<double> doubles;

static void print(const char* name, void (*run)(const float*, float*, std::ptrdiff_t))
{
   std::vector<float> y(floats.size());
   run(floats.data(), y.data(), static_cast<std::ptrdiff_t>(y.size()));
   std::printf("%s of floats %016llx\n", name, static_cast<unsigned long long>(hash_of(y)));
}
static void print(const char* name, void (*run)(const float*, const float*, float*, std::ptrdiff_t))
{
   std::vector<float> y(floats.size() - 1);
   run(floats.data(), floats.data() + 1, y.data(), static_cast<std::ptrdiff_t>(y.size()));
   std::printf("%s of floats %016llx\n", name, static_cast<unsigned long long>(hash_of(y)));
}
static void print(const char* name, void (*run)(const double*, double*, std::ptrdiff_t))
{
   std::vector<double> y(doubles.size());
   run(doubles.data(), y.data(), static_cast<std::ptrdiff_t>(y.size()));
   std::printf("%s of doubles %016llx\n", name, static_cast<unsigned long long>(hash_of(y)));
}
static void print(const char* name, void (*run)(const double*, const double*, double*, std::ptrdiff_t))
{
   std::vector<double> y(doubles.size() - 1);
   run(doubles.data(), doubles.data() + 1, y.data(), static_cast<std::ptrdiff_t>(y.size()));
   std::printf("%s of doubles %016llx\n", name, static_cast<unsigned long long>(hash_of(y)));
}

#define EACH(scope, call)                                   \
   if (has_avx512) print(#call " avx512", avx512::scope call); \
   print(#call " avx2", avx2::scope call);                  \
   print(#call " baseline", baseline::scope call);
#define FLOATS(name) EACH(Functions::, run_##name)
#define DOUBLES(name) EACH(Doubles::, lanes_##name) EACH(Doubles::, numbers_##name)

/// A quarter of the numbers have any bits, the others an exponent near 0.
int main()
{
#if defined(__x86_64__)
   _mm_setcsr(0x1f80);  // programs linked with -ffast-math begin with subnormals switched off
#endif
   std::uint64_t state = 88172645463325252u;
   for (int i = 0; i < 40000; i++) {
      state ^= state << 13, state ^= state >> 7, state ^= state << 17;
      const bool any = i % 4 == 0;
      const std::uint32_t narrow = any ? static_cast<std::uint32_t>(state >> 7) : (static_cast<std::uint32_t>(state >> 7) & 0x807fffff) | static_cast<std::uint32_t>(117 + i % 17) << 23;
      const std::uint64_t wide = any ? state : (state & 0x800fffffffffffff) | static_cast<std::uint64_t>(1003 + i % 31) << 52;
      floats.push_back(0);
      std::memcpy(&floats.back(), &narrow, 4);
      doubles.push_back(0);
      std::memcpy(&doubles.back(), &wide, 8);
   }
   FLOATS(exp) FLOATS(tanh) FLOATS(sigmoid) FLOATS(erf) FLOATS(gelu) FLOATS(log) FLOATS(log1p) FLOATS(elu) FLOATS(softplus) FLOATS(mish)
   FLOATS(gelu_tanh) FLOATS(swish) FLOATS(sin) FLOATS(cos) FLOATS(tan) FLOATS(asin) FLOATS(acos) FLOATS(atan) FLOATS(sinh) FLOATS(cosh)
   FLOATS(asinh) FLOATS(acosh) FLOATS(atanh) FLOATS(fmod) FLOATS(pow)
   DOUBLES(exp) DOUBLES(log) DOUBLES(log1p) DOUBLES(tanh) DOUBLES(erf) DOUBLES(sigmoid) DOUBLES(gelu) DOUBLES(sin) DOUBLES(cos) DOUBLES(tan)
   DOUBLES(asin) DOUBLES(acos) DOUBLES(atan) DOUBLES(sinh) DOUBLES(cosh) DOUBLES(asinh) DOUBLES(acosh) DOUBLES(atanh)
   DOUBLES(pow)
   return 0;
}
