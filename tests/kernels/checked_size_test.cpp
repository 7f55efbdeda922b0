// kernels:
//
// Checked sizes against the same sums in 128 bits: right where they do not overflow, and said to where any step of theirs would, or would
// if the zeros among the dims were ones. And layouts made of them.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <initializer_list>
#include <random>

namespace onnx_bridge { namespace tested {
#include "../../onnx_bridge/kernels/checked_size.hxx"
namespace plain {
#include "../../onnx_bridge/kernels/whole_size.hxx"
}
}}
using namespace onnx_bridge::tested;

__extension__ typedef __int128 Wide;

static int failures = 0;
static void expect(bool right, const char* what, unsigned long long seed)
{
   if (right) return;
   failures++;
   std::printf("FAILED checked_size: %s (%llu)\n", what, seed);
}

/// A size as it is, as it would be without zeros, and whether a step left 63 bits on the way.
struct True {
   Wide value, without_zeros;
   bool left = false;
};
static True made(Wide value, Wide without_zeros, bool left)
{
   const Wide most = Wide{1} << 63;
   for (const Wide x : {value, without_zeros}) left |= x >= most || x < -most;
   return {left ? 0 : value, left ? 0 : without_zeros, left};
}

/// One random expression, both ways at once.
struct Pair {
   Checked checked;
   True real;
};
static Pair expression(std::mt19937_64& random, int depth)
{
   const unsigned kind = static_cast<unsigned>(random() % (depth > 0 ? 8 : 2));
   if (kind == 0) {
      const std::uint64_t shift = random() % 64, dim = random() >> shift;
      const Wide without = dim > 0 ? Wide{dim} : 1;
      return {Checked::dim(static_cast<std::size_t>(dim)), made(dim, without, false)};
   }
   if (kind == 1) {
      const long long number = static_cast<long long>(random() % 200) - 20;
      return {Checked(number), made(number, number, false)};
   }
   const Pair a = expression(random, depth - 1), b = expression(random, depth - 1);
   const True &p = a.real, &q = b.real;
   const bool left = p.left || q.left;
   const auto divided = [](Wide x, Wide y) { return y == 0 ? Wide{0} : x / y - (x % y != 0 && (x % y < 0) != (y < 0)); };
   switch (kind) {
   case 2: return {a.checked + b.checked, made(p.value + q.value, p.without_zeros + q.without_zeros, left)};
   case 3: return {a.checked - b.checked, made(p.value - q.value, p.without_zeros - q.without_zeros, left)};
   case 4: return {minimum(a.checked, b.checked), made(p.value < q.value ? p.value : q.value, 0, left)};
   case 5: return {maximum(a.checked, b.checked), made(p.value > q.value ? p.value : q.value, 0, left)};
   case 6: return {floor_div(a.checked, b.checked), made(divided(p.value, q.value), 0, left || q.value == 0)};
   default: return {a.checked * b.checked, made(p.value * q.value, p.without_zeros * q.without_zeros, left)};
   }
}

int main()
{
   unsigned plain = 0, overflowing = 0;
   for (unsigned long long seed = 0; seed < 100000; seed++) {
      std::mt19937_64 random(seed);
      const Pair pair = expression(random, static_cast<int>(seed % 5));
      const bool overflows = pair.checked.overflows();
      expect(overflows || !pair.real.left, "an overflow that is not seen", seed);
      expect(overflows || pair.checked.value == pair.real.value, "another value", seed);
      expect(overflows || pair.checked.count() == static_cast<std::size_t>(pair.real.value > 0 ? pair.real.value : 0), "another count", seed);
      expect(!overflows || pair.checked.count() == too_many, "an overflow that has a count", seed);
      plain += !overflows;
      overflowing += overflows;
   }
   expect(plain > 10000 && overflowing > 10000, "both happen", plain);

   const Checked N = Checked::dim(1000), none = Checked::dim(0), huge = Checked::dim(static_cast<std::size_t>(1) << (4 * sizeof(std::size_t)));
   expect(!(64 * floor_div(4 * N + 63, 64)).overflows() && (64 * floor_div(4 * N + 63, 64)).value == 4032, "a round size", 0);
   expect((huge * huge * none).overflows() && (none * huge * huge).overflows(), "zero times an overflow, in any order", 0);
   expect(floor_div(N, none).overflows(), "a division by zero", 0);
   expect((N - 1001).negative() && !(N - 1000).negative() && (huge * huge).negative(), "negative, as infer asks", 0);
   expect(minimum(5, N, none).value == 0 && maximum(5, N, none).value == 1000 && (-N).value == -1000, "several", 0);
   expect(differ(N, 2 * N) && !differ(2 * N, N + N) && differ(huge * huge, huge * huge), "equal, as infer asks", 0);

   for (std::ptrdiff_t a = -9; a < 10; a++)
      for (std::ptrdiff_t b = -4; b < 5; b++) {
         std::ptrdiff_t down = -9;  // the largest number that b goes into no more often than a
         while (b != 0 && (b > 0 ? (down + 1) * b <= a : (down + 1) * b >= a)) down++;
         expect(b == 0 || plain::floor_div(a, b) == down, "a plain quotient", 0);
         expect(plain::minimum(a, b, 2) <= 2 && plain::minimum(a, b) == (a < b ? a : b) && plain::maximum(b, a, 2) >= 2, "a plain minimum", 0);
      }
   std::size_t at[4];
   Layout<4> layout(at);
   layout.add(64 * N);
   layout.add(N - 2000, {0});
   layout.add(128, {0, 1});
   expect(at[0] == 0 && at[1] == 64000 && at[2] == 64000 && layout.end == 64128, "a layout", 0);
   layout.add(static_cast<long long>(most_bytes), {2});
   expect(layout.end == too_many, "a layout that no memory has", 0);
   if (failures == 0) std::puts("checked_size: all right");
   return failures != 0;
}
