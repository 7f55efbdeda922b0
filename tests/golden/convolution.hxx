// convolution.hxx: made by onnx_bridge VERSION. Do not edit; convert the model again.
//
//   model      convolution.onnx, sha256 0000000000000000..., ai.onnx 17
//   operators  1 Convolution, 1 GlobalAveragePool, 1 FromBlocked
//   input      image  float32 [N, 2, 6, 5]
//   output     means  float32 [N, 18, 1, 1]
//   weights    convolution.dat, 2,752 bytes (safetensors)
//   workspace  4,224 bytes where every size is 1
//   proof      none: converted without verification
//
//   onnx_bridge::convolution::Model model("convolution.dat");  // weights, mapped once; const, any number of threads
//   onnx_bridge::convolution::Workspace ws(model, {N});  // one a thread
//   model.infer(ws, {N}, image, means);  // caller's memory in and out
//
//   TMVA_SOFIE_convolution::Session s("convolution.dat");  // SOFIE's face on the same body
//   auto y = s.infer(N, image);
//
// Contract. infer() is const and noexcept; it allocates nothing, locks nothing, calls nothing of the system and starts no
// thread. A row's bits do not depend on the other rows, on the batch, on alignment or on the thread, and are the same on
// every processor that has a fused multiply-add (x86-64 since 2013, arm64), with every compiler and flag. Only
// constructors throw: a Model's std::runtime_error, with what was wrong with the weights, a Workspace's std::length_error
// or std::bad_alloc. Model::open and Workspace::make do not, and are what there is without exceptions.
#if !defined(ONNX_BRIDGE_LANES)  // ------------------------------------------------------------ the face, read once
#ifndef ONNX_BRIDGE_MODEL_CONVOLUTION
#define ONNX_BRIDGE_MODEL_CONVOLUTION
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

namespace onnx_bridge { namespace convolution {

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
inline constexpr Argument inputs[] = {{"image", "float32", 4, {-1, 2, 6, 5}}};
inline constexpr Argument outputs[] = {{"means", "float32", 4, {-1, 18, 1, 1}}};

/// Which instruction set's body runs: the widest that the processor has, unless one is asked for. All that have a fused
/// multiply-add (each but baseline, and that on arm64) give the same bits.
enum class Body { best = 0, baseline = 4, avx2 = 8, avx512 = 16 };

/// Where each weight lies in memory, packed for the kernels, the same on every processor.
struct Weights {
   const char* data = nullptr;
   template <class T>
   const T* at(std::size_t offset) const { return reinterpret_cast<const T*>(data + offset); }
   const float* convolution_Conv0_bias() const { return at<float>(0); }  // [32]
   const float* convolution_Conv0_weights() const { return at<float>(128); }  // [2, 2, 1, 3, 3, 16]
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
   /// Maps the weights file. Where none is named, it is "convolution.dat" in the working directory, else beside the
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
   bool infer(Workspace& ws, [[maybe_unused]] Dims dims, const float* image, float* means) const noexcept;

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
      case 0: return (18 * N).count();
      default: return 0;
      }
   }

private:
   friend class Workspace;
   using Run = bool (*)(const Weights&, char*, const std::size_t*, const Dims&, const float*, float*) noexcept;
   explicit Model(std::nullptr_t) {}
   static bool takes(const Dims& dims) noexcept
   {
      const Checked N = Checked::dim(dims.N);
      for (const Checked& size : {Checked(240 * N)})
         if (size.overflows()) return false;  // it would in the network, too
      return true;
   }
   static std::size_t plan(const Dims& dims, std::size_t* at) noexcept
   {
      const Checked N = Checked::dim(dims.N);
      Layout<3> layout(at);
      layout.add(3840 * N);
      layout.add(384, {0});
      layout.add(128 * N, {0});
      return layout.end;
   }
   bool load(const std::string& file, Body body, Check check, std::string& error);
   bool bind(const char* data, std::size_t bytes, const char* where,
      std::uint64_t identity, Body body, Check check, std::string& error);
   bool choose(Body body, std::string& error);
   static std::optional<Model> opened(Model& model, bool right, std::string& error)
   {
      error.replace(0, right ? std::string::npos : 0, right ? "" : "convolution: ");
      return right ? std::optional<Model>(std::move(model)) : std::nullopt;
   }
#if defined(__cpp_exceptions)
   [[noreturn]] static void raise(const std::string& error) { throw std::runtime_error("convolution: " + error); }
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
      if (bytes_ == static_cast<std::size_t>(-1)) throw std::length_error("convolution: a workspace for these dims is larger than any memory");
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
   std::size_t at_[3];  // the plan for dims_
   std::size_t bytes_;
   bool takes_;
   std::unique_ptr<char[]> own_{};
   char* memory_ = nullptr;
};

}}  // namespace onnx_bridge::convolution

// The kernels and the network, once for each instruction set: this file includes itself below.
#if defined(__FILE_NAME__)
#define ONNX_BRIDGE_SELF __FILE_NAME__
#elif __has_include(__FILE__)
#define ONNX_BRIDGE_SELF __FILE__
#else
#define ONNX_BRIDGE_SELF "convolution.hxx"
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

namespace onnx_bridge { namespace convolution {

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
   constexpr ExpectedWeights expected = {320, 2432, 0x224511d739cd4ec1u, 0x21cc22c61bf68107u};
   char problem[80];
   w_.data = data + 320;
   if (expected.are(data, bytes, check, identity, problem)) return choose(body, error);
   return error.assign(where).append(problem).empty();
}

__attribute__((cold)) inline bool Model::load(const std::string& file, Body body, Check check, std::string& error)
{
   WeightsFile found;
   const std::string name = "convolution.dat";
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

inline bool Model::infer(Workspace& ws, [[maybe_unused]] Dims dims, const float* image, float* means) const noexcept
{
   if (!ws.fit(dims)) return false;
   return run_(w_, ws.memory_, ws.at_, dims, image, means);
}

}}  // namespace onnx_bridge::convolution

#if defined(__cpp_exceptions)
namespace TMVA_SOFIE_convolution {

/// SOFIE's face. Movable and copyable; copies share the weights. One a thread.
struct Session {
   explicit Session(std::string filename = "", std::size_t N = 1)
      : model(filename), dims{N}, workspace(new onnx_bridge::convolution::Workspace(model, dims)) {}
   Session(const Session& other) : model(other.model), dims(other.dims), workspace(new onnx_bridge::convolution::Workspace(model, dims)) {}
   Session(Session&&) = default;
   Session& operator=(Session&&) = default;
   Session& operator=(const Session& other) { return *this = Session(other); }

   void doInfer(std::size_t N, const float* image, std::vector<float>& means)
   {
      const onnx_bridge::convolution::Dims sizes{N};
      means.resize(onnx_bridge::convolution::Model::output_size(0, sizes));
      const bool done = model.infer(*workspace, sizes, image, means.data());
      if (!done) workspace.reset(new onnx_bridge::convolution::Workspace(model, sizes));  // sizes that are larger than any before
      if (!done && !model.infer(*workspace, sizes, image, means.data())) throw std::runtime_error("convolution: sizes do not agree with the inputs");
   }
   std::vector<float> infer(std::size_t N, const float* image)
   {
      std::vector<float> means;
      doInfer(N, image, means);
      return means;
   }
   std::vector<float> infer(const float* image) { return infer(dims.N, image); }

   onnx_bridge::convolution::Model model;
   onnx_bridge::convolution::Dims dims;  // those that the Session was made for
   std::unique_ptr<onnx_bridge::convolution::Workspace> workspace;
};

/// Raw pointers in and out; the Session's own sizes bound the call's.
inline void doInfer(const Session& session, std::size_t N, const float* image, float* means)
{
   if (!session.model.infer(*session.workspace, {N}, image, means))
      throw std::runtime_error("convolution: sizes beyond those that the Session was made for");
}

}  // namespace TMVA_SOFIE_convolution
namespace SOFIE_convolution = TMVA_SOFIE_convolution;
#endif
#endif  // ONNX_BRIDGE_MODEL_CONVOLUTION
#else  // --------------------------------------------------------------- read once for each instruction set
namespace onnx_bridge { namespace convolution { namespace ONNX_BRIDGE_REGION {

#define ONNX_BRIDGE_CONV_ROWS {1, 2, 5}

// vector.hxx: as many floats as a register holds, by the compiler's vector extensions.
typedef std::ptrdiff_t Size;
constexpr int lanes = ONNX_BRIDGE_LANES;
typedef float vec __attribute__((vector_size(4 * ONNX_BRIDGE_LANES)));
typedef std::int32_t ivec __attribute__((vector_size(4 * ONNX_BRIDGE_LANES)));
typedef float unaligned_vec __attribute__((vector_size(4 * ONNX_BRIDGE_LANES), aligned(4), may_alias));

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
ONNX_BRIDGE_INLINE void store(float* p, vec v) { *reinterpret_cast<unaligned_vec*>(p) = v; }
ONNX_BRIDGE_INLINE vec splat(float x) { return x - vec{}; }  // folds to a broadcast; 0 + x would not (-0.0)
ONNX_BRIDGE_INLINE ivec as_int(vec x) { return reinterpret_cast<ivec>(x); }
ONNX_BRIDGE_INLINE vec as_float(ivec x) { return reinterpret_cast<vec>(x); }

/// Lanes at and beyond n set to +0.
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

// window.hxx: which input positions an output position of a convolution or a pooling reads.
/// One axis: output position o reads the inputs o * stride - pad + k * dilation, 0 <= k < kernel. A negative pad crops.
/// Only an average that counts padding reads pad_end.
struct Axis {
   Size in, out, kernel, stride, dilation, pad;
   Size pad_end = 0;
};

/// Depth, height, width. A 2-D window has the depth {1, 1, 1, 1, 1, 0}, a 1-D one the height too.
struct Window {
   Axis depth, height, width;
};

/// A half-open interval.
struct Range {
   Size begin, end;
};

ONNX_BRIDGE_INLINE Size blocks_of(Size channels) { return (channels + 15) / 16; }
ONNX_BRIDGE_INLINE Size taps(const Window& w) { return w.depth.kernel * w.height.kernel * w.width.kernel; }

/// x / by, rounded up where x is positive; most strides and dilations are 1, and a division takes as long as 30 sums.
ONNX_BRIDGE_INLINE Size divide_up(Size x, Size by) { return by == 1 ? x : (x + by - 1) / by; }

/// The outputs of which every tap lies inside the input.
ONNX_BRIDGE_INLINE Range outputs_inside(const Axis& a)
{
   Size begin = a.pad <= 0 ? 0 : divide_up(a.pad, a.stride);
   const Size room = a.in + a.pad - (a.kernel - 1) * a.dilation;  // first taps that are followed by a whole window
   Size end = room <= 0 ? 0 : divide_up(room, a.stride);
   if (end > a.out) end = a.out;
   if (begin > end) begin = end;
   return {begin, end};
}

// blocked.hxx: the layout of images between convolutions, and the ways into and out of it.
typedef float quad __attribute__((vector_size(16)));
typedef std::int32_t iquad __attribute__((vector_size(16)));
typedef float unaligned_quad __attribute__((vector_size(16), aligned(4), may_alias));
#if defined(__clang__)
#define ONNX_BRIDGE_QUAD(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define ONNX_BRIDGE_QUAD(a, b, ...) __builtin_shuffle(a, b, iquad{__VA_ARGS__})
#endif

/// Row i of four, `from` floats apart, becomes column i of four rows, `to` floats apart. Rows at and beyond `rows` count as +0.
template <class Rows>
ONNX_BRIDGE_INLINE void transpose_quads(const float* in, Size from, Rows rows, float* out, Size to)
{
   quad r[4];
   for (int i = 0; i < 4; i++) r[i] = i < rows ? *reinterpret_cast<const unaligned_quad*>(in + i * from) : quad{};
   const quad low01 = ONNX_BRIDGE_QUAD(r[0], r[1], 0, 4, 1, 5), high01 = ONNX_BRIDGE_QUAD(r[0], r[1], 2, 6, 3, 7);
   const quad low23 = ONNX_BRIDGE_QUAD(r[2], r[3], 0, 4, 1, 5), high23 = ONNX_BRIDGE_QUAD(r[2], r[3], 2, 6, 3, 7);
   *reinterpret_cast<unaligned_quad*>(out) = ONNX_BRIDGE_QUAD(low01, low23, 0, 1, 4, 5);
   *reinterpret_cast<unaligned_quad*>(out + to) = ONNX_BRIDGE_QUAD(low01, low23, 2, 3, 6, 7);
   *reinterpret_cast<unaligned_quad*>(out + 2 * to) = ONNX_BRIDGE_QUAD(high01, high23, 0, 1, 4, 5);
   *reinterpret_cast<unaligned_quad*>(out + 3 * to) = ONNX_BRIDGE_QUAD(high01, high23, 2, 3, 6, 7);
}

/// Blocked to planar.
ONNX_BRIDGE_KERNEL void from_blocked(Size batch, Size channels, Size pixels, const float* in, float* out)
{
   for (Size image = 0; image < batch; image++, out += channels * pixels)
      for (Size block = 0; block < channels; block += 16, in += pixels * 16) {
         float* plane = out + block * pixels;
         const Size valid = channels - block < 16 ? channels - block : 16, whole = pixels - pixels % 4;
         for (Size pixel = 0; pixel < whole; pixel += 4) {
            Size c = 0;
            for (; c + 4 <= valid; c += 4) transpose_quads(in + pixel * 16 + c, 16, Const<4>(), plane + c * pixels + pixel, pixels);
            // At most three are left, which g++ must be told: it warns of loops that it takes for endless.
            for (Size rest = 0; rest < 3 && c < valid; rest++, c++)
               for (Size p = pixel; p < pixel + 4; p++) plane[c * pixels + p] = in[p * 16 + c];
         }
         for (Size pixel = whole; pixel < pixels; pixel++)
            for (Size c = 0; c < valid; c++) plane[c * pixels + pixel] = in[pixel * 16 + c];
      }
}

/// Where the positions of an input axis go in a scratch image: position i to begin + i * spread, if that is in 0 .. size - 1.
struct Placement {
   Size in, size, begin, spread;
};

/// One row of pixels of `floats` floats each, zeros elsewhere; in = nullptr: zeros only.
ONNX_BRIDGE_INLINE void pad_row(const Placement& x, Size floats, const float* in, float* out)
{
   const Size skipped = x.begin >= 0 ? 0 : (-x.begin + x.spread - 1) / x.spread;
   const Size room = x.size - x.begin;
   Size end = room <= 0 ? 0 : (room - 1) / x.spread + 1;
   if (end > x.in) end = x.in;
   if (in == nullptr || skipped >= end) {
      std::memset(out, 0, sizeof(float) * static_cast<std::size_t>(x.size * floats));
   } else if (x.spread == 1) {
      const Size first = (x.begin + skipped) * floats, last = (x.begin + end) * floats;
      std::memset(out, 0, sizeof(float) * static_cast<std::size_t>(first));
      std::memcpy(out + first, in + skipped * floats, sizeof(float) * static_cast<std::size_t>(last - first));
      std::memset(out + last, 0, sizeof(float) * static_cast<std::size_t>(x.size * floats - last));
   } else {
      std::memset(out, 0, sizeof(float) * static_cast<std::size_t>(x.size * floats));
      for (Size i = skipped; i < end; i++)
         std::memcpy(out + (x.begin + i * x.spread) * floats, in + i * floats, sizeof(float) * static_cast<std::size_t>(floats));
   }
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

// conv_tile.hxx: the inner part of every convolution that mixes channels: a few pixels by 32 (AVX2: 16) output channels in registers.
#if ONNX_BRIDGE_LANES == 16
constexpr int conv_pixels = 14;  // of a tile: 14 x 2 sums, 2 weights, 1 input
#elif defined(__aarch64__)
constexpr int conv_pixels = 12;
#else
constexpr int conv_pixels = 6;
#endif

/// What the pixels of one output row sum, in counts and in floats between neighbours.
struct ConvSum {
   Size blocks, blocks_per_sum, last;               // of input channels; how many are summed in one go; channels of the last one
   Size kernel_depth, kernel_height, kernel_width;  // taps
   Size block, depth, row, column;                  // floats between the inputs of neighbouring blocks and taps
   Size pixel;                                      // floats between the inputs of neighbouring outputs
   Size panel;                                      // floats between weight panels
   Size out_block, out_pixel;                       // floats between outputs
};

/// Pixels outputs of one row, Vectors vectors of channels each. Channels: of a block, 16 or (planar input) 1.
template <int Channels, int Vectors, class Pixel, int Pixels>
ONNX_BRIDGE_KERNEL void conv_tile(const ConvSum& s, const float* in, const float* weights, const float* bias, float* out)
{
   const Size pixel = is_const<Pixel>::value ? static_cast<Size>(Pixel()) : s.pixel;
   const Size out_block = s.out_block, out_pixel = s.out_pixel, panel = s.panel;
   for (Size first = 0;; first += s.blocks_per_sum) {
      vec sum[Pixels][Vectors];
      ONNX_BRIDGE_UNROLL
      for (int i = 0; i < Pixels; i++) {
         ONNX_BRIDGE_UNROLL
         for (int j = 0; j < Vectors; j++) sum[i][j] = vec{};
      }
      const bool last = first + s.blocks_per_sum >= s.blocks;
      const Size end = last ? s.blocks : first + s.blocks_per_sum;
      for (Size block = first; block < end; block++)
         for (Size z = 0; z < s.kernel_depth; z++)
            for (Size y = 0; y < s.kernel_height; y++) {
               const float* p = in + block * s.block + z * s.depth + y * s.row;
               for (Size x = 0; x < s.kernel_width; x++, p += s.column, weights += Channels * 16) {
                  const Size channels = Channels == 1 ? 1 : block + 1 == s.blocks ? s.last : Channels;
                  for (Size c = 0; c < channels; c++) {
                     vec w[Vectors];
                     ONNX_BRIDGE_UNROLL
                     for (int j = 0; j < Vectors; j++) w[j] = load(weights + c * 16 + j * lanes / 16 * panel + j * lanes % 16);
                     ONNX_BRIDGE_UNROLL
                     for (int i = 0; i < Pixels; i++) {
                        const vec a = splat(p[i * pixel + c]);
                        ONNX_BRIDGE_UNROLL
                        for (int j = 0; j < Vectors; j++) sum[i][j] = fma(a, w[j], sum[i][j]);
                     }
                  }
               }
            }
      if (first > 0) {
         ONNX_BRIDGE_UNROLL
         for (int i = 0; i < Pixels; i++) {
            ONNX_BRIDGE_UNROLL
            for (int j = 0; j < Vectors; j++) sum[i][j] = load(out + j * lanes / 16 * out_block + i * out_pixel + j * lanes % 16) + sum[i][j];
         }
      }
      if (last && bias != nullptr) {
         ONNX_BRIDGE_UNROLL
         for (int j = 0; j < Vectors; j++) {
            const vec b = load(bias + j * lanes);
            ONNX_BRIDGE_UNROLL
            for (int i = 0; i < Pixels; i++) sum[i][j] += b;
         }
      }
      ONNX_BRIDGE_UNROLL
      for (int i = 0; i < Pixels; i++) {
         ONNX_BRIDGE_UNROLL
         for (int j = 0; j < Vectors; j++) store(out + j * lanes / 16 * out_block + i * out_pixel + j * lanes % 16, sum[i][j]);
      }
      if (last) return;
   }
}

typedef void (*ConvTile)(const ConvSum&, const float* in, const float* weights, const float* bias, float* out);

#if defined(ONNX_BRIDGE_CONV_ROWS)
struct ConvRow {
   int channels, vectors;  // vectors: where one is a panel, else all rows have 2
   Size pixels;
};
/// Whether one of this network's rows is cut into such tiles. The others need no functions of their own.
constexpr bool conv_needs(int channels, int vectors, Size pixels)
{
   constexpr ConvRow rows[] = {ONNX_BRIDGE_CONV_ROWS};
   for (const ConvRow& row : rows) {
      const Size tiles = (row.pixels + conv_pixels - 1) / conv_pixels;
      const bool cut = row.pixels / tiles == pixels || (row.pixels % tiles > 0 && row.pixels / tiles + 1 == pixels);
      if (cut && row.channels == channels && (lanes < 16 || row.vectors == vectors)) return true;
   }
   return false;
}
#else
constexpr bool conv_needs(int, int, Size) { return true; }
#endif

/// A tile of which there is none: pixel by pixel, with the same bits.
template <int Channels, int Vectors, class Pixel, int Pixels>
ONNX_BRIDGE_KERNEL void conv_single(const ConvSum& s, const float* in, const float* weights, const float* bias, float* out)
{
   for (int i = 0; i < Pixels; i++) conv_tile<Channels, Vectors, Pixel, 1>(s, in + i * s.pixel, weights, bias, out + i * s.out_pixel);
}

template <int Channels, int Vectors, class Pixel, int Pixels>
constexpr ConvTile conv_tile_made()
{
   if constexpr (Pixels == 1 || conv_needs(Channels, Vectors, Pixels))
      return conv_tile<Channels, Vectors, Pixel, Pixels>;
   else
      return conv_single<Channels, Vectors, Pixel, Pixels>;
}

template <int Channels, int Vectors, class Pixel, int... Less>
ONNX_BRIDGE_INLINE ConvTile conv_tile_of(Size pixels, std::integer_sequence<int, Less...>)
{
   static const ConvTile tile[] = {conv_tile_made<Channels, Vectors, Pixel, Less + 1>()...};
   return tile[pixels - 1];
}

/// The tile of `pixels` pixels and `vectors` vectors, 2, or 1 where a vector is a panel.
template <int Channels, class Pixel>
ONNX_BRIDGE_INLINE ConvTile conv_tile_of(Size pixels, int vectors)
{
   constexpr std::make_integer_sequence<int, conv_pixels> fewer;
   if constexpr (lanes == 16) {
      if (vectors == 1) return conv_tile_of<Channels, 1, Pixel>(pixels, fewer);
   }
   return conv_tile_of<Channels, 2, Pixel>(pixels, fewer);
}

/// Vectors of channels that are summed together from `channel` on, of `padded` ones.
ONNX_BRIDGE_INLINE int conv_vectors(Size channel, Size padded) { return lanes == 16 && padded - channel < 32 ? 1 : 2; }

/// The outputs of an image: data + channel / 16 * block + z * depth + y * row + x * pixel + channel % 16. The epilogue is told
/// the number first + z * number_depth + y * number_row + x * number_pixel.
struct ConvOutput {
   float* data;
   Size block, depth, row, pixel;
   Size first, number_depth, number_row, number_pixel;
};

/// A whole image of pixels side by side.
ONNX_BRIDGE_INLINE ConvOutput whole_output(const Window& w, float* out)
{
   const Size row = w.width.out, depth = w.height.out * row;
   return {out, w.depth.out * depth * 16, depth * 16, row * 16, 16, 0, depth, row, 1};
}

/// Applies the epilogue to `pixels` outputs of one vector of channels, where they lie; what is beyond `channels` becomes +0.
template <class Epilogue>
ONNX_BRIDGE_INLINE void finish_pixels(float* out, Size pixel, Size pixels, Size number, Size number_pixel, Size channel, Size channels,
                                      const Epilogue& epilogue)
{
   const Size valid = channels - channel;
   if (valid >= lanes) {
      if (std::is_same<Epilogue, Keep>::value) return;
      for (Size i = 0; i < pixels; i++, out += pixel) store(out, epilogue(load(out), number + i * number_pixel, channel, All()));
   } else if (valid > 0) {
      for (Size i = 0; i < pixels; i++, out += pixel)
         store(out, keep_first(epilogue(load(out), number + i * number_pixel, channel, valid), valid));
   } else {
      for (Size i = 0; i < pixels; i++, out += pixel) store(out, vec{});
   }
}

/// One output row: `vectors` vectors of channels from `channel` on, tiles of equal width (one pixel more or less).
template <int Channels, class Pixel, class Epilogue>
ONNX_BRIDGE_INLINE void conv_row(const ConvSum& s, int vectors, const float* in, const float* weights, const float* bias, float* out,
                                 Size number, Size number_pixel, Size pixels, Size channel, Size channels, const Epilogue& epilogue)
{
   const Size tiles = (pixels + conv_pixels - 1) / conv_pixels;
   for (Size tile = 0; tile < tiles; tile++) {
      const Size width = pixels / tiles + (tile < pixels % tiles);
      conv_tile_of<Channels, Pixel>(width, vectors)(s, in, weights, bias, out);
      for (int j = 0; j < vectors; j++)
         finish_pixels(out + j * lanes / 16 * s.out_block + j * lanes % 16, s.out_pixel, width, number, number_pixel, channel + j * lanes,
                       channels, epilogue);
      in += width * s.pixel;
      out += width * s.out_pixel;
      number += width * number_pixel;
   }
}

// conv_planar.hxx: convolution of a planar image of few channels (a network's first layer) to a blocked one, one image a call.
/// Positions of a row that a tile reads.
ONNX_BRIDGE_INLINE Size patch_width(const Window& w)
{
   return (conv_pixels - 1) * w.width.stride + (w.width.kernel - 1) * w.width.dilation + 1;
}

/// The window of the tile that starts at output (z, y, x), zero-padded: [C][kd][kh][patch_width].
ONNX_BRIDGE_KERNEL void copy_patch(const Window& w, Size channels, Size z, Size y, Size x, Size width, const float* in, float* out)
{
   const Placement columns = {w.width.in, width, w.width.pad - x * w.width.stride, 1};
   for (Size c = 0; c < channels; c++)
      for (Size kz = 0; kz < w.depth.kernel; kz++)
         for (Size ky = 0; ky < w.height.kernel; ky++, out += width) {
            const Size depth = z * w.depth.stride - w.depth.pad + kz * w.depth.dilation;
            const Size row = y * w.height.stride - w.height.pad + ky * w.height.dilation;
            const bool inside = depth >= 0 && depth < w.depth.in && row >= 0 && row < w.height.in;
            pad_row(columns, 1, inside ? in + ((c * w.depth.in + depth) * w.height.in + row) * w.width.in : nullptr, out);
         }
}

ONNX_BRIDGE_INLINE bool contains(Range r, Size begin, Size end) { return r.begin <= begin && end <= r.end; }

/// Stride: Const<1>, Const<2> or, for any, Size; what the window says along the width.
template <class Stride, class Epilogue>
ONNX_BRIDGE_KERNEL void conv_planar(const Window& w, Size in_channels, Size out_channels, const float* in, const float* weights,
                                    const float* bias, float* out, float* scratch, const Epilogue& epilogue)
{
   const Size row = w.width.in, depth = w.height.in * row, plane = w.depth.in * depth;
   const ConvOutput whole = whole_output(w, out);
   const ConvSum direct = {in_channels, 1, 1, w.depth.kernel, w.height.kernel, w.width.kernel,
                           plane, depth * w.depth.dilation, row * w.height.dilation, w.width.dilation,
                           w.width.stride, in_channels * taps(w) * 16, whole.block, 16};
   ConvSum patched = direct;
   const Size width = patch_width(w);
   patched.row = width;
   patched.depth = w.height.kernel * width;
   patched.block = w.depth.kernel * patched.depth;

   const Range inside_depth = outputs_inside(w.depth), inside_height = outputs_inside(w.height), inside_width = outputs_inside(w.width);
   const Size padded = blocks_of(out_channels) * 16, tiles = (w.width.out + conv_pixels - 1) / conv_pixels;
   for (Size z = 0; z < w.depth.out; z++)
      for (Size y = 0; y < w.height.out; y++) {
         const bool inside_row = contains(inside_depth, z, z + 1) && contains(inside_height, y, y + 1);
         Size x = 0;
         for (Size tile = 0; tile < tiles; tile++) {
            const Size pixels = w.width.out / tiles + (tile < w.width.out % tiles);
            const bool inside = inside_row && contains(inside_width, x, x + pixels);
            const float* from = scratch;
            if (inside)
               from = in + (z * w.depth.stride - w.depth.pad) * depth + (y * w.height.stride - w.height.pad) * row + x * w.width.stride - w.width.pad;
            else
               copy_patch(w, in_channels, z, y, x, width, in, scratch);
            const Size number = (z * w.height.out + y) * w.width.out + x;
            for (Size channel = 0; channel < padded; channel += 2 * lanes)
               conv_row<1, Stride>(inside ? direct : patched, conv_vectors(channel, padded), from,
                                   weights + channel / 16 * direct.panel + channel % 16, bias == nullptr ? nullptr : bias + channel,
                                   out + channel / 16 * whole.block + channel % 16 + number * 16, number, 1, pixels, channel, out_channels, epilogue);
            x += pixels;
         }
      }
}

// activation.hxx: ONNX's activation functions on vec, and by the same names on float and double.
/// Of any number: max(x, 0).
ONNX_BRIDGE_INLINE vec relu(vec x) { return larger(vec{}, x); }

// pool.hxx: max, average and Lp pooling over a window, blocked or planar, 1, 2 or 3 dimensions, any dilation and pads.
struct PoolSum {
   __attribute__((always_inline)) float start() const { return 0.0f; }
   template <class T>
   __attribute__((always_inline)) T take(T chain, T x) const
   {
      return chain + x;
   }
   template <class T>
   __attribute__((always_inline)) T join(T total, T chain) const
   {
      return total + chain;
   }
};

struct PoolAverage : PoolSum {
   bool count_padding = false;
   template <class T>
   __attribute__((always_inline)) T finish(T total, float count) const
   {
      return total / count;
   }
};

// pool_global.hxx: the average and the maximum of all pixels of each channel.
/// Blocked to [blocks_of(channels)][16]: planar and blocked at once. The epilogue's row is 0, its column the channel.
template <class Way, class Epilogue>
ONNX_BRIDGE_KERNEL void pool_global_blocked(Size channels, Size pixels, Way way, const float* in, float* out, const Epilogue& epilogue)
{
   const Size padded = blocks_of(channels) * 16;
   // Four vectors of channels side by side hide the latency of the chains.
   for (Size channel = 0; channel < padded; channel += 4 * lanes) {
      const int count = static_cast<int>(padded - channel < 4 * lanes ? (padded - channel) / lanes : 4);
      const float* from[4];
      vec total[4];
      ONNX_BRIDGE_UNROLL
      for (int j = 0; j < 4; j++) {
         const Size c = channel + (j < count ? j : 0) * lanes;
         from[j] = in + c / 16 * pixels * 16 + c % 16;
      }
      for (Size begin = 0; begin == 0 || begin < pixels; begin += 256) {
         const Size end = pixels - begin < 256 ? pixels : begin + 256;
         vec chain[4];
         ONNX_BRIDGE_UNROLL
         for (int j = 0; j < 4; j++) chain[j] = splat(way.start());
         for (Size i = begin; i < end; i++) {
            ONNX_BRIDGE_UNROLL
            for (int j = 0; j < 4; j++) chain[j] = way.take(chain[j], load(from[j] + i * 16));
         }
         ONNX_BRIDGE_UNROLL
         for (int j = 0; j < 4; j++) total[j] = begin == 0 ? chain[j] : way.join(total[j], chain[j]);
      }
      for (int j = 0; j < count; j++) {
         store(out + channel + j * lanes, way.finish(total[j], static_cast<float>(pixels)));
         finish_pixels(out + channel + j * lanes, 16, 1, 0, 1, channel + j * lanes, channels, epilogue);
      }
   }
}

// ---- the network

struct Relu {
   static constexpr bool cheap = true;
   template <class Count>
   __attribute__((always_inline)) vec operator()(vec value, Size, Size, Count) const { return relu(value); }
};

static bool run(const Weights& w, char* arena, const std::size_t* at, const Dims& dims, const float* image, float* means) noexcept
{
   const Size N = static_cast<Size>(dims.N);
   float* const convolution_Relu2 = reinterpret_cast<float*>(arena + at[0]);
   float* const means_blocked = reinterpret_cast<float*>(arena + at[2]);
   // convolution_Conv0 + convolution_Relu2: image [N, 2, 6, 5] -> convolution_Relu2 [N, 18, 6, 5]
   {
      static constexpr Window window = {{1, 1, 1, 1, 1, 0, 0}, {6, 6, 3, 1, 1, 1, 1}, {5, 5, 3, 1, 1, 1, 1}};
      for (Size image_2 = 0; image_2 < N; image_2++) {
         conv_planar<Const<1>>(window, 2, 18, image + image_2 * 60, w.convolution_Conv0_weights(), w.convolution_Conv0_bias(),
               convolution_Relu2 + image_2 * 960, reinterpret_cast<float*>(arena + at[1]), Relu());
      }
   }
   // convolution_GlobalAveragePool3: convolution_Relu2 [N, 18, 6, 5] -> means_blocked [N, 18, 1, 1]
   for (Size image_2 = 0; image_2 < N; image_2++) {
      pool_global_blocked(18, 30, PoolAverage(), convolution_Relu2 + image_2 * 960, means_blocked + image_2 * 32, Keep());
   }
   // means planar: means_blocked [N, 18, 1, 1] -> means [N, 18, 1, 1]
   from_blocked(N, 18, 1, means_blocked, means);
   return true;
}

#undef ONNX_BRIDGE_CONV_ROWS
#undef ONNX_BRIDGE_INLINE
#undef ONNX_BRIDGE_KERNEL
#undef ONNX_BRIDGE_UNROLL
#undef ONNX_BRIDGE_KEEP
#undef ONNX_BRIDGE_QUAD
#undef ONNX_BRIDGE_LANES
#undef ONNX_BRIDGE_REGION
#undef ONNX_BRIDGE_HAS_AVX2
#undef ONNX_BRIDGE_HAS_AVX512
}}}  // namespace onnx_bridge::convolution::ONNX_BRIDGE_REGION
#endif
