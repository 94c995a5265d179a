// What a directory tells of a log that nobody has opened, and when somebody should look properly.
#include "core/log/front.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "core/env/passing_disk.h"
#include "tests/support/log_kit.h"

namespace flux::log {
namespace {

using env::Task;
using record::Timestamp;
using test::LogPointer;
using test::SmallNode;

constexpr std::int64_t kNever = INT64_MAX;
constexpr std::int64_t kNow = 1'000'000;

std::int64_t expires(const Retention& retention, std::optional<std::int64_t> newest = 900) {
  Front front{.bytes = 1000, .first_bytes = 300, .newest = {}};
  if (newest) front.newest = Timestamp(*newest);
  return front.expires_ms(retention, kNow);
}

TEST(FrontTest, BySizeItIsTimeToLookWhileTheOthersAreAsLarge) {
  EXPECT_EQ(expires({.bytes = 701}), kNever);
  EXPECT_EQ(expires({.bytes = 700}), kNow);
  EXPECT_EQ(expires({.bytes = 0}), kNow);
  EXPECT_EQ(expires({.bytes = -1}), kNever);
}

TEST(FrontTest, ByAgeOnceTheNewestRecordIsOlder) {
  EXPECT_EQ(expires({.ms = 50}), 951);
  EXPECT_EQ(expires({.ms = 0}), 901);
  EXPECT_EQ(expires({.ms = -1}), kNever);
  EXPECT_EQ(expires({.ms = 50}, kNow), kNow + 51);
  EXPECT_EQ(expires({.ms = kNever}), kNever);
  // Nothing tells, or not what can be: look now.
  EXPECT_EQ(expires({.ms = 50}, std::nullopt), kNow);
  EXPECT_EQ(expires({.ms = 50}, kNow + 1), kNow);
}

TEST(FrontTest, AnEmptySegmentNeverExpires) {
  const Front empty{.bytes = 0, .first_bytes = 0, .newest = {}};
  EXPECT_EQ(empty.expires_ms({.bytes = 0, .ms = 0}, kNow), kNever);
}

// The system tells names in no order.
class ReversedDisk final : public env::PassingDisk {
 public:
  using PassingDisk::PassingDisk;
  Result<std::vector<env::DirectoryEntry>> list(Task& task, std::string_view path) override {
    auto entries = TRY(PassingDisk::list(task, path));
    std::reverse(entries.begin(), entries.end());
    return entries;
  }
};

std::optional<Timestamp> newest(Task& task, SmallNode& node) {
  return look_at_front(task, node.disk, test::kLogDirectory, false)->newest;
}

TEST(FrontTest, TheOldestSegmentsTimeIndexTellsItsNewestRecord) {
  SmallNode node;
  node.run([&](Task& task) {
    const LogPointer log = *test::open_log(task, node.env(), test::small_config());
    for (const std::int64_t time : {500, 900, 700, 5000, 6000, 7000, 8000, 9000}) {
      EXPECT_TRUE(test::append_synced(task, *log, std::string(80, 'x'), {.timestamp = time}));
    }
    EXPECT_GT(log->segment_count(), 1U);
    EXPECT_TRUE(log->close(task));
    ReversedDisk disk(node.disk);
    const Front all = *look_at_front(task, disk, test::kLogDirectory, true);
    EXPECT_EQ(all.bytes, log->size_bytes());
    EXPECT_EQ(all.newest, Timestamp(900));
    const Front first = *look_at_front(task, disk, test::kLogDirectory, false);
    EXPECT_EQ(first.bytes, first.first_bytes);
    EXPECT_EQ(first.first_bytes, all.first_bytes);
    const auto file = *node.disk.open(
        task, std::string(test::kLogDirectory) + "/00000000000000000000.log", env::Open::read);
    EXPECT_EQ(first.first_bytes, *file->size(task));
    EXPECT_EQ(first.newest, all.newest);
  });
}

TEST(FrontTest, WithoutATimeIndexTheFirstBatchDoes) {
  for (const std::int64_t time : {0, 500}) {
    SmallNode node;
    node.run([&](Task& task) {
      const LogPointer log = *test::open_log(task, node.env(), {});
      EXPECT_EQ(newest(task, node), std::nullopt);
      EXPECT_TRUE(test::append_synced(task, *log, "x", {.timestamp = time}));
      EXPECT_TRUE(test::append_synced(task, *log, "x", {.timestamp = 900}));
      EXPECT_EQ(newest(task, node), Timestamp(time));
      EXPECT_TRUE(log->close(task));
    });
  }
}

TEST(FrontTest, AFirstBatchThatHasNoTimeOrIsNoneTellsNothing) {
  SmallNode node;
  node.run([&](Task& task) {
    const LogPointer log = *test::open_log(task, node.env(), {});
    EXPECT_TRUE(test::append_synced(task, *log, "x", {.timestamp = -1}));
    EXPECT_EQ(newest(task, node), std::nullopt);
    const auto file =
        *node.disk.open(task, std::string(test::kLogDirectory) + "/00000000000000000000.log",
                        env::Open::read_write);
    EXPECT_TRUE(file->write_at(task, 0, Bytes(100)));
    EXPECT_EQ(newest(task, node), std::nullopt);
    EXPECT_TRUE(log->halt(task));
  });
}

}  // namespace
}  // namespace flux::log
