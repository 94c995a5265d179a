#include "core/base/mark.h"

// The linker gathers the section's entries between these two symbols; they are null when no mark is
// linked in.
extern "C" {
[[gnu::weak]] extern flux::Mark* __start_flux_marks[];
[[gnu::weak]] extern flux::Mark* __stop_flux_marks[];
}

namespace flux {
namespace {
constinit MarkHook mark_hook = nullptr;
}

void set_mark_hook(MarkHook hook) { mark_hook = hook; }

void mark_hit(Mark& mark) {
  ++mark.hits;
  if (mark_hook) [[unlikely]] {
    mark_hook(mark);
  }
}

std::span<Mark* const> all_marks() {
  return {__start_flux_marks, static_cast<std::size_t>(__stop_flux_marks - __start_flux_marks)};
}

}  // namespace flux
