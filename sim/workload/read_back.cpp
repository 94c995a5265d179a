#include "sim/workload/read_back.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/record/compression.h"
#include "net/client/plain_decoder.h"
#include "sim/workload/session.h"
#include "sim/workload/values.h"

namespace flux::sim {
namespace {

namespace plain = client::plain;
using kafka::WireError;

constexpr std::int16_t kFetchByName = 12;
constexpr std::size_t kUnpackedMax = 64u << 20;
constexpr std::int64_t kEarliest = -2;
constexpr std::int64_t kLatest = -1;
constexpr int kTriesMax = 5;
constexpr Duration kBetweenTries = milliseconds(200);

Result<Bytes> unpack(int codec, ByteView packed) {
  return record::decompress(static_cast<record::Codec>(codec), packed, kUnpackedMax);
}

std::vector<RecordView> views_of(const plain::Batch& batch) {
  std::vector<RecordView> out;
  for (const plain::Record& record : batch.records) {
    RecordDigest digest(record.key, record.value);
    for (const auto& [key, value] : record.headers) digest.add_header(key, value);
    RecordView view{.value = read_value(record.value),
                    .digest = digest.value(),
                    .offset = Offset(record.offset),
                    .epoch = LeaderEpoch(batch.leader_epoch),
                    .timestamp_ms = record.timestamp_ms,
                    .producer = ProducerId(batch.producer_id),
                    .producer_epoch = ProducerEpoch(batch.producer_epoch),
                    .sequence = kNoSequence};
    if (batch.base_sequence >= 0) {
      const std::int64_t sequence = batch.base_sequence + (record.offset - batch.base_offset);
      view.sequence = Sequence(static_cast<std::int32_t>(sequence & INT32_MAX));
    }
    out.push_back(view);
  }
  return out;
}

// What one fetch brought.
struct Piece {
  WireError wire = WireError::none;
  std::optional<Error> error;
  std::vector<RecordView> records;
  Offset next{-1};
  Offset high_watermark{-1};
  Offset log_start{-1};
  Offset last_stable{-1};
  std::int32_t answered_by = -1;
  Uuid topic_id;  // zero where only the name was asked for
};

class Auditor {
 public:
  Auditor(Session& session, client::Client& client) : session_(session), client_(client) {}

  bool read_partition(env::Task& task, const TopicPartition& at) {
    Offset position(0);
    if (!find(task, at, kEarliest, position) || !find(task, at, kLatest, end_)) return false;
    // How often the broker refused in a row. Once it is past all patience each further offset is
    // asked for only once, until one is served again.
    int refusals = 0;
    while (position < end_) {
      session_.seat().waits_for(fmt::format("{} offset {}", at.to_string(), position.value()));
      const Piece piece = read(task, at, position);
      if (task.cancelled()) return false;
      if (!piece.error) {
        refusals = 0;
        end_ = std::max(end_, piece.high_watermark);
        const bool moved = piece.next > position;
        position = std::max(position, piece.next);
        if (moved) continue;
      } else if (piece.wire == WireError::offset_out_of_range) {
        if (!find(task, at, kEarliest, position) || !find(task, at, kLatest, end_)) return false;
      } else if (refuses(piece) && ++refusals >= kTriesMax) {
        position = position + 1;
        continue;
      }
      if (!env::sleep_until(task, session_.env().clock.now() + kBetweenTries)) return false;
    }
    // Also says that there is nothing (more).
    read(task, at, position);
    return !task.cancelled();
  }

 private:
  // A definite no, not a broker that is busy starting.
  static bool refuses(const Piece& piece) {
    return piece.wire == WireError::corrupt_message ||
           piece.wire == WireError::kafka_storage_error ||
           piece.wire == WireError::unknown_server_error ||
           (piece.wire == WireError::none && piece.error == ErrorCode::corrupt);
  }

  // Raises `out` to the partition's start or end. An absent topic has neither: 0.
  bool find(env::Task& task, const TopicPartition& at, std::int64_t place, Offset& out) {
    for (int absent = 0;;) {
      session_.seat().waits_for("the start and end of " + at.to_string());
      client::Admin admin(client_);
      const auto listed = admin.list_offsets(task, {at}, place);
      if (task.cancelled()) return false;
      if (listed) {
        const client::ListedOffset& answer = listed->at(at);
        if (!answer.error) {
          out = std::max(answer.offset, out);
          return true;
        }
        if (answer.wire == WireError::unknown_topic_or_partition && ++absent >= kTriesMax) {
          out = std::max(out, Offset(0));
          return true;
        }
      }
      if (!env::sleep_until(task, session_.env().clock.now() + kBetweenTries)) return false;
    }
  }

  // One fetch, reported as one final read.
  Piece read(env::Task& task, const TopicPartition& at, Offset from) {
    Operation op;
    op.kind = OperationKind::final_read;
    op.topic = at.topic;
    op.partition = at.partition;
    op.offset = from;
    const OperationId id = session_.invoke(op);
    Piece piece = fetch(task, at, from);
    session_.complete(id, [&](Operation& filled) {
      filled.kafka_error = static_cast<int>(piece.wire);
      filled.records = piece.records;
      filled.high_watermark = piece.high_watermark;
      filled.log_start = piece.log_start;
      filled.last_stable = piece.last_stable;
      filled.answered_by = piece.answered_by;
      filled.topic_id = piece.topic_id;
      filled.outcome = !piece.error                    ? Outcome::ok
                       : piece.wire == WireError::none ? Outcome::unknown
                                                       : Outcome::refused;
      if (!piece.error) return;
      filled.error = piece.error->code();
      filled.detail = piece.error->detail();
    });
    return piece;
  }

  Piece fetch(env::Task& task, const TopicPartition& at, Offset from) {
    Piece piece;
    if (const Result<void> known = client_.refresh(task, {at.topic}); !known) {
      piece.error = known.error();
      return piece;
    }
    const client::TopicInfo* topic = client_.metadata().topic(at.topic);
    const client::BrokerInfo* leader = client_.metadata().leader(at.topic, at.partition);
    if (topic == nullptr || leader == nullptr) {
      piece.wire = topic == nullptr ? WireError::unknown_topic_or_partition
                                    : WireError::leader_not_available;
      piece.error = Error(ErrorCode::not_available, "no leader is known");
      return piece;
    }
    piece.answered_by = leader->id.value();
    kafka::FetchRequest request;
    request.max_wait_ms = 0;
    request.min_bytes = 0;
    request.max_bytes = 1 << 20;
    auto& entry = request.topics.emplace_back();
    entry.name = at.topic;
    entry.topic_id = topic->id;
    auto& partition = entry.partitions.emplace_back();
    partition.index = at.partition;
    partition.fetch_offset = from;
    partition.partition_max_bytes = 1 << 18;
    const Uuid id = topic->id;
    const std::int16_t limit = id.is_zero() ? kFetchByName : INT16_MAX;
    const env::Endpoint to = leader->at;
    auto answer = client_.call(task, to, request, limit);
    if (!answer) {
      piece.error = answer.error().error;
      return piece;
    }
    read_answer(answer->body, from, piece);
    if (!piece.error && !id.is_zero()) piece.topic_id = id;
    return piece;
  }

  static void read_answer(const kafka::FetchResponse& answer, Offset from, Piece& piece) {
    piece.wire = answer.error;
    if (answer.error != WireError::none || answer.topics.size() != 1 ||
        answer.topics[0].partitions.size() != 1) {
      piece.error = Error(ErrorCode::not_available, "no partition in the answer");
      return;
    }
    const auto& partition = answer.topics[0].partitions[0];
    piece.wire = partition.error;
    piece.high_watermark = partition.high_watermark;
    piece.log_start = partition.log_start_offset;
    piece.last_stable = partition.last_stable_offset;
    if (partition.error != WireError::none) {
      piece.error = Error(ErrorCode::not_available, std::string(kafka::name_of(partition.error)));
      return;
    }
    const auto decoded = plain::decode(partition.records.bytes(), unpack);
    if (!decoded) {
      piece.error = decoded.error();
      return;
    }
    piece.next = from;
    for (const plain::Batch& batch : decoded->batches) {
      piece.next = Offset(batch.base_offset + batch.last_offset_delta + 1);
      if (batch.control()) continue;
      for (const RecordView& view : views_of(batch)) {
        if (view.offset >= from) piece.records.push_back(view);
      }
    }
  }

  Session& session_;
  client::Client& client_;
  Offset end_{-1};
};

}  // namespace

void ReadBack::run(env::Task& task, env::Env& env, Seat& seat) {
  Session session(env, seat);
  client::ClientConfig config;
  config.bootstrap = seat.bootstrap();
  config.client_id = seat.process().name();
  config.request_timeout = seat.spec().request_timeout;
  config.connect_timeout = seat.spec().request_timeout;
  config.api_timeout = seat.spec().delivery_timeout;
  client::Client client(env, config);
  bool complete = true;
  for (const ClusterFacts::Topic& topic : session.topics()) {
    for (std::int32_t i = 0; i < topic.partitions && complete; ++i) {
      Auditor auditor(session, client);
      complete = auditor.read_partition(task, {topic.name, PartitionIndex(i)});
    }
  }
  client.close(task);
  if (complete) seat.done();
}

}  // namespace flux::sim
