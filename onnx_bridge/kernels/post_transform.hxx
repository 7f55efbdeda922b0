// post_transform.hxx: what ai.onnx.ml's classifiers and regressors may do to the scores of a row: the post_transform of their schemas.
//
// Contract: each changes n adjacent scores, n >= 0, in place. Computed in float, in the order of the elements, as onnxruntime does: Softmax
// adds from the first score on, SoftmaxZero leaves out scores within 1e-7 of 0. Scores of doubles are rounded to float first.
#pragma once
#include "exp.hxx"
#include "log.hxx"

/// f of n adjacent numbers, f a function of vectors of floats; in place.
template <class Y, class F>
ONNX_BRIDGE_INLINE void each_score(Size n, Y* y, F f)
{
   for (Size i = 0; i < n; i += lanes) {
      const Size count = n - i < lanes ? n - i : lanes;
      vec v{};
      for (Size j = 0; j < count; j++) v[j] = static_cast<float>(y[i + j]);
      v = f(v);
      for (Size j = 0; j < count; j++) y[i + j] = static_cast<Y>(v[j]);
   }
}

/// 1 / (1 + exp(-x)), by way of |x|.
ONNX_BRIDGE_INLINE vec logistic(vec x)
{
   const vec one = splat(1.f), y = one / (one + exp(as_float(as_int(x) | static_cast<std::int32_t>(0x80000000u))));
   return x < 0.f ? one - y : y;
}
ONNX_BRIDGE_INLINE float logistic(float x) { return logistic(splat(x))[0]; }

/// The inverse of the normal distribution's function, by the approximation that ONNX's runtimes have in common.
ONNX_BRIDGE_INLINE float probit(float p)
{
   const float x = 2.f * p - 1.f, logarithm = log(splat(mul(1.f - x, 1.f + x)))[0];
   const float half = 2.f / (3.14159f * 0.147f) + mul(0.5f, logarithm), rest = mul(1.f / 0.147f, logarithm);
   const float squared = -half + root(mul(half, half) - rest);
   return mul(1.41421356f, mul(x < 0.f ? -1.f : 1.f, root(squared)));
}

struct PostNone {
   template <class Y>
   void operator()(Size, Y*) const
   {
   }
};

struct PostLogistic {
   template <class Y>
   void operator()(Size n, Y* y) const
   {
      each_score(n, y, [&](vec x) __attribute__((always_inline)) { return logistic(x); });
   }
};

struct PostProbit {
   template <class Y>
   void operator()(Size n, Y* y) const
   {
      for (Size i = 0; i < n; i++) y[i] = static_cast<Y>(probit(static_cast<float>(y[i])));
   }
};

/// The largest of n scores; what is NaN is passed over.
template <class Y>
ONNX_BRIDGE_INLINE float largest_score(Size n, const Y* y)
{
   float top = -std::numeric_limits<float>::max();
   for (Size i = 0; i < n; i++) top = static_cast<float>(y[i]) > top ? static_cast<float>(y[i]) : top;
   return top;
}

struct PostSoftmax {
   template <class Y>
   void operator()(Size n, Y* y) const
   {
      const vec top = splat(largest_score(n, y));
      each_score(n, y, [top](vec x) __attribute__((always_inline)) { return exp(x - top); });
      float sum = 0.f;
      for (Size i = 0; i < n; i++) sum += static_cast<float>(y[i]);
      for (Size i = 0; i < n; i++) y[i] = static_cast<Y>(static_cast<float>(y[i]) / sum);
   }
};

struct PostSoftmaxZero {
   template <class Y>
   void operator()(Size n, Y* y) const
   {
      const float top = largest_score(n, y), small = exp(splat(-top))[0];
      float sum = 0.f;
      for (Size i = 0; i < n; i++) {
         const float x = static_cast<float>(y[i]);
         const bool counts = x > 0.0000001f || x < -0.0000001f;
         const float e = counts ? exp(splat(x - top))[0] : mul(x, small);
         if (counts) sum += e;
         y[i] = static_cast<Y>(e);
      }
      for (Size i = 0; i < n; i++) y[i] = static_cast<Y>(static_cast<float>(y[i]) / sum);
   }
};
