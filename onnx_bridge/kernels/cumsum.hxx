// cumsum.hxx: running sums and products along the middle of [outer][n][inner].
//
// Contiguous; x and y must not overlap; any size may be 0. One chain in the order of the elements, for every type. Integers wrap around.
#pragma once
#include "arithmetic.hxx"

struct RunningSum {
   template <class T>
   static __attribute__((always_inline)) T join(T total, T x)
   {
      return add(total, x);
   }
   static constexpr int start = 0;
};
struct RunningProduct {
   template <class T>
   static __attribute__((always_inline)) T join(T total, T x)
   {
      return product(total, x);
   }
   static constexpr int start = 1;
};

/// y[i] = x[0] + ... + x[i] (or the product), without x[i] if exclusive; from the last element backwards if reverse.
template <class T, class Operation>
ONNX_BRIDGE_KERNEL void cumulate(Size outer, Size n, Size inner, const T* x, T* y, bool exclusive, bool reverse, Operation operation)
{
   const Size step = reverse ? -inner : inner;
   for (Size o = 0; o < outer && n > 0; o++) {
      const T* from = x + (o * n + (reverse ? n - 1 : 0)) * inner;
      T* to = y + (from - x);
      for (Size j = 0; j < inner; j++) to[j] = exclusive ? static_cast<T>(operation.start) : from[j];
      for (Size i = 1; i < n; i++, from += step, to += step) {
         const T* term = exclusive ? from : from + step;
         for (Size j = 0; j < inner; j++) to[step + j] = operation.join(to[j], term[j]);
      }
   }
}

/// The same along an axis of `sizes` that is known only at run time, from 0 on or, negative, from the end.
template <int Rank, class T, class Operation>
ONNX_BRIDGE_KERNEL void cumulate_along(const Size (&sizes)[Rank], Size axis, const T* x, T* y, bool exclusive, bool reverse, Operation operation)
{
   if (axis < 0) axis += Rank;
   Size outer = 1, inner = 1;
   for (Size a = 0; a < Rank; a++) (a < axis ? outer : inner) *= a == axis ? 1 : sizes[a];
   cumulate(outer, sizes[axis], inner, x, y, exclusive, reverse, operation);
}
