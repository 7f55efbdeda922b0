// calls.hxx: a header's Model, opened once, and the Workspaces that no call uses at the moment; what Python calls.
//
// Net is made for each header (runtime/shim.py): Model, Workspace, Dims, and
//    static Dims dims(const long long* sizes);
//    static bool infer(const Model&, Workspace&, const long long* sizes, const void* const* in, void* const* out) noexcept;
// Any number of threads may run one Opened. Each call takes a Workspace and gives it back; nothing waits, no lock is held, so that a
// process may fork at any time. At most `most` workspaces are kept.
#ifndef ONNX_BRIDGE_CALLS_HXX
#define ONNX_BRIDGE_CALLS_HXX
#include <atomic>
#include <chrono>
#include <cstddef>
#include <exception>
#include <memory>

namespace onnx_bridge_calls {

/// What a run came to.
enum Outcome : int { ran = 0, refused = 1, no_memory = 2 };

/// A run with certain sizes, but for its arrays: `offset` bytes behind its own address a Python array keeps that of its data.
struct Plan {
   void* model;
   const long long* sizes;
   std::size_t bytes;
   std::size_t offset;
};

template <class Net> class Opened {
public:
   template <class... Args> explicit Opened(Args... args) : model(args...) {}
   Opened(const Opened&) = delete;
   Opened& operator=(const Opened&) = delete;
   ~Opened()
   {
      for (auto& place : idle_) delete place.load();
   }

   /// One inference; `bytes` of scratch memory are enough for these sizes.
   int run(const long long* sizes, std::size_t bytes, const void* const* in, void* const* out) noexcept
   {
      std::unique_ptr<Scratch> scratch = take(sizes, bytes);
      if (!scratch) return no_memory;
      const bool done = Net::infer(model, scratch->workspace, sizes, in, out);
      give(std::move(scratch));
      return done ? ran : refused;
   }

   /// Seconds for some inferences, one after the other.
   double time(const long long* sizes, std::size_t bytes, const void* const* in, void* const* out, long long number) noexcept
   {
      std::unique_ptr<Scratch> scratch = take(sizes, bytes);
      if (!scratch) return -1;
      const auto begin = std::chrono::steady_clock::now();
      for (long long i = 0; i < number; i++) Net::infer(model, scratch->workspace, sizes, in, out);
      const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
      give(std::move(scratch));
      return seconds;
   }

   /// How many workspaces are kept.
   int idle() const noexcept
   {
      int count = 0;
      for (auto& place : idle_) count += place.load() != nullptr;
      return count;
   }

   const typename Net::Model model;

private:
   struct Scratch {
      Scratch(const typename Net::Model& m, const long long* sizes, std::size_t room) : workspace(m, Net::dims(sizes)), bytes(room) {}
      typename Net::Workspace workspace;
      std::size_t bytes;
   };

   std::unique_ptr<Scratch> take(const long long* sizes, std::size_t bytes) noexcept
   {
      std::unique_ptr<Scratch> found;
      for (auto& place : idle_) {
         if (!place.load(std::memory_order_relaxed)) continue;
         found.reset(place.exchange(nullptr, std::memory_order_acquire));
         if (found) break;
      }
      if (found && found->bytes >= bytes) return found;
      found.reset();  // before the larger one is made
      try {
         found = std::make_unique<Scratch>(model, sizes, bytes);
      } catch (const std::exception&) {
      }
      return found;
   }

   void give(std::unique_ptr<Scratch> scratch) noexcept
   {
      for (auto& place : idle_) {
         Scratch* none = nullptr;
         if (place.load(std::memory_order_relaxed) || !place.compare_exchange_strong(none, scratch.get(), std::memory_order_release)) continue;
         static_cast<void>(scratch.release());
         return;
      }
   }

   static constexpr int most = 64;
   std::atomic<Scratch*> idle_[most] = {};
};

}  // namespace onnx_bridge_calls
#endif
