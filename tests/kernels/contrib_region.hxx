// contrib_region.hxx: drivers of contrib_test.cpp, pasted after the kernels.
ONNX_BRIDGE_KERNEL void gathered(Size outer, Size n, Size inner, Size indices, int bits, Size block, bool given, const std::uint8_t* data,
                                 const std::int64_t* index, const float* scales, const std::uint8_t* zeros, float* y)
{
   const Size blocks = (inner + block - 1) / block;  // along the last axis
   gather_blocks(outer, n, inner, indices, IntegerBlocks{bits, inner, 1, block, 3.f, blocks}, data, index, scales, given ? zeros : nullptr, y);
}
ONNX_BRIDGE_KERNEL void normalised(Size batch, Size channels, Size pixels, Size size, const double* x, double* y)
{
   lrn_doubles(batch, channels, pixels, x, y, size, 0.5f, 0.75f, 2.f);
}
ONNX_BRIDGE_KERNEL void cropped(Size images, Size channels, Size h, Size w, Size count, Size rows, Size columns, bool nearest, const float* x,
                                const float* boxes, const std::int32_t* batch, float* y)
{
   crop_and_resize(images, channels, h, w, count, rows, columns, -7.f, nearest, x, boxes, batch, y);
}
ONNX_BRIDGE_KERNEL void multiplied(Size M, Size N, Size K, Size block, const float* x, const std::uint8_t* w, const float* scales,
                                   const std::uint8_t* zeros, float* y)
{
   float* const scratch = new float[static_cast<std::size_t>(matmul_nbits_scratch(K))];
   matmul_nbits<4>(M, N, K, block, x, w, scales, zeros, nullptr, scratch, y);
   delete[] scratch;
}
template <class T>
ONNX_BRIDGE_KERNEL void inverted(Size count, Size n, const T* x, T* y)
{
   char* const work = new char[static_cast<std::size_t>(2 * n * n) * sizeof(double)];
   inverses(count, n, x, work, y);
   delete[] work;
}
template <class T>
ONNX_BRIDGE_KERNEL void apart(Size m, Size k, Size n, bool root, const T* a, const T* b, T* y) { distances(m, k, n, root, a, b, y); }
ONNX_BRIDGE_KERNEL void resized(Size outer, Size in, Size out, Size inner, bool nearest, const double* x, double* y)
{
   const ResizeAxisOf<double> axis{in, out, 3., Coordinates::half_pixel, nearest ? Interpolation::nearest : Interpolation::linear,
                                   Nearest::round_prefer_floor, -0.75, false, 0., 1.};
   const Size taps = resize_taps(axis.mode);
   std::int32_t* const index = new std::int32_t[static_cast<std::size_t>(out * taps)];
   double* const weight = new double[static_cast<std::size_t>(out * taps)];
   resize_table(axis, index, weight, static_cast<unsigned char*>(nullptr));
   resize_axis(outer, in, out, inner, taps, index, weight, x, y);
   delete[] index;
   delete[] weight;
}
