// kernels: pointwise.hxx
// region: functions_region.hxx
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <limits>
#include <type_traits>
#include <vector>

using namespace kernels;

static int failures = 0;
static const float inf = std::numeric_limits<float>::infinity();
static const float nan_ = std::numeric_limits<float>::quiet_NaN();
#define CHECK(condition, ...) \
   do { \
      if (!(condition) && ++failures < 50) { \
         std::printf("line %d: ", __LINE__); \
         std::printf(__VA_ARGS__); \
         std::printf("\n"); \
      } \
   } while (0)

static std::uint32_t bits(float x)
{
   std::uint32_t u;
   std::memcpy(&u, &x, 4);
   return u;
}
static float from_bits(std::uint32_t u)
{
   float x;
   std::memcpy(&x, &u, 4);
   return x;
}
static bool same(float a, float b) { return std::isnan(a) ? std::isnan(b) : bits(a) == bits(b); }

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
static bool has_avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
                         __builtin_cpu_supports("avx512vl");
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

/// All pairs of edge values, against arithmetic in 128 bits.
template <class T>
static void check_integers(const char* type)
{
   __extension__ typedef __int128 Big;
   __extension__ typedef unsigned __int128 Bits;
   const T least = std::numeric_limits<T>::min(), most = std::numeric_limits<T>::max();
   const T values[] = {least, static_cast<T>(least + 1), static_cast<T>(-7), static_cast<T>(-3), static_cast<T>(-1), 0, 1, 2, 3, 7, 8, static_cast<T>(most - 1), most};
   typedef avx2::Integers<T> F;
   for (T a : values)
      for (T b : values) {
         const auto expect = [&](const char* name, T got, Big exact) {
            CHECK(got == static_cast<T>(exact), "%s(%lld, %lld) of %s = %lld", name, static_cast<long long>(a), static_cast<long long>(b), type, static_cast<long long>(got));
         };
         const Big p = a, q = b;
         expect("add", F::add_(a, b), p + q);
         expect("sub", F::sub_(a, b), p - q);
         expect("product", F::product_(a, b), static_cast<Big>(static_cast<Bits>(p) * static_cast<Bits>(q)));
         expect("div", F::div_(a, b), b == 0 ? 0 : p / q);
         expect("fmod", F::fmod_(a, b), b == 0 ? 0 : p % q);
         expect("mod", F::mod_(a, b), b == 0 ? 0 : (p % q + q) % q);
         expect("max", F::max_(a, b), p > q ? p : q);
         expect("min", F::min_(a, b), p < q ? p : q);
         expect("abs", F::abs_(a, b), p < 0 ? -p : p);
         expect("neg", F::neg_(a, b), -p);
         expect("sign", F::sign_(a, b), (p > 0) - (p < 0));
         expect("bits", F::bits_(a, b), (p & ~q) ^ (p | q));
         if (std::is_unsigned<T>::value) {
            const bool far = q >= static_cast<Big>(8 * sizeof(T));
            expect("shift left", F::left_(a, b), far ? 0 : static_cast<Big>(static_cast<Bits>(p) << (far ? 0 : static_cast<int>(q))));
            expect("shift right", F::right_(a, b), far ? 0 : p >> (far ? 0 : static_cast<int>(q)));
         }
         if (a >= 0 && a <= 8 && b >= 0 && b <= 2) expect("pow", F::pow_(a, b), b == 0 ? 1 : b == 1 ? p : p * p);
      }
}

static void check_int_lanes()
{
   const std::int32_t values[] = {INT32_MIN, INT32_MIN + 1, -7, -1, 0, 1, 2, 65537, INT32_MAX - 1, INT32_MAX};
   std::vector<std::int32_t> a, b;
   for (std::int32_t p : values)
      for (std::int32_t q : values) a.push_back(p), b.push_back(q);
   typedef avx2::Integers<std::int32_t> F;
   const auto exact = [](int which, std::int32_t p, std::int32_t q) {
      switch (which) {
         case 0: return F::add_(p, q);
         case 1: return F::sub_(p, q);
         case 2: return F::product_(p, q);
         case 3: return F::div_(p, q);
         case 4: return F::max_(p, q);
         case 5: return F::min_(p, q);
         case 6: return F::abs_(p, q);
         case 7: return F::neg_(p, q);
         case 8: return F::sign_(p, q);
         default: return p < q ? p : p ^ q;
      }
   };
   for (std::ptrdiff_t n : {std::ptrdiff_t(a.size()), std::ptrdiff_t(37), std::ptrdiff_t(1), std::ptrdiff_t(0)})
      for (int which = 0; which < 10; which++)
         for (auto body : {baseline::integer_lanes, avx2::integer_lanes, has_avx512 ? avx512::integer_lanes : avx2::integer_lanes}) {
            std::vector<std::int32_t> y(a.size() + 1, 77);
            body(which, a.data(), b.data(), y.data(), n);
            for (std::ptrdiff_t i = 0; i < n; i++) CHECK(y[i] == exact(which, a[i], b[i]), "ivec %d (%d, %d) = %d", which, a[i], b[i], y[i]);
            CHECK(y[n] == 77, "ivec %d writes beyond", which);
         }
}

static void check_memory()
{
   bool x[70], y[71];
   std::int32_t integers[70];
   float floats[71];
   for (int i = 0; i < 70; i++) x[i] = i * i % 3 == 1, integers[i] = (i - 30) * 54321987;
   for (int n = 0; n <= 70; n++) {
      for (auto body : {baseline::masks, avx2::masks, has_avx512 ? avx512::masks : avx2::masks}) {
         std::fill(y, y + 71, true);
         if (n < 70) y[n] = x[n % 70];
         const bool guard = y[n];
         body(x, y, n);
         for (int i = 0; i < n; i++) CHECK(y[i] == !x[i], "mask %d of %d", i, n);
         CHECK(y[n] == guard, "mask writes beyond");
      }
      for (auto body : {baseline::int_to_float, avx2::int_to_float, has_avx512 ? avx512::int_to_float : avx2::int_to_float}) {
         floats[n] = 77.f;
         body(integers, floats, n);
         for (int i = 0; i < n; i++) CHECK(floats[i] == static_cast<float>(integers[i]), "int to float %d of %d", i, n);
         CHECK(floats[n] == 77.f, "int to float writes beyond");
      }
   }
}

template <class To>
static void check_cast(std::initializer_list<To> expected)
{
   const float x[] = {nan_, inf, -inf, 3e9f, -3e9f, 1e19f, -1e19f, 300.f, -300.f, 2147483520.f, -2147483648.f, 1e30f, 1.9f, -1.9f, 128.f, 255.5f, 65536.5f, 9e18f};
   std::size_t i = 0;
   for (To y : expected) {
      CHECK(avx2::cast_one<To>(x[i]) == y, "cast of %g to %zu bytes: %lld", x[i], sizeof(To), static_cast<long long>(avx2::cast_one<To>(x[i])));
      CHECK(avx2::cast_one<To>(static_cast<double>(x[i])) == y, "cast of double %g to %zu bytes", x[i], sizeof(To));
      i++;
   }
}

static void check_casts()
{
   const std::int32_t low = INT32_MIN;
   const std::int64_t low64 = INT64_MIN;
   const std::uint64_t half = 1ull << 63;
   check_cast<std::int8_t>({0, 0, 0, 0, 0, 0, 0, 44, -44, -128, 0, 0, 1, -1, -128, -1, 0, 0});
   check_cast<std::uint8_t>({0, 0, 0, 0, 0, 0, 0, 44, 212, 128, 0, 0, 1, 255, 128, 255, 0, 0});
   check_cast<std::int16_t>({0, 0, 0, 0, 0, 0, 0, 300, -300, -128, 0, 0, 1, -1, 128, 255, 0, 0});
   check_cast<std::uint16_t>({0, 0, 0, 0, 0, 0, 0, 300, 65236, 65408, 0, 0, 1, 65535, 128, 255, 0, 0});
   check_cast<std::int32_t>({low, low, low, low, low, low, low, 300, -300, 2147483520, low, low, 1, -1, 128, 255, 65536, low});
   check_cast<std::uint32_t>({0, 0, 0, 3000000000u, 1294967296u, 0, 0, 300, 4294966996u, 2147483520u, 2147483648u, 0, 1, 4294967295u, 128, 255, 65536, 0});
   check_cast<std::int64_t>({low64, low64, low64, 3000000000, -3000000000, low64, low64, 300, -300, 2147483520, low, low64, 1, -1, 128, 255, 65536, 9000000202358128640});
   check_cast<std::uint64_t>({half, 0, half, 3000000000u, 0ull - 3000000000u, 9999999980506447872ull, half, 300, 0ull - 300, 2147483520u, 0ull - 2147483648u, 0, 1, ~0ull, 128, 255,
                              65536, 9000000202358128640ull});
   check_cast<bool>({true, true, true, true, true, true, true, true, true, true, true, true, true, true});
   CHECK(avx2::cast_one<std::int32_t>(2147483648.f) == low && avx2::cast_one<std::int32_t>(2147483647.) == 2147483647, "cast at the limit of int32");
   CHECK(avx2::cast_one<std::int64_t>(9223372036854775808.f) == low64 && avx2::cast_one<std::uint64_t>(9223372036854775808.f) == half, "cast at the limit of int64");
   CHECK(avx2::cast_one<std::uint64_t>(18446744073709551616.f) == 0 && avx2::cast_one<std::uint32_t>(4294967296.f) == 0, "cast at the limit of unsigned");
   CHECK(!avx2::cast_one<bool>(-0.f) && avx2::cast_one<bool>(1e-45f) && avx2::cast_one<bool>(256) && avx2::cast_one<float>(true) == 1.f, "cast of bool");
   CHECK(avx2::cast_one<std::int8_t>(std::int64_t(300)) == 44 && avx2::cast_one<float>(std::int64_t(-3)) == -3.f, "cast of integers");
}

/// The nearest of all halves (or bfloat16s), found by search; ties to the even one.
static void check_halves()
{
   std::vector<double> halves;
   for (unsigned h = 0; h < 0x7c00; h++) {
      const unsigned exponent = h >> 10, fraction = h & 0x3ff;
      halves.push_back(exponent ? std::ldexp(1024 + fraction, static_cast<int>(exponent) - 25) : std::ldexp(fraction, -24));
      CHECK(avx2::from_half(static_cast<std::uint16_t>(h)) == halves[h], "half %04x", h);
      CHECK(same(avx2::from_half(static_cast<std::uint16_t>(h | 0x8000)), static_cast<float>(-halves[h])), "half %04x", h | 0x8000);
   }
   CHECK(avx2::from_half(0x7c00) == inf && avx2::from_half(0xfc00) == -inf && std::isnan(avx2::from_half(0x7c01)) && std::isnan(avx2::from_half(0xffff)), "half specials");
   halves.push_back(65536);  // where rounding would lead without the limit
   const auto nearest = [&](float x) {
      const double size = std::fabs(x);
      const auto above = std::lower_bound(halves.begin(), halves.end(), size);
      if (above == halves.end()) return 0x7c00u;
      unsigned h = static_cast<unsigned>(above - halves.begin());
      if (h > 0 && (size - halves[h - 1] < halves[h] - size || (size - halves[h - 1] == halves[h] - size && h % 2 == 1))) h--;
      return h;
   };
   for (std::uint32_t u = 0x30000000; u < 0x7f800000; u += u < 0x48000000 ? 997 : 1000003) {
      CHECK(avx2::to_half(from_bits(u)) == nearest(from_bits(u)), "to half %.9g", from_bits(u));
      CHECK(avx2::to_half(from_bits(u | 0x80000000)) == (nearest(from_bits(u)) | 0x8000), "to half -%.9g", from_bits(u));
   }
   for (unsigned h = 0; h + 1 < 0x7c00; h++) {
      const float between = static_cast<float>((halves[h] + halves[h + 1]) / 2);
      CHECK(avx2::to_half(between) == h + h % 2 && avx2::to_half(static_cast<float>(halves[h])) == h, "tie to half %.9g", between);
   }
   CHECK(avx2::to_half(inf) == 0x7c00 && avx2::to_half(-0.f) == 0x8000 && avx2::to_half(65520.f) == 0x7c00 && avx2::to_half(65519.f) == 0x7bff && avx2::to_half(nan_) == 0x7e00, "to half specials");
   for (unsigned b = 0; b < 0x7f80; b++) {
      const std::uint32_t u = b << 16;
      CHECK(avx2::from_bfloat16(static_cast<std::uint16_t>(b)) == from_bits(u), "bfloat16 %04x", b);
      for (std::uint32_t low : {0u, 1u, 0x7fffu, 0x8000u, 0x8001u, 0xffffu})
         CHECK(avx2::to_bfloat16(from_bits(u | low)) == b + (low > 0x8000u || (low == 0x8000u && b % 2)), "to bfloat16 %.9g", from_bits(u | low));
   }
   CHECK(std::isnan(avx2::from_bfloat16(avx2::to_bfloat16(from_bits(0x7f800001)))) && avx2::to_bfloat16(-inf) == 0xff80, "bfloat16 specials");
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
   for (const auto& f : unary_cases) check_unary(f, arguments > 1);
   for (const auto& s : specials)
      for (Unary body : {s.narrow, s.middle, has_avx512 ? s.wide : s.middle}) {
         float y;
         body(&s.x, &y, 1);
         CHECK(same(y, s.y), "%s(%.9g) = %.9g, not %.9g", s.name, s.x, y, s.y);
      }
   check_binary();
   check_integers<std::int8_t>("int8");
   check_integers<std::uint8_t>("uint8");
   check_integers<std::int16_t>("int16");
   check_integers<std::uint16_t>("uint16");
   check_integers<std::int32_t>("int32");
   check_integers<std::uint32_t>("uint32");
   check_integers<std::int64_t>("int64");
   check_integers<std::uint64_t>("uint64");
   check_int_lanes();
   check_memory();
   check_casts();
   check_halves();
   check_numbers();
   if (failures) std::printf("%d failures\n", failures);
   return failures != 0;
}
