// Every fault of a simulated disk: a node can see it, the observer is told, healing takes it away.

#include <set>

#include "tests/unit/sim_disk/image.h"

namespace flux::sim {
namespace {

const std::string kContent(2000, 'c');

DiskHabits visible() {
  DiskHabits habits = strict();
  habits.chances.hidden_by_cache = kNever;
  return habits;
}

TEST(DiskFaults, RotIsWrongUntilRewrittenOrHealed) {
  Box box;
  const Inode file = box.keep("/f", kContent);
  EXPECT_TRUE(box.image.rot_at("/f", 7, std::byte{1}));
  EXPECT_FALSE(box.image.rot_at("/f", 2000, std::byte{1}));
  std::string wrong = kContent;
  wrong[7] = 'b';
  EXPECT_EQ(box.read(file), wrong);
  EXPECT_EQ(box.read(file), wrong);
  EXPECT_EQ(as_text(box.image.pristine(file)), kContent);
  ASSERT_EQ(box.teller.of(OmenKind::rotted).size(), 1U);
  EXPECT_TRUE(box.write(file, 0, "cccccccccccc"));
  EXPECT_EQ(box.read(file), kContent);
  EXPECT_EQ(box.teller.of(OmenKind::mended).size(), 1U);
  EXPECT_TRUE(box.image.rot_at("/f", 500, std::byte{8}));
  box.image.heal();
  EXPECT_EQ(box.read(file), kContent);
}

TEST(DiskFaults, ALatentErrorLastsUntilRewrittenOrHealed) {
  Box box;
  const Inode file = box.keep("/f", kContent);
  const auto hit = box.image.make_unreadable({"/f", Region::head, 10}, key("now"));
  ASSERT_TRUE(hit);
  EXPECT_EQ(hit->range, (ByteRange{0, 512}));
  EXPECT_EQ(box.read(file), "error");
  EXPECT_EQ(box.read(file, 512), kContent.substr(512));
  EXPECT_TRUE(box.write(file, 0, std::string(512, 'c')));
  EXPECT_EQ(box.read(file), kContent);
  EXPECT_TRUE(box.image.make_unreadable_at("/f", {600, 601}));
  EXPECT_EQ(box.read(file, 0, 700), "error");
  box.image.heal();
  EXPECT_EQ(box.read(file), kContent);
}

TEST(DiskFaults, AnInjectionStrikesWhereItWasAimed) {
  std::set<std::uint64_t> places;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    Box box(visible(), seed);
    box.image.close(box.keep("/other", "other"));
    box.image.provide_directory("/t-0");
    const Inode log = box.create("/t-0/log");
    EXPECT_TRUE(box.write(log, 0, kContent));
    EXPECT_TRUE(box.sync(log));
    EXPECT_TRUE(box.write(log, 2000, "last batch"));
    EXPECT_TRUE(box.sync(log));
    const auto hit = box.image.rot({"/t-0/*", Region::last_synced_head, 4}, key("now"));
    ASSERT_TRUE(hit);
    EXPECT_EQ(hit->path, "/t-0/log");
    places.insert(hit->range.begin);
    EXPECT_FALSE(box.image.rot({"/nothing*", Region::anywhere, 0}, key("now")));
  }
  EXPECT_EQ(places, (std::set<std::uint64_t>{2000, 2001, 2002, 2003}));
}

TEST(DiskFaults, APhantomWriteShowsWhenTheCacheIsDropped) {
  DiskHabits habits = strict();
  habits.chances.hidden_by_cache = kAlways;
  for (const bool power : {false, true}) {
    Box box(habits);
    const Inode file = box.keep("/f", "old old old");
    box.image.order({OrderedFault::phantom_write, "/f"});
    EXPECT_TRUE(box.write(file, 0, "new"));
    EXPECT_TRUE(box.sync(file));
    EXPECT_EQ(box.read(file), "new old old");
    box.image.close(file);
    if (power) {
      box.image.power_cut(box.now);
    } else {
      box.image.drop_cache();
    }
    EXPECT_EQ(box.read("/f"), "old old old");
    ASSERT_EQ(box.teller.of(OmenKind::phantom).size(), 1U);
    EXPECT_EQ(box.teller.of(OmenKind::phantom)[0].range, (ByteRange{0, 3}));
    box.image.heal();
    EXPECT_EQ(box.read("/f"), "new old old");
  }
}

TEST(DiskFaults, AMisdirectedWriteLandsElsewhere) {
  bool landed_in_other = false;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Box box(visible(), seed);
    const Inode one = box.keep("/one", kContent);
    const Inode two = box.keep("/two", std::string(2000, 'd'));
    box.image.order({OrderedFault::misdirected_write, "/one", 0, kNoEnd, 0, 1});
    EXPECT_TRUE(box.write(one, 100, "XXXXX"));
    EXPECT_TRUE(box.sync(one));
    EXPECT_EQ(box.read(one, 100, 5), "ccccc");
    const bool other = box.read(two).find("XXXXX") != std::string::npos;
    landed_in_other = landed_in_other || other;
    if (other) {
      ASSERT_EQ(box.teller.of(OmenKind::displaced).size(), 1U);
      EXPECT_EQ(box.teller.of(OmenKind::displaced)[0].path, "/two");
    }
    box.image.heal();
    EXPECT_EQ(box.read(one, 100, 5), "XXXXX");
    EXPECT_EQ(box.read(two), std::string(2000, 'd'));
  }
  EXPECT_TRUE(landed_in_other);
}

TEST(DiskFaults, AMisdirectedReadIsWrongOnce) {
  Box box(visible());
  const Inode one = box.keep("/one", std::string(100, 'a'));
  box.keep("/two", std::string(100, 'b'));
  box.image.order({OrderedFault::misdirected_read, "/one", 0, kNoEnd, 0, 10});
  std::set<std::string> seen;
  for (int i = 0; i < 10; ++i) seen.insert(box.read(one));
  EXPECT_TRUE(seen.contains(std::string(100, 'b')));
  EXPECT_EQ(box.read(one), std::string(100, 'a'));
}

TEST(DiskFaults, ASyncErrorLeavesPagesCleanAndUnstored) {
  for (const bool heals : {false, true}) {
    Box box;
    const Inode file = box.keep("/f", "old");
    EXPECT_TRUE(box.write(file, 3, " dropped"));
    box.image.order({OrderedFault::sync_error, "/f"});
    EXPECT_EQ(box.sync(file).error(), ErrorCode::io_error);
    EXPECT_TRUE(box.sync(file));  // as if all were well
    EXPECT_EQ(box.read(file), "old dropped");
    ASSERT_EQ(box.teller.of(OmenKind::dropped).size(), 1U);
    if (heals) box.image.heal();
    box.cut({file});
    EXPECT_EQ(box.read("/f"), heals ? "old dropped" : "old");
    EXPECT_EQ(box.teller.of(OmenKind::lost).size(), heals ? 0U : 1U);
  }
}

TEST(DiskFaults, WhatWasDroppedIsSavedByWritingAndSyncingItAgain) {
  Box box;
  const Inode file = box.keep("/f", "one");
  EXPECT_TRUE(box.write(file, 3, "two and three"));
  box.image.order({OrderedFault::sync_error, "/f"});
  EXPECT_FALSE(box.sync(file));
  EXPECT_TRUE(box.write(file, 3, "two"));
  EXPECT_TRUE(box.sync(file));
  box.cut({file});
  // What no later sync covered is told as lost, and nothing else.
  ASSERT_EQ(box.teller.of(OmenKind::lost).size(), 1U);
  EXPECT_EQ(box.teller.of(OmenKind::lost)[0].range, (ByteRange{6, 16}));
}

TEST(DiskFaults, AWriteAfterADroppedOneIsStoredAlone) {
  Box box;
  const Inode file = box.keep("/f", "old");
  EXPECT_TRUE(box.write(file, 3, "dropped"));
  box.image.order({OrderedFault::sync_error, "/f"});
  EXPECT_FALSE(box.sync(file));
  EXPECT_TRUE(box.write(file, 10, "kept"));
  EXPECT_TRUE(box.sync(file));
  box.cut({file});
  EXPECT_EQ(box.read("/f"), std::string("old\0\0\0\0\0\0\0kept", 14));
}

TEST(DiskFaults, ALyingSyncMakesNothingDurable) {
  for (const bool heals : {false, true}) {
    Box box;
    const Inode file = box.keep("/f", "old");
    EXPECT_TRUE(box.write(file, 3, " more"));
    box.image.order({OrderedFault::lying_sync, "/f"});
    EXPECT_TRUE(box.sync(file));
    ASSERT_EQ(box.teller.of(OmenKind::lied).size(), 1U);
    EXPECT_EQ(box.teller.of(OmenKind::lied)[0].range, (ByteRange{3, 8}));
    if (heals) box.image.heal();
    box.cut({file});
    EXPECT_EQ(box.read("/f"), heals ? "old more" : "old");
  }
}

TEST(DiskFaults, ErrorsStrikeTheOrderedOperationOnly) {
  Box box;
  const Inode file = box.keep("/f", kContent);
  box.image.order({OrderedFault::read_error, "/f", 100, 200, 1, 2});
  EXPECT_NE(box.read(file, 0, 50), "error");   // does not touch the range
  EXPECT_NE(box.read(file, 150, 1), "error");  // skipped
  EXPECT_EQ(box.read(file, 150, 1), "error");
  EXPECT_EQ(box.read(file, 0, 101), "error");
  EXPECT_NE(box.read(file, 150, 1), "error");
  box.image.order({OrderedFault::write_error, "*"});
  EXPECT_EQ(box.write(file, 0, "x").error(), ErrorCode::io_error);
  EXPECT_TRUE(box.write(file, 0, "x"));
  box.image.order({OrderedFault::name_error, "/g"});
  EXPECT_EQ(box.image.open("/g", env::Open::create, box.now).error(), ErrorCode::io_error);
  EXPECT_TRUE(box.image.open("/g", env::Open::create, box.now));
}

TEST(DiskFaults, AFailedWriteLeavesAnyPart) {
  std::set<std::size_t> parts;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    Box box(strict(), seed);
    const Inode file = box.create("/f");
    box.image.order({OrderedFault::write_error, "/f"});
    EXPECT_FALSE(box.write(file, 0, "abcd"));
    ASSERT_EQ(box.teller.of(OmenKind::write_failed).size(), 1U);
    EXPECT_EQ(box.teller.of(OmenKind::write_failed)[0].range, (ByteRange{0, 4}));
    const std::string left = box.read(file);
    EXPECT_EQ(left, std::string("abcd").substr(0, left.size()));
    parts.insert(left.size());
  }
  EXPECT_EQ(parts.size(), 5U);
}

TEST(DiskFaults, AFullDiskTakesWhatFitsAndRemovalsMakeRoom) {
  DiskHabits habits = strict();
  habits.limits.capacity_bytes = 10 * 4096;
  Box box(habits);
  const Inode file = box.create("/f");
  EXPECT_EQ(box.write(file, 0, std::string(50'000, 'x')).error(), ErrorCode::no_space);
  EXPECT_EQ(box.teller.of(OmenKind::write_failed).size(), 1U);
  EXPECT_EQ(box.read(file).size(), 40'960U);
  EXPECT_EQ(box.image.space(box.now).free_bytes, 0U);
  EXPECT_EQ(box.image.open("/g", env::Open::create, box.now).error(), ErrorCode::no_space);
  EXPECT_EQ(box.image.make_directory("/d", box.now).error(), ErrorCode::no_space);
  EXPECT_TRUE(box.write(file, 0, "overwrites still go"));
  EXPECT_TRUE(box.image.remove("/f", box.now));
  EXPECT_EQ(box.image.space(box.now).free_bytes, 0U) << "it is still open";
  box.image.close(file);
  EXPECT_EQ(box.image.space(box.now).free_bytes, 40'960U);
  const Inode next = box.create("/g");
  EXPECT_EQ(box.image.allocate(next, 50'000, box.now).error(), ErrorCode::no_space);
  EXPECT_TRUE(box.image.allocate(next, 40'000, box.now));
  EXPECT_EQ(box.image.space(box.now).free_bytes, 0U);
  EXPECT_EQ(box.image.size(next), 0U);
}

TEST(DiskFaults, OthersTakeAndGiveBackSpace) {
  DiskHabits habits = strict();
  habits.limits.drift_bytes_max = 1'000'000;
  Box box(habits);
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 10; ++i) {
    seen.insert(box.image.space(box.now).free_bytes);
    box.now = box.now + seconds(10);
  }
  EXPECT_GT(seen.size(), 5U);
}

TEST(DiskFaults, ALostDiskIsEmpty) {
  Box box;
  box.image.close(box.keep("/f", "data"));
  box.image.wipe();
  EXPECT_EQ(box.read("/f"), "none");
  EXPECT_TRUE((*box.image.list("/"))->empty());
  EXPECT_EQ(box.image.space(box.now).free_bytes, box.image.space(box.now).total_bytes);
  EXPECT_EQ(box.teller.of(OmenKind::wiped).size(), 1U);
  box.image.close(box.keep("/f", "again"));
  EXPECT_EQ(box.read("/f"), "again");
}

TEST(DiskFaults, AnOldImageComesBackWhole) {
  Box box;
  Box twin(strict(), 2);
  box.image.provide_directory("/d");
  const Inode file = box.create("/d/f");
  EXPECT_TRUE(box.write(file, 0, "first"));
  EXPECT_TRUE(box.sync(file));
  EXPECT_TRUE(box.image.sync_directory("/d", box.now));
  EXPECT_TRUE(box.write(file, 5, " unsynced"));
  const DiskSnapshot old = box.image.snapshot();
  EXPECT_TRUE(box.sync(file));
  EXPECT_TRUE(box.image.rename("/d/f", "/d/g", box.now));
  EXPECT_TRUE(box.image.sync_directory("/d", box.now));
  box.image.close(file);
  box.image.close(box.create("/later"));
  box.image.restore(old);
  twin.image.restore(old);
  for (Box* b : {&box, &twin}) {
    EXPECT_EQ(b->read("/d/f"), "first");
    EXPECT_EQ(b->read("/d/g"), "none");
    EXPECT_EQ(b->read("/later"), "none");
    b->image.close(b->keep("/new", "x"));
    EXPECT_TRUE(b->image.remove("/d/f", b->now));
  }
}

TEST(DiskFaults, AChanceThatIsZeroDrawsNothing) {
  Box box;
  box.decisions.record();
  const Inode file = box.keep("/f", kContent);
  EXPECT_EQ(box.read(file), kContent);
  EXPECT_TRUE(box.image.truncate(file, 10, box.now));
  EXPECT_TRUE(box.decisions.recorded().empty());
}

// Taking away what happens to one file leaves what happens to another as it was.
TEST(DiskFaults, WhatIsDrawnAboutAFileDoesNotDependOnOthers) {
  DiskHabits habits;
  habits.chances.rot = ratio(1, 4);
  habits.chances.write_error = ratio(1, 4);
  const auto outcome = [&](bool with_other) {
    Box box(habits, 9);
    const Inode other = with_other ? box.create("/a") : kNoInode;
    const Inode file = box.create("/f");
    for (std::uint64_t i = 0; i < 40; ++i) {
      if (with_other) static_cast<void>(box.write(other, i * 700, std::string(700, 'o')));
      static_cast<void>(box.write(file, i * 700, std::string(700, 'f')));
      if (i == 20) static_cast<void>(box.sync(file));
    }
    EXPECT_TRUE(box.image.sync_directory("/", box.now));
    if (with_other) box.image.close(other);
    box.cut({file});
    return box.read("/f");
  };
  EXPECT_EQ(outcome(false), outcome(true));
}

TEST(DiskFaults, Patterns) {
  EXPECT_TRUE(path_matches("*", "/a/b"));
  EXPECT_TRUE(path_matches("/a/*.log", "/a/b/1.log"));
  EXPECT_TRUE(path_matches("/a/b", "/a/b"));
  EXPECT_TRUE(path_matches("*a*b*", "xaxbx"));
  EXPECT_FALSE(path_matches("/a", "/a/b"));
  EXPECT_FALSE(path_matches("*.log", "/a/b.log2"));
  EXPECT_FALSE(path_matches("", "/a"));
}

}  // namespace
}  // namespace flux::sim
