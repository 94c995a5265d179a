// BatchBuilder: makes a batch v2 from records. For clients, metadata and tests; the produce path
// never builds one.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "core/base/bytes.h"
#include "core/base/ids.h"
#include "core/base/result.h"
#include "core/record/batch.h"
#include "core/record/record.h"

namespace flux::record {

struct BatchOptions {
  Codec codec = Codec::none;
  Offset base_offset{0};
  LeaderEpoch leader_epoch = kNoLeaderEpoch;
  ProducerId producer_id = kNoProducerId;
  ProducerEpoch producer_epoch = kNoProducerEpoch;
  Sequence base_sequence = kNoSequence;
  bool transactional = false;
  bool control = false;
};

class BatchBuilder {
 public:
  explicit BatchBuilder(const BatchOptions& options = {}) : options_(options) {}

  BatchBuilder& add(Timestamp timestamp, std::optional<ByteView> key, std::optional<ByteView> value,
                    std::span<const Header> headers = {});

  std::int32_t count() const { return count_; }
  // Of the batch if it were built now without compression.
  std::size_t plain_size() const { return kBatchHeaderBytes + records_.size(); }

  // The whole batch, its CRC set; count() >= 1. The builder is empty again afterwards.
  Result<Bytes> build();

 private:
  BatchOptions options_;
  Bytes records_;
  std::int32_t count_ = 0;
  Timestamp base_timestamp_ = kNoTimestamp;
  Timestamp max_timestamp_ = kNoTimestamp;
};

// Bytes of an optional text, for keys and values at hand as characters.
inline std::optional<ByteView> text(std::string_view characters) { return as_bytes(characters); }

}  // namespace flux::record
