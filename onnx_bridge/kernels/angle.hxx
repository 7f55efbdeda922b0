// angle.hxx: angles less multiples of pi / 2, for doubles of any size.
#pragma once
#include "doubles.hxx"

/// What is left of an angle, at most about pi / 4 in size, with twice the precision; the multiple of pi / 2 stands in the low bits of `shifted`.
template <class D>
struct Angle {
   Twice<D> rest;
   D shifted;
};

/// The bits of 2 / pi behind the point, 32 at a time, after 64 zeros.
static const std::uint32_t two_over_pi[] = {
   0, 0, 0xa2f9836e, 0x4e441529, 0xfc2757d1, 0xf534ddc0, 0xdb629599, 0x3c439041, 0xfe5163ab, 0xdebbc561, 0xb7246e3a, 0x424dd2e0, 0x06492eea,
   0x09d1921c, 0xfe1deb1c, 0xb129a73e, 0xe88235f5, 0x2ebb4484, 0xe99c7026, 0xb45f7e41, 0x3991d639, 0x835339f4, 0x9c845f8b, 0xbdf9283b,
   0x1ff897ff, 0xde05980f, 0xef2f118b, 0x5a0a6d1f, 0x6d367ecf, 0x27cb09b7, 0x4f463f66, 0x9e5fea2d, 0x7527bac7, 0xebe5f17b, 0x3d0739f7,
   0x8a5292ea, 0x6bfb5fb1, 0x1f8d5d08, 0x56033046, 0xfc7b6bab,
};

/// For x >= 2^20, by Payne and Hanek: of m 2^e 2 / pi only the bits that count modulo 4 are multiplied, 192 of them.
ONNX_BRIDGE_KERNEL Angle<double> angle_of_large(double x)
{
   const std::int64_t bits = as_bits(x);
   const std::uint64_t m[2] = {static_cast<std::uint64_t>(bits & 0xffffffff), static_cast<std::uint64_t>((bits >> 32 & 0xfffff) | 0x100000)};
   const std::int64_t skipped = (bits >> 52) - 1023 - 52 - 2 + 64;  // m 2^e times these bits is a multiple of 4
   const std::int64_t first = skipped / 32, by = skipped % 32;
   std::uint64_t product[6] = {}, carry = 0;  // the lowest first; two bits of the multiple, 190 behind the point
   for (int i = 0; i < 6; i++) {
      const std::uint64_t two = std::uint64_t{two_over_pi[first + 5 - i]} << 32 | two_over_pi[first + 6 - i];
      const std::uint64_t word = two << by >> 32;
      carry = 0;
      for (int j = 0; j < 2 && i + j < 6; j++) {
         carry += product[i + j] + word * m[j];
         product[i + j] = carry & 0xffffffff;
         carry >>= 32;
      }
      if (i + 2 < 6) product[i + 2] += carry;
   }
   std::uint64_t multiple = product[5] >> 30;
   product[5] &= 0x3fffffff;
   const bool above = product[5] >> 29 != 0;  // more than a half: counted from the next multiple
   if (above) {
      multiple++;
      carry = 1;
      for (int i = 0; i < 6; i++) {
         carry += ~product[i] & (i < 5 ? 0xffffffff : 0x3fffffff);
         product[i] = carry & 0xffffffff;
         carry >>= 32;
      }
   }
   Twice<double> part{0, 0};
   double unit = 9.313225746154785e-10;  // 2^(160 - 190), the weight of the highest word
   for (int i = 5; i >= 0; i--, unit *= 2.3283064365386963e-10) {
      const Twice<double> sum = exact_sum(part.high, static_cast<double>(product[i]) * unit);
      part = {sum.high, part.low + sum.low};
   }
   part = ordered_sum(part.high, part.low);
   Twice<double> rest = exact_product(part.high, 1.5707963267948966);
   rest = ordered_sum(rest.high, fma(part.high, 6.123233995736766e-17, fma(part.low, 1.5707963267948966, rest.low)));
   if (above) rest = {-rest.high, -rest.low};
   return {rest, rounder + static_cast<double>(multiple)};
}

ONNX_BRIDGE_INLINE void replace_large(double x, bool large, Angle<double>& angle)
{
   if (large) angle = angle_of_large(x);
}
ONNX_BRIDGE_INLINE void replace_large(dvec x, lvec large, Angle<dvec>& angle)
{
   if (!any(large)) return;
   for (int i = 0; i < lanes / 2; i++) {
      if (!large[i]) continue;
      const Angle<double> one = angle_of_large(x[i]);
      angle.rest.high[i] = one.rest.high;
      angle.rest.low[i] = one.rest.low;
      angle.shifted[i] = one.shifted;
   }
}

/// For x >= 0. pi / 2 in four parts, of which three have 33 bits, so that their products with the multiple are exact.
template <class D>
ONNX_BRIDGE_INLINE Angle<D> angle_of(D x)
{
   const D shifted = shifted_integer(x, 0.6366197723675814, 0), n = shifted - rounder;
   const D first = fma(n, constant(x, -1.5707963267341256), x);
   const Twice<D> second = exact_sum(first, mul(n, constant(x, -6.077100506303966e-11)));
   const Twice<D> third = exact_sum(second.high, mul(n, constant(x, -2.0222662487111665e-21)));
   const D low = fma(n, constant(x, -8.4784276603689e-32), third.low + second.low);
   Angle<D> angle{ordered_sum(third.high, low), shifted};
   const auto bits = as_bits(x);
   replace_large(x, both(bits >= as_bits(constant(x, 1048576.)), bits < as_bits(infinite(x))), angle);
   return angle;
}
