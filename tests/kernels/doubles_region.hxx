// doubles_region.hxx: drivers of doubles_test.cpp and same_bits.cpp, pasted after the kernels: dvec does not leave a region.
#define ONNX_BRIDGE_DOUBLES(name)                                                                   \
   ONNX_BRIDGE_KERNEL void lanes_##name(const double* x, double* y, Size n)                         \
   {                                                                                                \
      for (Size i = 0; i < n; i += lanes / 2) {                                                     \
         dvec v{};                                                                                  \
         for (Size j = 0; j < lanes / 2 && i + j < n; j++) v[j] = x[i + j];                         \
         v = double_##name(v);                                                                      \
         for (Size j = 0; j < lanes / 2 && i + j < n; j++) y[i + j] = v[j];                         \
      }                                                                                             \
   }                                                                                                \
   ONNX_BRIDGE_KERNEL void numbers_##name(const double* x, double* y, Size n)                       \
   {                                                                                                \
      for (Size i = 0; i < n; i++) y[i] = name(x[i]);                                               \
   }
struct Doubles {
   ONNX_BRIDGE_DOUBLES(exp)
   ONNX_BRIDGE_DOUBLES(log)
   ONNX_BRIDGE_DOUBLES(log1p)
   ONNX_BRIDGE_DOUBLES(tanh)
   ONNX_BRIDGE_DOUBLES(erf)
   ONNX_BRIDGE_DOUBLES(sigmoid)
   ONNX_BRIDGE_DOUBLES(gelu)
   ONNX_BRIDGE_DOUBLES(sin)
   ONNX_BRIDGE_DOUBLES(cos)
   ONNX_BRIDGE_DOUBLES(tan)
   ONNX_BRIDGE_DOUBLES(asin)
   ONNX_BRIDGE_DOUBLES(acos)
   ONNX_BRIDGE_DOUBLES(atan)
   ONNX_BRIDGE_DOUBLES(sinh)
   ONNX_BRIDGE_DOUBLES(cosh)
   ONNX_BRIDGE_DOUBLES(asinh)
   ONNX_BRIDGE_DOUBLES(acosh)
   ONNX_BRIDGE_DOUBLES(atanh)
   ONNX_BRIDGE_KERNEL void lanes_pow(const double* x, const double* z, double* y, Size n)
   {
      for (Size i = 0; i < n; i += lanes / 2) {
         dvec base{}, by{};
         for (Size j = 0; j < lanes / 2 && i + j < n; j++) base[j] = x[i + j], by[j] = z[i + j];
         const dvec power = double_pow<false>(base, by);
         for (Size j = 0; j < lanes / 2 && i + j < n; j++) y[i + j] = power[j];
      }
   }
   ONNX_BRIDGE_KERNEL void numbers_pow(const double* x, const double* z, double* y, Size n)
   {
      for (Size i = 0; i < n; i++) y[i] = pow(x[i], z[i]);
   }
};
#undef ONNX_BRIDGE_DOUBLES

ONNX_BRIDGE_KERNEL void floats_pow(const float* x, const float* z, float* y, Size n)
{
   for (Size i = 0; i < n; i += lanes) {
      const Size count = n - i < lanes ? n - i : lanes;
      store(y + i, pow(load(x + i, count), load(z + i, count)), count);
   }
}
ONNX_BRIDGE_KERNEL float number_pow(float x, float z) { return pow(x, z); }
ONNX_BRIDGE_KERNEL std::int64_t number_pow(std::int64_t x, std::int64_t z) { return pow(x, z); }

/// A few forms of one number.
template <class T>
ONNX_BRIDGE_KERNEL T number_of(int which, T x)
{
   switch (which) {
      case 0: return gelu(x);
      case 1: return softplus(x);
      case 2: return mish(x);
      case 3: return elu(x, 1.f);
      case 4: return hard_swish(x);
      case 5: return gelu_tanh(x);
      case 6: return swish(x, 1.f);
      case 7: return shrink(x, 0.25f, 0.5f);
      default: return softsign(x);
   }
}
