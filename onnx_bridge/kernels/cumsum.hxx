// cumsum.hxx: running sums along the middle of [outer][n][inner].
//
// Contiguous; x and y must not overlap; any size may be 0. One chain in the order of the elements, for every type. Integers wrap around.
#pragma once
#include "arithmetic.hxx"

/// y[i] = x[0] + ... + x[i], without x[i] if exclusive; from the last element backwards if reverse.
template <class T>
ONNX_BRIDGE_KERNEL void cumsum(Size outer, Size n, Size inner, const T* x, T* y, bool exclusive, bool reverse)
{
   const Size step = reverse ? -inner : inner;
   for (Size o = 0; o < outer && n > 0; o++) {
      const T* from = x + (o * n + (reverse ? n - 1 : 0)) * inner;
      T* to = y + (from - x);
      for (Size j = 0; j < inner; j++) to[j] = exclusive ? T() : from[j];
      for (Size i = 1; i < n; i++, from += step, to += step) {
         const T* term = exclusive ? from : from + step;
         for (Size j = 0; j < inner; j++) to[step + j] = add(to[j], term[j]);
      }
   }
}
