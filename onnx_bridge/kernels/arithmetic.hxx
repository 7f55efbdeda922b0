// arithmetic.hxx: ONNX's pointwise arithmetic, rounding, minimum and maximum, on vec, on ivec and on single numbers.
//
// The same name for all types; integers wrap around as two's complement and never trap: x / 0 and x mod 0 are 0.
// A product is protected: it is never fused with a sum. Every float result is correctly rounded, so a vec and a float agree.
// Maxima and minima give NaN where an operand is NaN.
#pragma once
#include "vector.hxx"

typedef std::uint32_t unsigned_ivec __attribute__((vector_size(4 * ONNX_BRIDGE_LANES)));

template <class T>
using if_integer = std::enable_if_t<std::is_integral<T>::value, T>;
template <class T>
using if_number = std::enable_if_t<std::is_arithmetic<T>::value, T>;
/// The type in which integers of type T wrap around without promotion to int.
template <class T>
using wrapping = std::make_unsigned_t<std::conditional_t<(sizeof(T) < sizeof(int)), int, T>>;

ONNX_BRIDGE_INLINE ivec wrap(unsigned_ivec x) { return reinterpret_cast<ivec>(x); }
ONNX_BRIDGE_INLINE unsigned_ivec unwrap(ivec x) { return reinterpret_cast<unsigned_ivec>(x); }

ONNX_BRIDGE_INLINE vec add(vec a, vec b) { return a + b; }
ONNX_BRIDGE_INLINE ivec add(ivec a, ivec b) { return wrap(unwrap(a) + unwrap(b)); }
ONNX_BRIDGE_INLINE float add(float a, float b) { return a + b; }
ONNX_BRIDGE_INLINE double add(double a, double b) { return a + b; }
template <class T>
ONNX_BRIDGE_INLINE if_integer<T> add(T a, T b)
{
   return static_cast<T>(static_cast<wrapping<T>>(a) + static_cast<wrapping<T>>(b));
}

ONNX_BRIDGE_INLINE vec sub(vec a, vec b) { return a - b; }
ONNX_BRIDGE_INLINE ivec sub(ivec a, ivec b) { return wrap(unwrap(a) - unwrap(b)); }
ONNX_BRIDGE_INLINE float sub(float a, float b) { return a - b; }
ONNX_BRIDGE_INLINE double sub(double a, double b) { return a - b; }
template <class T>
ONNX_BRIDGE_INLINE if_integer<T> sub(T a, T b)
{
   return static_cast<T>(static_cast<wrapping<T>>(a) - static_cast<wrapping<T>>(b));
}

/// a * b, called so because `mul` is taken; integers only here, floats by mul().
ONNX_BRIDGE_INLINE vec product(vec a, vec b) { return mul(a, b); }
ONNX_BRIDGE_INLINE ivec product(ivec a, ivec b) { return wrap(unwrap(a) * unwrap(b)); }
ONNX_BRIDGE_INLINE float product(float a, float b) { return mul(a, b); }
ONNX_BRIDGE_INLINE double product(double a, double b) { return mul(a, b); }
template <class T>
ONNX_BRIDGE_INLINE if_integer<T> product(T a, T b)
{
   return static_cast<T>(static_cast<wrapping<T>>(a) * static_cast<wrapping<T>>(b));
}

ONNX_BRIDGE_INLINE vec neg(vec x) { return -x; }
ONNX_BRIDGE_INLINE ivec neg(ivec x) { return wrap(-unwrap(x)); }
ONNX_BRIDGE_INLINE float neg(float x) { return -x; }
ONNX_BRIDGE_INLINE double neg(double x) { return -x; }
template <class T>
ONNX_BRIDGE_INLINE if_integer<T> neg(T x)
{
   return sub(T(), x);
}

ONNX_BRIDGE_INLINE vec abs(vec x) { return as_float(as_int(x) & 0x7fffffff); }
ONNX_BRIDGE_INLINE ivec abs(ivec x) { return x < 0 ? neg(x) : x; }
ONNX_BRIDGE_INLINE float abs(float x) { return __builtin_fabsf(x); }
ONNX_BRIDGE_INLINE double abs(double x) { return __builtin_fabs(x); }
template <class T>
ONNX_BRIDGE_INLINE if_integer<T> abs(T x)
{
   return std::is_signed<T>::value && x < T() ? neg(x) : x;
}

/// -1, 0 or 1; of a NaN, the NaN.
ONNX_BRIDGE_INLINE vec sign(vec x)
{
   const vec negative_or_nan = x < 0.f ? splat(-1.f) : x == 0.f ? vec{} : x;
   return x > 0.f ? splat(1.f) : negative_or_nan;
}
ONNX_BRIDGE_INLINE ivec sign(ivec x) { return (x < 0) - (x > 0); }
template <class T>
ONNX_BRIDGE_INLINE if_number<T> sign(T x)
{
   return x > T() ? T(1) : std::is_signed<T>::value && x < T() ? static_cast<T>(-1) : x == T() ? T() : x;
}

/// Quotients of integers are truncated towards zero.
ONNX_BRIDGE_INLINE vec div(vec a, vec b) { return a / b; }
ONNX_BRIDGE_INLINE float div(float a, float b) { return a / b; }
ONNX_BRIDGE_INLINE double div(double a, double b) { return a / b; }
template <class T>
ONNX_BRIDGE_INLINE if_integer<T> div(T a, T b)
{
   if (b == T()) return T();
   if (std::is_signed<T>::value && b == static_cast<T>(-1)) return neg(a);  // the smallest integer by -1 would trap
   return static_cast<T>(a / b);
}
ONNX_BRIDGE_INLINE ivec div(ivec a, ivec b)
{
   for (int i = 0; i < lanes; i++) a[i] = div(static_cast<std::int32_t>(a[i]), static_cast<std::int32_t>(b[i]));
   return a;
}

/// Remainder with the sign of the dividend: ONNX's Mod with fmod = 1.
ONNX_BRIDGE_INLINE float fmod(float a, float b) { return static_cast<float>(__builtin_fmod(a, b)); }
ONNX_BRIDGE_INLINE double fmod(double a, double b) { return __builtin_fmod(a, b); }
ONNX_BRIDGE_INLINE vec fmod(vec a, vec b)
{
   for (int i = 0; i < lanes; i++) a[i] = fmod(static_cast<float>(a[i]), static_cast<float>(b[i]));
   return a;
}
template <class T>
ONNX_BRIDGE_INLINE if_integer<T> fmod(T a, T b)
{
   return b == T() || (std::is_signed<T>::value && b == static_cast<T>(-1)) ? T() : static_cast<T>(a % b);
}

/// Remainder with the sign of the divisor: ONNX's Mod of integers with fmod = 0.
template <class T>
ONNX_BRIDGE_INLINE if_integer<T> mod(T a, T b)
{
   const T rest = fmod(a, b);
   return rest != T() && (rest < T()) != (b < T()) ? static_cast<T>(rest + b) : rest;
}

/// Remainder with the sign of the divisor, zeros too: ONNX's Mod of floats with fmod = 0.
ONNX_BRIDGE_INLINE double float_mod(double a, double b)
{
   const double rest = __builtin_fmod(a, b);
   if (rest < 0 || rest > 0) return (rest < 0) != (b < 0) ? rest + b : rest;
   return __builtin_copysign(rest, b);  // 0 or NaN
}
ONNX_BRIDGE_INLINE float float_mod(float a, float b) { return static_cast<float>(float_mod(static_cast<double>(a), static_cast<double>(b))); }
ONNX_BRIDGE_INLINE vec float_mod(vec a, vec b)
{
   for (int i = 0; i < lanes; i++) a[i] = float_mod(static_cast<float>(a[i]), static_cast<float>(b[i]));
   return a;
}

ONNX_BRIDGE_INLINE vec max_of(vec a, vec b) { return is_nan(a) ? a : larger(a, b); }
ONNX_BRIDGE_INLINE vec min_of(vec a, vec b) { return is_nan(a) ? a : smaller(a, b); }
ONNX_BRIDGE_INLINE ivec max_of(ivec a, ivec b) { return a > b ? a : b; }
ONNX_BRIDGE_INLINE ivec min_of(ivec a, ivec b) { return a < b ? a : b; }
template <class T>
ONNX_BRIDGE_INLINE if_number<T> max_of(T a, T b)
{
   return a > b || a != a ? a : b;
}
template <class T>
ONNX_BRIDGE_INLINE if_number<T> min_of(T a, T b)
{
   return a < b || a != a ? a : b;
}

/// x held between lo and hi; where lo > hi, hi.
ONNX_BRIDGE_INLINE vec clip(vec x, vec lo, vec hi) { return min_of(max_of(x, lo), hi); }
ONNX_BRIDGE_INLINE vec clip(vec x, float lo, float hi) { return clip(x, splat(lo), splat(hi)); }
ONNX_BRIDGE_INLINE ivec clip(ivec x, ivec lo, ivec hi) { return min_of(max_of(x, lo), hi); }
template <class T>
ONNX_BRIDGE_INLINE if_number<T> clip(T x, T lo, T hi)
{
   return min_of(max_of(x, lo), hi);
}

ONNX_BRIDGE_INLINE vec reciprocal(vec x) { return 1.f / x; }
ONNX_BRIDGE_INLINE float reciprocal(float x) { return 1.f / x; }
ONNX_BRIDGE_INLINE double reciprocal(double x) { return 1. / x; }

/// Correctly rounded square root. By the instruction, so that no flag turns it into an estimate.
ONNX_BRIDGE_INLINE vec sqrt(vec x)
{
   vec y;
#if defined(ONNX_BRIDGE_HAS_AVX2)
   __asm__("vsqrtps %1, %0" : "=v"(y) : "v"(x));
#elif defined(__x86_64__)
   __asm__("sqrtps %1, %0" : "=x"(y) : "x"(x));
#elif defined(__aarch64__)
   __asm__("fsqrt %0.4s, %1.4s" : "=w"(y) : "w"(x));
#else
   for (int i = 0; i < lanes; i++) y[i] = root(x[i]);
#endif
   return y;
}
ONNX_BRIDGE_INLINE float sqrt(float x) { return root(x); }
ONNX_BRIDGE_INLINE double sqrt(double x) { return __builtin_sqrt(x); }

/// x to the power 1/2: the square root, but for -inf and -0, as pow() has them.
template <class V>
ONNX_BRIDGE_INLINE V pow_half(V x)
{
   const V none{}, root_of = sqrt(x + none), most = none + infinity<float>();
   return x == -most ? most : root_of;
}

/// To the nearest integer, halves to the even one. All three keep the sign of zero.
ONNX_BRIDGE_INLINE vec round(vec x)
{
   const vec a = abs(x), magic = splat(8388608.f);
   vec shifted = a + magic;  // 2^23: beyond it every float is an integer
   ONNX_BRIDGE_KEEP(shifted);
   const vec y = as_float(as_int(shifted - magic) | (as_int(x) ^ as_int(a)));
   return a < magic ? y : x;
}
ONNX_BRIDGE_INLINE vec floor(vec x)
{
   const vec y = round(x);
   return y > x ? y - 1.f : y;
}
ONNX_BRIDGE_INLINE vec ceil(vec x) { return -floor(-x); }
ONNX_BRIDGE_INLINE float round(float x) { return __builtin_rintf(x); }
ONNX_BRIDGE_INLINE float floor(float x) { return __builtin_floorf(x); }
ONNX_BRIDGE_INLINE float ceil(float x) { return __builtin_ceilf(x); }
ONNX_BRIDGE_INLINE double round(double x) { return __builtin_rint(x); }
ONNX_BRIDGE_INLINE double floor(double x) { return __builtin_floor(x); }
ONNX_BRIDGE_INLINE double ceil(double x) { return __builtin_ceil(x); }
