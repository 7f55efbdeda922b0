// kernels: conv_any.hxx
//
// conv_any and conv_transposed_any against the sums that they are, in double, in memory of exactly the promised size; and the same bits
// on every instruction set that has fma.
#include <cmath>
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
static Floats random_floats(Size count)
{
   Floats made(static_cast<std::size_t>(count));
   for (float& value : made) value = static_cast<float>(random_size(-1000, 1000)) * 0.00137f;
   return made;
}

struct Layer {
   Size in[3], out[3], kernel[3], stride[3], dilation[3], pad[3], groups, c, o;
   bool transposed;
   Floats x, weights, bias;
};
static Size product(const Size (&a)[3]) { return a[0] * a[1] * a[2]; }

static Layer drawn(int turn)
{
   Layer l = {};
   l.transposed = turn % 2 != 0;
   for (int i = 0; i < 3; i++) {
      l.kernel[i] = random_size(turn % 40 == 7 ? 0 : 1, 3);
      l.stride[i] = random_size(1, 3);
      l.dilation[i] = random_size(1, 2);
      l.pad[i] = random_size(-1, 2);
      l.in[i] = random_size(turn % 30 == 5 ? 0 : 1, i == 2 ? 20 : 5);
      l.out[i] = random_size(turn % 30 == 9 ? 0 : 1, i == 2 ? 20 : 5);
   }
   l.groups = random_size(1, 3);
   l.c = random_size(turn % 50 == 11 ? 0 : 1, turn % 10 == 0 ? 40 : 5);
   l.o = random_size(turn % 50 == 13 ? 0 : 1, 5);
   l.x = random_floats(l.groups * l.c * product(l.in));
   l.weights = random_floats(l.groups * l.c * l.o * product(l.kernel));
   l.bias = random_floats(l.groups * l.o);
   return l;
}

/// The sum that each output is, and of the magnitudes of its terms.
static void expect(const Layer& l, bool biased, std::vector<double>& sums, std::vector<double>& sizes)
{
   const Size pixels = product(l.out), taps = product(l.kernel);
   for (Size i = 0; i < l.groups * l.o * pixels; i++) {
      const Size channel = i / pixels, group = channel / l.o, at[3] = {i % pixels / (l.out[1] * l.out[2]), i / l.out[2] % l.out[1], i % l.out[2]};
      double sum = biased ? static_cast<double>(l.bias[static_cast<std::size_t>(channel)]) : 0, size = std::abs(sum);
      for (Size k = 0; k < taps; k++) {
         const Size tap[3] = {k / (l.kernel[1] * l.kernel[2]), k / l.kernel[2] % l.kernel[1], k % l.kernel[2]};
         Size place = 0;
         for (int d = 0; d < 3 && place >= 0; d++) {
            Size from = l.transposed ? at[d] + l.pad[d] - tap[d] * l.dilation[d] : at[d] * l.stride[d] - l.pad[d] + tap[d] * l.dilation[d];
            if (l.transposed) from = from < 0 || from % l.stride[d] != 0 ? -1 : from / l.stride[d];
            place = from < 0 || from >= l.in[d] ? -1 : place * l.in[d] + from;
         }
         for (Size c = 0; c < l.c && place >= 0; c++) {
            const Size w = l.transposed ? ((group * l.c + c) * l.o + channel % l.o) * taps + k : (channel * l.c + c) * taps + k;
            const double term = static_cast<double>(l.weights[static_cast<std::size_t>(w)]) *
                                static_cast<double>(l.x[static_cast<std::size_t>((group * l.c + c) * product(l.in) + place)]);
            sum += term;
            size += std::abs(term);
         }
      }
      sums.push_back(sum);
      sizes.push_back(size);
   }
}

template <class Window, class Scratch, class Function>
static Floats run(const Layer& l, bool biased, Scratch scratch, Function function)
{
   Window w = {};
   decltype(w.depth)* const axes[3] = {&w.depth, &w.height, &w.width};
   for (int i = 0; i < 3; i++) *axes[i] = {l.in[i], l.out[i], l.kernel[i], l.stride[i], l.dilation[i], l.pad[i]};
   Floats y(static_cast<std::size_t>(l.groups * l.o * product(l.out)), 99.f);
   Floats room(static_cast<std::size_t>(scratch(w, l.groups, l.groups * l.c, l.groups * l.o)), 77.f);
   function(w, l.groups, l.groups * l.c, l.groups * l.o, l.x.data(), l.weights.data(), biased ? l.bias.data() : nullptr, y.data(), room.data());
   return y;
}

#define RUN(isa, l, biased) \
   (l.transposed ? run<kernels::isa::Window>(l, biased, kernels::isa::conv_transposed_any_scratch, kernels::isa::conv_transposed_any) \
                 : run<kernels::isa::Window>(l, biased, kernels::isa::conv_any_scratch, kernels::isa::conv_any))

int main()
{
   for (int turn = 0; turn < 400; turn++) {
      const Layer l = drawn(turn);
      const bool biased = turn % 3 != 0;
      std::vector<double> sums, sizes;
      expect(l, biased, sums, sizes);
      std::vector<Floats> fused;
      std::vector<Floats> all = {RUN(baseline, l, biased)};
#if defined(__x86_64__)
      if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) fused.push_back(RUN(avx2, l, biased));
      if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
          __builtin_cpu_supports("avx512vl"))
         fused.push_back(RUN(avx512, l, biased));
#endif
      all.insert(all.end(), fused.begin(), fused.end());
      for (const Floats& y : all)
         for (std::size_t i = 0; i < y.size(); i++)
            if (!(std::abs(static_cast<double>(y[i]) - sums[i]) <= 2e-6 * sizes[i]) && ++failures < 20)
               std::printf("turn %d, output %zu: %g instead of %g\n", turn, i, static_cast<double>(y[i]), sums[i]);
      for (const Floats& y : fused)
         if (!y.empty() && std::memcmp(y.data(), fused[0].data(), y.size() * sizeof(float)) != 0 && ++failures < 20)
            std::printf("turn %d: other bits on another instruction set\n", turn);
   }
   return failures != 0;
}
