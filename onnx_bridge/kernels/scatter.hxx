// scatter.hxx: elements or blocks put into a dense row-major tensor by index, replacing or reducing what stands there.
//
// Contract: `out` holds the data already. Updates are applied one after another in their order: the last of several to one element
// replaces, sums run in that order. A negative index counts from the end; an update with an index outside its axis is dropped.
// Sums and products of integers wrap around; those of bools are or, and. max and min keep what stands only where it compares
// greater (less): a NaN update stays, a NaN that stands is replaced, as in onnxruntime. For ScatterReplace T may be any type of
// the element's size; the other reductions take the tensor's own type.
#pragma once
#include "gather.hxx"

struct ScatterReplace {
   template <class T>
   static __attribute__((always_inline)) T apply(T, T update)
   {
      return update;
   }
};
struct ScatterAdd {
   template <class T>
   static __attribute__((always_inline)) T apply(T old, T update)
   {
      if constexpr (std::is_integral<T>::value)
         return static_cast<T>(static_cast<std::uint64_t>(old) + static_cast<std::uint64_t>(update));
      else
         return old + update;
   }
};
struct ScatterMul {
   template <class T>
   static __attribute__((always_inline)) T apply(T old, T update)
   {
      if constexpr (std::is_integral<T>::value)
         return static_cast<T>(static_cast<std::uint64_t>(old) * static_cast<std::uint64_t>(update));
      else
         return mul(old, update);
   }
};
struct ScatterMax {
   template <class T>
   static __attribute__((always_inline)) T apply(T old, T update)
   {
      return old > update ? old : update;
   }
};
struct ScatterMin {
   template <class T>
   static __attribute__((always_inline)) T apply(T old, T update)
   {
      return old < update ? old : update;
   }
};

/// *out = what the reduction makes of it and *update.
template <class Reduction, class T>
ONNX_BRIDGE_INLINE void scatter_one(T* out, const T* update)
{
   if constexpr (std::is_same<Reduction, ScatterReplace>::value)
      copy_one(out, update);
   else
      *out = Reduction::apply(*out, *update);
}

/// ScatterElements: out[i.. with indices[i..] at `axis`] from updates[i..]; indices and updates have `sizes`, out has data_sizes.
template <class Reduction, int Rank, class T, class Index>
ONNX_BRIDGE_KERNEL void scatter_elements(const Size (&data_sizes)[Rank], const Size (&sizes)[Rank], int axis, const Index* indices,
                                         const T* updates, T* out)
{
   static_assert(Rank <= gather_rank, "collapse the axes");
   const Size n = data_sizes[axis], step = step_of_axis(Rank, data_sizes, axis);
   visit_along_axis(Rank, sizes, data_sizes, axis, [=](Size i, Size base) __attribute__((always_inline)) {
      const Size index = from_start(indices[i], n);
      if (index >= 0 && index < n) scatter_one<Reduction>(out + base + index * step, updates + i);
   });
}

/// ScatterND: out[indices[count][0]]..[indices[count][Depth - 1]][inner] from updates[count][inner], out being
/// [sizes[0]]..[sizes[Depth - 1]][inner].
template <class Reduction, int Depth, class T, class Index>
ONNX_BRIDGE_KERNEL void scatter_nd(const Size (&sizes)[Depth], Size inner, Size count, const Index* indices, const T* updates, T* out)
{
   for (Size i = 0; i < count; i++, indices += Depth, updates += inner) {
      Size block = 0;
      bool valid = true;
      for (int k = 0; k < Depth; k++) {
         const Size index = from_start(indices[k], sizes[k]);
         valid = valid && index >= 0 && index < sizes[k];
         block = block * sizes[k] + (valid ? index : 0);
      }
      if (!valid) continue;
      if constexpr (std::is_same<Reduction, ScatterReplace>::value)
         copy_run(out + block * inner, updates, inner);
      else
         for (Size j = 0; j < inner; j++) scatter_one<Reduction>(out + block * inner + j, updates + j);
   }
}
