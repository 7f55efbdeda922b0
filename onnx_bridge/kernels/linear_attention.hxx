// linear_attention.hxx: attention by a state S[dk][dv] for each head, which every token changes and is read from.
//
// Contract: q [batch][length][queries][dk], k [batch][length][heads][dk], v [batch][length][heads][dv], past and state
//   [batch][heads][dk][dv], past nullptr: 0; y [batch][length][most of queries and heads][dv]: heads share a query, or queries a head,
//   the larger number being a multiple of the other. decay nullptr, or [batch][length][heads][dk] (each), else [batch][length][heads]; beta nullptr, or
//   [batch][length][betas], betas 1 or `heads`.
// Token by token: S *= exp(decay); r = v, with beta beta * (v - k S); S += k r; y = scale * q S. Columns of S do not know of one another.
// float32; NaN and inf propagate; nothing overlaps; any size may be 0. Sums run over dk in order, by fma().
#pragma once
#include "exp.hxx"

/// The sizes of a call, and what its tokens change the state by.
struct LinearAttention {
   Size batch, length, queries, heads, dk, dv;
   const float *decay, *beta;
   bool each;
   Size betas;
   float scale;
};

/// Some columns of the state of one head through all tokens.
template <class Count>
ONNX_BRIDGE_INLINE void linear_attention_columns(const LinearAttention& a, Size b, Size h, Count count, const float* q, const float* k,
                                                 const float* v, float* state, float* y)
{
   const Size made = a.queries > a.heads ? a.queries : a.heads, of_head = made / a.heads, of_query = made / a.queries;
   for (Size t = 0; t < a.length; t++) {
      const Size row = b * a.length + t, place = row * a.heads + h;
      const float* const key = k + place * a.dk;
      vec seen{};
      const float once = a.decay && !a.each ? exp(splat(a.decay[place]))[0] : 1.f;
      for (Size first = 0; first < a.dk; first += lanes) {
         const Size rows = a.dk - first < lanes ? a.dk - first : lanes;
         alignas(64) float kept[lanes];
         store(kept, a.decay && a.each ? exp(load(a.decay + place * a.dk + first, rows)) : splat(once));
         for (Size i = 0; i < rows; i++) {
            float* const s = state + (first + i) * a.dv;
            const vec less = a.decay ? mul(load(s, count), splat(kept[i])) : load(s, count);
            if (a.decay) store(s, less, count);
            seen = fma(splat(key[first + i]), less, seen);
         }
      }
      vec change = load(v + place * a.dv, count);
      if (a.beta) change = mul(change - seen, splat(a.beta[row * a.betas + (a.betas == 1 ? 0 : h)]));
      for (Size i = 0; i < a.dk; i++) {
         float* const s = state + i * a.dv;
         store(s, fma(splat(key[i]), change, load(s, count)), count);
      }
      for (Size head = h * of_head; head < (h + 1) * of_head; head++) {
         const float* const query = q + (row * a.queries + head / of_query) * a.dk;
         vec sum{};
         for (Size i = 0; i < a.dk; i++) sum = fma(splat(query[i]), load(state + i * a.dv, count), sum);
         store(y + (row * made + head) * a.dv, mul(sum, splat(a.scale)), count);
      }
   }
}

ONNX_BRIDGE_KERNEL void linear_attention(const LinearAttention& a, const float* q, const float* k, const float* v, const float* past,
                                         float* state, float* y)
{
   for (Size b = 0; b < a.batch; b++)
      for (Size h = 0; h < a.heads; h++) {
         const Size first = (b * a.heads + h) * a.dk * a.dv;
         for (Size i = 0; i < a.dk * a.dv; i++) state[first + i] = past ? past[first + i] : 0.f;
         Size j = 0;
         for (; j + lanes <= a.dv; j += lanes) linear_attention_columns(a, b, h, All(), q, k, v + j, state + first + j, y + j);
         if (j < a.dv) linear_attention_columns(a, b, h, a.dv - j, q, k, v + j, state + first + j, y + j);
      }
}
