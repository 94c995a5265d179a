#include "sim/check/probe_journal.h"

#include <fmt/format.h>

namespace flux::sim {

void ProbeJournalChecker::observe(const Observation& observation) {
  const auto* completed = std::get_if<Completed>(&observation);
  if (!completed) return;
  const Operation& op = completed->operation;
  if (op.topic != "probe" || op.outcome != Outcome::ok) return;
  if (op.kind == OperationKind::produce) {
    owed_.emplace(op.base_offset.value(), op.id);
    learn(op, op.base_offset.value(), op.records.front());
    count("acknowledged");
    return;
  }
  if (op.kind == OperationKind::final_read) audit_began_ = true;
  for (const RecordView& record : op.records) {
    learn(op, record.offset.value(), record);
    if (op.kind == OperationKind::final_read) audited_.emplace(record.offset.value(), op.id);
  }
}

void ProbeJournalChecker::learn(const Operation& op, std::int64_t index, const RecordView& record) {
  count("compared");
  const auto [entry, is_new] =
      entries_.try_emplace(index, Entry{record.value, record.digest, op.id});
  if (!is_new && (entry->second.value != record.value || entry->second.digest != record.digest)) {
    violation(op.completed,
              fmt::format("index {} held value {} of client {} and later value {} of client {}",
                          index, entry->second.value.number, entry->second.value.client,
                          record.value.number, record.value.client),
              {entry->second.told_by, op.id});
  }
  const auto [place, first] = index_of_.try_emplace(record.value, index);
  if (!first && place->second != index) {
    violation(op.completed,
              fmt::format("value {} of client {} is at index {} and at index {}",
                          record.value.number, record.value.client, place->second, index),
              {op.id});
  }
}

void ProbeJournalChecker::finish(Time end) {
  if (!audit_began_) return;
  for (const auto& [index, operation] : owed_) {
    count("owed");
    if (!audited_.contains(index)) {
      violation(end,
                fmt::format("the acknowledged append at index {} was not in the final read", index),
                {operation});
    }
  }
}

}  // namespace flux::sim
