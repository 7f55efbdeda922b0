// window.hxx: which input positions an output position of a convolution or a pooling reads.
//
// Positions are counted from zero along each axis. Sizes may be 0; a kernel of 0 taps reads nothing.
#pragma once
#include "vector.hxx"

/// One axis: output position o reads the inputs o * stride - pad + k * dilation, 0 <= k < kernel. A negative pad crops.
/// Only an average that counts padding reads pad_end.
struct Axis {
   Size in, out, kernel, stride, dilation, pad;
   Size pad_end = 0;
};

/// Depth, height, width. A 2-D window has the depth {1, 1, 1, 1, 1, 0}, a 1-D one the height too.
struct Window {
   Axis depth, height, width;
};

/// A half-open interval.
struct Range {
   Size begin, end;
};

ONNX_BRIDGE_INLINE Size blocks_of(Size channels) { return (channels + 15) / 16; }
ONNX_BRIDGE_INLINE Size inputs(const Window& w) { return w.depth.in * w.height.in * w.width.in; }
ONNX_BRIDGE_INLINE Size outputs(const Window& w) { return w.depth.out * w.height.out * w.width.out; }
ONNX_BRIDGE_INLINE Size taps(const Window& w) { return w.depth.kernel * w.height.kernel * w.width.kernel; }

/// How many positions, from the first padding one on, the outputs read.
ONNX_BRIDGE_INLINE Size extent(const Axis& a)
{
   return a.out <= 0 || a.kernel <= 0 ? 0 : (a.out - 1) * a.stride + (a.kernel - 1) * a.dilation + 1;
}

/// Whether every position that the outputs read exists.
ONNX_BRIDGE_INLINE bool unpadded(const Axis& a) { return a.pad <= 0 && extent(a) - a.pad <= a.in; }
ONNX_BRIDGE_INLINE bool unpadded(const Window& w) { return unpadded(w.depth) && unpadded(w.height) && unpadded(w.width); }

/// x / by, rounded up where x is positive; most strides and dilations are 1, and a division takes as long as 30 sums.
ONNX_BRIDGE_INLINE Size divide_up(Size x, Size by) { return by == 1 ? x : (x + by - 1) / by; }

/// The taps of one output that lie inside the input.
ONNX_BRIDGE_INLINE Range taps_inside(const Axis& a, Size output)
{
   const Size first = output * a.stride - a.pad;
   const Size begin = first >= 0 ? 0 : divide_up(-first, a.dilation);
   const Size room = a.in - first;  // positions from the first tap to the end of the input
   Size end = room <= 0 ? 0 : divide_up(room, a.dilation);
   if (end > a.kernel) end = a.kernel;
   return {begin < end ? begin : end, end};
}

/// The outputs of which every tap lies inside the input.
ONNX_BRIDGE_INLINE Range outputs_inside(const Axis& a)
{
   Size begin = a.pad <= 0 ? 0 : divide_up(a.pad, a.stride);
   const Size room = a.in + a.pad - (a.kernel - 1) * a.dilation;  // first taps that are followed by a whole window
   Size end = room <= 0 ? 0 : divide_up(room, a.stride);
   if (end > a.out) end = a.out;
   if (begin > end) begin = end;
   return {begin, end};
}
