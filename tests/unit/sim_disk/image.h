// A disk image outside of any world, with what it told, for the tests of the model.
#pragma once

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "sim/env/disk_image.h"

namespace flux::sim {

struct Told {
  OmenKind kind;
  std::string path;
  ByteRange range;
};

class Teller final : public DiskObserver {
 public:
  void foresee(const Omen& omen) override {
    told.push_back({omen.kind, std::string(omen.path), omen.range});
  }
  std::vector<Told> of(OmenKind kind) const {
    std::vector<Told> out;
    for (const Told& one : told) {
      if (one.kind == kind) out.push_back(one);
    }
    return out;
  }

  std::vector<Told> told;
};

// Power cuts that keep nothing that is not durable, so that a test says what it wants to survive.
inline DiskHabits strict() {
  DiskHabits habits;
  habits.power_cut.survival = {1, 0, 0, 0, 0};
  habits.power_cut.size_alone = kNever;
  habits.power_cut.name_kept = kNever;
  habits.power_cut.write_back = kNever;
  return habits;
}

struct Box {
  explicit Box(const DiskHabits& habits = strict(), std::uint64_t seed = 1)
      : decisions(seed), image(key("test"), habits, decisions, &teller) {}

  Inode create(const std::string& path) {
    const DiskResult<Inode> inode = image.open(path, env::Open::create, now);
    EXPECT_TRUE(inode) << path;
    return inode ? *inode : kNoInode;
  }
  // A file whose name and content are durable.
  Inode keep(const std::string& path, std::string_view content) {
    const Inode inode = create(path);
    EXPECT_TRUE(image.write(inode, 0, as_bytes(content), now));
    EXPECT_TRUE(sync(inode));
    EXPECT_TRUE(image.sync_directory("/", now));
    return inode;
  }
  DiskResult<> write(Inode inode, std::uint64_t offset, std::string_view text) {
    return image.write(inode, offset, as_bytes(text), now);
  }
  DiskResult<> sync(Inode inode) { return image.sync(inode, image.newest(inode), now); }
  // "error" when it cannot be read.
  std::string read(Inode inode, std::uint64_t offset = 0, std::size_t length = 100'000) {
    Bytes into(length);
    const DiskResult<std::size_t> got = image.read(inode, offset, into);
    return got ? std::string(as_text(ByteView(into).first(*got))) : "error";
  }
  std::string read(const std::string& path) {
    const Inode inode = image.find(path);
    return inode == kNoInode ? "none" : read(inode);
  }
  // All files closed, then the cut.
  void cut(std::initializer_list<Inode> open) {
    for (const Inode inode : open) image.close(inode);
    image.power_cut(now);
  }

  Time now{1'000'000'000};
  Decisions decisions;
  Teller teller;
  DiskImage image;
};

}  // namespace flux::sim
