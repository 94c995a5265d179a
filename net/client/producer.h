// Producer: sends records to partitions, in batches, many requests at a time, and says of each
// record what became of it.
//
//   Producer producer(client, {.acks = Acks::all});
//   TRY(producer.send(task, {.topic = "orders", .key = k, .value = v}, [](const RecordResult& r) {
//     if (r.fate == Fate::refused) ...
//   }));
//   TRY(producer.flush(task));
//   producer.close(task);
//
// Invariants:
//  - Each record that send() took has exactly one result, at the latest a delivery_timeout later.
//  - `refused` is a promise: the record is in no log and will not get there. Whatever could have
//    been appended without our hearing of it is `unknown`.
//  - With idempotence, records of one partition stand in its log in the order of send(), each once,
//    through retries with up to five batches in flight. After a loss that leaves a hole in the
//    sequence, a new epoch begins, and what may stand in the log under the old one is `unknown`.
//  - Callbacks come from the producer's own tasks and must not suspend; they may call nothing of
//    the producer but its counters.
//
// Owned by the program; closed before it is destroyed and before its Client is closed.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "core/record/batch_builder.h"
#include "core/sync/semaphore.h"
#include "net/client/client.h"
#include "net/client/partitioner.h"

namespace flux::client {

struct RecordHeader {
  std::string key;
  std::optional<Bytes> value;

  friend bool operator==(const RecordHeader&, const RecordHeader&) = default;
};

struct ProducerRecord {
  std::string topic;
  std::optional<PartitionIndex> partition;  // none: by key, or wherever
  std::optional<Bytes> key;
  std::optional<Bytes> value;
  std::vector<RecordHeader> headers;
  record::Timestamp timestamp = record::kNoTimestamp;  // none: the wall clock at send()
};

enum class Fate : std::uint8_t {
  acknowledged,  // by whom Acks says
  sent,          // acks=0: handed to the network, nothing more is known
  refused,       // surely in no log
  unknown,       // may be in the log
};
std::string_view name_of(Fate fate);

// What became of a batch. Of its records, number i stands at base_offset + i.
struct BatchResult {
  Fate fate = Fate::unknown;
  TopicPartition at;
  std::int32_t records = 0;
  Offset base_offset{-1};  // -1 when the broker does not say: acks=0, an old duplicate
  record::Timestamp append_time = record::kNoTimestamp;  // when the broker stamps records
  std::optional<Error> error;                            // unless acknowledged or sent
  kafka::WireError wire = kafka::WireError::none;        // the broker's last word
  // Requests that left with it: how many copies there can be without idempotence.
  std::int32_t sends = 0;
  ProducerId producer_id = kNoProducerId;
  ProducerEpoch producer_epoch = kNoProducerEpoch;
  Sequence base_sequence = kNoSequence;
  std::uint64_t connection = 0;  // the last one that it left on
  Uuid topic_id;                 // that acknowledged it; zero where only the name was asked for
};

struct RecordResult {
  Fate fate = Fate::unknown;
  TopicPartition at;
  Offset offset{-1};
  record::Timestamp timestamp = record::kNoTimestamp;
  std::optional<Error> error;
};

class Producer {
 public:
  using OnRecord = std::move_only_function<void(const RecordResult&)>;
  using OnBatch = std::move_only_function<void(const BatchResult&)>;

  Producer(Client& client, const ProducerConfig& config);
  ~Producer();
  Producer(const Producer&) = delete;
  Producer& operator=(const Producer&) = delete;

  // Takes the record; waits for the topic's metadata and for room in the buffer. An error means
  // that the record was not taken: it is refused.
  Result<void> send(env::Task& task, ProducerRecord record, OnRecord on_result = {});
  // All of them as one batch of their own, in this order, to this partition.
  Result<void> send_batch(env::Task& task, const TopicPartition& to,
                          std::span<const ProducerRecord> records, OnBatch on_result);
  // send() and the wait for its result.
  RecordResult produce(env::Task& task, ProducerRecord record);

  // Waits until everything taken before has a result.
  Result<void> flush(env::Task& task);
  // flush() within the task's deadline, then an end to what is left.
  void close(env::Task& task);

  std::size_t outstanding_batches() const { return outstanding_.size(); }
  ProducerId producer_id() const { return id_; }

 private:
  struct Batch;
  using BatchPtr = std::shared_ptr<Batch>;
  struct Partition;
  using Partitions = std::map<TopicPartition, Partition>;
  struct Request;

  Result<TopicPartition> place(env::Task& task, const ProducerRecord& record);
  Result<void> take_room(env::Task& task, std::size_t bytes);
  Batch& batch_for(const TopicPartition& to, std::size_t record_bytes);
  void add(Batch& batch, const ProducerRecord& record);
  void seal(Batch& batch);

  void send_loop(env::Task& task);
  Instant step();
  Instant expire();
  bool is_due(const Partition& partition, Instant& next);
  void gather(Instant& next);
  BatchPtr take_next(Partition& partition);
  void start(const std::shared_ptr<BrokerConnection>& connection, std::vector<BatchPtr> batches);
  kafka::ProduceResponse read_answer(const Request& request, Bytes frame);
  void on_answer(const Request& request, CallResult<Bytes> answer);
  void on_partition_answer(const BatchPtr& batch, const kafka::ProduceResponse::Partition& answer);
  void on_lost(const BatchPtr& batch, const CallFailure& failure);
  void retry_or_end(const BatchPtr& batch, const Error& error, kafka::WireError wire,
                    bool retriable);
  void requeue(const BatchPtr& batch);
  void end(const BatchPtr& batch, Fate fate, std::optional<Error> error);
  bool is_first(const Partition& partition, const Batch& batch) const;

  void want_id();
  void fetch_id(env::Task& task);
  Result<void> try_fetch_id(env::Task& task);
  void begin_new_epoch();

  Client& client_;
  ProducerConfig config_;
  Key key_;
  Partitioner partitioner_;
  sync::Semaphore room_;
  sync::Condition work_;   // for the send loop
  sync::Condition ended_;  // a batch has its result, or the loop has ended
  std::shared_ptr<bool> life_ = std::make_shared<bool>(true);  // answers ask whether we still live
  Partitions partitions_;
  std::map<env::Endpoint, std::size_t> in_flight_;  // requests
  std::set<std::uint64_t> outstanding_;             // orders of batches without a result
  std::uint64_t next_order_ = 1;
  std::uint64_t flush_below_ = 0;  // batches of lower order do not linger

  ProducerId id_ = kNoProducerId;
  ProducerEpoch epoch_ = kNoProducerEpoch;
  bool id_valid_ = false;
  bool fetching_id_ = false;
  bool hole_ = false;  // a sequence was lost: a new epoch is needed
  std::uint64_t id_tries_ = 0;

  bool closing_ = false;
  bool loop_running_ = true;
};

}  // namespace flux::client
