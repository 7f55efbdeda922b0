// kernels: blocked.hxx conv.hxx conv_depthwise.hxx conv_grouped.hxx conv_planar.hxx conv_transposed.hxx winograd.hxx packing.hxx
// Every convolution against the order of summation that its header promises, term by term: same bits where there is fma, close in
// double everywhere. The file includes itself once for each region, because an epilogue must be defined inside of it.
#if defined(ONNX_BRIDGE_REGION)
namespace kernels { namespace ONNX_BRIDGE_REGION {

/// value * slope[channel] + residual + 1: turns 0 into something else, reads memory by row and by column. slope null: value.
struct Probe {
   const float *slope, *residual;
   Size pixels;
   template <class Count>
   __attribute__((always_inline)) vec operator()(vec value, Size row, Size column, Count count) const
   {
      if (slope == nullptr) return value;
      return mul(value, load(slope + column, count)) + load(residual + (column / 16 * pixels + row) * 16 + column % 16, count) + 1.0f;
   }
};

static Axis axis(const test::Axis& a) { return {a.in, a.out, a.kernel, a.stride, a.dilation, a.pad}; }

static void run_call(const test::Layer& l, const test::Call& c)
{
   const Probe epilogue = {c.slope, c.residual, l.axes[0].out * l.axes[1].out * l.axes[2].out};
   const Window w = {axis(l.axes[0]), axis(l.axes[1]), axis(l.axes[2])};
   const Size k = w.width.kernel, s = w.width.stride;
   switch (l.kind) {
   case test::direct:
      if (s == 1)
         conv<Const<1>>(w, l.C, l.O, c.in, c.weights, c.bias, c.out, c.scratch, epilogue);
      else if (s == 2)
         conv<Const<2>>(w, l.C, l.O, c.in, c.weights, c.bias, c.out, c.scratch, epilogue);
      else
         conv<Size>(w, l.C, l.O, c.in, c.weights, c.bias, c.out, c.scratch, epilogue);
      break;
   case test::planar:
      if (s == 1)
         conv_planar<Const<1>>(w, l.C, l.O, c.in, c.weights, c.bias, c.out, c.scratch, epilogue);
      else if (s == 2)
         conv_planar<Const<2>>(w, l.C, l.O, c.in, c.weights, c.bias, c.out, c.scratch, epilogue);
      else
         conv_planar<Size>(w, l.C, l.O, c.in, c.weights, c.bias, c.out, c.scratch, epilogue);
      break;
   case test::depthwise:
      if (l.specialised && k == 3 && s == 1)
         conv_depthwise<Const<3>, Const<1>>(w, l.C, c.in, c.weights, c.bias, c.out, epilogue);
      else if (l.specialised && k == 3 && s == 2)
         conv_depthwise<Const<3>, Const<2>>(w, l.C, c.in, c.weights, c.bias, c.out, epilogue);
      else if (l.specialised && k == 5 && s == 1)
         conv_depthwise<Const<5>, Const<1>>(w, l.C, c.in, c.weights, c.bias, c.out, epilogue);
      else if (l.specialised && k == 5 && s == 2)
         conv_depthwise<Const<5>, Const<2>>(w, l.C, c.in, c.weights, c.bias, c.out, epilogue);
      else
         conv_depthwise<Size, Size>(w, l.C, c.in, c.weights, c.bias, c.out, epilogue);
      break;
   case test::grouped: conv_grouped<Size>(w, l.groups, l.C, l.O, c.in, c.weights, c.bias, c.out, c.scratch, epilogue); break;
   case test::transposed: conv_transposed(w, l.C, l.O, c.in, c.weights, c.bias, c.out, c.scratch, epilogue); break;
   default: winograd(w, l.C, l.O, c.in, c.weights, c.bias, c.out, c.scratch, epilogue);
   }
}

static Size scratch_size(const test::Layer& l)
{
   const Window w = {axis(l.axes[0]), axis(l.axes[1]), axis(l.axes[2])};
   switch (l.kind) {
   case test::direct: return conv_scratch(w, l.C);
   case test::planar: return conv_planar_scratch(w, l.C);
   case test::grouped: return conv_grouped_scratch(w, l.groups, l.C, l.O);
   case test::transposed: return conv_transposed_scratch(w, l.C);
   case test::winograd: return winograd_scratch(l.C, l.O);
   default: return 0;
   }
}

}}  // namespace kernels::ONNX_BRIDGE_REGION
#else
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <random>
#include <string>
#include <vector>

namespace test {

typedef std::ptrdiff_t Size;
typedef std::vector<float> Floats;
enum Kind { direct, planar, depthwise, grouped, transposed, winograd };

struct Axis {
   Size in, out, kernel, stride, dilation, pad;
};

struct Layer {
   Kind kind;
   Size C, O, groups;
   Axis axes[3];
   bool specialised;
};

struct Call {
   const float *in, *weights, *bias, *slope, *residual;
   float *out, *scratch;
};

}  // namespace test

#define ONNX_BRIDGE_SELF "conv_test.cpp"
#include "regions.hxx"
#undef ONNX_BRIDGE_SELF

namespace test {

struct Isa {
   const char* name;
   bool fused;
   void (*run)(const Layer&, const Call&);
   Size (*scratch)(const Layer&);
   void (*to_blocked)(Size, Size, Size, const float*, float*);
   void (*from_blocked)(Size, Size, Size, const float*, float*);
};

static std::vector<Isa> isas()
{
   std::vector<Isa> r;
#define TEST_ISA(ns, fused) \
   {#ns, fused, kernels::ns::run_call, kernels::ns::scratch_size, kernels::ns::to_blocked, kernels::ns::from_blocked}
#if defined(__x86_64__)
   if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
       __builtin_cpu_supports("avx512vl"))
      r.push_back(TEST_ISA(avx512, true));
   if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) r.push_back(TEST_ISA(avx2, true));
   r.push_back(TEST_ISA(baseline, false));
#else
   r.push_back(TEST_ISA(baseline, true));
#endif
   return r;
}

static int failures = 0;
static std::mt19937 engine(1);

static Floats random_floats(Size n)
{
   std::uniform_real_distribution<float> uniform(-1.0f, 1.0f);
   Floats r(static_cast<std::size_t>(n));
   for (float& x : r) x = uniform(engine);
   return r;
}

static Size up16(Size n) { return (n + 15) / 16 * 16; }
static Size product(const Layer& l, Size Axis::*what) { return l.axes[0].*what * l.axes[1].*what * l.axes[2].*what; }

static std::string name(const Layer& l)
{
   const char* kinds[] = {"direct", "planar", "depthwise", "grouped", "transposed", "winograd"};
   std::string r = std::string(kinds[l.kind]) + " " + std::to_string(l.C) + "->" + std::to_string(l.O) + " groups " + std::to_string(l.groups);
   for (const Axis& a : l.axes)
      r += " [in " + std::to_string(a.in) + " out " + std::to_string(a.out) + " k " + std::to_string(a.kernel) + " s " + std::to_string(a.stride) +
           " d " + std::to_string(a.dilation) + " p " + std::to_string(a.pad) + "]";
   return r;
}

static void fail(const Layer& l, const char* isa, const std::string& what)
{
   if (failures++ < 20) std::printf("FAIL %s, %s: %s\n", name(l).c_str(), isa, what.c_str());
}

/// The taps of an output along one axis in the order of the sum, and the inputs that they read.
struct Tap {
   Size tap, input;
};

static std::vector<Tap> taps_of(const Layer& l, const Axis& a, Size output)
{
   std::vector<Tap> r;
   for (Size i = 0; i < a.kernel; i++) {
      const Size k = l.kind == transposed ? a.kernel - 1 - i : i;
      Size at = output * a.stride - a.pad + k * a.dilation;
      if (l.kind == transposed) {
         at = output + a.pad - k * a.dilation;
         if (at % a.stride != 0) continue;
         at /= a.stride;
      }
      r.push_back({k, at});
   }
   return r;
}

/// Planar outputs. Weights as ONNX has them: [O][C / groups][taps] ([C][O][taps] where transposed). T: float with fma in the order
/// promised, or double.
template <class T>
static std::vector<T> reference(const Layer& l, const Floats& in, const Floats& weights, const Floats& bias)
{
   const Size c_group = l.C / l.groups, o_group = l.O / l.groups, pixels = product(l, &Axis::in), taps = product(l, &Axis::kernel);
   std::vector<T> out;
   for (Size o = 0; o < l.O; o++)
      for (Size z = 0; z < l.axes[0].out; z++)
         for (Size y = 0; y < l.axes[1].out; y++)
            for (Size x = 0; x < l.axes[2].out; x++) {
               const auto tz = taps_of(l, l.axes[0], z), ty = taps_of(l, l.axes[1], y), tx = taps_of(l, l.axes[2], x);
               const Size block = l.kind == planar ? 1 : tz.size() * ty.size() * tx.size() == 1 ? 128 : 16;
               T total = 0;
               for (Size c0 = 0; c0 < c_group; c0 += block) {
                  T sum = 0;
                  for (const Tap& i : tz)
                     for (const Tap& j : ty)
                        for (const Tap& k : tx)
                           for (Size c = c0; c < c0 + block && c < c_group; c++) {
                              if (i.input < 0 || i.input >= l.axes[0].in || j.input < 0 || j.input >= l.axes[1].in || k.input < 0 ||
                                  k.input >= l.axes[2].in)
                                 continue;
                              const Size tap = (i.tap * l.axes[1].kernel + j.tap) * l.axes[2].kernel + k.tap;
                              const Size at = (i.input * l.axes[1].in + j.input) * l.axes[2].in + k.input;
                              const Size w = l.kind == transposed ? (c * l.O + o) * taps + tap : (o * c_group + c) * taps + tap;
                              sum = std::fma(static_cast<T>(in[static_cast<std::size_t>((o / o_group * c_group + c) * pixels + at)]),
                                             static_cast<T>(weights[static_cast<std::size_t>(w)]), sum);
                           }
                  total = c0 == 0 ? sum : total + sum;
               }
               out.push_back(bias.empty() ? total : total + static_cast<T>(bias[static_cast<std::size_t>(o)]));
            }
   return out;
}

/// The weights of one group as packing.hxx says; weight(o, c, tap) gives what ONNX has.
template <class Weight>
static void pack(Size O, Size C, Size block, Size taps, const Weight& weight, Floats& out)
{
   const std::size_t begin = out.size();
   out.resize(begin + static_cast<std::size_t>(kernels::baseline::conv_packed(O, C, block, taps)));
   for (Size o = 0; o < O; o++)
      for (Size c = 0; c < C; c++)
         for (Size tap = 0; tap < taps; tap++)
            out[begin + static_cast<std::size_t>(kernels::baseline::conv_packed_at(C, block, taps, o, c, tap))] = weight(o, c, tap);
}

static bool power(Size n) { return (n & (n - 1)) == 0; }

static Floats packed(const Layer& l, const Floats& w)
{
   const Size taps = product(l, &Axis::kernel), c_group = l.C / l.groups, o_group = l.O / l.groups;
   const auto onnx = [&](Size o, Size c, Size tap) { return w[static_cast<std::size_t>((o * c_group + c) * taps + tap)]; };
   Floats out;
   if (l.kind == winograd) {
      const double G[4][3] = {{1, 0, 0}, {.5, .5, .5}, {.5, -.5, .5}, {0, 0, 1}};
      for (int i = 0; i < 4; i++)
         for (int j = 0; j < 4; j++)
            pack(l.O, l.C, 16, 1,
                 [&](Size o, Size c, Size) {
                    double sum = 0;
                    for (int y = 0; y < 3; y++)
                       for (int x = 0; x < 3; x++) sum += G[i][y] * G[j][x] * static_cast<double>(onnx(o, c, y * 3 + x));
                    return static_cast<float>(sum);
                 },
                 out);
   } else if (l.kind == transposed) {
      std::vector<std::vector<Size>> phases[3];
      for (int axis = 0; axis < 3; axis++)
         for (Size p = 0; p < l.axes[axis].stride; p++) {
            phases[axis].emplace_back();
            for (const Tap& t : taps_of(l, l.axes[axis], p)) phases[axis].back().push_back(t.tap);
         }
      for (const auto& z : phases[0])
         for (const auto& y : phases[1])
            for (const auto& x : phases[2]) {
               std::vector<Size> chosen;
               for (Size i : z)
                  for (Size j : y)
                     for (Size k : x) chosen.push_back((i * l.axes[1].kernel + j) * l.axes[2].kernel + k);
               pack(l.O, l.C, 16, static_cast<Size>(chosen.size()),
                    [&](Size o, Size c, Size tap) { return w[static_cast<std::size_t>((c * l.O + o) * taps + chosen[static_cast<std::size_t>(tap)])]; },
                    out);
            }
   } else if (l.kind == depthwise || (l.kind == grouped && (c_group == 1 || (power(c_group) && power(o_group) && c_group <= 8 && c_group <= o_group)))) {
      pack(l.O, c_group, c_group, taps, onnx, out);
   } else {
      for (Size g = 0; g < l.groups; g++)
         pack(o_group, c_group, l.kind == planar ? 1 : 16, taps, [&](Size o, Size c, Size tap) { return onnx(g * o_group + o, c, tap); }, out);
   }
   return out;
}

/// What a caller hands over: buffers that start at an odd place, filled with NaN where nothing may be read.
struct Buffers {
   explicit Buffers(Size n) : memory(static_cast<std::size_t>(n + 3), NAN) {}
   float* data() { return memory.data() + 3; }
   Floats memory;
};

static Floats run_layer(const Isa& isa, const Layer& l, const Floats& in, const Floats& weights, const Floats& bias, const Floats& slope,
                        const Floats& residual)
{
   const Size pixels = product(l, &Axis::in), out_pixels = product(l, &Axis::out);
   Buffers blocked(up16(l.C) * pixels), out(up16(l.O) * out_pixels), scratch(isa.scratch(l));
   if (l.kind == planar && !in.empty())
      std::memcpy(blocked.data(), in.data(), in.size() * sizeof(float));
   else if (l.kind != planar)
      isa.to_blocked(1, l.C, pixels, in.data(), blocked.data());
   Floats b = bias, s = slope, blocked_residual(static_cast<std::size_t>(up16(l.O) * out_pixels));
   b.resize(static_cast<std::size_t>(up16(l.O)));
   s.resize(static_cast<std::size_t>(up16(l.O)));
   const bool probed = !slope.empty();
   if (probed) isa.to_blocked(1, l.O, out_pixels, residual.data(), blocked_residual.data());
   const Floats w = packed(l, weights);
   isa.run(l, {blocked.data(), w.data(), bias.empty() ? nullptr : b.data(), probed ? s.data() : nullptr, blocked_residual.data(), out.data(),
               scratch.data()});
   for (Size block = 0; block < up16(l.O); block += 16)
      for (Size pixel = 0; pixel < out_pixels; pixel++)
         for (Size c = block; c < block + 16; c++) {
            const float beyond = out.data()[(block / 16 * out_pixels + pixel) * 16 + c % 16];
            std::uint32_t bits;
            std::memcpy(&bits, &beyond, 4);
            if (c >= l.O && bits != 0) return fail(l, isa.name, "a channel beyond the last one is not +0"), Floats();
         }
   Floats result(static_cast<std::size_t>(l.O * out_pixels));
   isa.from_blocked(1, l.O, out_pixels, out.data(), result.data());
   return result;
}

static bool same_bits(const Floats& a, const Floats& b)
{
   return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0);
}

static void check(const Layer& l)
{
   const Size out_pixels = product(l, &Axis::out);
   const Floats in = random_floats(l.C * product(l, &Axis::in)), weights = random_floats(l.O * (l.C / l.groups) * product(l, &Axis::kernel));
   const Floats bias = random_floats(l.O), slope = random_floats(l.O), residual = random_floats(l.O * out_pixels);
   const double scale = std::sqrt(static_cast<double>(l.C / l.groups * product(l, &Axis::kernel)) + 1.0);
   const auto exact = reference<double>(l, in, weights, {});
   const Floats sums = reference<float>(l, in, weights, {});
   for (int variant = 0; variant < 2; variant++) {
      const Floats b = variant == 0 ? Floats() : bias;
      Floats ordered = sums;
      if (variant == 1)
         for (std::size_t i = 0; i < ordered.size(); i++) {
            const std::size_t channel = i / static_cast<std::size_t>(out_pixels);
            volatile float scaled = (ordered[i] + bias[channel]) * slope[channel];
            ordered[i] = scaled + residual[i] + 1.0f;
         }
      Floats first;
      for (const Isa& isa : isas()) {
         const Floats got = run_layer(isa, l, in, weights, b, variant == 0 ? Floats() : slope, residual);
         if (got.size() != ordered.size()) continue;
         if (variant == 0)
            for (std::size_t i = 0; i < got.size(); i++)
               if (!(std::fabs(static_cast<double>(got[i]) - exact[i]) <= 1e-6 * scale)) {
                  fail(l, isa.name, "element " + std::to_string(i) + " is " + std::to_string(got[i]) + ", not " + std::to_string(exact[i]));
                  break;
               }
         if (!isa.fused) continue;
         if (l.kind != winograd && !same_bits(got, ordered)) fail(l, isa.name, "not the promised order of summation");
         if (first.empty()) first = got;
         if (!same_bits(got, first)) fail(l, isa.name, "not the bits of " + std::string(isas()[0].name));
      }
   }
}

/// An image alone and the same image in the middle of a larger black one: same bits.
static void check_embedded(Layer l, Size offset)
{
   const Floats weights = random_floats(l.O * (l.C / l.groups) * product(l, &Axis::kernel)), bias = random_floats(l.O);
   Layer large = l;
   for (int axis = 1; axis < 3; axis++) {
      large.axes[axis].in += 2 * offset + 3;
      large.axes[axis].out += 2 * offset + 3;
   }
   const Size h = l.axes[1].in, w = l.axes[2].in, H = large.axes[1].in, W = large.axes[2].in;
   const Floats in = random_floats(l.C * h * w);
   Floats embedded(static_cast<std::size_t>(l.C * H * W));
   for (Size c = 0; c < l.C; c++)
      for (Size y = 0; y < h; y++)
         for (Size x = 0; x < w; x++)
            embedded[static_cast<std::size_t>((c * H + y + offset) * W + x + offset)] = in[static_cast<std::size_t>((c * h + y) * w + x)];
   for (const Isa& isa : isas()) {
      const Floats alone = run_layer(isa, l, in, weights, bias, {}, {}), inside = run_layer(isa, large, embedded, weights, bias, {}, {});
      Floats cut;
      for (Size o = 0; o < l.O; o++)
         for (Size y = 0; y < h; y++)
            for (Size x = 0; x < w; x++) cut.push_back(inside[static_cast<std::size_t>((o * H + y + offset) * W + x + offset)]);
      if (!same_bits(alone, cut)) fail(l, isa.name, "an embedded image has other bits");
   }
}

static void check_layouts()
{
   for (const Isa& isa : isas())
      for (Size channels : {1, 3, 4, 15, 16, 17, 40})
         for (Size pixels : {0, 1, 3, 4, 7, 16, 33}) {
            const Floats in = random_floats(2 * channels * pixels);
            Floats blocked(static_cast<std::size_t>(2 * up16(channels) * pixels) + 1, NAN), back(in.size());
            isa.to_blocked(2, channels, pixels, in.data(), blocked.data() + 1);
            isa.from_blocked(2, channels, pixels, blocked.data() + 1, back.data());
            bool right = same_bits(in, back);
            for (Size i = 0; i < 2 * up16(channels) * pixels; i++) {
               const Size image = i / (up16(channels) * pixels), rest = i % (up16(channels) * pixels);
               const Size c = rest / (pixels * 16) * 16 + i % 16, pixel = rest / 16 % pixels;
               const float expected = c < channels ? in[static_cast<std::size_t>((image * channels + c) * pixels + pixel)] : 0.0f;
               right = right && blocked[static_cast<std::size_t>(i) + 1] == expected;
            }
            if (!right && failures++ < 20)
               std::printf("FAIL layout, %s: %d channels, %d pixels\n", isa.name, static_cast<int>(channels), static_cast<int>(pixels));
         }
}

/// Output size: pads are (before, after); transposed: `after` is output_padding minus the pad after.
static Axis axis(const Layer& l, Size in, Size kernel, Size stride, Size dilation, Size before, Size after)
{
   const Size reach = (kernel - 1) * dilation + 1;
   Size out = l.kind == transposed ? (in - 1) * stride + reach - before + after : (in + before + after - reach) / stride + 1;
   if (in == 0 || out < 0) out = 0;
   return {in, out, kernel, stride, dilation, before};
}

static void check_2d(Kind kind, Size C, Size O, Size groups, Size H, Size W, Size kernel, Size stride, Size dilation, Size before, Size after,
                     bool specialised = false)
{
   Layer l = {kind, C, O, groups, {}, specialised};
   l.axes[0] = {1, 1, 1, 1, 1, 0};
   l.axes[1] = axis(l, H, kernel, stride, dilation, before, after);
   l.axes[2] = axis(l, W, kernel, stride, dilation, before, after);
   check(l);
}

static void check_1d(Kind kind, Size C, Size O, Size groups, Size W, Size kernel, Size stride, Size dilation, Size before, Size after)
{
   Layer l = {kind, C, O, groups, {{1, 1, 1, 1, 1, 0}, {1, 1, 1, 1, 1, 0}, {}}, false};
   l.axes[2] = axis(l, W, kernel, stride, dilation, before, after);
   check(l);
}

static void check_3d(Kind kind, Size C, Size O, Size groups, Size D, Size H, Size W, Size stride, Size dilation, Size before, Size after)
{
   Layer l = {kind, C, O, groups, {}, false};
   l.axes[0] = axis(l, D, 2, stride, 1, before, after);
   l.axes[1] = axis(l, H, 3, 1, dilation, before, after);
   l.axes[2] = axis(l, W, 3, stride, dilation, after, before);
   check(l);
}

}  // namespace test

int main()
{
   using namespace test;
   check_layouts();
   for (Kind kind : {direct, planar}) {
      const Size C = kind == direct ? 20 : 3;
      for (Size O : {5, 16, 33, 64}) check_2d(kind, C, O, 1, 9, 11, 3, 1, 1, 1, 1);
      for (Size W : {1, 2, 5, 6, 13, 14, 15, 28, 31}) check_2d(kind, C, 20, 1, 3, W, 3, 1, 1, 1, 1);
      for (Size stride : {1, 2, 3}) {
         check_2d(kind, C, 40, 1, 11, 17, 3, stride, 1, 1, 0);
         check_2d(kind, C, 18, 1, 12, 33, 5, stride, 2, 3, 4);
         check_2d(kind, C, 18, 1, 9, 10, 2, stride, 1, 0, 0);
         check_2d(kind, C, 18, 1, 9, 40, 1, stride, 1, 0, 0);
         check_1d(kind, C, 32, 1, 50, 7, stride, 1, 3, 3);
         check_3d(kind, C, 17, 1, 3, 5, 6, stride, 1, 1, 0);
      }
      check_2d(kind, C, 24, 1, 7, 9, 3, 1, 1, -1, 1);
      check_2d(kind, C, 24, 1, 5, 6, 1, 1, 1, 1, 2);
      check_2d(kind, C, 8, 1, 0, 6, 3, 1, 1, 1, 1);
      check_3d(kind, C, 16, 1, 4, 6, 6, 1, 2, 2, 2);
   }
   check_2d(direct, 1, 1, 1, 4, 4, 3, 1, 1, 1, 1);
   check_2d(direct, 300, 40, 1, 3, 7, 1, 1, 1, 0, 0);
   check_2d(direct, 129, 16, 1, 6, 7, 1, 2, 1, 0, 0);
   check_1d(planar, 1, 32, 1, 400, 80, 4, 1, 38, 38);
   check_2d(planar, 3, 64, 1, 14, 31, 7, 2, 1, 3, 3);

   for (bool specialised : {false, true})
      for (Size kernel : {3, 5})
         for (Size stride : {1, 2})
            for (Size W : {1, 2, 4, 7, 8, 9, 12, 13, 28})
               check_2d(depthwise, 20, 20, 20, 6, W, kernel, stride, 1, kernel / 2, (kernel - 1) / 2 + (W & 1) - (W == 9), specialised);
   for (Size kernel : {3, 5})  // the largest pads that the specialised form takes
      for (Size stride : {1, 2})
         for (Size W : {1, 3, 8, 13, 20}) check_2d(depthwise, 20, 20, 20, 4, W, kernel, stride, 1, kernel - 1, kernel - 1, true);
   check_2d(depthwise, 33, 33, 33, 9, 10, 7, 1, 1, 3, 3);
   check_2d(depthwise, 16, 16, 16, 12, 13, 3, 1, 3, 3, 4);
   check_2d(depthwise, 16, 16, 16, 12, 13, 3, 3, 2, 5, 4);
   check_1d(depthwise, 40, 40, 40, 40, 31, 1, 1, 15, 15);
   check_3d(depthwise, 17, 17, 17, 3, 5, 9, 2, 2, 1, 2);

   for (Size stride : {1, 2, 3}) {
      check_2d(grouped, 12, 12, 3, 6, 9, 3, stride, 1, 1, 1);
      check_2d(grouped, 10, 30, 10, 6, 9, 3, stride, 1, 1, 1);
      check_2d(grouped, 64, 32, 2, 6, 9, 3, stride, 1, 1, 1);
   }
   for (Size c : {1, 2, 4, 8})
      for (Size o : {1, 2, 4, 8, 16, 32})
         for (Size stride : {1, 2}) check_2d(grouped, 6 * c, 6 * o, 6, 3, c == o ? 13 : 5, 3, stride, 1, 1, 1);
   for (Size W : {1, 3, 4, 7, 8, 12, 20}) check_2d(grouped, 24, 24, 3, 2, W, 3, 1, 1, 1, 1);
   check_3d(grouped, 16, 16, 4, 3, 4, 5, 2, 2, 1, 2);
   check_2d(grouped, 48, 36, 2, 5, 7, 3, 1, 1, 1, 1);
   check_2d(grouped, 16, 8, 4, 5, 7, 1, 1, 1, 0, 0);
   check_2d(grouped, 16, 4, 4, 5, 7, 2, 1, 2, 0, 1);
   check_1d(grouped, 6, 4, 2, 19, 5, 1, 2, 4, 4);
   check_3d(grouped, 8, 12, 4, 3, 4, 5, 1, 1, 1, 0);

   for (Size kernel : {1, 2, 3, 4, 5})
      for (Size stride : {1, 2, 3})
         for (Size dilation : {1, 2}) check_2d(transposed, 20, 18, 1, 4, 6, kernel, stride, dilation, kernel / 2, 1 - kernel / 2);
   check_2d(transposed, 150, 33, 1, 3, 15, 2, 2, 1, 0, 0);
   check_1d(transposed, 20, 33, 1, 31, 16, 8, 1, 4, -4);
   check_3d(transposed, 17, 16, 1, 2, 3, 4, 2, 1, 1, 0);

   for (Size C : {20, 150})
      for (Size W : {1, 2, 3, 14, 31}) {
         check_2d(winograd, C, 37, 1, 5, W, 3, 1, 1, 1, 1);
         check_2d(winograd, C, 16, 1, 6, W + 2, 3, 1, 1, 0, 0);
      }
   check_2d(winograd, 16, 16, 1, 20, 41, 3, 1, 1, 2, 1);

   for (Kind kind : {direct, planar, depthwise, winograd}) {
      const Size C = kind == planar ? 3 : 20;
      const Layer l = {kind, C, 20, kind == depthwise ? 20 : 1, {{1, 1, 1, 1, 1, 0}, {6, 6, 3, 1, 1, 1}, {9, 9, 3, 1, 1, 1}}, true};
      for (Size offset : {2, 4, 10}) check_embedded(l, offset);
      if (kind != winograd) check_embedded(l, 3);
   }
   if (failures) std::printf("%d failures\n", failures);
   return failures != 0;
}
#endif
