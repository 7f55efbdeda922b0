// tensor_scatter.hxx: a piece put into a cache along one axis, from a place on that each sample of the batch has for itself.
//
// Contract: cache and y [batch][outer][most][inner], update [batch][outer][count][inner], at[batch] (null: all 0); T any type of 1, 2, 4,
//   8 or 16 bytes, moved as bits. Row i of the update goes to row at + i; where that is outside of 0 .. most - 1 it is dropped, or taken
//   modulo most. Of rows for one place the last counts. cache and y are the same memory or do not overlap. Sizes may be 0.
#pragma once
#include "bytes.hxx"

template <class T>
ONNX_BRIDGE_KERNEL void tensor_scatter(Size batch, Size outer, Size most, Size count, Size inner, bool circular, const T* cache,
                                       const T* update, const std::int64_t* at, T* y)
{
   if (y != cache) copy_run(y, cache, batch * outer * most * inner);
   if (most == 0) return;
   for (Size b = 0; b < batch; b++) {
      Size first = at == nullptr ? 0 : static_cast<Size>(at[b]);
      if (circular) {
         first %= most;
         if (first < 0) first += most;
      } else if (first <= -count || first >= most) {
         update += outer * count * inner;
         y += outer * most * inner;
         continue;
      }
      for (Size o = 0; o < outer; o++, y += most * inner)
         for (Size i = 0; i < count; i++, update += inner) {
            const Size row = circular ? (first + i % most) % most : first + i;
            if (row >= 0 && row < most) copy_run(y + row * inner, update, inner);
         }
   }
}
