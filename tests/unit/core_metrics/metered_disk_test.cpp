// A disk with a clock held to it: it changes nothing, counts, and knows what has not come back.

#include "core/metrics/metered_disk.h"

#include "core/sync/task_group.h"
#include "tests/support/small_node.h"

namespace flux::test {
namespace {

using metrics::Exposition;
using metrics::MeteredDisk;

std::string text_of(const MeteredDisk& disk) {
  Exposition to;
  disk.write(to);
  return to.finish();
}

void expect_line(const MeteredDisk& disk, const std::string& line) {
  EXPECT_NE(text_of(disk).find(line + "\n"), std::string::npos) << line << "\n" << text_of(disk);
}

TEST(MeteredDisk, PassesEverythingOnAndCounts) {
  SmallNode node;
  MeteredDisk disk(node.disk, node.env().clock);
  node.run([&](env::Task& task) {
    ASSERT_TRUE(env::make_directories(task, disk, "a/b"));
    ASSERT_TRUE(env::replace_file(task, disk, "a/b/f", as_bytes("hello")));
    const auto back = env::read_file(task, disk, "a/b/f", 100);
    ASSERT_TRUE(back);
    EXPECT_EQ(as_text(*back), "hello");
    EXPECT_EQ(disk.open(task, "a/none", env::Open::read).error().code(), ErrorCode::not_found);
    const auto listed = disk.list(task, "a/b");
    ASSERT_TRUE(listed);
    EXPECT_EQ(listed->size(), 1U);
    // What is below is the environment's own.
    auto file = disk.open(task, "a/b/f", env::Open::read);
    ASSERT_TRUE(file);
    EXPECT_NE(&env::unwrapped(**file), file->get());
    EXPECT_EQ(&env::unwrapped(env::unwrapped(**file)), &env::unwrapped(**file));
  });
  expect_line(disk, "flux_disk_written_bytes_total 5");
  expect_line(disk, "flux_disk_read_bytes_total 5");
  expect_line(disk, "flux_disk_operations 0");
  expect_line(disk, "flux_disk_oldest_operation_seconds 0");
  // Not being there is no error of the disk.
  EXPECT_EQ(text_of(disk).find("flux_disk_errors_total{"), std::string::npos);
}

TEST(MeteredDisk, CountsWhatTheDiskFailed) {
  SmallNode node;
  MeteredDisk disk(node.disk, node.env().clock);
  node.run([&](env::Task& task) {
    auto file = disk.open(task, "f", env::Open::create);
    ASSERT_TRUE(file);
    node.disk.fails_from = node.disk.operations;
    node.disk.fails = 2;
    EXPECT_FALSE((*file)->write_at(task, 0, as_bytes("x")));
    EXPECT_FALSE((*file)->sync(task));
  });
  expect_line(disk, R"(flux_disk_errors_total{operation="write",error="io_error"} 1)");
  expect_line(disk, R"(flux_disk_errors_total{operation="sync",error="io_error"} 1)");
  expect_line(disk, "flux_disk_written_bytes_total 0");
}

TEST(MeteredDisk, KnowsTheOldestThatHasNotComeBack) {
  SmallNode node;
  MeteredDisk disk(node.disk, node.env().clock);
  sync::Event gate;
  node.disk.gate = &gate;
  node.run([&](env::Task& task) {
    EXPECT_FALSE(disk.oldest());
    sync::TaskGroup group(task.scheduler());
    const auto sync_later = [&](Duration after) {
      group.spawn("sync", [&, after](env::Task& own) {
        ASSERT_TRUE(env::sleep_until(own, node.env().clock.now() + after));
        auto file = disk.open(own, "f", env::Open::create);
        ASSERT_TRUE(file);
        EXPECT_TRUE((*file)->sync(own));
      });
    };
    sync_later(seconds(0));
    sync_later(seconds(4));
    ASSERT_TRUE(env::sleep_until(task, node.env().clock.now() + seconds(7)));
    ASSERT_TRUE(disk.oldest());
    EXPECT_EQ(*disk.oldest(), seconds(7));
    gate.set();
    ASSERT_TRUE(group.wait(task));
    EXPECT_FALSE(disk.oldest());
  });
  expect_line(disk, R"(flux_disk_operation_duration_seconds_bucket{operation="sync",le="2.5"} 0)");
  expect_line(disk, R"(flux_disk_operation_duration_seconds_bucket{operation="sync",le="5"} 1)");
  expect_line(disk, R"(flux_disk_operation_duration_seconds_bucket{operation="sync",le="10"} 2)");
}

}  // namespace
}  // namespace flux::test
