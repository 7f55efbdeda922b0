// onnx_bridge_rdf.hxx: columns of ROOT's RDataFrame that a network computes, event by event.
//
//   #include "higgs_rdf.hxx"  // beside higgs.hxx; onnx_bridge.root.write makes it
//   onnx_bridge::rdf::Score<onnx_bridge::rdf::higgs, onnx_bridge::rdf::Columns<float, float>> score("higgs.dat");
//   auto frame = data.DefineSlot("score", score, {"pt", "eta"});
//
// An input is filled from its Columns: numbers, or RVecs of numbers, whose elements are an event's particles. The axis that is as long as
// there are columns runs over them (the last one, if several are). The particles run over the last open axis behind the first one; where
// there is none, over an axis of fixed length, which is filled up with zeros or cut short, or else over the first axis. A number among RVecs
// is that of every particle. One RVec alone may also be the whole tensor. Every other open axis is 1.
//
// A result is a number where the network gives one an event, else an RVec of all; where it has several outputs, a std::tuple of these. Each slot
// has a workspace of its own, which grows with the longest event. Copies of a Score share everything.
#ifndef ONNX_BRIDGE_RDF_HXX
#define ONNX_BRIDGE_RDF_HXX
#include "onnx_bridge_events.hxx"
#include <ROOT/RVec.hxx>
#include <TROOT.h>

namespace onnx_bridge { namespace rdf {

/// The types of the columns that an input is filled from.
template <class... T> struct Columns {
   static constexpr std::size_t count = sizeof...(T);
};

template <class T> struct Element {
   using type = T;
   static constexpr bool many = false;
   __attribute__((always_inline)) static Column column(const T& x) { return {&x, 1}; }
};
template <class T> struct Element<ROOT::VecOps::RVec<T>> {
   using type = T;
   static constexpr bool many = true;
   __attribute__((always_inline)) static Column column(const ROOT::VecOps::RVec<T>& x) { return {x.data(), x.size()}; }
};

template <class... C> struct Joined;
template <class... A> struct Joined<Columns<A...>> { using type = Columns<A...>; };
template <class... A, class... B, class... More> struct Joined<Columns<A...>, Columns<B...>, More...> {
   using type = typename Joined<Columns<A..., B...>, More...>::type;
};
template <class C> struct AnyMany;
template <class... A> struct AnyMany<Columns<A...>> { static constexpr bool value = (Element<A>::many || ...); };

template <class Net, class All, class... Inputs> class ScoreOf;

/// A network that scores events: Columns for each of its inputs, in order.
template <class Net, class... Inputs> using Score = ScoreOf<Net, typename Joined<Inputs...>::type, Inputs...>;

template <class Net, class... A, class... Given> class ScoreOf<Net, Columns<A...>, Given...> {
   static constexpr std::size_t input_count = sizeof...(Given);
   static_assert(input_count == std::tuple_size<typename Net::Inputs>::value, "Columns for each input");

public:
   /// Throws std::runtime_error where the weights cannot be opened, or the columns do not fit the network.
   explicit ScoreOf(const std::string& weights = "")
   {
      const std::size_t counts[] = {Given::count...};
      const ColumnType types[] = {{kind_of<typename Element<A>::type>(), Element<A>::many}...};
      const unsigned slots = ROOT::GetThreadPoolSize();
      events_ = Net::events(weights, counts, types, slots > 256 ? slots : 256);
   }

   auto operator()(unsigned slot, const A&... columns) const
   {
      const Column event[] = {Element<A>::column(columns)...};
      const Result* const found = events_->run(slot, event);
      return results(found, std::make_index_sequence<std::tuple_size<typename Net::Outputs>::value>());
   }

private:
   template <std::size_t... k> __attribute__((always_inline)) static auto results(const Result* found, std::index_sequence<k...>)
   {
      if constexpr (sizeof...(k) == 1) return result<0>(found[0]);
      else return std::make_tuple(result<k>(found[k])...);
   }
   template <std::size_t k> __attribute__((always_inline)) static auto result(const Result& found)
   {
      using T = std::tuple_element_t<k, typename Net::Outputs>;
      const T* const y = static_cast<const T*>(found.data);
      if constexpr (single<k>()) return *y;
      else return ROOT::VecOps::RVec<T>(y, y + found.size);
   }
   template <std::size_t k> static constexpr bool single()
   { return single<k>(std::make_index_sequence<input_count>()); }
   template <std::size_t k, std::size_t... input> static constexpr bool single(std::index_sequence<input...>)
   {
      const Placing placings[] = {Placing(Net::inputs[input], Given::count, AnyMany<Given>::value)...};
      return is_one_number(Net::outputs[k], Net::inputs, placings, input_count);
   }

   std::shared_ptr<Events> events_;
};

}}  // namespace onnx_bridge::rdf
#endif
