// map_region.hxx: what map_test.cpp calls in each region.
#include "double_rows.hxx"
#include "half.hxx"
#include "lrn.hxx"
#include "map.hxx"

struct Itself {
   __attribute__((always_inline)) vec operator()(vec x) const { return x; }
};
struct Choice {
   __attribute__((always_inline)) vec operator()(ivec condition, vec a, vec b) const { return condition ? a : b; }
};
struct Difference {
   template <class T>
   __attribute__((always_inline)) T operator()(T a, T b) const
   {
      return static_cast<T>(a - b);
   }
};
struct Above {
   __attribute__((always_inline)) ivec operator()(vec a, vec b) const { return a > b; }
};

ONNX_BRIDGE_KERNEL void from_halves(Size n, const std::uint16_t* x, float* y, bool brain)
{
   if (brain)
      vector_map(n, y, Itself(), HalfRow<Bfloat16>{reinterpret_cast<const Bfloat16*>(x)});
   else
      vector_map(n, y, Itself(), HalfRow<Half>{reinterpret_cast<const Half*>(x)});
}
ONNX_BRIDGE_KERNEL void to_halves(Size n, const float* x, std::uint16_t* y, bool brain)
{
   if (brain)
      vector_map(n, reinterpret_cast<Bfloat16*>(y), Itself(), Row{x});
   else
      vector_map(n, reinterpret_cast<Half*>(y), Itself(), Row{x});
}
ONNX_BRIDGE_KERNEL float from_half(std::uint16_t x, bool brain) { return brain ? bfloat16_to_float(x) : half_to_float(x); }
ONNX_BRIDGE_KERNEL std::uint16_t to_half(float x, bool brain) { return brain ? float_to_bfloat16(x) : float_to_half(x); }
ONNX_BRIDGE_KERNEL void choose(Size n, const bool* condition, const float* a, const float* b, float* y)
{
   vector_map(n, y, Choice(), MaskRow{condition}, Row{a}, Row{b});
}
ONNX_BRIDGE_KERNEL void compare(Size n, const float* a, const float* b, bool* y) { vector_map(n, y, Above(), Row{a}, Row{b}); }
ONNX_BRIDGE_KERNEL void subtract(Size n, const std::uint8_t* a, const std::uint8_t* b, std::uint8_t* y)
{
   scalar_map(n, y, Difference(), ScalarRow<std::uint8_t>{a}, ScalarRow<std::uint8_t>{b});
}
ONNX_BRIDGE_KERNEL void normalise(Size batch, Size channels, Size pixels, const float* x, float* y, Size size, float share, float beta, float bias)
{
   lrn(batch, channels, pixels, x, y, size, share, beta, bias);
}
ONNX_BRIDGE_KERNEL void double_softmax(Size outer, Size n, Size inner, const double* x, double* y) { softmax(outer, n, inner, x, y); }
ONNX_BRIDGE_KERNEL void double_layer_norm(Size rows, Size n, const double* x, const double* scale, const double* bias, double* y)
{
   layer_norm(rows, n, x, scale, bias, y, 1e-5);
}
