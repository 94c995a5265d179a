// What opening makes of segments that were not closed in order: the verdict, the report of it, and
// the files as they are afterwards.
#include "core/log/recovery.h"

#include <functional>

#include <gtest/gtest.h>

#include "core/base/crc32c.h"
#include "core/log/names.h"
#include "tests/support/log_kit.h"
#include "tests/support/marks.h"

namespace flux::log {
namespace {

using env::Task;
using test::LogPointer;
using test::SmallNode;
using Values = std::vector<std::string>;

std::string file_of(std::int64_t base, std::string_view suffix) {
  return std::string(test::kLogDirectory) + "/" + segment_file(Offset(base), suffix);
}
const std::string kFirstSegment = file_of(0, kLogSuffix);
const std::string kFirstIntegrity = file_of(0, kIntegritySuffix);

std::uint64_t size_of(Task& task, SmallNode& node, const std::string& path) {
  const auto file = *node.disk.open(task, path, env::Open::read);
  return *file->size(task);
}
void add_bytes(Task& task, SmallNode& node, const std::string& path, ByteView bytes) {
  const auto file = *node.disk.open(task, path, env::Open::read_write);
  EXPECT_TRUE(file->write_at(task, *file->size(task), bytes));
}

std::string last_segment(Task& task, SmallNode& node) {
  Offset last;
  const std::vector<env::DirectoryEntry> entries = *node.disk.list(task, test::kLogDirectory);
  for (const env::DirectoryEntry& entry : entries) {
    last = std::max(last, base_of_file(entry.name, kLogSuffix).value_or(Offset(0)));
  }
  return file_of(last.value(), kLogSuffix);
}

// One segment, and a block for each batch.
LogConfig blocks() {
  LogConfig config;
  config.block_bytes = 1;
  return config;
}

// As though the process had died now.
void die(SmallNode& node) { node.disk.dies_at = node.disk.operations; }

// Synced batches, one record each, of the epoch that follows from the number; a process that died.
std::size_t fill(
    SmallNode& node, const LogConfig& config, int batches,
    const std::function<std::int32_t(int)>& epoch_of = [](int) { return 0; }) {
  EXPECT_TRUE(node.run([&](Task& task) {
    const LogPointer log = *test::open_log(task, node.env(), config);
    for (int i = 0; i < batches; ++i) {
      EXPECT_TRUE(test::append(task, *log, "v" + std::to_string(i % 10), {}, epoch_of(i)));
      EXPECT_TRUE(log->sync(task, log->end_offset()));
    }
    die(node);
  }));
  node.kill();
  return test::make_batch("v0").size();
}

struct Entries {
  std::vector<std::uint32_t> blocks;  // their places in the file
  std::vector<std::uint32_t> lengths;
  std::uint32_t count = 0;
};

// The first segment's entries name all of its bytes, in order, and vouch for them.
Entries expect_covered(Task& task, SmallNode& node) {
  Entries out;
  const Bytes bytes = *env::read_file(task, node.disk, kFirstSegment, 1 << 20);
  const IntegrityCodec codec(test::identity_of(), Offset(0));
  EntryReader reader = *EntryReader::open(task, node.env(), kFirstIntegrity, codec);
  std::uint32_t position = 0;
  std::uint32_t synced = 0;
  for (auto found = *reader.next(task); found; found = *reader.next(task)) {
    const IntegrityEntry& entry = found->entry;
    ++out.count;
    synced = std::max(synced, entry.synced_position);
    if (entry.kind == IntegrityKind::mark) continue;
    EXPECT_EQ(entry.position, position);
    EXPECT_LE(entry.block_end(), bytes.size());
    if (entry.position != position || entry.block_end() > bytes.size()) return out;
    EXPECT_TRUE(codec.verify_block(ByteView(bytes).subspan(position, entry.length), entry));
    position = entry.block_end();
    out.blocks.push_back(found->index);
    out.lengths.push_back(entry.length);
  }
  EXPECT_TRUE(reader.header_good());
  EXPECT_FALSE(reader.damaged());
  EXPECT_EQ(position, bytes.size());
  EXPECT_EQ(synced, bytes.size());
  return out;
}

TEST(RecoveryTest, TheReportSaysWhatWasReadAndCut) {
  SmallNode node;
  const std::size_t size = fill(node, test::small_config(), 12);
  node.run([&](Task& task) {
    for (const std::string_view torn : {"", "torn"}) {
      LogPointer log = *test::open_log(task, node.env(), test::small_config());
      EXPECT_TRUE(log->damage().empty());
      EXPECT_EQ(log->recovery().batches, 12U);
      EXPECT_EQ(log->recovery().bytes, log->size_bytes());
      EXPECT_EQ(log->size_bytes(), 12 * size);
      EXPECT_EQ(log->recovery().torn_bytes_cut, torn.size());
      EXPECT_EQ(log->recovery().rotten_ranges, 0U);
      EXPECT_EQ(log->recovery().segments_dropped, 0U);
      EXPECT_FALSE(log->recovery().clean);
      EXPECT_TRUE(log->halt(task));
      if (torn.empty()) add_bytes(task, node, last_segment(task, node), as_bytes("torn"));
    }
  });
}

TEST(RecoveryTest, ALostEntryIsMadeAgainBetweenThoseThatAreThere) {
  for (std::size_t victim = 0; victim < 5; ++victim) {
    SCOPED_TRACE(victim);
    SmallNode node;
    fill(node, blocks(), 5);
    node.run([&](Task& task) {
      LogPointer log = *test::open_log(task, node.env(), blocks());
      EXPECT_TRUE(log->halt(task));
      const Entries before = expect_covered(task, node);
      ASSERT_EQ(before.blocks.size(), 5U);
      node.flip_bit(task, kFirstIntegrity, integrity_entry_at(before.blocks[victim]) + 5);
      log = *test::open_log(task, node.env(), blocks());
      EXPECT_EQ(log->recovery().batches, 5U);
      EXPECT_TRUE(log->halt(task));
      EXPECT_EQ(expect_covered(task, node).blocks.size(), 5U);
      // Now it is in order.
      const std::uint64_t repairs = test::mark_hits("log.segment_repaired");
      log = *test::open_log(task, node.env(), blocks());
      EXPECT_EQ(test::mark_hits("log.segment_repaired"), repairs);
      EXPECT_TRUE(log->halt(task));
    });
  }
}

TEST(RecoveryTest, BlocksThatAreMadeAgainAreAsLargeAsThoseThatAreWritten) {
  SmallNode node;
  const std::size_t size = fill(node, blocks(), 10);
  LogConfig config;
  config.block_bytes = static_cast<std::uint32_t>(3 * size);
  node.run([&](Task& task) {
    EXPECT_TRUE(node.disk.remove(task, kFirstIntegrity));
    const LogPointer log = *test::open_log(task, node.env(), config);
    EXPECT_TRUE(log->halt(task));
    const auto three = static_cast<std::uint32_t>(3 * size);
    EXPECT_EQ(expect_covered(task, node).lengths,
              (std::vector{three, three, three, static_cast<std::uint32_t>(size)}));
  });
}

TEST(RecoveryTest, BatchesWithoutEntriesCountLikeAllOthers) {
  SmallNode node;
  node.run([&](Task& task) {
    const LogPointer log = *test::open_log(task, node.env(), {});
    for (int i = 0; i < 4; ++i) {
      EXPECT_TRUE(test::append(task, *log, "x", {.producer = 7, .epoch = 0, .sequence = i}, i / 2));
    }
    EXPECT_TRUE(log->sync(task, log->end_offset()));
    EXPECT_TRUE(log->halt(task));
    EXPECT_TRUE(node.disk.remove(task, kFirstIntegrity));
    EXPECT_TRUE(
        node.disk.remove(task, std::string(test::kLogDirectory) + "/" + std::string(kEpochFile)));
    const LogPointer again = *test::open_log(task, node.env(), {});
    EXPECT_EQ(again->recovery().batches, 4U);
    EXPECT_EQ(again->recovery().bytes, log->size_bytes());
    EXPECT_EQ(again->producers(), log->producers());
    EXPECT_EQ(again->epochs(), log->epochs());
    EXPECT_TRUE(again->close(task));
  });
}

// --- behind what was synced

void seal(Bytes& batch) { store_be(batch.data() + 17, crc32c(ByteView(batch).subspan(21))); }
void set_last_offset_delta(Bytes& batch, std::int32_t delta) {
  store_be(batch.data() + 23, delta);
  seal(batch);
}

TEST(RecoveryTest, ATailThatGoesOnIsKeptAndAnyOtherIsCut) {
  struct Tail {
    const char* what;
    bool kept;
    std::function<void(Bytes&)> change;
  };
  const std::vector<Tail> tails = {
      {"the next batch", true, [](Bytes&) {}},
      {"of a newer epoch", true,
       [](Bytes& batch) { record::set_leader_epoch(batch, LeaderEpoch(4)); }},
      {"of an older epoch", false,
       [](Bytes& batch) { record::set_leader_epoch(batch, LeaderEpoch(2)); }},
      {"one byte short", false, [](Bytes& batch) { batch.pop_back(); }},
      {"less than a header", false, [](Bytes& batch) { batch.resize(60); }},
      {"zeros", false, [](Bytes& batch) { batch = Bytes(200); }},
      {"a wrong checksum", false, [](Bytes& batch) { batch.back() ^= std::byte{1}; }},
      {"a later offset", false, [](Bytes& batch) { record::set_base_offset(batch, Offset(6)); }},
      {"an earlier offset", false, [](Bytes& batch) { record::set_base_offset(batch, Offset(4)); }},
      {"no offset", false, [](Bytes& batch) { set_last_offset_delta(batch, -1); }},
      {"all offsets of a segment", true,
       [](Bytes& batch) { set_last_offset_delta(batch, INT32_MAX - 6); }},
      {"one offset more", false, [](Bytes& batch) { set_last_offset_delta(batch, INT32_MAX - 5); }},
  };
  for (const Tail& tail : tails) {
    SCOPED_TRACE(tail.what);
    SmallNode node;
    const std::size_t size = fill(node, blocks(), 5, [](int) { return 3; });
    node.run([&](Task& task) {
      Bytes batch = test::make_batch("next");
      record::set_base_offset(batch, Offset(5));
      record::set_leader_epoch(batch, LeaderEpoch(3));
      tail.change(batch);
      add_bytes(task, node, kFirstSegment, batch);
      const LogPointer log = *test::open_log(task, node.env(), blocks());
      EXPECT_EQ(log->recovery().batches, tail.kept ? 6U : 5U);
      EXPECT_EQ(log->recovery().torn_bytes_cut, tail.kept ? 0U : batch.size());
      EXPECT_EQ(log->recovery().rotten_ranges, 0U);
      EXPECT_EQ(log->end_offset() > Offset(5), tail.kept);
      EXPECT_EQ(size_of(task, node, kFirstSegment), 5 * size + (tail.kept ? batch.size() : 0));
      EXPECT_EQ(log->size_bytes(), size_of(task, node, kFirstSegment));
      expect_covered(task, node);
      EXPECT_TRUE(log->halt(task));
    });
  }
}

// While the machine runs, completed writes are all there: a block that does not verify has rotted.
TEST(RecoveryTest, ABlockThatIsNotSyncedIsVouchedForByThisBootAlone) {
  enum class Then : std::uint8_t { same_boot, other_boot, unknown_boot, after_a_failed_sync };
  for (const Then then :
       {Then::same_boot, Then::other_boot, Then::unknown_boot, Then::after_a_failed_sync}) {
    SCOPED_TRACE(static_cast<int>(then));
    SmallNode node;
    if (then == Then::unknown_boot) node.disk.boot = 0;
    const std::size_t size = test::make_batch("a").size();
    node.run([&](Task& task) {
      const LogPointer log = *test::open_log(task, node.env(), blocks());
      EXPECT_TRUE(test::append_synced(task, *log, "a"));
      EXPECT_TRUE(test::append(task, *log, "b"));
      EXPECT_TRUE(test::append(task, *log, "c"));
      if (then == Then::after_a_failed_sync) {
        node.image.order({.fault = sim::OrderedFault::sync_error, .path = "*.log"});
        EXPECT_FALSE(log->sync(task, log->end_offset()));
      }
      node.flip_bit(task, kFirstSegment, size + 70);
      die(node);
    });
    node.kill();
    if (then == Then::other_boot) ++node.disk.boot;
    node.run([&](Task& task) {
      const LogPointer log = *test::open_log(task, node.env(), blocks());
      if (then == Then::same_boot) {
        EXPECT_EQ(test::read_all(task, *log), (Values{"a/0", "corrupt", "c/0"}));
        EXPECT_EQ(log->recovery().rotten_ranges, 1U);
        EXPECT_EQ(log->recovery().torn_bytes_cut, 0U);
      } else {
        EXPECT_EQ(test::read_all(task, *log), Values{"a/0"});
        EXPECT_EQ(log->recovery().rotten_ranges, 0U);
        EXPECT_EQ(log->recovery().torn_bytes_cut, 2 * size);
      }
      EXPECT_TRUE(log->halt(task));
    });
  }
}

// Also what a sync that failed has dropped from under the page cache.
TEST(RecoveryTest, WhatAnOpenedLogHoldsIsDurable) {
  for (const bool failed_sync : {false, true}) {
    for (const std::uint32_t block_bytes : {1U, 1U << 16}) {
      LogConfig config;
      config.block_bytes = block_bytes;
      SmallNode node;
      node.run([&](Task& task) {
        const LogPointer log = *test::open_log(task, node.env(), config);
        EXPECT_TRUE(test::append_synced(task, *log, "a"));
        EXPECT_TRUE(test::append(task, *log, "b"));
        EXPECT_TRUE(test::append(task, *log, "c"));
        if (failed_sync) {
          node.image.order({.fault = sim::OrderedFault::sync_error, .path = "*.log"});
          EXPECT_FALSE(log->sync(task, log->end_offset()));
        }
        die(node);
      });
      node.kill();
      Values values;
      node.run([&](Task& task) {
        const LogPointer log = *test::open_log(task, node.env(), config);
        EXPECT_EQ(log->synced_end(), log->end_offset());
        values = test::read_all(task, *log);
        EXPECT_EQ(values, (Values{"a/0", "b/0", "c/0"}));
        die(node);
      });
      node.power_cut();
      node.run([&](Task& task) {
        const LogPointer log = *test::open_log(task, node.env(), config);
        EXPECT_EQ(test::read_all(task, *log), values);
        EXPECT_TRUE(log->close(task));
      });
    }
  }
}

// --- behind where the next segment begins

TEST(RecoveryTest, EntriesOfBytesThatWereNeverOfTheLogGoWithThem) {
  for (const bool bytes_too : {true, false}) {
    for (const bool synced : {true, false}) {
      SmallNode node;
      node.run([&](Task& task) {
        LogPointer log = *test::open_log(task, node.env(), blocks());
        for (const char* tag : {"a", "b", "c"}) EXPECT_TRUE(test::append_synced(task, *log, tag));
        EXPECT_TRUE(log->roll(task));
        EXPECT_TRUE(test::append(task, *log, "d"));
        if (synced) {
          EXPECT_TRUE(log->sync(task, log->end_offset()));
        }
        EXPECT_TRUE(log->halt(task));
        Bytes stray = test::make_batch("stray");
        record::set_base_offset(stray, Offset(3));
        record::set_leader_epoch(stray, LeaderEpoch(0));
        const IntegrityCodec codec(test::identity_of(), Offset(0));
        const std::uint64_t entries = size_of(task, node, kFirstIntegrity);
        const std::uint64_t end = size_of(task, node, kFirstSegment);
        Bytes entry;
        codec.append_entry(
            entry, static_cast<std::uint32_t>(entries / kIntegrityEntryBytes) - 1,
            {.kind = IntegrityKind::block,
             .position = static_cast<std::uint32_t>(end),
             .length = static_cast<std::uint32_t>(stray.size()),
             .synced_position = static_cast<std::uint32_t>(end),
             .base = Offset(3),
             .end = Offset(4),
             .synced_offset = Offset(3),
             .boot_id = node.disk.boot,
             .digest = IntegrityCodec::extend_digest(codec.begin_digest(Offset(3)), stray)});
        add_bytes(task, node, kFirstIntegrity, entry);
        if (bytes_too) add_bytes(task, node, kFirstSegment, stray);
        log = *test::open_log(task, node.env(), blocks());
        EXPECT_EQ(test::read_all(task, *log), (Values{"a/0", "b/0", "c/0", "d/0"}));
        EXPECT_EQ(log->recovery().torn_bytes_cut, bytes_too ? stray.size() : 0U);
        EXPECT_EQ(log->recovery().rotten_ranges, 0U);
        EXPECT_EQ(log->recovery().segments_dropped, 0U);
        EXPECT_EQ(size_of(task, node, kFirstSegment), end);
        EXPECT_EQ(expect_covered(task, node).blocks.size(), 3U);
        EXPECT_TRUE(log->halt(task));
      });
    }
  }
}

// --- segments

TEST(RecoveryTest, AFirstSegmentThatLostEverythingIsALossAndNoLaterStart) {
  SmallNode node;
  fill(node, test::small_config(), 20);
  node.run([&](Task& task) {
    for (const std::string& path : {kFirstSegment, kFirstIntegrity}) {
      EXPECT_TRUE(node.disk.open(task, path, env::Open::create_empty));
    }
    const LogPointer log = *test::open_log(task, node.env(), test::small_config());
    EXPECT_EQ(log->start_offset(), Offset(0));
    EXPECT_EQ(log->end_offset(), Offset(20));
    EXPECT_EQ(log->recovery().rotten_ranges, 1U);
    ASSERT_EQ(log->damage().size(), 1U);
    EXPECT_EQ(log->damage()[0].from, Offset(0));
    EXPECT_EQ(log->read(task, Offset(0)).error(), ErrorCode::corrupt);
    EXPECT_TRUE(log->read(task, log->damage()[0].to));
    EXPECT_TRUE(log->close(task));
  });
}

TEST(RecoveryTest, TheSegmentThatARollHasBegunIsTheOneThatIsAppendedTo) {
  SmallNode node;
  node.run([&](Task& task) {
    LogPointer log = *test::open_log(task, node.env(), {});
    EXPECT_TRUE(test::append_synced(task, *log, "a"));
    EXPECT_TRUE(log->roll(task));
    EXPECT_TRUE(log->halt(task));
    log = *test::open_log(task, node.env(), {});
    EXPECT_EQ(log->segment_count(), 2U);
    EXPECT_EQ(log->recovery().segments_dropped, 0U);
    EXPECT_TRUE(test::append_synced(task, *log, "b"));
    EXPECT_EQ(size_of(task, node, file_of(1, kLogSuffix)), test::make_batch("b").size());
    EXPECT_TRUE(log->close(task));
  });
}

TEST(RecoveryTest, ALogWhoseRecordsWereAllDeletedKeepsItsSegment) {
  SmallNode node;
  fill(node, {}, 3);
  node.run([&](Task& task) {
    LogPointer log = *test::open_log(task, node.env(), {});
    EXPECT_TRUE(log->advance_start(task, Offset(3)));
    EXPECT_TRUE(log->halt(task));
    log = *test::open_log(task, node.env(), {});
    EXPECT_EQ(log->recovery().segments_dropped, 0U);
    EXPECT_EQ(log->start_offset(), Offset(3));
    EXPECT_EQ(log->end_offset(), Offset(3));
    EXPECT_TRUE(log->close(task));
  });
}

// A process may have died between the new start's name and its sync.
TEST(RecoveryTest, AStartThatAnOpenedLogHasToldStaysOverAPowerCut) {
  for (std::uint64_t dies = 0; dies < 8; ++dies) {
    SCOPED_TRACE(dies);
    SmallNode node;
    node.run([&](Task& task) {
      LogPointer log = *test::open_log(task, node.env(), test::small_config());
      for (int i = 0; i < 20; ++i) EXPECT_TRUE(test::append_synced(task, *log, "v"));
      EXPECT_TRUE(log->close(task));
      log = *test::open_log(task, node.env(), test::small_config());
      EXPECT_TRUE(log->recovery().clean);
      node.disk.dies_at = node.disk.operations + dies;
      static_cast<void>(log->advance_start(task, Offset(15)));
      die(node);
    });
    node.kill();
    Offset told;
    node.run([&](Task& task) {
      told = (*test::open_log(task, node.env(), test::small_config()))->start_offset();
      die(node);
    });
    node.power_cut();
    node.run([&](Task& task) {
      const LogPointer log = *test::open_log(task, node.env(), test::small_config());
      EXPECT_GE(log->start_offset(), told);
      EXPECT_TRUE(log->damage().empty());
      EXPECT_EQ(test::read_all(task, *log, log->start_offset()).size(),
                static_cast<std::size_t>(Offset(20) - log->start_offset()));
      EXPECT_TRUE(log->close(task));
    });
  }
}

// --- epochs

const std::string kEpochPath = std::string(test::kLogDirectory) + "/" + std::string(kEpochFile);

Epochs opened_epochs(Task& task, SmallNode& node, const LogConfig& config) {
  const LogPointer log = *test::open_log(task, node.env(), config);
  Epochs out = log->epochs();
  EXPECT_TRUE(log->halt(task));
  EXPECT_EQ(as_text(*env::read_file(task, node.disk, kEpochPath, 1 << 10)), out.to_text());
  return out;
}

TEST(RecoveryTest, AnEpochWhoseBatchesRottedIsKnownByTheCheckpoint) {
  SmallNode node;
  const std::size_t size = fill(node, blocks(), 5, [](int i) { return i; });
  node.run([&](Task& task) {
    const Epochs before = *Epochs::parse("0\n5\n0 0\n1 1\n2 2\n3 3\n4 4\n");
    EXPECT_EQ(opened_epochs(task, node, blocks()), before);
    node.flip_bit(task, kFirstSegment, size + 70);
    node.flip_bit(task, kFirstSegment, 3 * size + 70);
    EXPECT_EQ(opened_epochs(task, node, blocks()), before);
    // But not one that begins where nothing is.
    const std::string more = "0\n6\n0 0\n1 1\n2 2\n3 3\n4 4\n5 5\n";
    EXPECT_TRUE(env::replace_file(task, node.disk, kEpochPath, as_bytes(more)));
    EXPECT_EQ(opened_epochs(task, node, blocks()), before);
  });
}

TEST(RecoveryTest, AnEpochWhoseSegmentWasLostIsKnownByTheCheckpoint) {
  SmallNode node;
  fill(node, test::small_config(), 20, [](int i) { return i; });
  node.run([&](Task& task) {
    const Epochs before = opened_epochs(task, node, test::small_config());
    EXPECT_EQ(before.entries().size(), 20U);
    for (const std::string& path : {kFirstSegment, kFirstIntegrity}) {
      EXPECT_TRUE(node.disk.open(task, path, env::Open::create_empty));
    }
    EXPECT_EQ(opened_epochs(task, node, test::small_config()), before);
  });
}

TEST(RecoveryTest, TheCheckpointIsNotBelievedAgainstBatchesThatAreThere) {
  for (const std::int64_t start : {0, 2}) {
    SmallNode node;
    fill(node, blocks(), 5, [](int i) { return i < 3 ? 1 : 4; });
    node.run([&](Task& task) {
      if (start > 0) {
        const LogPointer log = *test::open_log(task, node.env(), blocks());
        EXPECT_TRUE(log->advance_start(task, Offset(start)));
        EXPECT_TRUE(log->halt(task));
      }
      const Epochs right = opened_epochs(task, node, blocks());
      for (const char* wrong : {"0\n2\n1 0\n3 2\n", "0\n1\n9 1\n", "0\n2\n1 0\n9 7\n",
                                "0\n3\n1 0\n2 1\n4 3\n", "0\n1\n5 2\n", "garbage", ""}) {
        EXPECT_TRUE(env::replace_file(task, node.disk, kEpochPath, as_bytes(wrong)));
        EXPECT_EQ(opened_epochs(task, node, blocks()), right) << start << " " << wrong;
      }
    });
  }
}

TEST(RecoveryTest, OfALogWithoutBatchesTheCheckpointTellsTheEpochOfItsStart) {
  SmallNode node;
  fill(node, {}, 3, [](int) { return 6; });
  node.run([&](Task& task) {
    const LogPointer log = *test::open_log(task, node.env(), {});
    EXPECT_TRUE(log->expire(task, {.bytes = 0}, log->end_offset()));
    EXPECT_TRUE(log->remove_deleted(task, Duration()));
    EXPECT_EQ(log->start_offset(), Offset(3));
    EXPECT_TRUE(log->halt(task));
    EXPECT_EQ(opened_epochs(task, node, {}), *Epochs::parse("0\n1\n6 3\n"));
    // Not what begins behind it.
    EXPECT_TRUE(env::replace_file(task, node.disk, kEpochPath, as_bytes("0\n2\n6 3\n7 4\n")));
    EXPECT_EQ(opened_epochs(task, node, {}), *Epochs::parse("0\n1\n6 3\n"));
  });
}

}  // namespace
}  // namespace flux::log
