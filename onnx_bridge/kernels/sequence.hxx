// sequence.hxx: sequences of tensors of any shape: all their numbers one behind the other, and a row of a table for the shape of each.
//
// Contract: a table is [length][Columns], row-major. Where Columns is 9, a row is a rank from 0 to 8 and as many sizes, and anything behind
// them; else it is Columns sizes. What a table says is held against how many numbers there are before anything is read by it.
#pragma once
#include "bytes.hxx"

/// The numbers of the element that a row of a table describes; -1 where it describes none, or more than `most`.
template <int Columns>
ONNX_BRIDGE_INLINE Size row_count(const std::int64_t* row, Size most)
{
   const std::int64_t rank = Columns == 9 ? row[0] : Columns;
   if (rank < 0 || rank > 8) return -1;
   const std::int64_t* const sizes = Columns == 9 ? row + 1 : row;
   Size count = 1;
   for (std::int64_t axis = 0; axis < rank; axis++)
      if (sizes[axis] == 0) return 0;
   for (std::int64_t axis = 0; axis < rank; axis++) {
      if (sizes[axis] < 0 || sizes[axis] > most / count) return -1;
      count *= static_cast<Size>(sizes[axis]);
   }
   return count <= most ? count : -1;
}

/// Where the numbers of an element begin, `place` of 0 to length elements; length is where all end. -1 where the table does not fit `total` numbers.
template <int Columns>
ONNX_BRIDGE_KERNEL Size sequence_offset(Size place, Size total, const std::int64_t* table)
{
   Size offset = 0;
   for (Size i = 0; i < place; i++) {
      const Size count = row_count<Columns>(table + i * Columns, total - offset);
      if (count < 0) return -1;
      offset += count;
   }
   return offset;
}

/// A place that may count from the end, from the beginning; -1 where it is outside.
ONNX_BRIDGE_INLINE Size sequence_place(std::int64_t place, Size length)
{
   if (place < -static_cast<std::int64_t>(length) || place >= static_cast<std::int64_t>(length)) return -1;
   return static_cast<Size>(place) + (place < 0 ? length : 0);
}

/// The sizes of elements of `Rank` sizes that are joined along an axis, or stacked. False where there are none, where others of their sizes
/// differ, where the table does not fit `total` numbers, and where nothing but a size is more than that.
template <int Rank>
ONNX_BRIDGE_KERNEL bool joined_sizes(Size length, Size total, int axis, bool stacked, const std::int64_t* table, Size* sizes)
{
   if (length == 0 || sequence_offset<Rank>(length, total, table) < 0) return false;
   for (int a = 0; a < Rank; a++) {
      sizes[a] = 0;
      const bool summed = a == axis && !stacked;
      for (Size i = 0; i < length; i++) {
         const std::int64_t size = table[i * Rank + a];
         if (size < 0 || size > total - (summed ? sizes[a] : 0) || (!summed && size != table[a])) return false;
         sizes[a] = (summed ? sizes[a] : 0) + static_cast<Size>(size);
      }
   }
   return true;
}

/// y = the numbers of elements in the order that they have joined along an axis, or stacked in front of it: those of one place before the
/// axis one behind the other. False where the table does not fit, or sizes before the axis differ.
template <int Rank, class T>
ONNX_BRIDGE_KERNEL bool join_elements(Size length, Size total, int axis, const std::int64_t* table, const T* x, T* y)
{
   if (sequence_offset<Rank>(length, total, table) < 0) return false;
   Size outer = 1, run = 0;
   for (Size i = 0; i < length; i++)
      for (int a = 0; a < axis; a++)
         if (table[i * Rank + a] != table[a]) return false;
   for (int a = 0; a < axis; a++) {
      if (length == 0 || table[a] == 0 || table[a] > total / outer) return true;  // nothing
      outer *= static_cast<Size>(table[a]);
   }
   for (Size i = 0; i < length; i++) run += row_count<Rank>(table + i * Rank, total) / outer;
   for (Size i = 0, begin = 0; i < length; i++) {
      const Size part = row_count<Rank>(table + i * Rank, total) / outer;
      for (Size o = 0; o < outer; o++, x += part) copy_run(y + o * run + begin, x, part);
      begin += part;
   }
   return true;
}

/// A row of another table: of a shape of `Rank` sizes, or of a row of nine.
template <int Columns, int Rank>
ONNX_BRIDGE_INLINE void put_row(const Size (&sizes)[Rank], int rank, std::int64_t* row)
{
   if (Columns == 9) {
      row[0] = rank;
      for (int axis = 0; axis < 8; axis++) row[1 + axis] = axis < rank ? static_cast<std::int64_t>(sizes[axis]) : 0;
      return;
   }
   for (int axis = 0; axis < Columns; axis++) row[axis] = static_cast<std::int64_t>(sizes[axis < Rank ? axis : 0]);
}

/// n rows of one shape.
template <int Columns, int Rank>
ONNX_BRIDGE_KERNEL void put_rows(Size n, const Size (&sizes)[Rank], int rank, std::int64_t* table)
{
   for (Size i = 0; i < n; i++) put_row<Columns>(sizes, rank, table + i * Columns);
}

/// The rows of pieces of a tensor along an axis, of `size` each, the last one of what is left.
template <int Columns, int Rank>
ONNX_BRIDGE_KERNEL void put_chunk_rows(Size n, Size size, int axis, const Size (&sizes)[Rank], std::int64_t* table)
{
   Size piece[Rank];
   for (int a = 0; a < Rank; a++) piece[a] = sizes[a];
   for (Size i = 0; i < n; i++) {
      piece[axis] = sizes[axis] - i * size < size ? sizes[axis] - i * size : size;
      put_row<Columns>(piece, Rank, table + i * Columns);
   }
}

/// y = pieces of x[outer][whole][inner] along the middle axis, of `size` each, one behind the other.
template <class T>
ONNX_BRIDGE_KERNEL void put_chunks(Size outer, Size whole, Size inner, Size size, const T* x, T* y)
{
   for (Size begin = 0; begin < whole; begin += size) {
      const Size run = (whole - begin < size ? whole - begin : size) * inner;
      for (Size o = 0; o < outer; o++, y += run) copy_run(y, x + (o * whole + begin) * inner, run);
   }
}

/// n rows of another table, of From columns.
template <int Columns, int From>
ONNX_BRIDGE_KERNEL void copy_rows(Size n, const std::int64_t* from, std::int64_t* table)
{
   for (Size i = 0; i < n; i++, from += From, table += Columns) {
      if (Columns == From) {
         for (int c = 0; c < Columns; c++) table[c] = from[c];
         continue;
      }
      table[0] = From;
      for (int axis = 0; axis < 8; axis++) table[1 + axis] = axis < From ? from[axis] : 0;
   }
}
