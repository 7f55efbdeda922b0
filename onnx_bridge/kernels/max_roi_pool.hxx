// max_roi_pool.hxx: regions of images brought to one size by maxima.
//
// Layout: x[images][channels][h][w], rois[count][5] as image, x1, y1, x2, y2, y[count][channels][rows][columns]; T is float or double.
//   Corners are scaled and rounded, halves away from zero; both belong to the region, which has a pixel at least. Bins begin and end at
//   whole pixels and may overlap; one without a pixel inside the image is 0. An index of an image outside is brought to the nearest, a
//   corner that is no number to 0. x, rois and y do not overlap.
#pragma once
#include "vector.hxx"

/// A coordinate as a whole number within what may be calculated with.
template <class T>
ONNX_BRIDGE_INLINE Size roi_corner(T x)
{
   const double rounded = __builtin_round(static_cast<double>(x));
   return rounded > -1e9 ? rounded < 1e9 ? static_cast<Size>(rounded) : 1000000000 : rounded <= -1e9 ? -1000000000 : 0;
}

/// The pixels of a bin along one axis, from first to before last.
template <class T>
ONNX_BRIDGE_INLINE void roi_bin(Size begin, Size end, Size bins, Size bin, Size pixels, Size& first, Size& last)
{
   const Size length = end - begin + 1 > 1 ? end - begin + 1 : 1;
   const T size = static_cast<T>(length) / static_cast<T>(bins);
   first = begin + static_cast<Size>(__builtin_floor(static_cast<double>(mul(static_cast<T>(bin), size))));
   last = begin + static_cast<Size>(__builtin_ceil(static_cast<double>(mul(static_cast<T>(bin + 1), size))));
   first = first < 0 ? 0 : first < pixels ? first : pixels;
   last = last < 0 ? 0 : last < pixels ? last : pixels;
}

template <class T>
ONNX_BRIDGE_KERNEL void max_roi_pool(Size images, Size channels, Size h, Size w, Size count, Size rows, Size columns, float scale, const T* x,
                                     const T* rois, T* y)
{
   for (Size r = 0; r < count; r++, rois += 5) {
      const Size index = roi_corner(static_cast<T>(__builtin_trunc(static_cast<double>(rois[0]))));
      const Size image = index < 0 ? 0 : index < images ? index : images - 1;
      Size corners[4];
      for (int k = 0; k < 4; k++) corners[k] = roi_corner(mul(rois[k + 1], static_cast<T>(scale)));
      for (Size c = 0; c < channels; c++)
         for (Size row = 0; row < rows; row++)
            for (Size column = 0; column < columns; column++, y++) {
               Size top, bottom, left, right;
               roi_bin<T>(corners[1], corners[3], rows, row, h, top, bottom);
               roi_bin<T>(corners[0], corners[2], columns, column, w, left, right);
               if (bottom <= top || right <= left || images == 0) {
                  *y = T(0);
                  continue;
               }
               const T* from = x + (image * channels + c) * h * w;
               T most = from[top * w + left];
               for (Size i = top; i < bottom; i++)
                  for (Size j = left; j < right; j++) most = most < from[i * w + j] ? from[i * w + j] : most;
               *y = most;
            }
   }
}
