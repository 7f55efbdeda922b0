// kernels: integer_product.hxx
// region: integer_product_region.hxx
#include "checks.hxx"

/// A, B: types of the operands. In memory of exactly the promised size.
template <class A, class B, class Product>
static void test(const char* body, Product product)
{
   for (Length m : {0, 1, 2, 5, 9, 65})
      for (Length n : {0, 1, 15, 16, 17, 40})
         for (Length k : {0, 1, 3, 4, 7, 33, 300}) {
            const std::vector<A> a = bytes<A>(m * k), a_zero = bytes<A>(1);
            const std::vector<B> w = bytes<B>(k * n), w_zero = bytes<B>(n);
            const bool transposed = (m + n + k) % 2 != 0, zeros = (n + k) % 3 != 0;
            std::vector<std::int32_t> bias(static_cast<std::size_t>(n)), y(static_cast<std::size_t>(m * n), -1);
            for (std::int32_t& v : bias) v = static_cast<std::int32_t>(bytes<std::uint8_t>(1)[0]) * 1000;
            product(m, n, k, a.data(), transposed, a_zero.data(), w.data(), zeros ? w_zero.data() : nullptr, bias.data(), y.data());
            int wrong = 0;
            for (Length i = 0; i < m; i++)
               for (Length j = 0; j < n; j++) {
                  std::int32_t sum = bias[static_cast<std::size_t>(j)];
                  for (Length t = 0; t < k; t++) {
                     const int left = a[static_cast<std::size_t>(transposed ? t * m + i : i * k + t)] - a_zero[0];
                     sum += left * (w[static_cast<std::size_t>(t * n + j)] - (zeros ? w_zero[static_cast<std::size_t>(j)] : 0));
                  }
                  wrong += sum != y[static_cast<std::size_t>(i * n + j)];
               }
            CHECK(wrong == 0, "%s: %d of [%d, %d, %d] are wrong", body, wrong, int(m), int(n), int(k));
         }
}

/// Ties, limits and what lies beyond them.
template <class Round>
static void test_rounding(const char* body, Round round)
{
   std::vector<std::int32_t> sums;
   for (std::int32_t i = -40; i < 40; i++) sums.push_back(i);
   for (std::int32_t i : {-2147483647 - 1, 2147483647, 100000, -100000}) sums.push_back(i);
   std::vector<std::uint8_t> y(sums.size());
   round(static_cast<Length>(sums.size()), sums.data(), 0.5f, 20, y.data());
   for (std::size_t i = 0; i < sums.size(); i++) {
      const double want = std::min(255., std::max(0., std::nearbyint(sums[i] * 0.5) + 20));
      CHECK(y[i] == static_cast<int>(want), "%s: %d became %d", body, int(sums[i]), int(y[i]));
   }
}

#define BODY(name) \
   test<std::uint8_t, std::int8_t>(#name, name::products<std::uint8_t, std::int8_t>); \
   test<std::uint8_t, std::uint8_t>(#name, name::products<std::uint8_t, std::uint8_t>); \
   test<std::int8_t, std::int8_t>(#name, name::products<std::int8_t, std::int8_t>); \
   test<std::int8_t, std::uint8_t>(#name, name::products<std::int8_t, std::uint8_t>); \
   test_rounding(#name, name::rounded)

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
   unsigned eax = 7, ebx, ecx = 1, edx;
   __asm__ volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
   if (__builtin_cpu_supports("avx2") && (eax & 1u << 4)) {
      BODY(avx2_vnni);
   }
   return failures != 0;
}
