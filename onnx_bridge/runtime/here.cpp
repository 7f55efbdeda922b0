
namespace @NAME@_c {
/// A thread's workspace, for callers that keep none: as large as the largest call needed, freed when the thread ends.
struct Here {
   @NAME@_workspace* workspace = nullptr;
   ~Here() { @NAME@_workspace_free(workspace); }
};
}  // namespace @NAME@_c

extern "C" int @NAME@_here(@PARAMETERS@)
{
   static thread_local @NAME@_c::Here here;
@DIMS@
   const void* const in[] = {@IN@};
   void* const out[] = {@OUT@};
   int status = here.workspace ? @NAME@_infer_arrays(model, here.workspace, dims, in, out) : ONNX_BRIDGE_TOO_SMALL;
   if (status != ONNX_BRIDGE_TOO_SMALL) return status;
   @NAME@_workspace_free(here.workspace);  // before the larger one is made
   status = @NAME@_workspace_new(model, dims, nullptr, &here.workspace);
   return status ? status : @NAME@_infer_arrays(model, here.workspace, dims, in, out);
}
