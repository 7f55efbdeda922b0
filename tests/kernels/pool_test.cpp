// kernels: blocked.hxx pool.hxx pool_global.hxx pool_indices.hxx resize.hxx
// Pooling and resizing against plain loops in double; the same bits wherever there is fma; blocked as planar.
// The file includes itself once for each region, because an epilogue must be defined inside of it.
#if defined(ONNX_BRIDGE_REGION)
namespace kernels { namespace ONNX_BRIDGE_REGION {

/// value + offset[channel] + 1 + row: turns 0 into something else, needs row and column.
struct Probe {
   const float* offset;
   template <class Count>
   __attribute__((always_inline)) vec operator()(vec value, Size row, Size column, Count count) const
   {
      return value + load(offset + column, count) + static_cast<float>(row + 1);
   }
};

static Window window(const test::Axis* a)
{
   const auto axis = [](const test::Axis& x) { return Axis{x.in, x.out, x.kernel, x.stride, x.dilation, x.pad, x.pad_end}; };
   return {axis(a[0]), axis(a[1]), axis(a[2])};
}

template <class Way>
static void pool_way(const test::Axis* a, Way way, bool blocked, test::Size channels, const float* offset, const float* in, float* out)
{
   if (!blocked)
      pool_planar(window(a), channels, way, in, out);
   else if (offset == nullptr)
      pool_blocked(window(a), channels, way, in, out, Keep());
   else
      pool_blocked(window(a), channels, way, in, out, Probe{offset});
}

static void pool(const test::Axis* a, int way, bool blocked, test::Size channels, const float* offset, const float* in, float* out)
{
   PoolAverage average;
   average.count_padding = way == test::average_padded;
   PoolLp lp;
   lp.p = way - test::lp;
   if (way == test::largest)
      pool_way(a, PoolMax(), blocked, channels, offset, in, out);
   else if (way < test::lp)
      pool_way(a, average, blocked, channels, offset, in, out);
   else
      pool_way(a, lp, blocked, channels, offset, in, out);
}

static void indices(const test::Axis* a, test::Size planes, bool columns_first, const float* in, float* out, std::int64_t* where)
{
   max_pool_indices(window(a), planes, columns_first, in, out, where);
}

static void global(int way, bool blocked, test::Size channels, test::Size pixels, const float* offset, const float* in, float* out)
{
   if (!blocked && way == test::largest)
      global_max_planar(channels, pixels, in, out);
   else if (!blocked)
      global_average_planar(channels, pixels, in, out);
   else if (way == test::largest)
      pool_global_blocked(channels, pixels, PoolMax(), in, out, Probe{offset});
   else
      pool_global_blocked(channels, pixels, PoolAverage(), in, out, Probe{offset});
}

static test::Size resize(const test::Resize& r, test::Size outer, test::Size inner, const float* in, float* out, unsigned char* outside)
{
   const ResizeAxis axis = {r.in, r.out, r.scale, static_cast<Coordinates>(r.coordinates), static_cast<Interpolation>(r.mode),
                            static_cast<Nearest>(r.nearest), -0.75f, r.exclude_outside, 0.2f, 1.1f};
   std::vector<std::int32_t> index(static_cast<std::size_t>(r.out * 4));
   std::vector<float> weight(index.size());
   resize_table(axis, index.data(), weight.data(), outside);
   resize_axis(outer, r.in, r.out, inner, resize_taps(axis.mode), index.data(), weight.data(), in, out);
   resize_extrapolate(outer, r.out, inner, outside, 9.0f, out);
   return resize_taps(axis.mode);
}

}}  // namespace kernels::ONNX_BRIDGE_REGION
#else
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

namespace test {

typedef std::ptrdiff_t Size;
typedef std::vector<float> Floats;
enum Way { largest, average, average_padded, lp };  // lp + p

struct Axis {
   Size in, out, kernel, stride, dilation, pad, pad_end;
};

struct Resize {
   Size in, out;
   float scale;
   int coordinates, mode, nearest;
   bool exclude_outside;
};

}  // namespace test

#define ONNX_BRIDGE_SELF "pool_test.cpp"
#include "regions.hxx"
#undef ONNX_BRIDGE_SELF

namespace test {

struct Isa {
   const char* name;
   bool fused;
   void (*pool)(const Axis*, int, bool, Size, const float*, const float*, float*);
   void (*indices)(const Axis*, Size, bool, const float*, float*, std::int64_t*);
   void (*global)(int, bool, Size, Size, const float*, const float*, float*);
   Size (*resize)(const Resize&, Size, Size, const float*, float*, unsigned char*);
   void (*to_blocked)(Size, Size, Size, const float*, float*);
   void (*from_blocked)(Size, Size, Size, const float*, float*);
};

static std::vector<Isa> isas()
{
   std::vector<Isa> r;
#define TEST_ISA(ns, fused)                                                                                                          \
   {#ns, fused, kernels::ns::pool, kernels::ns::indices, kernels::ns::global, kernels::ns::resize, kernels::ns::to_blocked, kernels::ns::from_blocked}
#if defined(__x86_64__)
   if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
       __builtin_cpu_supports("avx512vl"))
      r.push_back(TEST_ISA(avx512, true));
   if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) r.push_back(TEST_ISA(avx2, true));
   r.push_back(TEST_ISA(baseline, false));
#else
   r.push_back(TEST_ISA(baseline, true));
#endif
   return r;
}

static int failures = 0;
static std::mt19937 engine(1);

static void expect(bool right, const char* what, const char* isa, int way, Size a, Size b, Size c)
{
   if (!right && failures++ < 20)
      std::printf("FAIL %s, %s: way %d, %d %d %d\n", what, isa, way, static_cast<int>(a), static_cast<int>(b), static_cast<int>(c));
}

static Floats random_floats(Size n)
{
   std::uniform_real_distribution<float> uniform(-1.0f, 1.0f);
   Floats r(static_cast<std::size_t>(n));
   for (float& x : r) x = uniform(engine);
   return r;
}

static Size up16(Size n) { return (n + 15) / 16 * 16; }

static bool same_bits(const Floats& a, const Floats& b)
{
   return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0);
}

static bool close(const Floats& a, const std::vector<double>& b, double tolerance)
{
   bool right = a.size() == b.size();
   for (std::size_t i = 0; right && i < a.size(); i++)
      right = static_cast<double>(a[i]) == b[i] || std::fabs(static_cast<double>(a[i]) - b[i]) <= tolerance * (1.0 + std::fabs(b[i]));
   return right;
}

static bool channels_beyond_are_zero(const float* blocked, Size channels, Size pixels)
{
   for (Size i = 0; i < up16(channels) * pixels; i++) {
      std::uint32_t bits;
      std::memcpy(&bits, blocked + i, 4);
      if (i / (pixels * 16) * 16 + i % 16 >= channels && bits != 0) return false;
   }
   return true;
}

struct Pooled {
   std::vector<double> values;
   std::vector<std::int64_t> indices[2];
};

static Pooled reference(const Axis* a, int way, Size planes, const Floats& in)
{
   Pooled r;
   for (Size plane = 0; plane < planes; plane++)
      for (Size z = 0; z < a[0].out; z++)
         for (Size y = 0; y < a[1].out; y++)
            for (Size x = 0; x < a[2].out; x++) {
               double most = -std::numeric_limits<double>::infinity(), sum = 0;
               Size inside = 0, counted = 0, where[2] = {-1, -1};
               for (Size i = 0; i < a[0].kernel; i++)
                  for (Size j = 0; j < a[1].kernel; j++)
                     for (Size k = 0; k < a[2].kernel; k++) {
                        const Size at[3] = {z * a[0].stride - a[0].pad + i * a[0].dilation, y * a[1].stride - a[1].pad + j * a[1].dilation,
                                            x * a[2].stride - a[2].pad + k * a[2].dilation};
                        bool exists = true, padded = true;
                        for (int d = 0; d < 3; d++) {
                           exists = exists && at[d] >= 0 && at[d] < a[d].in;
                           padded = padded && at[d] < a[d].in + a[d].pad_end;
                        }
                        counted += padded;
                        if (!exists) continue;
                        inside++;
                        const Size place = (at[0] * a[1].in + at[1]) * a[2].in + at[2], plane_size = a[0].in * a[1].in * a[2].in;
                        const double value = static_cast<double>(in[static_cast<std::size_t>(plane * plane_size + place)]);
                        if (value > most) {
                           most = value;
                           where[0] = plane * plane_size + place;
                           where[1] = plane * plane_size + (at[2] * a[1].in + at[1]) * a[0].in + at[0];
                        }
                        sum += way >= lp ? std::pow(std::fabs(value), way - lp) : value;
                     }
               r.values.push_back(way == largest          ? most
                                  : way == average        ? sum / static_cast<double>(inside)
                                  : way == average_padded ? sum / static_cast<double>(counted)
                                                          : std::pow(sum, 1.0 / (way - lp)));
               for (int order = 0; order < 2; order++) r.indices[order].push_back(where[order]);
            }
   return r;
}

static void check_pool(const Axis* a, Size channels)
{
   const Size in_pixels = a[0].in * a[1].in * a[2].in, out_pixels = a[0].out * a[1].out * a[2].out;
   const Floats in = random_floats(channels * in_pixels);
   Floats offset = random_floats(channels);
   offset.resize(static_cast<std::size_t>(up16(channels)));
   for (int way : {static_cast<int>(largest), static_cast<int>(average), static_cast<int>(average_padded), lp + 1, lp + 2, lp + 3}) {
      const Pooled expected = reference(a, way, channels, in);
      Floats first;
      for (const Isa& isa : isas()) {
         Floats blocked(static_cast<std::size_t>(up16(channels) * in_pixels) + 1, NAN), out(static_cast<std::size_t>(up16(channels) * out_pixels) + 3, NAN);
         Floats planar(expected.values.size()), unblocked(planar.size()), probed(planar.size());
         isa.to_blocked(1, channels, in_pixels, in.data(), blocked.data() + 1);
         isa.pool(a, way, false, channels, nullptr, in.data(), planar.data());
         isa.pool(a, way, true, channels, nullptr, blocked.data() + 1, out.data() + 3);
         expect(channels_beyond_are_zero(out.data() + 3, channels, out_pixels), "channels beyond", isa.name, way, a[2].in, a[2].kernel, a[2].stride);
         isa.from_blocked(1, channels, out_pixels, out.data() + 3, unblocked.data());
         expect(close(planar, expected.values, 1e-6), "pool", isa.name, way, a[2].in, a[2].kernel, a[2].stride);
         expect(same_bits(planar, unblocked), "pool blocked", isa.name, way, a[2].in, a[2].kernel, a[2].stride);
         isa.pool(a, way, true, channels, offset.data(), blocked.data() + 1, out.data() + 3);
         expect(channels_beyond_are_zero(out.data() + 3, channels, out_pixels), "channels beyond", isa.name, way, a[2].in, a[2].kernel, a[2].stride);
         isa.from_blocked(1, channels, out_pixels, out.data() + 3, probed.data());
         for (Size c = 0; c < channels; c++)
            for (Size i = 0; i < out_pixels; i++)
               planar[static_cast<std::size_t>(c * out_pixels + i)] += offset[static_cast<std::size_t>(c)] + 0.0f;
         for (Size i = 0; i < channels * out_pixels; i++) planar[static_cast<std::size_t>(i)] += static_cast<float>(i % out_pixels + 1);
         expect(same_bits(planar, probed), "pool epilogue", isa.name, way, a[2].in, a[2].kernel, a[2].stride);
         if (isa.fused && first.empty()) first = unblocked;
         expect(!isa.fused || same_bits(first, unblocked), "bits of a pool", isa.name, way, a[2].in, a[2].kernel, a[2].stride);
         if (way != largest) continue;
         for (int order = 0; order < 2; order++) {
            std::vector<std::int64_t> where(expected.values.size());
            Floats values(where.size());
            isa.indices(a, channels, order == 1, in.data(), values.data(), where.data());
            expect(close(values, expected.values, 0) && where == expected.indices[order], "pool indices", isa.name, order, a[2].in, a[2].kernel, a[2].stride);
         }
      }
   }
}

/// A chain of each `block` terms from +0, chains added in order.
static float chains(const float* terms, Size n, Size block)
{
   float total = 0;
   for (Size i = 0; i < n; i += block) {
      float chain = 0;
      for (Size j = i; j < i + block && j < n; j++) chain += terms[j];
      total = i == 0 ? chain : total + chain;
   }
   return total;
}

/// Windows of more than 256 inputs: 12 rows of 20 a chain, 256 columns of 600 a chain; global averages: 256 pixels a chain.
static void check_order()
{
   const Axis one = {1, 1, 1, 1, 1, 0, 0};
   const Axis square[3] = {one, {20, 1, 20, 1, 1, 0, 0}, {20, 1, 20, 1, 1, 0, 0}}, line[3] = {one, one, {600, 1, 600, 1, 1, 0, 0}};
   Floats blocked(600 * 16), out(16), none(16);
   for (int trial = 0; trial < 50; trial++) {  // one alone may round to the same float in another order
      const Floats in = random_floats(600);
      for (const Isa& isa : isas()) {
         isa.pool(square, average, false, 1, nullptr, in.data(), out.data());
         expect(out[0] == chains(in.data(), 400, 240) / 400.0f, "order of a square", isa.name, 0, trial, 0, 0);
         isa.pool(line, average, false, 1, nullptr, in.data(), out.data());
         expect(out[0] == chains(in.data(), 600, 256) / 600.0f, "order of a line", isa.name, 0, trial, 0, 0);
         isa.to_blocked(1, 1, 600, in.data(), blocked.data());
         isa.global(average, true, 1, 600, none.data(), blocked.data(), out.data());
         expect(out[0] == chains(in.data(), 600, 256) / 600.0f + 0.0f + 1.0f, "order of a global average", isa.name, 0, trial, 0, 0);
      }
   }
}

static void check_nan()
{
   const float nan = NAN;
   const Axis a[3] = {{1, 1, 1, 1, 1, 0, 0}, {1, 1, 1, 1, 1, 0, 0}, {6, 5, 2, 1, 1, 0, 0}};
   const Floats in = {1, 2, nan, 3, 4, -INFINITY}, expected = {2, nan, 3, 4, 4}, first = {2, 2, nan, 4, 4};
   for (const Isa& isa : isas()) {
      Floats out(5), values(5);
      std::vector<std::int64_t> where(5);
      isa.pool(a, largest, false, 1, nullptr, in.data(), out.data());
      isa.indices(a, 1, false, in.data(), values.data(), where.data());
      for (std::size_t i = 0; i < 5; i++) {
         expect(std::isnan(out[i]) ? std::isnan(expected[i]) : out[i] == expected[i], "NaN in a maximum", isa.name, 0, static_cast<Size>(i), 0, 0);
         expect(std::isnan(values[i]) ? std::isnan(first[i]) : values[i] == first[i], "NaN and index", isa.name, 0, static_cast<Size>(i), 0, 0);
      }
      const Axis empty[3] = {a[0], a[1], {0, 2, 2, 1, 1, 1, 1}};
      isa.pool(empty, largest, false, 1, nullptr, in.data(), out.data());
      expect(out[0] == -INFINITY && out[1] == -INFINITY, "window of padding", isa.name, 0, 0, 0, 0);
   }
}

static void check_global(Size channels, Size pixels)
{
   const Floats in = random_floats(channels * pixels);
   Floats offset = random_floats(channels);
   offset.resize(static_cast<std::size_t>(up16(channels)));
   for (int way : {largest, average}) {
      std::vector<double> expected, probed;
      Floats first[2];
      for (Size c = 0; c < channels; c++) {
         double sum = 0, most = -std::numeric_limits<double>::infinity();
         for (Size i = 0; i < pixels; i++) {
            const double x = static_cast<double>(in[static_cast<std::size_t>(c * pixels + i)]);
            sum += x;
            most = std::max(most, x);
         }
         expected.push_back(way == largest ? most : sum / static_cast<double>(pixels));
         probed.push_back(expected.back() + static_cast<double>(offset[static_cast<std::size_t>(c)]) + 1.0);
      }
      for (const Isa& isa : isas()) {
         Floats blocked(static_cast<std::size_t>(up16(channels) * pixels) + 1), out(static_cast<std::size_t>(up16(channels)), NAN);
         Floats planar(static_cast<std::size_t>(channels));
         isa.to_blocked(1, channels, pixels, in.data(), blocked.data() + 1);
         isa.global(way, true, channels, pixels, offset.data(), blocked.data() + 1, out.data());
         isa.global(way, false, channels, pixels, nullptr, in.data(), planar.data());
         expect(channels_beyond_are_zero(out.data(), channels, 1), "channels beyond", isa.name, way, channels, pixels, 0);
         out.resize(static_cast<std::size_t>(channels));
         expect(close(planar, expected, 1e-6), "global planar", isa.name, way, channels, pixels, 0);
         expect(close(out, probed, 1e-6), "global blocked", isa.name, way, channels, pixels, 0);
         if (first[0].empty()) first[0] = planar;
         if (first[1].empty()) first[1] = out;
         expect(same_bits(first[0], planar) && same_bits(first[1], out), "bits of a global pool", isa.name, way, channels, pixels, 0);
      }
   }
}

/// The whole of Resize along one axis, in double, as the operator's text has it.
static std::vector<double> resized(const Resize& r, Size outer, Size inner, const Floats& in)
{
   std::vector<double> out(static_cast<std::size_t>(outer * r.out * inner));
   for (Size o = 0; o < r.out; o++) {
      const double n = static_cast<double>(r.in), m = static_cast<double>(r.out), p = static_cast<double>(o), scale = static_cast<double>(r.scale);
      const double coordinates[] = {(p + 0.5) / scale - 0.5,
                                    n / 2 * (1 - m / (scale * n)) + (p + 0.5) / scale - 0.5,
                                    r.out > 1 ? (p + 0.5) / scale - 0.5 : 0.0,
                                    r.out == 1 ? 0.0 : p * (n - 1) / (m - 1),
                                    p / scale,
                                    (p + 0.5) / scale,
                                    r.out > 1 ? 0.2 * (n - 1) + p * 0.9 * (n - 1) / (m - 1) : 0.65 * (n - 1)};
      const double x = r.scale == 1.0f ? p : coordinates[r.coordinates];
      const bool outside = r.coordinates == 6 && (x < 0 || x > n - 1);
      double weights[4] = {1, 0, 0, 0};
      double at[4] = {0, 0, 0, 0};
      const double below = std::floor(x);
      if (r.mode == 0) {
         const double rounded[] = {std::ceil(x - 0.5), std::floor(x + 0.5), below, std::ceil(x), scale < 1 ? std::ceil(x) : std::trunc(x)};
         at[0] = rounded[r.nearest];
      } else if (r.mode == 1) {
         const double clamped = std::min(std::max(x, 0.0), n - 1);
         at[0] = std::floor(clamped);
         at[1] = at[0] + 1;
         weights[1] = clamped - at[0];
         weights[0] = 1 - weights[1];
      } else {
         double sum = 0;
         for (int k = 0; k < 4; k++) {
            at[k] = below - 1 + k;
            const double d = std::fabs(x - at[k]), a = -0.75;
            weights[k] = d <= 1 ? ((a + 2) * d - (a + 3)) * d * d + 1 : ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
            if (r.exclude_outside && (at[k] < 0 || at[k] >= n)) weights[k] = 0;
            sum += weights[k];
         }
         if (r.exclude_outside)
            for (double& w : weights) w /= sum;
      }
      for (Size i = 0; i < outer; i++)
         for (Size j = 0; j < inner; j++) {
            double sum = 0;
            for (int k = 0; k < 4; k++) {
               const Size from = static_cast<Size>(std::min(std::max(at[k], 0.0), n - 1));
               if (weights[k] != 0) sum += weights[k] * static_cast<double>(in[static_cast<std::size_t>((i * r.in + from) * inner + j)]);
            }
            out[static_cast<std::size_t>((i * r.out + o) * inner + j)] = outside ? 9.0 : sum;
         }
   }
   return out;
}

static void check_resize(const Resize& r, Size outer, Size inner)
{
   const Floats in = random_floats(outer * r.in * inner);
   const std::vector<double> expected = resized(r, outer, inner, in);
   Floats first;
   for (const Isa& isa : isas()) {
      Floats out(expected.size());
      std::vector<unsigned char> outside(static_cast<std::size_t>(r.out));
      isa.resize(r, outer, inner, in.data(), out.data(), outside.data());
      expect(close(out, expected, 1e-5), "resize", isa.name, r.mode * 100 + r.coordinates * 10 + r.nearest, r.in, r.out, inner);
      if (first.empty()) first = out;
      expect(!isa.fused || same_bits(first, out), "bits of a resize", isa.name, r.mode * 100 + r.coordinates * 10, r.in, r.out, inner);
   }
}

static Axis axis(Size in, Size kernel, Size stride, Size dilation, Size pad, Size pad_end, bool ceil)
{
   const Size room = in + pad + pad_end - (kernel - 1) * dilation - 1;
   Size out = (room + (ceil ? stride - 1 : 0)) / stride + 1;
   if (ceil && (out - 1) * stride >= in + pad) out--;
   return {in, out, kernel, stride, dilation, pad, pad_end};
}

}  // namespace test

int main()
{
   using namespace test;
   const Axis one = {1, 1, 1, 1, 1, 0, 0};
   for (Size channels : {3, 16, 37})
      for (Size stride : {1, 2, 3}) {
         const Axis two[3] = {one, axis(9, 3, stride, 1, 1, 1, false), axis(14, 3, stride, 1, 1, 0, false)};
         const Axis even[3] = {one, axis(6, 2, stride, 1, 0, 0, true), axis(9, 2, stride, 1, 0, 1, true)};
         const Axis dilated[3] = {one, axis(11, 3, stride, 2, 2, 1, true), axis(13, 4, stride, 3, 3, 3, false)};
         const Axis three[3] = {axis(4, 2, stride, 1, 1, 0, true), axis(5, 3, stride, 1, 1, 1, false), axis(6, 2, 1, 1, 0, 0, false)};
         const Axis line[3] = {one, one, axis(31, 5, stride, 1, 2, 2, true)};
         for (const Axis* a : {two, even, dilated, three, line}) check_pool(a, channels);
      }
   const Axis wide[3] = {one, axis(20, 20, 1, 1, 0, 0, false), axis(20, 20, 1, 1, 0, 0, false)};
   const Axis long_line[3] = {one, one, axis(700, 600, 50, 1, 20, 20, false)};
   check_pool(wide, 2);
   check_pool(long_line, 2);
   check_order();
   check_nan();
   for (Size channels : {1, 16, 37, 130})
      for (Size pixels : {1, 7, 31, 32, 49, 256, 257, 1000}) check_global(channels, pixels);

   for (int coordinates = 0; coordinates < 7; coordinates++)
      for (Size in : {1, 5, 8})
         for (Size out : {1, 3, 8, 16})
            for (Size inner : {1, 7, 16, 35}) {
               const float scale = static_cast<float>(out) / static_cast<float>(in);
               // Powers of two only, where a nearest position is decided by the last bit of the coordinate.
               const bool sharp = (in == 8 || in == 1) && (out == 8 || out == 16 || out == 1) && coordinates != 3 && coordinates != 6;
               for (int nearest = 0; nearest < 5 && sharp; nearest++) check_resize({in, out, scale, coordinates, 0, nearest, false}, 3, inner);
               check_resize({in, out, scale, coordinates, 1, 0, false}, 3, inner);
               for (bool exclude : {false, true}) check_resize({in, out, scale, coordinates, 2, 0, exclude}, 3, inner);
            }
   if (failures) std::printf("%d failures\n", failures);
   return failures != 0;
}
#endif
