// pack.hxx: a matrix that is known only at run time, copied into panels of 16 columns.
//
// packed[ceil(N / 16)][K][16], +0 in the columns beyond N. Any strides, any alignment; `packed` does not overlap B.
#pragma once
#include "gemm_tile.hxx"
#include "transpose.hxx"

/// One panel: packed[K][16] from `columns` <= 16 columns of B, element (k, n) at B[k * b_row + n * b_column].
ONNX_BRIDGE_KERNEL void pack_panel(Size K, Size columns, const float* B, Size b_row, Size b_column, float* packed)
{
   if (b_column == 1 && columns == panel_columns) {
      for (Size k = 0; k < K; k++) {
         ONNX_BRIDGE_UNROLL
         for (Size j = 0; j < panel_columns; j += lanes) store(packed + k * panel_columns + j, load(B + k * b_row + j));
      }
      return;
   }
   if (K == 0) return;
   if (columns < panel_columns) std::memset(packed, 0, static_cast<std::size_t>(K * panel_columns) * sizeof(float));
   transpose(columns, K, B, b_column, b_row, packed, panel_columns);
}

/// packed[ceil(N / 16)][K][16] from B, element (k, n) at B[k * b_row + n * b_column].
ONNX_BRIDGE_INLINE void pack_panels(Size K, Size N, const float* B, Size b_row, Size b_column, float* packed)
{
   for (Size n = 0; n < N; n += panel_columns)
      pack_panel(K, N - n < panel_columns ? N - n : panel_columns, B + n * b_column, b_row, b_column, packed + n * K);
}
