// kernels: softmax.hxx layer_norm.hxx
// region: softmax_region.hxx
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <limits>
#include <vector>

#include "checks.hxx"

typedef std::vector<float> Floats;
typedef std::ptrdiff_t Length;

static std::uint32_t state = 1;
static float random_number()
{
   state = state * 1664525u + 1013904223u;
   return static_cast<float>(state >> 8) / 8388608.f - 1.f;
}
static Floats random_numbers(Length n, float scale)
{
   Floats x(static_cast<std::size_t>(n));
   for (float& v : x) v = random_number() * scale;
   return x;
}
static bool same(const float* a, const float* b, Length n)
{
   for (Length i = 0; i < n; i++)
      if (std::isnan(a[i]) ? !std::isnan(b[i]) : std::memcmp(a + i, b + i, 4) != 0) return false;
   return true;
}

struct Body {
   const char* name;
   decltype(&avx2::run_softmax) softmax;
   decltype(&avx2::run_layer_norm) layer_norm;
   decltype(&avx2::run_rms_norm) rms_norm;
   decltype(&avx2::group_norm) group_norm;
   decltype(&avx2::zero_masked<float>) zero_masked;
};
#define BODY(isa) {#isa, isa::run_softmax, isa::run_layer_norm, isa::run_rms_norm, isa::group_norm, isa::zero_masked<float>}
static std::vector<Body> bodies()
{
   std::vector<Body> all = {BODY(baseline), BODY(avx2)};
   if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
      all.push_back(BODY(avx512));
   return all;
}

enum Kind { Soft, LogSoft, SoftRows, LogSoftRows, Hard };

static void naive(Kind kind, Length n, Length stride, const float* x, double* y)
{
   double top = -inf, sum = 0;
   for (Length i = 0; i < n; i++) top = std::max(top, static_cast<double>(x[i * stride]));
   for (Length i = 0; i < n; i++) sum += std::exp(x[i * stride] - top);
   for (Length i = 0; i < n; i++) y[i] = kind % 2 ? x[i * stride] - top - std::log(sum) : std::exp(x[i * stride] - top) / sum;
}

static void check_softmax(const std::vector<Body>& all, Length outer, Length n, Length inner, float scale)
{
   for (Kind kind : {Soft, LogSoft}) {
      const Length size = outer * n * inner;
      const Floats x = random_numbers(size + 1, scale);
      Floats first;
      for (const Body& body : all) {
         Floats y(x.size(), 77.f);
         body.softmax(kind, outer, n, inner, x.data(), y.data());
         CHECK(y.back() == 77.f, "%s writes beyond %td %td %td", body.name, outer, n, inner);
         std::vector<double> exact(static_cast<std::size_t>(n));
         Floats row(static_cast<std::size_t>(n)), alone(static_cast<std::size_t>(n)), batch(static_cast<std::size_t>(n));
         for (Length o = 0; o < outer; o++)
            for (Length j = 0; j < inner; j++) {
               const Length begin = o * n * inner + j;
               naive(kind, n, inner, x.data() + begin, exact.data());  // the rounding of x - max moves exp by up to 2 scale / 2^24
               double worst = 0;
               for (Length i = 0; i < n; i++) {
                  row[i] = x[begin + i * inner];
                  batch[i] = y[begin + i * inner];
                  worst = std::max(worst, std::fabs(batch[i] - exact[i]) / (1e-37 + std::fabs(exact[i]) + (kind == LogSoft ? scale : 0)));
               }
               CHECK(worst < 6e-7 + 1.3e-7 * scale, "%s %d [%td][%td][%td] scale %g: error %g", body.name, kind, outer, n, inner, scale, worst);
               // A row alone, contiguous, has the bits that it has in any batch and any layout.
               body.softmax(kind + 2, 1, n, 1, row.data(), alone.data());
               CHECK(same(alone.data(), batch.data(), n), "%s %d [%td][%td][%td]: other bits alone", body.name, kind, outer, n, inner);
            }
         Floats in_place = x;
         body.softmax(kind, outer, n, inner, in_place.data(), in_place.data());
         CHECK(same(in_place.data(), y.data(), size), "%s %d [%td][%td][%td]: other bits in place", body.name, kind, outer, n, inner);
         if (std::strcmp(body.name, "avx2") == 0) first = y;
         if (std::strcmp(body.name, "avx512") == 0) CHECK(same(first.data(), y.data(), size), "%d [%td][%td][%td]: avx512 is not avx2", kind, outer, n, inner);
      }
   }
}

static void check_special_rows(const Body& body)
{
   for (Length n : {2, 5, 16, 40, 65, 100})
      for (Length inner : {1, 20})
         for (Length outer : {1, 3, 16, 21})
            for (int special = 0; special < 5; special++) {
               Floats x = random_numbers(outer * n * inner, 3), y(x.size()), log_y(x.size());
               for (Length o = 0; o < outer; o += 2)
                  for (Length i = 0; i < n; i++)
                     for (Length j = 0; j < inner; j += 3) {
                        float& v = x[(o * n + i) * inner + j];
                        if (special == 0) v = -inf;
                        if (special == 1 && i == n - 1) v = inf;
                        if (special == 2 && i == n / 2) v = nan_;
                        if (special == 3 && i != n - 1) v = -inf;
                        if (special == 4) v = nan_;
                     }
               body.softmax(Soft, outer, n, inner, x.data(), y.data());
               body.softmax(LogSoft, outer, n, inner, x.data(), log_y.data());
               for (Length o = 0; o < outer; o++)
                  for (Length i = 0; i < n; i++)
                     for (Length j = 0; j < inner; j++) {
                        const float v = y[(o * n + i) * inner + j], log_v = log_y[(o * n + i) * inner + j];
                        const bool hit = o % 2 == 0 && j % 3 == 0;
                        if (hit && special == 3)
                           CHECK(i == n - 1 ? v == 1 && log_v == 0 : v == 0 && log_v == -inf, "%s special 3: %g %g", body.name, v, log_v);
                        else
                           CHECK(std::isnan(v) == hit && (std::isnan(log_v) == hit || (special == 1 && log_v == -inf)), "%s special %d: %g %g", body.name, special, v, log_v);
                     }
            }
}

static void check_hardmax(const Body& body)
{
   const float x[] = {1, 3, 3, nan_, 1, 2, 2, nan_, 1, -inf, -inf, -inf, inf, 1, inf}, y[] = {0, 1, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0};
   float got[15];
   body.softmax(Hard, 5, 3, 1, x, got);
   CHECK(same(got, y, 15), "%s hardmax", body.name);
   const float turned[] = {1, 5, 2, 4, 2, 6}, expected[] = {0, 1, 1, 0, 0, 0}, expected_last[] = {0, 0, 0, 0, 1, 1};
   body.softmax(Hard, 1, 3, 2, turned, got);
   float most[6] = {};
   for (int j = 0; j < 2; j++) most[(turned[j] > turned[2 + j] ? (turned[j] > turned[4 + j] ? 0 : 2) : (turned[2 + j] >= turned[4 + j] ? 1 : 2)) * 2 + j] = 1;
   CHECK(same(got, most, 6) && !same(got, expected, 6) && !same(got, expected_last, 6), "%s hardmax of columns", body.name);
}

static void check_layer_norm(const std::vector<Body>& all, Length rows, Length n, bool with_bias)
{
   Floats x = random_numbers(rows * n, 2), scale = random_numbers(n, 1), bias = random_numbers(n, 1);
   for (float& v : x) v += 3;
   Floats first, first_rms;
   for (const Body& body : all) {
      Floats y(x.size() + 1, 77.f), rms(x.size() + 1, 77.f), means(static_cast<std::size_t>(rows)), inverses(means), rms_inverses(means);
      body.layer_norm(rows, n, x.data(), scale.data(), with_bias ? bias.data() : nullptr, y.data(), 1e-5f, means.data(), inverses.data());
      body.rms_norm(rows, n, x.data(), scale.data(), rms.data(), 1e-5f, rms_inverses.data());
      CHECK(y.back() == 77.f && rms.back() == 77.f, "%s writes beyond", body.name);
      for (Length r = 0; r < rows; r++) {
         const float* row = x.data() + r * n;
         double sum = 0, squares = 0, spread = 0;
         for (Length i = 0; i < n; i++) sum += row[i], squares += double(row[i]) * row[i];
         const double mean = sum / double(n);
         for (Length i = 0; i < n; i++) spread += (row[i] - mean) * (row[i] - mean);
         const double inverse = 1 / std::sqrt(spread / double(n) + double(1e-5f)), rms_inverse = 1 / std::sqrt(squares / double(n) + double(1e-5f));
         double worst = 0;
         for (Length i = 0; i < n; i++) {
            worst = std::max(worst, std::fabs(y[r * n + i] - ((row[i] - mean) * inverse * scale[i] + (with_bias ? bias[i] : 0))) / (1 + 1e-3 * inverse));
            worst = std::max(worst, std::fabs(rms[r * n + i] - row[i] * rms_inverse * scale[i]));
         }
         if (n > 0) CHECK(worst < 3e-6, "%s layer_norm %td %td: error %g", body.name, rows, n, worst);
         if (n > 0) CHECK(std::fabs(means[r] - mean) < 1e-6 * 5 && std::fabs(inverses[r] / inverse - 1) < 1e-5 && std::fabs(rms_inverses[r] / rms_inverse - 1) < 1e-6, "%s moments %td", body.name, n);
         Floats alone(static_cast<std::size_t>(n)), rms_alone(alone);
         body.layer_norm(1, n, row, scale.data(), with_bias ? bias.data() : nullptr, alone.data(), 1e-5f, nullptr, nullptr);
         body.rms_norm(1, n, row, scale.data(), rms_alone.data(), 1e-5f, nullptr);
         CHECK(same(alone.data(), y.data() + r * n, n) && same(rms_alone.data(), rms.data() + r * n, n), "%s layer_norm %td: other bits alone", body.name, n);
      }
      Floats in_place = x;
      body.layer_norm(rows, n, in_place.data(), scale.data(), with_bias ? bias.data() : nullptr, in_place.data(), 1e-5f, nullptr, nullptr);
      CHECK(same(in_place.data(), y.data(), rows * n), "%s layer_norm in place", body.name);
      if (std::strcmp(body.name, "avx2") == 0) first = y, first_rms = rms;
      if (std::strcmp(body.name, "avx512") == 0) CHECK(first == y && first_rms == rms, "layer_norm %td %td: avx512 is not avx2", rows, n);
   }
}

static void check_group_norm(const std::vector<Body>& all)
{
   for (Length channels : {1, 3})
      for (Length spatial : {1, 7, 16, 49, 1000}) {
         const Length batch = 2, groups = 4, size = channels * spatial;
         Floats x = random_numbers(batch * groups * size, 1), scale = random_numbers(groups * channels, 1), bias = random_numbers(groups * channels, 1), first;
         for (const Body& body : all) {
            Floats y(x.size());
            body.group_norm(batch, groups, channels, spatial, x.data(), scale.data(), bias.data(), y.data(), 1e-3f);
            for (Length g = 0; g < batch * groups; g++) {
               double mean = 0, spread = 0, worst = 0;
               for (Length i = 0; i < size; i++) mean += x[g * size + i] / double(size);
               for (Length i = 0; i < size; i++) spread += (x[g * size + i] - mean) * (x[g * size + i] - mean) / double(size);
               for (Length i = 0; i < size; i++) {
                  const Length channel = g % groups * channels + i / spatial;
                  worst = std::max(worst, std::fabs(y[g * size + i] - ((x[g * size + i] - mean) / std::sqrt(spread + double(1e-3f)) * scale[channel] + bias[channel])));
               }
               CHECK(worst < 3e-6, "%s group_norm %td %td: error %g", body.name, channels, spatial, worst);
            }
            if (std::strcmp(body.name, "avx2") == 0) first = y;
            if (std::strcmp(body.name, "avx512") == 0) CHECK(first == y, "group_norm: avx512 is not avx2");
         }
      }
}

/// Rows of nothing but -inf become zeros; one other number, or a NaN, leaves a row as it is.
static void check_zero_masked(const Body& body)
{
   const Floats x = {-inf, -inf, 1.f, -inf, -inf, nan_, -inf, -inf, -3e38f, -inf, -inf, inf};  // [2][3][2]
   Floats y(12, 7.f);
   body.zero_masked(2, 3, 2, x.data(), y.data());
   CHECK(y == Floats(12, 7.f), "%s zero_masked: a row with a number in it", body.name);
   const Floats masked = {-inf, 2.f, -inf, -inf, -inf, -inf, -inf, -inf, 3.f, -inf, -inf, -inf};
   const Floats expected = {0.f, 7.f, 0.f, 7.f, 0.f, 7.f, 7.f, 0.f, 7.f, 0.f, 7.f, 0.f};
   body.zero_masked(2, 3, 2, masked.data(), y.data());
   CHECK(y == expected, "%s zero_masked: masked rows", body.name);
   body.zero_masked(0, 3, 2, nullptr, nullptr);
   body.zero_masked(2, 3, 0, nullptr, nullptr);
}

int main()
{
   const std::vector<Body> all = bodies();
   for (Length n = 0; n <= 70; n++) {
      check_softmax(all, n % 5 * 9 + n % 3, n, 1, 4);
      check_softmax(all, 2, n, n % 23 + 2, 30);
   }
   for (Length n : {10, 128})
      for (Length outer = 0; outer <= 40; outer += 3) check_softmax(all, outer, n, 1, 10);
   for (Length n : {100, 129, 768, 2047, 2048, 2049, 5000})
      for (Length inner : {1, 3, 33})
         if (n * inner < 20000) check_softmax(all, 2, n, inner, 1);
   for (Length inner : {16, 17, 32, 63}) check_softmax(all, 3, 21, inner, 5);
   check_softmax(all, 3, 5, 0, 1);
   for (const Body& body : all) {
      check_special_rows(body);
      check_hardmax(body);
      check_zero_masked(body);
   }
   for (Length n : {0, 1, 2, 7, 15, 16, 17, 31, 32, 33, 64, 100, 768, 2048, 2049, 4100})
      for (Length rows : {0, 1, 3, 4}) check_layer_norm(all, rows, n, n % 2 == 0);
   check_group_norm(all);
   if (failures) std::printf("%d failures\n", failures);
   return failures != 0;
}
