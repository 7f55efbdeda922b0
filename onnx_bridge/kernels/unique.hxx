// unique.hxx: the different slices of a tensor, each once.
//
// Contract: x is [outer][n][inner]; a slice is all that has one place in the middle. Elements compare as in sort.hxx: -0 equals +0, NaN
// equals NaN and is larger than every number; of two slices the first elements that differ decide, outer before inner. y is
// [outer][count][inner], in order where `sorted`, else as slices come first; of equal ones it has the first. indices[count] are the places
// of those in x, inverse[n] the places in y of all slices of x, counts[count] how many are equal; each of the three may be null. y,
// indices and counts have room for n. Nothing overlaps, outer or inner may be 0. T as in sort.hxx, or bool, or text, which orders by its bytes.
// Scratch, aligned to 8: unique_scratch(n) floats.
#pragma once
#include "bytes.hxx"
#include "sort.hxx"

/// Floats of scratch that unique() needs: three lists of places.
constexpr Size unique_scratch(Size n) { return 3 * n * static_cast<Size>(sizeof(Size)) / 4; }

/// Text is its own key.
ONNX_BRIDGE_INLINE std::string_view order_key(std::string_view x) { return x; }

/// Whether slice a is less than slice b (-1), equal to it (0), or larger (1).
template <class T>
ONNX_BRIDGE_KERNEL int compare_slices(Size outer, Size n, Size inner, const T* x, Size a, Size b)
{
   for (Size o = 0; o < outer; o++)
      for (Size i = 0; i < inner; i++) {
         const auto left = order_key(x[(o * n + a) * inner + i]), right = order_key(x[(o * n + b) * inner + i]);
         if (left != right) return left < right ? -1 : 1;
      }
   return 0;
}

/// Sorts the places of n slices, equal ones as they come; `other` is room for as many. Returns where the sorted ones are: one of the two.
template <class T>
ONNX_BRIDGE_KERNEL Size* sort_slices(Size outer, Size n, Size inner, const T* x, Size* places, Size* other)
{
   for (Size i = 0; i < n; i++) places[i] = i;
   for (Size width = 1; width < n; width *= 2) {
      for (Size begin = 0; begin < n; begin += 2 * width) {
         const Size middle = begin + width < n ? begin + width : n, end = middle + width < n ? middle + width : n;
         Size left = begin, right = middle;
         for (Size i = begin; i < end; i++) {
            const bool first = left < middle && (right == end || compare_slices(outer, n, inner, x, places[left], places[right]) <= 0);
            other[i] = first ? places[left++] : places[right++];
         }
      }
      Size* const sorted = other;
      other = places;
      places = sorted;
   }
   return places;
}

/// Returns the number of different slices.
template <class T>
ONNX_BRIDGE_KERNEL Size unique(Size outer, Size n, Size inner, bool sorted, const T* x, T* y, std::int64_t* indices, std::int64_t* inverse,
                               std::int64_t* counts, void* scratch)
{
   Size* const room = static_cast<Size*>(scratch);
   Size* const order = sort_slices(outer, n, inner, x, room, room + n);
   Size* const first = order == room ? room + n : room;  // of each slice, the first one that is equal to it
   Size* const number = room + 2 * n;  // of those first ones, the place in y
   Size count = 0;
   for (Size i = 0; i < n; i++) {
      const bool same = i > 0 && compare_slices(outer, n, inner, x, order[i - 1], order[i]) == 0;
      first[order[i]] = same ? first[order[i - 1]] : order[i];
      if (!same) number[order[i]] = count++;
   }
   for (Size i = 0, next = 0; i < n && !sorted; i++)
      if (first[i] == i) number[i] = next++;
   for (Size i = 0; i < n; i++) {
      const Size place = number[first[i]];
      if (inverse) inverse[i] = place;
      if (first[i] == i) {
         for (Size o = 0; o < outer; o++) copy_run(y + (o * count + place) * inner, x + (o * n + i) * inner, inner);
         if (indices) indices[place] = i;
         if (counts) counts[place] = 0;
      }
      if (counts) counts[place]++;
   }
   return count;
}
