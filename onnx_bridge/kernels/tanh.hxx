// tanh.hxx: the hyperbolic tangent. NaN gives NaN, -0 gives -0. At most 1.53 ULP.
#pragma once
#include "exp.hxx"

ONNX_BRIDGE_INLINE vec tanh(vec x)
{
   const ivec sign = as_int(x) & static_cast<std::int32_t>(0x80000000u);
   const vec a = as_float(as_int(x) ^ sign), square = mul(a, a);
   vec p = splat(-5.716202781e-03f);  // |x| < 0.625: odd polynomial
   p = fma(p, square, splat(2.064970881e-02f));
   p = fma(p, square, splat(-5.374317244e-02f));
   p = fma(p, square, splat(1.333148628e-01f));
   p = fma(p, square, splat(-3.333328366e-01f));
   const vec small_x = fma(mul(p, square), a, a);
   const vec e = exp_nonpositive(mul(a, splat(-2.f)));
   const vec large_x = (1.f - e) / (1.f + e);
   return as_float(as_int(a < 0.625f ? small_x : large_x) | sign);
}
