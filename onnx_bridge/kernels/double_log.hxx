// double_log.hxx: natural logarithms of doubles, and what is made of them: the inverse hyperbolic functions.
//
// log, log1p: at most 0.9 ULP; acosh, atanh: 1.2; asinh: 1.4; with or without a fused multiply-add. NaN and what has no logarithm give NaN, 0
// gives -inf, odd functions and log1p keep the sign of 0. Subnormals are right.
#pragma once
#include "doubles.hxx"

/// x = 2^n m with m in [sqrt(1/2), sqrt(2)), for finite x > 0.
template <class D>
struct Scaled {
   D m, n;
};

template <class D>
ONNX_BRIDGE_INLINE Scaled<D> scale_of(D x)
{
   const auto subnormal = x < 2.2250738585072014e-308;
   const auto bits = as_bits(choose(subnormal, mul(x, constant(x, 18014398509481984.)), x));
   const auto exponent = right(plus(bits, 0x00095f619980c433), 52);  // n + 1023: what was added fills the fraction at sqrt(2)
   const D shifted = as_double(exponent | as_bits(constant(x, 4503599627370496.)));  // 2^52 + n + 1023
   const D n = shifted - choose(subnormal, constant(x, 4503599627371573.), constant(x, 4503599627371519.));
   return {as_double(minus(bits, left(plus(exponent, -1023), 52))), n};
}

/// log(x) + more, for finite x > 0: with s = f / (2 + f), f = m - 1, log(1 + f) = 2 atanh(s), a polynomial of degree 15 in s.
template <class D>
ONNX_BRIDGE_INLINE D log_and_more(D x, D more)
{
   const Scaled<D> scale = scale_of(x);
   const D f = scale.m - 1., s = f / (f + 2.), z = mul(s, s), half_square = mul(mul(f, f), constant(x, 0.5));
   const D p = polynomial(z, {0.14617807153417325, 0.15331611722055008, 0.1818289243253687, 0.22222211089379496, 0.28571428626253836,
                              0.3999999999989889, 0.666666666666667});
   const D rest = fma(s, fma(z, p, half_square), fma(scale.n, constant(x, 7.440617110012397e-11), more));
   return fma(scale.n, constant(x, 0.6931471804855391), f - (half_square - rest));
}

/// y where x > 0 and finite; what log(x) is elsewhere.
template <class D>
ONNX_BRIDGE_INLINE D log_or_special(D x, D y)
{
   y = choose(as_bits(x) >= as_bits(infinite(x)), x, y);
   y = choose(as_bits(x) < 0, undefined(x), y);
   return choose(size_of(x) == 0., -infinite(x), y);
}

template <class D>
ONNX_BRIDGE_INLINE D double_log(D x)
{
   return log_or_special(x, log_and_more(x, D{}));
}

/// log(1 + x.high + x.low)
template <class D>
ONNX_BRIDGE_INLINE D log_beyond_one(Twice<D> x)
{
   const Twice<D> sum = exact_sum(x.high, constant(x.high, 1));
   const D y = log_or_special(sum.high, log_and_more(sum.high, (sum.low + x.low) / sum.high));
   return choose(sum.high == 1., x.high, y);
}

template <class D>
ONNX_BRIDGE_INLINE D double_log1p(D x)
{
   return log_beyond_one(Twice<D>{x, D{}});
}

/// log(2 x)
template <class D>
ONNX_BRIDGE_INLINE D log_of_twice(D x)
{
   return double_log(x) + 0.6931471805599453;
}

/// By asinh(x) = log(1 + x + (sqrt(1 + x^2) - 1)).
template <class D>
ONNX_BRIDGE_INLINE D double_asinh(D x)
{
   const D a = size_of(x), square = mul(a, a), above = square / (root(square + 1.) + 1.);
   const D y = choose(a > 268435456., log_of_twice(a), log_beyond_one(exact_sum(a, above)));
   return with_sign(y, x);
}

/// By acosh(x) = log(1 + t + sqrt(t (t + 2))), t = x - 1.
template <class D>
ONNX_BRIDGE_INLINE D double_acosh(D x)
{
   const D t = x - 1.;
   const Twice<D> next = ordered_sum(x, constant(x, 1)), product = exact_product(t, next.high);
   const D first = root(product.high);
   const Twice<D> back = exact_product(first, first);
   const D rest = (((product.high - back.high) - back.low) + fma(t, next.low, product.low)) / (first + first);
   const Twice<D> sum = ordered_sum(first, t);
   const D inner = log_beyond_one(Twice<D>{sum.high, sum.low + choose(first == 0., D{}, rest)});
   return choose(x < 1., undefined(x), choose(x > 268435456., log_of_twice(x), inner));
}

/// By atanh(x) = log(1 + 2 x / (1 - x)) / 2.
template <class D>
ONNX_BRIDGE_INLINE D double_atanh(D x)
{
   const D a = size_of(x);
   const D y = log_beyond_one(quotient(Twice<D>{a + a, D{}}, ordered_sum(constant(x, 1), -a)));
   return with_sign(mul(y, constant(x, 0.5)), x);
}
