// kernels: col2im.hxx
//
// col2im against the sum that each pixel is, bit for bit: on each instruction set, in memory of exactly the promised size.
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <vector>

using Floats = std::vector<float>;
using Size = std::ptrdiff_t;

static int failures = 0;
static std::uint32_t seed = 1;
static Size random_size(Size low, Size high)
{
   seed = seed * 1664525u + 1013904223u;
   return low + static_cast<Size>(seed >> 8) % (high - low + 1);
}

/// The place from which an element of the block falls on a pixel, or -1.
template <class Axis>
static Size place_of(const Axis& axis, Size pixel, Size element)
{
   const Size from = pixel - element * axis.dilation + axis.begin;
   return from < 0 || from % axis.stride != 0 || from / axis.stride >= axis.count ? -1 : from / axis.stride;
}

template <class Axis, class Function>
static void test(const char* isa, Function col2im)
{
   for (int turn = 0; turn < 300; turn++) {
      Axis axes[3];
      for (Axis& axis : axes) {
         axis = {1, random_size(1, 3), 0, random_size(1, 3), random_size(1, 3), random_size(0, 2)};
         axis.image = random_size(turn % 20 == 0 ? 0 : 1, 9);
         axis.count = random_size(turn % 30 == 0 ? 0 : 1, 6);
      }
      const Axis &a = axes[0], &b = axes[1], &c = axes[2];
      const Size images = random_size(0, 3), pixels = a.image * b.image * c.image, places = a.count * b.count * c.count;
      Floats x(static_cast<std::size_t>(images * a.block * b.block * c.block * places));
      for (float& value : x) value = static_cast<float>(random_size(-1000, 1000)) * 0.37f;
      Floats y(static_cast<std::size_t>(images * pixels), 99.f), expected(y.size());
      for (Size i = 0; i < images * pixels; i++) {
         const Size image = i / pixels, at[3] = {i % pixels / (b.image * c.image), i / c.image % b.image, i % c.image};
         float sum = 0.f;
         for (Size k = 0; k < a.block * b.block * c.block; k++) {
            const Size element[3] = {k / (b.block * c.block), k / c.block % b.block, k % c.block};
            Size place = 0;
            for (int axis = 0; axis < 3 && place >= 0; axis++) {
               const Size one = place_of(axes[axis], at[axis], element[axis]);
               place = one < 0 ? -1 : place * axes[axis].count + one;
            }
            if (place >= 0) sum += x[static_cast<std::size_t>((image * a.block * b.block * c.block + k) * places + place)];
         }
         expected[static_cast<std::size_t>(i)] = sum;
      }
      col2im(images, a, b, c, x.data(), y.data());
      if (!y.empty() && std::memcmp(y.data(), expected.data(), y.size() * sizeof(float)) != 0 && ++failures < 20)
         std::printf("%s: turn %d is wrong\n", isa, turn);
   }
}

int main()
{
#if defined(__x86_64__)
   if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
       __builtin_cpu_supports("avx512vl"))
      test<kernels::avx512::Col2ImAxis>("avx512", kernels::avx512::col2im<float>);
   if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) test<kernels::avx2::Col2ImAxis>("avx2", kernels::avx2::col2im<float>);
#endif
   test<kernels::baseline::Col2ImAxis>("baseline", kernels::baseline::col2im<float>);
   return failures != 0;
}
