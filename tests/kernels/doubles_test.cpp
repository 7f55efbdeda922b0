// kernels: pointwise.hxx double_functions.hxx
// region: doubles_region.hxx
#include "checks.hxx"

#include <random>

typedef long double Long;
typedef void (*Run)(const double*, double*, std::ptrdiff_t);

static std::uint64_t bits(double x)
{
   std::uint64_t u;
   std::memcpy(&u, &x, 8);
   return u;
}
static double from_bits(std::uint64_t u)
{
   double x;
   std::memcpy(&x, &u, 8);
   return x;
}
static bool same(double a, double b) { return std::isnan(a) ? std::isnan(b) : bits(a) == bits(b); }

/// Distance from the exact value in units of the last place of its double; zeros of the other sign are far.
static double ulps(double got, Long exact)
{
   const double nearest = static_cast<double>(exact);
   if (same(got, nearest)) return 0;
   if (std::isnan(got) || std::isnan(nearest) || (got == 0 && nearest == 0)) return 1e30;
   const Long size = std::fabs(exact), most = std::numeric_limits<double>::max();
   if (std::isinf(got) || std::isinf(nearest)) return size > most && std::fabs(got) == most ? 1 : size <= most && size > most * (1 - 1e-16L) ? 1 : 1e30;
   const int exponent = size < std::ldexp(1.L, -1022) ? -1022 : std::ilogb(size);
   return static_cast<double>(std::fabs(got - exact) / std::ldexp(1.L, exponent - 52));
}

/// One function: its bodies; the exact value; the limit in ULP; where most points lie.
struct Case {
   const char* name;
   Run lanes[3], numbers[3];
   Long (*exact)(Long);
   double limit, low, high;
};
#define DOUBLES(name)                                                                                              \
   #name, {avx512::Doubles::lanes_##name, avx2::Doubles::lanes_##name, baseline::Doubles::lanes_##name},           \
   {                                                                                                               \
      avx512::Doubles::numbers_##name, avx2::Doubles::numbers_##name, baseline::Doubles::numbers_##name            \
   }

/// x (1 + erf(x / sqrt(2))) / 2; what rounding takes from x / sqrt(2) counts.
static Long exact_gelu(Long x)
{
   if (x > 50 || std::isinf(x)) return x > 0 ? x : nan_;  // as in onnxruntime
   if (x < -50) return -0.L;
   const Long slope = 0.707106781186547524400844362104849039L, slope_rest = 1.8950325588932571e-20L, z = -x * slope, lost = std::fma(-x, slope, -z) - x * slope_rest;
   return 0.5L * x * (std::erfc(z) - 1.12837916709551257390L * std::exp(-z * z) * lost);
}

static const Case cases[] = {
   {DOUBLES(exp), [](Long x) { return std::exp(x); }, 0.8, -746, 710},
   {DOUBLES(log), [](Long x) { return x < 0 ? nan_ : std::log(x); }, 0.9, 0, 9},
   {DOUBLES(log1p), [](Long x) { return x < -1 ? nan_ : std::log1p(x); }, 0.9, -1, 9},
   {DOUBLES(tanh), [](Long x) { return std::tanh(x); }, 1.6, -22, 22},
   {DOUBLES(erf), [](Long x) { return std::erf(x); }, 1, -7, 7},
   {DOUBLES(sigmoid), [](Long x) { return 1 / (1 + std::exp(-x)); }, 1.6, -746, 40},
   {DOUBLES(gelu), exact_gelu, 2, -39, 9},
   {DOUBLES(sin), [](Long x) { return std::sin(x); }, 0.9, -100, 100},
   {DOUBLES(cos), [](Long x) { return std::cos(x); }, 0.9, -100, 100},
   {DOUBLES(tan), [](Long x) { return std::tan(x); }, 1.2, -100, 100},
   {DOUBLES(asin), [](Long x) { return std::fabs(x) > 1 ? nan_ : std::asin(x); }, 0.8, -1, 1},
   {DOUBLES(acos), [](Long x) { return std::fabs(x) > 1 ? nan_ : std::acos(x); }, 0.8, -1, 1},
   {DOUBLES(atan), [](Long x) { return std::atan(x); }, 0.9, -20, 20},
   {DOUBLES(sinh), [](Long x) { return std::sinh(x); }, 1, -711, 711},
   {DOUBLES(cosh), [](Long x) { return std::cosh(x); }, 1, -711, 711},
   {DOUBLES(asinh), [](Long x) { return std::asinh(x); }, 1.4, -20, 20},
   {DOUBLES(acosh), [](Long x) { return x < 1 ? nan_ : std::acosh(x); }, 1.2, 1, 9},
   {DOUBLES(atanh), [](Long x) { return std::fabs(x) > 1 ? nan_ : std::atanh(x); }, 1.2, -1, 1},
};

static const double edges[] = {
   0., -0., 1., -1., 0.5, -0.5, 2., -2., 3., -3., 0.25, 1.5, -2.5, 7., 1e-300, -1e-300, 5e-324, -5e-324, 1e-310, -1e-310, 2.2250738585072014e-308,
   1.7976931348623157e308, -1.7976931348623157e308, HUGE_VAL, -HUGE_VAL, from_bits(0x7ff8000000000000u), from_bits(0xfff8000000000000u),
   709.782712893384, 709.7827128933841, -708.3964185322641, -745.1332191019411, -745.1332191019412, 710.4758600739439, 710.475860073944, 0.55,
   1e22, 0x1.6ac5b262ca1ffp+849, 27.2, -27.3, -37.6, -38.5, 268435456., 268435457., 1048575.9, 1048576., 9007199254740991., 9007199254740993., -9007199254740991.,
   4503599627370497., 0.4142135623730951, 2.414213562373095, 0.9999999999999999, 1.0000000000000002, -1.0000000000000002, 1e-8, 1e-17,
};

/// Most points in the range of the function, some about 1, small ones, near multiples of pi / 2 of all sizes, and any bits.
static std::vector<double> points(double low, double high)
{
   std::vector<double> x(std::begin(edges), std::end(edges));
   std::mt19937_64 draw(7);
   const auto within = [&](double a, double b) { return a + (b - a) * (static_cast<double>(draw() >> 11) * 0x1p-53); };
   for (int i = 0; i < 8000; i++) {
      x.push_back(within(low, high));
      x.push_back(within(-2, 2));
      x.push_back(within(1 - 1e-3, 1 + 1e-3));
      x.push_back(std::copysign(std::exp2(within(-60, 4)), within(-1, 1)));
      x.push_back(from_bits(draw()));
      x.push_back(static_cast<double>(std::floor(std::exp2(within(0, 40))) * 1.57079632679489661923L));
   }
   return x;
}

static void check(const Case& f, bool report)
{
   const std::vector<double> x = points(f.low, f.high);
   const std::ptrdiff_t n = static_cast<std::ptrdiff_t>(x.size());
   std::vector<double> y[3], number(x.size());
   for (int body = has_avx512 ? 0 : 1; body < 3; body++) {
      y[body].resize(x.size());
      f.lanes[body](x.data(), y[body].data(), n);
      f.numbers[body](x.data(), number.data(), n);
      double worst = 0, at = 0;
      for (std::size_t i = 0; i < x.size(); i++) {
         CHECK(same(y[body][i], number[i]), "%s(%a), body %d: in a vector %a, alone %a", f.name, x[i], body, y[body][i], number[i]);
         if (body < 2 && has_avx512) CHECK(same(y[0][i], y[body][i]), "%s(%a): avx512 %a, avx2 %a", f.name, x[i], y[0][i], y[body][i]);
         const double error = ulps(number[i], f.exact(x[i]));
         if (error > worst) worst = error, at = x[i];
      }
      if (report) std::printf("%-8s body %d: %.3f at %a\n", f.name, body, worst, at);
      CHECK(worst <= f.limit, "%s, body %d: %g ulp at %a", f.name, body, worst, at);
   }
}

typedef void (*RunTwo)(const double*, const double*, double*, std::ptrdiff_t);

/// The C library's powers are the special values' standard; others are compared with those of long double.
static void check_pow(bool report)
{
   std::vector<double> base, by;
   for (double p : edges)
      for (double q : edges) base.push_back(p), by.push_back(q);
   const std::size_t special = base.size();
   std::mt19937_64 draw(11);
   for (int i = 0; i < 40000; i++) {
      const double size = std::exp2(static_cast<double>(static_cast<std::int64_t>(draw()) >> 11) * 0x1p-52 * (i % 3 == 0 ? 1000 : i % 3 == 1 ? 3 : 0.01));
      const double most = std::min(1e300, 740 / std::fabs(std::log(size)));
      base.push_back(size), by.push_back(most * (static_cast<double>(static_cast<std::int64_t>(draw()) >> 11) * 0x1p-52));
   }
   const RunTwo lanes[] = {avx512::Doubles::lanes_pow, avx2::Doubles::lanes_pow, baseline::Doubles::lanes_pow}, numbers[] = {avx512::Doubles::numbers_pow, avx2::Doubles::numbers_pow, baseline::Doubles::numbers_pow};
   std::vector<double> y[3], number(base.size());
   for (int body = has_avx512 ? 0 : 1; body < 3; body++) {
      y[body].resize(base.size());
      lanes[body](base.data(), by.data(), y[body].data(), static_cast<std::ptrdiff_t>(base.size()));
      numbers[body](base.data(), by.data(), number.data(), static_cast<std::ptrdiff_t>(base.size()));
      double worst = 0;
      for (std::size_t i = 0; i < base.size(); i++) {
         CHECK(same(y[body][i], number[i]), "pow(%a, %a), body %d: in a vector %a, alone %a", base[i], by[i], body, y[body][i], number[i]);
         if (body < 2 && has_avx512) CHECK(same(y[0][i], y[body][i]), "pow(%a, %a): avx512 %a, avx2 %a", base[i], by[i], y[0][i], y[body][i]);
         const double error = ulps(number[i], i < special ? std::pow(base[i], by[i]) : std::pow(static_cast<Long>(base[i]), static_cast<Long>(by[i])));
         CHECK(error <= 1.1, "pow(%a, %a), body %d: %a is %g ulp off", base[i], by[i], body, number[i], error);
         worst = std::max(worst, error);
      }
      if (report) std::printf("pow      body %d: %.3f\n", body, worst);
   }
   std::int64_t (*const whole[])(std::int64_t, std::int64_t) = {baseline::number_pow, avx2::number_pow};
   for (std::int64_t p = -40; p <= 40; p++) {
      std::int64_t power = 1;
      for (std::int64_t q = 0; q < 10; q++, power *= p)
         if (std::fabs(static_cast<double>(power)) < 0x1p53)
            for (auto body : whole) CHECK(body(p, q) == power, "%lld to the power %lld", static_cast<long long>(p), static_cast<long long>(q));
   }
}

/// Powers of floats are those of doubles, rounded.
static void check_float_pow()
{
   std::vector<float> base, by;
   std::mt19937 draw(13);
   for (int i = 0; i < 40000; i++) {
      const float size = static_cast<float>(std::exp2(static_cast<double>(static_cast<std::int32_t>(draw())) * 0x1p-31 * (i % 2 ? 126 : 2)));
      base.push_back(size), by.push_back(static_cast<float>(80 / std::log(size) * static_cast<double>(static_cast<std::int32_t>(draw())) * 0x1p-31));
   }
   for (double p : edges)
      for (double q : edges) base.push_back(static_cast<float>(p)), by.push_back(static_cast<float>(q));
   for (auto body : {baseline::floats_pow, avx2::floats_pow, has_avx512 ? avx512::floats_pow : avx2::floats_pow}) {
      std::vector<float> y(base.size());
      body(base.data(), by.data(), y.data(), static_cast<std::ptrdiff_t>(base.size()));
      for (std::size_t i = 0; i < base.size(); i++) {
         const double exact = std::pow(static_cast<double>(base[i]), static_cast<double>(by[i]));
         const float nearest = static_cast<float>(exact);
         CHECK(same(y[i], nearest) || std::fabs(y[i] - exact) <= 0.50001 * std::fabs(std::nextafter(nearest, 0.f) - static_cast<double>(nearest)), "pow(%a, %a) = %a, not %a", base[i], by[i], y[i], nearest);
         CHECK(same(avx2::number_pow(base[i], by[i]), y[i]) || body == baseline::floats_pow, "pow(%a, %a) alone", base[i], by[i]);
      }
   }
}

static void check_numbers()
{
   double (*const exact[])(double) = {[](double x) { return 0.5 * x * std::erfc(-x * 0.70710678118654752440); },
                                      [](double x) { return std::log1p(std::exp(x)); },
                                      [](double x) { return x * std::tanh(std::log1p(std::exp(x))); },
                                      [](double x) { return x < 0 ? std::expm1(x) : x; },
                                      [](double x) { return x * std::min(1., std::max(0., x / 6 + 0.5)); },
                                      [](double x) { return 0.5 * x * (1 + std::tanh(0.79788456080286535588 * (x + 0.044715 * x * x * x))); },
                                      [](double x) { return x / (1 + std::exp(-x)); },
                                      [](double x) { return x > 0.5 ? x - 0.25 : x < -0.5 ? x + 0.25 : 0; },
                                      [](double x) { return x / (1 + std::fabs(x)); }};
   for (int which = 0; which < 9; which++)
      for (float x = -9; x <= 9; x += 0.37f) {
         const double y = exact[which](x), scale = std::max(1., std::fabs(y));
         CHECK(std::fabs(avx2::number_of(which, static_cast<double>(x)) - y) <= 4e-15 * scale, "double %d (%g)", which, x);
         CHECK(std::fabs(avx2::number_of(which, x) - y) <= 4e-7 * scale, "float %d (%g)", which, x);
      }
}

int main(int arguments, char**)
{
   for (const Case& f : cases) check(f, arguments > 1);
   check_pow(arguments > 1);
   check_float_pow();
   check_numbers();
   if (failures) std::printf("%d failures\n", failures);
   return failures != 0;
}
