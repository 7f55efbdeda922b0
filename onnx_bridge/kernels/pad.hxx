// pad.hxx: a tensor with a border around it, or without a part of its edge.
//
// Contract: y[i] = x[i - begin] along each axis; y's sizes are sizes + begin + end (none where one is not positive). A negative pad
// crops, before the border is made: reflect, edge and wrap see the cropped tensor alone. A border wider than the tensor reflects
// to and fro; where nothing is left of an axis the border is `value`, in every mode. x and y are dense, row-major, not overlapping;
// any type of 1, 2, 4, 8 or 16 bytes, moved as bits.
#pragma once
#include "bytes.hxx"

enum class PadMode { constant, reflect, edge, wrap };

constexpr int pad_rank = 12;

/// What is done along one axis: y's size, the part of x that is kept, and the place in y where that part begins.
struct PadAxis {
   Size size, first, kept, begin;
};

/// The place in the kept part that place i of y shows, 0 <= result < kept; -1 for `value`.
ONNX_BRIDGE_INLINE Size pad_source(PadMode mode, const PadAxis& axis, Size i)
{
   i -= axis.begin;
   if (i >= 0 && i < axis.kept) return i;
   if (mode == PadMode::constant || axis.kept == 0) return -1;
   if (mode == PadMode::edge || axis.kept == 1) return i < 0 ? 0 : axis.kept - 1;
   const Size period = mode == PadMode::wrap ? axis.kept : 2 * (axis.kept - 1);
   i %= period;
   if (i < 0) i += period;
   return i < axis.kept ? i : period - i;
}

/// One row of y from the kept part of a row of x.
template <class T>
ONNX_BRIDGE_INLINE void pad_one_row(PadMode mode, const PadAxis& axis, Size inner, const T* x, const T* value, T* y)
{
   const auto border = [&](Size i) __attribute__((always_inline)) {
      const Size from = pad_source(mode, axis, i);
      if (from < 0)
         put_run(y + i * inner, inner, value);
      else
         copy_run(y + i * inner, x + from * inner, inner);
   };
   const Size begin = axis.begin < axis.size ? axis.begin : axis.size, end = begin + axis.kept;
   for (Size i = 0; i < begin; i++) border(i);
   copy_run(y + begin * inner, x, axis.kept * inner);
   for (Size i = end; i < axis.size; i++) border(i);
}

/// The pad by a run-time rank of at most pad_rank.
template <class T>
ONNX_BRIDGE_KERNEL void pad_axes(PadMode mode, int rank, const Size* sizes, const Size* begin, const Size* end, const T* x, T value, T* y)
{
   PadAxis axes[pad_rank];
   Size inner = 1;
   while (rank > 1 && begin[rank - 1] == 0 && end[rank - 1] == 0) inner *= sizes[--rank];
   for (int a = 0; a < rank; a++) {
      const Size size = sizes[a] + begin[a] + end[a];
      if (size <= 0) return;
      const Size first = begin[a] < 0 ? -begin[a] : 0, last = end[a] < 0 ? sizes[a] + end[a] : sizes[a];
      const Size border = begin[a] > 0 ? begin[a] : 0;
      axes[a] = last > first ? PadAxis{size, first, last - first, border} : PadAxis{size, 0, 0, border};
   }
   if (inner == 0) return;
   const PadAxis& row = axes[rank - 1];
   const Size row_size = sizes[rank - 1];
   Size index[pad_rank] = {};
   for (;;) {
      Size from = 0;
      bool border = false;
      for (int a = 0; a < rank - 1; a++) {
         const Size place = pad_source(mode, axes[a], index[a]);
         border = border || place < 0;
         from = from * sizes[a] + axes[a].first + place;
      }
      if (border)
         put_run(y, row.size * inner, &value);
      else
         pad_one_row(mode, row, inner, x + (from * row_size + row.first) * inner, &value, y);
      y += row.size * inner;
      int a = rank - 2;
      for (; a >= 0 && ++index[a] == axes[a].size; a--) index[a] = 0;
      if (a < 0) return;
   }
}

template <int Rank, class T>
ONNX_BRIDGE_KERNEL void pad(PadMode mode, const Size (&sizes)[Rank], const Size (&begin)[Rank], const Size (&end)[Rank], const T* x,
                            T value, T* y)
{
   static_assert(Rank <= pad_rank, "collapse the axes");
   pad_axes(mode, Rank, sizes, begin, end, x, value, y);
}
