// Integrity files with more entries than a window of them: what opening makes of them, and that it
// never has all of them in memory.
#include "core/log/entry_reader.h"

#include <functional>

#include <gtest/gtest.h>

#include "core/log/log.h"
#include "tests/support/log_kit.h"

namespace flux::test {
namespace {

using env::Task;

constexpr int kBatches = 5000;
constexpr std::size_t kReadMax = std::size_t{256} << 10;
static_assert(kBatches * log::kIntegrityEntryBytes > kReadMax);
const std::string kEntries = "data/t-0/00000000000000000000.integrity";

// One segment, and a block for each batch.
log::LogConfig one_segment() {
  log::LogConfig config;
  config.block_bytes = 1;
  return config;
}

void fill(SmallNode& node) {
  node.run([&](Task& task) {
    const LogPointer log = *open_log(task, node.env(), one_segment());
    for (int i = 0; i < kBatches; ++i) EXPECT_TRUE(append(task, *log, std::to_string(i)));
    EXPECT_TRUE(log->sync(task, log->end_offset()));
    EXPECT_TRUE(log->close(task));
  });
}

void expect_all(SmallNode& node, bool clean) {
  node.run([&](Task& task) {
    node.disk.largest_read = 0;
    const LogPointer log = *open_log(task, node.env(), one_segment());
    EXPECT_LE(node.disk.largest_read, kReadMax);
    EXPECT_EQ(log->recovery().clean, clean);
    EXPECT_EQ(log->recovery().rotten_ranges, 0U);
    EXPECT_EQ(log->recovery().torn_bytes_cut, 0U);
    const auto values = read_all(task, *log);
    ASSERT_EQ(values.size(), static_cast<std::size_t>(kBatches));
    for (int i = 0; i < kBatches; ++i) {
      EXPECT_EQ(values[static_cast<std::size_t>(i)], std::to_string(i) + "/0");
    }
    EXPECT_TRUE(log->close(task));
  });
}

TEST(ManyEntries, OpenAsMarkedAndWithout) {
  SmallNode node;
  fill(node);
  expect_all(node, true);
  node.run([&](Task& task) { take_clean_mark_away(task, node.env()); });
  expect_all(node, false);
  expect_all(node, true);
}

// In each window some, and the last of one window with the first of the next.
TEST(ManyEntries, ThoseThatRottedAreMadeAnew) {
  SmallNode node;
  fill(node);
  node.run([&](Task& task) {
    take_clean_mark_away(task, node.env());
    for (const std::uint32_t index : {0U, 100U, 2047U, 2048U, 2049U, 4999U}) {
      node.flip_bit(task, kEntries, log::integrity_entry_at(index) + 5);
    }
  });
  expect_all(node, false);
  expect_all(node, true);
  node.run([&](Task& task) {
    const log::IntegrityCodec codec(identity_of(), Offset(0));
    auto reader = *log::EntryReader::open(task, node.env(), kEntries, codec);
    std::uint32_t blocks = 0;
    for (auto found = *reader.next(task); found; found = *reader.next(task)) {
      blocks += found->entry.kind == log::IntegrityKind::block ? 1U : 0U;
    }
    EXPECT_FALSE(reader.damaged());
    EXPECT_GE(blocks, static_cast<std::uint32_t>(kBatches) - 2);
  });
}

TEST(ManyEntries, AreWrittenAgainByARepairAsTheyWere) {
  SmallNode node;
  fill(node);
  node.run([&](Task& task) {
    take_clean_mark_away(task, node.env());
    const auto file =
        *node.env().disk.open(task, "data/t-0/00000000000000000000.log", env::Open::read_write);
    EXPECT_TRUE(file->write_at(task, *file->size(task), as_bytes("torn")));
  });
  node.run([&](Task& task) {
    node.disk.largest_read = 0;
    const LogPointer log = *open_log(task, node.env(), one_segment());
    EXPECT_LE(node.disk.largest_read, kReadMax);
    EXPECT_EQ(log->recovery().torn_bytes_cut, 4U);
    EXPECT_TRUE(log->close(task));
  });
  expect_all(node, true);
}

// --- a few entries, written by hand

const log::IntegrityCodec kCodec(identity_of(), Offset(0));

log::IntegrityEntry block(std::uint32_t position, std::uint32_t length) {
  return {.kind = log::IntegrityKind::block, .position = position, .length = length};
}

struct Read {
  std::vector<std::uint32_t> positions;
  bool damaged = false;
  bool whole = false;
};

// `spoil` may change the file before it is read.
Read read_entries(const std::vector<log::IntegrityEntry>& entries,
                  const std::function<void(SmallNode& node, Task& task)>& spoil = {}) {
  Read out;
  SmallNode node;
  node.run([&](Task& task) {
    EXPECT_TRUE(env::make_directories(task, node.env().disk, kLogDirectory));
    Bytes bytes = kCodec.header();
    for (std::uint32_t i = 0; i < entries.size(); ++i) kCodec.append_entry(bytes, i, entries[i]);
    EXPECT_TRUE(env::replace_file(task, node.env().disk, kEntries, bytes));
    if (spoil) spoil(node, task);
    auto reader = *log::EntryReader::open(task, node.env(), kEntries, kCodec);
    for (auto found = *reader.next(task); found; found = *reader.next(task)) {
      EXPECT_EQ(found->entry, entries[found->index]);
      out.positions.push_back(found->entry.position);
    }
    EXPECT_TRUE(reader.header_good());
    out.damaged = reader.damaged();
    out.whole = reader.whole();
  });
  return out;
}

using Positions = std::vector<std::uint32_t>;

TEST(EntryReaderTest, GivesEntriesThatAscend) {
  const log::IntegrityEntry mark{.kind = log::IntegrityKind::mark, .position = 10};
  const Read good = read_entries({block(0, 10), mark, block(10, 5), block(20, UINT32_MAX - 20)});
  EXPECT_EQ(good.positions, (Positions{0, 10, 10, 20}));
  EXPECT_FALSE(good.damaged);
  EXPECT_TRUE(good.whole);
}

TEST(EntryReaderTest, LeavesOutWhatIsOutOfLine) {
  for (const log::IntegrityEntry& bad : {block(9, 5), block(20, UINT32_MAX - 19), block(20, 0)}) {
    const Read read = read_entries({block(0, 10), bad, block(30, 5)});
    EXPECT_EQ(read.positions, (Positions{0, 30}));
    EXPECT_TRUE(read.damaged);
    EXPECT_TRUE(read.whole);
  }
}

TEST(EntryReaderTest, TellsWhatDoesNotCheckFromWhatCannotBeRead) {
  std::vector<log::IntegrityEntry> line;
  for (std::uint32_t i = 0; i < 20; ++i) line.push_back(block(i, 1));
  const Read rotten = read_entries(line, [](SmallNode& node, Task& task) {
    node.flip_bit(task, kEntries, log::integrity_entry_at(10));
  });
  EXPECT_EQ(rotten.positions.size(), 19U);
  EXPECT_TRUE(rotten.damaged);
  EXPECT_TRUE(rotten.whole);
  const Read unreadable = read_entries(line, [](SmallNode& node, Task&) {
    EXPECT_TRUE(node.image.make_unreadable_at(kEntries, {512, 1024}));
    node.image.drop_cache();
  });
  EXPECT_EQ(unreadable.positions.size(), 12U);
  EXPECT_TRUE(unreadable.damaged);
  EXPECT_FALSE(unreadable.whole);
}

TEST(EntryReaderTest, OneWrongReadingIsNoDamage) {
  std::vector<log::IntegrityEntry> line;
  for (std::uint32_t i = 0; i < 20; ++i) line.push_back(block(i, 1));
  const Read read = read_entries(line, [](SmallNode& node, Task&) {
    node.image.order({.fault = sim::OrderedFault::misdirected_read, .skip = 1});
  });
  EXPECT_EQ(read.positions.size(), 20U);
  EXPECT_FALSE(read.damaged);
  EXPECT_TRUE(read.whole);
}

}  // namespace
}  // namespace flux::test
