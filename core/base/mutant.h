// MUTANT("log.ack_before_sync"): a bug planted on purpose, so that a checker can be seen to find
// it.
//
//   if (!MUTANT("log.ack_before_sync")) TRY(file->sync(task));
//
// Only a build with FLUX_MUTANTS has them; in every other build the expression is `false` and costs
// nothing. In such a build one mutant, named at run time, is on; the code cannot ask which. All of
// them are known without running (all_mutants), so that one that no test turns on can be named.
// Must not stand in an inline function or a template.
#pragma once

#include <span>
#include <string_view>

namespace flux {

struct Mutant {
  const char* name;
  bool on = false;
};

// Empty in a build without mutants.
std::span<Mutant* const> all_mutants();
// Turns on exactly this one; false when there is none of this name. Empty turns all off.
bool set_mutant(std::string_view name);

}  // namespace flux

#ifdef FLUX_MUTANTS
#define MUTANT(mutant_name)                                                                  \
  (__extension__({                                                                           \
    static constinit ::flux::Mutant flux_mutant{mutant_name};                                \
    [[gnu::section("flux_mutants"), gnu::used]] static constinit ::flux::Mutant* flux_entry = \
        &flux_mutant;                                                                        \
    flux_mutant.on;                                                                          \
  }))
#else
#define MUTANT(mutant_name) false
#endif
