// The face of the producer: records in, results out. producer_send.cpp has what happens between.

#include "net/client/producer.h"

#include <algorithm>
#include <utility>

#include "core/base/check.h"
#include "core/base/mutant.h"
#include "net/client/errors.h"
#include "net/client/producer_state.h"

namespace flux::client {
namespace {

constexpr Key kProducer = key("client.producer");
// Lengths, deltas and attributes of one record, at most; more is needed for headers.
constexpr std::size_t kRecordOverhead = 32;
constexpr std::size_t kHeaderOverhead = 10;

std::size_t size_of(const ProducerRecord& record) {
  std::size_t size = kRecordOverhead;
  if (record.key) size += record.key->size();
  if (record.value) size += record.value->size();
  for (const RecordHeader& header : record.headers) {
    size += kHeaderOverhead + header.key.size() + (header.value ? header.value->size() : 0);
  }
  return size;
}

RecordResult record_result(const BatchResult& batch, std::int32_t number,
                           record::Timestamp timestamp) {
  RecordResult result{.fate = batch.fate,
                      .at = batch.at,
                      .offset = Offset(-1),
                      .timestamp = timestamp,
                      .error = batch.error};
  if (batch.base_offset.value() >= 0) result.offset = batch.base_offset + number;
  if (batch.append_time != record::kNoTimestamp) result.timestamp = batch.append_time;
  return result;
}

}  // namespace

std::string_view name_of(Fate fate) {
  switch (fate) {
    case Fate::acknowledged:
      return "acknowledged";
    case Fate::sent:
      return "sent";
    case Fate::refused:
      return "refused";
    case Fate::unknown:
      return "unknown";
  }
  UNREACHABLE("a fate without a name");
}

Producer::Producer(Client& client, const ProducerConfig& config)
    : client_(client),
      config_(config),
      key_(kProducer.with(client.config().client_id)),
      partitioner_(client.env().random, key_.with("partitioner")),
      room_(config.buffer_bytes_max) {
  if (config_.acks != Acks::all) config_.idempotent = false;
  if (config_.idempotent) config_.in_flight_max = std::min<std::size_t>(config_.in_flight_max, 5);
  config_.in_flight_max = std::max<std::size_t>(config_.in_flight_max, 1);
  client_.watch(work_);
  client_.tasks().spawn(
      "producer.send", [this](env::Task& task) { send_loop(task); }, env::StackSize::large);
}

Producer::~Producer() {
  CHECK(!loop_running_, "a producer ended without close()");
  *life_ = false;
  client_.unwatch(work_);
}

Result<TopicPartition> Producer::place(env::Task& task, const ProducerRecord& record) {
  const TopicInfo* topic = TRY(client_.topic(task, record.topic));
  if (topic->partitions.empty()) {
    return fail(ErrorCode::not_available, record.topic + " has no partitions yet");
  }
  TopicPartition at{record.topic, PartitionIndex(-1)};
  if (record.partition) {
    at.partition = *record.partition;
    if (client_.metadata().partition(at.topic, at.partition) == nullptr) {
      return fail(ErrorCode::unknown_topic_or_partition,
                  at.to_string() + " is not one of the " +
                      std::to_string(topic->partitions.size()) + " partitions");
    }
  } else if (record.key) {
    at.partition = Partitioner::for_key(*record.key, *topic);
  } else {
    at.partition = partitioner_.without_key(*topic);
  }
  return at;
}

Result<void> Producer::take_room(env::Task& task, std::size_t bytes) {
  if (bytes > std::min(config_.record_bytes_max, config_.buffer_bytes_max)) {
    return fail(ErrorCode::too_large,
                std::to_string(bytes) + " bytes in one record: allowed are " +
                    std::to_string(std::min(config_.record_bytes_max, config_.buffer_bytes_max)));
  }
  const env::DeadlineScope scope(task, client_.now() + config_.delivery_timeout);
  return room_.acquire(task, bytes);
}

Result<void> Producer::send(env::Task& task, ProducerRecord record, OnRecord on_result) {
  if (closing_) return fail(ErrorCode::closed, "the producer was closed");
  const std::size_t size = size_of(record);
  TRY(take_room(task, size));
  Result<TopicPartition> at = place(task, record);
  if (at && closing_) at = fail(ErrorCode::closed, "the producer was closed");
  if (!at) {
    room_.release(size);
    return std::unexpected(at.error());
  }
  Batch& batch = batch_for(*at, size);
  add(batch, record);
  batch.room += size;
  if (on_result || !batch.on_record.empty()) {
    batch.on_record.resize(static_cast<std::size_t>(batch.records));
    batch.on_record.back() = std::move(on_result);
  }
  if (batch.builder.plain_size() >= config_.batch_bytes_max ||
      batch.records >= config_.batch_records_max) {
    batch.alone = true;
  }
  work_.notify_all();
  return {};
}

Result<void> Producer::send_batch(env::Task& task, const TopicPartition& to,
                                  std::span<const ProducerRecord> records, OnBatch on_result) {
  CHECK(!records.empty());
  if (closing_) return fail(ErrorCode::closed, "the producer was closed");
  std::size_t size = 0;
  for (const ProducerRecord& record : records) size += size_of(record);
  TRY(take_room(task, size));
  ProducerRecord where{.topic = to.topic, .partition = to.partition};
  Result<TopicPartition> at = place(task, where);
  if (at && closing_) at = fail(ErrorCode::closed, "the producer was closed");
  if (!at) {
    room_.release(size);
    return std::unexpected(at.error());
  }
  Batch& batch = batch_for(*at, SIZE_MAX);
  for (const ProducerRecord& record : records) add(batch, record);
  batch.room = size;
  batch.alone = true;
  batch.on_batch = std::move(on_result);
  work_.notify_all();
  return {};
}

// The open batch of the partition if the record fits into it, else a new one.
Producer::Batch& Producer::batch_for(const TopicPartition& to, std::size_t record_bytes) {
  Partition& partition = partitions_[to];
  if (!partition.queue.empty()) {
    Batch& last = *partition.queue.back();
    if (last.open && !last.alone) {
      if (last.builder.plain_size() < config_.batch_bytes_max &&
          record_bytes <= config_.batch_bytes_max - last.builder.plain_size()) {
        return last;
      }
      last.alone = true;
      partitioner_.move_on(to.topic, to.partition);
    }
  }
  const std::uint64_t order = next_order_++;
  auto batch = std::make_shared<Batch>(to, order, record::BatchOptions{.codec = config_.codec});
  batch->created = client_.now();
  batch->expires = batch->created + config_.delivery_timeout;
  outstanding_.insert(order);
  partition.queue.push_back(std::move(batch));
  return *partition.queue.back();
}

void Producer::add(Batch& batch, const ProducerRecord& record) {
  record::Timestamp timestamp = record.timestamp;
  if (timestamp == record::kNoTimestamp) {
    timestamp = record::Timestamp(client_.env().clock.wall_now().ms());
  }
  std::vector<record::Header> headers;
  for (const RecordHeader& header : record.headers) {
    headers.push_back({.key = as_bytes(header.key), .value = header.value});
  }
  batch.builder.add(timestamp, record.key, record.value, headers);
  batch.timestamps.push_back(timestamp);
  ++batch.records;
}

RecordResult Producer::produce(env::Task& task, ProducerRecord record) {
  struct Waiting {
    sync::Condition done;
    std::optional<RecordResult> result;
  };
  // The task may stop waiting before the result is there.
  auto waiting = std::make_shared<Waiting>();
  const std::string topic = record.topic;
  const Result<void> taken = send(task, std::move(record), [waiting](const RecordResult& result) {
    waiting->result = result;
    waiting->done.notify_all();
  });
  RecordResult out{.at = {topic, PartitionIndex(-1)}};
  if (!taken) {
    out.fate = Fate::refused;
    out.error = taken.error();
    return out;
  }
  while (!waiting->result) {
    Result<void> waited = waiting->done.wait(task);
    if (waited || waiting->result) continue;
    out.error = waited.error();
    return out;
  }
  return *waiting->result;
}

Result<void> Producer::flush(env::Task& task) {
  const std::uint64_t below = next_order_;
  flush_below_ = std::max(flush_below_, below);
  work_.notify_all();
  while (!outstanding_.empty() && *outstanding_.begin() < below) TRY(ended_.wait(task));
  return {};
}

void Producer::close(env::Task& task) {
  const Result<void> flushed = flush(task);
  closing_ = true;
  const Error why = flushed ? Error(ErrorCode::closed) : flushed.error();
  std::vector<BatchPtr> left;
  for (auto& [at, partition] : partitions_) {
    for (const BatchPtr& batch : partition.in_flight) batch->maybe_appended = true;
    left.insert(left.end(), partition.in_flight.begin(), partition.in_flight.end());
    left.insert(left.end(), partition.queue.begin(), partition.queue.end());
  }
  for (const BatchPtr& batch : left) {
    end(batch, batch->maybe_appended ? Fate::unknown : Fate::refused, why);
  }
  *life_ = false;
  work_.notify_all();
  const env::Shield shield(task);
  while (loop_running_) {
    if (!ended_.wait(task)) client_.env().scheduler.yield(task);
  }
}

void Producer::end(const BatchPtr& batch, Fate fate, std::optional<Error> error) {
  if (outstanding_.erase(batch->order) == 0) return;  // it has its result
  Partition& partition = partitions_[batch->at];
  std::erase(partition.in_flight, batch);
  std::erase(partition.queue, batch);
  room_.release(batch->room);
  if (config_.idempotent && fate != Fate::acknowledged && batch->sequence != kNoSequence) {
    hole_ = true;
  }
  BatchResult result{.fate = fate,
                     .at = batch->at,
                     .records = batch->records,
                     .error = std::move(error),
                     .wire = batch->wire,
                     .sends = batch->sends,
                     .producer_id = batch->producer_id,
                     .producer_epoch = batch->producer_epoch,
                     .base_sequence = batch->sequence,
                     .connection = batch->connection};
  if (fate == Fate::acknowledged) {
    result.base_offset = batch->base_offset;
    result.append_time = batch->append_time;
    result.topic_id = batch->topic_id;
  }
  if (fate == Fate::unknown && MUTANT("client.unknown_fate_is_not_told")) return;
  if (batch->on_batch) batch->on_batch(result);
  for (std::size_t i = 0; i < batch->on_record.size(); ++i) {
    if (!batch->on_record[i]) continue;
    batch->on_record[i](record_result(result, static_cast<std::int32_t>(i), batch->timestamps[i]));
  }
  ended_.notify_all();
  work_.notify_all();
}

}  // namespace flux::client
