// dequantize_blocks.hxx: a matrix of integers of 2, 4 or 8 bits, packed into bytes, as floats.
//
// Row n has K integers in blocks of `block`, each block in whole bytes, the first integer in the lowest bits; blocks share a scale [N][blocks]
// and a zero point, which are packed the same way or floats [N][blocks]; without any it is half of the integers' range.
// y[k][n] = (integer - zero point) * scale. group[k], where it is given, is the block whose scale k has; one outside is brought to the
// nearest. Contiguous; nothing overlaps; any size may be 0.
#pragma once
#include "vector.hxx"

/// The i-th of integers that are packed into bytes.
ONNX_BRIDGE_INLINE int packed_integer(const std::uint8_t* p, Size i, int bits)
{
   const Size each = 8 / bits;
   return p[i / each] >> static_cast<int>(i % each) * bits & ((1 << bits) - 1);
}
ONNX_BRIDGE_INLINE float zero_of_block(const std::uint8_t* zeros, Size n, Size blocks, Size b, int bits)
{
   return static_cast<float>(packed_integer(zeros + n * ((blocks * bits + 7) / 8), b, bits));
}
ONNX_BRIDGE_INLINE float zero_of_block(const float* zeros, Size n, Size blocks, Size b, int) { return zeros[n * blocks + b]; }

template <class Zero>
ONNX_BRIDGE_KERNEL void dequantize_blocks(Size N, Size K, Size block, int bits, const std::uint8_t* w, const float* scales, const Zero* zeros,
                                          const std::int32_t* group, float* y)
{
   const Size blocks = (K + block - 1) / block, bytes = block * bits / 8;
   for (Size n = 0; n < N; n++)
      for (Size k = 0; k < K; k++) {
         Size b = k / block;
         const int value = packed_integer(w + (n * blocks + b) * bytes, k % block, bits);
         if (group) b = group[k] < 0 ? 0 : group[k] < blocks ? group[k] : blocks - 1;
         const float zero = zeros ? zero_of_block(zeros, n, blocks, b, bits) : static_cast<float>(1 << (bits - 1));
         y[k * N + n] = mul(static_cast<float>(value) - zero, scales[n * blocks + b]);
      }
}
