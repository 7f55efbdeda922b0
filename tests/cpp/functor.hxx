// SofieFunctor, written anew from its description: one Session a slot, made from nothing or from a file's name; called with a slot and
// N floats, it gives the first number that the Session infers.
#pragma once
#include <array>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

template <class Indices, class Session>
class SofieFunctorOf;

template <std::size_t... I, class Session>
class SofieFunctorOf<std::index_sequence<I...>, Session> {
   template <std::size_t>
   using Float = float;

public:
   explicit SofieFunctorOf(unsigned slots = 0, const std::string& weights = "")
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
      if (slot >= sessions_.size()) throw std::runtime_error("no session for this slot");
      inputs_[slot] = {x...};
      return sessions_[slot].infer(inputs_[slot].data())[0];
   }

private:
   std::vector<std::array<float, sizeof...(I)>> inputs_;
   std::vector<Session> sessions_;
};

template <std::size_t N, class Session>
using SofieFunctor = SofieFunctorOf<std::make_index_sequence<N>, Session>;
