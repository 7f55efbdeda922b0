// cast.hxx: ONNX's Cast between numbers and bool, and memory of other types than float as vectors.
//
// From float or double to integers: truncated towards zero. What does not fit, and NaN, gives what x86's conversions and thus
// onnxruntime give: the smallest integer of int32 and int64; narrow types are the low bits of int32's answer, uint32 those of int64's. Never
// undefined. To bool: x != 0 (NaN: true).
#pragma once
#include "arithmetic.hxx"

/// The truncated value, or the smallest Int where that does not fit. Int: std::int32_t or std::int64_t.
template <class Int>
ONNX_BRIDGE_INLINE Int truncated(double x)
{
   constexpr double limit = 2. * ((std::numeric_limits<Int>::max)() / 2 + 1);
   return x >= -limit && x < limit ? static_cast<Int>(x) : (std::numeric_limits<Int>::min)();
}

template <class To, class From>
ONNX_BRIDGE_INLINE To cast(From x)
{
   if constexpr (std::is_same<To, From>::value)
      return x;
   else if constexpr (std::is_same<To, bool>::value)
      return !(x == From());
   else if constexpr (std::is_floating_point<To>::value || std::is_integral<From>::value)
      return static_cast<To>(x);
   else if constexpr (!std::is_same<To, std::uint64_t>::value)
      return static_cast<To>(truncated<std::conditional_t<(sizeof(To) == 8 || std::is_same<To, std::uint32_t>::value), std::int64_t, std::int32_t>>(x));
   else {
      const double wide = x, half = 9223372036854775808.;  // 2^63
      const bool upper = wide >= half;
      return static_cast<std::uint64_t>(truncated<std::int64_t>(upper ? wide - half : wide)) ^ static_cast<std::uint64_t>(upper) << 63;
   }
}

/// int32 in memory, whole vectors or the first n lanes (the others 0).
ONNX_BRIDGE_INLINE ivec load(const std::int32_t* p, All) { return load(p); }
ONNX_BRIDGE_INLINE ivec load(const std::int32_t* p, Size n)
{
#if defined(ONNX_BRIDGE_HAS_AVX512)
   return __builtin_ia32_loaddqusi512_mask(p, ivec{}, first_lanes(n));
#elif defined(ONNX_BRIDGE_HAS_AVX2)
   return __builtin_ia32_maskloadd256(reinterpret_cast<const ivec*>(p), first_lanes(n));
#else
   ivec v{};
   for (Size i = 0; i < n; i++) v[i] = p[i];
   return v;
#endif
}
ONNX_BRIDGE_INLINE void store(std::int32_t* p, ivec v, All) { store(p, v); }
ONNX_BRIDGE_INLINE void store(std::int32_t* p, ivec v, Size n)
{
#if defined(ONNX_BRIDGE_HAS_AVX512)
   __builtin_ia32_storedqusi512_mask(p, v, first_lanes(n));
#elif defined(ONNX_BRIDGE_HAS_AVX2)
   __builtin_ia32_maskstored256(reinterpret_cast<ivec*>(p), first_lanes(n), v);
#else
   for (Size i = 0; i < n; i++) p[i] = v[i];
#endif
}

/// int32 in memory as floats of the same value, correctly rounded.
template <class Count>
ONNX_BRIDGE_INLINE vec load_as_float(const std::int32_t* p, Count count)
{
   return to_float(load(p, count));
}

typedef signed char byte_vec __attribute__((vector_size(ONNX_BRIDGE_LANES)));
typedef signed char unaligned_byte_vec __attribute__((vector_size(ONNX_BRIDGE_LANES), aligned(1), may_alias));

/// Bools in memory, one byte each, as a mask (the lanes at and beyond count 0); and back.
ONNX_BRIDGE_INLINE ivec load_mask(const bool* p, All)
{
   return __builtin_convertvector(*reinterpret_cast<const unaligned_byte_vec*>(p), ivec) != 0;
}
ONNX_BRIDGE_INLINE ivec load_mask(const bool* p, Size n)
{
   ivec mask{};
   for (Size i = 0; i < n; i++) mask[i] = -static_cast<std::int32_t>(p[i]);
   return mask;
}
ONNX_BRIDGE_INLINE void store_mask(bool* p, ivec mask, All)
{
   *reinterpret_cast<unaligned_byte_vec*>(p) = __builtin_convertvector(mask & 1, byte_vec);
}
ONNX_BRIDGE_INLINE void store_mask(bool* p, ivec mask, Size n)
{
   for (Size i = 0; i < n; i++) p[i] = mask[i] != 0;
}

/// 1 where the mask is set, else 0; and back: set where x is not 0 (NaN: set).
ONNX_BRIDGE_INLINE vec mask_to_float(ivec mask) { return as_float(mask & as_int(splat(1.f))); }
ONNX_BRIDGE_INLINE float mask_to_float(bool mask) { return static_cast<float>(mask); }
ONNX_BRIDGE_INLINE ivec float_to_mask(vec x) { return ~(x == 0.f); }
ONNX_BRIDGE_INLINE bool float_to_mask(float x) { return !(x == 0.f); }
