// quantize_narrow.hxx: what quantize.hxx does, to and from the types of tiny_types.hxx; and by quotients of 16 bits.
//
// Integers of four and two bits are what quantize() and dequantize() take as Int4, Uint4, Int2 and Uint2: the bits above a code are not
// looked at. Floats of eight bits and less have no zero points: x / scale is rounded to the nearest one (tiny_types.hxx), and x as a float
// is multiplied by its scale. Rows and blocks are those of quantize.hxx.
#pragma once
#include "quantize.hxx"
#include "tiny_types.hxx"

/// The low bits of each lane, with their sign where Byte has one.
template <class Byte, int width>
ONNX_BRIDGE_INLINE ivec low_bits_of(ivec v)
{
   const std::int32_t sign = std::is_signed<Byte>::value ? 1 << (width - 1) : 0;
   return ((v & ((1 << width) - 1)) ^ sign) - sign;
}
template <class Byte, int width>
ONNX_BRIDGE_INLINE ivec load_integers(const NarrowInteger<Byte, width>* p, All)
{
   return low_bits_of<Byte, width>(load_integers(reinterpret_cast<const Byte*>(p), All()));
}
template <class Byte, int width>
ONNX_BRIDGE_INLINE ivec load_integers(const NarrowInteger<Byte, width>* p, Size n)
{
   return low_bits_of<Byte, width>(load_integers(reinterpret_cast<const Byte*>(p), n));
}
template <class Byte, int width>
ONNX_BRIDGE_INLINE void store_integers(NarrowInteger<Byte, width>* p, ivec v, All)
{
   store_integers(reinterpret_cast<Byte*>(p), v, All());
}
template <class Byte, int width>
ONNX_BRIDGE_INLINE void store_integers(NarrowInteger<Byte, width>* p, ivec v, Size n)
{
   store_integers(reinterpret_cast<Byte*>(p), v, n);
}

/// Floats of eight bits and less in memory as floats.
template <class T>
struct NarrowFloatRow {
   const T* p;
   template <class Count>
   __attribute__((always_inline)) vec at(Size i, Count count) const
   {
      vec v{};
      for (Size j = 0; j < count; j++) v[j] = static_cast<float>(p[i + j]);
      return v;
   }
};
template <unsigned exponent_bits, unsigned fraction_bits, unsigned bias, Beside beside>
ONNX_BRIDGE_INLINE NarrowFloatRow<NarrowFloat<exponent_bits, fraction_bits, bias, beside>> floats_of(
   const NarrowFloat<exponent_bits, fraction_bits, bias, beside>* p)
{
   return {p};
}
ONNX_BRIDGE_INLINE NarrowFloatRow<Float8e8m0> floats_of(const Float8e8m0* p) { return {p}; }

/// What quotients are rounded to that are left as they are; Half and Bfloat16 are the others.
struct Single {
   static __attribute__((always_inline)) vec decoded(ivec bits) { return as_float(bits); }
   static __attribute__((always_inline)) ivec encoded(vec x) { return as_int(x); }
};

/// x / scale, where both and the quotient are rounded to a type.
template <class Precision, class X, class Scale>
struct QuotientRow {
   X x;
   Scale scale;
   template <class Count>
   __attribute__((always_inline)) vec at(Size i, Count count) const
   {
      return rounded_to<Precision>(rounded_to<Precision>(x.at(i, count)) / rounded_to<Precision>(scale.at(i, count)));
   }
};
template <class Precision, class X, class Scale>
ONNX_BRIDGE_INLINE QuotientRow<Precision, X, Scale> quotients(const X& x, const Scale& scale)
{
   return {x, scale};
}

/// y = x as integers from low to high, by quotients of another precision than float's. zero may be nullptr: 0.
template <class Precision, class X, class Scale, class Y>
ONNX_BRIDGE_KERNEL void quantize_in(const Blocks& blocks, const X* x, const Scale* scale, const Y* zero, Y* y, std::int32_t low, std::int32_t high)
{
   const SameFloat one{splat(1.f)};
   for_blocks(blocks, [&](Size at, Size n, Size s, bool columns) __attribute__((always_inline)) {
      const auto numbers = floats_of(x + at);
      if (!columns)
         quantize_run(n, quotients<Precision>(numbers, SameFloat{splat(static_cast<float>(scale[s]))}), one,
                      SameInteger{splat(zero ? static_cast<std::int32_t>(zero[s]) : 0)}, splat(low), splat(high), y + at);
      else if (zero)
         quantize_run(n, quotients<Precision>(numbers, floats_of(scale + s)), one, IntegerRow<Y>{zero + s}, splat(low), splat(high), y + at);
      else
         quantize_run(n, quotients<Precision>(numbers, floats_of(scale + s)), one, SameInteger{ivec{}}, splat(low), splat(high), y + at);
   });
}

template <class X, class Y, class Count>
ONNX_BRIDGE_INLINE void put_narrow(const X& x, Size i, bool saturate, Y* y, Count count)
{
   const vec v = x.at(i, count);
   for (Size j = 0; j < count; j++) y[i + j] = Y(saturate ? saturated<Y>(v[j]) : v[j]);
}
template <class X, class Y>
ONNX_BRIDGE_INLINE void put_narrow_run(Size n, const X& x, bool saturate, Y* y)
{
   Size i = 0;
   for (; i + lanes <= n; i += lanes) put_narrow(x, i, saturate, y, All());
   if (i < n) put_narrow(x, i, saturate, y, n - i);
}

/// y = x / scale as floats of eight bits or less. What is too large becomes the largest number, if it may saturate.
template <class Precision, class X, class Scale, class Y>
ONNX_BRIDGE_KERNEL void quantize_to_floats(const Blocks& blocks, const X* x, const Scale* scale, Y* y, bool saturate)
{
   for_blocks(blocks, [&](Size at, Size n, Size s, bool columns) __attribute__((always_inline)) {
      if (columns)
         put_narrow_run(n, quotients<Precision>(floats_of(x + at), floats_of(scale + s)), saturate, y + at);
      else
         put_narrow_run(n, quotients<Precision>(floats_of(x + at), SameFloat{splat(static_cast<float>(scale[s]))}), saturate, y + at);
   });
}

template <class X, class Scale, class Y>
ONNX_BRIDGE_INLINE void dequantize_floats_run(Size n, const X& x, const Scale& scale, Y* y)
{
   Size i = 0;
   for (; i + lanes <= n; i += lanes) put(y + i, mul(x.at(i, All()), scale.at(i, All())), All());
   if (i < n) put(y + i, mul(x.at(i, n - i), scale.at(i, n - i)), n - i);
}

/// y = the numbers that floats of eight bits or less stand for.
template <class X, class Scale, class Y>
ONNX_BRIDGE_KERNEL void dequantize_floats(const Blocks& blocks, const X* x, const Scale* scale, Y* y)
{
   for_blocks(blocks, [&](Size at, Size n, Size s, bool columns) __attribute__((always_inline)) {
      if (columns)
         dequantize_floats_run(n, floats_of(x + at), floats_of(scale + s), y + at);
      else
         dequantize_floats_run(n, floats_of(x + at), SameFloat{splat(static_cast<float>(scale[s]))}, y + at);
   });
}
