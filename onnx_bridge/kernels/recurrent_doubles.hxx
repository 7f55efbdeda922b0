// recurrent_doubles.hxx: ONNX LSTM, GRU and RNN in double precision. Rare; plain loops, one row after the other.
//
// Formulas: lstm.hxx, gru.hxx, rnn.hxx; rows of inputs and outputs, lengths, and what may be null: recurrent.hxx. Weights lie as ONNX has
// them: W [D][G * H][I], R [D][G * H][H], B [D][2 * G * H] or null, P [D][3 * H] or null. Nothing overlaps, any size may be 0.
// Order of summation: the biases, then by fma() over inputs, then over units. Scratch: recurrent_doubles_scratch() floats, as doubles.
#pragma once
#include "double_functions.hxx"
#include "recurrent.hxx"
#include "recurrent_activation.hxx"

struct RecurrentDoubleWeights {
   const double *W, *R, *B, *P;
};

/// The functions of a direction (those that the layer has), where their arguments are clipped (infinity: nowhere), and what is the layer's
/// own: input_forget of LSTM, linear_before_reset of GRU.
struct RecurrentDoubleOptions {
   RecurrentActivation f, g, h;
   float clip;
   bool variant;
};

/// A function of x; of x within -limit .. limit, NaN stays.
ONNX_BRIDGE_KERNEL double recurrent_activate_double(const RecurrentActivation& activation, double x, float limit = infinity<float>())
{
   const float alpha = activation.alpha, beta = activation.beta;
   if (x > like(x, limit)) x = like(x, limit);
   if (x < -like(x, limit)) x = -like(x, limit);
   switch (activation.function) {
   case RecurrentFunction::relu: return relu(x);
   case RecurrentFunction::tanh: return tanh(x);
   case RecurrentFunction::sigmoid: return sigmoid(x);
   case RecurrentFunction::affine: return fma(like(x, alpha), x, like(x, beta));
   case RecurrentFunction::leaky_relu: return leaky_relu(x, alpha);
   case RecurrentFunction::thresholded_relu: return thresholded_relu(x, alpha);
   case RecurrentFunction::scaled_tanh: return mul(like(x, alpha), tanh(mul(like(x, beta), x)));
   case RecurrentFunction::hard_sigmoid: return hard_sigmoid(x, alpha, beta);
   case RecurrentFunction::elu: return elu(x, alpha);
   case RecurrentFunction::softsign: return softsign(x);
   case RecurrentFunction::softplus: return softplus(x);
   }
   return x;
}

/// A direction of a layer with G gates.
template <int G>
struct RecurrentDoubleLayer {
   Size inputs, units;
   const double *W, *R, *B, *P;
   const RecurrentDoubleOptions& options;

   RecurrentDoubleLayer(const RecurrentSizes& sizes, const RecurrentDoubleWeights& weights, const RecurrentDoubleOptions& of, Size d)
      : inputs(sizes.inputs), units(sizes.units), W(weights.W + d * G * units * inputs), R(weights.R + d * G * units * units),
        B(weights.B ? weights.B + d * 2 * G * units : nullptr), P(weights.P ? weights.P + d * 3 * units : nullptr), options(of)
   {
   }

   double f(double x) const { return recurrent_activate_double(options.f, x, options.clip); }
   double g(double x) const { return recurrent_activate_double(options.g, x, options.clip); }
   double input_bias(Size gate, Size unit) const { return B ? B[gate * units + unit] : 0.; }
   double hidden_bias(Size gate, Size unit) const { return B ? B[(G + gate) * units + unit] : 0.; }

   /// To the sum of each of `Count` gates of a unit: a row of a matrix [gates * H][terms] times x.
   template <int Count>
   void add(Size unit, Size terms, const double* matrix, const double* x, double* sums) const
   {
      for (Size k = 0; k < terms; k++)
         ONNX_BRIDGE_UNROLL
         for (int i = 0; i < Count; i++) sums[i] = fma(matrix[(i * units + unit) * terms + k], x[k], sums[i]);
   }
   /// Biases and products with inputs and state, of the first `Count` gates of a unit.
   template <int Count>
   void sum(Size unit, const double* x, const double* h, double* sums) const
   {
      for (int i = 0; i < Count; i++) sums[i] = input_bias(i, unit) + hidden_bias(i, unit);
      add<Count>(unit, inputs, W, x, sums);
      add<Count>(unit, units, R, h, sums);
   }
};

/// Takes all rows through a direction: start(row), step(x, h, next h) for each time, finish(row, length). states: 2 * H doubles.
template <class Start, class Step, class Finish>
ONNX_BRIDGE_INLINE void recurrent_doubles(const RecurrentSizes& sizes, Size d, const std::int32_t* sequence_lens,
                                          const RecurrentRows<const double>& X, const RecurrentRows<const double>& initial_h,
                                          const RecurrentRows<double>& Y, const RecurrentRows<double>& Y_h, double* states,
                                          const Start& start, const Step& step, const Finish& finish)
{
   const Size H = sizes.units;
   for (Size b = 0; b < sizes.batch; b++) {
      Size length = sequence_lens ? sequence_lens[b] : sizes.steps;
      length = length < 0 ? 0 : length < sizes.steps ? length : sizes.steps;
      double *h = states, *next = states + H;
      for (Size u = 0; u < H; u++) h[u] = initial_h.data ? initial_h.at(0, d, b)[u] : 0.;
      start(b);
      for (Size i = 0; i < length; i++) {
         const Size t = d == 1 || sizes.reverse ? length - 1 - i : i;
         step(X.at(t, 0, b), h, next);
         std::swap(h, next);
         if (Y.data)
            for (Size u = 0; u < H; u++) Y.at(t, d, b)[u] = h[u];
      }
      if (Y.data)
         for (Size t = length; t < sizes.steps; t++)
            for (Size u = 0; u < H; u++) Y.at(t, d, b)[u] = 0.;
      if (Y_h.data)
         for (Size u = 0; u < H; u++) Y_h.at(0, d, b)[u] = length > 0 ? h[u] : 0.;
      finish(b, length);
   }
}

/// Floats of scratch that each of the three needs.
ONNX_BRIDGE_INLINE Size recurrent_doubles_scratch(Size units) { return 10 * units; }

ONNX_BRIDGE_KERNEL void lstm_doubles(const RecurrentSizes& sizes, const std::int32_t* sequence_lens, const RecurrentRows<const double>& X,
                                     const RecurrentDoubleWeights& weights, const RecurrentRows<const double>& initial_h,
                                     const RecurrentRows<const double>& initial_c, const RecurrentRows<double>& Y,
                                     const RecurrentRows<double>& Y_h, const RecurrentRows<double>& Y_c,
                                     const RecurrentDoubleOptions& first, const RecurrentDoubleOptions& second, double* scratch)
{
   const Size H = sizes.units;
   double* const c = scratch + 2 * H;
   for (Size d = 0; d < sizes.directions; d++) {
      const RecurrentDoubleLayer<4> layer(sizes, weights, d == 0 ? first : second, d);
      const auto start = [&](Size b) {
         for (Size u = 0; u < H; u++) c[u] = initial_c.data ? initial_c.at(0, d, b)[u] : 0.;
      };
      const auto step = [&](const double* x, const double* h, double* next) {
         for (Size u = 0; u < H; u++) {
            double gate[4];
            layer.template sum<4>(u, x, h, gate);
            const double* const P = layer.P ? layer.P + u : nullptr;
            const double old = c[u], i = layer.f(P ? fma(P[0], old, gate[0]) : gate[0]);
            const double f = layer.options.variant ? 1. - i : layer.f(P ? fma(P[2 * H], old, gate[2]) : gate[2]);
            c[u] = fma(f, old, mul(i, layer.g(gate[3])));
            const double o = layer.f(P ? fma(P[H], c[u], gate[1]) : gate[1]);
            next[u] = mul(o, recurrent_activate_double(layer.options.h, c[u]));
         }
      };
      const auto finish = [&](Size b, Size length) {
         if (Y_c.data)
            for (Size u = 0; u < H; u++) Y_c.at(0, d, b)[u] = length > 0 ? c[u] : 0.;
      };
      recurrent_doubles(sizes, d, sequence_lens, X, initial_h, Y, Y_h, scratch, start, step, finish);
   }
}

ONNX_BRIDGE_KERNEL void gru_doubles(const RecurrentSizes& sizes, const std::int32_t* sequence_lens, const RecurrentRows<const double>& X,
                                    const RecurrentDoubleWeights& weights, const RecurrentRows<const double>& initial_h,
                                    const RecurrentRows<double>& Y, const RecurrentRows<double>& Y_h, const RecurrentDoubleOptions& first,
                                    const RecurrentDoubleOptions& second, double* scratch)
{
   const Size H = sizes.units;
   double *const z = scratch + 2 * H, *const r = scratch + 3 * H, *const reset = scratch + 4 * H;
   for (Size d = 0; d < sizes.directions; d++) {
      const RecurrentDoubleLayer<3> layer(sizes, weights, d == 0 ? first : second, d);
      const auto step = [&](const double* x, const double* h, double* next) {
         for (Size u = 0; u < H; u++) {
            double gate[2];
            layer.template sum<2>(u, x, h, gate);
            z[u] = layer.f(gate[0]);
            r[u] = layer.f(gate[1]);
            reset[u] = mul(r[u], h[u]);
         }
         const double *const W = layer.W + 2 * H * layer.inputs, *const R = layer.R + 2 * H * H;
         for (Size u = 0; u < H; u++) {
            double sum = layer.input_bias(2, u), hidden = layer.hidden_bias(2, u);
            layer.template add<1>(u, layer.inputs, W, x, &sum);
            layer.template add<1>(u, H, R, layer.options.variant ? h : reset, &hidden);
            const double n = layer.g(layer.options.variant ? fma(r[u], hidden, sum) : sum + hidden);
            next[u] = fma(z[u], h[u], mul(1. - z[u], n));
         }
      };
      recurrent_doubles(sizes, d, sequence_lens, X, initial_h, Y, Y_h, scratch, [](Size) {}, step, [](Size, Size) {});
   }
}

ONNX_BRIDGE_KERNEL void rnn_doubles(const RecurrentSizes& sizes, const std::int32_t* sequence_lens, const RecurrentRows<const double>& X,
                                    const RecurrentDoubleWeights& weights, const RecurrentRows<const double>& initial_h,
                                    const RecurrentRows<double>& Y, const RecurrentRows<double>& Y_h, const RecurrentDoubleOptions& first,
                                    const RecurrentDoubleOptions& second, double* scratch)
{
   for (Size d = 0; d < sizes.directions; d++) {
      const RecurrentDoubleLayer<1> layer(sizes, weights, d == 0 ? first : second, d);
      const auto step = [&](const double* x, const double* h, double* next) {
         for (Size u = 0; u < sizes.units; u++) {
            double sum;
            layer.template sum<1>(u, x, h, &sum);
            next[u] = layer.f(sum);
         }
      };
      recurrent_doubles(sizes, d, sequence_lens, X, initial_h, Y, Y_h, scratch, [](Size) {}, step, [](Size, Size) {});
   }
}
