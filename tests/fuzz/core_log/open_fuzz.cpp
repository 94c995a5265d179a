// Any bytes as the files of a partition's directory: the log opens or says why not, can be read
// from its start to its end, takes an append, and opens the same again. Checks of batches and
// entries are made to fit, so that what lies behind them is reached. Input: five bytes, of which
// four say how the rest is shared out among the two segments' files.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "core/base/check.h"
#include "core/base/hash.h"
#include "core/log/integrity.h"
#include "core/log/names.h"
#include "tests/support/log_kit.h"

namespace flux::log {
namespace {

constexpr int kExecutionsPerNode = 64;

struct Parts {
  unsigned flags = 0;
  ByteView first_log, first_entries, second_log, second_entries, rest;
};

std::optional<Parts> split(ByteView input) {
  if (input.size() < 5) return std::nullopt;
  Parts out{.flags = std::to_integer<unsigned>(input[0])};
  const ByteView sizes = input.subspan(1, 4);
  input = input.subspan(5);
  ByteView* const parts[] = {&out.first_log, &out.first_entries, &out.second_log,
                             &out.second_entries};
  for (std::size_t i = 0; i < 4; ++i) {
    const std::size_t share = std::to_integer<std::size_t>(sizes[i]) * (i % 2 == 0 ? 4 : 64);
    *parts[i] = input.first(std::min(share, input.size()));
    input = input.subspan(parts[i]->size());
  }
  out.rest = input;
  return out;
}

// Each batch with the CRC that it ought to have.
Bytes mended_log(ByteView bytes) {
  Bytes out = to_bytes(bytes);
  for (std::size_t at = 0; at < out.size();) {
    const auto batch = record::BatchView::first_of(ByteView(out).subspan(at));
    if (!batch) break;
    store_be(out.data() + at + record::layout::kCrc, batch->computed_crc());
    at += batch->size();
  }
  return out;
}

// Each 64 bytes as the fields of an entry.
Bytes mended_entries(ByteView bytes, Offset base) {
  const IntegrityCodec codec(test::identity_of(), base);
  Bytes out = codec.header();
  for (std::uint32_t i = 0; bytes.size() >= kIntegrityEntryBytes; ++i) {
    const std::byte* const at = bytes.data();
    codec.append_entry(out, i,
                       {.kind = (std::to_integer<unsigned>(at[0]) & 1U) == 0 ? IntegrityKind::block
                                                                             : IntegrityKind::mark,
                        .position = load_be<std::uint32_t>(at + 4),
                        .length = load_be<std::uint32_t>(at + 8),
                        .synced_position = load_be<std::uint32_t>(at + 12),
                        .base = Offset(load_be<std::int64_t>(at + 16)),
                        .end = Offset(load_be<std::int64_t>(at + 24)),
                        .synced_offset = Offset(load_be<std::int64_t>(at + 32)),
                        .boot_id = load_be<std::uint64_t>(at + 40),
                        .digest = load_be<std::uint64_t>(at + 48)});
    bytes = bytes.subspan(kIntegrityEntryBytes);
  }
  append(out, bytes);
  return out;
}

void put(env::Task& task, env::Disk& disk, const std::string& name, ByteView content) {
  const std::string path = std::string(test::kLogDirectory) + "/" + name;
  const auto file = disk.open(task, path, env::Open::create_empty);
  CHECK(file.has_value());
  if (!content.empty()) CHECK((*file)->write_at(task, 0, content).has_value());
}

void lay_out(env::Task& task, env::Disk& disk, const Parts& parts) {
  CHECK(env::make_directories(task, disk, test::kLogDirectory).has_value());
  const bool raw = (parts.flags & 1U) != 0;
  const bool second = (parts.flags & 2U) != 0;
  const Offset second_base(1 + static_cast<std::int64_t>(parts.flags >> 4U));
  const auto log = [&](ByteView bytes) { return raw ? to_bytes(bytes) : mended_log(bytes); };
  put(task, disk, segment_file(Offset(0), kLogSuffix), log(parts.first_log));
  put(task, disk, segment_file(Offset(0), kIntegritySuffix),
      raw ? to_bytes(parts.first_entries) : mended_entries(parts.first_entries, Offset(0)));
  put(task, disk, segment_file(Offset(0), kIndexSuffix), parts.rest);
  if ((parts.flags & 4U) != 0) put(task, disk, std::string(kEpochFile), parts.rest);
  if (!second) return;
  put(task, disk, segment_file(second_base, kLogSuffix), log(parts.second_log));
  put(task, disk, segment_file(second_base, kIntegritySuffix),
      mended_entries(parts.second_entries, second_base));
}

// Every offset gives a batch that holds it, or an error.
void read_through(env::Task& task, Log& log) {
  Offset at = log.start_offset();
  for (int steps = 0; at < log.end_offset() && steps < 1000; ++steps) {
    const auto slice = log.read(task, at);
    if (!slice || slice->empty()) {
      at = at + 1;
      continue;
    }
    CHECK_GT(slice->next, at);
    const auto bytes = log.bytes_of(task, *slice);
    CHECK(bytes.has_value());
    for (ByteView rest = *bytes; !rest.empty();) CHECK(record::BatchView::take(rest).has_value());
    at = slice->next;
  }
  static_cast<void>(log.offset_for_timestamp(task, record::Timestamp(0)));
}

void clear(env::Task& task, env::Disk& disk) {
  const auto found = disk.list(task, test::kLogDirectory);
  CHECK(found.has_value());
  for (const env::DirectoryEntry& entry : *found) {
    const std::string path = std::string(test::kLogDirectory) + "/" + entry.name;
    CHECK(disk.remove(task, path).has_value());
  }
}

void live(env::Task& task, env::Env& env, const LogConfig& config) {
  Offset end;
  {
    const auto log = test::open_log(task, env, config);
    if (!log) return;
    read_through(task, **log);
    // At the last offsets there is no room for more.
    if ((*log)->end_offset() > Offset(INT64_MAX - 16)) return;
    const auto appended = test::append_synced(task, **log, "x");
    end = (*log)->end_offset();
    if (appended) CHECK_EQ(appended->end, end);
    static_cast<void>((*log)->close(task));
  }
  const auto again = test::open_log(task, env, config);
  CHECK(again.has_value());
  CHECK_EQ((*again)->end_offset(), end);
  CHECK_EQ((*again)->recovery().torn_bytes_cut, 0U);
  read_through(task, **again);
  CHECK((*again)->close(task).has_value());
}

void try_input(ByteView input) {
  static std::unique_ptr<test::SmallNode> node;
  static int executions = 0;
  const auto parts = split(input);
  if (!parts) return;
  if (!node || ++executions % kExecutionsPerNode == 0) node = std::make_unique<test::SmallNode>();
  LogConfig config;
  config.block_bytes = 256;
  config.index_interval_bytes = 64;
  if ((parts->flags & 8U) != 0) config.read_verify = ReadVerify::always;
  const bool ended = node->run([&](env::Task& task) {
    lay_out(task, node->disk, *parts);
    live(task, node->env(), config);
    clear(task, node->disk);
  });
  CHECK(ended, "a fiber waits for what never comes");
}

}  // namespace
}  // namespace flux::log

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  flux::log::try_input(std::as_bytes(std::span(data, size)));
  return 0;
}
