// gru.hxx: ONNX GRU. Layouts, order of summation and scratch: see recurrent.hxx; G = 3, gates z r h, C = 6.
//
//   z = f(x Wz + h Rz + Wbz + Rbz)   r = f(x Wr + h Rr + Wbr + Rbr)
//   linear_before_reset != 0 (Keras, PyTorch):  n = g(x Wh + Wbh + r * (h Rh + Rbh));   R: one matrix of 3 gates;
//      bias holds Wbz + Rbz, Wbr + Rbr, Wbh; recurrent_bias [directions][padded] holds Rbh, zeros from H on, and may not be null
//   linear_before_reset == 0:                   n = g(x Wh + Wbh + Rbh + (r * h) Rh);   bias holds Wb + Rb of all gates;
//      R: for each direction first z and r as a matrix of 2 gates, [2 * padded / 16][H][16], then h as one of 1, [padded / 16][H][16]
//   h = (1 - z) * n + z * h
// Each pre-activation is clipped; here that of n as a whole.
#pragma once
#include "recurrent.hxx"
#include "recurrent_activation.hxx"

/// Sigmoid, Tanh; no clip: the fast form.
struct GruDefaults {
   __attribute__((always_inline)) vec f(vec x) const { return sigmoid(x); }
   __attribute__((always_inline)) vec g(vec x) const { return tanh(x); }
};

/// Everything else. clip: infinity if there is none.
struct GruOptions {
   RecurrentActivation f_, g_;
   float clip;
   __attribute__((always_inline)) vec f(vec x) const { return recurrent_activate(f_, recurrent_clip(x, clip)); }
   __attribute__((always_inline)) vec g(vec x) const { return recurrent_activate(g_, recurrent_clip(x, clip)); }
};

ONNX_BRIDGE_INLINE vec gru_mix(vec z, vec n, vec h) { return fma(z, h, mul(1.f - z, n)); }

template <class Options>
struct GruLinearCell {
   static constexpr Size gates = 3;
   const Options& options;
   const float *R, *recurrent_bias;
   float* sums;  // [B][3 * padded]

   /// Of a direction; scratch: that which follows two states.
   static __attribute__((always_inline)) GruLinearCell make(const Options& options, const RecurrentWeights& weights, Size direction,
                                                             Size units, Size, float* scratch)
   {
      const Size padded = whole_panels(units);
      return {options, weights.R + direction * 3 * padded * units, weights.recurrent_bias + direction * padded, scratch};
   }
   __attribute__((always_inline)) void start(Size) {}
   __attribute__((always_inline)) void finish(Size, Size) {}
   __attribute__((always_inline)) void update(const RecurrentStep& step, const float* projection, Size row, Size unit, vec (&gate)[3])
   {
      const Size at = row * step.padded + unit;
      const vec z = options.f(gate[0] + recurrent_gate<3>(projection, unit, 0));
      const vec r = options.f(gate[1] + recurrent_gate<3>(projection, unit, 1));
      const vec n = options.g(fma(r, gate[2] + load(recurrent_bias + unit), recurrent_gate<3>(projection, unit, 2)));
      store(step.after + at, gru_mix(z, n, load(step.before + at)));
   }
};

/// One step of the only row.
template <class Options>
ONNX_BRIDGE_KERNEL void gru_row(GruLinearCell<Options>& cell, const RecurrentStep& step)
{
   const float* const projection = step.projected(0);
   recurrent_row<3, 1>(step.units, step.padded, step.before, cell.R, step.index & 1,
                       [&](Size unit, vec(&gate)[3]) __attribute__((always_inline)) { cell.update(step, projection, 0, unit, gate); });
}

/// One step of every row that still runs.
template <class Options>
ONNX_BRIDGE_KERNEL void gru_rows(GruLinearCell<Options>& cell, const RecurrentStep& step)
{
   gemm(step.batch, step.width, step.units, step.before, step.padded, cell.R, nullptr, cell.sums, step.width, Keep());
   for (Size row = 0; row < step.batch; row++) {
      if (!step.runs(row)) continue;
      const float* const projection = step.projected(row);
      recurrent_row<3>(step.padded, cell.sums + row * step.width,
                       [&](Size unit, vec(&gate)[3]) __attribute__((always_inline)) { cell.update(step, projection, row, unit, gate); });
   }
}

/// linear_before_reset == 0: the product with Rh has to wait for all of r * h.
template <class Options>
struct GruResetCell {
   static constexpr Size gates = 3;
   const Options& options;
   const float *R, *R_h;
   float *z, *reset, *sums;  // [B][padded], [B][padded] r * h, [B][2 * padded]

   static __attribute__((always_inline)) GruResetCell make(const Options& options, const RecurrentWeights& weights, Size direction,
                                                            Size units, Size row, float* scratch)
   {
      const Size padded = whole_panels(units);
      const float* const R = weights.R + direction * 3 * padded * units;
      return {options, R, R + 2 * padded * units, scratch, scratch + row, scratch + 2 * row};
   }
   __attribute__((always_inline)) void start(Size) {}
   __attribute__((always_inline)) void finish(Size, Size) {}
   __attribute__((always_inline)) void update_gates(const RecurrentStep& step, const float* projection, Size row, Size unit, vec (&gate)[2])
   {
      const Size at = row * step.padded + unit;
      store(z + at, options.f(gate[0] + recurrent_gate<3>(projection, unit, 0)));
      const vec r = options.f(gate[1] + recurrent_gate<3>(projection, unit, 1));
      store(reset + at, mul(r, load(step.before + at)));
   }
   __attribute__((always_inline)) void update(const RecurrentStep& step, const float* projection, Size row, Size unit, vec (&sum)[1])
   {
      const Size at = row * step.padded + unit;
      const vec n = options.g(sum[0] + recurrent_gate<3>(projection, unit, 2));
      store(step.after + at, gru_mix(load(z + at), n, load(step.before + at)));
   }
};

template <class Options>
ONNX_BRIDGE_KERNEL void gru_row(GruResetCell<Options>& cell, const RecurrentStep& step)
{
   const float* const projection = step.projected(0);
   recurrent_row<2, 2>(step.units, step.padded, step.before, cell.R, false,
                       [&](Size unit, vec(&gate)[2]) __attribute__((always_inline)) { cell.update_gates(step, projection, 0, unit, gate); });
   recurrent_row<1, 4>(step.units, step.padded, cell.reset, cell.R_h, false,
                       [&](Size unit, vec(&sum)[1]) __attribute__((always_inline)) { cell.update(step, projection, 0, unit, sum); });
}

template <class Options>
ONNX_BRIDGE_KERNEL void gru_rows(GruResetCell<Options>& cell, const RecurrentStep& step)
{
   const Size padded = step.padded;
   gemm(step.batch, 2 * padded, step.units, step.before, padded, cell.R, nullptr, cell.sums, 2 * padded, Keep());
   for (Size row = 0; row < step.batch; row++) {
      if (!step.runs(row)) continue;
      const float* const projection = step.projected(row);
      recurrent_row<2>(padded, cell.sums + row * 2 * padded,
                       [&](Size unit, vec(&gate)[2]) __attribute__((always_inline)) { cell.update_gates(step, projection, row, unit, gate); });
   }
   gemm(step.batch, padded, step.units, cell.reset, padded, cell.R_h, nullptr, cell.sums, padded, Keep());
   for (Size row = 0; row < step.batch; row++) {
      if (!step.runs(row)) continue;
      const float* const projection = step.projected(row);
      recurrent_row<1>(padded, cell.sums + row * padded,
                       [&](Size unit, vec(&sum)[1]) __attribute__((always_inline)) { cell.update(step, projection, row, unit, sum); });
   }
}

template <class Cell>
ONNX_BRIDGE_INLINE void gru_step(Cell& cell, const RecurrentStep& step)
{
   if (step.batch == 1)
      gru_row(cell, step);
   else
      gru_rows(cell, step);
}
template <class Options>
ONNX_BRIDGE_INLINE void recurrent_advance(GruLinearCell<Options>& cell, const RecurrentStep& step)
{
   gru_step(cell, step);
}
template <class Options>
ONNX_BRIDGE_INLINE void recurrent_advance(GruResetCell<Options>& cell, const RecurrentStep& step)
{
   gru_step(cell, step);
}

/// Floats of scratch that gru() needs.
ONNX_BRIDGE_INLINE Size gru_scratch(Size steps, Size batch, Size units)
{
   return recurrent_projection_floats({steps, batch, 0, units, 1, false}, 3) + 6 * batch * whole_panels(units);
}

/// Options: GruDefaults, or GruOptions; those of the first and of the second direction (ignored if there is none).
/// Cell: GruLinearCell or GruResetCell, of linear_before_reset != 0 and == 0.
template <template <class> class Cell, class Options>
ONNX_BRIDGE_KERNEL void gru(const RecurrentSizes& sizes, const std::int32_t* sequence_lens, const RecurrentRows<const float>& X,
                            const RecurrentWeights& weights, const RecurrentRows<const float>& initial_h, const RecurrentRows<float>& Y,
                            const RecurrentRows<float>& Y_h, const Options& first, const Options& second, float* scratch)
{
   const Size row = sizes.batch * whole_panels(sizes.units);
   float* const states = scratch + recurrent_projection_floats(sizes, 3);
   for (Size d = 0; d < sizes.directions; d++) {
      Cell<Options> cell = Cell<Options>::make(d == 0 ? first : second, weights, d, sizes.units, row, states + 2 * row);
      recurrent_direction(sizes, d, sequence_lens, X, weights, initial_h, Y, Y_h, cell, scratch, states);
   }
}
