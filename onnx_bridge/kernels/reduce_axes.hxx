// reduce_axes.hxx: reductions over axes that are known only at run time.
//
// x is dense, row-major, of the sizes of `axes`; y has its elements without the axes that are not kept, in the same order. x, y and `row` do
// not overlap; any size may be 0. `row` has room for all of x: what makes an element is gathered there, the last axis fastest, where it does
// not lie side by side. Each element is then that of reduce.hxx for one row: order of summation, NaN, and results of nothing are those.
#pragma once
#include "reduce.hxx"

/// One axis of x, and whether it is one of y: 1, or 0 where it is reduced.
struct ReduceAxis {
   Size size, kept;
};

/// How many elements make one of y.
template <int Rank>
ONNX_BRIDGE_INLINE Size reduced_count(const ReduceAxis (&axes)[Rank])
{
   Size count = 1;
   for (const ReduceAxis& axis : axes) count *= axis.kept != 0 ? 1 : axis.size;
   return count;
}

/// Moves an index over the axes that are kept (or those that are not) to the next place; returns how far that is from the last one.
template <int Rank>
ONNX_BRIDGE_INLINE Size next_place(const ReduceAxis (&axes)[Rank], bool kept, Size (&index)[Rank])
{
   Size moved = 0, stride = 1;
   for (int a = Rank - 1; a >= 0; stride *= axes[a--].size) {
      if ((axes[a].kept != 0) != kept) continue;
      if (++index[a] < axes[a].size) return moved + stride;
      moved -= (axes[a].size - 1) * stride;
      index[a] = 0;
   }
   return moved;
}

template <int Rank, class T, class Operation>
ONNX_BRIDGE_KERNEL void reduce_axes(const ReduceAxis (&axes)[Rank], const T* x, T* y, T* row, Operation operation)
{
   const Size n = reduced_count(axes);
   Size outputs = 1;
   bool any = false, dense = true;  // all that is reduced stands behind all that is kept
   for (const ReduceAxis& axis : axes) {
      if (axis.kept != 0) outputs *= axis.size;
      if (axis.size == 1) continue;
      if (axis.kept != 0 && any) dense = false;
      if (axis.kept == 0) any = true;
   }
   Size at[Rank] = {}, inside[Rank] = {};
   for (Size i = 0; i < outputs; i++, x += next_place(axes, true, at)) {
      const T* from = x;
      for (Size k = 0; k < n && !dense; k++, from += next_place(axes, false, inside)) row[k] = *from;
      if constexpr (std::is_same<T, float>::value)
         reduce_last(1, n, dense ? x : row, y + i, operation);
      else
         reduce_any(1, n, Const<1>(), dense ? x : row, y + i, operation);
   }
}
