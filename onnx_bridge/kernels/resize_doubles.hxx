// resize_doubles.hxx: Resize and Upsample of doubles, by tables of doubles. Contract: resize.hxx.
#pragma once
#include "resize.hxx"

/// resize_axis() of doubles, one number after the other.
ONNX_BRIDGE_KERNEL void resize_axis(Size outer, Size in_size, Size out_size, Size inner, Size taps, const std::int32_t* index,
                                    const double* weight, const double* in, double* out)
{
   for (Size i = 0; i < outer; i++, in += in_size * inner)
      for (Size o = 0; o < out_size; o++)
         for (Size j = 0; j < inner; j++, out++) {
            const auto tap = [&](Size k) { return in[index[o * taps + k] * inner + j]; };
            *out = taps == 1 ? tap(0) : mul(tap(0), weight[o * taps]);
            for (Size k = 1; k < taps; k++) *out = fma(tap(k), weight[o * taps + k], *out);
         }
}
