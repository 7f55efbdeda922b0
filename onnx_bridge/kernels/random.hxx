// random.hxx: random numbers of a seed, those that onnxruntime draws on Linux.
//
// The generator is std::minstd_rand0 (x = 16807 x modulo 2^31 - 1), the distributions are libstdc++'s: uniform numbers by
//   generate_canonical (one draw a float, two a double), normal ones by Marsaglia's polar method, in pairs. Every call begins anew from the
//   seed: it draws what the first run of a session does. T is float or double. Element i does not depend on how many follow it.
#pragma once
#include "double_exp.hxx"
#include "double_log.hxx"

struct Random {
   std::uint64_t state;

   explicit Random(std::uint64_t seed) : state(seed % 2147483647u)
   {
      if (state == 0) state = 1;
   }
   std::uint64_t next()
   {
      state = state * 16807u % 2147483647u;
      return state - 1;
   }
};

/// A number from 0 to before 1.
template <class T>
ONNX_BRIDGE_INLINE T random_unit(Random& random)
{
   constexpr double range = 2147483646.0;
   T sum = static_cast<T>(random.next()), whole = static_cast<T>(range);
   if (sizeof(T) == 8) {
      sum = sum + mul(static_cast<T>(random.next()), whole);
      whole = mul(whole, static_cast<T>(range));
   }
   const T ratio = sum / whole;
   constexpr T most = sizeof(T) == 8 ? T(1) - T(1.1102230246251565e-16) : T(1) - T(5.9604644775390625e-8);
   return ratio < T(1) ? ratio : most;
}

template <class T>
ONNX_BRIDGE_KERNEL void random_uniform(std::uint64_t seed, Size count, T low, T high, T* y)
{
   Random random(seed);
   for (Size i = 0; i < count; i++) y[i] = mul(random_unit<T>(random), high - low) + low;
}

ONNX_BRIDGE_INLINE float random_length(float square)
{
   const float logarithm = static_cast<float>(double_log(static_cast<double>(square)));
   return root(mul(-2.0f, logarithm) / square);
}
ONNX_BRIDGE_INLINE double random_length(double square)
{
   double ratio = mul(-2.0, double_log(square)) / square;
   ONNX_BRIDGE_KEEP(ratio);
   return __builtin_sqrt(ratio);
}

template <class T>
ONNX_BRIDGE_KERNEL void random_normal(std::uint64_t seed, Size count, T mean, T scale, T* y)
{
   Random random(seed);
   for (Size i = 0; i < count; i += 2) {
      T a, b, square;
      do {
         a = mul(T(2), random_unit<T>(random)) - T(1);
         b = mul(T(2), random_unit<T>(random)) - T(1);
         square = mul(a, a) + mul(b, b);
      } while (square > T(1) || !(square > T(0)));
      const T length = random_length(square);
      y[i] = mul(mul(b, length), scale) + mean;
      if (i + 1 < count) y[i + 1] = mul(mul(a, length), scale) + mean;
   }
}

/// y[rows][samples]: classes drawn by the probabilities that x[rows][classes] are the logarithms of, but for a factor. 0 without a class.
template <class T, class Index>
ONNX_BRIDGE_KERNEL void multinomial(std::uint64_t seed, Size rows, Size classes, Size samples, const T* x, char* work, Index* y)
{
   Random random(seed);
   double* const sums = reinterpret_cast<double*>(work);
   for (Size row = 0; row < rows; row++, x += classes) {
      double most = -1.7976931348623157e308, total = 0.0;
      for (Size c = 0; c < classes; c++) {
         const double logit = static_cast<double>(x[c]);
         if (logit > most && logit - logit < 1.0) most = logit;
      }
      for (Size c = 0; c < classes; c++) {
         const double logit = static_cast<double>(x[c]);
         if (logit - logit < 1.0) total += double_exp(logit - most);
         sums[c] = total;
      }
      for (Size s = 0; s < samples; s++) {
         const double wanted = mul(random_unit<double>(random), total);
         Size low = 0, high = classes;  // the first sum above what is wanted
         while (low < high) {
            const Size middle = low + (high - low) / 2;
            if (sums[middle] > wanted)
               high = middle;
            else
               low = middle + 1;
         }
         *y++ = static_cast<Index>(low < classes ? low : classes > 0 ? classes - 1 : 0);
      }
   }
}

/// Dropout: where `train`, x times 1 / (1 - ratio) where a number of the seed is not below ratio, else 0; x itself otherwise. The mask (may be
/// null) says what is kept.
template <class T>
ONNX_BRIDGE_KERNEL void dropout(std::uint64_t seed, Size count, bool train, float ratio, const T* x, T* y, bool* mask)
{
   Random random(seed);
   const bool drops = train && (ratio > 0.0f || ratio < 0.0f);
   const T scale = static_cast<T>(1.0f / (1.0f - ratio));
   for (Size i = 0; i < count; i++) {
      const bool kept = !drops || random_unit<float>(random) >= ratio;
      if (y != nullptr) y[i] = !drops ? x[i] : kept ? mul(x[i], scale) : T(0);
      if (mask != nullptr) mask[i] = kept;
   }
}
