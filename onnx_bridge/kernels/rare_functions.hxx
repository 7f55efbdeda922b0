// rare_functions.hxx: trigonometric, hyperbolic and inverse functions and the power, by the double functions of the C library.
//
// One lane at a time, rounded to float: the same bits on every instruction set, all but correctly rounded.
// Special values as the C library has them.
#pragma once
#include "cast.hxx"

// The barriers keep the user's -ffast-math from making the float function of it.
#define ONNX_BRIDGE_BY_DOUBLE(name)                                               \
   ONNX_BRIDGE_INLINE double name(double x) { return __builtin_##name(x); }       \
   ONNX_BRIDGE_INLINE float name(float x)                                         \
   {                                                                              \
      double y = static_cast<double>(x);                                          \
      ONNX_BRIDGE_KEEP(y);                                                        \
      y = __builtin_##name(y);                                                    \
      ONNX_BRIDGE_KEEP(y);                                                        \
      return static_cast<float>(y);                                               \
   }                                                                              \
   ONNX_BRIDGE_KERNEL vec name(vec x)                                             \
   {                                                                              \
      for (int i = 0; i < lanes; i++) x[i] = name(static_cast<float>(x[i]));      \
      return x;                                                                   \
   }
ONNX_BRIDGE_BY_DOUBLE(sin)
ONNX_BRIDGE_BY_DOUBLE(cos)
ONNX_BRIDGE_BY_DOUBLE(tan)
ONNX_BRIDGE_BY_DOUBLE(asin)
ONNX_BRIDGE_BY_DOUBLE(acos)
ONNX_BRIDGE_BY_DOUBLE(atan)
ONNX_BRIDGE_BY_DOUBLE(sinh)
ONNX_BRIDGE_BY_DOUBLE(cosh)
ONNX_BRIDGE_BY_DOUBLE(asinh)
ONNX_BRIDGE_BY_DOUBLE(acosh)
ONNX_BRIDGE_BY_DOUBLE(atanh)

/// Of the base's type, whatever the exponent's: integers through double, as onnxruntime does.
template <class Base, class Exponent>
ONNX_BRIDGE_INLINE if_number<Base> pow(Base base, Exponent exponent)
{
   double y = static_cast<double>(base), by = static_cast<double>(exponent);
   ONNX_BRIDGE_KEEP(y);
   ONNX_BRIDGE_KEEP(by);
   y = __builtin_pow(y, by);
   ONNX_BRIDGE_KEEP(y);
   return cast<Base>(y);
}
ONNX_BRIDGE_KERNEL vec pow(vec base, vec exponent)
{
   for (int i = 0; i < lanes; i++) base[i] = pow(static_cast<float>(base[i]), static_cast<float>(exponent[i]));
   return base;
}
