// kernels: pointwise.hxx
// region: functions_region.hxx
#include "checks.hxx"

/// Distance from the exact value in units of the last place of its float.
static double ulps(float got, double exact)
{
   if (std::isnan(exact)) return std::isnan(got) ? 0 : 1e30;
   if (std::isnan(got)) return 1e30;
   if (same(got, static_cast<float>(exact))) return 0;
   if (std::isinf(got) || std::isinf(exact)) return std::fabs(exact) > 3.40282e38 && std::fabs(got) > 3.40282e38 ? 0 : 1e30;
   const double size = std::fabs(exact);
   const int exponent = size < std::ldexp(1, -126) ? -126 : std::ilogb(size);
   return std::fabs(got - exact) / std::ldexp(1., exponent - 23);
}

typedef void (*Unary)(const float*, float*, std::ptrdiff_t);
typedef void (*Binary)(const float*, const float*, float*, std::ptrdiff_t);

/// One function: its bodies; the exact value; the limits with FMA and without. Below `least` in magnitude of x * slack the error counts
/// absolutely: ulp of max(|exact|, slack(x)).
struct UnaryCase {
   const char* name;
   Unary wide, middle, narrow;
   double (*exact)(double);
   double limit, limit_narrow;
   double (*slack)(double);
   unsigned step;
};
#define BODIES(name) #name, avx512::Functions::run_##name, avx2::Functions::run_##name, baseline::Functions::run_##name
static double none(double) { return 0; }
static double one(double) { return 1; }
static double size_or_one(double x) { return std::max(1., std::fabs(x)); }
static double logistic(double x) { return x < -87.3f ? 0 : 1 / (1 + std::exp(-x)); }
static double flushed_exp(double x) { return x > 0 ? nan_ : x < -87.3f ? 0 : std::exp(x); }

static const UnaryCase unary_cases[] = {
   {BODIES(exp), [](double x) { return std::exp(x); }, 1.03, 1.03, none, 1009},
   {BODIES(tanh), [](double x) { return std::tanh(x); }, 1.53, 1.53, none, 1009},
   {BODIES(sigmoid), logistic, 2.4, 2.4, none, 1009},
   {BODIES(erf), [](double x) { return std::erf(x); }, 1.3, 1.3, none, 1009},
   {BODIES(gelu), [](double x) { return x < -6.08 ? x * 0 : 0.5 * x * std::erfc(-x * 0.70710678118654752440); }, 1.3, 1.3, size_or_one, 1009},
   {BODIES(log), [](double x) { return std::log(x); }, 0.82, 0.82, none, 1009},
   {BODIES(log1p), [](double x) { return std::log1p(x); }, 0.9, 0.9, none, 1009},
   {BODIES(abs), [](double x) { return std::fabs(x); }, 0, 0, none, 10007},
   {BODIES(neg), [](double x) { return -x; }, 0, 0, none, 10007},
   {BODIES(sign), [](double x) { return std::isnan(x) ? x : x > 0 ? 1. : x < 0 ? -1. : 0.; }, 0, 0, none, 10007},
   {BODIES(round), [](double x) { return std::nearbyint(x); }, 0, 0, none, 10007},
   {BODIES(floor), [](double x) { return std::floor(x); }, 0, 0, none, 10007},
   {BODIES(ceil), [](double x) { return std::ceil(x); }, 0, 0, none, 10007},
   {BODIES(reciprocal), [](double x) { return 1 / x; }, 0, 0, none, 10007},
   {BODIES(sqrt), [](double x) { return std::sqrt(x); }, 0, 0, none, 10007},
   {BODIES(relu), [](double x) { return x < 0 ? 0 : x; }, 0, 0, none, 10007},
   {BODIES(leaky_relu), [](double x) { return x < 0 ? x * 0.1f : x; }, 0, 0, none, 10007},
   {BODIES(thresholded_relu), [](double x) { return x > 1.5 ? x : 0; }, 0, 0, none, 10007},
   {BODIES(elu), [](double x) { return x < 0 ? 2 * std::expm1(x) : x; }, 1.5, 1.5, one, 10007},
   {BODIES(selu), [](double x) { return double(1.0507010f) * (x < 0 ? double(1.6732632f) * std::expm1(x) : x); }, 2.5, 2.5, one, 10007},
   {BODIES(celu), [](double x) { return x < 0 ? 2 * std::expm1(x / 2) : x; }, 1.5, 1.5, one, 10007},
   {BODIES(hard_sigmoid), [](double x) { return std::isnan(x) ? x : std::min(1., std::max(0., double(0.2f) * x + 0.5)); }, 0.51, 1.1, one, 10007},
   {BODIES(hard_swish), [](double x) { return std::isnan(x) ? x : x * std::min(1., std::max(0., x / 6 + 0.5)); }, 3, 3, size_or_one, 10007},
   {BODIES(softplus), [](double x) { return x > 0 ? x + std::log1p(std::exp(-x)) : x < -87.3f ? 0 : std::log1p(std::exp(x)); }, 1.7, 1.7, none, 10007},
   {BODIES(softsign), [](double x) { return x / (1 + std::fabs(x)); }, 1.6, 1.6, none, 10007},
   {BODIES(mish), [](double x) { const double w = std::exp(std::min(x, 30.)), s = w * (w + 2); return std::isnan(x) ? x : x * (s / (s + 2)); }, 5, 5, [](double x) { return x < -80 ? 1e-30 : 0.; }, 10007},
   {BODIES(gelu_tanh), [](double x) { return x * logistic(1.5957691216057307 * x * (1 + 0.044715 * x * x)); }, 2, 2, size_or_one, 10007},
   {BODIES(swish), [](double x) { return x * logistic(x); }, 3.5, 3.5, [](double x) { return x < -87 ? 1e-30 : 0.; }, 10007},
   {BODIES(shrink), [](double x) { return x > 0.5 ? x - 0.25 : x < -0.5 ? x + 0.25 : 0; }, 0.51, 0.51, none, 10007},
   {BODIES(clip), [](double x) { return std::isnan(x) ? x : std::min(2., std::max(-0.5, x)); }, 0, 0, none, 10007},
   {BODIES(is_nan), [](double x) { return std::isnan(x) ? 1. : 0.; }, 0, 0, none, 10007},
   {BODIES(is_inf), [](double x) { return std::isinf(x) && x > 0 ? 1. : 0.; }, 0, 0, none, 10007},
   {BODIES(exp_nonpositive), flushed_exp, 1.03, 1.03, none, 1009},
   {BODIES(sin), [](double x) { return std::sin(x); }, 0.5001, 0.5001, none, 100003},
   {BODIES(cos), [](double x) { return std::cos(x); }, 0.5001, 0.5001, none, 100003},
   {BODIES(tan), [](double x) { return std::tan(x); }, 0.5001, 0.5001, none, 100003},
   {BODIES(asin), [](double x) { return std::asin(x); }, 0.5001, 0.5001, none, 100003},
   {BODIES(acos), [](double x) { return std::acos(x); }, 0.5001, 0.5001, none, 100003},
   {BODIES(atan), [](double x) { return std::atan(x); }, 0.5001, 0.5001, none, 100003},
   {BODIES(sinh), [](double x) { return std::sinh(x); }, 0.5001, 0.5001, none, 100003},
   {BODIES(cosh), [](double x) { return std::cosh(x); }, 0.5001, 0.5001, none, 100003},
   {BODIES(asinh), [](double x) { return std::asinh(x); }, 0.5001, 0.5001, none, 100003},
   {BODIES(acosh), [](double x) { return std::acosh(x); }, 0.5001, 0.5001, none, 100003},
   {BODIES(atanh), [](double x) { return std::atanh(x); }, 0.5001, 0.5001, none, 100003},
};

static double error(const UnaryCase& f, float got, double x)
{
   const double exact = f.exact(x), slack = f.slack(x);
   if (slack > std::fabs(exact) && std::isfinite(exact) && std::isfinite(got)) return std::fabs(got - exact) / std::ldexp(1., std::ilogb(slack) - 23);
   return ulps(got, exact);
}

static void check_unary(const UnaryCase& f, bool report)
{
   std::vector<float> x;
   for (std::uint64_t u = 0; u < (1ull << 32); u += f.step) x.push_back(from_bits(static_cast<std::uint32_t>(u)));
   for (float special : {0.f, -0.f, inf, -inf, nan_, -nan_, 1e-45f, -1e-45f, 1e-40f, -1e-40f, 1.17549435e-38f, 3.4028235e38f, -3.4028235e38f, -87.3f, -87.4f, -104.f,
                         -103.f, 88.7f, 88.73f, 0.5f, 1.5f, 2.5f, -0.5f, -1.5f, -2.5f, 8388607.5f, 8388609.f, -1.f, 1.f, 0.625f, 0.93f, 4.3f, -6.08f, -10.f, 20.f})
      x.push_back(special);
   const std::ptrdiff_t n = static_cast<std::ptrdiff_t>(x.size());
   std::vector<float> narrow(x.size()), middle(x.size()), wide(x.size());
   f.narrow(x.data(), narrow.data(), n);
   f.middle(x.data(), middle.data(), n);
   wide = middle;
   if (has_avx512) f.wide(x.data(), wide.data(), n);
   double worst = 0, worst_narrow = 0;
   float at = 0, at_narrow = 0;
   for (std::size_t i = 0; i < x.size(); i++) {
      CHECK(same(middle[i], wide[i]), "%s(%.9g): avx2 %.9g, avx512 %.9g", f.name, x[i], middle[i], wide[i]);
      if (f.exact == flushed_exp && x[i] > 0) continue;
      const double e = error(f, middle[i], x[i]), e_narrow = error(f, narrow[i], x[i]);
      if (e > worst) worst = e, at = x[i];
      if (e_narrow > worst_narrow) worst_narrow = e_narrow, at_narrow = x[i];
   }
   if (report) std::printf("%-18s %.3f (%.9g) %.3f (%.9g)\n", f.name, worst, at, worst_narrow, at_narrow);
   CHECK(worst <= f.limit, "%s: %g ulp at %.9g", f.name, worst, at);
   CHECK(worst_narrow <= f.limit_narrow, "%s without fma: %g ulp at %.9g", f.name, worst_narrow, at_narrow);
   // Tails and offsets: the same bits wherever an element stands, nothing written beyond.
   for (Unary body : {f.narrow, f.middle, has_avx512 ? f.wide : f.middle}) {
      const float* all = body == f.narrow ? narrow.data() : middle.data();
      for (std::ptrdiff_t size = 0; size <= 40; size++) {
         const std::ptrdiff_t begin = (size * 7919 + 13) % (n - 64);
         float y[64];
         std::fill(y, y + 64, 77.f);
         body(x.data() + begin, y + 3, size);
         for (std::ptrdiff_t i = 0; i < size; i++) CHECK(same(y[3 + i], all[begin + i]), "%s: tail %td of %td", f.name, i, size);
         CHECK(y[2] == 77.f && y[3 + size] == 77.f, "%s: writes outside of %td", f.name, size);
      }
   }
}

static const struct {
   const char* name;
   Unary wide, middle, narrow;
   float x, y;
} specials[] = {
   {BODIES(tanh), -0.f, -0.f},      {BODIES(erf), -0.f, -0.f},         {BODIES(gelu), -0.f, -0.f},      {BODIES(gelu), -inf, nan_},
   {BODIES(gelu), -50.f, -0.f},     {BODIES(exp_nonpositive), -inf, 0.f}, {BODIES(exp_nonpositive), -88.f, 0.f}, {BODIES(exp_nonpositive), nan_, nan_},
   {BODIES(exp), -inf, 0.f},        {BODIES(exp), inf, inf},           {BODIES(exp), nan_, nan_},       {BODIES(log), 1e-40f, -92.1034088f},
   {BODIES(log), 0.f, -inf},        {BODIES(log), -0.f, -inf},         {BODIES(log), -1e-40f, nan_},    {BODIES(log1p), -0.f, -0.f},
   {BODIES(log1p), -1.f, -inf},     {BODIES(log1p), inf, inf},         {BODIES(sign), -0.f, 0.f},       {BODIES(relu), nan_, nan_},
   {BODIES(relu), -inf, 0.f},       {BODIES(round), -0.3f, -0.f},      {BODIES(ceil), -0.7f, -0.f},     {BODIES(floor), -0.f, -0.f},
   {BODIES(hard_swish), -inf, nan_}, {BODIES(mish), -inf, nan_},       {BODIES(swish), -inf, nan_},     {BODIES(softplus), -inf, 0.f},     {BODIES(softplus), -90.f, 0.f},
   {BODIES(thresholded_relu), nan_, 0.f}, {BODIES(shrink), nan_, 0.f}, {BODIES(sigmoid), -inf, 0.f},    {BODIES(sigmoid), inf, 1.f},
   {BODIES(celu), -inf, -2.f},      {BODIES(elu), -inf, -2.f},         {BODIES(clip), nan_, nan_},      {BODIES(softsign), inf, nan_},
};

static void check_binary()
{
   const struct {
      const char* name;
      Binary wide, middle, narrow;
      double (*exact)(double, double);
   } cases[] = {
      {BODIES(add), [](double a, double b) { return a + b; }},
      {BODIES(sub), [](double a, double b) { return a - b; }},
      {BODIES(product), [](double a, double b) { return a * b; }},
      {BODIES(div), [](double a, double b) { return static_cast<double>(static_cast<float>(a) / static_cast<float>(b)); }},
      {BODIES(fmod), [](double a, double b) { return std::fmod(a, b); }},
      {BODIES(pow), [](double a, double b) { return std::pow(a, b); }},
      {BODIES(max), [](double a, double b) { return std::isnan(a) || a > b ? a : b; }},
      {BODIES(min), [](double a, double b) { return std::isnan(a) || a < b ? a : b; }},
      {BODIES(prelu), [](double a, double b) { return a < 0 ? a * b : a; }},
      {BODIES(equal), [](double a, double b) { return a == b ? 1. : 0.; }},
      {BODIES(less), [](double a, double b) { return a < b ? 1. : 0.; }},
      {BODIES(less_or_equal), [](double a, double b) { return a <= b ? 1. : 0.; }},
      {BODIES(greater), [](double a, double b) { return a > b ? 1. : 0.; }},
      {BODIES(greater_or_equal), [](double a, double b) { return a >= b ? 1. : 0.; }},
      {BODIES(where), [](double a, double b) { return !(a < b || a == b) ? a : b; }},
      {BODIES(xor), [](double a, double b) { return (a < b) != (a < 0 && b < 0) ? 1. : 0.; }},
   };
   const float values[] = {0.f, -0.f, 1.f, -1.f, 2.f, -2.f, 3.f, 0.5f, -0.5f, 7.25f, -8.f, 1e-40f, 1e-38f, 3e38f, -3e38f, inf, -inf, nan_, 1.f / 3, 16777217.f, 1e10f};
   std::vector<float> a, b;
   for (float p : values)
      for (float q : values) a.push_back(p), b.push_back(q);
   const std::ptrdiff_t n = static_cast<std::ptrdiff_t>(a.size());
   for (const auto& f : cases)
      for (Binary body : {f.narrow, f.middle, has_avx512 ? f.wide : f.middle}) {
         std::vector<float> y(a.size());
         body(a.data(), b.data(), y.data(), n);
         for (std::size_t i = 0; i < y.size(); i++) {
            const float exact = static_cast<float>(f.exact(a[i], b[i]));
            CHECK(same(y[i], exact), "%s(%.9g, %.9g) = %.9g, not %.9g", f.name, a[i], b[i], y[i], exact);
         }
      }
}

int main(int arguments, char**)
{
   for (const auto& f : unary_cases) check_unary(f, arguments > 1);
   for (const auto& s : specials)
      for (Unary body : {s.narrow, s.middle, has_avx512 ? s.wide : s.middle}) {
         float y;
         body(&s.x, &y, 1);
         CHECK(same(y, s.y), "%s(%.9g) = %.9g, not %.9g", s.name, s.x, y, s.y);
      }
   check_binary();
   if (failures) std::printf("%d failures\n", failures);
   return failures != 0;
}
