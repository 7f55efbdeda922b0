// copy_transposed.hxx: dst[i * dst_stride + j] = src[j * src_stride + i] for i < m, j < n; strides in elements.
//
// Contract: dst and src do not overlap; strides may be negative, |dst_stride| >= n. Any type of 1, 2, 4 or 8 bytes, moved as bits.
// Elements of 4 bytes go by blocks through registers, the last block of an edge laid over the one before it. Empty sizes do nothing.
#pragma once
#include "bytes.hxx"

#if defined(__clang__)
#define ONNX_BRIDGE_PICK(type, a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define ONNX_BRIDGE_PICK(type, a, b, ...) __builtin_shuffle(a, b, type{__VA_ARGS__})
#endif

typedef std::uint32_t words4 __attribute__((vector_size(16)));

/// Four rows become four columns.
ONNX_BRIDGE_INLINE void transpose_words(words4 (&r)[4])
{
   const words4 a = ONNX_BRIDGE_PICK(words4, r[0], r[1], 0, 4, 1, 5), b = ONNX_BRIDGE_PICK(words4, r[0], r[1], 2, 6, 3, 7);
   const words4 c = ONNX_BRIDGE_PICK(words4, r[2], r[3], 0, 4, 1, 5), d = ONNX_BRIDGE_PICK(words4, r[2], r[3], 2, 6, 3, 7);
   r[0] = ONNX_BRIDGE_PICK(words4, a, c, 0, 1, 4, 5);
   r[1] = ONNX_BRIDGE_PICK(words4, a, c, 2, 3, 6, 7);
   r[2] = ONNX_BRIDGE_PICK(words4, b, d, 0, 1, 4, 5);
   r[3] = ONNX_BRIDGE_PICK(words4, b, d, 2, 3, 6, 7);
}

#if ONNX_BRIDGE_LANES >= 8
typedef std::uint32_t words8 __attribute__((vector_size(32)));

/// Eight rows become eight columns: pairs, fours, then halves of a register are exchanged.
ONNX_BRIDGE_INLINE void transpose_words(words8 (&r)[8])
{
   words8 s[8];
   ONNX_BRIDGE_UNROLL
   for (int i = 0; i < 8; i += 2) {
      s[i] = ONNX_BRIDGE_PICK(words8, r[i], r[i + 1], 0, 8, 1, 9, 4, 12, 5, 13);
      s[i + 1] = ONNX_BRIDGE_PICK(words8, r[i], r[i + 1], 2, 10, 3, 11, 6, 14, 7, 15);
   }
   ONNX_BRIDGE_UNROLL
   for (int i = 0; i < 8; i += 4) {
      r[i] = ONNX_BRIDGE_PICK(words8, s[i], s[i + 2], 0, 1, 8, 9, 4, 5, 12, 13);
      r[i + 1] = ONNX_BRIDGE_PICK(words8, s[i], s[i + 2], 2, 3, 10, 11, 6, 7, 14, 15);
      r[i + 2] = ONNX_BRIDGE_PICK(words8, s[i + 1], s[i + 3], 0, 1, 8, 9, 4, 5, 12, 13);
      r[i + 3] = ONNX_BRIDGE_PICK(words8, s[i + 1], s[i + 3], 2, 3, 10, 11, 6, 7, 14, 15);
   }
   ONNX_BRIDGE_UNROLL
   for (int i = 0; i < 4; i++) {
      s[i] = ONNX_BRIDGE_PICK(words8, r[i], r[i + 4], 0, 1, 2, 3, 8, 9, 10, 11);
      s[i + 4] = ONNX_BRIDGE_PICK(words8, r[i], r[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
   }
   ONNX_BRIDGE_UNROLL
   for (int i = 0; i < 8; i++) r[i] = s[i];
}
typedef words8 words;
#else
typedef words4 words;
#endif

/// One block: the first `columns` rows of src are read and the first `rows` rows of dst stored, each as wide as Words.
template <class Words, class T>
ONNX_BRIDGE_INLINE void transpose_block(T* dst, Size dst_stride, const T* src, Size src_stride, int rows, int columns)
{
   constexpr int side = sizeof(Words) / 4;
   Words r[side] = {};
   ONNX_BRIDGE_UNROLL
   for (int j = 0; j < side; j++)
      if (j < columns) std::memcpy(&r[j], static_cast<const void*>(src + j * src_stride), sizeof(Words));
   transpose_words(r);
   ONNX_BRIDGE_UNROLL
   for (int i = 0; i < side; i++)
      if (i < rows) std::memcpy(static_cast<void*>(dst + i * dst_stride), &r[i], sizeof(Words));
}

/// m and n of at least a block each. Strips of 64 bytes of src, so that a line of it is read once while it is in the cache.
template <class Words, class T>
ONNX_BRIDGE_INLINE void transpose_blocks(Size m, Size n, T* dst, Size dst_stride, const T* src, Size src_stride)
{
   constexpr int side = sizeof(Words) / 4;
   for (Size strip = 0; strip < m; strip += 16)
      for (Size j = 0; j < n; j += side) {
         const Size column = j + side <= n ? j : n - side;
         for (Size i = strip; i < strip + 16 && i < m; i += side) {
            const Size row = i + side <= m ? i : m - side;
            transpose_block<Words>(dst + row * dst_stride + column, dst_stride, src + column * src_stride + row, src_stride, side, side);
         }
      }
}

template <class T>
ONNX_BRIDGE_INLINE void transpose_elements(Size m, Size n, T* dst, Size dst_stride, const T* src, Size src_stride)
{
   constexpr Size strip_rows = 64 / sizeof(T);
   for (Size strip = 0; strip < m; strip += strip_rows) {
      const Size end = strip + strip_rows < m ? strip + strip_rows : m;
      for (Size tile = 0; tile < n; tile += 16)
         for (Size i = strip; i < end; i++)
            for (Size j = tile; j < tile + 16 && j < n; j++) copy_one(dst + i * dst_stride + j, src + j * src_stride + i);
   }
}

/// Two or three rows of dst, a picture's colours parted: blocks of four, which read on into the pixels that follow.
template <class T>
ONNX_BRIDGE_INLINE void transpose_few_rows(Size m, Size n, T* dst, Size dst_stride, const T* src, Size src_stride)
{
   Size j = 0;
   for (; (j + 3) * src_stride + 4 <= (n - 1) * src_stride + m; j += 4)
      transpose_block<words4>(dst + j, dst_stride, src + j * src_stride, src_stride, static_cast<int>(m), 4);
   transpose_elements(m, n - j, dst + j, dst_stride, src + j * src_stride, src_stride);
}

/// Two or three columns of a dense dst, colours brought together: blocks of four, whose rows write on into the row that follows.
template <class T>
ONNX_BRIDGE_INLINE void transpose_few_columns(Size m, Size n, T* dst, const T* src, Size src_stride)
{
   Size i = 0;
   for (; (i + 3) * n + 4 <= m * n && i + 4 <= m; i += 4)
      transpose_block<words4>(dst + i * n, n, src + i, src_stride, 4, static_cast<int>(n));
   transpose_elements(m - i, n, dst + i * n, n, src + i, src_stride);
}

template <class T>
ONNX_BRIDGE_KERNEL void copy_transposed(Size m, Size n, T* dst, Size dst_stride, const T* src, Size src_stride)
{
   if constexpr (sizeof(T) == 4) {
      constexpr Size side = sizeof(words) / 4;
      if (m >= side && n >= side) return transpose_blocks<words>(m, n, dst, dst_stride, src, src_stride);
      if (m >= 4 && n >= 4) return transpose_blocks<words4>(m, n, dst, dst_stride, src, src_stride);
      if (m >= 2 && m < 4 && n >= 8 && src_stride > 0) return transpose_few_rows(m, n, dst, dst_stride, src, src_stride);
      if (n >= 2 && n < 4 && m >= 8 && dst_stride == n) return transpose_few_columns(m, n, dst, src, src_stride);
   }
   transpose_elements(m, n, dst, dst_stride, src, src_stride);
}
