#include "sim/check/idempotence.h"

#include <fmt/format.h>

namespace flux::sim {
namespace {

// After 2^31 - 1 comes 0.
std::int32_t sequence_after(const Stored& batch) {
  const std::int64_t next = std::int64_t{batch.sequence.value()} + (batch.end - batch.base);
  return static_cast<std::int32_t>(next & INT32_MAX);
}

}  // namespace

void IdempotenceChecker::observe(const Observation& observation) {
  map_.observe(observation);
  lives_.observe(observation);
  const auto note = [&](const Operation& op) {
    if (op.kind != OperationKind::produce || op.producer == kNoProducerId) return;
    for (const RecordView& record : op.records) {
      once_.insert(record.value);
      sent_by_[record.value] = op.id;
    }
  };
  if (const auto* invoked = std::get_if<Invoked>(&observation)) note(invoked->operation);
  const auto* completed = std::get_if<Completed>(&observation);
  if (!completed) return;
  const Operation& op = completed->operation;
  note(op);
  if (op.kind != OperationKind::final_read || op.outcome != Outcome::ok) return;
  for (const RecordView& record : op.records) {
    found_[{{op.topic, op.partition}, record.value}].insert(record.offset);
  }
}

void IdempotenceChecker::judge_values(Time now) {
  for (const auto& [key, offsets] : found_) {
    const auto& [where, value] = key;
    if (!once_.contains(value)) continue;
    count("compared.values");
    if (offsets.size() == 1) continue;
    violation(now,
              fmt::format("{}: value {} of idempotent client {} is stored {} times, at {} and {}",
                          where.to_string(), value.number, value.client, offsets.size(),
                          offsets.begin()->value(), offsets.rbegin()->value()),
              {sent_by_[value]});
  }
}

void IdempotenceChecker::judge_sequences(const TopicPartitionName& where, Time now) {
  struct Last {
    ProducerEpoch epoch = kNoProducerEpoch;
    std::int32_t next = 0;
    Offset end;
  };
  std::map<ProducerId, Last> producers;
  for (const Stored* batch : map_.standing(where)) {
    if (batch->producer == kNoProducerId || batch->sequence == kNoSequence) continue;
    // What is left of a deleted topic says nothing of the next one of its name.
    if (lives_.may_be_deleted(where.topic, batch->at)) continue;
    // What a fault took from the middle leaves a gap that is not the broker's.
    if (map_.excuse(*batch, Promise::survives_kill)) {
      producers.erase(batch->producer);
      continue;
    }
    const auto [at, first] = producers.try_emplace(batch->producer);
    Last& last = at->second;
    if (!first) {
      count("compared.sequences");
      const bool same_epoch = last.epoch == batch->producer_epoch;
      const bool fresh = batch->producer_epoch > last.epoch && batch->sequence == Sequence(0);
      if (!fresh && !(same_epoch && batch->sequence.value() == last.next)) {
        violation(now, fmt::format("{} offset {}: producer {} goes on with sequence {} of epoch {} "
                                   "where {} of epoch {} was due",
                                   where.to_string(), batch->base.value(), batch->producer.value(),
                                   batch->sequence.value(), batch->producer_epoch.value(),
                                   last.next, last.epoch.value()));
      }
    }
    last = {batch->producer_epoch, sequence_after(*batch), batch->end};
  }
}

void IdempotenceChecker::finish(Time now) {
  judge_values(now);
  for (const TopicPartitionName& where : map_.partitions()) judge_sequences(where, now);
}

}  // namespace flux::sim
