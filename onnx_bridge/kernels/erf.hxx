// erf.hxx: the error function and the Gaussian error linear unit made of it. NaN gives NaN, -0 gives -0.
//
// erf: at most 1.3 ULP. gelu: at most 1.3 ULP of max(1, |x|); -0 below -6.08 (true value there: above -4e-9), NaN at
// -inf, as in onnxruntime.
#pragma once
#include "exp.hxx"

/// erf(x) for |x| < 0.93.
ONNX_BRIDGE_INLINE vec erf_near(vec x)
{
   const vec square = mul(x, x);
   vec p = splat(-5.980213755e-04f);
   p = fma(p, square, splat(4.991761874e-03f));
   p = fma(p, square, splat(-2.676623128e-02f));
   p = fma(p, square, splat(1.128182709e-01f));
   p = fma(p, square, splat(-3.761249781e-01f));
   p = fma(p, square, splat(1.283791512e-01f));
   return fma(p, x, x);
}

/// 1 - erf(x) for x >= 0.93, held at its value at 4.3, which is below half a ULP of 1; relative accuracy.
ONNX_BRIDGE_INLINE vec erfc_far(vec x)
{
   x = smaller(splat(4.3f), x);
   vec q = splat(1.123001402e-05f);
   q = fma(q, x, splat(-3.227940178e-04f));
   q = fma(q, x, splat(3.642429598e-03f));
   q = fma(q, x, splat(-2.376201935e-02f));
   q = fma(q, x, splat(1.062368453e-01f));
   q = fma(q, x, splat(6.351513267e-01f));
   q = fma(q, x, splat(1.286484897e-01f));
   return exp_nonpositive(-fma(q, x, x));
}

ONNX_BRIDGE_INLINE vec erf(vec x)
{
   const ivec sign = as_int(x) & static_cast<std::int32_t>(0x80000000u);
   const vec a = as_float(as_int(x) ^ sign);
   return as_float(as_int(a < 0.93f ? erf_near(a) : 1.f - erfc_far(a)) | sign);
}

/// x (1 + erf(x / sqrt(2))) / 2
ONNX_BRIDGE_INLINE vec gelu(vec x)
{
   const vec z = mul(x, splat(0.70710678118654752f)), a = as_float(as_int(z) & 0x7fffffff);
   const vec beyond = erfc_far(a), within = erf_near(z) + 1.f;
   vec twice_share = x < 0.f ? beyond : 2.f - beyond;
   twice_share = a < 0.93f ? within : twice_share;
   twice_share = z < -4.3f ? vec{} : twice_share;
   return mul(mul(x, splat(0.5f)), twice_share);
}
