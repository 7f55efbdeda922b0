// kernels: quantized_lstm.hxx quantized_pointwise.hxx quantized_pool.hxx quantize_narrow.hxx window_doubles.hxx recurrent_doubles.hxx
// region: rarer_region.hxx
//
// Layers of bytes, numbers of eight bits and less, windows and recurrences of doubles, against plain loops; in memory of exactly the promised size.
#ifndef REGION
#include "checks.hxx"

typedef std::vector<double> Doubles;
static Doubles doubles(Length n)
{
   Doubles made(at(n));
   for (double& x : made) x = draw(-20, 20) * 0.0625;
   return made;
}
static double logistic_of(double x) { return 1 / (1 + std::exp(-x)); }

#define SELF "rarer_test.cpp"
#include "everywhere.hxx"
#else
namespace TEST(REGION) {
namespace body = kernels::REGION;

/// Near an LSTM of floats: its bytes are off by less than a step.
static void test_lstm(const char* isa)
{
   for (Length T : {0, 1, 4})
      for (Length B : {0, 1, 3})
         for (Length H : {1, 16, 17}) {
            const Length I = 5;
            const bool reverse = (T + B + H) % 2 != 0, given = H == 16;
            const Floats x = numbers(T * B * I), bias = numbers(8 * H);
            const auto w = bytes<std::int8_t>(I * 4 * H), r = bytes<std::int8_t>(H * 4 * H);
            const Floats w_scale(1, 0.004f), r_scale(at(4 * H), 0.002f);
            std::vector<std::int32_t> lengths(at(B));
            for (Length b = 0; b < B; b++) lengths[at(b)] = static_cast<std::int32_t>(b % (T + 1));
            Floats y(at(T * B * H), 99.f), last(at(B * H), 99.f), cell(at(B * H), 99.f);
            body::bytes_lstm(T, B, I, H, reverse, given ? lengths.data() : nullptr, x.data(), w.data(), r.data(), w_scale.data(), r_scale.data(),
                             bias.data(), y.data(), last.data(), cell.data());
            for (Length b = 0; b < B; b++) {
               Doubles h(at(H)), c(at(H)), next(at(H));
               const Length length = given ? lengths[at(b)] : T;
               for (Length i = 0; i < length; i++) {
                  const Length t = reverse ? length - 1 - i : i;
                  for (Length u = 0; u < H; u++) {
                     double gate[4];
                     for (Length g = 0; g < 4; g++) {
                        double sum = bias[at(g * H + u)] + bias[at((4 + g) * H + u)];
                        for (Length k = 0; k < I; k++) sum += 0.004 * w[at(k * 4 * H + g * H + u)] * x[at((t * B + b) * I + k)];
                        for (Length k = 0; k < H; k++) sum += 0.002 * r[at(k * 4 * H + g * H + u)] * h[at(k)];
                        gate[g] = sum;
                     }
                     c[at(u)] = logistic_of(gate[2]) * c[at(u)] + logistic_of(gate[0]) * std::tanh(gate[3]);
                     next[at(u)] = logistic_of(gate[1]) * std::tanh(c[at(u)]);
                  }
                  h = next;
                  for (Length u = 0; u < H; u++)
                     CHECK(std::fabs(y[at((t * B + b) * H + u)] - h[at(u)]) < 0.03, "%s: h %g for %g", isa, double(y[at((t * B + b) * H + u)]), h[at(u)]);
               }
               for (Length u = 0; u < H; u++) {
                  CHECK(std::fabs(last[at(b * H + u)] - (length ? h[at(u)] : 0)) < 0.03, "%s: the last h", isa);
                  CHECK(std::fabs(cell[at(b * H + u)] - (length ? c[at(u)] : 0)) < 0.06, "%s: the last c", isa);
                  for (Length t = length; t < T; t++) CHECK(y[at((t * B + b) * H + u)] == 0.f, "%s: behind the end", isa);
               }
            }
         }
}

template <class T>
static void test_pairs(const char* isa)
{
   const float scales[] = {0.5f, 0.25f, 0.375f};
   const std::int32_t zeros[] = {3, -0, 5}, low = std::numeric_limits<T>::min(), high = std::numeric_limits<T>::max();
   for (Length n : {0, 1, 15, 16, 40})
      for (const bool product : {false, true})
         for (Length step = 0; step < 2; step++) {
            const auto a = bytes<T>(n), b = bytes<T>(step ? n : 1);
            std::vector<T> y(at(n), T(1));
            body::pairs<T>(product, n, scales, zeros, a.data(), 1, b.data(), step, y.data());
            for (Length i = 0; i < n; i++) {
               const double left = (a[at(i)] - zeros[0]) * 0.5, right = (b[at(i * step)] - zeros[1]) * 0.25;
               const double want = (product ? left * right : left + right) / 0.375 + zeros[2], held = std::min<double>(high, std::max<double>(low, want));
               CHECK(std::fabs(y[at(i)] - held) <= 0.501, "%s: %d for %g", isa, int(y[at(i)]), held);
            }
         }
   const auto x = bytes<std::int8_t>(60);
   std::vector<std::int8_t> table(256), y(60, 99);
   body::looked_up(3, 17, 20, x.data(), 0.1f, 0.01f, table.data(), y.data());
   for (int i = 0; i < 60; i++) {
      const double want = std::min(127., std::max(-128., logistic_of((x[at(i)] - 3) * 0.1) / 0.01 - 5));
      CHECK(i % 20 >= 17 ? y[at(i)] == 99 : std::fabs(y[at(i)] - want) <= 0.501, "%s: looked up %d for %g", isa, int(y[at(i)]), want);
   }
}

static void test_pools(const char* isa)
{
   for (Length h : {1, 2, 5})
      for (Length w : {1, 4})
         for (const bool all : {false, true}) {
            const Length planes = 3, oh = (h + 1) / 2;
            const auto x = bytes<std::uint8_t>(planes * h * w);
            std::vector<std::uint8_t> y(at(planes * oh * w), 1), whole(at(planes), 1);
            body::averaged(planes, h, w, all, x.data(), y.data(), whole.data());
            for (Length i = 0; i < planes * oh * w; i++) {
               double sum = 0, count = 0;
               for (Length dy = -1; dy < 2; dy++)
                  for (Length dx = -1; dx < 2; dx++) {
                     const Length row = i / w % oh * 2 + dy, column = i % w + dx;
                     if (row < 0 || row >= h || column < 0 || column >= w) continue;
                     sum += (x[at((i / (w * oh) * h + row) * w + column)] - 7) * 0.5, count++;
                  }
               const double want = std::min(255., std::max(0., sum / (all ? 9 : count) / 0.25 + 9));
               CHECK(std::fabs(y[at(i)] - want) <= 0.501, "%s: average %d for %g", isa, int(y[at(i)]), want);
            }
            for (Length p = 0; p < planes; p++) {
               double sum = 0;
               for (Length i = 0; i < h * w; i++) sum += x[at(p * h * w + i)] - 7;
               const double want = std::min(255., std::max(0., sum / double(h * w) * 2 + 9));
               CHECK(std::fabs(whole[at(p)] - want) <= 0.501, "%s: whole average %d for %g", isa, int(whole[at(p)]), want);
            }
         }
   for (Length n : {0, 1, 7})
      for (Length inner : {1, 3})
         for (const float scale : {0.01f, 0.5f, 3.f}) {
            const auto x = bytes<std::uint8_t>(2 * n * inner);
            std::vector<std::uint8_t> y(x.size(), 1);
            Floats table(256);
            body::softmax_of(2, n, inner, scale, x.data(), table.data(), y.data());
            for (Length i = 0; i < 2 * n * inner; i++) {
               double sum = 0;
               for (Length k = 0; k < n; k++) sum += std::exp((x[at((i / (n * inner) * n + k) * inner + i % inner)] - x[at(i)]) * double(scale));
               // Of one number a float holds no 256 times that: it has onnxruntime's integer.
               CHECK(n < 2 || std::fabs(y[at(i)] - std::min(255., 256 / sum)) <= 0.51, "%s: softmax %d for %g", isa, int(y[at(i)]), 256 / sum);
            }
         }
}

/// Every code is the nearest one to its own number, and what lies between two codes goes to one of them.
template <class T>
static void test_narrow(const char* isa, int codes)
{
   for (int code = 0; code < codes; code++) {
      const float x = body::decoded<T>(static_cast<std::uint8_t>(code));
      const float again = body::decoded<T>(body::encoded<T>(x));
      CHECK(std::isnan(x) ? true : again == x, "%s: code %d is %g, then %g", isa, code, double(x), double(again));
   }
   for (int turn = 0; turn < 300; turn++) {
      const float x = static_cast<float>(draw(-4000, 4000)) * 0.001f, y = body::decoded<T>(body::encoded<T>(x));
      for (int code = 0; code < codes; code++) {
         const float other = body::decoded<T>(static_cast<std::uint8_t>(code));
         CHECK(!(std::fabs(x - other) < std::fabs(x - y)), "%s: %g became %g, not %g", isa, double(x), double(y), double(other));
      }
   }
   for (Length columns : {0, 1, 19})
      for (const bool each : {false, true}) {
         const Floats x = numbers(3 * columns), scale(at(each ? columns : 1), 0.5f);
         std::vector<std::uint8_t> y(x.size(), 1);
         Floats z(x.size(), 99.f);
         body::narrow<T>(3, columns, x.data(), scale.data(), each, y.data(), z.data());
         for (std::size_t i = 0; i < x.size(); i++) CHECK(std::fabs(z[i] - x[i]) <= 0.501f, "%s: %g became %g", isa, double(x[i]), double(z[i]));
         std::vector<std::int8_t> q(x.size(), 1);
         body::four_bits(3, columns, x.data(), scale.data(), each, q.data(), z.data());
         for (std::size_t i = 0; i < x.size(); i++) CHECK(std::fabs(z[i] - x[i]) <= 0.25f, "%s: of four bits %g became %g", isa, double(x[i]), double(z[i]));
      }
}

static void test_powers(const char* isa)
{
   const float given[] = {3.f, 4.f, 6.f, 0.7f}, right[][4] = {{4, 4, 8, 1}, {2, 4, 4, 0.5f}, {4, 4, 8, 0.5f}};
   for (int mode = 0; mode < 3; mode++)
      for (int i = 0; i < 4; i++) CHECK(body::nearest_power(given[i], mode, true) == right[mode][i], "%s: the power at %g", isa, double(given[i]));
   CHECK(std::isnan(body::nearest_power(-1.f, 2, false)) && body::nearest_power(-1.f, 2, true) > 0.f && std::isnan(body::nearest_power(nan_, 1, true)), "%s: no power", isa);
}

static void test_windows(const char* isa)
{
   for (int turn = 0; turn < 60; turn++) {
      const Length sizes[] = {draw(1, 2), draw(1, 4), draw(2, 5)}, stride = draw(1, 2), dilation = draw(1, 2), pad = draw(dilation > 1 ? 1 : 0, 1);
      Length out[3], pixels = 1, made = 1;
      bool fits = true;
      for (int a = 0; a < 3; a++) {
         fits = fits && sizes[a] + 2 * pad >= dilation + 1;
         out[a] = (sizes[a] + 2 * pad - dilation - 1) / stride + 1, pixels *= sizes[a], made *= out[a];
      }
      if (!fits) continue;
      const Doubles x = doubles(4 * pixels), w = doubles(6 * 2 * 8), bias = doubles(6);
      Doubles y(at(6 * made), 99.), back(at(4 * pixels), 99.), top(at(4 * made), 99.), mean(at(4 * made), 99.), want(at(6 * made)), want_back(at(4 * pixels));
      std::vector<std::int64_t> where(at(4 * made), -9);
      body::windows(sizes, stride, dilation, pad, x.data(), w.data(), bias.data(), y.data(), back.data(), top.data(), where.data(), mean.data());
      for (Length o = 0; o < 6 * made; o++) want[at(o)] = bias[at(o / made)];
      for (Length p = 0; p < made; p++) {
         double best[4] = {-double(inf), -double(inf), -double(inf), -double(inf)}, sum[4] = {};
         int inside = 0;
         for (Length tap = 0; tap < 8; tap++) {
            const Length o[] = {p / (out[1] * out[2]), p / out[2] % out[1], p % out[2]}, k[] = {tap / 4, tap / 2 % 2, tap % 2};
            Length in[3];
            bool hit = true;
            for (int a = 0; a < 3; a++) in[a] = o[a] * stride - pad + k[a] * dilation, hit = hit && in[a] >= 0 && in[a] < sizes[a];
            if (!hit) continue;
            inside++;
            const Length from = (in[0] * sizes[1] + in[1]) * sizes[2] + in[2];
            for (int c = 0; c < 4; c++) best[c] = std::max(best[c], x[at(c * pixels + from)]), sum[c] += x[at(c * pixels + from)];
            for (Length c = 0; c < 6; c++)
               for (Length i = 0; i < 2; i++) {
                  want[at(c * made + p)] += w[at((c * 2 + i) * 8 + tap)] * x[at((c / 3 * 2 + i) * pixels + from)];
                  want_back[at((c / 3 * 2 + i) * pixels + from)] += w[at((c * 2 + i) * 8 + tap)] * y[at(c * made + p)];
               }
         }
         for (int c = 0; c < 4; c++) {
            const std::int64_t place = where[at(c * made + p)];
            CHECK(top[at(c * made + p)] == best[c] && (inside ? x[at(place)] == best[c] : place == -1), "%s: the largest of a window", isa);
            CHECK(!inside || std::fabs(mean[at(c * made + p)] - sum[c] / inside) < 1e-12, "%s: the mean of a window", isa);
         }
      }
      for (std::size_t i = 0; i < y.size(); i++) CHECK(std::fabs(y[i] - want[i]) < 1e-12, "%s: convolution", isa);
      for (std::size_t i = 0; i < back.size(); i++) CHECK(std::fabs(back[i] - want_back[i]) < 1e-10, "%s: transposed convolution", isa);
   }
}

static void test_recurrent(const char* isa)
{
   for (int kind = 0; kind < 3; kind++)
      for (Length T : {0, 1, 4})
         for (Length B : {0, 2})
            for (const bool given : {false, true}) {
               const Length I = 3, H = 5, D = 2, G = kind == 0 ? 4 : kind == 1 ? 3 : 1;
               const Doubles x = doubles(T * B * I), w = doubles(D * G * H * I), r = doubles(D * G * H * H), bias = doubles(D * 2 * G * H);
               const std::int32_t lengths[] = {0, 3};
               Doubles y(at(T * D * B * H), 99.), last(at(D * B * H), 99.), scratch(at((body::double_floats(H) + 1) / 2));
               body::recurrent(kind, {T, B, I, H, D, false}, given ? lengths : nullptr, x.data(), w.data(), r.data(), bias.data(), y.data(), last.data(), scratch.data());
               for (Length d = 0; d < D; d++)
                  for (Length b = 0; b < B; b++) {
                     const Length length = given ? std::min<Length>(lengths[b], T) : T;
                     Doubles h(at(H)), c(at(H)), next(at(H));
                     for (Length i = 0; i < length; i++) {
                        const Length t = d ? length - 1 - i : i;
                        for (Length u = 0; u < H; u++) {
                           double in[4] = {}, state[4] = {};
                           for (Length g = 0; g < G; g++) {
                              in[g] = bias[at((d * 2 * G + g) * H + u)], state[g] = bias[at((d * 2 * G + G + g) * H + u)];
                              for (Length k = 0; k < I; k++) in[g] += w[at(((d * G + g) * H + u) * I + k)] * x[at((t * B + b) * I + k)];
                              for (Length k = 0; k < H; k++) state[g] += r[at(((d * G + g) * H + u) * H + k)] * h[at(k)];
                           }
                           const auto s = [&](int g) { return logistic_of(in[g] + state[g]); };
                           if (kind == 0) c[at(u)] = s(2) * c[at(u)] + s(0) * std::tanh(in[3] + state[3]), next[at(u)] = s(1) * std::tanh(c[at(u)]);
                           if (kind == 1) next[at(u)] = (1 - s(0)) * std::tanh(in[2] + s(1) * state[2]) + s(0) * h[at(u)];
                           if (kind == 2) next[at(u)] = std::tanh(in[0] + state[0]);
                        }
                        h = next;
                        for (Length u = 0; u < H; u++) CHECK(std::fabs(y[at(((t * D + d) * B + b) * H + u)] - h[at(u)]) < 1e-12, "%s: recurrence %d", isa, kind);
                     }
                     for (Length u = 0; u < H; u++) {
                        CHECK(std::fabs(last[at((d * B + b) * H + u)] - (length ? h[at(u)] : 0)) < 1e-12, "%s: the last of recurrence %d", isa, kind);
                        for (Length t = length; t < T; t++) CHECK(y[at(((t * D + d) * B + b) * H + u)] == 0., "%s: behind the end", isa);
                     }
                  }
            }
}

static void all(const char* isa)
{
   test_lstm(isa), test_pairs<std::uint8_t>(isa), test_pairs<std::int8_t>(isa), test_pools(isa), test_powers(isa), test_windows(isa), test_recurrent(isa);
   test_narrow<body::Float8e4m3fn>(isa, 256), test_narrow<body::Float8e4m3fnuz>(isa, 256), test_narrow<body::Float8e5m2>(isa, 256);
   test_narrow<body::Float8e5m2fnuz>(isa, 256), test_narrow<body::Float4e2m1>(isa, 16), test_narrow<body::Float6e2m3>(isa, 64), test_narrow<body::Float6e3m2>(isa, 64);
}
}  // namespace TEST(REGION)
#endif
