// fourier.hxx: discrete Fourier transforms of any length, computed in double, as many at once as a vector has lanes.
//
// y[k] = the sum over j of x[j] exp(-2 pi i j k / n); the inverse has the other sign and is divided by n. Lengths of small primes go by
//   Stockham's algorithm in mixed radix (4, 2, 3, 5, then the primes up to 31); others are a convolution (Bluestein) of a power of two.
// Tables (fourier.py makes the same): exp(-2 pi i k / m) of the m numbers of the transform that is made; for Bluestein then
//   exp(-pi i k^2 / n), and the transform of what is convolved with. Complex numbers are pairs of doubles.
// The bits of an output depend on its own transform's inputs alone, wherever it stands among others. Work holds 4 * m vectors.
#pragma once
#include "sine.hxx"

/// A complex number of each of several transforms.
struct Waves {
   dvec re, im;
};
ONNX_BRIDGE_INLINE Waves operator+(const Waves& a, const Waves& b) { return {a.re + b.re, a.im + b.im}; }
ONNX_BRIDGE_INLINE Waves operator-(const Waves& a, const Waves& b) { return {a.re - b.re, a.im - b.im}; }
ONNX_BRIDGE_INLINE Waves turned(const Waves& a) { return {a.im, -a.re}; }  // by -i
ONNX_BRIDGE_INLINE Waves times(const Waves& a, double re, double im)
{
   const dvec c = constant(dvec{}, re), s = constant(dvec{}, im);
   return {fma(a.re, c, -mul(a.im, s)), fma(a.re, s, mul(a.im, c))};
}
ONNX_BRIDGE_INLINE Waves times(const Waves& a, double by)
{
   const dvec c = constant(dvec{}, by);
   return {mul(a.re, c), mul(a.im, c)};
}
ONNX_BRIDGE_INLINE Waves plus_times(const Waves& sum, const Waves& a, double by)
{
   const dvec c = constant(dvec{}, by);
   return {fma(a.re, c, sum.re), fma(a.im, c, sum.im)};
}

constexpr Size fourier_lanes = lanes / 2;
constexpr int fourier_prime = 31;

/// Whether a length has no prime above fourier_prime: it is transformed as it is.
ONNX_BRIDGE_INLINE bool is_smooth(Size n)
{
   for (Size p = 2; p <= fourier_prime; p++)
      while (n % p == 0) n /= p;
   return n == 1;
}

/// How many numbers the transform has that is made for a length n > 0: n, or a power of two for Bluestein.
ONNX_BRIDGE_INLINE Size fourier_size(Size n)
{
   if (is_smooth(n)) return n;
   Size m = 1;
   while (m < 2 * n - 1) m *= 2;
   return m;
}

/// b[k] = the transform of the R numbers a[0 .. R - 1].
template <int R>
ONNX_BRIDGE_INLINE void butterfly(const Waves* a, Waves* b)
{
   if (R == 2) {
      b[0] = a[0] + a[1];
      b[1] = a[0] - a[1];
   } else if (R == 3) {
      const Waves sum = a[1] + a[2], turn = times(turned(a[1] - a[2]), 0.86602540378443864676), rest = plus_times(a[0], sum, -0.5);
      b[0] = a[0] + sum;
      b[1] = rest + turn;
      b[2] = rest - turn;
   } else if (R == 4) {
      const Waves even = a[0] + a[2], odd = a[0] - a[2], sum = a[1] + a[3], turn = turned(a[1] - a[3]);
      b[0] = even + sum;
      b[1] = odd + turn;
      b[2] = even - sum;
      b[3] = odd - turn;
   } else {
      const Waves s = a[1] + a[4], t = a[2] + a[3], u = turned(a[1] - a[4]), v = turned(a[2] - a[3]);
      const double c1 = 0.30901699437494742410, c2 = -0.80901699437494742410, s1 = 0.95105651629515357212, s2 = 0.58778525229247312917;
      const Waves p = plus_times(plus_times(a[0], s, c1), t, c2), q = plus_times(plus_times(a[0], s, c2), t, c1);
      const Waves r = plus_times(times(u, s1), v, s2), w = plus_times(times(u, s2), v, -s1);
      b[0] = a[0] + s + t;
      b[1] = p + r;
      b[2] = q + w;
      b[3] = q - w;
      b[4] = p - r;
   }
}

/// One step of Stockham's algorithm, from x to y: n numbers are left of each of s, w is the table of all n * s.
template <int R>
ONNX_BRIDGE_KERNEL void fourier_step(Size n, Size s, const double* w, const Waves* x, Waves* y)
{
   const Size m = n / R;
   for (Size p = 0; p < m; p++)
      for (Size q = 0; q < s; q++) {
         Waves a[R], b[R];
         for (int j = 0; j < R; j++) a[j] = x[q + s * (p + m * j)];
         butterfly<R>(a, b);
         Waves* const to = y + q + s * R * p;
         to[0] = b[0];
         for (int k = 1; k < R; k++) to[s * k] = times(b[k], w[2 * p * k * s], w[2 * p * k * s + 1]);
      }
}

/// A step by any prime up to fourier_prime.
ONNX_BRIDGE_KERNEL void fourier_step_of(Size r, Size n, Size s, const double* w, const Waves* x, Waves* y)
{
   const Size m = n / r;
   for (Size p = 0; p < m; p++)
      for (Size q = 0; q < s; q++) {
         Waves a[fourier_prime];
         for (Size j = 0; j < r; j++) a[j] = x[q + s * (p + m * j)];
         for (Size k = 0; k < r; k++) {
            Waves sum = a[0];
            for (Size j = 1; j < r; j++) {
               const Size at = 2 * (j * k % r) * m * s;
               sum = sum + times(a[j], w[at], w[at + 1]);
            }
            y[q + s * (r * p + k)] = times(sum, w[2 * p * k * s], w[2 * p * k * s + 1]);
         }
      }
}

/// Transforms n numbers of small primes in x, using y; returns where they are.
ONNX_BRIDGE_INLINE Waves* fourier_smooth(Size n, const double* w, Waves* x, Waves* y)
{
   Size prime = 3;
   for (Size s = 1; n > 1;) {
      Size r = n % 4 == 0 ? 4 : 2;
      if (n % 2 != 0) {
         while (n % prime != 0) prime++;
         r = prime;
      }
      if (r == 4)
         fourier_step<4>(n, s, w, x, y);
      else if (r == 2)
         fourier_step<2>(n, s, w, x, y);
      else if (r == 3)
         fourier_step<3>(n, s, w, x, y);
      else if (r == 5)
         fourier_step<5>(n, s, w, x, y);
      else
         fourier_step_of(r, n, s, w, x, y);
      n /= r;
      s *= r;
      Waves* const other = x;
      x = y;
      y = other;
   }
   return x;
}

/// Transforms n numbers in x, of m = fourier_size(n), using y; returns where they are.
ONNX_BRIDGE_INLINE Waves* fourier(Size n, Size m, const double* tables, Waves* x, Waves* y)
{
   if (m == n) return fourier_smooth(n, tables, x, y);
   const double *const chirp = tables + 2 * m, *const other = chirp + 2 * n;
   for (Size j = 0; j < n; j++) x[j] = times(x[j], chirp[2 * j], chirp[2 * j + 1]);
   for (Size j = n; j < m; j++) x[j] = Waves{dvec{}, dvec{}};
   Waves* const a = fourier_smooth(m, tables, x, y);
   // The inverse is the transform with both parts exchanged, before and behind.
   for (Size k = 0; k < m; k++) {
      const Waves product = times(a[k], other[2 * k], other[2 * k + 1]);
      a[k] = {product.im, product.re};
   }
   Waves* const b = fourier_smooth(m, tables, a, a == x ? y : x);
   for (Size k = 0; k < n; k++) b[k] = times(times(Waves{b[k].im, b[k].re}, chirp[2 * k], chirp[2 * k + 1]), 1.0 / static_cast<double>(m));
   return b;
}

/// `count` transforms of length n: load(i, j, re, im) gives number j of transform i, store(i, k, re, im) takes number k < kept.
template <class Load, class Store>
ONNX_BRIDGE_INLINE void fourier_all(Size count, Size n, Size kept, bool inverse, const double* tables, char* work, Load load, Store store)
{
   if (n < 1) return;
   const Size m = fourier_size(n);
   Waves *const x = reinterpret_cast<Waves*>(work), *const y = x + m;
   const double factor = inverse ? 1.0 / static_cast<double>(n) : 1.0;
   for (Size i = 0; i < count; i += fourier_lanes) {
      const Size together = count - i < fourier_lanes ? count - i : fourier_lanes;
      for (Size j = 0; j < n; j++) {
         Waves one = {dvec{}, dvec{}};
         for (Size lane = 0; lane < together; lane++) {
            double re = 0.0, im = 0.0;
            load(i + lane, j, re, im);
            one.re[lane] = inverse ? im : re;
            one.im[lane] = inverse ? re : im;
         }
         x[j] = one;
      }
      const Waves* const z = fourier(n, m, tables, x, y);
      for (Size k = 0; k < kept; k++)
         for (Size lane = 0; lane < together; lane++)
            store(i + lane, k, mul(inverse ? z[k].im[lane] : z[k].re[lane], factor), mul(inverse ? z[k].re[lane] : z[k].im[lane], factor));
   }
}

/// exp(-pi i turns / n) of 0 <= turns < 2 n.
ONNX_BRIDGE_INLINE void fourier_root(Size turns, Size n, double* to)
{
   const double angle = mul(3.14159265358979323846, static_cast<double>(turns)) / static_cast<double>(n);
   to[0] = double_cos(angle);
   to[1] = -double_sin(angle);
}

/// The tables of a length that is not known before. Work as for the transform.
ONNX_BRIDGE_KERNEL void fourier_tables(Size n, char* work, double* tables)
{
   if (n < 1) return;
   const Size m = fourier_size(n);
   for (Size k = 0; k < m; k++) fourier_root(2 * k, m, tables + 2 * k);
   if (m == n) return;
   double *const chirp = tables + 2 * m, *const other = chirp + 2 * n;
   Size turns = 0;  // k * k modulo 2 n
   for (Size k = 0; k < n; k++) {
      fourier_root(turns, n, chirp + 2 * k);
      turns = (turns + 2 * k + 1) % (2 * n);
   }
   Waves *const x = reinterpret_cast<Waves*>(work), *const y = x + m;
   for (Size j = 0; j < m; j++) {
      const Size k = j < n ? j : j > m - n ? m - j : -1;
      x[j] = k < 0 ? Waves{dvec{}, dvec{}} : Waves{constant(dvec{}, chirp[2 * k]), constant(dvec{}, -chirp[2 * k + 1])};
   }
   const Waves* const z = fourier_smooth(m, tables, x, y);
   for (Size k = 0; k < m; k++) {
      other[2 * k] = z[k].re[0];
      other[2 * k + 1] = z[k].im[0];
   }
}

/// DFT along an axis: x[outer][in][inner][parts] to y[outer][kept][inner][made], parts and made being 1 (real) or 2; missing numbers are 0.
/// `half`: x has the numbers up to n / 2 alone, the others are their conjugates.
template <class T>
ONNX_BRIDGE_KERNEL void dft(Size outer, Size in, Size inner, int parts, Size n, Size kept, int made, bool inverse, bool half,
                            const double* tables, char* work, const T* x, T* y)
{
   const auto load = [=](Size i, Size j, double& re, double& im) {
      const bool mirrored = half && 2 * j > n;
      const Size from = mirrored ? n - j : j;
      if (from >= in) return;
      const T* const at = x + ((i / inner * in + from) * inner + i % inner) * parts;
      re = static_cast<double>(at[0]);
      if (parts == 2) im = mirrored ? -static_cast<double>(at[1]) : static_cast<double>(at[1]);
   };
   const auto store = [=](Size i, Size k, double re, double im) {
      T* const to = y + ((i / inner * kept + k) * inner + i % inner) * made;
      to[0] = static_cast<T>(re);
      if (made == 2) to[1] = static_cast<T>(im);
   };
   if (n < 1) {
      for (Size i = 0; i < outer * kept * inner * made; i++) y[i] = T(0);
      return;
   }
   fourier_all(outer * inner, n, kept, inverse, tables, work, load, store);
}

/// STFT: frames of n numbers, `step` apart, of x[batch][length][parts], times window[n] (null: 1), to y[batch][frames][kept][2].
template <class T>
ONNX_BRIDGE_KERNEL void stft(Size batch, Size length, int parts, Size frames, Size step, Size n, Size kept, const T* window,
                             const double* tables, char* work, const T* x, T* y)
{
   const auto load = [=](Size i, Size j, double& re, double& im) {
      const Size from = i % frames * step + j;
      if (from >= length) return;
      const T* const at = x + (i / frames * length + from) * parts;
      const double weight = window == nullptr ? 1.0 : static_cast<double>(window[j]);
      re = mul(static_cast<double>(at[0]), weight);
      if (parts == 2) im = mul(static_cast<double>(at[1]), weight);
   };
   const auto store = [=](Size i, Size k, double re, double im) {
      T* const to = y + (i * kept + k) * 2;
      to[0] = static_cast<T>(re);
      to[1] = static_cast<T>(im);
   };
   fourier_all(batch * frames, n, kept, false, tables, work, load, store);
}
