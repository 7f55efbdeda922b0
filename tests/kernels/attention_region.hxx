// attention_region.hxx: drivers of attention_test.cpp, pasted after the kernels.
struct ScaleAndMask {
   vec scale;
   const float* mask;
   Size mask_row;

   template <class Count>
   __attribute__((always_inline)) vec operator()(vec value, Size row, Size column, Count count) const
   {
      const vec score = mul(value, scale);
      return mask ? score + load(mask + row * mask_row + column, count) : score;
   }
};

ONNX_BRIDGE_KERNEL void scaled_attention(Size queries, Size keys, Size width, Size value_width, const float* Q, Size q_row, const float* K,
                                         Size k_row, const float* V, Size v_row, float* Y, Size y_row, float scale, const float* mask,
                                         Size mask_row, float* scratch)
{
   attention<KeepNan>(queries, keys, width, value_width, Q, q_row, K, k_row, V, v_row, Y, y_row, ScaleAndMask{splat(scale), mask, mask_row}, scratch);
}

ONNX_BRIDGE_KERNEL void rare_attention(bool any_nan, Size queries, Size keys, Size width, Size value_width, const float* Q, const float* K,
                                       const float* V, float* Y, const float* mask, float* scratch)
{
   const ScaleAndMask score{splat(1.f), mask, keys};
   if (any_nan)
      attention<ZeroNan>(queries, keys, width, value_width, Q, width, K, width, V, value_width, Y, value_width, score, scratch);
   else
      attention<ZeroMasked>(queries, keys, width, value_width, Q, width, K, width, V, value_width, Y, value_width, score, scratch);
}
