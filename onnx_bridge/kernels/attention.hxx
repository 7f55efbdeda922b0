// attention.hxx: softmax(score(Q K^T)) V for one head, without the matrix of scores in memory.
//
// Layout: Q[queries][width], K[keys][width], V[keys][value_width], Y[queries][value_width], each with its rows *_row apart and its
//   elements neighbours. `score` is an epilogue (epilogue.hxx) of row = query and column = key: scale, masks and the like.
// `scratch` holds attention_scratch(keys, width, value_width) floats. Y and scratch overlap nothing else. No alignment is asked for.
// Order of summation: both products as in gemm.hxx (blocks of 256 terms: of width, then of keys), the sum of exponentials in
//   32 lanes; each query by itself. The division by the sum comes last.
// A query whose scores are all -inf, or that meets a NaN, gets NaN, as MatMul, Add, Softmax and MatMul in a row give. With `Rare`
//   ZeroMasked the first get 0, with ZeroNan both: the weights are 0.
//   a single key with the score -inf weighs exactly 0. No keys: 0. Exponentials below exp(-87.3) are 0. queries, widths may be 0.
#pragma once
#include "epilogue.hxx"
#include "exp.hxx"
#include "pack.hxx"
#include "product_tiles.hxx"

/// Floats from one query's scores to the next: an odd number of panels, so that rows do not contend for the same cache lines.
constexpr Size score_row(Size keys) { return whole_panels(keys) + (whole_panels(keys) / panel_columns % 2 == 0 ? panel_columns : 0); }

/// Floats of scratch: the packed keys, the packed values, and the scores of the largest tile that any target has.
constexpr Size attention_scratch(Size keys, Size width, Size value_width)
{
   return whole_panels(keys) * width + keys * whole_panels(value_width) + 14 * (whole_panels(keys) + panel_columns);
}

/// The step of sum_in_lanes that replaces a score by its exponential.
struct ExpStep {
   float* scores;
   vec most;

   template <class Count>
   __attribute__((always_inline)) vec operator()(vec sum, Size i, Count count) const
   {
      const vec e = exp_nonpositive(load(scores + i, count) - most);
      store(scores + i, e, count);
      return sum + keep_first(e, count);
   }
};

/// What becomes of the weights of a query that has none: they stay NaN; 0 where all its scores are -inf; 0 where any of them would be NaN.
/// Each says of the largest score and the sum whether the weights stay.
struct KeepNan {
   static __attribute__((always_inline)) bool stay(float, float) { return true; }
};
struct ZeroMasked {
   static __attribute__((always_inline)) bool stay(float most, float)
   {
      return as_int(splat(most))[0] != static_cast<std::int32_t>(0xff800000u);
   }
};
struct ZeroNan {
   static __attribute__((always_inline)) bool stay(float, float sum) { return !is_nan(splat(sum))[0]; }
};

/// products[keys] of a query to exp(score(products) - the largest score); returns the sum of these.
template <class Rare, class Score>
ONNX_BRIDGE_KERNEL float exponentiate(Size query, Size keys, float* products, const Score& score)
{
   vec most = as_float(splat(static_cast<std::int32_t>(0xff800000u)));  // -inf, which -ffinite-math-only leaves alone only as bits
   Size i = 0;
   for (; i + lanes <= keys; i += lanes) {
      const vec scored = score(load(products + i), query, i, All());
      store(products + i, scored);
      most = larger(most, scored);
   }
   float maximum = largest(most);
   const Size rest = keys - i;
   if (rest > 0) {
      store(products + i, score(load(products + i, rest), query, i, rest), rest);
      for (Size j = 0; j < rest; j++) maximum = larger(maximum, products[i + j]);
   }
   const float sum = sum_in_lanes(keys, ExpStep{products, splat(maximum)});
   if (Rare::stay(maximum, sum)) return sum;
   for (i = 0; i < keys; i++) products[i] = 0.f;
   return 1.f;
}

/// Divides each row by its sum.
struct DivideRows {
   const float* sums;

   template <class Count>
   __attribute__((always_inline)) vec operator()(vec value, Size row, Size, Count) const
   {
      return value / splat(sums[row]);
   }
};

/// Y = softmax(score(Q K^T)) V.
template <class Rare, class Score>
ONNX_BRIDGE_KERNEL void attention(Size queries, Size keys, Size width, Size value_width, const float* Q, Size q_row, const float* K,
                                  Size k_row, const float* V, Size v_row, float* Y, Size y_row, const Score& score, float* scratch)
{
   float* packed_keys = scratch;
   float* packed_values = packed_keys + whole_panels(keys) * width;
   float* scores = packed_values + keys * whole_panels(value_width);
   pack_panels(width, keys, K, 1, k_row, packed_keys);
   pack_panels(keys, value_width, V, v_row, 1, packed_values);
   const Size tiles = (queries + tile_rows - 1) / tile_rows;
   Size query = 0;
   for (Size t = 0; t < tiles; t++) {
      const Size rows = queries / tiles + (t < queries % tiles);
      multiply_packed(rows, keys, width, Q, q_row, 1, packed_keys, nullptr, scores, score_row(keys), Keep());
      float sums[tile_rows];
      for (Size i = 0; i < rows; i++) {
         sums[i] = keys ? exponentiate<Rare>(query, keys, scores + i * score_row(keys), score) : 1.f;
         query++;
      }
      multiply_packed(rows, value_width, keys, scores, score_row(keys), 1, packed_values, nullptr, Y, y_row, DivideRows{sums});
      Q += rows * q_row;
      Y += rows * y_row;
   }
}
