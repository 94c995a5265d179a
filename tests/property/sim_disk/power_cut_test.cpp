// Random operations and power cuts on a disk image, against a history kept by hand: what a power
// cut leaves is legal, what was synced is there, and what is gone was told.

#include <algorithm>
#include <map>
#include <rapidcheck.h>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "sim/env/disk_image.h"

namespace flux::sim {
namespace {

constexpr std::size_t kFiles = 3;

struct Step {
  enum Kind : int { write, append, truncate, call_sync, sync, sync_names, wait, cut };
  int kind = write;
  std::size_t file = 0;
  std::uint64_t offset = 0;
  std::size_t length = 1;
};

std::ostream& operator<<(std::ostream& to, const Step& step) {
  static constexpr const char* kNames[] = {"write", "append",     "truncate", "call_sync",
                                           "sync",  "sync_names", "wait",     "cut"};
  return to << kNames[step.kind] << ' ' << step.file << ' ' << step.offset << ' ' << step.length;
}

rc::Gen<Step> any_step() {
  return rc::gen::map(rc::gen::tuple(rc::gen::weightedElement<int>({{6, Step::write},
                                                                    {8, Step::append},
                                                                    {2, Step::truncate},
                                                                    {3, Step::call_sync},
                                                                    {3, Step::sync},
                                                                    {2, Step::sync_names},
                                                                    {1, Step::wait},
                                                                    {2, Step::cut}}),
                                     rc::gen::inRange<std::size_t>(0, kFiles),
                                     rc::gen::inRange<std::uint64_t>(0, 4000),
                                     rc::gen::inRange<std::size_t>(1, 2500)),
                      [](const std::tuple<int, std::size_t, std::uint64_t, std::size_t>& t) {
                        return Step{std::get<0>(t), std::get<1>(t), std::get<2>(t), std::get<3>(t)};
                      });
}

// What a file has been since its last sync, oldest first, and which bytes a write put there.
struct History {
  Inode inode;
  std::vector<std::string> versions{""};
  std::vector<bool> written;  // of the newest version: by a write that is still in the file
  bool named = false;         // its name is durable
  bool called = false;        // a sync is under way
  std::uint64_t covers = 0;
  std::size_t kept = 0;  // versions that are not possible any more once it is done

  const std::string& newest() const { return versions.back(); }
  void push(std::string next) {
    written.resize(next.size(), false);
    versions.push_back(std::move(next));
  }
  // A sync is called now and completes later; it covers what was there when it was called.
  void call_sync(std::uint64_t newest_change) {
    if (called) return;
    called = true;
    covers = newest_change;
    kept = versions.size() - 1;
  }
  void settle() {
    versions.erase(versions.begin(), versions.begin() + static_cast<std::ptrdiff_t>(kept));
    called = false;
  }
};

class Lost final : public DiskObserver {
 public:
  void foresee(const Omen& omen) override {
    if (omen.kind == OmenKind::lost) ranges[omen.inode].push_back(omen.range);
  }
  bool holds(Inode inode, std::uint64_t offset) const {
    const auto it = ranges.find(inode);
    return it != ranges.end() && std::ranges::any_of(it->second, [&](ByteRange range) {
             return range.begin <= offset && offset < range.end;
           });
  }

  std::map<Inode, std::vector<ByteRange>> ranges;
};

class Runner {
 public:
  Runner(std::uint64_t seed, const DiskHabits& habits)
      : decisions_(seed), habits_(habits), image_(key("test"), habits, decisions_, &lost_) {
    for (std::size_t i = 0; i < kFiles; ++i) open(i);
  }

  void take(const Step& step) {
    History& h = files_[step.file];
    now_ = now_ + milliseconds(1);
    switch (step.kind) {
      case Step::write:
        return write(h, step.offset, step.length);
      case Step::append:
        return write(h, h.newest().size(), step.length);
      case Step::truncate: {
        RC_ASSERT(image_.truncate(h.inode, step.offset, now_).has_value());
        std::string next = h.newest();
        next.resize(step.offset, '\0');
        return h.push(std::move(next));
      }
      case Step::call_sync:
        return h.call_sync(image_.newest(h.inode));
      case Step::sync:
        h.call_sync(image_.newest(h.inode));
        RC_ASSERT(image_.sync(h.inode, h.covers, now_).has_value());
        h.settle();
        if (habits_.power_cut.names == NameLoss::ordered) name_all();
        return;
      case Step::sync_names:
        RC_ASSERT(image_.sync_directory("/", now_).has_value());
        return name_all();
      case Step::wait:
        now_ = now_ + seconds(static_cast<std::int64_t>(step.length % 40));
        return;
      case Step::cut:
        return cut();
    }
  }

  void cut() {
    for (History& h : files_) image_.close(h.inode);
    lost_.ranges.clear();
    image_.power_cut(now_);
    for (std::size_t i = 0; i < kFiles; ++i) check(i);
    for (std::size_t i = 0; i < kFiles; ++i) open(i);
  }

 private:
  static std::string path(std::size_t file) { return "/" + std::to_string(file); }

  void open(std::size_t file) {
    const bool there = image_.find(path(file)) != kNoInode;
    const DiskResult<Inode> inode = image_.open(path(file), env::Open::create, now_);
    RC_ASSERT(inode.has_value());
    History fresh;
    fresh.inode = *inode;
    fresh.named = there;
    if (there) fresh.versions = {std::string(as_text(image_.pristine(*inode)))};
    fresh.written.resize(fresh.newest().size(), true);
    files_[file] = std::move(fresh);
  }

  void name_all() {
    for (History& h : files_) h.named = true;
  }

  void write(History& h, std::uint64_t offset, std::size_t length) {
    std::string bytes(length, '\0');
    ++writes_;
    for (std::size_t i = 0; i < length; ++i) {
      bytes[i] = static_cast<char>(1 + mix64(writes_ * 10'000 + i) % 200);
    }
    RC_ASSERT(image_.write(h.inode, offset, as_bytes(bytes), now_).has_value());
    std::string next = h.newest();
    if (next.size() < offset + length) next.resize(offset + length, '\0');
    next.replace(offset, length, bytes);
    h.push(std::move(next));
    std::fill_n(h.written.begin() + static_cast<std::ptrdiff_t>(offset), length, true);
    RC_ASSERT(as_text(image_.pristine(h.inode)) == h.newest());
  }

  void check(std::size_t file) {
    const History& h = files_[file];
    const Inode inode = image_.find(path(file));
    if (inode == kNoInode) {
      RC_ASSERT(!h.named);
      return;
    }
    RC_ASSERT(inode == h.inode);
    const std::string now(as_text(image_.pristine(inode)));
    RC_ASSERT(image_.durable(inode).size() == now.size());
    const PowerCutHabits& cut = habits_.power_cut;
    if (cut.size_alone.never() && cut.write_back.never()) {
      if (cut.survival.nothing == 1) RC_ASSERT(now == h.versions.front());
      if (cut.survival.everything == 1) RC_ASSERT(now == h.newest());
    }
    check_size(h, now.size());
    for (std::size_t begin = 0; begin < now.size(); begin += habits_.power_cut.sector_bytes) {
      check_sector(h, now, begin);
    }
    for (std::size_t i = 0; i < h.newest().size(); ++i) {
      if (!h.written[i] || lost_.holds(inode, i)) continue;
      RC_ASSERT(i < now.size());
      RC_ASSERT(now[i] == h.newest()[i]);
    }
  }

  // A size that the file had, or the end of a torn write: a sector's end between two sizes.
  void check_size(const History& h, std::size_t size) {
    std::size_t most = 0;
    for (const std::string& version : h.versions) {
      if (version.size() == size) return;
      most = std::max(most, version.size());
    }
    RC_ASSERT(size < most);
    RC_ASSERT(size % habits_.power_cut.sector_bytes == 0);
  }

  // The sector is as it was in some version; what a version had not is zero.
  void check_sector(const History& h, const std::string& now, std::size_t begin) {
    const std::size_t length =
        std::min<std::size_t>(habits_.power_cut.sector_bytes, now.size() - begin);
    const std::string_view sector = std::string_view(now).substr(begin, length);
    for (const std::string& version : h.versions) {
      std::string was(version.substr(std::min(begin, version.size()), length));
      was.resize(length, '\0');
      if (was == sector) return;
    }
    RC_FAIL("a sector holds what it never held");
  }

  Decisions decisions_;
  DiskHabits habits_;
  Lost lost_;
  DiskImage image_;
  std::array<History, kFiles> files_;
  Time now_{1'000'000'000};
  std::uint64_t writes_ = 0;
};

DiskHabits habits_of(int mode) {
  DiskHabits habits;
  SurvivalWeights& w = habits.power_cut.survival;
  switch (mode) {
    case 0:
      w = {1, 0, 0, 0, 0};
      break;
    case 1:
      w = {0, 1, 0, 0, 0};
      break;
    case 2:
      w = {0, 0, 1, 0, 0};
      break;
    case 3:
      w = {0, 0, 0, 1, 0};
      break;
    case 4:
      w = {0, 0, 0, 0, 1};
      break;
    default:
      break;
  }
  return habits;
}

TEST(DiskProperty, APowerCutLeavesALegalSubset) {
  const bool held = rc::check("power cuts", [] {
    DiskHabits habits = habits_of(*rc::gen::inRange(0, 6));
    if (*rc::gen::arbitrary<bool>()) habits.power_cut.names = NameLoss::ordered;
    if (*rc::gen::arbitrary<bool>()) habits.power_cut.sector_bytes = 4096;
    if (*rc::gen::arbitrary<bool>()) habits.power_cut.size_alone = kNever;
    if (*rc::gen::arbitrary<bool>()) {
      habits.power_cut.write_back = kNever;
      habits.power_cut.write_back_max = seconds(1'000'000);
      habits.chances.sync_covers_later = kNever;
    }
    Runner runner(*rc::gen::arbitrary<std::uint64_t>(), habits);
    for (const Step& step : *rc::gen::container<std::vector<Step>>(any_step())) runner.take(step);
    runner.cut();
  });
  EXPECT_TRUE(held);
}

// Faults of the medium over random writes: healing gives back exactly what was written.
TEST(DiskProperty, HealingGivesBackThePristineContent) {
  const bool held = rc::check("healing", [] {
    DiskHabits habits;
    habits.chances.phantom_write = ratio(1, 5);
    habits.chances.misdirected_write = ratio(1, 5);
    habits.chances.rot = ratio(1, 5);
    habits.chances.latent_error = ratio(1, 5);
    habits.chances.sync_error = ratio(1, 3);
    habits.chances.lying_sync = ratio(1, 3);
    Decisions decisions(*rc::gen::arbitrary<std::uint64_t>());
    DiskImage image(key("test"), habits, decisions, nullptr);
    const Time now(1);
    std::string content[kFiles];
    Inode inodes[kFiles];
    for (std::size_t i = 0; i < kFiles; ++i) {
      inodes[i] = *image.open("/" + std::to_string(i), env::Open::create, now);
    }
    RC_ASSERT(image.sync_directory("/", now).has_value());
    for (const Step& step : *rc::gen::container<std::vector<Step>>(any_step())) {
      std::string& text = content[step.file];
      const std::string bytes(step.length, static_cast<char>('a' + step.length % 26));
      if (step.kind == Step::sync) {
        static_cast<void>(image.sync(inodes[step.file], image.newest(inodes[step.file]), now));
      } else if (step.kind == Step::cut) {
        image.drop_cache();
      } else {
        RC_ASSERT(image.write(inodes[step.file], step.offset, as_bytes(bytes), now).has_value());
        if (text.size() < step.offset + step.length) text.resize(step.offset + step.length, '\0');
        text.replace(step.offset, step.length, bytes);
      }
    }
    image.heal();
    for (std::size_t i = 0; i < kFiles; ++i) {
      Bytes into(content[i].size() + 1);
      const DiskResult<std::size_t> got = image.read(inodes[i], 0, into);
      RC_ASSERT(got.has_value());
      RC_ASSERT(as_text(ByteView(into).first(*got)) == content[i]);
      RC_ASSERT(image.sync(inodes[i], image.newest(inodes[i]), now).has_value());
      RC_ASSERT(as_text(image.durable(inodes[i])) == content[i]);
    }
  });
  EXPECT_TRUE(held);
}

}  // namespace
}  // namespace flux::sim
