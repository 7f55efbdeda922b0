// dot_small.hxx: a layer with one output and K <= 256 terms, which are known. Operands, order of summation and bits: dot_rows()'s in gemm.hxx.
#pragma once
#include "epilogue.hxx"

/// x . w in 32 lanes, folded by halves.
template <Size K>
ONNX_BRIDGE_INLINE float dot_row(const float* x, const float* w)
{
   static_assert(K <= 256, "a small layer");
   constexpr Size whole = K / lanes;
   vec sum[32 / lanes] = {};
   ONNX_BRIDGE_UNROLL
   for (Size i = 0; i < whole; i++) sum[i % (32 / lanes)] = fma(load(x + i * lanes), load(w + i * lanes), sum[i % (32 / lanes)]);
   if constexpr (K % lanes > 0) {
      vec& last = sum[whole % (32 / lanes)];
      last = fma(load(x + whole * lanes, K % lanes), load(w + whole * lanes, K % lanes), last);
   }
   return fold(sum);
}

/// Y[m] = epilogue(bias[0] + X[m] . w); to the epilogue Y is one row.
template <Size K, class Epilogue>
ONNX_BRIDGE_INLINE void dot_small(Size M, Const<K>, const float* X, Size ldx, const float* w, const float* bias, float* Y,
                                  const Epilogue& epilogue)
{
   const auto value = [&](Size m) __attribute__((always_inline)) -> float { return bias ? *bias + dot_row<K>(X + m * ldx, w) : dot_row<K>(X + m * ldx, w); };
   if (M == 1) {
      *Y = epilogue(splat(value(0)), 0, 0, Size(1))[0];
      return;
   }
   for (Size m = 0; m < M; m += lanes) {
      alignas(64) float values[lanes] = {};
      const Size count = M - m < lanes ? M - m : lanes;
      for (Size i = 0; i < count; i++) values[i] = value(m + i);
      store(Y + m, epilogue(load(values), 0, m, count), count);
   }
}
