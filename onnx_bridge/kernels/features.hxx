// features.hxx: what ai.onnx.ml does to features before a model: Scaler, Normalizer, Binarizer, Imputer, OneHotEncoder, FeatureVectorizer.
//
// Contract: x is [rows][n] unless something else is said, of float, double or an integer; sizes may be 0, nothing overlaps. Integers are made
// floats first, doubles are computed as doubles; outputs of float are rounded last. Sums have the order of the elements.
#pragma once
#include "vector.hxx"

/// What a feature is computed in.
template <class X>
using feature_of = typename std::conditional<std::is_same<X, double>::value, double, float>::type;

/// Whether x is a NaN, by its bits, which no flag can make the compiler forget.
ONNX_BRIDGE_INLINE bool is_no_number(float x)
{
   std::int32_t bits;
   __builtin_memcpy(&bits, &x, sizeof bits);
   return (bits & 0x7fffffff) > 0x7f800000;
}
ONNX_BRIDGE_INLINE bool is_no_number(double x)
{
   std::int64_t bits;
   __builtin_memcpy(&bits, &x, sizeof bits);
   return (bits & 0x7fffffffffffffff) > 0x7ff0000000000000;
}

/// y[i] = (x[i] - offset[i % count]) * scale[i % count].
template <class X>
ONNX_BRIDGE_KERNEL void scale_features(Size n, Size count, const X* x, const float* offset, const float* scale, float* y)
{
   typedef feature_of<X> T;
   for (Size i = 0, j = 0; i < n; i++, j = j + 1 < count ? j + 1 : 0)
      y[i] = static_cast<float>(mul(static_cast<T>(x[i]) - static_cast<T>(offset[j]), static_cast<T>(scale[j])));
}

/// How long a row is: by its largest number, the sum of magnitudes, or of squares.
enum class Norm { largest, sum, squares };

/// y = the row by its length; as it is where that is 0. By squares, y = the root of the share of the square, with the sign of x.
template <Norm By, class X>
ONNX_BRIDGE_KERNEL void normalize_features(Size rows, Size n, const X* x, float* y)
{
   typedef feature_of<X> T;
   for (Size row = 0; row < rows; row++, x += n, y += n) {
      T length = By == Norm::largest && n > 0 ? std::numeric_limits<T>::lowest() : 0;
      for (Size i = 0; i < n; i++) {
         const T v = static_cast<T>(x[i]);
         if (By == Norm::largest) length = length < v ? v : length;
         else length += By == Norm::sum ? (v < 0 ? -v : v) : mul(v, v);
      }
      const bool none = !(length < 0) && !(length > 0) && !is_no_number(length);
      for (Size i = 0; i < n; i++) {
         const T v = static_cast<T>(x[i]);
         if (By == Norm::squares && !none) {
            const float share = static_cast<float>(mul(v, v) / length), size = root(share);
            y[i] = v < 0 ? -size : size;
         } else {
            y[i] = static_cast<float>(none ? v : v / length);
         }
      }
   }
}

/// y[i] = 1 where x[i] is above the threshold, else 0.
template <class X>
ONNX_BRIDGE_KERNEL void binarize(Size n, const X* x, float threshold, X* y)
{
   for (Size i = 0; i < n; i++) y[i] = static_cast<X>(static_cast<feature_of<X>>(x[i]) > static_cast<feature_of<X>>(threshold) ? 1 : 0);
}

/// y[i] = values[i % count] where x[i] is `replaced`, which may be NaN, else x[i].
template <class X>
ONNX_BRIDGE_KERNEL void impute(Size n, Size count, const X* x, X replaced, const X* values, X* y)
{
   for (Size i = 0, j = 0; i < n; i++, j = j + 1 < count ? j + 1 : 0) {
      bool found = !(x[i] < replaced) && !(x[i] > replaced);
      if constexpr (std::is_floating_point<X>::value) found = is_no_number(replaced) ? is_no_number(x[i]) : found && !is_no_number(x[i]);
      y[i] = found ? values[j] : x[i];
   }
}

/// A category as an integer: towards 0; what has none is the least of all.
template <class X>
ONNX_BRIDGE_INLINE std::int64_t category_of(X x)
{
   if constexpr (std::is_floating_point<X>::value)
      if (is_no_number(x) || !(x >= static_cast<X>(-9.2e18) && x <= static_cast<X>(9.2e18))) return std::numeric_limits<std::int64_t>::min();
   return static_cast<std::int64_t>(x);
}

/// y[n][count] = 1 at the place of x[i] among the categories, else 0. Returns whether each has a place.
template <class X>
ONNX_BRIDGE_KERNEL bool encode_categories(Size n, Size count, const X* x, const std::int64_t* categories, float* y)
{
   bool all = true;
   for (Size i = 0; i < n; i++) {
      const std::int64_t own = category_of(x[i]);
      bool any = false;
      for (Size j = 0; j < count; j++) {
         const bool same = own == categories[j];
         y[i * count + j] = same ? 1.f : 0.f;
         any = any || same;
      }
      all = all && any;
   }
   return all;
}

/// y[row * stride ...] = the first `kept` of the n features of each row, and zeros where it has fewer.
template <class X>
ONNX_BRIDGE_KERNEL void copy_features(Size rows, Size n, Size kept, Size stride, const X* x, float* y)
{
   for (Size row = 0; row < rows; row++)
      for (Size i = 0; i < kept; i++) y[row * stride + i] = i < n ? static_cast<float>(x[row * n + i]) : 0.f;
}
