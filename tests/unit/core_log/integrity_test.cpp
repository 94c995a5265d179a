// Rot and torn tails: told apart, never served, never cut off.
#include "core/log/integrity.h"

#include <gtest/gtest.h>

#include "core/log/log.h"
#include "tests/support/log_kit.h"

namespace flux::test {
namespace {

using env::Task;
using log::LogConfig;
using log::ReadVerify;

constexpr const char* kFirstSegment = "data/t-0/00000000000000000000.log";
constexpr const char* kFirstIntegrity = "data/t-0/00000000000000000000.integrity";

// Five synced batches of equal size, closed in order, and a power cut.
std::size_t fill(SmallNode& node, const LogConfig& config) {
  const std::size_t size = make_batch("v0").size();
  EXPECT_TRUE(node.run([&](Task& task) {
    const LogPointer log = *open_log(task, node.env(), config);
    for (int i = 0; i < 5; ++i) {
      EXPECT_TRUE(append_synced(task, *log, "v" + std::to_string(i)).has_value());
    }
    EXPECT_TRUE(log->close(task).has_value());
  }));
  // Another boot: from here on only the durable marks say what was synced.
  node.power_cut();
  return size;
}

std::vector<std::string> reopen_and_read(SmallNode& node, const LogConfig& config,
                                         std::string_view then = "") {
  std::vector<std::string> out;
  EXPECT_TRUE(node.run([&](Task& task) {
    const auto opened = open_log(task, node.env(), config);
    ASSERT_TRUE(opened.has_value()) << opened.error().to_string();
    const LogPointer log = *opened;
    if (!then.empty()) {
      EXPECT_TRUE(append_synced(task, *log, then).has_value());
    }
    out = read_all(task, *log);
    EXPECT_TRUE(log->close(task).has_value());
  }));
  return out;
}

using Values = std::vector<std::string>;

// Every bit of every header byte of the first, a middle and the last synced batch.
TEST(IntegrityTest, EveryFlippedBitOfAHeaderIsDetected) {
  for (const int victim : {0, 2, 4}) {
    SmallNode node;
    const std::size_t size = fill(node, {});
    Values expected{"v0/0", "v1/0", "v2/0", "v3/0", "v4/0"};
    expected[static_cast<std::size_t>(victim)] = "corrupt";
    const sim::DiskSnapshot clean = node.image.snapshot();
    for (std::size_t byte = 0; byte < record::kBatchHeaderBytes; ++byte) {
      const auto bit = static_cast<std::byte>(1U << (byte % 8));
      ASSERT_TRUE(
          node.image.rot_at(kFirstSegment, static_cast<std::size_t>(victim) * size + byte, bit));
      EXPECT_EQ(reopen_and_read(node, {}), expected) << "batch " << victim << " byte " << byte;
      node.image.heal();
      node.image.restore(clean);
    }
  }
}

// With a reader that opened before the rot struck.
TEST(IntegrityTest, RotAfterOpeningIsDetectedAtFirstRead) {
  for (const ReadVerify verify : {ReadVerify::first, ReadVerify::always}) {
    SmallNode node;
    const std::size_t size = fill(node, {});
    LogConfig config;
    config.read_verify = verify;
    node.run([&](Task& task) {
      const LogPointer log = *open_log(task, node.env(), config);
      EXPECT_TRUE(node.image.rot_at(kFirstSegment, size * 3 + 15, std::byte{1}));  // the epoch
      EXPECT_EQ(read_all(task, *log), (Values{"v0/0", "v1/0", "v2/0", "corrupt", "v4/0"}));
      // Once seen it is never served, even if the bytes come back.
      node.image.heal();
      EXPECT_EQ(read_all(task, *log, Offset(3)), (Values{"corrupt", "v4/0"}));
      // Between rot and end, and up to the rot.
      EXPECT_EQ(log->read(task, Offset(0))->next, Offset(3));
      EXPECT_TRUE(log->close(task).has_value());
    });
  }
}

TEST(IntegrityTest, AlwaysSeesRotThatStrikesLater) {
  SmallNode node;
  const std::size_t size = fill(node, {});
  LogConfig config;
  config.read_verify = ReadVerify::always;
  node.run([&](Task& task) {
    const LogPointer log = *open_log(task, node.env(), config);
    EXPECT_EQ(read_all(task, *log).size(), 5U);
    EXPECT_TRUE(node.image.rot_at(kFirstSegment, size + 70, std::byte{4}));
    EXPECT_EQ(read_all(task, *log), (Values{"v0/0", "corrupt", "v2/0", "v3/0", "v4/0"}));
    EXPECT_TRUE(log->close(task).has_value());
  });
}

// A partition's limit may be tens of megabytes.
TEST(IntegrityTest, AlwaysLetsOthersInBetweenPieces) {
  SmallNode node;
  LogConfig config;
  config.read_verify = ReadVerify::always;
  node.run([&](Task& task) {
    const LogPointer log = *open_log(task, node.env(), config);
    Values expected;
    for (int i = 0; i < 40; ++i) {
      const std::string tag(100'000, static_cast<char>('a' + i % 20));
      EXPECT_TRUE(append_synced(task, *log, tag));
      expected.push_back(tag + "/0");
    }
    const log::ReadLimits all{.bytes_max = 8U << 20};
    const log::Slice first = *log->read(task, Offset(0), all);
    const std::uint64_t before = node.asked_to_yield();
    const log::Slice again = *log->read(task, Offset(0), all);
    EXPECT_GE(node.asked_to_yield() - before, again.length / (1U << 20));
    EXPECT_EQ(again.next, Offset(40));
    EXPECT_TRUE(again.bytes && first.bytes == again.bytes);
    EXPECT_TRUE(read_all(task, *log, Offset(0), 8U << 20) == expected);
    // Of several pieces, up to the rot in a later one.
    EXPECT_TRUE(node.image.rot_at(kFirstSegment, again.length / 2, std::byte{4}));
    const log::Slice cut = *log->read(task, Offset(0), all);
    EXPECT_EQ(cut.next, Offset(20));
    EXPECT_EQ(cut.bytes->size(), cut.length);
    EXPECT_TRUE(log->close(task).has_value());
  });
}

TEST(IntegrityTest, RotIsNeverCutOffOrOverwritten) {
  SmallNode node;
  const std::size_t size = fill(node, {});
  ASSERT_TRUE(node.image.rot_at(kFirstSegment, size * 4 + 30, std::byte{1}));
  const Values expected{"v0/0", "v1/0", "v2/0", "v3/0", "corrupt", "next/0"};
  EXPECT_EQ(reopen_and_read(node, {}, "next"), expected);
  EXPECT_EQ(reopen_and_read(node, {}), expected);
  // When the right bytes come back they are read again.
  node.image.heal();
  EXPECT_EQ(reopen_and_read(node, {}), (Values{"v0/0", "v1/0", "v2/0", "v3/0", "v4/0", "next/0"}));
}

// A batch of another partition at the right offset, with a valid CRC.
TEST(IntegrityTest, AMisdirectedBatchIsDetected) {
  for (const int victim : {1, 4}) {
    SmallNode node;
    const std::size_t size = fill(node, {});
    node.run([&](Task& task) {
      Bytes foreign = make_batch("w" + std::to_string(victim));
      ASSERT_EQ(foreign.size(), size);
      record::set_base_offset(foreign, Offset(victim));
      record::set_leader_epoch(foreign, LeaderEpoch(0));
      const auto file = *node.env().disk.open(task, kFirstSegment, env::Open::read_write);
      EXPECT_TRUE(file->write_at(task, static_cast<std::uint64_t>(victim) * size, foreign));
      EXPECT_TRUE(file->sync(task));
    });
    Values expected{"v0/0", "v1/0", "v2/0", "v3/0", "v4/0"};
    expected[static_cast<std::size_t>(victim)] = "corrupt";
    EXPECT_EQ(reopen_and_read(node, {}), expected);
  }
}

TEST(IntegrityTest, MissingSyncedBytesAreRotNotATornTail) {
  SmallNode node;
  const std::size_t size = fill(node, {});
  node.run([&](Task& task) {
    const auto file = *node.env().disk.open(task, kFirstSegment, env::Open::read_write);
    EXPECT_TRUE(file->truncate(task, size * 3 + 7));
    EXPECT_TRUE(file->sync(task));
  });
  const Values expected{"v0/0", "v1/0", "v2/0", "corrupt", "corrupt", "next/0"};
  EXPECT_EQ(reopen_and_read(node, {}, "next"), expected);
  EXPECT_EQ(reopen_and_read(node, {}), expected);
}

// A sector that cannot be read takes its batches with it, and no others.
TEST(IntegrityTest, AnUnreadableSectorIsAnErrorWhileItLasts) {
  for (const bool at_opening : {true, false}) {
    SmallNode node;
    LogConfig config;
    Values expected;
    node.run([&](Task& task) {
      const LogPointer log = *open_log(task, node.env(), config);
      for (int i = 0; i < 5; ++i) {
        const std::string tag = std::to_string(i) + std::string(620, 'x');
        EXPECT_TRUE(append_synced(task, *log, tag).has_value());
        expected.push_back(tag + "/0");
      }
      EXPECT_TRUE(log->close(task).has_value());
    });
    const auto spoil = [&] {
      EXPECT_TRUE(node.image.make_unreadable_at(kFirstSegment, {1536, 2048}));
      node.image.drop_cache();
    };
    if (at_opening) spoil();
    node.run([&](Task& task) {
      const LogPointer log = *open_log(task, node.env(), config);
      if (!at_opening) spoil();
      Values seen = read_all(task, *log);
      EXPECT_EQ(seen.size(), 5U);
      for (std::size_t i = 0; i < seen.size(); ++i) {
        // Batches are a little over 690 bytes: the third alone touches the sector.
        EXPECT_EQ(seen[i], i == 2 ? "io_error" : expected[i]) << i;
      }
      node.image.heal();
      EXPECT_EQ(read_all(task, *log), expected);
      EXPECT_TRUE(log->close(task).has_value());
    });
  }
}

TEST(IntegrityTest, ALostSegmentIsAnErrorForItsOffsets) {
  SmallNode node;
  LogConfig config = small_config();
  Values expected;
  node.run([&](Task& task) {
    const LogPointer log = *open_log(task, node.env(), config);
    for (int i = 0; i < 30; ++i) {
      EXPECT_TRUE(append_synced(task, *log, "v" + std::to_string(i)).has_value());
      expected.push_back("v" + std::to_string(i) + "/0");
    }
    EXPECT_TRUE(log->close(task).has_value());
  });
  std::vector<std::string> names;
  node.run([&](Task& task) {
    const std::vector<env::DirectoryEntry> entries = *node.env().disk.list(task, "data/t-0");
    for (const env::DirectoryEntry& entry : entries) {
      if (entry.name.ends_with(".log")) names.push_back(entry.name.substr(0, 20));
    }
    ASSERT_GE(names.size(), 4U);
    for (const char* suffix : {".log", ".integrity"}) {
      EXPECT_TRUE(node.env().disk.remove(task, "data/t-0/" + names[1] + suffix));
    }
    EXPECT_TRUE(node.env().disk.sync_directory(task, "data/t-0"));
  });
  const int from = std::stoi(names[1]);
  const int to = std::stoi(names[2]);
  for (int i = from; i < to; ++i) expected[static_cast<std::size_t>(i)] = "corrupt";
  EXPECT_EQ(reopen_and_read(node, config), expected);
}

TEST(IntegrityTest, ADamagedIntegrityFileLosesNothing) {
  for (const std::uint64_t at : {0UL, 20UL, 64UL, 70UL, 64UL * 3, 64UL * 5 + 50}) {
    SmallNode node;
    fill(node, {});
    ASSERT_TRUE(node.image.rot_at(kFirstIntegrity, at, std::byte{0x10}));
    const Values expected{"v0/0", "v1/0", "v2/0", "v3/0", "v4/0", "next/0"};
    EXPECT_EQ(reopen_and_read(node, {}, "next"), expected) << at;
    EXPECT_EQ(reopen_and_read(node, {}), expected) << at;
  }
}

TEST(IntegrityTest, AMissingIntegrityFileIsMadeAgain) {
  SmallNode node;
  fill(node, {});
  node.run([&](Task& task) { EXPECT_TRUE(node.env().disk.remove(task, kFirstIntegrity)); });
  const Values expected{"v0/0", "v1/0", "v2/0", "v3/0", "v4/0"};
  LogConfig config;
  config.block_bytes = 1;  // a block for each batch
  EXPECT_EQ(reopen_and_read(node, config), expected);
  // From now on header bytes are covered again.
  ASSERT_TRUE(node.image.rot_at(kFirstSegment, 15, std::byte{1}));
  EXPECT_EQ(reopen_and_read(node, config), (Values{"corrupt", "v1/0", "v2/0", "v3/0", "v4/0"}));
}

TEST(IntegrityTest, ANewerFormatIsRefused) {
  SmallNode node;
  fill(node, {});
  node.run([&](Task& task) {
    Bytes bytes = *env::read_file(task, node.env().disk, kFirstIntegrity, 1 << 20);
    store_be<std::uint32_t>(bytes.data() + 8, 2);
    store_be(bytes.data() + 56, hash_bytes(ByteView(bytes).first(56)));
    EXPECT_TRUE(env::replace_file(task, node.env().disk, kFirstIntegrity, bytes));
    EXPECT_EQ(open_log(task, node.env(), {}).error().code(), ErrorCode::unsupported);
  });
}

TEST(IntegrityTest, IndexesAreNotBelieved) {
  SmallNode node;
  const LogConfig config = small_config();
  std::vector<std::string> expected;
  node.run([&](Task& task) {
    const LogPointer log = *open_log(task, node.env(), config);
    for (int i = 0; i < 30; ++i) {
      EXPECT_TRUE(append_synced(task, *log, "v" + std::to_string(i)).has_value());
      expected.push_back("v" + std::to_string(i) + "/0");
    }
    EXPECT_TRUE(log->close(task).has_value());
    // Points into the middle of a batch.
    for (const char* name :
         {"data/t-0/00000000000000000000.index", "data/t-0/00000000000000000000.timeindex"}) {
      const auto file = *node.env().disk.open(task, name, env::Open::create_empty);
      Bytes bad(24, std::byte{0});
      bad[7] = std::byte{9};
      EXPECT_TRUE(file->write_at(task, 0, bad));
    }
  });
  node.run([&](Task& task) {
    LogPointer log = *open_log(task, node.env(), config);
    EXPECT_EQ(read_all(task, *log, Offset(0), 100), expected);
    EXPECT_TRUE(log->close(task).has_value());
    take_clean_mark_away(task, node.env());
    log = *open_log(task, node.env(), config);
    EXPECT_EQ(log->recovery().indexes_rebuilt, 1U);
    EXPECT_EQ(read_all(task, *log, Offset(0), 100), expected);
    EXPECT_TRUE(log->close(task).has_value());
  });
}

}  // namespace
}  // namespace flux::test
