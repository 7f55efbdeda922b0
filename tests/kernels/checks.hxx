// checks.hxx: what the tests of functions of single elements share.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <limits>
#include <memory>
#include <type_traits>
#include <vector>

using namespace kernels;

static bool has_avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
                         __builtin_cpu_supports("avx512vl");
[[maybe_unused]] static int failures = 0;
[[maybe_unused]] static const float inf = std::numeric_limits<float>::infinity();
[[maybe_unused]] static const float nan_ = std::numeric_limits<float>::quiet_NaN();
#define CHECK(condition, ...) \
   do { \
      if (!(condition) && ++failures < 50) { \
         std::printf("line %d: ", __LINE__); \
         std::printf(__VA_ARGS__); \
         std::printf("\n"); \
      } \
   } while (0)

[[maybe_unused]] static std::uint32_t bits(float x)
{
   std::uint32_t u;
   std::memcpy(&u, &x, 4);
   return u;
}
[[maybe_unused]] static float from_bits(std::uint32_t u)
{
   float x;
   std::memcpy(&x, &u, 4);
   return x;
}
[[maybe_unused]] static bool same(float a, float b) { return std::isnan(a) ? std::isnan(b) : bits(a) == bits(b); }

// ---- what is drawn, always the same

typedef std::ptrdiff_t Length;
typedef std::vector<float> Floats;
template <class T>
static std::size_t at(T i)
{
   return static_cast<std::size_t>(i);
}
[[maybe_unused]] static std::uint32_t drawn()
{
   static std::uint32_t state = 5;
   state = state * 1664525u + 1013904223u;
   return state >> 8;
}
/// An integer from low to high.
[[maybe_unused]] static int draw(int low, int high) { return low + static_cast<int>(drawn()) % (high - low + 1); }
/// Multiples of an eighth, of which sums are exact.
[[maybe_unused]] static Floats numbers(Length n)
{
   Floats made(at(n));
   for (float& x : made) x = static_cast<float>(draw(-20, 20)) * 0.125f;
   return made;
}
template <class T>
static std::vector<T> bytes(Length n)
{
   std::vector<T> made(at(n));
   for (T& x : made) x = static_cast<T>(drawn() >> 8);
   return made;
}

// ---- for a test that includes itself for each body (everywhere.hxx)

#define TEST_JOIN(a, b) a##b
#define TEST(name) TEST_JOIN(test_, name)
#if defined(__x86_64__)
#define RUN_EVERYWHERE \
   int main() \
   { \
      test_baseline::all("baseline"); \
      if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) test_avx2::all("avx2"); \
      if (has_avx512) test_avx512::all("avx512"); \
      return failures != 0; \
   }
#else
#define RUN_EVERYWHERE \
   int main() \
   { \
      test_baseline::all("baseline"); \
      return failures != 0; \
   }
#endif
