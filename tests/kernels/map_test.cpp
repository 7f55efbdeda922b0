// kernels: map.hxx half.hxx lrn.hxx double_rows.hxx
// region: map_region.hxx
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <vector>

using namespace kernels;

static int failures = 0;
#define CHECK(condition, ...)         \
   do                                 \
      if (!(condition)) {             \
         std::printf(__VA_ARGS__);    \
         std::printf("\n");           \
         failures++;                  \
      }                               \
   while (failures > 20 ? (std::exit(1), 0) : 0)

typedef std::ptrdiff_t Length;

static std::uint32_t state = 1;
static std::uint32_t random_bits()
{
   state ^= state << 13;
   state ^= state >> 17;
   return state ^= state << 5;
}
static float random_number() { return static_cast<float>(random_bits() >> 8) / 8388608.f - 1.f; }
static float from_bits(std::uint32_t bits)
{
   float x;
   std::memcpy(&x, &bits, 4);
   return x;
}
static bool same(float a, float b) { return std::memcmp(&a, &b, 4) == 0; }

struct Body {
   const char* name;
   void (*from_halves)(Length, const std::uint16_t*, float*, bool);
   void (*to_halves)(Length, const float*, std::uint16_t*, bool);
   float (*from_half)(std::uint16_t, bool);
   std::uint16_t (*to_half)(float, bool);
   void (*choose)(Length, const bool*, const float*, const float*, float*);
   void (*compare)(Length, const float*, const float*, bool*);
   void (*subtract)(Length, const std::uint8_t*, const std::uint8_t*, std::uint8_t*);
   void (*normalise)(Length, Length, Length, const float*, float*, Length, float, float, float);
   void (*softmax)(Length, Length, Length, const double*, double*);
   void (*layer_norm)(Length, Length, const double*, const double*, const double*, double*);
};
#define BODY(region)                                                                                                                      \
   {                                                                                                                                      \
      #region, region::from_halves, region::to_halves, region::from_half, region::to_half, region::choose, region::compare,              \
         region::subtract, region::normalise, region::double_softmax, region::double_layer_norm                                          \
   }

static std::vector<Body> bodies()
{
   std::vector<Body> found;
#if defined(__x86_64__)
   if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
      found.push_back(BODY(avx512));
   if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) found.push_back(BODY(avx2));
#endif
   found.push_back(BODY(baseline));
   return found;
}

/// Vectors of halves agree with single ones, which functions_test.cpp holds to the truth.
static void check_halves(const Body& body)
{
   for (bool brain : {false, true}) {
      std::vector<std::uint16_t> halves(65536);
      for (std::size_t i = 0; i < halves.size(); i++) halves[i] = static_cast<std::uint16_t>(i);
      std::vector<float> floats(halves.size());
      body.from_halves(65536, halves.data(), floats.data(), brain);
      for (std::size_t i = 0; i < halves.size(); i++)
         CHECK(same(floats[i], body.from_half(halves[i], brain)), "%s half %04zx, bfloat16 %d", body.name, i, brain);
      floats.resize(200000);
      for (float& x : floats) x = from_bits(random_bits());
      for (std::uint32_t i = 0; i < 32768; i++) {  // ties, and what is beside them
         const float edge = body.from_half(static_cast<std::uint16_t>(i), brain), next = body.from_half(static_cast<std::uint16_t>(i + 1), brain);
         floats[3 * i] = edge + (next - edge) / 2;
         floats[3 * i + 1] = std::nextafter(floats[3 * i], 0.f);
         floats[3 * i + 2] = -std::nextafter(floats[3 * i], 1e38f);
      }
      std::vector<std::uint16_t> back(floats.size());
      body.to_halves(static_cast<Length>(floats.size()), floats.data(), back.data(), brain);
      for (std::size_t i = 0; i < floats.size(); i++)
         CHECK(back[i] == body.to_half(floats[i], brain), "%s %.9g to half, bfloat16 %d", body.name, static_cast<double>(floats[i]), brain);
   }
   for (Length n = 0; n < 40; n++) {  // tails: nothing beyond n is written, the answers are those of whole vectors
      std::vector<float> x(static_cast<std::size_t>(n)), y(static_cast<std::size_t>(n));
      std::vector<std::uint16_t> halves(static_cast<std::size_t>(n + 1), 7);
      for (float& v : x) v = random_number();
      body.to_halves(n, x.data(), halves.data(), false);
      body.from_halves(n, halves.data(), y.data(), false);
      for (std::size_t i = 0; i < x.size(); i++) CHECK(same(y[i], body.from_half(body.to_half(x[i], false), false)), "%s tail of %td halves", body.name, n);
      CHECK(halves.back() == 7, "%s writes beyond %td halves", body.name, n);
   }
}

static void check_maps(const Body& body)
{
   for (Length n = 0; n < 70; n++) {
      const std::size_t count = static_cast<std::size_t>(n);
      std::vector<float> a(count), b(count), y(count + 1, 7.f);
      bool condition[70], above[71];
      above[n] = true;
      std::vector<std::uint8_t> p(count), q(count), r;
      for (std::size_t i = 0; i < count; i++) {
         a[i] = random_number();
         b[i] = random_number();
         condition[i] = random_bits() & 64;
         p[i] = static_cast<std::uint8_t>(random_bits());
         q[i] = static_cast<std::uint8_t>(random_bits());
      }
      body.choose(n, condition, a.data(), b.data(), y.data());
      body.compare(n, a.data(), b.data(), above);
      r = p;
      body.subtract(n, r.data(), q.data(), r.data());  // y is an operand
      for (std::size_t i = 0; i < count; i++) {
         CHECK(same(y[i], condition[i] ? a[i] : b[i]), "%s choice %zu of %td", body.name, i, n);
         CHECK(above[i] == (a[i] > b[i]), "%s comparison %zu of %td", body.name, i, n);
         CHECK(r[i] == static_cast<std::uint8_t>(p[i] - q[i]), "%s difference %zu of %td", body.name, i, n);
      }
      CHECK(y[count] == 7.f && above[n], "%s writes beyond %td", body.name, n);
   }
}

static void check_lrn(const Body& body, std::vector<std::vector<float>>& kept)
{
   std::size_t which = 0;
   for (Length channels : {0, 1, 7})
      for (Length pixels : {0, 1, 5, 37})
         for (Length size : {1, 2, 5, 11})
            for (float beta : {0.75f, 0.6f}) {
               const std::size_t image = static_cast<std::size_t>(channels * pixels);
               std::vector<float> x(2 * image), y(2 * image), alone(image);
               state = static_cast<std::uint32_t>(1 + channels + 10 * pixels + 1000 * size);
               for (float& v : x) v = 3 * random_number();
               body.normalise(2, channels, pixels, x.data(), y.data(), size, 0.3f, beta, 1.5f);
               body.normalise(1, channels, pixels, x.data() + image, alone.data(), size, 0.3f, beta, 1.5f);
               CHECK(image == 0 || std::memcmp(alone.data(), y.data() + image, image * sizeof(float)) == 0, "%s lrn alone", body.name);
               for (Length c = 0; c < channels; c++)
                  for (Length i = 0; i < pixels; i++) {
                     double sum = 0;
                     for (Length k = c - (size - 1) / 2; k <= c + size / 2; k++)
                        if (k >= 0 && k < channels) sum += std::pow(static_cast<double>(x[static_cast<std::size_t>(k * pixels + i)]), 2);
                     const std::size_t at = static_cast<std::size_t>(c * pixels + i);
                     const double want = static_cast<double>(x[at]) * std::pow(1.5 + static_cast<double>(0.3f) * sum, -static_cast<double>(beta));
                     CHECK(std::fabs(static_cast<double>(y[at]) - want) <= 5e-7 * std::fabs(want) + 1e-12, "%s lrn %td %td %td: %g %g", body.name, channels,
                           pixels, size, static_cast<double>(y[at]), want);
                  }
               if (std::strcmp(body.name, "baseline") != 0) {
                  if (which == kept.size()) kept.push_back(y);
                  CHECK(y.empty() || std::memcmp(y.data(), kept[which].data(), y.size() * sizeof(float)) == 0, "%s lrn has other bits", body.name);
                  which++;
               }
            }
}

static void check_doubles(const Body& body)
{
   for (Length n : {0, 1, 2, 33})
      for (Length inner : {1, 3}) {
         std::vector<double> x(static_cast<std::size_t>(2 * n * inner)), y(x.size());
         for (double& v : x) v = 100. * static_cast<double>(random_number());
         body.softmax(2, n, inner, x.data(), y.data());
         for (Length o = 0; o < 2; o++)
            for (Length j = 0; j < inner && n > 0; j++) {
               const auto at = [&](Length i) { return static_cast<std::size_t>((o * n + i) * inner + j); };
               double total = 0, ratio = 0;
               for (Length i = 0; i < n; i++) total += y[at(i)];
               for (Length i = 0; i < n; i++) ratio = std::fmax(ratio, std::fabs(y[at(i)] - y[at(0)] * std::exp(x[at(i)] - x[at(0)])));
               CHECK(std::fabs(total - 1) < 1e-12 && ratio < 1e-12, "%s softmax of doubles %td %td: %g %g", body.name, n, inner, total - 1, ratio);
            }
         const std::vector<double> ones(static_cast<std::size_t>(n), 1.), zeros(static_cast<std::size_t>(n), 0.);
         body.layer_norm(2 * inner, n, x.data(), ones.data(), zeros.data(), y.data());
         for (Length row = 0; row < 2 * inner && n > 1; row++) {
            double mean = 0, square = 0;
            for (Length i = 0; i < n; i++) mean += y[static_cast<std::size_t>(row * n + i)] / static_cast<double>(n);
            for (Length i = 0; i < n; i++) square += std::pow(y[static_cast<std::size_t>(row * n + i)], 2) / static_cast<double>(n);
            CHECK(std::fabs(mean) < 1e-12 && std::fabs(square - 1) < 1e-4, "%s norm of doubles %td: %g %g", body.name, n, mean, square - 1);
         }
      }
}

int main()
{
   std::vector<std::vector<float>> kept;
   for (const Body& body : bodies()) {
      check_halves(body);
      check_maps(body);
      check_lrn(body, kept);
      check_doubles(body);
   }
   return failures != 0;
}
