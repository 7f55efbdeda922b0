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

/// The single-number functions for integers of type T.
template <class T>
struct Integers {
   ONNX_BRIDGE_KERNEL T add_(T a, T b) { return add(a, b); }
   ONNX_BRIDGE_KERNEL T sub_(T a, T b) { return sub(a, b); }
   ONNX_BRIDGE_KERNEL T product_(T a, T b) { return product(a, b); }
   ONNX_BRIDGE_KERNEL T div_(T a, T b) { return div(a, b); }
   ONNX_BRIDGE_KERNEL T mod_(T a, T b) { return mod(a, b); }
   ONNX_BRIDGE_KERNEL T fmod_(T a, T b) { return fmod(a, b); }
   ONNX_BRIDGE_KERNEL T pow_(T a, T b) { return pow(a, b); }
   ONNX_BRIDGE_KERNEL T max_(T a, T b) { return max_of(a, b); }
   ONNX_BRIDGE_KERNEL T min_(T a, T b) { return min_of(a, b); }
   ONNX_BRIDGE_KERNEL T abs_(T a, T) { return abs(a); }
   ONNX_BRIDGE_KERNEL T neg_(T a, T) { return neg(a); }
   ONNX_BRIDGE_KERNEL T sign_(T a, T) { return sign(a); }
   ONNX_BRIDGE_KERNEL T left_(T a, T b) { return bit_shift_left(a, b); }
   ONNX_BRIDGE_KERNEL T right_(T a, T b) { return bit_shift_right(a, b); }
   ONNX_BRIDGE_KERNEL T bits_(T a, T b) { return bitwise_xor(bitwise_and(a, bitwise_not(b)), bitwise_or(a, b)); }
};

/// ivec functions, by name.
ONNX_BRIDGE_KERNEL void integer_lanes(int which, const std::int32_t* a, const std::int32_t* b, std::int32_t* y, Size n)
{
   for (Size i = 0; i < n; i += lanes) {
      const Size count = n - i < lanes ? n - i : lanes;
      const ivec p = load(a + i, count), q = load(b + i, count);
      store(y + i,
            which == 0 ? add(p, q) : which == 1 ? sub(p, q) : which == 2 ? product(p, q) : which == 3 ? div(p, q) : which == 4 ? max_of(p, q)
            : which == 5 ? min_of(p, q) : which == 6 ? abs(p) : which == 7 ? neg(p) : which == 8 ? sign(p)
                                                   : where(less(p, q), p, bitwise_xor(p, q)),
            count);
   }
}

/// Bools through masks; int32 as float.
ONNX_BRIDGE_KERNEL void masks(const bool* x, bool* y, Size n)
{
   Size i = 0;
   for (; i + lanes <= n; i += lanes) store_mask(y + i, not_(load_mask(x + i, All())), All());
   if (i < n) store_mask(y + i, not_(load_mask(x + i, n - i)), n - i);
}
ONNX_BRIDGE_KERNEL void int_to_float(const std::int32_t* x, float* y, Size n)
{
   Size i = 0;
   for (; i + lanes <= n; i += lanes) store(y + i, load_as_float(x + i, All()));
   if (i < n) store(y + i, load_as_float(x + i, n - i), n - i);
}

template <class To, class From>
ONNX_BRIDGE_KERNEL To cast_one(From x)
{
   return cast<To>(x);
}
ONNX_BRIDGE_KERNEL float from_half(std::uint16_t h) { return half_to_float(h); }
ONNX_BRIDGE_KERNEL std::uint16_t to_half(float x) { return float_to_half(x); }
ONNX_BRIDGE_KERNEL float from_bfloat16(std::uint16_t h) { return bfloat16_to_float(h); }
ONNX_BRIDGE_KERNEL std::uint16_t to_bfloat16(float x) { return float_to_bfloat16(x); }
#undef ONNX_BRIDGE_UNARY
#undef ONNX_BRIDGE_BINARY

/// A few double forms, one number each.
ONNX_BRIDGE_KERNEL double number_of(int which, double x)
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
ONNX_BRIDGE_KERNEL float number_of(int which, float x)
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
