// vector.hxx: as many floats as a register holds, by the compiler's vector extensions.
//
// Contract of everything built on this file: the bits of a result depend on the operands alone, never on the number of lanes,
// the tail, the alignment, the compiler or its flags. Only fma() fuses a product with a sum; a product that meets a sum and
// must be rounded on its own is written mul(). Partial loads fill the missing lanes with +0.
#pragma once

typedef std::ptrdiff_t Size;
constexpr int lanes = ONNX_BRIDGE_LANES;
typedef float vec __attribute__((vector_size(4 * ONNX_BRIDGE_LANES)));
typedef std::int32_t ivec __attribute__((vector_size(4 * ONNX_BRIDGE_LANES)));
typedef float unaligned_vec __attribute__((vector_size(4 * ONNX_BRIDGE_LANES), aligned(4), may_alias));
typedef std::int32_t unaligned_ivec __attribute__((vector_size(4 * ONNX_BRIDGE_LANES), aligned(4), may_alias));

#define ONNX_BRIDGE_INLINE static inline __attribute__((always_inline, unused))
#define ONNX_BRIDGE_KERNEL static __attribute__((noinline, unused))
#if defined(__clang__)
#define ONNX_BRIDGE_UNROLL _Pragma("unroll")
#else
#define ONNX_BRIDGE_UNROLL _Pragma("GCC unroll 64")
#endif

// Keeps a value as it is: the compiler may not look through it. Costs no instruction.
#if defined(__x86_64__)
#define ONNX_BRIDGE_KEEP(x) __asm__("" : "+v"(x))
#elif defined(__aarch64__)
#define ONNX_BRIDGE_KEEP(x) __asm__("" : "+w"(x))
#else
#define ONNX_BRIDGE_KEEP(x) __asm__("" : "+m"(x))
#endif

/// A size known at compile time; kernels take a Const<N> or a Size through one template parameter.
template <Size Value>
struct Const {
   constexpr operator Size() const { return Value; }
};
template <class T>
struct is_const : std::false_type {};
template <Size Value>
struct is_const<Const<Value>> : std::true_type {};

/// All lanes of a vector: the usual count of load and store.
using All = Const<lanes>;

ONNX_BRIDGE_INLINE vec load(const float* p) { return *reinterpret_cast<const unaligned_vec*>(p); }
ONNX_BRIDGE_INLINE ivec load(const std::int32_t* p) { return *reinterpret_cast<const unaligned_ivec*>(p); }
ONNX_BRIDGE_INLINE void store(float* p, vec v) { *reinterpret_cast<unaligned_vec*>(p) = v; }
ONNX_BRIDGE_INLINE void store(std::int32_t* p, ivec v) { *reinterpret_cast<unaligned_ivec*>(p) = v; }
ONNX_BRIDGE_INLINE vec splat(float x) { return x - vec{}; }  // folds to a broadcast; 0 + x would not (-0.0)
ONNX_BRIDGE_INLINE ivec splat(std::int32_t x) { return x - ivec{}; }
ONNX_BRIDGE_INLINE ivec as_int(vec x) { return reinterpret_cast<ivec>(x); }
ONNX_BRIDGE_INLINE vec as_float(ivec x) { return reinterpret_cast<vec>(x); }
ONNX_BRIDGE_INLINE vec to_float(ivec x) { return __builtin_convertvector(x, vec); }
ONNX_BRIDGE_INLINE ivec to_int(vec x) { return __builtin_convertvector(x, ivec); }

ONNX_BRIDGE_INLINE vec load(const float* p, All) { return load(p); }
ONNX_BRIDGE_INLINE void store(float* p, vec v, All) { store(p, v); }

/// The first n lanes, 0 <= n <= lanes, from and to memory; nothing beyond them is read or written. The others are loaded as +0.
#if defined(ONNX_BRIDGE_HAS_AVX512)
ONNX_BRIDGE_INLINE unsigned short first_lanes(Size n) { return static_cast<unsigned short>((1u << n) - 1u); }
ONNX_BRIDGE_INLINE vec load(const float* p, Size n) { return __builtin_ia32_loadups512_mask(p, vec{}, first_lanes(n)); }
ONNX_BRIDGE_INLINE void store(float* p, vec v, Size n) { __builtin_ia32_storeups512_mask(p, v, first_lanes(n)); }
#elif defined(ONNX_BRIDGE_HAS_AVX2)
ONNX_BRIDGE_INLINE ivec first_lanes(Size n)
{
   static const std::int32_t mask[16] = {-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0};
   return *reinterpret_cast<const unaligned_ivec*>(mask + 8 - n);
}
ONNX_BRIDGE_INLINE vec load(const float* p, Size n) { return __builtin_ia32_maskloadps256(reinterpret_cast<const vec*>(p), first_lanes(n)); }
ONNX_BRIDGE_INLINE void store(float* p, vec v, Size n) { __builtin_ia32_maskstoreps256(reinterpret_cast<vec*>(p), first_lanes(n), v); }
#else
ONNX_BRIDGE_INLINE vec load(const float* p, Size n) { vec v{}; for (Size i = 0; i < n; i++) v[i] = p[i]; return v; }
ONNX_BRIDGE_INLINE void store(float* p, vec v, Size n) { for (Size i = 0; i < n; i++) p[i] = v[i]; }
#endif

/// Lanes at and beyond n set to +0.
ONNX_BRIDGE_INLINE vec keep_first(vec v, All) { return v; }
ONNX_BRIDGE_INLINE vec keep_first(vec v, Size n)
{
   ivec index{};
   for (int i = 0; i < lanes; i++) index[i] = i;
   return as_float(as_int(v) & (index < static_cast<std::int32_t>(n)));
}

ONNX_BRIDGE_INLINE vec mul(vec a, vec b) { vec t = a * b; ONNX_BRIDGE_KEEP(t); return t; }
ONNX_BRIDGE_INLINE float mul(float a, float b)
{
   float t = a * b;
   ONNX_BRIDGE_KEEP(t);
   return t;
}
ONNX_BRIDGE_INLINE double mul(double a, double b)
{
   double t = a * b;
   ONNX_BRIDGE_KEEP(t);
   return t;
}

/// Infinity, from bits that the compiler may not look through: -ffinite-math-only makes clang take a constant for a value that cannot be.
template <class T>
ONNX_BRIDGE_INLINE T infinity()
{
   typename std::conditional<sizeof(T) == 8, std::int64_t, std::int32_t>::type bits = sizeof(T) == 8 ? 0x7ff0000000000000 : 0x7f800000;
   __asm__("" : "+r"(bits));
   T x;
   __builtin_memcpy(&x, &bits, sizeof(T));
   return x;
}

/// a * b + c, rounded once. The baseline of x86 has no such instruction and rounds twice.
#if defined(ONNX_BRIDGE_HAS_AVX512)
ONNX_BRIDGE_INLINE vec fma(vec a, vec b, vec c) { return __builtin_ia32_vfmaddps512_mask(a, b, c, static_cast<unsigned short>(-1), 4); }
#elif defined(ONNX_BRIDGE_HAS_AVX2) && defined(__clang__) && __clang_major__ >= 20
ONNX_BRIDGE_INLINE vec fma(vec a, vec b, vec c) { return __builtin_elementwise_fma(a, b, c); }
#elif defined(ONNX_BRIDGE_HAS_AVX2)
ONNX_BRIDGE_INLINE vec fma(vec a, vec b, vec c) { return __builtin_ia32_vfmaddps256(a, b, c); }
#elif defined(__x86_64__)
ONNX_BRIDGE_INLINE vec fma(vec a, vec b, vec c) { return mul(a, b) + c; }
#elif defined(__aarch64__) && !defined(__clang__)
ONNX_BRIDGE_INLINE vec fma(vec a, vec b, vec c) { return __builtin_aarch64_fmav4sf(a, b, c); }
#else
ONNX_BRIDGE_INLINE vec fma(vec a, vec b, vec c) { vec r; for (int i = 0; i < lanes; i++) r[i] = __builtin_fmaf(a[i], b[i], c[i]); return r; }
#endif
#if defined(__x86_64__) && !defined(ONNX_BRIDGE_HAS_AVX2)
ONNX_BRIDGE_INLINE float fma(float a, float b, float c) { return mul(a, b) + c; }
ONNX_BRIDGE_INLINE double fma(double a, double b, double c) { return mul(a, b) + c; }
#else
ONNX_BRIDGE_INLINE float fma(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
ONNX_BRIDGE_INLINE double fma(double a, double b, double c) { return __builtin_fma(a, b, c); }
#endif

/// The larger and the smaller; where either is NaN, b. For sums of maxima, not for ONNX's Max: see pointwise.hxx.
/// By the processor's own instruction: clang's -ffast-math lets a choice between vectors lose NaN and the sign of zero.
#if defined(__clang__) && defined(ONNX_BRIDGE_HAS_AVX512)
ONNX_BRIDGE_INLINE vec larger(vec a, vec b) { return __builtin_ia32_maxps512(a, b, 4); }
ONNX_BRIDGE_INLINE vec smaller(vec a, vec b) { return __builtin_ia32_minps512(a, b, 4); }
#elif defined(__clang__) && defined(ONNX_BRIDGE_HAS_AVX2)
ONNX_BRIDGE_INLINE vec larger(vec a, vec b) { return __builtin_ia32_maxps256(a, b); }
ONNX_BRIDGE_INLINE vec smaller(vec a, vec b) { return __builtin_ia32_minps256(a, b); }
#elif defined(__clang__) && defined(__x86_64__)
ONNX_BRIDGE_INLINE vec larger(vec a, vec b) { return __builtin_ia32_maxps(a, b); }
ONNX_BRIDGE_INLINE vec smaller(vec a, vec b) { return __builtin_ia32_minps(a, b); }
#else
ONNX_BRIDGE_INLINE vec larger(vec a, vec b) { return a > b ? a : b; }
ONNX_BRIDGE_INLINE vec smaller(vec a, vec b) { return a < b ? a : b; }
#endif
#if defined(__clang__) && defined(__x86_64__)
ONNX_BRIDGE_INLINE float larger(float a, float b) { return larger(splat(a), splat(b))[0]; }
ONNX_BRIDGE_INLINE float smaller(float a, float b) { return smaller(splat(a), splat(b))[0]; }
#else
ONNX_BRIDGE_INLINE float larger(float a, float b) { return a > b ? a : b; }
ONNX_BRIDGE_INLINE float smaller(float a, float b) { return a < b ? a : b; }
#endif

/// -1 in the lanes that hold a NaN; by integers, so that -ffinite-math-only changes nothing.
ONNX_BRIDGE_INLINE ivec is_nan(vec x) { return (as_int(x) & 0x7fffffff) > 0x7f800000; }

/// Correctly rounded square root: in double, so that no flag turns it into an estimate.
ONNX_BRIDGE_INLINE float root(float x)
{
   double d = static_cast<double>(x);
   ONNX_BRIDGE_KEEP(d);
   d = __builtin_sqrt(d);
   ONNX_BRIDGE_KEEP(d);
   return static_cast<float>(d);
}

template <int by, class V, int... lane>
ONNX_BRIDGE_INLINE V rotated(V v, std::integer_sequence<int, lane...>)
{
#if defined(__clang__)
   return __builtin_shufflevector(v, v, (lane + by) % lanes...);
#else
   return __builtin_shuffle(v, ivec{(lane + by) % lanes...});  // GCC learnt Clang's spelling only in version 12
#endif
}
/// The lanes moved down by `by`.
template <int by, class V>
ONNX_BRIDGE_INLINE V rotate(V v) { return rotated<by>(v, std::make_integer_sequence<int, lanes>()); }

/// The sum of 32 lanes held in 32 / lanes vectors: halves added, 16, 8, 4, 2, 1, on every processor.
ONNX_BRIDGE_INLINE float fold(vec (&s)[32 / lanes])
{
   ONNX_BRIDGE_UNROLL
   for (int half = 16 / lanes; half >= 1; half /= 2)
      for (int i = 0; i < half; i++) s[i] += s[i + half];
   vec v = s[0];
   if constexpr (lanes >= 16) v += rotate<8>(v);
   if constexpr (lanes >= 8) v += rotate<4>(v);
   v += rotate<2>(v);
   v += rotate<1>(v);
   return v[0];
}

/// The largest lane. Order does not matter to a maximum.
ONNX_BRIDGE_INLINE float largest(vec v)
{
   if constexpr (lanes >= 16) v = larger(v, rotate<8>(v));
   if constexpr (lanes >= 8) v = larger(v, rotate<4>(v));
   v = larger(v, rotate<2>(v));
   v = larger(v, rotate<1>(v));
   return v[0];
}

/// The sum of term(i) over 0 <= i < n: element i goes to lane i % 32, lanes are folded by halves; every 2048 elements the
/// lanes are added to a second set. step(sum, i, count) adds elements i .. i + count - 1 (count: All, or a Size below lanes).
template <class Step>
ONNX_BRIDGE_INLINE float sum_in_lanes(Size n, Step&& step)
{
   constexpr int width = 32 / lanes;
   vec total[width];
   ONNX_BRIDGE_UNROLL
   for (int j = 0; j < width; j++) total[j] = vec{};  // one by one: GCC clears a whole array by a slow string instruction
   Size begin = 0;
   do {
      vec sum[width];
      ONNX_BRIDGE_UNROLL
      for (int j = 0; j < width; j++) sum[j] = vec{};
      const Size end = n - begin < 2048 ? n : begin + 2048;
      Size i = begin;
      for (; i + 32 <= end; i += 32) {
         ONNX_BRIDGE_UNROLL
         for (int j = 0; j < width; j++) sum[j] = step(sum[j], i + j * lanes, All());
      }
      ONNX_BRIDGE_UNROLL
      for (int j = 0; j < width; j++) {
         const Size rest = end - i - j * lanes;
         if (rest >= lanes)
            sum[j] = step(sum[j], i + j * lanes, All());
         else if (rest > 0)
            sum[j] = step(sum[j], i + j * lanes, rest);
      }
      if (begin == 0 && end == n) return fold(sum);
      ONNX_BRIDGE_UNROLL
      for (int j = 0; j < width; j++) total[j] += sum[j];
      begin = end;
   } while (begin < n);
   return fold(total);
}
