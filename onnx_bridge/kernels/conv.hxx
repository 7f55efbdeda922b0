// conv.hxx: convolution of one group, blocked to blocked (see blocked.hxx), in 1, 2 or 3 dimensions, one image a call.
//
// Any kernel, stride, dilation and pads; output sizes are the Window's. The order of summation is conv_tile.hxx's: blocks of 16
// input channels, of 128 where the kernel has one tap. NaN and infinities spread as by the formula with zeros for padding.
// out overlaps nothing that is read, the epilogue's operands included. Its rows are the image's pixels, its columns the channels.
// Weights [blocks_of(O)][blocks_of(C)][kd][kh][kw][16 of C][16 of O], padded with zeros; bias [blocks_of(O)][16] or null.
#pragma once
#include "conv_tile.hxx"

/// The sum over a window of an image whose rows and planes are `row` and `depth` floats apart.
ONNX_BRIDGE_INLINE ConvSum conv_sum(const Window& w, Size channels, Size block, Size depth, Size row, Size out_block)
{
   const Size blocks = blocks_of(channels);
   return {blocks,
           taps(w) == 1 ? 8 : 1,
           channels - 16 * (blocks - 1),
           w.depth.kernel,
           w.height.kernel,
           w.width.kernel,
           block,
           depth * w.depth.dilation,
           row * w.height.dilation,
           16 * w.width.dilation,
           16 * w.width.stride,
           blocks * taps(w) * 256,
           out_block,
           16};
}

/// Every output of an image. in: the first tap of the first output; in_depth, in_row: floats from one output's inputs to the next one's.
/// Pixel: Const<16 * stride> or, for any stride, Size.
template <class Pixel, class Epilogue>
ONNX_BRIDGE_INLINE void conv_outputs(const ConvSum& s, const float* in, Size in_depth, Size in_row, const float* weights, const float* bias,
                                     const ConvOutput& out, Size depth, Size height, Size width, Size channels, const Epilogue& epilogue)
{
   const Size padded = blocks_of(channels) * 16;
   for (Size channel = 0; channel < padded; channel += 2 * lanes) {
      const float* w = weights + channel / 16 * s.panel + channel % 16;
      const float* b = bias == nullptr ? nullptr : bias + channel;
      float* to = out.data + channel / 16 * s.out_block + channel % 16;
      const int vectors = conv_vectors(channel, padded);
      for (Size z = 0; z < depth; z++)
         for (Size y = 0; y < height; y++)
            conv_row<16, Pixel>(s, vectors, in + z * in_depth + y * in_row, w, b, to + z * out.depth + y * out.row,
                                out.first + z * out.number_depth + y * out.number_row, out.number_pixel, width, channel, channels, epilogue);
   }
}

/// Floats of scratch that conv() needs.
ONNX_BRIDGE_INLINE Size conv_scratch(const Window& w, Size in_channels)
{
   return unpadded(w) ? 0 : blocks_of(in_channels) * extent(w.depth) * extent(w.height) * extent(w.width) * 16;
}

/// A blocked image at the first tap of the first output, and floats between neighbours.
struct BlockedInput {
   const float* data;
   Size block, depth, row;
};

/// The image itself or, where taps lie outside, its copy in scratch with zeros around.
ONNX_BRIDGE_KERNEL BlockedInput blocked_input(const Window& w, Size channels, const float* in, float* scratch)
{
   const bool whole = unpadded(w);
   const Size row = 16 * (whole ? w.width.in : extent(w.width)), depth = row * (whole ? w.height.in : extent(w.height));
   const Size block = depth * (whole ? w.depth.in : extent(w.depth));
   if (whole) return {in - w.depth.pad * depth - w.height.pad * row - w.width.pad * 16, block, depth, row};
   pad_blocked(w, channels, in, scratch);
   return {scratch, block, depth, row};
}

/// Stride: Const<1>, Const<2> or, for any, Size; what the window says along the width.
template <class Stride, class Epilogue>
ONNX_BRIDGE_KERNEL void conv(const Window& w, Size in_channels, Size out_channels, const float* in, const float* weights, const float* bias,
                             float* out, float* scratch, const Epilogue& epilogue)
{
   typedef typename std::conditional<is_const<Stride>::value, Const<16 * (is_const<Stride>::value ? static_cast<Size>(Stride()) : 0)>, Size>::type Pixel;
   const BlockedInput image = blocked_input(w, in_channels, in, scratch);
   const ConvOutput whole = whole_output(w, out);
   const ConvSum s = conv_sum(w, in_channels, image.block, image.depth, image.row, whole.block);
   // Where inputs follow one another as outputs do (1 x 1), all pixels are one long row.
   const bool one_row = w.width.stride == 1 && image.row == w.width.out * 16 && (w.height.out == 1 || w.height.stride == 1) &&
                        (w.depth.out == 1 || (w.depth.stride == 1 && image.depth == w.height.out * image.row));
   conv_outputs<Pixel>(s, image.data, image.depth * w.depth.stride, image.row * w.height.stride, weights, bias, whole, one_row ? 1 : w.depth.out,
                       one_row ? 1 : w.height.out, one_row ? outputs(w) : w.width.out, out_channels, epilogue);
}
