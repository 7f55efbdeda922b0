// rare_functions.hxx: trigonometric, hyperbolic and inverse functions and the power.
//
// Doubles: at most 1.4 ULP. Floats: by those of doubles, rounded once, so that all but one in a million are correctly rounded. Special
// values as the C library has them.
#pragma once
#include "arc.hxx"
#include "cast.hxx"
#include "double_exp.hxx"
#include "double_log.hxx"
#include "power.hxx"
#include "sine.hxx"

ONNX_BRIDGE_INLINE dvec half_of(vec x, std::size_t half)
{
   narrow_vec part;
   __builtin_memcpy(&part, reinterpret_cast<const char*>(&x) + half * sizeof part, sizeof part);
   return __builtin_convertvector(part, dvec);
}

ONNX_BRIDGE_INLINE void set_half(vec& y, std::size_t half, dvec x)
{
   const narrow_vec part = __builtin_convertvector(x, narrow_vec);
   __builtin_memcpy(reinterpret_cast<char*>(&y) + half * sizeof part, &part, sizeof part);
}

#define ONNX_BRIDGE_BY_DOUBLE(name, of_doubles)                                                              \
   ONNX_BRIDGE_INLINE double name(double x) { return of_doubles(x); }                                        \
   ONNX_BRIDGE_KERNEL vec name(vec x)                                                                        \
   {                                                                                                         \
      vec y{};                                                                                               \
      for (std::size_t half = 0; half < 2; half++) set_half(y, half, of_doubles(half_of(x, half)));          \
      return y;                                                                                              \
   }                                                                                                         \
   ONNX_BRIDGE_INLINE float name(float x) { return static_cast<float>(of_doubles(static_cast<double>(x))); }

ONNX_BRIDGE_BY_DOUBLE(sin, double_sin)

ONNX_BRIDGE_BY_DOUBLE(cos, double_cos)

ONNX_BRIDGE_BY_DOUBLE(tan, double_tan)

ONNX_BRIDGE_BY_DOUBLE(asin, double_asin)

ONNX_BRIDGE_BY_DOUBLE(acos, double_acos)

ONNX_BRIDGE_BY_DOUBLE(atan, double_atan)

ONNX_BRIDGE_BY_DOUBLE(sinh, double_sinh)

ONNX_BRIDGE_BY_DOUBLE(cosh, double_cosh)

ONNX_BRIDGE_BY_DOUBLE(asinh, double_asinh)

ONNX_BRIDGE_BY_DOUBLE(acosh, double_acosh)

ONNX_BRIDGE_BY_DOUBLE(atanh, double_atanh)

/// Of the base's type, whatever the exponent's: integers through double, as onnxruntime does.
template <class Base, class Exponent>
ONNX_BRIDGE_INLINE if_number<Base> pow(Base base, Exponent exponent)
{
   constexpr bool half = std::is_same<Base, float>::value;
   return cast<Base>(double_pow<half>(static_cast<double>(base), static_cast<double>(exponent)));
}
ONNX_BRIDGE_KERNEL vec pow(vec base, vec exponent)
{
   vec y{};
   for (std::size_t half = 0; half < 2; half++) set_half(y, half, double_pow<true>(half_of(base, half), half_of(exponent, half)));
   return y;
}
