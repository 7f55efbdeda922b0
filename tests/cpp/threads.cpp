// One Model for eight threads, each with its own Workspace: the answers of one thread, bit for bit. Built with -fsanitize=thread.
#include <thread>
#include <vector>

#include "conv_net.hxx"
#include "mlp.hxx"

#include "check.hxx"
#include "data.hxx"

template <class Workspace, class Model>
void race(const Model& model, std::size_t rows, const float* x, std::size_t in, std::size_t out)
{
   std::vector<float> expected(rows * out);
   Workspace own(model, {rows});
   CHECK(model.infer(own, {rows}, x, expected.data()));
   std::vector<int> wrong(8, 1);
   std::vector<std::thread> threads;
   for (std::size_t t = 0; t < wrong.size(); t++) {
      threads.emplace_back([&, t] {
         Workspace workspace(model, {rows});
         int different = 0;
         for (int turn = 0; turn < 10; turn++) {
            std::vector<float> y(rows * out);
            const std::size_t first = (t + static_cast<std::size_t>(turn)) % rows, n = rows - first;
            different += !model.infer(workspace, {n}, x + first * in, y.data()) || !same(y.data(), expected.data() + first * out, n * out);
         }
         wrong[t] = different;
      });
   }
   for (std::thread& thread : threads) thread.join();
   for (int different : wrong) CHECK(different == 0);
}

int main()
{
   const onnx_bridge::mlp::Model mlp;
   const onnx_bridge::conv_net::Model conv_net;
   race<onnx_bridge::mlp::Workspace>(mlp, 17, data::mlp_x, 7, 3);
   race<onnx_bridge::conv_net::Workspace>(conv_net, 5, data::conv_net_x, 3 * 15 * 13, 4);
}
