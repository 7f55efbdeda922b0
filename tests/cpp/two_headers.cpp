#include "mlp.hxx"
#include "conv_net.hxx"
#include "mlp.hxx"  // again: nothing

#include "two.hxx"

#if defined(ONNX_BRIDGE_LANES) || defined(ONNX_BRIDGE_REGION) || defined(ONNX_BRIDGE_SELF) || defined(ONNX_BRIDGE_INLINE) || defined(ONNX_BRIDGE_KERNEL)
#error "a macro of the headers is left"
#endif

std::vector<float> here()
{
   TMVA_SOFIE_mlp::Session mlp;
   TMVA_SOFIE_conv_net::Session conv_net;
   return both(mlp, conv_net);
}

int main()
{
   const std::vector<float> a = here(), b = there();
   CHECK(a.size() == b.size() && same(a.data(), b.data(), a.size()));

   // A model made in one unit, used in the other, is the same.
   const onnx_bridge::mlp::Model model;
   onnx_bridge::mlp::Workspace workspace(model, {17});
   float y[17 * 3];
   CHECK(model.infer(workspace, {17}, data::mlp_x, y) && same(y, b.data(), 17 * 3));
}
