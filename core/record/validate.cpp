#include "core/record/validate.h"

#include <algorithm>
#include <optional>

#include "core/record/record.h"

namespace flux::record {
namespace {

using Kind = BatchFaultKind;

std::unexpected<BatchFault> fault(Kind kind, std::string detail, std::int32_t record = -1) {
  return std::unexpected(BatchFault{kind, std::move(detail), record});
}

std::optional<BatchFault> header_fault(const BatchView& batch, const BatchRules& rules) {
  const auto invalid = [](const char* what) { return BatchFault{Kind::invalid_record, what}; };
  // The broker gives the offset; a client that names another one takes it for something else.
  if (batch.base_offset() != Offset(0)) return invalid("the base offset of a produced batch is 0");
  if (batch.record_count() <= 0) return invalid("a batch without records");
  // The subtraction cannot overflow where record_count + 1 might.
  if (batch.record_count() - 1 != batch.last_offset_delta()) {
    return invalid("the record count does not fit the last offset delta");
  }
  if (batch.control()) return invalid("a client may not write control records");
  if (batch.delete_horizon()) return invalid("a client may not set a delete horizon");
  if (static_cast<std::uint8_t>(batch.codec()) >= kCodecs) {
    return BatchFault{Kind::unsupported_codec, "unknown compression codec"};
  }
  if (batch.codec() == Codec::zstd && !rules.zstd_allowed) {
    return BatchFault{Kind::unsupported_codec, "zstd needs Produce version 7"};
  }
  if (batch.producer_id() != kNoProducerId) {
    if (batch.producer_id().value() < 0) return invalid("a negative producer id");
    if (batch.producer_epoch().value() < 0) return invalid("a producer id without an epoch");
    if (batch.base_sequence().value() < 0) return invalid("a producer id without a sequence");
  } else if (batch.transactional()) {
    return invalid("a transactional batch without a producer id");
  }
  if (batch.log_append_time() && !rules.log_append_time) {
    return BatchFault{Kind::invalid_timestamp, "only the broker may set log append time"};
  }
  return std::nullopt;
}

bool timestamp_allowed(Timestamp timestamp, const BatchRules& rules) {
  if (rules.log_append_time || timestamp == kNoTimestamp || rules.now == kNoTimestamp) return true;
  // Differences of hostile numbers are taken where they cannot overflow.
  const std::int64_t at = timestamp.value();
  const std::int64_t now = rules.now.value();
  if (at < 0) return false;
  return at <= now ? now - at <= rules.before_max_ms : at - now <= rules.after_max_ms;
}

std::expected<BatchSummary, BatchFault> walk(const BatchView& batch, ByteView records,
                                             const BatchRules& rules, const Pace& pace) {
  BatchSummary out{.bytes = batch.size(), .records = batch.record_count()};
  RecordReader reader(records, batch.record_count(), pace);
  for (std::int32_t i = 0; !reader.done(); ++i) {
    const Result<Record> record = reader.next();
    if (!record) return fault(Kind::invalid_record, record.error().detail(), i);
    if (record->offset_delta != i) {
      return fault(Kind::invalid_record, "offset deltas are not consecutive from 0", i);
    }
    if (rules.keys_required && !record->key) {
      return fault(Kind::invalid_record, "a compacted topic takes no record without a key", i);
    }
    const Timestamp timestamp = record->timestamp(batch);
    if (!timestamp_allowed(timestamp, rules)) {
      return fault(Kind::invalid_timestamp,
                   "timestamp " + std::to_string(timestamp.value()) + " is out of range at " +
                       std::to_string(rules.now.value()),
                   i);
    }
    if (timestamp > out.max_timestamp) {
      out.max_timestamp = timestamp;
      out.offset_delta_of_max_timestamp = i;
    }
  }
  if (!reader.rest().empty()) {
    return fault(Kind::invalid_record, "bytes after the last record");
  }
  return out;
}

// Clients send again what is called corrupt, so that is kept for what the way here may have done to
// a batch. Kafka draws the line there too.
Kind kind_of_no_batch(ByteView bytes, const Error& error) {
  if (error == ErrorCode::out_of_range) return Kind::invalid_record;
  const auto magic = load_be<std::int8_t>(bytes.data() + layout::kMagic);
  return magic == 0 || magic == 1 ? Kind::invalid_record : Kind::corrupt;
}

}  // namespace

std::expected<BatchSummary, BatchFault> validate_client_batch(ByteView bytes,
                                                              const BatchRules& rules,
                                                              const Pace& pace) {
  Bytes unpacked;
  return validate_client_batch(bytes, rules, pace, unpacked);
}

std::expected<BatchSummary, BatchFault> validate_client_batch(ByteView bytes,
                                                              const BatchRules& rules,
                                                              const Pace& pace, Bytes& unpacked) {
  if (bytes.size() > rules.max_batch_bytes) {
    return fault(Kind::too_large, "a batch of " + std::to_string(bytes.size()) +
                                      " bytes; max.message.bytes is " +
                                      std::to_string(rules.max_batch_bytes));
  }
  const Result<BatchView> batch = BatchView::first_of(bytes);
  if (!batch) return fault(kind_of_no_batch(bytes, batch.error()), batch.error().detail());
  if (batch->size() != bytes.size()) {
    return fault(Kind::invalid_record, "more than one batch for a partition");
  }
  if (!batch->crc_fits()) return fault(Kind::corrupt, "the batch's CRC does not fit its bytes");
  if (std::optional<BatchFault> found = header_fault(*batch, rules)) {
    return std::unexpected(std::move(*found));
  }
  const Result<ByteView> records = records_of(*batch, unpacked, rules.max_records_bytes, pace);
  if (!records) {
    const bool large = records.error() == ErrorCode::too_large;
    return fault(large ? Kind::too_large : Kind::corrupt, records.error().detail());
  }
  return walk(*batch, *records, rules, pace);
}

}  // namespace flux::record
