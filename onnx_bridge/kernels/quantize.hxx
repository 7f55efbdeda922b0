// quantize.hxx: floats as integers of few bits, and back, by scales and zero points that one tensor, one channel or one block has.
//
// To integers: x / scale, rounded as a float; held between low - zero and high - zero (NaN: low); to the nearest integer, halves to the
// even one; plus zero. Low and high are the integers' limits, of 16 bits at most. From integers: (x - zero) as a float, times scale.
// By rows and blocks: x and y are [outer][count][inner], contiguous; `block` rows of the middle axis, of which the last may be fewer,
// share scales: one, or one a column. x and y do not overlap, but y may be x where an element takes as much memory. Any size may be 0.
#pragma once
#include "map.hxx"
#include "narrow.hxx"

/// Which scale an element has: that at outer * scale_outer + i / block * scale_block, plus its column if each column has one.
struct Blocks {
   Size outer, count, inner, block, scale_outer, scale_block;
   bool columns;
};

/// x / scale as an integer between low and high.
ONNX_BRIDGE_INLINE ivec quantized(vec x, vec scale, ivec zero, ivec low, ivec high)
{
   return nearest(smaller(larger(x / scale, to_float(low - zero)), to_float(high - zero))) + zero;
}

/// Calls run(first element, how many, first scale, whether there is one a column) for all runs of elements.
template <class Run>
ONNX_BRIDGE_INLINE void for_blocks(const Blocks& b, const Run& run)
{
   Size at = 0;
   for (Size o = 0; o < b.outer; o++)
      for (Size i = 0; i < b.count; i += b.block) {
         const Size rows = b.count - i < b.block ? b.count - i : b.block, scale = o * b.scale_outer + i / b.block * b.scale_block;
         if (!b.columns) {
            run(at, rows * b.inner, scale, false);
            at += rows * b.inner;
         } else
            for (Size row = 0; row < rows; row++, at += b.inner) run(at, b.inner, scale, true);
      }
}

/// One number for all lanes.
struct SameFloat {
   vec v;
   template <class Count>
   __attribute__((always_inline)) vec at(Size, Count) const
   {
      return v;
   }
};
struct SameInteger {
   ivec v;
   template <class Count>
   __attribute__((always_inline)) ivec at(Size, Count) const
   {
      return v;
   }
};
template <class T>
struct IntegerRow {
   const T* p;
   template <class Count>
   __attribute__((always_inline)) ivec at(Size i, Count count) const
   {
      return load_integers(p + i, count);
   }
};

/// Numbers in memory as floats: float, int32, Half or Bfloat16.
struct FloatRow {
   const float* p;
   template <class Count>
   __attribute__((always_inline)) vec at(Size i, Count count) const
   {
      return load(p + i, count);
   }
};
struct IntegerAsFloatRow {
   const std::int32_t* p;
   template <class Count>
   __attribute__((always_inline)) vec at(Size i, Count count) const
   {
      return load_as_float(p + i, count);
   }
};
ONNX_BRIDGE_INLINE FloatRow floats_of(const float* p) { return {p}; }
ONNX_BRIDGE_INLINE IntegerAsFloatRow floats_of(const std::int32_t* p) { return {p}; }
ONNX_BRIDGE_INLINE HalfRow<Half> floats_of(const Half* p) { return {p}; }
ONNX_BRIDGE_INLINE HalfRow<Bfloat16> floats_of(const Bfloat16* p) { return {p}; }

template <class X, class Scale, class Zero, class Y>
ONNX_BRIDGE_INLINE void quantize_run(Size n, const X& x, const Scale& scale, const Zero& zero, ivec low, ivec high, Y* y)
{
   Size i = 0;
   for (; i + lanes <= n; i += lanes) store_integers(y + i, quantized(x.at(i, All()), scale.at(i, All()), zero.at(i, All()), low, high), All());
   if (i < n) store_integers(y + i, quantized(x.at(i, n - i), scale.at(i, n - i), zero.at(i, n - i), low, high), n - i);
}

template <class X, class Scale, class Zero, class Y>
ONNX_BRIDGE_INLINE void dequantize_run(Size n, const X& x, const Scale& scale, const Zero& zero, Y* y)
{
   Size i = 0;
   for (; i + lanes <= n; i += lanes) put(y + i, mul(to_float(sub(x.at(i, All()), zero.at(i, All()))), scale.at(i, All())), All());
   if (i < n) put(y + i, mul(to_float(sub(x.at(i, n - i), zero.at(i, n - i))), scale.at(i, n - i)), n - i);
}

/// y = x as integers from low to high. zero may be nullptr: 0.
template <class X, class Scale, class Y>
ONNX_BRIDGE_KERNEL void quantize(const Blocks& blocks, const X* x, const Scale* scale, const Y* zero, Y* y, std::int32_t low, std::int32_t high)
{
   for_blocks(blocks, [&](Size at, Size n, Size s, bool columns) __attribute__((always_inline)) {
      if (!columns)
         quantize_run(n, floats_of(x + at), SameFloat{splat(static_cast<float>(scale[s]))}, SameInteger{splat(zero ? static_cast<std::int32_t>(zero[s]) : 0)},
                      splat(low), splat(high), y + at);
      else if (zero)
         quantize_run(n, floats_of(x + at), floats_of(scale + s), IntegerRow<Y>{zero + s}, splat(low), splat(high), y + at);
      else
         quantize_run(n, floats_of(x + at), floats_of(scale + s), SameInteger{ivec{}}, splat(low), splat(high), y + at);
   });
}

/// y = the numbers that the integers x stand for. zero may be nullptr: 0.
template <class X, class Scale, class Y>
ONNX_BRIDGE_KERNEL void dequantize(const Blocks& blocks, const X* x, const Scale* scale, const X* zero, Y* y)
{
   for_blocks(blocks, [&](Size at, Size n, Size s, bool columns) __attribute__((always_inline)) {
      if (!columns)
         dequantize_run(n, IntegerRow<X>{x + at}, SameFloat{splat(static_cast<float>(scale[s]))},
                        SameInteger{splat(zero ? static_cast<std::int32_t>(zero[s]) : 0)}, y + at);
      else if (zero)
         dequantize_run(n, IntegerRow<X>{x + at}, floats_of(scale + s), IntegerRow<X>{zero + s}, y + at);
      else
         dequantize_run(n, IntegerRow<X>{x + at}, floats_of(scale + s), SameInteger{ivec{}}, y + at);
   });
}

/// The scale and the zero point that n numbers of any size have as uint8: 0 is among what they can say. Without numbers 1 and 0.
ONNX_BRIDGE_KERNEL void find_scale(Size n, const float* x, float& scale, std::uint8_t& zero)
{
   vec least{}, most{};
   Size i = 0;
   for (; i + lanes <= n; i += lanes) {
      least = smaller(load(x + i), least);
      most = larger(load(x + i), most);
   }
   if (i < n) {
      least = smaller(load(x + i, n - i), least);
      most = larger(load(x + i, n - i), most);
   }
   const float low = -largest(-least), high = largest(most);
   scale = high > low ? (high - low) / 255.f : 1.f;
   const vec at = splat(0.f - low / scale);
   zero = static_cast<std::uint8_t>(nearest(smaller(larger(at, vec{}), splat(255.f)))[0]);
}

/// y = x as uint8 by the scale and the zero point that all n numbers together have.
ONNX_BRIDGE_KERNEL void quantize_dynamically(Size n, const float* x, std::uint8_t* y, float* scale, std::uint8_t* zero)
{
   find_scale(n, x, *scale, *zero);
   quantize(Blocks{1, 1, n, 1, 0, 0, false}, x, scale, zero, y, 0, 255);
}
