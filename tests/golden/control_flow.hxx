// control_flow.hxx: made by onnx_bridge VERSION. Do not edit; convert the model again.
//
//   model      control_flow.onnx, sha256 0000000000000000..., ai.onnx 17
//   operators  3 Pointwise, 3 Identity, 2 Copy, 1 Loop, 1 ReduceMax, 1 If
//   input      start  float32 [N, 3]
//   output     last  float32 [N, 3]
//              path  float32 [5, N, 3]
//   weights    none
//   workspace  448 bytes where every size is 1
//   proof      none: converted without verification
//
//   onnx_bridge::control_flow::Model model;  // weights, mapped once; const, any number of threads
//   onnx_bridge::control_flow::Workspace ws(model, {N});  // one a thread
//   model.infer(ws, {N}, start, last, path);  // caller's memory in and out
//
//   TMVA_SOFIE_control_flow::Session s;  // SOFIE's face on the same body
//   auto y = s.infer(N, start);
//
// Contract. infer() is const and noexcept; it allocates nothing, locks nothing, calls nothing of the system and starts no
// thread. A row's bits do not depend on the other rows, on the batch, on alignment or on the thread, and are the same on
// every processor that has a fused multiply-add (x86-64 since 2013, arm64), with every compiler and flag. Only
// constructors throw: a Model's std::runtime_error, with what was wrong with the weights, a Workspace's std::length_error
// or std::bad_alloc. Model::open and Workspace::make do not, and are what there is without exceptions.
#if !defined(ONNX_BRIDGE_LANES)  // ------------------------------------------------------------ the face, read once
#ifndef ONNX_BRIDGE_MODEL_CONTROL_FLOW
#define ONNX_BRIDGE_MODEL_CONTROL_FLOW
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <limits>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace onnx_bridge { namespace control_flow {

/// Sizes that the model leaves open.
struct Dims {
   std::size_t N = 1;
};

/// An input or output: its ONNX name, element type and shape; -1 stands for a size that is known at run time,
/// and for the rank of an output that has one or another: `shape` is the number of its elements then.
struct Argument {
   const char* name;
   const char* type;
   int rank;
   std::ptrdiff_t shape[8];
};
inline constexpr Argument inputs[] = {{"start", "float32", 2, {-1, 3}}};
inline constexpr Argument outputs[] = {
   {"last", "float32", 2, {-1, 3}},
   {"path", "float32", 3, {5, -1, 3}},
};

/// Which instruction set's body runs: the widest that the processor has, unless one is asked for. All that have a fused
/// multiply-add (each but baseline, and that on arm64) give the same bits.
enum class Body { best = 0, baseline = 4, avx2 = 8, avx512 = 16 };

/// Where each weight lies in memory, packed for the kernels, the same on every processor.
struct Weights {
   // none
};

/// More bytes or elements than any memory has; and the most that one piece of memory may have.
inline constexpr std::size_t too_many = static_cast<std::size_t>(-1);
inline constexpr std::size_t most_bytes = too_many / (sizeof(std::size_t) > 4 ? 4 : 2);

/// A size with a bound on everything that it is computed from, zeros taken for ones. Where the bound is beyond `most_bytes` the size has
/// overflowed, now or in another order of the same factors; the value is exact where it has not.
struct Checked {
   std::int64_t value;
   double bound;

   Checked(std::int64_t v, double b) : value(v), bound(b < 1.0 ? 1.0 : b < 1e100 ? b : 1e100) {}
   Checked(long long number) : Checked(number, static_cast<double>(number < 0 ? -number : number)) {}
   static Checked dim(std::size_t n) { return {static_cast<std::int64_t>(n), static_cast<double>(n)}; }
   bool overflows() const { return bound > static_cast<double>(most_bytes); }
   /// The number of bytes or elements: too_many where it overflows, 0 where it is negative.
   std::size_t count() const { return overflows() ? too_many : value > 0 ? static_cast<std::size_t>(value) : 0; }
};
inline std::int64_t wrapped(std::uint64_t x) { return static_cast<std::int64_t>(x); }
inline std::uint64_t bits(Checked x) { return static_cast<std::uint64_t>(x.value); }
inline Checked operator+(Checked a, Checked b) { return {wrapped(bits(a) + bits(b)), a.bound + b.bound}; }
inline Checked operator-(Checked a, Checked b) { return {wrapped(bits(a) - bits(b)), a.bound + b.bound}; }
inline Checked operator-(Checked a) { return {wrapped(0 - bits(a)), a.bound}; }
inline Checked operator*(Checked a, Checked b) { return {wrapped(bits(a) * bits(b)), a.bound * b.bound}; }
/// Rounded down. A division by zero overflows.
inline Checked floor_div(Checked a, Checked b)
{
   if (b.value == 0 || a.overflows() || b.overflows()) return {0, 1e100};
   const std::int64_t quotient = a.value / b.value, rest = a.value % b.value;
   const double divisor = static_cast<double>(b.value < 0 ? -b.value : b.value);
   return {quotient - (rest != 0 && (rest < 0) != (b.value < 0)), a.bound / divisor + 1.0};
}

/// Where the pieces of a Workspace lie: each begins where the highest of those `below` it ends.
template <std::size_t Pieces>
struct Layout {
   std::size_t* at;
   std::size_t tops[Pieces] = {};
   std::size_t pieces = 0, end = 0;

   explicit Layout(std::size_t* offsets) : at(offsets) {}
   void add(Checked bytes, std::initializer_list<int> below = {})
   {
      std::size_t offset = 0;
      for (const int piece : below)
         if (tops[piece] > offset) offset = tops[piece];
      const std::size_t size = bytes.count();
      const bool fits = offset <= most_bytes && size <= most_bytes - offset;
      at[pieces] = offset;
      tops[pieces] = fits ? offset + size : too_many;
      if (tops[pieces] > end) end = tops[pieces];
      pieces++;
   }
};

class Workspace;

/// The network with its weights. Immutable: share one between all threads. The constructors are there where exceptions are, and throw
/// std::runtime_error with what is wrong; open() says it in `error` instead, and returns nothing.
class Model {
public:
#if defined(__cpp_exceptions)
   explicit Model(Body body = Body::best)
   { std::string error; if (!choose(body, error)) raise(error); }
#endif
   static std::optional<Model> open(std::string& error,
      Body body = Body::best) noexcept
   {
      Model model(nullptr);
      return opened(model, model.choose(body, error), error);
   }

   /// Writes the outputs. False where the dims are larger than sizes can be, or need more than the Workspace has: then
   /// nothing is written. False, too, where data takes a branch or ends a loop as these dims do not allow: then the
   /// outputs hold anything. Outputs overlap neither inputs nor one another nor the Workspace; inputs may overlap.
   bool infer(Workspace& ws, [[maybe_unused]] Dims dims, const float* start, float* last, float* path) const noexcept;

   /// Bytes of scratch memory that one call needs; the largest std::size_t where no memory is that large.
   static std::size_t workspace_bytes(Dims dims = {}) noexcept
   {
      std::size_t at[10];
      return plan(dims, at);
   }

   /// Elements of output `index`; 0 where infer refuses the dims whatever the Workspace has.
   static std::size_t output_size(int index, Dims dims = {}) noexcept
   {
      const Checked N = Checked::dim(dims.N);
      if (!takes(dims)) return 0;
      switch (index) {
      case 0: return (3 * N).count();
      case 1: return (15 * N).count();
      default: return 0;
      }
   }

private:
   friend class Workspace;
   using Run = bool (*)(const Weights&, char*, const std::size_t*, const Dims&, const float*, float*, float*) noexcept;
   explicit Model(std::nullptr_t) {}
   static bool takes(const Dims& dims) noexcept
   {
      const Checked N = Checked::dim(dims.N);
      for (const Checked& size : {Checked(60 * N)})
         if (size.overflows()) return false;  // it would in the network, too
      return true;
   }
   static std::size_t plan(const Dims& dims, std::size_t* at) noexcept;
   // no weights
   bool choose(Body body, std::string& error);
   static std::optional<Model> opened(Model& model, bool right, std::string& error)
   {
      error.replace(0, right ? std::string::npos : 0, right ? "" : "control_flow: ");
      return right ? std::optional<Model>(std::move(model)) : std::nullopt;
   }
#if defined(__cpp_exceptions)
   [[noreturn]] static void raise(const std::string& error) { throw std::runtime_error("control_flow: " + error); }
#endif

   std::shared_ptr<const char> file_{};  // keeps the weights alive; null where they are the caller's
   Weights w_{};
   Run run_ = nullptr;
};

/// Scratch memory of one thread, for all calls whose dims need no more than `dims`.
class Workspace {
public:
#if defined(__cpp_exceptions)
   /// In `memory`, Model::workspace_bytes(dims) bytes, 64-byte aligned, if it is given; else in memory of its own. Throws
   /// std::length_error where the dims need more than any memory has, std::bad_alloc where there is no such memory now.
   explicit Workspace(const Model&, Dims dims = {}, void* memory = nullptr) : Workspace(dims)
   {
      if (bytes_ == static_cast<std::size_t>(-1)) throw std::length_error("control_flow: a workspace for these dims is larger than any memory");
      if (!place(memory)) throw std::bad_alloc();
   }
#endif
   /// The same without exceptions: nothing, where there is no such memory.
   static std::optional<Workspace> make(const Model&, Dims dims = {}, void* memory = nullptr) noexcept
   {
      Workspace made(dims);
      return made.place(memory) ? std::optional<Workspace>(std::move(made)) : std::nullopt;
   }
   Workspace(Workspace&&) = default;
   Workspace& operator=(Workspace&&) = default;
   Workspace(const Workspace&) = delete;
   Workspace& operator=(const Workspace&) = delete;

private:
   friend class Model;
   explicit Workspace(const Dims& dims) : dims_(dims), bytes_(Model::plan(dims, at_)), takes_(Model::takes(dims)) {}
   bool place(void* memory) noexcept
   {
      if (bytes_ == static_cast<std::size_t>(-1)) return false;
      if (!memory) {
         own_.reset(new (std::nothrow) char[bytes_ + 63]);
         memory = own_ ? own_.get() + (64 - reinterpret_cast<std::uintptr_t>(own_.get()) % 64) % 64 : nullptr;
      }
      memory_ = static_cast<char*>(memory);
      return memory != nullptr;
   }
   bool fit(const Dims& dims) noexcept
   {
      if (dims.N == dims_.N) return takes_;
      if (!Model::takes(dims)) return false;
      if (Model::plan(dims, at_) > bytes_) {
         Model::plan(dims_, at_);
         return false;
      }
      dims_ = dims;
      return takes_ = true;
   }

   Dims dims_;
   std::size_t at_[10];  // the plan for dims_
   std::size_t bytes_;
   bool takes_;
   std::unique_ptr<char[]> own_{};
   char* memory_ = nullptr;
};

}}  // namespace onnx_bridge::control_flow

// The kernels and the network, once for each instruction set: this file includes itself below.
#if defined(__FILE_NAME__)
#define ONNX_BRIDGE_SELF __FILE_NAME__
#elif __has_include(__FILE__)
#define ONNX_BRIDGE_SELF __FILE__
#else
#define ONNX_BRIDGE_SELF "control_flow.hxx"
#endif
#if !__has_include(ONNX_BRIDGE_SELF)
#error "This header includes itself and is not found: convert with self_include=False for text that is renamed, pasted or piped"
#endif
// regions.hxx: opens and closes the parts of a header that are compiled for one instruction set each: ONNX_BRIDGE_BEGIN(isa) switches it on.
//
// Every freedom of the user's flags with floating point is off: inside only fma() fuses a product with a sum.
#define ONNX_BRIDGE_PRAGMA(...) _Pragma(#__VA_ARGS__)
#if defined(__clang__)
#define ONNX_BRIDGE_BEGIN(isa) ONNX_BRIDGE_PRAGMA(clang attribute push(__attribute__((target(isa))), apply_to = function))
#define ONNX_BRIDGE_END _Pragma("clang attribute pop")
#pragma float_control(precise, on, push)
#pragma clang fp contract(off)
#else
#define ONNX_BRIDGE_BEGIN(isa) _Pragma("GCC push_options") ONNX_BRIDGE_PRAGMA(GCC target(isa))
#define ONNX_BRIDGE_END _Pragma("GCC pop_options")
#pragma GCC push_options
#pragma GCC optimize("fp-contract=off", "no-fast-math")
#endif
// Floats are compared for equality where ONNX asks for it; constants stand together of which not all are used; and GCC, but not clang, takes
// an int that is an array's bound for a conversion.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wfloat-equal"
#pragma GCC diagnostic ignored "-Wunused-const-variable"
#if !defined(__clang__)
#pragma GCC diagnostic ignored "-Wsign-conversion"
#endif
// ONNX_BRIDGE_ONLY, which whoever compiles may define as 16, 8 or 4, leaves the other bodies out.
#if defined(ONNX_BRIDGE_ONLY) && !((defined(__x86_64__) && (ONNX_BRIDGE_ONLY == 16 || ONNX_BRIDGE_ONLY == 8)) || ONNX_BRIDGE_ONLY == 4)
#error "ONNX_BRIDGE_ONLY must be the number of a body that this header has for this processor: 16, 8 or 4"
#endif
#if defined(__x86_64__) && (!defined(ONNX_BRIDGE_ONLY) || ONNX_BRIDGE_ONLY == 16)
ONNX_BRIDGE_BEGIN("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")
#define ONNX_BRIDGE_LANES 16
#define ONNX_BRIDGE_REGION avx512
#define ONNX_BRIDGE_HAS_AVX2 1
#define ONNX_BRIDGE_HAS_AVX512 1
#include ONNX_BRIDGE_SELF
ONNX_BRIDGE_END
#endif
#if defined(__x86_64__) && (!defined(ONNX_BRIDGE_ONLY) || ONNX_BRIDGE_ONLY == 8)
ONNX_BRIDGE_BEGIN("avx2,fma")
#define ONNX_BRIDGE_LANES 8
#define ONNX_BRIDGE_REGION avx2
#define ONNX_BRIDGE_HAS_AVX2 1
#include ONNX_BRIDGE_SELF
ONNX_BRIDGE_END
#endif
#if !defined(ONNX_BRIDGE_ONLY) || ONNX_BRIDGE_ONLY == 4
#define ONNX_BRIDGE_LANES 4
#define ONNX_BRIDGE_REGION baseline
#include ONNX_BRIDGE_SELF
#endif
#pragma GCC diagnostic pop
#if defined(__clang__)
#pragma float_control(pop)
#else
#pragma GCC pop_options
#endif
#undef ONNX_BRIDGE_PRAGMA
#undef ONNX_BRIDGE_BEGIN
#undef ONNX_BRIDGE_END
#undef ONNX_BRIDGE_SELF

namespace onnx_bridge { namespace control_flow {

/// Whether this processor and this system can run a body.
inline bool can_run(int body)
{
#if defined(__x86_64__)
   // CPUID by hand: __builtin_cpu_supports does not link under Cling.
   unsigned r[4];
   enum { eax, ebx, ecx, edx };
   auto cpuid = [&r](unsigned leaf, unsigned part) {
      __asm__ volatile("cpuid" : "=a"(r[eax]), "=b"(r[ebx]), "=c"(r[ecx]), "=d"(r[edx]) : "a"(leaf), "c"(part));
   };
   cpuid(0, 0);
   auto has = [&, last = r[eax]](unsigned leaf, unsigned part, int which, unsigned bits) {
      if (leaf > last) return false;
      cpuid(leaf, part);
      return (r[which] & bits) == bits;
   };
   auto saves = [&has](unsigned bits) {
      unsigned low, high;
      if (!has(1, 0, ecx, 1u << 27)) return false;  // OSXSAVE
      __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
      return (low & bits) == bits;
   };
   if (body == 16) return saves(0xe6) && has(1, 0, ecx, 1u << 12) && has(7, 0, ebx, 1u << 5 | 1u << 16 | 1u << 17 | 1u
         << 30 | 1u << 31);
   if (body == 8) return saves(6) && has(1, 0, ecx, 1u << 12) && has(7, 0, ebx, 1u << 5);
#endif
   return body == 4;
}

__attribute__((cold)) inline bool Model::choose(Body body, std::string& error)
{
   const auto runs = [body](Body other) { return (body == Body::best || body == other) && can_run(static_cast<int>(other)); };
   run_ =  // the best first
#if defined(__x86_64__) && (!defined(ONNX_BRIDGE_ONLY) || ONNX_BRIDGE_ONLY == 16)
      runs(Body::avx512) ? avx512::run :
#endif
#if defined(__x86_64__) && (!defined(ONNX_BRIDGE_ONLY) || ONNX_BRIDGE_ONLY == 8)
      runs(Body::avx2) ? avx2::run :
#endif
#if !defined(ONNX_BRIDGE_ONLY) || ONNX_BRIDGE_ONLY == 4
      runs(Body::baseline) ? baseline::run :
#endif
      nullptr;
   if (!run_)
      error.assign(body == Body::best ? "this processor cannot run the body that was compiled" : can_run(static_cast<int>(body))
                   ? "compiled for another body than was asked for" : "this processor cannot run the body that was asked for");
   return run_ != nullptr;
}

inline std::size_t Model::plan(const Dims& dims, std::size_t* at) noexcept
{
   const Checked N = Checked::dim(dims.N);
   Layout<10> layout(at);
   layout.add(64 * floor_div(12 * N + 63, 64));
   layout.add(64, {0});
   layout.add(64 * floor_div(12 * N + 63, 64), {0});
   layout.add(64 * floor_div(12 * N + 63, 64), {2});
   layout.add(64 * floor_div(12 * N + 63, 64), {2});
   layout.add(64 * floor_div(12 * N + 63, 64), {3});
   layout.add(64, {4});
   layout.add(64, {1, 5, 6});
   layout.add(64, {7});
   layout.add(64, {8});
   return layout.end;
}

inline bool Model::infer(Workspace& ws, [[maybe_unused]] Dims dims, const float* start, float* last, float* path) const noexcept
{
   if (!ws.fit(dims)) return false;
   return run_(w_, ws.memory_, ws.at_, dims, start, last, path);
}

}}  // namespace onnx_bridge::control_flow

#if defined(__cpp_exceptions)
namespace TMVA_SOFIE_control_flow {

/// SOFIE's face. Movable and copyable; copies share the weights. One a thread.
struct Session {
   explicit Session([[maybe_unused]] std::string filename = "", std::size_t N = 1)
      : model(), dims{N}, workspace(new onnx_bridge::control_flow::Workspace(model, dims)) {}
   Session(const Session& other) : model(other.model), dims(other.dims), workspace(new onnx_bridge::control_flow::Workspace(model, dims)) {}
   Session(Session&&) = default;
   Session& operator=(Session&&) = default;
   Session& operator=(const Session& other) { return *this = Session(other); }

   void doInfer(std::size_t N, const float* start, std::vector<float>& last, std::vector<float>& path)
   {
      const onnx_bridge::control_flow::Dims sizes{N};
      last.resize(onnx_bridge::control_flow::Model::output_size(0, sizes));
      path.resize(onnx_bridge::control_flow::Model::output_size(1, sizes));
      const bool done = model.infer(*workspace, sizes, start, last.data(), path.data());
      if (!done) workspace.reset(new onnx_bridge::control_flow::Workspace(model, sizes));  // sizes that are larger than any before
      if (!done && !model.infer(*workspace, sizes, start, last.data(), path.data())) throw std::runtime_error("control_flow: sizes do not agree with the inputs");
   }
   std::vector<std::vector<float>> infer(std::size_t N, const float* start)
   {
      std::vector<float> last;
      std::vector<float> path;
      doInfer(N, start, last, path);
      return {std::move(last), std::move(path)};
   }
   std::vector<std::vector<float>> infer(const float* start) { return infer(dims.N, start); }

   onnx_bridge::control_flow::Model model;
   onnx_bridge::control_flow::Dims dims;  // those that the Session was made for
   std::unique_ptr<onnx_bridge::control_flow::Workspace> workspace;
};

/// Raw pointers in and out; the Session's own sizes bound the call's.
inline void doInfer(const Session& session, std::size_t N, const float* start, float* last, float* path)
{
   if (!session.model.infer(*session.workspace, {N}, start, last, path))
      throw std::runtime_error("control_flow: sizes beyond those that the Session was made for");
}

}  // namespace TMVA_SOFIE_control_flow
namespace SOFIE_control_flow = TMVA_SOFIE_control_flow;
#endif
#endif  // ONNX_BRIDGE_MODEL_CONTROL_FLOW
#else  // --------------------------------------------------------------- read once for each instruction set
namespace onnx_bridge { namespace control_flow { namespace ONNX_BRIDGE_REGION {

// vector.hxx: as many floats as a register holds, by the compiler's vector extensions.
typedef std::ptrdiff_t Size;
constexpr int lanes = ONNX_BRIDGE_LANES;
typedef float vec __attribute__((vector_size(4 * ONNX_BRIDGE_LANES)));
typedef std::int32_t ivec __attribute__((vector_size(4 * ONNX_BRIDGE_LANES)));
typedef float unaligned_vec __attribute__((vector_size(4 * ONNX_BRIDGE_LANES), aligned(4), may_alias));
typedef std::int32_t unaligned_ivec __attribute__((vector_size(4 * ONNX_BRIDGE_LANES), aligned(4), may_alias));

#define ONNX_BRIDGE_INLINE static inline __attribute__((always_inline, unused))
#define ONNX_BRIDGE_KERNEL static __attribute__((noinline, unused))
#if defined(__clang__)
#define ONNX_BRIDGE_UNROLL _Pragma("unroll")
#else
#define ONNX_BRIDGE_UNROLL _Pragma("GCC unroll 64")
#endif

// Keeps a value as it is: the compiler may not look through it. Costs no instruction.
#if defined(__x86_64__)
#define ONNX_BRIDGE_KEEP(x) __asm__("" : "+v"(x))
#elif defined(__aarch64__)
#define ONNX_BRIDGE_KEEP(x) __asm__("" : "+w"(x))
#else
#define ONNX_BRIDGE_KEEP(x) __asm__("" : "+m"(x))
#endif

/// A size known at compile time; kernels take a Const<N> or a Size through one template parameter.
template <Size Value>
struct Const {
   constexpr operator Size() const { return Value; }
};

/// All lanes of a vector: the usual count of load and store.
using All = Const<lanes>;

ONNX_BRIDGE_INLINE vec load(const float* p) { return *reinterpret_cast<const unaligned_vec*>(p); }
ONNX_BRIDGE_INLINE void store(float* p, vec v) { *reinterpret_cast<unaligned_vec*>(p) = v; }
ONNX_BRIDGE_INLINE vec splat(float x) { return x - vec{}; }  // folds to a broadcast; 0 + x would not (-0.0)
ONNX_BRIDGE_INLINE ivec as_int(vec x) { return reinterpret_cast<ivec>(x); }
ONNX_BRIDGE_INLINE vec as_float(ivec x) { return reinterpret_cast<vec>(x); }

ONNX_BRIDGE_INLINE vec load(const float* p, All) { return load(p); }
ONNX_BRIDGE_INLINE void store(float* p, vec v, All) { store(p, v); }

/// The first n lanes, 0 <= n <= lanes, from and to memory; nothing beyond them is read or written. The others are loaded as +0.
#if defined(ONNX_BRIDGE_HAS_AVX512)
ONNX_BRIDGE_INLINE unsigned short first_lanes(Size n) { return static_cast<unsigned short>((1u << n) - 1u); }
ONNX_BRIDGE_INLINE vec load(const float* p, Size n) { return __builtin_ia32_loadups512_mask(p, vec{}, first_lanes(n)); }
ONNX_BRIDGE_INLINE void store(float* p, vec v, Size n) { __builtin_ia32_storeups512_mask(p, v, first_lanes(n)); }
#elif defined(ONNX_BRIDGE_HAS_AVX2)
ONNX_BRIDGE_INLINE ivec first_lanes(Size n)
{
   static const std::int32_t mask[16] = {-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0};
   return *reinterpret_cast<const unaligned_ivec*>(mask + 8 - n);
}
ONNX_BRIDGE_INLINE vec load(const float* p, Size n) { return __builtin_ia32_maskloadps256(reinterpret_cast<const vec*>(p), first_lanes(n)); }
ONNX_BRIDGE_INLINE void store(float* p, vec v, Size n) { __builtin_ia32_maskstoreps256(reinterpret_cast<vec*>(p), first_lanes(n), v); }
#else
ONNX_BRIDGE_INLINE vec load(const float* p, Size n) { vec v{}; for (Size i = 0; i < n; i++) v[i] = p[i]; return v; }
ONNX_BRIDGE_INLINE void store(float* p, vec v, Size n) { for (Size i = 0; i < n; i++) p[i] = v[i]; }
#endif

ONNX_BRIDGE_INLINE vec mul(vec a, vec b) { vec t = a * b; ONNX_BRIDGE_KEEP(t); return t; }

/// Infinity, from bits that the compiler may not look through: -ffinite-math-only makes clang take a constant for a value that cannot be.
template <class T>
ONNX_BRIDGE_INLINE T infinity()
{
   typename std::conditional<sizeof(T) == 8, std::int64_t, std::int32_t>::type bits = sizeof(T) == 8 ? 0x7ff0000000000000 : 0x7f800000;
   __asm__("" : "+r"(bits));
   T x;
   __builtin_memcpy(&x, &bits, sizeof(T));
   return x;
}

/// The larger and the smaller; where either is NaN, b. For sums of maxima, not for ONNX's Max: see pointwise.hxx.
/// By the processor's own instruction: clang's -ffast-math lets a choice between vectors lose NaN and the sign of zero.
#if defined(__clang__) && defined(ONNX_BRIDGE_HAS_AVX512)
ONNX_BRIDGE_INLINE vec larger(vec a, vec b) { return __builtin_ia32_maxps512(a, b, 4); }
#elif defined(__clang__) && defined(ONNX_BRIDGE_HAS_AVX2)
ONNX_BRIDGE_INLINE vec larger(vec a, vec b) { return __builtin_ia32_maxps256(a, b); }
#elif defined(__clang__) && defined(__x86_64__)
ONNX_BRIDGE_INLINE vec larger(vec a, vec b) { return __builtin_ia32_maxps(a, b); }
#else
ONNX_BRIDGE_INLINE vec larger(vec a, vec b) { return a > b ? a : b; }
#endif

/// -1 in the lanes that hold a NaN; by integers, so that -ffinite-math-only changes nothing.
ONNX_BRIDGE_INLINE ivec is_nan(vec x) { return (as_int(x) & 0x7fffffff) > 0x7f800000; }

template <int by, class V, int... lane>
ONNX_BRIDGE_INLINE V rotated(V v, std::integer_sequence<int, lane...>)
{
#if defined(__clang__)
   return __builtin_shufflevector(v, v, (lane + by) % lanes...);
#else
   return __builtin_shuffle(v, ivec{(lane + by) % lanes...});  // GCC learnt Clang's spelling only in version 12
#endif
}
/// The lanes moved down by `by`.
template <int by, class V>
ONNX_BRIDGE_INLINE V rotate(V v) { return rotated<by>(v, std::make_integer_sequence<int, lanes>()); }

/// The sum of 32 lanes held in 32 / lanes vectors: halves added, 16, 8, 4, 2, 1, on every processor.
ONNX_BRIDGE_INLINE float fold(vec (&s)[32 / lanes])
{
   ONNX_BRIDGE_UNROLL
   for (int half = 16 / lanes; half >= 1; half /= 2)
      for (int i = 0; i < half; i++) s[i] += s[i + half];
   vec v = s[0];
   if constexpr (lanes >= 16) v += rotate<8>(v);
   if constexpr (lanes >= 8) v += rotate<4>(v);
   v += rotate<2>(v);
   v += rotate<1>(v);
   return v[0];
}

/// The sum of term(i) over 0 <= i < n: element i goes to lane i % 32, lanes are folded by halves; every 2048 elements the
/// lanes are added to a second set. step(sum, i, count) adds elements i .. i + count - 1 (count: All, or a Size below lanes).
template <class Step>
ONNX_BRIDGE_INLINE float sum_in_lanes(Size n, Step&& step)
{
   constexpr int width = 32 / lanes;
   vec total[width];
   ONNX_BRIDGE_UNROLL
   for (int j = 0; j < width; j++) total[j] = vec{};  // one by one: GCC clears a whole array by a slow string instruction
   Size begin = 0;
   do {
      vec sum[width];
      ONNX_BRIDGE_UNROLL
      for (int j = 0; j < width; j++) sum[j] = vec{};
      const Size end = n - begin < 2048 ? n : begin + 2048;
      Size i = begin;
      for (; i + 32 <= end; i += 32) {
         ONNX_BRIDGE_UNROLL
         for (int j = 0; j < width; j++) sum[j] = step(sum[j], i + j * lanes, All());
      }
      ONNX_BRIDGE_UNROLL
      for (int j = 0; j < width; j++) {
         const Size rest = end - i - j * lanes;
         if (rest >= lanes)
            sum[j] = step(sum[j], i + j * lanes, All());
         else if (rest > 0)
            sum[j] = step(sum[j], i + j * lanes, rest);
      }
      if (begin == 0 && end == n) return fold(sum);
      ONNX_BRIDGE_UNROLL
      for (int j = 0; j < width; j++) total[j] += sum[j];
      begin = end;
   } while (begin < n);
   return fold(total);
}

// arithmetic.hxx: ONNX's pointwise arithmetic, rounding, minimum and maximum, on vec, on ivec and on single numbers.
ONNX_BRIDGE_INLINE vec add(vec a, vec b) { return a + b; }

/// a * b, called so because `mul` is taken; integers only here, floats by mul().
ONNX_BRIDGE_INLINE vec product(vec a, vec b) { return mul(a, b); }

ONNX_BRIDGE_INLINE vec abs(vec x) { return as_float(as_int(x) & 0x7fffffff); }

ONNX_BRIDGE_INLINE vec max_of(vec a, vec b) { return is_nan(a) ? a : larger(a, b); }

// cast.hxx: ONNX's Cast between numbers and bool, and memory of other types than float as vectors.
typedef signed char byte_vec __attribute__((vector_size(ONNX_BRIDGE_LANES)));
typedef signed char unaligned_byte_vec __attribute__((vector_size(ONNX_BRIDGE_LANES), aligned(1), may_alias));

/// Bools in memory, one byte each, as a mask (the lanes at and beyond count 0); and back.
ONNX_BRIDGE_INLINE void store_mask(bool* p, ivec mask, All)
{
   *reinterpret_cast<unaligned_byte_vec*>(p) = __builtin_convertvector(mask & 1, byte_vec);
}
ONNX_BRIDGE_INLINE void store_mask(bool* p, ivec mask, Size n)
{
   for (Size i = 0; i < n; i++) p[i] = mask[i] != 0;
}

// map.hxx: y[i] = f(a[i], b[i], ...) over a contiguous run, the inner loop of every group of pointwise operators.
struct Row {
   const float* p;
   template <class Count>
   __attribute__((always_inline)) vec at(Size i, Count count) const
   {
      return load(p + i, count);
   }
};
struct Same {
   vec v;
   explicit Same(float x) : v(splat(x)) {}
   template <class Count>
   __attribute__((always_inline)) vec at(Size, Count) const
   {
      return v;
   }
};

template <class Count>
ONNX_BRIDGE_INLINE void put(float* y, vec v, Count count)
{
   store(y, v, count);
}
template <class Count>
ONNX_BRIDGE_INLINE void put(bool* y, ivec v, Count count)
{
   store_mask(y, v, count);
}

template <class Y, class F, class... Operand>
ONNX_BRIDGE_INLINE void vector_map(Size n, Y* y, const F& f, const Operand&... operand)
{
   Size i = 0;
   for (; i + lanes <= n; i += lanes) put(y + i, f(operand.at(i, All())...), All());
   if (i < n) put(y + i, f(operand.at(i, n - i)...), n - i);
}

// compare.hxx: ONNX's comparisons, logic, bits and choice.
ONNX_BRIDGE_INLINE ivec greater(vec a, vec b) { return a > b; }

// reduce_operations.hxx: what the reductions of reduce.hxx do with an element.
/// The value below all others: -inf where there is one.
template <class T>
ONNX_BRIDGE_INLINE T lowest()
{
   if constexpr (std::is_floating_point<T>::value) return -infinity<T>();
   else return std::numeric_limits<T>::lowest();
}

/// Where +0 and -0 meet the order would show in the sign: +0 is added at the end.
struct Max {
   static constexpr bool additive = false;
   template <class T>
   static constexpr T start()
   {
      return lowest<T>();
   }
   template <class V>
   static __attribute__((always_inline)) V join(V most, V x)
   {
      return max_of(x, most);
   }
   template <class V>
   static __attribute__((always_inline)) V merge(V a, V b)
   {
      return max_of(a, b);
   }
   template <class V>
   static __attribute__((always_inline)) V finish(V most)
   {
      return most + V{};
   }
};

// reduce.hxx: reductions over the middle of [outer][n][inner] to [outer][inner].
/// The result of one row in 32 lanes, folded by halves; missing elements count as the operation's start.
template <class Operation>
ONNX_BRIDGE_INLINE float combine_in_lanes(Size n, const float* x, Operation operation)
{
   constexpr int width = 32 / lanes;
   const vec start = splat(operation.template start<float>());
   vec partial[width];
   ONNX_BRIDGE_UNROLL
   for (int j = 0; j < width; j++) partial[j] = start;
   Size i = 0;
   for (; i + 32 <= n; i += 32) {
      ONNX_BRIDGE_UNROLL
      for (int j = 0; j < width; j++) partial[j] = operation.join(partial[j], load(x + i + j * lanes));
   }
   ivec index{};
   for (int k = 0; k < lanes; k++) index[k] = k;
   ONNX_BRIDGE_UNROLL
   for (int j = 0; j < width; j++) {
      const Size rest = n - i - j * lanes;
      if (rest >= lanes)
         partial[j] = operation.join(partial[j], load(x + i + j * lanes));
      else if (rest > 0)
         partial[j] = operation.join(partial[j], index < static_cast<std::int32_t>(rest) ? load(x + i + j * lanes, rest) : start);
   }
   ONNX_BRIDGE_UNROLL
   for (int half = width / 2; half >= 1; half /= 2)
      for (int j = 0; j < half; j++) partial[j] = operation.merge(partial[j], partial[j + half]);
   vec v = partial[0];
   if constexpr (lanes >= 16) v = operation.merge(v, rotate<8>(v));
   if constexpr (lanes >= 8) v = operation.merge(v, rotate<4>(v));
   v = operation.merge(v, rotate<2>(v));
   v = operation.merge(v, rotate<1>(v));
   return v[0];
}

template <class N, class Operation>
ONNX_BRIDGE_INLINE float reduce_row(N n, const float* x, const Operation& operation)
{
   if constexpr (Operation::additive)
      return operation.finish(sum_in_lanes(n, [&](vec sum, Size i, auto count) __attribute__((always_inline)) {
         return operation.join(sum, load(x + i, count));
      }));
   else
      return operation.finish(combine_in_lanes(n, x, operation));
}

/// y[outer] from x[outer][n]. n: Const<> or Size, here and below. See the head of this file.
template <class N, class Operation>
ONNX_BRIDGE_KERNEL void reduce_last(Size outer, N n, const float* x, float* y, Operation operation)
{
   for (; outer > 0; outer--, x += n) *y++ = reduce_row(n, x, operation);
}

// ---- the network

struct Greater {
   __attribute__((always_inline)) ivec operator()(vec x0) const { return greater(x0, splat(2.0f)); }
};
struct Mul {
   __attribute__((always_inline)) vec operator()(vec x0) const { return product(x0, splat(0.5f)); }
};
struct AbsAdd {
   __attribute__((always_inline)) vec operator()(vec x0) const
   {
      const auto t0 = abs(x0);
      return add(t0, splat(1.0f));
   }
};

static bool run([[maybe_unused]] const Weights& w, char* arena, const std::size_t* at, const Dims& dims, const float* start, float* last,
      float* path) noexcept
{
   const Size N = static_cast<Size>(dims.N);
   std::int64_t* const turn = reinterpret_cast<std::int64_t*>(arena + at[7]);
   bool* const going = reinterpret_cast<bool*>(arena + at[8]);
   float* const now = reinterpret_cast<float*>(arena + at[0]);
   float* const body_ReduceMax0 = reinterpret_cast<float*>(arena + at[1]);
   bool* const body_Greater1 = reinterpret_cast<bool*>(arena + at[9]);
   float* const body_If2 = reinterpret_cast<float*>(arena + at[2]);
   float* const halved = reinterpret_cast<float*>(arena + at[3]);
   float* const grown = reinterpret_cast<float*>(arena + at[5]);
   bool* const still = reinterpret_cast<bool*>(arena + at[6]);
   float* const seen = reinterpret_cast<float*>(arena + at[4]);
   // control_flow_Loop0_0: start [N, 3] -> last [N, 3], path [5, N, 3]
   std::memcpy(now, start, static_cast<std::size_t>((12 * N)));
   bool goes_on = true;
   Size turn_2 = 0;
   for (; goes_on && turn_2 < 5; turn_2++) {
      *turn = static_cast<std::int64_t>(turn_2);
      *going = goes_on;
      // body_ReduceMax0: now [N, 3] -> body_ReduceMax0 []
      reduce_last(1, (3 * N), now, body_ReduceMax0, Max());
      // body_Greater1: body_ReduceMax0 [] -> body_Greater1 []
      vector_map(Const<1>(), body_Greater1, Greater(), Same(*(body_ReduceMax0)));
      // body_If2: body_Greater1 [] -> body_If2 [N, 3]
      if (*body_Greater1) {
         // yes_Mul0: now [N, 3] -> halved [N, 3]
         vector_map((3 * N), halved, Mul(), Row{now});
         std::memcpy(body_If2, halved, static_cast<std::size_t>((12 * N)));
      }
      else {
         // no_Abs0 + no_Add1: now [N, 3] -> grown [N, 3]
         vector_map((3 * N), grown, AbsAdd(), Row{now});
         std::memcpy(body_If2, grown, static_cast<std::size_t>((12 * N)));
      }
      // still: going [] -> still_source []
      // after: body_If2 [N, 3] -> after [N, 3]
      // seen: body_If2 [N, 3] -> seen_source [N, 3]
      // copy of still: still_source [] -> still []
      std::memcpy(still, going, static_cast<std::size_t>(1));
      // copy of seen: seen_source [N, 3] -> seen [N, 3]
      std::memcpy(seen, body_If2, static_cast<std::size_t>((12 * N)));
      std::memcpy(path + turn_2 * (3 * N), seen, static_cast<std::size_t>((12 * N)));
      std::memcpy(now, body_If2, static_cast<std::size_t>((12 * N)));
      goes_on = *still;
   }
   if (turn_2 != 5) return false;
   std::memcpy(last, now, static_cast<std::size_t>((12 * N)));
   return true;
}

#undef ONNX_BRIDGE_INLINE
#undef ONNX_BRIDGE_KERNEL
#undef ONNX_BRIDGE_UNROLL
#undef ONNX_BRIDGE_KEEP
#undef ONNX_BRIDGE_LANES
#undef ONNX_BRIDGE_REGION
#undef ONNX_BRIDGE_HAS_AVX2
#undef ONNX_BRIDGE_HAS_AVX512
}}}  // namespace onnx_bridge::control_flow::ONNX_BRIDGE_REGION
#endif
