// Sectors that give an error, of bytes and of what vouches for them: each takes with it what only
// it holds, and no more.
#include <gtest/gtest.h>

#include "core/log/integrity.h"
#include "core/log/log.h"
#include "tests/support/log_kit.h"

namespace flux::test {
namespace {

using env::Task;
using log::LogConfig;
using log::ReadVerify;

constexpr const char* kFirstSegment = "data/t-0/00000000000000000000.log";
constexpr const char* kFirstIntegrity = "data/t-0/00000000000000000000.integrity";
constexpr std::uint64_t kSector = 512;
constexpr int kBatches = 5;

using Values = std::vector<std::string>;

// Synced batches, each so large that a sector is all its own, each closed as a block; a power cut.
struct Filled {
  explicit Filled(const LogConfig& with, int batches = kBatches) : config(with) {
    EXPECT_TRUE(node.run([&](Task& task) {
      const LogPointer log = *open_log(task, node.env(), config);
      for (int i = 0; i < batches; ++i) {
        const std::string tag = std::to_string(i) + std::string(1100, 'x');
        EXPECT_TRUE(append_synced(task, *log, tag).has_value());
        values.push_back(tag + "/0");
        ends.push_back(log->size_bytes());
      }
      EXPECT_TRUE(log->close(task).has_value());
      find_entries(*env::read_file(task, node.env().disk, kFirstIntegrity, 1 << 20));
    }));
    node.power_cut();
  }
  void find_entries(ByteView bytes) {
    const log::IntegrityCodec codec(identity_of(), Offset(0));
    for (std::uint32_t i = 0; log::integrity_entry_at(i) < bytes.size(); ++i) {
      const auto at = static_cast<std::size_t>(log::integrity_entry_at(i));
      const auto entry = codec.entry(bytes.subspan(at), i);
      if (entry && entry->kind == log::IntegrityKind::block) entries.push_back(at);
    }
    EXPECT_EQ(entries.size(), values.size());
  }
  // What is read when the bytes of that batch are lost.
  Values without(std::size_t victim, const char* error = "io_error") const {
    Values out = values;
    out[victim] = error;
    return out;
  }
  std::uint64_t start_of(std::size_t victim) const { return victim == 0 ? 0 : ends[victim - 1]; }
  void spoil_bytes(std::size_t victim) {
    const std::uint64_t sector = (start_of(victim) + kSector - 1) / kSector;
    make_unreadable(kFirstSegment, {sector * kSector, (sector + 1) * kSector});
  }
  void spoil_entry(std::size_t victim) {
    EXPECT_TRUE(node.image.rot_at(kFirstIntegrity, entries[victim] + 9, std::byte{1}));
  }
  void make_unreadable(const char* path, sim::ByteRange range) {
    EXPECT_TRUE(node.image.make_unreadable_at(path, range));
    node.image.drop_cache();
  }

  LogConfig config;
  SmallNode node;
  Values values;
  std::vector<std::uint64_t> ends;     // of each batch
  std::vector<std::uint64_t> entries;  // where each block's is
};

std::vector<LogConfig> configs() {
  std::vector<LogConfig> out;
  for (const ReadVerify verify : {ReadVerify::first, ReadVerify::always}) {
    for (const std::uint32_t block_bytes : {1U, 64U << 10}) {
      out.emplace_back();
      out.back().read_verify = verify;
      out.back().block_bytes = block_bytes;
    }
  }
  return out;
}

void expect_read(Filled& filled, const Values& expected, const char* when) {
  EXPECT_TRUE(filled.node.run([&](Task& task) {
    const auto log = open_log(task, filled.node.env(), filled.config);
    ASSERT_TRUE(log.has_value()) << when << ": " << log.error().to_string();
    EXPECT_EQ(read_all(task, **log), expected) << when;
    EXPECT_TRUE((*log)->close(task).has_value());
  }));
}

void expect_not_opened(Filled& filled) {
  EXPECT_TRUE(filled.node.run([&](Task& task) {
    const auto log = open_log(task, filled.node.env(), filled.config);
    ASSERT_FALSE(log.has_value());
    EXPECT_EQ(log.error().code(), ErrorCode::io_error);
  }));
}

class UnreadableTest : public ::testing::TestWithParam<std::size_t> {};

TEST_P(UnreadableTest, ABlockIsAnErrorForItself) {
  for (const LogConfig& config : configs()) {
    Filled filled(config);
    filled.spoil_bytes(GetParam());
    expect_read(filled, filled.without(GetParam()), "spoiled");
    filled.node.image.heal();
    expect_read(filled, filled.values, "healed");
  }
}

// Nothing but the marks says then that the bytes were ever there.
TEST_P(UnreadableTest, ABlockWithoutItsEntryIsAnErrorForItself) {
  for (const LogConfig& config : configs()) {
    Filled filled(config);
    filled.spoil_entry(GetParam());
    filled.spoil_bytes(GetParam());
    expect_read(filled, filled.without(GetParam()), "spoiled");
    expect_read(filled, filled.without(GetParam()), "opened once more");
    filled.node.image.heal();
    expect_read(filled, filled.values, "healed");
  }
}

// A device that gives errors for a while: who can wait has all of it afterwards.
TEST_P(UnreadableTest, OpeningMayWaitForTheDevice) {
  for (const bool entry_too : {false, true}) {
    for (const LogConfig& config : configs()) {
      Filled filled(config);
      if (entry_too) filled.spoil_entry(GetParam());
      filled.spoil_bytes(GetParam());
      filled.config.lose_unreadable = false;
      expect_not_opened(filled);
      filled.node.image.heal();
      expect_read(filled, filled.values, "healed");
    }
  }
}

TEST_P(UnreadableTest, WhatIsSpoiledLaterIsAnErrorWhileItLasts) {
  for (const bool entry_too : {false, true}) {
    for (const LogConfig& config : configs()) {
      Filled filled(config);
      EXPECT_TRUE(filled.node.run([&](Task& task) {
        const auto log = open_log(task, filled.node.env(), config);
        ASSERT_TRUE(log.has_value()) << log.error().to_string();
        if (entry_too) filled.spoil_entry(GetParam());
        filled.spoil_bytes(GetParam());
        EXPECT_EQ(read_all(task, **log), filled.without(GetParam()));
        filled.node.image.heal();
        EXPECT_EQ(read_all(task, **log), filled.values);
        EXPECT_TRUE((*log)->close(task).has_value());
      }));
    }
  }
}

// The bytes are there and other than they were, and the entry that would tell is gone.
TEST_P(UnreadableTest, RotWithoutItsEntryIsAnErrorForItself) {
  for (const LogConfig& config : configs()) {
    Filled filled(config);
    filled.spoil_entry(GetParam());
    const std::uint64_t at = filled.start_of(GetParam()) + 100;
    EXPECT_TRUE(filled.node.image.rot_at(kFirstSegment, at, std::byte{1}));
    expect_read(filled, filled.without(GetParam(), "corrupt"), "rotten");
  }
}

INSTANTIATE_TEST_SUITE_P(Victims, UnreadableTest, ::testing::Values(0, 2, kBatches - 1));

// An entry that cannot be read is one that does not check: the bytes answer for themselves.
TEST(UnreadableIntegrity, TakesNoBytesWithIt) {
  for (const bool at_opening : {true, false}) {
    for (const std::uint64_t from : {0, 4096}) {
      for (const LogConfig& config : configs()) {
        Filled filled(config, 80);
        EXPECT_GT(filled.entries.back(), 4096U);
        const auto spoil = [&] { filled.make_unreadable(kFirstIntegrity, {from, from + 512}); };
        if (at_opening) spoil();
        EXPECT_TRUE(filled.node.run([&](Task& task) {
          const auto log = open_log(task, filled.node.env(), config);
          ASSERT_TRUE(log.has_value()) << log.error().to_string();
          if (!at_opening) spoil();
          EXPECT_EQ(read_all(task, **log), filled.values);
          EXPECT_TRUE((*log)->close(task).has_value());
        }));
        // Made again at opening, and then it vouches for all of it.
        if (!at_opening) continue;
        filled.spoil_bytes(70);
        expect_read(filled, filled.without(70), "spoiled");
      }
    }
  }
}

// Above the mark nobody knows what the bytes should be: they are not cut off for an error that may
// pass, and what lies behind them cannot be told from a torn tail.
TEST(UnreadableTail, IsNotCutOff) {
  Filled filled({});
  EXPECT_TRUE(filled.node.run(
      [&](Task& task) { EXPECT_TRUE(filled.node.env().disk.remove(task, kFirstIntegrity)); }));
  filled.spoil_bytes(2);
  expect_not_opened(filled);
  filled.node.image.heal();
  expect_read(filled, filled.values, "healed");
}

// Indexes have no checksum: one that a disk gave wrong, and that yet looks like one, costs time
// only.
TEST(MisleadingIndex, IsMadeAnewFromTheBatches) {
  LogConfig config;
  config.segment_bytes = 6000;
  config.index_interval_bytes = 1;
  SmallNode node;
  Values values;
  std::uint64_t fourth = 0;
  EXPECT_TRUE(node.run([&](Task& task) {
    const LogPointer log = *open_log(task, node.env(), config);
    for (int i = 0; i < 8; ++i) {
      if (i == 3) fourth = log->size_bytes();
      const std::string tag = std::to_string(i) + std::string(1100, 'x');
      EXPECT_TRUE(append_synced(task, *log, tag).has_value());
      values.push_back(tag + "/0");
    }
    EXPECT_TRUE(log->close(task).has_value());
  }));
  EXPECT_TRUE(node.run([&](Task& task) {
    const auto log = open_log(task, node.env(), config);
    ASSERT_TRUE(log.has_value()) << log.error().to_string();
    // Offset 1 lies, it says, where the fourth batch begins.
    Bytes entry(8);
    store_be<std::int32_t>(entry.data(), 1);
    store_be<std::int32_t>(entry.data() + 4, static_cast<std::int32_t>(fourth));
    const std::string index = "data/t-0/00000000000000000000.index";
    EXPECT_TRUE(env::replace_file(task, node.env().disk, index, entry).has_value());
    const auto slice = (*log)->read(task, Offset(1), {.bytes_max = 1 << 20, .end = Offset(8)});
    ASSERT_TRUE(slice.has_value()) << slice.error().to_string();
    EXPECT_EQ(slice->first, Offset(1));
    EXPECT_EQ(read_all(task, **log), values);
    EXPECT_TRUE((*log)->close(task).has_value());
  }));
}

}  // namespace
}  // namespace flux::test
