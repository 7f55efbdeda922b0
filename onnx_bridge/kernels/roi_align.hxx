// roi_align.hxx: regions of images brought to one size by averages or maxima of interpolated samples.
//
// Layout: x[images][channels][h][w], rois[count][4] as x1, y1, x2, y2, images of them in batch[count], y[count][channels][rows][columns].
//   T is float or double. x, rois and y do not overlap; sizes may be 0. An index of an image outside is brought to the nearest.
// Each bin is sampled at a grid of `ratio` places along each axis, or where that is 0 as many as the bin has pixels, rounded up. A sample
//   more than a pixel outside counts as 0, and reads nothing; a region that is no number has no sample, and gives 0.
// Order of summation: samples row by row, each its four pixels from the first on as a chain of fma. A maximum is taken of the four weighted
//   pixels of each sample, as onnxruntime does; both are 0 where there is no sample.
#pragma once
#include "vector.hxx"

template <class T>
struct RoiSample {
   Size bin, first;
   Size at[4];
   T weight[4];
};

/// Where samples along one axis lie: start + bin * size + (i + 0.5) * size / samples, bins of `size`.
template <class T>
struct RoiAxis {
   T start, size;
   Size samples, pixels;

   T place(Size bin, Size i) const
   {
      return start + mul(static_cast<T>(bin), size) + mul(static_cast<T>(i) + T(0.5), size) / static_cast<T>(samples);
   }
   bool inside(T at) const { return at >= T(-1) && at <= static_cast<T>(pixels); }
   /// The first sample of a bin that may lie inside, or behind the last one that may: all others are outside.
   Size bound(Size bin, bool last) const
   {
      if (samples <= 64) return last ? samples : 0;
      const double step = static_cast<double>(size) / static_cast<double>(samples), edge = last ? static_cast<double>(pixels) : -1.0;
      const double i = (edge - static_cast<double>(place(bin, 0))) / step + (last ? 4.0 : -4.0);
      return i > 0.0 ? i < static_cast<double>(samples) ? static_cast<Size>(i) : samples : 0;
   }
};

/// One axis of a region.
template <class T>
ONNX_BRIDGE_INLINE RoiAxis<T> roi_axis(T begin, T end, T scale, bool half_pixel, Size bins, Size ratio, Size pixels)
{
   const T offset = half_pixel ? T(0.5) : T(0), start = mul(begin, scale) - offset;
   T size = (mul(end, scale) - offset) - start;
   if (!half_pixel && !(size >= T(1))) size = T(1);
   size = size / static_cast<T>(bins);
   const double most = __builtin_ceil(static_cast<double>(size));
   const Size own = most > 0.0 ? most < 1e9 ? static_cast<Size>(most) : 1000000000 : 0;
   return {start, size, ratio > 0 ? ratio : own, pixels};
}

/// Adds samples to the bins that they belong to, in each channel.
template <bool Max, class T>
ONNX_BRIDGE_KERNEL void roi_samples(Size count, const RoiSample<T>* samples, Size channels, Size plane, Size bins, const T* x, T* y)
{
   for (Size c = 0; c < channels; c++, x += plane, y += bins)
      for (Size i = 0; i < count; i++) {
         const RoiSample<T>& s = samples[i];
         if (Max) {
            T most = s.weight[0] * x[s.at[0]];
            for (int k = 1; k < 4; k++) {
               const T other = s.weight[k] * x[s.at[k]];
               most = most < other ? other : most;
            }
            y[s.bin] = s.first || y[s.bin] < most ? most : y[s.bin];
         } else {
            T sum = y[s.bin];
            for (int k = 0; k < 4; k++) sum = fma(s.weight[k], x[s.at[k]], sum);
            y[s.bin] = sum;
         }
      }
}

template <bool Max, class T>
ONNX_BRIDGE_KERNEL void roi_align(Size images, Size channels, Size h, Size w, Size count, Size rows, Size columns, Size ratio, float scale,
                                  bool half_pixel, const T* x, const T* rois, const std::int64_t* batch, T* y)
{
   constexpr Size block = 64;
   RoiSample<T> samples[block];
   const Size bins = rows * columns, plane = h * w;
   for (Size i = 0; i < count * channels * bins; i++) y[i] = T(0);
   if (plane == 0 || images == 0) return;
   for (Size r = 0; r < count; r++, rois += 4, y += channels * bins) {
      const Size image = batch[r] < 0 ? 0 : batch[r] < images ? static_cast<Size>(batch[r]) : images - 1;
      const T* from = x + image * channels * plane;
      const RoiAxis<T> across = roi_axis(rois[0], rois[2], static_cast<T>(scale), half_pixel, columns, ratio, w);
      const RoiAxis<T> down = roi_axis(rois[1], rois[3], static_cast<T>(scale), half_pixel, rows, ratio, h);
      Size n = 0;
      for (Size bin = 0; bin < bins; bin++) {
         const Size row = bin / columns, column = bin % columns;
         const Size top = down.bound(row, false), bottom = down.bound(row, true);
         const Size left = across.bound(column, false), right = across.bound(column, true);
         const bool all = bottom - top == down.samples && right - left == across.samples;
         bool first = true;
         const auto add = [&](const RoiSample<T>& sample) {
            samples[n++] = sample;
            if (n == block) {
               roi_samples<Max>(n, samples, channels, plane, bins, from, y);
               n = 0;
            }
            first = false;
         };
         if (Max && !all && down.samples > 0 && across.samples > 0) add({bin, 1, {}, {}});
         for (Size i = top; i < bottom; i++) {
            const T yy = down.place(row, i);
            for (Size j = left; j < right; j++) {
               const T xx = across.place(column, j);
               RoiSample<T> s = {bin, first ? 1 : 0, {}, {}};
               if (down.inside(yy) && across.inside(xx)) {
                  T v = yy > T(0) ? yy : T(0), u = xx > T(0) ? xx : T(0);
                  Size low = static_cast<Size>(v), near_ = static_cast<Size>(u), high = low + 1, far_ = near_ + 1;
                  if (low >= h - 1) {
                     high = low = h - 1;
                     v = static_cast<T>(low);
                  }
                  if (near_ >= w - 1) {
                     far_ = near_ = w - 1;
                     u = static_cast<T>(near_);
                  }
                  const T ly = v - static_cast<T>(low), lx = u - static_cast<T>(near_), hy = T(1) - ly, hx = T(1) - lx;
                  s = {bin, first ? 1 : 0, {low * w + near_, low * w + far_, high * w + near_, high * w + far_},
                       {hy * hx, hy * lx, ly * hx, ly * lx}};
               } else if (!Max) {
                  continue;
               }
               add(s);
            }
         }
      }
      roi_samples<Max>(n, samples, channels, plane, bins, from, y);
      if (Max) continue;
      const T total = static_cast<T>(static_cast<double>(down.samples) * static_cast<double>(across.samples));
      for (Size i = 0; i < channels * bins; i++) y[i] = y[i] / (total > T(1) ? total : T(1));
   }
}
