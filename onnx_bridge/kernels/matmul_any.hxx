// matmul_any.hxx: Y = A B in double precision and in integers. Rare; plain loops.
//
// Layout: element (m, k) of A at A[m * a_row + k * a_column], (k, n) of B at B[k * b_row + n * b_column]; Y[M][N], rows ldy apart.
// Floating point: blocks of 256 terms by fma() from +0, block sums added in order. Integers: exact modulo 2^bits, as ONNX has it.
// Y does not overlap A or B. M, N or K may be 0; K = 0 gives 0.
#pragma once
#include "gemm_tile.hxx"

/// What sums of products of T are made in: T itself, or for integers an unsigned type that wraps without fault.
template <class T>
struct ProductSum {
   using type = typename std::conditional<std::is_floating_point<T>::value, T,
                                          typename std::conditional<sizeof(T) <= 4, std::uint32_t, std::uint64_t>::type>::type;
};

/// Y[0 .. Columns) of one row, block by block.
template <int Columns, class T>
ONNX_BRIDGE_INLINE void any_columns(Size K, const T* A, Size a_column, const T* B, Size b_row, Size b_column, T* Y)
{
   using Sum = typename ProductSum<T>::type;
   Sum total[Columns] = {};
   for (Size begin = 0; begin < K; begin += block_terms) {
      const Size end = K - begin < block_terms ? K : begin + block_terms;
      Sum sum[Columns] = {};
      for (Size k = begin; k < end; k++) {
         const Sum a = static_cast<Sum>(A[k * a_column]);
         ONNX_BRIDGE_UNROLL
         for (int j = 0; j < Columns; j++) {
            const Sum b = static_cast<Sum>(B[k * b_row + j * b_column]);
            if constexpr (std::is_floating_point<T>::value)
               sum[j] = fma(a, b, sum[j]);
            else
               sum[j] += a * b;
         }
      }
      ONNX_BRIDGE_UNROLL
      for (int j = 0; j < Columns; j++) total[j] = begin == 0 ? sum[j] : total[j] + sum[j];
   }
   ONNX_BRIDGE_UNROLL
   for (int j = 0; j < Columns; j++) Y[j] = static_cast<T>(total[j]);
}

/// Y[m][n] = sum over k of A[m][k] B[k][n].
template <class T>
ONNX_BRIDGE_KERNEL void matmul_any(Size M, Size N, Size K, const T* A, Size a_row, Size a_column, const T* B, Size b_row, Size b_column,
                                   T* Y, Size ldy)
{
   for (Size m = 0; m < M; m++, A += a_row, Y += ldy) {
      Size n = 0;
      for (; n + 8 <= N; n += 8) any_columns<8>(K, A, a_column, B + n * b_column, b_row, b_column, Y + n);
      for (; n < N; n++) any_columns<1>(K, A, a_column, B + n * b_column, b_row, b_column, Y + n);
   }
}
