// recurrent.hxx: what LSTM, GRU and RNN share: packed layouts, the walk over time, and the product with the recurrent weights.
//
// Units. H units are handled as padded = whole_panels(H) = 16 * ceil(H / 16). G gates (LSTM 4: i o f c; GRU 3: z r h; RNN 1) are interleaved by groups
// of 16 units: gate g of unit u is column  (u / 16 * G + g) * 16 + u % 16  of G * padded columns; columns of units >= H hold zeros.
//
// Packed weights, each for all directions, one after the other (direction 1 follows direction 0):
//   W     [directions][G * padded / 16][I][16]   panels of 16 columns: W[d][column / 16][k][column % 16] = ONNX W[d][g * H + u][k]
//   bias  [directions][G * padded]               in the order of columns, or null; which of Wb and Rb it holds: see lstm, gru, rnn
//   R     [directions][G * padded / 16][H][16]   as W, of ONNX R[d][g * H + u][k]; gru() without linear_before_reset: see there
// R is best aligned to 64 bytes. Everything else may be aligned to 4. Inputs and outputs do not overlap.
//
// Rows of I (or H) contiguous floats lie at data + time * t + direction * d + batch * b, so that both ONNX layouts, and
// transpositions around the operator, cost nothing.
//
// sequence_lens (or null) are cut to 0 .. T. Y beyond a row's length is 0; the backward direction starts at the end of each row. A
// row without any step ends with the state 0, as in onnxruntime. Any of Y, Y_h, Y_c may be null. X beyond a row's length is read but
// has no effect. NaN and infinities run through the formulas; one row's never reach another's.
//
// Order of summation: projection = bias + X W in the order of gemm(); the recurrent sum S = h R runs over k by fma() from zero in
// blocks of 256, block sums added in order; then S + projection. So a row has the same bits alone, in a batch, in any number of steps.
//
// Scratch (64-byte aligned is best): the projections, recurrent_projection_floats(), then C * B * padded floats of states.
#pragma once
#include "epilogue.hxx"
#include "gemm.hxx"
#include "vector.hxx"

/// T, B, I, H, and the directions: one (backwards if `reverse`) or two (the second is always the backward one).
struct RecurrentSizes {
   Size steps, batch, inputs, units, directions;
   bool reverse;
};

/// The row of time t, direction d and batch b: data + time * t + direction * d + batch * b.
template <class Float>
struct RecurrentRows {
   Float* data;
   Size time, direction, batch;
   __attribute__((always_inline)) Float* at(Size t, Size d, Size b) const { return data + time * t + direction * d + batch * b; }
};

/// Packed as described above. recurrent_bias is read by gru() with linear_before_reset only.
struct RecurrentWeights {
   const float *W, *bias, *R, *recurrent_bias;
};

/// Steps whose inputs are projected by one product: about 96 rows.
ONNX_BRIDGE_INLINE Size recurrent_chunk(Size batch) { return batch >= 96 ? 1 : 96 / batch; }
ONNX_BRIDGE_INLINE Size recurrent_projection_floats(const RecurrentSizes& sizes, Size gates)
{
   const Size rows = sizes.batch < 96 ? 96 : sizes.batch, all = sizes.steps * sizes.batch;
   return (all < rows ? all : rows) * gates * whole_panels(sizes.units);
}

/// One step of one direction for all rows: what the cells are given. Step s of a row is time s, or length - 1 - s backwards.
struct RecurrentStep {
   Size steps, batch, units, padded;
   const std::int32_t* sequence_lens;
   bool backwards;
   Size index, begin, end;   // the step, and the steps begin .. end - 1 whose inputs are projected
   const float* projection;  // [times of those steps][batch][gates][...]
   Size width;               // floats of a projected row: gates * padded
   const float* before;      // [batch][padded] h
   float* after;

   __attribute__((always_inline)) Size length(Size row) const
   {
      if (!sequence_lens) return steps;
      const Size n = sequence_lens[row];
      return n < 0 ? 0 : n < steps ? n : steps;
   }
   __attribute__((always_inline)) Size last(Size row) const { return length(row) < end ? length(row) : end; }
   __attribute__((always_inline)) bool runs(Size row) const { return index < length(row); }
   __attribute__((always_inline)) Size time(Size row) const { return backwards ? length(row) - 1 - index : index; }
   __attribute__((always_inline)) const float* projected(Size row) const
   {
      const Size slot = backwards ? last(row) - 1 - index : index - begin;
      return projection + (slot * batch + row) * width;
   }
};

/// The projections of the inputs of steps begin .. end - 1 of a direction, in ascending time, rows of one time side by side.
ONNX_BRIDGE_KERNEL void recurrent_project(const RecurrentStep& step, const RecurrentSizes& sizes, const RecurrentRows<const float>& X,
                                          const float* W, const float* bias, float* projection)
{
   const Size B = step.batch, width = step.width, n = step.end - step.begin, first = step.backwards ? step.steps - step.end : step.begin;
   if (step.backwards && step.sequence_lens) {  // every row has times of its own
      for (Size b = 0; b < B; b++) {
         const Size rows = step.last(b) - step.begin;
         if (rows > 0)
            gemm(rows, width, sizes.inputs, X.at(step.length(b) - step.last(b), 0, b), X.time, W, bias, projection + b * width, B * width, Keep());
      }
   } else if (B == 1 || X.time == B * X.batch)
      gemm(n * B, width, sizes.inputs, X.at(first, 0, 0), B == 1 ? X.time : X.batch, W, bias, projection, width, Keep());
   else if (n >= B)
      for (Size b = 0; b < B; b++)
         gemm(n, width, sizes.inputs, X.at(first, 0, b), X.time, W, bias, projection + b * width, B * width, Keep());
   else
      for (Size t = 0; t < n; t++)
         gemm(B, width, sizes.inputs, X.at(first + t, 0, 0), X.batch, W, bias, projection + t * B * width, width, Keep());
}

/// Units of a panel that one row sums at a time: as many as leave the accumulators in registers.
constexpr int recurrent_units = lanes == 4 ? 8 : 16;
constexpr int recurrent_vectors = recurrent_units / lanes;

/// sum[p][v] = x . (column of panel p): the order of gemm() without bias. `part`: the first unit of the panels that is summed.
template <int Panels>
ONNX_BRIDGE_INLINE void recurrent_sums(Size K, const float* x, const float* panels, int part, vec (&sum)[Panels][recurrent_vectors])
{
   const Size stride = 16 * K;
   const float* w = panels + part;
   for (Size begin = 0; begin == 0 || begin < K; begin += block_terms) {
      const Size end = K - begin < block_terms ? K : begin + block_terms;
      vec block[Panels][recurrent_vectors] = {};
      for (Size k = begin; k < end; k++, w += 16) {
         const vec a = splat(x[k]);
         ONNX_BRIDGE_UNROLL
         for (int p = 0; p < Panels; p++)
            ONNX_BRIDGE_UNROLL
            for (int v = 0; v < recurrent_vectors; v++) block[p][v] = fma(a, load(w + p * stride + v * lanes), block[p][v]);
      }
      ONNX_BRIDGE_UNROLL
      for (int p = 0; p < Panels; p++)
         ONNX_BRIDGE_UNROLL
         for (int v = 0; v < recurrent_vectors; v++) sum[p][v] = begin == 0 ? block[p][v] : sum[p][v] + block[p][v];
   }
}

/// For one row: sums the Gates panels of every group of 16 units and hands them on, use(unit, sums of a vector's gates). Groups are
/// taken up and down in turn, so that each step begins with the weights that the one before has left in the first cache; `Groups` at a
/// time where they have few gates, to hide the latency of fma().
template <int Gates, int Groups, class Use>
ONNX_BRIDGE_INLINE void recurrent_row(Size K, Size padded, const float* x, const float* R, bool down, Use&& use)
{
   const Size groups = padded / 16, whole = groups / Groups;
   for (Size i = 0; i < whole; i++) {
      const Size group = (down ? whole - 1 - i : i) * Groups;
      for (int part = 0; part < 16; part += recurrent_units) {
         vec sum[Groups * Gates][recurrent_vectors] = {};
         recurrent_sums<Groups * Gates>(K, x, R + group * Gates * 16 * K, part, sum);
         ONNX_BRIDGE_UNROLL
         for (int j = 0; j < Groups * recurrent_vectors; j++) {
            vec gates[Gates];
            ONNX_BRIDGE_UNROLL
            for (int g = 0; g < Gates; g++) gates[g] = sum[j / recurrent_vectors * Gates + g][j % recurrent_vectors];
            use((group + j / recurrent_vectors) * 16 + part + j % recurrent_vectors * lanes, gates);
         }
      }
   }
   if constexpr (Groups > 1)
      recurrent_row<Gates, Groups / 2>(K, padded - whole * Groups * 16, x, R + whole * Groups * Gates * 16 * K, false,
                              [&](Size unit, vec(&gates)[Gates]) __attribute__((always_inline)) { use(whole * Groups * 16 + unit, gates); });
}

/// The same for a row whose sums lie in memory, where gemm() has put them.
template <int Gates, class Use>
ONNX_BRIDGE_INLINE void recurrent_row(Size padded, const float* sums, Use&& use)
{
   for (Size unit = 0; unit < padded; unit += lanes) {
      vec gates[Gates];
      ONNX_BRIDGE_UNROLL
      for (int g = 0; g < Gates; g++) gates[g] = load(sums + (unit / 16 * Gates + g) * 16 + unit % 16);
      use(unit, gates);
   }
}

/// Gate g of a vector of units in a row of interleaved gates.
template <int Gates>
ONNX_BRIDGE_INLINE vec recurrent_gate(const float* row, Size unit, int g)
{
   return load(row + (unit / 16 * Gates + g) * 16 + unit % 16);
}

/// The state that a row starts with (null: zeros), zeros up to `padded`.
ONNX_BRIDGE_INLINE void recurrent_start(const float* initial, Size units, Size padded, float* state)
{
   for (Size u = 0; u < padded; u++) state[u] = initial && u < units ? initial[u] : 0.f;
}

/// The state that a row ends with after `length` steps.
ONNX_BRIDGE_INLINE void recurrent_finish(const float* state, Size length, Size units, float* last)
{
   for (Size u = 0; u < units; u++) last[u] = length > 0 ? state[u] : 0.f;
}

/// Runs `cell` (of direction `d`) over all steps. A cell has `gates`, start(row) and finish(row, length) around the steps;
/// recurrent_advance(cell, step) writes the rows of step.after that still run.
template <class Cell>
ONNX_BRIDGE_INLINE void recurrent_direction(const RecurrentSizes& sizes, Size d, const std::int32_t* sequence_lens,
                                            const RecurrentRows<const float>& X, const RecurrentWeights& weights,
                                            const RecurrentRows<const float>& initial_h, const RecurrentRows<float>& Y,
                                            const RecurrentRows<float>& Y_h, Cell& cell, float* projection, float* states)
{
   const Size B = sizes.batch, H = sizes.units, padded = whole_panels(H), width = Cell::gates * padded;
   RecurrentStep step = {sizes.steps, B, H, padded, sequence_lens, d == 1 || sizes.reverse, 0, 0, 0, projection, width, nullptr, nullptr};
   Size longest = 0;
   for (Size b = 0; b < B; b++) {
      recurrent_start(initial_h.data ? initial_h.at(0, d, b) : nullptr, H, padded, states + b * padded);
      cell.start(b);
      if (longest < step.length(b)) longest = step.length(b);
   }
   float* const state[2] = {states, states + B * padded};
   for (step.index = 0; step.index < longest; step.index++) {
      if (step.index == step.end) {
         step.begin = step.end;
         step.end = longest - step.begin < recurrent_chunk(B) ? longest : step.begin + recurrent_chunk(B);
         recurrent_project(step, sizes, X, weights.W + d * width * sizes.inputs, weights.bias ? weights.bias + d * width : nullptr, projection);
      }
      step.before = state[step.index & 1];
      step.after = state[~step.index & 1];
      recurrent_advance(cell, step);
      if (Y.data)
         for (Size b = 0; b < B; b++)
            if (step.runs(b)) std::memcpy(Y.at(step.time(b), d, b), step.after + b * padded, static_cast<std::size_t>(H) * sizeof(float));
   }
   for (Size b = 0; b < B; b++) {
      const Size n = step.length(b);
      if (Y.data)
         for (Size t = n; t < sizes.steps; t++) std::memset(Y.at(t, d, b), 0, static_cast<std::size_t>(H) * sizeof(float));
      if (Y_h.data) recurrent_finish(state[n & 1] + b * padded, n, H, Y_h.at(0, d, b));
      cell.finish(b, n);
   }
}
