// kernels: copy.hxx gather.hxx scatter.hxx sort.hxx order.hxx pad.hxx
//
// Every kernel that moves elements against index arithmetic one element at a time, bit for bit, on each instruction set, on random
// shapes, strides and types. Buffers are exactly as large as what may be touched, so that a sanitizer sees a step too far.
// This file includes itself once for each instruction set.
#if !defined(MOVEMENT_REGION)
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <limits>
#include <string>
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

template <int Rank, class T>
static void copy_case(const Sizes& sizes, const Layout& to, const Layout& from)
{
   Size n[Rank], ds[Rank], ss[Rank];
   for (int a = 0; a < Rank; a++) n[a] = sizes[a], ds[a] = to.strides[a], ss[a] = from.strides[a];
   const std::vector<T> src = random_values<T>(from.room);
   std::vector<T> expected = random_values<T>(to.room), dst = expected, filled = expected, expected_fill = expected;
   const T value = random_value<T>();
   for (Size i = 0; i < product(sizes); i++) {
      const Sizes index = index_of(i, sizes);
      expected[to.begin + place_of(index, to.strides)] = src[from.begin + place_of(index, from.strides)];
      expected_fill[to.begin + place_of(index, to.strides)] = value;
   }
   k::copy_strided(n, dst.data() + to.begin, ds, src.data() + from.begin, ss);
   expect(same(dst, expected), "copy_strided", text(sizes) + " dst " + text(to.strides) + " src " + text(from.strides) + " bytes " + std::to_string(sizeof(T)));
   k::fill_strided(n, filled.data() + to.begin, ds, value);
   expect(same(filled, expected_fill), "fill_strided", text(sizes) + " dst " + text(to.strides));
}

template <class T>
static void copies()
{
   for (int turn = 0; turn < 700; turn++) {
      Sizes sizes(static_cast<std::size_t>(random_size(1, 5)));
      const Size largest = sizes.size() < 3 ? 45 : sizes.size() == 3 ? 14 : 5;
      for (Size& size : sizes) size = random_size(0, 30) == 0 ? 0 : random_size(1, largest);
      const Layout to(sizes, false, turn % 2 != 0), from(sizes, turn % 3 == 0, turn % 5 != 0);
      switch (sizes.size()) {
      case 1: copy_case<1, T>(sizes, to, from); break;
      case 2: copy_case<2, T>(sizes, to, from); break;
      case 3: copy_case<3, T>(sizes, to, from); break;
      case 4: copy_case<4, T>(sizes, to, from); break;
      default: copy_case<5, T>(sizes, to, from);
      }
   }
   for (Size m = 0; m < 20; m++)
      for (Size n = 0; n < 36; n += 1 + n / 12) {  // dense matrices, transposed
         const Size sizes[2] = {m, n}, to[2] = {n, 1}, from[2] = {1, m};
         const std::vector<T> src = random_values<T>(m * n);
         std::vector<T> dst = random_values<T>(m * n), expected = dst;
         for (Size i = 0; i < m * n; i++) expected[i] = src[i % n * m + i / n];
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
static void gathers()
{
   for (int turn = 0; turn < 60; turn++) {
      const Size outer = random_size(0, 3), n = random_size(0, 9), inner = turn % 3 == 0 ? 1 : random_size(0, 70), count = random_size(0, 9);
      const std::vector<T> data = random_values<T>(outer * n * inner);
      const std::vector<Index> indices = random_indices<Index>(count, n);
      std::vector<T> out = random_values<T>(outer * count * inner), expected(out.size(), T());
      for (Size i = 0; n > 0 && i < outer * count * inner; i++)
         expected[i] = data[(i / inner / count * n + clamped(static_cast<Size>(indices[i / inner % count]), n)) * inner + i % inner];
      k::gather(outer, n, inner, count, data.data(), indices.data(), out.data());
      expect(same(out, expected), "gather");

      Size sizes[3], data_sizes[3];
      const int axis = static_cast<int>(random_size(0, 2));
      for (int a = 0; a < 3; a++) sizes[a] = random_size(0, 20) == 0 ? 0 : random_size(1, 6), data_sizes[a] = a == axis ? random_size(0, 6) : sizes[a] + random_size(0, 2);
      const Sizes shape(sizes, sizes + 3), data_shape(data_sizes, data_sizes + 3), strides = dense_strides(data_shape);
      const std::vector<T> cube = random_values<T>(product(data_shape));
      const std::vector<Index> at = random_indices<Index>(product(shape), data_sizes[axis]);
      std::vector<T> taken = random_values<T>(product(shape)), wanted(taken.size(), T());
      for (Size i = 0; data_sizes[axis] > 0 && i < product(shape); i++) {
         Sizes index = index_of(i, shape);
         index[axis] = clamped(static_cast<Size>(at[i]), data_sizes[axis]);
         wanted[i] = cube[place_of(index, strides)];
      }
      k::gather_elements(data_sizes, sizes, axis, cube.data(), at.data(), taken.data());
      expect(same(taken, wanted), "gather_elements", text(shape) + text(data_shape));

      const Size batch = random_size(0, 3), deep[2] = {random_size(turn % 9 == 0 ? 0 : 1, 5), random_size(1, 5)}, blocks = deep[0] * deep[1];
      const std::vector<T> table = random_values<T>(batch * blocks * inner);
      const std::vector<Index> pairs = random_indices<Index>(batch * count * 2, 5);
      std::vector<T> found = random_values<T>(batch * count * inner), right(found.size(), T());
      for (Size i = 0; blocks > 0 && i < batch * count * inner; i++) {
         const Size tuple = i / inner, block = clamped(static_cast<Size>(pairs[2 * tuple]), deep[0]) * deep[1] + clamped(static_cast<Size>(pairs[2 * tuple + 1]), deep[1]);
         right[i] = table[(tuple / count * blocks + block) * inner + i % inner];
      }
      k::gather_nd(batch, deep, inner, count, table.data(), pairs.data(), found.data());
      expect(same(found, right), "gather_nd");
   }
}

template <class Reduction, class T, class Index, class Apply>
static void scatters(const char* name, Apply apply)
{
   for (int turn = 0; turn < 40; turn++) {
      Size sizes[3], data_sizes[3];
      const int axis = static_cast<int>(random_size(0, 2));
      for (int a = 0; a < 3; a++) sizes[a] = random_size(0, 20) == 0 ? 0 : random_size(1, 6), data_sizes[a] = a == axis ? random_size(0, 6) : sizes[a] + random_size(0, 2);
      const Sizes shape(sizes, sizes + 3), data_shape(data_sizes, data_sizes + 3), strides = dense_strides(data_shape);
      const std::vector<T> updates = crowded_values<T>(product(shape));
      const std::vector<Index> at = random_indices<Index>(product(shape), data_sizes[axis]);
      std::vector<T> out = crowded_values<T>(product(data_shape)), expected = out;
      for (Size i = 0; i < product(shape); i++) {
         Sizes index = index_of(i, shape);
         const Size given = static_cast<Size>(at[i]), n = data_sizes[axis];
         if (!valid(given, n)) continue;
         index[axis] = clamped(given, n);
         T& element = expected[place_of(index, strides)];
         element = apply(element, updates[i]);
      }
      k::scatter_elements<Reduction>(data_sizes, sizes, axis, at.data(), updates.data(), out.data());
      expect(same(with_plain_nans(out), with_plain_nans(expected)), "scatter_elements", name);

      const Size deep[2] = {random_size(1, 5), random_size(1, 5)}, inner = random_size(0, 20), count = random_size(0, 20);
      const std::vector<Index> pairs = random_indices<Index>(count * 2, 5);
      const std::vector<T> blocks = crowded_values<T>(count * inner);
      std::vector<T> table = crowded_values<T>(deep[0] * deep[1] * inner), right = table;
      for (Size i = 0; i < count * inner; i++) {
         const Size first = static_cast<Size>(pairs[i / inner * 2]), second = static_cast<Size>(pairs[i / inner * 2 + 1]);
         if (!valid(first, deep[0]) || !valid(second, deep[1])) continue;
         T& element = right[(clamped(first, deep[0]) * deep[1] + clamped(second, deep[1])) * inner + i % inner];
         element = apply(element, blocks[i]);
      }
      k::scatter_nd<Reduction>(deep, inner, count, pairs.data(), blocks.data(), table.data());
      expect(same(with_plain_nans(table), with_plain_nans(right)), "scatter_nd", name);
   }
}

template <class T>
static void reductions()
{
   scatters<k::ScatterReplace, T, std::int64_t>("none", [](T, T b) { return b; });
   scatters<k::ScatterAdd, T, std::int32_t>("add", [](T a, T b) { return static_cast<T>(a + b); });
   scatters<k::ScatterMul, T, std::int64_t>("mul", [](T a, T b) { return static_cast<T>(a * b); });
   scatters<k::ScatterMax, T, std::int64_t>("max", [](T a, T b) { return a > b ? a : b; });
   scatters<k::ScatterMin, T, std::int32_t>("min", [](T a, T b) { return a < b ? a : b; });
}

template <class T>
static void topks()
{
   for (int turn = 0; turn < 60; turn++) {
      const Size outer = random_size(0, 3), inner = turn % 2 == 0 ? 1 : random_size(1, 3), n = random_size(0, turn % 4 == 0 ? 600 : 40);
      const Size count = turn % 3 == 0 ? n : random_size(0, std::min<Size>(n, turn % 3 == 1 ? 4 : n));
      const bool largest = random_size(0, 1) != 0;
      const std::vector<T> x = turn % 5 == 0 ? random_values<T>(outer * n * inner) : crowded_values<T>(outer * n * inner);
      std::vector<T> values = random_values<T>(outer * count * inner), expected = values;
      std::vector<std::int64_t> indices(values.size()), expected_indices(values.size());
      for (Size o = 0; o < outer; o++)
         for (Size i = 0; i < inner; i++) {
            std::vector<std::int64_t> order(static_cast<std::size_t>(n));
            for (Size j = 0; j < n; j++) order[j] = j;
            std::sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
               const T p = x[(o * n + a) * inner + i], q = x[(o * n + b) * inner + i];
               const T &high = largest ? p : q, &low = largest ? q : p;
               const bool high_nan = high != high, low_nan = low != low;
               return high_nan != low_nan ? high_nan : high > low ? true : low > high ? false : a < b;
            });
            for (Size j = 0; j < count; j++) {
               const Size to = (o * count + j) * inner + i;
               expected_indices[to] = order[j];
               expected[to] = x[(o * n + order[j]) * inner + i];
            }
         }
      const Size item = sizeof(T) == 8 ? 2 : 1;
      std::vector<std::uint64_t> scratch(static_cast<std::size_t>(std::min(2 * n, 16 * count) * item));
      k::topk(outer, n, inner, count, largest, x.data(), values.data(), indices.data(), scratch.data());
      expect(same(values, expected) && indices == expected_indices, "topk", std::to_string(n) + " " + std::to_string(count));
   }
}

template <class T>
static void orders()
{
   for (int turn = 0; turn < 40; turn++) {
      const Size a = random_size(0, 6), b = random_size(0, 6), c = random_size(0, 20);
      const std::vector<T> x = random_values<T>(a * b * c);
      std::vector<T> y = random_values<T>(a * b * c), expected = y;
      for (bool batch_first : {false, true}) {
         const Size time = batch_first ? b : a, batch = batch_first ? a : b;
         std::vector<std::int64_t> lengths(static_cast<std::size_t>(batch));
         for (auto& length : lengths) length = random_size(-1, time + 1);
         for (Size i = 0; i < a * b * c; i++) {
            const Size row = i / c, t = batch_first ? row % b : row / b, s = batch_first ? row / b : row % b, length = std::min<Size>(lengths[s], time);
            const Size from = t < length ? length - 1 - t : t;
            expected[i] = x[(batch_first ? s * b + from : from * b + s) * c + i % c];
         }
         k::reverse_sequence(time, batch, c, batch_first, lengths.data(), x.data(), y.data());
         expect(same(y, expected), "reverse_sequence");
      }

      const T off = random_value<T>(), on = random_value<T>();
      const Size depth = random_size(0, 6);
      const std::vector<std::int32_t> places = random_indices<std::int32_t>(a * c, depth);
      std::vector<double> real_places(places.begin(), places.end());
      if (!real_places.empty()) real_places.back() = std::nan("");
      std::vector<T> hot = random_values<T>(a * depth * c), hot_expected = hot;
      for (Size i = 0; i < a * depth * c; i++) {
         const Size place = places[i / c / depth * c + i % c];
         hot_expected[i] = valid(place, depth) && (place < 0 ? place + depth : place) == i / c % depth ? on : off;
      }
      k::one_hot(a, depth, c, places.data(), off, on, hot.data());
      expect(same(hot, hot_expected), "one_hot");
      for (Size i = 0; a > 0 && c > 0 && i < depth; i++) hot_expected[((a - 1) * depth + i) * c + c - 1] = off;
      k::one_hot(a, depth, c, real_places.data(), off, on, hot.data());
      expect(same(hot, hot_expected), "one_hot of doubles");

      const std::int64_t far = std::numeric_limits<std::int64_t>::max();
      const std::int64_t diagonals[] = {0, 1, -1, random_size(-8, 8), far, -far - 1};
      for (std::int64_t d : diagonals) {
         std::vector<T> eye = random_values<T>(b * c), eye_expected(eye.size(), T());
         for (Size i = 0; i < b * c; i++)
            if (i % c - i / c == d) eye_expected[i] = on;
         k::eye_like(b, c, d, on, eye.data());
         expect(same(eye, eye_expected), "eye_like");
         for (bool upper : {false, true}) {
            for (Size i = 0; i < a * b * c; i++) {
               const Size from_main = i % c - i / c % b;
               expected[i] = (upper ? from_main >= d : from_main <= d) ? x[i] : T();
            }
            k::trilu(a, b, c, d, upper, x.data(), y.data());
            expect(same(y, expected), "trilu");
            y = x;
            k::trilu(a, b, c, d, upper, y.data(), y.data());
            expect(same(y, expected), "trilu in place");
         }
      }

      const Size conditions = random_size(0, b + 2);
      bool condition[16];
      Sizes kept;
      for (Size i = 0; i < conditions; i++) {
         condition[i] = random_size(0, 1) != 0;
         if (condition[i] && i < b) kept.push_back(i);
      }
      const Size count = static_cast<Size>(kept.size());
      std::vector<T> pressed = random_values<T>(a * count * c), pressed_expected = pressed;
      for (Size i = 0; i < a * count * c; i++) pressed_expected[i] = x[(i / c / count * b + kept[i / c % count]) * c + i % c];
      expect(k::compress(a, b, c, conditions, condition, x.data(), pressed.data()) == count && same(pressed, pressed_expected), "compress");
   }
}

template <class T>
static void values()
{
   for (int turn = 0; turn < 30; turn++) {
      const Size sizes[3] = {random_size(0, 5), random_size(1, 5), random_size(1, 9)};
      const Sizes shape(sizes, sizes + 3);
      std::vector<T> x = crowded_values<T>(product(shape));
      for (T& value : x)
         if (random_size(0, 1) != 0) value = random_size(0, 1) != 0 ? T(0) : T(-0.0);
      std::vector<std::vector<std::int64_t>> found(3);
      for (Size i = 0; i < product(shape); i++)
         if (x[i] != T(0))
            for (int a = 0; a < 3; a++) found[a].push_back(index_of(i, shape)[a]);
      std::vector<std::int64_t> expected;
      for (const auto& row : found) expected.insert(expected.end(), row.begin(), row.end());
      std::vector<std::int64_t> out(expected.size());
      expect(k::nonzero(sizes, x.data(), out.data()) == static_cast<Size>(found[0].size()) && out == expected, "nonzero");

      const Size n = random_size(0, 300);
      T next = static_cast<T>(random_size(-50, 50)) / static_cast<T>(7);
      const T start = next, delta = static_cast<T>(static_cast<T>(random_size(1, 50)) / static_cast<T>(std::is_floating_point<T>::value ? 7 : 1));
      std::vector<T> steps(static_cast<std::size_t>(n)), expected_steps(steps.size());
      for (Size i = 0; i < n; i++) {
         expected_steps[i] = next;
         volatile T sum = static_cast<T>(next + delta);
         next = sum;
      }
      k::range(start, delta, n, steps.data());
      expect(same(steps, expected_steps), "range");
   }
}

/// The place in a row of n that place i of its border shows, found by walking one step at a time; -1 for the value.
static Size walked(k::PadMode mode, Size i, Size n)
{
   if (i >= 0 && i < n) return i;
   if (mode == k::PadMode::constant || n == 0) return -1;
   if (mode == k::PadMode::edge || n == 1) return i < 0 ? 0 : n - 1;
   if (mode == k::PadMode::wrap) {
      while (i < 0) i += n;
      while (i >= n) i -= n;
      return i;
   }
   Size at = 0, direction = 1;
   for (Size step = 0; step < (i < 0 ? -i : i); step++) {
      if (at + direction < 0 || at + direction >= n) direction = -direction;
      at += direction;
   }
   return at;
}

template <int Rank, class T>
static void pads()
{
   for (int turn = 0; turn < 120; turn++) {
      const k::PadMode mode = static_cast<k::PadMode>(turn % 4);
      Size sizes[Rank], begin[Rank], end[Rank];
      Sizes shape(Rank), padded(Rank);
      for (int a = 0; a < Rank; a++) {
         const bool plain = random_size(0, 2) == 0;
         sizes[a] = shape[a] = random_size(0, 15) == 0 ? 0 : random_size(1, 7);
         begin[a] = plain ? 0 : random_size(-4, 9);
         end[a] = plain ? 0 : random_size(-4, 9);
         padded[a] = std::max<Size>(0, sizes[a] + begin[a] + end[a]);
      }
      const std::vector<T> x = random_values<T>(product(shape));
      const T value = random_value<T>();
      std::vector<T> y = random_values<T>(product(padded)), expected = y;
      for (Size i = 0; i < product(padded); i++) {
         const Sizes index = index_of(i, padded);
         Sizes from(Rank);
         bool border = false;
         for (int a = 0; a < Rank; a++) {
            const Size first = std::max<Size>(0, -begin[a]), kept = std::max<Size>(0, sizes[a] - first - std::max<Size>(0, -end[a]));
            const Size at = walked(mode, index[a] - std::max<Size>(0, begin[a]), kept);
            border = border || at < 0;
            from[a] = first + at;
         }
         expected[i] = border ? value : x[place_of(from, dense_strides(shape))];
      }
      k::pad(mode, sizes, begin, end, x.data(), value, y.data());
      expect(same(y, expected), "pad", std::to_string(turn % 4) + " " + text(shape) + " " + text(Sizes(begin, begin + Rank)) + text(Sizes(end, end + Rank)));
   }
}

static void all()
{
   state = 1;
   copies<std::uint8_t>(), copies<std::uint16_t>(), copies<std::uint32_t>(), copies<std::uint64_t>(), copies<float>();
   gathers<std::uint8_t, std::int64_t>(), gathers<std::uint32_t, std::int32_t>(), gathers<std::uint64_t, std::int64_t>();
   reductions<float>(), reductions<double>(), reductions<std::int32_t>(), reductions<std::uint8_t>(), reductions<std::int64_t>();
   topks<float>(), topks<double>(), topks<std::int32_t>(), topks<std::int64_t>(), topks<std::uint64_t>(), topks<std::int8_t>(), topks<std::uint16_t>();
   orders<std::uint8_t>(), orders<std::uint32_t>(), orders<std::uint64_t>();
   values<float>(), values<double>(), values<std::int32_t>(), values<std::int64_t>();
   pads<1, std::uint32_t>(), pads<2, std::uint8_t>(), pads<3, std::uint32_t>(), pads<4, std::uint64_t>();
}
}
#endif
