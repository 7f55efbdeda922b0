// Odd sizes and pointers with the alignment of a float and no more, in buffers that end where the data ends. Built with sanitizers.
#include <cstdint>
#include <memory>
#include <vector>

#include "conv_net.hxx"
#include "mlp.hxx"

#include "check.hxx"
#include "data.hxx"

template <class Net, class Workspace, class Bodies>
void run(std::size_t rows, std::size_t in, std::size_t out, const float* x, const float* y, Bodies body, std::size_t shift)
{
   std::unique_ptr<Net> model;
   if (thrown([&] { model.reset(new Net(std::string(in == 7 ? "mlp.dat" : "conv_net.dat"), body)); }) != "nothing") return;  // not this processor
   const std::unique_ptr<float[]> input(new float[rows * in + shift]), output(new float[rows * out + shift]);
   if (rows) std::memcpy(input.get() + shift, x, rows * in * sizeof(float));
   const std::size_t bytes = Net::workspace_bytes({rows});
   void* const memory = std::aligned_alloc(64, (bytes + 63) / 64 * 64);  // ends, to the cache line, where the plan ends
   Workspace workspace(*model, {rows}, memory);
   CHECK(model->infer(workspace, {rows}, input.get() + shift, output.get() + shift));
   CHECK(near(output.get() + shift, y, rows * out));
   if (rows == 0) CHECK(model->infer(workspace, {0}, nullptr, nullptr));  // what an empty vector's data() may be
   std::free(memory);
}

int main()
{
   using namespace onnx_bridge;
   for (int lanes : {0, 4, 8, 16}) {
      for (std::size_t rows : {0, 1, 2, 3, 5, 8, 13, 17}) {
         for (std::size_t shift : {0, 1, 3}) {
            run<mlp::Model, mlp::Workspace>(rows, 7, 3, data::mlp_x, data::mlp_y, static_cast<mlp::Body>(lanes), shift);
            if (rows > 5) continue;
            run<conv_net::Model, conv_net::Workspace>(rows, 3 * 15 * 13, 4, data::conv_net_x, data::conv_net_y, static_cast<conv_net::Body>(lanes), shift);
         }
      }
   }
}
