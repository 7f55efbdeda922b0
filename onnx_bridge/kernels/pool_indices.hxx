// pool_indices.hxx: planar max pooling that also tells where each maximum was.
//
// An index counts the elements of the whole input, batch and channels included; columns_first counts within a plane with the
// first dimension fastest (ONNX storage_order = 1). The first of equal maxima wins; a NaN stays only where it comes first, as in
// onnxruntime. A window without inputs gives -inf and the index -1.
#pragma once
#include "window.hxx"

ONNX_BRIDGE_KERNEL void max_pool_indices(const Window& w, Size planes, bool columns_first, const float* in, float* out, std::int64_t* indices)
{
   for (Size plane = 0; plane < planes; plane++)
      for (Size z = 0; z < w.depth.out; z++)
         for (Size y = 0; y < w.height.out; y++)
            for (Size x = 0; x < w.width.out; x++, out++, indices++) {
               const Range kz = taps_inside(w.depth, z), ky = taps_inside(w.height, y), kx = taps_inside(w.width, x);
               float best = -infinity<float>();
               Size where = -1;
               for (Size i = kz.begin; i < kz.end; i++)
                  for (Size j = ky.begin; j < ky.end; j++)
                     for (Size k = kx.begin; k < kx.end; k++) {
                        const Size depth = z * w.depth.stride - w.depth.pad + i * w.depth.dilation;
                        const Size row = y * w.height.stride - w.height.pad + j * w.height.dilation;
                        const Size column = x * w.width.stride - w.width.pad + k * w.width.dilation;
                        const float value = in[((plane * w.depth.in + depth) * w.height.in + row) * w.width.in + column];
                        if (where >= 0 && !(value > best)) continue;
                        best = value;
                        const Size place = columns_first ? (column * w.height.in + row) * w.depth.in + depth
                                                         : (depth * w.height.in + row) * w.width.in + column;
                        where = plane * inputs(w) + place;
                     }
               *out = best;
               *indices = where;
            }
}
