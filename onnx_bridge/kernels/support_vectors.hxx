// support_vectors.hxx: support vector machines of ai.onnx.ml.
//
// Contract: kernels are [rows][count], what each support vector says to each row; vectors lie by class, per_class[classes] of them each.
// Between any two classes i < j the decision is the double sum of coefficients [classes - 1][count] times kernels, products rounded to float:
// first those of i by row j - 1, then those of j by row i, then rho of the pair. The class of the most decisions wins, the first of equal ones.
// labels are a table with `at(i)`. Nothing overlaps; rows may be 0. Scratch, aligned to 8: support_scratch(classes) floats.
#pragma once
#include "class_scores.hxx"

/// Floats of scratch for votes, decisions, chances between two classes, and the sums of couple_chances().
constexpr Size support_scratch(Size classes) { return 2 * classes + 3 * classes * classes; }

/// y[rows][count] = exp(-gamma |x - v|^2), x [rows][features], vectors [features][count], side by side; the sum in the order of the features.
ONNX_BRIDGE_KERNEL void radial_kernels(Size rows, Size features, Size count, float gamma, const float* x, const float* vectors, float* y)
{
   for (Size row = 0; row < rows; row++, x += features, y += count)
      for (Size j = 0; j < count; j += lanes) {
         const Size some = count - j < lanes ? count - j : lanes;
         vec sum{};
         for (Size i = 0; i < features; i++) {
            const vec apart = splat(x[i]) - load(vectors + i * count + j, some);
            sum += mul(apart, apart);
         }
         store(y + j, exp(mul(splat(-gamma), sum)), some);
      }
}

/// p[n] = the chances of n classes from r[i][j], the chance of i where only i and j are possible, by the second way of Wu, Lin and Weng (2004).
/// q[n][n] and product[n] are room.
ONNX_BRIDGE_KERNEL void couple_chances(Size n, const float* r, float* p, float* q, float* product)
{
   const float limit = 0.005f / static_cast<float>(n);
   for (Size i = 0; i < n; i++) {
      p[i] = 1.f / static_cast<float>(n);
      float own = 0.f;
      for (Size j = 0; j < n; j++)
         if (j != i) {
            own += mul(r[j * n + i], r[j * n + i]);
            q[i * n + j] = j < i ? q[j * n + i] : mul(-r[j * n + i], r[i * n + j]);
         }
      q[i * n + i] = own;
   }
   for (int turn = 0; turn < 100; turn++) {
      float whole = 0.f, largest = 0.f;
      for (Size i = 0; i < n; i++) {
         product[i] = 0.f;
         for (Size j = 0; j < n; j++) product[i] += mul(q[i * n + j], p[j]);
         whole += mul(p[i], product[i]);
      }
      for (Size i = 0; i < n; i++) {
         const float error = product[i] - whole, size = error < 0.f ? -error : error;
         largest = size > largest ? size : largest;
      }
      if (largest < limit) break;
      for (Size i = 0; i < n; i++) {
         const float more = (-product[i] + whole) / q[i * n + i], by = 1.f + more;
         p[i] += more;
         whole = (whole + mul(more, mul(more, q[i * n + i]) + mul(2.f, product[i]))) / by / by;
         for (Size j = 0; j < n; j++) {
            product[j] = (product[j] + mul(more, q[i * n + j])) / by;
            p[j] /= by;
         }
      }
   }
}

/// What a machine of `classes` classes, at least two, is made of; a and b are null where it knows no chances.
struct SupportMachine {
   Size classes, count;
   const std::int64_t* per_class;
   const float* coefficients;
   const float* rho;
   const float* a;
   const float* b;

   /// decisions[classes (classes - 1) / 2] between two classes each, and the votes[classes].
   void decide(const float* kernels, float* decisions, float* votes) const
   {
      for (Size i = 0; i < classes; i++) votes[i] = 0.f;
      Size pair = 0, from = 0;
      for (Size i = 0; i < classes; from += static_cast<Size>(per_class[i]), i++) {
         Size other = from + static_cast<Size>(per_class[i]);
         for (Size j = i + 1; j < classes; other += static_cast<Size>(per_class[j]), j++, pair++) {
            double sum = 0;
            for (Size m = from; m < from + per_class[i]; m++) sum += static_cast<double>(mul(coefficients[count * (j - 1) + m], kernels[m]));
            for (Size m = other; m < other + per_class[j]; m++) sum += static_cast<double>(mul(coefficients[count * i + m], kernels[m]));
            sum += static_cast<double>(rho[pair]);
            decisions[pair] = static_cast<float>(sum);
            votes[sum > 0 ? i : j] += 1.f;
         }
      }
   }

   /// r[i][j] of couple_chances(), from the decisions.
   void chances(const float* decisions, float* r) const
   {
      Size pair = 0;
      for (Size i = 0; i < classes; i++)
         for (Size j = i + 1; j < classes; j++, pair++) {
            const float chance = 1.f - logistic(mul(decisions[pair], a[pair]) + b[pair]);
            const float least = chance < 1.0e-7f ? 1.0e-7f : chance, kept = least > 1.f - 1.0e-7f ? 1.f - 1.0e-7f : least;
            r[i * classes + j] = kept;
            r[j * classes + i] = 1.f - kept;
         }
   }
};

/// y[rows] = the labels; z[rows][columns] = the chances of the classes where the machine knows them; else of two classes the two_scores() of
/// the decision, shares where there is a transform; else all decisions. Transformed.
template <class Labels, class Label, class Post>
ONNX_BRIDGE_KERNEL void support_classes(Size rows, const SupportMachine& machine, Size columns, const float* kernels, Labels labels, Post post,
                                        Label* y, float* z, void* scratch)
{
   const Size n = machine.classes;
   float* const votes = static_cast<float*>(scratch);
   float *const product = votes + n, *const decisions = product + n, *const r = decisions + n * n, *const q = r + n * n;
   for (Size row = 0; row < rows; row++, kernels += machine.count, z += columns) {
      machine.decide(kernels, decisions, votes);
      Size best = 0;
      for (Size i = 1; i < n; i++) best = votes[i] > votes[best] ? i : best;
      y[row] = labels.at(best);
      if (machine.a) {
         machine.chances(decisions, r);
         couple_chances(n, r, z, q, product);
         post(columns, z);
      } else if (n == 2) {
         two_scores(decisions[0], !std::is_same<Post, PostNone>::value, post, z);
      } else {
         for (Size i = 0; i < columns; i++) z[i] = decisions[i];
         post(columns, z);
      }
   }
}
