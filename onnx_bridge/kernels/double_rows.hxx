// double_rows.hxx: softmax, log_softmax, layer_norm, rms_norm and group_norm of doubles, by the names that they have for floats.
//
// Contiguous, any alignment; y may be x, else they must not overlap; any size may be 0. Every sum is one chain in the order of the
// elements.
#pragma once
#include "double_exp.hxx"
#include "double_log.hxx"

ONNX_BRIDGE_KERNEL void softmax_doubles(Size outer, Size n, Size inner, const double* x, double* y, bool logarithm)
{
   for (; outer > 0; outer--, x += n * inner, y += n * inner)
      for (Size j = 0; j < inner && n > 0; j++) {
         double top = x[j], sum = 0;
         for (Size i = 1; i < n; i++) top = x[i * inner + j] > top ? x[i * inner + j] : top;
         for (Size i = 0; i < n; i++) sum += double_exp(x[i * inner + j] - top);
         const double last = double_log(sum);
         for (Size i = 0; i < n; i++) {
            const double below = x[i * inner + j] - top;
            y[i * inner + j] = logarithm ? below - last : double_exp(below) / sum;
         }
      }
}
ONNX_BRIDGE_INLINE void softmax(Size outer, Size n, Size inner, const double* x, double* y) { softmax_doubles(outer, n, inner, x, y, false); }
ONNX_BRIDGE_INLINE void log_softmax(Size outer, Size n, Size inner, const double* x, double* y)
{
   softmax_doubles(outer, n, inner, x, y, true);
}

/// The mean of n elements and 1 / sqrt(variance + epsilon); without `centered` the mean counts as 0.
struct DoubleMoments {
   double mean = 0, inverse = 0;
   DoubleMoments(Size n, const double* x, double epsilon, bool centered)
   {
      const double size = static_cast<double>(n);
      double squares = 0;
      for (Size i = 0; i < n && centered; i++) mean += x[i];
      mean /= size;
      for (Size i = 0; i < n; i++) squares = fma(x[i] - mean, x[i] - mean, squares);
      inverse = 1 / __builtin_sqrt(squares / size + epsilon);
   }
};

ONNX_BRIDGE_KERNEL void layer_norm(Size rows, Size n, const double* x, const double* scale, const double* bias, double* y, double epsilon,
                                   double* means = nullptr, double* inverses = nullptr)
{
   for (Size row = 0; row < rows; row++, x += n, y += n) {
      const DoubleMoments moments(n, x, epsilon, true);
      if (means) means[row] = moments.mean;
      if (inverses) inverses[row] = moments.inverse;
      for (Size i = 0; i < n; i++) y[i] = fma(mul(x[i] - moments.mean, moments.inverse), scale[i], bias ? bias[i] : 0.);
   }
}

ONNX_BRIDGE_KERNEL void rms_norm(Size rows, Size n, const double* x, const double* scale, double* y, double epsilon, double* inverses = nullptr)
{
   for (Size row = 0; row < rows; row++, x += n, y += n) {
      const double inverse = DoubleMoments(n, x, epsilon, false).inverse;
      if (inverses) inverses[row] = inverse;
      for (Size i = 0; i < n; i++) y[i] = mul(mul(x[i], inverse), scale[i]);
   }
}

ONNX_BRIDGE_KERNEL void group_norm(Size batch, Size groups, Size channels, Size spatial, const double* x, const double* scale,
                                   const double* bias, double* y, double epsilon)
{
   for (Size sample = 0; sample < batch; sample++)
      for (Size group = 0; group < groups; group++) {
         const DoubleMoments moments(channels * spatial, x, epsilon, true);
         for (Size channel = group * channels; channel < (group + 1) * channels; channel++, x += spatial, y += spatial)
            for (Size i = 0; i < spatial; i++) y[i] = fma(mul(x[i] - moments.mean, moments.inverse), scale[channel], bias[channel]);
      }
}
