// text_features.hxx: OneHotEncoder and ArrayFeatureExtractor of strings.
//
// Contract: as encode_categories of features.hxx and gather() of gather.hxx; categories are a TextTable, compared byte by byte.
#pragma once
#include "text.hxx"

ONNX_BRIDGE_KERNEL bool encode_texts(Size n, const TextTable& categories, const std::string_view* x, float* y)
{
   bool all = true;
   for (Size i = 0; i < n; i++) {
      bool any = false;
      for (Size j = 0; j < categories.count; j++) {
         const bool same = x[i] == categories.at(j);
         y[i * categories.count + j] = same ? 1.f : 0.f;
         any = any || same;
      }
      all = all && any;
   }
   return all;
}

/// y[outer][count] = x[outer][size] at the places; one outside names the nearest.
ONNX_BRIDGE_KERNEL void gather_texts(Size outer, Size size, Size count, const std::string_view* x, const std::int64_t* places, std::string_view* y)
{
   for (Size o = 0; o < outer && size > 0; o++)
      for (Size i = 0; i < count; i++) {
         const std::int64_t place = places[i] < 0 ? places[i] + size : places[i];
         y[o * count + i] = x[o * size + static_cast<Size>(place < 0 ? 0 : place >= size ? size - 1 : place)];
      }
}
