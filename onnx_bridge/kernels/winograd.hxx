// winograd.hxx: 3 x 3 convolution of stride 1 and dilation 1 (2-D, one group), blocked to blocked, by Winograd's F(2 x 2, 3 x 3).
//
// 2.25 times fewer products than conv.hxx. Order: tiles of 2 x 2 outputs are counted from the image's corner; a tile's input is
// transformed by rows, then by columns; products are summed in blocks of 128 channels; sums are transformed back by columns, then
// by rows; the bias last. So bits depend on the place in a tile, not on the image's size. An infinity or a NaN reaches, as NaN, the
// outputs of all tiles that read it. Error: about that of one fma chain over 64 channels (samebits.md); choose by constants only.
// Weights [4 * 4][blocks_of(O)][blocks_of(C)][16 of C][16 of O], padded with zeros: W[4 * i + j] = (G g G^T)[i][j] in double,
// rounded once; G = [[1, 0, 0], [.5, .5, .5], [.5, -.5, .5], [0, 0, 1]], g[y][x] = the ONNX kernel. bias [blocks_of(O)][16] or null.
// out overlaps nothing that is read.
#pragma once
#include "conv.hxx"

/// Tiles of one pass: what is between the transforms should stay in the second cache (600 KB).
ONNX_BRIDGE_INLINE Size winograd_tiles(Size in_channels, Size out_channels)
{
   const Size fitting = 9600 / (16 * (blocks_of(in_channels) + blocks_of(out_channels))) / 14 * 14;
   return fitting < 14 ? 14 : fitting > 112 ? 112 : fitting;
}

/// Floats of scratch that winograd() needs.
ONNX_BRIDGE_INLINE Size winograd_scratch(Size in_channels, Size out_channels)
{
   return 16 * winograd_tiles(in_channels, out_channels) * 16 * (blocks_of(in_channels) + blocks_of(out_channels));
}

/// B^T v: four values, `step` apart.
ONNX_BRIDGE_INLINE void winograd_forward(vec* v, int step)
{
   const vec a = v[0], b = v[step], c = v[2 * step], d = v[3 * step];
   v[0] = a - c;
   v[step] = b + c;
   v[2 * step] = c - b;
   v[3 * step] = b - d;
}

/// A^T v: two values from four.
ONNX_BRIDGE_INLINE void winograd_back(vec* v, int step)
{
   const vec a = v[0], b = v[step], c = v[2 * step], d = v[3 * step];
   v[0] = a + b + c;
   v[step] = b - c - d;
}

/// The transformed inputs of tiles x .. x + tiles - 1 of tile row y, of one block of channels: 16 values, `position` floats apart.
ONNX_BRIDGE_KERNEL void winograd_inputs(const Window& w, const float* in, Size y, Size x, Size tiles, float* out, Size position)
{
   const Size height = w.height.in, width = w.width.in, top = 2 * y - w.height.pad;
   for (Size tile = 0; tile < tiles; tile++, out += 16) {
      const Size left = 2 * (x + tile) - w.width.pad;
      const bool inside = top >= 0 && top + 4 <= height && left >= 0 && left + 4 <= width;
      for (int lane = 0; lane < 16; lane += lanes) {
         vec v[16];
         if (inside) {
            const float* from = in + (top * width + left) * 16 + lane;
            ONNX_BRIDGE_UNROLL
            for (int i = 0; i < 16; i++) v[i] = load(from + (i / 4 * width + i % 4) * 16);
         } else {
            ONNX_BRIDGE_UNROLL
            for (int i = 0; i < 16; i++) {
               const Size row = top + i / 4, column = left + i % 4;
               const bool exists = row >= 0 && row < height && column >= 0 && column < width;
               v[i] = exists ? load(in + (row * width + column) * 16 + lane) : vec{};
            }
         }
         ONNX_BRIDGE_UNROLL
         for (int i = 0; i < 4; i++) winograd_forward(v + 4 * i, 1);
         ONNX_BRIDGE_UNROLL
         for (int i = 0; i < 4; i++) winograd_forward(v + i, 4);
         ONNX_BRIDGE_UNROLL
         for (int i = 0; i < 16; i++) store(out + i * position + lane, v[i]);
      }
   }
}

/// The outputs of those tiles, of one block of channels, from their products.
ONNX_BRIDGE_KERNEL void winograd_outputs(const Window& w, const float* in, Size position, const float* bias, Size y, Size x, Size tiles, float* out)
{
   const Size width = w.width.out;
   for (int lane = 0; lane < 16; lane += lanes) {
      const bool biased = bias != nullptr;
      const vec b = biased ? load(bias + lane) : vec{};
      for (Size tile = 0; tile < tiles; tile++) {
         vec v[16];
         ONNX_BRIDGE_UNROLL
         for (int i = 0; i < 16; i++) v[i] = load(in + i * position + tile * 16 + lane);
         ONNX_BRIDGE_UNROLL
         for (int i = 0; i < 4; i++) winograd_back(v + i, 4);
         const Size column = 2 * (x + tile);
         ONNX_BRIDGE_UNROLL
         for (int i = 0; i < 2; i++) {
            winograd_back(v + 4 * i, 1);
            float* to = out + ((2 * y + i) * width + column) * 16 + lane;
            if (2 * y + i < w.height.out) {
               store(to, biased ? v[4 * i] + b : v[4 * i]);
               if (column + 1 < width) store(to + 16, biased ? v[4 * i + 1] + b : v[4 * i + 1]);
            }
         }
      }
   }
}

/// The products of one pass: 16 times [tiles][C] by [C][O], all blocked, `pass` tiles apart.
ONNX_BRIDGE_KERNEL void winograd_products(Size in_channels, Size out_channels, Size pass, Size tiles, const float* in, const float* weights, float* out)
{
   const Size in_blocks = blocks_of(in_channels), out_blocks = blocks_of(out_channels);
   const Window one_tap = {{1, 1, 1, 1, 1, 0}, {1, 1, 1, 1, 1, 0}, {pass, pass, 1, 1, 1, 0}};
   const ConvSum s = conv_sum(one_tap, in_channels, pass * 16, 0, 0, pass * 16);
   for (int position = 0; position < 16; position++) {
      conv_outputs<Const<16>>(s, in, 0, 0, weights, nullptr, {out, pass * 16, 0, 0, 16, 0, 0, 0, 1}, 1, 1, tiles, out_blocks * 16, Keep());
      in += in_blocks * pass * 16;
      weights += out_blocks * in_blocks * 256;
      out += out_blocks * pass * 16;
   }
}

template <class Epilogue>
ONNX_BRIDGE_KERNEL void winograd(const Window& w, Size in_channels, Size out_channels, const float* in, const float* weights, const float* bias,
                                 float* out, float* scratch, const Epilogue& epilogue)
{
   const Size in_blocks = blocks_of(in_channels), out_blocks = blocks_of(out_channels);
   const Size across = (w.width.out + 1) / 2, count = (w.height.out + 1) / 2 * across, pass = winograd_tiles(in_channels, out_channels);
   const Size in_plane = inputs(w) * 16, out_plane = outputs(w) * 16;
   // Both [16 positions][blocks][tiles of the pass][16].
   float *forward = scratch, *products = scratch + 16 * in_blocks * pass * 16;

   for (Size begin = 0; begin < count; begin += pass) {
      const Size tiles = count - begin < pass ? count - begin : pass;
      // Calls part(tile row, first tile in it, tiles, first tile of the pass) for each tile row that the pass touches.
      const auto each_row = [=](const auto& part) __attribute__((always_inline)) {
         for (Size done = 0; done < tiles;) {
            const Size y = (begin + done) / across, x = (begin + done) % across;
            const Size run = across - x < tiles - done ? across - x : tiles - done;
            part(y, x, run, done);
            done += run;
         }
      };
      for (Size block = 0; block < in_blocks; block++)
         each_row([&](Size y, Size x, Size run, Size done) __attribute__((always_inline)) {
            winograd_inputs(w, in + block * in_plane, y, x, run, forward + (block * pass + done) * 16, in_blocks * pass * 16);
         });
      winograd_products(in_channels, out_channels, pass, tiles, forward, weights, products);
      for (Size block = 0; block < out_blocks; block++)
         each_row([&](Size y, Size x, Size run, Size done) __attribute__((always_inline)) {
            float* plane = out + block * out_plane;
            winograd_outputs(w, products + (block * pass + done) * 16, out_blocks * pass * 16, bias == nullptr ? nullptr : bias + block * 16, y, x,
                             run, plane);
            const Size pixels = 2 * (x + run) < w.width.out ? 2 * run : w.width.out - 2 * x;
            for (Size row = 2 * y; row < 2 * y + 2 && row < w.height.out; row++)
               for (Size lane = 0; lane < 16; lane += lanes) {
                  const Size number = row * w.width.out + 2 * x;
                  finish_pixels(plane + number * 16 + lane, 16, pixels, number, 1, block * 16 + lane, out_channels, epilogue);
               }
         });
   }
}
