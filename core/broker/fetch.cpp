#include "core/broker/fetch.h"

#include <algorithm>
#include <deque>

#include "core/base/mark.h"
#include "core/base/mutant.h"

namespace flux::broker {

namespace {

// Up to here a copy is cheaper than a second call to the network.
constexpr std::size_t kCopySliceMax = 16 * 1024;
// And so much of one answer at most, so that answers nobody takes cost little memory.
constexpr std::size_t kCopyMax = 256 * 1024;

// One look at all partitions. Owned by the task that reads, which may outlast the request.
struct Round {
  std::vector<FetchPartition> wanted;
  std::int64_t bytes_max = 0;
  std::vector<Fetched> out;
  std::size_t bytes = 0;
  std::size_t copied = 0;
  bool urgent = false;  // something failed, or a log diverged
};

void fail_partition(Round& round, std::size_t at, Fault why) {
  round.out[at].fault = std::move(why);
  round.urgent = true;
}

// A topic that is not there is no reason to hurry the others: clients ask for it until they have
// learned of it.
bool is_missing(const FetchPartition& wanted) {
  if (wanted.partition) return false;
  const FaultKind kind = wanted.partition.error().kind;
  return kind == FaultKind::unknown_topic_or_partition || kind == FaultKind::unknown_topic_id;
}

// The slice as bytes where that is better.
Outcome<void> load_small(env::Task& task, Round& round, log::Log& log, log::Slice& slice) {
  if (slice.bytes || slice.empty() || slice.length > kCopySliceMax) return {};
  if (round.copied + slice.length > kCopyMax) return {};
  auto bytes = log.bytes_of(task, slice);
  if (!bytes) return std::unexpected(fault_of(bytes.error()));
  round.copied += bytes->size();
  slice.bytes = std::move(*bytes);
  return {};
}

Outcome<void> read_one(env::Task& task, Broker& broker, Round& round, std::size_t at) {
  const FetchPartition& wanted = round.wanted[at];
  Partition& partition = **wanted.partition;
  Fetched& out = round.out[at];
  const auto log = partition.open(task);
  if (!log) return std::unexpected(log.error());
  out.status = partition.status();
  if (wanted.last_fetched_epoch != kNoLeaderEpoch) {
    const auto end = end_of_epoch(partition, **log, wanted.last_fetched_epoch);
    if (!end) return fault(FaultKind::offset_out_of_range);
    if (end->epoch < wanted.last_fetched_epoch || end->end < wanted.from) {
      REACHED("broker.fetch_diverged");
      out.diverged = end;
      round.urgent = true;
      return {};
    }
  }
  if (wanted.from < out.status.log_start || wanted.from > (*log)->end_offset()) {
    return fault(FaultKind::offset_out_of_range);
  }
  const Offset end =
      MUTANT("broker.fetch_past_high_watermark") ? (*log)->end_offset() : out.status.high_watermark;
  if (wanted.from >= end) return {};
  const std::int64_t left =
      std::max<std::int64_t>(0, round.bytes_max - static_cast<std::int64_t>(round.bytes));
  const bool at_least_one = round.bytes == 0;
  const std::int64_t room = std::clamp<std::int64_t>(wanted.bytes_max, 0, left);
  if (room == 0 && !at_least_one) return {};
  auto slice = (*log)->read(
      task, wanted.from,
      {.bytes_max = static_cast<std::size_t>(room), .end = end, .at_least_one = at_least_one});
  if (!slice) {
    if (slice.error() == ErrorCode::corrupt) broker.metrics().corrupt_reads.add();
    return std::unexpected(fault_of(slice.error()));
  }
  auto loaded = load_small(task, round, **log, *slice);
  if (!loaded) return loaded;
  out.slice = std::move(*slice);
  round.bytes += out.slice.length;
  broker.metrics().fetched_bytes.add(out.slice.length);
  return {};
}

void read_all(env::Task& task, Broker& broker, Round& round) {
  for (std::size_t i = 0; i < round.wanted.size(); ++i) {
    if (is_missing(round.wanted[i])) {
      round.out[i].fault = round.wanted[i].partition.error();
    } else if (!round.wanted[i].partition) {
      fail_partition(round, i, round.wanted[i].partition.error());
    } else if (auto read = read_one(task, broker, round, i); !read) {
      fail_partition(round, i, read.error());
    }
    env::yield_if_due(task);
  }
}

// Nothing to read anywhere, which is known without asking the disk.
bool all_at_end(Round& round) {
  for (const FetchPartition& wanted : round.wanted) {
    if (is_missing(wanted)) continue;
    if (!wanted.partition || wanted.last_fetched_epoch != kNoLeaderEpoch) return false;
    const Partition& partition = **wanted.partition;
    if (partition.log() == nullptr || partition.retired()) return false;
    if (wanted.from != partition.high_watermark()) return false;
  }
  for (std::size_t i = 0; i < round.wanted.size(); ++i) {
    const auto& partition = round.wanted[i].partition;
    if (partition) {
      round.out[i].status = (*partition)->status();
    } else {
      round.out[i].fault = partition.error();
    }
  }
  return true;
}

std::shared_ptr<Round> read_round(env::Task& task, Broker& broker,
                                  const std::vector<FetchPartition>& wanted,
                                  std::int64_t bytes_max) {
  auto round = std::make_shared<Round>();
  round->wanted = wanted;
  round->bytes_max = bytes_max;
  round->out.resize(wanted.size());
  if (all_at_end(*round)) return round;
  const auto read = patiently<bool>(
      task, broker.patient_work(), "fetch.read", broker.patience_end(),
      [round, &broker](env::Task& reader) {
        read_all(reader, broker, *round);
        return true;
      },
      env::StackSize::large);
  if (read) return round;
  // The disk hangs: the task that reads keeps its round, and this request gets another.
  REACHED("broker.fetch_timed_out");
  broker.metrics().fetches_timed_out.add();
  auto late = std::make_shared<Round>();
  late->urgent = true;
  late->out.resize(wanted.size());
  for (Fetched& out : late->out) out.fault = Fault{FaultKind::storage, "the disk does not answer"};
  return late;
}

}  // namespace

std::vector<Fetched> fetch(env::Task& task, Broker& broker, std::vector<FetchPartition> wanted,
                           const FetchLimits& limits) {
  const Instant until = broker.env().clock.now() + limits.wait_max;
  const std::int64_t bytes_max = std::min(limits.bytes_max, broker.config().fetch_bytes_max);
  const std::int64_t bytes_min = std::min(limits.bytes_min, bytes_max);
  const bool nothing_to_wait_for = std::ranges::all_of(wanted, is_missing);
  Signal signal;
  std::deque<Watch> watches;
  for (const FetchPartition& partition : wanted) {
    if (partition.partition) watches.emplace_back((*partition.partition)->watches(), signal);
  }
  for (;;) {
    const std::shared_ptr<Round> round = read_round(task, broker, wanted, bytes_max);
    const bool enough = static_cast<std::int64_t>(round->bytes) >= bytes_min;
    const bool hurry = broker.hurrying() || broker.env().clock.now() >= until;
    if (enough || round->urgent || nothing_to_wait_for || hurry) return std::move(round->out);
    if (!signal.wait(task, until)) return std::move(round->out);
  }
}

}  // namespace flux::broker
