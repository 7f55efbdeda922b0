// double_erf.hxx: the error function of doubles and the Gaussian error linear unit made of it.
//
// erf: at most 1 ULP; gelu: 2; with or without a fused multiply-add. NaN gives NaN, erf(-0) is -0; gelu(-inf) is NaN, as in onnxruntime.
#pragma once
#include "double_exp.hxx"

/// erf(x) for |x| < 0.5.
template <class D>
ONNX_BRIDGE_INLINE D double_erf_near(D x)
{
   const D p = polynomial(mul(x, x), {1.4724557054857664e-06, -1.4845726499481446e-05, 0.0001205333046582652, -0.0008548297662086034,
                                      0.005223977372029753, -0.026866170632830016, 0.11283791670925189, -0.3761263890318347,
                                      0.12837916709551256});
   return fma(p, x, x);
}

/// (1 - erf(x.high + x.low)) times a factor for x >= 0.5: (1 + 2 x) exp(x^2) (1 - erf(x)) is a polynomial in (x - 2.5) / (x + 2.5).
template <class D>
ONNX_BRIDGE_INLINE D double_erfc_far(Twice<D> x, D factor)
{
   const D outer = choose(x.high > 27.3, constant(x.high, 27.3), x.high), t = (outer - 2.5) / (outer + 2.5);
   const D q = polynomial(t, {2.0211267399619663e-08, -1.0148059889572628e-07, -8.143472714860968e-08, 5.325397804845676e-07,
                              6.347798892517122e-07, -1.6015707560199494e-06, -4.277460299038013e-06, 2.62239100720751e-06,
                              2.272042126851724e-05, 6.2606864904963325e-06, -0.00011352704245192517, -8.847802544894927e-05,
                              0.0006321250138228546, 0.0004918656510836615, -0.004382078399531308, 0.0009318928294825636,
                              0.03276089327158012, -0.10296705603902793, 0.1576299190231511, -0.09902453957359526,
                              -0.12235676308240383});
   const Twice<D> bottom = ordered_sum(outer + outer, constant(outer, 1)), numerator = ordered_sum(constant(t, 1.2648381843668615), mul(q, t));
   const Twice<D> share = quotient(numerator, Twice<D>{bottom.high, bottom.low + (x.low + x.low)});
   const Twice<D> square = exact_product(outer, outer);
   const Exponential<D> e = exponential(-square.high, -fma(outer + outer, x.low, square.low));
   const Twice<D> power = ordered_sum(e.high, e.low), part = exact_product(power.high, share.high), y = exact_product(part.high, factor);
   const D low = part.low + fma(power.high, share.low, mul(power.low, share.high));
   return scaled(y.high + fma(low, factor, y.low), e.shifted);
}

template <class D>
ONNX_BRIDGE_INLINE D double_erf(D x)
{
   const D a = size_of(x);
   return with_sign(choose(a < 0.5, double_erf_near(a), 1. - double_erfc_far(Twice<D>{a, D{}}, constant(x, 1))), x);
}

/// x (1 + erf(x / sqrt(2))) / 2
template <class D>
ONNX_BRIDGE_INLINE D double_gelu(D x)
{
   const D size = size_of(x), a = choose(size > 100., constant(x, 100), size);
   Twice<D> z = exact_product(a, constant(x, 0.7071067811865476));
   z.low = fma(a, constant(x, -4.833646656726457e-17), z.low);
   const D half = mul(x, constant(x, 0.5)), outer = double_erfc_far(z, choose(x < 0., mul(a, constant(x, -0.5)), constant(x, 1)));
   const Twice<D> sum = ordered_sum(constant(x, 1), double_erf_near(with_sign(z.high, x))), product = exact_product(half, sum.high);
   const D inner = with_sign(size_of(product.high + fma(half, sum.low, product.low)), x);
   const D below = choose(as_bits(x) == as_bits(-infinite(x)), undefined(x), outer);
   return choose(z.high < 0.5, inner, choose(x < 0., below, mul(half, 2. - outer)));
}
