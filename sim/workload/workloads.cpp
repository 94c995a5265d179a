#include "sim/workload/workloads.h"

#include "sim/workload/probe_client.h"

namespace flux::sim {

std::vector<WorkloadKind> workload_kinds() {
  return {
      {.name = "probe",
       .meaning = "appends and reads of the simulator's own test node",
       .make = ProbeClient::make,
       .audited_by = "probe_audit"},
      {.name = "probe_audit",
       .meaning = "reads all of the test node's journal",
       .make = ProbeAuditor::make,
       .auditor = true},
  };
}

std::unique_ptr<Workload> make_workload(std::string_view kind) {
  for (const WorkloadKind& entry : workload_kinds()) {
    if (entry.name == kind) return entry.make();
  }
  return nullptr;
}

}  // namespace flux::sim
