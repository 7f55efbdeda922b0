// window_doubles.hxx: convolutions and pools in double precision. Rare; plain loops, a row at a time.
//
// Layout: in [C][inputs], out [O][outputs], planar, one image a call; weights as ONNX has them: of conv_doubles() [O][C / groups][taps], of
//   conv_transposed_doubles() [C][O / groups][taps]; bias [O] or null. Nothing overlaps, any size may be 0. A window is that of window.hxx.
// Order of summation: the bias first (0 without one), then by fma() over channel, depth tap, row tap, column tap; padding is left out.
#pragma once
#include "power.hxx"
#include "window.hxx"

/// Calls tap(tap's number, in's offset of the row, out's offset of the row, first and last column of out, in's column for column 0) for each
/// tap of each row of outputs that lies inside.
template <class Tap>
ONNX_BRIDGE_INLINE void each_tap(const Window& w, const Tap& tap)
{
   for (Size z = 0; z < w.depth.out; z++)
      for (Size y = 0; y < w.height.out; y++) {
         const Range kz = taps_inside(w.depth, z), ky = taps_inside(w.height, y);
         for (Size i = kz.begin; i < kz.end; i++)
            for (Size j = ky.begin; j < ky.end; j++)
               for (Size k = 0; k < w.width.kernel; k++) {
                  const Size depth = z * w.depth.stride - w.depth.pad + i * w.depth.dilation;
                  const Size row = y * w.height.stride - w.height.pad + j * w.height.dilation;
                  const Size from = k * w.width.dilation - w.width.pad;
                  Size begin = from >= 0 ? 0 : divide_up(-from, w.width.stride);
                  const Size room = w.width.in - from;
                  Size end = room <= 0 ? 0 : divide_up(room, w.width.stride);
                  if (end > w.width.out) end = w.width.out;
                  if (begin > end) begin = end;
                  tap((i * w.height.kernel + j) * w.width.kernel + k, (depth * w.height.in + row) * w.width.in,
                      (z * w.height.out + y) * w.width.out, Range{begin, end}, from);
               }
      }
}

ONNX_BRIDGE_INLINE void start_channels(Size channels, Size count, const double* bias, double* out)
{
   for (Size o = 0; o < channels; o++)
      for (Size i = 0; i < count; i++) out[o * count + i] = bias ? bias[o] : 0.;
}

ONNX_BRIDGE_KERNEL void conv_doubles(const Window& w, Size groups, Size in_channels, Size out_channels, const double* in,
                                     const double* weights, const double* bias, double* out)
{
   const Size c = in_channels / groups, o = out_channels / groups, stride = w.width.stride;
   start_channels(out_channels, outputs(w), bias, out);
   for (Size to = 0; to < out_channels; to++)
      for (Size from = 0; from < c; from++) {
         const double* const plane = in + (to / o * c + from) * inputs(w);
         const double* const kernel = weights + (to * c + from) * taps(w);
         double* const made = out + to * outputs(w);
         each_tap(w, [&](Size tap, Size row, Size at, Range columns, Size first) __attribute__((always_inline)) {
            for (Size x = columns.begin; x < columns.end; x++) made[at + x] = fma(kernel[tap], plane[row + first + x * stride], made[at + x]);
         });
      }
}

/// The window has this one's inputs and outputs; in that of the convolution that it is the transpose of they change places.
ONNX_BRIDGE_KERNEL void conv_transposed_doubles(const Window& w, Size groups, Size in_channels, Size out_channels, const double* in,
                                                const double* weights, const double* bias, double* out)
{
   const Window of = {{w.depth.out, w.depth.in, w.depth.kernel, w.depth.stride, w.depth.dilation, w.depth.pad},
                      {w.height.out, w.height.in, w.height.kernel, w.height.stride, w.height.dilation, w.height.pad},
                      {w.width.out, w.width.in, w.width.kernel, w.width.stride, w.width.dilation, w.width.pad}};
   const Size c = in_channels / groups, o = out_channels / groups, stride = w.width.stride;
   start_channels(out_channels, inputs(of), bias, out);
   for (Size from = 0; from < in_channels; from++)
      for (Size to = 0; to < o; to++) {
         const double* const plane = in + from * outputs(of);
         const double* const kernel = weights + (from * o + to) * taps(w);
         double* const made = out + (from / c * o + to) * inputs(of);
         each_tap(of, [&](Size tap, Size row, Size at, Range columns, Size first) __attribute__((always_inline)) {
            for (Size x = columns.begin; x < columns.end; x++)
               made[row + first + x * stride] = fma(kernel[tap], plane[at + x], made[row + first + x * stride]);
         });
      }
}

/// Taps of one output that lie before the end of the padding.
ONNX_BRIDGE_INLINE Size taps_before_end(const Axis& a, Size output)
{
   const Range r = taps_inside({a.pad + a.in + a.pad_end, a.out, a.kernel, a.stride, a.dilation, 0}, output);
   return r.end - r.begin;
}

/// The largest number of each window, and where it was; -inf and -1 of a window without inputs. See pool_indices.hxx.
ONNX_BRIDGE_KERNEL void max_pool_doubles(const Window& w, Size planes, bool columns_first, const double* in, double* out,
                                         std::int64_t* indices = nullptr)
{
   for (Size plane = 0; plane < planes; plane++, in += inputs(w))
      for (Size z = 0; z < w.depth.out; z++)
         for (Size y = 0; y < w.height.out; y++)
            for (Size x = 0; x < w.width.out; x++, out++) {
               const Range kz = taps_inside(w.depth, z), ky = taps_inside(w.height, y), kx = taps_inside(w.width, x);
               double best = -infinity<double>();
               Size where = -1;
               for (Size i = kz.begin; i < kz.end; i++)
                  for (Size j = ky.begin; j < ky.end; j++)
                     for (Size k = kx.begin; k < kx.end; k++) {
                        const Size depth = z * w.depth.stride - w.depth.pad + i * w.depth.dilation;
                        const Size row = y * w.height.stride - w.height.pad + j * w.height.dilation;
                        const Size column = x * w.width.stride - w.width.pad + k * w.width.dilation;
                        const double value = in[(depth * w.height.in + row) * w.width.in + column];
                        if (where >= 0 && !(value > best)) continue;
                        best = value;
                        const Size place = columns_first ? (column * w.height.in + row) * w.depth.in + depth
                                                         : (depth * w.height.in + row) * w.width.in + column;
                        where = plane * inputs(w) + place;
                     }
               *out = best;
               if (indices != nullptr) *indices++ = where;
            }
}

/// Means of windows (p = 0), by the number of inputs or, counting padding, of taps before its end; or p-norms.
ONNX_BRIDGE_KERNEL void sum_pool_doubles(const Window& w, Size planes, int p, bool count_padding, const double* in, double* out)
{
   for (; planes > 0; planes--, in += inputs(w), out += outputs(w)) {
      start_channels(1, outputs(w), nullptr, out);
      each_tap(w, [&](Size, Size row, Size at, Range columns, Size first) __attribute__((always_inline)) {
         for (Size x = columns.begin; x < columns.end; x++) {
            const double value = in[row + first + x * w.width.stride], size = value < 0 ? -value : value;
            if (p == 0)
               out[at + x] += value;
            else if (p == 1)
               out[at + x] += size;
            else
               out[at + x] = p == 2 ? fma(value, value, out[at + x]) : out[at + x] + double_pow<true>(size, static_cast<double>(p));
         }
      });
      Size at = 0;
      for (Size z = 0; z < w.depth.out; z++)
         for (Size y = 0; y < w.height.out; y++)
            for (Size x = 0; x < w.width.out; x++, at++) {
               const auto counted = [&](const Axis& a, Size o) {
                  const Range r = taps_inside(a, o);
                  return count_padding ? taps_before_end(a, o) : r.end - r.begin;
               };
               if (p == 0)
                  out[at] /= static_cast<double>(counted(w.depth, z) * counted(w.height, y) * counted(w.width, x));
               else if (p > 1)
                  out[at] = p == 2 ? __builtin_sqrt(out[at]) : double_pow<true>(out[at], 1. / p);
            }
   }
}
