// conv_depthwise.hxx: convolution in which each channel has its own kernel (groups == C == O), blocked to blocked, one image a call.
//
// Any kernel, stride, dilation and pads, 1, 2 or 3 dimensions, no padded copy. Order of summation: the window by depth tap, row
// tap, column tap, one chain from +0; the bias last. Taps in the padding are left out or are +0, which is the same.
// out overlaps nothing that is read. Weights [blocks_of(C)][kd][kh][kw][16], padded with zeros; bias [blocks_of(C)][16] or null.
#pragma once
#include "conv_tile.hxx"

/// One output row of one vector of channels: which input rows it sums, and with what.
struct DepthwiseRow {
   const float *in, *weights;         // the first tap inside, at column 0
   Size depths, rows;                 // taps inside
   Size in_depth, in_row;             // floats between the input rows of neighbouring taps
   Size weights_depth, weights_row;
   Axis width;
   Range inside;                      // outputs with every tap across inside
};

/// Outputs x .. x + Pixels - 1 of a row. Border: taps may lie outside along the width. Taps, Stride: the window's, or Size for any.
template <int Pixels, bool Border, class Taps, class Stride>
ONNX_BRIDGE_INLINE void depthwise_tile(const DepthwiseRow& r, Size x, bool biased, vec bias, float* out)
{
   constexpr bool fixed = is_const<Taps>::value && is_const<Stride>::value;
   constexpr int across = fixed ? static_cast<int>(static_cast<Size>(Taps())) : 1;
   constexpr int step = fixed ? static_cast<int>(static_cast<Size>(Stride())) : 1;
   constexpr int columns = (Pixels - 1) * step + across;  // that a tile reads; pads are smaller than the kernel
   const Size first = x * r.width.stride - r.width.pad, limit = r.width.in;
   const auto inside = [limit](Size position) __attribute__((always_inline)) { return position >= 0 && position < limit; };
   vec sum[Pixels];
   ONNX_BRIDGE_UNROLL
   for (int i = 0; i < Pixels; i++) sum[i] = vec{};
   for (Size z = 0; z < r.depths; z++) {
      const float *row = r.in + z * r.in_depth + first * 16, *weights = r.weights + z * r.weights_depth;
      for (Size y = 0; y < r.rows; y++, row += r.in_row, weights += r.weights_row) {
         if (fixed) {
            vec tap[across];
            ONNX_BRIDGE_UNROLL
            for (int k = 0; k < across; k++) tap[k] = load(weights + k * 16);
            ONNX_BRIDGE_UNROLL
            for (int column = 0; column < columns; column++) {
               const bool outer = Border && (column < across - 1 || column > columns - across);
               const vec a = outer && !inside(first + column) ? vec{} : load(row + column * 16);
               ONNX_BRIDGE_UNROLL
               for (int k = 0; k < across; k++) {
                  const int i = (column - k) / step;
                  if (column >= k && (column - k) % step == 0 && i < Pixels) sum[i < Pixels ? i : 0] = fma(a, tap[k], sum[i < Pixels ? i : 0]);
               }
            }
         } else {
            for (Size k = 0; k < r.width.kernel; k++) {
               const vec tap = load(weights + k * 16);
               const Size column = k * r.width.dilation;
               ONNX_BRIDGE_UNROLL
               for (int i = 0; i < Pixels; i++) {
                  const Size place = column + i * r.width.stride;
                  sum[i] = fma(Border && !inside(first + place) ? vec{} : load(row + place * 16), tap, sum[i]);
               }
            }
         }
      }
   }
   if (biased) {
      ONNX_BRIDGE_UNROLL
      for (int i = 0; i < Pixels; i++) sum[i] += bias;
   }
   ONNX_BRIDGE_UNROLL
   for (int i = 0; i < Pixels; i++) store(out + (x + i) * 16, sum[i]);
}

/// A whole output row. The last tile may repeat pixels of the one before.
template <class Taps, class Stride>
ONNX_BRIDGE_KERNEL void depthwise_row(const DepthwiseRow& row, const float* bias, float* out)
{
   const DepthwiseRow r = row;
   const bool biased = bias != nullptr;
   const vec b = biased ? load(bias) : vec{};
   const Size width = r.width.out;
   for (Size x = 0; x < width;) {
      const Size rest = width - x;
      if (width >= 8 && (rest > 4 || width < 12)) {
         if (rest < 8) x = width - 8;
         if (r.inside.begin <= x && x + 8 <= r.inside.end)
            depthwise_tile<8, false, Taps, Stride>(r, x, biased, b, out);
         else
            depthwise_tile<8, true, Taps, Stride>(r, x, biased, b, out);
         x += 8;
      } else if (width >= 4) {
         if (rest < 4) x = width - 4;
         depthwise_tile<4, true, Taps, Stride>(r, x, biased, b, out);
         x += 4;
      } else {
         depthwise_tile<1, true, Taps, Stride>(r, x, biased, b, out);
         x += 1;
      }
   }
}

/// Taps, Stride: Const<3> or Const<5>, and Const<1> or Const<2>, where the width's are these, its dilation is 1 and its pads are
/// smaller than the kernel; else Size, Size.
template <class Taps, class Stride, class Epilogue>
ONNX_BRIDGE_KERNEL void conv_depthwise(const Window& w, Size channels, const float* in, const float* weights, const float* bias, float* out,
                                       const Epilogue& epilogue)
{
   const Size row = w.width.in * 16, depth = w.height.in * row, block_in = w.depth.in * depth;
   const Size block_out = outputs(w) * 16, across = w.width.kernel * 16, block_weights = taps(w) * 16;
   DepthwiseRow r = {nullptr, nullptr, 0, 0, depth * w.depth.dilation, row * w.height.dilation, w.height.kernel * across, across,
                     w.width, outputs_inside(w.width)};
   for (Size channel = 0; channel < channels; channel += 16, in += block_in, weights += block_weights, out += block_out) {
      Size number = 0;
      for (Size z = 0; z < w.depth.out; z++) {
         const Range kz = taps_inside(w.depth, z);
         r.depths = kz.end - kz.begin;
         for (Size y = 0; y < w.height.out; y++, number += w.width.out) {
            const Range ky = taps_inside(w.height, y);
            r.rows = ky.end - ky.begin;
            const Size from_depth = z * w.depth.stride - w.depth.pad + kz.begin * w.depth.dilation;
            const Size from_row = y * w.height.stride - w.height.pad + ky.begin * w.height.dilation;
            for (Size lane = 0; lane < 16; lane += lanes) {
               r.in = in + from_depth * depth + from_row * row + lane;
               r.weights = weights + kz.begin * r.weights_depth + ky.begin * r.weights_row + lane;
               float* to = out + number * 16 + lane;
               depthwise_row<Taps, Stride>(r, bias == nullptr ? nullptr : bias + channel + lane, to);
               finish_pixels(to, 16, w.width.out, number, 1, channel + lane, channels, epilogue);
            }
         }
      }
   }
}
