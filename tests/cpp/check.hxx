// What the test programs share.
#pragma once
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <string>
#include <type_traits>

/// Ends the program unless `what` holds.
#define CHECK(...) ((__VA_ARGS__) ? static_cast<void>(0) : fail(__FILE__, __LINE__, #__VA_ARGS__))

[[noreturn]] inline void fail(const char* file, int line, const char* what)
{
   std::printf("%s:%d: %s\n", file, line, what);
   std::exit(1);
}

/// Whether numbers are those of the reference, up to rounding; integers exactly.
template <class Got, class Want>
bool near(const Got* got, const Want* want, std::size_t count)
{
   double largest = 0, gap = 0;
   for (std::size_t i = 0; i < count; i++) {
      if (std::isnan(static_cast<double>(got[i]))) return false;
      largest = std::fmax(largest, std::fabs(static_cast<double>(want[i])));
      gap = std::fmax(gap, std::fabs(static_cast<double>(got[i]) - static_cast<double>(want[i])));
   }
   return gap <= (std::is_floating_point<Got>::value ? 1e-5 * largest : 0.0);
}

template <class Got, class Want, std::size_t N>
bool near(const Got& got, const Want (&want)[N])
{
   return got.size() == N && near(got.data(), want, N);
}

/// Whether bytes are the same.
template <class A>
bool same(const A* a, const A* b, std::size_t count)
{
   return std::memcmp(a, b, count * sizeof(A)) == 0;
}

/// What `call` throws, or "nothing".
template <class Call>
std::string thrown(Call call)
{
   try {
      call();
   } catch (const std::exception& e) {
      return e.what();
   }
   return "nothing";
}
