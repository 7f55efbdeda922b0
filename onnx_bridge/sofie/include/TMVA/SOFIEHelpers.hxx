// SOFIEHelpers.hxx: SofieFunctor, written anew from its description, for compilers where there is no ROOT with TMVA.
#ifndef TMVA_SOFIE_SOFIE_HELPERS
#define TMVA_SOFIE_SOFIE_HELPERS
#include <array>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace TMVA { namespace Experimental {

template <class Indices, class Session>
class SofieFunctorHelper;

/// A call with a slot and N floats gives the first number that the slot's Session infers.
template <std::size_t... I, class Session>
class SofieFunctorHelper<std::index_sequence<I...>, Session> {
   template <std::size_t>
   using Float = float;

public:
   /// One Session a slot, of which there is at least one, made from nothing or from the name of a weights file.
   explicit SofieFunctorHelper(unsigned slots = 0, const std::string& weights = "")
   {
      const unsigned count = slots == 0 ? 1 : slots;
      inputs_.resize(count);
      sessions_.reserve(count);
      for (unsigned i = 0; i < count; i++) {
         if (weights.empty())
            sessions_.emplace_back();
         else
            sessions_.emplace_back(weights);
      }
   }

   double operator()(unsigned slot, Float<I>... x)
   {
      if (slot >= sessions_.size()) throw std::runtime_error("SofieFunctor: made for fewer slots than call it");
      inputs_[slot] = {x...};
      return sessions_[slot].infer(inputs_[slot].data())[0];
   }

private:
   std::vector<std::array<float, sizeof...(I)>> inputs_;
   std::vector<Session> sessions_;
};

/// For `DefineSlot`, and for expressions of an RDataFrame: `functor(rdfslot_, a, b, c)`.
template <std::size_t N, class Session>
SofieFunctorHelper<std::make_index_sequence<N>, Session> SofieFunctor(unsigned slots = 0, const std::string& weights = "")
{
   return SofieFunctorHelper<std::make_index_sequence<N>, Session>(slots, weights);
}

}}  // namespace TMVA::Experimental

#endif
