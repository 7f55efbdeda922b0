// class_scores.hxx: labels and scores of ai.onnx.ml's linear and support vector models.
//
// Contract: labels are a table with `at(i)`, of numbers or strings. Nothing overlaps; rows may be 0.
#pragma once
#include "post_transform.hxx"

/// Labels that are numbers.
struct ClassNumbers {
   const std::int64_t* numbers;
   std::int64_t at(Size i) const { return numbers[i]; }
};

/// The scores z of two classes from the one score of the second: through PostLogistic -s and s; else [-s, s], or [1 - s, s] where they are
/// shares. PostProbit leaves s alone, and 0.
template <class Post>
ONNX_BRIDGE_INLINE void two_scores(float s, bool shares, Post post, float* z)
{
   z[0] = s;
   z[1] = std::is_same<Post, PostProbit>::value ? 0.f : s;
   if (std::is_same<Post, PostProbit>::value) return post(1, z);
   z[0] = shares && !std::is_same<Post, PostLogistic>::value ? 1.f - s : -s;
   if (std::is_same<Post, PostLogistic>::value) post(2, z);
}

/// Of scores [rows][classes]: y = the label of the largest, the first of equal ones; z = the scores, transformed.
/// One class, z with two columns: label 1 above 0, else label 0; z = its two_scores(), which are shares.
template <class Labels, class Label, class Post>
ONNX_BRIDGE_KERNEL void linear_classes(Size rows, Size classes, Size columns, const float* scores, Labels labels, Post post, Label* y, float* z)
{
   for (Size row = 0; row < rows; row++, scores += classes, z += columns) {
      Size best = 0;
      for (Size i = 1; i < classes; i++) best = scores[i] > scores[best] ? i : best;
      if (classes == 1) best = scores[0] > 0.f ? 1 : 0;
      y[row] = labels.at(best);
      for (Size i = 0; i < classes; i++) z[i] = scores[i];
      if (classes == 1) two_scores(scores[0], true, post, z);
      else post(classes, z);
   }
}

/// post of each row of [rows][n] scores, y = x after it.
template <class Post>
ONNX_BRIDGE_KERNEL void transform_scores(Size rows, Size n, const float* x, Post post, float* y)
{
   for (Size row = 0; row < rows; row++, x += n, y += n) {
      for (Size i = 0; i < n; i++) y[i] = x[i];
      post(n, y);
   }
}

/// The same of a linear support vector machine: of two classes without chances the second, too, where the largest score is above 0; where
/// no coefficient is negative (`positive`), where it is at least 0.5.
template <class Labels, class Label, class Post>
ONNX_BRIDGE_KERNEL void margin_classes(Size rows, Size classes, bool chances, bool positive, const float* scores, Labels labels, Post post,
                                       Label* y, float* z)
{
   for (Size row = 0; row < rows; row++, scores += classes, z += classes) {
      Size best = 0;
      for (Size i = 1; i < classes; i++) best = scores[i] > scores[best] ? i : best;
      const bool second = classes == 2 && !chances && (positive ? scores[best] >= 0.5f : scores[best] > 0.f);
      y[row] = labels.at(second ? 1 : best);
      for (Size i = 0; i < classes; i++) z[i] = scores[i];
      if (classes > 1 || std::is_same<Post, PostProbit>::value) post(classes, z);
   }
}
