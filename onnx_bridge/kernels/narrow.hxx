// narrow.hxx: integers of 8 and 16 bits in memory as lanes of 32 bits, and back; floats as the nearest integers.
//
// Whole vectors or the first n lanes (the others 0); nothing beyond them is read or written. Storing keeps the low bits.
#pragma once
#include "cast.hxx"

typedef std::uint8_t unaligned_unsigned_bytes __attribute__((vector_size(ONNX_BRIDGE_LANES), aligned(1), may_alias));
typedef std::int16_t unaligned_shorts __attribute__((vector_size(2 * ONNX_BRIDGE_LANES), aligned(2), may_alias));
typedef std::uint16_t unaligned_unsigned_shorts __attribute__((vector_size(2 * ONNX_BRIDGE_LANES), aligned(2), may_alias));
typedef std::uint8_t unsigned_bytes __attribute__((vector_size(ONNX_BRIDGE_LANES)));
typedef std::int16_t shorts __attribute__((vector_size(2 * ONNX_BRIDGE_LANES)));
typedef std::uint16_t unsigned_shorts __attribute__((vector_size(2 * ONNX_BRIDGE_LANES)));

ONNX_BRIDGE_INLINE ivec load_integers(const std::int8_t* p, All)
{
   return __builtin_convertvector(*reinterpret_cast<const unaligned_byte_vec*>(p), ivec);
}
ONNX_BRIDGE_INLINE ivec load_integers(const std::uint8_t* p, All)
{
   return __builtin_convertvector(*reinterpret_cast<const unaligned_unsigned_bytes*>(p), ivec);
}
ONNX_BRIDGE_INLINE ivec load_integers(const std::int16_t* p, All)
{
   return __builtin_convertvector(*reinterpret_cast<const unaligned_shorts*>(p), ivec);
}
ONNX_BRIDGE_INLINE ivec load_integers(const std::uint16_t* p, All)
{
   return __builtin_convertvector(*reinterpret_cast<const unaligned_unsigned_shorts*>(p), ivec);
}
ONNX_BRIDGE_INLINE ivec load_integers(const std::int32_t* p, All) { return load(p); }
template <class T>
ONNX_BRIDGE_INLINE ivec load_integers(const T* p, Size n)
{
   ivec v{};
   for (Size i = 0; i < n; i++) v[i] = p[i];
   return v;
}

ONNX_BRIDGE_INLINE void store_integers(std::int8_t* p, ivec v, All)
{
   *reinterpret_cast<unaligned_byte_vec*>(p) = __builtin_convertvector(v, byte_vec);
}
ONNX_BRIDGE_INLINE void store_integers(std::uint8_t* p, ivec v, All)
{
   *reinterpret_cast<unaligned_unsigned_bytes*>(p) = __builtin_convertvector(v, unsigned_bytes);
}
ONNX_BRIDGE_INLINE void store_integers(std::int16_t* p, ivec v, All)
{
   *reinterpret_cast<unaligned_shorts*>(p) = __builtin_convertvector(v, shorts);
}
ONNX_BRIDGE_INLINE void store_integers(std::uint16_t* p, ivec v, All)
{
   *reinterpret_cast<unaligned_unsigned_shorts*>(p) = __builtin_convertvector(v, unsigned_shorts);
}
template <class T>
ONNX_BRIDGE_INLINE void store_integers(T* p, ivec v, Size n)
{
   for (Size i = 0; i < n; i++) p[i] = static_cast<T>(v[i]);
}

/// The nearest integers, halves to the even ones, of floats below 2^21 in size.
ONNX_BRIDGE_INLINE ivec nearest(vec x)
{
   vec shifted = x + splat(12582912.f);  // 1.5 * 2^23: the last place of the sum is worth 1
   ONNX_BRIDGE_KEEP(shifted);
   return as_int(shifted) - 0x4b400000;
}
