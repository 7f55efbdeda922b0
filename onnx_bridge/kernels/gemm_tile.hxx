// gemm_tile.hxx: sums of products for a few rows and a few vectors of columns, all in registers.
//
// Order of summation, here and in everything built on it: the terms are cut into blocks of 256; inside a block one term at a time
// by fma() from +0; block sums are added in order to the bias, or to each other: ((bias + S0) + S1) + ...
// Right operands are read through Panels, so that packed weights and a matrix as it lies in memory go through the same code.
// No alignment is asked for; operands and result do not overlap, except that `start` may be the tile itself.
#pragma once
#include "vector.hxx"

constexpr Size panel_columns = 16;  // of packed right operands, on every processor
constexpr Size block_terms = 256;

/// Rows and vectors of columns of the largest tile: what the registers hold.
constexpr int tile_rows = lanes == 16 ? 14 : 6;
constexpr int tile_vectors = 2;

/// n rounded up to whole panels.
constexpr Size whole_panels(Size n) { return (n + panel_columns - 1) / panel_columns * panel_columns; }

/// A right operand: element (k, n) lies at data[k * row + n / 16 * panel + n % 16].
/// Packed: row 16, panel 16 K. A plain matrix with contiguous columns: row its stride, panel 16.
struct Panels {
   const float* data;
   Size row, panel;

   /// The same operand seen from term k and column n on (n a multiple of 16, or any n in a plain matrix or within one panel).
   __attribute__((always_inline)) Panels from(Size k, Size n) const
   {
      return {data + k * row + n / panel_columns * panel + n % panel_columns, row, panel};
   }
};

/// sum[i][j] = start[i][j] + sum over one block of `terms` <= 256 terms of X[i][k] W[k][j]; without start (nullptr) the sum alone.
/// start_row is 0 for a bias.
template <int Rows, int Vectors>
ONNX_BRIDGE_INLINE void sum_tile(Size terms, const float* X, Size ldx, const Panels& W, const float* start, Size start_row,
                                 vec (&sum)[Rows][Vectors])
{
   ONNX_BRIDGE_UNROLL
   for (int i = 0; i < Rows; i++) {
      ONNX_BRIDGE_UNROLL
      for (int j = 0; j < Vectors; j++) sum[i][j] = vec{};
   }
   const float* w = W.data;
   const Size row = W.row, panel = W.panel;
   for (Size k = 0; k < terms; k++, w += row) {
      vec column[Vectors];
      ONNX_BRIDGE_UNROLL
      for (int j = 0; j < Vectors; j++) column[j] = load(w + j * lanes / panel_columns * panel + j * lanes % panel_columns);
      ONNX_BRIDGE_UNROLL
      for (int i = 0; i < Rows; i++) {
         const vec x = splat(X[i * ldx + k]);
         ONNX_BRIDGE_UNROLL
         for (int j = 0; j < Vectors; j++) sum[i][j] = fma(x, column[j], sum[i][j]);
      }
   }
   if (start) {
      ONNX_BRIDGE_UNROLL
      for (int i = 0; i < Rows; i++) {
         ONNX_BRIDGE_UNROLL
         for (int j = 0; j < Vectors; j++) sum[i][j] = load(start + i * start_row + j * lanes) + sum[i][j];
      }
   }
}

/// sum_tile to memory: Y[i][j]; start may be Y itself, where the total so far waits.
template <int Rows, int Vectors>
ONNX_BRIDGE_KERNEL void gemm_tile(Size terms, const float* X, Size ldx, const Panels& W, const float* start, Size start_row, float* Y,
                                  Size ldy)
{
   vec sum[Rows][Vectors];
   sum_tile(terms, X, ldx, W, start, start_row, sum);
   ONNX_BRIDGE_UNROLL
   for (int i = 0; i < Rows; i++) {
      ONNX_BRIDGE_UNROLL
      for (int j = 0; j < Vectors; j++) store(Y + i * ldy + j * lanes, sum[i][j]);
   }
}

using GemmTile = void (*)(Size, const float*, Size, const Panels&, const float*, Size, float*, Size);

/// The most vectors of columns, of 1, 2 and 4, for which there is a tile of `rows` rows and that fit into `columns`;
/// the fewest there are where none fits.
ONNX_BRIDGE_INLINE int vectors_of_tile(int rows, Size columns)
{
   if (rows <= 3 && columns >= 4 * lanes) return 4;
   return lanes == 16 && columns < 2 * lanes ? 1 : tile_vectors;
}

/// The tile of 1 <= rows <= tile_rows rows and as many vectors as vectors_of_tile says.
ONNX_BRIDGE_INLINE GemmTile find_tile(int rows, int vectors)
{
   static const GemmTile wide[] = {gemm_tile<1, 4>, gemm_tile<2, 4>, gemm_tile<3, 4>};
   static const GemmTile usual[] = {gemm_tile<1, 2>,  gemm_tile<2, 2>,  gemm_tile<3, 2>, gemm_tile<4, 2>,  gemm_tile<5, 2>,
                                    gemm_tile<6, 2>,
#if ONNX_BRIDGE_LANES == 16
                                    gemm_tile<7, 2>,  gemm_tile<8, 2>,  gemm_tile<9, 2>, gemm_tile<10, 2>, gemm_tile<11, 2>,
                                    gemm_tile<12, 2>, gemm_tile<13, 2>, gemm_tile<14, 2>
#endif
   };
#if ONNX_BRIDGE_LANES == 16
   static const GemmTile narrow[] = {gemm_tile<1, 1>,  gemm_tile<2, 1>,  gemm_tile<3, 1>,  gemm_tile<4, 1>, gemm_tile<5, 1>,
                                     gemm_tile<6, 1>,  gemm_tile<7, 1>,  gemm_tile<8, 1>,  gemm_tile<9, 1>, gemm_tile<10, 1>,
                                     gemm_tile<11, 1>, gemm_tile<12, 1>, gemm_tile<13, 1>, gemm_tile<14, 1>};
   if (vectors == 1) return narrow[rows - 1];
#endif
   return (vectors == 4 ? wide : usual)[rows - 1];
}

/// One row against `Count` panels, every block of it: y[16 Count]. `Blocks` whole blocks are summed side by side, which hides the
/// latency of fma() where the panels are too few to do so, and then added in order: the same sums as gemm_tile's.
template <int Count, int Blocks>
ONNX_BRIDGE_KERNEL void gemv_tile(Size K, const float* x, Size x_column, const Panels& W, const float* bias, float* y)
{
   constexpr int vectors = Count * static_cast<int>(panel_columns) / lanes;
   vec total[vectors];
   bool started = bias != nullptr;
   ONNX_BRIDGE_UNROLL
   for (int j = 0; j < vectors; j++) total[j] = bias ? load(bias + j * lanes) : vec{};
   const auto add_blocks = [&](auto side_by_side, Size begin, Size terms) __attribute__((always_inline)) {
      constexpr int blocks = static_cast<int>(Size(side_by_side));
      vec sum[blocks][vectors] = {};
      const float* term = x + begin * x_column;
      const float* w = W.data + begin * W.row;
      for (Size k = 0; k < terms; k++, w += W.row, term += x_column) {
         ONNX_BRIDGE_UNROLL
         for (int b = 0; b < blocks; b++) {
            const vec value = splat(term[b * block_terms * x_column]);
            ONNX_BRIDGE_UNROLL
            for (int j = 0; j < vectors; j++) {
               const Size at = j * lanes / panel_columns * W.panel + j * lanes % panel_columns;
               sum[b][j] = fma(value, load(w + b * block_terms * W.row + at), sum[b][j]);
            }
         }
      }
      ONNX_BRIDGE_UNROLL
      for (int b = 0; b < blocks; b++) {
         ONNX_BRIDGE_UNROLL
         for (int j = 0; j < vectors; j++) total[j] = started ? total[j] + sum[b][j] : sum[b][j];
         started = true;
      }
   };
   Size begin = 0;
   if (Blocks > 1)
      for (; begin + Blocks * block_terms <= K; begin += Blocks * block_terms) add_blocks(Const<Blocks>(), begin, block_terms);
   for (; begin < K; begin += block_terms) add_blocks(Const<1>(), begin, K - begin < block_terms ? K - begin : block_terms);
   ONNX_BRIDGE_UNROLL
   for (int j = 0; j < vectors; j++) store(y + j * lanes, total[j]);
}

/// Panels that gemv_columns takes at once, at most: more streams would collide in the first cache where K is a power of two.
constexpr Size gemv_panels = lanes == 4 ? 2 : 4;

/// y[16 panels] for the next 4, 2 or 1 panels, whichever is the most that `panels` allows; returns how many it took.
ONNX_BRIDGE_INLINE Size gemv_columns(Size panels, Size K, const float* x, Size x_column, const Panels& W, const float* bias, float* y)
{
   constexpr int side_by_side = lanes == 16 ? 4 : 2;  // for two panels
   if (gemv_panels == 4 && panels >= 4) {
      gemv_tile<lanes == 4 ? 1 : 4, 1>(K, x, x_column, W, bias, y);
      return 4;
   }
   if (panels >= 2) {
      gemv_tile<2, lanes == 4 ? 1 : side_by_side>(K, x, x_column, W, bias, y);
      return 2;
   }
   gemv_tile<1, lanes == 4 ? 2 : 4>(K, x, x_column, W, bias, y);
   return 1;
}
