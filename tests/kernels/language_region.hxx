// language_region.hxx: drivers of language_test.cpp, pasted after the kernels.
ONNX_BRIDGE_KERNEL void attended(Size batch, Size length, Size queries, Size heads, Size dk, Size dv, bool each, const float* q,
                                 const float* k, const float* v, const float* past, const float* decay, const float* beta, float* state,
                                 float* y)
{
   linear_attention(LinearAttention{batch, length, queries, heads, dk, dv, decay, beta, each, heads, 0.5f}, q, k, v, past, state, y);
}
ONNX_BRIDGE_KERNEL void mixed(Size rows, Size experts, Size k, Size hidden, Size inner, const float* x, const float* router,
                              const float* w1, const std::uint8_t* w2, const float* scales, const std::uint8_t* zeros, Size block, float* y)
{
   float* const scratch = new float[static_cast<std::size_t>(experts_scratch(rows, k, hidden, inner, 1))];
   mixture_of_experts(rows, experts, k, x, router, Routing{nullptr, true}, FloatRows{w1, inner, hidden}, nullptr,
                      PackedRows<4>{w2, scales, zeros, hidden, inner, block, false}, nullptr, Alone<ReluOf>(), scratch, y);
   delete[] scratch;
}
