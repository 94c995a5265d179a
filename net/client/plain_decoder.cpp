#include "net/client/plain_decoder.h"

namespace flux::client::plain {
namespace {

constexpr std::size_t kPrefix = 12;     // base offset and length
constexpr std::size_t kHeader = 61;     // all before the records
constexpr std::size_t kCrcBegins = 21;  // what the CRC covers
constexpr int kMagicTwo = 2;
constexpr std::int32_t kRecordsMax = 10'000'000;

// Reads forward; `bad` once anything was missing or malformed.
struct Cursor {
  ByteView bytes;
  std::size_t at = 0;
  bool bad = false;

  std::uint8_t byte() {
    if (at >= bytes.size()) {
      bad = true;
      return 0;
    }
    return std::to_integer<std::uint8_t>(bytes[at++]);
  }
  std::uint64_t number(int size) {
    std::uint64_t out = 0;
    for (int i = 0; i < size; ++i) out = out << 8 | byte();
    return out;
  }
  // Seven bits a byte, lowest first, then zigzag.
  std::int64_t varlong() {
    std::uint64_t out = 0;
    for (int shift = 0; shift < 70; shift += 7) {
      const std::uint8_t next = byte();
      out |= static_cast<std::uint64_t>(next & 0x7F) << (shift < 64 ? shift : 63);
      if ((next & 0x80) == 0) return static_cast<std::int64_t>((out >> 1) ^ (~(out & 1) + 1));
    }
    bad = true;
    return 0;
  }
  Bytes take(std::int64_t size) {
    if (size < 0 || static_cast<std::uint64_t>(size) > bytes.size() - at) {
      bad = true;
      return {};
    }
    const ByteView view = bytes.subspan(at, static_cast<std::size_t>(size));
    at += view.size();
    return Bytes(view.begin(), view.end());
  }
  std::optional<Bytes> nullable() {
    const std::int64_t size = varlong();
    if (size == -1) return std::nullopt;
    return take(size);
  }
};

// CRC-32C bit by bit: reflected polynomial 0x82F63B78.
std::uint32_t checksum(ByteView bytes) {
  std::uint32_t crc = 0xFFFFFFFF;
  for (const std::byte b : bytes) {
    crc ^= std::to_integer<std::uint32_t>(b);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82F63B78U : 0U);
  }
  return ~crc;
}

std::unexpected<Error> bad(const Batch& batch, const std::string& what) {
  return fail(ErrorCode::corrupt,
              "batch at offset " + std::to_string(batch.base_offset) + ": " + what);
}

Result<Record> read_record(Cursor& from, const Batch& batch, std::int64_t base_timestamp,
                           std::int32_t number) {
  const std::int64_t length = from.varlong();
  const std::size_t begin = from.at;
  from.byte();  // attributes, unused
  Record out;
  const std::int64_t later = from.varlong();
  // Times wrap, as they do in Java.
  out.timestamp_ms = batch.log_append_time()
                         ? batch.max_timestamp_ms
                         : static_cast<std::int64_t>(static_cast<std::uint64_t>(base_timestamp) +
                                                     static_cast<std::uint64_t>(later));
  const std::int64_t delta = from.varlong();
  out.key = from.nullable();
  out.value = from.nullable();
  const std::int64_t headers = from.varlong();
  if (from.bad || headers < 0) return bad(batch, "a record ends early");
  for (std::int64_t i = 0; i < headers && !from.bad; ++i) {
    const std::optional<Bytes> key = from.nullable();
    if (!key) return bad(batch, "a header without a key");
    const std::string name(as_text(*key));
    out.headers.emplace_back(name, from.nullable());
  }
  if (from.bad) return bad(batch, "a record ends early");
  if (length < 0 || from.at - begin != static_cast<std::uint64_t>(length)) {
    return bad(batch, "record " + std::to_string(number) + " is not as long as it says");
  }
  if (delta < number || delta > batch.last_offset_delta) {
    return bad(batch,
               "record " + std::to_string(number) + " has offset delta " + std::to_string(delta));
  }
  out.offset = batch.base_offset + delta;
  return out;
}

Result<Batch> read_batch(ByteView bytes, const Unpack& unpack) {
  Cursor from{bytes};
  Batch batch;
  batch.bytes = bytes.size();
  batch.base_offset = static_cast<std::int64_t>(from.number(8));
  from.number(4);  // length, which cut `bytes`
  batch.leader_epoch = static_cast<std::int32_t>(from.number(4));
  if (from.byte() != kMagicTwo) return bad(batch, "its magic is not 2");
  const auto crc = static_cast<std::uint32_t>(from.number(4));
  if (crc != checksum(bytes.subspan(kCrcBegins))) return bad(batch, "its CRC does not fit");
  batch.attributes = static_cast<std::int16_t>(from.number(2));
  batch.last_offset_delta = static_cast<std::int32_t>(from.number(4));
  const auto base_timestamp = static_cast<std::int64_t>(from.number(8));
  batch.max_timestamp_ms = static_cast<std::int64_t>(from.number(8));
  batch.producer_id = static_cast<std::int64_t>(from.number(8));
  batch.producer_epoch = static_cast<std::int16_t>(from.number(2));
  batch.base_sequence = static_cast<std::int32_t>(from.number(4));
  const auto count = static_cast<std::int32_t>(from.number(4));
  if (count < 0 || count > kRecordsMax) return bad(batch, "it counts no records");
  if (batch.last_offset_delta < 0) return bad(batch, "its last offset is before its first");
  if (batch.base_offset < 0 || batch.base_offset >= INT64_MAX - batch.last_offset_delta) {
    return bad(batch, "its offsets are none");
  }
  Bytes plain;
  Cursor records{bytes.subspan(kHeader)};
  if (batch.codec() != 0) {
    Result<Bytes> unpacked = unpack(batch.codec(), bytes.subspan(kHeader));
    if (!unpacked) return bad(batch, unpacked.error().to_string());
    plain = std::move(*unpacked);
    records.bytes = plain;
  }
  std::int64_t last = batch.base_offset - 1;
  for (std::int32_t i = 0; i < count; ++i) {
    Record record = TRY(read_record(records, batch, base_timestamp, i));
    if (record.offset <= last) return bad(batch, "offsets do not rise");
    last = record.offset;
    batch.records.push_back(std::move(record));
  }
  if (records.at != records.bytes.size()) return bad(batch, "bytes follow its last record");
  return batch;
}

}  // namespace

Result<Decoded> decode(ByteView bytes, const Unpack& unpack) {
  Decoded out;
  std::int64_t next = INT64_MIN;
  while (!bytes.empty()) {
    if (bytes.size() < kPrefix) break;
    Cursor length{bytes.subspan(8)};
    const auto size = static_cast<std::int32_t>(length.number(4));
    if (size < static_cast<std::int32_t>(kHeader - kPrefix)) {
      return fail(ErrorCode::corrupt, "a batch shorter than its header");
    }
    const std::size_t whole = kPrefix + static_cast<std::size_t>(size);
    if (whole > bytes.size()) break;
    Batch batch = TRY(read_batch(bytes.first(whole), unpack));
    if (batch.base_offset < next) return bad(batch, "it begins before the one before it ends");
    next = batch.base_offset + batch.last_offset_delta + 1;
    out.batches.push_back(std::move(batch));
    bytes = bytes.subspan(whole);
  }
  out.cut_off_bytes = bytes.size();
  return out;
}

}  // namespace flux::client::plain
