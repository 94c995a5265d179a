#include "sim/check/timestamps.h"

#include <algorithm>

#include <fmt/format.h>

namespace flux::sim {
namespace {

constexpr Offset kNone{-1};

// Of a segment or of what stands beside it.
std::optional<TopicPartitionName> partition_of(std::string_view path) {
  TopicPartitionName where;
  std::string directory;
  const std::string segment = std::string(path.substr(0, path.rfind('.'))) + ".log";
  if (!parse_segment_path(segment, where.topic, where.partition, directory)) return std::nullopt;
  return where;
}

}  // namespace

void TimestampsChecker::observe(const Observation& observation) {
  map_.observe(observation);
  settings_.observe(observation);
  unverified_.observe(observation);
  lives_.observe(observation);
  clocks_.observe(observation);
  if (const auto* begun = std::get_if<Invoked>(&observation)) {
    const Operation& op = begun->operation;
    for (const RecordView& record : op.records) {
      sent_[record.value] = {.timestamp_ms = record.timestamp_ms, .from = op.invoked};
    }
    if (op.kind != OperationKind::find_offset) return;
    asked_[op.id] = {map_.moment(), partitions_[{op.topic, op.partition}].shown};
  } else if (const auto* done = std::get_if<Completed>(&observation)) {
    if (done->operation.outcome == Outcome::ok) completed(done->operation);
  } else if (const auto* event = std::get_if<DiskEvent>(&observation)) {
    if (!spoils(event->kind)) return;
    if (const auto where = partition_of(event->path)) partitions_[*where].spoiled = true;
  }
}

void TimestampsChecker::completed(const Operation& op) {
  const TopicPartitionName where{op.topic, op.partition};
  switch (op.kind) {
    case OperationKind::produce:
      // A try that came late may have stored it again, for one that is not idempotent.
      if (op.acks == Acks::none || op.attempt > 1) return;
      for (const RecordView& record : op.records) sent_[record.value].until = op.completed;
      return;
    case OperationKind::fetch:
    case OperationKind::final_read:
      if (unverified_.excuses(op)) return count("excused.unverified_read");
      return read(op);
    case OperationKind::find_offset: {
      const std::optional<TopicLife> life = lives_.life_of(op);
      if (!life) return count("excused.between_topics");
      const auto asked = asked_.extract(op.id);
      lookups_.push_back({op, *life, asked.mapped().moment, asked.mapped().shown[*life]});
      return;
    }
    default:
      return;
  }
}

void TimestampsChecker::read(const Operation& op) {
  for (const RecordView& record : op.records) judge_record(op, record);
  Partition& partition = partitions_[{op.topic, op.partition}];
  const std::optional<TopicLife> life = lives_.life_of(op);
  if (life) {
    Offset& shown = partition.shown[*life];
    shown = std::max(shown, op.high_watermark);
  }
  if (op.kind != OperationKind::final_read) return;
  partition.life = life;
  for (const RecordView& record : op.records) {
    partition.timestamps[record.offset] = record.timestamp_ms;
  }
}

void TimestampsChecker::judge_record(const Operation& op, const RecordView& record) {
  const auto found = sent_.find(record.value);
  if (found == sent_.end()) return;  // for another checker to say
  const Sent& sent = found->second;
  count("compared.records");
  const Time until = std::min(sent.until, op.completed);
  const auto types = settings_.held(op.topic, kTimestampType, sent.from, until);
  const auto may_be = [&](std::string_view type) {
    return std::ranges::any_of(types, [&](const auto& one) { return one.value == type; });
  };
  if (may_be("CreateTime") && record.timestamp_ms == sent.timestamp_ms) return;
  const WallClocks::Shown shown = clocks_.shown(sent.from, until);
  if (may_be("LogAppendTime")) {
    count("compared.append_time");
    const bool within =
        record.timestamp_ms >= shown.earliest_ms && record.timestamp_ms <= shown.latest_ms;
    if (within) return;
  }
  violation(op.completed,
            fmt::format("{}-{} offset {}: the record's time is {}; it was sent with {}, and stored "
                        "from {} to {} by the brokers' clocks",
                        op.topic, op.partition.value(), record.offset.value(), record.timestamp_ms,
                        sent.timestamp_ms, shown.earliest_ms, shown.latest_ms),
            {op.id});
}

void TimestampsChecker::wrong(const Lookup& lookup, std::string_view why) {
  const Operation& op = lookup.operation;
  violation(op.completed,
            fmt::format("{}-{}: who looked for time {} was told of offset {} with time {}, and {}",
                        op.topic, op.partition.value(), op.time_ms, op.base_offset.value(),
                        op.found_ms, why),
            {op.id});
}

void TimestampsChecker::judge_first(const Lookup& lookup, const Partition& partition, Offset end) {
  const Operation& op = lookup.operation;
  // What lies before the offset that was told was there already.
  const Offset before = op.base_offset == kNone ? lookup.shown : op.base_offset;
  for (const auto& [offset, timestamp] : partition.timestamps) {
    if (offset >= std::min(before, end)) break;
    if (timestamp < op.time_ms) continue;
    return wrong(lookup, fmt::format("offset {} has {}", offset.value(), timestamp));
  }
  if (op.base_offset != kNone && op.found_ms < op.time_ms) wrong(lookup, "that is earlier");
}

void TimestampsChecker::judge_newest(const Lookup& lookup, const Partition& partition, Offset end) {
  const Operation& op = lookup.operation;
  // The newest of all may not be readable yet.
  if (op.base_offset == kNone) return count("newest_not_told");
  for (const auto& [offset, timestamp] : partition.timestamps) {
    if (offset >= std::min(lookup.shown, end)) break;
    if (timestamp <= op.found_ms) continue;
    return wrong(lookup, fmt::format("offset {} has {}", offset.value(), timestamp));
  }
}

void TimestampsChecker::judge(const Lookup& lookup, const Partition& partition) {
  const Operation& op = lookup.operation;
  if (partition.life != lookup.life) return count("excused.between_topics");
  if (partition.spoiled) return count("excused.spoiled");
  const auto loss = map_.loss_from({op.topic, op.partition}, lookup.moment, Promise::survives_kill);
  const Offset end = loss.value_or(Offset(INT64_MAX));
  count(op.time_ms == kNewestTime ? "compared.newest" : "compared.lookups");
  const auto there = partition.timestamps.find(op.base_offset);
  if (there != partition.timestamps.end() && there->first < end) {
    count("compared.answers");
    if (there->second != op.found_ms) return wrong(lookup, fmt::format("it has {}", there->second));
  }
  if (op.time_ms == kNewestTime) return judge_newest(lookup, partition, end);
  judge_first(lookup, partition, end);
}

void TimestampsChecker::finish(Time) {
  for (const Lookup& lookup : lookups_) {
    judge(lookup, partitions_[{lookup.operation.topic, lookup.operation.partition}]);
  }
}

}  // namespace flux::sim
