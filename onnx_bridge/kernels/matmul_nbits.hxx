// matmul_nbits.hxx: Y = bias + X W with constant weights of 2, 4 or 8 bits, which stay packed.
//
// Layout: X[M][K], Y[M][N] without gaps. W in panels of 16 columns, [ceil(N / 16)][ceil(K / each)][16], each = 8 / Bits terms of a column in a
//   byte, the first in the lowest bits; scales [ceil(N / 16)][ceil(K / block)][16], zero points of bytes in the same order, or nullptr: half of
//   the integers' range; bias of ceil(N / 16) * 16 floats, or nullptr. block is a multiple of 4. Scratch: matmul_nbits_scratch(K) floats.
// A weight is (integer - zero point) * scale, rounded once each; then it is gemm(), to the same bits. Nothing overlaps; sizes may be 0.
#pragma once
#include "epilogue.hxx"
#include "gemm.hxx"
#include "narrow.hxx"

/// Columns that are unpacked at a time.
constexpr Size unpacked_columns = 64;

constexpr Size matmul_nbits_scratch(Size K) { return K * unpacked_columns; }

/// One panel as gemm() reads it.
template <int Bits>
ONNX_BRIDGE_INLINE void unpack_panel(Size K, Size block, const std::uint8_t* w, const float* scales, const std::uint8_t* zeros, float* to)
{
   constexpr Size each = 8 / Bits;
   for (Size begin = 0; begin < K; begin += block, scales += panel_columns, zeros += zeros ? panel_columns : 0) {
      const Size end = K - begin < block ? K : begin + block;
      for (Size c = 0; c < panel_columns; c += lanes) {
         const vec scale = load(scales + c), zero = zeros ? to_float(load_integers(zeros + c, All())) : splat(static_cast<float>(1 << (Bits - 1)));
         for (Size k = begin; k < end; k += each) {
            const ivec bytes = load_integers(w + k / each * panel_columns + c, All());
            for (int i = 0; i < each && k + i < end; i++) {
               const ivec integers = bytes >> (i * Bits) & ((1 << Bits) - 1);
               store(to + (k + i) * panel_columns + c, mul(to_float(integers) - zero, scale));
            }
         }
      }
   }
}

template <int Bits>
ONNX_BRIDGE_KERNEL void matmul_nbits(Size M, Size N, Size K, Size block, const float* X, const std::uint8_t* w, const float* scales,
                                     const std::uint8_t* zeros, const float* bias, float* scratch, float* Y)
{
   const Size along = (K + block - 1) / block * panel_columns, bytes = (K * Bits + 7) / 8 * panel_columns;
   for (Size n = 0; n < N; n += unpacked_columns) {
      const Size count = N - n < unpacked_columns ? N - n : unpacked_columns;
      for (Size p = 0; p * panel_columns < count; p++) {
         const Size panel = n / panel_columns + p;
         unpack_panel<Bits>(K, block, w + panel * bytes, scales + panel * along, zeros ? zeros + panel * along : nullptr,
                            scratch + p * K * panel_columns);
      }
      gemm(M, count, K, X, K, scratch, bias ? bias + n : nullptr, Y + n, N, Keep());
   }
}
