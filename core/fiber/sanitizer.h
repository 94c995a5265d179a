// What AddressSanitizer must be told when stacks switch; nothing in other builds.
#pragma once

#include <cstddef>

#if defined(__SANITIZE_ADDRESS__)
#define FLUX_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FLUX_ASAN 1
#endif
#endif

#ifdef FLUX_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

namespace flux::fiber {

#ifdef FLUX_ASAN
inline constexpr std::size_t kStackFactor = 4;  // instrumented frames are larger
inline void start_switch(void** save, const void* bottom, std::size_t bytes) {
  __sanitizer_start_switch_fiber(save, bottom, bytes);
}
inline void finish_switch(void* saved, const void** bottom, std::size_t* bytes) {
  __sanitizer_finish_switch_fiber(saved, bottom, bytes);
}
inline void unpoison(void* at, std::size_t bytes) { __asan_unpoison_memory_region(at, bytes); }
#else
inline constexpr std::size_t kStackFactor = 1;
inline void start_switch(void**, const void*, std::size_t) {}
inline void finish_switch(void*, const void**, std::size_t*) {}
inline void unpoison(void*, std::size_t) {}
#endif

}  // namespace flux::fiber
