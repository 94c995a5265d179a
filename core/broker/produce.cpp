#include "core/broker/produce.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "core/base/mark.h"
#include "core/base/mutant.h"
#include "core/log/cost.h"
#include "core/record/repack.h"
#include "core/record/validate.h"

namespace flux::broker {

namespace {

// Takes one of the permits for as long as a batch is unpacked: what all hold then is bounded.
class Unpacking {
 public:
  static Outcome<Unpacking> begin(env::Task& task, sync::Semaphore& permits) {
    if (auto waited = permits.acquire(task); !waited) {
      return std::unexpected(fault_of(waited.error()));
    }
    return Unpacking(permits);
  }
  Unpacking(Unpacking&& other) noexcept : permits_(std::exchange(other.permits_, nullptr)) {}
  Unpacking& operator=(Unpacking&&) = delete;
  ~Unpacking() {
    if (permits_ != nullptr) permits_->release();
  }

 private:
  explicit Unpacking(sync::Semaphore& permits) : permits_(&permits) {}
  sync::Semaphore* permits_;
};

constexpr Offset kUnknownOffset{-1};

// A batch that was made here, and its share of the room for such batches.
class Repacked {
 public:
  Repacked(sync::Semaphore& room, std::uint64_t share) : room_(room), share_(share) {}
  Repacked(const Repacked&) = delete;
  Repacked& operator=(const Repacked&) = delete;
  ~Repacked() { room_.release(share_); }

  MutBytes keep(Bytes batch) {
    const std::uint64_t needed = std::min<std::uint64_t>(batch.size(), share_);
    room_.release(share_ - needed);
    share_ = needed;
    batch_ = std::move(batch);
    return batch_;
  }

 private:
  sync::Semaphore& room_;
  std::uint64_t share_;
  Bytes batch_;
};

// A batch on its way to its place in line.
struct Arrived {
  MutBytes batch;
  std::shared_ptr<const void> owner;  // of its bytes
};

record::Codec codec_of(ByteView bytes) {
  const auto batch = record::BatchView::first_of(bytes);
  return batch ? batch->codec() : record::Codec::none;
}

// Memory for a batch of the topic, until it is in the log. Whoever has it waits for the disk.
Outcome<std::shared_ptr<Repacked>> room_to_repack(env::Task& task, Broker& broker,
                                                  const controller::TopicConfig& config) {
  const auto largest = static_cast<std::uint64_t>(config.max_message_bytes);
  const std::uint64_t share = std::min(largest, Broker::kRepackedBytesMax);
  const env::DeadlineScope deadline(task, broker.patience_end());
  if (auto waited = broker.repacked_room().acquire(task, share); !waited) {
    return std::unexpected(fault_of(waited.error()));
  }
  return std::make_shared<Repacked>(broker.repacked_room(), share);
}

bool enough_replicas(const controller::PartitionState& state,
                     const controller::TopicConfig& config) {
  const auto replicas = static_cast<std::int64_t>(state.replicas.size());
  const std::int64_t needed = std::min(config.min_insync_replicas, replicas);
  return static_cast<std::int64_t>(state.isr.size()) >= needed;
}

Fault repack_fault(const Error& error, const controller::TopicConfig& config) {
  if (error != ErrorCode::too_large) return fault_of(error);
  REACHED("broker.repacked_too_large");
  return {FaultKind::message_too_large,
          fmt::format("compressed with {}, as compression.type has it, the batch is larger than "
                      "max.message.bytes, which is {}",
                      record::name_of(config.compression->codec), config.max_message_bytes)};
}

record::BatchRules rules_of(Broker& broker, const controller::TopicConfig& config,
                            const ProduceRules& rules) {
  record::BatchRules checks;
  checks.max_batch_bytes = static_cast<std::size_t>(config.max_message_bytes);
  checks.max_records_bytes = static_cast<std::size_t>(broker.config().batch_plain_bytes_max);
  checks.zstd_allowed = rules.zstd_allowed;
  checks.keys_required = config.compact;
  checks.log_append_time = config.log_append_time;
  checks.now = record::Timestamp(broker.env().clock.wall_now().ms());
  checks.before_max_ms = config.timestamp_before_max_ms;
  checks.after_max_ms = config.timestamp_after_max_ms;
  return checks;
}

// Checks a batch, and compresses it anew where the topic wants another codec than the producer's.
Outcome<void> receive(env::Task& task, Broker& broker, const controller::TopicConfig& config,
                      Arrived& arrived, const ProduceRules& rules) {
  const record::BatchRules checks = rules_of(broker, config, rules);
  const record::Codec codec = codec_of(arrived.batch);
  const bool repacks = config.compression && config.compression->codec != codec;
  std::shared_ptr<Repacked> repacked;
  if (repacks) {
    auto room = room_to_repack(task, broker, config);
    if (!room) return std::unexpected(room.error());
    repacked = std::move(*room);
  }
  std::optional<Unpacking> unpacking;
  if (repacks || codec != record::Codec::none) {
    auto begun = Unpacking::begin(task, broker.unpacking());
    if (!begun) return std::unexpected(begun.error());
    unpacking.emplace(std::move(*begun));
  }
  broker.env().scheduler.charge(log::checksum_cost(arrived.batch.size()));
  const record::Pace pace = log::pace_of(task);
  Bytes unpacked;
  const auto summary = record::validate_client_batch(arrived.batch, checks, pace, unpacked);
  if (!summary) return std::unexpected(fault_of(summary.error()));
  const auto view = record::BatchView::first_of(arrived.batch);
  CHECK(view.has_value(), "a batch that was found valid does not parse");
  // Nobody could have begun a transaction here.
  if (view->transactional()) return fault(FaultKind::invalid_txn_state);
  if (repacks) {
    REACHED("broker.repacked");
    const ByteView records = codec == record::Codec::none ? view->records() : ByteView(unpacked);
    auto made = record::repack(*view, records, *config.compression, checks.max_batch_bytes, pace);
    if (!made) return std::unexpected(repack_fault(made.error(), config));
    arrived.batch = repacked->keep(std::move(*made));
    arrived.owner = std::move(repacked);
    if (MUTANT("broker.repacked_without_producer")) {
      record::set_producer(arrived.batch, kNoProducerId, kNoProducerEpoch, kNoSequence);
    }
  }
  if (!config.log_append_time && view->max_timestamp() != summary->max_timestamp) {
    record::set_max_timestamp(arrived.batch, summary->max_timestamp);
  }
  return {};
}

}  // namespace

Outcome<Producing> begin_produce(env::Task& task, Broker& broker,
                                 const controller::TopicState& topic, PartitionIndex index,
                                 MutBytes batch, std::shared_ptr<const void> owner,
                                 const ProduceRules& rules) {
  auto partition = broker.partition(topic, index);
  if (!partition) return std::unexpected(partition.error());
  const controller::PartitionState& state =
      topic.partitions[static_cast<std::size_t>(index.value())];
  const controller::TopicConfig config = (*partition)->config();  // the batch's check may suspend
  if (rules.acks == Acks::all && !enough_replicas(state, config)) {
    return fault(FaultKind::not_enough_replicas);
  }
  Arrived arrived{batch, std::move(owner)};
  if (auto good = receive(task, broker, config, arrived, rules); !good) {
    REACHED("broker.batch_refused");
    return std::unexpected(good.error());
  }
  return Producing{
      *partition,
      (*partition)->enqueue(arrived.batch, std::move(arrived.owner), config.log_append_time)};
}

Outcome<Produced> finish_produce(env::Task& task, const Producing& producing, Acks acks,
                                 Instant until) {
  Partition& partition = *producing.partition;
  const auto appended = partition.wait_appended(task, producing.append, until);
  if (!appended) return std::unexpected(appended.error());
  if (acks == Acks::all) {
    auto committed = partition.wait_committed(task, *producing.append, until);
    if (!committed) return std::unexpected(committed.error());
  }
  // A log that was lost since may start anywhere behind what is remembered of it.
  const std::shared_ptr<log::Log>& log = partition.log();
  return Produced{.base_offset = appended->base,
                  .log_append_time = appended->log_append_time,
                  .log_start = log != nullptr ? log->start_offset() : kUnknownOffset};
}

}  // namespace flux::broker
