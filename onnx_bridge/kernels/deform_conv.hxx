// deform_conv.hxx: convolution whose taps are moved by offsets that are computed, with one weight more for each.
//
// Layout: x[images][channels][inputs of each axis], w[outs][channels / group][taps], offset[images][offset_groups][taps][Rank][pixels],
//   mask[images][offset_groups][taps][pixels] or null, bias[outs] or null, y[images][outs][pixels]; T is float or double. An axis that is
//   not there has one pixel, one tap. Sizes may be 0. x and y do not overlap.
// A tap lies at pixel * stride - pad + tap * dilation + offset along each axis and is interpolated between its neighbours, of which those
//   outside are 0; one a whole pixel outside, or whose place is no number, is 0 and reads nothing.
// Order of summation: an output is a chain of fma from +0 over channels and taps, the taps fastest, then bias is added. An interpolated
//   tap is a chain of fma over its neighbours, times its mask. Work holds channels * taps * deform_block elements.
#pragma once
#include "vector.hxx"

constexpr Size deform_block = 32;

struct DeformAxis {
   Size in, out, taps, stride, dilation, pad;
};

/// A tap of one pixel, in each of some channels that move alike; `to` is deform_block * `step` apart from channel to channel.
template <int Rank, class T>
ONNX_BRIDGE_INLINE void deform_tap(const DeformAxis (&axes)[3], const T (&place)[3], T mask, Size channels, const T* x, T* to, Size step)
{
   Size at[8];
   T weight[8];
   int taps = 1;
   at[0] = 0;
   weight[0] = T(1);
   for (int a = 3 - Rank; a < 3; a++) {
      const T p = place[a];
      if (!(p > T(-1) && p < static_cast<T>(axes[a].in))) {
         for (Size c = 0; c < channels; c++) to[c * step] = T(0);
         return;
      }
      const T below = static_cast<T>(__builtin_floor(static_cast<double>(p))), up = p - below;
      const Size low = static_cast<Size>(below);
      int made = 0;
      Size next[8];
      T scaled[8];
      for (int k = 0; k < taps; k++)
         for (int side = 0; side < 2; side++) {
            const Size i = low + side;
            if (i < 0 || i >= axes[a].in) continue;
            next[made] = at[k] * axes[a].in + i;
            scaled[made++] = mul(weight[k], side == 1 ? up : T(1) - up);
         }
      taps = made;
      for (int k = 0; k < taps; k++) {
         at[k] = next[k];
         weight[k] = scaled[k];
      }
   }
   const Size plane = axes[0].in * axes[1].in * axes[2].in;
   for (Size c = 0; c < channels; c++, x += plane) {
      T sum = T(0);
      for (int k = 0; k < taps; k++) sum = fma(weight[k], x[at[k]], sum);
      to[c * step] = mul(sum, mask);
   }
}

template <int Rank, class T>
ONNX_BRIDGE_KERNEL void deform_conv(Size images, Size channels, Size outs, Size group, Size offset_groups, const DeformAxis& a,
                                    const DeformAxis& b, const DeformAxis& c, const T* x, const T* w, const T* offset, const T* bias,
                                    const T* mask, char* work, T* y)
{
   const DeformAxis axes[3] = {a, b, c};
   const Size plane = a.in * b.in * c.in, taps = a.taps * b.taps * c.taps, pixels = a.out * b.out * c.out;
   const Size together = offset_groups > 0 ? channels / offset_groups : 0, depth = channels / group * taps, own = outs / group;
   T* const columns = reinterpret_cast<T*>(work);
   for (Size image = 0; image < images; image++, x += channels * plane, y += outs * pixels)
      for (Size p = 0; p < pixels; p += deform_block) {
         const Size count = pixels - p < deform_block ? pixels - p : deform_block;
         for (Size g = 0; g < offset_groups; g++)
            for (Size t = 0; t < taps; t++) {
               const Size tap[3] = {t / (b.taps * c.taps), t / c.taps % b.taps, t % c.taps};
               const Size row = (image * offset_groups + g) * taps + t;
               for (Size i = 0; i < deform_block; i++) {
                  T* const to = columns + (g * together * taps + t) * deform_block + i;
                  if (i >= count) {
                     for (Size k = 0; k < together; k++) to[k * taps * deform_block] = T(0);
                     continue;
                  }
                  const Size q = p + i, pixel[3] = {q / (b.out * c.out), q / c.out % b.out, q % c.out};
                  T place[3] = {};
                  for (int axis = 3 - Rank; axis < 3; axis++) {
                     const DeformAxis& along = axes[axis];
                     const Size start = pixel[axis] * along.stride - along.pad + tap[axis] * along.dilation;
                     place[axis] = static_cast<T>(start) + offset[(row * Rank + axis - (3 - Rank)) * pixels + q];
                  }
                  const T weight = mask == nullptr ? T(1) : mask[row * pixels + q];
                  deform_tap<Rank>(axes, place, weight, together, x + g * together * plane, to, taps * deform_block);
               }
            }
         for (Size o = 0; o < outs; o++) {
            const T* const weights = w + o * depth;
            const T* const from = columns + o / own * depth * deform_block;
            T sums[deform_block] = {};
            for (Size k = 0; k < depth; k++)
               for (Size i = 0; i < deform_block; i++) sums[i] = fma(weights[k], from[k * deform_block + i], sums[i]);
            for (Size i = 0; i < count; i++) y[o * pixels + p + i] = bias == nullptr ? sums[i] : sums[i] + bias[o];
         }
      }
}
