// order.hxx: small operators that place elements: ReverseSequence, OneHot, EyeLike, Trilu, Range, Compress, NonZero.
//
// Contract: tensors are dense and row-major and do not overlap. T is moved as bits (any type of 1, 2, 4 or 8 bytes), except in range
// and nonzero, which take the tensor's own type. Empty sizes write nothing.
#pragma once
#include "bytes.hxx"

/// The first lengths[b] steps of each sequence in reverse order, the others as they are. x and y are [time][batch][inner],
/// or [batch][time][inner] where batch_first. Lengths outside 0 .. time are brought to the nearer end.
template <class T>
ONNX_BRIDGE_KERNEL void reverse_sequence(Size time, Size batch, Size inner, bool batch_first, const std::int64_t* lengths, const T* x, T* y)
{
   const Size time_step = batch_first ? inner : batch * inner, batch_step = batch_first ? time * inner : inner;
   for (Size b = 0; b < batch; b++) {
      const Size given = static_cast<Size>(lengths[b]), length = given < time ? given : time;
      for (Size t = 0; t < time; t++) {
         const Size from = t < length ? length - 1 - t : t;
         copy_run(y + b * batch_step + t * time_step, x + b * batch_step + from * time_step, inner);
      }
   }
}

/// The place of a one-hot index of any numeric type among `depth`; depth where it is outside -depth .. depth - 1 or NaN.
template <class Index>
ONNX_BRIDGE_INLINE Size one_hot_place(Index index, Size depth)
{
   if constexpr (std::is_floating_point<Index>::value) {
      const Index limit = static_cast<Index>(depth);
      if (!(index >= -limit && index < limit)) return depth;
   } else if constexpr (std::is_unsigned<Index>::value) {
      return index < static_cast<std::uint64_t>(depth) ? static_cast<Size>(index) : depth;
   }
   const Size i = static_cast<Size>(index);
   return i >= depth || i < -depth ? depth : i < 0 ? i + depth : i;
}

/// out[outer][depth][inner] = on where indices[outer][inner] names that depth, else off. A negative index counts from the end;
/// one outside names none.
template <class T, class Index>
ONNX_BRIDGE_KERNEL void one_hot(Size outer, Size depth, Size inner, const Index* indices, T off, T on, T* out)
{
   fill(out, outer * depth * inner, off);
   for (Size o = 0; o < outer; o++, out += depth * inner)
      for (Size i = 0; i < inner; i++) {
         const Size place = one_hot_place(indices[o * inner + i], depth);
         if (place < depth) copy_one(out + place * inner + i, &on);
      }
}

/// A diagonal's number brought to where it meets a matrix, or to where it just misses it.
ONNX_BRIDGE_INLINE Size diagonal(std::int64_t k, Size rows, Size columns)
{
   return k < -rows ? -rows : k > columns ? columns : static_cast<Size>(k);
}

/// out[rows][columns] = one on diagonal k (above the main one where k > 0), else zero bits.
template <class T>
ONNX_BRIDGE_KERNEL void eye_like(Size rows, Size columns, std::int64_t k, T one, T* out)
{
   fill(out, rows * columns, T());
   const Size first = diagonal(k, rows, columns);
   for (Size i = first < 0 ? -first : 0; i < rows && i + first < columns; i++) copy_one(out + i * columns + i + first, &one);
}

/// The upper triangle of each matrix of x[batch][rows][columns] from diagonal k up, or the lower one from diagonal k down;
/// zero bits elsewhere. y may be x.
template <class T>
ONNX_BRIDGE_KERNEL void trilu(Size batch, Size rows, Size columns, std::int64_t k, bool upper, const T* x, T* y)
{
   const Size first = diagonal(k, rows, columns);
   for (Size b = 0; b < batch; b++)
      for (Size i = 0; i < rows; i++, x += columns, y += columns) {
         const Size edge = i + first + (upper ? 0 : 1), split = edge < 0 ? 0 : edge < columns ? edge : columns;
         const Size begin = upper ? split : 0, end = upper ? columns : split;
         put_bytes(reinterpret_cast<unsigned char*>(y), begin * static_cast<Size>(sizeof(T)), BytesOf{0});
         if (x != y) copy_run(y + begin, x + begin, end - begin);
         put_bytes(reinterpret_cast<unsigned char*>(y + end), (columns - end) * static_cast<Size>(sizeof(T)), BytesOf{0});
      }
}

/// How many numbers there are from start to before limit, delta apart; -1 where delta is 0, one of them is NaN, or there are more than 2^62.
template <class T>
ONNX_BRIDGE_KERNEL Size range_count(T start, T limit, T delta)
{
   if constexpr (std::is_floating_point<T>::value) {
      const double steps = static_cast<double>(limit - start) / static_cast<double>(delta);
      if (!(std::fabs(static_cast<double>(delta)) > 0) || !(std::fabs(steps) < 4e18)) return -1;
      return steps <= 0 ? 0 : static_cast<Size>(std::ceil(steps));
   } else {
      const bool down = delta < T(1);
      if (delta == T(0)) return -1;
      if (down ? start <= limit : start >= limit) return 0;
      const std::uint64_t far = down ? static_cast<std::uint64_t>(start) - static_cast<std::uint64_t>(limit)
                                     : static_cast<std::uint64_t>(limit) - static_cast<std::uint64_t>(start);
      const std::uint64_t step = down ? 0u - static_cast<std::uint64_t>(delta) : static_cast<std::uint64_t>(delta);
      const std::uint64_t count = (far - 1u) / step + 1u;
      return count < (1ull << 62) ? static_cast<Size>(count) : -1;
   }
}

/// out[i] = start + delta + ... + delta, i times, rounded at each step as onnxruntime does; integers wrap around.
template <class T>
ONNX_BRIDGE_KERNEL void range(T start, T delta, Size n, T* out)
{
   for (Size i = 0; i < n; i++) {
      out[i] = start;
      if constexpr (std::is_integral<T>::value)
         start = static_cast<T>(static_cast<std::uint64_t>(start) + static_cast<std::uint64_t>(delta));
      else
         start += delta;
   }
}

/// y[outer][count][inner] = the slices of x[outer][n][inner] whose condition holds; returns their count. The conditions may be
/// fewer than n. y has room for min(n, conditions) slices.
template <class T>
ONNX_BRIDGE_KERNEL Size compress(Size outer, Size n, Size inner, Size conditions, const bool* condition, const T* x, T* y)
{
   const Size end = conditions < n ? conditions : n;
   for (Size o = 0; o < outer; o++, x += n * inner)
      for (Size i = 0; i < end; i++)
         if (condition[i]) {
            copy_run(y, x + i * inner, inner);
            y += inner;
         }
   Size count = 0;
   for (Size i = 0; i < end; i++) count += condition[i];
   return count;
}

/// out[Rank][count] = the places of x that are not zero, in order; returns their count. NaN is not zero, -0 and empty text are. out has room for
/// Rank times the elements of x; the places stand closely, whatever the room.
template <int Rank, class T>
ONNX_BRIDGE_KERNEL Size nonzero(const Size (&sizes)[Rank], const T* x, std::int64_t* out)
{
   Size n = 1, count = 0, index[Rank] = {};
   for (int a = 0; a < Rank; a++) n *= sizes[a];
   for (Size i = 0; i < n; i++) count += x[i] != T();
   for (Size i = 0, found = 0; i < n; i++) {
      if (x[i] != T()) {
         for (int a = 0; a < Rank; a++) out[a * count + found] = index[a];
         found++;
      }
      for (int a = Rank - 1; a >= 0 && ++index[a] == sizes[a]; a--) index[a] = 0;
   }
   return count;
}
