// kernels: ../../tests/kernels/gemm_drivers.hxx packing.hxx
//
// gemm, dot_rows, matmul and matmul_any against models that sum in the promised order, bit for bit: on every instruction set,
// for rows alone and in batches, at odd sizes, strides and offsets, in memory of exactly the promised size (for ASan).
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <vector>

using Floats = std::vector<float>;
using Size = std::ptrdiff_t;

static int failures = 0;
static void check(bool good, const char* isa, const char* what, Size M, Size N, Size K)
{
   if (!good && ++failures <= 40) std::printf("%s: %s: M %td N %td K %td\n", isa, what, M, N, K);
}

static std::uint32_t seed = 1;
static float number()
{
   seed = seed * 1664525u + 1013904223u;
   return static_cast<float>(static_cast<std::int32_t>(seed) >> 8) * 0x1p-23f;
}
static Floats numbers(Size n)
{
   Floats v(static_cast<std::size_t>(n));
   for (float& x : v) x = number();
   return v;
}
static bool equal_bits(const float* a, const float* b, Size n) { return n == 0 || std::memcmp(a, b, static_cast<std::size_t>(n) * 4) == 0; }

/// The processor's a * b + c: rounded once, or twice where it has no fused operation.
static float multiply_add(bool fused, float a, float b, float c)
{
   if (fused) return std::fma(a, b, c);
   volatile float product = a * b;
   return product + c;
}

/// The promised order: blocks of 256 terms from +0, added to the bias or to each other.
static float model_sum(bool fused, Size K, const float* a, Size a_step, const float* b, Size b_step, const float* bias)
{
   float total = bias ? *bias : 0.f;
   for (Size begin = 0; begin < K; begin += 256) {
      float sum = 0;
      for (Size k = begin; k < std::min(K, begin + 256); k++) sum = multiply_add(fused, a[k * a_step], b[k * b_step], sum);
      total = begin == 0 && !bias ? sum : total + sum;
   }
   return total;
}
/// The promised order of dot_rows: 32 lanes, folded by halves, a second level every 2048 terms.
static float model_dot(bool fused, Size K, const float* x, const float* w)
{
   float total[32] = {}, sum[32];
   for (Size begin = 0; begin == 0 || begin < K; begin += 2048) {
      std::fill(sum, sum + 32, 0.f);
      for (Size k = begin; k < std::min(K, begin + 2048); k++) sum[k % 32] = multiply_add(fused, x[k], w[k], sum[k % 32]);
      for (int i = 0; i < 32; i++) total[i] = K <= 2048 ? sum[i] : total[i] + sum[i];
   }
   for (int half = 16; half; half /= 2)
      for (int i = 0; i < half; i++) total[i] += total[i + half];
   return total[0];
}

static Floats pack(Size K, Size N, const Floats& W)
{
   const Size panels = (N + 15) / 16;
   Floats packed(static_cast<std::size_t>(panels * K * 16));
   for (Size k = 0; k < K; k++)
      for (Size n = 0; n < N; n++)
         packed[static_cast<std::size_t>(kernels::baseline::panels_at(K, k, n))] = W[static_cast<std::size_t>(k * N + n)];
   return packed;
}

/// The kernels of one instruction set.
struct Isa {
   const char* name;
   bool fused;
   decltype(&kernels::baseline::test_gemm) gemm;
   decltype(&kernels::baseline::test_gemm_epilogue) gemm_epilogue;
   decltype(&kernels::baseline::test_gemm_small) gemm_small;
   decltype(&kernels::baseline::test_dot_rows) dot_rows;
   decltype(&kernels::baseline::test_matmul) matmul;
   decltype(&kernels::baseline::test_matmul_epilogue) matmul_epilogue;
   void (*matmul_double)(Size, Size, Size, const double*, Size, Size, const double*, Size, Size, double*, Size);
   void (*matmul_int32)(Size, Size, Size, const std::int32_t*, Size, Size, const std::int32_t*, Size, Size, std::int32_t*, Size);
   void (*matmul_int8)(Size, Size, Size, const std::int8_t*, Size, Size, const std::int8_t*, Size, Size, std::int8_t*, Size);
   void (*matmul_uint64)(Size, Size, Size, const std::uint64_t*, Size, Size, const std::uint64_t*, Size, Size, std::uint64_t*, Size);
};
#define ISA(name, fused) \
   Isa \
   { \
      #name, fused, kernels::name::test_gemm, kernels::name::test_gemm_epilogue, kernels::name::test_gemm_small, \
          kernels::name::test_dot_rows, kernels::name::test_matmul, kernels::name::test_matmul_epilogue, \
          kernels::name::matmul_any<double>, kernels::name::matmul_any<std::int32_t>, kernels::name::matmul_any<std::int8_t>, \
          kernels::name::matmul_any<std::uint64_t> \
   }

/// Calls run(X, Y) with X[M][ldx] and Y[M][ldy] at an offset in memory that ends with their last element; returns Y without its
/// gaps. False in `clean` where something was written beyond column N.
template <class Run>
static Floats in_place(Size M, Size N, Size K, Size ldx, Size ldy, Size offset, const Floats& X, bool& clean, Run run)
{
   const float untouched = 12345.f;
   const Size x_size = M ? (M - 1) * ldx + K : 0, y_size = M ? (M - 1) * ldy + N : 0;
   Floats x(static_cast<std::size_t>(offset + x_size)), y(static_cast<std::size_t>(offset + y_size), untouched);
   for (Size m = 0; m < M; m++) std::copy_n(X.data() + m * K, K, x.data() + offset + m * ldx);
   run(x.data() + offset, y.data() + offset);
   Floats result;
   Size left = 0;
   for (Size m = 0; m < M; m++) result.insert(result.end(), y.data() + offset + m * ldy, y.data() + offset + m * ldy + N);
   for (float value : y) left += value == untouched;
   clean = left >= offset + y_size - M * N && left <= offset + y_size - M * N + std::count(result.begin(), result.end(), untouched);
   return result;
}

static void test_gemm(const Isa& isa, Size N, Size K, Size most_rows)
{
   const Floats X = numbers(most_rows * K), W = numbers(K * N), P = pack(K, N, W);
   Floats bias((static_cast<std::size_t>(N) + 15) / 16 * 16);
   std::generate_n(bias.begin(), N, number);
   for (bool biased : {false, true}) {
      const float* b = biased ? bias.data() : nullptr;
      Floats expected(static_cast<std::size_t>(most_rows * N));
      for (Size m = 0; m < most_rows; m++)
         for (Size n = 0; n < N; n++)
            expected[static_cast<std::size_t>(m * N + n)] =
                model_sum(isa.fused, K, X.data() + m * K, 1, W.data() + n, N, b ? b + n : nullptr);
      for (Size M : {0, 1, 2, 3, 4, 5, 6, 7, 13, 14, 15, 27, 28, 43}) {
         if (M > most_rows) break;
         const Size offset = (M * 5 + N) % 16, gap = M % 3;
         bool clean;
         const Floats Y = in_place(M, N, K, K + gap, N + gap, offset, X, clean,
                                   [&](const float* x, float* y) { isa.gemm(M, N, K, x, K + gap, P.data(), b, y, N + gap); });
         check(clean, isa.name, "gemm wrote beyond column N", M, N, K);
         check(equal_bits(Y.data(), expected.data(), M * N), isa.name, "gemm", M, N, K);
         bool done = true;
         const Floats S = in_place(M, N, K, K + gap, N + gap, offset, X, clean,
                                   [&](const float* x, float* y) { done = isa.gemm_small(M, N, K, x, K + gap, P.data(), b, y, N + gap); });
         check(!done || (clean && equal_bits(S.data(), expected.data(), M * N)), isa.name, "gemm of constant size", M, N, K);

         const Floats scale = numbers(N), residual = numbers(M * N);
         std::vector<int> seen(static_cast<std::size_t>(M * N));
         const Floats E = in_place(M, N, K, K, N, offset, X, clean, [&](const float* x, float* y) {
            isa.gemm_epilogue(M, N, K, x, K, P.data(), b, y, N, scale.data(), residual.data(), N, seen.data());
         });
         bool good = clean && std::count(seen.begin(), seen.end(), 1) == M * N;
         for (std::size_t i = 0; i < E.size(); i++) {
            const float y = multiply_add(isa.fused, expected[i], scale[i % static_cast<std::size_t>(N)], residual[i]);
            good = good && E[i] == (y < 0 ? y * 0.125f : y);
         }
         check(good, isa.name, "epilogue of gemm", M, N, K);
      }
   }
}

static void test_dot(const Isa& isa, Size K)
{
   const Size M = 37;
   const Floats X = numbers(M * K), w = numbers(K);
   const float bias = number();
   for (const float* b : {static_cast<const float*>(nullptr), &bias})
      for (Size rows : {Size(0), Size(1), Size(5), M})
         for (Size offset : {0, 3}) {
            Floats x(static_cast<std::size_t>(offset)), Y(static_cast<std::size_t>(rows));
            x.insert(x.end(), X.begin(), X.begin() + rows * K);
            isa.dot_rows(rows, K, x.data() + offset, K, w.data(), b, Y.data());
            bool good = true;
            for (Size m = 0; m < rows; m++) {
               const float sum = model_dot(isa.fused, K, X.data() + m * K, w.data()), expected = b ? bias + sum : sum;
               good = good && equal_bits(&Y[static_cast<std::size_t>(m)], &expected, 1);
            }
            check(good, isa.name, "dot_rows", rows, 1, K);
         }
}

/// rows x columns numbers at the given distances, in no more memory than they need.
static Floats strided(Size rows, Size columns, Size row, Size column)
{
   return numbers(rows && columns ? (rows - 1) * row + (columns - 1) * column + 1 : 0);
}

static void test_matmul(const Isa& isa, Size M, Size N, Size K)
{
   const Size a_strides[][2] = {{K, 1}, {1, M}, {K + 5, 1}, {2 * K + 1, 2}, {0, 1}};
   const Size b_strides[][2] = {{N, 1}, {1, K}, {N + 3, 1}, {1, K + 2}, {3, 3 * K + 1}, {1, 0}};
   for (std::size_t variant = 0; variant < 8; variant++) {
      const auto& a = a_strides[variant % 5];
      const auto& b = b_strides[variant % 6];
      const Floats A = strided(M, K, a[0], a[1]), B = strided(K, N, b[0], b[1]);
      Floats scratch(static_cast<std::size_t>(kernels::baseline::matmul_scratch(M, N, K))), expected;
      for (Size m = 0; m < M; m++)
         for (Size n = 0; n < N; n++)
            expected.push_back(model_sum(isa.fused, K, A.data() + m * a[0], a[1], B.data() + n * b[1], b[0], nullptr));
      bool clean;
      const Size gap = variant % 2 * 3;
      const Floats Y = in_place(M, N, 0, 0, N + gap, static_cast<Size>(variant), {}, clean, [&](const float*, float* y) {
         isa.matmul(M, N, K, A.data(), a[0], a[1], B.data(), b[0], b[1], y, N + gap, scratch.data());
      });
      check(clean, isa.name, "matmul wrote beyond column N", M, N, K);
      check(equal_bits(Y.data(), expected.data(), M * N), isa.name, "matmul", M, N, K);
      if (variant % 3) continue;
      const Floats scale = numbers(N), residual = numbers(M * N);
      std::vector<int> seen(static_cast<std::size_t>(M * N));
      Floats E(static_cast<std::size_t>(M * N));
      isa.matmul_epilogue(M, N, K, A.data(), a[0], a[1], B.data(), b[0], b[1], E.data(), N, scratch.data(), scale.data(), residual.data(),
                          N, seen.data());
      bool good = std::count(seen.begin(), seen.end(), 1) == M * N;
      for (std::size_t i = 0; i < E.size(); i++) {
         const float y = multiply_add(isa.fused, expected[i], scale[i % static_cast<std::size_t>(N)], residual[i]);
         good = good && E[i] == (y < 0 ? y * 0.125f : y);
      }
      check(good, isa.name, "epilogue of matmul", M, N, K);
   }
}

/// Integers modulo 2^bits, any strides; `run` is one of matmul_any's.
template <class T, class Run>
static void test_integers(const Isa& isa, Run run)
{
   const Size M = 3, N = 11, K = 300;
   std::vector<T> A(static_cast<std::size_t>(M * K)), B(static_cast<std::size_t>(K * N)), Y(static_cast<std::size_t>(M * (N + 2)), T(77));
   for (std::vector<T>* v : {&A, &B})
      for (T& x : *v) {
         number();
         x = static_cast<T>((static_cast<std::uint64_t>(seed) << 32) ^ (seed * 977u));
      }
   run(M, N, K, A.data(), 1, M, B.data(), N, 1, Y.data(), N + 2);
   bool good = true;
   for (Size m = 0; m < M; m++) {
      for (Size n = 0; n < N; n++) {
         std::uint64_t sum = 0;
         for (Size k = 0; k < K; k++)
            sum += static_cast<std::uint64_t>(A[static_cast<std::size_t>(k * M + m)]) *
                   static_cast<std::uint64_t>(B[static_cast<std::size_t>(k * N + n)]);
         good = good && Y[static_cast<std::size_t>(m * (N + 2) + n)] == static_cast<T>(sum);
      }
      good = good && Y[static_cast<std::size_t>(m * (N + 2) + N)] == T(77);
   }
   check(good, isa.name, "matmul_any of integers", M, N, K);
}

static void test_doubles(const Isa& isa)
{
   for (Size K : {0, 1, 256, 257, 600}) {
      const Size M = 2, N = 9;
      std::vector<double> A, B, Y(static_cast<std::size_t>(M * N));
      for (Size i = 0; i < M * K; i++) A.push_back(number() + number() * 0x1p-25);
      for (Size i = 0; i < K * N; i++) B.push_back(number() + number() * 0x1p-25);
      isa.matmul_double(M, N, K, A.data(), K, 1, B.data(), 1, K, Y.data(), N);
      bool good = true;
      for (Size m = 0; m < M; m++)
         for (Size n = 0; n < N; n++) {
            double total = 0;
            for (Size begin = 0; begin < K; begin += 256) {
               double sum = 0;
               for (Size k = begin; k < std::min(K, begin + 256); k++) {
                  const double a = A[static_cast<std::size_t>(m * K + k)], b = B[static_cast<std::size_t>(n * K + k)];
                  volatile double product = a * b;
                  sum = isa.fused ? std::fma(a, b, sum) : product + sum;
               }
               total = begin == 0 ? sum : total + sum;
            }
            good = good && Y[static_cast<std::size_t>(m * N + n)] == total;
         }
      check(good, isa.name, "matmul_any of doubles", M, N, K);
   }
}

/// A NaN or an infinity spoils its own row and column only, and never the padding's.
static void test_special(const Isa& isa)
{
   const Size M = 17, N = 21, K = 260;
   Floats X = numbers(M * K), W = numbers(K * N), Y(static_cast<std::size_t>(M * N)), R(Y), scratch(static_cast<std::size_t>(K * 32));
   X[3 * K + 5] = std::nanf("");
   X[8 * K + 259] = INFINITY;
   W[7 * N + 20] = -INFINITY;
   isa.gemm(M, N, K, X.data(), K, pack(K, N, W).data(), nullptr, Y.data(), N);
   isa.matmul(M, N, K, X.data(), K, 1, W.data(), N, 1, R.data(), N, scratch.data());
   bool good = true;
   for (Size m = 0; m < M; m++)
      for (Size n = 0; n < N; n++)
         for (const Floats* result : {&Y, &R}) {
            const float y = (*result)[static_cast<std::size_t>(m * N + n)];
            good = good && (m == 3 ? std::isnan(y) : m == 8 || n == 20 ? !std::isfinite(y) : std::isfinite(y));
         }
   check(good, isa.name, "NaN and infinity", M, N, K);
}

static void test(const Isa& isa)
{
   const Size sizes[][2] = {{1, 7},    {7, 64},   {10, 64}, {16, 256}, {17, 255},  {31, 257}, {33, 31},
                            {40, 300}, {64, 7},   {64, 64}, {96, 20},  {100, 20},  {50, 513}, {48, 0},
                            {0, 5},    {3, 1300}, {130, 9}, {65, 40},  {150, 300}, {300, 4},  {70, 1030}};
   for (const auto& s : sizes) test_gemm(isa, s[0], s[1], s[0] * s[1] <= 10000 ? 43 : 15);
   test_gemm(isa, 135, 1024, 15);  // rows that contend for the cache
   test_gemm(isa, 16, 2600, 2);    // one row: several blocks side by side, then one, then a rest
   for (Size K : {0, 1, 5, 31, 32, 33, 64, 100, 2048, 2049, 5000}) test_dot(isa, K);
   const Size products[][3] = {{1, 1, 1},    {1, 64, 64},   {1, 50, 300},   {1, 7, 20},    {2, 17, 40},   {5, 16, 257},
                               {20, 1, 300}, {13, 33, 64},  {28, 40, 9},    {29, 40, 19},  {31, 129, 33}, {0, 5, 5},
                               {5, 0, 5},    {5, 20, 0},    {1, 20, 0},     {33, 7, 5},    {3, 90, 20},   {43, 64, 64},
                               {6, 300, 70}, {3, 30, 1100}, {30, 70, 1030}, {1, 20, 1300}, {1, 45, 1100}};
   for (const auto& p : products) test_matmul(isa, p[0], p[1], p[2]);
   test_doubles(isa);
   test_integers<std::int32_t>(isa, isa.matmul_int32);
   test_integers<std::int8_t>(isa, isa.matmul_int8);
   test_integers<std::uint64_t>(isa, isa.matmul_uint64);
   test_special(isa);
}

int main()
{
#if defined(__x86_64__)
   if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
       __builtin_cpu_supports("avx512vl"))
      test(ISA(avx512, true));
   if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) test(ISA(avx2, true));
   test(ISA(baseline, false));
#else
   test(ISA(baseline, true));
#endif
   if (failures) std::printf("%d failures\n", failures);
   return failures != 0;
}
