// functions_region.hxx: drivers of functions_test.cpp, pasted after the kernels: vec does not leave a region.
#define ONNX_BRIDGE_UNARY(name, expression)                          \
   ONNX_BRIDGE_KERNEL void name(const float* x, float* y, Size n)    \
   {                                                                 \
      Size i = 0;                                                    \
      for (; i + lanes <= n; i += lanes) {                           \
         const vec v = load(x + i);                                  \
         store(y + i, expression);                                   \
      }                                                              \
      if (i < n) {                                                   \
         const vec v = load(x + i, n - i);                           \
         store(y + i, expression, n - i);                            \
      }                                                              \
   }
#define ONNX_BRIDGE_BINARY(name, expression)                                          \
   ONNX_BRIDGE_KERNEL void name(const float* x, const float* z, float* y, Size n)     \
   {                                                                                  \
      for (Size i = 0; i < n; i += lanes) {                                           \
         const Size count = n - i < lanes ? n - i : lanes;                            \
         const vec a = load(x + i, count), b = load(z + i, count);                    \
         store(y + i, expression, count);                                             \
      }                                                                               \
   }
struct Functions {
   ONNX_BRIDGE_UNARY(run_exp, exp(v))
   ONNX_BRIDGE_UNARY(run_exp_nonpositive, exp_nonpositive(v))
   ONNX_BRIDGE_UNARY(run_tanh, tanh(v))
   ONNX_BRIDGE_UNARY(run_sigmoid, sigmoid(v))
   ONNX_BRIDGE_UNARY(run_erf, erf(v))
   ONNX_BRIDGE_UNARY(run_gelu, gelu(v))
   ONNX_BRIDGE_UNARY(run_log, log(v))
   ONNX_BRIDGE_UNARY(run_log1p, log1p(v))
   ONNX_BRIDGE_UNARY(run_abs, abs(v))
   ONNX_BRIDGE_UNARY(run_neg, neg(v))
   ONNX_BRIDGE_UNARY(run_sign, sign(v))
   ONNX_BRIDGE_UNARY(run_round, round(v))
   ONNX_BRIDGE_UNARY(run_floor, floor(v))
   ONNX_BRIDGE_UNARY(run_ceil, ceil(v))
   ONNX_BRIDGE_UNARY(run_reciprocal, reciprocal(v))
   ONNX_BRIDGE_UNARY(run_sqrt, sqrt(v))
   ONNX_BRIDGE_UNARY(run_relu, relu(v))
   ONNX_BRIDGE_UNARY(run_leaky_relu, leaky_relu(v, 0.1f))
   ONNX_BRIDGE_UNARY(run_thresholded_relu, thresholded_relu(v, 1.5f))
   ONNX_BRIDGE_UNARY(run_elu, elu(v, 2.f))
   ONNX_BRIDGE_UNARY(run_selu, selu(v, 1.6732632f, 1.0507010f))
   ONNX_BRIDGE_UNARY(run_celu, celu(v, 2.f))
   ONNX_BRIDGE_UNARY(run_hard_sigmoid, hard_sigmoid(v, 0.2f, 0.5f))
   ONNX_BRIDGE_UNARY(run_hard_swish, hard_swish(v))
   ONNX_BRIDGE_UNARY(run_softplus, softplus(v))
   ONNX_BRIDGE_UNARY(run_softsign, softsign(v))
   ONNX_BRIDGE_UNARY(run_mish, mish(v))
   ONNX_BRIDGE_UNARY(run_gelu_tanh, gelu_tanh(v))
   ONNX_BRIDGE_UNARY(run_swish, swish(v, 1.f))
   ONNX_BRIDGE_UNARY(run_shrink, shrink(v, 0.25f, 0.5f))
   ONNX_BRIDGE_UNARY(run_clip, clip(v, -0.5f, 2.f))
   ONNX_BRIDGE_UNARY(run_is_nan, mask_to_float(is_nan(v)))
   ONNX_BRIDGE_UNARY(run_is_inf, mask_to_float(is_inf(v, true, false)))
   ONNX_BRIDGE_UNARY(run_sin, sin(v))
   ONNX_BRIDGE_UNARY(run_cos, cos(v))
   ONNX_BRIDGE_UNARY(run_tan, tan(v))
   ONNX_BRIDGE_UNARY(run_asin, asin(v))
   ONNX_BRIDGE_UNARY(run_acos, acos(v))
   ONNX_BRIDGE_UNARY(run_atan, atan(v))
   ONNX_BRIDGE_UNARY(run_sinh, sinh(v))
   ONNX_BRIDGE_UNARY(run_cosh, cosh(v))
   ONNX_BRIDGE_UNARY(run_asinh, asinh(v))
   ONNX_BRIDGE_UNARY(run_acosh, acosh(v))
   ONNX_BRIDGE_UNARY(run_atanh, atanh(v))

   ONNX_BRIDGE_BINARY(run_add, add(a, b))
   ONNX_BRIDGE_BINARY(run_sub, sub(a, b))
   ONNX_BRIDGE_BINARY(run_product, product(a, b))
   ONNX_BRIDGE_BINARY(run_div, div(a, b))
   ONNX_BRIDGE_BINARY(run_fmod, fmod(a, b))
   ONNX_BRIDGE_BINARY(run_pow, pow(a, b))
   ONNX_BRIDGE_BINARY(run_max, max_of(a, b))
   ONNX_BRIDGE_BINARY(run_min, min_of(a, b))
   ONNX_BRIDGE_BINARY(run_prelu, prelu(a, b))
   ONNX_BRIDGE_BINARY(run_equal, mask_to_float(equal(a, b)))
   ONNX_BRIDGE_BINARY(run_less, mask_to_float(less(a, b)))
   ONNX_BRIDGE_BINARY(run_less_or_equal, mask_to_float(less_or_equal(a, b)))
   ONNX_BRIDGE_BINARY(run_greater, mask_to_float(greater(a, b)))
   ONNX_BRIDGE_BINARY(run_greater_or_equal, mask_to_float(greater_or_equal(a, b)))
   ONNX_BRIDGE_BINARY(run_where, where(not_(or_(less(a, b), equal(a, b))), a, b))
   ONNX_BRIDGE_BINARY(run_xor, mask_to_float(xor_(less(a, b), and_(less(a, vec{}), less(b, vec{})))))
};
#undef ONNX_BRIDGE_UNARY
#undef ONNX_BRIDGE_BINARY
