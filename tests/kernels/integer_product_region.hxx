// integer_product_region.hxx: drivers of integer_product_test.cpp, pasted after the kernels.
template <class A, class B>
ONNX_BRIDGE_KERNEL void products(Size m, Size n, Size k, const A* a, bool transposed, const A* a_zero, const B* w, const B* w_zero,
                                 const std::int32_t* bias, std::int32_t* y)
{
   char* packed = new char[static_cast<std::size_t>(4 * pack_integers_scratch(1, 1, k, n))];
   char* copy = new char[static_cast<std::size_t>(4 * integer_gemm_scratch(m, k))];
   const std::int32_t zero = left_zero(a_zero);
   const IntegerWeights weights = pack_integers(1, 1, 1, k, n, w, PackStrides{0, 0, 0, n, 1}, w_zero, 1, bias, zero, packed);
   integer_gemm(m, n, k, a, transposed ? 1 : k, transposed ? m : 1, zero, weights, copy, KeepIntegers{y, n, 1});
   delete[] packed;
   delete[] copy;
}
ONNX_BRIDGE_KERNEL void rounded(Size n, const std::int32_t* sums, float scale, std::int32_t zero, std::uint8_t* y)
{
   const Requantize<std::uint8_t> out = {y, n, 1, &scale, false, zero};
   for (Size i = 0; i < n; i += lanes) {
      if (n - i >= lanes)
         out(0, i, load(sums + i), All());
      else
         out(0, i, load(sums + i, n - i), n - i);
   }
}
