// conv_tile.hxx: the inner part of every convolution that mixes channels: a few pixels by 32 (AVX2: 16) output channels in registers.
//
// Order of summation of an output element: input channels in blocks, each block summed from +0 over depth tap, row tap, column tap,
// channel, one term at a time by fma(); block sums added in order; the bias last: (S0 + S1 + ...) + bias. It depends on ConvSum's
// counts alone. Weights: [panel of 16 outputs][block][depth][row][column][channel][16], a bias of 16 floats a panel, or null.
// The output holds partial sums on the way: it overlaps nothing that is read, an epilogue's operands included.
#pragma once
#include "blocked.hxx"
#include "epilogue.hxx"

#if ONNX_BRIDGE_LANES == 16
constexpr int conv_pixels = 14;  // of a tile: 14 x 2 sums, 2 weights, 1 input
#elif defined(__aarch64__)
constexpr int conv_pixels = 12;
#else
constexpr int conv_pixels = 6;
#endif

/// What the pixels of one output row sum, in counts and in floats between neighbours.
struct ConvSum {
   Size blocks, blocks_per_sum, last;               // of input channels; how many are summed in one go; channels of the last one
   Size kernel_depth, kernel_height, kernel_width;  // taps
   Size block, depth, row, column;                  // floats between the inputs of neighbouring blocks and taps
   Size pixel;                                      // floats between the inputs of neighbouring outputs
   Size panel;                                      // floats between weight panels
   Size out_block, out_pixel;                       // floats between outputs
};

/// Pixels outputs of one row, Vectors vectors of channels each. Channels: of a block, 16 or (planar input) 1.
template <int Channels, int Vectors, class Pixel, int Pixels>
ONNX_BRIDGE_KERNEL void conv_tile(const ConvSum& s, const float* in, const float* weights, const float* bias, float* out)
{
   const Size pixel = is_const<Pixel>::value ? static_cast<Size>(Pixel()) : s.pixel;
   const Size out_block = s.out_block, out_pixel = s.out_pixel, panel = s.panel;
   for (Size first = 0;; first += s.blocks_per_sum) {
      vec sum[Pixels][Vectors];
      ONNX_BRIDGE_UNROLL
      for (int i = 0; i < Pixels; i++) {
         ONNX_BRIDGE_UNROLL
         for (int j = 0; j < Vectors; j++) sum[i][j] = vec{};
      }
      const bool last = first + s.blocks_per_sum >= s.blocks;
      const Size end = last ? s.blocks : first + s.blocks_per_sum;
      for (Size block = first; block < end; block++)
         for (Size z = 0; z < s.kernel_depth; z++)
            for (Size y = 0; y < s.kernel_height; y++) {
               const float* p = in + block * s.block + z * s.depth + y * s.row;
               for (Size x = 0; x < s.kernel_width; x++, p += s.column, weights += Channels * 16) {
                  const Size channels = Channels == 1 ? 1 : block + 1 == s.blocks ? s.last : Channels;
                  for (Size c = 0; c < channels; c++) {
                     vec w[Vectors];
                     ONNX_BRIDGE_UNROLL
                     for (int j = 0; j < Vectors; j++) w[j] = load(weights + c * 16 + j * lanes / 16 * panel + j * lanes % 16);
                     ONNX_BRIDGE_UNROLL
                     for (int i = 0; i < Pixels; i++) {
                        const vec a = splat(p[i * pixel + c]);
                        ONNX_BRIDGE_UNROLL
                        for (int j = 0; j < Vectors; j++) sum[i][j] = fma(a, w[j], sum[i][j]);
                     }
                  }
               }
            }
      if (first > 0) {
         ONNX_BRIDGE_UNROLL
         for (int i = 0; i < Pixels; i++) {
            ONNX_BRIDGE_UNROLL
            for (int j = 0; j < Vectors; j++) sum[i][j] = load(out + j * lanes / 16 * out_block + i * out_pixel + j * lanes % 16) + sum[i][j];
         }
      }
      if (last && bias != nullptr) {
         ONNX_BRIDGE_UNROLL
         for (int j = 0; j < Vectors; j++) {
            const vec b = load(bias + j * lanes);
            ONNX_BRIDGE_UNROLL
            for (int i = 0; i < Pixels; i++) sum[i][j] += b;
         }
      }
      ONNX_BRIDGE_UNROLL
      for (int i = 0; i < Pixels; i++) {
         ONNX_BRIDGE_UNROLL
         for (int j = 0; j < Vectors; j++) store(out + j * lanes / 16 * out_block + i * out_pixel + j * lanes % 16, sum[i][j]);
      }
      if (last) return;
   }
}

typedef void (*ConvTile)(const ConvSum&, const float* in, const float* weights, const float* bias, float* out);

#if defined(ONNX_BRIDGE_CONV_ROWS)
struct ConvRow {
   int channels, vectors;  // vectors: where one is a panel, else all rows have 2
   Size pixels;
};
/// Whether one of this network's rows is cut into such tiles. The others need no functions of their own.
constexpr bool conv_needs(int channels, int vectors, Size pixels)
{
   constexpr ConvRow rows[] = {ONNX_BRIDGE_CONV_ROWS};
   for (const ConvRow& row : rows) {
      const Size tiles = (row.pixels + conv_pixels - 1) / conv_pixels;
      const bool cut = row.pixels / tiles == pixels || (row.pixels % tiles > 0 && row.pixels / tiles + 1 == pixels);
      if (cut && row.channels == channels && (lanes < 16 || row.vectors == vectors)) return true;
   }
   return false;
}
#else
constexpr bool conv_needs(int, int, Size) { return true; }
#endif

/// A tile of which there is none: pixel by pixel, with the same bits.
template <int Channels, int Vectors, class Pixel, int Pixels>
ONNX_BRIDGE_KERNEL void conv_single(const ConvSum& s, const float* in, const float* weights, const float* bias, float* out)
{
   for (int i = 0; i < Pixels; i++) conv_tile<Channels, Vectors, Pixel, 1>(s, in + i * s.pixel, weights, bias, out + i * s.out_pixel);
}

template <int Channels, int Vectors, class Pixel, int Pixels>
constexpr ConvTile conv_tile_made()
{
   if constexpr (Pixels == 1 || conv_needs(Channels, Vectors, Pixels))
      return conv_tile<Channels, Vectors, Pixel, Pixels>;
   else
      return conv_single<Channels, Vectors, Pixel, Pixels>;
}

template <int Channels, int Vectors, class Pixel, int... Less>
ONNX_BRIDGE_INLINE ConvTile conv_tile_of(Size pixels, std::integer_sequence<int, Less...>)
{
   static const ConvTile tile[] = {conv_tile_made<Channels, Vectors, Pixel, Less + 1>()...};
   return tile[pixels - 1];
}

/// The tile of `pixels` pixels and `vectors` vectors, 2, or 1 where a vector is a panel.
template <int Channels, class Pixel>
ONNX_BRIDGE_INLINE ConvTile conv_tile_of(Size pixels, int vectors)
{
   constexpr std::make_integer_sequence<int, conv_pixels> fewer;
   if constexpr (lanes == 16) {
      if (vectors == 1) return conv_tile_of<Channels, 1, Pixel>(pixels, fewer);
   }
   return conv_tile_of<Channels, 2, Pixel>(pixels, fewer);
}

/// Vectors of channels that are summed together from `channel` on, of `padded` ones.
ONNX_BRIDGE_INLINE int conv_vectors(Size channel, Size padded) { return lanes == 16 && padded - channel < 32 ? 1 : 2; }

/// The outputs of an image: data + channel / 16 * block + z * depth + y * row + x * pixel + channel % 16. The epilogue is told
/// the number first + z * number_depth + y * number_row + x * number_pixel.
struct ConvOutput {
   float* data;
   Size block, depth, row, pixel;
   Size first, number_depth, number_row, number_pixel;
};

/// A whole image of pixels side by side.
ONNX_BRIDGE_INLINE ConvOutput whole_output(const Window& w, float* out)
{
   const Size row = w.width.out, depth = w.height.out * row;
   return {out, w.depth.out * depth * 16, depth * 16, row * 16, 16, 0, depth, row, 1};
}

/// Applies the epilogue to `pixels` outputs of one vector of channels, where they lie; what is beyond `channels` becomes +0.
template <class Epilogue>
ONNX_BRIDGE_INLINE void finish_pixels(float* out, Size pixel, Size pixels, Size number, Size number_pixel, Size channel, Size channels,
                                      const Epilogue& epilogue)
{
   const Size valid = channels - channel;
   if (valid >= lanes) {
      if (std::is_same<Epilogue, Keep>::value) return;
      for (Size i = 0; i < pixels; i++, out += pixel) store(out, epilogue(load(out), number + i * number_pixel, channel, All()));
   } else if (valid > 0) {
      for (Size i = 0; i < pixels; i++, out += pixel)
         store(out, keep_first(epilogue(load(out), number + i * number_pixel, channel, valid), valid));
   } else {
      for (Size i = 0; i < pixels; i++, out += pixel) store(out, vec{});
   }
}

/// One output row: `vectors` vectors of channels from `channel` on, tiles of equal width (one pixel more or less).
template <int Channels, class Pixel, class Epilogue>
ONNX_BRIDGE_INLINE void conv_row(const ConvSum& s, int vectors, const float* in, const float* weights, const float* bias, float* out,
                                 Size number, Size number_pixel, Size pixels, Size channel, Size channels, const Epilogue& epilogue)
{
   const Size tiles = (pixels + conv_pixels - 1) / conv_pixels;
   for (Size tile = 0; tile < tiles; tile++) {
      const Size width = pixels / tiles + (tile < pixels % tiles);
      conv_tile_of<Channels, Pixel>(width, vectors)(s, in, weights, bias, out);
      for (int j = 0; j < vectors; j++)
         finish_pixels(out + j * lanes / 16 * s.out_block + j * lanes % 16, s.out_pixel, width, number, number_pixel, channel + j * lanes,
                       channels, epilogue);
      in += width * s.pixel;
      out += width * s.out_pixel;
      number += width * number_pixel;
   }
}
