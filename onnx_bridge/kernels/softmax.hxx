// softmax.hxx: softmax, log_softmax and hardmax over the middle of [outer][n][inner].
//
// x and y: contiguous, any alignment; y may be x, else they must not overlap. Any size may be 0. n and inner: Const<N> or Size.
// The sum of the exponentials has the order of sum_in_lanes whatever inner is: element i in lane i % 32, lanes folded by halves,
// a second level every 2048 elements. So its bits depend on the row alone. Rows of -inf, with a NaN or with +inf give NaN.
// exp(x - max) below exp(-87.3) is 0.
#pragma once
#include "exp.hxx"
#include "log.hxx"

/// The largest of n adjacent elements, n >= 1; of zeros of both signs, either.
template <class N>
ONNX_BRIDGE_INLINE float largest_of_row(N n, const float* x)
{
   if (n < lanes) {
      ivec index{};
      for (int i = 0; i < lanes; i++) index[i] = i;
      return largest(index < static_cast<std::int32_t>(n) ? load(x, Size(n)) : splat(-infinity<float>()));
   }
   vec a = load(x), b = load(x + n - lanes);  // the last ones twice: a maximum does not mind
   Size i = lanes;
   for (; i + 2 * lanes <= n; i += 2 * lanes) {
      a = larger(a, load(x + i));
      b = larger(b, load(x + i + lanes));
   }
   if (i + lanes <= n) a = larger(a, load(x + i));
   return largest(larger(a, b));
}

/// One row of n >= 1 adjacent elements.
template <bool Log, class N>
ONNX_BRIDGE_INLINE void softmax_row(N n, const float* x, float* y)
{
   const vec top = splat(largest_of_row(n, x));
   const float sum = sum_in_lanes(n, [&](vec partial, Size i, auto count) __attribute__((always_inline)) {
      const vec e = exp_nonpositive(load(x + i, count) - top);
      if (!Log) store(y + i, e, count);
      return partial + keep_first(e, count);
   });
   const vec last = Log ? splat(log(splat(sum))[0]) : splat(1.f / sum);
   const auto finish = [&](Size i, auto count) __attribute__((always_inline)) {
      store(y + i, Log ? load(x + i, count) - top - last : mul(load(y + i, count), last), count);
   };
   Size i = 0;
   for (; i + lanes <= n; i += lanes) finish(i, All());
   if (i < n) finish(i, n - i);
}

/// `count` neighbouring columns of n >= 1 elements, `stride` apart.
template <bool Log, class N, class Count>
ONNX_BRIDGE_INLINE void softmax_columns(N n, Size stride, const float* x, float* y, Count count)
{
   vec top = load(x, count);
   for (Size i = 1; i < n; i++) top = larger(top, load(x + i * stride, count));
   const auto take = [&](Size i) __attribute__((always_inline)) {
      const vec e = exp_nonpositive(load(x + i * stride, count) - top);
      if (!Log) store(y + i * stride, e, count);
      return e;
   };
   const auto take_all = [&](Size begin, Size end, vec* lane) __attribute__((always_inline)) {
      for (Size i = begin; i < end && i < begin + 32; i++) lane[i - begin] = take(i);
      for (Size i = begin + 32; i < end; i++) lane[i % 32] += take(i);
   };
   vec total[32], lane[32];
   take_all(0, n < 2048 ? Size(n) : 2048, total);
   for (Size begin = 2048; begin < n; begin += 2048) {
      const Size end = n - begin < 2048 ? Size(n) : begin + 2048;
      take_all(begin, end, lane);
      for (Size i = 0; i < 32 && i < end - begin; i++) total[i] += lane[i];
   }
   const Size width = n < 32 ? Size(n) : 32;  // the other lanes are +0
   for (int half = 16; half >= 1; half /= 2)
      for (int i = 0; i < half && i + half < width; i++) total[i] += total[i + half];
   const vec last = Log ? log(total[0]) : 1.f / total[0];
   for (Size i = 0; i < n; i++)
      store(y + i * stride, Log ? load(x + i * stride, count) - top - last : mul(load(y + i * stride, count), last), count);
}

typedef float quad __attribute__((vector_size(16)));
typedef float unaligned_quad __attribute__((vector_size(16), aligned(4), may_alias));
#if defined(__clang__)
#define ONNX_BRIDGE_TURN(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
typedef std::int32_t quad_index __attribute__((vector_size(16)));
#define ONNX_BRIDGE_TURN(a, b, ...) __builtin_shuffle(a, b, quad_index{__VA_ARGS__})
#endif

/// to[j][i] = from[i][j] for i, j < 4.
ONNX_BRIDGE_INLINE void transpose_square(const float* from, Size from_stride, float* to, Size to_stride)
{
   quad row[4];
   ONNX_BRIDGE_UNROLL
   for (int i = 0; i < 4; i++) row[i] = *reinterpret_cast<const unaligned_quad*>(from + i * from_stride);
   const quad a = ONNX_BRIDGE_TURN(row[0], row[1], 0, 4, 1, 5), b = ONNX_BRIDGE_TURN(row[2], row[3], 0, 4, 1, 5);
   const quad c = ONNX_BRIDGE_TURN(row[0], row[1], 2, 6, 3, 7), d = ONNX_BRIDGE_TURN(row[2], row[3], 2, 6, 3, 7);
   *reinterpret_cast<unaligned_quad*>(to) = ONNX_BRIDGE_TURN(a, b, 0, 1, 4, 5);
   *reinterpret_cast<unaligned_quad*>(to + to_stride) = ONNX_BRIDGE_TURN(a, b, 2, 3, 6, 7);
   *reinterpret_cast<unaligned_quad*>(to + 2 * to_stride) = ONNX_BRIDGE_TURN(c, d, 0, 1, 4, 5);
   *reinterpret_cast<unaligned_quad*>(to + 3 * to_stride) = ONNX_BRIDGE_TURN(c, d, 2, 3, 6, 7);
}

/// to[j][i] = from[i][j], i < rows, j < columns. Squares at the edges overlap: to and from must not.
ONNX_BRIDGE_INLINE void transpose_small(Size rows, Size columns, const float* from, Size from_stride, float* to, Size to_stride)
{
   if (rows < 4 || columns < 4) {
      for (Size i = 0; i < rows; i++)
         for (Size j = 0; j < columns; j++) to[j * to_stride + i] = from[i * from_stride + j];
      return;
   }
   for (Size i = 0; i < rows; i += 4) {
      const Size top = i + 4 <= rows ? i : rows - 4;
      for (Size j = 0; j < columns; j += 4) {
         const Size left = j + 4 <= columns ? j : columns - 4;
         transpose_square(from + top * from_stride + left, from_stride, to + left * to_stride + top, to_stride);
      }
   }
}

/// Up to this length several rows are treated at once, one in each lane, if there are more than lanes / 3: faster, the same bits.
constexpr Size short_row = 48;

/// Whether rows of n can be short, as far as the type tells.
template <class N>
constexpr bool may_be_short()
{
   if constexpr (is_const<N>::value)
      return N() <= short_row;
   else
      return true;
}

/// Up to lanes rows of n <= short_row elements at once, one in each lane.
template <bool Log, class N>
ONNX_BRIDGE_INLINE void softmax_short_rows(Size rows, N n, const float* x, float* y)
{
   alignas(64) float turned[short_row * lanes];
   for (Size i = 0; i < n; i++) store(turned + i * lanes, vec{});
   transpose_small(rows, n, x, n, turned, lanes);
   softmax_columns<Log>(n, lanes, turned, turned, All());
   transpose_small(n, rows, turned, lanes, y, n);
}

template <bool Log, class N>
ONNX_BRIDGE_KERNEL void softmax_rows(Size rows, N n, const float* x, float* y)
{
   if constexpr (may_be_short<N>())
      for (; n <= short_row && rows > lanes / 3; rows -= lanes, x += n * lanes, y += n * lanes) {
         softmax_short_rows<Log>(rows < lanes ? rows : lanes, n, x, y);
         if (rows <= lanes) return;
      }
   for (; rows > 0; rows--, x += n, y += n) softmax_row<Log>(n, x, y);
}

template <bool Log, class N, class Inner>
ONNX_BRIDGE_KERNEL void softmax_strided(Size outer, N n, Inner inner, const float* x, float* y)
{
   for (; outer > 0; outer--, x += n * inner, y += n * inner) {
      Size j = 0;
      for (; j + lanes <= inner; j += lanes) softmax_columns<Log>(n, inner, x + j, y + j, All());
      if (j < inner) softmax_columns<Log>(n, inner, x + j, y + j, inner - j);
   }
}

/// y = exp(x) / sum exp(x), x less its largest.
template <class N, class Inner>
ONNX_BRIDGE_INLINE void softmax(Size outer, N n, Inner inner, const float* x, float* y)
{
   if (n == 0) return;
   if (inner == 1)
      softmax_rows<false>(outer, n, x, y);
   else
      softmax_strided<false>(outer, n, inner, x, y);
}

/// y = x - log(sum exp(x)), x less its largest.
template <class N, class Inner>
ONNX_BRIDGE_INLINE void log_softmax(Size outer, N n, Inner inner, const float* x, float* y)
{
   if (n == 0) return;
   if (inner == 1)
      softmax_rows<true>(outer, n, x, y);
   else
      softmax_strided<true>(outer, n, inner, x, y);
}

/// 1 at the first of the largest elements, 0 elsewhere. A NaN is never the largest; a row that begins with one gives zeros.
template <class T>
ONNX_BRIDGE_KERNEL void hardmax(Size outer, Size n, Size inner, const T* x, T* y)
{
   for (; outer > 0; outer--, x += n * inner, y += n * inner)
      for (Size j = 0; j < inner && n > 0; j++) {
         Size best = 0;
         for (Size i = 1; i < n; i++)
            if (x[i * inner + j] > x[best * inner + j]) best = i;
         const bool ordered = x[best * inner + j] == x[best * inner + j];
         for (Size i = 0; i < n; i++) y[i * inner + j] = T();
         y[best * inner + j] = static_cast<T>(ordered);
      }
}

/// Rows of y to zeros where all of x is -inf: where everything is masked, nothing is paid attention to.
template <class T>
ONNX_BRIDGE_KERNEL void zero_masked(Size outer, Size n, Size inner, const T* x, T* y)
{
   const T masked = -infinity<T>();
   for (; outer > 0; outer--, x += n * inner, y += n * inner)
      for (Size j = 0; j < inner; j++) {
         Size i = 0;
         while (i < n && std::memcmp(x + i * inner + j, &masked, sizeof(T)) == 0) i++;  // by their bits, which no flag takes away
         if (i < n) continue;
         for (i = 0; i < n; i++) y[i * inner + j] = T();
      }
}
