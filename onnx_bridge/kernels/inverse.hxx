// inverse.hxx: inverses of square matrices.
//
// Contract: x and y [count][n][n] row-major; T is float or double. work holds 2 * n * n doubles. By Gauss and Jordan in double, the pivot
//   being the first of the largest in its column, and rounded once. A matrix that has no inverse gives infinities and NaNs. x, work and y do
//   not overlap; sizes may be 0.
#pragma once
#include "vector.hxx"

/// The inverse of the left half of a[n][2 n], whose right half is the identity, in the right half.
ONNX_BRIDGE_KERNEL void invert(Size n, double* a)
{
   const Size row = 2 * n;
   for (Size k = 0; k < n; k++) {
      Size pivot = k;
      for (Size i = k + 1; i < n; i++)
         if (__builtin_fabs(a[i * row + k]) > __builtin_fabs(a[pivot * row + k])) pivot = i;
      if (pivot != k)
         for (Size j = 0; j < row; j++) {
            const double other = a[k * row + j];
            a[k * row + j] = a[pivot * row + j];
            a[pivot * row + j] = other;
         }
      const double diagonal = a[k * row + k];
      for (Size j = 0; j < row; j++) a[k * row + j] = a[k * row + j] / diagonal;
      for (Size i = 0; i < n; i++) {
         if (i == k) continue;
         const double factor = -a[i * row + k];
         for (Size j = 0; j < row; j++) a[i * row + j] = fma(factor, a[k * row + j], a[i * row + j]);
      }
   }
}

template <class T>
ONNX_BRIDGE_KERNEL void inverses(Size count, Size n, const T* x, char* work, T* y)
{
   double* const a = reinterpret_cast<double*>(work);
   for (Size m = 0; m < count; m++, x += n * n, y += n * n) {
      for (Size i = 0; i < n; i++)
         for (Size j = 0; j < n; j++) {
            a[i * 2 * n + j] = static_cast<double>(x[i * n + j]);
            a[i * 2 * n + n + j] = i == j ? 1.0 : 0.0;
         }
      invert(n, a);
      for (Size i = 0; i < n; i++)
         for (Size j = 0; j < n; j++) y[i * n + j] = static_cast<T>(a[i * 2 * n + n + j]);
   }
}
