// kernels: pointwise.hxx
// region: numbers_region.hxx
#include "checks.hxx"

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

int main()
{
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
   if (failures) std::printf("%d failures\n", failures);
   return failures != 0;
}
