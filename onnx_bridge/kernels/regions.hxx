// regions.hxx: opens and closes the part of a header that is compiled for one instruction set.
//
// ONNX_BRIDGE_BEGIN(isa) switches the target on and every freedom of the user's flags with floating point off; inside a region
// only fma() fuses a product with a sum. ONNX_BRIDGE_END restores both.
#define ONNX_BRIDGE_PRAGMA(...) _Pragma(#__VA_ARGS__)
#if defined(__clang__)
#define ONNX_BRIDGE_STRICT _Pragma("float_control(precise, on, push)") _Pragma("clang fp contract(off)")
#define ONNX_BRIDGE_BEGIN(isa) \
   ONNX_BRIDGE_PRAGMA(clang attribute push(__attribute__((target(isa))), apply_to = function)) ONNX_BRIDGE_STRICT
#define ONNX_BRIDGE_END _Pragma("float_control(pop)") _Pragma("clang attribute pop")
#define ONNX_BRIDGE_BEGIN_BASELINE ONNX_BRIDGE_STRICT
#define ONNX_BRIDGE_END_BASELINE _Pragma("float_control(pop)")
#else
#define ONNX_BRIDGE_STRICT _Pragma("GCC push_options") _Pragma("GCC optimize(\"fp-contract=off\", \"no-fast-math\")")
#define ONNX_BRIDGE_BEGIN(isa) ONNX_BRIDGE_STRICT ONNX_BRIDGE_PRAGMA(GCC target(isa))
#define ONNX_BRIDGE_END _Pragma("GCC pop_options")
#define ONNX_BRIDGE_BEGIN_BASELINE ONNX_BRIDGE_STRICT
#define ONNX_BRIDGE_END_BASELINE ONNX_BRIDGE_END
#endif
// Floats are compared for equality where ONNX asks for it; constants stand together of which not all are used; and GCC, but not clang, takes
// an int that is an array's bound for a conversion.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wfloat-equal"
#pragma GCC diagnostic ignored "-Wunused-const-variable"
#if !defined(__clang__)
#pragma GCC diagnostic ignored "-Wsign-conversion"
#endif
@BODIES@
#pragma GCC diagnostic pop
#undef ONNX_BRIDGE_PRAGMA
#undef ONNX_BRIDGE_STRICT
#undef ONNX_BRIDGE_BEGIN
#undef ONNX_BRIDGE_END
#undef ONNX_BRIDGE_BEGIN_BASELINE
#undef ONNX_BRIDGE_END_BASELINE
