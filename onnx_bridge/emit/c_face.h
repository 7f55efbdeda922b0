/* @NAME@.h: @NAME@.hxx for C, and for whatever else calls C. Made by onnx_bridge @VERSION@. Do not edit; convert the model again.
 *
@ENDS@
 *
 *   @NAME@_model* model;
 *   @NAME@_workspace* workspace;
 *   char message[256];
 *   if (@NAME@_open(@FILE@, 0, &model, message, sizeof message)) return puts(message), 1;  // for any number of threads
@EXAMPLE@
 *   @NAME@_workspace_free(workspace);
 *   @NAME@_close(model);
 *
 * Compile @NAME@.cpp, as C++17, with -O2, and link it: with the C++ compiler, or with -lstdc++. No exception comes out of these
 * functions. Those that return an int return a status, 0 where all is well; @NAME@_message says it in words.
 */
#ifndef ONNX_BRIDGE_C_@GUARD@
#define ONNX_BRIDGE_C_@GUARD@
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifndef ONNX_BRIDGE_C
#define ONNX_BRIDGE_C
/* What functions return. */
enum onnx_bridge_status {
@STATUS@
};

/* A string: `size` bytes of UTF-8, not ended by a zero. */
typedef struct onnx_bridge_text {
   const char* data;
   size_t size;
} onnx_bridge_text;

/* An input or output: its ONNX name, element type and shape; -1 stands for a size that is known at run time, and for the rank of an
 * output that has one or another: `shape` is the number of its elements then. */
typedef struct onnx_bridge_argument {
   const char* name;
   const char* type;
   int64_t rank;
   int64_t shape[8];
} onnx_bridge_argument;

#ifndef ONNX_BRIDGE_API
#define ONNX_BRIDGE_API __attribute__((visibility("default")))
#endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* The network with its weights. It never changes: share one between all threads. */
typedef struct @NAME@_model @NAME@_model;

/* Scratch memory of one thread, for all calls whose dims need no more than those that it was made for. */
typedef struct @NAME@_workspace @NAME@_workspace;

@DIMS@

/* Opens the model.
 *    file: @FILE_HELP@
 *    options: 0, or the number of a body that must run (@BODIES@); 256 more: weights are not summed up (Check::layout).
 *    message: what is wrong, if anything is, cut to `room` bytes with the zero at its end; may be NULL. */
ONNX_BRIDGE_API int @NAME@_open(const char* file, int options, @NAME@_model** model, char* message, size_t room);

/* The same with weights in the caller's memory, aligned to 64 bytes, which must outlive the model. */
ONNX_BRIDGE_API int @NAME@_open_memory(const void* data, size_t bytes, int options, @NAME@_model** model, char* message, size_t room);

/* Ends a model; NULL is none. Its workspaces may be freed before or afterwards, but not used. */
ONNX_BRIDGE_API void @NAME@_close(@NAME@_model* model);

/* Bytes of scratch memory that a call needs; the largest size_t where no memory is that large. */
ONNX_BRIDGE_API size_t @NAME@_workspace_bytes(const @NAME@_dims* dims);

/* Makes a workspace, in memory of its own where `memory` is NULL; else in the caller's, of that many bytes, aligned to 64. */
ONNX_BRIDGE_API int @NAME@_workspace_new(const @NAME@_model* model, const @NAME@_dims* dims, void* memory, @NAME@_workspace** workspace);

/* Ends a workspace; NULL is none. */
ONNX_BRIDGE_API void @NAME@_workspace_free(@NAME@_workspace* workspace);

/* Elements of output `index`@AT_MOST@; 0 where a call refuses the dims whatever the workspace has. */
ONNX_BRIDGE_API size_t @NAME@_output_size(int index, const @NAME@_dims* dims);

/* Writes the outputs, arrays in C's order; they overlap neither inputs nor one another. Allocates nothing@BUT@, and calls nothing
 * of the system. Where the status is not 0, nothing is written, unless a branch, a loop or a size that data decides refused.@LIFETIME@ */
ONNX_BRIDGE_API int @NAME@_infer(@INFER@);

/* The same with pointers to the inputs and to the outputs, in order, for programs that learn only as they run what a model has. */
ONNX_BRIDGE_API int @NAME@_infer_arrays(const @NAME@_model* model, @NAME@_workspace* workspace, const @NAME@_dims* dims,
   const void* const* inputs, void* const* outputs);
@FOUND@
/* What the model takes and gives, in order; their number goes to `count`. */
ONNX_BRIDGE_API const onnx_bridge_argument* @NAME@_inputs(size_t* count);
ONNX_BRIDGE_API const onnx_bridge_argument* @NAME@_outputs(size_t* count);

/* A status in words. */
ONNX_BRIDGE_API const char* @NAME@_message(int status);

#ifdef __cplusplus
}
#endif
#endif
