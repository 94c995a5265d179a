// Partition: one partition that this broker leads: its log, who may append, who waits for it.
//
// Appends are queued and carried out in the order of enqueue() by a task that lives while there is
// something to do; the log is opened by the first task that needs it. A partition that nobody uses
// costs neither a task nor an open file.
//
// Invariants:
//  - What is below the high watermark stays readable: on an fsync topic it is the log's synced end,
//    on a page-cache topic its end, but for batches that flush.messages has synced first.
//  - An append that was told timed_out before it began is never carried out, nor is what its
//    idempotent producer had queued behind it: a retry finds the order as it was.
//  - A log that was poisoned is dropped; it is opened anew under a new leader epoch, since records
//    that were shown may be lost. Others of this broker do not notice.
// It knows no protocol and decides no leadership. Held by shared_ptr: its tasks keep it alive.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "core/broker/fault.h"
#include "core/broker/metrics.h"
#include "core/broker/watch.h"
#include "core/controller/topic_config.h"
#include "core/env/env.h"
#include "core/log/log.h"
#include "core/sync/condition.h"
#include "core/sync/event.h"
#include "core/sync/mutex.h"
#include "core/sync/task_group.h"

namespace flux::broker {

class Partition;
class Reserve;

// How partitions keep their logs, the same for all of a broker.
struct LogKnobs {
  log::ReadVerify read_verify = log::ReadVerify::first;         // flux.read.verify
  std::uint32_t block_bytes = 64U << 10;                        // flux.integrity.block.bytes
  Duration mark_idle = milliseconds(50);                        // flux.integrity.mark.ms
  Duration producer_expiry = seconds(std::int64_t{24} * 3600);  // producer.id.expiration.ms
  // How long a log that could not be opened is left alone.
  Duration reopen_after = seconds(1);
  // How often the whole log waits for a disk that cannot read a part of it; then it opens without.
  std::uint32_t patient_openings = 5;

  friend bool operator==(const LogKnobs&, const LogKnobs&) = default;
};

// One batch on its way into the log.
struct Append {
  MutBytes batch;
  std::shared_ptr<const void> owner;  // of the batch's bytes
  bool log_append_time = false;

  enum class State : std::uint8_t { queued, running, done, withdrawn };
  State state = State::queued;
  // Once done. `generation` tells the log that took it from one opened later.
  Outcome<log::Appended> outcome = fault(FaultKind::timed_out);
  std::uint64_t generation = 0;
  sync::Event ended;
};

// Where a partition stands, for answers.
struct PartitionStatus {
  Offset log_start{0};
  Offset high_watermark{0};
  LeaderEpoch leader_epoch{0};
};

// Partitions that wait for a commit at once. Each takes a task, and the commit itself another: with
// as many of the first as there are stacks, none would be left for what they wait for.
inline constexpr std::size_t kCommitsMax = 2'000;

// Batches that wait for the same log go into it by one write, up to here.
inline constexpr std::size_t kGroupBytesMax = std::size_t{64} << 10;

// What a partition needs from its broker.
struct PartitionHost {
  env::Env& env;
  sync::TaskGroup& work;  // ends before the partition's environment does
  LogKnobs knobs;
  const Reserve* reserve = nullptr;
  BrokerMetrics metrics{};
  // The partition's log was lost from memory and may have lost records: makes the leader epoch grow
  // and returns the new one.
  std::function<Outcome<LeaderEpoch>(env::Task&, const log::LogIdentity&)> renew_leadership;
  // The directory belongs to another topic id: moves it away if that topic is gone.
  std::function<Result<void>(env::Task&, const std::string& directory)> move_stray;
  // Until no removed topic of the same name has anything in the directory any more.
  std::function<Result<void>(env::Task&, const std::string& directory)> await_former;
  std::size_t committing = 0;
  std::deque<std::shared_ptr<Partition>> commit_line{};  // beyond kCommitsMax
};

class Partition : public std::enable_shared_from_this<Partition> {
 public:
  Partition(PartitionHost& host, std::string directory, log::LogIdentity identity,
            const controller::TopicConfig& config, LeaderEpoch epoch);

  const log::LogIdentity& identity() const { return identity_; }
  const std::string& directory() const { return directory_; }
  const controller::TopicConfig& config() const { return config_; }
  void set_config(const controller::TopicConfig& config);
  LeaderEpoch epoch() const { return epoch_; }
  void set_epoch(LeaderEpoch epoch) { epoch_ = std::max(epoch_, epoch); }

  // Opens the log unless it is open; may hang with the disk.
  Outcome<std::shared_ptr<log::Log>> open(env::Task& task);
  // The open log, or null.
  const std::shared_ptr<log::Log>& log() const { return log_; }

  // Takes a batch, and under which message.timestamp.type it was found valid: the topic's may be
  // another by now, and the times of records were checked only if they are to be kept. Does not
  // suspend: the order of calls is the order in the log.
  std::shared_ptr<Append> enqueue(MutBytes batch, std::shared_ptr<const void> owner,
                                  bool log_append_time);
  // Until it is in the log, or `until`: then it is withdrawn if it has not begun.
  Outcome<log::Appended> wait_appended(env::Task& task, const std::shared_ptr<Append>& append,
                                       Instant until);
  // Until the high watermark has passed the append's end.
  Outcome<void> wait_committed(env::Task& task, const Append& append, Instant until);

  PartitionStatus status() const;
  Offset high_watermark() const { return high_watermark_; }
  // Raised when the high watermark moved, the log was lost, or the partition was retired.
  WatchList& watches() { return watches_; }

  // The topic is gone: everything that waits or comes is refused.
  void retire();
  bool retired() const { return retired_; }
  // The broker ends: a commit that fails is not tried again.
  void stop_retrying() { stopping_ = true; }
  // Ends the log in order. Nothing may be under way.
  Result<void> close(env::Task& task);
  // The same while the broker runs, for a log that was opened for nobody's request: not when
  // somebody has it by now, or it has grown beyond `end`. It is opened again by whoever comes.
  Result<void> close_unused(env::Task& task, Offset end);
  // Lets the log of a retired partition go, once no task opens it or writes to it.
  Result<void> abandon(env::Task& task);

 private:
  bool committed(Offset end) const;
  void start_appending();
  using Group = std::vector<std::shared_ptr<Append>>;

  void append_loop(env::Task& task);
  Group take_group();
  // Sets their outcomes, or says that each has to be carried out alone: nothing was appended then.
  bool carry_out_together(env::Task& task, const Group& group);
  Outcome<log::Appended> carry_out(env::Task& task, Append& append);
  void start_committing();
  void spawn_commit();
  void commit_loop(env::Task& task);
  void advance_high_watermark();
  void withdraw(const std::shared_ptr<Append>& append);
  void drop_log(const std::shared_ptr<log::Log>& log);
  // Takes the log away, and tells whoever watches.
  std::shared_ptr<log::Log> give_up_log();
  Result<std::shared_ptr<log::Log>> open_log(env::Task& task);
  void count_opened(const log::RecoveryReport& report);
  void set_failed(bool failed);
  log::LogConfig log_config() const;
  // Whether somebody is to sync what the log holds.
  bool sync_due() const;
  Duration flush_interval() const;
  bool synced_topic() const { return config_.durability == controller::Durability::fsync; }

  PartitionHost& host_;
  const std::string directory_;
  const log::LogIdentity identity_;
  controller::TopicConfig config_;
  LeaderEpoch epoch_;

  std::shared_ptr<log::Log> log_;
  std::shared_ptr<log::Log> dropped_;  // it may still be writing
  sync::Mutex opening_;
  std::optional<Fault> open_failure_;
  Instant retry_open_at_;
  std::uint32_t failed_openings_ = 0;  // in a row
  bool epoch_stale_ = false;           // the log was lost since the epoch began
  std::uint64_t generation_ = 0;       // of log_
  bool failed_ = false;                // its log was lost or did not open, and is not open again
  Offset high_watermark_{0};

  std::deque<std::shared_ptr<Append>> queue_;
  bool appending_ = false;
  bool committing_ = false;
  bool retired_ = false;
  bool stopping_ = false;
  sync::Condition quiet_;  // appending_ or committing_ ended
  WatchList watches_;
};

}  // namespace flux::broker
