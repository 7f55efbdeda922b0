// resize_antialias.hxx: Resize with antialias: where an axis shrinks, the filter is as much wider.
//
// The table of one axis has `taps` input positions and weights for each output: those that the filter reaches, their weights of sum 1, and
// behind them the first one again with the weight 0. What reaches beyond the input counts for the element at its end, or is left out
// (exclude_outside). resize_wide_axis() applies it as resize_axis() does its own: the chain of the taps in order, mul() first, then fma().
#pragma once
#include "resize.hxx"

/// The filters: a triangle, and Keys' cubic, which is 0 from 2 on.
ONNX_BRIDGE_INLINE double antialias_filter(const ResizeAxis& a, double x)
{
   const double s = x < 0.0 ? -x : x, c = static_cast<double>(a.cubic_a);
   if (a.mode == Interpolation::linear) return s < 1.0 ? 1.0 - s : 0.0;
   if (s < 1.0) return mul(mul(mul(c + 2.0, s) - (c + 3.0), s), s) + 1.0;
   return s < 2.0 ? mul(mul(mul(c, s) - mul(5.0, c), s) + mul(8.0, c), s) - mul(4.0, c) : 0.0;
}

/// index[out][taps] and weight[out][taps]; outside as resize_table() has it.
ONNX_BRIDGE_KERNEL void resize_wide_table(const ResizeAxis& a, Size taps, std::int32_t* index, float* weight, unsigned char* outside)
{
   const float shrink = a.scale < 1.0f ? a.scale : 1.0f, support = (a.mode == Interpolation::linear ? 1.0f : 2.0f) / shrink;
   const double in = static_cast<double>(a.in);
   const auto place = [in](double x) { return static_cast<Size>(x < -1.0 - in ? -1.0 - in : x > 2.0 * in + 1.0 ? 2.0 * in + 1.0 : x); };
   for (Size o = 0; o < a.out; o++, index += taps, weight += taps) {
      const float x = a.scale == 1.0f ? static_cast<float>(o) : resize_coordinate(a, o), center = x + 0.5f;
      if (outside != nullptr)
         outside[o] = a.coordinates == Coordinates::tf_crop_and_resize && (x < 0.0f || x > static_cast<float>(a.in - 1));
      const Size first = place(__builtin_floor(static_cast<double>(center - support) + 0.5));
      const Size last = place(__builtin_floor(static_cast<double>(center + support) + 0.5));
      const Size begin = first < 0 ? 0 : first < a.in ? first : a.in - 1;
      // In double, twice: once for the sum, then for what each element is of it.
      double sum = 0.0;
      for (Size k = 0; k < taps; k++) {
         index[k] = static_cast<std::int32_t>(begin);
         weight[k] = 0.0f;
      }
      const auto filter = [&](Size i) {
         const bool inside = i >= 0 && i < a.in;
         const double from = static_cast<double>(i) - static_cast<double>(center) + 0.5;
         return a.exclude_outside && !inside ? 0.0 : antialias_filter(a, mul(from, static_cast<double>(shrink)));
      };
      for (Size i = first; i < last; i++) sum += filter(i);
      const double scale = sum < 0.0 || sum > 0.0 ? sum : 1.0;
      double own = 0.0;  // of one element; those beyond an end join the one there
      for (Size i = first; i < last; i++) {
         const Size at = i < 0 ? 0 : i < a.in ? i : a.in - 1, next = i + 1 < 0 ? 0 : i + 1 < a.in ? i + 1 : a.in - 1;
         own += filter(i);
         if (next == at && i + 1 < last) continue;
         if (at - begin < taps) {  // as any scale has it
            index[at - begin] = static_cast<std::int32_t>(at);
            weight[at - begin] = static_cast<float>(own / scale);
         }
         own = 0.0;
      }
   }
}

/// [outer][in_size][inner] to [outer][out_size][inner] by a table of any number of taps.
ONNX_BRIDGE_KERNEL void resize_wide_axis(Size outer, Size in_size, Size out_size, Size inner, Size taps, const std::int32_t* index,
                                         const float* weight, const float* in, float* out)
{
   for (Size i = 0; i < outer; i++, in += in_size * inner)
      for (Size o = 0; o < out_size; o++, out += inner) {
         const std::int32_t* const from = index + o * taps;
         const float* const w = weight + o * taps;
         const auto part = [&](Size j, auto count) __attribute__((always_inline)) {
            vec sum = mul(load(in + from[0] * inner + j, count), splat(w[0]));
            for (Size k = 1; k < taps; k++) sum = fma(load(in + from[k] * inner + j, count), splat(w[k]), sum);
            store(out + j, sum, count);
         };
         Size j = 0;
         for (; j + lanes <= inner; j += lanes) part(j, All());
         if (j < inner) part(j, inner - j);
      }
}
