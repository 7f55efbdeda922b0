// rnn.hxx: ONNX RNN, h = f(x W + h R + Wb + Rb). Layouts, order of summation and scratch: see recurrent.hxx; G = 1, C = 3.
// bias holds Wb + Rb. The pre-activation is clipped.
#pragma once
#include "recurrent.hxx"
#include "recurrent_activation.hxx"

/// Tanh; no clip: the fast form.
struct RnnDefaults {
   __attribute__((always_inline)) vec f(vec x) const { return tanh(x); }
};

/// Everything else. clip: infinity if there is none.
struct RnnOptions {
   RecurrentActivation f_;
   float clip;
   __attribute__((always_inline)) vec f(vec x) const { return recurrent_activate(f_, recurrent_clip(x, clip)); }
};

template <class Options>
struct RnnCell {
   static constexpr Size gates = 1;
   const Options& options;
   const float* R;
   float* sums;  // [B][padded]

   __attribute__((always_inline)) void start(Size) {}
   __attribute__((always_inline)) void finish(Size, Size) {}
};

/// One step of the only row.
template <class Options>
ONNX_BRIDGE_KERNEL void rnn_row(RnnCell<Options>& cell, const RecurrentStep& step)
{
   const float* const projection = step.projected(0);
   recurrent_row<1, 4>(step.units, step.padded, step.before, cell.R, step.index & 1, [&](Size unit, vec(&sum)[1]) __attribute__((always_inline)) {
      store(step.after + unit, cell.options.f(sum[0] + load(projection + unit)));
   });
}

/// One step of every row that still runs.
template <class Options>
ONNX_BRIDGE_KERNEL void rnn_rows(RnnCell<Options>& cell, const RecurrentStep& step)
{
   gemm(step.batch, step.padded, step.units, step.before, step.padded, cell.R, nullptr, cell.sums, step.padded, Keep());
   for (Size row = 0; row < step.batch; row++) {
      if (!step.runs(row)) continue;
      const float* const projection = step.projected(row);
      float* const after = step.after + row * step.padded;
      recurrent_row<1>(step.padded, cell.sums + row * step.padded, [&](Size unit, vec(&sum)[1]) __attribute__((always_inline)) {
         store(after + unit, cell.options.f(sum[0] + load(projection + unit)));
      });
   }
}

template <class Options>
ONNX_BRIDGE_INLINE void recurrent_advance(RnnCell<Options>& cell, const RecurrentStep& step)
{
   if (step.batch == 1)
      rnn_row(cell, step);
   else
      rnn_rows(cell, step);
}

/// Floats of scratch that rnn() needs.
ONNX_BRIDGE_INLINE Size rnn_scratch(Size steps, Size batch, Size units)
{
   return recurrent_projection_floats({steps, batch, 0, units, 1, false}, 1) + 3 * batch * whole_panels(units);
}

/// Options: RnnDefaults, or RnnOptions; those of the first and of the second direction (ignored if there is none).
template <class Options>
ONNX_BRIDGE_KERNEL void rnn(const RecurrentSizes& sizes, const std::int32_t* sequence_lens, const RecurrentRows<const float>& X,
                            const RecurrentWeights& weights, const RecurrentRows<const float>& initial_h, const RecurrentRows<float>& Y,
                            const RecurrentRows<float>& Y_h, const Options& first, const Options& second, float* scratch)
{
   const Size padded = whole_panels(sizes.units), row = sizes.batch * padded;
   float* const states = scratch + recurrent_projection_floats(sizes, 1);
   for (Size d = 0; d < sizes.directions; d++) {
      RnnCell<Options> cell = {d == 0 ? first : second, weights.R + d * padded * sizes.units, states + 2 * row};
      recurrent_direction(sizes, d, sequence_lens, X, weights, initial_h, Y, Y_h, cell, scratch, states);
   }
}
