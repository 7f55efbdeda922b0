// kernels: tree_classes.hxx support_vectors.hxx features.hxx text_features.hxx
// region: classical_region.hxx
//
// What ai.onnx.ml computes, against plain loops: trees, support vector machines, scores, features; in memory of exactly the promised size.
#ifndef REGION
#include "checks.hxx"
#include <string>

static std::unique_ptr<float[]> room(Length floats) { return std::unique_ptr<float[]>(new float[at(floats)]); }

/// Complete trees of a depth, as records of words; those of odd numbers read the columns in which NaN is above all numbers.
template <class T>
struct Forest {
   Length count, width, leaves, words = sizeof(T) / 4, record = words + 2;
   std::vector<int> feature;
   std::vector<T> threshold;  // of leaves what they hold
   std::vector<std::int32_t> nodes, roots;

   template <class Key>
   Forest(Length trees, int depth, Length features, Key key) : count(trees), width(features), leaves(Length{1} << depth)
   {
      const Length inner = leaves - 1, each = inner + leaves;
      for (Length tree = 0; tree < count; tree++) {
         roots.push_back(static_cast<std::int32_t>(tree * each * record));
         for (Length i = 0; i < each; i++) {
            feature.push_back(draw(0, static_cast<int>(width) - 1));
            threshold.push_back(static_cast<T>(draw(-8, 8)) * static_cast<T>(0.25));
            const bool leaf = i >= inner;
            const auto held = key(threshold.back());
            std::int32_t bits[2];
            std::memcpy(bits, &held, sizeof held);
            if (leaf) std::memcpy(bits, &threshold.back(), sizeof(T));
            nodes.insert(nodes.end(), bits, bits + words);
            nodes.push_back(static_cast<std::int32_t>(leaf ? 0 : 1 + feature.back() + (tree % 2) * width));
            nodes.push_back(static_cast<std::int32_t>((tree * each + (leaf ? i : 2 * i + 1)) * record));
         }
      }
   }
   template <class X>
   T walk(Length tree, const X* x) const
   {
      const Length each = 2 * leaves - 1;
      Length i = 0;
      while (i < leaves - 1) {
         const T value = static_cast<T>(x[feature[at(tree * each + i)]]);
         const bool above = std::isnan(value) ? tree % 2 != 0 : value > threshold[at(tree * each + i)];
         i = 2 * i + 1 + above;
      }
      return threshold[at(tree * each + i)];
   }
};

#define SELF "classical_test.cpp"
#include "everywhere.hxx"
#else
namespace TEST(REGION) {
namespace body = kernels::REGION;

template <class T, class X>
static void test_trees(const char* isa)
{
   for (Length rows : {0, 1, 7, 8, 33, 70})
      for (Length targets : {1, 3}) {
         const Length features = 3, block = 40;
         const Forest<T> forest(11, 3, features, [](T t) { return body::key_of(t); });
         std::vector<X> x;
         for (Length i = 0; i < rows * features; i++) x.push_back(static_cast<X>(draw(-9, 9)) / static_cast<X>(4));
         if (!std::is_integral<X>::value)
            for (Length i = 0; i < rows * features; i += 5) x[at(i)] = static_cast<X>(i % 2 ? nan_ : i % 3 ? inf : -0.f);
         std::vector<std::int32_t> target;
         for (int tree = 0; tree < 11; tree++) target.push_back(tree % static_cast<int>(targets));
         const std::vector<T> base(at(targets), static_cast<T>(0.5));
         Floats y(at(rows * targets), 99.f);
         const auto scratch = room(body::tree_floats(block, 2 * features, targets, forest.words));
         body::regress(rows, features, targets, block, x.data(), forest.count, true, true, forest.roots.data(), forest.nodes.data(),
                       targets > 1 ? target.data() : nullptr, base.data(), y.data(), scratch.get());
         for (Length row = 0; row < rows; row++)
            for (Length i = 0; i < targets; i++) {
               T sum = 0;
               for (Length tree = 0; tree < 11; tree++)
                  if (target[at(tree)] == i) sum += forest.walk(tree, x.data() + row * features);
               CHECK(same(static_cast<float>(sum + base[0]), y[at(row * targets + i)]), "%s: trees, row %d", isa, int(row));
            }
      }
}

static void test_classes(const char* isa)
{
   const std::int64_t labels[] = {10, 20, 30};
   const float base[] = {0.5f, -1.f, 0.25f};
   for (int turn = 0; turn < 100; turn++) {
      Floats sums = numbers(3);
      const float given[] = {sums[0], sums[1], sums[2]};
      bool any[] = {true, turn % 2 == 0, turn % 3 == 0};
      const Length bases = turn % 5 ? 0 : 3;
      std::int64_t y = 0;
      float z[3];
      int best = -1;
      float want[3], most = 0;
      for (int i = 0; i < 3; i++) {
         want[i] = (any[i] ? given[i] : 0.f) + (bases ? base[i] : 0.f);
         if ((any[i] || bases) && (best < 0 || want[i] > most)) best = i, most = want[i];
      }
      body::classify(3, labels, base, bases, false, sums.data(), any, &y, z);
      CHECK(y == labels[best], "%s: of three classes %d", isa, int(y));
      for (int i = 0; i < 3; i++) CHECK(same(z[i], want[i]), "%s: the score of class %d", isa, i);
      bool first[] = {true, false};
      float two[] = {given[0], 0.f};
      body::classify(2, labels, base, 0, true, two, first, &y, z);
      CHECK(y == labels[given[0] > 0.5f] && same(z[0], 1.f - given[0]) && same(z[1], given[0]), "%s: two classes of one score", isa);
   }
}

static void test_support(const char* isa)
{
   for (Length classes : {2, 3, 4})
      for (Length rows : {0, 1, 5}) {
         const Length features = 5, pairs = classes * (classes - 1) / 2;
         std::vector<std::int64_t> per_class, labels;
         Length count = 0;
         for (Length i = 0; i < classes; i++) per_class.push_back(draw(0, 9)), labels.push_back(i * 10), count += per_class.back();
         const Floats x = numbers(rows * features), vectors = numbers(features * count), coefficients = numbers((classes - 1) * count);
         const Floats rho = numbers(pairs), a(at(pairs), -2.f), b = numbers(pairs);
         Floats kernels(at(rows * count), 99.f), z(at(rows * (classes == 2 ? 2 : pairs)), 99.f), p(at(rows * classes), 99.f);
         std::vector<std::int64_t> y(at(rows), -1);
         body::radial(rows, features, count, 0.125f, x.data(), vectors.data(), kernels.data());
         for (Length i = 0; i < rows * count; i++) {
            double apart = 0;
            for (Length k = 0; k < features; k++) apart += std::pow(double(x[at(i / count * features + k)]) - vectors[at(k * count + i % count)], 2);
            CHECK(std::fabs(kernels[at(i)] - std::exp(-0.125 * apart)) < 1e-6, "%s: a radial kernel", isa);
         }
         const auto scratch = room(body::support_floats(classes));
         body::support(rows, classes, count, per_class.data(), coefficients.data(), rho.data(), nullptr, nullptr, kernels.data(), labels.data(),
                       y.data(), z.data(), scratch.get());
         for (Length row = 0; row < rows; row++) {
            std::vector<int> votes(at(classes), 0);
            Length pair = 0, begin = 0;
            for (Length i = 0; i < classes; begin += per_class[at(i++)]) {
               Length other = begin + per_class[at(i)];
               for (Length j = i + 1; j < classes; other += per_class[at(j++)], pair++) {
                  double sum = 0;
                  for (Length m = 0; m < per_class[at(i)]; m++) sum += static_cast<double>(coefficients[at(count * (j - 1) + begin + m)]) * kernels[at(row * count + begin + m)];
                  for (Length m = 0; m < per_class[at(j)]; m++) sum += static_cast<double>(coefficients[at(count * i + other + m)]) * kernels[at(row * count + other + m)];
                  sum += rho[at(pair)];
                  const float score = z[at(classes == 2 ? row * 2 + 1 : row * pairs + pair)];
                  CHECK(std::fabs(std::fabs(score) - std::fabs(sum)) < 1e-4, "%s: a decision, %g for %g", isa, double(score), sum);
                  votes[at(sum > 0 ? i : j)]++;
               }
            }
            const auto best = std::max_element(votes.begin(), votes.end()) - votes.begin();
            CHECK(y[at(row)] == labels[at(best)], "%s: the label of a machine", isa);
         }
         body::support(rows, classes, count, per_class.data(), coefficients.data(), rho.data(), a.data(), b.data(), kernels.data(), labels.data(),
                       y.data(), p.data(), scratch.get());
         for (Length row = 0; row < rows; row++) {
            float sum = 0;
            for (Length i = 0; i < classes; i++) sum += p[at(row * classes + i)];
            CHECK(std::fabs(sum - 1.f) < 1e-4f, "%s: chances of sum %g", isa, double(sum));
         }
      }
}

static void test_scores(const char* isa)
{
   const std::int64_t labels[] = {4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22};
   for (Length n : {0, 1, 2, 3, 16, 19})
      for (Length rows : {0, 1, 4}) {
         Floats x = numbers(rows * n);
         for (int post = 0; post < 4; post++) {
            Floats y(x.size(), 99.f);
            body::transformed(post, rows, n, x.data(), y.data());
            for (Length row = 0; row < rows; row++) {
               const float *const from = x.data() + row * n, *const to = y.data() + row * n;
               const double top = n ? *std::max_element(from, from + n) : 0;
               double sum = 0;
               for (Length i = 0; i < n; i++) sum += post == 3 && from[i] == 0 ? 0 : std::exp(from[i] - top);
               for (Length i = 0; i < n; i++) {
                  const double e = post == 0   ? from[i]
                                   : post == 1 ? 1 / (1 + std::exp(-double(from[i])))
                                               : (post == 3 && from[i] == 0 ? 0 : std::exp(from[i] - top) / sum);
                  CHECK(std::fabs(to[i] - e) <= 1e-6 || !(sum > 0), "%s: transform %d: %g for %g", isa, post, double(to[i]), e);
               }
            }
         }
         if (n < 1) continue;
         for (const bool margin : {false, true}) {
            const Length columns = n == 1 && !margin ? 2 : n;
            std::vector<std::int64_t> y(at(rows), -1);
            Floats z(at(rows * columns), 99.f);
            body::linear(margin, rows, n, columns, x.data(), labels, y.data(), z.data());
            for (Length row = 0; row < rows; row++) {
               const float* const from = x.data() + row * n;
               Length best = std::max_element(from, from + n) - from;
               if (margin && n == 2 && from[best] > 0) best = 1;
               if (!margin && n == 1) best = from[0] > 0;
               CHECK(y[at(row)] == labels[best], "%s: a label of %d classes", isa, int(n));
               CHECK(same(z[at((row + 1) * columns - 1)], from[n - 1]), "%s: the last score of %d classes", isa, int(n));
            }
         }
      }
   const Floats chances = {0.5f, 0.975f, 0.025f};
   Floats y(3);
   body::transformed(4, 1, 3, chances.data(), y.data());
   CHECK(std::fabs(y[0]) < 1e-3f && std::fabs(y[1] - 1.96f) < 0.01f && std::fabs(y[2] + 1.96f) < 0.01f, "%s: probit", isa);
}

template <class X>
static void test_features(const char* isa)
{
   for (Length rows : {0, 1, 3})
      for (Length n : {0, 1, 5}) {
         const std::size_t all = at(rows * n);
         std::vector<X> x(all), values(at(n), X(7)), binary(all, X(9)), imputed(all, X(9));
         for (X& v : x) v = static_cast<X>(draw(-6, 6));
         if (rows == 3) std::fill(x.begin(), x.begin() + n, X(0));  // a row of zeros has no length
         const Floats offset = numbers(n), scale = numbers(n);
         Floats scaled(all, 99.f), largest(all, 99.f), summed(all, 99.f), squared(all, 99.f), copied(at(rows * (n + 2)), 99.f);
         body::features<X>(rows, n, x.data(), offset.data(), scale.data(), X(3), values.data(), scaled.data(), largest.data(), summed.data(),
                        squared.data(), binary.data(), imputed.data(), copied.data());
         for (Length i = 0; i < rows * n; i++) {
            const X *const row = x.data() + i / n * n, v = x[at(i)];
            double top = static_cast<double>(row[0]), sum = 0, squares = 0;
            for (Length k = 0; k < n; k++) {
               const double e = static_cast<double>(row[k]);
               top = std::max(top, e), sum += std::fabs(e), squares += e * e;
            }
            const double e = static_cast<double>(v), share = squares > 0 ? std::sqrt(e * e / squares) : e;
            const auto near = [&](float got, double want) { return std::fabs(got - want) <= 1e-5 * std::max(1., std::fabs(want)); };
            CHECK(near(scaled[at(i)], (e - offset[at(i % n)]) * scale[at(i % n)]), "%s: scaled", isa);
            CHECK(near(largest[at(i)], top == 0 ? e : e / top), "%s: by the largest", isa);
            CHECK(near(summed[at(i)], sum == 0 ? e : e / sum), "%s: by the sum", isa);
            CHECK(near(squared[at(i)], e < 0 ? -share : share), "%s: by squares", isa);
            CHECK(binary[at(i)] == X(e > 0.5) && imputed[at(i)] == (v == X(3) ? X(7) : v), "%s: binarized, imputed", isa);
            CHECK(near(copied[at(i / n * (n + 2) + i % n)], e), "%s: copied", isa);
         }
         for (Length row = 0; row < rows; row++) CHECK(copied[at(row * (n + 2) + n)] == 0.f && copied[at(row * (n + 2) + n + 1)] == 99.f, "%s: filled", isa);
      }
}

static void test_categories(const char* isa)
{
   const double hostile[] = {1., 2.9, -1., std::numeric_limits<double>::quiet_NaN(), 1e300, -1e300, static_cast<double>(inf), 9.3e18};
   const std::int64_t categories[] = {2, 1, std::numeric_limits<std::int64_t>::max()};
   Floats y(24, 99.f);
   CHECK(!body::encoded(8, 3, hostile, categories, y.data()) && body::encoded(2, 3, hostile, categories, y.data()), "%s: all have a place", isa);
   body::encoded(8, 3, hostile, categories, y.data());
   for (int i = 0; i < 24; i++) CHECK(y[at(i)] == (i == 1 || i == 3 ? 1.f : 0.f), "%s: category at %d", isa, i);
   const std::string text = "abb";
   const std::int64_t ends[] = {0, 1, 1, 3}, places[] = {-1, 0, 5, -9, std::numeric_limits<std::int64_t>::min()};
   const std::string_view words[] = {"bb", "", "a", "b"};
   CHECK(!body::encoded_texts(4, reinterpret_cast<const std::uint8_t*>(text.data()), ends, 3, words, y.data()), "%s: a word of no category", isa);
   const int right[] = {2, 1, 0, -1};
   for (int i = 0; i < 12; i++) CHECK(y[at(i)] == (right[i / 3] == i % 3 ? 1.f : 0.f), "%s: a word", isa);
   std::string_view got[10];
   body::gathered_texts(2, 2, 5, words, places, got);
   const char* const wanted[] = {"", "bb", "", "bb", "bb", "b", "a", "b", "a", "a"};
   for (int i = 0; i < 10; i++) CHECK(got[i] == wanted[i], "%s: gathered", isa);
   body::gathered_texts(2, 0, 5, words, places, got);
}

static void all(const char* isa)
{
   test_trees<float, float>(isa), test_trees<double, double>(isa), test_trees<float, std::int64_t>(isa);
   test_classes(isa), test_support(isa), test_scores(isa), test_categories(isa);
   test_features<float>(isa), test_features<double>(isa), test_features<std::int64_t>(isa);
}
}  // namespace TEST(REGION)
#endif
