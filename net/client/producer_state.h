// Internal to net/client: what a Producer knows of its batches and partitions.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <vector>

#include "net/client/producer.h"

namespace flux::client {

struct Producer::Batch {
  Batch(TopicPartition where, std::uint64_t place, const record::BatchOptions& options)
      : at(std::move(where)), order(place), builder(options) {}

  TopicPartition at;
  std::uint64_t order;  // of creation, over all partitions
  record::BatchBuilder builder;
  bool open = true;
  bool alone = false;  // takes no further records: it is full, or of send_batch
  std::int32_t records = 0;
  Bytes bytes;                      // once sealed
  std::size_t room = 0;             // of the buffer, given back at the end
  std::vector<OnRecord> on_record;  // empty, or one for each record
  std::vector<record::Timestamp> timestamps;
  OnBatch on_batch;
  Instant created;
  Instant expires;
  Instant retry_at;
  std::int32_t sends = 0;
  bool maybe_appended = false;
  Sequence sequence = kNoSequence;  // once given; kept over retries
  ProducerId producer_id = kNoProducerId;
  ProducerEpoch producer_epoch = kNoProducerEpoch;
  std::uint64_t connection = 0;
  kafka::WireError wire = kafka::WireError::none;
  // Once acknowledged.
  Uuid topic_id;
  Offset base_offset{-1};
  record::Timestamp append_time = record::kNoTimestamp;
};

struct Producer::Partition {
  std::deque<BatchPtr> queue;       // by order; only the last may be open
  std::vector<BatchPtr> in_flight;  // by order
  env::Endpoint in_flight_to;       // where those are
  Sequence next_sequence{0};
};

struct Producer::Request {
  env::Endpoint to;
  std::weak_ptr<BrokerConnection> connection;
  std::int16_t version = 0;
  std::vector<BatchPtr> batches;
};

}  // namespace flux::client
