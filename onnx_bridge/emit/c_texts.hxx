
/// Strings between C and the header: views, whose memory is kept from call to call.
class Views {
public:
   std::string_view* data() noexcept { return views_.get(); }

   /// Makes room for some strings.
   bool room(std::size_t count) noexcept
   {
      if (views_ && count <= count_) return true;
      views_.reset(count <= most ? new (std::nothrow) std::string_view[count + 1] : nullptr);
      count_ = views_ ? count : 0;
      return views_ != nullptr;
   }

   /// Views of the strings of an input.
   int take(const void* texts, std::size_t count) noexcept
   {
      if (count > most) return ONNX_BRIDGE_REFUSED;
      if (!room(count)) return ONNX_BRIDGE_NO_MEMORY;
      const auto* const given = static_cast<const onnx_bridge_text*>(texts);
      for (std::size_t i = 0; i < count; i++) views_[i] = std::string_view(given[i].data, given[i].size);
      return ONNX_BRIDGE_OK;
   }

   /// The strings of an output.
   void give(void* texts, std::size_t count) noexcept
   {
      auto* const made = static_cast<onnx_bridge_text*>(texts);
      for (std::size_t i = 0; i < count; i++) made[i] = {views_[i].data(), views_[i].size()};
   }

   /// The product of some sizes; more than `most` where they are none.
   static std::size_t count(std::initializer_list<std::ptrdiff_t> sizes) noexcept
   {
      std::size_t product = 1;
      for (const std::ptrdiff_t size : sizes) {
         const std::size_t factor = static_cast<std::size_t>(size);
         if (factor != 0 && (factor > most || product > most / factor)) return most + 1;
         product *= factor;
      }
      return product;
   }

   static constexpr std::size_t most = static_cast<std::size_t>(PTRDIFF_MAX) / sizeof(std::string_view) - 1;

private:
   std::unique_ptr<std::string_view[]> views_{};
   std::size_t count_ = 0;
};
