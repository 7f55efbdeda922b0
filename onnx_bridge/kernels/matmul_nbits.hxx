// matmul_nbits.hxx: Y = bias + X W with constant weights of 2, 4 or 8 bits, which stay packed.
//
// Layout: X[M][K], Y[M][N] without gaps. W in panels of 16 columns, [ceil(N / 16)][ceil(K / each)][16], each = 8 / Bits terms of a column in a
//   byte, the first in the lowest bits; scales [ceil(N / 16)][ceil(K / block)][16], zero points of bytes in the same order, or nullptr: half of
//   the integers' range; bias of ceil(N / 16) * 16 floats, or nullptr. block is a multiple of 4. Scratch: matmul_nbits_scratch(K) floats.
// A weight is (integer - zero point) * scale, rounded once each; then it is gemm(), to the same bits. Nothing overlaps; sizes may be 0.
// Up to few_rows rows: weights are unpacked in registers, once for all of them, and no scratch memory is touched.
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

/// So many rows are worth no unpacking into memory.
constexpr Size few_rows = 4;

/// Panels of one product whose weights are unpacked in registers.
struct PackedPanels {
   const std::uint8_t* w;
   const float* scales;
   const std::uint8_t* zeros;  ///< or nullptr
   Size along, bytes;          ///< from one panel to the next, of scales and of weights
};

/// Y of some rows and of some panels, of which `columns` columns are there.
template <int Bits, int Rows, int Count>
ONNX_BRIDGE_INLINE void multiply_packed_panels(Size K, Size block, const float* X, const PackedPanels& panels, const float* bias, Size columns,
                                               float* Y, Size ldy)
{
   constexpr Size each = 8 / Bits, terms = 256;  // of gemm()'s partial sums
   constexpr int vectors = Count * static_cast<int>(panel_columns) / lanes, of_panel = static_cast<int>(panel_columns) / lanes;
   const float magic = 8388608.f;  // 2^23: an integer in its lowest bits is the number 2^23 more
   vec total[Rows][vectors], sum[Rows][vectors];
   ONNX_BRIDGE_UNROLL
   for (int r = 0; r < Rows; r++) {
      ONNX_BRIDGE_UNROLL
      for (int v = 0; v < vectors; v++) total[r][v] = bias ? load(bias + v * lanes) : vec{};
   }
   const Size step = block < terms ? block : terms;
   for (Size first = 0; first < K; first += terms) {
      ONNX_BRIDGE_UNROLL
      for (int r = 0; r < Rows; r++) {
         ONNX_BRIDGE_UNROLL
         for (int v = 0; v < vectors; v++) sum[r][v] = vec{};
      }
      const Size last = K - first < terms ? K : first + terms;
      for (Size begin = first; begin < last; begin += step) {
         const Size end = last - begin < step ? last : begin + step;
         vec scale[vectors], zero[vectors];
         ONNX_BRIDGE_UNROLL
         for (int v = 0; v < vectors; v++) {
            const Size at = v / of_panel * panels.along + begin / block * panel_columns + v % of_panel * lanes;
            scale[v] = load(panels.scales + at);
            const std::uint8_t* const zeros = panels.zeros;
            zero[v] = splat(magic) + (zeros ? to_float(load_integers(zeros + at, All())) : splat(static_cast<float>(1 << (Bits - 1))));
         }
         const auto byte = [&](Size k, auto count) __attribute__((always_inline)) {
            ONNX_BRIDGE_UNROLL
            for (int v = 0; v < vectors; v++) {
               const Size at = v / of_panel * panels.bytes + k / each * panel_columns + v % of_panel * lanes;
               const std::uint8_t* const bytes = panels.w + at;
               const ivec packed = load_integers(bytes, All());
               ONNX_BRIDGE_UNROLL
               for (int i = 0; i < each; i++) {
                  if (i >= count) break;
                  const ivec shifted = packed >> (i * Bits), integers = i + 1 < each ? shifted & ((1 << Bits) - 1) : shifted;
                  const vec w = mul(as_float(integers | 0x4b000000) - zero[v], scale[v]);
                  ONNX_BRIDGE_UNROLL
                  for (int r = 0; r < Rows; r++) sum[r][v] = fma(splat(X[r * K + k + i]), w, sum[r][v]);
               }
            }
         };
         Size k = begin;
         for (; k + each <= end; k += each) byte(k, Const<each>());
         if (k < end) byte(k, end - k);
      }
      ONNX_BRIDGE_UNROLL
      for (int r = 0; r < Rows; r++) {
         ONNX_BRIDGE_UNROLL
         for (int v = 0; v < vectors; v++) total[r][v] = first == 0 && !bias ? sum[r][v] : total[r][v] + sum[r][v];
      }
   }
   for (int r = 0; r < Rows; r++)
      for (int v = 0; v < vectors && v * lanes < columns; v++) {
         const Size left = columns - v * lanes;
         if (left < lanes)
            store(Y + r * ldy + v * lanes, total[r][v], left);
         else
            store(Y + r * ldy + v * lanes, total[r][v]);
      }
}

/// Y of up to few_rows rows.
template <int Bits, int Rows>
ONNX_BRIDGE_INLINE void multiply_few(Size N, Size K, Size block, const float* X, const PackedPanels& panels, const float* bias, float* Y)
{
   constexpr int together = Rows == 1 ? 4 : 2;  // sums that do not wait for one another
   Size n = 0;
   const auto from = [&](Size column) {
      const Size panel = column / panel_columns;
      return PackedPanels{panels.w + panel * panels.bytes, panels.scales + panel * panels.along,
                          panels.zeros ? panels.zeros + panel * panels.along : nullptr, panels.along, panels.bytes};
   };
   for (; n + together * panel_columns <= N; n += together * panel_columns)
      multiply_packed_panels<Bits, Rows, together>(K, block, X, from(n), bias ? bias + n : nullptr, together * panel_columns, Y + n, N);
   for (; n < N; n += panel_columns)
      multiply_packed_panels<Bits, Rows, 1>(K, block, X, from(n), bias ? bias + n : nullptr, N - n < panel_columns ? N - n : panel_columns, Y + n, N);
}

template <int Bits>
ONNX_BRIDGE_KERNEL void matmul_nbits(Size M, Size N, Size K, Size block, const float* X, const std::uint8_t* w, const float* scales,
                                     const std::uint8_t* zeros, const float* bias, float* scratch, float* Y)
{
   const Size along = (K + block - 1) / block * panel_columns, bytes = (K * Bits + 7) / 8 * panel_columns;
   if (M <= few_rows) {
      const PackedPanels panels{w, scales, zeros, along, bytes};
      if (M == 1) multiply_few<Bits, 1>(N, K, block, X, panels, bias, Y);
      if (M == 2) multiply_few<Bits, 2>(N, K, block, X, panels, bias, Y);
      if (M == 3) multiply_few<Bits, 3>(N, K, block, X, panels, bias, Y);
      if (M == 4) multiply_few<Bits, 4>(N, K, block, X, panels, bias, Y);
      return;
   }
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
