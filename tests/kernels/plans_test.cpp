// kernels: reduce_axes.hxx slice_axes.hxx pack_gates.hxx resize_antialias.hxx affine_grid.hxx concat.hxx det.hxx mel.hxx sequence.hxx random.hxx dequantize_blocks.hxx
// region: plans_region.hxx
//
// Kernels that plan as the network runs (axes, cuts, gates, filters, tables of shapes), and those that make numbers of few: against plain
// loops, with any integers where a model's input may have them, in memory of exactly the promised size.
#ifndef REGION
#include "checks.hxx"
#include <array>
#include <random>

#define SELF "plans_test.cpp"
#include "everywhere.hxx"
#else
namespace TEST(REGION) {
namespace body = kernels::REGION;

static void test_reduce(const char* isa)
{
   for (int turn = 0; turn < 200; turn++) {
      const Length sizes[] = {draw(0, 3), draw(1, 4), draw(turn % 9 ? 1 : 0, 19)};
      const bool kept[] = {turn % 2 == 0, turn % 4 < 2, turn % 8 < 4};
      const Floats x = numbers(sizes[0] * sizes[1] * sizes[2]);
      Length outputs = 1, count = 1;
      for (int a = 0; a < 3; a++) (kept[a] ? outputs : count) *= sizes[a];
      for (int operation = 0; operation < 3; operation++) {
         Floats y(at(outputs), 99.f), row(x.size(), 99.f);
         std::vector<double> want(at(outputs), operation == 2 ? -double(inf) : 0.);
         Length i = 0;
         for (Length a = 0; a < sizes[0]; a++)
            for (Length b = 0; b < sizes[1]; b++)
               for (Length c = 0; c < sizes[2]; c++, i++) {
                  double& to = want[at(((kept[0] ? a : 0) * (kept[1] ? sizes[1] : 1) + (kept[1] ? b : 0)) * (kept[2] ? sizes[2] : 1) + (kept[2] ? c : 0))];
                  to = operation == 2 ? std::max<double>(to, x[at(i)]) : to + x[at(i)] / (operation == 1 ? double(count) : 1.);
               }
         body::reduced(operation, sizes, kept, x.data(), y.data(), row.data());
         for (std::size_t k = 0; k < y.size(); k++)
            CHECK(y[k] == want[k] || std::fabs(y[k] - want[k]) < 1e-4, "%s: reduction %d: %g for %g", isa, operation, double(y[k]), want[k]);
      }
   }
}

/// Places of an axis that a cut takes; the first one is brought into the axis, as ONNX has it.
static std::vector<Length> taken(Length size, std::int64_t start, std::int64_t end, std::int64_t step)
{
   const auto wide = [size](std::int64_t v, Length low, Length high) {
      const double place = v < 0 ? double(v) + double(size) : double(v);
      return place < double(low) ? low : place > double(high) ? high : static_cast<Length>(place);
   };
   std::vector<Length> made;
   if (size == 0) return made;
   const bool up = step > 0;
   Length i = up ? wide(start, 0, size) : wide(start, 0, size - 1);
   const Length last = up ? wide(end, 0, size) : wide(end, -1, size - 1);
   while (up ? i < last : i > last) {
      made.push_back(i);
      if (double(i) + double(step) > 1e9 || double(i) + double(step) < -1e9) break;
      i += static_cast<Length>(step);
   }
   return made;
}

static void test_slice(const char* isa)
{
   constexpr std::int64_t least = std::numeric_limits<std::int64_t>::min(), most = std::numeric_limits<std::int64_t>::max();
   const std::int64_t hostile[] = {least, most, least + 1, 0, 1ll << 40, -(1ll << 40)};
   const auto any = [&](int low, int high) { return draw(0, 4) ? draw(low, high) : hostile[draw(0, 5)]; };
   int good = 0;
   for (int turn = 0; turn < 2000; turn++) {
      const Length sizes[] = {draw(0, 3), draw(0, 6), draw(1, 5)};
      std::int64_t cuts[8];
      for (int i = 0; i < 2; i++) cuts[4 * i] = any(-9, 9), cuts[4 * i + 1] = any(-9, 9), cuts[4 * i + 2] = any(-3, 3), cuts[4 * i + 3] = any(-3, 3);
      bool right = true;
      for (int i = 0; i < 2; i++) right &= cuts[4 * i + 2] >= -3 && cuts[4 * i + 2] < 3 && cuts[4 * i + 3] != 0;
      if (right) right = (cuts[2] + 3) % 3 != (cuts[6] + 3) % 3;
      const std::vector<std::int16_t> x = bytes<std::int16_t>(sizes[0] * sizes[1] * sizes[2]);
      Length counts[3] = {};
      CHECK(body::sliced<std::int16_t>(sizes, cuts, counts, x.data(), nullptr) == right, "%s: a cut that means nothing", isa);
      if (!right) continue;
      good++;
      std::vector<Length> places[3];
      for (int a = 0; a < 3; a++) places[a] = taken(sizes[a], 0, sizes[a], 1);
      for (int i = 0; i < 2; i++) places[(cuts[4 * i + 2] + 3) % 3] = taken(sizes[(cuts[4 * i + 2] + 3) % 3], cuts[4 * i], cuts[4 * i + 1], cuts[4 * i + 3]);
      std::vector<std::int16_t> want, y;
      for (const Length a : places[0])
         for (const Length b : places[1])
            for (const Length c : places[2]) want.push_back(x[at((a * sizes[1] + b) * sizes[2] + c)]);
      y.resize(at(counts[0] * counts[1] * counts[2]));
      CHECK(y.size() == want.size(), "%s: a cut of %d elements", isa, int(want.size()));
      if (y.size() != want.size()) continue;
      body::sliced<std::int16_t>(sizes, cuts, counts, x.data(), y.data());
      CHECK(y == want, "%s: a cut", isa);
   }
   CHECK(good > 100, "only %d cuts", good);
}

static void test_gates(const char* isa)
{
   for (Length H : {0, 1, 16, 17})
      for (Length K : {0, 1, 3})
         for (Length G : {1, 3, 4}) {
            const Length sums = G - 1, panels = (H + 15) / 16;
            const Floats source = numbers(2 * G * H * K), added = numbers(2 * G * H * K);
            Floats packed(at(2 * panels * G * K * 16), 99.f);
            body::gates(2, G, H, K, source.data(), added.data(), sums, packed.data());
            for (Length i = 0; i < static_cast<Length>(packed.size()); i++) {
               const Length h = i % 16 + i / (16 * K * G) % panels * 16, k = i / 16 % K, g = i / (16 * K) % G, d = i / (16 * K * G * panels);
               const std::size_t from = at(((d * G + g) * H + (h < H ? h : 0)) * K + k);
               CHECK(packed[at(i)] == (h >= H ? 0.f : g < sums ? source[from] + added[from] : source[from]), "%s: a gate", isa);
            }
         }
}

/// A filter leaves what is everywhere the same, and a triangle's weights are those of its text.
static void test_antialias(const char* isa)
{
   for (const bool cubic : {false, true})
      for (const bool exclude : {false, true})
         for (Length in : {1, 5, 16, 33})
            for (Length out : {1, 3, 7, 16}) {
               const double shrink = std::min(1., double(out) / double(in)), support = (cubic ? 2. : 1.) / shrink;
               const Length taps = std::min(in, static_cast<Length>(2 * support) + 3), inner = 17;
               std::vector<std::int32_t> index(at(out * taps), -1);
               Floats weight(index.size(), 99.f), x(at(2 * in * inner), 0.75f), y(at(2 * out * inner), 99.f);
               std::vector<unsigned char> outside(at(out), 9);
               body::smoothed(cubic, exclude, in, out, inner, taps, index.data(), weight.data(), outside.data(), x.data(), y.data());
               for (const float v : y) CHECK(std::fabs(v - 0.75f) < 1e-5f, "%s: %d to %d: %g", isa, int(in), int(out), double(v));
               for (const std::int32_t i : index) CHECK(i >= 0 && i < in, "%s: index %d", isa, int(i));
               for (Length o = 0; o < out && !cubic && exclude && in != out; o++) {
                  const double center = (double(o) + 0.5) * double(in) / double(out) - 0.5;
                  std::vector<double> want(at(in)), got(at(in));
                  double sum = 0;
                  for (Length i = 0; i < in; i++) sum += want[at(i)] = std::max(0., 1. - std::fabs(double(i) - center) * shrink);
                  for (Length k = 0; k < taps; k++) got[at(index[at(o * taps + k)])] += weight[at(o * taps + k)];
                  for (Length i = 0; i < in; i++) CHECK(std::fabs(got[at(i)] - want[at(i)] / sum) < 1e-5, "%s: weight of %d in %d", isa, int(i), int(o));
               }
            }
}

template <class T>
static void test_matrices(const char* isa)
{
   std::vector<T> theta;
   for (int i = 0; i < 24; i++) theta.push_back(static_cast<T>(draw(-8, 8)) / T(4));
   for (const bool align : {false, true})
      for (Length d : {0, 1, 2})
         for (Length h : {0, 1, 3}) {
            const Length w = 4, rank = d ? 3 : 2, pixels = (d ? d : 1) * h * w;
            std::vector<T> y(at(2 * pixels * rank), T(99));
            body::grid<T>(2, d, h, w, align, theta.data(), y.data());
            for (Length i = 0; i < 2 * pixels; i++) {
               const Length p = i % pixels, own[] = {p % w, p / w % h, p / w / h}, sizes[] = {w, h, d};
               double place[3] = {};
               for (Length a = 0; a < rank; a++)
                  place[a] = align ? (sizes[a] > 1 ? 2. * double(own[a]) / (double(sizes[a]) - 1.) - 1. : 1.) : (2. * double(own[a]) + 1.) / double(sizes[a]) - 1.;
               for (Length r = 0; r < rank; r++) {
                  const T* const from = theta.data() + i / pixels * rank * (rank + 1) + r * (rank + 1);
                  double sum = static_cast<double>(from[rank]);
                  for (Length a = 0; a < rank; a++) sum += static_cast<double>(from[a]) * place[a];
                  CHECK(std::fabs(static_cast<double>(y[at(i * rank + r)]) - sum) < 1e-5, "%s: a place of a grid", isa);
               }
            }
         }
   for (Length n : {0, 1, 2, 3})
      for (Length count : {0, 1, 3}) {
         std::vector<T> x(at(count * n * n)), y(at(count), T(99));
         for (T& v : x) v = static_cast<T>(draw(-6, 6)) / T(2);
         std::vector<double> work(at(n * n));
         body::determined<T>(count, n, x.data(), reinterpret_cast<char*>(work.data()), y.data());
         for (Length i = 0; i < count; i++) {
            const T* const a = x.data() + i * n * n;
            const auto e = [a, n](Length r, Length c) { return static_cast<double>(a[r % n * n + c % n]); };
            double want = n == 0 ? 1. : n == 1 ? e(0, 0) : e(0, 0) * e(1, 1) - e(0, 1) * e(1, 0);
            if (n == 3) {
               want = 0;
               for (Length c = 0; c < 3; c++) want += e(0, c) * (e(1, c + 1) * e(2, c + 2) - e(1, c + 2) * e(2, c + 1));
            }
            CHECK(std::fabs(static_cast<double>(y[at(i)]) - want) < 1e-4, "%s: determinant %g for %g", isa, static_cast<double>(y[at(i)]), want);
         }
      }
}

static void test_mel(const char* isa)
{
   const float hostile[] = {16000.f, 0.f, 8000.f, 1.f, inf, nan_, -inf, -1e30f, 3e38f};
   for (Length n : {0, 1, 16, 256})
      for (Length bins : {0, 1, 8})
         for (int turn = 0; turn < 40; turn++) {
            float given[] = {16000.f, 20.f, 8000.f};
            if (turn) given[turn % 3] = hostile[draw(0, 8)];
            Floats y(at((n / 2 + 1) * bins), 99.f);
            body::mel(bins, n, given, y.data());
            for (const float v : y) CHECK(v >= 0.f && v <= 1.f, "%s: mel %g", isa, double(v));
            if (turn || n < 256 || !bins) continue;
            float most = 0;
            for (Length line = 0; line <= n / 2; line++) most = std::max(most, y[at(line * bins + bins - 1)]);
            CHECK(most > 0.5f, "%s: a bin without a top", isa);
         }
}

/// Any table: no offset lies outside, and one that does not fit is refused.
static void test_sequences(const char* isa)
{
   for (int turn = 0; turn < 1000; turn++) {
      std::array<std::int64_t, 27> table{};
      const bool wide = turn % 2 == 0;
      const Length total = draw(0, 40);
      for (std::int64_t& v : table) v = draw(0, 6) ? draw(0, 3) : draw(0, 1) ? std::numeric_limits<std::int64_t>::max() : draw(-2, 9);
      double all = 0;
      bool fits = true;
      for (int i = 0; i < 3; i++) {
         const std::int64_t *const row = table.data() + i * (wide ? 9 : 2), rank = wide ? row[0] : 2;
         double count = 1;
         fits = fits && rank >= 0 && rank <= 8;
         bool none = false;
         for (std::int64_t a = 0; fits && a < rank; a++) none |= row[a + wide] == 0;
         for (std::int64_t a = 0; fits && !none && a < rank; a++) fits = row[a + wide] >= 0, count *= double(row[a + wide]);
         all += none ? 0 : count;
         fits = fits && all <= double(total);
      }
      const Length offset = body::offset_of(wide, 3, total, table.data());
      CHECK(offset == (fits ? static_cast<Length>(all) : -1), "%s: offset %d", isa, int(offset));
   }
   CHECK(body::place_of(-3, 3) == 0 && body::place_of(2, 3) == 2 && body::place_of(3, 3) == -1 && body::place_of(-4, 3) == -1 && body::place_of(0, 0) == -1, "%s: places", isa);
   CHECK(body::place_of(std::numeric_limits<std::int64_t>::min(), 3) == -1, "%s: the least of places", isa);
   for (Length whole : {0, 1, 5})
      for (Length size : {1, 2, 7}) {
         const Length n = (whole + size - 1) / size;
         const Floats x = numbers(2 * whole * 3);
         Floats y(x.size(), 99.f), want;
         std::vector<std::int64_t> table(at(n * 3), -1), rows(at(n * 9), -1);
         body::chunked(2, whole, 3, size, x.data(), y.data(), table.data(), rows.data());
         for (Length i = 0; i < n; i++) {
            const Length own = std::min(size, whole - i * size);
            for (Length o = 0; o < 2; o++)
               for (Length k = 0; k < own * 3; k++) want.push_back(x[at((o * whole + i * size) * 3 + k)]);
            CHECK(table[at(3 * i)] == 2 && table[at(3 * i + 1)] == own && table[at(3 * i + 2)] == 3, "%s: a row of a table", isa);
            CHECK(rows[at(9 * i)] == 3 && rows[at(9 * i + 2)] == own && rows[at(9 * i + 4)] == 0, "%s: a wide row", isa);
         }
         CHECK(y == want, "%s: chunks", isa);
      }
}

/// The generator and the distributions of the standard library, in the type T.
template <class T>
static void test_random(const char* isa)
{
   for (const std::uint64_t seed : {0ull, 1ull, 42ull, 0xffffffffffffull}) {
      for (Length count : {0, 1, 7}) {
         std::minstd_rand0 generator(static_cast<std::minstd_rand0::result_type>(seed % 2147483647u)), second = generator;
         std::uniform_real_distribution<T> uniform(T(-2), T(3));
         std::normal_distribution<T> normal(T(1), T(2));
         std::vector<T> y(at(count), T(99)), z = y;
         body::uniform<T>(seed, count, y.data());
         body::normal<T>(seed, count, z.data());
         for (Length i = 0; i < count; i++) {
            const T u = uniform(generator), v = normal(second);
            CHECK(std::fabs(static_cast<double>(y[at(i)] - u)) < 1e-6 && std::fabs(static_cast<double>(z[at(i)] - v)) < 1e-5, "%s: random number %d", isa, int(i));
         }
      }
   }
   const Floats logits = {-inf, 0.f, -inf, nan_, 1e30f, -1e30f};
   std::vector<double> work(3);
   std::vector<std::int32_t> y(40, -1);
   body::chosen(3, 2, 3, 20, logits.data(), reinterpret_cast<char*>(work.data()), y.data());
   for (int i = 0; i < 40; i++) CHECK(y[at(i)] == 1, "%s: class %d is not possible", isa, int(y[at(i)]));
   body::chosen(3, 2, 0, 20, nullptr, nullptr, y.data());
   Floats x = numbers(101), d(101, 99.f);
   const std::unique_ptr<bool[]> mask(new bool[101]);
   body::dropped(7, 101, 0.25f, x.data(), d.data(), mask.get());
   int kept = 0;
   for (int i = 0; i < 101; i++) {
      kept += mask[at(i)];
      CHECK(std::fabs(d[at(i)] - (mask[at(i)] ? x[at(i)] / 0.75f : 0.f)) < 1e-6f, "%s: dropout", isa);
   }
   CHECK(kept > 60 && kept < 90, "%s: %d of 101 are kept", isa, kept);
}

static void test_blocks(const char* isa)
{
   for (const int bits : {2, 4, 8})
      for (Length K : {0, 1, 16, 37})
         for (const bool grouped : {false, true}) {
            const Length N = 3, block = 16, blocks = (K + block - 1) / block, each = 8 / bits, row = (blocks * bits + 7) / 8;
            const std::vector<std::uint8_t> w = bytes<std::uint8_t>(N * blocks * block / each), zeros = bytes<std::uint8_t>(N * row);
            const Floats scales = numbers(N * blocks);
            std::vector<std::int32_t> group(at(K));
            for (std::int32_t& g : group) g = draw(-1, 3);
            Floats y(at(K * N), 99.f);
            body::unpacked(N, K, block, bits, w.data(), scales.data(), zeros.data(), grouped ? group.data() : nullptr, y.data());
            for (Length n = 0; n < N; n++)
               for (Length k = 0; k < K; k++) {
                  const int mask = (1 << bits) - 1, value = w[at((n * blocks * block + k) / each)] >> (k % each * bits) & mask;
                  const Length b = grouped ? std::min<Length>(std::max<Length>(group[at(k)], 0), blocks - 1) : k / block;
                  const int zero = zeros[at(n * row + b / each)] >> (b % each * bits) & mask;
                  CHECK(y[at(k * N + n)] == static_cast<float>(value - zero) * scales[at(n * blocks + b)], "%s: %d bits", isa, bits);
               }
         }
}

/// Elements of any table, joined along an axis or stacked: what does not fit is refused, and nothing lies outside.
static void test_joined(const char* isa)
{
   int right = 0;
   for (int turn = 0; turn < 4000; turn++) {
      const int axis = turn % 3, length = turn % 5 ? 3 : 0;
      const bool stacked = axis == 2 || turn % 2;
      std::vector<std::int64_t> table(at(length * 2));
      const std::int64_t same = draw(0, 3);
      for (std::int64_t& v : table) v = draw(0, 3) ? same : draw(0, 9) ? draw(0, 4) : draw(-3, 1 << 30);
      double count = 0;
      for (int i = 0; i < length; i++) count += double(table[at(2 * i)]) * double(table[at(2 * i + 1)]);
      const Length total = turn % 7 && count >= 0 && count < 99 ? static_cast<Length>(count) : draw(0, 40);
      const Floats x = numbers(total);
      Floats y(at(total), 99.f);
      Length sizes[2] = {-1, -1};
      if (!body::in_one(length, total, axis, stacked, table.data(), sizes, x.data(), y.data())) continue;
      if (count != double(total)) continue;  // more numbers than the table has are left alone
      right++;
      Floats want;
      const Length outer = axis == 0 ? 1 : axis == 1 ? sizes[0] : sizes[0] * sizes[1];
      for (Length o = 0; o < outer; o++)
         for (Length i = 0, begin = 0; i < length; i++) {
            const Length own = table[at(2 * i)] * table[at(2 * i + 1)], run = own / outer;
            want.insert(want.end(), x.begin() + begin + o * run, x.begin() + begin + o * run + run);
            begin += own;
         }
      CHECK(y == want, "%s: joined along %d", isa, axis);
      CHECK(stacked || sizes[axis] * sizes[1 - axis] == total, "%s: sizes of what is joined", isa);
   }
   CHECK(right > 200, "%s: %d were joined", isa, right);
}

static void all(const char* isa)
{
   test_reduce(isa), test_slice(isa), test_gates(isa), test_antialias(isa), test_mel(isa), test_sequences(isa), test_joined(isa), test_blocks(isa);
   test_matrices<float>(isa), test_matrices<double>(isa), test_random<float>(isa), test_random<double>(isa);
   const Floats x = numbers(6), z = numbers(4);
   Floats y(10, 99.f), want = {x[0], x[1], x[2], z[0], z[1], x[3], x[4], x[5], z[2], z[3]};
   body::joined(2, 3, 2, x.data(), z.data(), y.data());
   CHECK(y == want, "%s: concat", isa);
}
}  // namespace TEST(REGION)
#endif
