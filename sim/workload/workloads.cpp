#include "sim/workload/workloads.h"

namespace flux::sim {

std::vector<WorkloadKind> workload_kinds() { return {}; }

std::unique_ptr<Workload> make_workload(std::string_view kind) {
  for (const WorkloadKind& entry : workload_kinds()) {
    if (entry.name == kind) return entry.make();
  }
  return nullptr;
}

}  // namespace flux::sim
