// conv_grouped.hxx: convolution in any number of groups, blocked to blocked, one image a call.
//
// Order of summation: conv.hxx's, over the channels of the group; groups of one input channel: conv_depthwise.hxx's. Which of four
// ways is taken depends on the layer's constants; they sum alike. No group sees another's infinities or NaNs. out overlaps nothing
// that is read. c, o: channels of one group. Weights, padded with zeros: where c is 1, or interleaves(c, o), conv_interleaved.hxx's;
// else for each group [blocks_of(o)][blocks_of(c)][kd][kh][kw][16 of c][16 of o]. bias [blocks_of(O)][16] or null.
#pragma once
#include "conv_depthwise.hxx"
#include "conv_interleaved.hxx"

/// Floats of scratch that conv_grouped() needs.
ONNX_BRIDGE_INLINE Size conv_grouped_scratch(const Window& w, Size groups, Size in_channels, Size out_channels)
{
   const Size c = in_channels / groups, o = out_channels / groups;
   if (interleaves(c, o)) return conv_scratch(w, in_channels);
   return (blocks_of(c) * inputs(w) + blocks_of(o) * outputs(w)) * 16 + conv_scratch(w, c);
}

/// An epilogue for channels counted from `first` on.
template <class Epilogue>
struct FromChannel {
   const Epilogue& epilogue;
   Size first;
   template <class Count>
   __attribute__((always_inline)) vec operator()(vec value, Size row, Size column, Count count) const
   {
      return epilogue(value, row, first + column, count);
   }
};

/// Copies one channel of a blocked image to another's place.
ONNX_BRIDGE_INLINE void copy_channel(Size pixels, const float* in, Size from, float* out, Size to)
{
   in += from / 16 * pixels * 16 + from % 16;
   out += to / 16 * pixels * 16 + to % 16;
   for (Size i = 0; i < pixels; i++) out[i * 16] = in[i * 16];
}

/// Stride: Const<1>, Const<2> or, for any, Size; what the window says along the width.
template <class Stride, class Epilogue>
ONNX_BRIDGE_KERNEL void conv_grouped(const Window& w, Size groups, Size in_channels, Size out_channels, const float* in, const float* weights,
                                     const float* bias, float* out, float* scratch, const Epilogue& epilogue)
{
   const Size c = in_channels / groups, o = out_channels / groups, from = inputs(w), to = outputs(w);
   const auto at = [](const float* p, Size i) __attribute__((always_inline)) { return p == nullptr ? nullptr : p + i; };
   if (interleaves(c, o)) {
      conv_interleaved(w, groups, in_channels, out_channels, in, weights, bias, out, scratch, epilogue);
      return;
   }
   if (c == 1) {
      for (Size first = 0; first < out_channels; first += 16) {
         const Size valid = out_channels - first < 16 ? out_channels - first : 16;
         std::memset(scratch, 0, sizeof(float) * static_cast<std::size_t>(from * 16));
         for (Size i = 0; i < valid; i++) copy_channel(from, in, (first + i) / o, scratch, i);
         conv_depthwise<Size, Size>(w, valid, scratch, weights + first * taps(w), at(bias, first), out + first * to,
                                    FromChannel<Epilogue>{epilogue, first});
      }
      return;
   }
   const Size group_weights = blocks_of(o) * blocks_of(c) * taps(w) * 256;
   if (c % 16 == 0 && o % 16 == 0) {
      for (Size group = 0; group < groups; group++)
         conv<Stride>(w, c, o, in + group * c * from, weights + group * group_weights, at(bias, group * o), out + group * o * to, scratch,
                      FromChannel<Epilogue>{epilogue, group * o});
      return;
   }
   // Group by group through images of its own; a group's bias need not lie in blocks, so it is added on the way back.
   float *own_in = scratch, *own_out = own_in + blocks_of(c) * from * 16, *rest = own_out + blocks_of(o) * to * 16;
   std::memset(own_in, 0, sizeof(float) * static_cast<std::size_t>(blocks_of(c) * from * 16));
   for (Size group = 0; group < groups; group++) {
      for (Size i = 0; i < c; i++) copy_channel(from, in, group * c + i, own_in, i);
      conv<Stride>(w, c, o, own_in, weights + group * group_weights, nullptr, own_out, rest, Keep());
      for (Size i = 0; i < o; i++) copy_channel(to, own_out, i, out, group * o + i);
   }
   for (Size channel = 0; channel < blocks_of(out_channels) * 16; channel += lanes) {
      float* plane = out + channel / 16 * to * 16 + channel % 16;
      if (bias != nullptr)
         for (Size i = 0; i < to; i++) store(plane + i * 16, load(plane + i * 16) + load(bias + channel));
      finish_pixels(plane, 16, to, 0, 1, channel, out_channels, epilogue);
   }
}
