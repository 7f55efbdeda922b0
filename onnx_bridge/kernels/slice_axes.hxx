// slice_axes.hxx: what is cut out of a tensor where starts, ends, axes or steps are known only at run time.
//
// plan_slice() finds out what ONNX's numbers take of each axis, and whether they mean anything; any numbers are taken. copy_slice() copies it: x and
// y are dense, row-major, and do not overlap; any type of 1, 2, 4 or 8 bytes, moved as bits; any size may be 0.
#pragma once
#include "copy.hxx"

/// `count` elements of an axis of `size` from `first` on, `step` apart.
struct SlicedAxis {
   Size size, first, count, step;
};

/// start, end, axis and step as ONNX has them: from the end where they are negative, outside of the axis as they like.
struct SliceCut {
   std::int64_t start, end, axis, step;
};

/// A place from the beginning, cut to low .. high; before: what lies before all elements.
ONNX_BRIDGE_INLINE Size slice_place(std::int64_t given, Size size, Size low, Size high)
{
   const std::int64_t place = given < 0 ? given + size : given;
   return place < low ? low : place > high ? high : static_cast<Size>(place);
}

/// False where an axis is none of x's or is named twice, or a step is 0.
template <int Rank, int Cuts>
ONNX_BRIDGE_KERNEL bool plan_slice(const Size (&sizes)[Rank], const SliceCut (&cuts)[Cuts], SlicedAxis (&axes)[Rank])
{
   bool named[Rank] = {};
   for (int a = 0; a < Rank; a++) axes[a] = {sizes[a], 0, sizes[a], 1};
   for (const SliceCut& cut : cuts) {
      if (cut.axis < -Rank || cut.axis >= Rank || cut.step == 0) return false;
      const Size a = static_cast<Size>(cut.axis < 0 ? cut.axis + Rank : cut.axis), size = sizes[a];
      if (named[a]) return false;
      named[a] = true;
      // A step beyond the axis takes one element, whatever it is.
      const Size most = size + 1;
      const Size step = cut.step > most ? most : cut.step < -most ? -most : static_cast<Size>(cut.step);
      const bool up = step > 0;
      const Size first = slice_place(cut.start, size, 0, up ? size : size - 1), last = slice_place(cut.end, size, up ? 0 : -1, up ? size : size - 1);
      const Size reach = up ? last - first : first - last, by = up ? step : -step;
      axes[a] = {size, first, reach > 0 && size > 0 ? (reach + by - 1) / by : 0, step};
   }
   return true;
}

template <int Rank, class T>
ONNX_BRIDGE_KERNEL void copy_slice(const SlicedAxis (&axes)[Rank], const T* x, T* y)
{
   Size counts[Rank], from[Rank], to[Rank], in = 1, out = 1, first = 0;
   for (int a = Rank - 1; a >= 0; a--) {
      counts[a] = axes[a].count;
      from[a] = axes[a].step * in;
      to[a] = out;
      first += axes[a].first * in;
      in *= axes[a].size;
      out *= counts[a];
   }
   if (out > 0) copy_strided(counts, y, to, x + first, from);
}
