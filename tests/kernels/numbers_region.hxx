// numbers_region.hxx: drivers of numbers_test.cpp, pasted after the kernels: vec does not leave a region.
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
