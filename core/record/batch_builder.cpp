#include "core/record/batch_builder.h"

#include <algorithm>
#include <utility>

#include "core/base/check.h"
#include "core/base/crc32c.h"
#include "core/record/compression.h"
#include "core/record/varint.h"

namespace flux::record {
namespace {

std::size_t nullable_size(const std::optional<ByteView>& bytes) {
  if (!bytes) return varint_size(-1);
  return varint_size(static_cast<std::int64_t>(bytes->size())) + bytes->size();
}

void append_nullable(Bytes& to, const std::optional<ByteView>& bytes) {
  append_varint(to, bytes ? static_cast<std::int64_t>(bytes->size()) : -1);
  if (bytes) append(to, *bytes);
}

}  // namespace

BatchBuilder& BatchBuilder::add(Timestamp timestamp, std::optional<ByteView> key,
                                std::optional<ByteView> value, std::span<const Header> headers) {
  if (count_ == 0) base_timestamp_ = timestamp;
  max_timestamp_ = std::max(max_timestamp_, timestamp);
  const std::int64_t timestamp_delta = timestamp - base_timestamp_;
  const auto header_count = static_cast<std::int64_t>(headers.size());

  std::size_t size = 1 + varint_size(timestamp_delta) + varint_size(count_) + nullable_size(key) +
                     nullable_size(value) + varint_size(header_count);
  for (const Header& header : headers) {
    size += nullable_size(header.key) + nullable_size(header.value);
  }
  append_varint(records_, static_cast<std::int64_t>(size));
  const std::size_t start = records_.size();
  records_.push_back(std::byte{0});
  append_varint(records_, timestamp_delta);
  append_varint(records_, count_);
  append_nullable(records_, key);
  append_nullable(records_, value);
  append_varint(records_, header_count);
  for (const Header& header : headers) {
    append_nullable(records_, header.key);
    append_nullable(records_, header.value);
  }
  CHECK_EQ(records_.size() - start, size);
  ++count_;
  return *this;
}

Result<Bytes> BatchBuilder::build() {
  CHECK_GE(count_, 1);
  Bytes packed;
  if (options_.codec != Codec::none) packed = TRY(compress(options_.codec, records_));
  const ByteView body = options_.codec == Codec::none ? ByteView(records_) : ByteView(packed);
  if (body.size() > INT32_MAX - kBatchHeaderBytes) return fail(ErrorCode::too_large);

  Bytes out(kBatchHeaderBytes);
  std::byte* const at = out.data();
  auto attributes = static_cast<std::int16_t>(options_.codec);
  if (options_.transactional) attributes |= layout::kTransactional;
  if (options_.control) attributes |= layout::kControl;
  store_be(at + layout::kBaseOffset, options_.base_offset.value());
  store_be(at + layout::kLength,
           static_cast<std::int32_t>(kBatchHeaderBytes - kBatchPrefixBytes + body.size()));
  store_be(at + layout::kLeaderEpoch, options_.leader_epoch.value());
  store_be(at + layout::kMagic, kMagic);
  store_be(at + layout::kAttributes, attributes);
  store_be(at + layout::kLastOffsetDelta, count_ - 1);
  store_be(at + layout::kBaseTimestamp, base_timestamp_.value());
  store_be(at + layout::kMaxTimestamp, max_timestamp_.value());
  store_be(at + layout::kProducerId, options_.producer_id.value());
  store_be(at + layout::kProducerEpoch, options_.producer_epoch.value());
  store_be(at + layout::kBaseSequence, options_.base_sequence.value());
  store_be(at + layout::kRecordCount, count_);
  append(out, body);
  store_be<std::uint32_t>(out.data() + layout::kCrc,
                          crc32c(ByteView(out).subspan(layout::kAttributes)));
  *this = BatchBuilder(options_);
  return out;
}

}  // namespace flux::record
