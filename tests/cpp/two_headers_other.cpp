#include "conv_net.hxx"
#include "mlp.hxx"

#include "two.hxx"

std::vector<float> there()
{
   TMVA_SOFIE_mlp::Session mlp;
   TMVA_SOFIE_conv_net::Session conv_net;
   return both(mlp, conv_net);
}
