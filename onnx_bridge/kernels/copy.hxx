// copy.hxx: a copy between any two strided layouts: Transpose, Slice, Expand, Concat, Split, Tile, DepthToSpace, the inside of Pad.
//
// Contract: dst[sum of i_a dst_strides[a]] = src[sum of i_a src_strides[a]] for every index i; strides in elements. A source
// stride may be 0 (broadcast) or negative; dst elements are distinct and dst and src do not overlap. Any type of 1, 2, 4, 8 or 16 bytes,
// moved as bits (NaN payloads survive) and without regard to its type: floats may be passed as std::uint32_t*.
// A size of 0 copies nothing. Axes are sorted by their dst stride and merged at run time: their order costs nothing.
#pragma once
#include "bytes.hxx"
#include "copy_transposed.hxx"

constexpr int copy_rank = 12;

/// One axis of a copy.
struct CopyAxis {
   Size size, to, from;
};

/// Rows that are contiguous on both sides.
template <class T>
ONNX_BRIDGE_KERNEL void copy_dense_rows(CopyAxis rows, Size n, T* dst, const T* src)
{
   for (Size i = 0; i < rows.size; i++) copy_run(dst + i * rows.to, src + i * rows.from, n);
}

/// Rows of one value each.
template <class T>
ONNX_BRIDGE_KERNEL void spread_rows(CopyAxis rows, Size n, T* dst, const T* src)
{
   for (Size i = 0; i < rows.size; i++) fill(dst + i * rows.to, n, src[i * rows.from]);
}

template <class T>
ONNX_BRIDGE_KERNEL void copy_elements(CopyAxis rows, CopyAxis columns, T* dst, const T* src)
{
   for (Size i = 0; i < rows.size; i++)
      for (Size j = 0; j < columns.size; j++) copy_one(dst + i * rows.to + j * columns.to, src + i * rows.from + j * columns.from);
}

ONNX_BRIDGE_INLINE Size step_size(Size stride) { return stride < 0 ? -stride : stride; }

/// The copy's axes without those of size 1, from the largest dst stride to the smallest, neighbours merged where both sides allow
/// it. Returns how many there are, at least 2; 0 for an empty copy.
ONNX_BRIDGE_INLINE int order_axes(int rank, const Size* sizes, const Size* dst_strides, const Size* src_strides, CopyAxis* axes)
{
   int count = 0;
   for (int a = 0; a < rank; a++) {
      if (sizes[a] <= 0) return 0;
      if (sizes[a] == 1) continue;
      const CopyAxis axis = {sizes[a], dst_strides[a], src_strides[a]};
      int place = count++;
      for (; place > 0 && step_size(axes[place - 1].to) < step_size(axis.to); place--) axes[place] = axes[place - 1];
      axes[place] = axis;
   }
   int merged = 0;
   for (int a = 0; a < count; a++) {
      const CopyAxis axis = axes[a], outer = axes[merged > 0 ? merged - 1 : 0];
      if (merged > 0 && outer.to == axis.size * axis.to && outer.from == axis.size * axis.from)
         axes[merged - 1] = {outer.size * axis.size, axis.to, axis.from};
      else
         axes[merged++] = axis;
   }
   for (; merged < 2; merged++) {
      for (int a = merged; a > 0; a--) axes[a] = axes[a - 1];
      axes[0] = {1, 0, 0};
   }
   return merged;
}

/// The copy by a run-time rank of at most copy_rank.
template <class T>
ONNX_BRIDGE_KERNEL void copy_axes(int rank, const Size* sizes, T* dst, const Size* dst_strides, const T* src, const Size* src_strides)
{
   CopyAxis axes[copy_rank];
   const int count = order_axes(rank, sizes, dst_strides, src_strides, axes);
   if (count == 0) return;
   const CopyAxis columns = axes[count - 1];
   const bool along = columns.to == 1 && columns.from != 0 && columns.from != 1;
   for (int a = count - 2; along && a >= 0; a--)
      if (axes[a].from == 1) {  // contiguous in src: with the columns, contiguous in dst, a matrix to transpose
         const CopyAxis row = axes[a];
         axes[a] = axes[count - 2];
         axes[count - 2] = row;
         break;
      }
   const CopyAxis rows = axes[count - 2];
   Size index[copy_rank] = {}, to = 0, from = 0;
   for (;;) {
      if (columns.to == 1 && columns.from == 1)
         copy_dense_rows(rows, columns.size, dst + to, src + from);
      else if (columns.to == 1 && columns.from == 0)
         spread_rows(rows, columns.size, dst + to, src + from);
      else if (columns.to == 1 && rows.from == 1)
         copy_transposed(rows.size, columns.size, dst + to, rows.to, src + from, columns.from);
      else
         copy_elements(rows, columns, dst + to, src + from);
      int a = count - 3;
      for (; a >= 0; a--) {
         to += axes[a].to;
         from += axes[a].from;
         if (++index[a] < axes[a].size) break;
         to -= axes[a].size * axes[a].to;
         from -= axes[a].size * axes[a].from;
         index[a] = 0;
      }
      if (a < 0) return;
   }
}

template <int Rank, class T>
ONNX_BRIDGE_KERNEL void copy_strided(const Size (&sizes)[Rank], T* dst, const Size (&dst_strides)[Rank], const T* src,
                                     const Size (&src_strides)[Rank])
{
   static_assert(Rank <= copy_rank, "collapse the axes");
   copy_axes<T>(Rank, sizes, dst, dst_strides, src, src_strides);
}

/// dst = value at every index.
template <int Rank, class T>
ONNX_BRIDGE_KERNEL void fill_strided(const Size (&sizes)[Rank], T* dst, const Size (&dst_strides)[Rank], T value)
{
   const Size broadcast[Rank] = {};
   copy_axes<T>(Rank, sizes, dst, dst_strides, &value, broadcast);
}
