// sort.hxx: the k largest or smallest along an axis, in order, with their places.
//
// Contract: x is [outer][n][inner], values and indices are [outer][k][inner], 0 <= k <= n < 2^32, nothing overlaps. The result is always in
// order, best first; of equal values the one of the lower index comes first. -0 equals +0 and keeps its sign; a NaN is larger than
// every number, whatever its sign bit, and NaNs are equal. T is float, double or an integer of at most 8 bytes.
// Scratch, aligned to 8: topk_scratch(n, k, sizeof(T)) floats.
#pragma once
#include "vector.hxx"

/// A number that orders as x does, larger for larger.
template <class T>
ONNX_BRIDGE_INLINE auto order_key(T x)
{
   typedef typename std::conditional<sizeof(T) == 8, std::uint64_t, std::uint32_t>::type Key;
   constexpr Key sign = Key(1) << (8 * sizeof(Key) - 1);
   if constexpr (std::is_integral<T>::value) {
      return std::is_signed<T>::value ? static_cast<Key>(static_cast<Key>(x) ^ sign) : static_cast<Key>(x);
   } else {
      constexpr Key infinity = sizeof(T) == 8 ? static_cast<Key>(0x7ff0000000000000) : static_cast<Key>(0x7f800000);
      Key bits;
      std::memcpy(&bits, &x, sizeof(T));
      const Key size = bits & ~sign;
      if (size > infinity) return static_cast<Key>(~Key(0));
      return static_cast<Key>(bits == size ? size | sign : size == 0 ? sign : ~bits);
   }
}

/// A key and its place: `before` puts larger keys first, then lower places.
struct LongRanked {
   std::uint64_t key, place;
};
ONNX_BRIDGE_INLINE bool before(std::uint64_t a, std::uint64_t b) { return a > b; }
ONNX_BRIDGE_INLINE bool before(const LongRanked& a, const LongRanked& b) { return a.key > b.key || (a.key == b.key && a.place < b.place); }
ONNX_BRIDGE_INLINE std::uint64_t ranked(std::uint32_t key, Size place)
{
   return static_cast<std::uint64_t>(key) << 32 | (0xffffffffu - static_cast<std::uint64_t>(place));
}
ONNX_BRIDGE_INLINE LongRanked ranked(std::uint64_t key, Size place) { return {key, static_cast<std::uint64_t>(place)}; }
ONNX_BRIDGE_INLINE Size place_of(std::uint64_t item) { return static_cast<Size>(0xffffffffu - (item & 0xffffffffu)); }
ONNX_BRIDGE_INLINE Size place_of(const LongRanked& item) { return static_cast<Size>(item.place); }

/// Sorts n items, with as many more as scratch; returns where the sorted ones are: one of the two.
template <class Item>
ONNX_BRIDGE_KERNEL Item* sort_items(Size n, Item* items, Item* other)
{
   constexpr Size block = 12;
   for (Size begin = 0; begin < n; begin += block) {
      const Size end = begin + block < n ? begin + block : n;
      for (Size i = begin + 1; i < end; i++) {
         const Item item = items[i];
         Size place = i;
         for (; place > begin && before(item, items[place - 1]); place--) items[place] = items[place - 1];
         items[place] = item;
      }
   }
   for (Size width = block; width < n; width *= 2) {
      for (Size begin = 0; begin < n; begin += 2 * width) {
         const Size middle = begin + width < n ? begin + width : n, end = middle + width < n ? middle + width : n;
         Size left = begin, right = middle, i = begin;
         while (left < middle && right < end) {
            const bool second = before(items[right], items[left]);
            other[i++] = items[second ? right : left];
            right += second;
            left += !second;
         }
         while (left < middle) other[i++] = items[left++];
         while (right < end) other[i++] = items[right++];
      }
      Item* const sorted = other;
      other = items;
      items = sorted;
   }
   return items;
}

/// The same for many items of a 32-bit key that stand in the order of their places: by the key's bytes, the lowest first.
ONNX_BRIDGE_KERNEL std::uint64_t* sort_by_bytes(Size n, std::uint64_t* items, std::uint64_t* other)
{
   std::uint32_t counts[4][256] = {};
   for (Size i = 0; i < n; i++)
      for (int byte = 0; byte < 4; byte++) counts[byte][~(items[i] >> (32 + 8 * byte)) & 255]++;
   for (int byte = 0; byte < 4; byte++) {
      std::uint32_t(&next)[256] = counts[byte];
      const int shift = 32 + 8 * byte;
      if (static_cast<Size>(next[~(items[0] >> shift) & 255]) == n) continue;  // all have the same
      std::uint32_t begin = 0;
      for (std::uint32_t& place : next) {
         const std::uint32_t count = place;
         place = begin;
         begin += count;
      }
      for (Size i = 0; i < n; i++) other[next[~(items[i] >> shift) & 255]++] = items[i];
      std::uint64_t* const sorted = other;
      other = items;
      items = sorted;
   }
   return items;
}

/// Puts an item into a heap whose root comes last in order, from `hole` downwards.
template <class Item>
ONNX_BRIDGE_INLINE void sink(Size n, Item* heap, Size hole, Item item)
{
   for (Size child; (child = 2 * hole + 1) < n; hole = child) {
      if (child + 1 < n && before(heap[child], heap[child + 1])) child++;
      if (!before(item, heap[child])) break;
      heap[hole] = heap[child];
   }
   heap[hole] = item;
}

/// Whether any of 64 elements, `inner` apart, may come before `last` in order.
template <class T>
ONNX_BRIDGE_INLINE bool any_before(const T* x, Size inner, T last, bool high)
{
   if constexpr (std::is_same<T, float>::value) {
      if (inner == 1) {
         ivec found = {};
         for (int i = 0; i < 64; i += lanes) found |= high ? ~(load(x + i) <= last) : ~(load(x + i) >= last);
         return largest(to_float(found & 1)) > 0;
      }
   }
   bool found = false;
   for (Size i = 0; i < 64; i++) found |= high ? !(x[i * inner] <= last) : !(x[i * inner] >= last);
   return found;
}

/// Floats of scratch that topk() needs: an item is a key with a place.
constexpr Size topk_scratch(Size n, Size k, Size element_bytes) { return (2 * n < 16 * k ? 2 * n : 16 * k) * (element_bytes == 8 ? 4 : 2); }

/// The k largest where `high`, else the k smallest.
template <class T>
ONNX_BRIDGE_KERNEL void topk(Size outer, Size n, Size inner, Size k, bool high, const T* x, T* values, std::int64_t* indices, void* scratch)
{
   typedef decltype(order_key(T())) Key;
   typedef decltype(ranked(Key(), 0)) Item;
   if (k <= 0) return;
   const Key flip = high ? Key(0) : static_cast<Key>(~Key(0));
   Item* const items = static_cast<Item*>(scratch);
   const Size kept = k <= n / 8 ? k : n;
   for (Size o = 0; o < outer; o++, x += n * inner)
      for (Size i = 0; i < inner; i++) {
         const T* const from = x + i;
         for (Size j = 0; j < kept; j++) items[j] = ranked(static_cast<Key>(order_key(from[j * inner]) ^ flip), j);
         if (kept < n) {
            for (Size j = kept / 2; j-- > 0;) sink(kept, items, j, items[j]);
            for (Size begin = kept, end; begin < n; begin = end) {
               end = begin + 64 <= n ? begin + 64 : n;
               if (end - begin == 64 && !any_before(from + begin * inner, inner, from[place_of(items[0]) * inner], high)) continue;
               for (Size j = begin; j < end; j++) {
                  const Item item = ranked(static_cast<Key>(order_key(from[j * inner]) ^ flip), j);
                  if (before(item, items[0])) sink(kept, items, 0, item);
               }
            }
         }
         const Item* sorted;
         if constexpr (sizeof(T) <= 4)
            sorted = kept == n && n >= 200 ? sort_by_bytes(n, items, items + n) : sort_items(kept, items, items + kept);
         else
            sorted = sort_items(kept, items, items + kept);
         for (Size j = 0; j < k; j++) {
            const Size place = place_of(sorted[j]), to = (o * k + j) * inner + i;
            values[to] = from[place * inner];
            indices[to] = place;
         }
      }
}
