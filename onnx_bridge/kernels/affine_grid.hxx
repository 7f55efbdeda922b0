// affine_grid.hxx: the places of a regular grid, moved by an affine map: what GridSample samples at.
//
// Contract: theta[count][Rank][Rank + 1], y[count][sizes...][Rank]; T is float or double. A place is x, y(, z): the last axis of `sizes`
//   first, from -1 to 1 from the middles of the outer pixels where `align`, else from their edges. An axis of one pixel has it at 0, or
//   where `align` at 1. Each number is theta[0] * x + theta[1] * y (+ theta[2] * z) + the last, a chain of fma from the first product.
#pragma once
#include "vector.hxx"

/// Where pixel i of n lies.
template <class T>
ONNX_BRIDGE_INLINE T affine_place(Size i, Size n, bool align)
{
   const double at = static_cast<double>(i), size = static_cast<double>(n);
   if (align) return static_cast<T>(n > 1 ? mul(2.0, at) / (size - 1.0) - 1.0 : 1.0);
   return static_cast<T>((mul(2.0, at) + 1.0) / size - 1.0);
}

template <int Rank, class T>
ONNX_BRIDGE_KERNEL void affine_grid(Size count, const Size (&sizes)[Rank], bool align, const T* theta, T* y)
{
   Size pixels = 1;
   for (int axis = 0; axis < Rank; axis++) pixels *= sizes[axis];
   for (Size c = 0; c < count; c++, theta += Rank * (Rank + 1))
      for (Size p = 0; p < pixels; p++) {
         T place[Rank];
         Size rest = p;
         for (int axis = Rank - 1; axis >= 0; axis--) {
            place[Rank - 1 - axis] = affine_place<T>(rest % sizes[axis], sizes[axis], align);
            rest /= sizes[axis];
         }
         for (int row = 0; row < Rank; row++) {
            T sum = mul(theta[row * (Rank + 1)], place[0]);
            for (int k = 1; k < Rank; k++) sum = fma(theta[row * (Rank + 1) + k], place[k], sum);
            *y++ = sum + theta[row * (Rank + 1) + Rank];
         }
      }
}
