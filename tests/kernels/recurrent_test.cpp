// kernels: gru.hxx lstm.hxx rnn.hxx packing.hxx
// LSTM, GRU and RNN in all their forms against a naive double evaluation of ONNX's formulas; the same bits with AVX-512 and AVX2,
// alone and in a batch, in many steps and in few.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <limits>
#include <memory>
#include <string>
#include <vector>

namespace {

using Floats = std::vector<float>;
int failures = 0;

void fail(const std::string& what)
{
   if (++failures <= 20) std::printf("FAILED: %s\n", what.c_str());
}

struct Random {
   std::uint64_t state = 88172645463325252u;
   float operator()(float scale)
   {
      state ^= state << 13;
      state ^= state >> 7;
      state ^= state << 17;
      return scale * (static_cast<float>(state >> 40) / 8388608.f - 1.f);
   }
   Floats operator()(long n, float scale)
   {
      Floats v(static_cast<std::size_t>(n));
      for (float& x : v) x = (*this)(scale);
      return v;
   }
};

enum Function { relu, tanh_, sigmoid, affine, leaky_relu, thresholded_relu, scaled_tanh, hard_sigmoid, elu, softsign, softplus };
struct Activation {
   Function function;
   float alpha, beta;
};

double activate(const Activation& a, double x)
{
   switch (a.function) {
   case relu: return x < 0 ? 0 : x;
   case tanh_: return std::tanh(x);
   case sigmoid: return 1 / (1 + std::exp(-x));
   case affine: return a.alpha * x + a.beta;
   case leaky_relu: return x < 0 ? a.alpha * x : x;
   case thresholded_relu: return x > a.alpha ? x : 0;
   case scaled_tanh: return a.alpha * std::tanh(a.beta * x);
   case hard_sigmoid: return std::min(1., std::max(0., a.alpha * x + a.beta));
   case elu: return x < 0 ? a.alpha * (std::exp(x) - 1) : x;
   case softsign: return x / (1 + std::fabs(x));
   case softplus: return std::log1p(std::exp(x));
   }
   return x;
}

constexpr float no_clip = std::numeric_limits<float>::infinity();

/// A node with its weights as ONNX has them. `kind`: 'L', 'G' or 'R'.
struct Node {
   char kind;
   long T, B, I, H, D;
   bool reverse = false, with_lengths = false, batch_first = false, with_initial = true, with_bias = true;
   bool linear_before_reset = true, peephole = false, input_forget = false, defaults = true;
   float clip = no_clip;
   std::vector<Activation> activations = {};  // of all directions, for !defaults
   Floats X = {}, W = {}, R = {}, bias = {}, P = {}, initial_h = {}, initial_c = {};
   std::vector<std::int32_t> lengths = {};

   long gates() const { return kind == 'L' ? 4 : kind == 'G' ? 3 : 1; }
   long padded() const { return (H + 15) / 16 * 16; }
   long x(long t, long b) const { return batch_first ? (b * T + t) * I : (t * B + b) * I; }
   long y(long t, long d, long b) const { return batch_first ? ((b * T + t) * D + d) * H : ((t * D + d) * B + b) * H; }
   long s(long d, long b) const { return batch_first ? (b * D + d) * H : (d * B + b) * H; }
   long length(long b) const { return with_lengths ? std::min<long>(T, std::max<long>(0, lengths[static_cast<std::size_t>(b)])) : T; }
   bool backwards(long d) const { return reverse || d == 1; }
   Activation activation(long d, long which) const
   {
      if (!defaults) return activations[static_cast<std::size_t>(d * (kind == 'L' ? 3 : kind == 'G' ? 2 : 1) + which)];
      return which == 0 && kind != 'R' ? Activation{sigmoid, 0, 0} : Activation{tanh_, 0, 0};
   }
   void fill(Random& random)
   {
      const long G = gates();
      X = random(T * B * I, 1.f);
      W = random(D * G * H * I, 1.f / std::sqrt(static_cast<float>(I + 1)));
      R = random(D * G * H * H, 1.f / std::sqrt(static_cast<float>(H + 1)));
      bias = random(D * 2 * G * H, 0.5f);
      if (!with_bias) std::fill(bias.begin(), bias.end(), 0.f);
      P = random(D * 3 * H, 0.5f);
      initial_h = random(D * B * H, 1.f);
      initial_c = random(D * B * H, 1.f);
      if (!with_initial) std::fill(initial_h.begin(), initial_h.end(), 0.f), std::fill(initial_c.begin(), initial_c.end(), 0.f);
      for (long b = 0; b < B; b++) lengths.push_back(static_cast<std::int32_t>((b * 5 + 2) % (T + 2)));  // 0 and T + 1 among them
   }
   std::string name() const
   {
      return std::string(1, kind) + " T" + std::to_string(T) + " B" + std::to_string(B) + " I" + std::to_string(I) + " H" + std::to_string(H) +
             " D" + std::to_string(D) + (reverse ? " reverse" : "") + (with_lengths ? " lengths" : "") + (batch_first ? " batch-first" : "") +
             (linear_before_reset ? "" : " reset-first") + (peephole ? " peephole" : "") + (input_forget ? " input_forget" : "") +
             (clip < no_clip ? " clip" : "") + (defaults ? "" : " f" + std::to_string(activations[0].function));
   }
};

template <class Number>
struct Result {
   std::vector<Number> Y, Y_h, Y_c;
};

Result<double> reference(const Node& n)
{
   const long G = n.gates(), H = n.H;
   const auto size = [](long count) { return static_cast<std::size_t>(count); };
   const auto clip = [&](double x) { return std::min<double>(n.clip, std::max<double>(-n.clip, x)); };
   Result<double> result;
   result.Y.assign(size(n.T * n.D * n.B * H), 0);
   result.Y_h.assign(size(n.D * n.B * H), 0);
   result.Y_c = result.Y_h;
   std::vector<double> h(size(H)), c(size(H)), gate(size(G * H)), reset(size(H)), next(size(H));
   for (long d = 0; d < n.D; d++)
      for (long b = 0; b < n.B; b++) {
         for (long u = 0; u < H; u++) h[size(u)] = n.initial_h[size(n.s(d, b) + u)], c[size(u)] = n.initial_c[size(n.s(d, b) + u)];
         const auto W_bias = [&](long g, long u) -> double { return n.bias[size((d * 2 * G + g) * H + u)]; };
         const auto R_bias = [&](long g, long u) -> double { return n.bias[size((d * 2 * G + G + g) * H + u)]; };
         const auto recurrent = [&](long g, long u, const std::vector<double>& v) {
            double sum = 0;
            for (long k = 0; k < H; k++) sum += static_cast<double>(n.R[size(((d * G + g) * H + u) * H + k)]) * v[size(k)];
            return sum;
         };
         for (long step = 0; step < n.length(b); step++) {
            const long t = n.backwards(d) ? n.length(b) - 1 - step : step;
            for (long g = 0; g < G; g++)
               for (long u = 0; u < H; u++) {
                  double sum = W_bias(g, u);
                  for (long k = 0; k < n.I; k++) sum += static_cast<double>(n.W[size(((d * G + g) * H + u) * n.I + k)]) * n.X[size(n.x(t, b) + k)];
                  gate[size(g * H + u)] = sum;
                  if (n.kind != 'G' || g < 2) gate[size(g * H + u)] += recurrent(g, u, h) + R_bias(g, u);
               }
            if (n.kind == 'R')
               for (long u = 0; u < H; u++) next[size(u)] = activate(n.activation(d, 0), clip(gate[size(u)]));
            if (n.kind == 'G') {
               for (long u = 0; u < 2 * H; u++) gate[size(u)] = activate(n.activation(d, 0), clip(gate[size(u)]));
               for (long u = 0; u < H; u++) reset[size(u)] = gate[size(H + u)] * h[size(u)];
               for (long u = 0; u < H; u++) {
                  const double r = gate[size(H + u)], z = gate[size(u)];
                  const double sum = n.linear_before_reset ? r * (recurrent(2, u, h) + R_bias(2, u)) : recurrent(2, u, reset) + R_bias(2, u);
                  next[size(u)] = (1 - z) * activate(n.activation(d, 1), clip(gate[size(2 * H + u)] + sum)) + z * h[size(u)];
               }
            }
            if (n.kind == 'L')
               for (long u = 0; u < H; u++) {
                  const auto p = [&](long g) -> double { return n.peephole ? n.P[size((d * 3 + g) * H + u)] : 0; };
                  const auto f = [&](double x) { return activate(n.activation(d, 0), clip(x)); };
                  const double old = c[size(u)], i = f(gate[size(u)] + p(0) * old);
                  const double forget = n.input_forget ? 1 - i : f(gate[size(2 * H + u)] + p(2) * old);
                  c[size(u)] = forget * old + i * activate(n.activation(d, 1), clip(gate[size(3 * H + u)]));
                  next[size(u)] = f(gate[size(H + u)] + p(1) * c[size(u)]) * activate(n.activation(d, 2), c[size(u)]);
               }
            h = next;
            for (long u = 0; u < H; u++) result.Y[size(n.y(t, d, b) + u)] = h[size(u)];
         }
         if (n.length(b) > 0)
            for (long u = 0; u < H; u++) result.Y_h[size(n.s(d, b) + u)] = h[size(u)], result.Y_c[size(n.s(d, b) + u)] = c[size(u)];
      }
   return result;
}

/// The weights packed as recurrent.hxx says.
struct Packed {
   Floats W, bias, R, recurrent_bias, peepholes;
};

Packed pack(const Node& n)
{
   const long G = n.gates(), H = n.H, padded = n.padded(), width = G * padded;
   const bool reset_first = n.kind == 'G' && !n.linear_before_reset;
   const auto size = [](long count) { return static_cast<std::size_t>(count); };
   Packed p;
   p.W.assign(size(n.D * width * n.I), 0.f);
   p.R.assign(size(n.D * width * H), 0.f);
   p.bias.assign(size(n.D * width), 0.f);
   p.recurrent_bias.assign(size(n.D * padded), 0.f);
   p.peepholes.assign(size(n.D * 3 * padded), 0.f);
   for (long d = 0; d < n.D; d++)
      for (long g = 0; g < G; g++)
         for (long u = 0; u < H; u++) {
            const long column = kernels::baseline::gate_column(G, g, u);
            for (long k = 0; k < n.I; k++) p.W[size(d * width * n.I + kernels::baseline::panels_at(n.I, k, column))] = n.W[size(((d * G + g) * H + u) * n.I + k)];
            for (long k = 0; k < H; k++) {
               const long place = reset_first ? kernels::baseline::reset_at(H, k, g, u) : kernels::baseline::panels_at(H, k, column);
               p.R[size(d * width * H + place)] = n.R[size(((d * G + g) * H + u) * H + k)];
            }
            const float W_bias = n.bias[size((d * 2 * G + g) * H + u)], R_bias = n.bias[size((d * 2 * G + G + g) * H + u)];
            const bool apart = n.kind == 'G' && n.linear_before_reset && g == 2;
            p.bias[size(d * width + column)] = apart ? W_bias : W_bias + R_bias;
            if (apart) p.recurrent_bias[size(d * padded + u)] = R_bias;
         }
   for (long d = 0; d < n.D; d++)
      for (long g = 0; g < 3; g++)
         for (long u = 0; u < H; u++) p.peepholes[size((d * 3 + g) * padded + u)] = n.P[size((d * 3 + g) * H + u)];
   return p;
}

/// Exactly n floats, so that the sanitizer sees every step beyond them, `offset` floats away from 64 byte alignment.
struct Exact {
   std::unique_ptr<float[]> memory;
   float* data;
   Exact(std::size_t n, std::size_t offset) : memory(new float[n + offset]), data(memory.get() + offset)
   {
      std::fill(memory.get(), data + n, std::numeric_limits<float>::quiet_NaN());
   }
   Exact(const Floats& v, std::size_t offset) : Exact(v.size(), offset) { std::copy(v.begin(), v.end(), data); }
};

#define REGION(isa)                                                                                                  \
   struct isa {                                                                                                      \
      using Sizes = kernels::isa::RecurrentSizes;                                                                    \
      template <class Float>                                                                                         \
      using Rows = kernels::isa::RecurrentRows<Float>;                                                               \
      using Weights = kernels::isa::RecurrentWeights;                                                                \
      using Act = kernels::isa::RecurrentActivation;                                                                 \
      using LstmDefaults = kernels::isa::LstmDefaults;                                                               \
      using LstmOptions = kernels::isa::LstmOptions;                                                                 \
      using GruDefaults = kernels::isa::GruDefaults;                                                                 \
      using GruOptions = kernels::isa::GruOptions;                                                                   \
      using RnnDefaults = kernels::isa::RnnDefaults;                                                                 \
      using RnnOptions = kernels::isa::RnnOptions;                                                                   \
      template <class... A>                                                                                          \
      static void lstm(const A&... a) { kernels::isa::lstm(a...); }                                                  \
      template <class... A>                                                                                          \
      static void gru_linear(const A&... a) { kernels::isa::gru<kernels::isa::GruLinearCell>(a...); }                \
      template <class... A>                                                                                          \
      static void gru_reset(const A&... a) { kernels::isa::gru<kernels::isa::GruResetCell>(a...); }                  \
      template <class... A>                                                                                          \
      static void rnn(const A&... a) { kernels::isa::rnn(a...); }                                                    \
   };
#if defined(__x86_64__)
REGION(avx512)
REGION(avx2)
#endif
REGION(baseline)

/// Rows first .. first + rows - 1 of the batch and the first `steps` times; everything else stays where it is in memory.
template <class K>
Result<float> run(const Node& n, const Packed& p, long first, long rows, long steps, std::size_t offset = 0, bool with_Y = true)
{
   const auto size = [](long count) { return static_cast<std::size_t>(count); };
   const typename K::Sizes sizes = {steps, rows, n.I, n.H, n.D, n.reverse};
   const std::size_t scratch_floats = size(std::min(steps * rows, std::max(96L, rows)) * n.gates() * n.padded() +
                                           (n.kind == 'L' ? 7 : n.kind == 'G' ? 6 : 3) * rows * n.padded());
   const Exact X(n.X, offset), W(p.W, offset), R(p.R, offset), bias(p.bias, offset), initial_h(n.initial_h, offset), initial_c(n.initial_c, offset);
   const Exact scratch(scratch_floats, offset), Y(size(n.T * n.D * n.B * n.H), offset), Y_h(size(n.D * n.B * n.H), offset), Y_c(size(n.D * n.B * n.H), offset);
   const std::int32_t* lengths = n.with_lengths ? n.lengths.data() + first : nullptr;
   const long state_direction = n.s(1, 0), state_batch = n.s(0, 1);
   const typename K::template Rows<const float> x = {X.data + n.x(0, first), n.x(1, 0), 0, n.x(0, 1)};
   const typename K::template Rows<const float> h0 = {n.with_initial ? initial_h.data + n.s(0, first) : nullptr, 0, state_direction, state_batch};
   const typename K::template Rows<const float> c0 = {n.with_initial ? initial_c.data + n.s(0, first) : nullptr, 0, state_direction, state_batch};
   const typename K::template Rows<float> y = {with_Y ? Y.data + n.y(0, 0, first) : nullptr, n.y(1, 0, 0), n.y(0, 1, 0), n.y(0, 0, 1)};
   const typename K::template Rows<float> yh = {with_Y ? Y_h.data + n.s(0, first) : nullptr, 0, state_direction, state_batch};
   const typename K::template Rows<float> yc = {Y_c.data + n.s(0, first), 0, state_direction, state_batch};
   const typename K::Weights weights = {W.data, n.with_bias ? bias.data : nullptr, R.data, p.recurrent_bias.data()};
   const auto act = [&](long d, long which) -> typename K::Act {
      const Activation a = n.activation(std::min(d, n.D - 1), which);
      return {static_cast<decltype(K::Act::function)>(a.function), a.alpha, a.beta};
   };
   if (n.kind == 'L') {
      const bool plain = n.defaults && !n.peephole && !n.input_forget && n.clip == no_clip;
      const auto options = [&](long d) -> typename K::LstmOptions {
         return {act(d, 0), act(d, 1), act(d, 2), n.peephole ? p.peepholes.data() + (d < n.D ? d : 0) * 3 * n.padded() : nullptr, n.clip, n.input_forget};
      };
      if (plain)
         K::lstm(sizes, lengths, x, weights, h0, c0, y, yh, yc, typename K::LstmDefaults(), typename K::LstmDefaults(), scratch.data);
      else
         K::lstm(sizes, lengths, x, weights, h0, c0, y, yh, yc, options(0), options(1), scratch.data);
   } else if (n.kind == 'G') {
      const auto call = [&](const auto& a, const auto& b) {
         if (n.linear_before_reset)
            K::gru_linear(sizes, lengths, x, weights, h0, y, yh, a, b, scratch.data);
         else
            K::gru_reset(sizes, lengths, x, weights, h0, y, yh, a, b, scratch.data);
      };
      const auto options = [&](long d) -> typename K::GruOptions { return {act(d, 0), act(d, 1), n.clip}; };
      if (n.defaults && n.clip == no_clip)
         call(typename K::GruDefaults(), typename K::GruDefaults());
      else
         call(options(0), options(1));
   } else {
      const auto options = [&](long d) -> typename K::RnnOptions { return {act(d, 0), n.clip}; };
      if (n.defaults && n.clip == no_clip)
         K::rnn(sizes, lengths, x, weights, h0, y, yh, typename K::RnnDefaults(), typename K::RnnDefaults(), scratch.data);
      else
         K::rnn(sizes, lengths, x, weights, h0, y, yh, options(0), options(1), scratch.data);
   }
   Result<float> r;
   r.Y.assign(Y.data, Y.data + n.T * n.D * n.B * n.H);
   r.Y_h.assign(Y_h.data, Y_h.data + n.D * n.B * n.H);
   r.Y_c.assign(Y_c.data, Y_c.data + n.D * n.B * n.H);
   return r;
}

bool near(const Floats& ours, const std::vector<double>& right)
{
   double scale = 1;
   for (const double x : right) scale = std::max(scale, std::fabs(x));
   for (std::size_t i = 0; i < right.size(); i++)
      if (!(std::fabs(ours[i] - right[i]) <= 4e-6 * scale)) return false;
   return true;
}

bool equal(const float* a, const float* b, long n) { return n == 0 || std::memcmp(a, b, static_cast<std::size_t>(n) * sizeof(float)) == 0; }

template <class K>
Result<float> check_one(const char* isa, const Node& n, const Packed& p, const Result<double>& right)
{
   const std::string name = std::string(isa) + " " + n.name();
   const Result<float> all = run<K>(n, p, 0, n.B, n.T);
   if (!near(all.Y, right.Y)) fail(name + ": Y");
   if (!near(all.Y_h, right.Y_h)) fail(name + ": Y_h");
   if (n.kind == 'L' && !near(all.Y_c, right.Y_c)) fail(name + ": Y_c");
   const auto compare = [&](const Result<float>& part, long first, long rows, const char* what) {
      for (long b = first; b < first + rows; b++)
         for (long d = 0; d < n.D; d++) {
            for (long t = 0; t < n.T; t++)
               if (!equal(all.Y.data() + n.y(t, d, b), part.Y.data() + n.y(t, d, b), n.H)) return fail(name + ": Y of " + what + ", other bits");
            if (!equal(all.Y_h.data() + n.s(d, b), part.Y_h.data() + n.s(d, b), n.H)) return fail(name + ": Y_h of " + what + ", other bits");
            if (n.kind == 'L' && !equal(all.Y_c.data() + n.s(d, b), part.Y_c.data() + n.s(d, b), n.H)) return fail(name + ": Y_c of " + what + ", other bits");
         }
   };
   for (long b = 0; b < n.B; b += n.B > 8 ? 5 : 1) compare(run<K>(n, p, b, 1, n.T, static_cast<std::size_t>(b % 16)), b, 1, "a row alone");
   if (n.B > 2) compare(run<K>(n, p, 1, n.B - 2, n.T, 3), 1, n.B - 2, "a smaller batch");
   if (n.T > 1 && !n.with_lengths && !n.reverse) {
      const Result<float> few = run<K>(n, p, 0, n.B, n.T - 1);
      for (long t = 0; t < n.T - 1; t++)
         for (long b = 0; b < n.B; b++)
            if (!equal(all.Y.data() + n.y(t, 0, b), few.Y.data() + n.y(t, 0, b), n.H)) return fail(name + ": fewer steps, other bits"), all;
   }
   const Result<float> silent = run<K>(n, p, 0, n.B, n.T, 1, false);  // without Y and Y_h
   if (n.kind == 'L' && !equal(silent.Y_c.data(), all.Y_c.data(), n.D * n.B * n.H)) fail(name + ": Y_c without Y");
   return all;
}

void check(Node n)
{
   static Random random;
   n.fill(random);
   const Packed p = pack(n);
   const Result<double> right = reference(n);
   check_one<baseline>("baseline", n, p, right);
#if defined(__x86_64__)
   if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return;
   const Result<float> narrow = check_one<avx2>("avx2", n, p, right);
   if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512dq") || !__builtin_cpu_supports("avx512bw") || !__builtin_cpu_supports("avx512vl")) return;
   const Result<float> wide = check_one<avx512>("avx512", n, p, right);
   if (!equal(narrow.Y.data(), wide.Y.data(), n.T * n.D * n.B * n.H) || !equal(narrow.Y_h.data(), wide.Y_h.data(), n.D * n.B * n.H) ||
       (n.kind == 'L' && !equal(narrow.Y_c.data(), wide.Y_c.data(), n.D * n.B * n.H)))
      fail(n.name() + ": AVX2 and AVX-512 differ");
#endif
}

/// NaN and infinity in one row change that row alone; in inputs beyond a row's length they change nothing.
template <class K>
void check_strangers(Node n)
{
   Random random;
   n.fill(random);
   const Packed p = pack(n);
   const Result<float> before = run<K>(n, p, 0, n.B, n.T);
   n.X[static_cast<std::size_t>(n.x(0, 1))] = std::numeric_limits<float>::quiet_NaN();
   for (long b = 0; b < n.B; b++)
      for (long t = n.length(b); t < n.T; t++)
         for (long k = 0; k < n.I; k++) n.X[static_cast<std::size_t>(n.x(t, b) + k)] = std::numeric_limits<float>::infinity();
   const Result<float> after = run<K>(n, p, 0, n.B, n.T);
   bool spread = false;
   for (long b = 0; b < n.B; b++)
      for (long d = 0; d < n.D; d++) {
         const float* state = after.Y_h.data() + n.s(d, b);
         if (b == 1 && n.length(1) > 0) {
            for (long u = 0; u < n.H; u++) spread |= state[u] != state[u];
         } else if (!equal(state, before.Y_h.data() + n.s(d, b), n.H))
            fail(n.name() + ": a row disturbs another");
      }
   if (!spread) fail(n.name() + ": NaN was lost");
}

}  // namespace

int main()
{
   for (const char kind : {'L', 'G', 'R'})
      for (int form = 0; form < (kind == 'G' ? 2 : 1); form++) {
         Node base{kind, 1, 1, 1, 1, 1};
         base.linear_before_reset = form == 0;
         for (const long H : {1, 7, 16, 17, 40, 64, 100})
            for (const long B : {1, 2, 5}) {
               Node n = base;
               n.T = 4, n.B = B, n.I = 3 + H % 5, n.H = H, n.D = 1 + H % 2, n.with_bias = H != 17;
               check(n);
               n.batch_first = true, n.with_initial = false;
               n.D = 1, n.reverse = true;
               check(n);
            }
         for (const bool batch_first : {false, true})  // long: projected in several parts
            for (int direction = 0; direction < 3; direction++)
               for (const long B : {1, 3, 20, 100}) {
                  Node n = base;
                  n.T = 300 / (B + 1) + 3, n.B = B, n.I = 2, n.H = 5, n.D = direction == 2 ? 2 : 1, n.reverse = direction == 1;
                  n.batch_first = batch_first;
                  check(n);
                  n.with_lengths = true;
                  check(n);
               }
         Node large = base;  // several blocks of terms, in both products
         large.T = 2, large.B = 2, large.I = 300, large.H = 270;
         check(large);
         for (const auto& empty : {Node{kind, 0, 2, 3, 4, 2}, Node{kind, 2, 0, 3, 4, 2}, Node{kind, 2, 2, 0, 4, 1}, Node{kind, 2, 2, 3, 0, 1}}) {
            Node n = empty;
            n.linear_before_reset = form == 0;
            check(n);
         }
         const Activation all[] = {{relu, 0, 0},           {tanh_, 0, 0},         {sigmoid, 0, 0},        {affine, 0.7f, 0.2f},
                                   {leaky_relu, 0.1f, 0},  {thresholded_relu, 0.3f, 0}, {scaled_tanh, 0.8f, 0.6f}, {hard_sigmoid, 0.2f, 0.5f},
                                   {elu, 0.9f, 0},         {softsign, 0, 0},      {softplus, 0, 0}};
         for (int a = 0; a < 11; a++) {
            Node n = base;
            n.T = 3, n.B = 3, n.I = 4, n.H = 18, n.D = 2, n.defaults = false;
            for (int i = 0; i < 6; i++) n.activations.push_back(all[(a + i * 3) % 11]);
            // A threshold is a jump: what lies within rounding of it may fall on either side; 0.3 has been looked at.
            check(n);
            n.defaults = true, n.clip = 0.2f + 0.1f * static_cast<float>(a), n.with_lengths = a % 2, n.peephole = a % 3 == 0, n.input_forget = a % 4 == 1;
            check(n);
         }
         Node strange = base;
         strange.T = 6, strange.B = 7, strange.I = 5, strange.H = 20, strange.D = 2, strange.with_lengths = true;
         check_strangers<baseline>(strange);
#if defined(__x86_64__)
         if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) check_strangers<avx2>(strange);
         if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) check_strangers<avx512>(strange);
#endif
      }
   for (const bool input_forget : {false, true})
      for (const bool peephole : {false, true}) {
         Node n{'L', 5, 3, 4, 33, 2};
         n.peephole = peephole, n.input_forget = input_forget;
         check(n);
      }
   if (failures) std::printf("%d checks failed\n", failures);
   return failures ? 1 : 0;
}
