// Interposes the allocator of the test executable. Every function forwards to glibc's own.
#include "allocation_counter.hpp"

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <new>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define THRESHER_TEST_OWNS_MALLOC 0
#else
#define THRESHER_TEST_OWNS_MALLOC 1
#endif

namespace {

std::atomic<std::int64_t> allocations{0};

}  // namespace

namespace thresher::testing {

std::int64_t allocation_count() noexcept {
  return allocations.load();
}

}  // namespace thresher::testing

#if THRESHER_TEST_OWNS_MALLOC

// operator new reaches malloc or aligned_alloc, so counting these counts everything.
extern "C" {

void* __libc_malloc(std::size_t bytes);
void* __libc_calloc(std::size_t count, std::size_t bytes);
void* __libc_realloc(void* pointer, std::size_t bytes);
void* __libc_memalign(std::size_t alignment, std::size_t bytes);

void* malloc(std::size_t bytes) {
  ++allocations;
  return __libc_malloc(bytes);
}

void* calloc(std::size_t count, std::size_t bytes) {
  ++allocations;
  return __libc_calloc(count, bytes);
}

void* realloc(void* pointer, std::size_t bytes) {
  ++allocations;
  return __libc_realloc(pointer, bytes);
}

void* aligned_alloc(std::size_t alignment, std::size_t bytes) {
  ++allocations;
  return __libc_memalign(alignment, bytes);
}

int posix_memalign(void** pointer, std::size_t alignment, std::size_t bytes) {
  ++allocations;
  *pointer = __libc_memalign(alignment, bytes);
  return *pointer == nullptr ? ENOMEM : 0;
}

}  // extern "C"

#else

// A sanitizer owns malloc; what the library could do by accident is a container, which asks operator new.
void* operator new(std::size_t bytes) {
  ++allocations;
  if (void* pointer = std::malloc(bytes == 0 ? 1 : bytes)) return pointer;
  throw std::bad_alloc();
}

void operator delete(void* pointer) noexcept {
  std::free(pointer);
}
void operator delete(void* pointer, std::size_t) noexcept {
  std::free(pointer);
}

#endif
