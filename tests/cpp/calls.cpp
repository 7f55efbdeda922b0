// The calls of programs that were written for SOFIE, on every shape of model: they compile, run, and give the right numbers.
#include <cstdint>
#include <string>
#include <tuple>
#include <type_traits>
#include <vector>

#include "mlp.hxx"
#include "pair.hxx"
#include "plain.hxx"
#include "above.hxx"
#include "embedded.hxx"

#include "check.hxx"
#include "data.hxx"
#include "TMVA/SOFIEHelpers.hxx"

template <class Session>
void one_row(Session&& s)
{
   float x[7];
   std::memcpy(x, data::mlp_x, sizeof(x));
   CHECK(near(s.infer(x).data(), data::mlp_y, 3));
}

static void sizes()
{
   using Session = TMVA_SOFIE_mlp::Session;
   std::vector<float> x(data::mlp_x, data::mlp_x + 17 * 7);
   const std::vector<float> fixed = x;
   Session s;
   static_assert(std::is_same<decltype(s.infer(x.data())), std::vector<float>>::value, "one output is a vector");
   CHECK(s.infer(x.data()).size() == 3);
   CHECK(near(s.infer(17, x.data()), data::mlp_y));
   CHECK(near(s.infer(17, fixed.data()), data::mlp_y));
   CHECK(near(s.infer(std::size_t{2}, data::mlp_x + 7).data(), data::mlp_y + 3, 6));
   CHECK(s.infer(0, x.data()).empty());

   Session rows("mlp.dat", 17);
   CHECK(near(rows.infer(x.data()), data::mlp_y));
   CHECK(near(rows.infer(1, x.data()).data(), data::mlp_y, 3));
   std::vector<float> y(100, 1.0f);
   rows.doInfer(17, x.data(), y);
   CHECK(near(y, data::mlp_y));
   float out[17 * 3];
   doInfer(rows, 17, fixed.data(), out);
   CHECK(near(out, data::mlp_y, 17 * 3));
   TMVA_SOFIE_mlp::doInfer(rows, 2, x.data(), out);
   CHECK(near(out, data::mlp_y, 2 * 3));
   CHECK(thrown([&] { doInfer(Session(), 17, x.data(), out); }) == "mlp: sizes beyond those that the Session was made for");
}

static void copies()
{
   using Session = TMVA_SOFIE_mlp::Session;
   std::vector<Session> many;
   for (int i = 0; i < 5; i++) many.emplace_back();  // without reserve: each growth moves them all
   many.emplace_back("mlp.dat");
   many.push_back(many[0]);
   Session moved(std::move(many[1]));
   many.erase(many.begin() + 1);
   Session assigned("mlp.dat", 4);
   assigned = many[2];
   many[3] = std::move(moved);
   Session copy(many[3]);
   {
      Session gone("mlp.dat", 17);
      copy = gone;
   }
   for (Session& s : many) one_row(s);
   one_row(assigned);
   CHECK(near(copy.infer(data::mlp_x), data::mlp_y));
   Session& self = copy;
   copy = self;
   CHECK(near(copy.infer(17, data::mlp_x), data::mlp_y));
}

static void functor()
{
   const float* x = data::mlp_x;
   using namespace TMVA::Experimental;
   auto made = SofieFunctor<7, TMVA_SOFIE_mlp::Session>(3);
   auto named = SofieFunctor<7, SOFIE_mlp::Session>(2, "mlp.dat");  // by the namespace of the standalone SOFIE
   auto header = SofieFunctor<7, TMVA_SOFIE_embedded::Session>();
   for (unsigned slot = 0; slot < 3; slot++) {
      const double y = made(slot, x[0], x[1], x[2], x[3], x[4], x[5], x[6]);
      CHECK(near(&y, data::mlp_y, 1));
   }
   CHECK(made(1, x[7], x[8], x[9], x[10], x[11], x[12], x[13]) == named(1, x[7], x[8], x[9], x[10], x[11], x[12], x[13]));
   CHECK(made(1, x[7], x[8], x[9], x[10], x[11], x[12], x[13]) == header(0, x[7], x[8], x[9], x[10], x[11], x[12], x[13]));
}

static void several()
{
   using Tuple = std::tuple<std::vector<float>, std::vector<std::int64_t>>;
   TMVA_SOFIE_pair::Session s("pair.dat");
   static_assert(std::is_same<decltype(s.infer(1, data::pair_a, 1, data::pair_rows)), Tuple>::value, "outputs of two types are a tuple");
   const Tuple both = s.infer(17, data::pair_a, 6, data::pair_rows);
   CHECK(near(std::get<0>(both), data::pair_scores));
   CHECK(near(std::get<1>(both), data::pair_best));
   TMVA_SOFIE_pair::Session fixed("pair.dat", 17, 6);
   std::vector<float> scores;
   std::vector<std::int64_t> best;
   std::tie(scores, best) = fixed.infer(data::pair_a, data::pair_rows);
   CHECK(near(scores, data::pair_scores) && near(best, data::pair_best));
   fixed.doInfer(17, data::pair_a, 6, data::pair_rows, scores, best);
   CHECK(near(scores, data::pair_scores) && near(best, data::pair_best));
   doInfer(fixed, 17, data::pair_a, 6, data::pair_rows, scores.data(), best.data());
   CHECK(near(scores, data::pair_scores) && near(best, data::pair_best));

   TMVA_SOFIE_plain::Session p, q("");
   static_assert(std::is_same<decltype(p.infer(data::plain_x)), std::vector<std::vector<float>>>::value, "outputs of one type are vectors");
   for (auto* session : {&p, &q}) {
      const std::vector<std::vector<float>> two = session->infer(data::plain_x);
      CHECK(two.size() == 2 && near(two[0], data::plain_squashed) && near(two[1], data::plain_total));
   }

   TMVA_SOFIE_above::Session b("");  // as before any file was there: the usual name
   static_assert(std::is_same<decltype(b.infer(1, data::above_x)), std::vector<std::uint8_t>>::value, "bools are a vector of bytes");
   CHECK(near(b.infer(4, data::above_x), data::above_yes));
}

int main()
{
   sizes();
   copies();
   functor();
   several();
   one_row(TMVA_SOFIE_mlp::Session("mlp.dat"));
   one_row(TMVA_SOFIE_mlp::Session(std::string("mlp.dat"), 3));
   one_row(TMVA_SOFIE_embedded::Session());
   CHECK(thrown([] { TMVA_SOFIE_mlp::Session("nowhere.dat"); }) == "mlp: cannot open weights file nowhere.dat: No such file or directory");
}
