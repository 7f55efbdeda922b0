// exp.hxx: the exponential function.
//
// x = n ln 2 + r with |r| <= ln(2) / 2; a polynomial of degree 6 in r, scaled by 2^n. NaN gives NaN. At most 1.03 ULP.
#pragma once
#include "vector.hxx"

/// exp(r) - 1 = r + r^2 p(r) for |r| <= ln(2) / 2, and 1 added.
ONNX_BRIDGE_INLINE vec exp_polynomial(vec r)
{
   vec p = splat(1.394052990e-03f);
   p = fma(p, r, splat(8.368822746e-03f));
   p = fma(p, r, splat(4.166640341e-02f));
   p = fma(p, r, splat(1.666651964e-01f));
   p = fma(p, r, splat(0.5f));
   return fma(p, mul(r, r), r) + 1.f;
}

/// x - n ln 2. The first part of ln 2 has 9 bits, so that its product with n is exact.
ONNX_BRIDGE_INLINE vec exp_remainder(vec x, vec n) { return fma(n, splat(2.12194440e-4f), fma(n, splat(-0.693359375f), x)); }

/// exp(x) for x <= 0 (and up to 88); +0 below -87.3, where float would be nearly subnormal.
ONNX_BRIDGE_INLINE vec exp_nonpositive(vec x)
{
   const vec magic = splat(12582912.f + 127.f);  // 1.5 * 2^23: adding it rounds to an integer, here n + 127, the exponent of 2^n
   vec shifted = fma(x, splat(1.44269504088896341f), magic);
   ONNX_BRIDGE_KEEP(shifted);
   const vec power = as_float(as_int(shifted) << 23);
   const vec y = mul(exp_polynomial(exp_remainder(x, shifted - magic)), power);
   return x < -87.3f ? vec{} : y;
}

/// exp(x) for every x; subnormal results are rounded once.
ONNX_BRIDGE_INLINE vec exp(vec x)
{
   x = smaller(splat(89.f), larger(splat(-104.f), x));  // a NaN stays; beyond the limits the scaling gives inf and 0
   const vec magic = splat(12582912.f);
   vec shifted = fma(x, splat(1.44269504088896341f), magic);
   ONNX_BRIDGE_KEEP(shifted);
   const ivec n = as_int(shifted) - as_int(magic), half = n >> 1;
   const vec y = mul(exp_polynomial(exp_remainder(x, shifted - magic)), as_float((half + 127) << 23));
   return mul(y, as_float((n - half + 127) << 23));
}
