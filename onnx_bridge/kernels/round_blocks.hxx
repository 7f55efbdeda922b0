// round_blocks.hxx: rows of numbers, each block of a row rounded to integers from -127 to 127 times a number of its own.
//
// Contract: x and y [rows][K], the same memory or none in common; block is a multiple of 16, the last block of a row may be shorter.
//   y = round(x * (127 / most)) * (most / 127), most being the largest magnitude of the block, halves to even; 0 where all are 0.
// It is what a product by integers of 8 bits sees of its left operand, as onnxruntime rounds it. A block with NaN or inf is NaN.
// Sizes may be 0.
#pragma once
#include "arithmetic.hxx"

ONNX_BRIDGE_KERNEL void round_blocks(Size rows, Size K, Size block, const float* x, float* y)
{
   for (Size r = 0; r < rows; r++, x += K, y += K)
      for (Size begin = 0; begin < K; begin += block) {
         const Size end = K - begin < block ? K : begin + block;
         vec most{}, wrong{};  // NaN is lost among the largest, 0 * x is not
         for (Size i = begin; i < end; i += lanes) {
            const vec v = end - i < lanes ? load(x + i, end - i) : load(x + i);
            most = larger(as_float(as_int(v) & 0x7fffffff), most);
            wrong += mul(v, vec{});
         }
         const float top = largest(most);
         const vec up = splat(top > 0.f ? 127.f / top : 0.f), down = splat(top / 127.f);
         float sum = 0.f;
         for (int i = 0; i < lanes; i++) sum += wrong[i];
         for (Size i = begin; i < end; i += lanes) {
            const Size count = end - i < lanes ? end - i : lanes;
            store(y + i, mul(round(mul(load(x + i, count), up)), down) + splat(sum), count);
         }
      }
}
