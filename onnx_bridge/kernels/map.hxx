// map.hxx: y[i] = f(a[i], b[i], ...) over a contiguous run, the inner loop of every group of pointwise operators.
//
// Operands are accessors: Row (contiguous), Same (one value for all), Strided. vector_map() works on vectors of floats, where bools
// are masks and halves become floats; scalar_map() on any element types. y may be one of the operands. Every element is computed by the same instructions
// wherever it stands, so that tails have the bits of full vectors.
#pragma once
#include "cast.hxx"
#include "half.hxx"

struct Row {
   const float* p;
   template <class Count>
   __attribute__((always_inline)) vec at(Size i, Count count) const
   {
      return load(p + i, count);
   }
};
struct Same {
   vec v;
   explicit Same(float x) : v(splat(x)) {}
   template <class Count>
   __attribute__((always_inline)) vec at(Size, Count) const
   {
      return v;
   }
};
struct Strided {
   const float* p;
   Size stride;
   template <class Count>
   __attribute__((always_inline)) vec at(Size i, Count count) const
   {
      vec v{};
      for (Size j = 0; j < count; j++) v[j] = p[(i + j) * stride];
      return v;
   }
};

/// Bools in memory are bytes; in a vector they are masks: -1 or 0 in each lane.
struct MaskRow {
   const bool* p;
   template <class Count>
   __attribute__((always_inline)) ivec at(Size i, Count count) const
   {
      return load_mask(p + i, count);
   }
};
struct MaskSame {
   ivec v;
   explicit MaskSame(bool x) : v(splat(-static_cast<std::int32_t>(x))) {}
   template <class Count>
   __attribute__((always_inline)) ivec at(Size, Count) const
   {
      return v;
   }
};
struct MaskStrided {
   const bool* p;
   Size stride;
   template <class Count>
   __attribute__((always_inline)) ivec at(Size i, Count count) const
   {
      ivec v{};
      for (Size j = 0; j < count; j++) v[j] = -static_cast<std::int32_t>(p[(i + j) * stride]);
      return v;
   }
};

/// T: Half or Bfloat16.
template <class T>
struct HalfRow {
   const T* p;
   template <class Count>
   __attribute__((always_inline)) vec at(Size i, Count count) const
   {
      return load_halves(p + i, count);
   }
};
template <class T>
struct HalfStrided {
   const T* p;
   Size stride;
   template <class Count>
   __attribute__((always_inline)) vec at(Size i, Count count) const
   {
      ivec v{};
      for (Size j = 0; j < count; j++) v[j] = p[(i + j) * stride].bits;
      return T::decoded(v);
   }
};

template <class Count>
ONNX_BRIDGE_INLINE void put(float* y, vec v, Count count)
{
   store(y, v, count);
}
template <class Count>
ONNX_BRIDGE_INLINE void put(bool* y, ivec v, Count count)
{
   store_mask(y, v, count);
}
template <class Count>
ONNX_BRIDGE_INLINE void put(Half* y, vec v, Count count)
{
   store_halves(y, v, count);
}
template <class Count>
ONNX_BRIDGE_INLINE void put(Bfloat16* y, vec v, Count count)
{
   store_halves(y, v, count);
}

template <class Y, class F, class... Operand>
ONNX_BRIDGE_INLINE void vector_map(Size n, Y* y, const F& f, const Operand&... operand)
{
   Size i = 0;
   for (; i + lanes <= n; i += lanes) put(y + i, f(operand.at(i, All())...), All());
   if (i < n) put(y + i, f(operand.at(i, n - i)...), n - i);
}

/// One block of 16 channels; those from `valid` on are stored as +0.
template <class F, class... Operand>
ONNX_BRIDGE_INLINE void block_map(Size valid, float* y, const F& f, const Operand&... operand)
{
   ONNX_BRIDGE_UNROLL
   for (Size i = 0; i < 16; i += lanes) {
      const vec v = f(operand.at(i, All())...);
      store(y + i, valid >= i + lanes ? v : keep_first(v, valid > i ? valid - i : 0));
   }
}

/// An operand of blocked_map() with a value for each lane, by its strides along images, blocks and pixels.
template <int Pixel>
struct BlockRow {
   const float* p;
   Size image, block;
   __attribute__((always_inline)) Row at(Size i, Size b, Size n) const { return Row{p + i * image + b * block + n * Pixel}; }
};
/// One with the same value in all lanes.
template <int Pixel>
struct BlockSame {
   const float* p;
   Size image, block;
   __attribute__((always_inline)) Same at(Size i, Size b, Size n) const { return Same(p[i * image + b * block + n * Pixel]); }
};

/// All of a blocked tensor. Operands are copied: a store might change what is only referred to.
template <class F, class... Operand>
ONNX_BRIDGE_KERNEL void blocked_map(Size images, Size channels, Size pixels, float* y, F f, Operand... operand)
{
   for (Size image = 0; image < images; image++)
      for (Size block = 0; 16 * block < channels; block++) {
         const Size valid = channels - 16 * block;
         if (valid >= 16)
            for (Size pixel = 0; pixel < pixels; pixel++, y += 16) block_map(Const<16>(), y, f, operand.at(image, block, pixel)...);
         else
            for (Size pixel = 0; pixel < pixels; pixel++, y += 16) block_map(valid, y, f, operand.at(image, block, pixel)...);
      }
}

template <class T>
struct ScalarRow {
   const T* p;
   __attribute__((always_inline)) T at(Size i) const { return p[i]; }
};
template <class T>
struct ScalarStrided {
   const T* p;
   Size stride;
   __attribute__((always_inline)) T at(Size i) const { return p[i * stride]; }
};

// What GCC cannot see: that an operand is y itself or does not overlap it. Clang looks when the program runs.
#if defined(__clang__)
#define ONNX_BRIDGE_INDEPENDENT
#else
#define ONNX_BRIDGE_INDEPENDENT _Pragma("GCC ivdep")
#endif

template <class Y, class F, class... Operand>
ONNX_BRIDGE_INLINE void scalar_map(Size n, Y* y, const F& f, const Operand&... operand)
{
   Size i = 0;
   for (; i + 16 <= n; i += 16) {
      ONNX_BRIDGE_INDEPENDENT
      for (int j = 0; j < 16; j++) y[i + j] = static_cast<Y>(f(operand.at(i + j)...));
   }
   for (Size left = n - i; left > 0; left--, i++) y[i] = static_cast<Y>(f(operand.at(i)...));  // of i < n GCC warns where n is 10
}
