// conv_transposed.hxx: transposed convolution (ConvTranspose, one group), blocked to blocked, one image a call.
//
// The Window is ConvTranspose's own: output o receives input i by tap k where o = i * stride - pad + k * dilation; `out` already
// holds output_padding. Along each axis the outputs p, p + stride, p + 2 * stride, ... (a phase, 0 <= p < stride) are an ordinary
// convolution of stride 1 by the taps k with k * dilation = p + pad modulo stride, in falling order of k, so that inputs rise.
// Order of summation: conv_tile.hxx's, with the taps of the phase. out overlaps nothing that is read.
// Weights: the phases of depth, within them those of height, within them those of width, one after the other; each
// [blocks_of(O)][blocks_of(C)][its depth taps][its row taps][its column taps][16 of C][16 of O]; bias [blocks_of(O)][16] or null.
#pragma once
#include "conv.hxx"

/// Phase p of an axis as the axis of an ordinary convolution.
ONNX_BRIDGE_INLINE Axis phase_axis(const Axis& a, Size p)
{
   Axis phase = {a.in, a.out > p ? (a.out - p + a.stride - 1) / a.stride : 0, 0, 1, 1, 0};
   Size last = 0;
   for (Size k = 0; k < a.kernel; k++)
      if ((p + a.pad - k * a.dilation) % a.stride == 0) {
         if (phase.kernel > 0) phase.dilation = (k - last) * a.dilation / a.stride;
         phase.kernel++;
         last = k;
      }
   if (phase.kernel > 0) phase.pad = (last * a.dilation - p - a.pad) / a.stride;
   return phase;
}

/// The zero-haloed row of inputs that serves all phases of an axis.
ONNX_BRIDGE_INLINE Placement phases_placement(const Axis& a)
{
   Size before = 0, after = a.in;
   for (Size p = 0; p < a.stride; p++) {
      const Axis phase = phase_axis(a, p);
      if (phase.kernel == 0 || phase.out == 0) continue;
      if (phase.pad > before) before = phase.pad;
      if (extent(phase) - phase.pad > after) after = extent(phase) - phase.pad;
   }
   return {a.in, before + after, before, 1};
}

/// Floats of scratch that conv_transposed() needs.
ONNX_BRIDGE_INLINE Size conv_transposed_scratch(const Window& w, Size in_channels)
{
   return blocks_of(in_channels) * phases_placement(w.depth).size * phases_placement(w.height).size * phases_placement(w.width).size * 16;
}

template <class Epilogue>
ONNX_BRIDGE_KERNEL void conv_transposed(const Window& w, Size in_channels, Size out_channels, const float* in, const float* weights,
                                        const float* bias, float* out, float* scratch, const Epilogue& epilogue)
{
   const Placement z = phases_placement(w.depth), y = phases_placement(w.height), x = phases_placement(w.width);
   const Size row = x.size * 16, depth = y.size * row, block = z.size * depth;
   pad_image(blocks_of(in_channels), 16, z, y, x, in, scratch);
   const ConvOutput whole = whole_output(w, out);
   for (Size pz = 0; pz < w.depth.stride; pz++)
      for (Size py = 0; py < w.height.stride; py++)
         for (Size px = 0; px < w.width.stride; px++) {
            const Window phase = {phase_axis(w.depth, pz), phase_axis(w.height, py), phase_axis(w.width, px)};
            ConvSum s = conv_sum(phase, in_channels, block, depth, row, whole.block);
            s.out_pixel = w.width.stride * 16;
            const Size first = pz * whole.number_depth + py * whole.number_row + px;
            const ConvOutput to = {out + first * 16,
                                   whole.block,
                                   whole.depth * w.depth.stride,
                                   whole.row * w.height.stride,
                                   s.out_pixel,
                                   first,
                                   whole.number_depth * w.depth.stride,
                                   whole.number_row * w.height.stride,
                                   w.width.stride};
            const float* from = taps(phase) == 0 ? scratch
                                                 : scratch + (z.begin - phase.depth.pad) * depth + (y.begin - phase.height.pad) * row +
                                                      (x.begin - phase.width.pad) * 16;
            conv_outputs<Const<16>>(s, from, depth, row, weights, bias, to, phase.depth.out, phase.height.out, phase.width.out, out_channels,
                                    epilogue);
            weights += blocks_of(out_channels) * s.panel;
         }
}
