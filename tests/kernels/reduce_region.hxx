// reduce_region.hxx: drivers of reduce_test.cpp, pasted after the kernels.
template <class T, class N, class Inner, class Operation>
ONNX_BRIDGE_INLINE void reduce_typed(Size outer, N n, Inner inner, const T* x, T* y, Operation operation)
{
   if constexpr (!std::is_same<T, float>::value)
      reduce_any(outer, n, inner, x, y, operation);
   else if constexpr (std::is_same<Inner, Const<1>>::value)
      reduce_last(outer, n, x, y, operation);
   else
      reduce(outer, n, inner, x, y, operation);
}
template <class T, class N, class Inner>
ONNX_BRIDGE_INLINE void reduce_by(int operation, Size outer, N n, Inner inner, const T* x, T* y)
{
   switch (operation) {
      case 0: return reduce_typed(outer, n, inner, x, y, Sum());
      case 1: return reduce_typed(outer, n, inner, x, y, Mean(n));
      case 2: return reduce_typed(outer, n, inner, x, y, SumSquare());
      case 3: return reduce_typed(outer, n, inner, x, y, L1());
      case 4: return reduce_typed(outer, n, inner, x, y, L2());
      case 5: return reduce_typed(outer, n, inner, x, y, LogSum());
      case 6: return reduce_typed(outer, n, inner, x, y, LogSumExp());
      case 7: return reduce_typed(outer, n, inner, x, y, Max());
      case 8: return reduce_typed(outer, n, inner, x, y, Min());
      case 9: return reduce_typed(outer, n, inner, x, y, Prod());
      default: return reduce_typed(outer, n, inner, x, y, RootOfSum());
   }
}
ONNX_BRIDGE_KERNEL void reduce_rows(int operation, Size outer, Size n, const float* x, float* y)
{
   if (n == 10 && operation == 0)
      reduce_last(outer, Const<10>(), x, y, Sum());
   else
      reduce_by(operation, outer, n, Const<1>(), x, y);
}
ONNX_BRIDGE_KERNEL void reduce_strided(int operation, Size outer, Size n, Size inner, const float* x, float* y)
{
   if (inner == 5 && operation == 0)
      reduce(outer, n, Const<5>(), x, y, Sum());
   else
      reduce_by(operation, outer, n, inner, x, y);
}
template <class T>
ONNX_BRIDGE_KERNEL void reduce_others(int operation, Size outer, Size n, Size inner, const T* x, T* y)
{
   reduce_by(operation, outer, n, inner, x, y);
}
ONNX_BRIDGE_KERNEL void reduce_bools(bool most, Size outer, Size n, Size inner, const bool* x, bool* y)
{
   if (most)
      reduce_any(outer, n, inner, x, y, Max());
   else
      reduce_any(outer, n, inner, x, y, Min());
}
template <class T>
ONNX_BRIDGE_KERNEL void arg(bool most, bool last, Size outer, Size n, Size inner, const T* x, std::int64_t* y)
{
   if (most)
      arg_max(outer, n, inner, x, y, last);
   else
      arg_min(outer, n, inner, x, y, last);
}
