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

// Tells a Pace of work by pieces.
class Paced {
 public:
  explicit Paced(const record::Pace& pace) : pace_(pace) {}
  // True when others may have run.
  bool done(std::size_t bytes) {
    pending_ += bytes;
    if (!pace_ || pending_ < record::kPaceBytes) return false;
    pace_(record::PaceOf::reading, std::exchange(pending_, 0));
    return true;
  }

 private:
  const record::Pace& pace_;
  std::size_t pending_ = 0;
};

std::uint32_t crc_of(ByteView bytes, const record::Pace& pace) {
  Paced paced(pace);
  std::uint32_t crc = 0;
  while (!bytes.empty()) {
    const ByteView piece = bytes.first(std::min(bytes.size(), record::kPaceBytes));
    crc = crc32c_extend(crc, piece);
    bytes = bytes.subspan(piece.size());
    paced.done(piece.size());
  }
  return crc;
}

}  // namespace

Bytes encode_producers(const ProducerState& state, const record::Pace& pace) {
  Bytes out;
  // Room for all at once: to grow is to move all of it in one run.
  out.reserve(kHeaderBytes + state.producers().size() * state.batches_kept() * kEntryBytes);
  out.resize(kHeaderBytes);
  Paced paced(pace);
  std::int32_t count = 0;
  for (auto at = state.producers().begin(); at != state.producers().end();) {
    const auto& [id, producer] = *at;
    const ProducerId last = id;
    if (producer.batches.empty()) append_entry(out, id, producer.epoch, nullptr);
    for (const ProducerBatch& batch : producer.batches) {
      append_entry(out, id, producer.epoch, &batch);
    }
    const std::size_t entries = std::max<std::size_t>(1, producer.batches.size());
    count += static_cast<std::int32_t>(entries);
    ++at;
    if (paced.done(entries * kEntryBytes)) at = state.producers().upper_bound(last);
  }
  store_be<std::int16_t>(out.data(), kVersion);
  store_be<std::int32_t>(out.data() + kCountAt, count);
  store_be<std::uint32_t>(out.data() + kCrcAt, crc_of(ByteView(out).subspan(kCountAt), pace));
  return out;
}

Result<void> decode_producers(ByteView bytes, Offset end, ProducerState& into,
                              const record::Pace& pace) {
  CHECK(into.producers().empty());
  if (bytes.size() < kHeaderBytes) return bad("too short");
  if (load_be<std::int16_t>(bytes.data()) != kVersion) return bad("of another version");
  if (load_be<std::uint32_t>(bytes.data() + kCrcAt) != crc_of(bytes.subspan(kCountAt), pace)) {
    return bad("its checksum does not fit");
  }
  const auto count = load_be<std::int32_t>(bytes.data() + kCountAt);
  const std::size_t room = bytes.size() - kHeaderBytes;
  if (room % kEntryBytes != 0 || std::cmp_not_equal(room / kEntryBytes, count)) {
    return bad("its length does not fit");
  }
  Paced paced(pace);
  std::map<ProducerId, Producer> producers;
  for (std::size_t at = kHeaderBytes; at < bytes.size(); at += kEntryBytes) {
    const Entry entry = TRY(read_entry(bytes.data() + at, end));
    TRY(take(producers[entry.id], entry));
    paced.done(kEntryBytes);
  }
  while (!producers.empty()) {
    auto first = producers.extract(producers.begin());
    into.restore(first.key(), std::move(first.mapped()));
    paced.done(kEntryBytes);
  }
  return {};
}

}  // namespace flux::log
