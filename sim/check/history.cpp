#include "sim/check/history.h"

#include <utility>

#include "core/base/check.h"
#include "core/base/hash.h"
#include "sim/world/world.h"

namespace flux::sim {

OperationId History::invoke(Process& client, Operation operation) {
  const WorldScope scope;
  const OperationId id(operations_.size());
  operation.id = id;
  operation.client = client.index();
  operation.incarnation = client.incarnation();
  operation.invoked = client.effect_time();
  operation.outcome = Outcome::pending;
  client.seam(SeamKind::output, id.value(), static_cast<std::uint64_t>(operation.kind),
              digest_of(operation));
  // What the client put together lies on its own heap; the copies made here lie on the world's.
  operations_.push_back(std::as_const(operation));
  ++pending_;
  add(Invoked{std::as_const(operation)});
  return id;
}

void History::complete(Process& client, OperationId id,
                       const std::function<void(Operation&)>& fill) {
  const WorldScope scope;
  CHECK_LT(id.value(), operations_.size());
  Operation filled = operations_[id.value()];
  CHECK(filled.outcome == Outcome::pending, "an operation completed twice");
  fill(filled);
  CHECK(filled.outcome != Outcome::pending);
  filled.completed = client.effect_time();
  // `fill` may have moved in what lies on the client's heap; the copy lies on the world's.
  Operation& operation = operations_[id.value()];
  operation = std::as_const(filled);
  --pending_;
  client.seam(SeamKind::output, id.value(), 256 + static_cast<std::uint64_t>(operation.outcome),
              digest_of(operation));
  count(operation);
  add(Completed{operation});
}

void History::reset(Process& client, std::string_view topic, PartitionIndex partition) {
  const WorldScope scope;
  add(ClientReset{client.effect_time(), client.index(), std::string(topic), partition});
}

ValueId History::next_value(Process& client) {
  const WorldScope scope;
  if (values_.size() <= client.index()) values_.resize(client.index() + 1);
  return {client.index(), ++values_[client.index()]};
}

void History::add(Observation observation) {
  const WorldScope scope;
  observations_.push_back(std::move(observation));
  // A checker may not add observations of its own, so the reference stays good.
  for (Checker* checker : checkers_) checker->observe(observations_.back());
}

void History::count(const Operation& operation) {
  if (operation.outcome != Outcome::ok) return;
  if (operation.kind == OperationKind::produce && operation.acks != Acks::none) {
    acknowledged_ += operation.records.size();
  }
  if (operation.kind == OperationKind::fetch || operation.kind == OperationKind::final_read) {
    records_read_ += operation.records.size();
  }
}

std::uint64_t digest_of(const Operation& op) {
  std::uint64_t h = combine64(op.client, op.incarnation);
  const auto mix = [&h](auto value) { h = combine64(h, static_cast<std::uint64_t>(value)); };
  const auto mix_text = [&h](const std::string& text) {
    h = combine64(h, hash_bytes(as_bytes(text)));
  };
  mix(op.kind);
  mix(op.connection);
  mix_text(op.topic);
  mix(op.partition.value());
  mix(op.acks);
  mix(op.producer.value());
  mix(op.producer_epoch.value());
  mix(op.sequence.value());
  mix(op.offset.value());
  mix(op.outcome);
  mix(op.kafka_error);
  mix(op.base_offset.value());
  mix(op.log_start.value());
  mix(op.high_watermark.value());
  mix(op.last_stable.value());
  if (op.kind == OperationKind::find_offset) {
    mix(op.time_ms);
    mix(op.found_ms);
  }
  mix(op.records.size());
  for (const RecordView& record : op.records) {
    mix(record.value.client);
    mix(record.value.number);
    mix(record.digest);
    mix(record.offset.value());
    mix(record.epoch.value());
    mix(record.timestamp_ms);
  }
  return h;
}

}  // namespace flux::sim
