// checks.hxx: what the tests of functions of single elements share.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <limits>
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
