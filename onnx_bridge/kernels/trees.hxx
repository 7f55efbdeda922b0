// trees.hxx: ensembles of decision trees, walked without branches, eight ways at a time.
//
// Contract: x is [rows][features], float, double or an integer that is first made a T; T, float or double, is what thresholds are compared
// and weights added in. A feature is compared by its key, an integer in the order of the numbers (tree_key), so that NaN, -0 and subnormal
// numbers take the same way whatever a compiler may assume of floats.
//
// nodes are records of words: the key of the threshold (one word, two for doubles), the column of a row's keys, and where the next record
// is. That one is taken where the key in the column is at most the threshold's, the one right behind it where it is above. A leaf reads
// column 0, which is below everything, and leads to itself; what it holds stands in the threshold's place. Columns 1 .. width are the keys of
// the features with NaN below all numbers, or above them, or columns of both kinds one behind the other. roots[count] are the first records.
//
// Every target's sum has the order of the trees, from 0 on, whatever the number of rows: eight trees of one row are walked side by side, or
// one tree for eight rows, or for twice as many as a register has lanes where the processor can gather. rows may be 0. Nothing overlaps.
// Scratch, aligned to 8: trees_scratch(block, width, columns, targets, words of a key) floats.
#pragma once
#include "vector.hxx"

/// Floats of scratch that trees() needs for `block` rows at a time: keys, sums, and which targets have one.
constexpr Size trees_scratch(Size block, Size columns, Size targets, Size key_words)
{
   return block * (1 + columns) * key_words + block * targets * key_words + (block * targets + 3) / 4;
}

/// What thresholds are compared as.
template <class T>
using tree_key_of = typename std::conditional<sizeof(T) == 8, std::int64_t, std::int32_t>::type;

/// An integer in the order of the numbers; -0 is one below 0. `missing` for NaN.
template <class T>
ONNX_BRIDGE_INLINE tree_key_of<T> tree_key(T x, tree_key_of<T> missing)
{
   typedef tree_key_of<T> Key;
   const Key infinite = static_cast<Key>(sizeof(T) == 8 ? 0x7ff0000000000000 : 0x7f800000), most = std::numeric_limits<Key>::max();
   Key bits;
   __builtin_memcpy(&bits, &x, sizeof bits);
   return (bits & most) > infinite ? missing : bits < 0 ? bits ^ most : bits;
}

#if defined(ONNX_BRIDGE_HAS_AVX512) && defined(__clang__)
#define ONNX_BRIDGE_GATHER(p, at) __builtin_ia32_gathersiv16si(ivec{}, p, at, static_cast<unsigned short>(-1), 4)
#elif defined(ONNX_BRIDGE_HAS_AVX512)
#define ONNX_BRIDGE_GATHER(p, at) __builtin_ia32_gathersiv16si(ivec{}, p, at, static_cast<short>(-1), 4)
#elif defined(ONNX_BRIDGE_HAS_AVX2) && defined(__clang__)
#define ONNX_BRIDGE_GATHER(p, at) __builtin_ia32_gatherd_d256(ivec{}, p, at, splat(-1), 4)
#elif defined(ONNX_BRIDGE_HAS_AVX2)
#define ONNX_BRIDGE_GATHER(p, at) __builtin_ia32_gathersiv8si(ivec{}, p, at, splat(-1), 4)
#endif

/// The keys of n features.
template <class T, class X>
ONNX_BRIDGE_INLINE void tree_keys(Size n, const X* x, tree_key_of<T> missing, tree_key_of<T>* keys)
{
   Size i = 0;
   if constexpr (std::is_same<X, float>::value && std::is_same<T, float>::value)
      for (; i + lanes <= n; i += lanes) {
         const vec v = load(x + i);
         const ivec bits = as_int(v), key = bits ^ (bits >> 31 & 0x7fffffff);
         store(keys + i, is_nan(v) ? splat(missing) : key);
      }
   // By addresses: of indices g++ -O2 makes 2^62 turns and warns of the last.
   for (const X* const end = x + n; x + i < end; i++) keys[i] = tree_key(static_cast<T>(x[i]), missing);
}

/// The tables of an ensemble of `count` trees; nan_low, nan_high: which columns there are.
template <class T>
struct Trees {
   Size count, width;
   bool nan_low, nan_high;
   const std::int32_t* roots;
   const std::int32_t* nodes;

   typedef tree_key_of<T> Key;
   static constexpr Size words = sizeof(Key) / 4, record = words + 2;

   Size stride() const { return 1 + width * (nan_low && nan_high ? 2 : 1); }

   /// What stands first in a record: the threshold's key, or what a leaf holds.
   Key held(Size at) const
   {
      Key key;
      __builtin_memcpy(&key, nodes + at, sizeof key);
      return key;
   }

#if defined(ONNX_BRIDGE_GATHER)
   /// From a tree's first record to the leaves of 2 * lanes rows of keys. A leaf leads to itself, so that it is asked every fourth step
   /// whether all have come to theirs.
   void walk_lanes(Size root, const std::int32_t* keys, Size row_stride, std::int32_t (&at)[2 * lanes]) const
   {
      ivec row{}, place[2] = {splat(static_cast<std::int32_t>(root)), splat(static_cast<std::int32_t>(root))}, moved = splat(1);
      for (int i = 0; i < lanes; i++) row[i] = static_cast<std::int32_t>(i * row_stride);
      while (largest(to_float(moved & 1)) > 0.f) {
         moved = ivec{};
         ONNX_BRIDGE_UNROLL
         for (int step = 0; step < 8; step++) {
            const ivec here = place[step % 2], limit = ONNX_BRIDGE_GATHER(nodes, here), column = ONNX_BRIDGE_GATHER(nodes + 1, here);
            const ivec key = ONNX_BRIDGE_GATHER(keys + step % 2 * lanes * row_stride, column + row);
            const ivec next = ONNX_BRIDGE_GATHER(nodes + 2, here) + ((key > limit) & static_cast<std::int32_t>(record));
            if (step >= 6) moved |= next != here;
            place[step % 2] = next;
         }
      }
      store(at, place[0]);
      store(at + lanes, place[1]);
   }
#endif

   /// From eight records to the leaves below, each by keys of its own.
   void walk(const Key* const (&keys)[8], Size (&at)[8]) const
   {
      Size moved = 1;
      while (moved != 0) {
         moved = 0;
         ONNX_BRIDGE_UNROLL
         for (int i = 0; i < 8; i++) {
            const std::int32_t* const node = nodes + at[i];
            const Size next = node[words + 1] + (keys[i][node[words]] > held(at[i]) ? record : 0);
            moved |= next ^ at[i];
            at[i] = next;
         }
      }
   }
};

/// How what the trees say of a target becomes one number: T sum, whether it has something of a tree before, and what the next one says.
struct TreeSum {
   template <class T>
   T operator()(T sum, bool, T weight) const
   {
      return sum + weight;
   }
};
struct TreeLeast {
   template <class T>
   T operator()(T sum, bool any, T weight) const
   {
      return any && !(weight < sum) ? sum : weight;
   }
};
struct TreeLargest {
   template <class T>
   T operator()(T sum, bool any, T weight) const
   {
      return any && !(weight > sum) ? sum : weight;
   }
};

/// A leaf holds its weight. All of a tree are for one target: target[tree], or the only one where that is null.
template <class T>
struct LeafWeight {
   const std::int32_t* target;

   template <class Combine>
   void operator()(Size tree, tree_key_of<T> held, T* sums, bool* any, Combine combine) const
   {
      const Size i = target ? target[tree] : 0;
      T weight;
      __builtin_memcpy(&weight, &held, sizeof weight);
      sums[i] = combine(sums[i], any[i], weight);
      any[i] = true;
   }
};

/// A leaf holds where its row of weights begins, one for each target.
template <class T>
struct LeafRow {
   Size targets;
   const T* weights;

   template <class Combine>
   void operator()(Size, tree_key_of<T> held, T* sums, bool* any, Combine combine) const
   {
      const T* const row = weights + held;
      if constexpr (std::is_same<T, float>::value && std::is_same<Combine, TreeSum>::value) {
         for (Size i = 0; i < targets; i += lanes) {
            const Size count = targets - i < lanes ? targets - i : lanes;
            store(sums + i, load(sums + i, count) + load(row + i, count), count);
         }
      } else {
         for (Size i = 0; i < targets; i++) sums[i] = combine(sums[i], any[i], row[i]);
      }
      for (Size i = 0; i < targets && !any[targets - 1]; i++) any[i] = true;
   }
};

/// A leaf holds its number; first[number] .. first[number + 1] are its places in the lists of targets and weights.
template <class T>
struct LeafList {
   const std::int32_t* first;
   const std::int32_t* targets;
   const T* weights;

   template <class Combine>
   void operator()(Size, tree_key_of<T> held, T* sums, bool* any, Combine combine) const
   {
      for (Size i = first[held]; i < first[held + 1]; i++) {
         sums[targets[i]] = combine(sums[targets[i]], any[targets[i]], weights[i]);
         any[targets[i]] = true;
      }
   }
};

/// finish(row, sums, any) for every row, with what the trees say of each target, and of which targets they say anything.
template <class T, class X, class Leaf, class Combine, class Finish>
ONNX_BRIDGE_KERNEL void trees(Size rows, Size features, Size targets, Size block, const X* x, Trees<T> trees, Leaf leaf, Combine combine,
                              Finish finish, void* scratch)
{
   typedef tree_key_of<T> Key;
   const Size stride = trees.stride();
   Key* const keys = static_cast<Key*>(scratch);
   T* const sums = reinterpret_cast<T*>(keys + block * stride);
   bool* const any = reinterpret_cast<bool*>(sums + block * targets);
   const Key* by[8];
   Size at[8];
   for (Size begin = 0; begin < rows; begin += block) {
      const Size count = rows - begin < block ? rows - begin : block, whole = count / 8 * 8;
      Size wide = 0;
      for (Size row = 0; row < count; row++) {
         Key* const own = keys + row * stride;
         const X* const from = x + (begin + row) * features;
         own[0] = std::numeric_limits<Key>::min();
         if (trees.nan_low) tree_keys<T>(trees.width, from, std::numeric_limits<Key>::min(), own + 1);
         if (trees.nan_high) tree_keys<T>(trees.width, from, std::numeric_limits<Key>::max(), own + stride - trees.width);
      }
      for (Size i = 0; i < count * targets; i++) sums[i] = 0;
      for (Size i = 0; i < count * targets; i++) any[i] = false;
#if defined(ONNX_BRIDGE_GATHER)
      if constexpr (std::is_same<T, float>::value) {
         std::int32_t leaves[2 * lanes];
         wide = count / (2 * lanes) * (2 * lanes);
         for (Size tree = 0; tree < trees.count && wide > 0; tree++)
            for (Size row = 0; row < wide; row += 2 * lanes) {
               trees.walk_lanes(trees.roots[tree], keys + row * stride, stride, leaves);
               for (int i = 0; i < 2 * lanes; i++)
                  leaf(tree, trees.held(leaves[i]), sums + (row + i) * targets, any + (row + i) * targets, combine);
            }
      }
#endif
      for (Size tree = 0; tree < trees.count && whole > wide; tree++)
         for (Size row = wide; row < whole; row += 8) {
            for (int i = 0; i < 8; i++) by[i] = keys + (row + i) * stride;
            for (int i = 0; i < 8; i++) at[i] = trees.roots[tree];
            trees.walk(by, at);
            for (int i = 0; i < 8; i++) leaf(tree, trees.held(at[i]), sums + (row + i) * targets, any + (row + i) * targets, combine);
         }
      for (Size row = whole; row < count; row++)
         for (Size tree = 0; tree < trees.count; tree += 8) {
            const int more = trees.count - tree < 8 ? static_cast<int>(trees.count - tree) : 8;
            for (int i = 0; i < 8; i++) by[i] = keys + row * stride;
            for (int i = 0; i < 8; i++) at[i] = trees.roots[tree + (i < more ? i : 0)];
            trees.walk(by, at);
            for (int i = 0; i < more; i++) leaf(tree + i, trees.held(at[i]), sums + row * targets, any + row * targets, combine);
         }
      for (Size row = 0; row < count; row++) finish(begin + row, sums + row * targets, any + row * targets);
   }
}

/// y[rows][targets] = post(sum / divisor + base). Of several targets, one of which no leaf speaks stays 0. base may be null.
template <class T, class Y, class Post>
struct TreeRegression {
   Size targets;
   T divisor;
   const T* base;
   Y* y;
   Post post;

   void operator()(Size row, const T* sums, const bool* any) const
   {
      Y* const to = y + row * targets;
      for (Size i = 0; i < targets; i++) {
         const T value = sums[i] / divisor + (base ? base[i] : 0);
         to[i] = any[i] || targets == 1 ? static_cast<Y>(value) : 0;
      }
      post(targets, to);
   }
};
