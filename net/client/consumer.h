// Consumer: reads the partitions that it was told to read, from where it was told to start.
//
//   Consumer consumer(client, {});
//   consumer.assign({"orders", PartitionIndex(0)}, StartAt::beginning());
//   for (const PartitionNews& news : TRY(consumer.poll(task, seconds(1)))) ...
//   consumer.close();
//
// Invariants:
//  - Records of a partition come in the order of their offsets, each once, until a seek.
//  - The position moves only over what was delivered, or over what is no record of a user (control
//    batches, aborted transactions, gaps of compaction).
//  - At most one Fetch is under way to each broker and at most one news waits for each partition:
//    what is buffered is bounded by the assignment.
//
// One task polls at a time. Owned by the program, ended before its Client is closed.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "net/client/client.h"
#include "net/client/fetch_session.h"
#include "net/client/fetched.h"

namespace flux::client {

// Where to start: an offset, or a place that the broker turns into one.
class StartAt {
 public:
  static StartAt beginning() { return StartAt(-2, true); }
  static StartAt end() { return StartAt(-1, true); }
  static StartAt offset(Offset offset) { return StartAt(offset.value(), false); }
  // The first record that is not older; the end when there is none.
  static StartAt time(record::Timestamp time) { return StartAt(time.value(), true); }

  bool to_be_looked_up() const { return look_up_; }
  std::int64_t value() const { return value_; }

 private:
  StartAt(std::int64_t value, bool look_up) : value_(value), look_up_(look_up) {}
  std::int64_t value_;
  bool look_up_;
};

// What one answer said about one partition: records, or why there are none.
struct PartitionNews {
  TopicPartition at;
  Offset asked{-1};  // the position that the fetch started from
  std::vector<ConsumedRecord> records;
  Offset next{-1};  // the position now
  std::optional<Error> error;
  kafka::WireError wire = kafka::WireError::none;
  bool retrying = false;  // the consumer goes on by itself
  Offset high_watermark{-1};
  Offset last_stable{-1};
  Offset log_start{-1};
  NodeId answered_by = kNoNode;
  Uuid topic_id;  // whose records these are; zero where only the name was asked for
};

class Consumer {
 public:
  Consumer(Client& client, const ConsumerConfig& config);
  ~Consumer();
  Consumer(const Consumer&) = delete;
  Consumer& operator=(const Consumer&) = delete;

  // Adds a partition, or moves to another place in one.
  void assign(const TopicPartition& at, const StartAt& start);
  void unassign(const TopicPartition& at);
  std::vector<TopicPartition> assignment() const;

  // News as soon as there are any; none when `wait_max` is over without.
  Result<std::vector<PartitionNews>> poll(env::Task& task, Duration wait_max);

  // Null while the place has not been looked up.
  std::optional<Offset> position(const TopicPartition& at) const;
  // As of the last answer; -1 before the first.
  Offset high_watermark(const TopicPartition& at) const;

 private:
  struct Partition {
    StartAt start;
    std::optional<Offset> position;
    Offset high_watermark{-1};
    bool busy = false;             // part of a request, or of news not yet taken
    std::uint64_t generation = 0;  // of the last assign(): older answers do not count
    std::uint32_t failures = 0;    // in a row
    Instant not_before;
  };
  struct Asked {
    TopicPartition at;
    std::uint64_t generation = 0;
    Offset position{-1};
  };
  struct Request {
    env::Endpoint to;
    NodeId node = kNoNode;
    std::weak_ptr<BrokerConnection> connection;
    std::int16_t version = 0;
    std::vector<Asked> asked;
  };
  using RequestPtr = std::shared_ptr<Request>;

  Instant issue();
  RequestPtr begin(const BrokerInfo& to, kafka::ApiKey api, const std::vector<Asked>& asked,
                   std::int16_t limit);
  void fetch(const BrokerInfo& from, const std::vector<Asked>& asked);
  void look_up(const BrokerInfo& from, const std::vector<Asked>& asked);
  void on_fetched(const Request& request, CallResult<Bytes> answer);
  void on_looked_up(const Request& request, CallResult<Bytes> answer);
  void take_partition(const Request& request, const Asked& asked, const Uuid& topic_id,
                      const kafka::FetchResponse::Partition& answer);
  void take_offset(const Request& request, const Asked& asked,
                   const kafka::ListOffsetsResponse::Partition& answer);
  void on_failure(const Request& request, const Error& error);
  // Asked again at once: nothing failed.
  void ask_again(const Request& request);
  void on_error(const Request& request, const Asked& asked, const Error& error,
                kafka::WireError wire, bool refresh, bool retriable);
  // The partition that was asked about, unless it was assigned anew since.
  Partition* still(const Asked& asked);
  void deliver(PartitionNews news);

  Client& client_;
  ConsumerConfig config_;
  Key key_;
  std::map<TopicPartition, Partition> partitions_;
  std::set<env::Endpoint> asking_;  // brokers with a request of ours under way
  std::map<env::Endpoint, FetchSession> sessions_;
  std::vector<PartitionNews> news_;
  std::uint64_t generations_ = 0;
  std::uint64_t retries_ = 0;
  sync::Condition changed_;
  std::shared_ptr<bool> life_ = std::make_shared<bool>(true);
};

}  // namespace flux::client
