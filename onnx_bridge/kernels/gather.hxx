// gather.hxx: elements or blocks of a dense row-major tensor, found by index.
//
// Contract: a negative index counts from the end; one outside the axis is brought to its nearest end, and where the axis is empty
// the result is zero: no index reads outside the data. Indices are std::int32_t or std::int64_t, T any type of 1, 2, 4, 8 or 16 bytes,
// moved as bits. data and out do not overlap. Empty sizes write nothing.
#pragma once
#include "bytes.hxx"

constexpr int gather_rank = 12;

/// The index from the axis' start; outside 0 .. n - 1 where the given one was.
template <class Index>
ONNX_BRIDGE_INLINE Size from_start(Index index, Size n)
{
   const Size i = static_cast<Size>(index);
   return i < 0 ? i + n : i;
}

/// The index from the axis' start, brought into 0 .. n - 1.
template <class Index>
ONNX_BRIDGE_INLINE Size inside(Index index, Size n)
{
   const Size i = from_start(index, n);
   return i < 0 ? 0 : i < n ? i : n - 1;
}

/// out[outer][count][inner] = data[outer][indices[count]][inner], data being [outer][n][inner].
template <class T, class Index>
ONNX_BRIDGE_KERNEL void gather(Size outer, Size n, Size inner, Size count, const T* data, const Index* indices, T* out)
{
   if (n == 0) {
      if (outer > 0 && inner > 0) fill(out, outer * count * inner, T());
      return;
   }
   for (Size o = 0; o < outer; o++, data += n * inner, out += count * inner) {
      if (inner == 1)
         for (Size i = 0; i < count; i++) copy_one(out + i, data + inside(indices[i], n));
      else
         for (Size i = 0; i < count; i++) copy_run(out + i * inner, data + inside(indices[i], n) * inner, inner);
   }
}

/// Visits the indices of a dense tensor of `sizes`, which choose along one axis of a dense tensor of `data_sizes`:
/// visit(i, base) with the index's own place and the data's place for index 0 of that axis.
template <class Visit>
ONNX_BRIDGE_INLINE void visit_along_axis(int rank, const Size* sizes, const Size* data_sizes, int axis, Visit&& visit)
{
   Size steps[gather_rank], index[gather_rank] = {}, step = 1;
   for (int a = rank - 1; a >= 0; a--) {
      if (sizes[a] <= 0) return;
      steps[a] = a == axis ? 0 : step;
      step *= data_sizes[a];
   }
   const Size row = sizes[rank - 1], row_step = steps[rank - 1];
   for (Size i = 0, base = 0;;) {
      for (Size j = 0; j < row; j++) visit(i + j, base + j * row_step);
      i += row;
      int a = rank - 2;
      for (; a >= 0; a--) {
         base += steps[a];
         if (++index[a] < sizes[a]) break;
         base -= sizes[a] * steps[a];
         index[a] = 0;
      }
      if (a < 0) return;
   }
}

/// How far neighbours along an axis of a dense tensor lie apart.
ONNX_BRIDGE_INLINE Size step_of_axis(int rank, const Size* sizes, int axis)
{
   Size step = 1;
   for (int a = rank - 1; a > axis; a--) step *= sizes[a];
   return step;
}

/// GatherElements: out[i..] = data[i.. with indices[i..] at `axis`]; out and indices have `sizes`, at most data_sizes but for `axis`.
template <int Rank, class T, class Index>
ONNX_BRIDGE_KERNEL void gather_elements(const Size (&data_sizes)[Rank], const Size (&sizes)[Rank], int axis, const T* data,
                                        const Index* indices, T* out)
{
   static_assert(Rank <= gather_rank, "collapse the axes");
   const Size n = data_sizes[axis], step = step_of_axis(Rank, data_sizes, axis);
   const T zero = T();
   visit_along_axis(Rank, sizes, data_sizes, axis, [=](Size i, Size base) __attribute__((always_inline)) {
      copy_one(out + i, n == 0 ? &zero : data + base + inside(indices[i], n) * step);
   });
}

/// GatherND: out[batch][count][inner] = data[batch][indices[batch][count][0]]..[indices[batch][count][Depth - 1]][inner], data being
/// [batch][sizes[0]]..[sizes[Depth - 1]][inner].
template <int Depth, class T, class Index>
ONNX_BRIDGE_KERNEL void gather_nd(Size batch, const Size (&sizes)[Depth], Size inner, Size count, const T* data, const Index* indices,
                                  T* out)
{
   Size blocks = 1;
   for (int k = 0; k < Depth; k++) blocks *= sizes[k];
   if (blocks == 0) {
      if (batch > 0 && inner > 0) fill(out, batch * count * inner, T());
      return;
   }
   for (Size b = 0; b < batch; b++, data += blocks * inner)
      for (Size i = 0; i < count; i++, indices += Depth, out += inner) {
         Size block = 0;
         for (int k = 0; k < Depth; k++) block = block * sizes[k] + inside(indices[k], sizes[k]);
         copy_run(out, data + block * inner, inner);
      }
}
