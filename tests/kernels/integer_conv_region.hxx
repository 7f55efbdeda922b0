// integer_conv_region.hxx: drivers of integer_conv_test.cpp, pasted after the kernels.
struct Numbers {
   Size in[3], out[3], kernel[3], stride[3], dilation[3], pad[3];
};
template <class A, class B>
ONNX_BRIDGE_KERNEL void convolve(const Numbers& s, Size channels, Size outputs, Size groups, bool last, const A* x, const A* x_zero, const B* w,
                                 const B* w_zero, const std::int32_t* bias, std::int32_t* y)
{
   const auto axis = [&](int i) { return Axis{s.in[i], s.out[i], s.kernel[i], s.stride[i], s.dilation[i], s.pad[i]}; };
   const Window window = {axis(0), axis(1), axis(2)};
   const std::int32_t zero = left_zero(x_zero);
   const Size number = outputs / groups, c = channels / groups, all = taps(window);
   const Size places = s.out[0] * s.out[1] * s.out[2];
   const Image<A> image = {x, last ? 1 : inputs(window), last ? channels : 1};
   const KeepIntegers out = {y, last ? outputs : 1, last ? 1 : places};
   char* scratch = new char[static_cast<std::size_t>(4 * integer_conv_scratch(window, channels))];
   if (groups > 1 && c == 1 && number == 1) {
      char* packed = new char[static_cast<std::size_t>(2 * all * channels)];
      integer_depthwise(window, channels, image, zero, pack_depthwise(channels, all, w, w_zero, 1, packed), bias, scratch, out);
      delete[] packed;
   } else {
      const bool rows = groups == 1 && s.dilation[2] == 1;
      const Size pieces = rows ? s.kernel[0] * s.kernel[1] : all, together = rows ? s.kernel[2] : 1;
      char* packed = new char[static_cast<std::size_t>(4 * pack_integers_scratch(groups, pieces, together * c, number))];
      const PackStrides by = {number * c * all, together, 1, all, c * all};
      const IntegerWeights weights = pack_integers(groups, pieces, together, c, number, w, by, w_zero, 1, bias, zero, packed);
      integer_conv(window, channels, outputs, groups, image, zero, weights, scratch, out);
      delete[] packed;
   }
   delete[] scratch;
}
