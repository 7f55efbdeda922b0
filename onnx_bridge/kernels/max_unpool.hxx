// max_unpool.hxx: values put back to where a pooling found them.
//
// Contract: x[count] and indices[count], y[size]; T any type of 1, 2, 4 or 8 bytes, moved as bits. y is zero but at indices[i], where it
//   is x[i]; of equal indices the last counts, and one outside of 0 .. size - 1 is dropped. x and y do not overlap. Sizes may be 0.
#pragma once
#include "bytes.hxx"

template <class T>
ONNX_BRIDGE_KERNEL void max_unpool(Size count, Size size, const T* x, const std::int64_t* indices, T* y)
{
   fill(y, size, T());
   for (Size i = 0; i < count; i++) {
      const Size at = static_cast<Size>(indices[i]);
      if (at >= 0 && at < size) copy_one(y + at, x + i);
   }
}
