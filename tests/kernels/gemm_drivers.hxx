// gemm_drivers.hxx: what gemm_test.cpp calls inside an instruction-set region: epilogues and small sizes cannot cross its border.
#pragma once
#include "dot_small.hxx"
#include "gemm.hxx"
#include "gemm_small.hxx"
#include "matmul.hxx"
#include "matmul_any.hxx"

/// value * scale[column] + residual[row][column], below 0 an eighth of it; counts how often each element is seen.
struct TestEpilogue {
   const float *scale, *residual;
   Size residual_row;
   int* seen;

   template <class Count>
   __attribute__((always_inline)) vec operator()(vec value, Size row, Size column, Count count) const
   {
      for (Size i = 0; i < Size(count); i++) seen[row * residual_row + column + i]++;
      const vec y = fma(value, load(scale + column, count), load(residual + row * residual_row + column, count));
      return y < 0.f ? mul(y, splat(0.125f)) : y;
   }
};

ONNX_BRIDGE_KERNEL void test_gemm(Size M, Size N, Size K, const float* X, Size ldx, const float* W, const float* bias, float* Y, Size ldy)
{
   gemm(M, N, K, X, ldx, W, bias, Y, ldy, Keep());
}
/// The same with `cheap`, which changes the code and not the result.
struct CheapTestEpilogue : TestEpilogue {
   static constexpr bool cheap = true;
};

ONNX_BRIDGE_KERNEL void test_gemm_epilogue(Size M, Size N, Size K, const float* X, Size ldx, const float* W, const float* bias, float* Y,
                                           Size ldy, const float* scale, const float* residual, Size residual_row, int* seen)
{
   if (N == 33 && K == 31)
      gemm_small(M, Const<33>(), Const<31>(), X, ldx, W, bias, Y, ldy, TestEpilogue{scale, residual, residual_row, seen});
   else if (M % 2)
      gemm(M, N, K, X, ldx, W, bias, Y, ldy, CheapTestEpilogue{{scale, residual, residual_row, seen}});
   else
      gemm(M, N, K, X, ldx, W, bias, Y, ldy, TestEpilogue{scale, residual, residual_row, seen});
}

template <Size N, Size K>
ONNX_BRIDGE_KERNEL void test_small(Size M, const float* X, Size ldx, const float* W, const float* bias, float* Y, Size ldy)
{
   gemm_small(M, Const<N>(), Const<K>(), X, ldx, W, bias, Y, ldy, Keep());
}
/// False where the pair is not one of the instantiated ones.
ONNX_BRIDGE_KERNEL bool test_gemm_small(Size M, Size N, Size K, const float* X, Size ldx, const float* W, const float* bias, float* Y,
                                        Size ldy)
{
#define ONNX_BRIDGE_TEST_SMALL(n, k) \
   if (N == n && K == k) return test_small<n, k>(M, X, ldx, W, bias, Y, ldy), true
   ONNX_BRIDGE_TEST_SMALL(1, 7);
   ONNX_BRIDGE_TEST_SMALL(10, 64);
   ONNX_BRIDGE_TEST_SMALL(16, 256);
   ONNX_BRIDGE_TEST_SMALL(33, 31);
   ONNX_BRIDGE_TEST_SMALL(64, 7);
   ONNX_BRIDGE_TEST_SMALL(64, 64);
   ONNX_BRIDGE_TEST_SMALL(100, 20);
   return false;
}

ONNX_BRIDGE_KERNEL void test_dot_rows(Size M, Size K, const float* X, Size ldx, const float* w, const float* bias, float* Y)
{
   if (K == 64)
      dot_small(M, Const<64>(), X, ldx, w, bias, Y, Keep());
   else
      dot_rows(M, K, X, ldx, w, bias, Y, Keep());
}

ONNX_BRIDGE_KERNEL void test_matmul(Size M, Size N, Size K, const float* A, Size a_row, Size a_column, const float* B, Size b_row,
                                    Size b_column, float* Y, Size ldy, float* scratch)
{
   matmul(M, N, K, A, a_row, a_column, B, b_row, b_column, Y, ldy, scratch, Keep());
}
ONNX_BRIDGE_KERNEL void test_matmul_epilogue(Size M, Size N, Size K, const float* A, Size a_row, Size a_column, const float* B, Size b_row,
                                             Size b_column, float* Y, Size ldy, float* scratch, const float* scale, const float* residual,
                                             Size residual_row, int* seen)
{
   matmul(M, N, K, A, a_row, a_column, B, b_row, b_column, Y, ldy, scratch, TestEpilogue{scale, residual, residual_row, seen});
}
