#include "sim/workload/workloads.h"

#include "sim/workload/alterer.h"
#include "sim/workload/hostile.h"
#include "sim/workload/probe_client.h"
#include "sim/workload/produce_consume.h"
#include "sim/workload/read_back.h"
#include "sim/workload/topic_admin.h"
#include "sim/workload/topic_recreate.h"

namespace flux::sim {

std::vector<WorkloadKind> workload_kinds() {
  return {
      {.name = "alterer",
       .meaning = "alters settings of topics and brokers, gives topics more partitions",
       .make = Alterer::make,
       .operations = {"layout", "promise"}},
      {.name = "hostile",
       .meaning = "garbage, half frames, absurd lengths, connections dropped or left standing",
       .make = Hostile::make},
      {.name = "probe",
       .meaning = "appends and reads of the simulator's own test node",
       .make = ProbeClient::make,
       .audited_by = "probe_audit"},
      {.name = "probe_audit",
       .meaning = "reads all of the test node's journal",
       .make = ProbeAuditor::make,
       .auditor = true},
      {.name = "produce_consume",
       .meaning = "writes and reads topics as Kafka clients of several kinds do",
       .make = ProduceConsume::make,
       .audited_by = "read_back",
       .operations = {"delete_records", "describe", "fetch", "list_offsets", "look_up", "omit",
                      "produce", "seek"}},
      {.name = "read_back",
       .meaning = "reads every partition from start to end with a decoder of its own",
       .make = ReadBack::make,
       .auditor = true},
      {.name = "topic_admin",
       .meaning = "makes, describes and deletes topics of its own",
       .make = TopicAdmin::make},
      {.name = "topic_recreate",
       .meaning = "deletes the topics that others use and makes them again",
       .make = TopicRecreate::make},
  };
}

std::unique_ptr<Workload> make_workload(std::string_view kind) {
  for (const WorkloadKind& entry : workload_kinds()) {
    if (entry.name == kind) return entry.make();
  }
  return nullptr;
}

}  // namespace flux::sim
