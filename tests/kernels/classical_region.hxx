// classical_region.hxx: drivers of classical_test.cpp, pasted after the kernels.
template <class T, class X>
ONNX_BRIDGE_KERNEL void regress(Size rows, Size features, Size targets, Size block, const X* x, Size count, bool low, bool high,
                                const std::int32_t* roots, const std::int32_t* nodes, const std::int32_t* target, const T* base, float* y,
                                void* scratch)
{
   const TreeRegression<T, float, PostNone> finish = {targets, T(1), base, y, PostNone()};
   trees(rows, features, targets, block, x, Trees<T>{count, features, low, high, roots, nodes}, LeafWeight<T>{target}, TreeSum(), finish, scratch);
}
ONNX_BRIDGE_KERNEL std::int32_t key_of(float x) { return tree_key(x, std::int32_t{0}); }
ONNX_BRIDGE_KERNEL std::int64_t key_of(double x) { return tree_key(x, std::int64_t{0}); }
ONNX_BRIDGE_KERNEL Size tree_floats(Size block, Size columns, Size targets, Size words) { return trees_scratch(block, columns, targets, words); }

ONNX_BRIDGE_KERNEL void classify(Size classes, const std::int64_t* labels, const float* base, Size bases, bool positive, float* sums, bool* any,
                                 std::int64_t* y, float* z)
{
   const TreeClassification<float, ClassNumbers, std::int64_t, PostNone> finish = {classes, {labels}, base, bases, positive, positive, y, z, PostNone()};
   finish(0, sums, any);
}

ONNX_BRIDGE_KERNEL void radial(Size rows, Size features, Size count, float gamma, const float* x, const float* vectors, float* y)
{
   radial_kernels(rows, features, count, gamma, x, vectors, y);
}
ONNX_BRIDGE_KERNEL Size support_floats(Size classes) { return support_scratch(classes); }
ONNX_BRIDGE_KERNEL void support(Size rows, Size classes, Size count, const std::int64_t* per_class, const float* coefficients, const float* rho,
                                const float* a, const float* b, const float* kernels, const std::int64_t* labels, std::int64_t* y, float* z,
                                void* scratch)
{
   const SupportMachine machine = {classes, count, per_class, coefficients, rho, a, b};
   const Size pairs = classes * (classes - 1) / 2, columns = a ? classes : classes == 2 ? 2 : pairs;
   support_classes(rows, machine, columns, kernels, ClassNumbers{labels}, PostNone(), y, z, scratch);
}

/// post: 0 none, 1 logistic, 2 softmax, 3 softmax of what is not 0, 4 probit.
ONNX_BRIDGE_KERNEL void transformed(int post, Size rows, Size n, const float* x, float* y)
{
   if (post == 0) transform_scores(rows, n, x, PostNone(), y);
   if (post == 1) transform_scores(rows, n, x, PostLogistic(), y);
   if (post == 2) transform_scores(rows, n, x, PostSoftmax(), y);
   if (post == 3) transform_scores(rows, n, x, PostSoftmaxZero(), y);
   if (post == 4) transform_scores(rows, n, x, PostProbit(), y);
}
ONNX_BRIDGE_KERNEL void linear(bool margin, Size rows, Size classes, Size columns, const float* scores, const std::int64_t* labels,
                               std::int64_t* y, float* z)
{
   if (margin)
      margin_classes(rows, classes, false, false, scores, ClassNumbers{labels}, PostNone(), y, z);
   else
      linear_classes(rows, classes, columns, scores, ClassNumbers{labels}, PostNone(), y, z);
}

template <class X>
ONNX_BRIDGE_KERNEL void features(Size rows, Size n, const X* x, const float* offset, const float* scale, X replaced, const X* values,
                                 float* scaled, float* largest, float* summed, float* squared, X* binary, X* imputed, float* copied)
{
   scale_features(rows * n, n, x, offset, scale, scaled);
   normalize_features<Norm::largest>(rows, n, x, largest);
   normalize_features<Norm::sum>(rows, n, x, summed);
   normalize_features<Norm::squares>(rows, n, x, squared);
   binarize(rows * n, x, 0.5f, binary);
   impute(rows * n, n, x, replaced, values, imputed);
   copy_features(rows, n, n + 1, n + 2, x, copied);
}
ONNX_BRIDGE_KERNEL bool encoded(Size n, Size count, const double* x, const std::int64_t* categories, float* y)
{
   return encode_categories(n, count, x, categories, y);
}
ONNX_BRIDGE_KERNEL bool encoded_texts(Size n, const std::uint8_t* text, const std::int64_t* ends, Size count, const std::string_view* x, float* y)
{
   return encode_texts(n, TextTable{text, ends, count}, x, y);
}
ONNX_BRIDGE_KERNEL void gathered_texts(Size outer, Size size, Size count, const std::string_view* x, const std::int64_t* places, std::string_view* y)
{
   gather_texts(outer, size, count, x, places, y);
}
