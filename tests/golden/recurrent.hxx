// recurrent.hxx: made by onnx_bridge VERSION. Do not edit; convert the model again.
//
//   model      recurrent.onnx, sha256 0000000000000000..., ai.onnx 17
//   operators  1 GRU, 1 Squeeze
//   input      x  float32 [T, N, 3]
//   output     state  float32 [N, 4]
//   weights    recurrent.dat, 2,112 bytes (safetensors)
//   workspace  640 bytes where every size is 1
//   proof      none: converted without verification
//
//   onnx_bridge::recurrent::Model model("recurrent.dat");  // weights, mapped once; const, any number of threads
//   onnx_bridge::recurrent::Workspace ws(model, {T, N});  // one a thread
//   model.infer(ws, {T, N}, x, state);  // caller's memory in and out
//
//   TMVA_SOFIE_recurrent::Session s("recurrent.dat");  // SOFIE's face on the same body
//   auto y = s.infer(T, N, x);
//
// Contract. infer() is const and noexcept; it allocates nothing, locks nothing, calls nothing of the system and starts no
// thread. A row's bits do not depend on the other rows, on the batch, on alignment or on the thread, and are the same on
// every processor that has a fused multiply-add (x86-64 since 2013, arm64), with every compiler and flag. Only
// constructors throw: a Model's std::runtime_error, with what was wrong with the weights, a Workspace's std::length_error
// or std::bad_alloc. Model::open and Workspace::make do not, and are what there is without exceptions.
#if !defined(ONNX_BRIDGE_LANES)  // ------------------------------------------------------------ the face, read once
#ifndef ONNX_BRIDGE_MODEL_RECURRENT
#define ONNX_BRIDGE_MODEL_RECURRENT
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

namespace onnx_bridge { namespace recurrent {

/// Sizes that the model leaves open.
struct Dims {
   std::size_t T = 1;
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
inline constexpr Argument inputs[] = {{"x", "float32", 3, {-1, -1, 3}}};
inline constexpr Argument outputs[] = {{"state", "float32", 2, {-1, 4}}};

/// Which instruction set's body runs: the widest that the processor has, unless one is asked for. All that have a fused
/// multiply-add (each but baseline, and that on arm64) give the same bits.
enum class Body { best = 0, baseline = 4, avx2 = 8, avx512 = 16 };

/// Where each weight lies in memory, packed for the kernels, the same on every processor.
struct Weights {
   const char* data = nullptr;
   template <class T>
   const T* at(std::size_t offset) const { return reinterpret_cast<const T*>(data + offset); }
   const float* recurrent_GRU0_0_W() const { return at<float>(0); }  // [1, 3, 3, 16]
   const float* recurrent_GRU0_0_R() const { return at<float>(576); }  // [1, 3, 4, 16]
   const float* recurrent_GRU0_0_bias() const { return at<float>(1344); }  // [1, 48]
   const float* recurrent_GRU0_0_recurrent_bias() const { return at<float>(1536); }  // [1, 16]
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
inline Checked minimum(Checked a, Checked b)
{
   const Checked low = a.value < b.value ? a : b;
   if (low.value < 0 || a.overflows() || b.overflows()) return {low.value, a.bound > b.bound ? a.bound : b.bound};
   return {low.value, a.bound < b.bound ? a.bound : b.bound};
}
inline Checked maximum(Checked a, Checked b) { return {a.value > b.value ? a.value : b.value, a.bound > b.bound ? a.bound : b.bound}; }
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
   /// Maps the weights file. Where none is named, it is "recurrent.dat" in the working directory, else beside the
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
   bool infer(Workspace& ws, [[maybe_unused]] Dims dims, const float* x, float* state) const noexcept;

   /// Bytes of scratch memory that one call needs; the largest std::size_t where no memory is that large.
   static std::size_t workspace_bytes(Dims dims = {}) noexcept
   {
      std::size_t at[2];
      return plan(dims, at);
   }

   /// Elements of output `index`; 0 where infer refuses the dims whatever the Workspace has.
   static std::size_t output_size(int index, Dims dims = {}) noexcept
   {
      const Checked N = Checked::dim(dims.N);
      if (!takes(dims)) return 0;
      switch (index) {
      case 0: return (4 * N).count();
      default: return 0;
      }
   }

private:
   friend class Workspace;
   using Run = bool (*)(const Weights&, char*, const std::size_t*, const Dims&, const float*, float*) noexcept;
   explicit Model(std::nullptr_t) {}
   static bool takes(const Dims& dims) noexcept
   {
      const Checked T = Checked::dim(dims.T), N = Checked::dim(dims.N);
      for (const Checked& size : {Checked(12 * N * T), Checked(16 * N)})
         if (size.overflows()) return false;  // it would in the network, too
      return true;
   }
   static std::size_t plan(const Dims& dims, std::size_t* at) noexcept
   {
      const Checked T = Checked::dim(dims.T), N = Checked::dim(dims.N);
      Layout<2> layout(at);
      layout.add(192 * minimum(N * T, maximum(96, N)) + 384 * N);
      layout.add(64 * floor_div(16 * N * T + 63, 64), {0});
      return layout.end;
   }
   bool load(const std::string& file, Body body, Check check, std::string& error);
   bool bind(const char* data, std::size_t bytes, const char* where,
      std::uint64_t identity, Body body, Check check, std::string& error);
   bool choose(Body body, std::string& error);
   static std::optional<Model> opened(Model& model, bool right, std::string& error)
   {
      error.replace(0, right ? std::string::npos : 0, right ? "" : "recurrent: ");
      return right ? std::optional<Model>(std::move(model)) : std::nullopt;
   }
#if defined(__cpp_exceptions)
   [[noreturn]] static void raise(const std::string& error) { throw std::runtime_error("recurrent: " + error); }
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
      if (bytes_ == static_cast<std::size_t>(-1)) throw std::length_error("recurrent: a workspace for these dims is larger than any memory");
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
      if (dims.T == dims_.T && dims.N == dims_.N) return takes_;
      if (!Model::takes(dims)) return false;
      if (Model::plan(dims, at_) > bytes_) {
         Model::plan(dims_, at_);
         return false;
      }
      dims_ = dims;
      return takes_ = true;
   }

   Dims dims_;
   std::size_t at_[2];  // the plan for dims_
   std::size_t bytes_;
   bool takes_;
   std::unique_ptr<char[]> own_{};
   char* memory_ = nullptr;
};

}}  // namespace onnx_bridge::recurrent

// The kernels and the network, once for each instruction set: this file includes itself below.
#if defined(__FILE_NAME__)
#define ONNX_BRIDGE_SELF __FILE_NAME__
#elif __has_include(__FILE__)
#define ONNX_BRIDGE_SELF __FILE__
#else
#define ONNX_BRIDGE_SELF "recurrent.hxx"
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

namespace onnx_bridge { namespace recurrent {

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
   constexpr ExpectedWeights expected = {512, 1600, 0x0e8b1902f894db6au, 0x4f56117e4ac4ff8du};
   char problem[80];
   w_.data = data + 512;
   if (expected.are(data, bytes, check, identity, problem)) return choose(body, error);
   return error.assign(where).append(problem).empty();
}

__attribute__((cold)) inline bool Model::load(const std::string& file, Body body, Check check, std::string& error)
{
   WeightsFile found;
   const std::string name = "recurrent.dat";
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

inline bool Model::infer(Workspace& ws, [[maybe_unused]] Dims dims, const float* x, float* state) const noexcept
{
   if (!ws.fit(dims)) return false;
   return run_(w_, ws.memory_, ws.at_, dims, x, state);
}

}}  // namespace onnx_bridge::recurrent

#if defined(__cpp_exceptions)
namespace TMVA_SOFIE_recurrent {

/// SOFIE's face. Movable and copyable; copies share the weights. One a thread.
struct Session {
   explicit Session(std::string filename = "", std::size_t T = 1, std::size_t N = 1)
      : model(filename), dims{T, N}, workspace(new onnx_bridge::recurrent::Workspace(model, dims)) {}
   Session(const Session& other) : model(other.model), dims(other.dims), workspace(new onnx_bridge::recurrent::Workspace(model, dims)) {}
   Session(Session&&) = default;
   Session& operator=(Session&&) = default;
   Session& operator=(const Session& other) { return *this = Session(other); }

   void doInfer(std::size_t T, std::size_t N, const float* x, std::vector<float>& state)
   {
      const onnx_bridge::recurrent::Dims sizes{T, N};
      state.resize(onnx_bridge::recurrent::Model::output_size(0, sizes));
      const bool done = model.infer(*workspace, sizes, x, state.data());
      if (!done) workspace.reset(new onnx_bridge::recurrent::Workspace(model, sizes));  // sizes that are larger than any before
      if (!done && !model.infer(*workspace, sizes, x, state.data())) throw std::runtime_error("recurrent: sizes do not agree with the inputs");
   }
   std::vector<float> infer(std::size_t T, std::size_t N, const float* x)
   {
      std::vector<float> state;
      doInfer(T, N, x, state);
      return state;
   }
   std::vector<float> infer(const float* x) { return infer(dims.T, dims.N, x); }

   onnx_bridge::recurrent::Model model;
   onnx_bridge::recurrent::Dims dims;  // those that the Session was made for
   std::unique_ptr<onnx_bridge::recurrent::Workspace> workspace;
};

/// Raw pointers in and out; the Session's own sizes bound the call's.
inline void doInfer(const Session& session, std::size_t T, std::size_t N, const float* x, float* state)
{
   if (!session.model.infer(*session.workspace, {T, N}, x, state))
      throw std::runtime_error("recurrent: sizes beyond those that the Session was made for");
}

}  // namespace TMVA_SOFIE_recurrent
namespace SOFIE_recurrent = TMVA_SOFIE_recurrent;
#endif
#endif  // ONNX_BRIDGE_MODEL_RECURRENT
#else  // --------------------------------------------------------------- read once for each instruction set
namespace onnx_bridge { namespace recurrent { namespace ONNX_BRIDGE_REGION {

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

// epilogue.hxx: what is done to a value between the kernel that has summed it and memory.
/// Stores what was summed.
struct Keep {
   template <class Count>
   __attribute__((always_inline)) vec operator()(vec value, Size, Size, Count) const
   {
      return value;
   }
};

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

// gemm.hxx: Y = epilogue(bias + X W) with constant weights W, and rows times one vector.
/// Y[m][n] = epilogue(bias[n] + sum over k of X[m][k] W[k][n]).
template <class Epilogue>
ONNX_BRIDGE_INLINE void gemm(Size M, Size N, Size K, const float* X, Size ldx, const float* W, const float* bias, float* Y, Size ldy,
                             const Epilogue& epilogue)
{
   multiply_packed(M, N, K, X, ldx, 1, W, bias, Y, ldy, epilogue);
}

// recurrent.hxx: what LSTM, GRU and RNN share: packed layouts, the walk over time, and the product with the recurrent weights.
/// T, B, I, H, and the directions: one (backwards if `reverse`) or two (the second is always the backward one).
struct RecurrentSizes {
   Size steps, batch, inputs, units, directions;
   bool reverse;
};

/// The row of time t, direction d and batch b: data + time * t + direction * d + batch * b.
template <class Float>
struct RecurrentRows {
   Float* data;
   Size time, direction, batch;
   __attribute__((always_inline)) Float* at(Size t, Size d, Size b) const { return data + time * t + direction * d + batch * b; }
};

/// Packed as described above. recurrent_bias is read by gru() with linear_before_reset only.
struct RecurrentWeights {
   const float *W, *bias, *R, *recurrent_bias;
};

/// Steps whose inputs are projected by one product: about 96 rows.
ONNX_BRIDGE_INLINE Size recurrent_chunk(Size batch) { return batch >= 96 ? 1 : 96 / batch; }
ONNX_BRIDGE_INLINE Size recurrent_projection_floats(const RecurrentSizes& sizes, Size gates)
{
   const Size rows = sizes.batch < 96 ? 96 : sizes.batch, all = sizes.steps * sizes.batch;
   return (all < rows ? all : rows) * gates * whole_panels(sizes.units);
}

/// One step of one direction for all rows: what the cells are given. Step s of a row is time s, or length - 1 - s backwards.
struct RecurrentStep {
   Size steps, batch, units, padded;
   const std::int32_t* sequence_lens;
   bool backwards;
   Size index, begin, end;   // the step, and the steps begin .. end - 1 whose inputs are projected
   const float* projection;  // [times of those steps][batch][gates][...]
   Size width;               // floats of a projected row: gates * padded
   const float* before;      // [batch][padded] h
   float* after;

   __attribute__((always_inline)) Size length(Size row) const
   {
      if (!sequence_lens) return steps;
      const Size n = sequence_lens[row];
      return n < 0 ? 0 : n < steps ? n : steps;
   }
   __attribute__((always_inline)) Size last(Size row) const { return length(row) < end ? length(row) : end; }
   __attribute__((always_inline)) bool runs(Size row) const { return index < length(row); }
   __attribute__((always_inline)) Size time(Size row) const { return backwards ? length(row) - 1 - index : index; }
   __attribute__((always_inline)) const float* projected(Size row) const
   {
      const Size slot = backwards ? last(row) - 1 - index : index - begin;
      return projection + (slot * batch + row) * width;
   }
};

/// The projections of the inputs of steps begin .. end - 1 of a direction, in ascending time, rows of one time side by side.
ONNX_BRIDGE_KERNEL void recurrent_project(const RecurrentStep& step, const RecurrentSizes& sizes, const RecurrentRows<const float>& X,
                                          const float* W, const float* bias, float* projection)
{
   const Size B = step.batch, width = step.width, n = step.end - step.begin, first = step.backwards ? step.steps - step.end : step.begin;
   if (step.backwards && step.sequence_lens) {  // every row has times of its own
      for (Size b = 0; b < B; b++) {
         const Size rows = step.last(b) - step.begin;
         if (rows > 0)
            gemm(rows, width, sizes.inputs, X.at(step.length(b) - step.last(b), 0, b), X.time, W, bias, projection + b * width, B * width, Keep());
      }
   } else if (B == 1 || X.time == B * X.batch)
      gemm(n * B, width, sizes.inputs, X.at(first, 0, 0), B == 1 ? X.time : X.batch, W, bias, projection, width, Keep());
   else if (n >= B)
      for (Size b = 0; b < B; b++)
         gemm(n, width, sizes.inputs, X.at(first, 0, b), X.time, W, bias, projection + b * width, B * width, Keep());
   else
      for (Size t = 0; t < n; t++)
         gemm(B, width, sizes.inputs, X.at(first + t, 0, 0), X.batch, W, bias, projection + t * B * width, width, Keep());
}

/// Units of a panel that one row sums at a time: as many as leave the accumulators in registers.
constexpr int recurrent_units = lanes == 4 ? 8 : 16;
constexpr int recurrent_vectors = recurrent_units / lanes;

/// sum[p][v] = x . (column of panel p): the order of gemm() without bias. `part`: the first unit of the panels that is summed.
template <int Panels>
ONNX_BRIDGE_INLINE void recurrent_sums(Size K, const float* x, const float* panels, int part, vec (&sum)[Panels][recurrent_vectors])
{
   const Size stride = 16 * K;
   const float* w = panels + part;
   for (Size begin = 0; begin == 0 || begin < K; begin += block_terms) {
      const Size end = K - begin < block_terms ? K : begin + block_terms;
      vec block[Panels][recurrent_vectors] = {};
      for (Size k = begin; k < end; k++, w += 16) {
         const vec a = splat(x[k]);
         ONNX_BRIDGE_UNROLL
         for (int p = 0; p < Panels; p++)
            ONNX_BRIDGE_UNROLL
            for (int v = 0; v < recurrent_vectors; v++) block[p][v] = fma(a, load(w + p * stride + v * lanes), block[p][v]);
      }
      ONNX_BRIDGE_UNROLL
      for (int p = 0; p < Panels; p++)
         ONNX_BRIDGE_UNROLL
         for (int v = 0; v < recurrent_vectors; v++) sum[p][v] = begin == 0 ? block[p][v] : sum[p][v] + block[p][v];
   }
}

/// For one row: sums the Gates panels of every group of 16 units and hands them on, use(unit, sums of a vector's gates). Groups are
/// taken up and down in turn, so that each step begins with the weights that the one before has left in the first cache; `Groups` at a
/// time where they have few gates, to hide the latency of fma().
template <int Gates, int Groups, class Use>
ONNX_BRIDGE_INLINE void recurrent_row(Size K, Size padded, const float* x, const float* R, bool down, Use&& use)
{
   const Size groups = padded / 16, whole = groups / Groups;
   for (Size i = 0; i < whole; i++) {
      const Size group = (down ? whole - 1 - i : i) * Groups;
      for (int part = 0; part < 16; part += recurrent_units) {
         vec sum[Groups * Gates][recurrent_vectors] = {};
         recurrent_sums<Groups * Gates>(K, x, R + group * Gates * 16 * K, part, sum);
         ONNX_BRIDGE_UNROLL
         for (int j = 0; j < Groups * recurrent_vectors; j++) {
            vec gates[Gates];
            ONNX_BRIDGE_UNROLL
            for (int g = 0; g < Gates; g++) gates[g] = sum[j / recurrent_vectors * Gates + g][j % recurrent_vectors];
            use((group + j / recurrent_vectors) * 16 + part + j % recurrent_vectors * lanes, gates);
         }
      }
   }
   if constexpr (Groups > 1)
      recurrent_row<Gates, Groups / 2>(K, padded - whole * Groups * 16, x, R + whole * Groups * Gates * 16 * K, false,
                              [&](Size unit, vec(&gates)[Gates]) __attribute__((always_inline)) { use(whole * Groups * 16 + unit, gates); });
}

/// The same for a row whose sums lie in memory, where gemm() has put them.
template <int Gates, class Use>
ONNX_BRIDGE_INLINE void recurrent_row(Size padded, const float* sums, Use&& use)
{
   for (Size unit = 0; unit < padded; unit += lanes) {
      vec gates[Gates];
      ONNX_BRIDGE_UNROLL
      for (int g = 0; g < Gates; g++) gates[g] = load(sums + (unit / 16 * Gates + g) * 16 + unit % 16);
      use(unit, gates);
   }
}

/// Gate g of a vector of units in a row of interleaved gates.
template <int Gates>
ONNX_BRIDGE_INLINE vec recurrent_gate(const float* row, Size unit, int g)
{
   return load(row + (unit / 16 * Gates + g) * 16 + unit % 16);
}

/// The state that a row starts with (null: zeros), zeros up to `padded`.
ONNX_BRIDGE_INLINE void recurrent_start(const float* initial, Size units, Size padded, float* state)
{
   for (Size u = 0; u < padded; u++) state[u] = initial && u < units ? initial[u] : 0.f;
}

/// The state that a row ends with after `length` steps.
ONNX_BRIDGE_INLINE void recurrent_finish(const float* state, Size length, Size units, float* last)
{
   for (Size u = 0; u < units; u++) last[u] = length > 0 ? state[u] : 0.f;
}

/// Runs `cell` (of direction `d`) over all steps. A cell has `gates`, start(row) and finish(row, length) around the steps;
/// recurrent_advance(cell, step) writes the rows of step.after that still run.
template <class Cell>
ONNX_BRIDGE_INLINE void recurrent_direction(const RecurrentSizes& sizes, Size d, const std::int32_t* sequence_lens,
                                            const RecurrentRows<const float>& X, const RecurrentWeights& weights,
                                            const RecurrentRows<const float>& initial_h, const RecurrentRows<float>& Y,
                                            const RecurrentRows<float>& Y_h, Cell& cell, float* projection, float* states)
{
   const Size B = sizes.batch, H = sizes.units, padded = whole_panels(H), width = Cell::gates * padded;
   RecurrentStep step = {sizes.steps, B, H, padded, sequence_lens, d == 1 || sizes.reverse, 0, 0, 0, projection, width, nullptr, nullptr};
   Size longest = 0;
   for (Size b = 0; b < B; b++) {
      recurrent_start(initial_h.data ? initial_h.at(0, d, b) : nullptr, H, padded, states + b * padded);
      cell.start(b);
      if (longest < step.length(b)) longest = step.length(b);
   }
   float* const state[2] = {states, states + B * padded};
   for (step.index = 0; step.index < longest; step.index++) {
      if (step.index == step.end) {
         step.begin = step.end;
         step.end = longest - step.begin < recurrent_chunk(B) ? longest : step.begin + recurrent_chunk(B);
         recurrent_project(step, sizes, X, weights.W + d * width * sizes.inputs, weights.bias ? weights.bias + d * width : nullptr, projection);
      }
      step.before = state[step.index & 1];
      step.after = state[~step.index & 1];
      recurrent_advance(cell, step);
      if (Y.data)
         for (Size b = 0; b < B; b++)
            if (step.runs(b)) std::memcpy(Y.at(step.time(b), d, b), step.after + b * padded, static_cast<std::size_t>(H) * sizeof(float));
   }
   for (Size b = 0; b < B; b++) {
      const Size n = step.length(b);
      if (Y.data)
         for (Size t = n; t < sizes.steps; t++) std::memset(Y.at(t, d, b), 0, static_cast<std::size_t>(H) * sizeof(float));
      if (Y_h.data) recurrent_finish(state[n & 1] + b * padded, n, H, Y_h.at(0, d, b));
      cell.finish(b, n);
   }
}

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

// gru.hxx: ONNX GRU. Layouts, order of summation and scratch: see recurrent.hxx; G = 3, gates z r h, C = 6.
/// Sigmoid, Tanh; no clip: the fast form.
struct GruDefaults {
   __attribute__((always_inline)) vec f(vec x) const { return sigmoid(x); }
   __attribute__((always_inline)) vec g(vec x) const { return tanh(x); }
};

ONNX_BRIDGE_INLINE vec gru_mix(vec z, vec n, vec h) { return fma(z, h, mul(1.f - z, n)); }

template <class Options>
struct GruLinearCell {
   static constexpr Size gates = 3;
   const Options& options;
   const float *R, *recurrent_bias;
   float* sums;  // [B][3 * padded]

   /// Of a direction; scratch: that which follows two states.
   static __attribute__((always_inline)) GruLinearCell make(const Options& options, const RecurrentWeights& weights, Size direction,
                                                             Size units, Size, float* scratch)
   {
      const Size padded = whole_panels(units);
      return {options, weights.R + direction * 3 * padded * units, weights.recurrent_bias + direction * padded, scratch};
   }
   __attribute__((always_inline)) void start(Size) {}
   __attribute__((always_inline)) void finish(Size, Size) {}
   __attribute__((always_inline)) void update(const RecurrentStep& step, const float* projection, Size row, Size unit, vec (&gate)[3])
   {
      const Size at = row * step.padded + unit;
      const vec z = options.f(gate[0] + recurrent_gate<3>(projection, unit, 0));
      const vec r = options.f(gate[1] + recurrent_gate<3>(projection, unit, 1));
      const vec n = options.g(fma(r, gate[2] + load(recurrent_bias + unit), recurrent_gate<3>(projection, unit, 2)));
      store(step.after + at, gru_mix(z, n, load(step.before + at)));
   }
};

/// One step of the only row.
template <class Options>
ONNX_BRIDGE_KERNEL void gru_row(GruLinearCell<Options>& cell, const RecurrentStep& step)
{
   const float* const projection = step.projected(0);
   recurrent_row<3, 1>(step.units, step.padded, step.before, cell.R, step.index & 1,
                       [&](Size unit, vec(&gate)[3]) __attribute__((always_inline)) { cell.update(step, projection, 0, unit, gate); });
}

/// One step of every row that still runs.
template <class Options>
ONNX_BRIDGE_KERNEL void gru_rows(GruLinearCell<Options>& cell, const RecurrentStep& step)
{
   gemm(step.batch, step.width, step.units, step.before, step.padded, cell.R, nullptr, cell.sums, step.width, Keep());
   for (Size row = 0; row < step.batch; row++) {
      if (!step.runs(row)) continue;
      const float* const projection = step.projected(row);
      recurrent_row<3>(step.padded, cell.sums + row * step.width,
                       [&](Size unit, vec(&gate)[3]) __attribute__((always_inline)) { cell.update(step, projection, row, unit, gate); });
   }
}

template <class Cell>
ONNX_BRIDGE_INLINE void gru_step(Cell& cell, const RecurrentStep& step)
{
   if (step.batch == 1)
      gru_row(cell, step);
   else
      gru_rows(cell, step);
}
template <class Options>
ONNX_BRIDGE_INLINE void recurrent_advance(GruLinearCell<Options>& cell, const RecurrentStep& step)
{
   gru_step(cell, step);
}

/// Options: GruDefaults, or GruOptions; those of the first and of the second direction (ignored if there is none).
/// Cell: GruLinearCell or GruResetCell, of linear_before_reset != 0 and == 0.
template <template <class> class Cell, class Options>
ONNX_BRIDGE_KERNEL void gru(const RecurrentSizes& sizes, const std::int32_t* sequence_lens, const RecurrentRows<const float>& X,
                            const RecurrentWeights& weights, const RecurrentRows<const float>& initial_h, const RecurrentRows<float>& Y,
                            const RecurrentRows<float>& Y_h, const Options& first, const Options& second, float* scratch)
{
   const Size row = sizes.batch * whole_panels(sizes.units);
   float* const states = scratch + recurrent_projection_floats(sizes, 3);
   for (Size d = 0; d < sizes.directions; d++) {
      Cell<Options> cell = Cell<Options>::make(d == 0 ? first : second, weights, d, sizes.units, row, states + 2 * row);
      recurrent_direction(sizes, d, sequence_lens, X, weights, initial_h, Y, Y_h, cell, scratch, states);
   }
}

// ---- the network


static bool run(const Weights& w, char* arena, const std::size_t* at, const Dims& dims, const float* x, float* state) noexcept
{
   const Size T = static_cast<Size>(dims.T);
   const Size N = static_cast<Size>(dims.N);
   float* const recurrent_GRU0_0 = reinterpret_cast<float*>(arena + at[1]);
   // recurrent_GRU0_0: x [T, N, 3] -> recurrent_GRU0_0 [T, 1, N, 4], recurrent_GRU0_1 [1, N, 4]
   gru<GruLinearCell>(RecurrentSizes{T, N, 3, 4, 1, false}, nullptr, RecurrentRows<const float>{x, (3 * N), 0, 3},
         RecurrentWeights{w.recurrent_GRU0_0_W(), w.recurrent_GRU0_0_bias(), w.recurrent_GRU0_0_R(), w.recurrent_GRU0_0_recurrent_bias()},
         RecurrentRows<const float>{nullptr, 0, 0, 0}, RecurrentRows<float>{recurrent_GRU0_0, (4 * N), (4 * N), 4},
         RecurrentRows<float>{state, 0, (4 * N), 4}, GruDefaults(), GruDefaults(), reinterpret_cast<float*>(arena + at[0]));
   // recurrent_Squeeze1: recurrent_GRU0_1 [1, N, 4] -> state [N, 4]
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
}}}  // namespace onnx_bridge::recurrent::ONNX_BRIDGE_REGION
#endif
