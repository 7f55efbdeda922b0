// integer_conv.hxx: convolutions of bytes with sums of 32 bits, one image a call.
//
// y[o][...] = bias[o] + sum over c and the window of (x[c][...] - x_zero) (w[o][c][...] - w_zero[o]), in groups of channels; what lies
// beyond the image is x_zero. Exact modulo 2^32. The image is copied pixel by pixel, with all channels side by side and x_zero around
// it, so that the taps of a row of the window lie in one piece where there is one group and no dilation, else each for itself:
// integer_product.hxx multiplies them as they stand there. Element (c, pixel) of x lies at x[c * channel + pixel * pixel_step].
// Groups of one channel in and one out have weights of their own: int16 [taps][channels], zero points taken off.
// out(pixel, output channel, sums, how many) takes what comes out. Nothing overlaps. Any size may be 0.
#pragma once
#include "integer_product.hxx"
#include "window.hxx"

/// Where an image lies.
template <class T>
struct Image {
   const T* data;
   Size channel, pixel;
};

/// Floats of scratch memory: the image with what lies around it, and some more to read.
ONNX_BRIDGE_INLINE Size integer_conv_scratch(const Window& w, Size channels)
{
   return (extent(w.depth) * extent(w.height) * extent(w.width) * channels + 3) / 4 + 16;
}
ONNX_BRIDGE_INLINE Size integer_depthwise_scratch(const Window& w, Size channels) { return integer_conv_scratch(w, channels); }

/// The image as unsigned bytes [extent of depth][height][width][channels].
template <class T>
ONNX_BRIDGE_KERNEL void copy_pixels(const Window& w, Size channels, const Image<T>& x, std::int32_t zero, std::uint8_t* to)
{
   const Size depths = extent(w.depth), rows = extent(w.height), width = extent(w.width);
   const Size first = w.width.pad < 0 ? 0 : w.width.pad < width ? w.width.pad : width;
   Size last = w.width.in + w.width.pad;
   last = last < first ? first : last < width ? last : width;
   for (Size z = 0; z < depths; z++)
      for (Size y = 0; y < rows; y++, to += width * channels) {
         const Size from_z = z - w.depth.pad, from_y = y - w.height.pad;
         const bool inside = from_z >= 0 && from_z < w.depth.in && from_y >= 0 && from_y < w.height.in;
         const Size begin = inside ? first : width, end = inside ? last : width;
         std::memset(to, zero, static_cast<std::size_t>(begin * channels));
         std::memset(to + end * channels, zero, static_cast<std::size_t>((width - end) * channels));
         const T* row = x.data + ((from_z * w.height.in + from_y) * w.width.in - w.width.pad) * x.pixel;
         if (x.channel == 1)
            for (Size i = begin; i < end; i++)
               for (Size c = 0; c < channels; c++) to[i * channels + c] = as_left(row[i * x.pixel + c]);
         else
            for (Size c = 0; c < channels; c++)
               for (Size i = begin; i < end; i++) to[i * channels + c] = as_left(row[i * x.pixel + c * x.channel]);
      }
}

/// What is added to the number of a column before `out` sees it.
template <class Out>
struct Columns {
   const Out& out;
   Size first;
   template <class Count>
   __attribute__((always_inline)) void operator()(Size m, Size n, ivec sum, Count count) const
   {
      out(m, n + first, sum, count);
   }
};

/// weights: for each group panels of its outputs, [pieces of the window][channels of a piece]; channels and outputs are those of all groups.
template <class T, class Out>
ONNX_BRIDGE_KERNEL void integer_conv(const Window& w, Size channels, Size outputs, Size groups, const Image<T>& x, std::int32_t x_zero,
                                     const IntegerWeights& weights, char* scratch, const Out& out)
{
   std::uint8_t* image = reinterpret_cast<std::uint8_t*>(scratch);
   copy_pixels(w, channels, x, x_zero, image);
   const Size pixel = channels, row = extent(w.width) * pixel, plane = extent(w.height) * row;
   const bool whole_rows = groups == 1 && w.width.dilation == 1;
   const Pieces pieces = {w.depth.kernel, w.height.kernel, whole_rows ? 1 : w.width.kernel, plane * w.depth.dilation, row * w.height.dilation,
                          pixel * w.width.dilation, whole_rows ? w.width.kernel * channels : channels / groups};
   const Size columns = outputs / groups, panels = (columns + 15) / 16;
   const Size group = panels * pieces.depth * pieces.height * pieces.width * quads_of(pieces.bytes) * 64;
   for (Size g = 0; g < groups; g++) {
      const IntegerWeights part = {weights.packed + g * group, weights.offset + g * panels * 16,
                                   weights.zeros ? weights.zeros + g * panels * 16 : nullptr};
      const std::uint8_t* from = image + g * (channels / groups);
      Size first = 0;
      for (Size z = 0; z < w.depth.out; z++)
         for (Size y = 0; y < w.height.out; y++, first += w.width.out)
            integer_rows_of(first, w.width.out, columns, pieces, x_zero, from + z * w.depth.stride * plane + y * w.height.stride * row,
                            w.width.stride * pixel, part, Columns<Out>{out, g * columns});
   }
}

/// Groups of one channel in and one out. weights [taps][channels]; bias may be nullptr.
template <class T, class Out>
ONNX_BRIDGE_KERNEL void integer_depthwise(const Window& w, Size channels, const Image<T>& x, std::int32_t x_zero, const std::int16_t* weights,
                                          const std::int32_t* bias, char* scratch, const Out& out)
{
   std::uint8_t* image = reinterpret_cast<std::uint8_t*>(scratch);
   copy_pixels(w, channels, x, x_zero, image);
   const Size row = extent(w.width) * channels, plane = extent(w.height) * row;
   const auto pixel_of = [&](Size z, Size y, Size i, Size c, auto count) __attribute__((always_inline)) {
      const std::uint8_t* from = image + z * w.depth.stride * plane + y * w.height.stride * row + i * w.width.stride * channels + c;
      const std::int16_t* tap = weights + c;
      ivec sum = bias ? load(bias + c, count) : ivec{};
      for (Size kz = 0; kz < w.depth.kernel; kz++)
         for (Size ky = 0; ky < w.height.kernel; ky++) {
            const std::uint8_t* at = from + kz * w.depth.dilation * plane + ky * w.height.dilation * row;
            for (Size kx = 0; kx < w.width.kernel; kx++, at += w.width.dilation * channels, tap += channels)
               sum = add(sum, product(load_integers(at, count) - x_zero, load_integers(tap, count)));
         }
      out((z * w.height.out + y) * w.width.out + i, c, sum, count);
   };
   for (Size z = 0; z < w.depth.out; z++)
      for (Size y = 0; y < w.height.out; y++)
         for (Size i = 0; i < w.width.out; i++) {
            Size c = 0;
            for (; c + lanes <= channels; c += lanes) pixel_of(z, y, i, c, All());
            if (c < channels) pixel_of(z, y, i, c, channels - c);
         }
}

/// The weights of integer_depthwise from [channels][taps], with zero points as pack_integers takes them.
template <class T>
ONNX_BRIDGE_KERNEL const std::int16_t* pack_depthwise(Size channels, Size taps, const T* w, const T* zero, Size zero_step, char* scratch)
{
   std::int16_t* packed = reinterpret_cast<std::int16_t*>(scratch);
   for (Size t = 0; t < taps; t++)
      for (Size c = 0; c < channels; c++)
         packed[t * channels + c] = static_cast<std::int16_t>(w[c * taps + t] - (zero ? zero[c * zero_step] : T()));
   return packed;
}
