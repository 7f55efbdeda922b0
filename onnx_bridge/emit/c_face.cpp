// @NAME@.cpp: the functions of @NAME@.h, around @NAME@.hxx; C++17, with exceptions or without.
#include "@NAME@.h"
#include "@NAME@.hxx"

@INCLUDES@

namespace @NAME@_c {
namespace net = onnx_bridge::@NAME@;
@VIEWS_CLASS@}  // namespace @NAME@_c

struct @NAME@_model {
   @NAME@_c::net::Model model;
};

struct @NAME@_workspace {
   @NAME@_c::net::Workspace workspace;
   std::size_t bytes;
@VIEWS@};

namespace @NAME@_c {

@DIMS@

/// Nothing is wrong so far.
static bool begun(@NAME@_model** model, char* message, std::size_t room) noexcept
{
   if (message && room) *message = 0;
   if (model) *model = nullptr;
   return model != nullptr;
}

/// Hands out what Model::open made, or says why that is nothing.
__attribute__((cold)) static int opened(std::optional<net::Model> made, const std::string& error, @NAME@_model** model, char* message, std::size_t room)
{
   if (!made && message && room) message[error.copy(message, room - 1)] = 0;
   if (!made) return ONNX_BRIDGE_WEIGHTS;
   *model = new (std::nothrow) @NAME@_model{std::move(*made)};
   return *model ? ONNX_BRIDGE_OK : ONNX_BRIDGE_NO_MEMORY;
}

@FOUND_IN@/// Why infer said no.
static int refusal(const @NAME@_workspace& workspace, const net::Dims& dims) noexcept
{
   const std::size_t needed = net::Model::workspace_bytes(dims);
   if (needed > workspace.bytes && needed != static_cast<std::size_t>(-1)) return ONNX_BRIDGE_TOO_SMALL;
@LACKING@   return ONNX_BRIDGE_REFUSED;
}
@TEXTS@
static const onnx_bridge_argument arguments[] = {
@ARGUMENTS@
   {nullptr, nullptr, 0, {}},
};

}  // namespace @NAME@_c

extern "C" {

@OPEN@

void @NAME@_close(@NAME@_model* model) { delete model; }

size_t @NAME@_workspace_bytes(const @NAME@_dims* dims) { return @NAME@_c::net::Model::workspace_bytes(@NAME@_c::dims_of(dims)); }

int @NAME@_workspace_new(const @NAME@_model* model, const @NAME@_dims* dims, void* memory, @NAME@_workspace** workspace)
{
   if (!workspace) return ONNX_BRIDGE_ARGUMENT;
   *workspace = nullptr;
   if (!model || reinterpret_cast<std::uintptr_t>(memory) % 64 != 0) return ONNX_BRIDGE_ARGUMENT;
   const auto sizes = @NAME@_c::dims_of(dims);
   auto made = @NAME@_c::net::Workspace::make(model->model, sizes, memory);
   if (!made) return ONNX_BRIDGE_NO_MEMORY;
   *workspace = new (std::nothrow) @NAME@_workspace{std::move(*made), @NAME@_c::net::Model::workspace_bytes(sizes)@NO_VIEWS@};
   return *workspace ? ONNX_BRIDGE_OK : ONNX_BRIDGE_NO_MEMORY;
}

void @NAME@_workspace_free(@NAME@_workspace* workspace) { delete workspace; }

size_t @NAME@_output_size(int index, const @NAME@_dims* dims)
{
   return @NAME@_c::net::Model::output_size(index, @NAME@_c::dims_of(dims));
}

int @NAME@_infer_arrays(const @NAME@_model* model, @NAME@_workspace* workspace, const @NAME@_dims* dims,
   [[maybe_unused]] const void* const* inputs, [[maybe_unused]] void* const* outputs)
{
   if (!model || !workspace) return ONNX_BRIDGE_ARGUMENT;
   const auto sizes = @NAME@_c::dims_of(dims);
@INFER_ARRAYS@
}

int @NAME@_infer(@INFER@)
{
@INFER_BODY@
}
@FOUND@
const onnx_bridge_argument* @NAME@_inputs(size_t* count)
{
   if (count) *count = @INPUTS@;
   return @NAME@_c::arguments;
}

const onnx_bridge_argument* @NAME@_outputs(size_t* count)
{
   if (count) *count = @OUTPUTS@;
   return @NAME@_c::arguments + @INPUTS@;
}

const char* @NAME@_message(int status)
{
   switch (status) {
@MESSAGES@
   default: return "this is no status";
   }
}

}  // extern "C"
