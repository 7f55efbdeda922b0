// lrn.hxx: local response normalisation across channels: y[c] = x[c] * (bias + alpha / size * sum of x[k]^2)^-beta, the sum over
// the channels k = c - floor((size - 1) / 2) .. c + ceil((size - 1) / 2) that there are.
//
// x and y: [batch][channels][pixels], contiguous, no overlap; any size may be 0. Each sum is one chain of fma() in the order of the
// channels. beta = 3/4 takes square roots, another beta the power in double.
#pragma once
#include "rare_functions.hxx"

ONNX_BRIDGE_INLINE vec negative_power(vec base, float beta)
{
   if (beta != 0.75f) return pow(base, splat(-beta));
   const vec half = sqrt(base);
   return 1.f / mul(half, sqrt(half));
}

template <class Count>
ONNX_BRIDGE_INLINE void lrn_pixels(Size channels, Size pixels, const float* x, float* y, Size size, float share, float beta, float bias, Count count)
{
   const Size before = (size - 1) / 2, behind = size - 1 - before;
   for (Size c = 0; c < channels; c++) {
      const Size first = c > before ? c - before : 0, last = c + behind < channels ? c + behind : channels - 1;
      vec sum{};
      for (Size k = first; k <= last; k++) {
         const vec v = load(x + k * pixels, count);
         sum = fma(v, v, sum);
      }
      store(y + c * pixels, mul(load(x + c * pixels, count), negative_power(fma(sum, splat(share), splat(bias)), beta)), count);
   }
}

/// share: alpha / size.
ONNX_BRIDGE_KERNEL void lrn(Size batch, Size channels, Size pixels, const float* x, float* y, Size size, float share, float beta, float bias)
{
   for (; batch > 0 && channels > 0; batch--, x += channels * pixels, y += channels * pixels) {
      Size i = 0;
      for (; i + lanes <= pixels; i += lanes) lrn_pixels(channels, pixels, x + i, y + i, size, share, beta, bias, All());
      if (i < pixels) lrn_pixels(channels, pixels, x + i, y + i, size, share, beta, bias, pixels - i);
   }
}
