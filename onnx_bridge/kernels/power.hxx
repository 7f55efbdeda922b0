// power.hxx: powers of doubles, with C's special values. At most 1.1 ULP, with or without a fused multiply-add; what a double can hold
// exactly is exact.
#pragma once
#include "double_exp.hxx"
#include "double_log.hxx"

/// c + c_rest + a b, |c| >= |a b|.
template <class D>
ONNX_BRIDGE_INLINE Twice<D> plus_product(double c, double c_rest, Twice<D> a, Twice<D> b)
{
   const Twice<D> product = exact_product(a.high, b.high), sum = ordered_sum(constant(a.high, c), product.high);
   return {sum.high, sum.low + (fma(a.high, b.low, fma(a.low, b.high, product.low)) + c_rest)};
}

/// log(x) for finite x > 0 with twice the precision: as log_and_more(), the first three terms of the series as sums of two.
template <class D>
ONNX_BRIDGE_INLINE Twice<D> long_log(D x)
{
   const Scaled<D> scale = scale_of(x);
   const D f = scale.m - 1.;
   const Twice<D> s = quotient(Twice<D>{f, D{}}, exact_sum(f, constant(x, 2))), square = exact_product(s.high, s.high);
   const Twice<D> z{square.high, fma(s.high + s.high, s.low, square.low)};
   const D p = polynomial(z.high, {0.11567351729591344, 0.11721731747176209, 0.13334204464506105, 0.15384606355892447,
                                   0.18181818226283877, 0.22222222222140214, 0.285714285714286});
   const Twice<D> fifth = ordered_sum(constant(x, 0.4), mul(z.high, p));
   const Twice<D> third = plus_product(0.6666666666666666, 3.700743415417188e-17, z, Twice<D>{fifth.high, fifth.low - 2.220446049250313e-17});
   const Twice<D> first = plus_product(2, 0, z, third), y = exact_product(s.high, first.high);
   const Twice<D> sum = exact_sum(mul(scale.n, constant(x, 0.6931471805592082)), y.high);
   const D low = fma(s.high, first.low, fma(s.low, first.high, y.low));
   return {sum.high, sum.low + fma(scale.n, constant(x, 7.371002565167799e-13), low)};
}

/// base to the power by, for 0 < base < inf; `by` is finite. Half: not with the last bit of a double, but far beyond a float.
template <bool Half, class D>
ONNX_BRIDGE_INLINE D power_of_positive(D base, D by)
{
   Twice<D> exponent;
   if constexpr (Half) {
      exponent = {mul(log_and_more(base, D{}), by), D{}};
   } else {
      const Twice<D> logarithm = long_log(base), product = exact_product(logarithm.high, by);
      exponent = {product.high, fma(logarithm.low, by, product.low)};
   }
   const D high = exponent_within(exponent.high);
   const Exponential<D> y = exponential(high, choose(high == exponent.high, exponent.low, D{}));
   return scaled(y.high + y.low, y.shifted);
}

/// To the nearest integer, halves to the even one, for x >= 0.
template <class D>
ONNX_BRIDGE_INLINE D nearest_integer(D x)
{
   const D whole = constant(x, 4503599627370496.);  // from 2^52 on every double is an integer
   D shifted = x + whole;
   ONNX_BRIDGE_KEEP(shifted);
   return choose(x < whole, shifted - whole, x);
}

template <bool Half, class D>
ONNX_BRIDGE_INLINE D double_pow(D base, D by)
{
   const D a = size_of(base), most = infinite(base), one = constant(base, 1), limit = constant(by, 1e30);
   const D within = with_sign(choose(size_of(by) > limit, limit, size_of(by)), by);  // beyond it all results are 0, 1 or inf
   D y = power_of_positive<Half>(a, within);
   const auto falls = as_bits(by) < 0;
   y = choose(a == 0., choose(falls, most, D{}), y);
   y = choose(a == most, choose(falls, D{}, most), y);
   const D size = choose(size_of(by) < 9007199254740992., size_of(by), D{}), half = mul(size, constant(by, 0.5));  // larger ones are even
   const D nearest = nearest_integer(size);
   const auto odd = both(nearest == size, nearest_integer(half) != half), broken = nearest != size;
   const auto negative = as_bits(base) < 0;
   y = choose(both(negative, odd), -y, y);
   y = choose(both(both(negative, broken), both(a != 0., a != most)), undefined(y), y);
   y = choose(as_bits(a) > as_bits(most), base, y);
   y = choose(as_bits(size_of(by)) > as_bits(most), by, y);
   y = choose(both(base == -one, size_of(by) == most), one, y);
   return choose(either(base == one, by == 0.), one, y);
}
