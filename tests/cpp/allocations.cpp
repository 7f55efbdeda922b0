// infer takes nothing from the heap: built with count_allocations.cpp, which replaces operator new and the C library's functions.
#include <new>
#include <vector>

#include "conv_net.hxx"
#include "lstm_tagger.hxx"
#include "mlp.hxx"
#include "pair.hxx"
#include "plain.hxx"

#include "check.hxx"
#include "data.hxx"

extern "C" void start_counting();
extern "C" long stop_counting();

template <class Call>
long allocations(Call call)
{
   start_counting();
   const bool good = call();
   const long count = stop_counting();
   CHECK(good);
   return count;
}

int main()
{
   namespace all = onnx_bridge;
   // What is counted: calls that no compiler leaves out.
   CHECK(allocations([] {
      void* volatile p = ::operator new(10);
      ::operator delete(p);
      return true;
   }) == 1);
   CHECK(allocations([] {
      void* volatile p = std::malloc(10);
      p = std::realloc(p, 1000);
      std::free(p);
      return true;
   }) == 2);

   const all::mlp::Model mlp;
   const all::conv_net::Model conv_net;
   const all::lstm_tagger::Model tagger;
   const all::pair::Model pair;
   const all::plain::Model plain;
   all::mlp::Workspace mlp_workspace(mlp, {17});
   all::conv_net::Workspace conv_workspace(conv_net, {5});
   all::lstm_tagger::Workspace tagger_workspace(tagger, {3, 11});
   all::pair::Workspace pair_workspace(pair, {17, 6});
   all::plain::Workspace plain_workspace(plain);
   std::vector<float> y(1000), z(1000), tracks(3 * 11 * 5, 0.25f);
   std::vector<std::int64_t> best(100);
   for (std::size_t n : {17, 1, 16, 0, 99, 17}) {  // 99: beyond the workspace, refused
      CHECK(allocations([&] { return mlp.infer(mlp_workspace, {n}, data::mlp_x, y.data()) == (n <= 17); }) == 0);
      CHECK(allocations([&] { return pair.infer(pair_workspace, {n, 6}, data::pair_a, data::pair_rows, y.data(), best.data()) == (n <= 17); }) == 0);
   }
   for (std::size_t n : {5, 1, 4, 0, 99}) {
      CHECK(allocations([&] { return conv_net.infer(conv_workspace, {n}, data::conv_net_x, y.data()) == (n <= 5); }) == 0);
   }
   for (std::size_t steps : {11, 1, 7}) {
      CHECK(allocations([&] { return tagger.infer(tagger_workspace, {3, steps}, tracks.data(), y.data()); }) == 0);
   }
   CHECK(allocations([&] { return plain.infer(plain_workspace, {}, data::plain_x, y.data(), z.data()); }) == 0);

   // SOFIE's face: nothing with pointers, nor with vectors that have room.
   const TMVA_SOFIE_mlp::Session fixed("mlp.dat", 17);
   TMVA_SOFIE_mlp::Session session(fixed);
   CHECK(allocations([&] { return doInfer(fixed, 17, data::mlp_x, y.data()), true; }) == 0);
   CHECK(allocations([&] { return session.doInfer(17, data::mlp_x, y), true; }) == 0);
   CHECK(allocations([&] { return session.infer(17, data::mlp_x).size() == 17 * 3; }) == 1);  // the vector that it returns
}
