#include "core/base/mutant.h"

extern "C" {
[[gnu::weak]] extern flux::Mutant* __start_flux_mutants[];
[[gnu::weak]] extern flux::Mutant* __stop_flux_mutants[];
}

namespace flux {

std::span<Mutant* const> all_mutants() {
  return {__start_flux_mutants,
          static_cast<std::size_t>(__stop_flux_mutants - __start_flux_mutants)};
}

bool set_mutant(std::string_view name) {
  bool found = name.empty();
  for (Mutant* mutant : all_mutants()) {
    mutant->on = mutant->name == name;
    found = found || mutant->on;
  }
  return found;
}

}  // namespace flux
