// A record batch v2 in place: bytes, read and patched where they lie (docs/formats/log.md).
//
// A BatchView spans exactly one batch whose frame (length, magic) has been checked; everything else
// in it may still be wrong: its CRC is checked by whoever takes it from outside (validate.h,
// recovery). It owns nothing.
#pragma once

#include <cstdint>

#include "core/base/bytes.h"
#include "core/base/ids.h"
#include "core/base/result.h"
#include "core/base/strong.h"

namespace flux::record {

// Milliseconds since 1970, as clients write them; -1 is "none".
using Timestamp = Strong<struct TimestampTag, std::int64_t>;
inline constexpr Timestamp kNoTimestamp{-1};

enum class Codec : std::uint8_t { none = 0, gzip = 1, snappy = 2, lz4 = 3, zstd = 4 };
inline constexpr std::uint8_t kCodecs = 5;

namespace layout {
inline constexpr std::size_t kBaseOffset = 0;
inline constexpr std::size_t kLength = 8;
inline constexpr std::size_t kLeaderEpoch = 12;
inline constexpr std::size_t kMagic = 16;
inline constexpr std::size_t kCrc = 17;
inline constexpr std::size_t kAttributes = 21;  // the CRC covers everything from here on
inline constexpr std::size_t kLastOffsetDelta = 23;
inline constexpr std::size_t kBaseTimestamp = 27;
inline constexpr std::size_t kMaxTimestamp = 35;
inline constexpr std::size_t kProducerId = 43;
inline constexpr std::size_t kProducerEpoch = 51;
inline constexpr std::size_t kBaseSequence = 53;
inline constexpr std::size_t kRecordCount = 57;
inline constexpr std::size_t kRecords = 61;

inline constexpr std::int16_t kCodecMask = 0x07;
inline constexpr std::int16_t kLogAppendTime = 0x08;
inline constexpr std::int16_t kTransactional = 0x10;
inline constexpr std::int16_t kControl = 0x20;
inline constexpr std::int16_t kDeleteHorizon = 0x40;
}  // namespace layout

inline constexpr std::size_t kBatchHeaderBytes = layout::kRecords;
// What the length field does not count: base offset and length itself.
inline constexpr std::size_t kBatchPrefixBytes = layout::kLeaderEpoch;
inline constexpr std::int8_t kMagic = 2;

class BatchView {
 public:
  // The batch that `bytes` begins with, or corrupt (length, magic) or out_of_range (the bytes end
  // before the batch does).
  static Result<BatchView> first_of(ByteView bytes);
  // The same, and takes it off the front.
  static Result<BatchView> take(ByteView& bytes);

  ByteView bytes() const { return bytes_; }
  std::size_t size() const { return bytes_.size(); }
  ByteView records() const { return bytes_.subspan(layout::kRecords); }

  Offset base_offset() const { return Offset(load<std::int64_t>(layout::kBaseOffset)); }
  // Of bytes that nobody has checked the sums may be too large: they wrap.
  Offset last_offset() const { return moved(base_offset(), last_offset_delta()); }
  Offset next_offset() const { return moved(last_offset(), 1); }
  std::int32_t last_offset_delta() const { return load<std::int32_t>(layout::kLastOffsetDelta); }
  std::int32_t record_count() const { return load<std::int32_t>(layout::kRecordCount); }
  LeaderEpoch leader_epoch() const { return LeaderEpoch(load<std::int32_t>(layout::kLeaderEpoch)); }
  std::uint32_t crc() const { return load<std::uint32_t>(layout::kCrc); }

  std::int16_t attributes() const { return load<std::int16_t>(layout::kAttributes); }
  // May be a number that is no codec: 5 to 7.
  Codec codec() const { return static_cast<Codec>(attributes() & layout::kCodecMask); }
  bool log_append_time() const { return (attributes() & layout::kLogAppendTime) != 0; }
  bool transactional() const { return (attributes() & layout::kTransactional) != 0; }
  bool control() const { return (attributes() & layout::kControl) != 0; }
  bool delete_horizon() const { return (attributes() & layout::kDeleteHorizon) != 0; }

  Timestamp base_timestamp() const { return Timestamp(load<std::int64_t>(layout::kBaseTimestamp)); }
  Timestamp max_timestamp() const { return Timestamp(load<std::int64_t>(layout::kMaxTimestamp)); }
  ProducerId producer_id() const { return ProducerId(load<std::int64_t>(layout::kProducerId)); }
  ProducerEpoch producer_epoch() const {
    return ProducerEpoch(load<std::int16_t>(layout::kProducerEpoch));
  }
  Sequence base_sequence() const { return Sequence(load<std::int32_t>(layout::kBaseSequence)); }
  // Of the last record; kNoSequence when the batch has none.
  Sequence last_sequence() const;

  std::uint32_t computed_crc() const;
  bool crc_fits() const { return crc() == computed_crc(); }

 private:
  friend class BatchHeader;
  explicit BatchView(ByteView bytes) : bytes_(bytes) {}

  template <class T>
  T load(std::size_t at) const {
    return load_be<T>(bytes_.data() + at);
  }
  static Offset moved(Offset from, std::int32_t distance) {
    return Offset(static_cast<std::int64_t>(static_cast<std::uint64_t>(from.value()) +
                                            static_cast<std::uint64_t>(std::int64_t{distance})));
  }

  ByteView bytes_;
};

// Sequence numbers wrap from 2^31-1 to 0.
Sequence sequence_after(Sequence sequence, std::int32_t distance = 1);

// How long the batch says it is (all bytes), from its first 12 bytes; corrupt when that cannot be.
Result<std::size_t> batch_size_at(ByteView first_bytes);

// A header without its records, for walking a file batch by batch: at least kBatchHeaderBytes that
// begin with a batch. The view's size() is that of `first_bytes`, not of the batch.
class BatchHeader : public BatchView {
 public:
  static Result<BatchHeader> read(ByteView first_bytes);
  std::size_t batch_size() const { return batch_size_; }

 private:
  BatchHeader(ByteView bytes, std::size_t batch_size) : BatchView(bytes), batch_size_(batch_size) {}
  std::size_t batch_size_;
};

// Outside of the CRC.
void set_base_offset(MutBytes batch, Offset offset);
void set_leader_epoch(MutBytes batch, LeaderEpoch epoch);
// Under the CRC, which they compute again: the topic's rule is log append time, or the client's max
// timestamp was not that of its records.
void set_log_append_time(MutBytes batch, Timestamp now);
void set_max_timestamp(MutBytes batch, Timestamp max);
void set_producer(MutBytes batch, ProducerId id, ProducerEpoch epoch, Sequence base_sequence);

}  // namespace flux::record
