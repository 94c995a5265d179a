// A log that was closed in order, and what opening believes of it.
#include "core/log/clean_mark.h"

#include <gtest/gtest.h>

#include "core/log/names.h"
#include "tests/support/log_kit.h"

namespace flux::test {
namespace {

using env::Task;
using log::CleanMark;

const std::string kMarkPath = std::string(kLogDirectory) + "/" + std::string(log::kCleanFile);

std::string file_of(std::int64_t base, std::string_view suffix) {
  return std::string(kLogDirectory) + "/" + log::segment_file(Offset(base), suffix);
}

CleanMark some_mark() {
  return {.end = Offset(30),
          .snapshot = 77,
          .epochs = {{LeaderEpoch(0), Offset(0)}, {LeaderEpoch(4), Offset(12)}},
          .segments = {{.base = Offset(0), .end = Offset(20), .size = 1000, .entries = 3},
                       {.base = Offset(20),
                        .end = Offset(30),
                        .size = 500,
                        .entries = 2,
                        .first_timestamp = record::Timestamp(5),
                        .max_timestamp = record::Timestamp(9),
                        .max_timestamp_offset = 7,
                        .bytes_since_entry = 400,
                        .indexes = {11, 12}}}};
}

TEST(CleanMarkTest, SaysWhatItWasToldAndNothingElse) {
  const Bytes bytes = log::encode_clean_mark(identity_of(), some_mark());
  EXPECT_EQ(*log::decode_clean_mark(identity_of(), bytes), some_mark());
  EXPECT_FALSE(log::decode_clean_mark(identity_of(1), bytes)) << "another partition's";
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    Bytes bad = bytes;
    bad[i] ^= std::byte{1};
    EXPECT_FALSE(log::decode_clean_mark(identity_of(), bad)) << i;
    const Bytes part(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(i));
    EXPECT_FALSE(log::decode_clean_mark(identity_of(), part)) << i;
  }
  CleanMark hole = some_mark();
  hole.segments[1].base = Offset(21);
  EXPECT_FALSE(log::decode_clean_mark(identity_of(), log::encode_clean_mark(identity_of(), hole)));
}

// Ten batches in two segments, two epochs, an idempotent producer; closed in order.
void fill(SmallNode& node) {
  node.run([&](Task& task) {
    const LogPointer log = *open_log(task, node.env(), small_config());
    for (int i = 0; i < 10; ++i) {
      const auto appended = append(
          task, *log, "v" + std::to_string(i),
          {.timestamp = 1'700'000'000'000 + i, .producer = 1, .epoch = 0, .sequence = i}, i / 7);
      EXPECT_TRUE(appended && log->sync(task, appended->end)) << i;
    }
    EXPECT_EQ(log->segment_count(), 2U);
    EXPECT_TRUE(log->close(task).has_value());
  });
}

void expect_equal(Task& task, log::Log& a, log::Log& b) {
  EXPECT_EQ(a.start_offset(), b.start_offset());
  EXPECT_EQ(a.end_offset(), b.end_offset());
  EXPECT_EQ(a.synced_end(), b.synced_end());
  EXPECT_EQ(a.epochs(), b.epochs());
  EXPECT_EQ(a.producers(), b.producers());
  EXPECT_EQ(a.size_bytes(), b.size_bytes());
  EXPECT_EQ(a.segment_count(), b.segment_count());
  EXPECT_EQ(read_all(task, a), read_all(task, b));
  EXPECT_EQ((*a.offset_of_max_timestamp(task))->offset, (*b.offset_of_max_timestamp(task))->offset);
  const record::Timestamp middle(1'700'000'000'004);
  EXPECT_EQ((*a.offset_for_timestamp(task, middle))->offset,
            (*b.offset_for_timestamp(task, middle))->offset);
}

TEST(CleanMarkTest, OpensToWhatReadingItAllWouldFind) {
  SmallNode node;
  fill(node);
  node.run([&](Task& task) {
    const LogPointer clean = *open_log(task, node.env(), small_config());
    EXPECT_TRUE(clean->recovery().clean);
    EXPECT_EQ(clean->recovery().bytes, 0U);
    take_clean_mark_away(task, node.env());
    const LogPointer read = *open_log(task, node.env(), small_config());
    EXPECT_FALSE(read->recovery().clean);
    expect_equal(task, *clean, *read);
    EXPECT_EQ(clean->producers(), fold_of(task, *clean));
  });
}

TEST(CleanMarkTest, GoesOnAsALogThatWasReadWouldToTheLastByteOfItsIndexes) {
  std::vector<Bytes> indexes;
  for (const bool marked : {true, false}) {
    SmallNode node;
    fill(node);
    node.run([&](Task& task) {
      if (!marked) take_clean_mark_away(task, node.env());
      const LogPointer log = *open_log(task, node.env(), small_config());
      EXPECT_EQ(log->recovery().clean, marked);
      for (int i = 10; i < 20; ++i) {
        EXPECT_TRUE(append_synced(task, *log, "w", {.producer = 1, .epoch = 0, .sequence = i}));
      }
      EXPECT_TRUE(log->close(task).has_value());
      const std::vector<env::DirectoryEntry> left = *node.disk.list(task, kLogDirectory);
      for (const env::DirectoryEntry& entry : left) {
        if (!entry.name.ends_with("index")) continue;
        const std::string path = std::string(kLogDirectory) + "/" + entry.name;
        indexes.push_back(*env::read_file(task, node.disk, path, 1 << 20));
      }
    });
  }
  const auto half = static_cast<std::ptrdiff_t>(indexes.size() / 2);
  EXPECT_EQ(std::vector<Bytes>(indexes.begin(), indexes.begin() + half),
            std::vector<Bytes>(indexes.begin() + half, indexes.end()));
}

TEST(CleanMarkTest, GoesBeforeTheFirstWriteAndStaysOverReads) {
  SmallNode node;
  fill(node);
  node.run([&](Task& task) {
    LogPointer log = *open_log(task, node.env(), small_config());
    EXPECT_EQ(read_all(task, *log).size(), 10U);
    EXPECT_TRUE(env::read_file(task, node.disk, kMarkPath, 1 << 20).has_value());
    EXPECT_TRUE(log->close(task).has_value());
    log = *open_log(task, node.env(), small_config());
    EXPECT_TRUE(log->recovery().clean);
    EXPECT_TRUE(append(task, *log, "x").has_value());
    EXPECT_FALSE(env::read_file(task, node.disk, kMarkPath, 1 << 20).has_value());
  });
  node.power_cut();  // its removal was durable
  node.run([&](Task& task) {
    EXPECT_FALSE(env::read_file(task, node.disk, kMarkPath, 1 << 20).has_value());
    const LogPointer log = *open_log(task, node.env(), small_config());
    EXPECT_FALSE(log->recovery().clean);
  });
}

// As though its removal had been lost.
TEST(CleanMarkTest, OneThatOutlivedAnAppendIsNotBelieved) {
  for (const bool roll : {false, true}) {
    SmallNode node;
    fill(node);
    node.run([&](Task& task) {
      const Bytes mark = *env::read_file(task, node.disk, kMarkPath, 1 << 20);
      const LogPointer log = *open_log(task, node.env(), small_config());
      if (roll) {
        EXPECT_TRUE(log->roll(task).has_value());
      } else {
        EXPECT_TRUE(append_synced(task, *log, "x").has_value());
      }
      EXPECT_TRUE(log->halt(task).has_value());
      EXPECT_TRUE(env::replace_file(task, node.disk, kMarkPath, mark).has_value());
      const LogPointer again = *open_log(task, node.env(), small_config());
      EXPECT_FALSE(again->recovery().clean);
      EXPECT_EQ(again->end_offset(), Offset(roll ? 10 : 11));
      EXPECT_FALSE(env::read_file(task, node.disk, kMarkPath, 1 << 20).has_value());
    });
  }
}

// Each of the files that it speaks of, and itself.
TEST(CleanMarkTest, IsBelievedOnlyWhereAllIsAsItSays) {
  SmallNode node;
  fill(node);
  std::vector<std::string> victims{kMarkPath, file_of(10, ".snapshot")};
  std::int64_t last = 0;
  node.run([&](Task& task) {
    const LogPointer log = *open_log(task, node.env(), small_config());
    const std::vector<env::DirectoryEntry> left = *node.disk.list(task, kLogDirectory);
    for (const env::DirectoryEntry& entry : left) {
      if (const auto base = log::base_of_file(entry.name, ".log")) last = base->value();
      if (entry.name.ends_with(".integrity")) {
        victims.push_back(std::string(kLogDirectory) + "/" + entry.name);
      }
    }
  });
  victims.push_back(file_of(last, ".timeindex"));
  for (const std::string& victim : victims) {
    SmallNode other;
    fill(other);
    other.run([&](Task& task) {
      other.flip_bit(task, victim, 7);
      const LogPointer log = *open_log(task, other.env(), small_config());
      EXPECT_FALSE(log->recovery().clean) << victim;
      EXPECT_EQ(read_all(task, *log).size(), 10U) << victim;
      EXPECT_EQ(log->producers().find(ProducerId(1))->batches.back().first, Sequence(9));
      EXPECT_TRUE(log->close(task).has_value());
    });
  }
}

TEST(CleanMarkTest, RotOfALogThatWasNotReadIsFoundByTheFirstRead) {
  SmallNode node;
  fill(node);
  node.run([&](Task& task) {
    node.flip_bit(task, file_of(0, ".log"), 30);
    LogPointer log = *open_log(task, node.env(), small_config());
    EXPECT_TRUE(log->recovery().clean);
    std::vector<std::string> all = read_all(task, *log);
    EXPECT_EQ(all.front(), "corrupt");
    EXPECT_EQ(all.back(), "v9/0");
    EXPECT_TRUE(append_synced(task, *log, "x").has_value());
    EXPECT_TRUE(log->close(task).has_value());
    // What is known to be rotten needs a look at everything.
    log = *open_log(task, node.env(), small_config());
    EXPECT_FALSE(log->recovery().clean);
    all = read_all(task, *log);
    EXPECT_EQ(all.front(), "corrupt");
    EXPECT_EQ(all.back(), "x/0");
    EXPECT_TRUE(log->close(task).has_value());
  });
}

TEST(CleanMarkTest, AFrontThatWasDeletedSinceDoesNotMatter) {
  SmallNode node;
  fill(node);
  node.run([&](Task& task) {
    LogPointer log = *open_log(task, node.env(), small_config());
    EXPECT_TRUE(log->advance_start(task, Offset(8)).has_value());
    EXPECT_TRUE(log->remove_deleted(task, Duration()).has_value());
    EXPECT_TRUE(log->close(task).has_value());
    const LogPointer again = *open_log(task, node.env(), small_config());
    EXPECT_TRUE(again->recovery().clean);
    expect_equal(task, *log, *again);
  });
}

// An index of an older segment has no other guard than its digest.
TEST(CleanMarkTest, ADamagedIndexIsMadeAnewWhenItIsNeeded) {
  SmallNode node;
  fill(node);
  node.run([&](Task& task) {
    node.flip_bit(task, file_of(0, ".timeindex"), 9);
    const LogPointer log = *open_log(task, node.env(), small_config());
    EXPECT_TRUE(log->recovery().clean);
    for (int i = 0; i < 10; ++i) {
      const record::Timestamp at(1'700'000'000'000 + i);
      EXPECT_EQ((*log->offset_for_timestamp(task, at))->offset, Offset(i));
    }
  });
}

}  // namespace
}  // namespace flux::test
