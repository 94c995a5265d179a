// The list of all workloads, by the names that scenarios use.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "sim/workload/workload.h"

namespace flux::sim {

struct WorkloadKind {
  std::string_view name;
  std::string_view meaning;
  std::unique_ptr<Workload> (*make)();
  // Runs in the audit phase only, once, and reads everything back.
  bool auditor = false;
  // The kind whose auditor must read after this one; empty: none.
  std::string_view audited_by;
  // What the weights of a scenario's `operations` may name; none: the kind takes no weights.
  std::vector<std::string_view> operations = {};
};

// In order of name.
std::vector<WorkloadKind> workload_kinds();
// Null when there is none of this name.
std::unique_ptr<Workload> make_workload(std::string_view kind);

}  // namespace flux::sim
