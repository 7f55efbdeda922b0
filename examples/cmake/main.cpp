// Classifies events, each on a thread of its own: one Model for all threads, one Workspace for each.
#include "diphoton.hxx"

#include <cstdio>
#include <thread>
#include <vector>

int main()
{
   std::string error;
   const auto model = onnx_bridge::diphoton::Model::open("", error);
   if (!model) {
      std::fprintf(stderr, "%s\n", error.c_str());
      return 1;
   }

   const std::size_t batches = 4, events = 100;
   std::vector<float> input(batches * events * 8), signal(batches * events);
   for (std::size_t i = 0; i < input.size(); i++) input[i] = static_cast<float>(i % 97) / 8;

   std::vector<std::thread> threads;
   for (std::size_t i = 0; i < batches; i++) {
      threads.emplace_back([&, i] {
         onnx_bridge::diphoton::Workspace workspace(*model, {events});
         model->infer(workspace, {events}, &input[i * events * 8], &signal[i * events]);
      });
   }
   for (std::thread& thread : threads) thread.join();

   double sum = 0;
   for (float s : signal) sum += s;
   std::printf("%zu events, mean signal %.6f\n", signal.size(), sum / static_cast<double>(signal.size()));
}
