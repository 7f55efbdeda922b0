@BANNER@
#if !defined(ONNX_BRIDGE_LANES)  // ------------------------------------------------------------ the face, read once
#ifndef @GUARD@
#define @GUARD@
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <limits>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
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

namespace onnx_bridge { namespace @NAME@ {

/// Sizes that the model leaves open.
struct Dims {
@DIM_FIELDS@
};

/// An input or output: its ONNX name, element type and shape; -1 stands for a size that is known at run time,
/// and for the rank of an output that has one or another: `shape` is the number of its elements then.
struct Argument {
   const char* name;
   const char* type;
   int rank;
   std::ptrdiff_t shape[8];
};
@ARGUMENTS@

/// Which instruction set's body runs: the widest that the processor has, unless one is asked for. All that have a fused
/// multiply-add (avx2, avx512, and baseline on arm64) give the same bits.
enum class Body { best = 0, baseline = 4, avx2 = 8, avx512 = 16 };

/// Where each weight lies in memory, packed for the kernels, the same on every processor.
struct Weights {
@WEIGHT_FIELDS@
};

@WEIGHTS_FILE@
inline std::ptrdiff_t floor_div(std::ptrdiff_t a, std::ptrdiff_t b) { return a / b - (a % b != 0 && (a % b < 0) != (b < 0)); }
inline std::ptrdiff_t minimum(std::ptrdiff_t a, std::ptrdiff_t b) { return a < b ? a : b; }
inline std::ptrdiff_t maximum(std::ptrdiff_t a, std::ptrdiff_t b) { return a > b ? a : b; }
template <class... Rest>
std::ptrdiff_t minimum(std::ptrdiff_t a, std::ptrdiff_t b, Rest... rest) { return minimum(minimum(a, b), rest...); }
template <class... Rest>
std::ptrdiff_t maximum(std::ptrdiff_t a, std::ptrdiff_t b, Rest... rest) { return maximum(maximum(a, b), rest...); }

class Workspace;

/// The network with its weights. Immutable: share one between all threads.
class Model {
public:
@CONSTRUCTORS@
   /// Weights in the caller's memory (64-byte aligned), which must outlive the Model.
   Model(const void* data, std::size_t bytes, Body body = Body::best)
   {
      bind(static_cast<const char*>(data), bytes, "memory", body);
   }

   /// Writes the outputs; false, and nothing written, where the dims need more than the Workspace has@REFUSALS@.
   bool infer(@INFER_PARAMETERS@) const noexcept;

   /// Bytes of scratch memory that one call needs.
   static std::size_t workspace_bytes(Dims dims = {}) noexcept
   {
      std::size_t at[@SLOTS@];
      return plan(dims, at);
   }

   /// Elements of output `index`.
   static std::size_t output_size(int index, Dims dims = {}) noexcept;

private:
   friend class Workspace;
   using Run = bool (*)(@RUN_TYPES@) noexcept;
   static std::size_t plan(const Dims& dims, std::size_t* at) noexcept;
   void bind(const char* data, std::size_t bytes, const std::string& where, Body body);

   std::shared_ptr<const char> file_;  // keeps the weights alive; null where they are the caller's
   Weights w_{};
   Run run_ = nullptr;
};

/// Scratch memory of one thread, for all calls whose dims need no more than `dims`.
class Workspace {
public:
   explicit Workspace(const Model&, Dims dims = {})
      : dims_(dims), bytes_(Model::plan(dims, at_)), own_(new char[bytes_ + 63]), memory_(aligned(own_.get())) {}
   /// Scratch in the caller's memory: Model::workspace_bytes(dims) bytes, 64-byte aligned.
   Workspace(const Model&, Dims dims, void* memory) : dims_(dims), bytes_(Model::plan(dims, at_)), memory_(static_cast<char*>(memory)) {}

private:
   friend class Model;
   static char* aligned(char* p) { return p + (64 - reinterpret_cast<std::uintptr_t>(p) % 64) % 64; }
   bool fit(const Dims& dims) noexcept
   {
      if (@SAME_DIMS@) return true;
      const bool fits = Model::plan(dims, at_) <= bytes_;
      if (fits)
         dims_ = dims;
      else
         Model::plan(dims_, at_);
      return fits;
   }

   Dims dims_;
   std::size_t at_[@SLOTS@];  // the plan for dims_
   std::size_t bytes_;
   std::unique_ptr<char[]> own_;
   char* memory_;
};

}}  // namespace onnx_bridge::@NAME@

// The kernels and the network, once for each instruction set: this file includes itself below.
#ifdef __FILE_NAME__
#define ONNX_BRIDGE_SELF __FILE_NAME__
#else
#define ONNX_BRIDGE_SELF "@FILE@"
#endif
@REGIONS@
#undef ONNX_BRIDGE_SELF

namespace onnx_bridge { namespace @NAME@ {

@DETECTION@
@FILE_CONSTRUCTOR@
inline void Model::bind(@UNUSED@const char* data, @UNUSED@std::size_t bytes, @UNUSED@const std::string& where, Body body)
{
@BIND@
   const int widest = widest_body();
#ifdef ONNX_BRIDGE_ONLY
   const int best = ONNX_BRIDGE_ONLY;
#else
   const int best = widest;
#endif
   const int lanes = body == Body::best ? best : static_cast<int>(body);
   if (lanes > widest) throw std::runtime_error("@NAME@: this processor cannot run the body that was asked for");
#if defined(ONNX_BRIDGE_ONLY)
   if (lanes != best) throw std::runtime_error("@NAME@: compiled for another body than was asked for");
#if ONNX_BRIDGE_ONLY == 16
   run_ = avx512::run;
#elif ONNX_BRIDGE_ONLY == 8
   run_ = avx2::run;
#else
   run_ = baseline::run;
#endif
#elif defined(__x86_64__)
   run_ = lanes == 16 ? avx512::run : lanes == 8 ? avx2::run : baseline::run;
#else
   run_ = baseline::run;
#endif
}

inline std::size_t Model::plan([[maybe_unused]] const Dims& dims, [[maybe_unused]] std::size_t* at) noexcept
{
@PLAN@
}

inline std::size_t Model::output_size(int index, [[maybe_unused]] Dims dims) noexcept
{
@OUTPUT_SIZES@
}

inline bool Model::infer(@INFER_PARAMETERS@) const noexcept
{
@INFER_BODY@
}

}}  // namespace onnx_bridge::@NAME@

namespace TMVA_SOFIE_@NAME@ {

@SOFIE@

}  // namespace TMVA_SOFIE_@NAME@
#endif  // @GUARD@
#else  // --------------------------------------------------------------- read once for each instruction set
namespace onnx_bridge { namespace @NAME@ { namespace ONNX_BRIDGE_REGION {

@KERNELS@
// ---- the network

@FUNCTORS@
static bool run(@RUN_PARAMETERS@) noexcept
{
@NETWORK@
   return true;
}

@UNDEFINE@
}}}  // namespace onnx_bridge::@NAME@::ONNX_BRIDGE_REGION
#endif
