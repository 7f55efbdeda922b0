// rarer_region.hxx: drivers of rarer_test.cpp, pasted after the kernels.
ONNX_BRIDGE_KERNEL void bytes_lstm(Size T, Size B, Size I, Size H, bool reverse, const std::int32_t* lengths, const float* x, const std::int8_t* w,
                                   const std::int8_t* r, const float* w_scale, const float* r_scale, const float* bias, float* y, float* last,
                                   float* cell)
{
   char* const packed_w = new char[static_cast<std::size_t>(4 * pack_integers_scratch(1, 1, I, 4 * H))];
   char* const packed_r = new char[static_cast<std::size_t>(4 * pack_integers_scratch(1, 1, H, 4 * H))];
   const std::int8_t* const none = nullptr;
   const IntegerWeights W = pack_integers(1, 1, 1, I, 4 * H, w, PackStrides{0, 0, 0, 4 * H, 1}, none, 1, nullptr, -1, packed_w);
   const IntegerWeights R = pack_integers(1, 1, 1, H, 4 * H, r, PackStrides{0, 0, 0, 4 * H, 1}, none, 1, nullptr, -1, packed_r);
   const RecurrentRows<const float> nothing = {nullptr, 0, 0, 0};
   float* const scratch = new float[static_cast<std::size_t>(quantized_lstm_scratch(T, B, I, H))];
   quantized_lstm(RecurrentSizes{T, B, I, H, 1, reverse}, 0, lengths, x, QuantizedGates{W, w_scale, false}, QuantizedGates{R, r_scale, true}, bias,
                  nullptr, nothing, nothing, RecurrentRows<float>{y, B * H, 0, H}, RecurrentRows<float>{last, 0, 0, H},
                  RecurrentRows<float>{cell, 0, 0, H}, LstmDefaults(), scratch);
   delete[] scratch;
   delete[] packed_r;
   delete[] packed_w;
}
template <class T>
ONNX_BRIDGE_KERNEL void pairs(bool product, Size n, const float* scales, const std::int32_t* zeros, const T* a, Size a_step, const T* b, Size b_step, T* y)
{
   if (product)
      quantized_pairs(n, QuantizedProduct(scales[0], zeros[0], scales[1], zeros[1], scales[2], zeros[2]), 0, a, a_step, b, b_step, y);
   else
      quantized_pairs(n, QuantizedSum(scales[0], zeros[0], scales[1], zeros[1], scales[2], zeros[2]), 0, a, a_step, b, b_step, y);
}
struct Sigmoids {
   __attribute__((always_inline)) vec operator()(vec v) const { return sigmoid(v); }
};
ONNX_BRIDGE_KERNEL void looked_up(Size rows, Size n, Size row, const std::int8_t* x, float x_scale, float y_scale, std::int8_t* table, std::int8_t* y)
{
   look_up(rows, n, x, row, make_table<std::int8_t>(x_scale, 3, y_scale, -5, Sigmoids(), reinterpret_cast<char*>(table)), y, row);
}
ONNX_BRIDGE_KERNEL void averaged(Size planes, Size h, Size w, bool all, const std::uint8_t* x, std::uint8_t* y, std::uint8_t* whole)
{
   const Axis none = {1, 1, 1, 1, 1, 0}, down = {h, (h + 1) / 2, 3, 2, 1, 1}, across = {w, w, 3, 1, 1, 1};
   quantized_average(Window{none, down, across}, planes, all, 0, Quantization{0.5f, 7}, Quantization{0.25f, 9}, x, y, 1);
   quantized_global_average(1, h * w, planes, Quantization{0.5f, 7}, Quantization{0.25f, 9}, x, whole, false);
}
ONNX_BRIDGE_KERNEL void softmax_of(Size outer, Size n, Size inner, float scale, const std::uint8_t* x, float* table, std::uint8_t* y)
{
   quantized_softmax(outer, n, inner, x, make_exponentials(n, scale, reinterpret_cast<char*>(table)), 256.f, 0, y);
}
template <class T>
ONNX_BRIDGE_KERNEL std::uint8_t encoded(float x) { return T(x).bits; }
template <class T>
ONNX_BRIDGE_KERNEL float decoded(std::uint8_t code)
{
   T made;
   made.bits = code;
   return made;
}
template <class T>
ONNX_BRIDGE_KERNEL void narrow(Size rows, Size columns, const float* x, const float* scale, bool each, std::uint8_t* y, float* z)
{
   const Blocks blocks = {1, rows, columns, rows > 0 ? rows : 1, 0, 0, each};
   quantize_to_floats<Single>(blocks, x, scale, reinterpret_cast<T*>(y), true);
   dequantize_floats(blocks, reinterpret_cast<const T*>(y), scale, z);
}
ONNX_BRIDGE_KERNEL void four_bits(Size rows, Size columns, const float* x, const float* scale, bool each, std::int8_t* y, float* z)
{
   const Blocks blocks = {1, rows, columns, rows > 0 ? rows : 1, 0, 0, each};
   const Int4* const zero = nullptr;
   quantize_in<Single>(blocks, x, scale, zero, reinterpret_cast<Int4*>(y), -8, 7);
   dequantize(blocks, reinterpret_cast<const Int4*>(y), scale, zero, z);
}
ONNX_BRIDGE_KERNEL float nearest_power(float x, int mode, bool saturate) { return power_of_two(x, static_cast<PowerOfTwo>(mode), saturate); }

ONNX_BRIDGE_KERNEL void windows(const Size (&sizes)[3], Size stride, Size dilation, Size pad, const double* x, const double* w, const double* bias,
                                double* y, double* back, double* top, std::int64_t* where, double* mean)
{
   const auto axis = [&](Size in) -> Axis { return {in, (in + 2 * pad - dilation - 1) / stride + 1, 2, stride, dilation, pad, pad}; };
   const Window window = {axis(sizes[0]), axis(sizes[1]), axis(sizes[2])};
   conv_doubles(window, 2, 4, 6, x, w, bias, y);
   const auto turned = [](const Axis& a) -> Axis { return {a.out, a.in, a.kernel, a.stride, a.dilation, a.pad}; };
   conv_transposed_doubles(Window{turned(window.depth), turned(window.height), turned(window.width)}, 2, 6, 4, y, w, nullptr, back);
   max_pool_doubles(window, 4, false, x, top, where);
   sum_pool_doubles(window, 4, 0, false, x, mean);
}
ONNX_BRIDGE_KERNEL Size double_floats(Size units) { return recurrent_doubles_scratch(units); }
ONNX_BRIDGE_KERNEL void recurrent(int kind, const RecurrentSizes& sizes, const std::int32_t* lengths, const double* x, const double* w, const double* r,
                                  const double* bias, double* y, double* last, double* scratch)
{
   const RecurrentActivation s = {RecurrentFunction::sigmoid, 0, 0}, t = {RecurrentFunction::tanh, 0, 0};
   const Size B = sizes.batch, H = sizes.units, D = sizes.directions;
   const RecurrentDoubleOptions options = {kind == 2 ? t : s, t, t, std::numeric_limits<float>::infinity(), kind == 1};
   const RecurrentRows<const double> X = {x, B * sizes.inputs, 0, sizes.inputs}, none = {nullptr, 0, 0, 0};
   const RecurrentRows<double> Y = {y, D * B * H, B * H, H}, Y_h = {last, 0, B * H, H}, nothing = {nullptr, 0, 0, 0};
   const RecurrentDoubleWeights weights = {w, r, bias, nullptr};
   if (kind == 0) lstm_doubles(sizes, lengths, X, weights, none, none, Y, Y_h, nothing, options, options, scratch);
   if (kind == 1) gru_doubles(sizes, lengths, X, weights, none, Y, Y_h, options, options, scratch);
   if (kind == 2) rnn_doubles(sizes, lengths, X, weights, none, Y, Y_h, options, options, scratch);
}
