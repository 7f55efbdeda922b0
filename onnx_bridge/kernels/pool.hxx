// pool.hxx: max, average and Lp pooling over a window, blocked or planar, 1, 2 or 3 dimensions, any dilation and pads.
//
// Padding takes no part in a maximum (a window without inputs gives -inf); NaN there is as in maxps and onnxruntime: a later number
// replaces it. Sums run over the window's inputs by depth, row and column from +0, in one chain for each 256 columns of taps or, of
// narrower windows, for as many whole rows of taps as 256 hold; chains are added in order. Averages divide by the number of inputs or,
// counting padding, of taps that lie before in + pad_end. Lp: powers by doubles for p other than 1 and 2.
// out overlaps nothing that is read. The blocked form keeps what is beyond the last channel at +0.
#pragma once
#include "conv_tile.hxx"
#include "power.hxx"

/// Ways to pool: where a chain starts, how it takes an input, how chains are joined, what becomes of the result.
struct PoolMax {
   __attribute__((always_inline)) float start() const { return -infinity<float>(); }
   template <class T>
   __attribute__((always_inline)) T take(T chain, T x) const
   {
      return larger(chain, x);
   }
   template <class T>
   __attribute__((always_inline)) T join(T total, T chain) const
   {
      return larger(total, chain);
   }
   template <class T>
   __attribute__((always_inline)) T finish(T total, float) const
   {
      return total;
   }
};

struct PoolSum {
   __attribute__((always_inline)) float start() const { return 0.0f; }
   template <class T>
   __attribute__((always_inline)) T take(T chain, T x) const
   {
      return chain + x;
   }
   template <class T>
   __attribute__((always_inline)) T join(T total, T chain) const
   {
      return total + chain;
   }
};

struct PoolAverage : PoolSum {
   bool count_padding = false;
   template <class T>
   __attribute__((always_inline)) T finish(T total, float count) const
   {
      return total / count;
   }
};

/// (sum of |x|^p)^(1/p).
struct PoolLp : PoolSum {
   int p = 2;
   static __attribute__((always_inline)) float power(float x, double by) { return static_cast<float>(double_pow<true>(static_cast<double>(x), by)); }
   __attribute__((always_inline)) float raise(float x) const { return power(__builtin_fabsf(x), static_cast<double>(p)); }
   __attribute__((always_inline)) float lower(float x) const { return power(x, 1.0 / p); }
   __attribute__((always_inline)) float take(float chain, float x) const
   {
      return p == 1 ? chain + __builtin_fabsf(x) : p == 2 ? fma(x, x, chain) : chain + raise(x);
   }
   __attribute__((always_inline)) vec take(vec chain, vec x) const
   {
      if (p == 2) return fma(x, x, chain);
      if (p == 1) return chain + as_float(as_int(x) & 0x7fffffff);
      for (int i = 0; i < lanes; i++) chain[i] += raise(x[i]);
      return chain;
   }
   __attribute__((always_inline)) float finish(float total, float) const { return p == 1 ? total : p == 2 ? root(total) : lower(total); }
   __attribute__((always_inline)) vec finish(vec total, float) const
   {
      if (p != 1)
         for (int i = 0; i < lanes; i++) total[i] = p == 2 ? root(total[i]) : lower(total[i]);
      return total;
   }
};

/// Whether an average counts padding.
ONNX_BRIDGE_INLINE bool counts_padding(const PoolSum&) { return false; }
ONNX_BRIDGE_INLINE bool counts_padding(const PoolMax&) { return false; }
ONNX_BRIDGE_INLINE bool counts_padding(const PoolAverage& average) { return average.count_padding; }

/// Taps of one output that lie before the end of the padding.
ONNX_BRIDGE_INLINE Size taps_padded(const Axis& a, Size output)
{
   const Range r = taps_inside({a.pad + a.in + a.pad_end, a.out, a.kernel, a.stride, a.dilation, 0}, output);
   return r.end - r.begin;
}

/// The inputs of one output row.
struct PoolRow {
   const float* in;  // the tap row (0, 0) at column 0, inside or not
   Range depths, rows;
   Size in_depth, in_row, pixel;  // floats
   Axis width;
};

ONNX_BRIDGE_INLINE float load_like(const float* p, float) { return *p; }
ONNX_BRIDGE_INLINE vec load_like(const float* p, vec) { return load(p); }
ONNX_BRIDGE_INLINE void store_like(float* p, float x) { *p = x; }
ONNX_BRIDGE_INLINE void store_like(float* p, vec x) { store(p, x); }

/// Outputs x .. x + Pixels - 1 of a row over the taps `across`; T: float (planar) or vec (blocked).
template <int Pixels, class T, class Way>
ONNX_BRIDGE_INLINE void pool_tile(const PoolRow& r, Range across, Size x, const Way& way, T (&total)[Pixels])
{
   const Size step = r.width.stride * r.pixel, rows_of_chain = r.width.kernel >= 256 ? 1 : 256 / r.width.kernel;
   const float* column = r.in + (x * r.width.stride - r.width.pad) * r.pixel;
   T chain[Pixels];
   ONNX_BRIDGE_UNROLL
   for (int i = 0; i < Pixels; i++) chain[i] = total[i] = T{} + way.start();
   Size summed = 0;
   bool joined = false;
   const auto join = [&]() __attribute__((always_inline)) {
      ONNX_BRIDGE_UNROLL
      for (int i = 0; i < Pixels; i++) {
         total[i] = joined ? way.join(total[i], chain[i]) : chain[i];
         chain[i] = T{} + way.start();
      }
      joined = true;
   };
   for (Size z = r.depths.begin; z < r.depths.end; z++)
      for (Size y = r.rows.begin; y < r.rows.end; y++) {
         if (summed == rows_of_chain) {
            join();
            summed = 0;
         }
         const float* row = column + z * r.in_depth + y * r.in_row;
         for (Size k = across.begin; k < across.end; k++) {
            if (k > across.begin && (k - across.begin) % 256 == 0) join();
            ONNX_BRIDGE_UNROLL
            for (int i = 0; i < Pixels; i++) chain[i] = way.take(chain[i], load_like(row + k * r.width.dilation * r.pixel + i * step, T{}));
         }
         summed++;
      }
   join();
}

/// A whole output row; `count` is what the taps along depth and height contribute to an average's divisor.
template <class T, class Way>
ONNX_BRIDGE_KERNEL void pool_row(const PoolRow& r, Size count, Way way, float* out)
{
   const Range inside = outputs_inside(r.width);
   for (Size x = 0; x < r.width.out;) {
      if (inside.begin <= x && x + 4 <= inside.end) {
         T total[4];
         pool_tile(r, {0, r.width.kernel}, x, way, total);
         ONNX_BRIDGE_UNROLL
         for (int i = 0; i < 4; i++) store_like(out + (x + i) * r.pixel, way.finish(total[i], static_cast<float>(count * r.width.kernel)));
         x += 4;
      } else {
         T total[1];
         const Range across = taps_inside(r.width, x);
         pool_tile(r, across, x, way, total);
         const Size columns = counts_padding(way) ? taps_padded(r.width, x) : across.end - across.begin;
         store_like(out + x * r.pixel, way.finish(total[0], static_cast<float>(count * columns)));
         x++;
      }
   }
}

/// Calls row(PoolRow without `in`, floats to add to a plane's start, number of the row's first output, count) for every output row.
template <class Way, class Row>
ONNX_BRIDGE_INLINE void pool_rows(const Window& w, Size pixel, const Way& way, const Row& row)
{
   const Size in_row = w.width.in * pixel, in_depth = w.height.in * in_row;
   PoolRow r = {nullptr, {}, {}, in_depth * w.depth.dilation, in_row * w.height.dilation, pixel, w.width};
   Size number = 0;
   for (Size z = 0; z < w.depth.out; z++)
      for (Size y = 0; y < w.height.out; y++, number += w.width.out) {
         r.depths = taps_inside(w.depth, z);
         r.rows = taps_inside(w.height, y);
         const Size start = (z * w.depth.stride - w.depth.pad) * in_depth + (y * w.height.stride - w.height.pad) * in_row;
         const Size depths = counts_padding(way) ? taps_padded(w.depth, z) : r.depths.end - r.depths.begin;
         const Size rows = counts_padding(way) ? taps_padded(w.height, y) : r.rows.end - r.rows.begin;
         row(r, start, number, depths * rows);
      }
}

/// Blocked, one image a call. way: PoolMax(), PoolAverage or PoolLp.
template <class Way, class Epilogue>
ONNX_BRIDGE_KERNEL void pool_blocked(const Window& w, Size channels, Way way, const float* in, float* out, const Epilogue& epilogue)
{
   for (Size channel = 0; channel < blocks_of(channels) * 16; channel += lanes) {
      const float* plane = in + channel / 16 * inputs(w) * 16 + channel % 16;
      float* to = out + channel / 16 * outputs(w) * 16 + channel % 16;
      pool_rows(w, 16, way, [&](PoolRow r, Size start, Size number, Size count) __attribute__((always_inline)) {
         r.in = plane + start;
         pool_row<vec>(r, count, way, to + number * 16);
         finish_pixels(to + number * 16, 16, w.width.out, number, 1, channel, channels, epilogue);
      });
   }
}

/// Planar: `planes` images (batch and channels alike) of one channel.
template <class Way>
ONNX_BRIDGE_KERNEL void pool_planar(const Window& w, Size planes, Way way, const float* in, float* out)
{
   for (Size plane = 0; plane < planes; plane++, in += inputs(w), out += outputs(w))
      pool_rows(w, 1, way, [&](PoolRow r, Size start, Size number, Size count) __attribute__((always_inline)) {
         r.in = in + start;
         pool_row<float>(r, count, way, out + number);
      });
}
