namespace onnx_bridge { namespace @NAME@ { namespace ONNX_BRIDGE_REGION {

@KERNELS@
// ---- the network

@FUNCTORS@
@RUN@
{
@NETWORK@
   return true;
}

@UNDEFINE@
}}}  // namespace onnx_bridge::@NAME@::ONNX_BRIDGE_REGION
