// tiny_types.hxx: numbers of eight bits and less, an element a byte: floats of eight, six and four bits, integers of four and two.
//
// The code stands in the low bits of a byte. Those above it are never looked at; they are written as copies of the sign (integers) or
// zeros. Floats are rounded to nearest, halves to even, subnormals are right; what is too large, and NaN, becomes what the format has
// for it. Integers keep their low bits.
#pragma once
#include "half.hxx"

/// What a format has beside numbers: nothing (too large gives the largest, NaN a zero of the other sign); one NaN of each sign, which
/// stands for what is too large, too; infinities and NaNs; or one NaN in the place of -0.
enum class Beside { nothing, nan, infinities, unsigned_nan };

template <unsigned exponent_bits, unsigned fraction_bits, unsigned bias, Beside beside>
struct NarrowFloat {
   using Value = float;
   std::uint8_t bits;

   static constexpr std::uint32_t sign_bit = 1u << (exponent_bits + fraction_bits), last = sign_bit - 1u;
   static constexpr std::uint32_t infinity = last & ~((1u << fraction_bits) - 1u);
   static constexpr std::uint32_t largest = beside == Beside::nan ? last - 1u : beside == Beside::infinities ? infinity - 1u : last;

   NarrowFloat() = default;
   __attribute__((always_inline)) explicit NarrowFloat(float x) : bits(static_cast<std::uint8_t>(encoded(x))) {}
   __attribute__((always_inline)) operator float() const { return decoded(bits); }

   static __attribute__((always_inline)) std::uint32_t encoded(float x)
   {
      const std::uint32_t all = bits_of(x), sign = all >> 31 ? sign_bit : 0u, magnitude = all & 0x7fffffffu;
      if (magnitude > 0x7f800000u)
         return beside == Beside::unsigned_nan ? sign_bit : beside == Beside::nothing ? sign ^ sign_bit : sign | last;
      const std::uint32_t code = rounded(magnitude);
      if (code > largest)
         switch (beside) {
         case Beside::nothing: return sign | largest;
         case Beside::nan: return sign | last;
         case Beside::infinities: return sign | infinity;
         default: return sign_bit;
         }
      return beside == Beside::unsigned_nan && code == 0 ? 0 : sign | code;
   }
   static __attribute__((always_inline)) float decoded(std::uint32_t code)
   {
      const std::uint32_t sign = code & sign_bit ? 0x80000000u : 0u, magnitude = code & last, fraction = code & ((1u << fraction_bits) - 1u);
      const bool is_nan = beside == Beside::nan            ? magnitude == last
                          : beside == Beside::infinities   ? magnitude > infinity
                          : beside == Beside::unsigned_nan ? (code & (last | sign_bit)) == sign_bit
                                                           : false;
      if (is_nan) return float_of(sign | 0x7fc00000u);
      if (beside == Beside::infinities && magnitude == infinity) return float_of(sign | 0x7f800000u);
      if (magnitude >> fraction_bits) return float_of(sign | ((magnitude << (23u - fraction_bits)) + ((127u - bias) << 23)));
      return float_of(sign | bits_of(static_cast<float>(fraction) * float_of((128u - bias - fraction_bits) << 23)));
   }

private:
   /// The code of a magnitude, as if exponents went on for ever; a float's bits.
   static __attribute__((always_inline)) std::uint32_t rounded(std::uint32_t magnitude)
   {
      const std::uint32_t exponent = magnitude >> 23, least = 128u - bias;
      if (exponent >= least) return nearest(magnitude, 23u - fraction_bits) - ((127u - bias) << fraction_bits);
      const std::uint32_t drop = 23u - fraction_bits + (least - exponent);
      return drop > 24u ? 0u : nearest((magnitude & 0x7fffffu) | 0x800000u, drop);
   }
   static __attribute__((always_inline)) std::uint32_t nearest(std::uint32_t n, std::uint32_t drop)
   {
      return (n + (1u << (drop - 1u)) - 1u + (n >> drop & 1u)) >> drop;
   }
};

using Float8e4m3fn = NarrowFloat<4, 3, 7, Beside::nan>;
using Float8e4m3fnuz = NarrowFloat<4, 3, 8, Beside::unsigned_nan>;
using Float8e5m2 = NarrowFloat<5, 2, 15, Beside::infinities>;
using Float8e5m2fnuz = NarrowFloat<5, 2, 16, Beside::unsigned_nan>;
using Float4e2m1 = NarrowFloat<2, 1, 1, Beside::nothing>;
using Float6e2m3 = NarrowFloat<2, 3, 1, Beside::nothing>;
using Float6e3m2 = NarrowFloat<3, 2, 3, Beside::nothing>;

/// x, or the largest number of a format where it is beyond that.
template <class T>
ONNX_BRIDGE_INLINE float saturated(float x)
{
   const float most = T::decoded(T::largest);
   return x > most ? most : x < -most ? -most : x;
}

/// Powers of two, 2^-127 to 2^127, and NaN. Made of such a power; see power_of_two().
struct Float8e8m0 {
   using Value = float;
   std::uint8_t bits;
   Float8e8m0() = default;
   __attribute__((always_inline)) explicit Float8e8m0(float power) : bits(static_cast<std::uint8_t>(bits_of(power) >> 23 & 0xffu)) {}
   __attribute__((always_inline)) operator float() const
   {
      return float_of(bits == 0xffu ? 0x7fc00000u : bits == 0 ? 0x00400000u : static_cast<std::uint32_t>(bits) << 23);
   }
};

enum class PowerOfTwo { up, down, nearest };

/// The power of two at x, or the next one above or below it, or the nearest (the upper one of two as near). What is below 2^-127, negative
/// numbers and 0 included, or above 2^127, becomes the end of that range, if it may saturate, else NaN.
ONNX_BRIDGE_INLINE float power_of_two(float x, PowerOfTwo mode, bool saturate)
{
   const std::uint32_t bits = bits_of(x), least = 0x00400000u, most = 0x7f000000u;
   if ((bits & 0x7fffffffu) > 0x7f800000u) return x;
   const bool below = bits >> 31 || bits < least, above = !(bits >> 31) && bits > most;
   if ((below || above) && !saturate) return float_of(0x7fc00000u);
   if (below || above) return float_of(below ? least : most);
   const std::uint32_t lower = bits < 0x00800000u ? least : bits & 0x7f800000u, rest = bits - lower;
   const std::uint32_t upper = bits < 0x00800000u ? 0x00800000u : lower + 0x00800000u, middle = bits < 0x00800000u ? 0x200000u : 0x400000u;
   const bool up = mode == PowerOfTwo::up ? rest > 0 : mode == PowerOfTwo::nearest && rest >= middle;
   return float_of(up ? upper : lower);
}

template <class Byte, int width>
struct NarrowInteger {
   using Value = Byte;
   Byte bits;
   NarrowInteger() = default;
   __attribute__((always_inline)) explicit NarrowInteger(Byte x) : bits(low_bits(x)) {}
   __attribute__((always_inline)) operator Byte() const { return low_bits(bits); }
   static __attribute__((always_inline)) Byte low_bits(Byte x)
   {
      const unsigned sign = std::is_signed<Byte>::value ? 1u << (width - 1) : 0u, low = static_cast<unsigned>(x) & ((1u << width) - 1u);
      return static_cast<Byte>((low ^ sign) - sign);
   }
};

using Int4 = NarrowInteger<std::int8_t, 4>;
using Uint4 = NarrowInteger<std::uint8_t, 4>;
using Int2 = NarrowInteger<std::int8_t, 2>;
using Uint2 = NarrowInteger<std::uint8_t, 2>;

/// The integer nearest to x, of two as near the one away from 0, as onnxruntime rounds to these types; of what int32 does not hold and
/// of NaN the bits of its smallest number.
template <class Byte, class From>
ONNX_BRIDGE_INLINE Byte nearest_integer(From x)
{
   const std::int32_t whole = truncated<std::int32_t>(x);
   const double rest = static_cast<double>(x) - whole;
   const std::uint32_t rounded = static_cast<std::uint32_t>(whole) + (rest >= 0.5 && rest < 1. ? 1u : rest <= -0.5 && rest > -1. ? ~0u : 0u);
   return static_cast<Byte>(rounded & 0xffu);
}

/// What is left of x when it is stored as T.
template <class T>
ONNX_BRIDGE_INLINE typename T::Value left_in(typename T::Value x)
{
   return static_cast<typename T::Value>(T(x));
}

/// y = the low bits of x, and above them copies of the sign where Y has one.
template <int width, class X, class Y>
ONNX_BRIDGE_KERNEL void copy_low_bits(Size n, const X* x, Y* y)
{
   for (Size i = 0; i < n; i++) y[i] = NarrowInteger<Y, width>::low_bits(static_cast<Y>(x[i]));
}

/// y = whether x is any other byte than 0.
template <class X>
ONNX_BRIDGE_KERNEL void copy_bools(Size n, const X* x, bool* y)
{
   for (Size i = 0; i < n; i++) y[i] = x[i] != 0;
}
