// gather_blocks.hxx: slices of a tensor of integers of 2, 4 or 8 bits, packed into bytes, as floats.
//
// The integers are data[outer][n][inner], one behind the other, the first in the lowest bits of a byte. They are at the same time [..][count]
// [columns], of which `block` places along the axis of `count` share a scale, [..][blocks][columns], and a zero point, packed as the integers are,
// each row of `zero_row` in whole bytes; without any it is `zero`. y[outer][indices][inner] = (integer - zero point) * scale. An index may count
// from the end; one outside gives 0. Nothing overlaps; sizes may be 0.
#pragma once
#include "vector.hxx"

/// How the integers lie, and their scales.
struct IntegerBlocks {
   int bits;
   Size count, columns, block;
   float zero;
   Size zero_row;
};

/// The i-th of integers that are packed into bytes.
ONNX_BRIDGE_INLINE float integer_of(const std::uint8_t* p, Size i, int bits)
{
   const Size each = 8 / bits;
   return static_cast<float>(p[i / each] >> static_cast<int>(i % each) * bits & ((1 << bits) - 1));
}

template <class Index>
ONNX_BRIDGE_KERNEL void gather_blocks(Size outer, Size n, Size inner, Size indices, const IntegerBlocks& way, const std::uint8_t* data, const Index* index,
                                      const float* scales, const std::uint8_t* zeros, float* y)
{
   const Size blocks = (way.count + way.block - 1) / way.block, row_bytes = (way.zero_row * way.bits + 7) / 8;
   for (Size o = 0; o < outer; o++)
      for (Size i = 0; i < indices; i++) {
         const Size at = static_cast<Size>(index[i]) < 0 ? static_cast<Size>(index[i]) + n : static_cast<Size>(index[i]);
         const bool there = at >= 0 && at < n;
         for (Size j = 0; j < inner; j++) {
            if (!there) {
               *y++ = 0.0f;
               continue;
            }
            const Size place = (o * n + at) * inner + j, column = place % way.columns, row = place / way.columns;
            const Size scale = (row / way.count * blocks + row % way.count / way.block) * way.columns + column;
            float zero = way.zero;
            if (zeros) zero = integer_of(zeros + scale / way.zero_row * row_bytes, scale % way.zero_row, way.bits);
            *y++ = mul(integer_of(data, place, way.bits) - zero, scales[scale]);
         }
      }
}
