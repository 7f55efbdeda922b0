// matmul.hxx: Y = epilogue(A B) where both are known only at run time, one matrix each.
//
// Layout: element (m, k) of A at A[m * a_row + k * a_column], (k, n) of B at B[k * b_row + n * b_column]: any strides, so that
//   transposed and broadcast operands need no copy. Y[M][N] with rows ldy apart, N <= ldy; nothing is written beyond column N.
// `scratch` holds matmul_scratch(M, N, K) floats. Y, scratch and the operands do not overlap, nor does the epilogue read Y.
// Order of summation: gemm.hxx's without a bias, for every M, N and stride (also for M = 1 and N = 1).
// NaN and inf propagate as the sums have them. M, N or K may be 0; K = 0 gives epilogue(0). No alignment is asked for.
#pragma once
#include "pack.hxx"
#include "product_tiles.hxx"

/// Floats of scratch: the right matrix, as far as it is packed at a time.
constexpr Size matmul_scratch(Size /*M*/, Size N, Size K)
{
   return (K < block_terms ? K : block_terms) * (whole_panels(N) < 256 ? whole_panels(N) : 256);
}

/// Y[m][n] = epilogue(sum over k of A[m][k] B[k][n]).
template <class Epilogue>
ONNX_BRIDGE_KERNEL void matmul(Size M, Size N, Size K, const float* A, Size a_row, Size a_column, const float* B, Size b_row, Size b_column,
                               float* Y, Size ldy, float* scratch, const Epilogue& epilogue)
{
   const bool plain = b_column == 1 && N >= panel_columns && M <= 2 * tile_rows;  // too few rows to be worth the copy
   if (M == 1 && plain) {
      multiply_row(N, K, A, a_column, Panels{B, b_row, panel_columns}, true, nullptr, Y, epilogue);
      return;
   }
   const ProductCut cut(M, N, K, a_row, a_column, !plain);
   for (Size n = 0; n < N; n += cut.columns) {
      const Size columns = N - n < cut.columns ? N - n : cut.columns;
      Size k = 0;
      do {
         const Size terms = K - k < cut.terms ? K - k : cut.terms;
         if (!plain) pack_panels(terms, columns, B + k * b_row + n * b_column, b_row, b_column, scratch);
         const Panels right =
             plain ? Panels{B + k * b_row + n, b_row, panel_columns} : Panels{scratch, panel_columns, panel_columns * terms};
         const ProductPart part = {M, terms, A + k * a_column, a_row, a_column, right, plain, nullptr, k == 0, k + terms == K};
         add_part(part, cut.copies, columns, Y + n, ldy, n, epilogue);
         k += terms;
      } while (k < K);
   }
}
