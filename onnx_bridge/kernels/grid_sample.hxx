// grid_sample.hxx: images sampled at places that a grid says.
//
// Layout: x[images][channels][d][h][w], grid[images][pixels][Rank], y[images][channels][pixels]; an image of two axes has d = 1 and
//   Rank = 2. A place is written x, y(, z), from -1 to 1 along each axis, from the middles of the outer pixels where `align`, else from
//   their edges. T and G are float or double; the bits depend on the place and the pixels it reads alone. x, grid and y do not overlap.
// Places outside: `zeros` reads 0 there, `border` the nearest pixel, `reflection` folds them at the edges that -1 and 1 stand for. A place
//   that is no number reads as 0 is read outside, or the first pixel. No place reads outside the image; an empty one gives zeros.
// Order of summation: from +0 a chain of fma over the pixels that a place reads, the last axis fastest; nearest is copied.
#pragma once
#include "vector.hxx"

enum class GridMode { nearest, linear, cubic };
enum class GridPadding { zeros, border, reflection };

constexpr int grid_block = 8;

/// A place folded at lo and hi until it lies between them.
template <class G>
ONNX_BRIDGE_INLINE G grid_fold(G x, G lo, G hi)
{
   const G range = hi - lo, beyond = x < lo ? lo - x : x - hi;
   if (!(range > G(0)) || !(beyond < range * G(1e9))) return lo;
   const std::int64_t folds = static_cast<std::int64_t>(beyond / range);
   const G rest = beyond - mul(static_cast<G>(folds), range);
   return (x < lo) == (folds % 2 == 0) ? lo + rest : hi - rest;
}

/// The pixel that stands for one that may lie outside 0 .. n - 1; -1 for none.
template <GridPadding Padding, class G>
ONNX_BRIDGE_INLINE Size grid_pixel(Size i, Size n, G lo, G hi)
{
   if (i >= 0 && i < n) return i;
   if (Padding == GridPadding::zeros) return -1;
   if (Padding == GridPadding::reflection) i = static_cast<Size>(grid_fold(static_cast<G>(i), lo, hi));
   return i < 0 ? 0 : i < n ? i : n - 1;
}

/// The pixels that a place reads along an axis of n > 0 pixels, and their weights: 1, 2 or 4.
template <GridMode Mode, GridPadding Padding, class G>
ONNX_BRIDGE_INLINE void grid_axis(bool align, G place, Size n, Size* index, G* weight)
{
   const G size = static_cast<G>(n), lo = align ? G(0) : G(-0.5), hi = align ? size - G(1) : size - G(0.5);
   G x = align ? mul((place + G(1)) / G(2), size - G(1)) : (mul(place + G(1), size) - G(1)) / G(2);
   if (Mode == GridMode::nearest) x = static_cast<G>(__builtin_rint(static_cast<double>(x)));
   if (Padding == GridPadding::reflection && Mode != GridMode::cubic) {
      if (!(x >= lo && x <= hi)) x = x < lo || x > hi ? grid_fold(x, lo, hi) : G(0);
   } else if (Padding == GridPadding::reflection) {
      if (!(x > G(-1e9) && x < G(1e9))) x = G(0);
   } else if (!(x > G(-4) && x < size + G(4))) {  // all that it reads is outside on one side; what is no number, on the left
      x = x > size ? size + G(4) : G(-4);
   }
   const G below = static_cast<G>(__builtin_floor(static_cast<double>(x))), s = x - below;
   const Size first = static_cast<Size>(below);
   if (Mode == GridMode::nearest) {
      index[0] = grid_pixel<Padding>(first, n, lo, hi);
      weight[0] = G(1);
   } else if (Mode == GridMode::linear) {
      for (int k = 0; k < 2; k++) index[k] = grid_pixel<Padding>(first + k, n, lo, hi);
      weight[0] = G(1) - s;
      weight[1] = s;
   } else {
      for (int k = 0; k < 4; k++) index[k] = grid_pixel<Padding>(first - 1 + k, n, lo, hi);
      const G c = G(-0.75), s1 = s + G(1), r = G(1) - s, r1 = G(2) - s;
      weight[0] = mul(mul(mul(c, s1) - mul(G(5), c), s1) + mul(G(8), c), s1) - mul(G(4), c);
      weight[1] = mul(mul(mul(c + G(2), s) - (c + G(3)), s), s) + G(1);
      weight[2] = mul(mul(mul(c + G(2), r) - (c + G(3)), r), r) + G(1);
      weight[3] = mul(mul(mul(c, r1) - mul(G(5), c), r1) + mul(G(8), c), r1) - mul(G(4), c);
   }
}

/// The pixels that a place reads, and their weights, in order.
template <GridMode Mode, GridPadding Padding, int Rank, class G, class T>
ONNX_BRIDGE_INLINE void grid_place(bool align, const G* place, const Size (&sizes)[3], Size* index, T* weight)
{
   constexpr int taps = Mode == GridMode::nearest ? 1 : Mode == GridMode::linear ? 2 : 4;
   Size at[3][4] = {};
   G part[3][4];
   part[0][0] = G(1);
   for (int axis = 3 - Rank; axis < 3; axis++) grid_axis<Mode, Padding>(align, place[2 - axis], sizes[axis], at[axis], part[axis]);
   for (int a = 0; a < (Rank == 3 ? taps : 1); a++)
      for (int b = 0; b < taps; b++)
         for (int c = 0; c < taps; c++) {
            const bool inside = at[0][a] >= 0 && at[1][b] >= 0 && at[2][c] >= 0;
            *index++ = inside ? (at[0][a] * sizes[1] + at[1][b]) * sizes[2] + at[2][c] : -1;
            *weight++ = static_cast<T>(Rank == 3 ? mul(mul(part[0][a], part[1][b]), part[2][c]) : mul(part[1][b], part[2][c]));
         }
}

template <GridMode Mode, GridPadding Padding, int Rank, class T, class G>
ONNX_BRIDGE_KERNEL void grid_sample(bool align, Size images, Size channels, const Size (&sizes)[3], Size pixels, const T* x, const G* grid,
                                    T* y)
{
   constexpr int side = Mode == GridMode::nearest ? 1 : Mode == GridMode::linear ? 2 : 4, taps = side * side * (Rank == 3 ? side : 1);
   const Size plane = sizes[0] * sizes[1] * sizes[2];
   if (plane == 0) {
      for (Size i = 0; i < images * channels * pixels; i++) y[i] = T(0);
      return;
   }
   Size index[grid_block * taps];
   T weight[grid_block * taps];
   for (Size image = 0; image < images; image++, x += channels * plane, grid += pixels * Rank, y += channels * pixels)
      for (Size p = 0; p < pixels; p += grid_block) {
         const Size count = pixels - p < grid_block ? pixels - p : grid_block;
         for (Size i = 0; i < count; i++)
            grid_place<Mode, Padding, Rank>(align, grid + (p + i) * Rank, sizes, index + i * taps, weight + i * taps);
         for (Size c = 0; c < channels; c++) {
            const T* from = x + c * plane;
            T* to = y + c * pixels + p;
            for (Size i = 0; i < count; i++) {
               const Size* at = index + i * taps;
               if (Mode == GridMode::nearest) {
                  to[i] = at[0] < 0 ? T(0) : from[at[0]];
                  continue;
               }
               T sum = T(0);
               for (int k = 0; k < taps; k++)
                  if (at[k] >= 0) sum = fma(weight[i * taps + k], from[at[k]], sum);
               to[i] = sum;
            }
         }
      }
}
