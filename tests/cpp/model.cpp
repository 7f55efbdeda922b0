// The bodies, and what a Workspace allows.
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "conv_net.hxx"
#include "mlp.hxx"
#include "windows.hxx"

#include "check.hxx"
#include "data.hxx"

namespace mlp = onnx_bridge::mlp;
namespace conv_net = onnx_bridge::conv_net;
namespace windows = onnx_bridge::windows;

/// A model's answer with one body; empty where the processor lacks what it needs, which the constructor says.
template <class Model, class Workspace, class Body>
std::vector<float> answer(Body body, const char* file, std::size_t rows, const float* x, std::size_t out)
{
   std::unique_ptr<Model> model;
   const std::string message = thrown([&] { model.reset(new Model(std::string(file), body)); });
   if (!model) {
      CHECK(message.find("this processor cannot run the body that was asked for") != std::string::npos);
      return {};
   }
   Workspace workspace(*model, {rows});
   std::vector<float> y(rows * out);
   CHECK(model->infer(workspace, {rows}, x, y.data()));
   return y;
}

template <class Model, class Workspace, class Body>
void bodies(const char* file, std::size_t rows, const float* x, const float* y, std::size_t out)
{
   const auto of = [&](Body body) { return answer<Model, Workspace>(body, file, rows, x, out); };
   const std::vector<float> best = of(Body::best), baseline = of(Body::baseline), avx2 = of(Body::avx2), avx512 = of(Body::avx512);
   CHECK(near(best.data(), y, rows * out) && near(baseline.data(), y, rows * out));
   for (const std::vector<float>& wide : {avx2, avx512}) CHECK(wide.empty() || (wide.size() == best.size() && same(wide.data(), best.data(), best.size())));
#if defined(__x86_64__)
   CHECK(avx512.empty() || !avx2.empty());
#endif
   std::printf("avx2 %s, avx512 %s\n", avx2.empty() ? "refused" : "runs", avx512.empty() ? "refused" : "runs");
}

static void refusals()
{
   const mlp::Model model;
   mlp::Workspace workspace(model, {5});
   std::vector<float> y(17 * 3, -7.0f);
   const std::vector<float> untouched = y;
   for (std::size_t rows : {std::size_t{6}, std::size_t{17}, std::size_t{1} << 40, static_cast<std::size_t>(-1)}) {
      CHECK(!model.infer(workspace, {rows}, data::mlp_x, y.data()));
      CHECK(y == untouched);
   }
   for (std::size_t rows : {5, 1, 0, 4, 5}) {
      y = untouched;
      CHECK(model.infer(workspace, {rows}, data::mlp_x, y.data()));
      CHECK(near(y.data(), data::mlp_y, rows * 3));
      CHECK(same(y.data() + rows * 3, untouched.data(), y.size() - rows * 3));
   }
   const std::string larger = "mlp: a workspace for these dims is larger than any memory";
   for (std::size_t rows : {std::size_t{1} << 60, static_cast<std::size_t>(-1)}) {
      CHECK(mlp::Model::workspace_bytes({rows}) == static_cast<std::size_t>(-1) && mlp::Model::output_size(0, {rows}) == 0);
      CHECK(thrown([&] { mlp::Workspace(model, {rows}); }) == larger && thrown([&] { mlp::Workspace(model, {rows}, y.data()); }) == larger);
      CHECK(!mlp::Workspace::make(model, {rows}));
   }
   bool none = false;
   try {
      mlp::Workspace(model, {std::size_t{1} << 50});
   } catch (const std::bad_alloc&) {
      none = true;
   }
   CHECK(none && !mlp::Workspace::make(model, {std::size_t{1} << 50}));
   CHECK(mlp::Model::output_size(0, {17}) == 17 * 3 && mlp::Model::output_size(0) == 3 && mlp::Model::output_size(1, {17}) == 0);
}

static void own_memory()
{
   const conv_net::Model model;
   const std::size_t bytes = conv_net::Model::workspace_bytes({5});
   CHECK(bytes > 0 && conv_net::Model::workspace_bytes({4}) <= bytes);
   const std::size_t room = (bytes + 63) / 64 * 64;
   unsigned char* const memory = static_cast<unsigned char*>(std::aligned_alloc(64, room + 64));
   std::memset(memory, 0xa5, room + 64);
   conv_net::Workspace workspace(model, {5}, memory), own(model, {5});
   float y[5 * 4], z[5 * 4];
   CHECK(model.infer(workspace, {5}, data::conv_net_x, y) && near(y, data::conv_net_y, 5 * 4));
   CHECK(model.infer(own, {5}, data::conv_net_x, z) && same(y, z, 5 * 4));
   CHECK(!model.infer(workspace, {6}, data::conv_net_x, y));
   for (std::size_t i = bytes; i < room + 64; i++) CHECK(memory[i] == 0xa5);  // nothing beyond what it asked for
   std::free(memory);

   mlp::Model first;
   const mlp::Model copy = first;  // shares the mapped file
   first = mlp::Model();
   mlp::Workspace small(copy, {1});
   CHECK(copy.infer(small, {1}, data::mlp_x, y) && near(y, data::mlp_y, 3));
}

/// Sizes that the model itself does not allow.
static void impossible()
{
   const windows::Model model;
   windows::Workspace workspace(model, {30});
   const float x[60] = {}, z[30] = {};
   float y[30] = {-7.0f};
   for (std::size_t length : {0, 3}) {
      CHECK(!model.infer(workspace, {length}, x, z, y) && y[0] == -7.0f);
      CHECK(windows::Model::output_size(0, {length}) == 0);
      CHECK(thrown([&] { TMVA_SOFIE_windows::Session("windows.dat", length).infer(length, x, z); }) == "windows: sizes do not agree with the inputs");
   }
   CHECK(model.infer(workspace, {4}, x, z, y) && y[0] == -7.0f);
   CHECK(model.infer(workspace, {30}, x, z, y) && y[0] != -7.0f);
}

int main()
{
   bodies<mlp::Model, mlp::Workspace, mlp::Body>("mlp.dat", 17, data::mlp_x, data::mlp_y, 3);
   bodies<conv_net::Model, conv_net::Workspace, conv_net::Body>("conv_net.dat", 5, data::conv_net_x, data::conv_net_y, 4);
   refusals();
   impossible();
   own_memory();
}
