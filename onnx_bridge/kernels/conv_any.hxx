// conv_any.hxx: convolutions whose weights are known only at run time: the windows as columns of a matrix, then a product.
//
// Layout: in [C][inputs], out [O][outputs], planar, one image a call; the weights as ONNX has them: of conv_any() [O][C / groups][taps], of
//   conv_transposed_any() [C][O / groups][taps]; bias [O] or null. Nothing overlaps, any alignment, any size may be 0.
// `scratch` holds conv_any_scratch() or conv_transposed_any_scratch() floats.
// Order of summation: conv_any(): matmul()'s over channel, depth tap, row tap, column tap. conv_transposed_any(): for each tap matmul()'s over
//   the channels, then col2im()'s over the taps. The bias last. Zeros stand for padding, so that inf * 0 = NaN in weights shows there.
#pragma once
#include "col2im.hxx"
#include "matmul.hxx"
#include "window.hxx"

/// Places whose windows are columns at one time.
constexpr Size conv_any_places = 256;

ONNX_BRIDGE_INLINE Size conv_any_scratch(const Window& w, Size groups, Size in_channels, Size out_channels)
{
   const Size terms = in_channels / groups * taps(w), places = outputs(w) < conv_any_places ? outputs(w) : conv_any_places;
   return terms * places + matmul_scratch(out_channels / groups, places, terms);
}

ONNX_BRIDGE_INLINE Size conv_transposed_any_scratch(const Window& w, Size groups, Size in_channels, Size out_channels)
{
   const Size rows = out_channels / groups * taps(w);
   return rows * inputs(w) + matmul_scratch(rows, inputs(w), in_channels / groups);
}

/// columns[channels * taps][places]: what the outputs from `first` on read, zeros where that is padding.
ONNX_BRIDGE_KERNEL void windows_as_columns(const Window& w, Size channels, Size first, Size places, const float* in, float* columns)
{
   for (Size c = 0; c < channels; c++, in += inputs(w))
      for (Size kz = 0; kz < w.depth.kernel; kz++)
         for (Size ky = 0; ky < w.height.kernel; ky++)
            for (Size kx = 0; kx < w.width.kernel; kx++) {
               Size x = first % w.width.out, y = first / w.width.out % w.height.out, z = first / w.width.out / w.height.out;
               for (Size done = 0; done < places; x = 0) {
                  const Size count = w.width.out - x < places - done ? w.width.out - x : places - done;
                  const Size at_z = z * w.depth.stride - w.depth.pad + kz * w.depth.dilation;
                  const Size at_y = y * w.height.stride - w.height.pad + ky * w.height.dilation;
                  const Size at_x = x * w.width.stride - w.width.pad + kx * w.width.dilation;
                  const bool inside = at_z >= 0 && at_z < w.depth.in && at_y >= 0 && at_y < w.height.in;
                  const float* const row = inside ? in + (at_z * w.height.in + at_y) * w.width.in : nullptr;
                  for (Size i = 0; i < count; i++) {
                     const Size at = at_x + i * w.width.stride;
                     columns[i] = row != nullptr && at >= 0 && at < w.width.in ? row[at] : 0.0f;
                  }
                  columns += count;
                  done += count;
                  if (++y == w.height.out) y = 0, z++;
               }
            }
}

ONNX_BRIDGE_KERNEL void add_to_channels(Size channels, Size count, const float* bias, float* out)
{
   if (bias == nullptr) return;
   for (Size c = 0; c < channels; c++, out += count)
      for (Size i = 0; i < count; i++) out[i] += bias[c];
}

ONNX_BRIDGE_KERNEL void conv_any(const Window& w, Size groups, Size in_channels, Size out_channels, const float* in, const float* weights,
                                 const float* bias, float* out, float* scratch)
{
   const Size c = in_channels / groups, o = out_channels / groups, terms = c * taps(w), all = outputs(w);
   const Size most = all < conv_any_places ? all : conv_any_places;
   for (Size group = 0; group < groups; group++)
      for (Size first = 0; first < all; first += most) {
         const Size places = all - first < most ? all - first : most;
         windows_as_columns(w, c, first, places, in + group * c * inputs(w), scratch);
         matmul(o, places, terms, weights + group * o * terms, terms, 1, scratch, places, 1, out + group * o * all + first, all,
                scratch + terms * most, Keep());
      }
   add_to_channels(out_channels, all, bias, out);
}

ONNX_BRIDGE_KERNEL void conv_transposed_any(const Window& w, Size groups, Size in_channels, Size out_channels, const float* in,
                                            const float* weights, const float* bias, float* out, float* scratch)
{
   const Size c = in_channels / groups, o = out_channels / groups, rows = o * taps(w), from = inputs(w);
   const auto axis = [](const Axis& a) { return Col2ImAxis{a.out, a.kernel, a.in, a.stride, a.dilation, a.pad}; };
   for (Size group = 0; group < groups; group++) {
      matmul(rows, from, c, weights + group * c * rows, 1, rows, in + group * c * from, from, 1, scratch, from, scratch + rows * from, Keep());
      col2im(o, axis(w.depth), axis(w.height), axis(w.width), scratch, out + group * o * outputs(w));
   }
   add_to_channels(out_channels, outputs(w), bias, out);
}
