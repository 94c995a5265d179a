#include "sim/run/scenario_file.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "core/base/keyed.h"
#include "sim/cluster/program.h"
#include "sim/cluster/run.h"
#include "sim/fault/registry.h"
#include "sim/run/fault_json.h"
#include "sim/run/json_reader.h"
#include "sim/workload/habits.h"
#include "sim/workload/workloads.h"

namespace flux::sim {
namespace {

constexpr Duration kMillisecond = milliseconds(1);
constexpr Duration kMicrosecond = microseconds(1);
constexpr Duration kNanosecond = nanoseconds(1);
constexpr std::int64_t kMany = 1'000'000'000;

void read_topology(JsonReader& json, Topology& topology) {
  json.integer("brokers", topology.brokers, 1, 200);
  json.integer("brokers_per_host", topology.brokers_per_host, 1, 200);
  json.integer("racks", topology.racks, 1, 100);
}

void read_topic(JsonReader& json, ClusterFacts::Topic& topic) {
  json.text("name", topic.name);
  json.integer("partitions", topic.partitions, 1, 10'000);
  json.config("config", topic.config);
  if (topic.name.empty()) json.fail("name", "a topic needs a name");
}

void read_workload(JsonReader& json, WorkloadSpec& spec) {
  std::vector<std::string_view> kinds;
  std::vector<std::string_view> operations;
  const std::vector<WorkloadKind> all = workload_kinds();
  for (const WorkloadKind& kind : all) kinds.push_back(kind.name);
  json.choice("kind", spec.kind, kinds);
  for (const WorkloadKind& kind : all) {
    if (kind.name == spec.kind) operations = kind.operations;
  }
  json.integer("clients", spec.clients, 1, 1000);
  json.texts("topics", spec.topics);
  json.weights("library", spec.library, library_names());
  json.weights("acks", spec.acks, acks_names());
  json.weights("compression", spec.compression, codec_names());
  json.weights("operations", spec.operations, operations);
  json.integer("idempotent_percent", spec.idempotent_percent, 0, 100);
  json.integer("read_committed_percent", spec.read_committed_percent, 0, 100);
  json.span("records_per_batch", spec.records_per_batch, 1, 100'000);
  json.span("value_bytes", spec.value_bytes, 0, 16 << 20);
  json.duration("timestamp_spread_ms", spec.timestamp_spread, kMillisecond);
  json.integer("keys", spec.keys, 0, kMany);
  json.integer("hot_key_percent", spec.hot_key_percent, 0, 100);
  json.integer("operations_max", spec.operations_max, 0, kMany);
  json.duration("pause_min_us", spec.pause_min, kMicrosecond);
  json.duration("pause_max_us", spec.pause_max, kMicrosecond);
  json.duration("request_timeout_ms", spec.request_timeout, kMillisecond);
  json.duration("delivery_timeout_ms", spec.delivery_timeout, kMillisecond);
  json.integer("in_flight_max", spec.in_flight_max, 1, 1000);
  if (spec.pause_max < spec.pause_min) json.fail("pause_max_us", "below pause_min_us");
}

void read_swarm(JsonReader& json, const Phases& phases, SwarmFaults& swarm) {
  swarm.on = true;
  swarm.until = phases.safety;
  json.boolean("on", swarm.on);
  json.texts("only", swarm.only);
  json.texts("except", swarm.except);
  json.integer("kind_percent", swarm.kind_percent, 0, 100);
  json.integer("items_max", swarm.items_max, 1, 1000);
  json.duration("until_ms", swarm.until, kMillisecond);
  const auto must_exist = [&json](const char* member, const std::vector<std::string>& names) {
    for (const std::string& name : names) {
      if (!find_fault(name)) json.fail(member, fmt::format("no fault \"{}\"", name));
    }
  };
  must_exist("only", swarm.only);
  must_exist("except", swarm.except);
}

void read_phases(JsonReader& json, Phases& phases) {
  json.duration("safety_ms", phases.safety, kMillisecond);
  json.duration("liveness_bound_ms", phases.liveness_bound, kMillisecond);
  json.duration("audit_bound_ms", phases.audit_bound, kMillisecond);
  json.duration("stop_bound_ms", phases.stop_bound, kMillisecond);
}

void read_network(JsonReader& json, Scenario& scenario) {
  LinkRule& link = scenario.link;
  json.duration("latency_min_us", link.latency_min, kMicrosecond);
  json.duration("latency_max_us", link.latency_max, kMicrosecond);
  json.ratio("tail", link.tail);
  json.duration("tail_max_ms", link.tail_max, kMillisecond);
  json.ratio("loss", link.loss);
  json.ratio("duplicate", link.duplicate);
  json.ratio("reorder", link.reorder);
  json.integer("bytes_per_second", link.bytes_per_second, 0, std::int64_t{1} << 40);
  json.ratio("short_read", scenario.network.short_read);
  json.ratio("short_write", scenario.network.short_write);
  json.integer("window_bytes", scenario.network.window_bytes, 1, 64 << 20);
  if (link.latency_max < link.latency_min) json.fail("latency_max_us", "below latency_min_us");
}

void read_disk(JsonReader& json, DiskHabits& disk) {
  json.integer("capacity_mib", disk.limits.capacity_bytes, 0, std::int64_t{1} << 30);
  if (json.has("capacity_mib")) disk.limits.capacity_bytes <<= 20;
  json.integer("open_files_max", disk.limits.open_files_max, 0, kMany);
  json.integer("sector_bytes", disk.power_cut.sector_bytes, 512, 65'536);
  json.ratio("write_back", disk.power_cut.write_back);
  json.ratio("name_kept", disk.power_cut.name_kept);
  json.ratio("stale_sector", disk.power_cut.stale_sector);
  json.duration("sync_min_us", disk.speed.sync.min, kMicrosecond);
  json.duration("sync_max_us", disk.speed.sync.max, kMicrosecond);
  json.ratio("tail", disk.speed.tail);
  std::string names = disk.power_cut.names == NameLoss::ordered ? "ordered" : "anything";
  json.choice("names", names, {"ordered", "anything"});
  disk.power_cut.names = names == "ordered" ? NameLoss::ordered : NameLoss::anything;
  Weights survival;
  json.weights("survival", survival, {"nothing", "everything", "prefix", "subset", "suffix"});
  if (survival.empty()) return;
  SurvivalWeights& weights = disk.power_cut.survival;
  weights = {0, 0, 0, 0, 0};
  for (const auto& [name, weight] : survival) {
    if (name == "nothing")
      weights.nothing = weight;
    else if (name == "everything")
      weights.everything = weight;
    else if (name == "prefix")
      weights.prefix = weight;
    else if (name == "subset")
      weights.subset = weight;
    else
      weights.suffix = weight;
  }
}

void read_expectations(JsonReader& json, Scenario& scenario) {
  json.choice("verdict", scenario.verdict, {"held", "crash", "safety", "liveness", "vacuous"});
  std::map<std::string, std::int64_t, std::less<>> at_least;
  json.integers("at_least", at_least);
  for (const auto& [what, minimum] : at_least) {
    scenario.expect.push_back(
        {what, static_cast<std::uint64_t>(std::max<std::int64_t>(minimum, 0))});
  }
}

// Ordinals count the items of one fault in the file; an item may fix its own, so that deleting
// another leaves its draws as they were.
void read_faults(JsonReader& json, Scenario& scenario) {
  std::map<std::string, std::uint64_t> ordinals;
  json.list("faults", [&](JsonReader& entry) {
    FaultItem item;
    read_fault(entry, item);
    if (item.ordinal == 0) item.ordinal = ++ordinals[item.fault];
    for (const FaultItem& other : scenario.faults) {
      if (other.name() == item.name()) entry.fail("ordinal", item.name() + " is there already");
    }
    const FaultRow* row = find_fault(item.fault);
    if (row && item.duration.ns() == 0 && !item.permanent && row->for_ms_high > 0) {
      const auto width = static_cast<std::uint64_t>(row->for_ms_high - row->for_ms_low) + 1;
      const std::uint64_t drawn =
          keyed_below(entry.document().seed(), item.key().with("for"), width);
      item.duration = milliseconds(row->for_ms_low + static_cast<std::int64_t>(drawn));
    }
    scenario.faults.push_back(std::move(item));
  });
}

void read_scenario(JsonReader& json, Scenario& scenario) {
  json.text("about", scenario.about);
  json.choice("node", scenario.node, program_names());
  json.object("topology", [&](JsonReader& j) { read_topology(j, scenario.topology); });
  json.list("topics", [&](JsonReader& j) { read_topic(j, scenario.topics.emplace_back()); });
  json.config("broker_config", scenario.broker_config);
  json.list("workload",
            [&](JsonReader& j) { read_workload(j, scenario.workloads.emplace_back()); });
  json.object("phases", [&](JsonReader& j) { read_phases(j, scenario.phases); });
  read_faults(json, scenario);
  json.object("swarm", [&](JsonReader& j) { read_swarm(j, scenario.phases, scenario.swarm); });
  json.object("restart", [&](JsonReader& j) {
    j.boolean("brokers", scenario.restart.brokers);
    j.boolean("clients", scenario.restart.clients);
    j.duration("after_ms", scenario.restart.after, kMillisecond);
  });
  json.object("network", [&](JsonReader& j) { read_network(j, scenario); });
  json.object("disk", [&](JsonReader& j) { read_disk(j, scenario.disk); });
  json.object("cpu", [&](JsonReader& j) {
    j.duration("resume_ns", scenario.cpu.resume, kNanosecond);
    j.duration("call_ns", scenario.cpu.call, kNanosecond);
    j.duration("per_kib_ns", scenario.cpu.per_kib, kNanosecond);
  });
  std::string order = "fifo";
  json.choice("ready_order", order, {"fifo", "seeded"});
  scenario.order = order == "seeded" ? fiber::ReadyOrder::hosted : fiber::ReadyOrder::fifo;
  json.object("expect", [&](JsonReader& j) { read_expectations(j, scenario); });
}

// A name occurs once among the topics, and a workload uses none that is not among them.
void check_topics(JsonDocument& document, const Scenario& scenario) {
  std::vector<std::string_view> names;
  for (std::size_t i = 0; i < scenario.topics.size(); ++i) {
    const std::string& name = scenario.topics[i].name;
    if (std::ranges::find(names, name) != names.end()) {
      document.fail(fmt::format("topics.{}.name", i), name + " is there already");
    }
    names.emplace_back(name);
  }
  for (std::size_t i = 0; i < scenario.workloads.size(); ++i) {
    for (const std::string& name : scenario.workloads[i].topics) {
      if (std::ranges::find(names, name) != names.end()) continue;
      document.fail(fmt::format("workload.{}.topics", i),
                    fmt::format("no topic \"{}\": there are [{}]", name, fmt::join(names, " ")));
    }
  }
}

}  // namespace

Result<Scenario> load_scenario(std::string_view file, std::string_view name, std::string_view text,
                               std::uint64_t seed, const std::vector<std::string>& settings) {
  nlohmann::json root = TRY(parse_json(file, text));
  for (const std::string& setting : settings) {
    const Result<void> set = set_member(root, setting);
    if (!set) return std::unexpected(set.error().in("--set " + setting));
  }
  JsonDocument document{std::string(file), seed};
  Scenario scenario;
  scenario.name = name;
  {
    JsonReader reader(document, root, "");
    if (!document.failed()) read_scenario(reader, scenario);
  }
  if (scenario.workloads.empty()) document.fail("workload", "at least one is needed");
  check_topics(document, scenario);
  TRY(document.result());
  scenario.draws = document.draws();
  return scenario;
}

}  // namespace flux::sim
