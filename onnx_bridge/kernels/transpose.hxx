// transpose.hxx: rows into columns, four by four.
#pragma once
#include "vector.hxx"

typedef float quad __attribute__((vector_size(16)));
typedef float unaligned_quad __attribute__((vector_size(16), aligned(4), may_alias));
#if defined(__clang__)
#define ONNX_BRIDGE_SHUFFLE_PAIR(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
typedef std::int32_t quad_of_int __attribute__((vector_size(16)));
#define ONNX_BRIDGE_SHUFFLE_PAIR(a, b, ...) __builtin_shuffle(a, b, quad_of_int{__VA_ARGS__})
#endif

ONNX_BRIDGE_INLINE quad load_quad(const float* p) { return *reinterpret_cast<const unaligned_quad*>(p); }
ONNX_BRIDGE_INLINE void store_quad(float* p, quad v) { *reinterpret_cast<unaligned_quad*>(p) = v; }

/// to[j][i] = from[i][j] for 4 x 4 elements.
ONNX_BRIDGE_INLINE void transpose_quads(const float* from, Size from_row, float* to, Size to_row)
{
   const quad a = load_quad(from), b = load_quad(from + from_row), c = load_quad(from + 2 * from_row), d = load_quad(from + 3 * from_row);
   const quad ab_low = ONNX_BRIDGE_SHUFFLE_PAIR(a, b, 0, 4, 1, 5), ab_high = ONNX_BRIDGE_SHUFFLE_PAIR(a, b, 2, 6, 3, 7);
   const quad cd_low = ONNX_BRIDGE_SHUFFLE_PAIR(c, d, 0, 4, 1, 5), cd_high = ONNX_BRIDGE_SHUFFLE_PAIR(c, d, 2, 6, 3, 7);
   store_quad(to, ONNX_BRIDGE_SHUFFLE_PAIR(ab_low, cd_low, 0, 1, 4, 5));
   store_quad(to + to_row, ONNX_BRIDGE_SHUFFLE_PAIR(ab_low, cd_low, 2, 3, 6, 7));
   store_quad(to + 2 * to_row, ONNX_BRIDGE_SHUFFLE_PAIR(ab_high, cd_high, 0, 1, 4, 5));
   store_quad(to + 3 * to_row, ONNX_BRIDGE_SHUFFLE_PAIR(ab_high, cd_high, 2, 3, 6, 7));
}

/// to[j * to_row + i] = from[i * from_row + j * from_column] for i < rows, j < columns: any strides, also 0. The fast way is from_column 1.
/// Nothing else is read or written; the two do not overlap.
ONNX_BRIDGE_KERNEL void transpose(Size rows, Size columns, const float* from, Size from_row, Size from_column, float* to, Size to_row)
{
   Size i = 0;
   if (from_column == 1)
      for (; i + 4 <= rows; i += 4) {
         Size j = 0;
         for (; j + 4 <= columns; j += 4) transpose_quads(from + i * from_row + j, from_row, to + j * to_row + i, to_row);
         for (; j < columns; j++)
            for (Size k = i; k < i + 4; k++) to[j * to_row + k] = from[k * from_row + j];
      }
   for (; i < rows; i++)
      for (Size j = 0; j < columns; j++) to[j * to_row + i] = from[i * from_row + j * from_column];
}
