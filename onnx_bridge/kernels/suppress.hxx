// suppress.hxx: of boxes that overlap, those of the best scores (non-maximum suppression).
//
// Contract: boxes are [batch][n][4]: two opposite corners y, x, y, x, or where `centered` the middle x, y, then width and height. scores are
// [batch][classes][n], n < 2^32. Of each class the boxes are looked at by score, the best first, of equal ones the first; a box is chosen
// unless its overlap with one that is chosen, area of both over area of either, is above *overlap (0 where that is null), until there are
// `most`. Scores that are not above *least are left out, if that is not null. out[count][3] = batch, class and box of those chosen, in this order; it
// has room for batch * classes * min(most, n). Returns count. Boxes without an area overlap with nothing. Arithmetic in float, as written.
// Scratch, aligned to 8: suppress_scratch(n) floats.
#pragma once
#include "sort.hxx"

/// Floats of scratch that suppress() needs: twice as many items as there are boxes.
constexpr Size suppress_scratch(Size n) { return 4 * n; }

/// A side of a box: from low to high.
struct Side {
   float low, high;
};

/// The sides of a box along x (0) or y (1).
ONNX_BRIDGE_INLINE Side side_of(const float* box, bool centered, int axis)
{
   if (centered) {
      const float half = box[2 + axis] / 2.0f;
      return {box[axis] - half, box[axis] + half};
   }
   const float a = box[1 - axis], b = box[3 - axis];
   return a < b ? Side{a, b} : Side{b, a};
}

/// Whether the overlap of two boxes is above a limit.
ONNX_BRIDGE_KERNEL bool overlaps(const float* a, const float* b, bool centered, float limit)
{
   float both = 1.0f, area[2] = {1.0f, 1.0f};
   for (int axis = 0; axis < 2; axis++) {
      const Side one = side_of(a, centered, axis), other = side_of(b, centered, axis);
      const float low = one.low > other.low ? one.low : other.low, high = one.high < other.high ? one.high : other.high;
      if (!(high > low)) return false;
      both = axis ? mul(both, high - low) : high - low;
      area[0] = axis ? mul(area[0], one.high - one.low) : one.high - one.low;
      area[1] = axis ? mul(area[1], other.high - other.low) : other.high - other.low;
   }
   const float either = area[0] + area[1] - both;
   if (!(both > 0.0f) || !(area[0] > 0.0f) || !(area[1] > 0.0f) || !(either > 0.0f)) return false;
   return both / either > limit;
}

ONNX_BRIDGE_KERNEL Size suppress(Size batch, Size classes, Size n, bool centered, std::int64_t most, const float* boxes, const float* scores,
                                 const float* overlap, const float* least, std::int64_t* out, void* scratch)
{
   std::uint64_t* const items = static_cast<std::uint64_t*>(scratch);
   Size count = 0;
   for (Size b = 0; b < batch; b++)
      for (Size c = 0; c < classes; c++) {
         const float* const score = scores + (b * classes + c) * n;
         Size candidates = 0;
         for (Size i = 0; i < n; i++)
            if (!least || score[i] > *least) items[candidates++] = ranked(order_key(score[i]), i);
         const std::uint64_t* const sorted = candidates ? sort_items(candidates, items, items + n) : items;
         const Size begin = count;
         for (Size i = 0; i < candidates && count - begin < most; i++) {
            const Size box = place_of(sorted[i]);
            bool chosen = true;
            for (Size k = begin; k < count && chosen; k++)
               chosen = !overlaps(boxes + (b * n + box) * 4, boxes + (b * n + out[k * 3 + 2]) * 4, centered, overlap ? *overlap : 0.0f);
            if (!chosen) continue;
            out[count * 3] = b, out[count * 3 + 1] = c, out[count * 3 + 2] = box;
            count++;
         }
      }
   return count;
}
