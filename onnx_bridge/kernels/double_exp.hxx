// double_exp.hxx: the exponential function of doubles, and what is made of it: sigmoid and the hyperbolic functions.
//
// exp: at most 0.8 ULP; sinh, cosh: 1; tanh, sigmoid: 1.6; with or without a fused multiply-add. NaN gives NaN, odd functions keep the
// sign of 0, subnormal results are rounded twice.
#pragma once
#include "doubles.hxx"

/// (high + low) 2^n; n stands in the low bits of `shifted`, which is n + rounder.
template <class D>
struct Exponential {
   D high, low, shifted;
};

/// exp(x + more), |x| < 1100, |more| < 1e-8: (x + more) = n ln 2 + r with |r| <= ln(2) / 2, and a polynomial of degree 12 in r.
template <class D>
ONNX_BRIDGE_INLINE Exponential<D> exponential(D x, D more)
{
   const D shifted = shifted_integer(x, 1.4426950408889634, 0), n = shifted - rounder;
   // The first part of ln 2 has 33 bits, so that its product with n is exact.
   const Twice<D> r = ordered_sum(fma(n, constant(x, -0.6931471804855391), x), fma(n, constant(x, -7.440617110012397e-11), more));
   const D p = polynomial(r.high, {2.0914728984148772e-09, 2.5105275841936966e-08, 2.7557273542102106e-07, 2.755725525875986e-06,
                                   2.4801587325627418e-05, 0.00019841269874932202, 0.0013888888888883726, 0.008333333333326103,
                                   0.04166666666666667, 0.1666666666666667, 0.5});
   const Twice<D> one = ordered_sum(constant(x, 1), r.high);
   return {one.high, one.low + fma(mul(r.high, r.high), p, fma(r.low, r.high, r.low)), shifted};
}

/// 2 to the power that stands in the low bits, less 1023.
template <class D>
ONNX_BRIDGE_INLINE D power_of_two(D shifted)
{
   return as_double(left(as_bits(shifted), 52));
}

/// y 2^n, with n from -2000 to 2000 in the low bits of `shifted`.
template <class D>
ONNX_BRIDGE_INLINE D scaled(D y, D shifted)
{
   const D n = shifted - rounder, half = shifted_integer(n, 0.5, 1023), rest = n - (half - (rounder + 1023));
   return mul(mul(y, power_of_two(half)), power_of_two(rest + (rounder + 1023)));
}

/// x within limits beyond which exp() is inf or 0. NaN stays.
template <class D>
ONNX_BRIDGE_INLINE D exponent_within(D x)
{
   x = choose(x > 710., constant(x, 710), x);
   return choose(x < -746., constant(x, -746), x);
}

template <class D>
ONNX_BRIDGE_INLINE D double_exp(D x)
{
   const Exponential<D> y = exponential(exponent_within(x), D{});
   return scaled(y.high + y.low, y.shifted);
}

template <class D>
ONNX_BRIDGE_INLINE D double_sigmoid(D x)
{
   const D e = double_exp(-size_of(x));
   const Twice<D> y = quotient(Twice<D>{choose(x < 0., e, constant(x, 1)), D{}}, ordered_sum(constant(x, 1), e));
   return y.high + y.low;
}

/// exp(x) / 2 as a sum, and exp(-x) / 2, for x >= 0.
template <class D>
struct Halves {
   Twice<D> growing;
   D falling;
};

template <class D>
ONNX_BRIDGE_INLINE Halves<D> exponential_halves(D x)
{
   const Exponential<D> e = exponential(choose(x > 711., constant(x, 711), x), D{});
   const Twice<D> power = ordered_sum(e.high, e.low);
   const D shifted = e.shifted - 1., high = scaled(power.high, shifted);
   return {{high, scaled(power.low, shifted)}, 0.25 / high};
}

template <class D>
ONNX_BRIDGE_INLINE D double_sinh(D x)
{
   const D a = size_of(x), square = mul(a, a);
   const D p = polynomial(square, {7.746188556142327e-13, 1.605767934982023e-10, 2.5052117698709824e-08, 2.755731919136874e-06,
                                   0.00019841269841324225, 0.008333333333333299, 0.16666666666666666});
   const D inner = fma(mul(a, square), p, a);
   const Halves<D> e = exponential_halves(a);
   const Twice<D> difference = ordered_sum(e.growing.high, -e.falling);
   const D outer = difference.high + (difference.low + e.growing.low);
   return with_sign(choose(a < 1., inner, choose(e.growing.high == infinite(x), e.growing.high, outer)), x);
}

template <class D>
ONNX_BRIDGE_INLINE D double_cosh(D x)
{
   const Halves<D> e = exponential_halves(size_of(x));
   const Twice<D> sum = ordered_sum(e.growing.high, e.falling);
   return choose(e.growing.high == infinite(x), e.growing.high, sum.high + (sum.low + e.growing.low));
}

template <class D>
ONNX_BRIDGE_INLINE D double_tanh(D x)
{
   const D a = size_of(x), square = mul(a, a);
   const D p = polynomial(square, {-2.059855667327517e-05, 8.510707927354112e-05, -0.00023463104528300406, 0.0005889348072447028,
                                   -0.0014556615775702365, 0.003592110347096177, -0.008863234395418095, 0.021869488493563037,
                                   -0.05396825396743174, 0.13333333333332714, -0.3333333333333333});
   const D inner = fma(mul(a, square), p, a), outer = 1. - 2. / (double_exp(a + a) + 1.);
   return with_sign(choose(a < 0.55, inner, outer), x);
}
