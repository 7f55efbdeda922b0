// One header, with all of its code compiled. Built with -DHEADER="\"mlp.hxx\"" -DMODEL=onnx_bridge::mlp -DSOFIE=TMVA_SOFIE_mlp.
#include HEADER

int main()
{
   const MODEL::Model model;
   const MODEL::Workspace workspace(model);
   const SOFIE::Session session;
   SOFIE::Session copy(session);
   copy = session;
   const SOFIE::Session moved(std::move(copy));
   [[maybe_unused]] const volatile auto infer = &MODEL::Model::infer;
   [[maybe_unused]] const volatile auto session_infer = &SOFIE::Session::doInfer;
   return moved.workspace ? 0 : 1;
}
