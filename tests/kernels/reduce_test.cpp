// kernels: reduce.hxx arg_max.hxx cumsum.hxx double_functions.hxx
// region: reduce_region.hxx
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <limits>
#include <memory>
#include <type_traits>
#include <vector>

#include "checks.hxx"

typedef std::vector<float> Floats;
typedef std::ptrdiff_t Length;

enum Operation { OfSum, OfMean, OfSumSquare, OfL1, OfL2, OfLogSum, OfLogSumExp, OfMax, OfMin, OfProd, OfRootOfSum, operations };

static std::uint32_t state = 1;
static float random_number()
{
   state = state * 1664525u + 1013904223u;
   return static_cast<float>(state >> 8) / 8388608.f - 1.f;
}
/// Positive where a logarithm or a root of the sum will be taken, near 1 where all are multiplied.
static Floats random_numbers(int operation, Length n)
{
   Floats x(static_cast<std::size_t>(n));
   for (float& v : x) {
      v = random_number();
      if (operation == OfLogSum || operation == OfRootOfSum) v = std::fabs(v) + 0.01f;
      if (operation == OfProd) v = 1 + v / 64;
      if (operation == OfLogSumExp) v *= 20;
   }
   return x;
}
static bool same(const float* a, const float* b, Length n)
{
   for (Length i = 0; i < n; i++)
      if (std::isnan(a[i]) ? !std::isnan(b[i]) : std::memcmp(a + i, b + i, 4) != 0) return false;
   return true;
}

/// In double; `size` becomes the sum of the terms' magnitudes, which bounds the error.
template <class T>
static double naive(int operation, Length n, Length stride, const T* x, double& size)
{
   double sum = 0, total = 1, most = -INFINITY, least = INFINITY;
   size = 1e-30;
   for (Length i = 0; i < n; i++) {
      const double v = static_cast<double>(x[i * stride]), term = operation == OfSumSquare || operation == OfL2 ? v * v : operation == OfL1 ? std::fabs(v) : v;
      sum += term;
      size += std::fabs(term);
      total *= v;
      most = std::isnan(most) || v <= most ? most : v;
      least = std::isnan(least) || v >= least ? least : v;
   }
   switch (operation) {
      case OfMean: size /= double(std::max<Length>(n, 1)); return sum / double(std::max<Length>(n, 1));
      case OfL2:
      case OfRootOfSum: size = std::sqrt(size); return std::sqrt(sum);
      case OfLogSum: size = 1 + std::fabs(std::log(sum)); return std::log(sum);
      case OfLogSumExp: {
         double exps = 0;
         for (Length i = 0; i < n; i++) exps += std::exp(static_cast<double>(x[i * stride]) - most);
         size = 25;
         return std::isfinite(most) ? most + std::log(exps) : most;
      }
      case OfMax: size = 0; return most;
      case OfMin: size = 0; return least;
      case OfProd: size = std::fabs(total) * double(n) / 4; return total;
      default: return sum;
   }
}

struct Body {
   const char* name;
   decltype(&avx2::reduce_rows) rows;
   decltype(&avx2::reduce_strided) strided;
   void (*arg)(bool, bool, Length, Length, Length, const float*, std::int64_t*);
};
#define BODY(isa) {#isa, isa::reduce_rows, isa::reduce_strided, isa::arg<float>}
static std::vector<Body> bodies()
{
   std::vector<Body> all = {BODY(baseline), BODY(avx2)};
   if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
      all.push_back(BODY(avx512));
   return all;
}

static void check_floats(const std::vector<Body>& all, Length outer, Length n, Length inner, bool as_rows)
{
   for (int operation = 0; operation < operations; operation++) {
      const Floats x = random_numbers(operation, outer * n * inner);
      Floats first;
      for (const Body& body : all) {
         Floats y(static_cast<std::size_t>(outer * inner + 1), 77.f);
         const auto run = [&](Length o, Length i, const float* from, float* to) {
            if (as_rows)
               body.rows(operation, o, n, from, to);
            else
               body.strided(operation, o, n, i, from, to);
         };
         run(outer, inner, x.data(), y.data());
         CHECK(y.back() == 77.f, "%s writes beyond", body.name);
         Floats column(static_cast<std::size_t>(n));
         for (Length o = 0; o < outer; o++)
            for (Length j = 0; j < inner; j++) {
               double size;
               const double exact = naive(operation, n, inner, x.data() + o * n * inner + j, size);
               const float got = y[o * inner + j];
               CHECK(std::isinf(exact) ? got == exact : std::fabs(got - exact) <= (4e-7 + (as_rows ? 0 : 6e-9 * double(std::min<Length>(n, 256)))) * size, "%s operation %d [%td][%td][%td]: %.9g, not %.9g", body.name, operation, outer, n, inner, got, exact);
               float alone;
               for (Length i = 0; i < n; i++) column[i] = x[(o * n + i) * inner + j];
               run(1, 1, column.data(), &alone);
               CHECK(same(&alone, &got, 1), "%s operation %d [%td][%td][%td]: other bits alone", body.name, operation, outer, n, inner);
            }
         if (std::strcmp(body.name, "avx2") == 0) first = y;
         if (std::strcmp(body.name, "avx512") == 0) CHECK(same(first.data(), y.data(), outer * inner), "operation %d [%td][%td][%td]: avx512 is not avx2", operation, outer, n, inner);
      }
   }
}

/// The order itself: a sum that only the stated one gives.
static void check_order(const std::vector<Body>& all)
{
   for (Length n : {5, 32, 33, 100, 256, 257, 600, 2048, 2049, 5000}) {
      const Floats x = random_numbers(OfSum, n);
      float total[32] = {}, chains = 0;
      for (Length begin = 0; begin < n; begin += 2048) {
         float lane[32] = {};
         for (Length i = begin; i < std::min(n, begin + 2048); i++) lane[i % 32] += x[i];
         for (int i = 0; i < 32; i++) total[i] = begin == 0 ? lane[i] : total[i] + lane[i];
      }
      for (int half = 16; half > 0; half /= 2)
         for (int i = 0; i < half; i++) total[i] += total[i + half];
      for (Length begin = 0; begin < n; begin += 256) {
         float chain = 0;
         for (Length i = begin; i < std::min(n, begin + 256); i++) chain += x[i];
         chains = begin == 0 ? chain : chains + chain;
      }
      for (const Body& body : all) {
         float row, column;
         body.rows(OfSum, 1, n, x.data(), &row);
         body.strided(OfSum, 1, n, 1, x.data(), &column);
         CHECK(same(&row, total, 1), "%s: order of a row's sum, n %td", body.name, n);
         CHECK(same(&column, &chains, 1), "%s: order of a column's sum, n %td", body.name, n);
      }
   }
}

static void check_specials(const std::vector<Body>& all)
{
   const struct {
      int operation;
      float x[3], y;
   } cases[] = {
      {OfMax, {1, nan_, 2}, nan_},      {OfMax, {nan_, 1, 2}, nan_},      {OfMin, {1, 2, nan_}, nan_},    {OfMin, {nan_, -inf, 2}, nan_},   {OfMax, {-inf, -inf, -inf}, -inf},
      {OfMin, {inf, inf, inf}, inf},    {OfSum, {inf, 1, -inf}, nan_},    {OfLogSumExp, {-inf, -inf, -inf}, -inf}, {OfLogSumExp, {inf, 1, -inf}, inf},
      {OfLogSumExp, {nan_, 1, inf}, nan_}, {OfLogSum, {-1, -2, -3}, nan_}, {OfLogSum, {0, 0, 0}, -inf},   {OfL2, {inf, -inf, 0}, inf},      {OfMax, {-0.f, 0.f, -0.f}, 0.f},
      {OfMin, {0.f, -0.f, 0.f}, 0.f},   {OfProd, {0, inf, 1}, nan_},      {OfL1, {-0.f, -0.f, -0.f}, 0.f}, {OfMean, {nan_, 1, 1}, nan_},
   };
   const float nothing[operations] = {0, 0, 0, 0, 0, -inf, -inf, -inf, inf, 1, 0};
   for (const Body& body : all) {
      for (const auto& c : cases)
         for (int place = 0; place < 3; place++) {
            float x[120], y[40];
            for (int i = 0; i < 3; i++)
               for (int j = 0; j < 40; j++) x[i * 40 + j] = c.x[i];
            body.rows(c.operation, 1, 3, c.x, y);
            CHECK(same(y, &c.y, 1), "%s operation %d of %g %g %g = %g", body.name, c.operation, c.x[0], c.x[1], c.x[2], y[0]);
            body.strided(c.operation, 1, 3, 40, x, y);
            for (int j = 0; j < 40; j++) CHECK(same(y + j, &c.y, 1), "%s operation %d of columns %g %g %g = %g", body.name, c.operation, c.x[0], c.x[1], c.x[2], y[j]);
         }
      // A NaN anywhere in a long row.
      for (Length at = 0; at < 100; at++) {
         Floats x = random_numbers(OfMax, 100);
         x[at] = nan_;
         float y;
         for (int operation : {OfMax, OfMin, OfSum, OfLogSumExp}) {
            body.rows(operation, 1, 100, x.data(), &y);
            CHECK(std::isnan(y), "%s operation %d loses the NaN at %td", body.name, operation, at);
         }
      }
      for (int operation = 0; operation < operations; operation++) {
         float y[3];
         body.rows(operation, 3, 0, nullptr, y);
         for (float v : y) CHECK(v == nothing[operation], "%s operation %d of nothing = %g", body.name, operation, v);
         body.strided(operation, 1, 0, 3, nullptr, y);
         for (float v : y) CHECK(v == nothing[operation], "%s operation %d of no rows = %g", body.name, operation, v);
      }
   }
}

template <class T>
static void check_others(const char* type)
{
   for (int operation : {OfSum, OfMean, OfSumSquare, OfL1, OfL2, OfLogSum, OfLogSumExp, OfMax, OfMin, OfProd})
      for (Length n : {1, 2, 5, 300})
         for (Length inner : {1, 4}) {
            std::vector<T> x(static_cast<std::size_t>(2 * n * inner)), y(static_cast<std::size_t>(2 * inner));
            for (T& v : x) {
               const int drawn = static_cast<int>(random_number() * 8);
               v = static_cast<T>(operation == OfProd && n > 8 ? 1 : operation == OfLogSum || std::is_unsigned<T>::value ? std::abs(drawn) + 1 : drawn);
            }
            avx2::reduce_others<T>(operation, 2, n, inner, x.data(), y.data());
            for (Length o = 0; o < 2; o++)
               for (Length j = 0; j < inner; j++) {
                  double size, exact = naive(operation, n, inner, x.data() + o * n * inner + j, size);
                  const double got = static_cast<double>(y[o * inner + j]);
                  if (std::is_integral<T>::value) exact = std::trunc(exact);
                  CHECK(std::fabs(got - exact) <= (std::is_integral<T>::value ? 0 : 1e-13 * (1 + size)), "%s operation %d n %td: %.17g, not %.17g", type, operation, n, got, exact);
               }
         }
   T y[2];
   avx2::reduce_others<T>(OfMax, 1, 0, 2, nullptr, y);
   CHECK(y[1] == (std::is_integral<T>::value ? std::numeric_limits<T>::lowest() : -std::numeric_limits<T>::infinity()), "%s max of nothing", type);
   avx2::reduce_others<T>(OfMean, 1, 0, 2, nullptr, y);
   CHECK(y[0] == 0, "%s mean of nothing", type);
   const T extreme[2] = {std::numeric_limits<T>::max(), std::numeric_limits<T>::max()};
   avx2::reduce_others<T>(OfSum, 1, 2, 1, extreme, y);
   if (std::is_integral<T>::value) CHECK(y[0] == static_cast<T>(std::is_signed<T>::value ? -2 : static_cast<T>(-2)), "%s sum does not wrap", type);
}

static void check_arg(const std::vector<Body>& all)
{
   for (Length n : {1, 2, 3, 7, 40})
      for (Length inner : {1, 3, 16, 37})
         for (int nan_every : {0, 5})
            for (bool most : {false, true})
               for (bool last : {false, true}) {
                  Floats x(static_cast<std::size_t>(2 * n * inner));
                  for (std::size_t i = 0; i < x.size(); i++) x[i] = nan_every && i % nan_every == 3 ? nan_ : std::floor(random_number() * 4);
                  std::vector<std::int64_t> expected, y(static_cast<std::size_t>(2 * inner + 1), 77);
                  for (Length o = 0; o < 2; o++)
                     for (Length j = 0; j < inner; j++) {
                        Length best = 0;
                        const auto at = [&](Length i) { return x[(o * n + i) * inner + j]; };
                        for (Length i = 1; i < n; i++) {
                           const float a = at(i), b = at(best);
                           if ((most ? a > b : a < b) || (last && a == b)) best = i;
                        }
                        expected.push_back(best);
                     }
                  expected.push_back(77);
                  for (const Body& body : all) {
                     body.arg(most, last, 2, n, inner, x.data(), y.data());
                     CHECK(y == expected, "%s arg n %td inner %td most %d last %d", body.name, n, inner, most, last);
                  }
                  if (!nan_every) {
                     const std::vector<std::int32_t> integers(x.begin(), x.end());
                     avx2::arg<std::int32_t>(most, last, 2, n, inner, integers.data(), y.data());
                     CHECK(y == expected, "arg of int32 n %td inner %td most %d last %d", n, inner, most, last);
                  }
               }
}

static void check_cumsum()
{
   for (Length n : {0, 1, 2, 9})
      for (Length inner : {0, 1, 3})
         for (bool exclusive : {false, true})
            for (bool reverse : {false, true}) {
               std::vector<std::int32_t> x(static_cast<std::size_t>(2 * n * inner)), y(x.size() + 1, 77);
               for (std::int32_t& v : x) v = static_cast<std::int32_t>(random_number() * 2e9f);
               avx2::cumulate(2, n, inner, x.data(), y.data(), exclusive, reverse, avx2::RunningSum());
               for (Length o = 0; o < 2; o++)
                  for (Length j = 0; j < inner; j++)
                     for (Length i = 0; i < n; i++) {
                        std::uint32_t sum = 0;
                        for (Length k = 0; k < n; k++)
                           if ((reverse ? k > i : k < i) || (k == i && !exclusive)) sum += static_cast<std::uint32_t>(x[(o * n + k) * inner + j]);
                        CHECK(y[(o * n + i) * inner + j] == static_cast<std::int32_t>(sum), "cumsum n %td inner %td exclusive %d reverse %d", n, inner, exclusive, reverse);
                     }
               CHECK(y.back() == 77, "cumsum writes beyond");
            }
   const float x[3] = {1e8f, 3, -1e8f};
   float y[3];
   avx2::cumulate(1, 3, 1, x, y, false, false, avx2::RunningSum());
   CHECK(y[0] == 1e8f && y[1] == 1e8f && y[2] == 0, "cumsum of floats");
}

int main()
{
   const std::vector<Body> all = bodies();
   for (Length n : {0, 1, 2, 3, 5, 8, 10, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 255, 256, 257, 700, 2047, 2048, 2049, 4200}) {
      check_floats(all, n % 3 + 1, n, 1, true);
      for (Length inner : {1, 5, 16, 31, 64, 70, 133})
         if (n * inner < 15000) check_floats(all, n % 2 + 1, n, inner, false);
   }
   check_floats(all, 0, 5, 1, true);
   check_floats(all, 2, 5, 0, false);
   check_order(all);
   check_specials(all);
   check_others<double>("double");
   check_others<std::int32_t>("int32");
   check_others<std::int64_t>("int64");
   check_others<std::uint32_t>("uint32");
   const bool bools[] = {false, true, false, false};
   bool got[2];
   avx2::reduce_bools(true, 1, 2, 2, bools, got);
   CHECK(!got[0] && got[1], "max of bools");
   avx2::reduce_bools(false, 1, 2, 2, bools, got);
   CHECK(!got[0] && !got[1], "min of bools");
   check_arg(all);
   check_cumsum();
   if (failures) std::printf("%d failures\n", failures);
   return failures != 0;
}
