// kernels: linear_attention.hxx experts.hxx round_blocks.hxx
// region: language_region.hxx
//
// Attention by a state and mixtures of experts, against plain loops; in memory of exactly the promised size.
#ifndef REGION
#include "checks.hxx"

#define SELF "language_test.cpp"
#include "everywhere.hxx"
#else
namespace TEST(REGION) {
namespace body = kernels::REGION;

static void near(const char* isa, const Floats& found, const std::vector<double>& expected, const char* what)
{
   for (std::size_t i = 0; i < expected.size(); i++)
      CHECK(std::fabs(static_cast<double>(found[i]) - expected[i]) <= 1e-4 * (1 + std::fabs(expected[i])), "%s: %s %g, not %g", isa, what,
            static_cast<double>(found[i]), expected[i]);
}

/// Heads that share a query, and queries that share a head; columns that fill no vector.
static void test_linear_attention(const char* isa)
{
   const Length batch = 2;
   for (Length length : {0, 1, 4})
      for (Length queries : {1, 2, 4})
         for (Length dk : {1, 5, 18})
            for (Length dv : {1, 21})
               for (bool each : {false, true}) {
                  const Length heads = 2, made = std::max(queries, heads), of_head = made / heads, of_query = made / queries;
                  const Length n = batch * length;
                  Floats q = numbers(n * queries * dk), k = numbers(n * heads * dk), v = numbers(n * heads * dv);
                  const Floats past = numbers(batch * heads * dk * dv);
                  Floats decay = numbers(n * heads * (each ? dk : 1)), beta = numbers(n * heads), state(past.size()), y(at(n * made * dv));
                  for (float& x : decay) x = -std::fabs(x);
                  for (Floats* all : {&q, &k, &beta})
                     for (float& x : *all) x *= 0.25f;
                  body::attended(batch, length, queries, heads, dk, dv, each, q.data(), k.data(), v.data(), past.data(), decay.data(),
                                 beta.data(), state.data(), y.data());
                  std::vector<double> s(past.begin(), past.end()), want(y.size());
                  for (Length b = 0; b < batch; b++)
                     for (Length t = 0; t < length; t++)
                        for (Length h = 0; h < heads; h++)
                           for (Length j = 0; j < dv; j++) {
                              const Length row = (b * length + t) * heads + h;
                              double seen = 0;
                              const auto cell = [&](Length i) -> double& { return s[at(((b * heads + h) * dk + i) * dv + j)]; };
                              for (Length i = 0; i < dk; i++) {
                                 cell(i) *= std::exp(static_cast<double>(decay[at(each ? row * dk + i : row)]));
                                 seen += static_cast<double>(k[at(row * dk + i)]) * cell(i);
                              }
                              const double r = static_cast<double>(beta[at(row)]) * (static_cast<double>(v[at(row * dv + j)]) - seen);
                              for (Length i = 0; i < dk; i++) cell(i) += static_cast<double>(k[at(row * dk + i)]) * r;
                              for (Length head = h * of_head; head < (h + 1) * of_head; head++) {
                                 double sum = 0;
                                 for (Length i = 0; i < dk; i++)
                                    sum += static_cast<double>(q[at(((b * length + t) * queries + head / of_query) * dk + i)]) * cell(i);
                                 want[at(((b * length + t) * made + head) * dv + j)] = 0.5 * sum;
                              }
                           }
                  near(isa, y, want, "attention");
                  near(isa, state, s, "state");
               }
}

/// More rows for an expert than it works at together, and none.
static void test_experts(const char* isa)
{
   const Length experts = 3, block = 8;
   for (Length rows : {0, 1, 7, 70})
      for (Length k : {1, 2, 3})
         for (Length hidden : {1, 19})
            for (Length inner : {8, 40}) {
               const Floats x = numbers(rows * hidden), router = numbers(rows * experts), w1 = numbers(experts * inner * hidden);
               const Floats scales = numbers(experts * hidden * inner / block);
               const Length across = (inner / block + 1) / 2;
               const auto w2 = bytes<std::uint8_t>(experts * hidden * inner / 2), zeros = bytes<std::uint8_t>(experts * hidden * across);
               Floats y(x.size(), 99.f);
               body::mixed(rows, experts, k, hidden, inner, x.data(), router.data(), w1.data(), w2.data(), scales.data(), zeros.data(),
                           block, y.data());
               std::vector<double> want(y.size());
               for (Length r = 0; r < rows; r++) {
                  std::vector<Length> order = {0, 1, 2};
                  const auto likes = [&](Length e) { return router[at(r * experts + e)]; };
                  std::stable_sort(order.begin(), order.end(), [&](Length a, Length b) { return likes(a) > likes(b); });
                  double sum = 0;
                  for (Length i = 0; i < k; i++) sum += std::exp(static_cast<double>(router[at(r * experts + order[at(i)])]));
                  for (Length i = 0; i < k; i++) {
                     const Length e = order[at(i)];
                     std::vector<double> middle(at(inner));
                     for (Length n = 0; n < inner; n++) {
                        for (Length c = 0; c < hidden; c++) {
                           const double w = static_cast<double>(w1[at((e * inner + n) * hidden + c)]);
                           middle[at(n)] += w * static_cast<double>(x[at(r * hidden + c)]);
                        }
                        middle[at(n)] = std::max(0., middle[at(n)]);
                     }
                     for (Length c = 0; c < hidden; c++) {
                        const Length line = e * hidden + c;
                        double value = 0;
                        for (Length n = 0; n < inner; n++) {
                           const Length b = n / block;
                           const int zero = zeros[at(line * across + b / 2)] >> (b % 2 * 4) & 15;
                           const int integer = w2[at((line * inner + n) / 2)] >> (n % 2 * 4) & 15;
                           value += middle[at(n)] * (integer - zero) * static_cast<double>(scales[at(line * (inner / block) + b)]);
                        }
                        want[at(r * hidden + c)] += std::exp(static_cast<double>(router[at(r * experts + e)])) / sum * value;
                     }
                  }
               }
               for (std::size_t i = 0; i < want.size(); i++)
                  CHECK(std::fabs(static_cast<double>(y[i]) - want[i]) <= 0.02 + 1e-4 * std::fabs(want[i]), "%s: experts %g, not %g", isa,
                        static_cast<double>(y[i]), want[i]);
            }
}

/// Blocks of zeros, of one number that is not finite, and one that is shorter.
static void test_round_blocks(const char* isa)
{
   for (Length rows : {0, 1, 3})
      for (Length K : {0, 1, 16, 50}) {
         Floats x = numbers(rows * K), y(x.size(), 99.f);
         if (rows > 1 && K > 16) {
            std::fill(x.begin(), x.begin() + 16, 0.f);
            x[at(K)] = inf;
            x[at(K + 17)] = nan_;
         }
         body::round_blocks(rows, K, 16, x.data(), y.data());
         for (Length i = 0; i < rows * K; i++) {
            const Length begin = i - i % K % 16, end = std::min(begin + 16, i - i % K + K);
            float most = 0.f, sum = 0.f;
            for (Length j = begin; j < end; j++) {
               most = std::max(most, std::fabs(x[at(j)]));
               sum += x[at(j)] * 0.f;
            }
            const float expected = most > 0.f ? std::rint(x[at(i)] * (127.f / most)) * (most / 127.f) + sum : 0.f;
            CHECK(same(y[at(i)] + 0.f, expected + 0.f), "%s: rounded %g, not %g", isa, static_cast<double>(y[at(i)]), static_cast<double>(expected));
         }
      }
}

static void all(const char* isa)
{
   test_round_blocks(isa);
   test_linear_attention(isa);
   test_experts(isa);
}
}  // namespace TEST(REGION)
#endif
