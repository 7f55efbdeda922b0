// tree_classes.hxx: from what trees say of classes to a label and the classes' scores, as onnxruntime does where ONNX is silent.
//
// Contract: a class has a score where a leaf or a base value speaks of it, else it is 0 and never chosen while another has one.
//
// More than two classes: the label of the largest score, the first of equal ones. Two, or one, choose label 0 or 1 by the score of class 1,
// else of class 0: above 0; where all leaves speak of one class of two (`binary`) and no weight is negative (`positive`), above 0.5.
// Where of two classes only the first has a score s, the scores are -s and s, through `post` if that is PostLogistic, else 1 - s and s where
// `binary` and `positive`; with a base value they may be s alone, and 0. Two base values: where class 1 has a score, the one of class 1 is
// added to the score of class 0, which then is that of class 1, and of class 0 with the other sign. A class alone takes no `post` but
// PostProbit.
#pragma once
#include "class_scores.hxx"
#include "trees.hxx"

/// labels: a table of the classes', for one or two classes of those of 0 and 1; base[bases] may be empty. y[rows], z[rows][classes].
template <class T, class Labels, class Label, class Post>
struct TreeClassification {
   Size classes;
   Labels labels;
   const T* base;
   Size bases;
   bool binary, positive;
   Label* y;
   float* z;
   Post post;

   static constexpr bool is_probit = std::is_same<Post, PostProbit>::value;

   void operator()(Size row, T* sums, bool* any) const
   {
      float* const to = z + row * classes;
      y[row] = labels.at(classes > 2 ? many(sums, any, to) : classes == 2 ? two(sums, any, to) : one(sums, to));
   }

   Size many(T* sums, bool* any, float* to) const
   {
      for (Size i = 0; i < bases; i++) {
         sums[i] = any[i] ? sums[i] + base[i] : base[i];
         any[i] = true;
      }
      Size best = -1;
      for (Size i = 0; i < classes; i++)
         if (any[i] && (best < 0 || sums[i] > sums[best])) best = i;
      for (Size i = 0; i < classes; i++) to[i] = any[i] ? static_cast<float>(sums[i]) : 0.f;
      post(classes, to);
      return best < 0 ? 0 : best;
   }

   Size two(const T* sums, const bool* any, float* to) const
   {
      T first = sums[0], second = sums[1];
      const bool both = any[1] || bases == 2;
      if (bases == 2 && any[1]) {
         second = base[1] + first;
         first = -second;
      } else {
         first = bases > 0 ? first + base[0] : first;
         second = bases == 2 ? second + base[1] : second;
      }
      const T decisive = any[1] ? second : any[0] ? first : 0;
      const bool chosen = binary && positive ? decisive > static_cast<T>(0.5) : decisive > 0;
      const float score = any[0] ? static_cast<float>(first) : 0.f;
      to[0] = score;
      to[1] = any[1] ? static_cast<float>(second) : 0.f;
      if (both) post(2, to);
      else if (binary || bases == 0 || is_probit) two_scores(score, binary && positive, post, to);
      return chosen ? 1 : 0;
   }

   Size one(const T* sums, float* to) const
   {
      const T score = bases > 0 ? sums[0] + base[0] : sums[0];
      to[0] = static_cast<float>(score);
      if (is_probit) post(1, to);
      return score > 0 ? 1 : 0;
   }
};
