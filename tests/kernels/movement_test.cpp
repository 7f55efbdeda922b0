// kernels: copy.hxx gather.hxx scatter.hxx sort.hxx order.hxx pad.hxx unique.hxx suppress.hxx
//
// Every kernel that moves elements against index arithmetic one element at a time, bit for bit, on each instruction set, on random
// shapes, strides and types. Buffers are exactly as large as what may be touched, so that a sanitizer sees a step too far.
// This file includes itself once for each instruction set; what is asked and the right answer to it (the struct ...Case) stand once.
#if !defined(MOVEMENT_REGION)
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <limits>
#include <string>
#include <utility>
#include <vector>

typedef std::ptrdiff_t Size;
typedef std::vector<Size> Sizes;

static int failures = 0;
static const char* region = "";

static void expect(bool right, const char* what, const std::string& how = "")
{
   if (right || ++failures > 20) return;
   std::printf("FAILED %s: %s %s\n", region, what, how.c_str());
}

static std::uint64_t state = 1;
static std::uint64_t random_bits()
{
   state ^= state << 13;
   state ^= state >> 7;
   state ^= state << 17;
   return state * 0x2545f4914f6cdd1du;
}
/// From low to high, both included.
static Size random_size(Size low, Size high) { return low + static_cast<Size>(random_bits() >> 20) % (high - low + 1); }

template <class T>
static T random_value()
{
   const std::uint64_t bits = random_bits() >> 8;
   T value;
   std::memcpy(&value, &bits, sizeof(T));
   return value;
}
template <class T>
static std::vector<T> random_values(Size n)
{
   std::vector<T> values(static_cast<std::size_t>(n));
   for (T& value : values) value = random_value<T>();
   return values;
}
/// Few different values, with -0, NaN and infinities among floats.
template <class T>
static std::vector<T> crowded_values(Size n)
{
   std::vector<T> values(static_cast<std::size_t>(n));
   for (T& value : values) {
      value = static_cast<T>(static_cast<T>(random_size(0, 20)) - static_cast<T>(10));
      if (std::is_floating_point<T>::value && random_size(0, 9) == 0) {
         const T odd[] = {T(-0.0), std::numeric_limits<T>::quiet_NaN(), -std::numeric_limits<T>::quiet_NaN(), std::numeric_limits<T>::infinity(),
                          -std::numeric_limits<T>::infinity(), std::numeric_limits<T>::denorm_min()};
         value = odd[random_size(0, 5)];
      }
   }
   return values;
}
template <class T>
static bool same(const std::vector<T>& a, const std::vector<T>& b)
{
   return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}
/// The bits of a NaN that was computed are the processor's own.
template <class T>
static std::vector<T> with_plain_nans(std::vector<T> values)
{
   for (T& value : values)
      if (value != value) value = std::numeric_limits<T>::quiet_NaN();
   return values;
}
static Size product(const Sizes& sizes)
{
   Size n = 1;
   for (Size size : sizes) n *= size;
   return n;
}
static Sizes dense_strides(const Sizes& sizes)
{
   Sizes strides(sizes.size());
   Size step = 1;
   for (std::size_t a = sizes.size(); a-- > 0; step *= sizes[a]) strides[a] = step;
   return strides;
}
/// The index of the i-th element of a dense tensor.
static Sizes index_of(Size i, const Sizes& sizes)
{
   Sizes index(sizes.size());
   for (std::size_t a = sizes.size(); a-- > 0; i /= sizes[a]) index[a] = i % sizes[a];
   return index;
}
static Size place_of(const Sizes& index, const Sizes& strides)
{
   Size place = 0;
   for (std::size_t a = 0; a < index.size(); a++) place += index[a] * strides[a];
   return place;
}
static std::string text(const Sizes& sizes)
{
   std::string out = "[";
   for (Size size : sizes) out += std::to_string(size) + " ";
   return out + "]";
}

/// Strides of axes laid out in random order, with gaps and directions; `begin` is where index 0 lies, `room` how much is spanned.
struct Layout {
   Sizes strides;
   Size begin = 0, room = 1;

   Layout(const Sizes& sizes, bool may_broadcast, bool may_gap) : strides(sizes.size())
   {
      Sizes order(sizes.size());
      for (std::size_t a = 0; a < order.size(); a++) order[a] = static_cast<Size>(a);
      if (random_size(0, 2) != 0)
         for (std::size_t a = order.size(); a > 1; a--) std::swap(order[a - 1], order[static_cast<std::size_t>(random_size(0, static_cast<Size>(a) - 1))]);
      Size step = may_gap && random_size(0, 3) == 0 ? random_size(1, 3) : 1, last = 0;
      for (std::size_t a = order.size(); a-- > 0;) {
         const std::size_t axis = static_cast<std::size_t>(order[a]);
         const bool empty = sizes[axis] == 0;
         if (may_broadcast && random_size(0, 4) == 0) {
            strides[axis] = 0;
            continue;
         }
         const bool backwards = random_size(0, 5) == 0;
         strides[axis] = backwards ? -step : step;
         if (backwards && !empty) begin += (sizes[axis] - 1) * step;
         if (!empty) last += (sizes[axis] - 1) * step;
         step = step * (empty ? 1 : sizes[axis]) + (may_gap && random_size(0, 3) == 0 ? random_size(1, 5) : 0);
      }
      room = last + 1;
   }
};

/// A copy between two random layouts, and a fill of the first.
template <class T>
struct CopyCase {
   Sizes sizes;
   Layout to, from;
   std::vector<T> src, dst, expected, filled;
   T value = random_value<T>();

   CopyCase(const Sizes& n, bool may_broadcast, bool gaps_to, bool gaps_from) : sizes(n), to(n, false, gaps_to), from(n, may_broadcast, gaps_from)
   {
      src = random_values<T>(from.room);
      dst = expected = filled = random_values<T>(to.room);
      for (Size i = 0; i < product(sizes); i++) {
         const Sizes index = index_of(i, sizes);
         expected[to.begin + place_of(index, to.strides)] = src[from.begin + place_of(index, from.strides)];
         filled[to.begin + place_of(index, to.strides)] = value;
      }
   }
   std::string how() const { return text(sizes) + " dst " + text(to.strides) + " src " + text(from.strides) + " bytes " + std::to_string(sizeof(T)); }
};

/// Indices of which some count from the end and some lie outside.
template <class Index>
static std::vector<Index> random_indices(Size count, Size n)
{
   std::vector<Index> indices(static_cast<std::size_t>(count));
   for (Index& index : indices) index = static_cast<Index>(random_size(-n - 2, n + 1));
   if (count > 3) indices[0] = std::numeric_limits<Index>::min(), indices[1] = std::numeric_limits<Index>::max();
   return indices;
}
static Size clamped(Size index, Size n) { return std::max<Size>(0, std::min<Size>(n - 1, index < 0 ? index + n : index)); }
static bool valid(Size index, Size n) { return index >= -n && index < n; }

template <class T, class Index>
struct GatherCase {
   Size outer = random_size(0, 3), n = random_size(0, 9), inner = random_size(0, 2) == 0 ? 1 : random_size(0, 70), count = random_size(0, 9);
   std::vector<T> data = random_values<T>(outer * n * inner);
   std::vector<Index> indices = random_indices<Index>(count, n);
   std::vector<T> out = random_values<T>(outer * count * inner), expected = std::vector<T>(out.size(), T());

   GatherCase()
   {
      for (Size i = 0; n > 0 && i < outer * count * inner; i++)
         expected[i] = data[(i / inner / count * n + clamped(static_cast<Size>(indices[i / inner % count]), n)) * inner + i % inner];
   }
};

/// Pairs of indices into [batch][sizes[0]][sizes[1]][inner].
template <class T, class Index>
struct PairsCase {
   Size batch = random_size(0, 3), sizes[2] = {random_size(random_size(0, 9) == 0 ? 0 : 1, 5), random_size(1, 5)}, blocks = sizes[0] * sizes[1];
   Size inner = random_size(0, 20), count = random_size(0, 20);
   std::vector<T> data = random_values<T>(batch * blocks * inner);
   std::vector<Index> indices = random_indices<Index>(batch * count * 2, 5);
   std::vector<T> out = random_values<T>(batch * count * inner), expected = std::vector<T>(out.size(), T());

   PairsCase()
   {
      for (Size i = 0; blocks > 0 && i < batch * count * inner; i++) {
         const Size tuple = i / inner, first = static_cast<Size>(indices[2 * tuple]), second = static_cast<Size>(indices[2 * tuple + 1]);
         const Size block = clamped(first, sizes[0]) * sizes[1] + clamped(second, sizes[1]);
         expected[i] = data[(tuple / count * blocks + block) * inner + i % inner];
      }
   }
};

/// Sizes of indices that choose along an axis of a cube.
struct AlongAxis {
   Size sizes[3], data_sizes[3];
   int axis = static_cast<int>(random_size(0, 2));
   Sizes shape, data_shape, strides;

   AlongAxis()
   {
      for (int a = 0; a < 3; a++) {
         sizes[a] = random_size(0, 20) == 0 ? 0 : random_size(1, 6);
         data_sizes[a] = a == axis ? random_size(0, 6) : sizes[a] + random_size(0, 2);
      }
      shape = Sizes(sizes, sizes + 3), data_shape = Sizes(data_sizes, data_sizes + 3), strides = dense_strides(data_shape);
   }
   Size n() const { return data_sizes[axis]; }
   /// The data's place that the i-th index, which is `given`, chooses.
   Size place(Size i, Size given) const
   {
      Sizes index = index_of(i, shape);
      index[static_cast<std::size_t>(axis)] = clamped(given, n());
      return place_of(index, strides);
   }
};

template <class T, class Index>
struct GatherElementsCase : AlongAxis {
   std::vector<T> data = random_values<T>(product(data_shape));
   std::vector<Index> indices = random_indices<Index>(product(shape), n());
   std::vector<T> out = random_values<T>(product(shape)), expected = std::vector<T>(out.size(), T());

   GatherElementsCase()
   {
      for (Size i = 0; n() > 0 && i < product(shape); i++) expected[i] = data[place(i, static_cast<Size>(indices[i]))];
   }
};

template <class T>
static T reduced(const std::string& reduction, T old, T update)
{
   if (reduction == "add") return static_cast<T>(old + update);
   if (reduction == "mul") return static_cast<T>(old * update);
   if (reduction == "max") return old > update ? old : update;
   if (reduction == "min") return old < update ? old : update;
   return update;
}

template <class T, class Index>
struct ScatterElementsCase : AlongAxis {
   std::vector<T> updates = crowded_values<T>(product(shape));
   std::vector<Index> indices = random_indices<Index>(product(shape), n());
   std::vector<T> out = crowded_values<T>(product(data_shape)), expected = out;

   explicit ScatterElementsCase(const std::string& reduction)
   {
      for (Size i = 0; i < product(shape); i++) {
         const Size given = static_cast<Size>(indices[i]);
         if (valid(given, n())) expected[place(i, given)] = reduced(reduction, expected[place(i, given)], updates[i]);
      }
   }
};

template <class T, class Index>
struct ScatterPairsCase {
   Size sizes[2] = {random_size(1, 5), random_size(1, 5)}, inner = random_size(0, 20), count = random_size(0, 20);
   std::vector<Index> indices = random_indices<Index>(count * 2, 5);
   std::vector<T> updates = crowded_values<T>(count * inner), out = crowded_values<T>(sizes[0] * sizes[1] * inner), expected = out;

   explicit ScatterPairsCase(const std::string& reduction)
   {
      for (Size i = 0; i < count * inner; i++) {
         const Size first = static_cast<Size>(indices[i / inner * 2]), second = static_cast<Size>(indices[i / inner * 2 + 1]);
         if (!valid(first, sizes[0]) || !valid(second, sizes[1])) continue;
         T& element = expected[(clamped(first, sizes[0]) * sizes[1] + clamped(second, sizes[1])) * inner + i % inner];
         element = reduced(reduction, element, updates[i]);
      }
   }
};

template <class T>
struct TopkCase {
   Size outer = random_size(0, 3), inner = random_size(0, 1) == 0 ? 1 : random_size(1, 3), n = random_size(0, random_size(0, 3) == 0 ? 600 : 40), k;
   bool largest = random_size(0, 1) != 0;
   std::vector<T> x, values, expected;
   std::vector<std::int64_t> indices, expected_indices;
   std::vector<std::uint64_t> scratch;

   TopkCase()
   {
      const Size kind = random_size(0, 2);
      k = kind == 0 ? n : random_size(0, std::min<Size>(n, kind == 1 ? 4 : n));
      const Size sort_of_values = random_size(0, 4);
      x = sort_of_values == 0 ? random_values<T>(outer * n * inner) : crowded_values<T>(outer * n * inner);
      if ((sort_of_values == 1 || sort_of_values == 2) && !x.empty()) {  // one odd value among plain ones
         for (T& value : x) value = static_cast<T>(random_size(0, 100));
         x[random_size(0, outer * n * inner - 1)] = std::numeric_limits<T>::has_quiet_NaN ? std::numeric_limits<T>::quiet_NaN() : T(101);
      }
      values = expected = random_values<T>(outer * k * inner);
      indices.resize(values.size()), expected_indices.resize(values.size());
      scratch.resize(static_cast<std::size_t>(std::min(2 * n, 16 * k) * (sizeof(T) == 8 ? 2 : 1)));
      for (Size o = 0; o < outer; o++)
         for (Size i = 0; i < inner; i++) {
            std::vector<std::int64_t> order(static_cast<std::size_t>(n));
            for (Size j = 0; j < n; j++) order[j] = j;
            std::sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
               const T p = x[(o * n + a) * inner + i], q = x[(o * n + b) * inner + i];
               const T &high = largest ? p : q, &low = largest ? q : p;
               const bool high_nan = high != high, low_nan = low != low;
               if (high_nan != low_nan) return high_nan;
               return high > low || (!(low > high) && a < b);
            });
            for (Size j = 0; j < k; j++) {
               const Size to = (o * k + j) * inner + i;
               expected_indices[to] = order[j];
               expected[to] = x[(o * n + order[j]) * inner + i];
            }
         }
   }
};

/// x[a][b][c] and what ReverseSequence, Trilu and Compress make of it; OneHot and EyeLike beside it.
template <class T>
struct OrderCase {
   Size a = random_size(0, 6), b = random_size(0, 6), c = random_size(0, 20), depth = random_size(0, 6), conditions = random_size(0, b + 2), count = 0;
   std::vector<T> x = random_values<T>(a * b * c), y = x;
   T off = random_value<T>(), on = random_value<T>();
   std::vector<std::int64_t> lengths = std::vector<std::int64_t>(7);
   std::vector<std::int32_t> places = random_indices<std::int32_t>(a * c, depth);
   std::vector<double> real_places = std::vector<double>(places.begin(), places.end());
   bool condition[16] = {};

   OrderCase()
   {
      for (auto& length : lengths) length = random_size(-1, 8);
      if (!real_places.empty()) real_places.back() = std::nan("");
      for (Size i = 0; i < conditions; i++) condition[i] = random_size(0, 1) != 0;
      for (Size i = 0; i < conditions && i < b; i++) count += condition[i];
   }
   std::vector<T> reversed(bool batch_first) const
   {
      std::vector<T> out = x;
      for (Size i = 0; i < a * b * c; i++) {
         const Size row = i / c, t = batch_first ? row % b : row / b, s = batch_first ? row / b : row % b;
         const Size length = std::min<Size>(lengths[s], batch_first ? b : a), from = t < length ? length - 1 - t : t;
         out[i] = x[(batch_first ? s * b + from : from * b + s) * c + i % c];
      }
      return out;
   }
   template <class Index>
   std::vector<T> hot(const std::vector<Index>& indices) const
   {
      std::vector<T> out(static_cast<std::size_t>(a * depth * c), off);
      for (Size i = 0; i < a * depth * c; i++) {
         const Index place = indices[i / c / depth * c + i % c];
         const Size row = i / c % depth;
         if (place == static_cast<Index>(row) || place == static_cast<Index>(row - depth)) out[i] = on;
      }
      return out;
   }
   std::vector<T> eye(std::int64_t diagonal) const
   {
      std::vector<T> out(static_cast<std::size_t>(b * c), T());
      for (Size i = 0; i < b * c; i++)
         if (i % c - i / c == diagonal) out[i] = on;
      return out;
   }
   std::vector<T> triangle(std::int64_t diagonal, bool upper) const
   {
      std::vector<T> out(x.size(), T());
      for (Size i = 0; i < a * b * c; i++) {
         const Size from_main = i % c - i / c % b;
         if (upper ? from_main >= diagonal : from_main <= diagonal) out[i] = x[i];
      }
      return out;
   }
   std::vector<T> compressed() const
   {
      std::vector<T> out;
      for (Size i = 0; i < a * b * c; i++)
         if (condition[i / c % b]) out.push_back(x[i]);
      return out;
   }
};

/// Slices of few different values; what is expected is found by comparing each with all before it.
template <class T>
struct UniqueCase {
   Size outer = random_size(1, 3), n = random_size(0, 40), inner = random_size(1, 2), count = 0;
   bool sorted = random_size(0, 1) == 1;
   std::vector<T> x = std::vector<T>(static_cast<std::size_t>(outer * n * inner)), expected;
   std::vector<std::int64_t> indices, inverse = std::vector<std::int64_t>(static_cast<std::size_t>(n)), counts;

   UniqueCase()
   {
      for (T& value : x) {
         value = static_cast<T>(random_size(0, 2));
         if (std::is_floating_point<T>::value && value == T(2)) value = random_size(0, 1) ? T(-0.0) : std::numeric_limits<T>::quiet_NaN();
      }
      std::vector<Size> first;
      for (Size i = 0; i < n; i++)
         if (std::none_of(first.begin(), first.end(), [&](Size f) { return compared(f, i) == 0; })) first.push_back(i);
      if (sorted) std::sort(first.begin(), first.end(), [&](Size a, Size b) { return compared(a, b) < 0; });
      count = static_cast<Size>(first.size());
      for (Size o = 0; o < outer; o++)
         for (Size f : first)
            for (Size i = 0; i < inner; i++) expected.push_back(at(o, f, i));
      for (Size f : first) {
         indices.push_back(f);
         counts.push_back(0);
         for (Size i = 0; i < n; i++)
            if (compared(f, i) == 0) inverse[static_cast<std::size_t>(i)] = static_cast<std::int64_t>(counts.size()) - 1, counts.back()++;
      }
   }
   T at(Size o, Size place, Size i) const { return x[static_cast<std::size_t>((o * n + place) * inner + i)]; }
   int compared(Size a, Size b) const
   {
      for (Size o = 0; o < outer; o++)
         for (Size i = 0; i < inner; i++) {
            const T left = at(o, a, i), right = at(o, b, i);
            const bool nan = left != left;
            if (nan != (right != right)) return nan ? 1 : -1;
            if (!nan && left != right) return left < right ? -1 : 1;
         }
      return 0;
   }
};

/// Boxes on a grid of small integers, where all of the arithmetic is exact.
struct SuppressCase {
   Size batch = random_size(1, 2), classes = random_size(1, 3), n = random_size(0, 30);
   std::int64_t most = random_size(0, 8);
   bool centered = random_size(0, 1) == 1;
   float limit = static_cast<float>(random_size(0, 3)) / 4, least = static_cast<float>(random_size(0, 5));
   std::vector<float> boxes, scores;
   std::vector<std::int64_t> expected;

   SuppressCase()
   {
      for (Size i = 0; i < batch * n * 4; i++) boxes.push_back(static_cast<float>(2 * random_size(0, 4)));
      for (Size i = 0; i < batch * classes * n; i++) scores.push_back(static_cast<float>(random_size(0, 12)));
      for (Size b = 0; b < batch; b++)
         for (Size c = 0; c < classes; c++) {
            std::vector<Size> chosen;
            for (float score = 12; score > least; score--)
               for (Size i = 0; i < n; i++) {
                  const bool there = scores[static_cast<std::size_t>((b * classes + c) * n + i)] == score;
                  if (!there || static_cast<std::int64_t>(chosen.size()) == most) continue;
                  if (std::any_of(chosen.begin(), chosen.end(), [&](Size k) { return overlap(b * n + i, b * n + k) > limit; })) continue;
                  chosen.push_back(i);
                  for (Size part : {b, c, i}) expected.push_back(part);
               }
         }
   }
   double overlap(Size i, Size k) const
   {
      double both = 1, one = 1, other = 1;
      for (int axis = 0; axis < 2; axis++) {
         const auto [a, b] = side(i, axis);
         const auto [c, d] = side(k, axis);
         both *= std::max(0.0, std::min(b, d) - std::max(a, c));
         one *= b - a;
         other *= d - c;
      }
      return both > 0 ? both / (one + other - both) : -1;
   }
   std::pair<double, double> side(Size i, int axis) const
   {
      const float* box = boxes.data() + i * 4;
      if (centered) return {box[axis] - box[2 + axis] / 2, box[axis] + box[2 + axis] / 2};
      return {std::min(box[1 - axis], box[3 - axis]), std::max(box[1 - axis], box[3 - axis])};
   }
};

template <class T>
struct ValuesCase {
   Size sizes[3] = {random_size(0, 5), random_size(1, 5), random_size(1, 9)}, n = random_size(0, 300), found = 0;
   std::vector<T> x, steps, expected_steps;
   std::vector<std::int64_t> out, expected;
   T start = static_cast<T>(static_cast<T>(random_size(-50, 50)) / static_cast<T>(7));
   T delta = static_cast<T>(static_cast<T>(random_size(1, 50)) / static_cast<T>(std::is_floating_point<T>::value ? 7 : 1));

   ValuesCase()
   {
      const Sizes shape(sizes, sizes + 3);
      x = crowded_values<T>(product(shape));
      for (T& value : x)
         if (random_size(0, 1) != 0) value = random_size(0, 1) != 0 ? T(0) : T(-0.0);
      for (std::size_t a = 0; a < 3; a++)
         for (Size i = 0; i < product(shape); i++)
            if (x[i] != T(0)) expected.push_back(index_of(i, shape)[a]);
      found = static_cast<Size>(expected.size()) / 3;
      out.resize(expected.size());
      steps.resize(static_cast<std::size_t>(n));
      volatile T next = start;  // rounded to T at each step
      for (Size i = 0; i < n; i++) {
         const T step = next;
         expected_steps.push_back(step);
         next = static_cast<T>(step + delta);
      }
   }
};

enum { pad_constant, pad_reflect, pad_edge, pad_wrap };

/// The place in a row of n that place i of its border shows, found by walking one step at a time; -1 for the value.
static Size walked(int mode, Size i, Size n)
{
   if (i >= 0 && i < n) return i;
   if (mode == pad_constant || n == 0) return -1;
   if (mode == pad_edge || n == 1) return i < 0 ? 0 : n - 1;
   while (mode == pad_wrap && i < 0) i += n;
   while (mode == pad_wrap && i >= n) i -= n;
   if (mode == pad_wrap) return i;
   Size at = 0, direction = 1;
   for (Size step = 0; step < (i < 0 ? -i : i); step++) {
      if (at + direction < 0 || at + direction >= n) direction = -direction;
      at += direction;
   }
   return at;
}

template <class T>
struct PadCase {
   Sizes sizes, begin, end;
   std::vector<T> x, y, expected;
   T value = random_value<T>();

   PadCase(int mode, std::size_t rank) : sizes(rank), begin(rank), end(rank)
   {
      Sizes padded(rank), first(rank), kept(rank);
      for (std::size_t a = 0; a < rank; a++) {
         const bool plain = random_size(0, 2) == 0;
         sizes[a] = random_size(0, 15) == 0 ? 0 : random_size(1, 7);
         begin[a] = plain ? 0 : random_size(-4, 9);
         end[a] = plain ? 0 : random_size(-4, 9);
         padded[a] = std::max<Size>(0, sizes[a] + begin[a] + end[a]);
         first[a] = std::max<Size>(0, -begin[a]);
         kept[a] = std::max<Size>(0, sizes[a] - first[a] - std::max<Size>(0, -end[a]));
      }
      x = random_values<T>(product(sizes));
      y = expected = random_values<T>(product(padded));
      for (Size i = 0; i < product(padded); i++) {
         const Sizes index = index_of(i, padded);
         Sizes from(rank);
         bool border = false;
         for (std::size_t a = 0; a < rank; a++) {
            const Size at = walked(mode, index[a] - std::max<Size>(0, begin[a]), kept[a]);
            border = border || at < 0;
            from[a] = first[a] + at;
         }
         expected[i] = border ? value : x[place_of(from, dense_strides(sizes))];
      }
   }
};

#if defined(__x86_64__)
#define MOVEMENT_REGION avx512
#include "movement_test.cpp"
#undef MOVEMENT_REGION
#define MOVEMENT_REGION avx2
#include "movement_test.cpp"
#undef MOVEMENT_REGION
#endif
#define MOVEMENT_REGION baseline
#include "movement_test.cpp"
#undef MOVEMENT_REGION

int main()
{
#if defined(__x86_64__)
   if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl")) region = "avx512", test_avx512::all();
   if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) region = "avx2", test_avx2::all();
#endif
   region = "baseline", test_baseline::all();
   if (failures == 0) std::puts("movement: all right");
   return failures != 0;
}
#else
#define MOVEMENT_JOIN(a, b) a##b
#define MOVEMENT_TEST(name) MOVEMENT_JOIN(test_, name)
namespace MOVEMENT_TEST(MOVEMENT_REGION) {
namespace k = kernels::MOVEMENT_REGION;

template <class T>
static void copies()
{
   for (int turn = 0; turn < 700; turn++) {
      Sizes sizes(static_cast<std::size_t>(random_size(1, 5)));
      const Size largest = sizes.size() < 3 ? 45 : sizes.size() == 3 ? 14 : 5;
      for (Size& size : sizes) size = random_size(0, 30) == 0 ? 0 : random_size(1, largest);
      CopyCase<T> c(sizes, turn % 3 == 0, turn % 2 != 0, turn % 5 != 0);
      k::copy_axes(static_cast<int>(sizes.size()), sizes.data(), c.dst.data() + c.to.begin, c.to.strides.data(), c.src.data() + c.from.begin, c.from.strides.data());
      expect(same(c.dst, c.expected), "copy_axes", c.how());
      if (sizes.size() != 3) continue;
      const Size n[3] = {sizes[0], sizes[1], sizes[2]}, strides[3] = {c.to.strides[0], c.to.strides[1], c.to.strides[2]};
      k::fill_strided(n, c.dst.data() + c.to.begin, strides, c.value);
      expect(same(c.dst, c.filled), "fill_strided", c.how());
   }
   for (Size m = 1; m < 20; m++)
      for (Size n = 1; n < 36; n += 1 + n / 12)  // matrices, transposed: dense, and with gaps between the rows
         for (Size gap : {0, 2}) {
            const Size sizes[2] = {m, n}, to[2] = {n + gap, 1}, from[2] = {1, m + gap};
            const std::vector<T> src = random_values<T>((n - 1) * from[1] + m);
            std::vector<T> dst = random_values<T>((m - 1) * to[0] + n), expected = dst;
            for (Size i = 0; i < m * n; i++) expected[i / n * to[0] + i % n] = src[i % n * from[1] + i / n];
            k::copy_strided(sizes, dst.data(), to, src.data(), from);
            expect(same(dst, expected), "transpose", std::to_string(m) + "x" + std::to_string(n));
         }
   for (Size n : {0, 1, 2, 3, 5, 8, 13, 31, 63, 64, 65, 127, 200, 1023, 1024, 4100, 9000}) {  // runs, at any offset
      const Size offset = random_size(0, 7), sizes[1] = {n}, one[1] = {1};
      const std::vector<T> src = random_values<T>(offset + n);
      std::vector<T> dst = random_values<T>(n + 1), expected = dst;
      std::copy(src.begin() + offset, src.end(), expected.begin() + 1);
      k::copy_strided(sizes, dst.data() + 1, one, src.data() + offset, one);
      expect(same(dst, expected), "run", std::to_string(n));
      const T value = random_value<T>();
      std::fill(expected.begin() + 1, expected.end(), value);
      k::fill(dst.data() + 1, n, value);
      expect(same(dst, expected), "fill", std::to_string(n));
   }
}

template <class T, class Index>
static void gathers()
{
   for (int turn = 0; turn < 60; turn++) {
      GatherCase<T, Index> c;
      k::gather(c.outer, c.n, c.inner, c.count, c.data.data(), c.indices.data(), c.out.data());
      expect(same(c.out, c.expected), "gather");
      GatherElementsCase<T, Index> e;
      k::gather_elements(e.data_sizes, e.sizes, e.axis, e.data.data(), e.indices.data(), e.out.data());
      expect(same(e.out, e.expected), "gather_elements", text(e.shape) + text(e.data_shape));
      PairsCase<T, Index> p;
      k::gather_nd(p.batch, p.sizes, p.inner, p.count, p.data.data(), p.indices.data(), p.out.data());
      expect(same(p.out, p.expected), "gather_nd");
   }
}

template <class Reduction, class T, class Index>
static void scatters(const char* name)
{
   for (int turn = 0; turn < 40; turn++) {
      ScatterElementsCase<T, Index> e(name);
      k::scatter_elements<Reduction>(e.data_sizes, e.sizes, e.axis, e.indices.data(), e.updates.data(), e.out.data());
      expect(same(with_plain_nans(e.out), with_plain_nans(e.expected)), "scatter_elements", name);
      ScatterPairsCase<T, Index> p(name);
      k::scatter_nd<Reduction>(p.sizes, p.inner, p.count, p.indices.data(), p.updates.data(), p.out.data());
      expect(same(with_plain_nans(p.out), with_plain_nans(p.expected)), "scatter_nd", name);
   }
}

template <class T, class Index>
static void reductions()
{
   scatters<k::ScatterReplace, T, Index>("none");
   scatters<k::ScatterAdd, T, Index>("add");
   scatters<k::ScatterMul, T, Index>("mul");
   scatters<k::ScatterMax, T, Index>("max");
   scatters<k::ScatterMin, T, Index>("min");
}

template <class T>
static void topks()
{
   for (int turn = 0; turn < 150; turn++) {
      TopkCase<T> c;
      k::topk(c.outer, c.n, c.inner, c.k, c.largest, c.x.data(), c.values.data(), c.indices.data(), c.scratch.data());
      expect(same(c.values, c.expected) && c.indices == c.expected_indices, "topk", std::to_string(c.n) + " " + std::to_string(c.k));
   }
}

template <class T>
static void orders()
{
   for (int turn = 0; turn < 40; turn++) {
      OrderCase<T> c;
      for (bool batch_first : {false, true}) {
         k::reverse_sequence(batch_first ? c.b : c.a, batch_first ? c.a : c.b, c.c, batch_first, c.lengths.data(), c.x.data(), c.y.data());
         expect(same(c.y, c.reversed(batch_first)), "reverse_sequence");
      }
      std::vector<T> out = random_values<T>(c.a * c.depth * c.c);
      k::one_hot(c.a, c.depth, c.c, c.places.data(), c.off, c.on, out.data());
      expect(same(out, c.hot(c.places)), "one_hot");
      k::one_hot(c.a, c.depth, c.c, c.real_places.data(), c.off, c.on, out.data());
      expect(same(out, c.hot(c.real_places)), "one_hot of doubles");
      const std::int64_t far = std::numeric_limits<std::int64_t>::max(), diagonals[] = {0, 1, -1, random_size(-8, 8), far, -far - 1};
      for (std::int64_t d : diagonals) {
         out = random_values<T>(c.b * c.c);
         k::eye_like(c.b, c.c, d, c.on, out.data());
         expect(same(out, c.eye(d)), "eye_like");
         for (bool upper : {false, true}) {
            k::trilu(c.a, c.b, c.c, d, upper, c.x.data(), c.y.data());
            expect(same(c.y, c.triangle(d, upper)), "trilu");
            c.y = c.x;
            k::trilu(c.a, c.b, c.c, d, upper, c.y.data(), c.y.data());
            expect(same(c.y, c.triangle(d, upper)), "trilu in place");
         }
      }
      out = random_values<T>(c.a * c.count * c.c);
      expect(k::compress(c.a, c.b, c.c, c.conditions, c.condition, c.x.data(), out.data()) == c.count && same(out, c.compressed()), "compress");
   }
}

template <class T>
static void values()
{
   for (int turn = 0; turn < 30; turn++) {
      ValuesCase<T> c;
      expect(k::nonzero(c.sizes, c.x.data(), c.out.data()) == c.found && c.out == c.expected, "nonzero");
      k::range(c.start, c.delta, c.n, c.steps.data());
      expect(same(c.steps, c.expected_steps), "range");
   }
}

template <class T>
static void uniques()
{
   for (int turn = 0; turn < 100; turn++) {
      UniqueCase<T> c;
      const auto room = static_cast<std::size_t>(c.n);
      std::vector<T> y(c.x.size());
      std::vector<std::int64_t> indices(room), inverse(room), counts(room), scratch(static_cast<std::size_t>(k::unique_scratch(c.n) + 1) / 2);
      const bool all = turn % 2 == 0;
      const Size found = k::unique(c.outer, c.n, c.inner, c.sorted, c.x.data(), y.data(), all ? indices.data() : nullptr,
                                   all ? inverse.data() : nullptr, all ? counts.data() : nullptr, scratch.data());
      expect(found == c.count, "unique: count");
      y.resize(c.expected.size());
      expect(same(y, c.expected), "unique");
      indices.resize(c.indices.size());
      counts.resize(c.counts.size());
      if (all) expect(indices == c.indices && inverse == c.inverse && counts == c.counts, "unique: places");
   }
}

static void suppressions()
{
   for (int turn = 0; turn < 200; turn++) {
      SuppressCase c;
      std::vector<std::int64_t> out(static_cast<std::size_t>(c.batch * c.classes * std::min(static_cast<Size>(c.most), c.n) * 3));
      std::vector<std::uint64_t> scratch(static_cast<std::size_t>(k::suppress_scratch(c.n) / 2));
      const Size count = k::suppress(c.batch, c.classes, c.n, c.centered, c.most, c.boxes.data(), c.scores.data(), &c.limit, &c.least, out.data(),
                                     scratch.data());
      expect(count * 3 == static_cast<Size>(c.expected.size()), "suppress: count");
      out.resize(c.expected.size());
      expect(out == c.expected, "suppress");
   }
}

template <class T>
static void pads()
{
   const k::PadMode modes[] = {k::PadMode::constant, k::PadMode::reflect, k::PadMode::edge, k::PadMode::wrap};
   for (int turn = 0; turn < 400; turn++) {
      PadCase<T> c(turn % 4, static_cast<std::size_t>(random_size(1, 4)));
      k::pad_axes(modes[turn % 4], static_cast<int>(c.sizes.size()), c.sizes.data(), c.begin.data(), c.end.data(), c.x.data(), c.value, c.y.data());
      expect(same(c.y, c.expected), "pad_axes", std::to_string(turn % 4) + " " + text(c.sizes) + text(c.begin) + text(c.end));
   }
   const Size sizes[2] = {1, 2}, begin[2] = {0, 1}, end[2] = {1, -1};
   const T x[2] = {T(5), T(6)}, expected[4] = {T(7), T(5), T(7), T(7)};
   T y[4];
   k::pad(k::PadMode::constant, sizes, begin, end, x, T(7), y);
   expect(std::memcmp(y, expected, sizeof(y)) == 0, "pad");
}

static void all()
{
   state = 1;
   copies<std::uint8_t>(), copies<std::uint16_t>(), copies<std::uint32_t>(), copies<std::uint64_t>();
   gathers<std::uint8_t, std::int64_t>(), gathers<std::uint32_t, std::int32_t>(), gathers<std::uint64_t, std::int64_t>();
   reductions<float, std::int64_t>(), reductions<std::int32_t, std::int32_t>(), reductions<std::uint8_t, std::int64_t>();
   topks<float>(), topks<double>(), topks<std::int64_t>(), topks<std::int8_t>();
   orders<std::uint8_t>(), orders<std::uint32_t>();
   values<float>(), values<double>(), values<std::int32_t>();
   pads<std::uint8_t>(), pads<std::uint32_t>();
   suppressions();
   uniques<float>(), uniques<double>(), uniques<std::int64_t>(), uniques<std::int8_t>();
}
}
#endif
