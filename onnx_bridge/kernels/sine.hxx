// sine.hxx: sine, cosine and tangent of doubles of any size. At most 0.9 ULP (tan: 1.2), with or without a fused multiply-add.
//
// Infinities and NaN give NaN, -0 gives -0.
#pragma once
#include "angle.hxx"

/// sin(x) for |x| <= pi / 4 or a little more, as a sum whose second part is small.
template <class D>
ONNX_BRIDGE_INLINE Twice<D> sine_near(Twice<D> x)
{
   const D z = mul(x.high, x.high);
   const D p = polynomial(z, {1.5917988979397435e-10, -2.5051129896450185e-08, 2.7557316093198404e-06, -0.00019841269836740532,
                              0.008333333333330936, -0.16666666666666666});
   return {x.high, fma(mul(z, x.high), p, fma(mul(z, x.low), constant(z, -0.5), x.low))};
}

template <class D>
ONNX_BRIDGE_INLINE Twice<D> cosine_near(Twice<D> x)
{
   const D z = mul(x.high, x.high);
   const D p = polynomial(z, {-1.138254464534925e-11, 2.087614504941318e-09, -2.755731726587808e-07, 2.48015872987544e-05,
                              -0.0013888888888887389, 0.041666666666666664});
   const Twice<D> first = ordered_sum(constant(z, 1), mul(z, constant(z, -0.5)));
   return {first.high, fma(mul(z, z), p, first.low - mul(x.high, x.low))};
}

/// The sine of an angle that is `turns` times pi / 2 larger.
template <class D>
ONNX_BRIDGE_INLINE D sine_turned(D x, int turns)
{
   const Angle<D> angle = angle_of(size_of(x));
   const auto multiple = as_bits(angle.shifted) + turns;
   const Twice<D> sine = sine_near(angle.rest), cosine = cosine_near(angle.rest);
   const D y = choose((multiple & 1) != 0, cosine.high + cosine.low, sine.high + sine.low);
   return choose(as_bits(size_of(x)) >= as_bits(infinite(x)), undefined(x), as_double(as_bits(y) ^ left(multiple & 2, 62)));
}

template <class D>
ONNX_BRIDGE_INLINE D double_sin(D x)
{
   return as_double(as_bits(sine_turned(x, 0)) ^ as_bits(sign_bit(x)));
}

template <class D>
ONNX_BRIDGE_INLINE D double_cos(D x)
{
   return sine_turned(x, 1);
}

template <class D>
ONNX_BRIDGE_INLINE D double_tan(D x)
{
   const Angle<D> angle = angle_of(size_of(x));
   const auto turned = (as_bits(angle.shifted) & 1) != 0;
   const Twice<D> s = sine_near(angle.rest), c = cosine_near(angle.rest);
   const Twice<D> sine = ordered_sum(s.high, s.low), cosine = ordered_sum(c.high, c.low);
   const Twice<D> y = quotient(Twice<D>{choose(turned, -cosine.high, sine.high), choose(turned, -cosine.low, sine.low)},
                               Twice<D>{choose(turned, sine.high, cosine.high), choose(turned, sine.low, cosine.low)});
   const D sum = choose(as_bits(size_of(x)) >= as_bits(infinite(x)), undefined(x), y.high + y.low);
   return as_double(as_bits(sum) ^ as_bits(sign_bit(x)));
}
