// sigmoid.hxx: 1 / (1 + exp(-x)). NaN gives NaN. At most 2.4 ULP; 0 below -87.3.
#pragma once
#include "exp.hxx"

ONNX_BRIDGE_INLINE vec sigmoid(vec x)
{
   const vec e = exp_nonpositive(as_float(as_int(x) | static_cast<std::int32_t>(0x80000000u)));  // of -|x|
   return (x < 0.f ? e : splat(1.f)) / (e + 1.f);
}
