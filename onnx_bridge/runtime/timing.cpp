// timing.cpp: how long calls of a header's C face take, one after the other. Built once for all headers.
#include <chrono>

using Infer = int (*)(const void* model, void* workspace, const void* dims, const void* const* inputs, void* const* outputs);

extern "C" double seconds_of_calls(Infer infer, const void* model, void* workspace, const void* dims, const void* const* inputs,
                                   void* const* outputs, long long number)
{
   const auto begin = std::chrono::steady_clock::now();
   for (long long i = 0; i < number; i++) infer(model, workspace, dims, inputs, outputs);
   return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}
