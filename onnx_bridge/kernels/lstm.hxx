// lstm.hxx: ONNX LSTM. Layouts, order of summation and scratch: see recurrent.hxx; G = 4, gates i o f c, C = 7.
//
//   i = f(x Wi + h Ri + Wbi + Rbi + Pi * c)   f = f(... + Pf * c)   g = g(x Wc + h Rc + Wbc + Rbc)   with c of the step before
//   c = f * c + i * g     o = f(... + Po * c)   h = o * h(c)
// bias holds Wb + Rb. Each of i, o, f, g is clipped before its activation; input_forget makes f = 1 - i.
#pragma once
#include "recurrent.hxx"
#include "recurrent_activation.hxx"

/// Sigmoid, Tanh, Tanh; no peepholes, no clip, no input_forget: the fast form.
struct LstmDefaults {};

/// Everything else. peepholes: [3][padded], of i, o, f, zeros from H on, or null; clip: infinity if there is none.
struct LstmOptions {
   RecurrentActivation f, g, h;
   const float* peepholes;
   float clip;
   bool input_forget;
};

/// h of a vector of units from the sums of its gates; c is updated.
ONNX_BRIDGE_INLINE vec lstm_update(const LstmDefaults&, vec (&gate)[4], Size, Size, float* c)
{
   const vec input = mul(sigmoid(gate[0]), tanh(gate[3]));
   const vec cell = fma(sigmoid(gate[2]), load(c), input);
   store(c, cell);
   return mul(sigmoid(gate[1]), tanh(cell));
}
ONNX_BRIDGE_INLINE vec lstm_update(const LstmOptions& options, vec (&gate)[4], Size unit, Size padded, float* c)
{
   const float* const P = options.peepholes ? options.peepholes + unit : nullptr;
   const vec old = load(c);
   const vec i = recurrent_activate(options.f, recurrent_clip(P ? fma(load(P), old, gate[0]) : gate[0], options.clip));
   const vec f = options.input_forget
                    ? 1.f - i
                    : recurrent_activate(options.f, recurrent_clip(P ? fma(load(P + 2 * padded), old, gate[2]) : gate[2], options.clip));
   const vec g = recurrent_activate(options.g, recurrent_clip(gate[3], options.clip));
   const vec cell = fma(f, old, mul(i, g));
   store(c, cell);
   const vec o = recurrent_activate(options.f, recurrent_clip(P ? fma(load(P + padded), cell, gate[1]) : gate[1], options.clip));
   return mul(o, recurrent_activate(options.h, cell));
}

template <class Options>
struct LstmCell {
   static constexpr Size gates = 4;
   const Options& options;
   const float* R;
   const RecurrentRows<const float>& initial_c;
   const RecurrentRows<float>& Y_c;
   Size direction, units, padded;
   float *c, *sums;  // [B][padded], [B][4 * padded]

   __attribute__((always_inline)) void start(Size row)
   {
      recurrent_start(initial_c.data ? initial_c.at(0, direction, row) : nullptr, units, padded, c + row * padded);
   }
   __attribute__((always_inline)) void finish(Size row, Size length)
   {
      if (Y_c.data) recurrent_finish(c + row * padded, length, units, Y_c.at(0, direction, row));
   }
   __attribute__((always_inline)) void update(const RecurrentStep& step, const float* projection, Size row, Size unit, vec (&gate)[4])
   {
      ONNX_BRIDGE_UNROLL
      for (int g = 0; g < 4; g++) gate[g] += recurrent_gate<4>(projection, unit, g);
      const Size at = row * padded + unit;
      store(step.after + at, lstm_update(options, gate, unit, padded, c + at));
   }
};

/// One step of the only row.
template <class Options>
ONNX_BRIDGE_KERNEL void lstm_row(LstmCell<Options>& cell, const RecurrentStep& step)
{
   const float* const projection = step.projected(0);
   recurrent_row<4, 1>(step.units, step.padded, step.before, cell.R, step.index & 1,
                       [&](Size unit, vec(&gate)[4]) __attribute__((always_inline)) { cell.update(step, projection, 0, unit, gate); });
}

/// One step of every row that still runs.
template <class Options>
ONNX_BRIDGE_KERNEL void lstm_rows(LstmCell<Options>& cell, const RecurrentStep& step)
{
   gemm(step.batch, step.width, step.units, step.before, step.padded, cell.R, nullptr, cell.sums, step.width, Keep());
   for (Size row = 0; row < step.batch; row++) {
      if (!step.runs(row)) continue;
      const float* const projection = step.projected(row);
      recurrent_row<4>(step.padded, cell.sums + row * step.width,
                       [&](Size unit, vec(&gate)[4]) __attribute__((always_inline)) { cell.update(step, projection, row, unit, gate); });
   }
}

template <class Options>
ONNX_BRIDGE_INLINE void recurrent_advance(LstmCell<Options>& cell, const RecurrentStep& step)
{
   if (step.batch == 1)
      lstm_row(cell, step);
   else
      lstm_rows(cell, step);
}

/// Floats of scratch that lstm() needs.
ONNX_BRIDGE_INLINE Size lstm_scratch(Size steps, Size batch, Size units)
{
   return recurrent_projection_floats({steps, batch, 0, units, 1, false}, 4) + 7 * batch * whole_panels(units);
}

/// Options: LstmDefaults, or LstmOptions; those of the first and of the second direction (ignored if there is none).
template <class Options>
ONNX_BRIDGE_KERNEL void lstm(const RecurrentSizes& sizes, const std::int32_t* sequence_lens, const RecurrentRows<const float>& X,
                             const RecurrentWeights& weights, const RecurrentRows<const float>& initial_h,
                             const RecurrentRows<const float>& initial_c, const RecurrentRows<float>& Y, const RecurrentRows<float>& Y_h,
                             const RecurrentRows<float>& Y_c, const Options& first, const Options& second, float* scratch)
{
   const Size padded = whole_panels(sizes.units), row = sizes.batch * padded;
   float* const states = scratch + recurrent_projection_floats(sizes, 4);
   for (Size d = 0; d < sizes.directions; d++) {
      LstmCell<Options> cell = {d == 0 ? first : second, weights.R + d * 4 * padded * sizes.units, initial_c, Y_c, d, sizes.units, padded,
                                states + 2 * row, states + 3 * row};
      recurrent_direction(sizes, d, sequence_lens, X, weights, initial_h, Y, Y_h, cell, scratch, states);
   }
}
