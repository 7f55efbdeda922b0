// det.hxx: determinants of square matrices.
//
// Contract: x[count][n][n] row-major, y[count]; T is float or double. work holds n * n doubles. By Gaussian elimination in double, the
//   pivot being the first of the largest in its column, and rounded once: the product of the pivots in their order. A column without
//   anything but zeros makes it 0, and a NaN is never a pivot unless it comes first. n = 0 gives 1. x, work and y do not overlap.
#pragma once
#include "vector.hxx"

/// The determinant of a matrix of doubles, which is overwritten.
ONNX_BRIDGE_KERNEL double determinant(Size n, double* a)
{
   double result = 1.0;
   for (Size k = 0; k < n; k++) {
      Size pivot = k;
      for (Size i = k + 1; i < n; i++)
         if (__builtin_fabs(a[i * n + k]) > __builtin_fabs(a[pivot * n + k])) pivot = i;
      if (pivot != k) {
         for (Size j = k; j < n; j++) {
            const double other = a[k * n + j];
            a[k * n + j] = a[pivot * n + j];
            a[pivot * n + j] = other;
         }
         result = -result;
      }
      const double diagonal = a[k * n + k];
      result = mul(result, diagonal);
      if (!(diagonal < 0.0) && !(diagonal > 0.0)) return result;
      for (Size i = k + 1; i < n; i++) {
         const double factor = -(a[i * n + k] / diagonal);
         for (Size j = k + 1; j < n; j++) a[i * n + j] = fma(factor, a[k * n + j], a[i * n + j]);
      }
   }
   return result;
}

template <class T>
ONNX_BRIDGE_KERNEL void determinants(Size count, Size n, const T* x, char* work, T* y)
{
   double* const a = reinterpret_cast<double*>(work);
   for (Size i = 0; i < count; i++, x += n * n) {
      for (Size j = 0; j < n * n; j++) a[j] = static_cast<double>(x[j]);
      y[i] = static_cast<T>(determinant(n, a));
   }
}
