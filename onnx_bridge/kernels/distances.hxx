// distances.hxx: distances of the rows of two matrices.
//
// Contract: a[m][n], b[k][n], y[m][k] row-major; T is float or double. y is the sum of the squares of the differences, a chain of fma from the
//   first on, or its root. Nothing overlaps; sizes may be 0 (n = 0: 0).
#pragma once
#include "arithmetic.hxx"

template <class T>
ONNX_BRIDGE_KERNEL void distances(Size m, Size k, Size n, bool root, const T* a, const T* b, T* y)
{
   constexpr Size some = 8;  // chains side by side
   for (Size i = 0; i < m; i++, a += n)
      for (Size j = 0; j < k; j += some) {
         T sums[some] = {};
         const Size count = k - j < some ? k - j : some;
         for (Size p = 0; p < n; p++)
            for (Size c = 0; c < count; c++) {
               const T difference = a[p] - b[(j + c) * n + p];
               sums[c] = fma(difference, difference, sums[c]);
            }
         for (Size c = 0; c < count; c++) *y++ = root ? sqrt(sums[c]) : sums[c];
      }
}
