// What a consumer gets to see, and how the record batches of a Fetch answer become that.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/ids.h"
#include "core/record/batch.h"
#include "net/client/config.h"
#include "net/client/producer.h"
#include "net/kafka/gen/fetch.h"

namespace flux::client {

struct ConsumedRecord {
  Offset offset{-1};
  LeaderEpoch epoch = kNoLeaderEpoch;
  record::Timestamp timestamp = record::kNoTimestamp;
  bool append_time = false;  // the broker's clock, not the producer's
  std::optional<Bytes> key;
  std::optional<Bytes> value;
  std::vector<RecordHeader> headers;
  ProducerId producer_id = kNoProducerId;
  ProducerEpoch producer_epoch = kNoProducerEpoch;
  Sequence sequence = kNoSequence;
};

// The readable part of a Fetch answer for one partition.
struct FetchedRecords {
  std::vector<ConsumedRecord> records;
  Offset next{0};              // where to go on
  std::optional<Error> error;  // what ended the reading early: corrupt, too_large, ...
};

// Reads whole batches; one that is cut off at the end is left for the next fetch. Skips records
// below `position`, control batches, and, when `aborted` is given, what those transactions wrote.
FetchedRecords read_batches(
    ByteView bytes, Offset position, const ConsumerConfig& config,
    const std::vector<kafka::FetchResponse::AbortedTransaction>* aborted = nullptr);

}  // namespace flux::client
