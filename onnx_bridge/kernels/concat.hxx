// concat.hxx: tensors one after the other along their channels, in the blocked layout.
#pragma once
#include "vector.hxx"

struct ConcatPart {
   const float* from;
   Size floats;  ///< of each image
};

/// Image by image, the parts one after the other. One function for all: hundreds of copies in the network take a compiler's time.
ONNX_BRIDGE_KERNEL void concat_blocked(Size images, std::initializer_list<ConcatPart> parts, float* y)
{
   for (Size image = 0; image < images; image++)
      for (const ConcatPart& part : parts) {
         std::memcpy(y, part.from + image * part.floats, static_cast<std::size_t>(part.floats) * sizeof(float));
         y += part.floats;
      }
}
