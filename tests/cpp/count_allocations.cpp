// Counts what a program takes from the heap while it is told to: operator new and the C library's functions, which go on to glibc's
// own. Linked into a program, or loaded before one (LD_PRELOAD).
#include <cerrno>
#include <cstdlib>
#include <new>

extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);
}

static thread_local long count = -1;  // negative: not counting

static void note()
{
   if (count >= 0) count++;
}

extern "C" void start_counting() { count = 0; }

extern "C" long stop_counting()
{
   const long counted = count;
   count = -1;
   return counted;
}

/// The allocations of `number` calls of infer, through a header's C face.
extern "C" long count_infer(int (*infer)(const void*, void*, const void*, const void* const*, void* const*), void* model, void* workspace,
                            const void* sizes, const void* const* in, void* const* out, long long number)
{
   start_counting();
   for (long long i = 0; i < number; i++) infer(model, workspace, sizes, in, out);
   return stop_counting();
}

extern "C" {
void* malloc(std::size_t size) { return note(), __libc_malloc(size); }
void* calloc(std::size_t number, std::size_t size) { return note(), __libc_calloc(number, size); }
void* realloc(void* old, std::size_t size) { return note(), __libc_realloc(old, size); }
void* memalign(std::size_t alignment, std::size_t size) { return note(), __libc_memalign(alignment, size); }
void* aligned_alloc(std::size_t alignment, std::size_t size) { return note(), __libc_memalign(alignment, size); }
int posix_memalign(void** made, std::size_t alignment, std::size_t size)
{
   note();
   *made = __libc_memalign(alignment, size);
   return *made ? 0 : ENOMEM;
}
}

static void* made(void* p)
{
   note();
   if (!p) throw std::bad_alloc();
   return p;
}

void* operator new(std::size_t size) { return made(__libc_malloc(size ? size : 1)); }
void* operator new[](std::size_t size) { return operator new(size); }
void* operator new(std::size_t size, std::align_val_t to) { return made(__libc_memalign(static_cast<std::size_t>(to), size ? size : 1)); }
void* operator new[](std::size_t size, std::align_val_t to) { return operator new(size, to); }
void operator delete(void* p) noexcept { std::free(p); }
void operator delete[](void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
void operator delete[](void* p, std::size_t) noexcept { std::free(p); }
void operator delete(void* p, std::align_val_t) noexcept { std::free(p); }
void operator delete[](void* p, std::align_val_t) noexcept { std::free(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }
void operator delete[](void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }
