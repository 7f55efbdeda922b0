// col2im.hxx: blocks of columns put back into an image, added where they overlap: the transpose of taking patches.
//
// Layout: x[images][block][count], y[images][image], where block, count and image are the products of three sizes each: elements of a
//   block, places that the block is put at, pixels. Element k of the block at place p goes to pixel p * stride + k * dilation - begin of
//   each axis; what falls outside is left out. Any size may be 0. x and y do not overlap.
// Order of summation: from +0, the elements of the block in ascending order, the last axis fastest.
#pragma once
#include "vector.hxx"

struct Col2ImAxis {
   Size image, block, count, stride, dilation, begin;
};

template <class T>
ONNX_BRIDGE_KERNEL void col2im(Size images, const Col2ImAxis& a, const Col2ImAxis& b, const Col2ImAxis& c, const T* x, T* y)
{
   const Size pixels = a.image * b.image * c.image;
   for (Size i = 0; i < images * pixels; i++) y[i] = T();
   for (; images > 0; images--, y += pixels)
      for (Size ka = 0; ka < a.block; ka++)
         for (Size kb = 0; kb < b.block; kb++)
            for (Size kc = 0; kc < c.block; kc++)
               for (Size pa = 0; pa < a.count; pa++) {
                  const Size at = pa * a.stride + ka * a.dilation - a.begin;
                  for (Size pb = 0; pb < b.count; pb++, x += c.count) {
                     const Size bt = pb * b.stride + kb * b.dilation - b.begin;
                     if (at < 0 || at >= a.image || bt < 0 || bt >= b.image) continue;
                     T* row = y + (at * b.image + bt) * c.image;
                     for (Size pc = 0; pc < c.count; pc++) {
                        const Size ct = pc * c.stride + kc * c.dilation - c.begin;
                        if (ct >= 0 && ct < c.image) row[ct] += x[pc];
                     }
                  }
               }
}
