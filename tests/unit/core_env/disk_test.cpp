// What core/env builds from a disk's operations: small files and directories that outlive anything.
#include "core/env/disk.h"

#include <gtest/gtest.h>

#include "tests/support/small_node.h"

namespace flux::test {
namespace {

using env::Task;

constexpr std::string_view kDirectory = "a/b/c";
constexpr std::string_view kFile = "a/b/c/f";

// An earlier life is killed in each of its operations; the next one finds directories that nobody
// has synced into their parents.
TEST(MakeDirectories, MakesNamesDurableThatADeadProcessMade) {
  bool whole = false;
  for (std::uint64_t at = 0; !whole; ++at) {
    SmallNode node;
    node.disk.dies_at = at;
    ASSERT_TRUE(node.run([&](Task& task) {
      whole = env::make_directories(task, node.env().disk, kDirectory).has_value();
    }));
    node.kill();
    ASSERT_TRUE(node.run([&](Task& task) {
      ASSERT_TRUE(env::make_directories(task, node.env().disk, kDirectory));
      ASSERT_TRUE(env::replace_file(task, node.env().disk, kFile, as_bytes("kept")));
    }));
    node.power_cut();
    ASSERT_TRUE(node.run([&](Task& task) {
      const auto content = env::read_file(task, node.env().disk, kFile, 100);
      ASSERT_TRUE(content) << "lost with a life that ended at operation " << at;
      EXPECT_EQ(as_text(*content), "kept");
    }));
  }
}

TEST(MakeDirectories, AnErrorOfTheParentsSyncIsTold) {
  SmallNode node;
  node.disk.fails_from = 1;
  node.disk.fails = 1;
  ASSERT_TRUE(node.run([&](Task& task) {
    EXPECT_EQ(env::make_directories(task, node.env().disk, "a").error().code(),
              ErrorCode::io_error);
    node.disk.fails_from = node.disk.operations + 1;
    EXPECT_EQ(env::make_directories(task, node.env().disk, "a").error().code(), ErrorCode::io_error)
        << "of a directory that was there";
    EXPECT_TRUE(env::make_directories(task, node.env().disk, "a"));
  }));
}

TEST(ReplaceFile, OnAFullDiskGivesBackThePartThatFoundRoom) {
  SmallNode node;
  ASSERT_TRUE(node.run([&](Task& task) {
    node.image.habits().limits.capacity_bytes = 3 * 4096;
    const auto replaced = env::replace_file(task, node.env().disk, "f", Bytes(5 * 4096));
    ASSERT_FALSE(replaced);
    EXPECT_EQ(replaced.error().code(), ErrorCode::no_space);
    EXPECT_TRUE(node.env().disk.list(task, ".")->empty());
    EXPECT_TRUE(env::replace_file(task, node.env().disk, "f", Bytes(2 * 4096)));
  }));
}

}  // namespace
}  // namespace flux::test
