// arg_max.hxx: the place of the largest or smallest element over the middle of [outer][n][inner], as int64 [outer][inner].
//
// Contiguous; n >= 1, other sizes may be 0. Of equals the first, or the last if select_last. Only a NaN at the beginning wins, as in
// onnxruntime (there the first NaN wins where all of a vector is one row).
#pragma once
#include "compare.hxx"

struct IsLarger {
   template <class V>
   __attribute__((always_inline)) auto operator()(V a, V b) const
   {
      return a > b;
   }
};
struct IsSmaller {
   template <class V>
   __attribute__((always_inline)) auto operator()(V a, V b) const
   {
      return a < b;
   }
};

/// Whether x has to be taken in place of `best`, which stands before it.
template <class V, class Better>
ONNX_BRIDGE_INLINE auto displaces(V x, V best, bool select_last, Better better)
{
   return select_last ? better(x, best) | (x == best) : better(x, best);
}

template <class T, class Better>
ONNX_BRIDGE_INLINE Size arg_best(Size n, Size stride, const T* x, bool select_last, Better better)
{
   Size best = 0;
   for (Size i = 1; i < n; i++)
      if (displaces(x[i * stride], x[best * stride], select_last, better)) best = i;
   return best;
}

/// join() of all lanes, in every lane.
template <class V, class Join>
ONNX_BRIDGE_INLINE V over_lanes(V v, Join join)
{
   if constexpr (lanes >= 16) v = join(v, rotate<8>(v));
   if constexpr (lanes >= 8) v = join(v, rotate<4>(v));
   v = join(v, rotate<2>(v));
   return join(v, rotate<1>(v));
}

/// Of one row, n < 2^31: each lane keeps the place of its best, then the best of the lanes is sought.
template <class Better>
ONNX_BRIDGE_INLINE Size arg_best_row(Size n, const float* x, bool select_last, Better better)
{
   if (x[0] != x[0]) return 0;
   vec best = splat(x[0]);
   ivec place{}, index{};
   for (int i = 0; i < lanes; i++) index[i] = i;
   for (Size i = 0; i < n; i += lanes, index += lanes) {
      const Size rest = n - i < lanes ? n - i : lanes;
      const vec v = rest < lanes ? load(x + i, rest) : load(x + i);
      const ivec taken = displaces(v, best, select_last, better) & (index < static_cast<std::int32_t>(n));
      best = taken ? v : best;
      place = taken ? index : place;
   }
   const vec top = over_lanes(best, [&](vec a, vec b) __attribute__((always_inline)) { return better(b, a) ? b : a; });
   place = best == top ? place : splat(select_last ? std::int32_t{-1} : std::int32_t{0x7fffffff});
   return over_lanes(place, [&](ivec a, ivec b) __attribute__((always_inline)) { return select_last ? max_of(a, b) : min_of(a, b); })[0];
}

/// Of `count` neighbouring columns.
template <class Count, class Better>
ONNX_BRIDGE_INLINE void arg_best_columns(Size n, Size stride, const float* x, std::int64_t* y, bool select_last, Better better, Count count)
{
   vec best = load(x, count);
   ivec place{};
   for (Size i = 1; i < n; i++) {
      const vec v = load(x + i * stride, count);
      const ivec taken = displaces(v, best, select_last, better);
      best = taken ? v : best;
      place = taken ? splat(static_cast<std::int32_t>(i)) : place;
   }
   for (Size j = 0; j < count; j++) y[j] = place[j];
}

template <class T, class Better>
ONNX_BRIDGE_KERNEL void arg_best(Size outer, Size n, Size inner, const T* x, std::int64_t* y, bool select_last, Better better)
{
   for (; outer > 0; outer--, x += n * inner, y += inner) {
      Size j = 0;
      if constexpr (std::is_same<T, float>::value) {
         if (inner == 1 && n < 0x7fffff00) {
            *y = arg_best_row(n, x, select_last, better);
            continue;
         }
         if (inner >= lanes && n < 0x7fffff00) {
            for (; j + lanes <= inner; j += lanes) arg_best_columns(n, inner, x + j, y + j, select_last, better, All());
            if (j < inner) arg_best_columns(n, inner, x + j, y + j, select_last, better, inner - j);
            continue;
         }
      }
      for (; j < inner; j++) y[j] = arg_best(n, inner, x + j, select_last, better);
   }
}

template <class T>
ONNX_BRIDGE_INLINE void arg_max(Size outer, Size n, Size inner, const T* x, std::int64_t* y, bool select_last)
{
   arg_best(outer, n, inner, x, y, select_last, IsLarger());
}
template <class T>
ONNX_BRIDGE_INLINE void arg_min(Size outer, Size n, Size inner, const T* x, std::int64_t* y, bool select_last)
{
   arg_best(outer, n, inner, x, y, select_last, IsSmaller());
}
