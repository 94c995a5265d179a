// The producers' snapshots as files: written at each roll and at the end, so that what retention
// deletes, and what opening need not read, does not take the producers with it.
#include <algorithm>

#include "core/base/mark.h"
#include "core/log/cost.h"
#include "core/log/log.h"
#include "core/log/names.h"
#include "core/log/producer_snapshot.h"
#include "core/log/segment.h"

namespace flux::log {

using env::Task;

namespace {
// Of one producer that is entered in the tables, or leaves them.
constexpr Duration kProducerCost = nanoseconds(300);
}  // namespace

// A log that knows no producer needs none: that it is missing says the same.
Result<void> Log::write_snapshot(Task& task) {
  if (producers_.producers().empty() || snapshot_at_ == end_offset_) return {};
  REACHED("log.snapshot_written");
  TRY(env::replace_file(task, env_.disk, path(segment_file(end_offset_, kSnapshotSuffix)),
                        encode_producers(producers_, pace_of(task))));
  snapshot_at_ = end_offset_;
  return {};
}

Result<void> Log::load_snapshot(Task& task, Offset at) {
  const std::string file = path(segment_file(at, kSnapshotSuffix));
  Result<Bytes> bytes = env::read_file(task, env_.disk, file, kSnapshotBytesMax);
  if (!bytes) return std::unexpected(bytes.error().in(file));
  Result<void> decoded = decode_producers(*bytes, at, producers_, pace_of(task));
  if (!decoded) return std::unexpected(decoded.error().in(file));
  return {};
}

void Log::forget_silent_producers(Task& task) {
  while (producers_.forget_silent(env_.clock.now() - config_.producer_expiry)) {
    task.scheduler().charge(kProducerCost * ProducerState::kForgottenAtOnce);
    env::yield_if_due(task);
  }
}

// When they were last heard is not in the log: their records' times have to do, as in Kafka, which
// clients and wall clocks may set wrong. So nobody is forgotten before kGrace has passed: longer
// than any client tries to send a batch again (delivery.timeout.ms).
void Log::hear_recovered(Task& task) {
  constexpr Duration kGrace = seconds(10 * 60);
  const Instant now = env_.clock.now();
  const std::int64_t wall_ms = env_.clock.wall_now().ms();
  const Duration silence_max = std::max(config_.producer_expiry - kGrace, Duration());
  int heard = 0;
  for (const auto& [id, producer] : producers_.producers()) {
    Duration silence = silence_max;
    if (!producer.batches.empty() && producer.batches.back().timestamp.value() >= 0) {
      const std::int64_t ms = wall_ms - producer.batches.back().timestamp.value();
      silence = milliseconds(std::clamp<std::int64_t>(ms, 0, silence_max.ms()));
    }
    producers_.hear(id, now - silence);
    if (++heard % ProducerState::kForgottenAtOnce != 0) continue;
    task.scheduler().charge(kProducerCost * ProducerState::kForgottenAtOnce);
    env::yield_if_due(task);
  }
}

}  // namespace flux::log
