// kernels: gather_blocks.hxx lrn_doubles.hxx crop_and_resize.hxx matmul_nbits.hxx inverse.hxx distances.hxx resize_doubles.hxx
// region: contrib_region.hxx
//
// Operators of com.microsoft, and LRN of doubles, against plain loops; in memory of exactly the promised size.
#ifndef REGION
#include "checks.hxx"

/// Integer i of integers of four bits.
static int nibble(const std::vector<std::uint8_t>& packed, Length i) { return packed[at(i / 2)] >> (i % 2 * 4) & 15; }

#define SELF "contrib_test.cpp"
#include "everywhere.hxx"
#else
namespace TEST(REGION) {
namespace body = kernels::REGION;

/// Rows of integers of four bits, an index from the end and one outside among them.
static void test_gather(const char* isa)
{
   for (Length outer : {0, 1, 2})
      for (Length inner : {1, 4, 5})
         for (bool given : {false, true}) {
            const Length n = 3, indices = 4, block = 2, blocks = (inner + block - 1) / block, rows = outer * n, across = (blocks + 1) / 2;
            const auto data = bytes<std::uint8_t>((rows * inner + 1) / 2), zeros = bytes<std::uint8_t>(rows * across);
            const Floats scales = numbers(rows * blocks);
            const std::vector<std::int64_t> index = {2, -3, 7, 1};
            Floats y(at(outer * indices * inner), 99.f);
            body::gathered(outer, n, inner, indices, 4, block, given, data.data(), index.data(), scales.data(), zeros.data(), y.data());
            for (Length o = 0; o < outer; o++)
               for (Length i = 0; i < indices; i++)
                  for (Length j = 0; j < inner; j++) {
                     const Length row = index[at(i)] < 0 ? index[at(i)] + n : index[at(i)];
                     float expected = 0.f;
                     if (row < n) {
                        const Length line = o * n + row, group = j / block;
                        const int zero = given ? zeros[at(line * across + group / 2)] >> (group % 2 * 4) & 15 : 3;
                        expected = static_cast<float>(nibble(data, line * inner + j) - zero) * scales[at(line * blocks + group)];
                     }
                     const float found = y[at((o * indices + i) * inner + j)];
                     CHECK(found == expected, "%s: gathered %g, not %g", isa, static_cast<double>(found), static_cast<double>(expected));
                  }
         }
}

static void test_lrn(const char* isa)
{
   for (Length channels : {0, 1, 4})
      for (Length pixels : {0, 3})
         for (Length size : {1, 2, 5}) {
            std::vector<double> x(at(2 * channels * pixels)), y(x.size(), 99.);
            for (double& v : x) v = draw(-20, 20) * 0.0625;
            body::normalised(2, channels, pixels, size, x.data(), y.data());
            for (Length b = 0; b < 2; b++)
               for (Length c = 0; c < channels; c++)
                  for (Length i = 0; i < pixels; i++) {
                     double sum = 0;
                     for (Length k = c - (size - 1) / 2; k <= c + size / 2; k++)
                        if (k >= 0 && k < channels) sum += x[at((b * channels + k) * pixels + i)] * x[at((b * channels + k) * pixels + i)];
                     const Length place = (b * channels + c) * pixels + i;
                     const double expected = x[at(place)] * std::pow(2 + 0.5 / static_cast<double>(size) * sum, -0.75);
                     CHECK(std::fabs(y[at(place)] - expected) <= 1e-14, "%s: LRN %g, not %g", isa, y[at(place)], expected);
                  }
         }
}

/// Boxes on pixels, so that what is expected is a pixel, or outside; one image too many.
/// Coordinates of doubles, and an axis that is not the last one: by thirds, which float would round elsewhere.
static void test_resize(const char* isa)
{
   for (Length outer : {0, 1, 2})
      for (Length inner : {1, 3})
         for (Length in : {1, 4})
            for (bool nearest : {false, true}) {
               const Length out = 3 * in;
               std::vector<double> x(at(outer * in * inner)), y(at(outer * out * inner), 99.);
               for (double& v : x) v = draw(-20, 20) * 0.0625;
               body::resized(outer, in, out, inner, nearest, x.data(), y.data());
               for (Length b = 0; b < outer; b++)
                  for (Length o = 0; o < out; o++)
                     for (Length j = 0; j < inner; j++) {
                        const auto value = [&](Length i) { return x[at((b * in + std::max<Length>(0, std::min(i, in - 1))) * inner + j)]; };
                        const double place = (static_cast<double>(o) + 0.5) / 3 - 0.5, below = std::floor(place);
                        const double linear = value(static_cast<Length>(below)) * (1 - place + below) + value(static_cast<Length>(below) + 1) * (place - below);
                        const double expected = nearest ? value(o / 3) : linear, found = y[at((b * out + o) * inner + j)];
                        CHECK(std::fabs(found - expected) <= 1e-14, "%s: resized %g, not %g", isa, found, expected);
                     }
            }
}

static void test_crop(const char* isa)
{
   for (bool nearest : {false, true})
      for (Length channels : {0, 1, 2}) {
         const Length h = 3, w = 5, count = 3, rows = 3, columns = 3;
         const Floats x = numbers(2 * channels * h * w), boxes = {0.f, 0.f, 1.f, 1.f, 1.f, 1.f, 0.f, 0.5f, -1.f, 0.f, 1.f, 0.5f};
         const std::vector<std::int32_t> batch = {1, 0, 9};
         Floats y(at(count * channels * rows * columns), 99.f);
         body::cropped(2, channels, h, w, count, rows, columns, nearest, x.data(), boxes.data(), batch.data(), y.data());
         const Length row_of[3][3] = {{0, 1, 2}, {2, 1, 0}, {-1, 0, 2}}, column_of[3][3] = {{0, 2, 4}, {4, 3, 2}, {0, 1, 2}};
         for (Length b = 0; b < count; b++)
            for (Length c = 0; c < channels; c++)
               for (Length i = 0; i < rows; i++)
                  for (Length j = 0; j < columns; j++) {
                     const Length image = b == 0 ? 1 : b == 1 ? 0 : 1, row = row_of[b][i];
                     const float expected = row < 0 ? -7.f : x[at(((image * channels + c) * h + row) * w + column_of[b][j])];
                     const float found = y[at(((b * channels + c) * rows + i) * columns + j)];
                     CHECK(found == expected, "%s: cropped %g, not %g", isa, static_cast<double>(found), static_cast<double>(expected));
                  }
      }
}

/// Sums that are exact.
static void test_nbits(const char* isa)
{
   for (Length M : {0, 1, 2, 4, 5})
      for (Length N : {1, 17, 80})
         for (Length K : {1, 8, 37, 301})
            for (bool given : {false, true}) {
               const Length block = 16, panels = (N + 15) / 16, blocks = (K + block - 1) / block, along = (K + 1) / 2;
               const auto w = bytes<std::uint8_t>(panels * along * 16), drawn_zeros = bytes<std::uint8_t>(panels * blocks * 16);
               std::vector<std::uint8_t> zeros = drawn_zeros;
               for (auto& zero : zeros) zero &= 15;
               Floats x = numbers(M * K), scales = numbers(panels * blocks * 16), y(at(M * N), 99.f);
               for (float& v : x) v *= 0.3f;  // sums are rounded
               body::multiplied(M, N, K, block, x.data(), w.data(), scales.data(), given ? zeros.data() : nullptr, y.data());
               for (Length m = 0; m < M; m++) {  // few rows have the bits of many
                  Floats alone(at(N), 99.f);
                  body::multiplied(1, N, K, block, x.data() + m * K, w.data(), scales.data(), given ? zeros.data() : nullptr, alone.data());
                  for (Length n = 0; n < N; n++) CHECK(same(alone[at(n)], y[at(m * N + n)]), "%s: a row of %td has other bits", isa, M);
               }
               for (Length m = 0; m < M; m++)
                  for (Length n = 0; n < N; n++) {
                     double expected = 0;
                     for (Length k = 0; k < K; k++) {
                        const Length panel = n / 16, scale = (panel * blocks + k / block) * 16 + n % 16;
                        const int integer = w[at((panel * along + k / 2) * 16 + n % 16)] >> (k % 2 * 4) & 15;
                        expected += static_cast<double>(x[at(m * K + k)]) * (integer - (given ? zeros[at(scale)] : 8)) * static_cast<double>(scales[at(scale)]);
                     }
                     const double found = static_cast<double>(y[at(m * N + n)]);
                     CHECK(std::fabs(found - expected) <= 1e-3 * (1 + std::fabs(expected)), "%s: product %g, not %g", isa, found, expected);
                  }
            }
}

template <class T>
static void test_inverse(const char* isa)
{
   for (Length n : {0, 1, 2, 7}) {
      std::vector<T> x(at(3 * n * n)), y(x.size(), T(99));
      for (T& v : x) v = static_cast<T>(draw(-20, 20)) / 16;
      for (Length m = 0; m < 3; m++)
         for (Length i = 0; i < n; i++) x[at((m * n + i) * n + (i + m) % n)] += 12;  // a pivot that must be looked for, where m > 0
      body::inverted<T>(3, n, x.data(), y.data());
      for (Length m = 0; m < 3; m++)
         for (Length i = 0; i < n; i++)
            for (Length j = 0; j < n; j++) {
               double sum = 0;
               for (Length k = 0; k < n; k++) sum += static_cast<double>(x[at((m * n + i) * n + k)]) * static_cast<double>(y[at((m * n + k) * n + j)]);
               CHECK(std::fabs(sum - (i == j)) <= (sizeof(T) == 4 ? 2e-6 : 1e-14), "%s: %g in the product with the inverse", isa, sum);
            }
   }
}

template <class T>
static void test_distances(const char* isa)
{
   for (Length m : {0, 2})
      for (Length k : {0, 1, 9})
         for (Length n : {0, 1, 5})
            for (bool root : {false, true}) {
               std::vector<T> a(at(m * n)), b(at(k * n)), y(at(m * k), T(99));
               for (T& v : a) v = static_cast<T>(draw(-20, 20)) / 8;
               for (T& v : b) v = static_cast<T>(draw(-20, 20)) / 8;
               body::apart<T>(m, k, n, root, a.data(), b.data(), y.data());
               for (Length i = 0; i < m; i++)
                  for (Length j = 0; j < k; j++) {
                     double sum = 0;
                     for (Length p = 0; p < n; p++) {
                        const double difference = static_cast<double>(a[at(i * n + p)]) - static_cast<double>(b[at(j * n + p)]);
                        sum += difference * difference;
                     }
                     const double found = static_cast<double>(y[at(i * k + j)]), expected = root ? std::sqrt(sum) : sum;
                     CHECK(std::fabs(found - expected) <= 1e-6 * expected, "%s: distance %g, not %g", isa, found, expected);
                  }
            }
}

static void all(const char* isa)
{
   test_gather(isa);
   test_lrn(isa);
   test_resize(isa);
   test_crop(isa);
   test_nbits(isa);
   test_inverse<float>(isa);
   test_inverse<double>(isa);
   test_distances<float>(isa);
   test_distances<double>(isa);
}
}  // namespace TEST(REGION)
#endif
