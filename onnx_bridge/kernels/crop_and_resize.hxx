// crop_and_resize.hxx: boxes of images brought to one size, by interpolation or by the nearest pixel.
//
// Layout: x[images][channels][h][w], boxes[count][4] as y1, x1, y2, x2 in parts of h - 1 and w - 1, images of them in batch[count],
//   y[count][channels][rows][columns]. Nothing overlaps; sizes may be 0. An index of an image outside is brought to the nearest. A place
//   outside of the image, or that is no number, gives `outside`.
// Interpolation: along the row of the pixels above and below, each as left + (right - left) * weight, then between these in the same way.
#pragma once
#include "vector.hxx"

/// Where sample i of n along an axis lies.
ONNX_BRIDGE_INLINE float crop_place(float begin, float end, Size pixels, Size n, Size i)
{
   const float most = static_cast<float>(pixels - 1);
   if (n <= 1) return mul(mul(0.5f, begin + end), most);
   const float step = mul(end - begin, most) / static_cast<float>(n - 1);
   return mul(begin, most) + mul(static_cast<float>(i), step);
}

/// One sample of a plane, of a place inside.
ONNX_BRIDGE_INLINE float crop_sample(const float* x, Size w, float row, float column, bool nearest)
{
   if (nearest) return x[static_cast<Size>(__builtin_roundf(row)) * w + static_cast<Size>(__builtin_roundf(column))];
   const float top = __builtin_floorf(row), left = __builtin_floorf(column);
   const float* const above = x + static_cast<Size>(top) * w;
   const float* const below = x + static_cast<Size>(__builtin_ceilf(row)) * w;
   const Size l = static_cast<Size>(left), r = static_cast<Size>(__builtin_ceilf(column));
   const float first = above[l] + mul(above[r] - above[l], column - left), second = below[l] + mul(below[r] - below[l], column - left);
   return first + mul(second - first, row - top);
}

ONNX_BRIDGE_KERNEL void crop_and_resize(Size images, Size channels, Size h, Size w, Size count, Size rows, Size columns, float outside, bool nearest,
                                        const float* x, const float* boxes, const std::int32_t* batch, float* y)
{
   for (Size b = 0; b < count; b++, boxes += 4) {
      const Size image = batch[b] < 0 ? 0 : batch[b] < images ? batch[b] : images - 1;
      for (Size c = 0; c < channels; c++)
         for (Size i = 0; i < rows; i++) {
            const float row = crop_place(boxes[0], boxes[2], h, rows, i);
            const bool above = images > 0 && row >= 0.0f && row <= static_cast<float>(h - 1);
            for (Size j = 0; j < columns; j++) {
               const float column = crop_place(boxes[1], boxes[3], w, columns, j);
               const bool inside = above && column >= 0.0f && column <= static_cast<float>(w - 1);
               *y++ = inside ? crop_sample(x + (image * channels + c) * h * w, w, row, column, nearest) : outside;
            }
         }
   }
}
