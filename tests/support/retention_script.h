// A script over one log whose front is deleted in every way, run against failures, with what it was
// told.
//
// Afterwards, whatever failed: the log starts at or behind every start that was ever told, and at
// or before every one that was ever asked for; below it nothing can be read, from there on
// everything that was synced, unaltered.
#pragma once

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "core/base/keyed.h"
#include "core/log/names.h"
#include "tests/support/log_kit.h"

namespace flux::test {

class RetentionScript {
 public:
  RetentionScript(SmallNode& node, const log::LogConfig& config, std::uint64_t seed)
      : node_(node), config_(config), seed_(seed) {}

  // One life of the process: `steps` operations as the seed draws them. Ends early when the disk
  // fails.
  void live(int steps) {
    node_.run([&](env::Task& task) {
      const auto opened = open_log(task, node_.env(), config_);
      if (!opened) return;
      const LogPointer log = *opened;
      note(*log);
      for (int i = 0; i < steps && step(task, *log); ++i) note(*log);
      if (!node_.disk.dead()) note(*log);
      static_cast<void>(log->close(task));
    });
  }

  // Opens on a sound disk and holds what is there against what was told.
  void check(const std::string& about) {
    node_.run([&](env::Task& task) {
      const auto opened = open_log(task, node_.env(), config_);
      ASSERT_TRUE(opened.has_value()) << about << ": " << opened.error().to_string();
      const LogPointer log = *opened;
      const Offset start = log->start_offset();
      EXPECT_GE(start, told_start_) << about << ": the start went back";
      EXPECT_LE(start, asked_start_) << about << ": more was deleted than asked for";
      EXPECT_GE(log->end_offset(), std::max(synced_end_, start)) << about;
      check_values(task, *log, about);
      EXPECT_TRUE(log->remove_deleted(task, {}).has_value()) << about;
      check_files(task, *log, about);
      synced_end_ = log->end_offset();
      note(*log);
      EXPECT_TRUE(log->close(task).has_value()) << about;
    });
  }

  int advanced = 0;

 private:
  std::uint64_t draw(std::string_view what, std::uint64_t bound) {
    return keyed_below(seed_, key("retention_script").with(what).with(drawn_++), bound);
  }

  void note(const log::Log& log) { told_start_ = std::max(told_start_, log.start_offset()); }

  bool step(env::Task& task, log::Log& log) {
    switch (draw("step", 8)) {
      case 0:
        return advance(task, log);
      case 1: {
        const auto bytes = static_cast<std::int64_t>(draw("bytes", 2000));
        return expire(task, log, {.bytes = bytes});
      }
      case 2:
        return expire(task, log, {.ms = draw("old", 4) == 0 ? 0 : 3});
      case 3:
        return log.remove_deleted(task, {}).has_value();
      case 4:
        return log.roll(task).has_value();
      default:
        return write(task, log);
    }
  }

  bool write(env::Task& task, log::Log& log) {
    const std::string tag = "v" + std::to_string(drawn_);
    const Offset at = log.end_offset();
    tags_[at].insert(tag);
    node_.pass(milliseconds(1));
    const auto appended = append(task, log, tag + std::string(draw("size", 150), 'x'),
                                 {.timestamp = node_.env().clock.wall_now().ms()});
    if (!appended) return false;
    EXPECT_EQ(appended->base, at);
    tags_[at] = {tag};
    if (draw("sync", 3) == 0) return true;
    if (!log.sync(task, appended->end) || node_.disk.dead()) return false;
    synced_end_ = std::max(synced_end_, appended->end);
    return true;
  }

  bool advance(env::Task& task, log::Log& log) {
    const std::int64_t left = log.end_offset() - log.start_offset();
    const Offset to = log.start_offset() +
                      static_cast<std::int64_t>(draw("to", static_cast<std::uint64_t>(left) + 1));
    asked_start_ = std::max(asked_start_, to);
    const auto done = log.advance_start(task, to);
    if (!done || node_.disk.dead()) return false;
    EXPECT_EQ(log.start_offset(), to);
    ++advanced;
    return true;
  }

  bool expire(env::Task& task, log::Log& log, const log::Retention& retention) {
    asked_start_ = std::max(asked_start_, log.end_offset());
    return log.expire(task, retention, log.end_offset()).has_value();
  }

  void check_values(env::Task& task, log::Log& log, const std::string& about) {
    const auto below = log.read(task, log.start_offset() - 1);
    EXPECT_TRUE(!below && below.error() == ErrorCode::out_of_range) << about;
    const std::vector<std::string> found = read_all(task, log, log.start_offset());
    EXPECT_EQ(static_cast<std::int64_t>(found.size()), log.end_offset() - log.start_offset())
        << about;
    tags_.erase(tags_.lower_bound(log.end_offset()), tags_.end());
    for (std::size_t i = 0; i < found.size(); ++i) {
      const Offset at = log.start_offset() + static_cast<std::int64_t>(i);
      const std::string tag = found[i].substr(0, found[i].find_first_of("x/"));
      EXPECT_TRUE(tags_[at].contains(tag)) << about << ": " << found[i] << " at " << at.value();
      tags_[at] = {tag};
    }
  }

  // Of segments that end at or before the start nothing is left.
  void check_files(env::Task& task, log::Log& log, const std::string& about) {
    std::set<Offset> bases;
    const auto listed = node_.env().disk.list(task, log.directory());
    for (const auto& entry : *listed) {
      if (const auto base = log::base_of_file(entry.name)) bases.insert(*base);
    }
    ASSERT_FALSE(bases.empty()) << about;
    for (auto at = std::next(bases.begin()); at != bases.end(); ++at) {
      EXPECT_GT(*at, log.start_offset()) << about << ": a deleted segment's files are left";
    }
    EXPECT_GE(bases.size(), log.segment_count()) << about;
  }

  SmallNode& node_;
  const log::LogConfig config_;
  const std::uint64_t seed_;
  std::uint64_t drawn_ = 0;
  std::map<Offset, std::set<std::string>> tags_;  // what may stand at each offset
  Offset synced_end_;
  Offset told_start_;
  Offset asked_start_;
};

}  // namespace flux::test
