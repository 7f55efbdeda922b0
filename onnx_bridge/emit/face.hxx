@BANNER@
#ifndef @GUARD@
#define @GUARD@
@INCLUDES@

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
/// multiply-add (each but baseline, and that on arm64) give the same bits.
enum class Body { @BODIES@ };

/// Where each weight lies in memory, packed for the kernels, the same on every processor.
struct Weights {
@WEIGHT_FIELDS@
};

@LIBRARY@
@BEFORE@@FOUND@class Workspace;

/// The network with its weights. Immutable: share one between all threads. The constructors are there where exceptions are, and throw
/// std::runtime_error with what is wrong; open() says it in `error` instead, and returns nothing.
class Model {
public:
@CONSTRUCTORS@

@INFER_CONTRACT@
   bool infer(@INFER_PARAMETERS@) const noexcept;

   /// Bytes of scratch memory that one call needs; the largest std::size_t where no memory is that large.
   static std::size_t workspace_bytes(Dims dims = {}) noexcept
   {
      std::size_t at[@SLOTS@];
      return plan(dims, at);
   }

   /// Elements of output `index`; 0 where infer refuses the dims whatever the Workspace has.
@OUTPUT_SIZE@

private:
   friend class Workspace;
   using Run = bool (*)(@RUN_TYPES@) noexcept;
   explicit Model(std::nullptr_t) {}
@TAKES_AND_PLAN@
@LOADERS@
   bool choose(Body body, std::string& error);
   static std::optional<Model> opened(Model& model, bool right, std::string& error)
   {
      error.replace(0, right ? std::string::npos : 0, right ? "" : "@NAME@: ");
      return right ? std::optional<Model>(std::move(model)) : std::nullopt;
   }
#if defined(__cpp_exceptions)
   [[noreturn]] static void raise(const std::string& error) { throw std::runtime_error("@NAME@: " + error); }
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
      if (bytes_ == static_cast<std::size_t>(-1)) throw std::length_error("@NAME@: a workspace for these dims is larger than any memory");
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
@FOUND_OF@
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
      if (@SAME_DIMS@) return @TAKEN@;
      if (!Model::takes(dims)) return false;
      if (Model::plan(dims, at_) > bytes_) {
         Model::plan(dims_, at_);
         return false;
      }
      dims_ = dims;
      return takes_ = true;
   }

   Dims dims_;
   std::size_t at_[@SLOTS@];  // the plan for dims_
   std::size_t bytes_;
   bool takes_;
   std::unique_ptr<char[]> own_{};
   char* memory_ = nullptr;
@FOUND_MEMBER@};

}}  // namespace onnx_bridge::@NAME@

@REGIONS@

namespace onnx_bridge { namespace @NAME@ {

@DETECTION@
@DEFINITIONS@
__attribute__((cold)) inline bool Model::choose(Body body, std::string& error)
{
   const auto runs = [body](Body other) { return (body == Body::best || body == other) && can_run(static_cast<int>(other)); };
@CHOICES@
   if (!run_)
      error.assign(body == Body::best ? "this processor cannot run the body that was compiled" : can_run(static_cast<int>(body))
                   ? "compiled for another body than was asked for" : "this processor cannot run the body that was asked for");
   return run_ != nullptr;
}

@LONG_FUNCTIONS@inline bool Model::infer(@INFER_PARAMETERS@) const noexcept
{
@INFER_BODY@
}

}}  // namespace onnx_bridge::@NAME@

#if defined(__cpp_exceptions)
namespace TMVA_SOFIE_@SOFIE_NAME@ {

@SOFIE@

}  // namespace TMVA_SOFIE_@SOFIE_NAME@
namespace SOFIE_@SOFIE_NAME@ = TMVA_SOFIE_@SOFIE_NAME@;
#endif
#endif  // @GUARD@
