// integer_product.hxx: products of bytes with sums of 32 bits: sum over k of (a[k] - a_zero) (w[k][n] - w_zero[n]), and what becomes of it.
//
// Exact modulo 2^32 on every processor, so no order of summation is promised. Left operands are read as unsigned bytes (signed ones with
// their first bit changed: 128 more, as is their zero point), right ones as signed bytes (unsigned ones 128 less):
//   sum of a w  +  offset[n]  -  w_zero[n] (sum of a  -  K a_zero),   offset[n] = bias[n] - a_zero (sum over k of w[k][n]).
// Right operands are packed: element (k, n) at [n / 16][k / 4][n % 16][k % 4], what is missing is 0. A row of the left operand may lie in
// pieces (the taps of a window), each of which is read in whole quads, up to 3 bytes beyond its end: those must be readable, their values
// do not matter. offset and zeros hold whole panels of 16. Any size may be 0. Nothing overlaps.
#pragma once
#include "narrow.hxx"

typedef std::int16_t pair_vec __attribute__((vector_size(4 * ONNX_BRIDGE_LANES)));
typedef std::int8_t quad_bytes __attribute__((vector_size(2 * ONNX_BRIDGE_LANES)));
typedef std::uint8_t unsigned_quad_bytes __attribute__((vector_size(2 * ONNX_BRIDGE_LANES)));
typedef std::int8_t unaligned_quad_bytes __attribute__((vector_size(2 * ONNX_BRIDGE_LANES), aligned(1), may_alias));
typedef std::int32_t quad_vec __attribute__((vector_size(2 * ONNX_BRIDGE_LANES)));

/// Rows of a tile: what the registers hold.
#if defined(ONNX_BRIDGE_HAS_VNNI)
constexpr int integer_rows = lanes == 16 ? 8 : 4;
#else
constexpr int integer_rows = lanes == 16 ? 8 : lanes == 8 ? 2 : 1;
#endif

/// Rows of a left operand that are copied at a time.
constexpr Size integer_block = 64;

constexpr Size quads_of(Size bytes) { return (bytes + 3) / 4; }

/// Where the pieces of a row lie: depth * height * width of them, by steps in bytes, each of so many quads.
struct Pieces {
   Size depth, height, width, depth_step, height_step, width_step, bytes;
};

/// A packed right operand. zeros may be nullptr: all are 0.
struct IntegerWeights {
   const std::int8_t* packed;
   const std::int32_t* offset;
   const std::int32_t* zeros;
};

/// The sums of neighbouring pairs of products.
ONNX_BRIDGE_INLINE ivec pair_sums(pair_vec a, pair_vec b)
{
#if defined(ONNX_BRIDGE_HAS_AVX2)
   ivec sums;
   __asm__("vpmaddwd %2, %1, %0" : "=v"(sums) : "v"(a), "v"(b));
   return sums;
#elif defined(__x86_64__)
   __asm__("pmaddwd %1, %0" : "+x"(a) : "x"(b));
   return reinterpret_cast<ivec>(a);
#else
   const ivec x = reinterpret_cast<ivec>(a), y = reinterpret_cast<ivec>(b);
   const ivec low_x = wrap(unwrap(x) << 16) >> 16, low_y = wrap(unwrap(y) << 16) >> 16;
   return low_x * low_y + (x >> 16) * (y >> 16);
#endif
}

#if defined(ONNX_BRIDGE_HAS_VNNI)
/// sum + the four products of unsigned and signed bytes of each lane.
ONNX_BRIDGE_INLINE ivec add_quads(ivec sum, ivec a, ivec w)
{
#if defined(ONNX_BRIDGE_HAS_AVX512)
   __asm__("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(a), "v"(w));
#else
   __asm__("%{vex%} vpdpbusd %2, %1, %0" : "+x"(sum) : "x"(a), "x"(w));
#endif
   return sum;
}
#endif

ONNX_BRIDGE_INLINE std::int32_t load_quad(const std::uint8_t* p)
{
   std::int32_t four;
   std::memcpy(&four, p, 4);
   return four;
}

/// sums[i][n] = sum over the pieces of row i of a w, for the 16 columns of one panel.
template <int Rows>
ONNX_BRIDGE_INLINE void quad_tile(const Pieces& pieces, const std::uint8_t* a, Size a_row, const std::int8_t* w, std::int32_t (&sums)[Rows][16])
{
#if defined(ONNX_BRIDGE_HAS_VNNI)
   constexpr int vectors = 16 / lanes;  // a lane a column
#else
   constexpr int vectors = 32 / lanes;  // two lanes a column
#endif
   ivec sum[Rows][vectors];
   ONNX_BRIDGE_UNROLL
   for (int i = 0; i < Rows; i++) {
      ONNX_BRIDGE_UNROLL
      for (int j = 0; j < vectors; j++) sum[i][j] = ivec{};
   }
   const Size quads = quads_of(pieces.bytes);
   for (Size z = 0; z < pieces.depth; z++)
      for (Size y = 0; y < pieces.height; y++)
         for (Size x = 0; x < pieces.width; x++) {
            const std::uint8_t* from = a + z * pieces.depth_step + y * pieces.height_step + x * pieces.width_step;
            for (Size q = 0; q < quads; q++, from += 4, w += 64) {
#if defined(ONNX_BRIDGE_HAS_VNNI)
               ivec column[vectors];
               ONNX_BRIDGE_UNROLL
               for (int j = 0; j < vectors; j++) column[j] = *reinterpret_cast<const unaligned_ivec*>(w + j * 4 * lanes);
               ONNX_BRIDGE_UNROLL
               for (int i = 0; i < Rows; i++) {
                  const ivec row = splat(load_quad(from + i * a_row));
                  ONNX_BRIDGE_UNROLL
                  for (int j = 0; j < vectors; j++) sum[i][j] = add_quads(sum[i][j], row, column[j]);
               }
#else
               pair_vec row[Rows];
               ONNX_BRIDGE_UNROLL
               for (int i = 0; i < Rows; i++) {
                  const quad_vec four = load_quad(from + i * a_row) - quad_vec{};
                  row[i] = __builtin_convertvector(reinterpret_cast<unsigned_quad_bytes>(four), pair_vec);
               }
               ONNX_BRIDGE_UNROLL
               for (int j = 0; j < vectors; j++) {
                  const quad_bytes bytes = *reinterpret_cast<const unaligned_quad_bytes*>(w + j * 2 * lanes);
                  const pair_vec column = __builtin_convertvector(bytes, pair_vec);
                  ONNX_BRIDGE_UNROLL
                  for (int i = 0; i < Rows; i++) sum[i][j] = add(sum[i][j], pair_sums(row[i], column));
               }
#endif
            }
         }
   ONNX_BRIDGE_UNROLL
   for (int i = 0; i < Rows; i++) {
#if defined(ONNX_BRIDGE_HAS_VNNI)
      ONNX_BRIDGE_UNROLL
      for (int j = 0; j < vectors; j++) store(sums[i] + j * lanes, sum[i][j]);
#else
      std::int32_t halves[32];
      ONNX_BRIDGE_UNROLL
      for (int j = 0; j < vectors; j++) store(halves + j * lanes, sum[i][j]);
      for (int n = 0; n < 16; n++) sums[i][n] = add(halves[2 * n], halves[2 * n + 1]);
#endif
   }
}

/// The sum of the bytes of one row.
ONNX_BRIDGE_INLINE std::int32_t sum_of_row(const Pieces& pieces, const std::uint8_t* a)
{
   std::uint32_t sum = 0;
   for (Size z = 0; z < pieces.depth; z++)
      for (Size y = 0; y < pieces.height; y++)
         for (Size x = 0; x < pieces.width; x++) {
            const std::uint8_t* from = a + z * pieces.depth_step + y * pieces.height_step + x * pieces.width_step;
            for (Size k = 0; k < pieces.bytes; k++) sum += from[k];
         }
   return static_cast<std::int32_t>(sum);
}

/// Rows first ... first + Rows - 1, all columns of one panel.
template <int Rows, class Out>
ONNX_BRIDGE_KERNEL void integer_tile(Size first, Size column, Size columns, const Pieces& pieces, std::int32_t a_zero, const std::uint8_t* a,
                                     Size a_row, const IntegerWeights& w, const std::int8_t* panel, const Out& out)
{
   std::int32_t sums[Rows][16];
   quad_tile<Rows>(pieces, a, a_row, panel, sums);
   const Size terms = pieces.depth * pieces.height * pieces.width * pieces.bytes;
   for (int i = 0; i < Rows; i++) {
      const std::int32_t rest = w.zeros ? sub(sum_of_row(pieces, a + i * a_row), product(static_cast<std::int32_t>(terms), a_zero)) : 0;
      ONNX_BRIDGE_UNROLL
      for (int j = 0; j < 16; j += lanes) {
         ivec sum = add(load(sums[i] + j), load(w.offset + column + j));
         if (w.zeros) sum = sub(sum, product(load(w.zeros + column + j), splat(rest)));
         if (columns >= j + lanes)
            out(first + i, column + j, sum, All());
         else if (columns > j)
            out(first + i, column + j, sum, columns - j);
      }
   }
}

/// All rows and columns: a[m * a_row ...] in pieces. out(row from `first` on, column, sums, how many).
template <class Out>
ONNX_BRIDGE_INLINE void integer_rows_of(Size first, Size M, Size N, const Pieces& pieces, std::int32_t a_zero, const std::uint8_t* a, Size a_row,
                                        const IntegerWeights& w, const Out& out)
{
   const Size panel = pieces.depth * pieces.height * pieces.width * quads_of(pieces.bytes) * 64;
   const std::int8_t* packed = w.packed;
   for (Size n = 0; n < N; n += 16, packed += panel) {
      const Size columns = N - n < 16 ? N - n : 16;
      constexpr int half = integer_rows < 4 ? 1 : integer_rows / 2;
      Size m = 0;
      for (; m + integer_rows <= M; m += integer_rows)
         integer_tile<integer_rows>(first + m, n, columns, pieces, a_zero, a + m * a_row, a_row, w, packed, out);
      for (; m + half <= M && half > 1; m += half)
         integer_tile<half>(first + m, n, columns, pieces, a_zero, a + m * a_row, a_row, w, packed, out);
      for (; m < M; m++) integer_tile<1>(first + m, n, columns, pieces, a_zero, a + m * a_row, a_row, w, packed, out);
   }
}

/// Bytes as this file reads left and right operands, and what that adds to zero points.
ONNX_BRIDGE_INLINE std::uint8_t as_left(std::uint8_t x) { return x; }
ONNX_BRIDGE_INLINE std::uint8_t as_left(std::int8_t x) { return static_cast<std::uint8_t>(x ^ -128); }
ONNX_BRIDGE_INLINE std::int8_t as_right(std::uint8_t x) { return static_cast<std::int8_t>(x ^ 128); }
ONNX_BRIDGE_INLINE std::int8_t as_right(std::int8_t x) { return x; }

/// The zero point of a left operand; nullptr is 0.
template <class T>
ONNX_BRIDGE_INLINE std::int32_t left_zero(const T* zero)
{
   return as_left(zero ? *zero : T());
}

/// Floats of scratch memory for right operands that are packed as the network runs: panels, offsets and zero points.
constexpr Size pack_integers_scratch(Size groups, Size pieces, Size bytes, Size N)
{
   return groups * ((N + 15) / 16) * (pieces * quads_of(bytes) * 16 + 32);
}

/// How far apart elements of a right operand lie before it is packed; a piece is `taps` times all channels.
struct PackStrides {
   Size group, piece, tap, channel, column;
};

/// Packs groups of right operands of N columns. `zero` has one a column (zero_step 1), one (0), or is nullptr: 0. bias may be nullptr.
template <class T>
ONNX_BRIDGE_KERNEL IntegerWeights pack_integers(Size groups, Size pieces, Size taps, Size channels, Size N, const T* w, const PackStrides& by,
                                                const T* zero, Size zero_step, const std::int32_t* bias, std::int32_t a_zero, char* scratch)
{
   const Size panels = (N + 15) / 16, quads = quads_of(taps * channels), group = panels * pieces * quads * 64;
   std::int8_t* packed = reinterpret_cast<std::int8_t*>(scratch);
   std::int32_t* offset = reinterpret_cast<std::int32_t*>(scratch + groups * group);
   std::int32_t* zeros = offset + groups * panels * 16;
   std::memset(packed, 0, static_cast<std::size_t>(groups * group));
   bool any = false;
   for (Size g = 0; g < groups; g++)
      for (Size n = 0; n < panels * 16; n++) {
         const Size at = g * panels * 16 + n;
         zeros[at] = offset[at] = 0;
         if (n >= N) continue;
         std::int8_t* to = packed + g * group + n / 16 * pieces * quads * 64 + n % 16 * 4;
         const T* from = w + g * by.group + n * by.column;
         std::int32_t sum = 0;
         for (Size p = 0; p < pieces; p++)
            for (Size t = 0; t < taps; t++)
               for (Size c = 0; c < channels; c++) {
                  const Size k = t * channels + c;
                  const std::int8_t value = as_right(from[p * by.piece + t * by.tap + c * by.channel]);
                  to[(p * quads + k / 4) * 64 + k % 4] = value;
                  sum += value;
               }
         zeros[at] = as_right(zero ? zero[(g * N + n) * zero_step] : T());
         any |= zeros[at] != 0;
         offset[at] = sub(bias ? bias[g * N + n] : 0, product(a_zero, sum));
      }
   return {packed, offset, any ? zeros : nullptr};
}

/// Offsets for a zero point that is known only as the network runs, from the sums of the columns of packed weights.
ONNX_BRIDGE_KERNEL IntegerWeights with_offsets(Size groups, Size N, const std::int8_t* packed, const std::int32_t* sums, const std::int32_t* bias,
                                               const std::int32_t* zeros, std::int32_t a_zero, char* scratch)
{
   const Size width = (N + 15) / 16 * 16;
   std::int32_t* offset = reinterpret_cast<std::int32_t*>(scratch);
   for (Size g = 0; g < groups; g++)
      for (Size n = 0; n < width; n++)
         offset[g * width + n] = sub(bias && n < N ? bias[g * N + n] : 0, product(a_zero, sums[g * width + n]));
   return {packed, offset, zeros};
}

/// Floats of scratch memory of integer_gemm: rows as they are copied.
constexpr Size integer_gemm_scratch(Size M, Size K) { return (M < integer_block ? M : integer_block) * quads_of(K); }

/// out(m, n, sums) for all of Y[m][n] = sum over k of (a[m * a_row + k * a_column] - a_zero) (w[k][n] - w_zero[n]) + bias[n].
template <class T, class Out>
ONNX_BRIDGE_KERNEL void integer_gemm(Size M, Size N, Size K, const T* a, Size a_row, Size a_column, std::int32_t a_zero, const IntegerWeights& w,
                                     char* scratch, const Out& out)
{
   std::uint8_t* copy = reinterpret_cast<std::uint8_t*>(scratch);
   const Size width = quads_of(K) * 4;
   for (Size m = 0; m < M; m += integer_block) {
      const Size rows = M - m < integer_block ? M - m : integer_block;
      for (Size i = 0; i < rows; i++) {
         const T* from = a + (m + i) * a_row;
         std::uint8_t* to = copy + i * width;
         if (a_column == 1)
            for (Size k = 0; k < K; k++) to[k] = as_left(from[k]);
         else
            for (Size k = 0; k < K; k++) to[k] = as_left(from[k * a_column]);
         for (Size k = K; k < width; k++) to[k] = 0;
      }
      integer_rows_of(m, rows, N, Pieces{1, 1, 1, 0, 0, 0, K}, a_zero, copy, width, w, out);
   }
}

// What becomes of sums: row m and column n of y at y[m * row + n * column].

/// The sums themselves.
struct KeepIntegers {
   std::int32_t* y;
   Size row, column;
   template <class Count>
   __attribute__((always_inline)) void operator()(Size m, Size n, ivec sum, Count count) const
   {
      std::int32_t* to = y + m * row + n * column;
      if (column == 1)
         store(to, sum, count);
      else
         for (Size i = 0; i < count; i++) to[i * column] = sum[i];
   }
};

/// As a float times scale[n] (or scale[0]), held between low - zero and high - zero, to the nearest integer, halves to the even one, + zero.
template <class T>
struct Requantize {
   T* y;
   Size row, column;
   const float* scale;
   bool columns;
   std::int32_t zero;
   template <class Count>
   __attribute__((always_inline)) void operator()(Size m, Size n, ivec sum, Count count) const
   {
      constexpr float low = std::numeric_limits<T>::min(), high = std::numeric_limits<T>::max();
      const float shift = static_cast<float>(zero);
      const vec scaled = mul(to_float(sum), columns ? load(scale + n, count) : splat(*scale));
      const ivec whole = nearest(smaller(larger(scaled, splat(low - shift)), splat(high - shift))) + zero;
      T* to = y + m * row + n * column;
      if (column == 1)
         store_integers(to, whole, count);
      else
         for (Size i = 0; i < count; i++) to[i * column] = static_cast<T>(whole[i]);
   }
};

/// As a float times scale[n] (or scale[0]), + bias[n] where there is one.
struct ToFloats {
   float* y;
   Size row;
   const float* scale;
   bool columns;
   const float* bias;
   template <class Count>
   __attribute__((always_inline)) void operator()(Size m, Size n, ivec sum, Count count) const
   {
      const vec scaled = mul(to_float(sum), columns ? load(scale + n, count) : splat(*scale));
      store(y + m * row + n, bias ? scaled + load(bias + n, count) : scaled, count);
   }
};

/// scales[n] = a * b[n] / y, of one or of many; without y (nullptr) a * b[n].
ONNX_BRIDGE_KERNEL const float* output_scales(Size n, float a, const float* b, const float* y, char* scratch)
{
   float* scales = reinterpret_cast<float*>(scratch);
   for (Size i = 0; i < n; i++) {
      const float both = mul(a, b[i]);
      scales[i] = y ? both / *y : both;
   }
   return scales;
}
