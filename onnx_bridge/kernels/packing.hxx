// packing.hxx: where a constant lies in what the kernels read, counted in floats: their layouts as functions.
//
// No kernel calls these. The kernels' tests pack by them, and tests/test_kernel_records.py holds what Python packs against them.
#pragma once
#include "gemm_tile.hxx"
#include "window.hxx"

/// Panels of 16 columns, [ceil(N / 16)][K][16]: element (k, n).
constexpr Size panels_at(Size K, Size k, Size n) { return (n / panel_columns * K + k) * panel_columns + n % panel_columns; }

/// The column of gate g of unit u, of G gates interleaved by groups of 16 units.
constexpr Size gate_column(Size G, Size g, Size u) { return (u / panel_columns * G + g) * panel_columns + u % panel_columns; }

/// R of gru() where the reset comes before the product: the panels of z and r, interleaved, then those of the candidate.
constexpr Size reset_at(Size H, Size k, Size g, Size u)
{
   return g < 2 ? panels_at(H, k, gate_column(2, g, u)) : 2 * whole_panels(H) * H + panels_at(H, k, u);
}

/// A convolution's weights, [ceil(O / 16)][ceil(C / block)][taps][block of C][16 of O]: how many they are.
constexpr Size conv_packed(Size O, Size C, Size block, Size taps) { return (O + 15) / 16 * ((C + block - 1) / block) * taps * block * 16; }

/// And where that of output channel o, input channel c and one tap lies.
constexpr Size conv_packed_at(Size C, Size block, Size taps, Size o, Size c, Size tap)
{
   return (((o / 16 * ((C + block - 1) / block) + c / block) * taps + tap) * block + c % block) * 16 + o % 16;
}
