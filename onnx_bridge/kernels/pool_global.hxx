// pool_global.hxx: the average and the maximum of all pixels of each channel.
//
// Blocked average: one chain over the pixels for each channel in blocks of 256, block sums added in order; planar average: the 32
// lanes of sum_in_lanes(). Both then divide by the number of pixels. Maximum: NaN as in pool.hxx, the order that of the average
// (planar: the last 32 elements are taken once more where 32 do not divide the pixels). No pixels: 0 / 0, -inf. Any alignment.
#pragma once
#include "pool.hxx"

/// Blocked to [blocks_of(channels)][16]: planar and blocked at once. The epilogue's row is 0, its column the channel.
template <class Way, class Epilogue>
ONNX_BRIDGE_KERNEL void pool_global_blocked(Size channels, Size pixels, Way way, const float* in, float* out, const Epilogue& epilogue)
{
   const Size padded = blocks_of(channels) * 16;
   // Four vectors of channels side by side hide the latency of the chains.
   for (Size channel = 0; channel < padded; channel += 4 * lanes) {
      const int count = static_cast<int>(padded - channel < 4 * lanes ? (padded - channel) / lanes : 4);
      const float* from[4];
      vec total[4];
      ONNX_BRIDGE_UNROLL
      for (int j = 0; j < 4; j++) {
         const Size c = channel + (j < count ? j : 0) * lanes;
         from[j] = in + c / 16 * pixels * 16 + c % 16;
      }
      for (Size begin = 0; begin == 0 || begin < pixels; begin += 256) {
         const Size end = pixels - begin < 256 ? pixels : begin + 256;
         vec chain[4];
         ONNX_BRIDGE_UNROLL
         for (int j = 0; j < 4; j++) chain[j] = splat(way.start());
         for (Size i = begin; i < end; i++) {
            ONNX_BRIDGE_UNROLL
            for (int j = 0; j < 4; j++) chain[j] = way.take(chain[j], load(from[j] + i * 16));
         }
         ONNX_BRIDGE_UNROLL
         for (int j = 0; j < 4; j++) total[j] = begin == 0 ? chain[j] : way.join(total[j], chain[j]);
      }
      for (int j = 0; j < count; j++) {
         store(out + channel + j * lanes, way.finish(total[j], static_cast<float>(pixels)));
         finish_pixels(out + channel + j * lanes, 16, 1, 0, 1, channel + j * lanes, channels, epilogue);
      }
   }
}

/// Planar: the average of each of `planes` runs of `pixels` elements.
ONNX_BRIDGE_KERNEL void global_average_planar(Size planes, Size pixels, const float* in, float* out)
{
   for (Size plane = 0; plane < planes; plane++, in += pixels) {
      const float* p = in;
      out[plane] = sum_in_lanes(pixels, [p](vec sum, Size i, auto count) __attribute__((always_inline)) { return sum + load(p + i, count); }) /
                   static_cast<float>(pixels);
   }
}

/// Planar: the maximum of each of `planes` runs of `pixels` elements.
ONNX_BRIDGE_KERNEL void global_max_planar(Size planes, Size pixels, const float* in, float* out)
{
   const float least = -infinity<float>();
   for (Size plane = 0; plane < planes; plane++, in += pixels) {
      float best = least;
      if (pixels < 32) {
         for (Size i = 0; i < pixels; i++) best = larger(best, in[i]);
      } else {
         constexpr int width = 32 / lanes;
         vec most[width];
         for (int j = 0; j < width; j++) most[j] = splat(least);
         for (Size i = 0; i < pixels; i += 32) {
            const float* p = in + (i + 32 <= pixels ? i : pixels - 32);
            ONNX_BRIDGE_UNROLL
            for (int j = 0; j < width; j++) most[j] = larger(most[j], load(p + j * lanes));
         }
         for (int half = width / 2; half >= 1; half /= 2)
            for (int j = 0; j < half; j++) most[j] = larger(most[j], most[j + half]);
         best = largest(most[0]);
      }
      out[plane] = best;
   }
}
