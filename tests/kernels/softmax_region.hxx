// softmax_region.hxx: drivers of softmax_test.cpp, pasted after the kernels.
template <class N>
ONNX_BRIDGE_KERNEL void softmax_of(int kind, Size outer, N n, Size inner, const float* x, float* y)
{
   switch (kind) {
      case 0: return softmax(outer, n, inner, x, y);
      case 1: return log_softmax(outer, n, inner, x, y);
      case 2: return softmax(outer, n, Const<1>(), x, y);
      case 3: return log_softmax(outer, n, Const<1>(), x, y);
      default: return hardmax(outer, n, inner, x, y);
   }
}
ONNX_BRIDGE_KERNEL void run_softmax(int kind, Size outer, Size n, Size inner, const float* x, float* y)
{
   // Sizes known to the compiler must give the bits of sizes that are not.
   if (n == 10 && outer % 2 == 1)
      softmax_of(kind, outer, Const<10>(), inner, x, y);
   else if (n == 128 && outer % 2 == 1)
      softmax_of(kind, outer, Const<128>(), inner, x, y);
   else
      softmax_of(kind, outer, n, inner, x, y);
}
ONNX_BRIDGE_KERNEL void run_layer_norm(Size rows, Size n, const float* x, const float* scale, const float* bias, float* y, float epsilon,
                                       float* means, float* inverses)
{
   if (n == 100 && rows % 2 == 1)
      layer_norm(rows, Const<100>(), x, scale, bias, y, epsilon, means, inverses);
   else
      layer_norm(rows, n, x, scale, bias, y, epsilon, means, inverses);
}
ONNX_BRIDGE_KERNEL void run_rms_norm(Size rows, Size n, const float* x, const float* scale, float* y, float epsilon, float* inverses)
{
   rms_norm(rows, n, x, scale, y, epsilon, inverses);
}
