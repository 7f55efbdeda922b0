// bytes.hxx: short runs of memory, copied or filled without a call.
//
// Contract: destination and source do not overlap. Any alignment and any type: memory is touched as bytes, so that floats may be
// moved through std::uint32_t*. Nothing beyond the run is read or written; an empty run touches nothing, its pointers may be null.
#pragma once
#include "vector.hxx"

typedef std::uint64_t piece16 __attribute__((vector_size(16)));
typedef std::uint64_t piece32 __attribute__((vector_size(32)));
typedef std::uint64_t widest_piece __attribute__((vector_size(4 * ONNX_BRIDGE_LANES)));

/// Source of a run: bytes that stand in memory.
struct BytesAt {
   const unsigned char* begin;
   template <class Piece>
   __attribute__((always_inline)) void read(Piece& piece, Size offset) const
   {
      std::memcpy(&piece, begin + offset, sizeof(Piece));
   }
};

/// Source of a run: one value over and over, repeated to 8 bytes.
struct BytesOf {
   std::uint64_t pattern;
   template <class Piece>
   __attribute__((always_inline)) void read(Piece& piece, Size) const
   {
      if constexpr (std::is_integral<Piece>::value)
         piece = static_cast<Piece>(pattern);
      else
         piece = pattern - Piece{};
   }
};

template <class Piece, class Source>
ONNX_BRIDGE_INLINE void put_piece(unsigned char* dst, Size offset, const Source& source)
{
   Piece piece;
   source.read(piece, offset);
   std::memcpy(dst + offset, &piece, sizeof(Piece));
}

/// From sizeof(Piece) to twice as many bytes, by two pieces that may overlap.
template <class Piece, class Source>
ONNX_BRIDGE_INLINE void put_both_ends(unsigned char* dst, Size bytes, const Source& source)
{
   put_piece<Piece>(dst, 0, source);
   put_piece<Piece>(dst, bytes - static_cast<Size>(sizeof(Piece)), source);
}

template <class Source>
ONNX_BRIDGE_INLINE void put_bytes(unsigned char* dst, Size bytes, const Source& source)
{
   constexpr Size wide = sizeof(widest_piece);
   if (bytes >= wide) {
      Size i = 0;
      for (; i + 2 * wide <= bytes; i += 2 * wide) {
         put_piece<widest_piece>(dst, i, source);
         put_piece<widest_piece>(dst, i + wide, source);
      }
      if (i + wide <= bytes) put_piece<widest_piece>(dst, i, source);
      if (bytes % wide != 0) put_piece<widest_piece>(dst, bytes - wide, source);
      return;
   }
   if constexpr (lanes >= 16) {
      if (bytes >= 32) return put_both_ends<piece32>(dst, bytes, source);
   }
   if constexpr (lanes >= 8) {
      if (bytes >= 16) return put_both_ends<piece16>(dst, bytes, source);
   }
   if (bytes >= 8) return put_both_ends<std::uint64_t>(dst, bytes, source);
   if (bytes >= 4) return put_both_ends<std::uint32_t>(dst, bytes, source);
   if (bytes >= 2) return put_both_ends<std::uint16_t>(dst, bytes, source);
   if (bytes == 1) put_piece<std::uint8_t>(dst, 0, source);
}

/// dst[0 .. n) = src[0 .. n).
template <class T>
ONNX_BRIDGE_INLINE void copy_run(T* dst, const T* src, Size n)
{
   const Size bytes = n * static_cast<Size>(sizeof(T));
   if (bytes > 4096)
      std::memcpy(static_cast<void*>(dst), static_cast<const void*>(src), static_cast<std::size_t>(bytes));
   else
      put_bytes(reinterpret_cast<unsigned char*>(dst), bytes, BytesAt{reinterpret_cast<const unsigned char*>(src)});
}

/// *dst = *src.
template <class T>
ONNX_BRIDGE_INLINE void copy_one(T* dst, const T* src)
{
   std::memcpy(static_cast<void*>(dst), static_cast<const void*>(src), sizeof(T));
}

/// A run of the value, to be given to put_bytes.
template <class T>
ONNX_BRIDGE_INLINE BytesOf repeated(const T* value)
{
   static_assert(sizeof(T) <= 8 && 8 % sizeof(T) == 0, "elements of 1, 2, 4 or 8 bytes");
   std::uint64_t pattern = 0;
   unsigned char bytes[8];
   for (std::size_t i = 0; i < 8; i += sizeof(T)) std::memcpy(bytes + i, static_cast<const void*>(value), sizeof(T));
   std::memcpy(&pattern, bytes, 8);
   return {pattern};
}

/// dst[0 .. n) = value.
template <class T>
ONNX_BRIDGE_KERNEL void fill(T* dst, Size n, T value)
{
   if constexpr (sizeof(T) > 8)
      for (Size i = 0; i < n; i++) copy_one(dst + i, &value);
   else
      put_bytes(reinterpret_cast<unsigned char*>(dst), n * static_cast<Size>(sizeof(T)), repeated(&value));
}

/// dst[0 .. n) = *value, of any size.
template <class T>
ONNX_BRIDGE_INLINE void put_run(T* dst, Size n, const T* value)
{
   if constexpr (sizeof(T) > 8)
      for (Size i = 0; i < n; i++) copy_one(dst + i, value);
   else
      put_bytes(reinterpret_cast<unsigned char*>(dst), n * static_cast<Size>(sizeof(T)), repeated(value));
}

/// y = the bits of x, n elements of another type that is as wide.
template <class X, class Y>
ONNX_BRIDGE_INLINE void copy_bits(Size n, const X* x, Y* y)
{
   static_assert(sizeof(X) == sizeof(Y), "as wide");
   put_bytes(reinterpret_cast<unsigned char*>(y), n * static_cast<Size>(sizeof(X)), BytesAt{reinterpret_cast<const unsigned char*>(x)});
}
