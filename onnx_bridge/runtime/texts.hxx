// texts.hxx: strings between Python and a header's std::string_view; what Python packs and unpacks is said in runtime/texts.py.
#ifndef ONNX_BRIDGE_TEXTS_HXX
#define ONNX_BRIDGE_TEXTS_HXX
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <string_view>

namespace onnx_bridge_calls {

/// The strings of an input: views of Python's memory.
class TextIn {
public:
   explicit TextIn(const void* packed)
   {
      const std::int64_t* const numbers = static_cast<const std::int64_t*>(packed);
      const std::size_t count = static_cast<std::size_t>(numbers[0]);
      const char* const text = static_cast<const char*>(packed) + (count + 2) * sizeof(std::int64_t);
      views_.reset(new (std::nothrow) std::string_view[count + 1]);
      if (!views_) return;
      for (std::size_t i = 0; i < count; i++)
         views_[i] = std::string_view(text + numbers[1 + i], static_cast<std::size_t>(numbers[2 + i] - numbers[1 + i]));
   }
   /// The first of them; null where there was no memory.
   const std::string_view* get() const { return views_.get(); }

private:
   std::unique_ptr<std::string_view[]> views_ = {};
};

/// The strings of an output, copied to Python's memory once they are there.
class TextOut {
public:
   explicit TextOut(void* packed) : numbers_(static_cast<std::int64_t*>(packed)), count_(static_cast<std::size_t>(numbers_[0]))
   {
      views_.reset(new (std::nothrow) std::string_view[count_ + 1]);
   }
   TextOut(const TextOut&) = delete;
   TextOut& operator=(const TextOut&) = delete;
   /// Where the header writes them; null where there was no memory.
   std::string_view* get() { return views_.get(); }
   /// Copies them, if there is room; says in any case how much they need.
   void give()
   {
      const std::int64_t room = numbers_[1];
      std::int64_t* const ends = numbers_ + 2;
      ends[0] = 0;
      for (std::size_t i = 0; i < count_; i++) ends[i + 1] = ends[i] + static_cast<std::int64_t>(views_[i].size());
      numbers_[1] = ends[count_];
      if (ends[count_] > room) return;
      char* const text = reinterpret_cast<char*>(ends + count_ + 1);
      for (std::size_t i = 0; i < count_; i++)
         if (!views_[i].empty()) std::memcpy(text + ends[i], views_[i].data(), views_[i].size());
   }

private:
   std::int64_t* numbers_;
   std::size_t count_;
   std::unique_ptr<std::string_view[]> views_ = {};
};

}  // namespace onnx_bridge_calls
#endif
