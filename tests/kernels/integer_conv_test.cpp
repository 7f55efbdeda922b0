// kernels: integer_conv.hxx
// region: integer_conv_region.hxx
#include "checks.hxx"

static int below(int n) { return static_cast<int>(bytes<std::uint8_t>(1)[0]) % n; }

template <class Numbers, class A, class B, class Convolve>
static void test(const char* body, Convolve convolve)
{
   for (int round = 0; round < 60; round++) {
      Numbers s;
      for (int i = 0; i < 3; i++) {
         s.in[i] = i == 0 && round % 3 ? 1 : 1 + below(9);
         s.kernel[i] = 1 + below(static_cast<int>(std::min<Length>(s.in[i], 3)));
         s.stride[i] = 1 + below(2);
         s.dilation[i] = s.kernel[i] > 1 && round % 4 == 0 ? 1 + below(2) : 1;
         s.pad[i] = below(3);
         const Length room = s.in[i] + 2 * s.pad[i] - (s.kernel[i] - 1) * s.dilation[i] - 1;
         s.out[i] = room < 0 ? 0 : room / s.stride[i] + 1;
      }
      const int groups = round % 3 == 0 ? 1 : 1 + below(20), channels = groups * (round % 5 ? 1 + below(6) : 1), outputs = groups * (round % 5 ? 1 + below(19) : 1);
      const bool last = round % 2 != 0;
      const Length c = channels / groups, o = outputs / groups, taps = s.kernel[0] * s.kernel[1] * s.kernel[2];
      const Length in = s.in[0] * s.in[1] * s.in[2], out = s.out[0] * s.out[1] * s.out[2];
      const std::vector<A> x = bytes<A>(channels * in), x_zero = bytes<A>(1);
      const std::vector<B> w = bytes<B>(outputs * c * taps), w_zero = bytes<B>(outputs);
      std::vector<std::int32_t> bias(static_cast<std::size_t>(outputs), 77), y(static_cast<std::size_t>(outputs * out), -1);
      convolve(s, channels, outputs, groups, last, x.data(), x_zero.data(), w.data(), w_zero.data(), bias.data(), y.data());
      int wrong = 0;
      Length pixel = 0;
      for (Length z = 0; z < s.out[0]; z++)
         for (Length v = 0; v < s.out[1]; v++)
            for (Length u = 0; u < s.out[2]; u++, pixel++)
               for (Length n = 0; n < outputs; n++) {
                  std::int32_t sum = 77;
                  for (Length k = 0; k < c * taps; k++) {
                     const Length t = k % taps, ch = n / o * c + k / taps;
                     const Length iz = z * s.stride[0] - s.pad[0] + t / (s.kernel[1] * s.kernel[2]) * s.dilation[0];
                     const Length iy = v * s.stride[1] - s.pad[1] + t / s.kernel[2] % s.kernel[1] * s.dilation[1];
                     const Length ix = u * s.stride[2] - s.pad[2] + t % s.kernel[2] * s.dilation[2];
                     if (iz < 0 || iz >= s.in[0] || iy < 0 || iy >= s.in[1] || ix < 0 || ix >= s.in[2]) continue;
                     const Length at = (iz * s.in[1] + iy) * s.in[2] + ix;
                     sum += (x[static_cast<std::size_t>(last ? at * channels + ch : ch * in + at)] - x_zero[0]) *
                            (w[static_cast<std::size_t>(n * c * taps + k)] - w_zero[static_cast<std::size_t>(n)]);
                  }
                  wrong += sum != y[static_cast<std::size_t>(last ? pixel * outputs + n : n * out + pixel)];
               }
      CHECK(wrong == 0, "%s: %d of %d numbers are wrong in round %d", body, wrong, int(outputs * out), round);
   }
}

#define BODY(name) \
   test<name::Numbers, std::uint8_t, std::int8_t>(#name, name::convolve<std::uint8_t, std::int8_t>); \
   test<name::Numbers, std::int8_t, std::uint8_t>(#name, name::convolve<std::int8_t, std::uint8_t>)

int main()
{
   BODY(baseline);
   if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
      BODY(avx2);
   }
   if (has_avx512) {
      BODY(avx512);
   }
   if (has_avx512 && __builtin_cpu_supports("avx512vnni")) {
      BODY(avx512_vnni);
   }
   return failures != 0;
}
