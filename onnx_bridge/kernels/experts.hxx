// experts.hxx: a mixture of experts: for each row of x the layers of the k experts that a router likes best, times what it gives them.
//
// Contract: x [rows][hidden], router [rows][experts]; y [rows][hidden] = sum over the k largest of a row's router, the first of equals, of
//   share * (W2[e] activation(W1[e] x + b1[e]) + b2[e]). Shares: see Routing. W1 [experts][inner, twice that with pairs][hidden],
//   W2 [experts][hidden][inner]; b1 and b2 a number for each of their rows, or nullptr. Weights are floats, or packed (see PackedRows).
// Order: experts from 0 on; sums over K in 32 lanes. float32; NaN and inf propagate; nothing overlaps; 1 <= k <= experts, or no rows.
// Scratch: experts_scratch() floats. A row of weights is read (and unpacked) once for `experts_rows` rows of x.
#pragma once
#include "activation.hxx"
#include "dequantize_blocks.hxx"

/// Rows of x that one expert works at together.
constexpr Size experts_rows = 32;

constexpr Size experts_scratch(Size rows, Size k, Size hidden, Size inner, Size parts)
{
   return 2 * rows * k + experts_rows * (parts * inner) + hidden + inner;
}

/// How the shares of the chosen experts come about: of `weights` if it is given, else of exp(router), over all experts or over the chosen.
/// Of given weights those that are not above 0, once divided, are nobody's share, as in onnxruntime.
struct Routing {
   const float* weights;  ///< [rows][experts], or nullptr
   bool chosen;           ///< divided by the sum over the chosen experts
};

/// Weights [experts][N][K] of floats.
struct FloatRows {
   const float* w;
   Size N, K;

   __attribute__((always_inline)) const float* row(Size e, Size n, float*) const { return w + (e * N + n) * K; }
};

/// Weights of 2, 4 or 8 bits, the first in the lowest bits of a byte, in blocks of `block` with a scale [experts][N][blocks] each.
/// Zero points are packed alike, [experts][N][blocks], each N beginning with a byte, or (flat: one block) [experts][N], each expert
/// beginning with one.
template <int Bits>
struct PackedRows {
   const std::uint8_t* w;
   const float* scales;
   const std::uint8_t* zeros;
   Size N, K, block;
   bool flat;

   __attribute__((always_inline)) const float* row(Size e, Size n, float* to) const
   {
      constexpr Size each = 8 / Bits;
      const Size blocks = K / block, line = e * N + n;
      const std::uint8_t* const bytes = w + line * (K / each);
      for (Size b = 0; b < blocks; b++) {
         const Size at = flat ? e * ((N * Bits + 7) / 8) : line * ((blocks * Bits + 7) / 8);
         const float zero = static_cast<float>(zeros ? packed_integer(zeros + at, flat ? n : b, Bits) : 1 << (Bits - 1));
         const float scale = scales[line * blocks + b];
         for (Size i = b * block / each; i < (b + 1) * block / each; i++)
            for (Size j = 0; j < each; j++) {
               const int value = bytes[i] >> static_cast<int>(j) * Bits & ((1 << Bits) - 1);
               to[i * each + j] = mul(static_cast<float>(value) - zero, scale);
            }
      }
      return to;
   }
};

/// g sigmoid(alpha g) (l + beta) of pairs (g, l), g at most `limit` and l between -limit and limit.
struct GatedPairs {
   static constexpr Size parts = 2;
   float alpha, beta, limit;

   __attribute__((always_inline)) vec operator()(vec g, vec l) const
   {
      g = g > limit ? splat(limit) : g;
      l = l > limit ? splat(limit) : l < -limit ? splat(-limit) : l;
      return mul(mul(g, sigmoid(mul(g, splat(alpha)))), l + beta);
   }
};

/// A function of each number; F is a type with `vec operator()(vec) const`.
template <class F>
struct Alone {
   static constexpr Size parts = 1;

   __attribute__((always_inline)) vec operator()(vec g, vec) const { return F()(g); }
};
struct ReluOf { __attribute__((always_inline)) vec operator()(vec x) const { return relu(x); } };
struct GeluTanhOf { __attribute__((always_inline)) vec operator()(vec x) const { return gelu_tanh(x); } };
struct SiluOf { __attribute__((always_inline)) vec operator()(vec x) const { return mul(x, sigmoid(x)); } };
struct NothingOf { __attribute__((always_inline)) vec operator()(vec x) const { return x; } };

/// to[i * along] = bias + x[i] . w for `count` rows.
ONNX_BRIDGE_INLINE void dot_some(Size count, Size K, const float* const* x, const float* w, float bias, float* to, Size along)
{
   Size i = 0;
   for (; i + 4 <= count; i += 4) {
      vec sum[4][2] = {};
      Size k = 0;
      for (; k + 2 * lanes <= K; k += 2 * lanes)
         for (int j = 0; j < 4; j++) {
            sum[j][0] = fma(load(x[i + j] + k), load(w + k), sum[j][0]);
            sum[j][1] = fma(load(x[i + j] + k + lanes), load(w + k + lanes), sum[j][1]);
         }
      for (; k < K; k += lanes) {
         const Size rest = K - k < lanes ? K - k : lanes;
         for (int j = 0; j < 4; j++) sum[j][0] = fma(load(x[i + j] + k, rest), load(w + k, rest), sum[j][0]);
      }
      for (int j = 0; j < 4; j++) {
         vec set[32 / lanes] = {};
         set[0] = sum[j][0] + sum[j][1];
         to[(i + j) * along] = fold(set) + bias;
      }
   }
   for (Size left = count - i; left > 0; left--, i++) {
      const float* const row = x[i];
      to[i * along] = sum_in_lanes(K, [&](vec sum, Size k, auto n) { return fma(load(row + k, n), load(w + k, n), sum); }) + bias;
   }
}

/// The experts of each row and their shares.
ONNX_BRIDGE_KERNEL void chosen_experts(Size rows, Size experts, Size k, const float* router, const Routing& routing, std::int32_t* chosen,
                                       float* shares)
{
   for (Size r = 0; r < rows; r++, router += experts, chosen += k, shares += k) {
      for (Size i = 0; i < k; i++) {
         Size best = -1;
         for (Size e = 0; e < experts; e++) {
            bool free = true;
            for (Size j = 0; j < i; j++) free &= chosen[j] != e;
            if (free && (best < 0 || router[e] > router[best])) best = e;
         }
         chosen[i] = static_cast<std::int32_t>(best);
      }
      const float most = router[chosen[0]];
      const auto share = [&](Size e) { return routing.weights ? routing.weights[r * experts + e] : exp(splat(router[e] - most))[0]; };
      float sum = 0.f;
      if (routing.chosen)
         for (Size i = 0; i < k; i++) sum += share(chosen[i]);
      else if (routing.weights)
         sum = 1.f;
      else
         for (Size e = 0; e < experts; e++) sum += share(e);
      for (Size i = 0; i < k; i++) shares[i] = share(chosen[i]) / sum;
   }
}

/// One expert at up to experts_rows rows.
template <class Rows1, class Rows2, class Activation>
ONNX_BRIDGE_INLINE void one_expert(Size e, Size count, const float* const* x, const float* shares, float* const* y, const Rows1& w1,
                                   const float* b1, const Rows2& w2, const float* b2, const Activation& activation, float* inner,
                                   float* spare)
{
   constexpr Size parts = Activation::parts;
   const Size width = w2.K, along = parts * width;
   for (Size n = 0; n < w1.N; n++)
      dot_some(count, w1.K, x, w1.row(e, n, spare), b1 ? b1[e * w1.N + n] : 0.f, inner + (n % parts) * width + n / parts, along);
   const float* from[experts_rows];
   for (Size i = 0; i < count; i++) {
      float* const row = inner + i * along;
      from[i] = row;
      for (Size j = 0; j < width; j += lanes) {
         const Size rest = width - j < lanes ? width - j : lanes;
         const vec second = parts > 1 ? load(row + width + j, rest) : vec{};
         store(row + j, activation(load(row + j, rest), second), rest);
      }
   }
   float made[experts_rows];
   for (Size n = 0; n < w2.N; n++) {
      dot_some(count, width, from, w2.row(e, n, spare), b2 ? b2[e * w2.N + n] : 0.f, made, 1);
      for (Size i = 0; i < count; i++) y[i][n] = fma(shares[i], made[i], y[i][n]);
   }
}

template <class Rows1, class Rows2, class Activation>
ONNX_BRIDGE_KERNEL void mixture_of_experts(Size rows, Size experts, Size k, const float* x, const float* router, const Routing& routing,
                                           const Rows1& w1, const float* b1, const Rows2& w2, const float* b2, const Activation& activation,
                                           float* scratch, float* y)
{
   const Size hidden = w2.N;
   float* const shares = scratch;
   std::int32_t* const chosen = reinterpret_cast<std::int32_t*>(scratch + rows * k);
   float* const inner = scratch + 2 * rows * k;
   float* const spare = inner + experts_rows * Activation::parts * w2.K;
   for (Size i = 0; i < rows * hidden; i++) y[i] = 0.f;
   chosen_experts(rows, experts, k, router, routing, chosen, shares);
   for (Size e = 0; e < experts; e++) {
      const float* from[experts_rows];
      float* to[experts_rows];
      float given[experts_rows];
      Size count = 0;
      for (Size i = 0; i < rows * k; i++) {
         if (chosen[i] != e || (routing.weights && !(shares[i] > 0.f))) continue;
         from[count] = x + i / k * w1.K;
         to[count] = y + i / k * hidden;
         given[count] = shares[i];
         if (++count < experts_rows) continue;
         one_expert(e, count, from, given, to, w1, b1, w2, b2, activation, inner, spare);
         count = 0;
      }
      if (count > 0) one_expert(e, count, from, given, to, w1, b1, w2, b2, activation, inner, spare);
   }
}
