// double_functions.hxx: exp, log, tanh and the like of doubles by the names that they have for floats; activation.hxx declares them.
#pragma once
#include "activation.hxx"
#include "double_erf.hxx"
#include "double_exp.hxx"
#include "double_log.hxx"

template <class T>
ONNX_BRIDGE_INLINE if_double<T> exp(T x)
{
   return double_exp(x);
}

template <class T>
ONNX_BRIDGE_INLINE if_double<T> exp_nonpositive(T x)
{
   return double_exp(x);
}

template <class T>
ONNX_BRIDGE_INLINE if_double<T> log(T x)
{
   return double_log(x);
}

template <class T>
ONNX_BRIDGE_INLINE if_double<T> log1p(T x)
{
   return double_log1p(x);
}

template <class T>
ONNX_BRIDGE_INLINE if_double<T> tanh(T x)
{
   return double_tanh(x);
}

template <class T>
ONNX_BRIDGE_INLINE if_double<T> erf(T x)
{
   return double_erf(x);
}

template <class T>
ONNX_BRIDGE_INLINE if_double<T> sigmoid(T x)
{
   return double_sigmoid(x);
}

template <class T>
ONNX_BRIDGE_INLINE if_double<T> gelu(T x)
{
   return double_gelu(x);
}
