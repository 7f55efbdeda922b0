// kernels: deform_conv.hxx fourier.hxx grid_sample.hxx max_roi_pool.hxx max_unpool.hxx roi_align.hxx tensor_scatter.hxx
// region: places_region.hxx
//
// Kernels whose data says where they read and write: any data, in memory of exactly the promised size. And Fourier transforms against the
// sums that they are, alone and among others.
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <memory>
#include <vector>

using Floats = std::vector<float>;
using Size = std::ptrdiff_t;

static int failures = 0;
static std::uint32_t seed = 1;
static Size draw(Size low, Size high)
{
   seed = seed * 1664525u + 1013904223u;
   return low + static_cast<Size>(seed >> 8) % (high - low + 1);
}

/// A number that data may hold: mostly near the image, else anything.
static float anything()
{
   static const float hostile[] = {0.f, -0.f, 1.f, -1.f, 1e9f, -1e9f, 2147483648.f, -2147483648.f, 9.3e18f, -9.3e18f, 3.4e38f, -3.4e38f, 1e-40f};
   switch (draw(0, 9)) {
   case 0: return std::numeric_limits<float>::quiet_NaN();
   case 1: return draw(0, 1) == 1 ? std::numeric_limits<float>::infinity() : -std::numeric_limits<float>::infinity();
   case 2: return hostile[draw(0, 12)];
   default: return static_cast<float>(draw(-4000, 4000)) * 0.003f;
   }
}
static std::int64_t any_index()
{
   static const std::int64_t hostile[] = {std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max(), -1, 1ll << 40};
   return draw(0, 4) == 0 ? hostile[draw(0, 3)] : draw(-3, 12);
}
static Floats numbers(Size count, bool hostile)
{
   Floats made(static_cast<std::size_t>(count));
   for (float& x : made) x = hostile ? anything() : static_cast<float>(draw(0, 1000)) * 0.001f;
   return made;
}
static std::vector<std::int64_t> indices(Size count)
{
   std::vector<std::int64_t> made(static_cast<std::size_t>(count));
   for (std::int64_t& x : made) x = any_index();
   return made;
}
/// Every element was written: pixels are from 0 to 1, and outputs begin as another number.
static void check(const char* what, const char* isa, const Floats& y, float low, float high)
{
   for (const float x : y)
      if (!(x >= low && x <= high) && ++failures < 20) std::printf("%s %s: %g\n", isa, what, static_cast<double>(x));
}

template <class Body>
static void test(const char* isa, Body body)
{
   for (int turn = 0; turn < 600; turn++) {
      const Size sizes[3] = {draw(turn % 50 == 0 ? 0 : 1, 3), draw(1, 5), draw(1, 6)}, flat[3] = {1, sizes[1], sizes[2]};
      const Size images = draw(0, 2), channels = draw(1, 3), count = draw(0, 19), h = sizes[1], w = sizes[2];
      const Floats deep = numbers(images * channels * sizes[0] * h * w, false), x = numbers(images * channels * h * w, false);
      const int mode = static_cast<int>(draw(0, 2)), padding = static_cast<int>(draw(0, 2));
      const float slack = mode == 2 ? 4.f : 1e-5f;  // cubic weights are negative, too
      Floats y(static_cast<std::size_t>(images * channels * count), 99.f), z = y;
      body.sample2(mode, padding, turn % 2 == 0, images, channels, flat, count, x.data(), numbers(images * count * 2, true).data(), y.data());
      body.sample3(mode, padding, turn % 2 == 0, images, channels, sizes, count, deep.data(), numbers(images * count * 3, true).data(), z.data());
      check("grid_sample", isa, y, -slack, 1.f + slack);
      check("grid_sample in space", isa, z, -slack, 1.f + slack);

      Floats r(static_cast<std::size_t>(count * channels * 6), 99.f), s = r;
      body.regions(turn % 3 == 0, images, channels, h, w, count, draw(0, 3), turn % 2 == 0, x.data(), numbers(count * 4, true).data(),
                   indices(count).data(), r.data());
      body.pooled(images, channels, h, w, count, x.data(), numbers(count * 5, true).data(), s.data());
      check("roi_align", isa, r, -1e-5f, 1.f + 1e-5f);
      check("max_roi_pool", isa, s, 0.f, 1.f);

      const Size oh = h + 1, ow = w + 2 > 4 ? w - 2 : 0, groups = draw(1, 2), moved = draw(1, 2), in = channels * 2, outs = 2 * groups;
      const Floats image = numbers(images * in * h * w, false), weights = numbers(outs * (in / groups) * 6, false);
      const Floats mask = numbers(images * moved * 6 * oh * ow, false), offset = numbers(images * moved * 12 * oh * ow, true);
      Floats d(static_cast<std::size_t>(images * outs * oh * ow), 99.f);
      const std::unique_ptr<char, void (*)(void*)> work(static_cast<char*>(std::aligned_alloc(64, static_cast<std::size_t>(in * 6 * 32 * 4))), std::free);
      body.deformed(images, in, outs, groups, moved, h, w, oh, ow, image.data(), weights.data(), offset.data(), mask.data(), work.get(), d.data());
      check("deform_conv", isa, d, -1e-5f, 80.f);

      Floats u(static_cast<std::size_t>(draw(0, 12)), 99.f), cache = numbers(images * channels * h * w, false), c(cache.size(), 99.f);
      body.unpooled(count, static_cast<Size>(u.size()), numbers(count, false).data(), indices(count).data(), u.data());
      const Size rows = draw(0, h + 2);
      body.scattered(images, channels, h, rows, w, turn % 2 == 0, cache.data(), numbers(images * channels * rows * w, false).data(),
                     indices(images).data(), c.data());
      check("max_unpool", isa, u, 0.f, 1.f);
      check("tensor_scatter", isa, c, 0.f, 1.f);
   }
   for (const Size n : {1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 15, 16, 20, 27, 30, 31, 32, 37, 49, 60, 74, 97, 121, 128, 211, 360, 1009}) {
      const Size m = body.size(n), count = 9;
      std::vector<double> x(static_cast<std::size_t>(count * n * 2)), y(x.size()), alone(static_cast<std::size_t>(n * 2));
      for (double& value : x) value = static_cast<double>(draw(-1000, 1000)) * 0.001;
      std::vector<double> tables(static_cast<std::size_t>(m == n ? 2 * n : 4 * m + 2 * n));
      const std::unique_ptr<char, void (*)(void*)> work(static_cast<char*>(std::aligned_alloc(64, static_cast<std::size_t>(256 * m))), std::free);
      body.transformed(count, n, n % 2 == 0, tables.data(), work.get(), x.data(), y.data());
      for (Size k = 0; k < n; k++) {  // of the last one
         double re = 0, im = 0;
         for (Size j = 0; j < n; j++) {
            const double angle = (n % 2 == 0 ? 2 : -2) * 3.14159265358979323846 * static_cast<double>(j * k % n) / static_cast<double>(n);
            const double *const a = x.data() + ((count - 1) * n + j) * 2, c = std::cos(angle), s = std::sin(angle);
            re += a[0] * c - a[1] * s;
            im += a[0] * s + a[1] * c;
         }
         const double by = n % 2 == 0 ? 1.0 / static_cast<double>(n) : 1.0, *const b = y.data() + ((count - 1) * n + k) * 2;
         if ((std::fabs(re * by - b[0]) > 1e-11 || std::fabs(im * by - b[1]) > 1e-11) && ++failures < 20)
            std::printf("%s transform of %td: %g %g\n", isa, n, re * by - b[0], im * by - b[1]);
      }
      body.transformed(1, n, n % 2 == 0, tables.data(), work.get(), x.data() + (count - 1) * n * 2, alone.data());
      if (std::memcmp(alone.data(), y.data() + (count - 1) * n * 2, alone.size() * sizeof(double)) != 0 && ++failures < 20)
         std::printf("%s transform of %td has other bits alone\n", isa, n);
   }
}

#define BODY(isa) \
   struct { \
      decltype(&isa::sample<2>) sample2; \
      decltype(&isa::sample<3>) sample3; \
      decltype(&isa::regions) regions; \
      decltype(&isa::pooled) pooled; \
      decltype(&isa::deformed) deformed; \
      decltype(&isa::unpooled) unpooled; \
      decltype(&isa::scattered) scattered; \
      decltype(&isa::transform_size) size; \
      decltype(&isa::transformed) transformed; \
   } body = {isa::sample<2>, isa::sample<3>, isa::regions, isa::pooled, isa::deformed, isa::unpooled, isa::scattered, isa::transform_size, isa::transformed}; \
   test(#isa, body)

int main()
{
#if defined(__x86_64__)
   if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
       __builtin_cpu_supports("avx512vl")) {
      BODY(kernels::avx512);
   }
   if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
      BODY(kernels::avx2);
   }
#endif
   BODY(kernels::baseline);
   return failures != 0;
}
