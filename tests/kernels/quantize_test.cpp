// kernels: quantize.hxx
// region: quantize_region.hxx
#include "checks.hxx"

static std::uint32_t state = 7;
static float number(float size)
{
   state = state * 1664525u + 1013904223u;
   return (static_cast<float>(state >> 8) / 8388608.f - 1.f) * size;
}

/// Plain: the promise of the contract, one element.
template <class Y>
static Y expected(float x, float scale, std::int32_t zero)
{
   const std::int32_t low = std::numeric_limits<Y>::min(), high = std::numeric_limits<Y>::max();
   float v = x / scale;
   const float least = static_cast<float>(low - zero), most = static_cast<float>(high - zero);
   v = v > least ? v : least;
   v = v < most ? v : most;
   return static_cast<Y>(static_cast<std::int32_t>(std::nearbyint(static_cast<double>(v))) + zero);
}

template <class Y, class Quantize, class Dequantize>
static void test(const char* body, Quantize quantize, Dequantize dequantize)
{
   for (std::ptrdiff_t n : {0, 1, 3, 4, 7, 16, 17, 33, 70})
      for (std::ptrdiff_t rows : {1, 3}) {
         std::vector<float> x(static_cast<std::size_t>(n * rows)), scale(static_cast<std::size_t>(n)), back(x.size());
         std::vector<Y> y(x.size()), zero(static_cast<std::size_t>(n));
         for (float& v : x) v = number(300.f);
         for (float& v : scale) v = 0.01f + std::fabs(number(2.f));
         for (Y& v : zero) v = static_cast<Y>(static_cast<std::int32_t>(number(100.f)) + (std::is_signed<Y>::value ? 0 : 100));
         if (n > 3) x[0] = nan_, x[1] = inf, x[2] = -inf, x[3] = 2.5f * scale[3];
         quantize(rows, n, x.data(), scale.data(), zero.data(), y.data());
         dequantize(rows, n, y.data(), scale.data(), zero.data(), back.data());
         for (std::size_t i = 0; i < x.size(); i++) {
            const std::size_t c = i % static_cast<std::size_t>(n);
            CHECK(y[i] == expected<Y>(x[i], scale[c], zero[c]), "%s: %g by %g is %d", body, static_cast<double>(x[i]), static_cast<double>(scale[c]), int(y[i]));
            const float want = static_cast<float>(int(y[i]) - int(zero[c])) * scale[c];
            CHECK(same(back[i], want), "%s: back %g, not %g", body, static_cast<double>(back[i]), static_cast<double>(want));
         }
      }
}

template <class Find>
static void test_scale(const char* body, Find find)
{
   for (std::ptrdiff_t n : {0, 1, 5, 16, 40}) {
      std::vector<float> x(static_cast<std::size_t>(n));
      float low = 0, high = 0, scale = -1;
      for (float& v : x) {
         v = number(3.f);
         low = std::min(low, v);
         high = std::max(high, v);
      }
      std::uint8_t zero = 99;
      find(n, x.data(), scale, zero);
      const float want = high > low ? (high - low) / 255.f : 1.f;
      CHECK(same(scale, want), "%s: scale of %d numbers", body, int(n));
      CHECK(zero == expected<std::uint8_t>(0.f - low / want, 1.f, 0), "%s: zero point of %d numbers", body, int(n));
   }
}

#define BODY(name) \
   test<std::uint8_t>(#name, name::quantize_columns<std::uint8_t>, name::dequantize_columns<std::uint8_t>); \
   test<std::int8_t>(#name, name::quantize_columns<std::int8_t>, name::dequantize_columns<std::int8_t>); \
   test<std::int16_t>(#name, name::quantize_columns<std::int16_t>, name::dequantize_columns<std::int16_t>); \
   test<std::uint16_t>(#name, name::quantize_columns<std::uint16_t>, name::dequantize_columns<std::uint16_t>); \
   test_scale(#name, name::find_scale)

int main()
{
   BODY(baseline);
   if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
      BODY(avx2);
   }
   if (has_avx512) {
      BODY(avx512);
   }
   return failures != 0;
}
