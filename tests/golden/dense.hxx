// dense.hxx: made by onnx_bridge VERSION. Do not edit; convert the model again.
//
//   model      dense.onnx, sha256 0000000000000000..., ai.onnx 17
//   operators  2 Dense
//   input      x  float32 [N, 7]
//   output     p  float32 [N, 1]
//   weights    dense.dat, 1,728 bytes (safetensors)
//   workspace  128 bytes where every size is 1
//   proof      none: converted without verification
//
//   onnx_bridge::dense::Model model("dense.dat");  // weights, mapped once; const, any number of threads
//   onnx_bridge::dense::Workspace ws(model, {N});  // one a thread
//   model.infer(ws, {N}, x, p);  // caller's memory in and out
//
//   TMVA_SOFIE_dense::Session s("dense.dat");  // SOFIE's face on the same body
//   auto y = s.infer(N, x);
//
// Contract. infer() is const and noexcept; it allocates nothing, locks nothing, calls nothing of the system and starts no
// thread. A row's bits do not depend on the other rows, on the batch, on alignment or on the thread, and are the same on
// every processor that has a fused multiply-add (x86-64 since 2013, arm64), with every compiler and flag. Only
// constructors throw: a Model's std::runtime_error, with what was wrong with the weights, a Workspace's std::length_error
// or std::bad_alloc. Model::open and Workspace::make do not, and are what there is without exceptions.
#if !defined(ONNX_BRIDGE_LANES)  // ------------------------------------------------------------ the face, read once
#ifndef ONNX_BRIDGE_MODEL_DENSE
#define ONNX_BRIDGE_MODEL_DENSE
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
#include <utility>
#include <vector>
#if defined(__unix__) || defined(__APPLE__)
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#endif

namespace onnx_bridge { namespace dense {

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
inline constexpr Argument inputs[] = {{"x", "float32", 2, {-1, 7}}};
inline constexpr Argument outputs[] = {{"p", "float32", 2, {-1, 1}}};

/// Which instruction set's body runs: the widest that the processor has, unless one is asked for. All that have a fused
/// multiply-add (each but baseline, and that on arm64) give the same bits.
enum class Body { best = 0, baseline = 4, avx2 = 8, avx512 = 16 };

/// Where each weight lies in memory, packed for the kernels, the same on every processor.
struct Weights {
   const char* data = nullptr;
   template <class T>
   const T* at(std::size_t offset) const { return reinterpret_cast<const T*>(data + offset); }
   const float* dense_Gemm0_bias() const { return at<float>(0); }  // [32]
   const float* dense_Gemm0_weights() const { return at<float>(128); }  // [2, 7, 16]
   const float* dense_Gemm2_bias() const { return at<float>(1024); }  // [16]
   const float* dense_Gemm2_weights() const { return at<float>(1088); }  // [20]
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

class Workspace;

/// The network with its weights. Immutable: share one between all threads. The constructors are there where exceptions are, and throw
/// std::runtime_error with what is wrong; open() says it in `error` instead, and returns nothing.
class Model {
public:
#if defined(__cpp_exceptions)
   /// Maps the weights file. Where none is named, it is "dense.dat" in the working directory, else beside the
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
   bool infer(Workspace& ws, [[maybe_unused]] Dims dims, const float* x, float* p) const noexcept;

   /// Bytes of scratch memory that one call needs; the largest std::size_t where no memory is that large.
   static std::size_t workspace_bytes(Dims dims = {}) noexcept
   {
      std::size_t at[1];
      return plan(dims, at);
   }

   /// Elements of output `index`; 0 where infer refuses the dims whatever the Workspace has.
   static std::size_t output_size(int index, Dims dims = {}) noexcept
   {
      if (!takes(dims)) return 0;
      switch (index) {
      case 0: return dims.N;
      default: return 0;
      }
   }

private:
   friend class Workspace;
   using Run = bool (*)(const Weights&, char*, const std::size_t*, const Dims&, const float*, float*) noexcept;
   explicit Model(std::nullptr_t) {}
   static bool takes(const Dims& dims) noexcept
   {
      return dims.N <= static_cast<std::size_t>(-1) / 768;  // beyond it sizes overflow, here or in the network
   }
   static std::size_t plan(const Dims& dims, std::size_t* at) noexcept
   {
      if (!takes(dims)) return static_cast<std::size_t>(-1);
      at[0] = 0;
      return 64 * ((80 * dims.N + 63) / 64);
   }
   bool load(const std::string& file, Body body, Check check, std::string& error);
   bool bind(const char* data, std::size_t bytes, const char* where,
      std::uint64_t identity, Body body, Check check, std::string& error);
   bool choose(Body body, std::string& error);
   static std::optional<Model> opened(Model& model, bool right, std::string& error)
   {
      error.replace(0, right ? std::string::npos : 0, right ? "" : "dense: ");
      return right ? std::optional<Model>(std::move(model)) : std::nullopt;
   }
#if defined(__cpp_exceptions)
   [[noreturn]] static void raise(const std::string& error) { throw std::runtime_error("dense: " + error); }
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
      if (bytes_ == static_cast<std::size_t>(-1)) throw std::length_error("dense: a workspace for these dims is larger than any memory");
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
   std::size_t at_[1];  // the plan for dims_
   std::size_t bytes_;
   bool takes_;
   std::unique_ptr<char[]> own_{};
   char* memory_ = nullptr;
};

}}  // namespace onnx_bridge::dense

// The kernels and the network, once for each instruction set: this file includes itself below.
#if defined(__FILE_NAME__)
#define ONNX_BRIDGE_SELF __FILE_NAME__
#elif __has_include(__FILE__)
#define ONNX_BRIDGE_SELF __FILE__
#else
#define ONNX_BRIDGE_SELF "dense.hxx"
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

namespace onnx_bridge { namespace dense {

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
   constexpr ExpectedWeights expected = {512, 1216, 0x17b97719465fdfd3u, 0x4bce4f87876e3141u};
   char problem[80];
   w_.data = data + 512;
   if (expected.are(data, bytes, check, identity, problem)) return choose(body, error);
   return error.assign(where).append(problem).empty();
}

__attribute__((cold)) inline bool Model::load(const std::string& file, Body body, Check check, std::string& error)
{
   WeightsFile found;
   const std::string name = "dense.dat";
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

inline bool Model::infer(Workspace& ws, [[maybe_unused]] Dims dims, const float* x, float* p) const noexcept
{
   if (!ws.fit(dims)) return false;
   return run_(w_, ws.memory_, ws.at_, dims, x, p);
}

}}  // namespace onnx_bridge::dense

#if defined(__cpp_exceptions)
namespace TMVA_SOFIE_dense {

/// SOFIE's face. Movable and copyable; copies share the weights. One a thread.
struct Session {
   explicit Session(std::string filename = "", std::size_t N = 1)
      : model(filename), dims{N}, workspace(new onnx_bridge::dense::Workspace(model, dims)) {}
   Session(const Session& other) : model(other.model), dims(other.dims), workspace(new onnx_bridge::dense::Workspace(model, dims)) {}
   Session(Session&&) = default;
   Session& operator=(Session&&) = default;
   Session& operator=(const Session& other) { return *this = Session(other); }

   void doInfer(std::size_t N, const float* x, std::vector<float>& p)
   {
      const onnx_bridge::dense::Dims sizes{N};
      p.resize(onnx_bridge::dense::Model::output_size(0, sizes));
      const bool done = model.infer(*workspace, sizes, x, p.data());
      if (!done) workspace.reset(new onnx_bridge::dense::Workspace(model, sizes));  // sizes that are larger than any before
      if (!done && !model.infer(*workspace, sizes, x, p.data())) throw std::runtime_error("dense: sizes do not agree with the inputs");
   }
   std::vector<float> infer(std::size_t N, const float* x)
   {
      std::vector<float> p;
      doInfer(N, x, p);
      return p;
   }
   std::vector<float> infer(const float* x) { return infer(dims.N, x); }

   onnx_bridge::dense::Model model;
   onnx_bridge::dense::Dims dims;  // those that the Session was made for
   std::unique_ptr<onnx_bridge::dense::Workspace> workspace;
};

/// Raw pointers in and out; the Session's own sizes bound the call's.
inline void doInfer(const Session& session, std::size_t N, const float* x, float* p)
{
   if (!session.model.infer(*session.workspace, {N}, x, p))
      throw std::runtime_error("dense: sizes beyond those that the Session was made for");
}

}  // namespace TMVA_SOFIE_dense
namespace SOFIE_dense = TMVA_SOFIE_dense;
#endif
#endif  // ONNX_BRIDGE_MODEL_DENSE
#else  // --------------------------------------------------------------- read once for each instruction set
namespace onnx_bridge { namespace dense { namespace ONNX_BRIDGE_REGION {

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

// dot_small.hxx: a layer with one output and K <= 256 terms, which are known. Operands, order of summation and bits: dot_rows()'s in gemm.hxx.
/// x . w in 32 lanes, folded by halves.
template <Size K>
ONNX_BRIDGE_INLINE float dot_row(const float* x, const float* w)
{
   static_assert(K <= 256, "a small layer");
   constexpr Size whole = K / lanes;
   vec sum[32 / lanes] = {};
   ONNX_BRIDGE_UNROLL
   for (Size i = 0; i < whole; i++) sum[i % (32 / lanes)] = fma(load(x + i * lanes), load(w + i * lanes), sum[i % (32 / lanes)]);
   if constexpr (K % lanes > 0) {
      vec& last = sum[whole % (32 / lanes)];
      last = fma(load(x + whole * lanes, K % lanes), load(w + whole * lanes, K % lanes), last);
   }
   return fold(sum);
}

/// Y[m] = epilogue(bias[0] + X[m] . w); to the epilogue Y is one row.
template <Size K, class Epilogue>
ONNX_BRIDGE_INLINE void dot_small(Size M, Const<K>, const float* X, Size ldx, const float* w, const float* bias, float* Y,
                                  const Epilogue& epilogue)
{
   const auto value = [&](Size m) __attribute__((always_inline)) -> float { return bias ? *bias + dot_row<K>(X + m * ldx, w) : dot_row<K>(X + m * ldx, w); };
   if (M == 1) {
      *Y = epilogue(splat(value(0)), 0, 0, Size(1))[0];
      return;
   }
   for (Size m = 0; m < M; m += lanes) {
      alignas(64) float values[lanes] = {};
      const Size count = M - m < lanes ? M - m : lanes;
      for (Size i = 0; i < count; i++) values[i] = value(m + i);
      store(Y + m, epilogue(load(values), 0, m, count), count);
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

// activation.hxx: ONNX's activation functions on vec, and by the same names on float and double.
/// Of any number: max(x, 0).
ONNX_BRIDGE_INLINE vec relu(vec x) { return larger(vec{}, x); }

// ---- the network

struct Relu {
   static constexpr bool cheap = true;
   template <class Count>
   __attribute__((always_inline)) vec operator()(vec value, Size, Size, Count) const { return relu(value); }
};
struct Sigmoid {
   template <class Count>
   __attribute__((always_inline)) vec operator()(vec value, Size, Size, Count) const { return sigmoid(value); }
};

static bool run(const Weights& w, char* arena, const std::size_t* at, const Dims& dims, const float* x, float* p) noexcept
{
   const Size N = static_cast<Size>(dims.N);
   float* const dense_Relu1 = reinterpret_cast<float*>(arena + at[0]);
   // dense_Gemm0 + dense_Relu1: x [N, 7] -> dense_Relu1 [N, 20]
   gemm_small(N, Const<20>(), Const<7>(), x, 7, w.dense_Gemm0_weights(), w.dense_Gemm0_bias(), dense_Relu1, 20, Relu());
   // dense_Gemm2 + dense_Sigmoid3: dense_Relu1 [N, 20] -> p [N, 1]
   dot_small(N, Const<20>(), dense_Relu1, 20, w.dense_Gemm2_weights(), w.dense_Gemm2_bias(), p, Sigmoid());
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
}}}  // namespace onnx_bridge::dense::ONNX_BRIDGE_REGION
#endif
