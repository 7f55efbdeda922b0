// A test that includes itself for each body, as REGION: it defines SELF, its file, and puts its functions, all(isa) among them, into the
// namespace TEST(REGION).
#define REGION baseline
#include SELF
#undef REGION
#if defined(__x86_64__)
#define REGION avx2
#include SELF
#undef REGION
#define REGION avx512
#include SELF
#undef REGION
#endif
RUN_EVERYWHERE
