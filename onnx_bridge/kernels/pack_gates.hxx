// pack_gates.hxx: weights of recurrent layers that are known only at run time, packed as recurrent.hxx has them.
//
// One call packs G gates of each of some directions: element (g, h, k) of direction d at source[d * source_step + (g * H + h) * K + k], to
// which that at the same place of `added` is added in the first `sums` of the gates, goes to packed[d * packed_step + ((h / 16 * G + g) * K + k) * 16 + h % 16].
// Units from H up to a whole panel hold zeros. Any size may be 0; packed does not overlap what is read.
#pragma once
#include "gemm_tile.hxx"

ONNX_BRIDGE_KERNEL void pack_gates(Size directions, Size G, Size H, Size K, const float* source, const float* added, Size sums,
                                   Size source_step, float* packed, Size packed_step)
{
   for (Size d = 0; d < directions; d++, source += source_step, added += source_step, packed += packed_step) {
      float* to = packed;
      for (Size first = 0; first < H; first += panel_columns)
         for (Size g = 0; g < G; g++)
            for (Size k = 0; k < K; k++)
               for (Size h = first; h < first + panel_columns; h++) {
                  const Size at = (g * H + h) * K + k;
                  *to++ = h >= H ? 0.0f : g < sums ? source[at] + added[at] : source[at];
               }
   }
}
