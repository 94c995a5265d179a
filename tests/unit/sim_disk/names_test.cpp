// Names in the disk image: what a power cut leaves of creating, renaming and removing.

#include <set>

#include "tests/unit/sim_disk/image.h"

namespace flux::sim {
namespace {

DiskHabits with_names(NameLoss loss, Ratio kept) {
  DiskHabits habits = strict();
  habits.power_cut.names = loss;
  habits.power_cut.name_kept = kept;
  return habits;
}

TEST(DiskNames, ANameIsLostWithoutASyncOfItsDirectory) {
  Box box;
  const Inode file = box.create("/f");
  EXPECT_TRUE(box.write(file, 0, "data"));
  EXPECT_TRUE(box.sync(file));
  box.cut({file});
  EXPECT_EQ(box.read("/f"), "none");
  ASSERT_EQ(box.teller.of(OmenKind::name_lost).size(), 1U);
  EXPECT_EQ(box.teller.of(OmenKind::name_lost)[0].path, "/f");
}

TEST(DiskNames, ARemovedNameComesBackWithoutASyncOfItsDirectory) {
  Box box;
  const Inode file = box.keep("/f", "data");
  box.image.close(file);
  EXPECT_TRUE(box.image.remove("/f", box.now));
  box.image.power_cut(box.now);
  EXPECT_EQ(box.read("/f"), "data");
  EXPECT_EQ(box.teller.of(OmenKind::name_back).size(), 1U);
  EXPECT_TRUE(box.image.remove("/f", box.now));
  EXPECT_TRUE(box.image.sync_directory("/", box.now));
  box.image.power_cut(box.now);
  EXPECT_EQ(box.read("/f"), "none");
}

// The way every small file is replaced: what is there afterwards is the old or the new content.
TEST(DiskNames, AReplacedFileIsOldOrNewNeverAMixture) {
  for (const NameLoss loss : {NameLoss::ordered, NameLoss::anything}) {
    std::set<std::string> seen;
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
      Box box(with_names(loss, ratio(1, 2)), seed);
      box.image.close(box.keep("/f", "old"));
      const Inode fresh = box.create("/f.tmp");
      EXPECT_TRUE(box.write(fresh, 0, "new"));
      EXPECT_TRUE(box.sync(fresh));
      EXPECT_TRUE(box.image.rename("/f.tmp", "/f", box.now));
      box.cut({fresh});
      seen.insert(box.read("/f"));
    }
    EXPECT_EQ(seen, (std::set<std::string>{"new", "old"}));
  }
}

// Between directories a journal moves a file whole; without one it may be in both, or in neither.
TEST(DiskNames, AMoveBetweenDirectoriesIsWholeOnlyWithAJournal) {
  for (const NameLoss loss : {NameLoss::ordered, NameLoss::anything}) {
    std::set<std::string> seen;
    for (std::uint64_t seed = 0; seed < 80; ++seed) {
      Box box(with_names(loss, ratio(1, 2)), seed);
      box.image.provide_directory("/a");
      box.image.provide_directory("/b");
      const Inode file = box.create("/a/f");
      EXPECT_TRUE(box.sync(file));
      EXPECT_TRUE(box.image.sync_directory("/a", box.now));
      EXPECT_TRUE(box.image.rename("/a/f", "/b/f", box.now));
      box.cut({file});
      const bool in_a = box.image.find("/a/f") != kNoInode;
      const bool in_b = box.image.find("/b/f") != kNoInode;
      seen.insert(std::string(in_a ? "a" : "") + (in_b ? "b" : ""));
    }
    const std::set<std::string> whole{"a", "b"};
    const std::set<std::string> any{"", "a", "ab", "b"};
    EXPECT_EQ(seen, loss == NameLoss::ordered ? whole : any);
  }
}

TEST(DiskNames, AJournalKeepsAPrefixAndAnythingKeepsASubset) {
  for (const NameLoss loss : {NameLoss::ordered, NameLoss::anything}) {
    bool only_prefixes = true;
    std::set<std::size_t> counts;
    for (std::uint64_t seed = 0; seed < 100; ++seed) {
      Box box(with_names(loss, ratio(1, 2)), seed);
      for (const char* name : {"/1", "/2", "/3", "/4"}) box.image.close(box.create(name));
      box.image.power_cut(box.now);
      std::size_t count = 0;
      bool ended = false;
      for (const char* name : {"/1", "/2", "/3", "/4"}) {
        const bool there = box.image.find(name) != kNoInode;
        count += there ? 1 : 0;
        if (there && ended) only_prefixes = false;
        ended = ended || !there;
      }
      counts.insert(count);
    }
    EXPECT_EQ(only_prefixes, loss == NameLoss::ordered);
    EXPECT_EQ(counts.size(), 5U);
  }
}

TEST(DiskNames, AJournalCommitsNamesWithAnySync) {
  Box box(with_names(NameLoss::ordered, kNever));
  const Inode one = box.create("/one");
  const Inode two = box.create("/two");
  EXPECT_TRUE(box.sync(two));
  box.cut({one, two});
  EXPECT_NE(box.image.find("/one"), kNoInode);
  EXPECT_NE(box.image.find("/two"), kNoInode);
}

TEST(DiskNames, WhatIsInALostDirectoryIsLost) {
  Box box;
  EXPECT_TRUE(box.image.make_directory("/d", box.now));
  const Inode file = box.create("/d/f");
  EXPECT_TRUE(box.sync(file));
  EXPECT_TRUE(box.image.sync_directory("/d", box.now));
  box.cut({file});
  EXPECT_EQ(box.image.find("/d"), kNoInode);
  EXPECT_TRUE(box.image.make_directory("/d", box.now));
  EXPECT_TRUE((*box.image.list("/d"))->empty());
}

TEST(DiskNames, DirectoriesHaveTheirRules) {
  Box box;
  DiskImage& image = box.image;
  EXPECT_TRUE(image.make_directory("/d", box.now));
  EXPECT_TRUE(image.make_directory("/e", box.now));
  image.close(box.create("/d/f"));
  EXPECT_EQ(image.make_directory("/d", box.now).error(), ErrorCode::exists);
  EXPECT_EQ(image.make_directory("/x/y", box.now).error(), ErrorCode::not_found);
  EXPECT_EQ(image.make_directory("/d/f/y", box.now).error(), ErrorCode::not_found);
  EXPECT_EQ(image.remove("/d", box.now).error(), ErrorCode::exists);
  EXPECT_EQ(image.rename("/e", "/d", box.now).error(), ErrorCode::exists);
  EXPECT_EQ(image.rename("/d/f", "/e", box.now).error(), ErrorCode::exists);
  EXPECT_EQ(image.rename("/d", "/d/inside", box.now).error(), ErrorCode::invalid);
  EXPECT_EQ(image.open("/d", env::Open::read, box.now).error(), ErrorCode::invalid);
  EXPECT_EQ(image.open("/d/f", env::Open::create_new, box.now).error(), ErrorCode::exists);
  EXPECT_EQ(image.list("/d/f").error(), ErrorCode::not_found);
  EXPECT_TRUE(image.rename("/d", "/moved", box.now));
  EXPECT_NE(image.find("/moved/f"), kNoInode);
  EXPECT_TRUE(image.remove("/moved/f", box.now));
  EXPECT_TRUE(image.remove("/moved", box.now));
}

}  // namespace
}  // namespace flux::sim
