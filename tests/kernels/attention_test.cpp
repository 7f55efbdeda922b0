// kernels: attention.hxx
// region: attention_region.hxx
//
// attention against double loops; the same bits on every instruction set with fma(), for a query alone and among others, at odd
// sizes and strides, in memory of exactly the promised size (for ASan).
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <limits>
#include <vector>

using Floats = std::vector<float>;
using Size = std::ptrdiff_t;
using Attention = decltype(&kernels::baseline::scaled_attention);

static int failures = 0;
static void check(bool good, const char* isa, const char* what, Size queries, Size keys, Size width)
{
   if (!good && ++failures <= 40) std::printf("%s: %s: queries %td keys %td width %td\n", isa, what, queries, keys, width);
}

static std::uint32_t seed = 1;
static float number()
{
   seed = seed * 1664525u + 1013904223u;
   return static_cast<float>(static_cast<std::int32_t>(seed) >> 8) * 0x1p-23f;
}
static Floats numbers(Size n)
{
   Floats v(static_cast<std::size_t>(n));
   for (float& x : v) x = number();
   return v;
}
/// rows of `width` numbers, `row` apart, and nothing after the last one.
static Floats rows_of(Size rows, Size width, Size row) { return numbers(rows ? (rows - 1) * row + width : 0); }

struct Case {
   Size queries, keys, width, value_width;
   int mask;  ///< 0: none, 1: a row for each query, 2: one row for all
   Size gap;  ///< between rows
};

struct Operands {
   Case c;
   Floats Q, K, V, mask;
   float scale;

   explicit Operands(const Case& of)
       : c(of), Q(rows_of(c.queries, c.width, c.width + c.gap)), K(rows_of(c.keys, c.width, c.width + 2 * c.gap)),
         V(rows_of(c.keys, c.value_width, c.value_width + 3 * c.gap)),
         mask(c.mask == 0 ? 0 : static_cast<std::size_t>(c.mask == 1 ? c.queries * c.keys : c.keys)),
         scale(2.f / std::sqrt(static_cast<float>(c.width + 1)))
   {
      for (float& q : Q) q *= 8;
      for (float& m : mask) m = number() > 0.6f ? -std::numeric_limits<float>::infinity() : number();
      for (std::size_t m = 0; m < mask.size(); m += static_cast<std::size_t>(c.keys)) mask[m] = 0.5f;  // nobody is masked entirely
   }

   /// The queries first .. first + count - 1, without gaps; `clean` is false where something was written beyond them.
   Floats run(Attention attention, Size first, Size count, bool& clean) const
   {
      const float untouched = 12345.f;
      const Size y_row = c.value_width + c.gap;
      Floats Y(static_cast<std::size_t>(count ? (count - 1) * y_row + c.value_width : 0), untouched), result;
      Floats scratch(static_cast<std::size_t>(kernels::baseline::attention_scratch(c.keys, c.width, c.value_width)), std::nanf(""));
      attention(count, c.keys, c.width, c.value_width, Q.data() + first * (c.width + c.gap), c.width + c.gap, K.data(), c.width + 2 * c.gap,
                V.data(), c.value_width + 3 * c.gap, Y.data(), y_row, scale,
                c.mask ? mask.data() + (c.mask == 1 ? first * c.keys : 0) : nullptr, c.mask == 1 ? c.keys : 0, scratch.data());
      for (Size i = 0; i < count; i++) result.insert(result.end(), Y.data() + i * y_row, Y.data() + i * y_row + c.value_width);
      clean = std::count(Y.begin(), Y.end(), untouched) == static_cast<Size>(Y.size() - result.size());
      return result;
   }

   double expected(Size query, Size column) const
   {
      std::vector<double> score(static_cast<std::size_t>(c.keys));
      double most = -std::numeric_limits<double>::infinity(), sum = 0, value = 0;
      for (Size k = 0; k < c.keys; k++) {
         double& s = score[static_cast<std::size_t>(k)];
         for (Size w = 0; w < c.width; w++)
            s += static_cast<double>(Q[static_cast<std::size_t>(query * (c.width + c.gap) + w)]) *
                 K[static_cast<std::size_t>(k * (c.width + 2 * c.gap) + w)];
         s *= scale;
         if (c.mask) s += mask[static_cast<std::size_t>((c.mask == 1 ? query * c.keys : 0) + k)];
         most = std::max(most, s);
      }
      for (Size k = 0; k < c.keys; k++) {
         const double e = std::exp(score[static_cast<std::size_t>(k)] - most);
         sum += e;
         value += e * V[static_cast<std::size_t>(k * (c.value_width + 3 * c.gap) + column)];
      }
      return c.keys ? value / sum : 0;
   }
};

static bool equal_bits(const Floats& a, const Floats& b)
{
   return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0);
}

/// Checks one case on one instruction set; returns its result.
static Floats test_case(const char* isa, Attention attention, const Operands& operands)
{
   const Case& c = operands.c;
   bool clean, good = true;
   const Floats Y = operands.run(attention, 0, c.queries, clean);
   check(clean, isa, "something else was written", c.queries, c.keys, c.width);
   for (Size q = 0; q < c.queries; q++)
      for (Size v = 0; v < c.value_width; v++)
         good = good && std::fabs(Y[static_cast<std::size_t>(q * c.value_width + v)] - operands.expected(q, v)) < 3e-6;
   check(good, isa, "value", c.queries, c.keys, c.width);
   for (Size count : {1, 2, 5, 14, 20})
      for (Size first = 0; first + count <= c.queries; first += count) {
         const Floats some = operands.run(attention, first, count, clean);
         const Floats same(Y.begin() + first * c.value_width, Y.begin() + (first + count) * c.value_width);
         check(clean && equal_bits(some, same), isa, "queries by themselves", count, c.keys, c.width);
      }
   return Y;
}

/// Fully masked queries and those that meet a NaN or +inf are NaN, as the four operators in a row have it; no other is. A key masked
/// by -inf does not count at all.
static void test_special(const char* isa, Attention attention)
{
   const float infinity = std::numeric_limits<float>::infinity();
   Operands o({9, 37, 20, 18, 1, 0});
   std::fill(o.mask.begin(), o.mask.end(), 0.f);
   std::fill_n(o.mask.begin() + 2 * 37, 37, -infinity);
   o.Q[4 * 20 + 19] = std::nanf("");
   o.mask[6 * 37 + 36] = infinity;
   std::fill_n(o.mask.begin() + 7 * 37, 37, -200.f);  // far below 0, yet not masked
   for (Size q = 0; q < 9; q++) o.mask[static_cast<std::size_t>(q * 37 + 35)] = -infinity;
   o.V[35 * 18 + 1] = 3e38f;
   bool clean;
   const Floats Y = o.run(attention, 0, 9, clean);
   for (Size q = 0; q < 9; q++)
      for (Size v = 0; v < 18; v++) {
         const float y = Y[static_cast<std::size_t>(q * 18 + v)];
         check(q == 2 || q == 4 || q == 6 ? std::isnan(y) : std::fabs(y - o.expected(q, v)) < 3e-6, isa, "special values", q, 37, v);
      }
}

using RareAttention = decltype(&kernels::baseline::rare_attention);

/// Queries without any key: zeros where that is asked for, and nobody else changes by it.
static void test_rare(const char* isa, Attention attention, RareAttention rare)
{
   Operands o({9, 37, 20, 18, 1, 0});
   o.scale = 1.f;
   std::fill_n(o.mask.begin() + 2 * 37, 37, -std::numeric_limits<float>::infinity());
   o.Q[4 * 20 + 19] = std::nanf("");
   bool clean;
   const Floats plain = o.run(attention, 0, 9, clean);
   Floats scratch(static_cast<std::size_t>(kernels::baseline::attention_scratch(37, 20, 18)));
   for (bool any_nan : {false, true}) {
      Floats Y(9 * 18);
      rare(any_nan, 9, 37, 20, 18, o.Q.data(), o.K.data(), o.V.data(), Y.data(), o.mask.data(), scratch.data());
      for (Size q = 0; q < 9; q++) {
         const Floats row(Y.begin() + q * 18, Y.begin() + (q + 1) * 18), before(plain.begin() + q * 18, plain.begin() + (q + 1) * 18);
         const bool zero = q == 2 || (q == 4 && any_nan);
         check(zero ? row == Floats(18) : q == 4 ? std::isnan(row[0]) : equal_bits(row, before), isa, "queries without keys", q, 37, any_nan);
      }
   }
}

int main()
{
   struct Isa {
      const char* name;
      Attention attention;
      RareAttention rare;
      bool present, fused;
   };
#if defined(__x86_64__)
   const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
                       __builtin_cpu_supports("avx512vl");
   const Isa all[] = {{"avx512", kernels::avx512::scaled_attention, kernels::avx512::rare_attention, avx512, true},
                      {"avx2", kernels::avx2::scaled_attention, kernels::avx2::rare_attention, __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"), true},
                      {"baseline", kernels::baseline::scaled_attention, kernels::baseline::rare_attention, true, false}};
#else
   const Isa all[] = {{"baseline", kernels::baseline::scaled_attention, kernels::baseline::rare_attention, true, true}};
#endif
   const Case cases[] = {{1, 1, 1, 1, 0, 0},      {3, 5, 7, 3, 1, 1},      {20, 16, 16, 16, 0, 0}, {31, 17, 24, 40, 2, 3},
                         {20, 100, 64, 64, 1, 0}, {17, 300, 32, 20, 0, 5}, {2, 2100, 8, 9, 2, 0},  {15, 33, 300, 33, 1, 2},
                         {0, 5, 4, 4, 0, 0},      {3, 0, 4, 20, 0, 0},     {3, 6, 0, 5, 0, 0},     {4, 6, 5, 0, 1, 0},
                         {29, 64, 64, 64, 2, 0},  {5, 257, 5, 1, 1, 1}};
   for (const Case& c : cases) {
      const Operands operands(c);
      Floats first;
      bool any = false;
      for (const Isa& isa : all)
         if (isa.present) {
            const Floats Y = test_case(isa.name, isa.attention, operands);
            if (!isa.fused) continue;
            check(!any || equal_bits(Y, first), isa.name, "other bits than the first instruction set", c.queries, c.keys, c.width);
            first = Y;
            any = true;
         }
   }
   for (const Isa& isa : all)
      if (isa.present) {
         test_special(isa.name, isa.attention);
         test_rare(isa.name, isa.attention, isa.rare);
      }
   if (failures) std::printf("%d failures\n", failures);
   return failures != 0;
}
