// lrn_doubles.hxx: local response normalisation in double precision.
//
// As lrn.hxx has it: y[c] = x[c] * (bias + alpha / size * sum of x[k]^2)^-beta, k = c - floor((size - 1) / 2) .. c + ceil((size - 1) / 2).
// x and y: [batch][channels][pixels], contiguous, no overlap; any size may be 0. Each sum is one chain of fma() in the order of the channels.
#pragma once
#include "power.hxx"

ONNX_BRIDGE_KERNEL void lrn_doubles(Size batch, Size channels, Size pixels, const double* x, double* y, Size size, float alpha, float beta, float bias)
{
   const Size before = (size - 1) / 2, behind = size - 1 - before;
   const double share = static_cast<double>(alpha) / static_cast<double>(size);
   for (; batch > 0; batch--, x += channels * pixels)
      for (Size c = 0; c < channels; c++) {
         const Size first = c > before ? c - before : 0, last = c + behind < channels ? c + behind : channels - 1;
         for (Size i = 0; i < pixels; i++) {
            double sum = 0.;
            for (Size k = first; k <= last; k++) sum = fma(x[k * pixels + i], x[k * pixels + i], sum);
            *y++ = mul(x[c * pixels + i], double_pow<false>(fma(sum, share, static_cast<double>(bias)), -static_cast<double>(beta)));
         }
      }
}
