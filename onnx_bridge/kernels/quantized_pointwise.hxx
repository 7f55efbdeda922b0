// quantized_pointwise.hxx: sums, products and tables of bytes that have scales and zero points; onnxruntime's integers.
//
// A run of n elements of y; a and b are read along it (step 1) or are one element (step 0). Every rounding is written down: fused where it
// says so, on every processor. y overlaps nothing that is read, but may be an operand of step 1 and of its type. Zero points are added before
// results are rounded, so int8 and uint8 round differently: `shift` 128 has int8 computed as the uint8 that are 128 more.
#pragma once
#include "quantize.hxx"

/// a * b + c, rounded once, on processors without the instruction, too.
ONNX_BRIDGE_INLINE vec rounded_once(vec a, vec b, vec c)
{
#if defined(__x86_64__) && !defined(ONNX_BRIDGE_HAS_AVX2)
   for (int i = 0; i < lanes; i++) a[i] = __builtin_fmaf(a[i], b[i], c[i]);
   return a;
#else
   return fma(a, b, c);
#endif
}

/// a / its scale ... + b ...: a * ratio_a + (b * ratio_b + (zero - (zero_a * ratio_a + zero_b * ratio_b))), products and sums fused.
struct QuantizedSum {
   float ratio_a, ratio_b, rest;
   QuantizedSum(float scale_a, std::int32_t zero_a, float scale_b, std::int32_t zero_b, float scale, std::int32_t zero)
      : ratio_a(scale_a / scale), ratio_b(scale_b / scale),
        rest(static_cast<float>(zero) - __builtin_fmaf(ratio_a, static_cast<float>(zero_a), mul(ratio_b, static_cast<float>(zero_b))))
   {
   }
   __attribute__((always_inline)) vec operator()(ivec a, ivec b) const
   {
      return rounded_once(to_float(a), splat(ratio_a), rounded_once(to_float(b), splat(ratio_b), splat(rest)));
   }
};

/// (a - zero_a) (b - zero_b) * ratio + zero, rounded behind each.
struct QuantizedProduct {
   std::int32_t zero_a, zero_b;
   float ratio, zero;
   QuantizedProduct(float scale_a, std::int32_t a, float scale_b, std::int32_t b, float scale, std::int32_t z)
      : zero_a(a), zero_b(b), ratio(mul(scale_a, scale_b) / scale), zero(static_cast<float>(z))
   {
   }
   __attribute__((always_inline)) vec operator()(ivec a, ivec b) const
   {
      return mul(to_float((a - zero_a) * (b - zero_b)), splat(ratio)) + splat(zero);
   }
};

/// y = f(a, b) to the nearest integer, halves to the even one, within the limits of T. f has zero points with `shift` added.
template <class T, class F>
ONNX_BRIDGE_KERNEL void quantized_pairs(Size n, const F& f, std::int32_t shift, const T* a, Size a_step, const T* b, Size b_step, T* y)
{
   const float low = static_cast<float>(std::numeric_limits<T>::min() + shift), high = static_cast<float>(std::numeric_limits<T>::max() + shift);
   const auto part = [&](Size i, auto count) __attribute__((always_inline)) {
      const ivec left = a_step ? load_integers(a + i, count) : splat(static_cast<std::int32_t>(*a));
      const ivec right = b_step ? load_integers(b + i, count) : splat(static_cast<std::int32_t>(*b));
      store_integers(y + i, nearest(smaller(larger(f(left + shift, right + shift), splat(low)), splat(high))) - shift, count);
   };
   Size i = 0;
   for (; i + lanes <= n; i += lanes) part(i, All());
   if (i < n) part(i, n - i);
}

/// y = the entries of a table of 256 for the bytes x.
template <class T, class Y>
ONNX_BRIDGE_KERNEL void look_up(Size rows, Size n, const T* x, Size x_row, const Y* table, Y* y, Size y_row)
{
   for (Size r = 0; r < rows; r++, x += x_row, y += y_row)
      for (Size i = 0; i < n; i++) y[i] = table[static_cast<std::uint8_t>(x[i])];
}

/// A table for look_up: f of the number that each byte stands for, quantised.
template <class T, class F>
ONNX_BRIDGE_KERNEL const T* make_table(float x_scale, std::int32_t x_zero, float y_scale, std::int32_t y_zero, const F& f, char* scratch)
{
   T* table = reinterpret_cast<T*>(scratch);
   const ivec low = splat(std::int32_t{std::numeric_limits<T>::min()}), high = splat(std::int32_t{std::numeric_limits<T>::max()});
   for (Size i = 0; i < 256; i += lanes) {
      ivec x{};
      for (int j = 0; j < lanes; j++) x[j] = static_cast<T>(i + j) - x_zero;
      const vec y = f(mul(to_float(x), splat(x_scale)));
      store_integers(table + i, quantized(y, splat(y_scale), splat(y_zero), low, high), All());
   }
   return table;
}
