// reduce_operations.hxx: what the reductions of reduce.hxx do with an element.
//
// join() takes an element in, merge() joins partial results, finish() ends; of vec and of single numbers (V), with the same bits.
// start<T>() changes nothing that it is joined to; where it is 0 and joining 0 is harmless, the operation is additive.
#pragma once
#include "activation.hxx"
#include "arithmetic.hxx"
#include "cast.hxx"

struct Sum {
   static constexpr bool additive = true;
   template <class T>
   static constexpr T start()
   {
      return T();
   }
   template <class V>
   static __attribute__((always_inline)) V join(V sum, V x)
   {
      return add(sum, x);
   }
   template <class V>
   static __attribute__((always_inline)) V merge(V a, V b)
   {
      return add(a, b);
   }
   template <class V>
   __attribute__((always_inline)) V finish(V total) const
   {
      return total;
   }
};

/// The sum of all, divided by count (by 1 if that is 0).
struct Mean : Sum {
   Size count;
   explicit Mean(Size elements) : count(elements > 0 ? elements : 1) {}
   __attribute__((always_inline)) vec finish(vec total) const { return total / static_cast<float>(count); }
   template <class T>
   __attribute__((always_inline)) T finish(T total) const
   {
      return div(total, static_cast<T>(count));
   }
};

struct SumSquare : Sum {
   static __attribute__((always_inline)) vec join(vec sum, vec x) { return fma(x, x, sum); }
   static __attribute__((always_inline)) double join(double sum, double x) { return fma(x, x, sum); }
   template <class T>
   static __attribute__((always_inline)) T join(T sum, T x)
   {
      return add(sum, product(x, x));
   }
};

struct L1 : Sum {
   template <class V>
   static __attribute__((always_inline)) V join(V sum, V x)
   {
      return add(sum, abs(x));
   }
};

struct RootOfSum : Sum {
   static __attribute__((always_inline)) vec finish(vec total) { return sqrt(total); }
   static __attribute__((always_inline)) float finish(float total) { return root(total); }
   template <class T>
   static __attribute__((always_inline)) T finish(T total)
   {
      return cast<T>(sqrt(static_cast<double>(total)));
   }
};

struct L2 : SumSquare {
   template <class V>
   static __attribute__((always_inline)) V finish(V total)
   {
      return RootOfSum::finish(total);
   }
};

struct LogSum : Sum {
   static __attribute__((always_inline)) vec finish(vec total) { return log(total); }
   static __attribute__((always_inline)) float finish(float total) { return log(total); }
   template <class T>
   static __attribute__((always_inline)) T finish(T total)
   {
      return cast<T>(log(static_cast<double>(total)));
   }
};

struct Prod : Sum {
   static constexpr bool additive = false;
   template <class T>
   static constexpr T start()
   {
      return T(1);
   }
   template <class V>
   static __attribute__((always_inline)) V join(V total, V x)
   {
      return product(total, x);
   }
   template <class V>
   static __attribute__((always_inline)) V merge(V a, V b)
   {
      return product(a, b);
   }
};

/// The value below all others: -inf where there is one.
template <class T>
ONNX_BRIDGE_INLINE T lowest()
{
   if constexpr (std::is_floating_point<T>::value) return -infinity<T>();
   else return std::numeric_limits<T>::lowest();
}
template <class T>
ONNX_BRIDGE_INLINE T highest()
{
   if constexpr (std::is_floating_point<T>::value) return infinity<T>();
   else return (std::numeric_limits<T>::max)();
}

/// Where +0 and -0 meet the order would show in the sign: +0 is added at the end.
struct Max {
   static constexpr bool additive = false;
   template <class T>
   static constexpr T start()
   {
      return lowest<T>();
   }
   template <class V>
   static __attribute__((always_inline)) V join(V most, V x)
   {
      return max_of(x, most);
   }
   template <class V>
   static __attribute__((always_inline)) V merge(V a, V b)
   {
      return max_of(a, b);
   }
   template <class V>
   static __attribute__((always_inline)) V finish(V most)
   {
      return most + V{};
   }
};

struct Min : Max {
   template <class T>
   static constexpr T start()
   {
      return highest<T>();
   }
   template <class V>
   static __attribute__((always_inline)) V join(V least, V x)
   {
      return min_of(x, least);
   }
   template <class V>
   static __attribute__((always_inline)) V merge(V a, V b)
   {
      return min_of(a, b);
   }
};

/// log(sum(exp(x))): reduce.hxx knows how.
struct LogSumExp {};
