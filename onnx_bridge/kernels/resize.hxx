// resize.hxx: Resize and Upsample of any number of axes, planar or blocked, one axis at a time.
//
// An axis is described by a table, made from sizes and scales by resize_table(): for each output position `taps` input positions and
// their weights (1 tap: nearest, weight 1; 2: linear; 4: cubic; antialias is not supported). resize_axis() applies it to a tensor
// seen as [outer][axis][inner]: of a blocked image H is {blocks * D, H, W * 16} and W is {blocks * D * H, W, 16}. Coordinates are
// onnxruntime's, in float (of doubles in double). An output is the chain of its taps in order, mul() first, then fma(); one tap is
// copied as it is.
// in and out do not overlap. Weights that are 0 still let a NaN or an infinity through, as in onnxruntime.
#pragma once
#include "vector.hxx"

/// coordinate_transformation_mode, nearest_mode and mode as ONNX spells them.
enum class Coordinates { half_pixel, half_pixel_symmetric, pytorch_half_pixel, align_corners, asymmetric, tf_half_pixel_for_nn, tf_crop_and_resize };
enum class Nearest { round_prefer_floor, round_prefer_ceil, floor, ceil, simple };
enum class Interpolation { nearest, linear, cubic };

/// One axis: scale is out / in as given (or computed in float), start and end are the roi of tf_crop_and_resize. Nearest::simple is
/// Upsample's and Resize 10's: floor where the scale is 1 or more, else ceil.
template <class T>
struct ResizeAxisOf {
   Size in, out;
   T scale;
   Coordinates coordinates;
   Interpolation mode;
   Nearest nearest;
   T cubic_a;
   bool exclude_outside;
   T start, end;
};
using ResizeAxis = ResizeAxisOf<float>;

/// The smallest or the largest scale of some axes, in float.
template <int Axes>
ONNX_BRIDGE_INLINE float resize_common_scale(bool least, const Size (&out)[Axes], const Size (&in)[Axes])
{
   float found = 0.0f;
   for (int a = 0; a < Axes; a++) {
      const float scale = static_cast<float>(out[a]) / static_cast<float>(in[a]);
      if (a == 0 || (least ? scale < found : scale > found)) found = scale;
   }
   return found;
}

/// Where an output position lies on the input.
template <class T>
ONNX_BRIDGE_INLINE T resize_coordinate(const ResizeAxisOf<T>& a, Size position)
{
   const T x = static_cast<T>(position), in = static_cast<T>(a.in), out = static_cast<T>(a.out);
   switch (a.coordinates) {
   case Coordinates::half_pixel: return (x + T(0.5)) / a.scale - T(0.5);
   case Coordinates::half_pixel_symmetric: {
      const T offset = mul(in / T(2.0), T(1.0) - out / mul(a.scale, in));
      return static_cast<T>(static_cast<double>(offset) + (static_cast<double>(x) + 0.5) / static_cast<double>(a.scale) - 0.5);
   }
   case Coordinates::pytorch_half_pixel: return a.out > 1 ? (x + T(0.5)) / a.scale - T(0.5) : T(0.0);
   case Coordinates::align_corners: return a.out == 1 ? T(0.0) : mul(x, in - T(1.0)) / (out - T(1.0));
   case Coordinates::asymmetric: return x / a.scale;
   case Coordinates::tf_half_pixel_for_nn: return (x + T(0.5)) / a.scale;
   default:
      return a.out > 1 ? mul(a.start, in - T(1.0)) + mul(mul(x, a.end - a.start), in - T(1.0)) / (out - T(1.0))
                       : mul(mul(T(0.5), a.start + a.end), in - T(1.0));
   }
}

ONNX_BRIDGE_INLINE Size resize_taps(Interpolation mode) { return mode == Interpolation::nearest ? 1 : mode == Interpolation::linear ? 2 : 4; }

/// The input position that a coordinate stands for. In double, because libm is called for it where the processor cannot.
template <class T>
ONNX_BRIDGE_INLINE Size nearest_position(const ResizeAxisOf<T>& a, T coordinate)
{
   const double x = static_cast<double>(coordinate), below = __builtin_floor(x), above = __builtin_ceil(x);
   switch (a.nearest) {
   case Nearest::round_prefer_floor: return static_cast<Size>(x == below + 0.5 ? below : __builtin_round(x));
   case Nearest::round_prefer_ceil: return static_cast<Size>(x == below + 0.5 ? above : __builtin_round(x));
   case Nearest::floor: return static_cast<Size>(below);
   case Nearest::ceil: return static_cast<Size>(above);
   default: return static_cast<Size>(a.scale < T(1.0) ? above : __builtin_trunc(x));
   }
}

/// index[out][taps] and weight[out][taps]; outside[out] (may be null): 1 where tf_crop_and_resize takes its extrapolation_value.
template <class T>
ONNX_BRIDGE_KERNEL void resize_table(const ResizeAxisOf<T>& a, std::int32_t* index, T* weight, unsigned char* outside)
{
   const Size taps = resize_taps(a.mode);
   const T last = static_cast<T>(a.in - 1);
   const auto clamp = [a](Size i) { return static_cast<std::int32_t>(i < 0 ? 0 : i >= a.in ? a.in - 1 : i); };
   for (Size o = 0; o < a.out; o++, index += taps, weight += taps) {
      // At scale 1 onnxruntime takes the input as it is, whatever the mode, even a crop.
      const T x = a.scale == T(1.0) ? static_cast<T>(o) : resize_coordinate(a, o);
      if (outside != nullptr) outside[o] = a.coordinates == Coordinates::tf_crop_and_resize && (x < T(0.0) || x > last);
      if (a.mode == Interpolation::nearest) {
         index[0] = clamp(nearest_position(a, x));
         weight[0] = T(1.0);
      } else if (a.mode == Interpolation::linear) {
         const T inside = x < T(0.0) ? T(0.0) : x > last ? last : x;
         const Size below = static_cast<Size>(inside);
         index[0] = clamp(below);
         index[1] = clamp(below + 1);
         const T up = index[0] == index[1] ? T(0.5) : inside - static_cast<T>(below);
         weight[0] = T(1.0) - up;
         weight[1] = up;
      } else {
         const T below = static_cast<T>(__builtin_floor(static_cast<double>(x))), s = x - below, c = a.cubic_a;
         const T s1 = s + T(1.0), r = T(1.0) - s, r1 = T(2.0) - s;
         weight[0] = mul(mul(mul(c, s1) - mul(T(5.0), c), s1) + mul(T(8.0), c), s1) - mul(T(4.0), c);
         weight[1] = mul(mul(mul(c + T(2.0), s) - (c + T(3.0)), s), s) + T(1.0);
         weight[2] = mul(mul(mul(c + T(2.0), r) - (c + T(3.0)), r), r) + T(1.0);
         weight[3] = mul(mul(mul(c, r1) - mul(T(5.0), c), r1) + mul(T(8.0), c), r1) - mul(T(4.0), c);
         T sum = T(0.0);
         for (int k = 0; k < 4; k++) {
            const Size i = static_cast<Size>(below) - 1 + k;
            if (a.exclude_outside && (i < 0 || i >= a.in)) weight[k] = T(0.0);
            sum += weight[k];
            index[k] = clamp(i);
         }
         if (a.exclude_outside)
            for (int k = 0; k < 4; k++) weight[k] /= sum;
      }
   }
}

/// One output row of `inner` floats from Taps input rows.
template <int Taps>
ONNX_BRIDGE_KERNEL void resize_row(Size inner, const float* in, const std::int32_t* index, const float* weight, float* out)
{
   const float* row[Taps];
   vec w[Taps];
   ONNX_BRIDGE_UNROLL
   for (int k = 0; k < Taps; k++) {
      row[k] = in + static_cast<Size>(index[k]) * inner;
      w[k] = splat(weight[k]);
   }
   const auto part = [&](Size i, auto count) __attribute__((always_inline)) {
      vec sum = mul(load(row[0] + i, count), w[0]);
      ONNX_BRIDGE_UNROLL
      for (int k = 1; k < Taps; k++) sum = fma(load(row[k] + i, count), w[k], sum);
      store(out + i, sum, count);
   };
   Size i = 0;
   for (; i + lanes <= inner; i += lanes) part(i, All());
   if (i < inner) part(i, inner - i);
}

/// [outer][in_size][inner] to [outer][out_size][inner] by a table of `taps` (1, 2 or 4) entries for each output.
ONNX_BRIDGE_KERNEL void resize_axis(Size outer, Size in_size, Size out_size, Size inner, Size taps, const std::int32_t* index,
                                    const float* weight, const float* in, float* out)
{
   for (Size i = 0; i < outer; i++, in += in_size * inner, out += out_size * inner)
      for (Size o = 0; o < out_size; o++) {
         const std::int32_t* from = index + o * taps;
         const float* w = weight + o * taps;
         float* to = out + o * inner;
         if (taps == 1) {
            if (inner == 1)
               *to = in[*from];
            else
               std::memcpy(to, in + *from * inner, sizeof(float) * static_cast<std::size_t>(inner));
         } else if (inner == 1) {
            float sum = mul(in[from[0]], w[0]);
            for (Size k = 1; k < taps; k++) sum = fma(in[from[k]], w[k], sum);
            *to = sum;
         } else if (taps == 2) {
            resize_row<2>(inner, in, from, w, to);
         } else {
            resize_row<4>(inner, in, from, w, to);
         }
      }
}

/// tf_crop_and_resize: sets the outputs [outer][out_size][inner] that lie outside along one axis to `value`, after all axes are done.
template <class T>
ONNX_BRIDGE_KERNEL void resize_extrapolate(Size outer, Size out_size, Size inner, const unsigned char* outside, T value, T* out)
{
   for (Size i = 0; i < outer; i++)
      for (Size o = 0; o < out_size; o++, out += inner)
         if (outside[o])
            for (Size k = 0; k < inner; k++) out[k] = value;
}
