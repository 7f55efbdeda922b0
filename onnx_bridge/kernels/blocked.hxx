// blocked.hxx: the layout of images between convolutions, and the ways into and out of it.
//
// Planar: [batch][channels][pixels], as ONNX has it. Blocked: [batch][blocks_of(channels)][pixels][16]; what lies beyond the last
// channel is +0, always. Source and destination do not overlap; any alignment; bits are moved, never computed. Empty sizes do nothing.
#pragma once
#include "window.hxx"

typedef float quad __attribute__((vector_size(16)));
typedef std::int32_t iquad __attribute__((vector_size(16)));
typedef float unaligned_quad __attribute__((vector_size(16), aligned(4), may_alias));
#if defined(__clang__)
#define ONNX_BRIDGE_QUAD(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define ONNX_BRIDGE_QUAD(a, b, ...) __builtin_shuffle(a, b, iquad{__VA_ARGS__})
#endif

/// Row i of four, `from` floats apart, becomes column i of four rows, `to` floats apart. Rows at and beyond `rows` count as +0.
template <class Rows>
ONNX_BRIDGE_INLINE void transpose_quads(const float* in, Size from, Rows rows, float* out, Size to)
{
   quad r[4];
   for (int i = 0; i < 4; i++) r[i] = i < rows ? *reinterpret_cast<const unaligned_quad*>(in + i * from) : quad{};
   const quad low01 = ONNX_BRIDGE_QUAD(r[0], r[1], 0, 4, 1, 5), high01 = ONNX_BRIDGE_QUAD(r[0], r[1], 2, 6, 3, 7);
   const quad low23 = ONNX_BRIDGE_QUAD(r[2], r[3], 0, 4, 1, 5), high23 = ONNX_BRIDGE_QUAD(r[2], r[3], 2, 6, 3, 7);
   *reinterpret_cast<unaligned_quad*>(out) = ONNX_BRIDGE_QUAD(low01, low23, 0, 1, 4, 5);
   *reinterpret_cast<unaligned_quad*>(out + to) = ONNX_BRIDGE_QUAD(low01, low23, 2, 3, 6, 7);
   *reinterpret_cast<unaligned_quad*>(out + 2 * to) = ONNX_BRIDGE_QUAD(high01, high23, 0, 1, 4, 5);
   *reinterpret_cast<unaligned_quad*>(out + 3 * to) = ONNX_BRIDGE_QUAD(high01, high23, 2, 3, 6, 7);
}

/// Planar to blocked.
ONNX_BRIDGE_KERNEL void to_blocked(Size batch, Size channels, Size pixels, const float* in, float* out)
{
   for (Size image = 0; image < batch; image++, in += channels * pixels)
      for (Size block = 0; block < channels; block += 16, out += pixels * 16) {
         const float* plane = in + block * pixels;
         const Size valid = channels - block, whole = pixels - pixels % 4;
         for (Size pixel = 0; pixel < whole; pixel += 4)
            for (Size c = 0; c < 16; c += 4) {
               if (c + 4 <= valid)
                  transpose_quads(plane + c * pixels + pixel, pixels, Const<4>(), out + pixel * 16 + c, 16);
               else
                  transpose_quads(plane + (c < valid ? c : 0) * pixels + pixel, pixels, valid - c, out + pixel * 16 + c, 16);
            }
         for (Size pixel = whole; pixel < pixels; pixel++)
            for (Size c = 0; c < 16; c++) out[pixel * 16 + c] = c < valid ? plane[c * pixels + pixel] : 0.0f;
      }
}

/// Blocked to planar.
ONNX_BRIDGE_KERNEL void from_blocked(Size batch, Size channels, Size pixels, const float* in, float* out)
{
   for (Size image = 0; image < batch; image++, out += channels * pixels)
      for (Size block = 0; block < channels; block += 16, in += pixels * 16) {
         float* plane = out + block * pixels;
         const Size valid = channels - block < 16 ? channels - block : 16, whole = pixels - pixels % 4;
         for (Size pixel = 0; pixel < whole; pixel += 4) {
            Size c = 0;
            for (; c + 4 <= valid; c += 4) transpose_quads(in + pixel * 16 + c, 16, Const<4>(), plane + c * pixels + pixel, pixels);
            // At most three are left, which g++ must be told: it warns of loops that it takes for endless.
            for (Size rest = 0; rest < 3 && c < valid; rest++, c++)
               for (Size p = pixel; p < pixel + 4; p++) plane[c * pixels + p] = in[p * 16 + c];
         }
         for (Size pixel = whole; pixel < pixels; pixel++)
            for (Size c = 0; c < valid; c++) plane[c * pixels + pixel] = in[pixel * 16 + c];
      }
}

/// Where the positions of an input axis go in a scratch image: position i to begin + i * spread, if that is in 0 .. size - 1.
struct Placement {
   Size in, size, begin, spread;
};

/// What a window needs of a scratch image: zeros around, positions side by side.
ONNX_BRIDGE_INLINE Placement placement(const Axis& a) { return {a.in, extent(a), a.pad, 1}; }

/// One row of pixels of `floats` floats each, zeros elsewhere; in = nullptr: zeros only.
ONNX_BRIDGE_INLINE void pad_row(const Placement& x, Size floats, const float* in, float* out)
{
   const Size skipped = x.begin >= 0 ? 0 : (-x.begin + x.spread - 1) / x.spread;
   const Size room = x.size - x.begin;
   Size end = room <= 0 ? 0 : (room - 1) / x.spread + 1;
   if (end > x.in) end = x.in;
   if (in == nullptr || skipped >= end) {
      std::memset(out, 0, sizeof(float) * static_cast<std::size_t>(x.size * floats));
   } else if (x.spread == 1) {
      const Size first = (x.begin + skipped) * floats, last = (x.begin + end) * floats;
      std::memset(out, 0, sizeof(float) * static_cast<std::size_t>(first));
      std::memcpy(out + first, in + skipped * floats, sizeof(float) * static_cast<std::size_t>(last - first));
      std::memset(out + last, 0, sizeof(float) * static_cast<std::size_t>(x.size * floats - last));
   } else {
      std::memset(out, 0, sizeof(float) * static_cast<std::size_t>(x.size * floats));
      for (Size i = skipped; i < end; i++)
         std::memcpy(out + (x.begin + i * x.spread) * floats, in + i * floats, sizeof(float) * static_cast<std::size_t>(floats));
   }
}

/// Copies `planes` images of pixels of `floats` floats (blocked: 16; planar: 1) into scratch images [planes][z.size][y.size][x.size].
ONNX_BRIDGE_KERNEL void pad_image(Size planes, Size floats, Placement z, Placement y, Placement x, const float* in, float* out)
{
   const auto source = [](const Placement& p, Size place) __attribute__((always_inline)) -> Size {
      const Size from_first = place - p.begin;
      return from_first >= 0 && from_first % p.spread == 0 && from_first / p.spread < p.in ? from_first / p.spread : -1;
   };
   for (Size plane = 0; plane < planes; plane++, in += z.in * y.in * x.in * floats)
      for (Size depth = 0; depth < z.size; depth++)
         for (Size row = 0; row < y.size; row++, out += x.size * floats) {
            const Size from_depth = source(z, depth), from_row = source(y, row);
            pad_row(x, floats, from_depth < 0 || from_row < 0 ? nullptr : in + (from_depth * y.in + from_row) * x.in * floats, out);
         }
}

/// A blocked image with the zeros around it that a window reads: [blocks][extent(depth)][extent(height)][extent(width)][16].
ONNX_BRIDGE_INLINE void pad_blocked(const Window& w, Size channels, const float* in, float* out)
{
   pad_image(blocks_of(channels), 16, placement(w.depth), placement(w.height), placement(w.width), in, out);
}
