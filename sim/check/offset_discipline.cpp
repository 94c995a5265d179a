#include "sim/check/offset_discipline.h"

#include <algorithm>

#include <fmt/format.h>

namespace flux::sim {
namespace {

constexpr Offset kLatest{-1};
// Where a log starts is durable before it is told, whatever the topic says of its records.
constexpr Promise kStartPromise = Promise::survives_power_cut;

}  // namespace

void OffsetDisciplineChecker::observe(const Observation& observation) {
  map_.observe(observation);
  settings_.observe(observation);
  unverified_.observe(observation);
  lives_.observe(observation);
  if (const auto* invoked = std::get_if<Invoked>(&observation)) {
    const Operation& op = invoked->operation;
    invoked_[op.id] = {map_.moment(), levels_[{op.topic, op.partition}]};
    return;
  }
  const auto* completed = std::get_if<Completed>(&observation);
  if (!completed || completed->operation.outcome != Outcome::ok) return;
  const Operation& op = completed->operation;
  const bool acknowledged = op.kind == OperationKind::produce && op.acks != Acks::none;
  const bool reads = op.kind == OperationKind::fetch || op.kind == OperationKind::final_read;
  const bool tells_levels =
      op.kind == OperationKind::list_offsets || op.kind == OperationKind::delete_records;
  if (!acknowledged && !reads && !tells_levels) return;
  if (reads && unverified_.excuses(op)) return count("excused.unverified_read");
  const std::optional<TopicLife> life = lives_.life_of(op);
  if (!life) return count("excused.between_topics");
  for (std::size_t i = 0; i < op.records.size(); ++i) {
    const RecordView& record = op.records[i];
    if (acknowledged) claim(op, *life, op.base_offset + static_cast<std::int64_t>(i), record);
    if (reads) claim(op, *life, record.offset, record);
  }
  judge_levels(op, *life);
}

void OffsetDisciplineChecker::judge_levels(const Operation& op, TopicLife life) {
  const bool reads = op.kind == OperationKind::fetch || op.kind == OperationKind::final_read;
  const bool lists_end = op.kind == OperationKind::list_offsets && op.offset == kLatest;
  if (!reads && !lists_end && op.kind != OperationKind::delete_records) return;
  const Levels before = invoked_[op.id].levels[life];
  if (reads) judge_deleted(op, before.log_start);
  Levels& levels = levels_[{op.topic, op.partition}][life];
  const Offset high_watermark = lists_end ? op.base_offset : op.high_watermark;
  if (high_watermark.value() >= 0) {
    level(op, LevelKind::high_watermark, high_watermark, levels.high_watermark,
          before.high_watermark);
  }
  if (op.log_start.value() >= 0) {
    level(op, LevelKind::log_start, op.log_start, levels.log_start, before.log_start);
  }
}

// What was said to be deleted when the read began never comes back.
void OffsetDisciplineChecker::judge_deleted(const Operation& op, const Level& start) {
  if (start.offset <= Offset(0)) return;
  count("compared.deleted");
  for (const RecordView& record : op.records) {
    if (record.offset >= start.offset) continue;
    const auto loss = start_loss({op.topic, op.partition}, start.moment);
    if (loss && *loss <= record.offset) return count("excused.deleted_came_back");
    return violation(
        op.completed,
        fmt::format("{}-{}: offset {} was read, and the log was said to start at {}", op.topic,
                    op.partition.value(), record.offset.value(), start.offset.value()),
        {start.operation, op.id});
  }
}

void OffsetDisciplineChecker::claim(const Operation& op, TopicLife life, Offset offset,
                                    const RecordView& record) {
  const TopicPartitionName where{op.topic, op.partition};
  const Claim now{record.value,
                  record.digest,
                  op.id,
                  promise_of(settings_, op),
                  map_.find(where, offset),
                  invoked_[op.id].moment};
  const auto [at, first] = claims_[{where, life}].try_emplace(offset, now);
  if (first) return;
  count("compared.offsets");
  Claim& known = at->second;
  if (known.value == now.value && known.digest == now.digest) {
    known.promise = std::max(known.promise, now.promise);
    return;
  }
  // What was answered before a loss may be told of long after it.
  const auto lost_since_asked = [&](const Claim& one) {
    const auto loss = map_.loss_from(where, one.asked, one.promise);
    return loss && *loss <= offset;
  };
  const bool former =
      (known.stored && map_.excuse(*known.stored, known.promise)) || lost_since_asked(known);
  if (former || lost_since_asked(now)) {
    count("excused.given_again");
    if (former) known = now;
    return;
  }
  violation(op.completed,
            fmt::format("{} offset {} is value {} of client {} and value {} of client {}",
                        where.to_string(), offset.value(), known.value.number, known.value.client,
                        now.value.number, now.value.client),
            {known.operation, op.id});
}

// From where on the medium may have given back what was deleted.
std::optional<Offset> OffsetDisciplineChecker::start_loss(const TopicPartitionName& where,
                                                          std::uint64_t since) const {
  if (map_.start_lost(where, since)) return Offset(0);
  return map_.loss_from(where, since, kStartPromise);
}

void OffsetDisciplineChecker::level(const Operation& op, LevelKind kind, Offset seen,
                                    Level& highest, const Level& when_invoked) {
  const bool start = kind == LevelKind::log_start;
  const TopicPartitionName where{op.topic, op.partition};
  count("compared.levels");
  if (seen < when_invoked.offset) {
    const auto loss = start ? start_loss(where, when_invoked.moment)
                            : map_.loss_from(where, when_invoked.moment, promise_of(settings_, op));
    if (loss && *loss <= seen) {
      count("excused.level_went_back");
      highest = {seen, op.id, invoked_[op.id].moment};
      return;
    }
    violation(op.completed,
              fmt::format("{}: the {} was {} and then {}", where.to_string(),
                          start ? "log start" : "high watermark", when_invoked.offset.value(),
                          seen.value()),
              {when_invoked.operation, op.id});
  }
  if (seen >= highest.offset) highest = {seen, op.id, invoked_[op.id].moment};
}

}  // namespace flux::sim
