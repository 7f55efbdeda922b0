// onnx_bridge_events.hxx: a network that scores events, from columns of numbers or of lists of numbers; no part of it needs ROOT.
#ifndef ONNX_BRIDGE_EVENTS_HXX
#define ONNX_BRIDGE_EVENTS_HXX
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace onnx_bridge { namespace rdf {

/// An input or output: `shape[i]` is its length along axis i, or -1 - k for the k-th size of a call, or `computed`.
struct Tensor {
   const char* name;
   int rank;
   std::ptrdiff_t shape[8];
};
constexpr std::ptrdiff_t computed = -1000;

/// The element types of columns.
enum class Kind { f32, f64, i8, i16, i32, i64, u8, u16, u32, u64, boolean };

template <class T> constexpr Kind kind_of()
{
   if (std::is_same<T, bool>::value) return Kind::boolean;
   if (std::is_floating_point<T>::value) return sizeof(T) == 4 ? Kind::f32 : Kind::f64;
   const bool is_signed = std::is_signed<T>::value;
   return sizeof(T) == 1   ? (is_signed ? Kind::i8 : Kind::u8)
          : sizeof(T) == 2 ? (is_signed ? Kind::i16 : Kind::u16)
          : sizeof(T) == 4 ? (is_signed ? Kind::i32 : Kind::u32)
                           : (is_signed ? Kind::i64 : Kind::u64);
}

/// What a column has in an event: one number, or `size` of them.
struct Column {
   const void* data;
   std::size_t size;
};

/// What is the same of a column in all events.
struct ColumnType {
   Kind kind;
   bool many;
};

/// What an output has after an event, until the next one of the same slot.
struct Result {
   const void* data;
   std::size_t size;
};

/// A network with columns of certain types. Slots may run at the same time, each on one thread.
class Events {
public:
   virtual ~Events() = default;
   /// Scores an event; throws std::runtime_error where the network does not take it.
   virtual const Result* run(unsigned slot, const Column* columns) = 0;
};

/// How the columns of an event lie in an input.
struct Placing {
   int columns = -1;    ///< the axis that runs over the columns; -1 where one column is the whole tensor
   int particles = -1;  ///< the axis that runs over the elements of lists; -1 where all columns are numbers

   constexpr Placing(const Tensor& x, std::size_t count, bool many)
   {
      for (int i = 0; i < x.rank; i++)
         if (x.shape[i] == static_cast<std::ptrdiff_t>(count)) columns = i;
      int others = 0;
      for (int i = 1; i < x.rank; i++) others += i != columns && x.shape[i] != 1;
      if (count == 1 && many && (x.rank < 2 || others > 1)) columns = -1;  // a list is a feature of particles, or everything
      if (!many) return;
      for (int i = 1; i < x.rank; i++)  // the last open axis behind the first one
         if (i != columns && x.shape[i] < 0) particles = i;
      for (int i = 1; i < x.rank && columns >= 0; i++)  // one of fixed length
         if (i != columns && x.shape[i] > 1 && particles < 0) particles = i;
      if (particles < 0 && columns != 0 && (columns > 0 || x.rank == 1)) particles = 0;
   }
};

/// Whether output y is one number an event, where inputs x lie as `placings` say.
constexpr bool is_one_number(const Tensor& y, const Tensor* x, const Placing* placings, std::size_t inputs)
{
   if (y.rank < 0) return false;
   for (int i = 0; i < y.rank; i++) {
      if (y.shape[i] == 1) continue;
      if (y.shape[i] >= 0 || y.shape[i] == computed) return false;
      for (std::size_t k = 0; k < inputs; k++)
         if (placings[k].particles >= 0 && x[k].shape[placings[k].particles] == y.shape[i]) return false;
   }
   return true;
}

/// Events of one network; Net is what NAME_rdf.hxx says of it.
template <class Net> class EventsOf final : public Events {
   static constexpr std::size_t input_count = std::tuple_size<typename Net::Inputs>::value;
   static constexpr std::size_t output_count = std::tuple_size<typename Net::Outputs>::value;

public:
   /// Throws std::runtime_error where the weights cannot be opened, or the columns do not fit.
   EventsOf(const std::string& weights, const std::size_t* counts, const ColumnType* types, unsigned slots)
      : model_(opened(weights)), types_(types, types + total(counts)), slots_(slots)
   {
      for (std::size_t k = 0, first = 0; k < input_count; first += counts[k++]) plan(k, first, counts[k]);
   }

   const Result* run(unsigned slot, const Column* columns) override
   {
      if (slot >= slots_.size()) refuse("a slot beyond those that there were when it was made");
      auto& own = slots_[slot];
      if (!own) own = std::make_unique<Slot>();
      for (auto& size : own->sizes) size = none;
      fill(*own, columns, std::make_index_sequence<input_count>());
      for (auto& size : own->sizes)
         if (size == none) size = 1;
      infer(*own, std::make_index_sequence<output_count>());
      return own->results;
   }

private:
   static constexpr std::size_t none = static_cast<std::size_t>(-1);

   /// A vector that has bools, too.
   template <class T> struct Buffer {
      std::unique_ptr<T[]> data;
      std::size_t room = 0;
      T* of(std::size_t count)
      {
         if (count > room || !data) data.reset(new T[count + 1]), room = count;
         return data.get();
      }
   };
   template <class Tuple> struct Buffers;
   template <class... T> struct Buffers<std::tuple<T...>> { using type = std::tuple<Buffer<T>...>; };

   struct Slot {
      typename Buffers<typename Net::Inputs>::type inputs;
      typename Buffers<typename Net::Outputs>::type outputs;
      std::size_t sizes[Net::sizes + 1];  // one more: no array of none
      std::size_t room[Net::sizes + 1] = {};
      std::optional<typename Net::Workspace> workspace;
      Result results[output_count];
   };
   struct Input {
      Placing placing;
      std::size_t first, count, inner;
      bool many;
   };

   static typename Net::Model opened([[maybe_unused]] const std::string& weights)
   {
      if constexpr (std::is_constructible<typename Net::Model, const std::string&>::value) return typename Net::Model(weights);
      else return typename Net::Model();  // a network without weights, or that holds them
   }
   [[noreturn]] static void refuse(const std::string& what) { throw std::runtime_error(std::string(Net::name) + ": " + what); }
   static std::size_t total(const std::size_t* counts)
   {
      std::size_t sum = 0;
      for (std::size_t k = 0; k < input_count; k++) sum += counts[k];
      return sum;
   }

   /// How an input is filled, found once.
   void plan(std::size_t k, std::size_t first, std::size_t count)
   {
      const Tensor& x = Net::inputs[k];
      bool many = false;
      for (std::size_t i = first; i < first + count; i++) many |= types_[i].many;
      Input found{Placing(x, count, many), first, count, 1, many};
      const bool whole = found.placing.columns < 0;
      const std::string name = std::string("input ") + x.name;
      if (whole && (count != 1 || (!many && x.rank > 0)))
         refuse(name + " has no axis as long as there are columns (" + std::to_string(count) + ")");
      for (int i = 0; i < x.rank; i++) {
         const bool filled = i == found.placing.columns || i == found.placing.particles;
         if (whole && !filled && x.shape[i] > 0) found.inner *= static_cast<std::size_t>(x.shape[i]);
         if (!whole && !filled && x.shape[i] > 1) refuse(name + " has an axis of fixed length (" + std::to_string(x.shape[i]) + ") that no columns fill");
      }
      inputs_.push_back(found);
   }

   template <std::size_t... k> void fill(Slot& own, const Column* columns, std::index_sequence<k...>)
   { (fill(own, Net::inputs[k], inputs_[k], std::get<k>(own.inputs), columns + inputs_[k].first), ...); }

   template <class T> void fill(Slot& own, const Tensor& x, const Input& how, Buffer<T>& buffer, const Column* columns)
   {
      std::size_t particles = none;
      for (std::size_t i = 0; how.many && i < how.count; i++) {
         if (!types_[how.first + i].many) continue;
         if (particles != none && columns[i].size != particles) refuse(std::string("the columns of ") + x.name + " have different lengths in one event");
         particles = columns[i].size;
      }
      if (particles == none) particles = 1;
      std::size_t shape[9] = {}, step[9] = {}, elements = 1;
      for (int i = 0; i < x.rank; i++) {
         shape[i] = x.shape[i] >= 0 ? static_cast<std::size_t>(x.shape[i]) : i == how.placing.particles ? particles / how.inner : 1;
         if (x.shape[i] >= 0 || x.shape[i] == computed) continue;
         std::size_t& size = own.sizes[-1 - x.shape[i]];
         if (size != none && size != shape[i]) refuse(std::string(x.name) + " has another length than an input before it");
         size = shape[i];
      }
      for (int i = x.rank; i-- > 0;) step[i] = elements, elements *= shape[i];
      T* const to = buffer.of(elements);
      if (how.placing.columns < 0) {
         const std::size_t taken = how.many ? particles : 1;
         if (taken > elements || (taken < elements && how.placing.particles < 0)) refuse(std::string(x.name) + " takes " + std::to_string(elements) + " numbers, not " + std::to_string(taken));
         for (std::size_t i = taken; i < elements; i++) to[i] = T();
         copy(columns[0].data, types_[how.first], to, 1, taken);
         return;
      }
      const bool lists = how.placing.particles >= 0;
      const std::size_t along = lists ? step[how.placing.particles] : 1, across = step[how.placing.columns];
      const std::size_t most = lists ? shape[how.placing.particles] : 1, taken = lists && particles < most ? particles : most;
      if (taken < most)
         for (std::size_t i = 0; i < elements; i++) to[i] = T();
      for (std::size_t i = 0; i < how.count; i++) copy(columns[i].data, types_[how.first + i], to + i * across, along, taken);
   }

   template <class T> static void copy(const void* from, ColumnType type, T* to, std::size_t step, std::size_t count)
   {
      switch (type.kind) {
      case Kind::f32: return copy_as<float>(from, type.many, to, step, count);
      case Kind::f64: return copy_as<double>(from, type.many, to, step, count);
      case Kind::i8: return copy_as<std::int8_t>(from, type.many, to, step, count);
      case Kind::i16: return copy_as<std::int16_t>(from, type.many, to, step, count);
      case Kind::i32: return copy_as<std::int32_t>(from, type.many, to, step, count);
      case Kind::i64: return copy_as<std::int64_t>(from, type.many, to, step, count);
      case Kind::u8: return copy_as<std::uint8_t>(from, type.many, to, step, count);
      case Kind::u16: return copy_as<std::uint16_t>(from, type.many, to, step, count);
      case Kind::u32: return copy_as<std::uint32_t>(from, type.many, to, step, count);
      case Kind::u64: return copy_as<std::uint64_t>(from, type.many, to, step, count);
      case Kind::boolean: return copy_as<bool>(from, type.many, to, step, count);
      }
   }
   template <class C, class T> static void copy_as(const void* from, bool many, T* to, std::size_t step, std::size_t count)
   {
      const char* at = static_cast<const char*>(from);
      for (std::size_t i = 0; i < count; i++, at += many ? sizeof(C) : 0) {
         C x;
         std::memcpy(&x, at, sizeof(C));
         to[i * step] = static_cast<T>(x);
      }
   }

   template <std::size_t... k> void infer(Slot& own, std::index_sequence<k...>)
   {
      const auto dims = Net::dims(own.sizes);
      const bool same = own.workspace && Net::infer(model_, *own.workspace, dims, own.inputs, room(own, dims, std::index_sequence<k...>()));
      if (!same) grow(own, dims, std::index_sequence<k...>());
      ((own.results[k] = {std::get<k>(own.outputs).data.get(), Net::filled(*own.workspace, static_cast<int>(k), dims)}), ...);
   }
   template <std::size_t... k> auto& room(Slot& own, const typename Net::Dims& dims, std::index_sequence<k...>)
   {
      (std::get<k>(own.outputs).of(Net::Model::output_size(static_cast<int>(k), dims)), ...);
      return own.outputs;
   }
   /// An event that is larger than those before it, or one that the network does not take.
   template <std::size_t... k> void grow(Slot& own, const typename Net::Dims& dims, std::index_sequence<k...> outputs)
   {
      for (std::size_t i = 0; i < Net::sizes; i++)
         if (own.sizes[i] > own.room[i]) own.room[i] = own.workspace ? 2 * own.sizes[i] : own.sizes[i];
      for (const std::size_t* sizes : {own.room, own.sizes}) {
         own.workspace.emplace(model_, Net::dims(sizes));
         if (Net::infer(model_, *own.workspace, dims, own.inputs, room(own, dims, outputs))) return;
      }
      own.workspace.reset();
      std::string said;
      for (std::size_t i = 0; i < Net::sizes; i++) said += (i ? ", " : "") + std::to_string(own.sizes[i]);
      refuse("the network does not take an event of these sizes: " + said);
   }

   typename Net::Model model_;
   std::vector<ColumnType> types_;
   std::vector<Input> inputs_;
   std::vector<std::unique_ptr<Slot>> slots_;  // each made by the thread whose slot it is
};

}}  // namespace onnx_bridge::rdf
#endif
