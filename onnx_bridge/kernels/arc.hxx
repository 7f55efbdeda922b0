// arc.hxx: the inverse trigonometric functions of doubles. At most 1 ULP, with or without a fused multiply-add.
//
// What no sine or cosine reaches, and NaN, gives NaN; -0 gives -0.
#pragma once
#include "doubles.hxx"

/// (asin(x) - x) / x for x^2 = z <= 1/4.
template <class D>
ONNX_BRIDGE_INLINE D arc_share(D z)
{
   return mul(z, polynomial(z, {0.02877844261259304, -0.014881409392818063, 0.017419357964884856, 0.005450878187720551,
                                0.010324318288744113, 0.011478952690257387, 0.013971235301124539, 0.017352391265909227,
                                0.022372173002005596, 0.030381944137085216, 0.04464285714637338, 0.07499999999998425,
                                0.16666666666666669}));
}

/// What asin and acos are made of: for |x| <= 1/2 asin(x); beyond it, by the half angle, acos(|x|) / 2.
template <class D>
ONNX_BRIDGE_INLINE Twice<D> arc_part(D x)
{
   const D a = size_of(x), z = choose(a > 0.5, mul(1. - a, constant(x, 0.5)), mul(x, x)), half = root(z);
   const Twice<D> back = exact_product(half, half);
   const D lost = choose(half == 0., D{}, ((z - back.high) - back.low) / (half + half));
   return {choose(a > 0.5, half, x), fma(choose(a > 0.5, half, x), arc_share(z), choose(a > 0.5, lost, D{}))};
}

template <class D>
ONNX_BRIDGE_INLINE D double_asin(D x)
{
   const Twice<D> part = arc_part(x);
   const Twice<D> first = ordered_sum(constant(x, 1.5707963267948966), part.high * -2.);
   const D outer = first.high + (first.low + fma(part.low, constant(x, -2), constant(x, 6.123233995736766e-17)));
   return with_sign(choose(size_of(x) > 0.5, outer, size_of(part.high + part.low)), x);
}

template <class D>
ONNX_BRIDGE_INLINE D double_acos(D x)
{
   const Twice<D> part = arc_part(x);
   const auto outer = size_of(x) > 0.5;
   const D times = choose(outer, constant(x, 2), constant(x, 1)), angle = times * 1.5707963267948966;  // pi or pi / 2
   const Twice<D> first = ordered_sum(angle, -(times * part.high));
   const D less = first.high + (first.low + fma(-part.low, times, times * 6.123233995736766e-17));
   return choose(both(outer, x > 0.), (part.high + part.low) * 2., less);
}

/// By atan(x) = pi / 4 + atan((x - 1) / (x + 1)) or pi / 2 - atan(1 / x), so that the polynomial, of degree 23, goes no further than tan(pi / 8).
template <class D>
ONNX_BRIDGE_INLINE D double_atan(D x)
{
   const D size = size_of(x), a = choose(size > 1e300, constant(x, 1e300), size), one = constant(x, 1);
   const auto middle = a > 0.4142135623730951, outer = a > 2.414213562373095;
   const Twice<D> top = exact_sum(a, choose(middle, -one, D{})), bottom = exact_sum(choose(middle, a, D{}), one);
   const D above = choose(outer, -one, top.high), above_rest = choose(outer, D{}, top.low);
   const D below = choose(outer, a, bottom.high), below_rest = choose(outer, D{}, bottom.low);
   const Twice<D> t = quotient(Twice<D>{above, above_rest}, Twice<D>{below, below_rest});
   const D z = mul(t.high, t.high);
   const D p = polynomial(z, {-0.0191659065063043, 0.03922268882347632, -0.05085139148706638, 0.05858089538610203, -0.06664504610032648,
                              0.0769218270524632, -0.09090904557214267, 0.11111111014741562, -0.1428571428466014, 0.1999999999999549,
                              -0.3333333333333333});
   const D begin = choose(outer, constant(x, 1.5707963267948966), choose(middle, constant(x, 0.7853981633974483), D{}));
   const D begin_rest = choose(outer, constant(x, 6.123233995736766e-17), choose(middle, constant(x, 3.061616997868383e-17), D{}));
   const Twice<D> first = ordered_sum(begin, t.high);
   const D y = first.high + (first.low + fma(mul(t.high, z), p, t.low + begin_rest));
   return with_sign(y, x);
}
