// reduce.hxx: reductions over the middle of [outer][n][inner] to [outer][inner].
//
// Contiguous; x and y must not overlap; any size may be 0. Over several axes: one call after the other from the innermost, with the
// operations of the table below. ONNX's results for nothing to reduce: sum 0, product 1, maximum -inf or the smallest integer ...; mean 0.
// NaN propagates. A zero that is a maximum or minimum is +0. Integers wrap around.
//
// Order: reduce_last (float with inner 1): sums by sum_in_lanes, products in 32 lanes, too. Else one chain an output, in blocks of 256
// whose results are joined in order. Chosen by the function: take reduce_last where inner is 1 whatever the input's shape.
//
// | ONNX                                  | one call    | of several: first ones | last one (count: all elements) |
// | ReduceSum, Max, Min, Prod, L1         | Sum ...     | the same               | the same; of L1, Sum           |
// | ReduceMean                            | Mean{n}     | Sum                    | Mean{count}                    |
// | ReduceSumSquare, L2                   | SumSquare   | SumSquare, then Sum    | Sum, RootOfSum                 |
// | ReduceLogSum                          | LogSum      | Sum                    | LogSum                         |
// | ReduceLogSumExp                       | LogSumExp   | LogSumExp              | LogSumExp                      |
#pragma once
#include "compare.hxx"
#include "reduce_operations.hxx"

/// The result of one row in 32 lanes, folded by halves; missing elements count as the operation's start.
template <class Operation>
ONNX_BRIDGE_INLINE float combine_in_lanes(Size n, const float* x, Operation operation)
{
   constexpr int width = 32 / lanes;
   const vec start = splat(operation.template start<float>());
   vec partial[width];
   ONNX_BRIDGE_UNROLL
   for (int j = 0; j < width; j++) partial[j] = start;
   Size i = 0;
   for (; i + 32 <= n; i += 32) {
      ONNX_BRIDGE_UNROLL
      for (int j = 0; j < width; j++) partial[j] = operation.join(partial[j], load(x + i + j * lanes));
   }
   ivec index{};
   for (int k = 0; k < lanes; k++) index[k] = k;
   ONNX_BRIDGE_UNROLL
   for (int j = 0; j < width; j++) {
      const Size rest = n - i - j * lanes;
      if (rest >= lanes)
         partial[j] = operation.join(partial[j], load(x + i + j * lanes));
      else if (rest > 0)
         partial[j] = operation.join(partial[j], index < static_cast<std::int32_t>(rest) ? load(x + i + j * lanes, rest) : start);
   }
   ONNX_BRIDGE_UNROLL
   for (int half = width / 2; half >= 1; half /= 2)
      for (int j = 0; j < half; j++) partial[j] = operation.merge(partial[j], partial[j + half]);
   vec v = partial[0];
   if constexpr (lanes >= 16) v = operation.merge(v, rotate<8>(v));
   if constexpr (lanes >= 8) v = operation.merge(v, rotate<4>(v));
   v = operation.merge(v, rotate<2>(v));
   v = operation.merge(v, rotate<1>(v));
   return v[0];
}

template <class N, class Operation>
ONNX_BRIDGE_INLINE float reduce_row(N n, const float* x, const Operation& operation)
{
   if constexpr (Operation::additive)
      return operation.finish(sum_in_lanes(n, [&](vec sum, Size i, auto count) __attribute__((always_inline)) {
         return operation.join(sum, load(x + i, count));
      }));
   else
      return operation.finish(combine_in_lanes(n, x, operation));
}

template <class N>
ONNX_BRIDGE_INLINE float reduce_row(N n, const float* x, LogSumExp)
{
   const float most = combine_in_lanes(n, x, Max());
   if (!(abs(most) < infinity<float>())) return most;
   const vec top = splat(most);
   return most + log(sum_in_lanes(n, [&](vec sum, Size i, auto count) __attribute__((always_inline)) {
             return sum + keep_first(exp_nonpositive(load(x + i, count) - top), count);
          }));
}

/// One chain for each of Width * lanes neighbouring columns (Width 1: of `count`), in blocks of 256; not finished.
template <int Width, class Operation, class Count>
ONNX_BRIDGE_INLINE void reduce_chains(Size n, Size stride, const float* x, Count count, const Operation& operation, vec (&total)[Width])
{
   const vec start = splat(operation.template start<float>());
   Size begin = 0;
   do {
      const Size end = n - begin < 256 ? n : begin + 256;
      vec chain[Width];
      ONNX_BRIDGE_UNROLL
      for (int j = 0; j < Width; j++) chain[j] = start;
      for (Size i = begin; i < end; i++) {
         ONNX_BRIDGE_UNROLL
         for (int j = 0; j < Width; j++) chain[j] = operation.join(chain[j], load(x + i * stride + j * lanes, count));
      }
      ONNX_BRIDGE_UNROLL
      for (int j = 0; j < Width; j++) total[j] = begin == 0 ? chain[j] : operation.merge(total[j], chain[j]);
      begin = end;
   } while (begin < n);
}

/// A sum of exp(x - top).
struct SumExp : Sum {
   vec top;
   __attribute__((always_inline)) vec join(vec sum, vec x) const { return sum + exp_nonpositive(x - top); }
};

template <int Width, class Operation, class Count>
ONNX_BRIDGE_INLINE void reduce_columns(Size n, Size stride, const float* x, float* y, Count count, const Operation& operation)
{
   vec total[Width];
   reduce_chains(n, stride, x, count, operation, total);
   ONNX_BRIDGE_UNROLL
   for (int j = 0; j < Width; j++) store(y + j * lanes, operation.finish(total[j]), count);
}

template <int Width, class Count>
ONNX_BRIDGE_INLINE void reduce_columns(Size n, Size stride, const float* x, float* y, Count count, LogSumExp)
{
   for (int j = 0; j < Width; j++) {
      vec most[1], sum[1];
      reduce_chains(n, stride, x + j * lanes, count, Max(), most);
      SumExp operation;
      const ivec finite = abs(most[0]) < infinity<float>();
      operation.top = finite ? most[0] : vec{};
      reduce_chains(n, stride, x + j * lanes, count, operation, sum);
      store(y + j * lanes, finite ? most[0] + log(sum[0]) : most[0], count);
   }
}

/// Numbers that are not float: one chain in blocks of 256.
template <class T, class Operation>
ONNX_BRIDGE_INLINE T reduce_numbers(Size n, Size stride, const T* x, const Operation& operation)
{
   T total = operation.template start<T>();
   for (Size begin = 0; begin < n; begin += 256) {
      T chain = operation.template start<T>();
      for (Size i = begin; i < n && i < begin + 256; i++) chain = operation.join(chain, x[i * stride]);
      total = operation.merge(total, chain);
   }
   return operation.finish(total);
}

template <class T>
ONNX_BRIDGE_INLINE T reduce_numbers(Size n, Size stride, const T* x, LogSumExp)
{
   const double most = static_cast<double>(reduce_numbers(n, stride, x, Max()));
   if (n == 0 || is_nan(most) || is_inf(most, true, true)) return cast<T>(n == 0 ? -infinity<double>() : most);
   double sum = 0;
   for (Size i = 0; i < n; i++) sum += exp(static_cast<double>(x[i * stride]) - most);
   return cast<T>(most + log(sum));
}

/// y[outer] from x[outer][n]. n: Const<> or Size, here and below. See the head of this file.
template <class N, class Operation>
ONNX_BRIDGE_KERNEL void reduce_last(Size outer, N n, const float* x, float* y, Operation operation)
{
   for (; outer > 0; outer--, x += n) *y++ = reduce_row(n, x, operation);
}

/// y[outer][inner] from x[outer][n][inner]. inner: Const<> or Size, here and below.
template <class N, class Inner, class Operation>
ONNX_BRIDGE_KERNEL void reduce(Size outer, N n, Inner inner, const float* x, float* y, Operation operation)
{
   for (; outer > 0; outer--, x += n * inner, y += inner) {
      Size j = 0;
      for (; j + 4 * lanes <= inner; j += 4 * lanes) reduce_columns<4>(n, inner, x + j, y + j, All(), operation);
      for (; j + lanes <= inner; j += lanes) reduce_columns<1>(n, inner, x + j, y + j, All(), operation);
      if (j < inner) reduce_columns<1>(n, inner, x + j, y + j, inner - j, operation);
   }
}

/// The same for numbers that are not float.
template <class T, class N, class Inner, class Operation>
ONNX_BRIDGE_KERNEL void reduce_any(Size outer, N n, Inner inner, const T* x, T* y, Operation operation)
{
   for (; outer > 0; outer--, x += n * inner, y += inner) {
      for (Size j = 0; j < inner; j++) y[j] = reduce_numbers(n, inner, x + j, operation);
   }
}
