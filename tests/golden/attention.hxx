// attention.hxx: made by onnx_bridge VERSION. Do not edit; convert the model again.
//
//   model      attention.onnx, sha256 0000000000000000..., ai.onnx 17
//   operators  3 Dense, 1 FusedAttention, 1 Reshape
//   input      x  float32 [B, S, 8]
//   output     y  float32 [B, S, 8]
//   weights    attention.dat, 1,984 bytes (safetensors)
//   workspace  2,304 bytes where every size is 1
//   proof      none: converted without verification
//
//   onnx_bridge::attention::Model model("attention.dat");  // weights, mapped once; const, any number of threads
//   onnx_bridge::attention::Workspace ws(model, {B, S});  // one a thread
//   model.infer(ws, {B, S}, x, y);  // caller's memory in and out
//
//   TMVA_SOFIE_attention::Session s("attention.dat");  // SOFIE's face on the same body
//   auto y = s.infer(B, S, x);
//
// Contract. infer() is const and noexcept; it allocates nothing, locks nothing, calls nothing of the system and starts no
// thread. A row's bits do not depend on the other rows, on the batch, on alignment or on the thread, and are the same on
// every processor that has a fused multiply-add (x86-64 since 2013, arm64), with every compiler and flag. Only
// constructors throw: a Model's std::runtime_error, with what was wrong with the weights, a Workspace's std::length_error
// or std::bad_alloc. Model::open and Workspace::make do not, and are what there is without exceptions.
#if !defined(ONNX_BRIDGE_LANES)  // ------------------------------------------------------------ the face, read once
#ifndef ONNX_BRIDGE_MODEL_ATTENTION
#define ONNX_BRIDGE_MODEL_ATTENTION
#include <atomic>
#include <cerrno>
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
#include <type_traits>
#include <utility>
#include <vector>
#if defined(__unix__) || defined(__APPLE__)
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#endif

namespace onnx_bridge { namespace attention {

/// Sizes that the model leaves open.
struct Dims {
   std::size_t B = 1;
   std::size_t S = 1;
};

/// An input or output: its ONNX name, element type and shape; -1 stands for a size that is known at run time,
/// and for the rank of an output that has one or another: `shape` is the number of its elements then.
struct Argument {
   const char* name;
   const char* type;
   int rank;
   std::ptrdiff_t shape[8];
};
inline constexpr Argument inputs[] = {{"x", "float32", 3, {-1, -1, 8}}};
inline constexpr Argument outputs[] = {{"y", "float32", 3, {-1, -1, 8}}};

/// Which instruction set's body runs: the widest that the processor has, unless one is asked for. All that have a fused
/// multiply-add (each but baseline, and that on arm64) give the same bits.
enum class Body { best = 0, baseline = 4, avx2 = 8, avx512 = 16 };

/// Where each weight lies in memory, packed for the kernels, the same on every processor.
struct Weights {
   const char* data = nullptr;
   template <class T>
   const T* at(std::size_t offset) const { return reinterpret_cast<const T*>(data + offset); }
   const float* attention_MatMul0_weights() const { return at<float>(0); }  // [1, 8, 16]
   const float* attention_MatMul3_weights() const { return at<float>(512); }  // [1, 8, 16]
   const float* attention_MatMul6_weights() const { return at<float>(1024); }  // [1, 8, 16]
};

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
   __attribute__((cold)) bool open(const char* path, std::string& problem)
   {
#if defined(__unix__) || defined(__APPLE__)
      const int file = ::open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
      if (file < 0) return failure(problem, path, errno);
      struct stat status;
      const int code = ::fstat(file, &status) != 0 ? errno : 0;
      const bool regular = code == 0 && S_ISREG(status.st_mode);
      bytes = regular && status.st_size > 0 ? static_cast<std::size_t>(status.st_size) : 0;
      const bool whole = regular && static_cast<std::uintmax_t>(status.st_size) == bytes;
      void* const begin = bytes > 0 && whole ? ::mmap(nullptr, bytes, PROT_READ, MAP_PRIVATE, file, 0) : nullptr;
      const int mapping = begin == MAP_FAILED ? errno : 0;
      ::close(file);
      if (code != 0 || mapping != 0) return failure(problem, path, code + mapping);
      if (!regular) return failure(problem, path, 0, ": not a regular file");
      if (!whole) return failure(problem, path, EFBIG);
      if (bytes == 0) return true;
      data.reset(static_cast<const char*>(begin), [size = bytes](const char* p) { ::munmap(const_cast<char*>(p), size); });
      identity = identity_of(status);
#else
      errno = 0;
      const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path, "rb"), std::fclose);
      if (!file || std::fseek(file.get(), 0, SEEK_END) != 0) return failure(problem, path, errno);
      const long size = std::ftell(file.get());
      const bool known = size >= 0 && size < (std::numeric_limits<long>::max)();  // of a folder it may be the largest number
      if (!known || std::fseek(file.get(), 0, SEEK_SET) != 0) return failure(problem, path, errno);
      const std::size_t wanted = static_cast<std::size_t>(size);
      char* const begin = static_cast<char*>(::operator new(wanted, std::align_val_t(64), std::nothrow));
      if (!begin) return failure(problem, path, ENOMEM);
      data.reset(begin, [](const char* p) { ::operator delete(const_cast<char*>(p), std::align_val_t(64)); });
      if (std::fread(begin, 1, wanted, file.get()) != wanted) return failure(problem, path, errno);
      bytes = wanted;
#endif
      return true;
   }

   /// The name of the weights where none is given: in the working directory if it is there, else `beside` the library or program, else
   /// beside `header`.
   __attribute__((cold)) static std::string find(const std::string& name, const std::string& beside, const std::string& header)
   {
      std::string problem;
      for (const std::string& place : {name, beside, folder(header) + name})
         if (WeightsFile().open(place.c_str(), problem)) return place;
      return name;
   }

   /// `path` from the folder of the program or shared library that has `address`; as it is where it is absolute or that is not known.
   __attribute__((cold)) static std::string beside(const std::string& path, [[maybe_unused]] const void* address)
   {
      if (!path.empty() && (path[0] == '/' || path[0] == '\\' || path.find(':') == 1)) return path;
#if defined(__linux__)
      const std::unique_ptr<std::FILE, int (*)(std::FILE*)> maps(std::fopen("/proc/self/maps", "re"), std::fclose);
      char line[4352], file[4200];
      const auto place = reinterpret_cast<std::uintptr_t>(address);
      for (unsigned long begin, end; maps && std::fgets(line, sizeof(line), maps.get());) {
         const int read = std::sscanf(line, "%lx-%lx %*s %*s %*s %*s %4199[^\n]", &begin, &end, file);
         if (read == 3 && begin <= place && place < end) return folder(file) + path;
      }
#elif defined(__unix__) || defined(__APPLE__)
      ::Dl_info found{};
      if (::dladdr(address, &found) != 0 && found.dli_fname) return folder(found.dli_fname) + path;
#endif
      return path;
   }

private:
   __attribute__((cold)) static bool failure(std::string& problem, const char* path, int code, const char* said = "")
   {
      problem.assign("cannot open weights file ").append(path).append(code != 0 ? ": " : said);
      if (code != 0) problem.append(std::generic_category().message(code));
      return false;
   }
   /// With the separator at its end.
   static std::string folder(const std::string& path) { return path.substr(0, path.find_last_of("/\\") + 1); }
#if defined(__unix__) || defined(__APPLE__)
   /// 0 where the file was changed within the last two seconds: it might be changed again in the same second.
   static std::uint64_t identity_of(const struct stat& status)
   {
      if (std::time(nullptr) - status.st_ctime < 3 || std::time(nullptr) - status.st_mtime < 3) return 0;
      const auto number = [](auto x) { return static_cast<std::uint64_t>(x); };
      const std::uint64_t parts[] = {number(status.st_dev), number(status.st_ino), number(status.st_size), number(status.st_mtime),
                                     number(status.st_ctime)};
      return checksum(reinterpret_cast<const char*>(parts), sizeof(parts));
   }
#endif
};

/// What is checked of the weights when a Model is made. all: every byte, by a sum, once for each file that stays as it is while the process
/// lives. layout: the size and the file's header, by which another model's weights are found; a damaged number is then a wrong result.
enum class Check { all, layout };

/// The weights that a model was made with: `header_bytes` of header, then `payload_bytes` of payload, both multiples of 64.
struct ExpectedWeights {
   std::size_t header_bytes, payload_bytes;
   unsigned long long header_hash, payload_hash;

   /// Whether some memory holds exactly these weights; what is wrong with it goes on behind its name.
   __attribute__((cold)) bool are(const char* data, std::size_t bytes, Check check, std::uint64_t identity, char (&problem)[80]) const
   {
      const auto said = [](int) { return false; };
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
      return said(std::snprintf(problem, 80, " holds little-endian numbers, and this machine is big-endian"));
#endif
      if (bytes >= header_bytes && checksum(data, header_bytes) != header_hash)
         return said(std::snprintf(problem, 80, " holds the weights of another model"));
      if (const unsigned long long all = header_bytes + payload_bytes, has = bytes; has != all)
         return said(std::snprintf(problem, 80, " has %llu bytes, expected %llu", has, all));
      if (reinterpret_cast<std::uintptr_t>(data) % 64 != 0) return said(std::snprintf(problem, 80, " is not aligned to 64 bytes"));
      static std::atomic<std::uint64_t> summed{0};  // the last file that was found right, with what it was compared with
      const std::uint64_t known = identity == 0 ? 0 : (identity ^ payload_hash) | 1;
      if (check == Check::layout || (known != 0 && summed.load(std::memory_order_relaxed) == known)) return true;
      const unsigned long long found = checksum(data + header_bytes, payload_bytes);
      if (found != payload_hash)
         return said(std::snprintf(problem, 80, " is damaged: checksum %016llx, expected %016llx", found, payload_hash));
      if (known != 0) summed.store(known, std::memory_order_relaxed);
      return true;
   }
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
   /// Maps the weights file. Where none is named, it is "attention.dat" in the working directory, else beside the
   /// shared library or program that this is compiled into, else beside this header.
   explicit Model(const std::string& file = "", Body body = Body::best, Check check = Check::all)
   { std::string error; if (!load(file, body, check, error)) raise(error); }
   /// Weights in the caller's memory (64-byte aligned), which must outlive the Model.
   Model(const void* data, std::size_t bytes, Body body = Body::best, Check check = Check::all)
   { std::string error; if (!bind(static_cast<const char*>(data), bytes, "memory", 0, body, check, error)) raise(error); }
#endif
   static std::optional<Model> open(const std::string& file, std::string& error,
      Body body = Body::best, Check check = Check::all) noexcept
   {
      Model model(nullptr);
      return opened(model, model.load(file, body, check, error), error);
   }
   static std::optional<Model> open(const void* data, std::size_t bytes, std::string& error,
      Body body = Body::best, Check check = Check::all) noexcept
   {
      Model model(nullptr);
      return opened(model, model.bind(static_cast<const char*>(data), bytes, "memory", 0, body, check, error), error);
   }
   /// A path from the folder of the shared library or program that this is compiled into, as
   /// Model(Model::beside("../share/net.dat")) needs. The path itself where it is absolute, or that folder is not known.
#if !defined(_WIN32)
   __attribute__((visibility("hidden")))
#endif
   static std::string beside(const std::string& path)
   {
      static const char here = 0;
      return WeightsFile::beside(path, &here);
   }

   /// Writes the outputs. False where the dims are larger than sizes can be, or need more than the Workspace has: then
   /// nothing is written. Outputs overlap neither inputs nor one another nor the Workspace; inputs may overlap.
   bool infer(Workspace& ws, [[maybe_unused]] Dims dims, const float* x, float* y) const noexcept;

   /// Bytes of scratch memory that one call needs; the largest std::size_t where no memory is that large.
   static std::size_t workspace_bytes(Dims dims = {}) noexcept
   {
      std::size_t at[4];
      return plan(dims, at);
   }

   /// Elements of output `index`; 0 where infer refuses the dims whatever the Workspace has.
   static std::size_t output_size(int index, Dims dims = {}) noexcept
   {
      const Checked B = Checked::dim(dims.B), S = Checked::dim(dims.S);
      if (!takes(dims)) return 0;
      switch (index) {
      case 0: return (8 * B * S).count();
      default: return 0;
      }
   }

private:
   friend class Workspace;
   using Run = bool (*)(const Weights&, char*, const std::size_t*, const Dims&, const float*, float*) noexcept;
   explicit Model(std::nullptr_t) {}
   static bool takes(const Dims& dims) noexcept
   {
      const Checked B = Checked::dim(dims.B), S = Checked::dim(dims.S);
      for (const Checked& size : {Checked(32 * B * S)})
         if (size.overflows()) return false;  // it would in the network, too
      return true;
   }
   static std::size_t plan(const Dims& dims, std::size_t* at) noexcept
   {
      const Checked B = Checked::dim(dims.B), S = Checked::dim(dims.S);
      Layout<4> layout(at);
      layout.add(64 * floor_div(32 * B * S + 63, 64));
      layout.add(64 * floor_div(32 * B * S + 63, 64), {0});
      layout.add(64 * floor_div(32 * B * S + 63, 64), {1});
      layout.add(1152 * floor_div(S + 15, 16) + 64 * S + 896, {2});
      return layout.end;
   }
   bool load(const std::string& file, Body body, Check check, std::string& error);
   bool bind(const char* data, std::size_t bytes, const char* where,
      std::uint64_t identity, Body body, Check check, std::string& error);
   bool choose(Body body, std::string& error);
   static std::optional<Model> opened(Model& model, bool right, std::string& error)
   {
      error.replace(0, right ? std::string::npos : 0, right ? "" : "attention: ");
      return right ? std::optional<Model>(std::move(model)) : std::nullopt;
   }
#if defined(__cpp_exceptions)
   [[noreturn]] static void raise(const std::string& error) { throw std::runtime_error("attention: " + error); }
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
      if (bytes_ == static_cast<std::size_t>(-1)) throw std::length_error("attention: a workspace for these dims is larger than any memory");
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
      if (dims.B == dims_.B && dims.S == dims_.S) return takes_;
      if (!Model::takes(dims)) return false;
      if (Model::plan(dims, at_) > bytes_) {
         Model::plan(dims_, at_);
         return false;
      }
      dims_ = dims;
      return takes_ = true;
   }

   Dims dims_;
   std::size_t at_[4];  // the plan for dims_
   std::size_t bytes_;
   bool takes_;
   std::unique_ptr<char[]> own_{};
   char* memory_ = nullptr;
};

}}  // namespace onnx_bridge::attention

// The kernels and the network, once for each instruction set: this file includes itself below.
#if defined(__FILE_NAME__)
#define ONNX_BRIDGE_SELF __FILE_NAME__
#elif __has_include(__FILE__)
#define ONNX_BRIDGE_SELF __FILE__
#else
#define ONNX_BRIDGE_SELF "attention.hxx"
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

namespace onnx_bridge { namespace attention {

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
__attribute__((cold)) inline bool Model::bind(const char* data, std::size_t bytes, const char* where,
      std::uint64_t identity, Body body, Check check, std::string& error)
{
   constexpr ExpectedWeights expected = {448, 1536, 0xd242ab0ea483e8bcu, 0x592a24965d581872u};
   char problem[80];
   w_.data = data + 448;
   if (expected.are(data, bytes, check, identity, problem)) return choose(body, error);
   return error.assign(where).append(problem).empty();
}

__attribute__((cold)) inline bool Model::load(const std::string& file, Body body, Check check, std::string& error)
{
   WeightsFile found;
   const std::string name = "attention.dat";
   const std::string path = file.empty() ? WeightsFile::find(name, beside(name), __FILE__) : file;
   if (!found.open(path.c_str(), error)) return false;
   file_ = found.data;
   return bind(found.data.get(), found.bytes, path.c_str(), found.identity, body, check, error);
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

inline bool Model::infer(Workspace& ws, [[maybe_unused]] Dims dims, const float* x, float* y) const noexcept
{
   if (!ws.fit(dims)) return false;
   return run_(w_, ws.memory_, ws.at_, dims, x, y);
}

}}  // namespace onnx_bridge::attention

#if defined(__cpp_exceptions)
namespace TMVA_SOFIE_attention {

/// SOFIE's face. Movable and copyable; copies share the weights. One a thread.
struct Session {
   explicit Session(std::string filename = "", std::size_t B = 1, std::size_t S = 1)
      : model(filename), dims{B, S}, workspace(new onnx_bridge::attention::Workspace(model, dims)) {}
   Session(const Session& other) : model(other.model), dims(other.dims), workspace(new onnx_bridge::attention::Workspace(model, dims)) {}
   Session(Session&&) = default;
   Session& operator=(Session&&) = default;
   Session& operator=(const Session& other) { return *this = Session(other); }

   void doInfer(std::size_t B, std::size_t S, const float* x, std::vector<float>& y)
   {
      const onnx_bridge::attention::Dims sizes{B, S};
      y.resize(onnx_bridge::attention::Model::output_size(0, sizes));
      const bool done = model.infer(*workspace, sizes, x, y.data());
      if (!done) workspace.reset(new onnx_bridge::attention::Workspace(model, sizes));  // sizes that are larger than any before
      if (!done && !model.infer(*workspace, sizes, x, y.data())) throw std::runtime_error("attention: sizes do not agree with the inputs");
   }
   std::vector<float> infer(std::size_t B, std::size_t S, const float* x)
   {
      std::vector<float> y;
      doInfer(B, S, x, y);
      return y;
   }
   std::vector<float> infer(const float* x) { return infer(dims.B, dims.S, x); }

   onnx_bridge::attention::Model model;
   onnx_bridge::attention::Dims dims;  // those that the Session was made for
   std::unique_ptr<onnx_bridge::attention::Workspace> workspace;
};

/// Raw pointers in and out; the Session's own sizes bound the call's.
inline void doInfer(const Session& session, std::size_t B, std::size_t S, const float* x, float* y)
{
   if (!session.model.infer(*session.workspace, {B, S}, x, y))
      throw std::runtime_error("attention: sizes beyond those that the Session was made for");
}

}  // namespace TMVA_SOFIE_attention
namespace SOFIE_attention = TMVA_SOFIE_attention;
#endif
#endif  // ONNX_BRIDGE_MODEL_ATTENTION
#else  // --------------------------------------------------------------- read once for each instruction set
namespace onnx_bridge { namespace attention { namespace ONNX_BRIDGE_REGION {

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
ONNX_BRIDGE_INLINE ivec splat(std::int32_t x) { return x - ivec{}; }
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

/// Lanes at and beyond n set to +0.
ONNX_BRIDGE_INLINE vec keep_first(vec v, All) { return v; }
ONNX_BRIDGE_INLINE vec keep_first(vec v, Size n)
{
   ivec index{};
   for (int i = 0; i < lanes; i++) index[i] = i;
   return as_float(as_int(v) & (index < static_cast<std::int32_t>(n)));
}

ONNX_BRIDGE_INLINE vec mul(vec a, vec b) { vec t = a * b; ONNX_BRIDGE_KEEP(t); return t; }

/// a * b + c, rounded once. The baseline of x86 has no such instruction and rounds twice.
#if defined(ONNX_BRIDGE_HAS_AVX512)
ONNX_BRIDGE_INLINE vec fma(vec a, vec b, vec c) { return __builtin_ia32_vfmaddps512_mask(a, b, c, static_cast<unsigned short>(-1), 4); }
#elif defined(ONNX_BRIDGE_HAS_AVX2) && defined(__clang__) && __clang_major__ >= 20
ONNX_BRIDGE_INLINE vec fma(vec a, vec b, vec c) { return __builtin_elementwise_fma(a, b, c); }
#elif defined(ONNX_BRIDGE_HAS_AVX2)
ONNX_BRIDGE_INLINE vec fma(vec a, vec b, vec c) { return __builtin_ia32_vfmaddps256(a, b, c); }
#elif defined(__x86_64__)
ONNX_BRIDGE_INLINE vec fma(vec a, vec b, vec c) { return mul(a, b) + c; }
#elif defined(__aarch64__) && !defined(__clang__)
ONNX_BRIDGE_INLINE vec fma(vec a, vec b, vec c) { return __builtin_aarch64_fmav4sf(a, b, c); }
#else
ONNX_BRIDGE_INLINE vec fma(vec a, vec b, vec c) { vec r; for (int i = 0; i < lanes; i++) r[i] = __builtin_fmaf(a[i], b[i], c[i]); return r; }
#endif

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
#if defined(__clang__) && defined(__x86_64__)
ONNX_BRIDGE_INLINE float larger(float a, float b) { return larger(splat(a), splat(b))[0]; }
#else
ONNX_BRIDGE_INLINE float larger(float a, float b) { return a > b ? a : b; }
#endif

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

/// The largest lane. Order does not matter to a maximum.
ONNX_BRIDGE_INLINE float largest(vec v)
{
   if constexpr (lanes >= 16) v = larger(v, rotate<8>(v));
   if constexpr (lanes >= 8) v = larger(v, rotate<4>(v));
   v = larger(v, rotate<2>(v));
   v = larger(v, rotate<1>(v));
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

// epilogue.hxx: what is done to a value between the kernel that has summed it and memory.
/// Stores what was summed.
struct Keep {
   template <class Count>
   __attribute__((always_inline)) vec operator()(vec value, Size, Size, Count) const
   {
      return value;
   }
};

// exp.hxx: the exponential function.
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

// gemm_tile.hxx: sums of products for a few rows and a few vectors of columns, all in registers.
constexpr Size panel_columns = 16;  // of packed right operands, on every processor
constexpr Size block_terms = 256;

/// Rows and vectors of columns of the largest tile: what the registers hold.
constexpr int tile_rows = lanes == 16 ? 14 : 6;
constexpr int tile_vectors = 2;

/// n rounded up to whole panels.
constexpr Size whole_panels(Size n) { return (n + panel_columns - 1) / panel_columns * panel_columns; }

/// A right operand: element (k, n) lies at data[k * row + n / 16 * panel + n % 16].
/// Packed: row 16, panel 16 K. A plain matrix with contiguous columns: row its stride, panel 16.
struct Panels {
   const float* data;
   Size row, panel;

   /// The same operand seen from term k and column n on (n a multiple of 16, or any n in a plain matrix or within one panel).
   __attribute__((always_inline)) Panels from(Size k, Size n) const
   {
      return {data + k * row + n / panel_columns * panel + n % panel_columns, row, panel};
   }
};

/// sum[i][j] = start[i][j] + sum over one block of `terms` <= 256 terms of X[i][k] W[k][j]; without start (nullptr) the sum alone.
/// start_row is 0 for a bias.
template <int Rows, int Vectors>
ONNX_BRIDGE_INLINE void sum_tile(Size terms, const float* X, Size ldx, const Panels& W, const float* start, Size start_row,
                                 vec (&sum)[Rows][Vectors])
{
   ONNX_BRIDGE_UNROLL
   for (int i = 0; i < Rows; i++) {
      ONNX_BRIDGE_UNROLL
      for (int j = 0; j < Vectors; j++) sum[i][j] = vec{};
   }
   const float* w = W.data;
   const Size row = W.row, panel = W.panel;
   for (Size k = 0; k < terms; k++, w += row) {
      vec column[Vectors];
      ONNX_BRIDGE_UNROLL
      for (int j = 0; j < Vectors; j++) column[j] = load(w + j * lanes / panel_columns * panel + j * lanes % panel_columns);
      ONNX_BRIDGE_UNROLL
      for (int i = 0; i < Rows; i++) {
         const vec x = splat(X[i * ldx + k]);
         ONNX_BRIDGE_UNROLL
         for (int j = 0; j < Vectors; j++) sum[i][j] = fma(x, column[j], sum[i][j]);
      }
   }
   if (start) {
      ONNX_BRIDGE_UNROLL
      for (int i = 0; i < Rows; i++) {
         ONNX_BRIDGE_UNROLL
         for (int j = 0; j < Vectors; j++) sum[i][j] = load(start + i * start_row + j * lanes) + sum[i][j];
      }
   }
}

/// sum_tile to memory: Y[i][j]; start may be Y itself, where the total so far waits.
template <int Rows, int Vectors>
ONNX_BRIDGE_KERNEL void gemm_tile(Size terms, const float* X, Size ldx, const Panels& W, const float* start, Size start_row, float* Y,
                                  Size ldy)
{
   vec sum[Rows][Vectors];
   sum_tile(terms, X, ldx, W, start, start_row, sum);
   ONNX_BRIDGE_UNROLL
   for (int i = 0; i < Rows; i++) {
      ONNX_BRIDGE_UNROLL
      for (int j = 0; j < Vectors; j++) store(Y + i * ldy + j * lanes, sum[i][j]);
   }
}

using GemmTile = void (*)(Size, const float*, Size, const Panels&, const float*, Size, float*, Size);

/// The most vectors of columns, of 1, 2 and 4, for which there is a tile of `rows` rows and that fit into `columns`;
/// the fewest there are where none fits.
ONNX_BRIDGE_INLINE int vectors_of_tile(int rows, Size columns)
{
   if (rows <= 3 && columns >= 4 * lanes) return 4;
   return lanes == 16 && columns < 2 * lanes ? 1 : tile_vectors;
}

/// The tile of 1 <= rows <= tile_rows rows and as many vectors as vectors_of_tile says.
ONNX_BRIDGE_INLINE GemmTile find_tile(int rows, int vectors)
{
   static const GemmTile wide[] = {gemm_tile<1, 4>, gemm_tile<2, 4>, gemm_tile<3, 4>};
   static const GemmTile usual[] = {gemm_tile<1, 2>,  gemm_tile<2, 2>,  gemm_tile<3, 2>, gemm_tile<4, 2>,  gemm_tile<5, 2>,
                                    gemm_tile<6, 2>,
#if ONNX_BRIDGE_LANES == 16
                                    gemm_tile<7, 2>,  gemm_tile<8, 2>,  gemm_tile<9, 2>, gemm_tile<10, 2>, gemm_tile<11, 2>,
                                    gemm_tile<12, 2>, gemm_tile<13, 2>, gemm_tile<14, 2>
#endif
   };
#if ONNX_BRIDGE_LANES == 16
   static const GemmTile narrow[] = {gemm_tile<1, 1>,  gemm_tile<2, 1>,  gemm_tile<3, 1>,  gemm_tile<4, 1>, gemm_tile<5, 1>,
                                     gemm_tile<6, 1>,  gemm_tile<7, 1>,  gemm_tile<8, 1>,  gemm_tile<9, 1>, gemm_tile<10, 1>,
                                     gemm_tile<11, 1>, gemm_tile<12, 1>, gemm_tile<13, 1>, gemm_tile<14, 1>};
   if (vectors == 1) return narrow[rows - 1];
#endif
   return (vectors == 4 ? wide : usual)[rows - 1];
}

/// One row against `Count` panels, every block of it: y[16 Count]. `Blocks` whole blocks are summed side by side, which hides the
/// latency of fma() where the panels are too few to do so, and then added in order: the same sums as gemm_tile's.
template <int Count, int Blocks>
ONNX_BRIDGE_KERNEL void gemv_tile(Size K, const float* x, Size x_column, const Panels& W, const float* bias, float* y)
{
   constexpr int vectors = Count * static_cast<int>(panel_columns) / lanes;
   vec total[vectors];
   bool started = bias != nullptr;
   ONNX_BRIDGE_UNROLL
   for (int j = 0; j < vectors; j++) total[j] = bias ? load(bias + j * lanes) : vec{};
   const auto add_blocks = [&](auto side_by_side, Size begin, Size terms) __attribute__((always_inline)) {
      constexpr int blocks = static_cast<int>(Size(side_by_side));
      vec sum[blocks][vectors] = {};
      const float* term = x + begin * x_column;
      const float* w = W.data + begin * W.row;
      for (Size k = 0; k < terms; k++, w += W.row, term += x_column) {
         ONNX_BRIDGE_UNROLL
         for (int b = 0; b < blocks; b++) {
            const vec value = splat(term[b * block_terms * x_column]);
            ONNX_BRIDGE_UNROLL
            for (int j = 0; j < vectors; j++) {
               const Size at = j * lanes / panel_columns * W.panel + j * lanes % panel_columns;
               sum[b][j] = fma(value, load(w + b * block_terms * W.row + at), sum[b][j]);
            }
         }
      }
      ONNX_BRIDGE_UNROLL
      for (int b = 0; b < blocks; b++) {
         ONNX_BRIDGE_UNROLL
         for (int j = 0; j < vectors; j++) total[j] = started ? total[j] + sum[b][j] : sum[b][j];
         started = true;
      }
   };
   Size begin = 0;
   if (Blocks > 1)
      for (; begin + Blocks * block_terms <= K; begin += Blocks * block_terms) add_blocks(Const<Blocks>(), begin, block_terms);
   for (; begin < K; begin += block_terms) add_blocks(Const<1>(), begin, K - begin < block_terms ? K - begin : block_terms);
   ONNX_BRIDGE_UNROLL
   for (int j = 0; j < vectors; j++) store(y + j * lanes, total[j]);
}

/// Panels that gemv_columns takes at once, at most: more streams would collide in the first cache where K is a power of two.
constexpr Size gemv_panels = lanes == 4 ? 2 : 4;

/// y[16 panels] for the next 4, 2 or 1 panels, whichever is the most that `panels` allows; returns how many it took.
ONNX_BRIDGE_INLINE Size gemv_columns(Size panels, Size K, const float* x, Size x_column, const Panels& W, const float* bias, float* y)
{
   constexpr int side_by_side = lanes == 16 ? 4 : 2;  // for two panels
   if (gemv_panels == 4 && panels >= 4) {
      gemv_tile<lanes == 4 ? 1 : 4, 1>(K, x, x_column, W, bias, y);
      return 4;
   }
   if (panels >= 2) {
      gemv_tile<2, lanes == 4 ? 1 : side_by_side>(K, x, x_column, W, bias, y);
      return 2;
   }
   gemv_tile<1, lanes == 4 ? 2 : 4>(K, x, x_column, W, bias, y);
   return 1;
}

// transpose.hxx: rows into columns, four by four.
typedef float quad __attribute__((vector_size(16)));
typedef float unaligned_quad __attribute__((vector_size(16), aligned(4), may_alias));
#if defined(__clang__)
#define ONNX_BRIDGE_SHUFFLE_PAIR(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
typedef std::int32_t quad_of_int __attribute__((vector_size(16)));
#define ONNX_BRIDGE_SHUFFLE_PAIR(a, b, ...) __builtin_shuffle(a, b, quad_of_int{__VA_ARGS__})
#endif

ONNX_BRIDGE_INLINE quad load_quad(const float* p) { return *reinterpret_cast<const unaligned_quad*>(p); }
ONNX_BRIDGE_INLINE void store_quad(float* p, quad v) { *reinterpret_cast<unaligned_quad*>(p) = v; }

/// to[j][i] = from[i][j] for 4 x 4 elements.
ONNX_BRIDGE_INLINE void transpose_quads(const float* from, Size from_row, float* to, Size to_row)
{
   const quad a = load_quad(from), b = load_quad(from + from_row), c = load_quad(from + 2 * from_row), d = load_quad(from + 3 * from_row);
   const quad ab_low = ONNX_BRIDGE_SHUFFLE_PAIR(a, b, 0, 4, 1, 5), ab_high = ONNX_BRIDGE_SHUFFLE_PAIR(a, b, 2, 6, 3, 7);
   const quad cd_low = ONNX_BRIDGE_SHUFFLE_PAIR(c, d, 0, 4, 1, 5), cd_high = ONNX_BRIDGE_SHUFFLE_PAIR(c, d, 2, 6, 3, 7);
   store_quad(to, ONNX_BRIDGE_SHUFFLE_PAIR(ab_low, cd_low, 0, 1, 4, 5));
   store_quad(to + to_row, ONNX_BRIDGE_SHUFFLE_PAIR(ab_low, cd_low, 2, 3, 6, 7));
   store_quad(to + 2 * to_row, ONNX_BRIDGE_SHUFFLE_PAIR(ab_high, cd_high, 0, 1, 4, 5));
   store_quad(to + 3 * to_row, ONNX_BRIDGE_SHUFFLE_PAIR(ab_high, cd_high, 2, 3, 6, 7));
}

/// to[j * to_row + i] = from[i * from_row + j * from_column] for i < rows, j < columns: any strides, also 0. The fast way is from_column 1.
/// Nothing else is read or written; the two do not overlap.
ONNX_BRIDGE_KERNEL void transpose(Size rows, Size columns, const float* from, Size from_row, Size from_column, float* to, Size to_row)
{
   Size i = 0;
   if (from_column == 1)
      for (; i + 4 <= rows; i += 4) {
         Size j = 0;
         for (; j + 4 <= columns; j += 4) transpose_quads(from + i * from_row + j, from_row, to + j * to_row + i, to_row);
         for (; j < columns; j++)
            for (Size k = i; k < i + 4; k++) to[j * to_row + k] = from[k * from_row + j];
      }
   for (; i < rows; i++)
      for (Size j = 0; j < columns; j++) to[j * to_row + i] = from[i * from_row + j * from_column];
}

// pack.hxx: a matrix that is known only at run time, copied into panels of 16 columns.
/// One panel: packed[K][16] from `columns` <= 16 columns of B, element (k, n) at B[k * b_row + n * b_column].
ONNX_BRIDGE_KERNEL void pack_panel(Size K, Size columns, const float* B, Size b_row, Size b_column, float* packed)
{
   if (b_column == 1 && columns == panel_columns) {
      for (Size k = 0; k < K; k++) {
         ONNX_BRIDGE_UNROLL
         for (Size j = 0; j < panel_columns; j += lanes) store(packed + k * panel_columns + j, load(B + k * b_row + j));
      }
      return;
   }
   if (K == 0) return;
   if (columns < panel_columns) std::memset(packed, 0, static_cast<std::size_t>(K * panel_columns) * sizeof(float));
   transpose(columns, K, B, b_column, b_row, packed, panel_columns);
}

/// packed[ceil(N / 16)][K][16] from B, element (k, n) at B[k * b_row + n * b_column].
ONNX_BRIDGE_INLINE void pack_panels(Size K, Size N, const float* B, Size b_row, Size b_column, float* packed)
{
   for (Size n = 0; n < N; n += panel_columns)
      pack_panel(K, N - n < panel_columns ? N - n : panel_columns, B + n * b_column, b_row, b_column, packed + n * K);
}

// product_tiles.hxx: how products of matrices are cut into tiles. What gemm.hxx, matmul.hxx and attention.hxx have in common.
/// to[i][j] = epilogue(from[i][j]), known to the epilogue as element (row + i, column + j). `to` may be `from`.
template <class Epilogue>
ONNX_BRIDGE_INLINE void finish_tile(Size rows, Size columns, const float* from, Size from_row, float* to, Size to_row, Size row,
                                    Size column, const Epilogue& epilogue)
{
   for (Size i = 0; i < rows; i++, from += from_row, to += to_row) {
      Size j = 0;
      for (; j + lanes <= columns; j += lanes) store(to + j, epilogue(load(from + j), row + i, column + j, All()));
      if (j < columns) {
         const Size rest = columns - j;
         store(to + j, epilogue(load(from + j, rest), row + i, column + j, rest), rest);
      }
   }
}

/// Whether an epilogue says of itself `static constexpr bool cheap = true`: a few instructions, such as a ReLU. It is then applied in
/// the registers of the largest tile, at the price of one more copy of that tile in the program.
template <class Epilogue, class = void>
struct is_cheap : std::false_type {
   template <class... Argument>
   static void finish(const Argument&...)
   {
   }
};

/// Some of the terms of a product: whole blocks, or the last ones.
struct ProductPart {
   Size M, terms;
   const float* X;  ///< element (m, k) at X[m * x_row + k * x_column]
   Size x_row, x_column;
   Panels W;           ///< from the part's first term and the first column on
   bool plain;         ///< W is a plain matrix of at least 16 columns: there is nothing beyond the last one
   const float* bias;  ///< from the first column on; nullptr: none
   bool first, last;   ///< of the product's parts
};

/// How many terms and columns of the right operand all rows use before the next ones are touched; at most 256 of each where the
/// right operand is packed for it (`packs`). Does not show in the bits.
struct ProductCut {
   static constexpr Size elements = 65536;  ///< terms * columns: a quarter of a common second cache
   bool copies;                             ///< the left operand's rows are copied: not neighbours, or in the way of each other
   Size terms, columns;

   __attribute__((always_inline)) ProductCut(Size M, Size N, Size K, Size x_row, Size x_column, bool packs)
      // More than 8 rows a multiple of 4 KB apart contend for the same lines of the first cache: worth a copy if many columns use it.
      : copies(x_column != 1 || (x_row % 1024 == 0 && x_row != 0 && tile_rows > 8 && M > 8 && N >= 128 && K >= 64)), terms(K), columns(N)
   {
      const Size most = copies || packs ? block_terms : 4 * block_terms;
      if (terms > most) terms = most;
      const Size widest = terms <= block_terms ? elements / block_terms : elements / terms / 32 * 32;
      if (columns > widest) columns = widest;
   }
};

/// M > 0 rows cut into tiles as evenly as can be: no thin last one.
struct TileHeights {
   Size tiles, low, high;  ///< the first `high` tiles have low + 1 rows, the others `low`

   __attribute__((always_inline)) explicit TileHeights(Size M) : tiles((M + tile_rows - 1) / tile_rows), low(M / tiles), high(M % tiles) {}
   __attribute__((always_inline)) Size rows(Size tile) const { return low + (tile < high); }
   __attribute__((always_inline)) Size begin(Size tile) const { return tile * low + (tile < high ? tile : high); }
};

/// add_part for the tiles first_tile .. end_tile - 1; X is the left operand from the first one's first row on.
template <class Epilogue>
ONNX_BRIDGE_KERNEL void add_tiles(const ProductPart& part, const TileHeights& heights, Size first_tile, Size end_tile, const float* X,
                                  Size ldx, Size N, float* Y, Size ldy, Size column, const Epilogue& epilogue)
{
   const int most_rows = static_cast<int>(heights.low + (heights.high > 0));
   const Size first_row = heights.begin(first_tile);
   alignas(64) float sums[tile_rows * panel_columns];  // of the last columns, fewer than a tile has
   for (Size n = 0, width; n < N; n += width) {
      const int vectors = vectors_of_tile(most_rows, N - n);
      const GemmTile high = find_tile(most_rows, vectors), low = find_tile(static_cast<int>(heights.low), vectors);
      width = vectors * lanes;
      const bool whole = n + width <= N;
      if (!whole) std::memset(sums, 0, sizeof sums);
      const Size columns = whole ? width : N - n;
      const Size shift = part.plain ? width - columns : 0;  // in a plain matrix the tile begins earlier instead of ending later
      const Panels strip = part.plain ? Panels{part.W.data + n - shift, part.W.row, part.W.panel} : part.W.from(0, n);
      const float* bias = part.bias ? part.bias + n - shift : nullptr;
      const float* x = X;
      float* y = Y + first_row * ldy + n;
      for (Size t = first_tile, m = first_row, rows; t < end_tile; t++, m += rows, x += rows * ldx, y += rows * ldy) {
         rows = heights.rows(t);
         float* to = whole ? y : sums;
         const Size to_row = whole ? ldy : width;
         if (!whole && !part.first) finish_tile(rows, columns, y, ldy, sums + shift, width, 0, 0, Keep());
         const GemmTile tile = t < heights.high ? high : low;
         const float* start = part.first ? bias : to;
         Size start_row = part.first ? 0 : to_row, k = 0;
         for (; k + block_terms < part.terms; k += block_terms, start = to, start_row = to_row)
            tile(block_terms, x + k, ldx, {strip.data + k * strip.row, strip.row, strip.panel}, start, start_row, to, to_row);
         const Panels rest = {strip.data + k * strip.row, strip.row, strip.panel};
         if constexpr (is_cheap<Epilogue>::value)
            if (part.last && whole && rows == tile_rows && vectors == tile_vectors) {
               is_cheap<Epilogue>::finish(part.terms - k, x + k, ldx, rest, start, start_row, y, ldy, m, column + n, epilogue);
               continue;
            }
         tile(part.terms - k, x + k, ldx, rest, start, start_row, to, to_row);
         if (!part.last && !whole)
            finish_tile(rows, columns, sums + shift, width, y, ldy, 0, 0, Keep());
         else if (part.last && !(whole && std::is_same<Epilogue, Keep>::value))
            finish_tile(rows, columns, to + shift, to_row, y, ldy, m, column + n, epilogue);
      }
   }
}

/// copy[m][k] = X[m * x_row + k * x_column], the copy's rows copy_row apart.
ONNX_BRIDGE_KERNEL void copy_rows(Size rows, Size terms, const float* X, Size x_row, Size x_column, float* copy, Size copy_row)
{
   if (x_column == 1)
      for (Size m = 0; m < rows; m++) std::memcpy(copy + m * copy_row, X + m * x_row, static_cast<std::size_t>(terms) * sizeof(float));
   else
      transpose(terms, rows, X, x_column, x_row, copy, copy_row);
}

/// Adds a part to Y[M][N], the columns column .. column + N - 1 of the whole; applies the epilogue after the last part.
template <class Epilogue>
ONNX_BRIDGE_KERNEL void add_part(const ProductPart& part, bool copies, Size N, float* Y, Size ldy, Size column, const Epilogue& epilogue)
{
   if (part.M == 0) return;
   const TileHeights heights(part.M);
   if (!copies) {
      add_tiles(part, heights, 0, heights.tiles, part.X, part.x_row, N, Y, ldy, column, epilogue);
      return;
   }
   constexpr Size tiles_at_once = 14 / tile_rows, copy_row = block_terms + panel_columns;
   alignas(64) float copy[tiles_at_once * tile_rows * copy_row];
   for (Size t = 0; t < heights.tiles; t += tiles_at_once) {
      const Size end = t + tiles_at_once < heights.tiles ? t + tiles_at_once : heights.tiles, row = heights.begin(t);
      copy_rows(heights.begin(end) - row, part.terms, part.X + row * part.x_row, part.x_row, part.x_column, copy, copy_row);
      add_tiles(part, heights, t, end, copy, copy_row, N, Y, ldy, column, epilogue);
   }
}

/// Y[N] = epilogue(bias + x W) for one row x[K], as row 0: the bits of add_part.
template <class Epilogue>
ONNX_BRIDGE_KERNEL void multiply_row(Size N, Size K, const float* x, Size x_column, Panels W, bool plain, const float* bias, float* Y,
                                     const Epilogue& epilogue)
{
   alignas(64) float sums[gemv_panels * panel_columns];
   for (Size n = 0, columns; n < N; n += columns) {
      const Size rest = N - n;
      const Size panels = plain && rest >= panel_columns ? rest / panel_columns : whole_panels(rest) / panel_columns;
      const Size shift = plain && rest < panel_columns ? panel_columns - rest : 0;
      const Panels right = plain ? Panels{W.data + n - shift, W.row, W.panel} : W.from(0, n);
      const Size width = panel_columns * gemv_columns(panels, K, x, x_column, right, bias ? bias + n - shift : nullptr, sums);
      columns = rest < width ? rest : width;
      finish_tile(1, columns, sums + shift, width, Y + n, N, 0, n, epilogue);
   }
}

/// Y[M][N] = epilogue(bias + X W), W packed in panels of 16 columns; element (m, k) of X at X[m * x_row + k * x_column].
template <class Epilogue>
ONNX_BRIDGE_KERNEL void multiply_packed(Size M, Size N, Size K, const float* X, Size x_row, Size x_column, const float* W,
                                        const float* bias, float* Y, Size ldy, const Epilogue& epilogue)
{
   const Panels panels = {W, panel_columns, panel_columns * K};
   if (M == 1) {
      multiply_row(N, K, X, x_column, panels, false, bias, Y, epilogue);
      return;
   }
   const ProductCut cut(M, N, K, x_row, x_column, false);
   for (Size n = 0; n < N; n += cut.columns) {
      const Size columns = N - n < cut.columns ? N - n : cut.columns;
      Size k = 0;
      do {
         const Size terms = K - k < cut.terms ? K - k : cut.terms;
         const ProductPart part = {
             M, terms, X + k * x_column, x_row, x_column, panels.from(k, n), false, bias ? bias + n : nullptr, k == 0, k + terms == K};
         add_part(part, cut.copies, columns, Y + n, ldy, n, epilogue);
         k += terms;
      } while (k < K);
   }
}

// attention.hxx: softmax(score(Q K^T)) V for one head, without the matrix of scores in memory.
/// Floats from one query's scores to the next: an odd number of panels, so that rows do not contend for the same cache lines.
constexpr Size score_row(Size keys) { return whole_panels(keys) + (whole_panels(keys) / panel_columns % 2 == 0 ? panel_columns : 0); }

/// The step of sum_in_lanes that replaces a score by its exponential.
struct ExpStep {
   float* scores;
   vec most;

   template <class Count>
   __attribute__((always_inline)) vec operator()(vec sum, Size i, Count count) const
   {
      const vec e = exp_nonpositive(load(scores + i, count) - most);
      store(scores + i, e, count);
      return sum + keep_first(e, count);
   }
};

/// What becomes of the weights of a query that has none: they stay NaN; 0 where all its scores are -inf; 0 where any of them would be NaN.
/// Each says of the largest score and the sum whether the weights stay.
struct KeepNan {
   static __attribute__((always_inline)) bool stay(float, float) { return true; }
};

/// products[keys] of a query to exp(score(products) - the largest score); returns the sum of these.
template <class Rare, class Score>
ONNX_BRIDGE_KERNEL float exponentiate(Size query, Size keys, float* products, const Score& score)
{
   vec most = as_float(splat(static_cast<std::int32_t>(0xff800000u)));  // -inf, which -ffinite-math-only leaves alone only as bits
   Size i = 0;
   for (; i + lanes <= keys; i += lanes) {
      const vec scored = score(load(products + i), query, i, All());
      store(products + i, scored);
      most = larger(most, scored);
   }
   float maximum = largest(most);
   const Size rest = keys - i;
   if (rest > 0) {
      store(products + i, score(load(products + i, rest), query, i, rest), rest);
      for (Size j = 0; j < rest; j++) maximum = larger(maximum, products[i + j]);
   }
   const float sum = sum_in_lanes(keys, ExpStep{products, splat(maximum)});
   if (Rare::stay(maximum, sum)) return sum;
   for (i = 0; i < keys; i++) products[i] = 0.f;
   return 1.f;
}

/// Divides each row by its sum.
struct DivideRows {
   const float* sums;

   template <class Count>
   __attribute__((always_inline)) vec operator()(vec value, Size row, Size, Count) const
   {
      return value / splat(sums[row]);
   }
};

/// Y = softmax(score(Q K^T)) V.
template <class Rare, class Score>
ONNX_BRIDGE_KERNEL void attention(Size queries, Size keys, Size width, Size value_width, const float* Q, Size q_row, const float* K,
                                  Size k_row, const float* V, Size v_row, float* Y, Size y_row, const Score& score, float* scratch)
{
   float* packed_keys = scratch;
   float* packed_values = packed_keys + whole_panels(keys) * width;
   float* scores = packed_values + keys * whole_panels(value_width);
   pack_panels(width, keys, K, 1, k_row, packed_keys);
   pack_panels(keys, value_width, V, v_row, 1, packed_values);
   const Size tiles = (queries + tile_rows - 1) / tile_rows;
   Size query = 0;
   for (Size t = 0; t < tiles; t++) {
      const Size rows = queries / tiles + (t < queries % tiles);
      multiply_packed(rows, keys, width, Q, q_row, 1, packed_keys, nullptr, scores, score_row(keys), Keep());
      float sums[tile_rows];
      for (Size i = 0; i < rows; i++) {
         sums[i] = keys ? exponentiate<Rare>(query, keys, scores + i * score_row(keys), score) : 1.f;
         query++;
      }
      multiply_packed(rows, value_width, keys, scores, score_row(keys), 1, packed_values, nullptr, Y, y_row, DivideRows{sums});
      Q += rows * q_row;
      Y += rows * y_row;
   }
}

// gemm_small.hxx: small layers, Y = epilogue(bias + X W), with sizes known at compile time: a few rows are computed where they stand.
/// The columns Begin .. N - 1 of one row.
template <Size Begin, Size N, Size K, class Epilogue>
ONNX_BRIDGE_INLINE void small_row(Const<N> n, Const<K> k, const float* x, const float* W, const float* bias, float* y, Size row,
                                  const Epilogue& epilogue)
{
   constexpr Size most = lanes == 4 ? 32 : 64;  // at once: more would not stay in registers
   constexpr int vectors = static_cast<int>(((N - Begin < most ? N - Begin : most) + lanes - 1) / lanes);
   vec sum[vectors] = {};
   for (Size i = 0; i < K; i++) {
      const vec value = splat(x[i]);
      ONNX_BRIDGE_UNROLL
      for (int j = 0; j < vectors; j++) {
         const Size column = Begin + j * lanes;
         sum[j] = fma(value, load(W + column / 16 * (16 * K) + 16 * i + column % 16), sum[j]);
      }
   }
   ONNX_BRIDGE_UNROLL
   for (int j = 0; j < vectors; j++) {
      const Size column = Begin + j * lanes;
      const vec total = bias ? load(bias + column) + sum[j] : sum[j];
      if (column + lanes <= N)
         store(y + column, epilogue(total, row, column, All()));
      else
         store(y + column, epilogue(total, row, column, N - column), N - column);
   }
   if constexpr (Begin + most < N) small_row<Begin + most>(n, k, x, W, bias, y, row, epilogue);
}

/// Rows of the tiles that more rows are cut into: enough sums to hide a multiplication's latency.
constexpr int highest_tile = lanes == 16 ? 7 : 6, lowest_tile = (highest_tile + 1) / 2;

/// `columns` columns of Rows rows, by vectors that are in registers until they are summed. m, n: the first row and column to the epilogue.
template <int Rows, int Vectors, class Epilogue>
ONNX_BRIDGE_KERNEL void small_tile(Size columns, Size K, const float* X, Size ldx, const float* W, const float* bias, float* Y, Size ldy, Size m,
                                   Size n, const Epilogue& epilogue)
{
   vec sum[Rows][Vectors] = {}, total[Rows][Vectors];
   for (Size k = 0; k < K; k++) {
      vec w[Vectors];
      ONNX_BRIDGE_UNROLL
      for (int j = 0; j < Vectors; j++) w[j] = load(W + 16 * k + j * lanes / 16 * (16 * K) + j * lanes % 16);
      ONNX_BRIDGE_UNROLL
      for (int i = 0; i < Rows; i++) {
         const vec x = splat(X[i * ldx + k]);
         ONNX_BRIDGE_UNROLL
         for (int j = 0; j < Vectors; j++) sum[i][j] = fma(x, w[j], sum[i][j]);
      }
   }
   ONNX_BRIDGE_UNROLL
   for (int i = 0; i < Rows; i++) {
      ONNX_BRIDGE_UNROLL
      for (int j = 0; j < Vectors; j++) total[i][j] = bias ? load(bias + j * lanes) + sum[i][j] : sum[i][j];
   }
   for (int i = 0; i < Rows; i++, Y += ldy)
      for (int j = 0; j < Vectors; j++) {
         const Size column = j * lanes, rest = columns - column;
         if (rest >= lanes)
            store(Y + column, epilogue(total[i][j], m + i, n + column, All()));
         else if (rest > 0)
            store(Y + column, epilogue(total[i][j], m + i, n + column, rest), rest);
      }
}

/// Columns n .. n + columns - 1 of M >= lowest_tile rows, in tiles of equal height, one row more or less.
template <int Vectors, class Epilogue, int... Rows>
ONNX_BRIDGE_INLINE void small_columns(Size M, Size n, Size columns, Size K, const float* X, Size ldx, const float* W, const float* bias, float* Y,
                                      Size ldy, const Epilogue& epilogue, std::integer_sequence<int, Rows...>)
{
   static constexpr auto tile = {&small_tile<lowest_tile + Rows, Vectors, Epilogue>...};
   const Size tiles = (M + highest_tile - 1) / highest_tile;
   for (Size t = 0, m = 0, rows; t < tiles; t++, m += rows) {
      rows = M / tiles + (t < M % tiles);
      tile.begin()[rows - lowest_tile](columns, K, X + m * ldx, ldx, W + n / 16 * (16 * K) + n % 16, bias ? bias + n : nullptr, Y + m * ldy + n,
                                       ldy, m, n, epilogue);
   }
}

/// Y[m][n] = epilogue(bias[n] + sum over k of X[m][k] W[k][n]).
template <Size N, Size K, class Epilogue>
ONNX_BRIDGE_INLINE void gemm_small(Size M, Const<N> n, Const<K> k, const float* X, Size ldx, const float* W, const float* bias, float* Y,
                                   Size ldy, const Epilogue& epilogue)
{
   static_assert(0 < N && N <= 128 && K <= 256, "a small layer");
   if (M <= 3) {
      for (Size m = 0; m < M; m++) small_row<0>(n, k, X + m * ldx, W, bias, Y + m * ldy, m, epilogue);
      return;
   }
   constexpr std::make_integer_sequence<int, highest_tile - lowest_tile + 1> heights;
   constexpr Size width = 2 * lanes, whole = lanes == 16 && N % width <= lanes ? N - N % width : N;
   for (Size column = 0; column < whole; column += width)
      small_columns<2>(M, column, N - column < width ? N - column : width, K, X, ldx, W, bias, Y, ldy, epilogue, heights);
   if constexpr (whole < N) small_columns<1>(M, whole, N - whole, K, X, ldx, W, bias, Y, ldy, epilogue, heights);
}

// arithmetic.hxx: ONNX's pointwise arithmetic, rounding, minimum and maximum, on vec, on ivec and on single numbers.
/// a * b, called so because `mul` is taken; integers only here, floats by mul().
ONNX_BRIDGE_INLINE vec product(vec a, vec b) { return mul(a, b); }

// ---- the network

struct Mul {
   template <class Count>
   __attribute__((always_inline)) vec operator()(vec value, Size, Size, Count) const { return product(value, splat(0.5f)); }
};

static bool run(const Weights& w, char* arena, const std::size_t* at, const Dims& dims, const float* x, float* y) noexcept
{
   const Size B = static_cast<Size>(dims.B);
   const Size S = static_cast<Size>(dims.S);
   float* const attention_MatMul0 = reinterpret_cast<float*>(arena + at[0]);
   float* const attention_MatMul3 = reinterpret_cast<float*>(arena + at[1]);
   float* const attention_MatMul6 = reinterpret_cast<float*>(arena + at[2]);
   // attention_MatMul0: x [B, S, 8] -> attention_MatMul0 [B, S, 8]
   gemm_small((B * S), Const<8>(), Const<8>(), x, 8, w.attention_MatMul0_weights(), nullptr, attention_MatMul0, 8, Keep());
   // attention_MatMul3: x [B, S, 8] -> attention_MatMul3 [B, S, 8]
   gemm_small((B * S), Const<8>(), Const<8>(), x, 8, w.attention_MatMul3_weights(), nullptr, attention_MatMul3, 8, Keep());
   // attention_MatMul6: x [B, S, 8] -> attention_MatMul6 [B, S, 8]
   gemm_small((B * S), Const<8>(), Const<8>(), x, 8, w.attention_MatMul6_weights(), nullptr, attention_MatMul6, 8, Keep());
   // attention_MatMul9 + attention_Mul10 + attention_Softmax11 + attention_MatMul12: attention_MatMul0 [B, S, 8], attention_MatMul3 [B, S,
   //   8], attention_MatMul6 [B, S, 8] -> attention_Transpose13 [B, S, 2,
   for (Size i = 0; i < B; i++) {
      for (Size i_2 = 0; i_2 < 2; i_2++) {
         attention<KeepNan>(S, S, 4, 4, attention_MatMul0 + i * (8 * S) + i_2 * 4, 8, attention_MatMul3 + i * (8 * S) + i_2 * 4, 8,
               attention_MatMul6 + i * (8 * S) + i_2 * 4, 8, y + i * (8 * S) + i_2 * 4, 8, Mul(), reinterpret_cast<float*>(arena + at[3]));
      }
   }
   // attention_Reshape14: attention_Transpose13 [B, S, 2, 4] -> y [B, S, 8]
   return true;
}

#undef ONNX_BRIDGE_INLINE
#undef ONNX_BRIDGE_KERNEL
#undef ONNX_BRIDGE_UNROLL
#undef ONNX_BRIDGE_KEEP
#undef ONNX_BRIDGE_SHUFFLE_PAIR
#undef ONNX_BRIDGE_LANES
#undef ONNX_BRIDGE_REGION
#undef ONNX_BRIDGE_HAS_AVX2
#undef ONNX_BRIDGE_HAS_AVX512
}}}  // namespace onnx_bridge::attention::ONNX_BRIDGE_REGION
#endif
