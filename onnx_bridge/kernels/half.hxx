// half.hxx: float from and to IEEE half precision and bfloat16, both stored in std::uint16_t. By integers, on every processor.
//
// Rounded to nearest, halves to even; what is too large gives inf; subnormals are right. NaN stays NaN, made quiet, with its sign.
#pragma once
#include "arithmetic.hxx"

ONNX_BRIDGE_INLINE std::uint32_t bits_of(float x)
{
   std::uint32_t bits;
   std::memcpy(&bits, &x, sizeof bits);
   return bits;
}
ONNX_BRIDGE_INLINE float float_of(std::uint32_t bits)
{
   float x;
   std::memcpy(&x, &bits, sizeof x);
   return x;
}

ONNX_BRIDGE_INLINE float half_to_float(std::uint16_t half)
{
   const std::uint32_t sign = (half & 0x8000u) << 16, exponent = half >> 10 & 0x1fu, fraction = half & 0x3ffu;
   if (exponent == 31) return float_of(sign | 0x7f800000u | fraction << 13 | (fraction ? 0x400000u : 0u));
   if (exponent != 0) return float_of(sign | (exponent + 112) << 23 | fraction << 13);
   const float magnitude = static_cast<float>(fraction) * 5.9604644775390625e-8f;  // 2^-24
   return float_of(sign | bits_of(magnitude));
}

ONNX_BRIDGE_INLINE std::uint16_t float_to_half(float x)
{
   const std::uint32_t bits = bits_of(x), sign = bits >> 16 & 0x8000u, magnitude = bits & 0x7fffffffu;
   if (magnitude > 0x7f800000u) return static_cast<std::uint16_t>(sign | 0x7e00u | (magnitude >> 13 & 0x3ffu));
   if (magnitude >= 0x477ff000u) return static_cast<std::uint16_t>(sign | 0x7c00u);  // 65520 and more
   if (magnitude >= 0x38800000u)                                                      // 2^-14: normal
      return static_cast<std::uint16_t>(sign | ((magnitude + 0xfffu + (magnitude >> 13 & 1u) - 0x38000000u) >> 13));
   if (magnitude < 0x33000000u) return static_cast<std::uint16_t>(sign);  // below half of the smallest
   const std::uint32_t shift = 126u - (magnitude >> 23), fraction = (magnitude & 0x7fffffu) | 0x800000u;
   const std::uint32_t kept = fraction >> shift, lost = fraction & ((1u << shift) - 1u), tie = 1u << (shift - 1u);
   return static_cast<std::uint16_t>(sign | (kept + (lost > tie || (lost == tie && (kept & 1u)))));
}

ONNX_BRIDGE_INLINE float bfloat16_to_float(std::uint16_t bfloat16) { return float_of(static_cast<std::uint32_t>(bfloat16) << 16); }

ONNX_BRIDGE_INLINE std::uint16_t float_to_bfloat16(float x)
{
   const std::uint32_t bits = bits_of(x);
   if ((bits & 0x7fffffffu) > 0x7f800000u) return static_cast<std::uint16_t>(bits >> 16 | 0x40u);
   return static_cast<std::uint16_t>((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}

// The same of vectors: 16 bits stand in each lane of an ivec.
ONNX_BRIDGE_INLINE vec half_to_float(ivec half)
{
   const unsigned_ivec bits = unwrap(half), magnitude = (bits & 0x7fffu) << 13, sign = (bits & 0x8000u) << 16;
   const vec subnormal = mul(to_float(half & 0x3ff), splat(5.9604644775390625e-8f));
   const unsigned_ivec special = magnitude | 0x7f800000u | (magnitude > 0x0f800000u ? unsigned_ivec{} + 0x400000u : unsigned_ivec{});
   const unsigned_ivec finite = magnitude < 0x00800000u ? unwrap(as_int(subnormal)) : magnitude + 0x38000000u;
   return as_float(wrap((magnitude < 0x0f800000u ? finite : special) | sign));
}
ONNX_BRIDGE_INLINE ivec float_to_half(vec x)
{
   const unsigned_ivec bits = unwrap(as_int(x)), magnitude = bits & 0x7fffffffu, sign = bits >> 16 & 0x8000u;
   const unsigned_ivec normal = (magnitude + 0xfffu + (magnitude >> 13 & 1u) - 0x38000000u) >> 13;
   vec rounded = as_float(wrap(magnitude)) + splat(0.5f);  // a sum whose last place is worth 2^-24, as a subnormal's
   ONNX_BRIDGE_KEEP(rounded);
   unsigned_ivec half = magnitude < 0x38800000u ? unwrap(as_int(rounded)) - 0x3f000000u : normal;
   half = magnitude >= 0x477ff000u ? unsigned_ivec{} + 0x7c00u : half;
   half = magnitude > 0x7f800000u ? 0x7e00u | (magnitude >> 13 & 0x3ffu) : half;
   return wrap(half | sign);
}
ONNX_BRIDGE_INLINE vec bfloat16_to_float(ivec bfloat16) { return as_float(wrap(unwrap(bfloat16) << 16)); }
ONNX_BRIDGE_INLINE ivec float_to_bfloat16(vec x)
{
   const unsigned_ivec bits = unwrap(as_int(x)), rounded = (bits + 0x7fffu + (bits >> 16 & 1u)) >> 16;
   return wrap((bits & 0x7fffffffu) > 0x7f800000u ? bits >> 16 | 0x40u : rounded);
}

/// Half precision and bfloat16 in memory, for loops that compute in float.
struct Half {
   std::uint16_t bits;
   Half() = default;
   __attribute__((always_inline)) explicit Half(float x) : bits(float_to_half(x)) {}
   __attribute__((always_inline)) operator float() const { return half_to_float(bits); }
   static __attribute__((always_inline)) vec decoded(ivec halves) { return half_to_float(halves); }
   static __attribute__((always_inline)) ivec encoded(vec x) { return float_to_half(x); }
};

struct Bfloat16 {
   std::uint16_t bits;
   Bfloat16() = default;
   __attribute__((always_inline)) explicit Bfloat16(float x) : bits(float_to_bfloat16(x)) {}
   __attribute__((always_inline)) operator float() const { return bfloat16_to_float(bits); }
   static __attribute__((always_inline)) vec decoded(ivec halves) { return bfloat16_to_float(halves); }
   static __attribute__((always_inline)) ivec encoded(vec x) { return float_to_bfloat16(x); }
};

/// What is left of x when it is stored as T.
template <class T>
ONNX_BRIDGE_INLINE vec rounded_to(vec x)
{
   return T::decoded(T::encoded(x));
}
template <class T>
ONNX_BRIDGE_INLINE float rounded_to(float x)
{
   return static_cast<float>(T(x));
}

typedef std::uint16_t half_vec __attribute__((vector_size(2 * ONNX_BRIDGE_LANES)));
typedef std::uint16_t unaligned_half_vec __attribute__((vector_size(2 * ONNX_BRIDGE_LANES), aligned(2), may_alias));

/// Halves in memory as floats, the lanes at and beyond count 0; and back.
template <class T>
ONNX_BRIDGE_INLINE vec load_halves(const T* p, All)
{
   return T::decoded(__builtin_convertvector(*reinterpret_cast<const unaligned_half_vec*>(p), ivec));
}
template <class T>
ONNX_BRIDGE_INLINE vec load_halves(const T* p, Size n)
{
   ivec halves{};
   for (Size i = 0; i < n; i++) halves[i] = p[i].bits;
   return T::decoded(halves);
}
template <class T>
ONNX_BRIDGE_INLINE void store_halves(T* p, vec x, All)
{
   *reinterpret_cast<unaligned_half_vec*>(p) = __builtin_convertvector(T::encoded(x), half_vec);
}
template <class T>
ONNX_BRIDGE_INLINE void store_halves(T* p, vec x, Size n)
{
   const ivec halves = T::encoded(x);
   for (Size i = 0; i < n; i++) p[i].bits = static_cast<std::uint16_t>(halves[i]);
}
