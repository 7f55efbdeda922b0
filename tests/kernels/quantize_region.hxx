// quantize_region.hxx: drivers of quantize_test.cpp, pasted after the kernels.
template <class Y>
ONNX_BRIDGE_KERNEL void quantize_columns(Size rows, Size n, const float* x, const float* scale, const Y* zero, Y* y)
{
   quantize(Blocks{1, rows, n, 1, 0, 0, true}, x, scale, zero, y, std::numeric_limits<Y>::min(), std::numeric_limits<Y>::max());
}
template <class Y>
ONNX_BRIDGE_KERNEL void dequantize_columns(Size rows, Size n, const Y* y, const float* scale, const Y* zero, float* x)
{
   dequantize(Blocks{1, rows, n, 1, 0, 0, true}, y, scale, zero, x);
}
