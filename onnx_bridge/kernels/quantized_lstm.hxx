// quantized_lstm.hxx: com.microsoft.DynamicQuantizeLSTM: one direction of an LSTM whose weights are bytes.
//
// The inputs of all steps together, and the states h of all rows before each step, become uint8 by their own range (quantize.hxx). Products
// with the weights are sums of 32 bits (integer_product.hxx), as floats times both scales; those of the inputs have the bias Wb + Rb added
// first, then those of the states. Gates and options are those of lstm.hxx; lengths, rows and states those of recurrent.hxx. Once a row has
// ended its state is 0, as in onnxruntime, so that rows that run decide the range. X is [T][B][I], contiguous; bias is Wb, Rb of i o f c, in
// 8 * H numbers, or null; peepholes are 3 * H, or null. scratch: floats; any size may be 0.
#pragma once
#include "integer_product.hxx"
#include "lstm.hxx"
#include "quantize.hxx"

/// Weights [K][4 * H], packed; their `offset` are the sums of the columns. One scale, or one a column.
struct QuantizedGates {
   IntegerWeights weights;
   const float* scale;
   bool columns;
};

ONNX_BRIDGE_INLINE LstmDefaults with_peepholes(const LstmDefaults& options, const float*) { return options; }
ONNX_BRIDGE_INLINE LstmOptions with_peepholes(const LstmOptions& options, const float* peepholes)
{
   return {options.f, options.g, options.h, peepholes, options.clip, options.input_forget};
}

/// Memory for one product: offsets, scales, and rows as they are copied.
struct QuantizedScratch {
   float *offsets, *scales, *copy;
};

/// y[M][N] = x[M][K] as uint8 by its range, times the weights, as floats, plus the bias where there is one. bytes: M * K of memory.
ONNX_BRIDGE_KERNEL void quantized_gates(Size M, Size N, Size K, const float* x, const QuantizedGates& gates, const float* bias, float* bytes,
                                        const QuantizedScratch& memory, float* y)
{
   std::uint8_t* const quantised = reinterpret_cast<std::uint8_t*>(bytes);
   float scale;
   std::uint8_t zero;
   quantize_dynamically(M * K, x, quantised, &scale, &zero);
   const IntegerWeights& w = gates.weights;
   const IntegerWeights shifted = with_offsets(1, N, w.packed, w.offset, nullptr, w.zeros, zero, reinterpret_cast<char*>(memory.offsets));
   const float* const scales = output_scales(gates.columns ? N : 1, scale, gates.scale, nullptr, reinterpret_cast<char*>(memory.scales));
   integer_gemm(M, N, K, quantised, K, 1, zero, shifted, reinterpret_cast<char*>(memory.copy), ToFloats{y, N, scales, gates.columns, bias});
}

/// Floats of scratch memory of quantized_lstm(): projections, sums, h, c; bias, scales, offsets, peepholes; bytes; copies of rows.
ONNX_BRIDGE_INLINE Size quantized_lstm_scratch(Size steps, Size batch, Size inputs, Size units)
{
   const Size rows = steps * batch, padded = whole_panels(units);
   return (rows + batch) * 4 * units + batch * (units + padded) + 8 * units + whole_panels(4 * units) + 3 * padded + quads_of(rows * inputs) +
          quads_of(batch * units) + integer_gemm_scratch(rows, inputs) + integer_gemm_scratch(batch, units);
}

/// Direction d. Options: LstmDefaults, or LstmOptions, whose peepholes are those given here.
template <class Options>
ONNX_BRIDGE_KERNEL void quantized_lstm(const RecurrentSizes& sizes, Size d, const std::int32_t* sequence_lens, const float* X,
                                       const QuantizedGates& W, const QuantizedGates& R, const float* bias, const float* peepholes,
                                       const RecurrentRows<const float>& initial_h, const RecurrentRows<const float>& initial_c,
                                       const RecurrentRows<float>& Y, const RecurrentRows<float>& Y_h, const RecurrentRows<float>& Y_c,
                                       const Options& given, float* scratch)
{
   const Size B = sizes.batch, H = sizes.units, N = 4 * H, padded = whole_panels(H), rows = sizes.steps * B;
   const std::size_t row_bytes = static_cast<std::size_t>(H) * sizeof(float);
   float* const projection = scratch;
   float* const sums = projection + rows * N;
   float* const h = sums + B * N;
   float* const c = h + B * H;
   float* const both = c + B * padded;
   float* const scales = both + N;
   float* const offsets = scales + N;
   float* const P = offsets + whole_panels(N);
   float* const bytes = P + 3 * padded;
   float* const state_bytes = bytes + quads_of(rows * sizes.inputs);
   float* const copy = state_bytes + quads_of(B * H);
   const QuantizedScratch memory = {offsets, scales, copy};

   for (Size n = 0; bias && n < N; n++) both[n] = bias[n] + bias[N + n];
   for (Size i = 0; peepholes && i < 3; i++) recurrent_start(peepholes + i * H, H, padded, P + i * padded);
   const auto options = with_peepholes(given, peepholes ? P : nullptr);

   RecurrentStep step = {sizes.steps, B, H, padded, sequence_lens, d == 1 || sizes.reverse, 0, 0, 0, projection, N, nullptr, nullptr};
   Size longest = 0;
   for (Size b = 0; b < B; b++) {
      recurrent_start(initial_h.data ? initial_h.at(0, d, b) : nullptr, H, H, h + b * H);
      recurrent_start(initial_c.data ? initial_c.at(0, d, b) : nullptr, H, padded, c + b * padded);
      const Size length = step.length(b);
      if (longest < length) longest = length;
      if (Y.data)
         for (Size t = length; t < sizes.steps; t++) std::memset(Y.at(t, d, b), 0, row_bytes);
      if (length == 0 && Y_h.data) std::memset(Y_h.at(0, d, b), 0, row_bytes);
      if (length == 0 && Y_c.data) std::memset(Y_c.at(0, d, b), 0, row_bytes);
   }
   quantized_gates(longest * B, N, sizes.inputs, X, W, bias ? both : nullptr, bytes, memory, projection);
   for (step.index = 0; step.index < longest; step.index++) {
      quantized_gates(B, N, H, h, R, nullptr, state_bytes, memory, sums);
      for (Size b = 0; b < B; b++) {
         float* const state = h + b * H;
         if (!step.runs(b)) {
            std::memset(state, 0, row_bytes);
            continue;
         }
         const float* const projected = projection + (step.time(b) * B + b) * N;
         const float* const sum = sums + b * N;
         for (Size unit = 0; unit < H; unit += lanes) {
            const Size count = H - unit < lanes ? H - unit : lanes;
            vec gate[4];
            for (Size g = 0; g < 4; g++) gate[g] = load(projected + g * H + unit, count) + load(sum + g * H + unit, count);
            store(state + unit, lstm_update(options, gate, unit, padded, c + b * padded + unit), count);
         }
         if (Y.data) std::memcpy(Y.at(step.time(b), d, b), state, row_bytes);
         if (step.index + 1 < step.length(b)) continue;
         if (Y_h.data) std::memcpy(Y_h.at(0, d, b), state, row_bytes);
         if (Y_c.data) std::memcpy(Y_c.at(0, d, b), c + b * padded, row_bytes);
      }
   }
}
