// Both headers in one translation unit; the two units of two_headers.cpp and two_headers_other.cpp include them in different orders.
#pragma once
#include <vector>

#include "check.hxx"
#include "data.hxx"

/// The answers of both models, made in the calling unit, if they are right.
template <class Mlp, class Conv>
std::vector<float> both(Mlp& mlp, Conv& conv_net)
{
   std::vector<float> y = mlp.infer(17, data::mlp_x), scores = conv_net.infer(5, data::conv_net_x);
   CHECK(near(y, data::mlp_y) && near(scores, data::conv_net_y));
   y.insert(y.end(), scores.begin(), scores.end());
   return y;
}

std::vector<float> here();
std::vector<float> there();
