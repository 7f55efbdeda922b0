// doubles.hxx: vectors of doubles, and arithmetic with twice their precision.
//
// What is a template here and in the headers built on it takes a double or a dvec as D, and gives a double the bits of a lane. Comparisons
// give bool or lvec, which choose() takes. Without a fused multiply-add products are taken apart: as exact, slower.
#pragma once
#include "vector.hxx"

typedef double dvec __attribute__((vector_size(4 * ONNX_BRIDGE_LANES)));

/// What comparing gives: all bits set, or none. Its numbers are as wide as a double.
typedef decltype(dvec{} < dvec{}) lvec;

typedef std::uint64_t unsigned_lvec __attribute__((vector_size(4 * ONNX_BRIDGE_LANES)));

/// Half of a vec.
typedef float narrow_vec __attribute__((vector_size(2 * ONNX_BRIDGE_LANES)));

ONNX_BRIDGE_INLINE double constant(double, double value) { return value; }
ONNX_BRIDGE_INLINE dvec constant(dvec, double value) { return value - dvec{}; }

ONNX_BRIDGE_INLINE lvec as_bits(dvec x) { return reinterpret_cast<lvec>(x); }
ONNX_BRIDGE_INLINE dvec as_double(lvec x) { return reinterpret_cast<dvec>(x); }
ONNX_BRIDGE_INLINE std::int64_t as_bits(double x)
{
   std::int64_t bits;
   __builtin_memcpy(&bits, &x, sizeof bits);
   return bits;
}
ONNX_BRIDGE_INLINE double as_double(std::int64_t bits)
{
   double x;
   __builtin_memcpy(&x, &bits, sizeof x);
   return x;
}

/// Moved by some bits; zeros come in, and nothing overflows.
ONNX_BRIDGE_INLINE lvec left(lvec x, int by) { return reinterpret_cast<lvec>(reinterpret_cast<unsigned_lvec>(x) << by); }
ONNX_BRIDGE_INLINE lvec right(lvec x, int by) { return reinterpret_cast<lvec>(reinterpret_cast<unsigned_lvec>(x) >> by); }
ONNX_BRIDGE_INLINE std::int64_t left(std::int64_t x, int by) { return static_cast<std::int64_t>(static_cast<std::uint64_t>(x) << by); }
ONNX_BRIDGE_INLINE std::int64_t right(std::int64_t x, int by) { return static_cast<std::int64_t>(static_cast<std::uint64_t>(x) >> by); }

/// Bits as numbers; what overflows wraps around.
ONNX_BRIDGE_INLINE lvec plus(lvec a, std::int64_t b) { return reinterpret_cast<lvec>(reinterpret_cast<unsigned_lvec>(a) + static_cast<std::uint64_t>(b)); }
ONNX_BRIDGE_INLINE lvec minus(lvec a, lvec b)
{
   return reinterpret_cast<lvec>(reinterpret_cast<unsigned_lvec>(a) - reinterpret_cast<unsigned_lvec>(b));
}
ONNX_BRIDGE_INLINE std::int64_t plus(std::int64_t a, std::int64_t b)
{
   return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}
ONNX_BRIDGE_INLINE std::int64_t minus(std::int64_t a, std::int64_t b)
{
   return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b));
}

/// a where the condition holds, else b; of bits, because clang's -ffast-math lets a choice between floating-point vectors lose NaN.
ONNX_BRIDGE_INLINE dvec choose(lvec condition, dvec a, dvec b) { return as_double(condition ? as_bits(a) : as_bits(b)); }
ONNX_BRIDGE_INLINE double choose(bool condition, double a, double b) { return condition ? a : b; }

ONNX_BRIDGE_INLINE lvec both(lvec a, lvec b) { return a & b; }
ONNX_BRIDGE_INLINE bool both(bool a, bool b) { return a && b; }
ONNX_BRIDGE_INLINE lvec either(lvec a, lvec b) { return a | b; }
ONNX_BRIDGE_INLINE bool either(bool a, bool b) { return a || b; }

/// Whether the condition holds in a lane.
ONNX_BRIDGE_INLINE bool any(bool condition) { return condition; }
ONNX_BRIDGE_INLINE bool any(lvec condition)
{
   std::int64_t together = 0;
   for (int i = 0; i < lanes / 2; i++) together |= condition[i];
   return together != 0;
}

ONNX_BRIDGE_INLINE dvec mul(dvec a, dvec b)
{
   dvec t = a * b;
   ONNX_BRIDGE_KEEP(t);
   return t;
}

#if defined(__x86_64__) && !defined(ONNX_BRIDGE_HAS_AVX2)
ONNX_BRIDGE_INLINE dvec fma(dvec a, dvec b, dvec c) { return mul(a, b) + c; }
#elif defined(ONNX_BRIDGE_HAS_AVX512)
ONNX_BRIDGE_INLINE dvec fma(dvec a, dvec b, dvec c) { return __builtin_ia32_vfmaddpd512_mask(a, b, c, static_cast<unsigned char>(-1), 4); }
#elif defined(ONNX_BRIDGE_HAS_AVX2) && defined(__clang__) && __clang_major__ >= 20
ONNX_BRIDGE_INLINE dvec fma(dvec a, dvec b, dvec c) { return __builtin_elementwise_fma(a, b, c); }
#elif defined(ONNX_BRIDGE_HAS_AVX2)
ONNX_BRIDGE_INLINE dvec fma(dvec a, dvec b, dvec c) { return __builtin_ia32_vfmaddpd256(a, b, c); }
#elif defined(__aarch64__) && !defined(__clang__)
ONNX_BRIDGE_INLINE dvec fma(dvec a, dvec b, dvec c) { return __builtin_aarch64_fmav2df(a, b, c); }
#else
ONNX_BRIDGE_INLINE dvec fma(dvec a, dvec b, dvec c)
{
   dvec r;
   for (int i = 0; i < lanes / 2; i++) r[i] = __builtin_fma(a[i], b[i], c[i]);
   return r;
}
#endif

/// Correctly rounded square root, by the instruction, so that no flag turns it into an estimate or a call.
ONNX_BRIDGE_INLINE dvec root(dvec x)
{
   dvec y;
#if defined(ONNX_BRIDGE_HAS_AVX2)
   __asm__("vsqrtpd %1, %0" : "=v"(y) : "v"(x));
#elif defined(__x86_64__)
   __asm__("sqrtpd %1, %0" : "=x"(y) : "x"(x));
#elif defined(__aarch64__)
   __asm__("fsqrt %0.2d, %1.2d" : "=w"(y) : "w"(x));
#else
   for (int i = 0; i < lanes / 2; i++) y[i] = __builtin_sqrt(x[i]);
#endif
   return y;
}
ONNX_BRIDGE_INLINE double root(double x)
{
#if defined(__x86_64__)
   __asm__("sqrtsd %0, %0" : "+x"(x));
   return x;
#else
   return __builtin_sqrt(x);
#endif
}

/// c[0] z^(n-1) + ... + c[n-1], one fma() a term.
template <class D, std::size_t n>
ONNX_BRIDGE_INLINE D polynomial(D z, const double (&c)[n])
{
   D p = constant(z, c[0]);
   ONNX_BRIDGE_UNROLL
   for (std::size_t i = 1; i < n; i++) p = fma(p, z, constant(z, c[i]));
   return p;
}

/// The sum of two doubles: the second is what the first lost.
template <class D>
struct Twice {
   D high, low;
};

/// a + b, exactly.
template <class D>
ONNX_BRIDGE_INLINE Twice<D> exact_sum(D a, D b)
{
   const D sum = a + b, part = sum - a;
   return {sum, (a - (sum - part)) + (b - part)};
}

/// a + b, exactly, where |a| >= |b| or a is 0.
template <class D>
ONNX_BRIDGE_INLINE Twice<D> ordered_sum(D a, D b)
{
   const D sum = a + b;
   return {sum, (a - sum) + b};
}

/// a * b, exactly unless a part of it is subnormal.
template <class D>
ONNX_BRIDGE_INLINE Twice<D> exact_product(D a, D b)
{
   const D product = mul(a, b);
#if defined(__x86_64__) && !defined(ONNX_BRIDGE_HAS_AVX2)
   const D splitter = constant(a, 134217729.), a_wide = mul(a, splitter), b_wide = mul(b, splitter);
   const D a_high = a_wide - (a_wide - a), a_low = a - a_high, b_high = b_wide - (b_wide - b), b_low = b - b_high;
   const D rest = ((mul(a_high, b_high) - product) + mul(a_high, b_low)) + mul(a_low, b_high);
   return {product, rest + mul(a_low, b_low)};
#else
   return {product, fma(a, b, -product)};
#endif
}

/// a / b, where both are sums of two.
template <class D>
ONNX_BRIDGE_INLINE Twice<D> quotient(Twice<D> a, Twice<D> b)
{
   const D q = a.high / b.high;
   const Twice<D> back = exact_product(q, b.high);
   return {q, (((a.high - back.high) - back.low) + (a.low - mul(q, b.low))) / b.high};
}

template <class D>
ONNX_BRIDGE_INLINE D sign_bit(D x)
{
   return as_double(as_bits(x) & as_bits(constant(x, -0.)));
}

/// x with the sign of `sign`; x is not negative.
template <class D>
ONNX_BRIDGE_INLINE D with_sign(D x, D sign)
{
   return as_double(as_bits(x) | as_bits(sign_bit(sign)));
}

template <class D>
ONNX_BRIDGE_INLINE D size_of(D x)
{
   return as_double(as_bits(x) ^ as_bits(sign_bit(x)));
}

template <class D>
ONNX_BRIDGE_INLINE D infinite(D x)
{
   return constant(x, infinity<double>());
}

/// NaN, made so that no compiler knows it.
template <class D>
ONNX_BRIDGE_INLINE D undefined(D x)
{
   return infinite(x) - infinite(x);
}

/// 1.5 * 2^52: adding it rounds to an integer, which then stands in the low bits of the sum.
constexpr double rounder = 6755399441055744.;

/// To the nearest integer, |x| < 2^51, plus `rounder`.
template <class D>
ONNX_BRIDGE_INLINE D shifted_integer(D x, double factor, double offset)
{
   D shifted = fma(x, constant(x, factor), constant(x, rounder + offset));
   ONNX_BRIDGE_KEEP(shifted);
   return shifted;
}
