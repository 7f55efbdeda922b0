// layer_norm.hxx: normalisation of rows of adjacent elements: layer_norm, rms_norm, group_norm (instance norm: one channel a group).
//
// Contiguous, any alignment; y may be x, else they must not overlap. n: Const<N> or Size; any size may be 0.
// Sums have the order of sum_in_lanes: a row's bits depend on the row alone. The variance is the mean of the squared differences from the
// mean (two passes). A NaN or inf in a row makes the row NaN.
#pragma once
#include "vector.hxx"

/// What a row is normalised by: y = (x - mean) * inverse.
struct Moments {
   float mean, inverse;
};

/// The mean of n elements and 1 / sqrt(variance + epsilon).
template <class N>
ONNX_BRIDGE_INLINE Moments moments_of(N n, const float* x, float epsilon)
{
   const float size = static_cast<float>(Size(n));
   const float mean = sum_in_lanes(n, [&](vec sum, Size i, auto count) __attribute__((always_inline)) { return sum + load(x + i, count); }) / size;
   const vec center = splat(mean);
   const float squares = sum_in_lanes(n, [&](vec sum, Size i, auto count) __attribute__((always_inline)) {
      const vec d = keep_first(load(x + i, count) - center, count);
      return fma(d, d, sum);
   });
   return {mean, 1.f / root(squares / size + epsilon)};
}

/// step(i, count) for all elements i .. i + count - 1 of n.
template <class N, class Step>
ONNX_BRIDGE_INLINE void for_each_vec(N n, Step&& step)
{
   Size i = 0;
   for (; i + lanes <= n; i += lanes) step(i, All());
   if (i < n) step(i, n - i);
}

/// y = (x - mean) / sqrt(variance + epsilon) * scale + bias. bias: n numbers or null; means, inverses (1 / sqrt(...)): `rows` numbers or null.
template <class N>
ONNX_BRIDGE_KERNEL void layer_norm(Size rows, N n, const float* x, const float* scale, const float* bias, float* y, float epsilon,
                                   float* means = nullptr, float* inverses = nullptr)
{
   for (Size row = 0; row < rows; row++, x += n, y += n) {
      const Moments moments = moments_of(n, x, epsilon);
      const vec mean = splat(moments.mean), inverse = splat(moments.inverse);
      if (means) means[row] = moments.mean;
      if (inverses) inverses[row] = moments.inverse;
      if (bias)
         for_each_vec(n, [&](Size i, auto count) __attribute__((always_inline)) {
            store(y + i, fma(mul(load(x + i, count) - mean, inverse), load(scale + i, count), load(bias + i, count)), count);
         });
      else
         for_each_vec(n, [&](Size i, auto count) __attribute__((always_inline)) {
            store(y + i, mul(mul(load(x + i, count) - mean, inverse), load(scale + i, count)), count);
         });
   }
}

/// y = x / sqrt(mean of x^2 + epsilon) * scale. inverses (1 / sqrt(...)): `rows` numbers or null.
template <class N>
ONNX_BRIDGE_KERNEL void rms_norm(Size rows, N n, const float* x, const float* scale, float* y, float epsilon, float* inverses = nullptr)
{
   for (Size row = 0; row < rows; row++, x += n, y += n) {
      const float squares = sum_in_lanes(n, [&](vec sum, Size i, auto count) __attribute__((always_inline)) {
         const vec v = load(x + i, count);
         return fma(v, v, sum);
      });
      const float one = 1.f / root(squares / static_cast<float>(Size(n)) + epsilon);
      const vec inverse = splat(one);
      if (inverses) inverses[row] = one;
      for_each_vec(n, [&](Size i, auto count) __attribute__((always_inline)) {
         store(y + i, mul(mul(load(x + i, count), inverse), load(scale + i, count)), count);
      });
   }
}

/// x, y: [batch][groups][channels][spatial], normalised over each [channels][spatial]; scale, bias: [groups][channels].
ONNX_BRIDGE_KERNEL void group_norm(Size batch, Size groups, Size channels, Size spatial, const float* x, const float* scale,
                                   const float* bias, float* y, float epsilon)
{
   for (Size sample = 0; sample < batch; sample++)
      for (Size group = 0; group < groups; group++) {
         const Moments moments = moments_of(channels * spatial, x, epsilon);
         const vec mean = splat(moments.mean), inverse = splat(moments.inverse);
         for (Size channel = group * channels; channel < (group + 1) * channels; channel++, x += spatial, y += spatial) {
            const vec factor = splat(scale[channel]), offset = splat(bias[channel]);
            for_each_vec(spatial, [&](Size i, auto count) __attribute__((always_inline)) {
               store(y + i, fma(mul(load(x + i, count) - mean, inverse), factor, offset), count);
            });
         }
      }
}
