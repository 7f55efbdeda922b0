// mel.hxx: the matrix that weighs the lines of a spectrum into bins that are evenly spaced in mel.
//
// Contract: y[n / 2 + 1][bins], T any type of a number; rate, low and high are one number each. Computed in double: edge i of bins + 2 lies
//   at line floor((n + 1) * hertz / rate), a bin rises from its first edge to its second and falls to its third. Lines outside of y are left
//   out, and an edge that is no number is 0.
#pragma once
#include "double_exp.hxx"
#include "double_log.hxx"

/// The line of the spectrum that edge i lies at.
ONNX_BRIDGE_INLINE Size mel_line(Size i, Size bins, Size n, double rate, double low, double high)
{
   const double first = mul(2595.0 / 2.30258509299404568402, double_log1p(low / 700.0));
   const double last = mul(2595.0 / 2.30258509299404568402, double_log1p(high / 700.0));
   const double mel = fma(static_cast<double>(i), (last - first) / static_cast<double>(bins + 2), first);
   const double hertz = mul(700.0, double_exp(mul(mel / 2595.0, 2.30258509299404568402)) - 1.0);
   const double line = __builtin_floor(mul(static_cast<double>(n + 1), hertz) / rate);
   return line > -1e9 ? line < 1e9 ? static_cast<Size>(line) : 1000000000 : line <= -1e9 ? -1000000000 : 0;
}

template <class T, class Rate, class Hertz>
ONNX_BRIDGE_KERNEL void mel_weight_matrix(Size bins, Size n, const Rate* rate, const Hertz* low, const Hertz* high, T* y)
{
   const Size lines = n / 2 + 1;
   for (Size i = 0; i < lines * bins; i++) y[i] = T(0);
   for (Size bin = 0; bin < bins; bin++) {
      Size edge[3];
      for (Size k = 0; k < 3; k++)
         edge[k] = mel_line(bin + k, bins, n, static_cast<double>(*rate), static_cast<double>(*low), static_cast<double>(*high));
      if (edge[0] == edge[1] && edge[1] >= 0 && edge[1] < lines) y[edge[1] * bins + bin] = T(1);
      for (Size line = edge[0] > 0 ? edge[0] : 0; line < edge[1] && line < lines; line++)
         y[line * bins + bin] = static_cast<T>(static_cast<double>(line - edge[0]) / static_cast<double>(edge[1] - edge[0]));
      for (Size line = edge[1] > 0 ? edge[1] : 0; line < edge[2] && line < lines; line++)
         y[line * bins + bin] = static_cast<T>(static_cast<double>(edge[2] - line) / static_cast<double>(edge[2] - edge[1]));
      if (edge[1] > edge[0] && edge[2] <= edge[1] && edge[1] >= 0 && edge[1] < lines) y[edge[1] * bins + bin] = T(1);
   }
}
