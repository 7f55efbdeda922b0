// Without exceptions and run-time types, behind the macros of windows.h, from a header that does not include itself: built with
// -fno-exceptions -fno-rtti and sanitizers. Sizes that overflow are refused.
#include <sys/mman.h>
#include <sys/stat.h>

#include <atomic>
#include <cerrno>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <tuple>
#include <vector>

#define min(a, b) (((a) < (b)) ? (a) : (b))
#define max(a, b) (((a) > (b)) ? (a) : (b))
#define near
#define far
#define small char
#define hyper long long
#define interface struct
#define pascal
#define cdecl
#define rad1 0x0420
#include "open.hxx"
#undef min
#undef max
#undef near
#undef far
#undef small
#undef interface

#define CHECK(...) ((__VA_ARGS__) ? static_cast<void>(0) : fail(__LINE__, #__VA_ARGS__))
[[noreturn]] static void fail(int line, const char* what)
{
   std::printf("%d: %s\n", line, what);
   std::exit(1);
}

using namespace onnx_bridge::open;

int main()
{
   std::string error;
   CHECK(!Model::open("nowhere.dat", error) && error == "open: cannot open weights file nowhere.dat: No such file or directory");
   const std::optional<Model> model = Model::open("open.dat", error);
   CHECK(model && error.empty());
   CHECK(Model::open("", error, Body::best, Check::layout) && error.empty());  // beside the header or here
   alignas(64) static const char memory[64] = {};
   CHECK(!Model::open(memory, 64, error) && error.find("open: memory") == 0);

   // [N, M, 3] times a row of 3, its exponential above it: sizes whose product no std::size_t has, or only because another one is 0.
   const std::size_t largest = static_cast<std::size_t>(-1), half = largest / 2 + 1, root = std::size_t{1} << 4 * sizeof(std::size_t);
   std::optional<Workspace> workspace = Workspace::make(*model, {2, 2});
   CHECK(workspace.has_value());
   std::vector<float> x(12, 0.5f), y(12, -7.0f);
   const Dims beyond[] = {{root, root}, {largest, 1}, {1, largest}, {half, 2}, {half, half}, {largest, largest},
                          {largest - 63, 1}, {largest / 12, 1}, {root, root / 8}, {largest / 16, 1}, {half, 0}, {0, largest}};
   for (const Dims& dims : beyond) {
      CHECK(!model->infer(*workspace, dims, x.data(), y.data()) && y == std::vector<float>(12, -7.0f));
      CHECK(Model::output_size(0, dims) == 0);
      if (dims.N != 0 && dims.M != 0) CHECK(Model::workspace_bytes(dims) == largest && !Workspace::make(*model, dims));
      if (dims.N != 0 && dims.M != 0) CHECK(!Workspace::make(*model, dims, y.data()));
      CHECK(model->infer(*workspace, {2, 2}, x.data(), y.data()) && y[0] > 0.0f);  // the plan of before is there again
      y.assign(12, -7.0f);
   }
   if (sizeof(largest) > 4) CHECK(!Workspace::make(*model, {largest / 64, 1}));  // a size that is no overflow, and no memory
   CHECK(model->infer(*workspace, {1, 3}, x.data(), y.data()) && y[8] > 0.0f && y[9] < -6.0f);
   CHECK(model->infer(*workspace, {0, 3}, nullptr, nullptr));
   CHECK(!model->infer(*workspace, {2, 3}, x.data(), y.data()));
   CHECK(Model::output_size(0, {7, 5}) == 7 * 5 * 3 && Model::workspace_bytes({2, 2}) >= 48);
}
