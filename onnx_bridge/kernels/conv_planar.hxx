// conv_planar.hxx: convolution of a planar image of few channels (a network's first layer) to a blocked one, one image a call.
//
// Order of summation: one block for each input channel, its window by depth tap, row tap, column tap from +0; block sums added in
// order; the bias last. Tiles at the border read a zero-padded copy of their own window, so scratch is small. The rest is conv.hxx's.
// in [C][D * H * W]; weights [blocks_of(O)][C][kd][kh][kw][16 of O], padded with zeros; bias [blocks_of(O)][16] or null.
#pragma once
#include "conv_tile.hxx"

/// Positions of a row that a tile reads.
ONNX_BRIDGE_INLINE Size patch_width(const Window& w)
{
   return (conv_pixels - 1) * w.width.stride + (w.width.kernel - 1) * w.width.dilation + 1;
}

/// Floats of scratch that conv_planar() needs. Largest where conv_pixels is 14.
ONNX_BRIDGE_INLINE Size conv_planar_scratch(const Window& w, Size in_channels)
{
   return w.width.kernel == 0 ? 0 : in_channels * w.depth.kernel * w.height.kernel * patch_width(w);
}

/// The window of the tile that starts at output (z, y, x), zero-padded: [C][kd][kh][patch_width].
ONNX_BRIDGE_KERNEL void copy_patch(const Window& w, Size channels, Size z, Size y, Size x, Size width, const float* in, float* out)
{
   const Placement columns = {w.width.in, width, w.width.pad - x * w.width.stride, 1};
   for (Size c = 0; c < channels; c++)
      for (Size kz = 0; kz < w.depth.kernel; kz++)
         for (Size ky = 0; ky < w.height.kernel; ky++, out += width) {
            const Size depth = z * w.depth.stride - w.depth.pad + kz * w.depth.dilation;
            const Size row = y * w.height.stride - w.height.pad + ky * w.height.dilation;
            const bool inside = depth >= 0 && depth < w.depth.in && row >= 0 && row < w.height.in;
            pad_row(columns, 1, inside ? in + ((c * w.depth.in + depth) * w.height.in + row) * w.width.in : nullptr, out);
         }
}

ONNX_BRIDGE_INLINE bool contains(Range r, Size begin, Size end) { return r.begin <= begin && end <= r.end; }

/// Stride: Const<1>, Const<2> or, for any, Size; what the window says along the width.
template <class Stride, class Epilogue>
ONNX_BRIDGE_KERNEL void conv_planar(const Window& w, Size in_channels, Size out_channels, const float* in, const float* weights,
                                    const float* bias, float* out, float* scratch, const Epilogue& epilogue)
{
   const Size row = w.width.in, depth = w.height.in * row, plane = w.depth.in * depth;
   const ConvOutput whole = whole_output(w, out);
   const ConvSum direct = {in_channels, 1, 1, w.depth.kernel, w.height.kernel, w.width.kernel,
                           plane, depth * w.depth.dilation, row * w.height.dilation, w.width.dilation,
                           w.width.stride, in_channels * taps(w) * 16, whole.block, 16};
   ConvSum patched = direct;
   const Size width = patch_width(w);
   patched.row = width;
   patched.depth = w.height.kernel * width;
   patched.block = w.depth.kernel * patched.depth;

   const Range inside_depth = outputs_inside(w.depth), inside_height = outputs_inside(w.height), inside_width = outputs_inside(w.width);
   const Size padded = blocks_of(out_channels) * 16, tiles = (w.width.out + conv_pixels - 1) / conv_pixels;
   for (Size z = 0; z < w.depth.out; z++)
      for (Size y = 0; y < w.height.out; y++) {
         const bool inside_row = contains(inside_depth, z, z + 1) && contains(inside_height, y, y + 1);
         Size x = 0;
         for (Size tile = 0; tile < tiles; tile++) {
            const Size pixels = w.width.out / tiles + (tile < w.width.out % tiles);
            const bool inside = inside_row && contains(inside_width, x, x + pixels);
            const float* from = scratch;
            if (inside)
               from = in + (z * w.depth.stride - w.depth.pad) * depth + (y * w.height.stride - w.height.pad) * row + x * w.width.stride - w.width.pad;
            else
               copy_patch(w, in_channels, z, y, x, width, in, scratch);
            const Size number = (z * w.height.out + y) * w.width.out + x;
            for (Size channel = 0; channel < padded; channel += 2 * lanes)
               conv_row<1, Stride>(inside ? direct : patched, conv_vectors(channel, padded), from,
                                   weights + channel / 16 * direct.panel + channel % 16, bias == nullptr ? nullptr : bias + channel,
                                   out + channel / 16 * whole.block + channel % 16 + number * 16, number, 1, pixels, channel, out_channels, epilogue);
            x += pixels;
         }
      }
}
