// gemm.hxx: Y = epilogue(bias + X W) with constant weights W, and rows times one vector.
//
// Layout: X[M][K] with rows ldx apart, Y[M][N] with rows ldy apart, N <= ldy. W in panels of 16 columns, [ceil(N / 16)][K][16],
//   the columns beyond N zero; bias of ceil(N / 16) * 16 floats, or nullptr.
// Nothing is written beyond column N. Y does not overlap X, W, bias or what the epilogue reads. No alignment is asked for.
// Order of summation: blocks of 256 terms, each by fma() one term at a time from +0; ((bias + S0) + S1) + ..., without a bias
//   (S0 + S1) + ...: onnxruntime's own bits. The same for every M, column, tile and processor with fma().
// NaN and inf propagate as the sums have them. M, N or K may be 0; K = 0 gives epilogue(bias) or epilogue(0).
#pragma once
#include "product_tiles.hxx"

/// Y[m][n] = epilogue(bias[n] + sum over k of X[m][k] W[k][n]).
template <class Epilogue>
ONNX_BRIDGE_INLINE void gemm(Size M, Size N, Size K, const float* X, Size ldx, const float* W, const float* bias, float* Y, Size ldy,
                             const Epilogue& epilogue)
{
   multiply_packed(M, N, K, X, ldx, 1, W, bias, Y, ldy, epilogue);
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

/// Y[m] = epilogue(bias[0] + X[m] . w), a layer with one output: w[K] plain; bias one float or nullptr. Y[M] has no gaps, and to
/// the epilogue it is one row: it is given the elements (0, m).
/// Order of summation: 32 lanes, folded by halves, a second level every 2048 terms, for every M.
template <class Epilogue>
ONNX_BRIDGE_KERNEL void dot_rows(Size M, Size K, const float* X, Size ldx, const float* w, const float* bias, float* Y,
                                 const Epilogue& epilogue)
{
   const auto dot = [&](Size m) __attribute__((always_inline)) {
      const float sum = sum_in_lanes(K, DotStep{X + m * ldx, w});
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
