// product_tiles.hxx: how products of matrices are cut into tiles. What gemm.hxx, matmul.hxx and attention.hxx have in common.
//
// Order of summation as in gemm_tile.hxx, whatever the sizes, strides and tiles. The total of blocks waits in Y; an epilogue is
// applied to a tile after its last block, while it is in the first cache. Y does not overlap the operands, nor what the
// epilogue reads. Nothing is written beyond column N of Y; nothing is read beyond column N of a plain right operand, nor beyond
// the last whole panel of a packed one and of the bias.
#pragma once
#include "epilogue.hxx"
#include "gemm_tile.hxx"
#include "transpose.hxx"

/// to[i][j] = epilogue(from[i][j]), known to the epilogue as element (row + i, column + j). `to` may be `from`.
template <class Epilogue>
ONNX_BRIDGE_INLINE void finish_tile(Size rows, Size columns, const float* from, Size from_row, float* to, Size to_row, Size row,
                                    Size column, const Epilogue& epilogue)
{
   for (Size i = 0; i < rows; i++, from += from_row, to += to_row) {
      Size j = 0;
      for (; j + lanes <= columns; j += lanes) store(to + j, epilogue(load(from + j), row + i, column + j, All()));
      if (j < columns) {
         const Size rest = columns - j;
         store(to + j, epilogue(load(from + j, rest), row + i, column + j, rest), rest);
      }
   }
}

/// The largest tile with its epilogue; m and n are its first row and column to the epilogue.
template <class Epilogue>
ONNX_BRIDGE_KERNEL void finished_tile(Size terms, const float* X, Size ldx, const Panels& W, const float* start, Size start_row, float* Y,
                                      Size ldy, Size m, Size n, const Epilogue& epilogue)
{
   vec sum[tile_rows][tile_vectors];
   sum_tile(terms, X, ldx, W, start, start_row, sum);
   ONNX_BRIDGE_UNROLL
   for (int i = 0; i < tile_rows; i++) {
      ONNX_BRIDGE_UNROLL
      for (int j = 0; j < tile_vectors; j++) store(Y + i * ldy + j * lanes, epilogue(sum[i][j], m + i, n + j * lanes, All()));
   }
}

/// Whether an epilogue says of itself `static constexpr bool cheap = true`: a few instructions, such as a ReLU. It is then applied in
/// the registers of the largest tile, at the price of one more copy of that tile in the program.
template <class Epilogue, class = void>
struct is_cheap : std::false_type {
   template <class... Argument>
   static void finish(const Argument&...)
   {
   }
};
template <class Epilogue>
struct is_cheap<Epilogue, typename std::enable_if<Epilogue::cheap>::type> : std::true_type {
   template <class... Argument>
   static __attribute__((always_inline)) void finish(const Argument&... argument)
   {
      finished_tile(argument...);
   }
};

/// Some of the terms of a product: whole blocks, or the last ones.
struct ProductPart {
   Size M, terms;
   const float* X;  ///< element (m, k) at X[m * x_row + k * x_column]
   Size x_row, x_column;
   Panels W;           ///< from the part's first term and the first column on
   bool plain;         ///< W is a plain matrix of at least 16 columns: there is nothing beyond the last one
   const float* bias;  ///< from the first column on; nullptr: none
   bool first, last;   ///< of the product's parts
};

/// How many terms and columns of the right operand all rows use before the next ones are touched; at most 256 of each where the
/// right operand is packed for it (`packs`). Does not show in the bits.
struct ProductCut {
   static constexpr Size elements = 65536;  ///< terms * columns: a quarter of a common second cache
   bool copies;                             ///< the left operand's rows are copied: not neighbours, or in the way of each other
   Size terms, columns;

   __attribute__((always_inline)) ProductCut(Size M, Size N, Size K, Size x_row, Size x_column, bool packs)
      // More than 8 rows a multiple of 4 KB apart contend for the same lines of the first cache: worth a copy if many columns use it.
      : copies(x_column != 1 || (x_row % 1024 == 0 && x_row != 0 && tile_rows > 8 && M > 8 && N >= 128 && K >= 64)), terms(K), columns(N)
   {
      const Size most = copies || packs ? block_terms : 4 * block_terms;
      if (terms > most) terms = most;
      const Size widest = terms <= block_terms ? elements / block_terms : elements / terms / 32 * 32;
      if (columns > widest) columns = widest;
   }
};

/// M > 0 rows cut into tiles as evenly as can be: no thin last one.
struct TileHeights {
   Size tiles, low, high;  ///< the first `high` tiles have low + 1 rows, the others `low`

   __attribute__((always_inline)) explicit TileHeights(Size M) : tiles((M + tile_rows - 1) / tile_rows), low(M / tiles), high(M % tiles) {}
   __attribute__((always_inline)) Size rows(Size tile) const { return low + (tile < high); }
   __attribute__((always_inline)) Size begin(Size tile) const { return tile * low + (tile < high ? tile : high); }
};

/// add_part for the tiles first_tile .. end_tile - 1; X is the left operand from the first one's first row on.
template <class Epilogue>
ONNX_BRIDGE_KERNEL void add_tiles(const ProductPart& part, const TileHeights& heights, Size first_tile, Size end_tile, const float* X,
                                  Size ldx, Size N, float* Y, Size ldy, Size column, const Epilogue& epilogue)
{
   const int most_rows = static_cast<int>(heights.low + (heights.high > 0));
   const Size first_row = heights.begin(first_tile);
   alignas(64) float sums[tile_rows * panel_columns];  // of the last columns, fewer than a tile has
   for (Size n = 0, width; n < N; n += width) {
      const int vectors = vectors_of_tile(most_rows, N - n);
      const GemmTile high = find_tile(most_rows, vectors), low = find_tile(static_cast<int>(heights.low), vectors);
      width = vectors * lanes;
      const bool whole = n + width <= N;
      if (!whole) std::memset(sums, 0, sizeof sums);
      const Size columns = whole ? width : N - n;
      const Size shift = part.plain ? width - columns : 0;  // in a plain matrix the tile begins earlier instead of ending later
      const Panels strip = part.plain ? Panels{part.W.data + n - shift, part.W.row, part.W.panel} : part.W.from(0, n);
      const float* bias = part.bias ? part.bias + n - shift : nullptr;
      const float* x = X;
      float* y = Y + first_row * ldy + n;
      for (Size t = first_tile, m = first_row, rows; t < end_tile; t++, m += rows, x += rows * ldx, y += rows * ldy) {
         rows = heights.rows(t);
         float* to = whole ? y : sums;
         const Size to_row = whole ? ldy : width;
         if (!whole && !part.first) finish_tile(rows, columns, y, ldy, sums + shift, width, 0, 0, Keep());
         const GemmTile tile = t < heights.high ? high : low;
         const float* start = part.first ? bias : to;
         Size start_row = part.first ? 0 : to_row, k = 0;
         for (; k + block_terms < part.terms; k += block_terms, start = to, start_row = to_row)
            tile(block_terms, x + k, ldx, {strip.data + k * strip.row, strip.row, strip.panel}, start, start_row, to, to_row);
         const Panels rest = {strip.data + k * strip.row, strip.row, strip.panel};
         if constexpr (is_cheap<Epilogue>::value)
            if (part.last && whole && rows == tile_rows && vectors == tile_vectors) {
               is_cheap<Epilogue>::finish(part.terms - k, x + k, ldx, rest, start, start_row, y, ldy, m, column + n, epilogue);
               continue;
            }
         tile(part.terms - k, x + k, ldx, rest, start, start_row, to, to_row);
         if (!part.last && !whole)
            finish_tile(rows, columns, sums + shift, width, y, ldy, 0, 0, Keep());
         else if (part.last && !(whole && std::is_same<Epilogue, Keep>::value))
            finish_tile(rows, columns, to + shift, to_row, y, ldy, m, column + n, epilogue);
      }
   }
}

/// copy[m][k] = X[m * x_row + k * x_column], the copy's rows copy_row apart.
ONNX_BRIDGE_KERNEL void copy_rows(Size rows, Size terms, const float* X, Size x_row, Size x_column, float* copy, Size copy_row)
{
   if (x_column == 1)
      for (Size m = 0; m < rows; m++) std::memcpy(copy + m * copy_row, X + m * x_row, static_cast<std::size_t>(terms) * sizeof(float));
   else
      transpose(terms, rows, X, x_column, x_row, copy, copy_row);
}

/// Adds a part to Y[M][N], the columns column .. column + N - 1 of the whole; applies the epilogue after the last part.
template <class Epilogue>
ONNX_BRIDGE_KERNEL void add_part(const ProductPart& part, bool copies, Size N, float* Y, Size ldy, Size column, const Epilogue& epilogue)
{
   if (part.M == 0) return;
   const TileHeights heights(part.M);
   if (!copies) {
      add_tiles(part, heights, 0, heights.tiles, part.X, part.x_row, N, Y, ldy, column, epilogue);
      return;
   }
   constexpr Size tiles_at_once = 14 / tile_rows, copy_row = block_terms + panel_columns;
   alignas(64) float copy[tiles_at_once * tile_rows * copy_row];
   for (Size t = 0; t < heights.tiles; t += tiles_at_once) {
      const Size end = t + tiles_at_once < heights.tiles ? t + tiles_at_once : heights.tiles, row = heights.begin(t);
      copy_rows(heights.begin(end) - row, part.terms, part.X + row * part.x_row, part.x_row, part.x_column, copy, copy_row);
      add_tiles(part, heights, t, end, copy, copy_row, N, Y, ldy, column, epilogue);
   }
}

/// Y[N] = epilogue(bias + x W) for one row x[K], as row 0: the bits of add_part.
template <class Epilogue>
ONNX_BRIDGE_KERNEL void multiply_row(Size N, Size K, const float* x, Size x_column, Panels W, bool plain, const float* bias, float* Y,
                                     const Epilogue& epilogue)
{
   alignas(64) float sums[gemv_panels * panel_columns];
   for (Size n = 0, columns; n < N; n += columns) {
      const Size rest = N - n;
      const Size panels = plain && rest >= panel_columns ? rest / panel_columns : whole_panels(rest) / panel_columns;
      const Size shift = plain && rest < panel_columns ? panel_columns - rest : 0;
      const Panels right = plain ? Panels{W.data + n - shift, W.row, W.panel} : W.from(0, n);
      const Size width = panel_columns * gemv_columns(panels, K, x, x_column, right, bias ? bias + n - shift : nullptr, sums);
      columns = rest < width ? rest : width;
      finish_tile(1, columns, sums + shift, width, Y + n, N, 0, n, epilogue);
   }
}

/// Y[M][N] = epilogue(bias + X W), W packed in panels of 16 columns; element (m, k) of X at X[m * x_row + k * x_column].
template <class Epilogue>
ONNX_BRIDGE_KERNEL void multiply_packed(Size M, Size N, Size K, const float* X, Size x_row, Size x_column, const float* W,
                                        const float* bias, float* Y, Size ldy, const Epilogue& epilogue)
{
   const Panels panels = {W, panel_columns, panel_columns * K};
   if (M == 1) {
      multiply_row(N, K, X, x_column, panels, false, bias, Y, epilogue);
      return;
   }
   const ProductCut cut(M, N, K, x_row, x_column, false);
   for (Size n = 0; n < N; n += cut.columns) {
      const Size columns = N - n < cut.columns ? N - n : cut.columns;
      Size k = 0;
      do {
         const Size terms = K - k < cut.terms ? K - k : cut.terms;
         const ProductPart part = {
             M, terms, X + k * x_column, x_row, x_column, panels.from(k, n), false, bias ? bias + n : nullptr, k == 0, k + terms == K};
         add_part(part, cut.copies, columns, Y + n, ldy, n, epilogue);
         k += terms;
      } while (k < K);
   }
}
