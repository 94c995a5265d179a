#include "core/log/producer_snapshot.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "core/base/check.h"
#include "core/base/crc32c.h"

namespace flux::log {
namespace {

constexpr std::int16_t kVersion = 1;
constexpr std::size_t kCrcAt = 2;
constexpr std::size_t kCountAt = 6;  // the checksum covers everything from here on
constexpr std::size_t kHeaderBytes = 10;

// One entry.
constexpr std::size_t kProducerId = 0;
constexpr std::size_t kEpoch = 8;
constexpr std::size_t kLastSequence = 10;
constexpr std::size_t kLastOffset = 14;
constexpr std::size_t kOffsetDelta = 22;
constexpr std::size_t kTimestamp = 26;
constexpr std::size_t kCoordinatorEpoch = 34;
constexpr std::size_t kTransactionStart = 38;
constexpr std::size_t kEntryBytes = 46;

constexpr std::int32_t kNoCoordinatorEpoch = -1;
constexpr std::int64_t kNoOffset = -1;

std::unexpected<Error> bad(std::string_view why) {
  return fail(ErrorCode::corrupt, "producer snapshot: " + std::string(why));
}

// Of a producer without batches when `batch` is null: its epoch is all that is known.
void append_entry(Bytes& to, ProducerId id, ProducerEpoch epoch, const ProducerBatch* batch) {
  to.resize(to.size() + kEntryBytes);
  std::byte* at = to.data() + to.size() - kEntryBytes;
  store_be<std::int64_t>(at + kProducerId, id.value());
  store_be<std::int16_t>(at + kEpoch, epoch.value());
  store_be<std::int32_t>(at + kLastSequence, (batch ? batch->last : kNoSequence).value());
  store_be<std::int64_t>(at + kLastOffset, batch ? batch->last_offset().value() : kNoOffset);
  store_be<std::int32_t>(at + kOffsetDelta, batch ? batch->last_offset_delta : 0);
  const record::Timestamp timestamp = batch ? batch->timestamp : record::kNoTimestamp;
  store_be<std::int64_t>(at + kTimestamp, timestamp.value());
  store_be<std::int32_t>(at + kCoordinatorEpoch, kNoCoordinatorEpoch);
  store_be<std::int64_t>(at + kTransactionStart, kNoOffset);
}

struct Entry {
  ProducerId id;
  ProducerEpoch epoch;
  std::optional<ProducerBatch> batch;
};

Result<Entry> read_entry(const std::byte* at, Offset end) {
  Entry out{.id = ProducerId(load_be<std::int64_t>(at + kProducerId)),
            .epoch = ProducerEpoch(load_be<std::int16_t>(at + kEpoch)),
            .batch = {}};
  if (out.id.value() < 0 || out.epoch.value() < 0) return bad("no such producer");
  if (load_be<std::int64_t>(at + kTransactionStart) >= 0) return bad("an open transaction");
  const auto last = load_be<std::int32_t>(at + kLastSequence);
  if (last < 0) return out;
  const auto delta = load_be<std::int32_t>(at + kOffsetDelta);
  const Offset last_offset(load_be<std::int64_t>(at + kLastOffset));
  if (delta < 0 || last_offset.value() < delta) return bad("a batch before the log");
  if (last_offset >= end) return bad("ahead of the log");
  const std::int32_t back = last >= delta ? last - delta : last + (INT32_MAX - delta) + 1;
  out.batch = {.first = Sequence(back),
               .last = Sequence(last),
               .base_offset = last_offset + -std::int64_t{delta},
               .last_offset_delta = delta,
               .timestamp = record::Timestamp(load_be<std::int64_t>(at + kTimestamp))};
  return out;
}

// Takes the entry into `producer`, which is that of the entry before or new.
Result<void> take(Producer& producer, const Entry& entry) {
  const bool first = producer.epoch == kNoProducerEpoch;
  if (!first && (producer.epoch != entry.epoch || producer.batches.empty() || !entry.batch)) {
    return bad("entries of one producer that do not belong together");
  }
  producer.epoch = entry.epoch;
  if (!entry.batch) return {};
  if (!first && entry.batch->base_offset <= producer.batches.back().last_offset()) {
    return bad("batches out of order");
  }
  producer.batches.push_back(*entry.batch);
  return {};
}

}  // namespace

Bytes encode_producers(const ProducerState& state) {
  Bytes out(kHeaderBytes);
  std::int32_t count = 0;
  for (const auto& [id, producer] : state.producers()) {
    if (producer.batches.empty()) append_entry(out, id, producer.epoch, nullptr);
    for (const ProducerBatch& batch : producer.batches) {
      append_entry(out, id, producer.epoch, &batch);
    }
    count += static_cast<std::int32_t>(std::max<std::size_t>(1, producer.batches.size()));
  }
  store_be<std::int16_t>(out.data(), kVersion);
  store_be<std::int32_t>(out.data() + kCountAt, count);
  store_be<std::uint32_t>(out.data() + kCrcAt, crc32c(ByteView(out).subspan(kCountAt)));
  return out;
}

Result<void> decode_producers(ByteView bytes, Offset end, ProducerState& into) {
  CHECK(into.producers().empty());
  if (bytes.size() < kHeaderBytes) return bad("too short");
  if (load_be<std::int16_t>(bytes.data()) != kVersion) return bad("of another version");
  if (load_be<std::uint32_t>(bytes.data() + kCrcAt) != crc32c(bytes.subspan(kCountAt))) {
    return bad("its checksum does not fit");
  }
  const auto count = load_be<std::int32_t>(bytes.data() + kCountAt);
  const std::size_t room = bytes.size() - kHeaderBytes;
  if (room % kEntryBytes != 0 || std::cmp_not_equal(room / kEntryBytes, count)) {
    return bad("its length does not fit");
  }
  std::map<ProducerId, Producer> producers;
  for (std::size_t at = kHeaderBytes; at < bytes.size(); at += kEntryBytes) {
    const Entry entry = TRY(read_entry(bytes.data() + at, end));
    TRY(take(producers[entry.id], entry));
  }
  for (auto& [id, producer] : producers) into.restore(id, std::move(producer));
  return {};
}

}  // namespace flux::log
