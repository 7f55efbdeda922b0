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
#include <dlfcn.h>
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
inline constexpr Argument inputs[] = {{"ids", "int64", 2, {-1, -1}}};
inline constexpr Argument outputs[] = {
   {"total", "int32", 2, {-1, 2}},
   {"many", "bool", 2, {-1, 2}},
};

/// Which instruction set's body runs: the widest that the processor has, unless one is asked for. All that have a fused
/// multiply-add (each but baseline, and that on arm64) give the same bits.
enum class Body { best = 0, baseline = 4, avx2 = 8, avx512 = 16 };

/// Where each weight lies in memory, packed for the kernels, the same on every processor.
struct Weights {
   const char* data = nullptr;
   template <class T>
   const T* at(std::size_t offset) const { return reinterpret_cast<const T*>(data + offset); }
   const std::int32_t* integers_c3() const { return at<std::int32_t>(0); }  // [11, 2]
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
   /// Maps the weights file. Where none is named, it is "integers.dat" in the working directory, else beside the
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
   bool infer(Workspace& ws, [[maybe_unused]] Dims dims, const std::int64_t* ids, std::int32_t* total, bool* many) const noexcept;

   /// Bytes of scratch memory that one call needs; the largest std::size_t where no memory is that large.
   static std::size_t workspace_bytes(Dims dims = {}) noexcept
   {
      std::size_t at[3];
      return plan(dims, at);
   }

   /// Elements of output `index`; 0 where infer refuses the dims whatever the Workspace has.
   static std::size_t output_size(int index, Dims dims = {}) noexcept
   {
      const Checked N = Checked::dim(dims.N);
      if (!takes(dims)) return 0;
      switch (index) {
      case 0: return (2 * N).count();
      case 1: return (2 * N).count();
      default: return 0;
      }
   }

private:
   friend class Workspace;
   using Run = bool (*)(const Weights&, char*, const std::size_t*, const Dims&, const std::int64_t*, std::int32_t*, bool*) noexcept;
   explicit Model(std::nullptr_t) {}
   static bool takes(const Dims& dims) noexcept
   {
      const Checked N = Checked::dim(dims.N), T = Checked::dim(dims.T);
      for (const Checked& size : {Checked(8 * N * T)})
         if (size.overflows()) return false;  // it would in the network, too
      return true;
   }
   static std::size_t plan(const Dims& dims, std::size_t* at) noexcept
   {
      const Checked N = Checked::dim(dims.N), T = Checked::dim(dims.T);
      Layout<3> layout(at);
      layout.add(64 * floor_div(8 * N * T + 63, 64));
      layout.add(64);
      layout.add(64 * floor_div(8 * N * T + 63, 64), {0});
      return layout.end;
   }
   bool load(const std::string& file, Body body, Check check, std::string& error);
   bool bind(const char* data, std::size_t bytes, const char* where,
      std::uint64_t identity, Body body, Check check, std::string& error);
   bool choose(Body body, std::string& error);
   static std::optional<Model> opened(Model& model, bool right, std::string& error)
   {
      error.replace(0, right ? std::string::npos : 0, right ? "" : "integers: ");
      return right ? std::optional<Model>(std::move(model)) : std::nullopt;
   }
#if defined(__cpp_exceptions)
   [[noreturn]] static void raise(const std::string& error) { throw std::runtime_error("integers: " + error); }
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
      if (bytes_ == static_cast<std::size_t>(-1)) throw std::length_error("integers: a workspace for these dims is larger than any memory");
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
      if (dims.N == dims_.N && dims.T == dims_.T) return takes_;
      if (!Model::takes(dims)) return false;
      if (Model::plan(dims, at_) > bytes_) {
         Model::plan(dims_, at_);
         return false;
      }
      dims_ = dims;
      return takes_ = true;
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
#include ONNX_BRIDGE_SELF
ONNX_BRIDGE_END
#endif
#if defined(__x86_64__) && (!defined(ONNX_BRIDGE_ONLY) || ONNX_BRIDGE_ONLY == 8)
ONNX_BRIDGE_BEGIN("avx2,fma")
#define ONNX_BRIDGE_LANES 8
#define ONNX_BRIDGE_REGION avx2
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
__attribute__((cold)) inline bool Model::bind(const char* data, std::size_t bytes, const char* where,
      std::uint64_t identity, Body body, Check check, std::string& error)
{
   constexpr ExpectedWeights expected = {320, 128, 0xabd675200277af9fu, 0x061765513e5944a0u};
   char problem[80];
   w_.data = data + 320;
   if (expected.are(data, bytes, check, identity, problem)) return choose(body, error);
   return error.assign(where).append(problem).empty();
}

__attribute__((cold)) inline bool Model::load(const std::string& file, Body body, Check check, std::string& error)
{
   WeightsFile found;
   const std::string name = "integers.dat";
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
   Session& operator=(Session&&) = default;
   Session& operator=(const Session& other) { return *this = Session(other); }

   void doInfer(std::size_t N, std::size_t T, const std::int64_t* ids, std::vector<std::int32_t>& total, std::vector<std::uint8_t>& many)
   {
      const onnx_bridge::integers::Dims sizes{N, T};
      total.resize(onnx_bridge::integers::Model::output_size(0, sizes));
      many.resize(onnx_bridge::integers::Model::output_size(1, sizes));
      const bool done = model.infer(*workspace, sizes, ids, total.data(), reinterpret_cast<bool*>(many.data()));
      if (!done) workspace.reset(new onnx_bridge::integers::Workspace(model, sizes));  // sizes that are larger than any before
      if (!done && !model.infer(*workspace, sizes, ids, total.data(), reinterpret_cast<bool*>(many.data()))) throw std::runtime_error("integers: sizes do not agree with the inputs");
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
namespace SOFIE_integers = TMVA_SOFIE_integers;
#endif
#endif  // ONNX_BRIDGE_MODEL_INTEGERS
#else  // --------------------------------------------------------------- read once for each instruction set
namespace onnx_bridge { namespace integers { namespace ONNX_BRIDGE_REGION {

// vector.hxx: as many floats as a register holds, by the compiler's vector extensions.
typedef std::ptrdiff_t Size;
constexpr int lanes = ONNX_BRIDGE_LANES;

#define ONNX_BRIDGE_INLINE static inline __attribute__((always_inline, unused))
#define ONNX_BRIDGE_KERNEL static __attribute__((noinline, unused))

// bytes.hxx: short runs of memory, copied or filled without a call.
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
   if constexpr (sizeof(T) > 8)
      for (Size i = 0; i < n; i++) copy_one(dst + i, &value);
   else
      put_bytes(reinterpret_cast<unsigned char*>(dst), n * static_cast<Size>(sizeof(T)), repeated(&value));
}

// arithmetic.hxx: ONNX's pointwise arithmetic, rounding, minimum and maximum, on vec, on ivec and on single numbers.
template <class T>
using if_integer = std::enable_if_t<std::is_integral<T>::value, T>;
/// The type in which integers of type T wrap around without promotion to int.
template <class T>
using wrapping = std::make_unsigned_t<std::conditional_t<(sizeof(T) < sizeof(int)), int, T>>;

template <class T>
ONNX_BRIDGE_INLINE if_integer<T> add(T a, T b)
{
   return static_cast<T>(static_cast<wrapping<T>>(a) + static_cast<wrapping<T>>(b));
}

/// a * b, called so because `mul` is taken; integers only here, floats by mul().
template <class T>
ONNX_BRIDGE_INLINE if_integer<T> product(T a, T b)
{
   return static_cast<T>(static_cast<wrapping<T>>(a) * static_cast<wrapping<T>>(b));
}

/// Remainder with the sign of the dividend: ONNX's Mod with fmod = 1.
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

// gather.hxx: elements or blocks of a dense row-major tensor, found by index.
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

// map.hxx: y[i] = f(a[i], b[i], ...) over a contiguous run, the inner loop of every group of pointwise operators.
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
   for (Size left = n - i; left > 0; left--, i++) y[i] = static_cast<Y>(f(operand.at(i)...));  // of i < n GCC warns where n is 10
}

// compare.hxx: ONNX's comparisons, logic, bits and choice.
/// The type bool for numbers.
template <class T>
using if_compared = std::enable_if_t<std::is_arithmetic<T>::value, bool>;

template <class T>
ONNX_BRIDGE_INLINE if_compared<T> greater_or_equal(T a, T b)
{
   return a >= b;
}

// reduce_operations.hxx: what the reductions of reduce.hxx do with an element.
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

// reduce.hxx: reductions over the middle of [outer][n][inner] to [outer][inner].
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

/// The same for numbers that are not float.
template <class T, class N, class Inner, class Operation>
ONNX_BRIDGE_KERNEL void reduce_any(Size outer, N n, Inner inner, const T* x, T* y, Operation operation)
{
   for (; outer > 0; outer--, x += n * inner, y += inner) {
      for (Size j = 0; j < inner; j++) y[j] = reduce_numbers(n, inner, x + j, operation);
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
   __attribute__((always_inline)) auto operator()(std::int32_t x0, std::int32_t x1) const { return greater_or_equal(x0, x1); }
};

static bool run(const Weights& w, char* arena, const std::size_t* at, const Dims& dims, const std::int64_t* ids, std::int32_t* total, bool*
      many) noexcept
{
   const Size N = static_cast<Size>(dims.N);
   const Size T = static_cast<Size>(dims.T);
   std::int64_t* const integers_Mod2 = reinterpret_cast<std::int64_t*>(arena + at[0]);
   std::int32_t* const integers_Gather3 = reinterpret_cast<std::int32_t*>(arena + at[2]);
   std::int32_t* const integers_Cast7 = reinterpret_cast<std::int32_t*>(arena + at[1]);
   // integers_Mul0 + integers_Add1 + integers_Mod2: ids [N, T] -> integers_Mod2 [N, T]
   scalar_map((N * T), integers_Mod2, MulAddMod(), ScalarRow<std::int64_t>{ids});
   // integers_Gather3: integers_Mod2 [N, T] -> integers_Gather3 [N, T, 2]
   gather(1, 11, 2, (N * T), w.integers_c3(), integers_Mod2, integers_Gather3);
   // integers_ReduceSum4: integers_Gather3 [N, T, 2] -> integers_ReduceSum4 [N, 2]
   reduce_any(N, T, 2, integers_Gather3, total, Sum());
   // integers_Cast7: integers_Cast7 []
   integers_Cast7[0] = static_cast<std::int32_t>(T);
   // integers_GreaterOrEqual8: integers_ReduceSum4 [N, 2], integers_Cast7 [] -> many [N, 2]
   scalar_map((2 * N), many, GreaterOrEqual(), ScalarRow<std::int32_t>{total}, ScalarStrided<std::int32_t>{integers_Cast7, 0});
   // total: integers_ReduceSum4 [N, 2] -> total [N, 2]
   return true;
}

#undef ONNX_BRIDGE_INLINE
#undef ONNX_BRIDGE_KERNEL
#undef ONNX_BRIDGE_INDEPENDENT
#undef ONNX_BRIDGE_LANES
#undef ONNX_BRIDGE_REGION
}}}  // namespace onnx_bridge::integers::ONNX_BRIDGE_REGION
#endif
