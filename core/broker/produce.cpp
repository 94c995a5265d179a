#include "core/broker/produce.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "core/base/mark.h"
#include "core/log/cost.h"
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

bool packed(ByteView bytes) {
  const auto batch = record::BatchView::first_of(bytes);
  return batch && batch->codec() != record::Codec::none;
}

bool enough_replicas(const controller::PartitionState& state,
                     const controller::TopicConfig& config) {
  const auto replicas = static_cast<std::int64_t>(state.replicas.size());
  const std::int64_t needed = std::min(config.min_insync_replicas, replicas);
  return static_cast<std::int64_t>(state.isr.size()) >= needed;
}

Outcome<void> check_batch(env::Task& task, Broker& broker, const controller::TopicConfig& config,
                          MutBytes batch, const ProduceRules& rules) {
  env::Env& env = broker.env();
  record::BatchRules checks;
  checks.max_batch_bytes = static_cast<std::size_t>(config.max_message_bytes);
  checks.max_records_bytes = static_cast<std::size_t>(broker.config().batch_plain_bytes_max);
  checks.zstd_allowed = rules.zstd_allowed;
  checks.keys_required = config.compact;
  checks.log_append_time = config.log_append_time;
  checks.now = record::Timestamp(env.clock.wall_now().ms());
  checks.before_max_ms = config.timestamp_before_max_ms;
  checks.after_max_ms = config.timestamp_after_max_ms;
  std::optional<Unpacking> unpacking;
  if (packed(batch)) {
    auto begun = Unpacking::begin(task, broker.unpacking());
    if (!begun) return std::unexpected(begun.error());
    unpacking.emplace(std::move(*begun));
  }
  env.scheduler.charge(log::checksum_cost(batch.size()));
  const auto summary = record::validate_client_batch(batch, checks, log::pace_of(task));
  unpacking.reset();
  if (!summary) return std::unexpected(fault_of(summary.error()));
  const auto view = record::BatchView::first_of(batch);
  CHECK(view.has_value(), "a batch that was found valid does not parse");
  // Nobody could have begun a transaction here.
  if (view->transactional()) return fault(FaultKind::invalid_txn_state);
  if (!config.log_append_time && view->max_timestamp() != summary->max_timestamp) {
    record::set_max_timestamp(batch, summary->max_timestamp);
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
  if (auto good = check_batch(task, broker, config, batch, rules); !good) {
    REACHED("broker.batch_refused");
    return std::unexpected(good.error());
  }
  return Producing{*partition, (*partition)->enqueue(batch, std::move(owner))};
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
  return Produced{.base_offset = appended->base,
                  .log_append_time = appended->log_append_time,
                  .log_start = partition.status().log_start};
}

}  // namespace flux::broker
