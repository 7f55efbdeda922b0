// text.hxx: strings: comparing, joining, splitting, normalising and matching them, looking them up, and counting n-grams.
//
// Contract: a tensor of strings is an array of std::string_view, dense and row-major; none of them is written to. Text is bytes, UTF-8
// where a character matters. What makes text puts it into a TextRoom, whose memory does not move; the views that it makes are of that
// memory, those of other kernels of their inputs' or of the weights'. Empty strings may have null pointers. Any bytes are taken: what is
// no UTF-8 is left as it is.
#pragma once
#include "vector.hxx"

/// Known strings, one behind the other: number i goes from ends[i] to ends[i + 1].
struct TextTable {
   const std::uint8_t* text;
   const std::int64_t* ends;
   Size count;
   std::string_view at(Size i) const
   {
      return std::string_view(reinterpret_cast<const char*>(text) + ends[i], static_cast<std::size_t>(ends[i + 1] - ends[i]));
   }
};

/// Memory for the text that kernels make, one piece behind the other. `used` counts what is needed, beyond `bytes`, too.
struct TextRoom {
   char* memory;
   Size bytes;
   Size* used;
   /// Where n bytes may be written; null where there is too little room.
   char* take(Size n) const
   {
      const Size at = *used;
      *used = at + n;
      return n <= bytes - at ? memory + at : nullptr;
   }
};

/// The bytes of a string as a Size.
ONNX_BRIDGE_INLINE Size length_of(std::string_view text) { return static_cast<Size>(text.size()); }

/// Moves a place of a broadcast loop on; `at` are the places in two operands of strides a and b.
template <int Rank>
ONNX_BRIDGE_INLINE void next_place(const Size (&sizes)[Rank], const Size (&a)[Rank], const Size (&b)[Rank], Size (&index)[Rank], Size& i, Size& j)
{
   for (int axis = Rank - 1; axis >= 0; axis--) {
      i += a[axis];
      j += b[axis];
      if (++index[axis] < sizes[axis]) return;
      i -= a[axis] * sizes[axis];
      j -= b[axis] * sizes[axis];
      index[axis] = 0;
   }
}

/// y = x1 == x2, element by element; the operands are read by strides, in elements, along the sizes of y.
template <int Rank>
ONNX_BRIDGE_KERNEL void equal_text(const Size (&sizes)[Rank], const Size (&a)[Rank], const Size (&b)[Rank], const std::string_view* x1,
                                   const std::string_view* x2, bool* y)
{
   Size count = 1, index[Rank] = {}, i = 0, j = 0;
   for (int axis = 0; axis < Rank; axis++) count *= sizes[axis];
   for (Size k = 0; k < count; k++, next_place(sizes, a, b, index, i, j)) y[k] = x1[i] == x2[j];
}

/// y = condition ? x1 : x2, element by element, read by strides as equal_text reads them: c those of the condition.
template <int Rank>
ONNX_BRIDGE_KERNEL void choose_text(const Size (&sizes)[Rank], const Size (&c)[Rank], const Size (&a)[Rank], const Size (&b)[Rank],
                                    const bool* condition, const std::string_view* x1, const std::string_view* x2, std::string_view* y)
{
   Size count = 1, index[Rank] = {}, again[Rank] = {}, h = 0, i = 0, j = 0, none = 0;
   const Size still[Rank] = {};
   for (int axis = 0; axis < Rank; axis++) count *= sizes[axis];
   for (Size k = 0; k < count; k++, next_place(sizes, a, b, index, i, j), next_place(sizes, c, still, again, h, none))
      y[k] = condition[h] ? x1[i] : x2[j];
}

/// y = x1 with x2 behind it, element by element, read as equal_text reads them.
template <int Rank>
ONNX_BRIDGE_KERNEL void concat_text(const Size (&sizes)[Rank], const Size (&a)[Rank], const Size (&b)[Rank], const std::string_view* x1,
                                    const std::string_view* x2, std::string_view* y, TextRoom room)
{
   Size count = 1, index[Rank] = {}, i = 0, j = 0;
   for (int axis = 0; axis < Rank; axis++) count *= sizes[axis];
   for (Size k = 0; k < count; k++, next_place(sizes, a, b, index, i, j)) {
      const Size first = length_of(x1[i]), second = length_of(x2[j]);
      char* const text = room.take(first + second);
      y[k] = std::string_view();
      if (!text) continue;
      if (first) std::memcpy(text, x1[i].data(), x1[i].size());
      if (second) std::memcpy(text + first, x2[j].data(), x2[j].size());
      y[k] = std::string_view(text, static_cast<std::size_t>(first + second));
   }
}

/// y[n] = x[n], the same text.
ONNX_BRIDGE_KERNEL void copy_text(Size n, const std::string_view* x, std::string_view* y)
{
   for (Size i = 0; i < n; i++) y[i] = x[i];
}

/// The pieces of a string between delimiters, at most `most` of them, one after the other. An empty delimiter stands for blanks, of
/// which any number parts two pieces, and none stands around them. An empty string has no pieces.
class TextPieces {
public:
   TextPieces(std::string_view text, std::string_view delimiter, Size most) : rest_(text), delimiter_(delimiter), left_(most)
   {
      if (delimiter_.empty()) skip();
      more_ = !rest_.empty();
   }
   /// The next piece; false where there is none.
   bool next(std::string_view& piece)
   {
      if (!more_) return false;
      const std::size_t end = --left_ > 0 ? where() : std::string_view::npos;
      piece = rest_;
      more_ = end != std::string_view::npos;
      if (more_) {
         piece = rest_.substr(0, end);
         rest_.remove_prefix(end + (delimiter_.empty() ? 0 : delimiter_.size()));
         if (delimiter_.empty()) skip();
         more_ = !(delimiter_.empty() && rest_.empty());
      } else if (delimiter_.empty()) {
         while (!piece.empty() && is_space(piece.back())) piece.remove_suffix(1);
      }
      return true;
   }

private:
   static bool is_space(char c) { return c == ' '; }
   void skip()
   {
      while (!rest_.empty() && is_space(rest_.front())) rest_.remove_prefix(1);
   }
   std::size_t where() const
   {
      if (!delimiter_.empty()) return rest_.find(delimiter_);
      for (std::size_t i = 0; i < rest_.size(); i++)
         if (is_space(rest_[i])) return i;
      return std::string_view::npos;
   }
   std::string_view rest_;
   std::string_view delimiter_;
   Size left_;
   bool more_ = true;
};

/// How many pieces each of n strings has; returns the largest number.
ONNX_BRIDGE_KERNEL Size count_pieces(Size n, std::string_view delimiter, Size most, const std::string_view* x, std::int64_t* counts)
{
   Size largest = 0;
   for (Size i = 0; i < n; i++) {
      TextPieces pieces(x[i], delimiter, most);
      std::string_view piece;
      Size count = 0;
      while (pieces.next(piece)) count++;
      counts[i] = static_cast<std::int64_t>(count);
      if (count > largest) largest = count;
   }
   return largest;
}

/// y[n][width] = the pieces of n strings, empty strings behind them; none has more than `width`.
ONNX_BRIDGE_KERNEL void split_text(Size n, Size width, std::string_view delimiter, Size most, const std::string_view* x, std::string_view* y)
{
   for (Size i = 0; i < n; i++) {
      TextPieces pieces(x[i], delimiter, most);
      for (Size j = 0; j < width; j++) {
         std::string_view piece;
         y[i * width + j] = pieces.next(piece) ? piece : std::string_view();
      }
   }
}

/// Letters beyond ASCII, in order, and what each becomes in the other case.
struct TextCase {
   const std::int32_t* from;
   const std::int32_t* to;
   Size count;
   bool upper;
};

/// The character at the beginning of some bytes, and how many bytes it has; -1 and 1 where that is no UTF-8.
ONNX_BRIDGE_INLINE std::int32_t first_character(const char* text, Size left, Size& bytes)
{
   const unsigned first = static_cast<unsigned char>(text[0]);
   bytes = first < 0x80u ? 1 : first < 0xC2u ? 0 : first < 0xE0u ? 2 : first < 0xF0u ? 3 : first < 0xF5u ? 4 : 0;
   bool right = bytes > 0 && bytes <= left;
   unsigned code = bytes == 1 ? first : bytes == 2 ? first & 0x1Fu : bytes == 3 ? first & 0x0Fu : first & 0x07u;
   for (Size i = 1; right && i < bytes; i++) {
      const unsigned byte = static_cast<unsigned char>(text[i]);
      right = (byte & 0xC0u) == 0x80u;
      code = code << 6 | (byte & 0x3Fu);
   }
   if (right) return static_cast<std::int32_t>(code);
   bytes = 1;
   return -1;
}

/// Writes a character in UTF-8; returns its bytes. `out` has room for four.
ONNX_BRIDGE_INLINE Size put_character(std::int32_t code, char* out)
{
   const unsigned c = static_cast<unsigned>(code);
   const Size bytes = c < 0x80u ? 1 : c < 0x800u ? 2 : c < 0x10000u ? 3 : 4;
   const unsigned heads[] = {0u, 0xC0u, 0xE0u, 0xF0u};
   for (Size i = bytes - 1; i > 0; i--) out[i] = static_cast<char>(0x80u | ((c >> (6 * (bytes - 1 - i))) & 0x3Fu));
   out[0] = static_cast<char>(heads[bytes - 1] | (c >> (6 * (bytes - 1))));
   return bytes;
}

/// One character of a string in another case, into `out`; returns how many bytes it has there, and in `bytes` those that it had.
ONNX_BRIDGE_INLINE Size cased_character(const TextCase& cases, const char* text, Size left, Size& bytes, char* out)
{
   const std::int32_t code = first_character(text, left, bytes);
   if (code < 0) {
      out[0] = text[0];
      return 1;
   }
   if (code < 0x80) {
      const bool other = cases.upper ? code >= 'a' && code <= 'z' : code >= 'A' && code <= 'Z';
      out[0] = static_cast<char>(other ? code ^ 0x20 : code);
      return 1;
   }
   Size low = 0, high = cases.count;
   while (low < high) {
      const Size middle = low + (high - low) / 2;
      if (cases.from[middle] < code)
         low = middle + 1;
      else
         high = middle;
   }
   return put_character(low < cases.count && cases.from[low] == code ? cases.to[low] : code, out);
}

/// A string in another case; empty where there is too little room.
ONNX_BRIDGE_INLINE std::string_view in_case(const TextCase& cases, std::string_view text, const TextRoom& room)
{
   Size total = 0, bytes = 1;
   char out[4];
   for (Size i = 0; i < length_of(text); i += bytes) total += cased_character(cases, text.data() + i, length_of(text) - i, bytes, out);
   char* const made = room.take(total);
   if (!made) return std::string_view();
   Size at = 0;
   for (Size i = 0; i < length_of(text); i += bytes) {
      const Size count = cased_character(cases, text.data() + i, length_of(text) - i, bytes, out);
      for (Size k = 0; k < count; k++) made[at + k] = out[k];
      at += count;
   }
   return std::string_view(made, static_cast<std::size_t>(total));
}

/// Whether a string in another case is another one.
ONNX_BRIDGE_INLINE bool is_in_case(const TextCase& cases, std::string_view text, std::string_view other)
{
   Size at = 0, bytes = 1;
   char out[4];
   for (Size i = 0; i < length_of(text); i += bytes) {
      const Size count = cased_character(cases, text.data() + i, length_of(text) - i, bytes, out);
      if (count > length_of(other) - at) return false;
      for (Size k = 0; k < count; k++)
         if (other[static_cast<std::size_t>(at + k)] != out[k]) return false;
      at += count;
   }
   return at == length_of(other);
}

/// y = those of n strings that are none of `stop`, or one empty string if that leaves none; returns how many. y has room for n, and for one.
/// Strings are compared as they are, or in the case `compare`, in which `stop` is given; they are handed on as they are, or in the case `change`.
ONNX_BRIDGE_KERNEL Size normalize_text(Size n, const TextTable& stop, const TextCase* compare, const TextCase* change,
                                       const std::string_view* x, std::string_view* y, TextRoom room)
{
   Size kept = 0;
   for (Size i = 0; i < n; i++) {
      bool stops = false;
      for (Size k = 0; k < stop.count && !stops; k++) stops = compare ? is_in_case(*compare, x[i], stop.at(k)) : x[i] == stop.at(k);
      if (!stops) y[kept++] = change ? in_case(*change, x[i], room) : x[i];
   }
   if (kept == 0) y[kept++] = std::string_view();
   return kept;
}

/// A deterministic automaton over bytes: state 0 never accepts, state 1 is the first one.
struct TextAutomaton {
   const std::uint8_t* classes;
   const std::int32_t* next;
   const bool* accepts;
   Size width;
};

/// y[n] = whether an automaton accepts the whole of each string.
ONNX_BRIDGE_KERNEL void match_text(Size n, const TextAutomaton& automaton, const std::string_view* x, bool* y)
{
   for (Size i = 0; i < n; i++) {
      std::int32_t state = 1;
      for (const char c : x[i]) state = automaton.next[state * automaton.width + automaton.classes[static_cast<unsigned char>(c)]];
      y[i] = automaton.accepts[state];
   }
}

/// Keys in ascending order, of numbers; NaN, if it is one of them, is the last.
template <class T>
struct NumberTable {
   const T* numbers;
   Size count;
   T at(Size i) const { return numbers[i]; }
};

/// Whether one key comes before another: NaN comes last and is equal to itself.
template <class T>
ONNX_BRIDGE_INLINE bool key_before(T a, T b)
{
   if constexpr (std::is_floating_point<T>::value) return a < b || (std::isnan(b) && !std::isnan(a));
   return a < b;
}

/// The place of a key in a table; -1 where it is none of it.
template <class Table, class T>
ONNX_BRIDGE_INLINE Size place_of(const Table& table, T key)
{
   Size low = 0, high = table.count;
   while (low < high) {
      const Size middle = low + (high - low) / 2;
      if (key_before<T>(table.at(middle), key))
         low = middle + 1;
      else
         high = middle;
   }
   return low < table.count && !key_before<T>(key, table.at(low)) ? low : -1;
}

/// y[n] = the value of each key, values[places] in the order of the keys; what is no key becomes value `otherwise` of the table.
template <class Keys, class Values, class T, class U>
ONNX_BRIDGE_KERNEL void encode_labels(Size n, const Keys& keys, const Values& values, Size otherwise, const T* x, U* y)
{
   for (Size i = 0; i < n; i++) {
      const Size place = place_of(keys, x[i]);
      y[i] = values.at(place < 0 ? otherwise : place);
   }
}

/// n-grams as a tree: edge e leads from the node keys[e] / width by the item keys[e] % width to node e + 1; its n-gram is counted in
/// columns[e], or nowhere where that is -1. Node 0 is the root; keys ascend.
struct NGrams {
   const std::int64_t* keys;
   const std::int32_t* columns;
   Size edges;
   Size width;
   Size shortest;
   Size longest;
   Size skips;
};

/// Follows one edge; -1 where there is none.
ONNX_BRIDGE_INLINE Size edge_of(const NGrams& grams, Size node, Size item)
{
   return place_of(NumberTable<std::int64_t>{grams.keys, grams.edges}, static_cast<std::int64_t>(node * grams.width + item));
}

/// y[rows][columns] = how often n-grams of a table are in each row of x[rows][n], their items 0 to `skips` others apart, times weights where
/// they are given; with `whether` 1 instead of how often. `items` is memory for n numbers.
template <class Items, class T>
ONNX_BRIDGE_KERNEL void count_ngrams(Size rows, Size n, Size columns, const Items& vocabulary, const NGrams& grams, bool whether,
                                     const float* weights, const T* x, float* y, std::int64_t* items)
{
   for (Size row = 0; row < rows; row++, x += n, y += columns) {
      for (Size c = 0; c < columns; c++) y[c] = 0;
      for (Size i = 0; i < n; i++) {
         if constexpr (std::is_same<T, std::string_view>::value)
            items[i] = place_of(vocabulary, x[i]);
         else
            items[i] = place_of(vocabulary, static_cast<std::int64_t>(x[i]));
      }
      for (Size step = 1; step <= grams.skips + 1; step++)
         for (Size i = 0; i < n; i++) {
            Size node = 0, place = i;
            for (Size length = 1; length <= grams.longest && place < n && items[place] >= 0; length++, place += step) {
               const Size edge = edge_of(grams, node, items[place]);
               if (edge < 0) break;
               const std::int32_t column = grams.columns[edge];
               if (length >= grams.shortest && column >= 0 && (length > 1 || step == 1)) y[column] += 1;
               node = edge + 1;
            }
         }
      for (Size c = 0; c < columns; c++) {
         const float count = whether && y[c] > 0 ? 1.0f : y[c];
         y[c] = weights ? count * weights[c] : count;
      }
   }
}
