#include "core/broker/scrub.h"

#include <algorithm>

#include "core/base/mark.h"
#include "core/broker/broker.h"

namespace flux::broker {

namespace {

constexpr Key kFirst = key("broker.scrub.first");
constexpr Duration kLookCost = nanoseconds(300);
// What is read without a pause: much longer than a disk needs to turn to it, and an eighth of what
// a second has at most.
constexpr std::uint64_t kStepBytesMax = 1U << 20;
constexpr std::uint64_t kStepsPerSecond = 8;
// What a partition that has to be opened counts as, beside what is read to recover it: very many
// small ones must not come all at once.
constexpr std::uint64_t kOpenBytes = 64U << 10;
// What keeps a partition from being read (no file may be opened, say) mostly passes.
constexpr int kRetriesMax = 5;
constexpr Duration kRetryAfter = seconds(1);

}  // namespace

Scrub::Scrub(Broker& broker, const ScrubConfig& config)
    : broker_(broker), env_(broker.env()), config_(config), task_(env_.scheduler) {}

void Scrub::start(Duration first_after) {
  if (config_.interval == Duration::max()) return;
  // Opening a log recovers it.
  task_.spawn(
      "scrub", [this, first_after](env::Task& task) { run(task, first_after); },
      env::StackSize::large);
}

Result<void> Scrub::stop(env::Task& task) {
  stopping_ = true;
  wake_.notify_all();
  return task_.wait(task);
}

void Scrub::run(env::Task& task, Duration first_after) {
  Instant next = env_.clock.now() + first_after;
  while (wait_until(task, next)) {
    next = env_.clock.now() + config_.interval;
    pass(task);
  }
}

bool Scrub::wait_until(env::Task& task, Instant until) {
  while (!stopping_ && env_.clock.now() < until) {
    const Result<void> waited = wake_.wait(task, until);
    if (!waited && waited.error() != ErrorCode::timed_out) return false;
  }
  return !stopping_;
}

bool Scrub::pace(env::Task& task, std::uint64_t bytes) {
  const std::uint64_t rate = config_.bytes_per_second;
  const auto whole = static_cast<std::int64_t>(bytes / rate);
  const auto rest = static_cast<std::int64_t>(bytes % rate * 1'000'000'000 / rate);
  free_at_ = std::max(free_at_, env_.clock.now()) + (seconds(whole) + nanoseconds(rest));
  return wait_until(task, free_at_);
}

std::vector<Scrub::Place> Scrub::places(env::Task& task) {
  std::vector<Place> out;
  const auto image = broker_.image();
  for (const auto& [name, topic] : image->topics) {
    for (std::size_t i = 0; i < topic->partitions.size(); ++i) {
      if (topic->partitions[i].leader != broker_.config().node) continue;
      out.push_back({topic->id, PartitionIndex(static_cast<std::int32_t>(i))});
      env_.scheduler.charge(kLookCost);
      env::yield_if_due(task);
    }
  }
  if (out.empty()) return out;
  const auto first = static_cast<std::ptrdiff_t>(env_.random.draw(kFirst, out.size()));
  std::ranges::rotate(out, out.begin() + first);
  return out;
}

void Scrub::pass(env::Task& task) {
  Seen seen;
  for (const Place& place : places(task)) {
    if (stopping_) return;
    visit(task, place, seen);
    env::yield_if_due(task);
  }
  if (stopping_) return;
  REACHED("broker.scrub_pass_ended");
  broker_.metrics().scrub_passes.add();
  TRACE(env_.trace, info, "broker.scrubbed", {"bytes", seen.bytes}, {"rotten", seen.rotten});
}

void Scrub::visit(env::Task& task, const Place& place, Seen& seen) {
  const std::shared_ptr<Partition> known = broker_.known_partition(place.topic, place.index);
  if (known != nullptr && known->log() != nullptr) return scrub(task, *known, seen);
  const std::shared_ptr<Partition> partition = opened(task, place);
  if (partition == nullptr) return;
  REACHED("broker.opened_for_scrub");
  const Offset end = partition->log()->end_offset();
  scrub(task, *partition, seen);
  // The broker closes them all at its end; and what is damaged stays, so that it is known.
  const bool sound = partition->log() != nullptr && partition->log()->damage().empty();
  if (stopping_ || !sound) return;
  if (auto closed = partition->close_unused(task, end); !closed) {
    TRACE(env_.trace, warning, "partition.close_failed",
          {"partition", partition->identity().name()}, {"why", closed.error().to_string()});
  }
}

std::shared_ptr<Partition> Scrub::opened(env::Task& task, const Place& place) {
  const auto topic = broker_.image()->topic(place.topic);
  if (topic == nullptr) return nullptr;
  // Opening would make a directory that is not there, and holds nothing.
  const auto id =
      log::read_topic_id(task, env_.disk, broker_.directory_of(topic->name, place.index));
  if (!id && id.error() == ErrorCode::not_found) return nullptr;
  if (!pace(task, kOpenBytes)) return nullptr;
  const auto found = broker_.partition(*topic, place.index);
  if (!found || !(*found)->open(task)) return nullptr;  // the partition says why
  const std::shared_ptr<log::Log> log = (*found)->log();
  if (log == nullptr || !pace(task, log->recovery().bytes)) return nullptr;
  return (*found)->log() == log ? *found : nullptr;  // it may have been lost meanwhile
}

void Scrub::scrub(env::Task& task, Partition& partition, Seen& seen) {
  const std::shared_ptr<log::Log> log = partition.log();
  if (log == nullptr) return;
  const std::uint64_t step_bytes =
      std::clamp<std::uint64_t>(config_.bytes_per_second / kStepsPerSecond, 1, kStepBytesMax);
  log::ScrubPlace place{.until = log->synced_end()};
  int retries = 0;
  while (!stopping_ && !partition.retired() && partition.log() == log) {
    const auto step = log->scrub(task, place, step_bytes);
    if (!step) {
      if (step.error() == ErrorCode::not_available) return;  // closed, lost
      if (++retries <= kRetriesMax && wait_until(task, env_.clock.now() + kRetryAfter)) continue;
      if (stopping_) return;
      REACHED("broker.scrub_failed");
      TRACE(env_.trace, warning, "partition.scrub_failed",
            {"partition", partition.identity().name()}, {"why", step.error().to_string()});
      return;
    }
    if (!*step) return;
    seen.bytes += (*step)->bytes;
    seen.rotten += (*step)->rotten;
    broker_.metrics().scrubbed_bytes.add((*step)->bytes);
    broker_.metrics().scrub_rotten_ranges.add((*step)->rotten);
    if (!pace(task, (*step)->bytes)) return;
  }
}

}  // namespace flux::broker
