// integers.hxx: made by onnx_bridge VERSION. Do not edit; convert the model again.
//
//   model      integers.onnx, sha256 0000000000000000..., ai.onnx 17
//   operators  2 Pointwise, 1 Gather, 1 ReduceSum, 1 Sizes, 1 Identity
//   input      ids  int64 [N, T]
//   output     total  int32 [N, 2]
//              many  bool [N, 2]
//   weights    integers.dat, 448 bytes (safetensors)
//   workspace  128 bytes where every size is 1
//   proof      none: converted without verification
//
//   onnx_bridge::integers::Model model("integers.dat");  // weights, mapped once; const, any number of threads
//   onnx_bridge::integers::Workspace ws(model, {N, T});  // one a thread
//   model.infer(ws, {N, T}, ids, total, many);  // caller's memory in and out
//
//   TMVA_SOFIE_integers::Session s("integers.dat");  // SOFIE's face on the same body
//   auto y = s.infer(N, T, ids);
//
// Contract. infer() is const and noexcept; it allocates nothing, locks nothing, calls nothing of the system and starts no
// thread. A row's bits do not depend on the other rows, on the batch, on alignment or on the thread, and are the same on
// every processor that has a fused multiply-add (x86-64 since 2013, arm64), with every compiler and flag. Only
// constructors throw: a Model's std::runtime_error, with what was wrong with the weights, a Workspace's std::length_error
// or std::bad_alloc. Model::open and Workspace::make do not, and are what there is without exceptions.
#if !defined(ONNX_BRIDGE_LANES)  // ------------------------------------------------------------ the face, read once
#ifndef ONNX_BRIDGE_MODEL_INTEGERS
#define ONNX_BRIDGE_MODEL_INTEGERS
#include <atomic>
#include <cerrno>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <initializer_list>
#include <limits>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>
#if defined(__unix__) || defined(__APPLE__)
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#endif

namespace onnx_bridge { namespace integers {

/// Sizes that the model leaves open.
struct Dims {
   std::size_t N = 1;
   std::size_t T = 1;
};

/// An input or output: its ONNX name, element type and shape; -1 stands for a size that is known at run time,
/// and for the rank of an output that has one or another: `shape` is the number of its elements then.
struct Argument {
   const char* name;
   const char* type;
   int rank;
   std::ptrdiff_t shape[8];
};
inline constexpr Argument inputs[] = {
   {"ids", "int64", 2, {-1, -1}},
};
inline constexpr Argument outputs[] = {
   {"total", "int32", 2, {-1, 2}},
   {"many", "bool", 2, {-1, 2}},
};

/// Which instruction set's body runs: the widest that the processor has, unless one is asked for. All that have a fused
/// multiply-add (each but baseline, and that on arm64) give the same bits.
enum class Body { best = 0, baseline = 4, avx2 = 8, avx512 = 16 };

/// Where each weight lies in memory, packed for the kernels, the same on every processor.
struct Weights {
   const std::int32_t* integers_c3;  // [11, 2]
};

// weights_file.hxx: the file of weights in memory, and the proof that it is the right one.
//
// Not a kernel: stands once in the model's own namespace, outside the regions. Nothing here throws but for want of memory: what is wrong
// is returned as text, and nothing wrong as an empty one.
// includes: <atomic> <cerrno> <cstddef> <cstdint> <cstdio> <cstring> <ctime> <limits> <memory> <new> <string> <system_error>
// includes if defined(__unix__) || defined(__APPLE__): <fcntl.h> <sys/mman.h> <sys/stat.h> <unistd.h>

/// The sum, modulo 2^64, of mix(word i ^ (i + 1) * step) over 64-bit little-endian words. A change within one word always
/// shows; swapped words or a range of zeros escape one time in 2^64. `bytes` is a multiple of 8. numpy's twin: emit/checksum.py.
inline std::uint64_t checksum(const char* data, std::size_t bytes)
{
   std::uint64_t sum = 0, key = 0;
   for (std::size_t i = 0; i < bytes; i += 8) {
      std::uint64_t word;
      std::memcpy(&word, data + i, 8);
      key += 0x9e3779b97f4a7c15u;
      word ^= key;
      word = (word ^ word >> 32) * 0xbf58476d1ce4e5b9u;
      word = (word ^ word >> 29) * 0x94d049bb133111ebu;
      sum += word ^ word >> 32;
   }
   return sum;
}

/// A file's bytes, read-only and aligned to 64: mapped where the system can, else read. Whoever holds the pointer keeps them alive.
/// A mapped file must not be cut short while it is in use.
struct WeightsFile {
   std::shared_ptr<const char> data{};
   std::size_t bytes = 0;
   std::uint64_t identity = 0;  ///< the same file with the same content has the same number; 0: not known

   /// Opens a regular file; never waits for a pipe or a device.
   std::string open(const std::string& path)
   {
#if defined(__unix__) || defined(__APPLE__)
      const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
      if (file < 0) return failure(path, errno);
      struct stat status;
      const int code = ::fstat(file, &status) != 0 ? errno : 0;
      const bool regular = code == 0 && S_ISREG(status.st_mode);
      bytes = regular && status.st_size > 0 ? static_cast<std::size_t>(status.st_size) : 0;
      const bool whole = regular && static_cast<std::uintmax_t>(status.st_size) == bytes;
      void* const begin = bytes > 0 && whole ? ::mmap(nullptr, bytes, PROT_READ, MAP_PRIVATE, file, 0) : nullptr;
      const int mapping = begin == MAP_FAILED ? errno : 0;
      ::close(file);
      if (code != 0 || mapping != 0) return failure(path, code + mapping);
      if (!regular) return "cannot open weights file " + path + ": not a regular file";
      if (!whole) return failure(path, EFBIG);
      if (bytes == 0) return {};
      const std::size_t size = bytes;
      data.reset(static_cast<const char*>(begin), [size](const char* p) { ::munmap(const_cast<char*>(p), size); });
      identity = identity_of(status);
#else
      errno = 0;
      const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"), std::fclose);
      if (!file || std::fseek(file.get(), 0, SEEK_END) != 0) return failure(path, errno);
      const long size = std::ftell(file.get());
      const bool known = size >= 0 && size < (std::numeric_limits<long>::max)();  // of a folder it may be the largest number
      if (!known || std::fseek(file.get(), 0, SEEK_SET) != 0) return failure(path, errno);
      const std::size_t wanted = static_cast<std::size_t>(size);
      char* const begin = static_cast<char*>(::operator new(wanted, std::align_val_t(64), std::nothrow));
      if (!begin) return failure(path, ENOMEM);
      data.reset(begin, [](const char* p) { ::operator delete(const_cast<char*>(p), std::align_val_t(64)); });
      if (std::fread(begin, 1, wanted, file.get()) != wanted) return failure(path, errno);
      bytes = wanted;
#endif
      return {};
   }

   /// The name of the weights where none is given: in the working directory if it is there, else beside the program, else beside `header`.
   static std::string find(const std::string& name, const std::string& header)
   {
      std::string program;
#if defined(__linux__)
      char path[4096];
      const auto length = ::readlink("/proc/self/exe", path, sizeof(path));
      if (length > 0) program.assign(path, static_cast<std::size_t>(length));
#endif
      for (const std::string& place : {std::string(), folder(program), folder(header)})
         if (WeightsFile().open(place + name).empty()) return place + name;
      return name;
   }

private:
   static std::string failure(const std::string& path, int code)
   {
      return "cannot open weights file " + path + (code != 0 ? ": " + std::generic_category().message(code) : std::string());
   }
   /// With the separator at its end.
   static std::string folder(const std::string& path) { return path.substr(0, path.find_last_of("/\\") + 1); }
#if defined(__unix__) || defined(__APPLE__)
   /// 0 where the file was changed within the last two seconds: it might be changed again in what a file system takes for the same moment.
   static std::uint64_t identity_of(const struct stat& status)
   {
#if defined(__APPLE__)
      const auto modified = status.st_mtimespec, changed = status.st_ctimespec;
#else
      const auto modified = status.st_mtim, changed = status.st_ctim;
#endif
      if (std::time(nullptr) - changed.tv_sec < 3 || std::time(nullptr) - modified.tv_sec < 3) return 0;
      const std::uint64_t parts[] = {
         static_cast<std::uint64_t>(status.st_dev),      static_cast<std::uint64_t>(status.st_ino),
         static_cast<std::uint64_t>(status.st_size),     static_cast<std::uint64_t>(modified.tv_sec),
         static_cast<std::uint64_t>(modified.tv_nsec),   static_cast<std::uint64_t>(changed.tv_sec),
         static_cast<std::uint64_t>(changed.tv_nsec)};
      char raw[sizeof(parts)];
      std::memcpy(raw, parts, sizeof(parts));
      return checksum(raw, sizeof(raw));
   }
#endif
};

/// What is checked of the weights when a Model is made. all: every byte, by a sum, once for each file that stays as it is while the process
/// lives. layout: the size and the file's header, by which another model's weights are found; a damaged number is then a wrong result.
enum class Check { all, layout };

/// The weights that a model was made with: `header_bytes` of header, then `payload_bytes` of payload, both multiples of 64.
struct ExpectedWeights {
   std::size_t header_bytes, payload_bytes;
   std::uint64_t header_hash, payload_hash;

   /// What is wrong with some memory; nothing, if it holds exactly these weights. `where` names the memory: a file's path.
   std::string problem(const char* data, std::size_t bytes, const std::string& where, Check check, std::uint64_t identity) const
   {
      const std::uint16_t one = 1;
      unsigned char first_byte;
      std::memcpy(&first_byte, &one, 1);
      if (first_byte != 1) return where + " holds little-endian numbers, and this machine is big-endian";
      if (bytes >= header_bytes && checksum(data, header_bytes) != header_hash) return where + " holds the weights of another model";
      if (bytes != header_bytes + payload_bytes)
         return where + " has " + std::to_string(bytes) + " bytes, expected " + std::to_string(header_bytes + payload_bytes);
      if (reinterpret_cast<std::uintptr_t>(data) % 64 != 0) return where + " is not aligned to 64 bytes";
      static std::atomic<std::uint64_t> summed{0};  // the last file that was found right, with what it was compared with
      const std::uint64_t known = identity == 0 ? 0 : (identity ^ payload_hash) | 1;
      if (check == Check::layout || (known != 0 && summed.load(std::memory_order_relaxed) == known)) return {};
      const std::uint64_t found = checksum(data + header_bytes, payload_bytes);
      if (found == payload_hash) {
         if (known != 0) summed.store(known, std::memory_order_relaxed);
         return {};
      }
      char message[80];
      std::snprintf(message, sizeof(message), " is damaged: checksum %016llx, expected %016llx", static_cast<unsigned long long>(found),
                    static_cast<unsigned long long>(payload_hash));
      return where + message;
   }
};
// checked_size.hxx: run-time sizes that cannot overflow unseen, and the plan of a Workspace made of them.
//
// Not a kernel: stands once in the model's own namespace, outside the regions.
// includes: <cstddef> <cstdint> <initializer_list>

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
   bool negative() const { return overflows() || value < 0; }
   /// The number of bytes or elements: too_many where it overflows, 0 where it is negative.
   std::size_t count() const { return overflows() ? too_many : value > 0 ? static_cast<std::size_t>(value) : 0; }
};
inline std::int64_t wrapped(std::uint64_t x) { return static_cast<std::int64_t>(x); }
inline std::uint64_t bits(Checked x) { return static_cast<std::uint64_t>(x.value); }
inline Checked operator+(Checked a, Checked b) { return {wrapped(bits(a) + bits(b)), a.bound + b.bound}; }
inline Checked operator-(Checked a, Checked b) { return {wrapped(bits(a) - bits(b)), a.bound + b.bound}; }
inline Checked operator-(Checked a) { return {wrapped(0 - bits(a)), a.bound}; }
inline Checked operator*(Checked a, Checked b) { return {wrapped(bits(a) * bits(b)), a.bound * b.bound}; }
inline Checked minimum(Checked a, Checked b)
{
   const Checked low = a.value < b.value ? a : b;
   if (low.value < 0 || a.overflows() || b.overflows()) return {low.value, a.bound > b.bound ? a.bound : b.bound};
   return {low.value, a.bound < b.bound ? a.bound : b.bound};
}
inline Checked maximum(Checked a, Checked b) { return {a.value > b.value ? a.value : b.value, a.bound > b.bound ? a.bound : b.bound}; }
inline bool differ(Checked a, Checked b) { return a.overflows() || b.overflows() || a.value != b.value; }
template <class... Rest>
Checked minimum(Checked a, Checked b, Rest... rest) { return minimum(minimum(a, b), rest...); }
template <class... Rest>
Checked maximum(Checked a, Checked b, Rest... rest) { return maximum(maximum(a, b), rest...); }
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
inline std::ptrdiff_t floor_div(std::ptrdiff_t a, std::ptrdiff_t b) { return a / b - (a % b != 0 && (a % b < 0) != (b < 0)); }
inline std::ptrdiff_t minimum(std::ptrdiff_t a, std::ptrdiff_t b) { return a < b ? a : b; }
inline std::ptrdiff_t maximum(std::ptrdiff_t a, std::ptrdiff_t b) { return a > b ? a : b; }
template <class... Rest>
std::ptrdiff_t minimum(std::ptrdiff_t a, std::ptrdiff_t b, Rest... rest) { return minimum(minimum(a, b), rest...); }
template <class... Rest>
std::ptrdiff_t maximum(std::ptrdiff_t a, std::ptrdiff_t b, Rest... rest) { return maximum(maximum(a, b), rest...); }

class Workspace;

/// The network with its weights. Immutable: share one between all threads. The constructors are there where exceptions are, and throw
/// std::runtime_error with what is wrong; open() says it in `error` instead, and returns nothing.
class Model {
public:
#if defined(__cpp_exceptions)
   /// Maps the weights file. Where none is named, it is "integers.dat" in the working directory, else beside the
   /// program (Linux), else beside this header.
   explicit Model(const std::string& file = "", Body body = Body::best, Check check = Check::all)
   {
      raise(load(file, body, check));
   }
   /// Weights in the caller's memory (64-byte aligned), which must outlive the Model.
   Model(const void* data, std::size_t bytes, Body body = Body::best, Check check = Check::all)
   {
      raise(bind(static_cast<const char*>(data), bytes, "memory", 0, body, check));
   }
#endif
   static std::optional<Model> open(const std::string& file, std::string& error,
      Body body = Body::best, Check check = Check::all) noexcept
   {
      Model model{Closed()};
      const std::string problem = model.load(file, body, check);
      return opened(std::move(model), problem, error);
   }
   static std::optional<Model> open(const void* data, std::size_t bytes, std::string& error,
      Body body = Body::best, Check check = Check::all) noexcept
   {
      Model model{Closed()};
      const std::string problem = model.bind(static_cast<const char*>(data), bytes, "memory", 0, body, check);
      return opened(std::move(model), problem, error);
   }

   /// Writes the outputs. False where the dims are larger than sizes can be, or need more than the Workspace has: then
   /// nothing is written. Outputs overlap neither inputs nor one another nor the Workspace; inputs may overlap.
   bool infer(Workspace& ws, [[maybe_unused]] Dims dims, const std::int64_t* ids, std::int32_t* total, bool* many) const noexcept;

   /// Bytes of scratch memory that one call needs; the largest std::size_t where no memory is that large.
   static std::size_t workspace_bytes(Dims dims = {}) noexcept
   {
      std::size_t at[3];
      return plan(dims, at);
   }

   /// Elements of output `index`; 0 where infer refuses the dims whatever the Workspace has.
   static std::size_t output_size(int index, Dims dims = {}) noexcept;

private:
   friend class Workspace;
   using Run = bool (*)(const Weights&, char*, const std::size_t*, const Dims&, const std::int64_t*, std::int32_t*, bool*) noexcept;
   struct Closed {};
   explicit Model(Closed) {}
   static bool takes(const Dims& dims) noexcept;
   static std::size_t plan(const Dims& dims, std::size_t* at) noexcept;
   std::string load(const std::string& file, Body body, Check check);
   std::string bind(const char* data, std::size_t bytes, const std::string& where,
      std::uint64_t identity, Body body, Check check);
   std::string choose(Body body);
   static std::optional<Model> opened(Model&& model, const std::string& problem, std::string& error)
   {
      error = problem.empty() ? problem : "integers: " + problem;
      return problem.empty() ? std::optional<Model>(std::move(model)) : std::nullopt;
   }
#if defined(__cpp_exceptions)
   static void raise(const std::string& problem)
   {
      if (!problem.empty()) throw std::runtime_error("integers: " + problem);
   }
#endif

   std::shared_ptr<const char> file_{};  // keeps the weights alive; null where they are the caller's
   Weights w_{};
   Run run_ = nullptr;
};

/// Scratch memory of one thread, for all calls whose dims need no more than `dims`.
class Workspace {
public:
#if defined(__cpp_exceptions)
   /// Throws std::length_error where the dims need more than any memory has, std::bad_alloc where there is no such memory now.
   explicit Workspace(const Model&, Dims dims = {}) : Workspace(dims)
   {
      check();
      own(new char[bytes_ + 63]);
   }
   /// Scratch in the caller's memory: Model::workspace_bytes(dims) bytes, 64-byte aligned. Throws std::length_error as above.
   Workspace(const Model&, Dims dims, void* memory) : Workspace(dims)
   {
      check();
      memory_ = static_cast<char*>(memory);
   }
#endif
   /// The same without exceptions: nothing, where there is no such memory. In `memory` if it is given.
   static std::optional<Workspace> make(const Model&, Dims dims = {}, void* memory = nullptr) noexcept
   {
      Workspace made(dims);
      if (made.bytes_ == static_cast<std::size_t>(-1)) return std::nullopt;
      made.memory_ = static_cast<char*>(memory);
      if (!memory) made.own(new (std::nothrow) char[made.bytes_ + 63]);
      return made.memory_ ? std::optional<Workspace>(std::move(made)) : std::nullopt;
   }
   Workspace(Workspace&&) = default;
   Workspace& operator=(Workspace&&) = default;
   Workspace(const Workspace&) = delete;
   Workspace& operator=(const Workspace&) = delete;

private:
   friend class Model;
   explicit Workspace(const Dims& dims) : dims_(dims), bytes_(Model::plan(dims, at_)), takes_(Model::takes(dims)) {}
   void own(char* memory)
   {
      own_.reset(memory);
      memory_ = memory ? memory + (64 - reinterpret_cast<std::uintptr_t>(memory) % 64) % 64 : nullptr;
   }
#if defined(__cpp_exceptions)
   void check() const
   {
      if (bytes_ == static_cast<std::size_t>(-1)) throw std::length_error("integers: a workspace for these dims is larger than any memory");
   }
#endif
   bool fit(const Dims& dims) noexcept
   {
      if (dims.N == dims_.N && dims.T == dims_.T) return takes_;
      if (!Model::takes(dims)) return false;
      const bool fits = Model::plan(dims, at_) <= bytes_;
      if (fits) {
         dims_ = dims;
         takes_ = true;
      } else {
         Model::plan(dims_, at_);
      }
      return fits;
   }

   Dims dims_;
   std::size_t at_[3];  // the plan for dims_
   std::size_t bytes_;
   bool takes_;
   std::unique_ptr<char[]> own_{};
   char* memory_ = nullptr;
};

}}  // namespace onnx_bridge::integers

// The kernels and the network, once for each instruction set: this file includes itself below.
#if defined(__FILE_NAME__)
#define ONNX_BRIDGE_SELF __FILE_NAME__
#elif __has_include(__FILE__)
#define ONNX_BRIDGE_SELF __FILE__
#else
#define ONNX_BRIDGE_SELF "integers.hxx"
#endif
#if !__has_include(ONNX_BRIDGE_SELF)
#error "This header includes itself and is not found: convert with self_include=False for text that is renamed, pasted or piped"
#endif
// regions.hxx: opens and closes the part of a header that is compiled for one instruction set.
//
// ONNX_BRIDGE_BEGIN(isa) switches the target on and every freedom of the user's flags with floating point off; inside a region
// only fma() fuses a product with a sum. ONNX_BRIDGE_END restores both.
#define ONNX_BRIDGE_PRAGMA(...) _Pragma(#__VA_ARGS__)
#if defined(__clang__)
#define ONNX_BRIDGE_STRICT _Pragma("float_control(precise, on, push)") _Pragma("clang fp contract(off)")
#define ONNX_BRIDGE_BEGIN(isa) \
   ONNX_BRIDGE_PRAGMA(clang attribute push(__attribute__((target(isa))), apply_to = function)) ONNX_BRIDGE_STRICT
#define ONNX_BRIDGE_END _Pragma("float_control(pop)") _Pragma("clang attribute pop")
#define ONNX_BRIDGE_BEGIN_BASELINE ONNX_BRIDGE_STRICT
#define ONNX_BRIDGE_END_BASELINE _Pragma("float_control(pop)")
#else
#define ONNX_BRIDGE_STRICT _Pragma("GCC push_options") _Pragma("GCC optimize(\"fp-contract=off\", \"no-fast-math\")")
#define ONNX_BRIDGE_BEGIN(isa) ONNX_BRIDGE_STRICT ONNX_BRIDGE_PRAGMA(GCC target(isa))
#define ONNX_BRIDGE_END _Pragma("GCC pop_options")
#define ONNX_BRIDGE_BEGIN_BASELINE ONNX_BRIDGE_STRICT
#define ONNX_BRIDGE_END_BASELINE ONNX_BRIDGE_END
#endif
// Floats are compared for equality where ONNX asks for it; constants stand together of which not all are used; and GCC, but not clang, takes
// an int that is an array's bound for a conversion.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wfloat-equal"
#pragma GCC diagnostic ignored "-Wunused-const-variable"
#if !defined(__clang__)
#pragma GCC diagnostic ignored "-Wsign-conversion"
#endif
//
// ONNX_BRIDGE_ONLY, which whoever compiles may define as 16, 8 or 4, leaves the other bodies out.
#if defined(__x86_64__) && (!defined(ONNX_BRIDGE_ONLY) || ONNX_BRIDGE_ONLY == 16)
ONNX_BRIDGE_BEGIN("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")
#define ONNX_BRIDGE_LANES 16
#define ONNX_BRIDGE_REGION avx512
#include ONNX_BRIDGE_SELF
#undef ONNX_BRIDGE_LANES
#undef ONNX_BRIDGE_REGION
ONNX_BRIDGE_END
#endif
#if defined(__x86_64__) && (!defined(ONNX_BRIDGE_ONLY) || ONNX_BRIDGE_ONLY == 8)
ONNX_BRIDGE_BEGIN("avx2,fma")
#define ONNX_BRIDGE_LANES 8
#define ONNX_BRIDGE_REGION avx2
#include ONNX_BRIDGE_SELF
#undef ONNX_BRIDGE_LANES
#undef ONNX_BRIDGE_REGION
ONNX_BRIDGE_END
#endif
#if !defined(ONNX_BRIDGE_ONLY) || ONNX_BRIDGE_ONLY == 4
ONNX_BRIDGE_BEGIN_BASELINE
#define ONNX_BRIDGE_LANES 4
#define ONNX_BRIDGE_REGION baseline
#include ONNX_BRIDGE_SELF
#undef ONNX_BRIDGE_LANES
#undef ONNX_BRIDGE_REGION
ONNX_BRIDGE_END_BASELINE
#endif
#pragma GCC diagnostic pop
#undef ONNX_BRIDGE_PRAGMA
#undef ONNX_BRIDGE_STRICT
#undef ONNX_BRIDGE_BEGIN
#undef ONNX_BRIDGE_END
#undef ONNX_BRIDGE_BEGIN_BASELINE
#undef ONNX_BRIDGE_END_BASELINE
#undef ONNX_BRIDGE_SELF

namespace onnx_bridge { namespace integers {

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
inline std::string Model::bind(const char* data, std::size_t bytes, const std::string& where,
      std::uint64_t identity, Body body, Check check)
{
   constexpr ExpectedWeights expected = {320, 128, 0xabd675200277af9fu, 0x061765513e5944a0u};
   const std::string problem = expected.problem(data, bytes, where, check, identity);
   if (!problem.empty()) return problem;
   data += 320;
   w_.integers_c3 = reinterpret_cast<const std::int32_t*>(data + 0);
   return choose(body);
}

inline std::string Model::load(const std::string& file, Body body, Check check)
{
   WeightsFile found;
   const std::string path = file.empty() ? WeightsFile::find("integers.dat", __FILE__) : file;
   const std::string problem = found.open(path);
   if (!problem.empty()) return problem;
   file_ = found.data;
   return bind(found.data.get(), found.bytes, path, found.identity, body, check);
}

inline std::string Model::choose(Body body)
{
   if (body != Body::best && !can_run(static_cast<int>(body))) return "this processor cannot run the body that was asked for";
   struct Choice {
      Body body;
      Run run;
   };
   constexpr Choice choices[] = {  // the best first
#if defined(__x86_64__) && (!defined(ONNX_BRIDGE_ONLY) || ONNX_BRIDGE_ONLY == 16)
      {Body::avx512, avx512::run},
#endif
#if defined(__x86_64__) && (!defined(ONNX_BRIDGE_ONLY) || ONNX_BRIDGE_ONLY == 8)
      {Body::avx2, avx2::run},
#endif
#if !defined(ONNX_BRIDGE_ONLY) || ONNX_BRIDGE_ONLY == 4
      {Body::baseline, baseline::run},
#endif
   };
   for (const Choice& choice : choices) {
      if (body != Body::best && body != choice.body) continue;
      if (!can_run(static_cast<int>(choice.body))) continue;
      run_ = choice.run;
      return {};
   }
   return body == Body::best ? "this processor cannot run the body that was compiled" : "compiled for another body than was asked for";
}

inline bool Model::takes([[maybe_unused]] const Dims& dims) noexcept
{
   const Checked N = Checked::dim(dims.N), T = Checked::dim(dims.T);
   for (const Checked& size : {Checked(8 * N * T)})
      if (size.overflows()) return false;  // it would in the network, too
   return true;
}

inline std::size_t Model::plan([[maybe_unused]] const Dims& dims, [[maybe_unused]] std::size_t* at) noexcept
{
   const Checked N = Checked::dim(dims.N), T = Checked::dim(dims.T);
   Layout<3> layout(at);
   layout.add(64 * floor_div(8 * N * T + 63, 64));
   layout.add(64);
   layout.add(64 * floor_div(8 * N * T + 63, 64), {0});
   return layout.end;
}

inline std::size_t Model::output_size(int index, [[maybe_unused]] Dims dims) noexcept
{
   const Checked N = Checked::dim(dims.N);
   if (!takes(dims)) return 0;
   switch (index) {
   case 0: return (2 * N).count();
   case 1: return (2 * N).count();
   default: return 0;
   }
}

inline bool Model::infer(Workspace& ws, [[maybe_unused]] Dims dims, const std::int64_t* ids, std::int32_t* total, bool* many) const noexcept
{
   if (!ws.fit(dims)) return false;
   return run_(w_, ws.memory_, ws.at_, dims, ids, total, many);
}

}}  // namespace onnx_bridge::integers

#if defined(__cpp_exceptions)
namespace TMVA_SOFIE_integers {

/// SOFIE's face. Movable and copyable; copies share the weights. One a thread.
struct Session {
   explicit Session(std::string filename = "", std::size_t N = 1, std::size_t T = 1)
      : model(filename), dims{N, T}, workspace(new onnx_bridge::integers::Workspace(model, dims)) {}
   Session(const Session& other) : model(other.model), dims(other.dims), workspace(new onnx_bridge::integers::Workspace(model, dims)) {}
   Session(Session&&) = default;
   Session& operator=(Session other)
   {
      model = other.model;
      dims = other.dims;
      workspace = std::move(other.workspace);
      return *this;
   }

   void doInfer(std::size_t N, std::size_t T, const std::int64_t* ids, std::vector<std::int32_t>& total, std::vector<std::uint8_t>& many)
   {
      const onnx_bridge::integers::Dims sizes{N, T};
      total.resize(onnx_bridge::integers::Model::output_size(0, sizes));
      many.resize(onnx_bridge::integers::Model::output_size(1, sizes));
      if (!model.infer(*workspace, sizes, ids, total.data(), reinterpret_cast<bool*>(many.data()))) {
         workspace.reset(new onnx_bridge::integers::Workspace(model, sizes));  // sizes that are larger than any before
         if (!model.infer(*workspace, sizes, ids, total.data(), reinterpret_cast<bool*>(many.data())))
            throw std::runtime_error("integers: sizes do not agree with the inputs");
      }
   }
   std::tuple<std::vector<std::int32_t>, std::vector<std::uint8_t>> infer(std::size_t N, std::size_t T, const std::int64_t* ids)
   {
      std::vector<std::int32_t> total;
      std::vector<std::uint8_t> many;
      doInfer(N, T, ids, total, many);
      return {std::move(total), std::move(many)};
   }
   std::tuple<std::vector<std::int32_t>, std::vector<std::uint8_t>> infer(const std::int64_t* ids) { return infer(dims.N, dims.T, ids); }

   onnx_bridge::integers::Model model;
   onnx_bridge::integers::Dims dims;  // those that the Session was made for
   std::unique_ptr<onnx_bridge::integers::Workspace> workspace;
};

/// Raw pointers in and out; the Session's own sizes bound the call's.
inline void doInfer(const Session& session, std::size_t N, std::size_t T, const std::int64_t* ids, std::int32_t* total, bool* many)
{
   if (!session.model.infer(*session.workspace, {N, T}, ids, total, many))
      throw std::runtime_error("integers: sizes beyond those that the Session was made for");
}

}  // namespace TMVA_SOFIE_integers
#endif
#endif  // ONNX_BRIDGE_MODEL_INTEGERS
#else  // --------------------------------------------------------------- read once for each instruction set
namespace onnx_bridge { namespace integers { namespace ONNX_BRIDGE_REGION {

// vector.hxx: as many floats as a register holds, by the compiler's vector extensions.
//
// Contract of everything built on this file: the bits of a result depend on the operands alone, never on the number of lanes,
// the tail, the alignment, the compiler or its flags. Only fma() fuses a product with a sum; a product that meets a sum and
// must be rounded on its own is written mul(). Partial loads fill the missing lanes with +0.

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
template <class T>
struct is_const : std::false_type {};
template <Size Value>
struct is_const<Const<Value>> : std::true_type {};

/// All lanes of a vector: the usual count of load and store.
using All = Const<lanes>;

ONNX_BRIDGE_INLINE vec load(const float* p) { return *reinterpret_cast<const unaligned_vec*>(p); }
ONNX_BRIDGE_INLINE ivec load(const std::int32_t* p) { return *reinterpret_cast<const unaligned_ivec*>(p); }
ONNX_BRIDGE_INLINE void store(float* p, vec v) { *reinterpret_cast<unaligned_vec*>(p) = v; }
ONNX_BRIDGE_INLINE void store(std::int32_t* p, ivec v) { *reinterpret_cast<unaligned_ivec*>(p) = v; }
ONNX_BRIDGE_INLINE vec splat(float x) { return x - vec{}; }  // folds to a broadcast; 0 + x would not (-0.0)
ONNX_BRIDGE_INLINE ivec splat(std::int32_t x) { return x - ivec{}; }
ONNX_BRIDGE_INLINE ivec as_int(vec x) { return reinterpret_cast<ivec>(x); }
ONNX_BRIDGE_INLINE vec as_float(ivec x) { return reinterpret_cast<vec>(x); }
ONNX_BRIDGE_INLINE vec to_float(ivec x) { return __builtin_convertvector(x, vec); }
ONNX_BRIDGE_INLINE ivec to_int(vec x) { return __builtin_convertvector(x, ivec); }

#if ONNX_BRIDGE_LANES == 8
ONNX_BRIDGE_INLINE ivec first_lanes(Size n)
{
   static const std::int32_t mask[16] = {-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0};
   return load(mask + 8 - n);
}
#elif ONNX_BRIDGE_LANES == 16
ONNX_BRIDGE_INLINE unsigned short first_lanes(Size n) { return static_cast<unsigned short>((1u << n) - 1u); }
#endif

/// The first n of a vector's lanes from memory, 0 <= n <= lanes; nothing beyond them is read. The others are +0.
ONNX_BRIDGE_INLINE vec load(const float* p, All) { return load(p); }
ONNX_BRIDGE_INLINE vec load(const float* p, Size n)
{
#if ONNX_BRIDGE_LANES == 16
   return __builtin_ia32_loadups512_mask(p, vec{}, first_lanes(n));
#elif ONNX_BRIDGE_LANES == 8
   return __builtin_ia32_maskloadps256(reinterpret_cast<const vec*>(p), first_lanes(n));
#else
   vec v{};
   for (Size i = 0; i < n; i++) v[i] = p[i];
   return v;
#endif
}

/// The first n lanes to memory; nothing beyond them is written.
ONNX_BRIDGE_INLINE void store(float* p, vec v, All) { store(p, v); }
ONNX_BRIDGE_INLINE void store(float* p, vec v, Size n)
{
#if ONNX_BRIDGE_LANES == 16
   __builtin_ia32_storeups512_mask(p, v, first_lanes(n));
#elif ONNX_BRIDGE_LANES == 8
   __builtin_ia32_maskstoreps256(reinterpret_cast<vec*>(p), first_lanes(n), v);
#else
   for (Size i = 0; i < n; i++) p[i] = v[i];
#endif
}

/// Lanes at and beyond n set to +0.
ONNX_BRIDGE_INLINE vec keep_first(vec v, All) { return v; }
ONNX_BRIDGE_INLINE vec keep_first(vec v, Size n)
{
   ivec index{};
   for (int i = 0; i < lanes; i++) index[i] = i;
   return as_float(as_int(v) & (index < static_cast<std::int32_t>(n)));
}

ONNX_BRIDGE_INLINE vec mul(vec a, vec b)
{
   vec t = a * b;
   ONNX_BRIDGE_KEEP(t);
   return t;
}
ONNX_BRIDGE_INLINE float mul(float a, float b)
{
   float t = a * b;
   ONNX_BRIDGE_KEEP(t);
   return t;
}
ONNX_BRIDGE_INLINE double mul(double a, double b)
{
   double t = a * b;
   ONNX_BRIDGE_KEEP(t);
   return t;
}

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

/// a * b + c, rounded once. The baseline of x86 has no such instruction and rounds twice.
#if defined(__x86_64__) && ONNX_BRIDGE_LANES == 4
ONNX_BRIDGE_INLINE vec fma(vec a, vec b, vec c) { return mul(a, b) + c; }
ONNX_BRIDGE_INLINE float fma(float a, float b, float c) { return mul(a, b) + c; }
ONNX_BRIDGE_INLINE double fma(double a, double b, double c) { return mul(a, b) + c; }
#else
#if ONNX_BRIDGE_LANES == 16
ONNX_BRIDGE_INLINE vec fma(vec a, vec b, vec c) { return __builtin_ia32_vfmaddps512_mask(a, b, c, static_cast<unsigned short>(-1), 4); }
#elif ONNX_BRIDGE_LANES == 8
ONNX_BRIDGE_INLINE vec fma(vec a, vec b, vec c) { return __builtin_ia32_vfmaddps256(a, b, c); }
#elif defined(__aarch64__) && !defined(__clang__)
ONNX_BRIDGE_INLINE vec fma(vec a, vec b, vec c) { return __builtin_aarch64_fmav4sf(a, b, c); }
#else
ONNX_BRIDGE_INLINE vec fma(vec a, vec b, vec c)
{
   vec r;
   for (int i = 0; i < lanes; i++) r[i] = __builtin_fmaf(a[i], b[i], c[i]);
   return r;
}
#endif
ONNX_BRIDGE_INLINE float fma(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
ONNX_BRIDGE_INLINE double fma(double a, double b, double c) { return __builtin_fma(a, b, c); }
#endif

/// The larger and the smaller; where either is NaN, b. For sums of maxima, not for ONNX's Max: see pointwise.hxx.
/// By the processor's own instruction: clang's -ffast-math lets a choice between vectors lose NaN and the sign of zero.
#if defined(__clang__) && defined(__x86_64__) && ONNX_BRIDGE_LANES == 16
ONNX_BRIDGE_INLINE vec larger(vec a, vec b) { return __builtin_ia32_maxps512(a, b, 4); }
ONNX_BRIDGE_INLINE vec smaller(vec a, vec b) { return __builtin_ia32_minps512(a, b, 4); }
#elif defined(__clang__) && defined(__x86_64__) && ONNX_BRIDGE_LANES == 8
ONNX_BRIDGE_INLINE vec larger(vec a, vec b) { return __builtin_ia32_maxps256(a, b); }
ONNX_BRIDGE_INLINE vec smaller(vec a, vec b) { return __builtin_ia32_minps256(a, b); }
#elif defined(__clang__) && defined(__x86_64__) && ONNX_BRIDGE_LANES == 4
ONNX_BRIDGE_INLINE vec larger(vec a, vec b) { return __builtin_ia32_maxps(a, b); }
ONNX_BRIDGE_INLINE vec smaller(vec a, vec b) { return __builtin_ia32_minps(a, b); }
#else
ONNX_BRIDGE_INLINE vec larger(vec a, vec b) { return a > b ? a : b; }
ONNX_BRIDGE_INLINE vec smaller(vec a, vec b) { return a < b ? a : b; }
#endif
#if defined(__clang__) && defined(__x86_64__)
ONNX_BRIDGE_INLINE float larger(float a, float b) { return larger(splat(a), splat(b))[0]; }
ONNX_BRIDGE_INLINE float smaller(float a, float b) { return smaller(splat(a), splat(b))[0]; }
#else
ONNX_BRIDGE_INLINE float larger(float a, float b) { return a > b ? a : b; }
ONNX_BRIDGE_INLINE float smaller(float a, float b) { return a < b ? a : b; }
#endif

/// -1 in the lanes that hold a NaN; by integers, so that -ffinite-math-only changes nothing.
ONNX_BRIDGE_INLINE ivec is_nan(vec x) { return (as_int(x) & 0x7fffffff) > 0x7f800000; }

// The lanes moved down by `by`, a literal. GCC learnt Clang's spelling only in version 12.
#if defined(__clang__)
#define ONNX_BRIDGE_SHUFFLE(v, ...) __builtin_shufflevector(v, v, __VA_ARGS__)
#else
#define ONNX_BRIDGE_SHUFFLE(v, ...) __builtin_shuffle(v, ivec{__VA_ARGS__})
#endif
#if ONNX_BRIDGE_LANES == 16
#define ONNX_BRIDGE_ROTATE(v, by) \
   ONNX_BRIDGE_SHUFFLE(v, (0 + by) % 16, (1 + by) % 16, (2 + by) % 16, (3 + by) % 16, (4 + by) % 16, (5 + by) % 16, (6 + by) % 16, \
                       (7 + by) % 16, (8 + by) % 16, (9 + by) % 16, (10 + by) % 16, (11 + by) % 16, (12 + by) % 16, (13 + by) % 16, \
                       (14 + by) % 16, (15 + by) % 16)
#elif ONNX_BRIDGE_LANES == 8
#define ONNX_BRIDGE_ROTATE(v, by) \
   ONNX_BRIDGE_SHUFFLE(v, (0 + by) % 8, (1 + by) % 8, (2 + by) % 8, (3 + by) % 8, (4 + by) % 8, (5 + by) % 8, (6 + by) % 8, (7 + by) % 8)
#else
#define ONNX_BRIDGE_ROTATE(v, by) ONNX_BRIDGE_SHUFFLE(v, (0 + by) % 4, (1 + by) % 4, (2 + by) % 4, (3 + by) % 4)
#endif

/// The sum of 32 lanes held in 32 / lanes vectors: halves added, 16, 8, 4, 2, 1, on every processor.
ONNX_BRIDGE_INLINE float fold(vec (&s)[32 / lanes])
{
   ONNX_BRIDGE_UNROLL
   for (int half = 16 / lanes; half >= 1; half /= 2)
      for (int i = 0; i < half; i++) s[i] += s[i + half];
   vec v = s[0];
#if ONNX_BRIDGE_LANES >= 16
   v += ONNX_BRIDGE_ROTATE(v, 8);
#endif
#if ONNX_BRIDGE_LANES >= 8
   v += ONNX_BRIDGE_ROTATE(v, 4);
#endif
   v += ONNX_BRIDGE_ROTATE(v, 2);
   v += ONNX_BRIDGE_ROTATE(v, 1);
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

// bytes.hxx: short runs of memory, copied or filled without a call.
//
// Contract: destination and source do not overlap. Any alignment and any type: memory is touched as bytes, so that floats may be
// moved through std::uint32_t*. Nothing beyond the run is read or written; an empty run touches nothing, its pointers may be null.

typedef std::uint64_t piece16 __attribute__((vector_size(16)));
typedef std::uint64_t piece32 __attribute__((vector_size(32)));
typedef std::uint64_t widest_piece __attribute__((vector_size(4 * ONNX_BRIDGE_LANES)));

/// Source of a run: bytes that stand in memory.
struct BytesAt {
   const unsigned char* begin;
   template <class Piece>
   __attribute__((always_inline)) void read(Piece& piece, Size offset) const
   {
      std::memcpy(&piece, begin + offset, sizeof(Piece));
   }
};

/// Source of a run: one value over and over, repeated to 8 bytes.
struct BytesOf {
   std::uint64_t pattern;
   template <class Piece>
   __attribute__((always_inline)) void read(Piece& piece, Size) const
   {
      if constexpr (std::is_integral<Piece>::value)
         piece = static_cast<Piece>(pattern);
      else
         piece = pattern - Piece{};
   }
};

template <class Piece, class Source>
ONNX_BRIDGE_INLINE void put_piece(unsigned char* dst, Size offset, const Source& source)
{
   Piece piece;
   source.read(piece, offset);
   std::memcpy(dst + offset, &piece, sizeof(Piece));
}

/// From sizeof(Piece) to twice as many bytes, by two pieces that may overlap.
template <class Piece, class Source>
ONNX_BRIDGE_INLINE void put_both_ends(unsigned char* dst, Size bytes, const Source& source)
{
   put_piece<Piece>(dst, 0, source);
   put_piece<Piece>(dst, bytes - static_cast<Size>(sizeof(Piece)), source);
}

template <class Source>
ONNX_BRIDGE_INLINE void put_bytes(unsigned char* dst, Size bytes, const Source& source)
{
   constexpr Size wide = sizeof(widest_piece);
   if (bytes >= wide) {
      Size i = 0;
      for (; i + 2 * wide <= bytes; i += 2 * wide) {
         put_piece<widest_piece>(dst, i, source);
         put_piece<widest_piece>(dst, i + wide, source);
      }
      if (i + wide <= bytes) put_piece<widest_piece>(dst, i, source);
      if (bytes % wide != 0) put_piece<widest_piece>(dst, bytes - wide, source);
      return;
   }
   if constexpr (lanes >= 16) {
      if (bytes >= 32) return put_both_ends<piece32>(dst, bytes, source);
   }
   if constexpr (lanes >= 8) {
      if (bytes >= 16) return put_both_ends<piece16>(dst, bytes, source);
   }
   if (bytes >= 8) return put_both_ends<std::uint64_t>(dst, bytes, source);
   if (bytes >= 4) return put_both_ends<std::uint32_t>(dst, bytes, source);
   if (bytes >= 2) return put_both_ends<std::uint16_t>(dst, bytes, source);
   if (bytes == 1) put_piece<std::uint8_t>(dst, 0, source);
}

/// dst[0 .. n) = src[0 .. n).
template <class T>
ONNX_BRIDGE_INLINE void copy_run(T* dst, const T* src, Size n)
{
   const Size bytes = n * static_cast<Size>(sizeof(T));
   if (bytes > 4096)
      std::memcpy(static_cast<void*>(dst), static_cast<const void*>(src), static_cast<std::size_t>(bytes));
   else
      put_bytes(reinterpret_cast<unsigned char*>(dst), bytes, BytesAt{reinterpret_cast<const unsigned char*>(src)});
}

/// *dst = *src.
template <class T>
ONNX_BRIDGE_INLINE void copy_one(T* dst, const T* src)
{
   std::memcpy(static_cast<void*>(dst), static_cast<const void*>(src), sizeof(T));
}

/// A run of the value, to be given to put_bytes.
template <class T>
ONNX_BRIDGE_INLINE BytesOf repeated(const T* value)
{
   static_assert(sizeof(T) <= 8 && 8 % sizeof(T) == 0, "elements of 1, 2, 4 or 8 bytes");
   std::uint64_t pattern = 0;
   unsigned char bytes[8];
   for (std::size_t i = 0; i < 8; i += sizeof(T)) std::memcpy(bytes + i, static_cast<const void*>(value), sizeof(T));
   std::memcpy(&pattern, bytes, 8);
   return {pattern};
}

/// dst[0 .. n) = value.
template <class T>
ONNX_BRIDGE_KERNEL void fill(T* dst, Size n, T value)
{
   put_bytes(reinterpret_cast<unsigned char*>(dst), n * static_cast<Size>(sizeof(T)), repeated(&value));
}

// arithmetic.hxx: ONNX's pointwise arithmetic, rounding, minimum and maximum, on vec, on ivec and on single numbers.
//
// The same name for all types; integers wrap around as two's complement and never trap: x / 0 and x mod 0 are 0.
// A product is protected: it is never fused with a sum. Every float result is correctly rounded, so a vec and a float agree.
// Maxima and minima give NaN where an operand is NaN.

typedef std::uint32_t unsigned_ivec __attribute__((vector_size(4 * ONNX_BRIDGE_LANES)));

template <class T>
using if_integer = std::enable_if_t<std::is_integral<T>::value, T>;
template <class T>
using if_number = std::enable_if_t<std::is_arithmetic<T>::value, T>;
/// The type in which integers of type T wrap around without promotion to int.
template <class T>
using wrapping = std::make_unsigned_t<std::conditional_t<(sizeof(T) < sizeof(int)), int, T>>;

ONNX_BRIDGE_INLINE ivec wrap(unsigned_ivec x) { return reinterpret_cast<ivec>(x); }
ONNX_BRIDGE_INLINE unsigned_ivec unwrap(ivec x) { return reinterpret_cast<unsigned_ivec>(x); }

ONNX_BRIDGE_INLINE vec add(vec a, vec b) { return a + b; }
ONNX_BRIDGE_INLINE ivec add(ivec a, ivec b) { return wrap(unwrap(a) + unwrap(b)); }
ONNX_BRIDGE_INLINE float add(float a, float b) { return a + b; }
ONNX_BRIDGE_INLINE double add(double a, double b) { return a + b; }
template <class T>
ONNX_BRIDGE_INLINE if_integer<T> add(T a, T b)
{
   return static_cast<T>(static_cast<wrapping<T>>(a) + static_cast<wrapping<T>>(b));
}

ONNX_BRIDGE_INLINE vec sub(vec a, vec b) { return a - b; }
ONNX_BRIDGE_INLINE ivec sub(ivec a, ivec b) { return wrap(unwrap(a) - unwrap(b)); }
ONNX_BRIDGE_INLINE float sub(float a, float b) { return a - b; }
ONNX_BRIDGE_INLINE double sub(double a, double b) { return a - b; }
template <class T>
ONNX_BRIDGE_INLINE if_integer<T> sub(T a, T b)
{
   return static_cast<T>(static_cast<wrapping<T>>(a) - static_cast<wrapping<T>>(b));
}

/// a * b, called so because `mul` is taken; integers only here, floats by mul().
ONNX_BRIDGE_INLINE vec product(vec a, vec b) { return mul(a, b); }
ONNX_BRIDGE_INLINE ivec product(ivec a, ivec b) { return wrap(unwrap(a) * unwrap(b)); }
ONNX_BRIDGE_INLINE float product(float a, float b) { return mul(a, b); }
ONNX_BRIDGE_INLINE double product(double a, double b) { return mul(a, b); }
template <class T>
ONNX_BRIDGE_INLINE if_integer<T> product(T a, T b)
{
   return static_cast<T>(static_cast<wrapping<T>>(a) * static_cast<wrapping<T>>(b));
}

ONNX_BRIDGE_INLINE vec neg(vec x) { return -x; }
ONNX_BRIDGE_INLINE ivec neg(ivec x) { return wrap(-unwrap(x)); }
ONNX_BRIDGE_INLINE float neg(float x) { return -x; }
ONNX_BRIDGE_INLINE double neg(double x) { return -x; }
template <class T>
ONNX_BRIDGE_INLINE if_integer<T> neg(T x)
{
   return sub(T(), x);
}

ONNX_BRIDGE_INLINE vec abs(vec x) { return as_float(as_int(x) & 0x7fffffff); }
ONNX_BRIDGE_INLINE ivec abs(ivec x) { return x < 0 ? neg(x) : x; }
ONNX_BRIDGE_INLINE float abs(float x) { return __builtin_fabsf(x); }
ONNX_BRIDGE_INLINE double abs(double x) { return __builtin_fabs(x); }
template <class T>
ONNX_BRIDGE_INLINE if_integer<T> abs(T x)
{
   return std::is_signed<T>::value && x < T() ? neg(x) : x;
}

/// -1, 0 or 1; of a NaN, the NaN.
ONNX_BRIDGE_INLINE vec sign(vec x)
{
   const vec negative_or_nan = x < 0.f ? splat(-1.f) : x == 0.f ? vec{} : x;
   return x > 0.f ? splat(1.f) : negative_or_nan;
}
ONNX_BRIDGE_INLINE ivec sign(ivec x) { return (x < 0) - (x > 0); }
template <class T>
ONNX_BRIDGE_INLINE if_number<T> sign(T x)
{
   return x > T() ? T(1) : std::is_signed<T>::value && x < T() ? static_cast<T>(-1) : x == T() ? T() : x;
}

/// Remainder with the sign of the dividend: ONNX's Mod with fmod = 1.
ONNX_BRIDGE_INLINE float fmod(float a, float b) { return static_cast<float>(__builtin_fmod(a, b)); }
ONNX_BRIDGE_INLINE double fmod(double a, double b) { return __builtin_fmod(a, b); }
ONNX_BRIDGE_INLINE vec fmod(vec a, vec b)
{
   for (int i = 0; i < lanes; i++) a[i] = fmod(static_cast<float>(a[i]), static_cast<float>(b[i]));
   return a;
}
template <class T>
ONNX_BRIDGE_INLINE if_integer<T> fmod(T a, T b)
{
   return b == T() || (std::is_signed<T>::value && b == static_cast<T>(-1)) ? T() : static_cast<T>(a % b);
}

/// Remainder with the sign of the divisor: ONNX's Mod of integers with fmod = 0.
template <class T>
ONNX_BRIDGE_INLINE if_integer<T> mod(T a, T b)
{
   const T rest = fmod(a, b);
   return rest != T() && (rest < T()) != (b < T()) ? static_cast<T>(rest + b) : rest;
}

ONNX_BRIDGE_INLINE vec max_of(vec a, vec b) { return is_nan(a) ? a : larger(a, b); }
ONNX_BRIDGE_INLINE vec min_of(vec a, vec b) { return is_nan(a) ? a : smaller(a, b); }
ONNX_BRIDGE_INLINE ivec max_of(ivec a, ivec b) { return a > b ? a : b; }
ONNX_BRIDGE_INLINE ivec min_of(ivec a, ivec b) { return a < b ? a : b; }
template <class T>
ONNX_BRIDGE_INLINE if_number<T> max_of(T a, T b)
{
   return a > b || a != a ? a : b;
}
template <class T>
ONNX_BRIDGE_INLINE if_number<T> min_of(T a, T b)
{
   return a < b || a != a ? a : b;
}

/// x held between lo and hi; where lo > hi, hi.
ONNX_BRIDGE_INLINE vec clip(vec x, vec lo, vec hi) { return min_of(max_of(x, lo), hi); }
ONNX_BRIDGE_INLINE vec clip(vec x, float lo, float hi) { return clip(x, splat(lo), splat(hi)); }
ONNX_BRIDGE_INLINE ivec clip(ivec x, ivec lo, ivec hi) { return min_of(max_of(x, lo), hi); }
template <class T>
ONNX_BRIDGE_INLINE if_number<T> clip(T x, T lo, T hi)
{
   return min_of(max_of(x, lo), hi);
}

// exp.hxx: the exponential function.
//
// x = n ln 2 + r with |r| <= ln(2) / 2; a polynomial of degree 6 in r, scaled by 2^n. NaN gives NaN. At most 1.03 ULP.

/// exp(r) - 1 = r + r^2 p(r) for |r| <= ln(2) / 2, and 1 added.
ONNX_BRIDGE_INLINE vec exp_polynomial(vec r)
{
   vec p = splat(1.394052990e-03f);
   p = fma(p, r, splat(8.368822746e-03f));
   p = fma(p, r, splat(4.166640341e-02f));
   p = fma(p, r, splat(1.666651964e-01f));
   p = fma(p, r, splat(0.5f));
   return fma(p, mul(r, r), r) + 1.f;
}

/// x - n ln 2. The first part of ln 2 has 9 bits, so that its product with n is exact.
ONNX_BRIDGE_INLINE vec exp_remainder(vec x, vec n) { return fma(n, splat(2.12194440e-4f), fma(n, splat(-0.693359375f), x)); }

/// exp(x) for x <= 0 (and up to 88); +0 below -87.3, where float would be nearly subnormal.
ONNX_BRIDGE_INLINE vec exp_nonpositive(vec x)
{
   const vec magic = splat(12582912.f + 127.f);  // 1.5 * 2^23: adding it rounds to an integer, here n + 127, the exponent of 2^n
   vec shifted = fma(x, splat(1.44269504088896341f), magic);
   ONNX_BRIDGE_KEEP(shifted);
   const vec power = as_float(as_int(shifted) << 23);
   const vec y = mul(exp_polynomial(exp_remainder(x, shifted - magic)), power);
   return x < -87.3f ? vec{} : y;
}

/// exp(x) for every x; subnormal results are rounded once.
ONNX_BRIDGE_INLINE vec exp(vec x)
{
   x = smaller(splat(89.f), larger(splat(-104.f), x));  // a NaN stays; beyond the limits the scaling gives inf and 0
   const vec magic = splat(12582912.f);
   vec shifted = fma(x, splat(1.44269504088896341f), magic);
   ONNX_BRIDGE_KEEP(shifted);
   const ivec n = as_int(shifted) - as_int(magic), half = n >> 1;
   const vec y = mul(exp_polynomial(exp_remainder(x, shifted - magic)), as_float((half + 127) << 23));
   return mul(y, as_float((n - half + 127) << 23));
}

// erf.hxx: the error function and the Gaussian error linear unit made of it. NaN gives NaN, -0 gives -0.
//
// erf: at most 1.3 ULP. gelu: at most 1.3 ULP of max(1, |x|); -0 below -6.08 (true value there: above -4e-9), NaN at
// -inf, as in onnxruntime.

/// erf(x) for |x| < 0.93.
ONNX_BRIDGE_INLINE vec erf_near(vec x)
{
   const vec square = mul(x, x);
   vec p = splat(-5.980213755e-04f);
   p = fma(p, square, splat(4.991761874e-03f));
   p = fma(p, square, splat(-2.676623128e-02f));
   p = fma(p, square, splat(1.128182709e-01f));
   p = fma(p, square, splat(-3.761249781e-01f));
   p = fma(p, square, splat(1.283791512e-01f));
   return fma(p, x, x);
}

/// 1 - erf(x) for x >= 0.93, held at its value at 4.3, which is below half a ULP of 1; relative accuracy.
ONNX_BRIDGE_INLINE vec erfc_far(vec x)
{
   x = smaller(splat(4.3f), x);
   vec q = splat(1.123001402e-05f);
   q = fma(q, x, splat(-3.227940178e-04f));
   q = fma(q, x, splat(3.642429598e-03f));
   q = fma(q, x, splat(-2.376201935e-02f));
   q = fma(q, x, splat(1.062368453e-01f));
   q = fma(q, x, splat(6.351513267e-01f));
   q = fma(q, x, splat(1.286484897e-01f));
   return exp_nonpositive(-fma(q, x, x));
}

ONNX_BRIDGE_INLINE vec erf(vec x)
{
   const ivec sign = as_int(x) & static_cast<std::int32_t>(0x80000000u);
   const vec a = as_float(as_int(x) ^ sign);
   return as_float(as_int(a < 0.93f ? erf_near(a) : 1.f - erfc_far(a)) | sign);
}

/// x (1 + erf(x / sqrt(2))) / 2
ONNX_BRIDGE_INLINE vec gelu(vec x)
{
   const vec z = mul(x, splat(0.70710678118654752f)), a = as_float(as_int(z) & 0x7fffffff);
   const vec beyond = erfc_far(a), within = erf_near(z) + 1.f;
   vec twice_share = x < 0.f ? beyond : 2.f - beyond;
   twice_share = a < 0.93f ? within : twice_share;
   twice_share = z < -4.3f ? vec{} : twice_share;
   return mul(mul(x, splat(0.5f)), twice_share);
}

// log.hxx: natural logarithms.
//
// log: at most 0.82 ULP; log1p(x) = log(1 + x): at most 0.9 ULP. Subnormals are right. Negative numbers and NaN give NaN, 0 gives -inf.

/// log(x) + correction for finite x > 0: x = 2^n (1 + m) with 1 + m in [sqrt(1/2), sqrt(2)), a polynomial of degree 9 in m.
ONNX_BRIDGE_INLINE vec log_of_positive(vec x, vec correction)
{
   const ivec subnormal = x < 1.17549435e-38f;
   const ivec bits = as_int(subnormal ? mul(x, splat(8388608.f)) : x);
   const ivec exponent = (bits - 0x3f3504f3) >> 23;  // counted from sqrt(1/2)
   const vec m = as_float(bits - exponent * 0x800000) - 1.f;
   const vec n = to_float(exponent - (subnormal & 23));
   const vec square = mul(m, m);
   vec p = splat(6.915612519e-02f);
   p = fma(p, m, splat(-1.178937033e-01f));
   p = fma(p, m, splat(1.187261939e-01f));
   p = fma(p, m, splat(-1.238440201e-01f));
   p = fma(p, m, splat(1.421871632e-01f));
   p = fma(p, m, splat(-1.666924953e-01f));
   p = fma(p, m, splat(2.000222355e-01f));
   p = fma(p, m, splat(-2.499998659e-01f));
   p = fma(p, m, splat(3.333331048e-01f));
   vec y = fma(mul(m, square), p, correction);
   y = fma(n, splat(-2.12194440e-4f), y);
   y = fma(square, splat(-0.5f), y);
   return fma(n, splat(0.693359375f), m + y);
}

/// y where x > 0 and finite; what log(x) is elsewhere.
ONNX_BRIDGE_INLINE vec log_specials(vec x, vec y)
{
   const vec most = splat(infinity<float>());
   y = x == most ? x : y;
   return x > 0.f ? y : x == 0.f ? -most : most - most;
}

ONNX_BRIDGE_INLINE vec log(vec x) { return log_specials(x, log_of_positive(x > 0.f ? x : vec{}, vec{})); }

ONNX_BRIDGE_INLINE vec log1p(vec x)
{
   const vec sum = 1.f + x;
   const vec lost = x < 1.f ? x - (sum - 1.f) : 1.f - (sum - x);  // what rounding took from the sum, exactly
   const ivec usable = (x > -1.f) & (x < infinity<float>());
   const vec y = log_of_positive(usable ? sum : splat(1.f), usable ? lost / sum : vec{});
   return sum == 1.f ? x : log_specials(sum, y);
}

// sigmoid.hxx: 1 / (1 + exp(-x)). NaN gives NaN. At most 2.4 ULP; 0 below -87.3.

ONNX_BRIDGE_INLINE vec sigmoid(vec x)
{
   const vec e = exp_nonpositive(as_float(as_int(x) | static_cast<std::int32_t>(0x80000000u)));  // of -|x|
   return (x < 0.f ? e : splat(1.f)) / (e + 1.f);
}

// tanh.hxx: the hyperbolic tangent. NaN gives NaN, -0 gives -0. At most 1.53 ULP.

ONNX_BRIDGE_INLINE vec tanh(vec x)
{
   const ivec sign = as_int(x) & static_cast<std::int32_t>(0x80000000u);
   const vec a = as_float(as_int(x) ^ sign), square = mul(a, a);
   vec p = splat(-5.716202781e-03f);  // |x| < 0.625: odd polynomial
   p = fma(p, square, splat(2.064970881e-02f));
   p = fma(p, square, splat(-5.374317244e-02f));
   p = fma(p, square, splat(1.333148628e-01f));
   p = fma(p, square, splat(-3.333328366e-01f));
   const vec small_x = fma(mul(p, square), a, a);
   const vec e = exp_nonpositive(mul(a, splat(-2.f)));
   const vec large_x = (1.f - e) / (1.f + e);
   return as_float(as_int(a < 0.625f ? small_x : large_x) | sign);
}

// activation.hxx: ONNX's activation functions on vec, and by the same names on float and double.
//
// A float gives the bits of a lane of a vec. NaN gives NaN, but for thresholded_relu and
// shrink, where it gives 0 as in onnxruntime. What is -inf * 0 at -inf (swish, mish, gelu, hard_swish) gives NaN there, as in onnxruntime.
// Products are protected. Accuracy: a few ULP of the largest term of the formula.

// Double has the names that the formulas below use for vec: declared here, defined in double_functions.hxx, which whoever emits doubles
// asks for. Templates, because GCC warns of a function that is declared and nowhere defined.
template <class T>
using if_double = std::enable_if_t<std::is_same<T, double>::value, T>;
template <class T>
ONNX_BRIDGE_INLINE if_double<T> exp(T x);
template <class T>
ONNX_BRIDGE_INLINE if_double<T> exp_nonpositive(T x);
template <class T>
ONNX_BRIDGE_INLINE if_double<T> log(T x);
template <class T>
ONNX_BRIDGE_INLINE if_double<T> log1p(T x);
template <class T>
ONNX_BRIDGE_INLINE if_double<T> tanh(T x);
template <class T>
ONNX_BRIDGE_INLINE if_double<T> erf(T x);
template <class T>
ONNX_BRIDGE_INLINE if_double<T> sigmoid(T x);
template <class T>
ONNX_BRIDGE_INLINE if_double<T> gelu(T x);

/// A constant of x's type.
ONNX_BRIDGE_INLINE vec like(vec, double value) { return splat(static_cast<float>(value)); }
ONNX_BRIDGE_INLINE double like(double, double value) { return value; }
ONNX_BRIDGE_INLINE float like(float, double value) { return static_cast<float>(value); }

/// Of any number: max(x, 0).
ONNX_BRIDGE_INLINE vec relu(vec x) { return larger(vec{}, x); }
template <class T>
ONNX_BRIDGE_INLINE if_number<T> relu(T x)
{
   return x < T() ? T() : x;
}

/// Of any number: x, times the slope where x is negative.
ONNX_BRIDGE_INLINE vec prelu(vec x, vec slope) { return x < 0.f ? mul(x, slope) : x; }
template <class T>
ONNX_BRIDGE_INLINE if_number<T> prelu(T x, T slope)
{
   return x < T() ? product(x, slope) : x;
}

template <class T>
ONNX_BRIDGE_INLINE T leaky_relu(T x, float alpha)
{
   return prelu(x, like(x, alpha));
}

template <class T>
ONNX_BRIDGE_INLINE T thresholded_relu(T x, float alpha)
{
   return x > like(x, alpha) ? x : T{};
}

template <class T>
ONNX_BRIDGE_INLINE T elu(T x, float alpha)
{
   return x < T{} ? mul(exp_nonpositive(x) - like(x, 1), like(x, alpha)) : x;
}

template <class T>
ONNX_BRIDGE_INLINE T selu(T x, float alpha, float gamma)
{
   return mul(elu(x, alpha), like(x, gamma));
}

/// elu(x / alpha) times alpha; alpha > 0.
template <class T>
ONNX_BRIDGE_INLINE T celu(T x, float alpha)
{
   return x < T{} ? mul(exp_nonpositive(x / like(x, alpha)) - like(x, 1), like(x, alpha)) : x;
}

template <class T>
ONNX_BRIDGE_INLINE T hard_sigmoid(T x, float alpha, float beta)
{
   return clip(fma(x, like(x, alpha), like(x, beta)), T{}, like(x, 1));
}

template <class T>
ONNX_BRIDGE_INLINE T hard_swish(T x)
{
   return mul(x, clip(fma(x, like(x, 1. / 6), like(x, 0.5)), T{}, like(x, 1)));
}

template <class T>
ONNX_BRIDGE_INLINE T swish(T x, float alpha)
{
   return mul(x, sigmoid(mul(x, like(x, alpha))));
}

/// log(1 + exp(x)); 0 below -87.3.
template <class T>
ONNX_BRIDGE_INLINE T softplus(T x)
{
   return relu(x) + log1p(exp_nonpositive(-abs(x)));
}

template <class T>
ONNX_BRIDGE_INLINE T softsign(T x)
{
   return x / (abs(x) + like(x, 1));
}

/// x tanh(softplus(x)) = x (w^2 + 2 w) / (w^2 + 2 w + 2) with w = exp(x), which keeps its accuracy where tanh is small.
template <class T>
ONNX_BRIDGE_INLINE T mish(T x)
{
   const T limit = like(x, 20), two = like(x, 2);
   const T w = exp(x > limit ? limit : x), share = mul(w, w + two);
   return mul(x, share / (share + two));
}

/// Gelu by tanh: x (1 + tanh(u)) / 2 = x sigmoid(2 u) with u = sqrt(2 / pi) (x + 0.044715 x^3).
template <class T>
ONNX_BRIDGE_INLINE T gelu_tanh(T x)
{
   const T cubic = mul(x, fma(mul(x, x), like(x, 0.044715), like(x, 1)));
   return mul(x, sigmoid(mul(cubic, like(x, 1.5957691216057307117))));
}

template <class T>
ONNX_BRIDGE_INLINE T shrink(T x, float bias, float lambd)
{
   const T offset = like(x, bias), limit = like(x, lambd), above = x > limit ? x - offset : T{};
   return x < -limit ? x + offset : above;
}

// A single float: one lane.
ONNX_BRIDGE_INLINE float exp(float x) { return exp(splat(x))[0]; }
ONNX_BRIDGE_INLINE float log(float x) { return log(splat(x))[0]; }
ONNX_BRIDGE_INLINE float log1p(float x) { return log1p(splat(x))[0]; }
ONNX_BRIDGE_INLINE float tanh(float x) { return tanh(splat(x))[0]; }
ONNX_BRIDGE_INLINE float erf(float x) { return erf(splat(x))[0]; }
ONNX_BRIDGE_INLINE float sigmoid(float x) { return sigmoid(splat(x))[0]; }
ONNX_BRIDGE_INLINE float gelu(float x) { return gelu(splat(x))[0]; }
ONNX_BRIDGE_INLINE float leaky_relu(float x, float alpha) { return leaky_relu(splat(x), alpha)[0]; }
ONNX_BRIDGE_INLINE float thresholded_relu(float x, float alpha) { return thresholded_relu(splat(x), alpha)[0]; }
ONNX_BRIDGE_INLINE float elu(float x, float alpha) { return elu(splat(x), alpha)[0]; }
ONNX_BRIDGE_INLINE float selu(float x, float alpha, float gamma) { return selu(splat(x), alpha, gamma)[0]; }
ONNX_BRIDGE_INLINE float celu(float x, float alpha) { return celu(splat(x), alpha)[0]; }
ONNX_BRIDGE_INLINE float hard_sigmoid(float x, float alpha, float beta) { return hard_sigmoid(splat(x), alpha, beta)[0]; }
ONNX_BRIDGE_INLINE float hard_swish(float x) { return hard_swish(splat(x))[0]; }
ONNX_BRIDGE_INLINE float swish(float x, float alpha) { return swish(splat(x), alpha)[0]; }
ONNX_BRIDGE_INLINE float softplus(float x) { return softplus(splat(x))[0]; }
ONNX_BRIDGE_INLINE float softsign(float x) { return softsign(splat(x))[0]; }
ONNX_BRIDGE_INLINE float mish(float x) { return mish(splat(x))[0]; }
ONNX_BRIDGE_INLINE float gelu_tanh(float x) { return gelu_tanh(splat(x))[0]; }
ONNX_BRIDGE_INLINE float shrink(float x, float bias, float lambd) { return shrink(splat(x), bias, lambd)[0]; }

// doubles.hxx: vectors of doubles, and arithmetic with twice their precision.
//
// What is a template here and in the headers built on it takes a double or a dvec as D, and gives a double the bits of a lane. Comparisons
// give bool or lvec, which choose() takes. Without a fused multiply-add products are taken apart: as exact, slower.

typedef double dvec __attribute__((vector_size(4 * ONNX_BRIDGE_LANES)));

/// What comparing gives: all bits set, or none. Its numbers are as wide as a double.
typedef decltype(dvec{} < dvec{}) lvec;

typedef std::uint64_t unsigned_lvec __attribute__((vector_size(4 * ONNX_BRIDGE_LANES)));

ONNX_BRIDGE_INLINE double constant(double, double value) { return value; }
ONNX_BRIDGE_INLINE dvec constant(dvec, double value) { return value - dvec{}; }

ONNX_BRIDGE_INLINE lvec as_bits(dvec x) { return reinterpret_cast<lvec>(x); }
ONNX_BRIDGE_INLINE dvec as_double(lvec x) { return reinterpret_cast<dvec>(x); }
ONNX_BRIDGE_INLINE std::int64_t as_bits(double x)
{
   std::int64_t bits;
   __builtin_memcpy(&bits, &x, sizeof bits);
   return bits;
}
ONNX_BRIDGE_INLINE double as_double(std::int64_t bits)
{
   double x;
   __builtin_memcpy(&x, &bits, sizeof x);
   return x;
}

/// Moved by some bits; zeros come in, and nothing overflows.
ONNX_BRIDGE_INLINE lvec left(lvec x, int by) { return reinterpret_cast<lvec>(reinterpret_cast<unsigned_lvec>(x) << by); }
ONNX_BRIDGE_INLINE lvec right(lvec x, int by) { return reinterpret_cast<lvec>(reinterpret_cast<unsigned_lvec>(x) >> by); }
ONNX_BRIDGE_INLINE std::int64_t left(std::int64_t x, int by) { return static_cast<std::int64_t>(static_cast<std::uint64_t>(x) << by); }
ONNX_BRIDGE_INLINE std::int64_t right(std::int64_t x, int by) { return static_cast<std::int64_t>(static_cast<std::uint64_t>(x) >> by); }

/// Bits as numbers; what overflows wraps around.
ONNX_BRIDGE_INLINE lvec plus(lvec a, std::int64_t b) { return reinterpret_cast<lvec>(reinterpret_cast<unsigned_lvec>(a) + static_cast<std::uint64_t>(b)); }
ONNX_BRIDGE_INLINE lvec minus(lvec a, lvec b)
{
   return reinterpret_cast<lvec>(reinterpret_cast<unsigned_lvec>(a) - reinterpret_cast<unsigned_lvec>(b));
}
ONNX_BRIDGE_INLINE std::int64_t plus(std::int64_t a, std::int64_t b)
{
   return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}
ONNX_BRIDGE_INLINE std::int64_t minus(std::int64_t a, std::int64_t b)
{
   return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b));
}

/// a where the condition holds, else b; of bits, because clang's -ffast-math lets a choice between floating-point vectors lose NaN.
ONNX_BRIDGE_INLINE dvec choose(lvec condition, dvec a, dvec b) { return as_double(condition ? as_bits(a) : as_bits(b)); }
ONNX_BRIDGE_INLINE double choose(bool condition, double a, double b) { return condition ? a : b; }

ONNX_BRIDGE_INLINE dvec mul(dvec a, dvec b)
{
   dvec t = a * b;
   ONNX_BRIDGE_KEEP(t);
   return t;
}

#if defined(__x86_64__) && ONNX_BRIDGE_LANES == 4
ONNX_BRIDGE_INLINE dvec fma(dvec a, dvec b, dvec c) { return mul(a, b) + c; }
#elif ONNX_BRIDGE_LANES == 16
ONNX_BRIDGE_INLINE dvec fma(dvec a, dvec b, dvec c) { return __builtin_ia32_vfmaddpd512_mask(a, b, c, static_cast<unsigned char>(-1), 4); }
#elif ONNX_BRIDGE_LANES == 8
ONNX_BRIDGE_INLINE dvec fma(dvec a, dvec b, dvec c) { return __builtin_ia32_vfmaddpd256(a, b, c); }
#elif defined(__aarch64__) && !defined(__clang__)
ONNX_BRIDGE_INLINE dvec fma(dvec a, dvec b, dvec c) { return __builtin_aarch64_fmav2df(a, b, c); }
#else
ONNX_BRIDGE_INLINE dvec fma(dvec a, dvec b, dvec c)
{
   dvec r;
   for (int i = 0; i < lanes / 2; i++) r[i] = __builtin_fma(a[i], b[i], c[i]);
   return r;
}
#endif

/// c[0] z^(n-1) + ... + c[n-1], one fma() a term.
template <class D, std::size_t n>
ONNX_BRIDGE_INLINE D polynomial(D z, const double (&c)[n])
{
   D p = constant(z, c[0]);
   ONNX_BRIDGE_UNROLL
   for (std::size_t i = 1; i < n; i++) p = fma(p, z, constant(z, c[i]));
   return p;
}

/// The sum of two doubles: the second is what the first lost.
template <class D>
struct Twice {
   D high, low;
};

/// a + b, exactly.
template <class D>
ONNX_BRIDGE_INLINE Twice<D> exact_sum(D a, D b)
{
   const D sum = a + b, part = sum - a;
   return {sum, (a - (sum - part)) + (b - part)};
}

/// a + b, exactly, where |a| >= |b| or a is 0.
template <class D>
ONNX_BRIDGE_INLINE Twice<D> ordered_sum(D a, D b)
{
   const D sum = a + b;
   return {sum, (a - sum) + b};
}

/// a * b, exactly unless a part of it is subnormal.
template <class D>
ONNX_BRIDGE_INLINE Twice<D> exact_product(D a, D b)
{
   const D product = mul(a, b);
#if defined(__x86_64__) && ONNX_BRIDGE_LANES == 4
   const D splitter = constant(a, 134217729.), a_wide = mul(a, splitter), b_wide = mul(b, splitter);
   const D a_high = a_wide - (a_wide - a), a_low = a - a_high, b_high = b_wide - (b_wide - b), b_low = b - b_high;
   const D rest = ((mul(a_high, b_high) - product) + mul(a_high, b_low)) + mul(a_low, b_high);
   return {product, rest + mul(a_low, b_low)};
#else
   return {product, fma(a, b, -product)};
#endif
}

/// a / b, where both are sums of two.
template <class D>
ONNX_BRIDGE_INLINE Twice<D> quotient(Twice<D> a, Twice<D> b)
{
   const D q = a.high / b.high;
   const Twice<D> back = exact_product(q, b.high);
   return {q, (((a.high - back.high) - back.low) + (a.low - mul(q, b.low))) / b.high};
}

template <class D>
ONNX_BRIDGE_INLINE D sign_bit(D x)
{
   return as_double(as_bits(x) & as_bits(constant(x, -0.)));
}

/// x with the sign of `sign`; x is not negative.
template <class D>
ONNX_BRIDGE_INLINE D with_sign(D x, D sign)
{
   return as_double(as_bits(x) | as_bits(sign_bit(sign)));
}

template <class D>
ONNX_BRIDGE_INLINE D size_of(D x)
{
   return as_double(as_bits(x) ^ as_bits(sign_bit(x)));
}

template <class D>
ONNX_BRIDGE_INLINE D infinite(D x)
{
   return constant(x, infinity<double>());
}

/// NaN, made so that no compiler knows it.
template <class D>
ONNX_BRIDGE_INLINE D undefined(D x)
{
   return infinite(x) - infinite(x);
}

/// 1.5 * 2^52: adding it rounds to an integer, which then stands in the low bits of the sum.
constexpr double rounder = 6755399441055744.;

/// To the nearest integer, |x| < 2^51, plus `rounder`.
template <class D>
ONNX_BRIDGE_INLINE D shifted_integer(D x, double factor, double offset)
{
   D shifted = fma(x, constant(x, factor), constant(x, rounder + offset));
   ONNX_BRIDGE_KEEP(shifted);
   return shifted;
}

// double_exp.hxx: the exponential function of doubles, and what is made of it: sigmoid and the hyperbolic functions.
//
// exp: at most 0.8 ULP; sinh, cosh: 1; tanh, sigmoid: 1.6; with or without a fused multiply-add. NaN gives NaN, odd functions keep the
// sign of 0, subnormal results are rounded twice.

/// (high + low) 2^n; n stands in the low bits of `shifted`, which is n + rounder.
template <class D>
struct Exponential {
   D high, low, shifted;
};

/// exp(x + more), |x| < 1100, |more| < 1e-8: (x + more) = n ln 2 + r with |r| <= ln(2) / 2, and a polynomial of degree 12 in r.
template <class D>
ONNX_BRIDGE_INLINE Exponential<D> exponential(D x, D more)
{
   const D shifted = shifted_integer(x, 1.4426950408889634, 0), n = shifted - rounder;
   // The first part of ln 2 has 33 bits, so that its product with n is exact.
   const Twice<D> r = ordered_sum(fma(n, constant(x, -0.6931471804855391), x), fma(n, constant(x, -7.440617110012397e-11), more));
   const D p = polynomial(r.high, {2.0914728984148772e-09, 2.5105275841936966e-08, 2.7557273542102106e-07, 2.755725525875986e-06,
                                   2.4801587325627418e-05, 0.00019841269874932202, 0.0013888888888883726, 0.008333333333326103,
                                   0.04166666666666667, 0.1666666666666667, 0.5});
   const Twice<D> one = ordered_sum(constant(x, 1), r.high);
   return {one.high, one.low + fma(mul(r.high, r.high), p, fma(r.low, r.high, r.low)), shifted};
}

/// 2 to the power that stands in the low bits, less 1023.
template <class D>
ONNX_BRIDGE_INLINE D power_of_two(D shifted)
{
   return as_double(left(as_bits(shifted), 52));
}

/// y 2^n, with n from -2000 to 2000 in the low bits of `shifted`.
template <class D>
ONNX_BRIDGE_INLINE D scaled(D y, D shifted)
{
   const D n = shifted - rounder, half = shifted_integer(n, 0.5, 1023), rest = n - (half - (rounder + 1023));
   return mul(mul(y, power_of_two(half)), power_of_two(rest + (rounder + 1023)));
}

/// x within limits beyond which exp() is inf or 0. NaN stays.
template <class D>
ONNX_BRIDGE_INLINE D exponent_within(D x)
{
   x = choose(x > 710., constant(x, 710), x);
   return choose(x < -746., constant(x, -746), x);
}

template <class D>
ONNX_BRIDGE_INLINE D double_exp(D x)
{
   const Exponential<D> y = exponential(exponent_within(x), D{});
   return scaled(y.high + y.low, y.shifted);
}

template <class D>
ONNX_BRIDGE_INLINE D double_sigmoid(D x)
{
   const D e = double_exp(-size_of(x));
   const Twice<D> y = quotient(Twice<D>{choose(x < 0., e, constant(x, 1)), D{}}, ordered_sum(constant(x, 1), e));
   return y.high + y.low;
}

template <class D>
ONNX_BRIDGE_INLINE D double_tanh(D x)
{
   const D a = size_of(x), square = mul(a, a);
   const D p = polynomial(square, {-2.059855667327517e-05, 8.510707927354112e-05, -0.00023463104528300406, 0.0005889348072447028,
                                   -0.0014556615775702365, 0.003592110347096177, -0.008863234395418095, 0.021869488493563037,
                                   -0.05396825396743174, 0.13333333333332714, -0.3333333333333333});
   const D inner = fma(mul(a, square), p, a), outer = 1. - 2. / (double_exp(a + a) + 1.);
   return with_sign(choose(a < 0.55, inner, outer), x);
}

// double_erf.hxx: the error function of doubles and the Gaussian error linear unit made of it.
//
// erf: at most 1 ULP; gelu: 2; with or without a fused multiply-add. NaN gives NaN, erf(-0) is -0; gelu(-inf) is NaN, as in onnxruntime.

/// erf(x) for |x| < 0.5.
template <class D>
ONNX_BRIDGE_INLINE D double_erf_near(D x)
{
   const D p = polynomial(mul(x, x), {1.4724557054857664e-06, -1.4845726499481446e-05, 0.0001205333046582652, -0.0008548297662086034,
                                      0.005223977372029753, -0.026866170632830016, 0.11283791670925189, -0.3761263890318347,
                                      0.12837916709551256});
   return fma(p, x, x);
}

/// (1 - erf(x.high + x.low)) times a factor for x >= 0.5: (1 + 2 x) exp(x^2) (1 - erf(x)) is a polynomial in (x - 2.5) / (x + 2.5).
template <class D>
ONNX_BRIDGE_INLINE D double_erfc_far(Twice<D> x, D factor)
{
   const D outer = choose(x.high > 27.3, constant(x.high, 27.3), x.high), t = (outer - 2.5) / (outer + 2.5);
   const D q = polynomial(t, {2.0211267399619663e-08, -1.0148059889572628e-07, -8.143472714860968e-08, 5.325397804845676e-07,
                              6.347798892517122e-07, -1.6015707560199494e-06, -4.277460299038013e-06, 2.62239100720751e-06,
                              2.272042126851724e-05, 6.2606864904963325e-06, -0.00011352704245192517, -8.847802544894927e-05,
                              0.0006321250138228546, 0.0004918656510836615, -0.004382078399531308, 0.0009318928294825636,
                              0.03276089327158012, -0.10296705603902793, 0.1576299190231511, -0.09902453957359526,
                              -0.12235676308240383});
   const Twice<D> bottom = ordered_sum(outer + outer, constant(outer, 1)), numerator = ordered_sum(constant(t, 1.2648381843668615), mul(q, t));
   const Twice<D> share = quotient(numerator, Twice<D>{bottom.high, bottom.low + (x.low + x.low)});
   const Twice<D> square = exact_product(outer, outer);
   const Exponential<D> e = exponential(-square.high, -fma(outer + outer, x.low, square.low));
   const Twice<D> power = ordered_sum(e.high, e.low), part = exact_product(power.high, share.high), y = exact_product(part.high, factor);
   const D low = part.low + fma(power.high, share.low, mul(power.low, share.high));
   return scaled(y.high + fma(low, factor, y.low), e.shifted);
}

template <class D>
ONNX_BRIDGE_INLINE D double_erf(D x)
{
   const D a = size_of(x);
   return with_sign(choose(a < 0.5, double_erf_near(a), 1. - double_erfc_far(Twice<D>{a, D{}}, constant(x, 1))), x);
}

/// x (1 + erf(x / sqrt(2))) / 2
template <class D>
ONNX_BRIDGE_INLINE D double_gelu(D x)
{
   const D size = size_of(x), a = choose(size > 100., constant(x, 100), size);
   Twice<D> z = exact_product(a, constant(x, 0.7071067811865476));
   z.low = fma(a, constant(x, -4.833646656726457e-17), z.low);
   const D half = mul(x, constant(x, 0.5)), outer = double_erfc_far(z, choose(x < 0., mul(a, constant(x, -0.5)), constant(x, 1)));
   const Twice<D> sum = ordered_sum(constant(x, 1), double_erf_near(with_sign(z.high, x))), product = exact_product(half, sum.high);
   const D inner = with_sign(size_of(product.high + fma(half, sum.low, product.low)), x);
   const D below = choose(as_bits(x) == as_bits(-infinite(x)), undefined(x), outer);
   return choose(z.high < 0.5, inner, choose(x < 0., below, mul(half, 2. - outer)));
}

// double_log.hxx: natural logarithms of doubles, and what is made of them: the inverse hyperbolic functions.
//
// log, log1p: at most 0.9 ULP; acosh, atanh: 1.2; asinh: 1.4; with or without a fused multiply-add. NaN and what has no logarithm give NaN, 0
// gives -inf, odd functions and log1p keep the sign of 0. Subnormals are right.

/// x = 2^n m with m in [sqrt(1/2), sqrt(2)), for finite x > 0.
template <class D>
struct Scaled {
   D m, n;
};

template <class D>
ONNX_BRIDGE_INLINE Scaled<D> scale_of(D x)
{
   const auto subnormal = x < 2.2250738585072014e-308;
   const auto bits = as_bits(choose(subnormal, mul(x, constant(x, 18014398509481984.)), x));
   const auto exponent = right(plus(bits, 0x00095f619980c433), 52);  // n + 1023: what was added fills the fraction at sqrt(2)
   const D shifted = as_double(exponent | as_bits(constant(x, 4503599627370496.)));  // 2^52 + n + 1023
   const D n = shifted - choose(subnormal, constant(x, 4503599627371573.), constant(x, 4503599627371519.));
   return {as_double(minus(bits, left(plus(exponent, -1023), 52))), n};
}

/// log(x) + more, for finite x > 0: with s = f / (2 + f), f = m - 1, log(1 + f) = 2 atanh(s), a polynomial of degree 15 in s.
template <class D>
ONNX_BRIDGE_INLINE D log_and_more(D x, D more)
{
   const Scaled<D> scale = scale_of(x);
   const D f = scale.m - 1., s = f / (f + 2.), z = mul(s, s), half_square = mul(mul(f, f), constant(x, 0.5));
   const D p = polynomial(z, {0.14617807153417325, 0.15331611722055008, 0.1818289243253687, 0.22222211089379496, 0.28571428626253836,
                              0.3999999999989889, 0.666666666666667});
   const D rest = fma(s, fma(z, p, half_square), fma(scale.n, constant(x, 7.440617110012397e-11), more));
   return fma(scale.n, constant(x, 0.6931471804855391), f - (half_square - rest));
}

/// y where x > 0 and finite; what log(x) is elsewhere.
template <class D>
ONNX_BRIDGE_INLINE D log_or_special(D x, D y)
{
   y = choose(as_bits(x) >= as_bits(infinite(x)), x, y);
   y = choose(as_bits(x) < 0, undefined(x), y);
   return choose(size_of(x) == 0., -infinite(x), y);
}

template <class D>
ONNX_BRIDGE_INLINE D double_log(D x)
{
   return log_or_special(x, log_and_more(x, D{}));
}

/// log(1 + x.high + x.low)
template <class D>
ONNX_BRIDGE_INLINE D log_beyond_one(Twice<D> x)
{
   const Twice<D> sum = exact_sum(x.high, constant(x.high, 1));
   const D y = log_or_special(sum.high, log_and_more(sum.high, (sum.low + x.low) / sum.high));
   return choose(sum.high == 1., x.high, y);
}

template <class D>
ONNX_BRIDGE_INLINE D double_log1p(D x)
{
   return log_beyond_one(Twice<D>{x, D{}});
}

// double_functions.hxx: exp, log, tanh and the like of doubles by the names that they have for floats; activation.hxx declares them.

template <class T>
ONNX_BRIDGE_INLINE if_double<T> exp(T x)
{
   return double_exp(x);
}

template <class T>
ONNX_BRIDGE_INLINE if_double<T> exp_nonpositive(T x)
{
   return double_exp(x);
}

template <class T>
ONNX_BRIDGE_INLINE if_double<T> log(T x)
{
   return double_log(x);
}

template <class T>
ONNX_BRIDGE_INLINE if_double<T> log1p(T x)
{
   return double_log1p(x);
}

template <class T>
ONNX_BRIDGE_INLINE if_double<T> tanh(T x)
{
   return double_tanh(x);
}

template <class T>
ONNX_BRIDGE_INLINE if_double<T> erf(T x)
{
   return double_erf(x);
}

template <class T>
ONNX_BRIDGE_INLINE if_double<T> sigmoid(T x)
{
   return double_sigmoid(x);
}

template <class T>
ONNX_BRIDGE_INLINE if_double<T> gelu(T x)
{
   return double_gelu(x);
}

// gather.hxx: elements or blocks of a dense row-major tensor, found by index.
//
// Contract: a negative index counts from the end; one outside the axis is brought to its nearest end, and where the axis is empty
// the result is zero: no index reads outside the data. Indices are std::int32_t or std::int64_t, T any type of 1, 2, 4 or 8 bytes,
// moved as bits. data and out do not overlap. Empty sizes write nothing.

/// The index from the axis' start; outside 0 .. n - 1 where the given one was.
template <class Index>
ONNX_BRIDGE_INLINE Size from_start(Index index, Size n)
{
   const Size i = static_cast<Size>(index);
   return i < 0 ? i + n : i;
}

/// The index from the axis' start, brought into 0 .. n - 1.
template <class Index>
ONNX_BRIDGE_INLINE Size inside(Index index, Size n)
{
   const Size i = from_start(index, n);
   return i < 0 ? 0 : i < n ? i : n - 1;
}

/// out[outer][count][inner] = data[outer][indices[count]][inner], data being [outer][n][inner].
template <class T, class Index>
ONNX_BRIDGE_KERNEL void gather(Size outer, Size n, Size inner, Size count, const T* data, const Index* indices, T* out)
{
   if (n == 0) {
      if (outer > 0 && inner > 0) fill(out, outer * count * inner, T());
      return;
   }
   for (Size o = 0; o < outer; o++, data += n * inner, out += count * inner) {
      if (inner == 1)
         for (Size i = 0; i < count; i++) copy_one(out + i, data + inside(indices[i], n));
      else
         for (Size i = 0; i < count; i++) copy_run(out + i * inner, data + inside(indices[i], n) * inner, inner);
   }
}

// cast.hxx: ONNX's Cast between numbers and bool, and memory of other types than float as vectors.
//
// From float or double to integers: truncated towards zero. What does not fit, and NaN, gives what x86's conversions and thus
// onnxruntime give: the smallest integer of int32 and int64; narrow types are the low bits of int32's answer, uint32 those of int64's. Never
// undefined. To bool: x != 0 (NaN: true).

/// The truncated value, or the smallest Int where that does not fit. Int: std::int32_t or std::int64_t.
template <class Int>
ONNX_BRIDGE_INLINE Int truncated(double x)
{
   constexpr double limit = 2. * ((std::numeric_limits<Int>::max)() / 2 + 1);
   return x >= -limit && x < limit ? static_cast<Int>(x) : (std::numeric_limits<Int>::min)();
}

template <class To, class From>
ONNX_BRIDGE_INLINE To cast(From x)
{
   if constexpr (std::is_same<To, From>::value)
      return x;
   else if constexpr (std::is_same<To, bool>::value)
      return !(x == From());
   else if constexpr (std::is_floating_point<To>::value || std::is_integral<From>::value)
      return static_cast<To>(x);
   else if constexpr (!std::is_same<To, std::uint64_t>::value)
      return static_cast<To>(truncated<std::conditional_t<(sizeof(To) == 8 || std::is_same<To, std::uint32_t>::value), std::int64_t, std::int32_t>>(x));
   else {
      const double wide = x, half = 9223372036854775808.;  // 2^63
      const bool upper = wide >= half;
      return static_cast<std::uint64_t>(truncated<std::int64_t>(upper ? wide - half : wide)) ^ static_cast<std::uint64_t>(upper) << 63;
   }
}

/// int32 in memory, whole vectors or the first n lanes (the others 0).
ONNX_BRIDGE_INLINE ivec load(const std::int32_t* p, All) { return load(p); }
ONNX_BRIDGE_INLINE ivec load(const std::int32_t* p, Size n)
{
#if ONNX_BRIDGE_LANES == 16
   return __builtin_ia32_loaddqusi512_mask(p, ivec{}, first_lanes(n));
#elif ONNX_BRIDGE_LANES == 8
   return __builtin_ia32_maskloadd256(reinterpret_cast<const ivec*>(p), first_lanes(n));
#else
   ivec v{};
   for (Size i = 0; i < n; i++) v[i] = p[i];
   return v;
#endif
}
ONNX_BRIDGE_INLINE void store(std::int32_t* p, ivec v, All) { store(p, v); }
ONNX_BRIDGE_INLINE void store(std::int32_t* p, ivec v, Size n)
{
#if ONNX_BRIDGE_LANES == 16
   __builtin_ia32_storedqusi512_mask(p, v, first_lanes(n));
#elif ONNX_BRIDGE_LANES == 8
   __builtin_ia32_maskstored256(reinterpret_cast<ivec*>(p), first_lanes(n), v);
#else
   for (Size i = 0; i < n; i++) p[i] = v[i];
#endif
}

// map.hxx: y[i] = f(a[i], b[i], ...) over a contiguous run, the inner loop of every group of pointwise operators.
//
// Operands are accessors: Row (contiguous), Same (one value for all), Strided. vector_map() works on vectors of floats, where bools
// are masks and halves become floats; scalar_map() on any element types. y may be one of the operands. Every element is computed by the same instructions
// wherever it stands, so that tails have the bits of full vectors.

template <class T>
struct ScalarRow {
   const T* p;
   __attribute__((always_inline)) T at(Size i) const { return p[i]; }
};
template <class T>
struct ScalarStrided {
   const T* p;
   Size stride;
   __attribute__((always_inline)) T at(Size i) const { return p[i * stride]; }
};

// What GCC cannot see: that an operand is y itself or does not overlap it. Clang looks when the program runs.
#if defined(__clang__)
#define ONNX_BRIDGE_INDEPENDENT
#else
#define ONNX_BRIDGE_INDEPENDENT _Pragma("GCC ivdep")
#endif

template <class Y, class F, class... Operand>
ONNX_BRIDGE_INLINE void scalar_map(Size n, Y* y, const F& f, const Operand&... operand)
{
   Size i = 0;
   for (; i + 16 <= n; i += 16) {
      ONNX_BRIDGE_INDEPENDENT
      for (int j = 0; j < 16; j++) y[i + j] = static_cast<Y>(f(operand.at(i + j)...));
   }
   for (; i < n; i++) y[i] = static_cast<Y>(f(operand.at(i)...));
}

// compare.hxx: ONNX's comparisons, logic, bits and choice.
//
// Of vec and ivec, comparisons give masks (ivec, -1 where true, 0 where false) and the logical functions take masks;
// of single numbers they give bool. A comparison with NaN is false. Shifts by the width or more give 0.

#define ONNX_BRIDGE_COMPARISON(name, op)                                 \
   ONNX_BRIDGE_INLINE ivec name(vec a, vec b) { return a op b; }         \
   ONNX_BRIDGE_INLINE ivec name(ivec a, ivec b) { return a op b; }       \
   template <class T>                                                    \
   ONNX_BRIDGE_INLINE std::enable_if_t<std::is_arithmetic<T>::value, bool> name(T a, T b) \
   {                                                                     \
      return a op b;                                                     \
   }
ONNX_BRIDGE_COMPARISON(equal, ==)
ONNX_BRIDGE_COMPARISON(less, <)
ONNX_BRIDGE_COMPARISON(less_or_equal, <=)
ONNX_BRIDGE_COMPARISON(greater, >)
ONNX_BRIDGE_COMPARISON(greater_or_equal, >=)

// is_nan(vec) stands in vector.hxx. By integers all of them, so that -ffinite-math-only changes nothing.
ONNX_BRIDGE_INLINE std::int64_t magnitude_bits(double x)
{
   std::int64_t bits;
   std::memcpy(&bits, &x, sizeof bits);
   return bits & 0x7fffffffffffffff;
}
ONNX_BRIDGE_INLINE bool is_nan(double x) { return magnitude_bits(x) > 0x7ff0000000000000; }
ONNX_BRIDGE_INLINE bool is_nan(float x) { return is_nan(static_cast<double>(x)); }
ONNX_BRIDGE_INLINE bool is_inf(double x, bool detect_positive, bool detect_negative)
{
   return magnitude_bits(x) == 0x7ff0000000000000 && (x > 0 ? detect_positive : detect_negative);
}
ONNX_BRIDGE_INLINE bool is_inf(float x, bool detect_positive, bool detect_negative)
{
   return is_inf(static_cast<double>(x), detect_positive, detect_negative);
}
ONNX_BRIDGE_INLINE ivec is_inf(vec x, bool detect_positive, bool detect_negative)
{
   const ivec positive = as_int(x) == 0x7f800000, negative = as_int(x) == static_cast<std::int32_t>(0xff800000u);
   return (positive & -static_cast<std::int32_t>(detect_positive)) | (negative & -static_cast<std::int32_t>(detect_negative));
}

// reduce_operations.hxx: what the reductions of reduce.hxx do with an element.
//
// join() takes an element in, merge() joins partial results, finish() ends; of vec and of single numbers (V), with the same bits.
// start<T>() changes nothing that it is joined to; where it is 0 and joining 0 is harmless, the operation is additive.

struct Sum {
   static constexpr bool additive = true;
   template <class T>
   static constexpr T start()
   {
      return T();
   }
   template <class V>
   static __attribute__((always_inline)) V join(V sum, V x)
   {
      return add(sum, x);
   }
   template <class V>
   static __attribute__((always_inline)) V merge(V a, V b)
   {
      return add(a, b);
   }
   template <class V>
   __attribute__((always_inline)) V finish(V total) const
   {
      return total;
   }
};

/// The value below all others: -inf where there is one.
template <class T>
ONNX_BRIDGE_INLINE T lowest()
{
   if constexpr (std::is_floating_point<T>::value) return -infinity<T>();
   else return std::numeric_limits<T>::lowest();
}
template <class T>
ONNX_BRIDGE_INLINE T highest()
{
   if constexpr (std::is_floating_point<T>::value) return infinity<T>();
   else return (std::numeric_limits<T>::max)();
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

/// log(sum(exp(x))): reduce() knows how.
struct LogSumExp {};

// reduce.hxx: reductions over the middle of [outer][n][inner] to [outer][inner].
//
// Contiguous; x and y must not overlap; any size may be 0. Over several axes: one call after the other from the innermost, with the
// operations of the table below. ONNX's results for nothing to reduce: sum 0, product 1, maximum -inf or the smallest integer ...; mean 0.
// NaN propagates. A zero that is a maximum or minimum is +0. Integers wrap around.
//
// Order: float with inner a Const<1>: sums by sum_in_lanes, products in 32 lanes, too. Else one chain an output, in blocks of 256
// whose results are joined in order. Chosen by types alone: give inner as a Size where it depends on the input's shape.
//
// | ONNX                                  | one call    | of several: first ones | last one (count: all elements) |
// | ReduceSum, Max, Min, Prod, L1         | Sum ...     | the same               | the same; of L1, Sum           |
// | ReduceMean                            | Mean{n}     | Sum                    | Mean{count}                    |
// | ReduceSumSquare, L2                   | SumSquare   | SumSquare, then Sum    | Sum, RootOfSum                 |
// | ReduceLogSum                          | LogSum      | Sum                    | LogSum                         |
// | ReduceLogSumExp                       | LogSumExp   | LogSumExp              | LogSumExp                      |

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
#if ONNX_BRIDGE_LANES >= 16
   v = operation.merge(v, ONNX_BRIDGE_ROTATE(v, 8));
#endif
#if ONNX_BRIDGE_LANES >= 8
   v = operation.merge(v, ONNX_BRIDGE_ROTATE(v, 4));
#endif
   v = operation.merge(v, ONNX_BRIDGE_ROTATE(v, 2));
   v = operation.merge(v, ONNX_BRIDGE_ROTATE(v, 1));
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

template <class N>
ONNX_BRIDGE_INLINE float reduce_row(N n, const float* x, LogSumExp)
{
   const float most = combine_in_lanes(n, x, Max());
   if (!(abs(most) < infinity<float>())) return most;
   const vec top = splat(most);
   return most + log(sum_in_lanes(n, [&](vec sum, Size i, auto count) __attribute__((always_inline)) {
             return sum + keep_first(exp_nonpositive(load(x + i, count) - top), count);
          }));
}

/// One chain for each of Width * lanes neighbouring columns (Width 1: of `count`), in blocks of 256; not finished.
template <int Width, class Operation, class Count>
ONNX_BRIDGE_INLINE void reduce_chains(Size n, Size stride, const float* x, Count count, const Operation& operation, vec (&total)[Width])
{
   const vec start = splat(operation.template start<float>());
   Size begin = 0;
   do {
      const Size end = n - begin < 256 ? n : begin + 256;
      vec chain[Width];
      ONNX_BRIDGE_UNROLL
      for (int j = 0; j < Width; j++) chain[j] = start;
      for (Size i = begin; i < end; i++) {
         ONNX_BRIDGE_UNROLL
         for (int j = 0; j < Width; j++) chain[j] = operation.join(chain[j], load(x + i * stride + j * lanes, count));
      }
      ONNX_BRIDGE_UNROLL
      for (int j = 0; j < Width; j++) total[j] = begin == 0 ? chain[j] : operation.merge(total[j], chain[j]);
      begin = end;
   } while (begin < n);
}

/// A sum of exp(x - top).
struct SumExp : Sum {
   vec top;
   __attribute__((always_inline)) vec join(vec sum, vec x) const { return sum + exp_nonpositive(x - top); }
};

template <int Width, class Operation, class Count>
ONNX_BRIDGE_INLINE void reduce_columns(Size n, Size stride, const float* x, float* y, Count count, const Operation& operation)
{
   vec total[Width];
   reduce_chains(n, stride, x, count, operation, total);
   ONNX_BRIDGE_UNROLL
   for (int j = 0; j < Width; j++) store(y + j * lanes, operation.finish(total[j]), count);
}

template <int Width, class Count>
ONNX_BRIDGE_INLINE void reduce_columns(Size n, Size stride, const float* x, float* y, Count count, LogSumExp)
{
   for (int j = 0; j < Width; j++) {
      vec most[1], sum[1];
      reduce_chains(n, stride, x + j * lanes, count, Max(), most);
      SumExp operation;
      const ivec finite = abs(most[0]) < infinity<float>();
      operation.top = finite ? most[0] : vec{};
      reduce_chains(n, stride, x + j * lanes, count, operation, sum);
      store(y + j * lanes, finite ? most[0] + log(sum[0]) : most[0], count);
   }
}

/// Numbers that are not float: one chain in blocks of 256.
template <class T, class Operation>
ONNX_BRIDGE_INLINE T reduce_numbers(Size n, Size stride, const T* x, const Operation& operation)
{
   T total = operation.template start<T>();
   for (Size begin = 0; begin < n; begin += 256) {
      T chain = operation.template start<T>();
      for (Size i = begin; i < n && i < begin + 256; i++) chain = operation.join(chain, x[i * stride]);
      total = operation.merge(total, chain);
   }
   return operation.finish(total);
}

template <class T>
ONNX_BRIDGE_INLINE T reduce_numbers(Size n, Size stride, const T* x, LogSumExp)
{
   const double most = static_cast<double>(reduce_numbers(n, stride, x, Max()));
   if (n == 0 || is_nan(most) || is_inf(most, true, true)) return cast<T>(n == 0 ? -infinity<double>() : most);
   double sum = 0;
   for (Size i = 0; i < n; i++) sum += exp(static_cast<double>(x[i * stride]) - most);
   return cast<T>(most + log(sum));
}

/// y[outer][inner] from x[outer][n][inner]. n and inner: Const<> or Size. See the head of this file.
template <class T, class N, class Inner, class Operation>
ONNX_BRIDGE_KERNEL void reduce(Size outer, N n, Inner inner, const T* x, T* y, Operation operation)
{
   for (; outer > 0; outer--, x += n * inner, y += inner) {
      if constexpr (!std::is_same<T, float>::value) {
         for (Size j = 0; j < inner; j++) y[j] = reduce_numbers(n, inner, x + j, operation);
      } else if constexpr (std::is_same<Inner, Const<1>>::value)
         *y = reduce_row(n, x, operation);
      else {
         Size j = 0;
         for (; j + 4 * lanes <= inner; j += 4 * lanes) reduce_columns<4>(n, inner, x + j, y + j, All(), operation);
         for (; j + lanes <= inner; j += lanes) reduce_columns<1>(n, inner, x + j, y + j, All(), operation);
         if (j < inner) reduce_columns<1>(n, inner, x + j, y + j, inner - j, operation);
      }
   }
}

// ---- the network

struct MulAddMod {
   __attribute__((always_inline)) auto operator()(std::int64_t x0) const
   {
      const auto t0 = product(x0, std::int64_t{31});
      const auto t1 = add(t0, std::int64_t{7});
      return mod(t1, std::int64_t{11});
   }
};
struct GreaterOrEqual {
   __attribute__((always_inline)) auto operator()(std::int32_t x0, std::int32_t x1) const
   {
      return greater_or_equal(x0, x1);
   }
};

static bool run([[maybe_unused]] const Weights& w,
                [[maybe_unused]] char* arena,
                [[maybe_unused]] const std::size_t* at,
                [[maybe_unused]] const Dims& dims,
                [[maybe_unused]] const std::int64_t* ids,
                [[maybe_unused]] std::int32_t* total,
                [[maybe_unused]] bool* many) noexcept
{
   [[maybe_unused]] const Size N = static_cast<Size>(dims.N);
   [[maybe_unused]] const Size T = static_cast<Size>(dims.T);
   [[maybe_unused]] std::int64_t* const integers_Mod2 = reinterpret_cast<std::int64_t*>(arena + at[0]);
   [[maybe_unused]] std::int32_t* const integers_Gather3 = reinterpret_cast<std::int32_t*>(arena + at[2]);
   [[maybe_unused]] std::int32_t* const integers_Cast7 = reinterpret_cast<std::int32_t*>(arena + at[1]);
   // integers_Mul0 + integers_Add1 + integers_Mod2: ids [N, T] -> integers_Mod2 [N, T]
   scalar_map((N * T), integers_Mod2, MulAddMod(), ScalarRow<std::int64_t>{ids});
   // integers_Gather3: integers_Mod2 [N, T] -> integers_Gather3 [N, T, 2]
   gather(1, 11, 2, (N * T), w.integers_c3, integers_Mod2, integers_Gather3);
   // integers_ReduceSum4: integers_Gather3 [N, T, 2] -> integers_ReduceSum4 [N, 2]
   reduce(N, T, 2, integers_Gather3, total, Sum());
   // integers_Cast7: integers_Cast7 []
   integers_Cast7[0] = static_cast<std::int32_t>(T);
   // integers_GreaterOrEqual8: integers_ReduceSum4 [N, 2], integers_Cast7 [] -> many [N, 2]
   scalar_map((2 * N), many, GreaterOrEqual(), ScalarRow<std::int32_t>{total}, ScalarStrided<std::int32_t>{integers_Cast7, 0});
   // total: integers_ReduceSum4 [N, 2] -> total [N, 2]
   return true;
}

#undef ONNX_BRIDGE_INLINE
#undef ONNX_BRIDGE_KERNEL
#undef ONNX_BRIDGE_UNROLL
#undef ONNX_BRIDGE_KEEP
#undef ONNX_BRIDGE_SHUFFLE
#undef ONNX_BRIDGE_ROTATE
#undef ONNX_BRIDGE_INDEPENDENT
#undef ONNX_BRIDGE_COMPARISON
}}}  // namespace onnx_bridge::integers::ONNX_BRIDGE_REGION
#endif
