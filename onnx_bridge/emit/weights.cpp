// @NAME@_weights.cpp: the weights of @NAME@.hxx, which the assembler copies from @NAME@.dat. Compile it and link it with what includes the header.
// With -flto: -fno-lto. The file is looked for in the working directory and in the folders of -I; -DONNX_BRIDGE_WEIGHTS="\"path\"" names another.
#if !defined(ONNX_BRIDGE_WEIGHTS)
#define ONNX_BRIDGE_WEIGHTS "@NAME@.dat"
#endif
#define SPELT(x) #x
#define TEXT(x) SPELT(x)
#define SYMBOL TEXT(__USER_LABEL_PREFIX__) "@SYMBOL@"
#if defined(__APPLE__)
#define SECTION ".section __TEXT,__const\n.private_extern " SYMBOL "\n"
#elif defined(_WIN32)
#define SECTION ".section .rdata,\"dr\"\n"
#else
#define SECTION ".section .rodata,\"a\"\n.hidden " SYMBOL "\n"
#endif

__asm__(SECTION ".globl " SYMBOL "\n.balign 64\n" SYMBOL ":\n.incbin \"" ONNX_BRIDGE_WEIGHTS "\"\n.text\n");
