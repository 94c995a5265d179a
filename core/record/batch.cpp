#include "core/record/batch.h"

#include <string>

#include "core/base/check.h"
#include "core/base/crc32c.h"

namespace flux::record {

Result<std::size_t> batch_size_at(ByteView first_bytes) {
  CHECK_GE(first_bytes.size(), kBatchPrefixBytes);
  const auto length = load_be<std::int32_t>(first_bytes.data() + layout::kLength);
  constexpr auto kLeast = static_cast<std::int32_t>(kBatchHeaderBytes - kBatchPrefixBytes);
  if (length < kLeast || length > INT32_MAX - static_cast<std::int32_t>(kBatchPrefixBytes)) {
    return fail(ErrorCode::corrupt, "a batch of length " + std::to_string(length));
  }
  return static_cast<std::size_t>(length) + kBatchPrefixBytes;
}

namespace {
Result<std::size_t> check_frame(ByteView bytes) {
  if (bytes.size() < kBatchHeaderBytes) {
    return fail(ErrorCode::out_of_range, "the bytes end inside a batch's header");
  }
  const std::size_t size = TRY(batch_size_at(bytes));
  const auto magic = load_be<std::int8_t>(bytes.data() + layout::kMagic);
  if (magic != kMagic) {
    return fail(ErrorCode::corrupt, "a batch of magic " + std::to_string(magic) + "; 2 is allowed");
  }
  return size;
}
}  // namespace

Result<BatchView> BatchView::first_of(ByteView bytes) {
  const std::size_t size = TRY(check_frame(bytes));
  if (bytes.size() < size) {
    return fail(ErrorCode::out_of_range, "the bytes end inside a batch of " + std::to_string(size));
  }
  return BatchView(bytes.first(size));
}

Result<BatchView> BatchView::take(ByteView& bytes) {
  BatchView batch = TRY(first_of(bytes));
  bytes = bytes.subspan(batch.size());
  return batch;
}

Result<BatchHeader> BatchHeader::read(ByteView first_bytes) {
  const std::size_t size = TRY(check_frame(first_bytes));
  return BatchHeader(first_bytes, size);
}

std::uint32_t BatchView::computed_crc() const {
  return crc32c(bytes_.subspan(layout::kAttributes));
}

Sequence BatchView::last_sequence() const {
  const Sequence base = base_sequence();
  return base == kNoSequence ? kNoSequence : sequence_after(base, last_offset_delta());
}

Sequence sequence_after(Sequence sequence, std::int32_t distance) {
  const std::int64_t sum = std::int64_t{sequence.value()} + distance;
  constexpr std::int64_t kWrap = std::int64_t{INT32_MAX} + 1;
  return Sequence(static_cast<std::int32_t>(sum % kWrap));
}

namespace {
void renew_crc(MutBytes batch) {
  store_be<std::uint32_t>(batch.data() + layout::kCrc,
                          crc32c(ByteView(batch).subspan(layout::kAttributes)));
}
}  // namespace

void set_base_offset(MutBytes batch, Offset offset) {
  CHECK_GE(batch.size(), kBatchHeaderBytes);
  store_be(batch.data() + layout::kBaseOffset, offset.value());
}

void set_leader_epoch(MutBytes batch, LeaderEpoch epoch) {
  CHECK_GE(batch.size(), kBatchHeaderBytes);
  store_be(batch.data() + layout::kLeaderEpoch, epoch.value());
}

void set_log_append_time(MutBytes batch, Timestamp now) {
  CHECK_GE(batch.size(), kBatchHeaderBytes);
  const auto attributes = load_be<std::int16_t>(batch.data() + layout::kAttributes);
  store_be(batch.data() + layout::kAttributes,
           static_cast<std::int16_t>(attributes | layout::kLogAppendTime));
  store_be(batch.data() + layout::kMaxTimestamp, now.value());
  renew_crc(batch);
}

void set_max_timestamp(MutBytes batch, Timestamp max) {
  CHECK_GE(batch.size(), kBatchHeaderBytes);
  store_be(batch.data() + layout::kMaxTimestamp, max.value());
  renew_crc(batch);
}

void set_producer(MutBytes batch, ProducerId id, ProducerEpoch epoch, Sequence base_sequence) {
  CHECK_GE(batch.size(), kBatchHeaderBytes);
  store_be(batch.data() + layout::kProducerId, id.value());
  store_be(batch.data() + layout::kProducerEpoch, epoch.value());
  store_be(batch.data() + layout::kBaseSequence, base_sequence.value());
  renew_crc(batch);
}

}  // namespace flux::record
