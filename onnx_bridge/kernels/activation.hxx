// activation.hxx: ONNX's activation functions on vec, and by the same names on float and double.
//
// A float gives the bits of a lane of a vec. NaN gives NaN, but for thresholded_relu and
// shrink, where it gives 0 as in onnxruntime. What is -inf * 0 at -inf (swish, mish, gelu, hard_swish) gives NaN there, as in onnxruntime.
// Products are protected. Accuracy: a few ULP of the largest term of the formula.
#pragma once
#include "arithmetic.hxx"
#include "erf.hxx"
#include "exp.hxx"
#include "log.hxx"
#include "sigmoid.hxx"
#include "tanh.hxx"

// Double has the names that the formulas below use for vec: declared here, defined in double_functions.hxx, which whoever emits doubles
// asks for. Templates, because GCC warns of a function that is declared and nowhere defined.
template <class T>
using if_double = std::enable_if_t<std::is_same<T, double>::value, T>;
template <class T>
ONNX_BRIDGE_INLINE if_double<T> exp(T x);
template <class T>
ONNX_BRIDGE_INLINE if_double<T> exp_nonpositive(T x);
template <class T>
ONNX_BRIDGE_INLINE if_double<T> log(T x);
template <class T>
ONNX_BRIDGE_INLINE if_double<T> log1p(T x);
template <class T>
ONNX_BRIDGE_INLINE if_double<T> tanh(T x);
template <class T>
ONNX_BRIDGE_INLINE if_double<T> erf(T x);
template <class T>
ONNX_BRIDGE_INLINE if_double<T> sigmoid(T x);
template <class T>
ONNX_BRIDGE_INLINE if_double<T> gelu(T x);

/// A constant of x's type.
ONNX_BRIDGE_INLINE vec like(vec, double value) { return splat(static_cast<float>(value)); }
ONNX_BRIDGE_INLINE double like(double, double value) { return value; }
ONNX_BRIDGE_INLINE float like(float, double value) { return static_cast<float>(value); }

/// Of any number: max(x, 0).
ONNX_BRIDGE_INLINE vec relu(vec x) { return larger(vec{}, x); }
template <class T>
ONNX_BRIDGE_INLINE if_number<T> relu(T x)
{
   return x < T() ? T() : x;
}

/// Of any number: x, times the slope where x is negative.
ONNX_BRIDGE_INLINE vec prelu(vec x, vec slope) { return x < 0.f ? mul(x, slope) : x; }
template <class T>
ONNX_BRIDGE_INLINE if_number<T> prelu(T x, T slope)
{
   return x < T() ? product(x, slope) : x;
}

// From here on T is vec or double; float: at the end of this file.

template <class T>
ONNX_BRIDGE_INLINE T leaky_relu(T x, float alpha)
{
   return prelu(x, like(x, alpha));
}

template <class T>
ONNX_BRIDGE_INLINE T thresholded_relu(T x, float alpha)
{
   return x > like(x, alpha) ? x : T{};
}

template <class T>
ONNX_BRIDGE_INLINE T elu(T x, float alpha)
{
   return x < T{} ? mul(exp_nonpositive(x) - like(x, 1), like(x, alpha)) : x;
}

template <class T>
ONNX_BRIDGE_INLINE T selu(T x, float alpha, float gamma)
{
   return mul(elu(x, alpha), like(x, gamma));
}

/// elu(x / alpha) times alpha; alpha > 0.
template <class T>
ONNX_BRIDGE_INLINE T celu(T x, float alpha)
{
   return x < T{} ? mul(exp_nonpositive(x / like(x, alpha)) - like(x, 1), like(x, alpha)) : x;
}

template <class T>
ONNX_BRIDGE_INLINE T hard_sigmoid(T x, float alpha, float beta)
{
   return clip(fma(x, like(x, alpha), like(x, beta)), T{}, like(x, 1));
}

template <class T>
ONNX_BRIDGE_INLINE T hard_swish(T x)
{
   return mul(x, clip(fma(x, like(x, 1. / 6), like(x, 0.5)), T{}, like(x, 1)));
}

template <class T>
ONNX_BRIDGE_INLINE T swish(T x, float alpha)
{
   return mul(x, sigmoid(mul(x, like(x, alpha))));
}

/// log(1 + exp(x)); 0 below -87.3.
template <class T>
ONNX_BRIDGE_INLINE T softplus(T x)
{
   return relu(x) + log1p(exp_nonpositive(-abs(x)));
}

template <class T>
ONNX_BRIDGE_INLINE T softsign(T x)
{
   return x / (abs(x) + like(x, 1));
}

/// x tanh(softplus(x)) = x (w^2 + 2 w) / (w^2 + 2 w + 2) with w = exp(x), which keeps its accuracy where tanh is small.
template <class T>
ONNX_BRIDGE_INLINE T mish(T x)
{
   const T limit = like(x, 20), two = like(x, 2);
   const T w = exp(x > limit ? limit : x), share = mul(w, w + two);
   return mul(x, share / (share + two));
}

/// Gelu by tanh: x (1 + tanh(u)) / 2 = x sigmoid(2 u) with u = sqrt(2 / pi) (x + 0.044715 x^3).
template <class T>
ONNX_BRIDGE_INLINE T gelu_tanh(T x)
{
   const T cubic = mul(x, fma(mul(x, x), like(x, 0.044715), like(x, 1)));
   return mul(x, sigmoid(mul(cubic, like(x, 1.5957691216057307117))));
}

template <class T>
ONNX_BRIDGE_INLINE T shrink(T x, float bias, float lambd)
{
   const T offset = like(x, bias), limit = like(x, lambd), above = x > limit ? x - offset : T{};
   return x < -limit ? x + offset : above;
}

// A single float: one lane.
ONNX_BRIDGE_INLINE float exp(float x) { return exp(splat(x))[0]; }
ONNX_BRIDGE_INLINE float log(float x) { return log(splat(x))[0]; }
ONNX_BRIDGE_INLINE float log1p(float x) { return log1p(splat(x))[0]; }
ONNX_BRIDGE_INLINE float tanh(float x) { return tanh(splat(x))[0]; }
ONNX_BRIDGE_INLINE float erf(float x) { return erf(splat(x))[0]; }
ONNX_BRIDGE_INLINE float sigmoid(float x) { return sigmoid(splat(x))[0]; }
ONNX_BRIDGE_INLINE float gelu(float x) { return gelu(splat(x))[0]; }
ONNX_BRIDGE_INLINE float leaky_relu(float x, float alpha) { return leaky_relu(splat(x), alpha)[0]; }
ONNX_BRIDGE_INLINE float thresholded_relu(float x, float alpha) { return thresholded_relu(splat(x), alpha)[0]; }
ONNX_BRIDGE_INLINE float elu(float x, float alpha) { return elu(splat(x), alpha)[0]; }
ONNX_BRIDGE_INLINE float selu(float x, float alpha, float gamma) { return selu(splat(x), alpha, gamma)[0]; }
ONNX_BRIDGE_INLINE float celu(float x, float alpha) { return celu(splat(x), alpha)[0]; }
ONNX_BRIDGE_INLINE float hard_sigmoid(float x, float alpha, float beta) { return hard_sigmoid(splat(x), alpha, beta)[0]; }
ONNX_BRIDGE_INLINE float hard_swish(float x) { return hard_swish(splat(x))[0]; }
ONNX_BRIDGE_INLINE float swish(float x, float alpha) { return swish(splat(x), alpha)[0]; }
ONNX_BRIDGE_INLINE float softplus(float x) { return softplus(splat(x))[0]; }
ONNX_BRIDGE_INLINE float softsign(float x) { return softsign(splat(x))[0]; }
ONNX_BRIDGE_INLINE float mish(float x) { return mish(splat(x))[0]; }
ONNX_BRIDGE_INLINE float gelu_tanh(float x) { return gelu_tanh(splat(x))[0]; }
ONNX_BRIDGE_INLINE float shrink(float x, float bias, float lambd) { return shrink(splat(x), bias, lambd)[0]; }
