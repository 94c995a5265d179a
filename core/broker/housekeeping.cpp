#include "core/broker/housekeeping.h"

#include <algorithm>

#include "core/base/mark.h"
#include "core/broker/broker.h"

namespace flux::broker {

namespace {

// What a look at one partition costs when there is nothing to do.
constexpr Duration kLookCost = nanoseconds(300);

log::Retention retention_of(const controller::TopicConfig& config) {
  if (!config.deletes) return {};
  return {.bytes = config.retention_bytes, .ms = config.retention_ms};
}

Duration delete_delay_of(const controller::TopicConfig& config) {
  return milliseconds(std::min(config.file_delete_delay_ms, Duration::max().ms()));
}

}  // namespace

Housekeeping::Housekeeping(Broker& broker, const HousekeepingConfig& config)
    : broker_(broker),
      env_(broker.env()),
      config_(config),
      task_(env_.scheduler),
      scrub_(broker, config.scrub) {}

void Housekeeping::start() {
  // Opening a log recovers it.
  task_.spawn("housekeeping", [this](env::Task& task) { run(task); }, env::StackSize::large);
  scrub_.start(config_.first_after);
}

Result<void> Housekeeping::stop(env::Task& task) {
  stopping_ = true;
  wake_.notify_all();
  TRY(scrub_.stop(task));
  return task_.wait(task);
}

void Housekeeping::run(env::Task& task) {
  Instant next = env_.clock.now() + std::min(config_.first_after, config_.check_interval);
  while (!stopping_) {
    const Result<void> waited = wake_.wait(task, next);
    if (stopping_ || (!waited && waited.error() != ErrorCode::timed_out)) return;
    if (env_.clock.now() < next) continue;
    round(task);
    next = std::min(next_file_due_, env_.clock.now() + config_.check_interval);
  }
}

void Housekeeping::round(env::Task& task) {
  next_file_due_ = Instant::max();
  const auto image = broker_.image();
  std::erase_if(unopened_,
                [&](const auto& known) { return !image->topic_names.contains(known.first); });
  for (const auto& [name, topic] : image->topics) {
    const controller::TopicConfig config = broker_.topic_config(name);
    for (std::size_t i = 0; i < topic->partitions.size(); ++i) {
      if (stopping_) return;
      if (topic->partitions[i].leader != broker_.config().node) continue;
      visit(task, *topic, PartitionIndex(static_cast<std::int32_t>(i)), config);
      env_.scheduler.charge(kLookCost);
      env::yield_if_due(task);
    }
    env::yield_if_due(task);
  }
}

void Housekeeping::visit(env::Task& task, const controller::TopicState& topic, PartitionIndex index,
                         const controller::TopicConfig& config) {
  std::shared_ptr<Partition> partition = broker_.known_partition(topic.id, index);
  if (partition == nullptr || partition->log() == nullptr) {
    if (!worth_opening(task, topic, index, config)) return;
    const auto found = broker_.partition(topic, index);
    if (!found || !(*found)->open(task)) return;  // who uses it is told why
    partition = *found;
  }
  const Result<void> cleaned = clean(task, *partition);
  if (cleaned || partition->retired()) return;
  REACHED("broker.housekeeping_failed");
  TRACE(env_.trace, warning, "partition.housekeeping_failed",
        {"partition", partition->identity().name()}, {"why", cleaned.error().to_string()});
}

bool Housekeeping::worth_opening(env::Task& task, const controller::TopicState& topic,
                                 PartitionIndex index, const controller::TopicConfig& config) {
  const log::Retention retention = retention_of(config);
  if (retention == log::Retention{}) return false;
  Unopened& known = unopened_[topic.id];
  if (known.retention != retention) known = {.retention = retention, .look_at_ms = {}};
  known.look_at_ms.resize(topic.partitions.size());
  const std::int64_t now_ms = env_.clock.wall_now().ms();
  const auto at = static_cast<std::size_t>(index.value());
  if (now_ms < known.look_at_ms[at]) return false;
  const auto front = log::look_at_front(task, env_.disk, broker_.directory_of(topic.name, index),
                                        retention.bytes >= 0);
  // A directory that is not there holds nothing; other trouble is met again when it is opened.
  const std::int64_t next = front ? front->expires_ms(retention, now_ms) : INT64_MAX;
  // A wait for the disk lies between: the topic may be gone, or have grown.
  Unopened& still = unopened_[topic.id];
  if (at < still.look_at_ms.size()) still.look_at_ms[at] = next;
  if (next > now_ms) return false;
  REACHED("broker.unopened_expired");
  return true;
}

Result<void> Housekeeping::clean(env::Task& task, Partition& partition) {
  const std::shared_ptr<log::Log> log = partition.log();
  if (log == nullptr || log->poisoned()) return {};
  log->forget_silent_producers(task);
  const controller::TopicConfig config = partition.config();
  const Result<void> expired = log->expire(task, retention_of(config), partition.high_watermark());
  // Also when no more can be deleted now: this is what makes room.
  const auto due = TRY(log->remove_deleted(task, delete_delay_of(config)));
  if (due) next_file_due_ = std::min(next_file_due_, *due);
  return expired;
}

}  // namespace flux::broker
