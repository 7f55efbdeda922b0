// gemm.hxx: Y = epilogue(bias + X W) with constant weights W, and rows times one vector.
//
// Layout: X[M][K] with rows ldx apart, Y[M][N] with rows ldy apart, N <= ldy. W in panels of 16 columns, [ceil(N / 16)][K][16],
//   the columns beyond N zero; bias of ceil(N / 16) * 16 floats, or nullptr.
// Nothing is written beyond column N. Y does not overlap X, W, bias or what the epilogue reads. No alignment is asked for.
// Order of summation: blocks of 256 terms, each by fma() one term at a time from +0; ((bias + S0) + S1) + ..., without a bias
//   (S0 + S1) + ...: onnxruntime's own bits. The same for every M, column, tile and processor with fma().
// NaN and inf propagate as the sums have them. M, N or K may be 0; K = 0 gives epilogue(bias) or epilogue(0).
#pragma once
#include "product.hxx"

/// Whether a row's product is unrolled where it stands: sizes known and small.
template <class N, class K>
struct is_small_product : std::false_type {};
template <Size N, Size K>
struct is_small_product<Const<N>, Const<K>> {
   static constexpr bool value = N > 0 && K <= block_terms&& N <= 128 && K* N <= 8192;
};

/// The columns Begin .. N - 1 of one row.
template <Size Begin, Size N, Size K, class Epilogue>
ONNX_BRIDGE_INLINE void small_row(Const<N> n, Const<K> k, const float* x, const float* W, const float* bias, float* y, Size row,
                                  const Epilogue& epilogue)
{
   constexpr Size most = gemv_panels * panel_columns;  // at once: more would not stay in registers
   constexpr int vectors = static_cast<int>(((N - Begin < most ? N - Begin : most) + lanes - 1) / lanes);
   vec sum[vectors] = {};
   for (Size i = 0; i < K; i++) {
      const vec value = splat(x[i]);
      ONNX_BRIDGE_UNROLL
      for (int j = 0; j < vectors; j++) {
         const Size column = Begin + j * lanes;
         sum[j] = fma(value, load(W + column / panel_columns * (panel_columns * K) + panel_columns * i + column % panel_columns), sum[j]);
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

/// Y[m][n] = epilogue(bias[n] + sum over k of X[m][k] W[k][n]). N and K: Size, or Const<> for a small layer, whose rows,
/// if they are few, are then computed without a call.
template <class N, class K, class Epilogue>
ONNX_BRIDGE_INLINE void gemm(Size M, N n, K k, const float* X, Size ldx, const float* W, const float* bias, float* Y, Size ldy,
                             const Epilogue& epilogue)
{
   if constexpr (is_small_product<N, K>::value) {
      if (M <= 3) {
         for (Size m = 0; m < M; m++) small_row<0>(n, k, X + m * ldx, W, bias, Y + m * ldy, m, epilogue);
         return;
      }
   }
   multiply_packed(M, n, k, X, ldx, 1, W, bias, Y, ldy, epilogue);
}

/// One step of a product of two rows of numbers, for sum_in_lanes.
struct DotStep {
   const float *x, *w;

   template <class Count>
   __attribute__((always_inline)) vec operator()(vec sum, Size i, Count count) const
   {
      return fma(load(x + i, count), load(w + i, count), sum);
   }
};

template <class K, class Epilogue>
ONNX_BRIDGE_INLINE void dot_each_row(Size M, K k, const float* X, Size ldx, const float* w, const float* bias, float* Y,
                                     const Epilogue& epilogue)
{
   const auto dot = [&](Size m) __attribute__((always_inline)) {
      const float sum = sum_in_lanes(k, DotStep{X + m * ldx, w});
      return bias ? *bias + sum : sum;
   };
   if (M == 1) {
      *Y = epilogue(splat(dot(0)), 0, 0, Size(1))[0];
      return;
   }
   for (Size m = 0; m < M; m += lanes) {
      alignas(64) float total[lanes] = {};
      const Size count = M - m < lanes ? M - m : lanes;
      for (Size i = 0; i < count; i++) total[i] = dot(m + i);
      finish_tile(1, count, total, lanes, Y + m, lanes, 0, m, epilogue);
   }
}
template <class Epilogue>
ONNX_BRIDGE_KERNEL void dot_rows_of_any_size(Size M, Size K, const float* X, Size ldx, const float* w, const float* bias, float* Y,
                                             const Epilogue& epilogue)
{
   dot_each_row(M, K, X, ldx, w, bias, Y, epilogue);
}

/// Y[m] = epilogue(bias[0] + X[m] . w), a layer with one output: w[K] plain; bias one float or nullptr. Y[M] has no gaps, and to
/// the epilogue it is one row: it is given the elements (0, m).
/// Order of summation: 32 lanes, folded by halves, a second level every 2048 terms, for every M.
template <class K, class Epilogue>
ONNX_BRIDGE_INLINE void dot_rows(Size M, K k, const float* X, Size ldx, const float* w, const float* bias, float* Y,
                                 const Epilogue& epilogue)
{
   if constexpr (is_small_product<Const<1>, K>::value)
      dot_each_row(M, k, X, ldx, w, bias, Y, epilogue);
   else
      dot_rows_of_any_size(M, k, X, ldx, w, bias, Y, epilogue);
}
