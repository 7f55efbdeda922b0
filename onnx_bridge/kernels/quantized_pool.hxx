// quantized_pool.hxx: averages and softmaxes of bytes that have scales and zero points; onnxruntime's integers.
//
// Nothing overlaps; any size may be 0. Sums of averages over a window run by depth, row and column, in float32, one after the other; those
// over whole images, and nothing else, are integers. What an average divides by is all taps, or those inside the image.
#pragma once
#include "cast.hxx"
#include "double_exp.hxx"
#include "double_log.hxx"
#include "integer_product.hxx"
#include "window.hxx"

struct Quantization {
   float scale;
   std::int32_t zero;
};

/// y = x's average in each window, of `planes` images; elements `step` apart, planes side by side where they are channels of one pixel.
/// The zero point is added before the result is rounded; `shift` 128 has int8 rounded as the uint8 that are 128 more.
template <class T>
ONNX_BRIDGE_KERNEL void quantized_average(const Window& w, Size planes, bool all_taps, std::int32_t shift, const Quantization& from, const Quantization& to, const T* x,
                                          T* y, Size step)
{
   const Size in = inputs(w), out = outputs(w);
   for (Size p = 0; p < planes; p++) {
      const T* plane = step == 1 ? x + p * in : x + p;
      T* target = step == 1 ? y + p * out : y + p;
      for (Size z = 0; z < w.depth.out; z++)
         for (Size v = 0; v < w.height.out; v++)
            for (Size u = 0; u < w.width.out; u++, target += step) {
               const Range depths = taps_inside(w.depth, z), rows = taps_inside(w.height, v), columns = taps_inside(w.width, u);
               float sum = 0.f;
               for (Size a = depths.begin; a < depths.end; a++)
                  for (Size b = rows.begin; b < rows.end; b++)
                     for (Size c = columns.begin; c < columns.end; c++) {
                        const Size iz = z * w.depth.stride - w.depth.pad + a, iy = v * w.height.stride - w.height.pad + b;
                        const Size at = (iz * w.height.in + iy) * w.width.in + u * w.width.stride - w.width.pad + c;
                        sum = sum + mul(from.scale, static_cast<float>(plane[at * step] - from.zero));
                     }
               const Size inside = (depths.end - depths.begin) * (rows.end - rows.begin) * (columns.end - columns.begin);
               const float mean = sum / static_cast<float>(all_taps ? taps(w) : inside);
               const float low = static_cast<float>(std::numeric_limits<T>::min() + shift);
               const float high = static_cast<float>(std::numeric_limits<T>::max() + shift);
               const float scaled = mean / to.scale + static_cast<float>(to.zero + shift);
               *target = static_cast<T>(static_cast<std::int32_t>(__builtin_rintf(smaller(larger(scaled, low), high))) - shift);
            }
   }
}

/// y = x's average over whole images: sums, as a float times from.scale / (to.scale * pixels).
template <class T>
ONNX_BRIDGE_KERNEL void quantized_global_average(Size images, Size pixels, Size channels, const Quantization& from, const Quantization& to, const T* x,
                                                 T* y, bool channels_last)
{
   const float scale = from.scale / mul(to.scale, static_cast<float>(pixels));
   const Requantize<T> out = {y, channels, 1, &scale, false, to.zero};
   const Size step = channels_last ? channels : 1, next = channels_last ? 1 : pixels;
   for (Size i = 0; i < images; i++, x += pixels * channels)
      for (Size c = 0; c < channels; c++) {
         std::int32_t sum = 0;
         for (Size p = 0; p < pixels; p++) sum = add(sum, x[c * next + p * step] - from.zero);
         out(i, c, splat(sum), Size{1});
      }
}

/// The exponentials of quantized_softmax over n numbers: table[i] = exp((i - 255 + shift) * scale), shifted so that sums stay finite.
ONNX_BRIDGE_KERNEL const float* make_exponentials(Size n, float scale, char* scratch)
{
   float* table = reinterpret_cast<float*>(scratch);
   const float most = (std::numeric_limits<float>::max)() / static_cast<float>(n < 1 ? 1 : n);
   const double room = static_cast<double>(static_cast<float>(double_log(static_cast<double>(most)))) - 5., wide = static_cast<double>(scale);
   const double shift = room > 0. ? room / wide : 0.;
   for (Size i = 0; i < 256; i++) table[i] = static_cast<float>(double_exp(mul(static_cast<double>(i) - 255. + shift, wide)));
   return table;
}

/// y = the softmax of n numbers that lie `inner` apart, as multiples of 1 / steps, plus zero. Sums run one after the other.
template <class T>
ONNX_BRIDGE_KERNEL void quantized_softmax(Size outer, Size n, Size inner, const T* x, const float* table, float steps, std::int32_t zero, T* y)
{
   for (Size o = 0; o < outer; o++)
      for (Size j = 0; j < inner; j++) {
         const T* from = x + o * n * inner + j;
         T* to = y + (from - x);
         std::int32_t most = std::numeric_limits<T>::min();
         for (Size i = 0; i < n; i++) most = from[i * inner] > most ? from[i * inner] : most;
         const float* entries = table + 255 - most;
         float sum = 0.f;
         for (Size i = 0; i < n; i++) sum = sum + entries[from[i * inner]];
         for (Size i = 0; i < n; i++) {
            // The only number of few may be infinite here: what x86 makes of that, to which zero is added modulo 2^32, is what onnxruntime has.
            const float quotient = __builtin_rintf(mul(entries[from[i * inner]], steps) / sum);
            const std::int32_t share = add(truncated<std::int32_t>(static_cast<double>(quotient)), zero);
            constexpr std::int32_t limit = std::numeric_limits<T>::max();
            to[i * inner] = static_cast<T>(share > limit ? limit : share);
         }
      }
}
