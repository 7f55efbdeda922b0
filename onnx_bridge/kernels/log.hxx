// log.hxx: natural logarithms.
//
// log: at most 0.82 ULP; log1p(x) = log(1 + x): at most 0.9 ULP. Subnormals are right. Negative numbers and NaN give NaN, 0 gives -inf.
#pragma once
#include "vector.hxx"

/// log(x) + correction for finite x > 0: x = 2^n (1 + m) with 1 + m in [sqrt(1/2), sqrt(2)), a polynomial of degree 9 in m.
ONNX_BRIDGE_INLINE vec log_of_positive(vec x, vec correction)
{
   const ivec subnormal = x < 1.17549435e-38f;
   const ivec bits = as_int(subnormal ? mul(x, splat(8388608.f)) : x);
   const ivec exponent = (bits - 0x3f3504f3) >> 23;  // counted from sqrt(1/2)
   const vec m = as_float(bits - exponent * 0x800000) - 1.f;
   const vec n = to_float(exponent - (subnormal & 23));
   const vec square = mul(m, m);
   vec p = splat(6.915612519e-02f);
   p = fma(p, m, splat(-1.178937033e-01f));
   p = fma(p, m, splat(1.187261939e-01f));
   p = fma(p, m, splat(-1.238440201e-01f));
   p = fma(p, m, splat(1.421871632e-01f));
   p = fma(p, m, splat(-1.666924953e-01f));
   p = fma(p, m, splat(2.000222355e-01f));
   p = fma(p, m, splat(-2.499998659e-01f));
   p = fma(p, m, splat(3.333331048e-01f));
   vec y = fma(mul(m, square), p, correction);
   y = fma(n, splat(-2.12194440e-4f), y);
   y = fma(square, splat(-0.5f), y);
   return fma(n, splat(0.693359375f), m + y);
}

/// y where x > 0 and finite; what log(x) is elsewhere.
ONNX_BRIDGE_INLINE vec log_specials(vec x, vec y)
{
   const vec most = splat(infinity<float>());
   y = x == most ? x : y;
   return x > 0.f ? y : x == 0.f ? -most : most - most;
}

ONNX_BRIDGE_INLINE vec log(vec x) { return log_specials(x, log_of_positive(x > 0.f ? x : vec{}, vec{})); }

ONNX_BRIDGE_INLINE vec log1p(vec x)
{
   const vec sum = 1.f + x;
   const vec lost = x < 1.f ? x - (sum - 1.f) : 1.f - (sum - x);  // what rounding took from the sum, exactly
   const ivec usable = (x > -1.f) & (x < infinity<float>());
   const vec y = log_of_positive(usable ? sum : splat(1.f), usable ? lost / sum : vec{});
   return sum == 1.f ? x : log_specials(sum, y);
}
