// What the map of the true disks says of batches that lives of a log wrote over each other.
#include "sim/check/storage_map.h"

#include <gtest/gtest.h>

namespace flux::sim {
namespace {

constexpr std::uint64_t kBatchBytes = 100;
constexpr const char* kSegment = "/logs/t-0/00000000000000000000";

class Disk {
 public:
  void store(Inode inode, std::int64_t base, std::int64_t end, std::uint64_t place = 0) {
    const ByteRange range{place, place + kBatchBytes};
    event(OmenKind::written, inode, range);
    BatchStored batch;
    batch.inode = inode;
    batch.range = range;
    batch.topic = "t";
    batch.partition = PartitionIndex(0);
    batch.directory = "/logs/t-0";
    batch.segment = kSegment;
    batch.base = Offset(base);
    batch.end = Offset(end);
    map.observe(batch);
  }
  void event(OmenKind kind, Inode inode, ByteRange range, std::string_view suffix = ".log") {
    DiskEvent event;
    event.kind = kind;
    event.inode = inode;
    event.path = std::string(kSegment) + std::string(suffix);
    event.range = range;
    map.observe(event);
  }
  void block(ByteRange range) { map.observe(BlockStored{{}, 0, kSegment, range}); }
  const Stored* find(std::int64_t offset) const {
    return map.find({"t", PartitionIndex(0)}, Offset(offset));
  }

  StorageMap map;
};

// Scenario power_cut, seeds 14 and 40, before: the batch of a dropped segment was taken for the one
// that the next life wrote over its offsets from an earlier base.
TEST(StorageMap, TheNewestBatchOfAnOffsetIsFoundWhereverItBegins) {
  Disk disk;
  disk.store(Inode(1), 681, 684);
  disk.event(OmenKind::removed, Inode(1), {0, kBatchBytes});
  disk.store(Inode(2), 676, 683);
  ASSERT_NE(disk.find(682), nullptr);
  EXPECT_EQ(disk.find(682)->inode, Inode(2));
  EXPECT_EQ(disk.find(683)->inode, Inode(1));
  EXPECT_TRUE(disk.find(683)->cut);
  EXPECT_EQ(disk.find(675), nullptr);
  EXPECT_EQ(disk.find(684), nullptr);
}

TEST(StorageMap, ABatchIsSyncedWhenAllItsBytesAre) {
  Disk disk;
  disk.store(Inode(1), 0, 3);
  disk.event(OmenKind::synced, Inode(1), {0, kBatchBytes - 1});
  EXPECT_FALSE(disk.map.synced(*disk.find(0)));
  disk.event(OmenKind::synced, Inode(1), {kBatchBytes - 1, kBatchBytes});
  EXPECT_TRUE(disk.map.truly_synced(*disk.find(0)));
  disk.store(Inode(1), 3, 5, kBatchBytes);
  EXPECT_FALSE(disk.map.synced(*disk.find(3)));
}

// The node takes all of a write or nothing, and may cut off what there is of one that failed, also
// when a sync for others covered it.
TEST(StorageMap, WhatCameWithAFailedWriteIsRefused) {
  Disk disk;
  disk.store(Inode(1), 0, 3);
  disk.store(Inode(1), 3, 5, kBatchBytes);
  disk.event(OmenKind::write_failed, Inode(1), {kBatchBytes, 3 * kBatchBytes});
  EXPECT_FALSE(disk.find(0)->refused);
  EXPECT_TRUE(disk.find(3)->refused);
  disk.store(Inode(1), 3, 5, kBatchBytes);
  EXPECT_FALSE(disk.find(3)->refused);
}

TEST(StorageMap, OnlyWhatHappenedAfterABatchWasStoredExcusesIt) {
  Disk disk;
  disk.event(OmenKind::rotted, Inode(1), {10, 11});
  disk.store(Inode(1), 0, 3);
  disk.block({0, kBatchBytes});
  disk.store(Inode(1), 3, 5, kBatchBytes);
  EXPECT_EQ(disk.map.excuse(*disk.find(0), Promise::survives_power_cut), std::nullopt);
  disk.event(OmenKind::rotted, Inode(1), {kBatchBytes + 10, kBatchBytes + 11});
  EXPECT_EQ(disk.map.excuse(*disk.find(0), Promise::survives_power_cut), std::nullopt);
  EXPECT_TRUE(disk.map.excuse(*disk.find(3), Promise::survives_power_cut).has_value());
}

// Swarm seed 6118, before: a sync covered a part of a block, and was taken for all of it.
TEST(StorageMap, RotExcusesItsBlock) {
  Disk disk;
  disk.store(Inode(1), 0, 3);
  disk.event(OmenKind::synced, Inode(1), {0, kBatchBytes});
  disk.store(Inode(1), 3, 5, kBatchBytes);
  disk.block({0, 2 * kBatchBytes});
  disk.store(Inode(1), 5, 7, 2 * kBatchBytes);
  disk.event(OmenKind::rotted, Inode(1), {kBatchBytes + 10, kBatchBytes + 11});
  EXPECT_EQ(disk.map.excuse(*disk.find(0), Promise::survives_kill), "rotted");
  disk.block({2 * kBatchBytes, 3 * kBatchBytes});
  EXPECT_EQ(disk.map.excuse(*disk.find(5), Promise::survives_kill), std::nullopt);
}

// Swarm seed 4664, before: what lies in no block yet may come to lie in one.
TEST(StorageMap, RotExcusesWhatMayLieInOneBlockWithIt) {
  Disk disk;
  const std::uint64_t far = 64 << 10;
  disk.store(Inode(1), 0, 3);
  disk.store(Inode(1), 3, 5, kBatchBytes);
  disk.event(OmenKind::rotted, Inode(1), {kBatchBytes + 10, kBatchBytes + 11});
  disk.store(Inode(1), 5, 7, 2 * kBatchBytes);
  disk.store(Inode(1), 7, 9, 2 * kBatchBytes + far);
  EXPECT_EQ(disk.map.excuse(*disk.find(0), Promise::survives_kill), "rotted");
  EXPECT_EQ(disk.map.excuse(*disk.find(5), Promise::survives_kill), "rotted");
  EXPECT_EQ(disk.map.excuse(*disk.find(7), Promise::survives_kill), std::nullopt);
}

// A batch that no entry names answers for itself; one that is bad then takes along what lies behind
// it, since nothing says where the log goes on.
TEST(StorageMap, LostEntriesExcuseOnlyWhatLiesBehindBadBytes) {
  for (const OmenKind kind : {OmenKind::rotted, OmenKind::misread}) {
    Disk disk;
    for (int i = 0; i < 3; ++i) {
      const auto place = static_cast<std::uint64_t>(i) * kBatchBytes;
      disk.store(Inode(1), i, i + 1, place);
      disk.block({place, place + kBatchBytes});
    }
    disk.event(kind, Inode(2), {64, 65}, ".integrity");
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(disk.map.excuse(*disk.find(i), Promise::survives_kill), std::nullopt) << i;
    }
    disk.event(OmenKind::rotted, Inode(1), {kBatchBytes + 10, kBatchBytes + 11});
    EXPECT_EQ(disk.map.excuse(*disk.find(0), Promise::survives_kill), std::nullopt);
    EXPECT_EQ(disk.map.excuse(*disk.find(1), Promise::survives_kill), "rotted");
    EXPECT_EQ(disk.map.excuse(*disk.find(2), Promise::survives_kill), "side_file");
  }
}

// Swarm seed 5719, before: the segment before was lost by a sync that lied, and so this one goes.
TEST(StorageMap, WhatLiesBehindAHoleOfALyingSyncGoes) {
  Disk disk;
  disk.store(Inode(1), 0, 3);
  disk.store(Inode(2), 3, 5);
  disk.event(OmenKind::synced, Inode(2), {0, kBatchBytes});
  disk.event(OmenKind::power_cut, Inode(0), {});
  disk.event(OmenKind::lost, Inode(1), {0, kBatchBytes});
  EXPECT_EQ(disk.map.excuse(*disk.find(3), Promise::survives_power_cut), std::nullopt);

  disk.store(Inode(3), 5, 8);
  disk.event(OmenKind::lied, Inode(3), {0, kBatchBytes});
  disk.store(Inode(4), 8, 9);
  disk.event(OmenKind::synced, Inode(4), {0, kBatchBytes});
  disk.event(OmenKind::power_cut, Inode(0), {});
  disk.event(OmenKind::lost, Inode(3), {0, kBatchBytes});
  EXPECT_EQ(disk.map.excuse(*disk.find(8), Promise::survives_power_cut), "lying_sync");
}

}  // namespace
}  // namespace flux::sim
