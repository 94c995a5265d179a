#include "sim/check/observation.h"

#include "core/base/check.h"

namespace flux::sim {

std::string_view name_of(OperationKind kind) {
  switch (kind) {
    case OperationKind::produce:
      return "produce";
    case OperationKind::fetch:
      return "fetch";
    case OperationKind::list_offsets:
      return "list_offsets";
    case OperationKind::find_offset:
      return "find_offset";
    case OperationKind::create_topic:
      return "create_topic";
    case OperationKind::delete_topic:
      return "delete_topic";
    case OperationKind::delete_records:
      return "delete_records";
    case OperationKind::describe:
      return "describe";
    case OperationKind::init_producer:
      return "init_producer";
    case OperationKind::commit_offset:
      return "commit_offset";
    case OperationKind::fetch_offset:
      return "fetch_offset";
    case OperationKind::final_read:
      return "final_read";
    case OperationKind::alter_config:
      return "alter_config";
  }
  UNREACHABLE("an operation kind without a name");
}

std::string_view name_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::pending:
      return "pending";
    case Outcome::ok:
      return "ok";
    case Outcome::refused:
      return "refused";
    case Outcome::unknown:
      return "unknown";
  }
  UNREACHABLE("an outcome without a name");
}

std::string_view name_of(Acks acks) {
  switch (acks) {
    case Acks::all:
      return "all";
    case Acks::none:
      return "0";
    case Acks::leader:
      return "1";
  }
  UNREACHABLE("acks without a name");
}

std::string_view name_of(NodeChange change) {
  switch (change) {
    case NodeChange::started:
      return "started";
    case NodeChange::serving:
      return "serving";
    case NodeChange::ended:
      return "ended";
    case NodeChange::paused:
      return "paused";
    case NodeChange::resumed:
      return "resumed";
  }
  UNREACHABLE("a node change without a name");
}

std::string_view name_of(RunPhase phase) {
  switch (phase) {
    case RunPhase::safety:
      return "safety";
    case RunPhase::liveness:
      return "liveness";
    case RunPhase::audit:
      return "audit";
  }
  UNREACHABLE("a phase without a name");
}

std::int64_t TraceEvent::number(std::string_view name) const {
  for (const Value& field : fields) {
    if (field.name == name) return field.number;
  }
  return 0;
}

std::string_view TraceEvent::text(std::string_view name) const {
  for (const Value& field : fields) {
    if (field.name == name) return field.text;
  }
  return {};
}

namespace {
struct TimeOf {
  Time operator()(const Invoked& e) const { return e.operation.invoked; }
  Time operator()(const Completed& e) const { return e.operation.completed; }
  template <class Event>
  Time operator()(const Event& e) const {
    return e.at;
  }
};
}  // namespace

Time time_of(const Observation& observation) { return std::visit(TimeOf(), observation); }

}  // namespace flux::sim
