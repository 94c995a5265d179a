// REACHED("log.torn_tail"): a place in the code that matters says that it was reached.
//
// A simulated run counts marks (a green run that never reached its state is a failure of its own),
// and a fault plan can be triggered by one ("power cut at the second log.roll"). All marks of the
// program are known without running them, so that one that is never reached can be named. In the
// daemon a mark costs one predicted branch. Must not stand in an inline function or a template: a
// mark is one place.
#pragma once

#include <cstdint>
#include <span>

namespace flux {

struct Mark {
  const char* name;
  std::uint64_t hits = 0;
};

// Called at each hit, after the count. The simulator finds out itself which node is running.
using MarkHook = void (*)(const Mark& mark);
void set_mark_hook(MarkHook hook);
void mark_hit(Mark& mark);

// Every mark linked into this program, in no particular order.
std::span<Mark* const> all_marks();

}  // namespace flux

#define REACHED(name)                                                                          \
  do {                                                                                         \
    static constinit ::flux::Mark flux_mark{name};                                             \
    [[gnu::section("flux_marks"), gnu::used]] static constinit ::flux::Mark* flux_mark_entry = \
        &flux_mark;                                                                            \
    ::flux::mark_hit(flux_mark);                                                               \
  } while (0)
