// gemm_small.hxx: small layers, Y = epilogue(bias + X W), with sizes known at compile time: a few rows are computed where they stand.
//
// Operands, order of summation and bits: those of gemm() and dot_rows() in gemm.hxx. K <= 256, one block of terms; N <= 128.
#pragma once
#include "epilogue.hxx"

/// The columns Begin .. N - 1 of one row.
template <Size Begin, Size N, Size K, class Epilogue>
ONNX_BRIDGE_INLINE void small_row(Const<N> n, Const<K> k, const float* x, const float* W, const float* bias, float* y, Size row,
                                  const Epilogue& epilogue)
{
   constexpr Size most = lanes == 4 ? 32 : 64;  // at once: more would not stay in registers
   constexpr int vectors = static_cast<int>(((N - Begin < most ? N - Begin : most) + lanes - 1) / lanes);
   vec sum[vectors] = {};
   for (Size i = 0; i < K; i++) {
      const vec value = splat(x[i]);
      ONNX_BRIDGE_UNROLL
      for (int j = 0; j < vectors; j++) {
         const Size column = Begin + j * lanes;
         sum[j] = fma(value, load(W + column / 16 * (16 * K) + 16 * i + column % 16), sum[j]);
      }
   }
   ONNX_BRIDGE_UNROLL
   for (int j = 0; j < vectors; j++) {
      const Size column = Begin + j * lanes;
      const vec total = bias ? load(bias + column) + sum[j] : sum[j];
      if (column + lanes <= N)
         store(y + column, epilogue(total, row, column, All()));
      else
         store(y + column, epilogue(total, row, column, N - column), N - column);
   }
   if constexpr (Begin + most < N) small_row<Begin + most>(n, k, x, W, bias, y, row, epilogue);
}

/// Rows of the tiles that more rows are cut into: enough sums to hide a multiplication's latency.
constexpr int highest_tile = lanes == 16 ? 7 : 6, lowest_tile = (highest_tile + 1) / 2;

/// `columns` columns of Rows rows, by vectors that are in registers until they are summed. m, n: the first row and column to the epilogue.
template <int Rows, int Vectors, class Epilogue>
ONNX_BRIDGE_KERNEL void small_tile(Size columns, Size K, const float* X, Size ldx, const float* W, const float* bias, float* Y, Size ldy, Size m,
                                   Size n, const Epilogue& epilogue)
{
   vec sum[Rows][Vectors] = {}, total[Rows][Vectors];
   for (Size k = 0; k < K; k++) {
      vec w[Vectors];
      ONNX_BRIDGE_UNROLL
      for (int j = 0; j < Vectors; j++) w[j] = load(W + 16 * k + j * lanes / 16 * (16 * K) + j * lanes % 16);
      ONNX_BRIDGE_UNROLL
      for (int i = 0; i < Rows; i++) {
         const vec x = splat(X[i * ldx + k]);
         ONNX_BRIDGE_UNROLL
         for (int j = 0; j < Vectors; j++) sum[i][j] = fma(x, w[j], sum[i][j]);
      }
   }
   ONNX_BRIDGE_UNROLL
   for (int i = 0; i < Rows; i++) {
      ONNX_BRIDGE_UNROLL
      for (int j = 0; j < Vectors; j++) total[i][j] = bias ? load(bias + j * lanes) + sum[i][j] : sum[i][j];
   }
   for (int i = 0; i < Rows; i++, Y += ldy)
      for (int j = 0; j < Vectors; j++) {
         const Size column = j * lanes, rest = columns - column;
         if (rest >= lanes)
            store(Y + column, epilogue(total[i][j], m + i, n + column, All()));
         else if (rest > 0)
            store(Y + column, epilogue(total[i][j], m + i, n + column, rest), rest);
      }
}

/// Columns n .. n + columns - 1 of M >= lowest_tile rows, in tiles of equal height, one row more or less.
template <int Vectors, class Epilogue, int... Rows>
ONNX_BRIDGE_INLINE void small_columns(Size M, Size n, Size columns, Size K, const float* X, Size ldx, const float* W, const float* bias, float* Y,
                                      Size ldy, const Epilogue& epilogue, std::integer_sequence<int, Rows...>)
{
   static constexpr auto tile = {&small_tile<lowest_tile + Rows, Vectors, Epilogue>...};
   const Size tiles = (M + highest_tile - 1) / highest_tile;
   for (Size t = 0, m = 0, rows; t < tiles; t++, m += rows) {
      rows = M / tiles + (t < M % tiles);
      tile.begin()[rows - lowest_tile](columns, K, X + m * ldx, ldx, W + n / 16 * (16 * K) + n % 16, bias ? bias + n : nullptr, Y + m * ldy + n,
                                       ldy, m, n, epilogue);
   }
}

/// Y[m][n] = epilogue(bias[n] + sum over k of X[m][k] W[k][n]).
template <Size N, Size K, class Epilogue>
ONNX_BRIDGE_INLINE void gemm_small(Size M, Const<N> n, Const<K> k, const float* X, Size ldx, const float* W, const float* bias, float* Y,
                                   Size ldy, const Epilogue& epilogue)
{
   static_assert(0 < N && N <= 128 && K <= 256, "a small layer");
   if (M <= 3) {
      for (Size m = 0; m < M; m++) small_row<0>(n, k, X + m * ldx, W, bias, Y + m * ldy, m, epilogue);
      return;
   }
   constexpr std::make_integer_sequence<int, highest_tile - lowest_tile + 1> heights;
   constexpr Size width = 2 * lanes, whole = lanes == 16 && N % width <= lanes ? N - N % width : N;
   for (Size column = 0; column < whole; column += width)
      small_columns<2>(M, column, N - column < width ? N - column : width, K, X, ldx, W, bias, Y, ldy, epilogue, heights);
   if constexpr (whole < N) small_columns<1>(M, whole, N - whole, K, X, ldx, W, bias, Y, ldy, epilogue, heights);
}
