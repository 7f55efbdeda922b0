// conv_interleaved.hxx: convolution in groups so small that several lie in one block of 16 channels, blocked to blocked.
//
// c, o: channels of one group, powers of two, c <= 8, c <= o. A vector of outputs takes, for each channel of its groups, the vector
// of inputs with its lanes put in place, so no lane is wasted and no group sees another's values. Order of summation: one block of
// c channels, that is depth tap, row tap, column tap, channel of the group from +0; the bias last. Out overlaps nothing that is read.
// Weights [blocks_of(O)][kd][kh][kw][c][16 of O], padded with zeros; bias [blocks_of(O)][16] or null.
#pragma once
#include "conv.hxx"

ONNX_BRIDGE_INLINE bool is_power_of_two(Size n) { return n > 0 && (n & (n - 1)) == 0; }
ONNX_BRIDGE_INLINE bool interleaves(Size c, Size o) { return is_power_of_two(c) && is_power_of_two(o) && c <= 8 && c <= o; }

/// The floats p[index[0]], p[index[1]], ..., all of p[0 .. lanes - 1].
ONNX_BRIDGE_INLINE vec pick_lanes(const float* p, ivec index)
{
#if defined(ONNX_BRIDGE_HAS_AVX512) && defined(__clang__)
   return __builtin_ia32_permvarsf512(load(p), index);
#elif defined(ONNX_BRIDGE_HAS_AVX2) && defined(__clang__)
   return __builtin_ia32_permvarsf256(load(p), index);
#elif ONNX_BRIDGE_LANES >= 8 && !defined(__clang__)
   return __builtin_shuffle(load(p), index);
#else
   vec v{};
   for (int i = 0; i < lanes; i++) v[i] = p[index[i]];
   return v;
#endif
}

/// Outputs of one row, one vector of channels. in: the first tap's pixel, its block's first channel; first: the vector's first input
/// channel in that block; place: each lane's own channel, from the first. Same: the same for all lanes.
template <int Pixels, bool Same>
ONNX_BRIDGE_KERNEL void interleaved_tile(const ConvSum& s, Size c, Size first, ivec place, const float* in, const float* weights,
                                         const float* bias, float* out)
{
   const Size pixel = s.pixel;
   vec sum[Pixels];
   ONNX_BRIDGE_UNROLL
   for (int i = 0; i < Pixels; i++) sum[i] = vec{};
   for (Size z = 0; z < s.kernel_depth; z++)
      for (Size y = 0; y < s.kernel_height; y++)
         for (Size x = 0; x < s.kernel_width; x++) {
            const float* p = in + z * s.depth + y * s.row + x * s.column;
            for (Size channel = first; channel < first + c; channel++, weights += 16) {
               const Size lane = channel % lanes;
               const ivec index = place + splat(static_cast<std::int32_t>(lane));
               const vec w = load(weights);
               ONNX_BRIDGE_UNROLL
               for (int i = 0; i < Pixels; i++) {
                  const float* from = p + i * pixel + channel;
                  sum[i] = fma(Same ? splat(*from) : pick_lanes(from - lane, index), w, sum[i]);
               }
            }
         }
   const vec b = bias == nullptr ? vec{} : load(bias);
   ONNX_BRIDGE_UNROLL
   for (int i = 0; i < Pixels; i++) store(out + i * 16, bias == nullptr ? sum[i] : sum[i] + b);
}

/// Floats of scratch: conv_scratch(w, in_channels).
template <class Epilogue>
ONNX_BRIDGE_KERNEL void conv_interleaved(const Window& w, Size groups, Size in_channels, Size out_channels, const float* in,
                                         const float* weights, const float* bias, float* out, float* scratch, const Epilogue& epilogue)
{
   const Size c = in_channels / groups, o = out_channels / groups;
   const BlockedInput image = blocked_input(w, in_channels, in, scratch);
   const ConvOutput whole = whole_output(w, out);
   const ConvSum s = conv_sum(w, in_channels, image.block, image.depth, image.row, whole.block);
   ivec place;
   for (int i = 0; i < lanes; i++) place[i] = static_cast<std::int32_t>(i / o * c);
   for (Size channel = 0; channel < blocks_of(out_channels) * 16; channel += lanes) {
      // The last block may have lanes that belong to no group; the last one's inputs do for them.
      const Size from = (channel < out_channels ? channel : out_channels - 1) / o * c;
      const float* block = image.data + from / 16 * image.block;
      const float* kernel = weights + channel / 16 * taps(w) * c * 16 + channel % 16;
      for (Size z = 0; z < w.depth.out; z++)
         for (Size y = 0; y < w.height.out; y++) {
            const float* row = block + z * w.depth.stride * image.depth + y * w.height.stride * image.row;
            const Size number = (z * w.height.out + y) * w.width.out;
            float* to = out + channel / 16 * whole.block + channel % 16 + number * 16;
            const float* b = bias == nullptr ? nullptr : bias + channel;
            const Size width = w.width.out;
            for (Size x = 0; x < width;) {
               // The last tile may repeat pixels of the one before.
               const Size pixels = width >= 8 && (width - x > 4 || width < 12) ? 8 : width >= 4 ? 4 : 1;
               if (width - x < pixels) x = width - pixels;
               const auto tile = o >= lanes ? (pixels == 8 ? interleaved_tile<8, true> : pixels == 4 ? interleaved_tile<4, true> : interleaved_tile<1, true>)
                                            : (pixels == 8 ? interleaved_tile<8, false> : pixels == 4 ? interleaved_tile<4, false> : interleaved_tile<1, false>);
               tile(s, c, from % 16, place, row + x * s.pixel, kernel, b, to + x * 16);
               x += pixels;
            }
            finish_pixels(to, 16, width, number, 1, channel, out_channels, epilogue);
         }
   }
}
