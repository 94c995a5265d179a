// A script of idempotent producers over one log, run against failures, with what each was told.
//
// Every producer sends its batches in order and sends one again until it is acknowledged, over any
// number of reopenings. So afterwards, whatever failed: each acknowledged value stands at the
// offset that was told, none stands twice, and each producer's values stand in order.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/log_kit.h"

namespace flux::test {

class LogScript {
 public:
  // With `uniform` all batches are of one size, so that what a crash left of one can stand exactly
  // where another would.
  LogScript(SmallNode& node, const log::LogConfig& config, int producers, int batches,
            bool uniform = false)
      : node_(node), config_(config), batches_(batches), uniform_(uniform) {
    for (int i = 0; i < producers; ++i) producers_.push_back({.id = i});
  }

  // One life of the process: opens, lets every producer send what is left, but no more than its
  // first `up_to` batches, closes. Ends early when the disk fails.
  void live(int up_to = INT32_MAX) {
    node_.run([&](env::Task& task) {
      const auto opened = open_log(task, node_.env(), config_);
      if (!opened) return;
      const LogPointer log = *opened;
      int running = static_cast<int>(producers_.size());
      sync::Condition ended;
      for (Producer& producer : producers_) {
        node_.spawn("producer", [&](env::Task& own) {
          while (producer.next < std::min(batches_, up_to) && send(own, *log, producer)) {
          }
          --running;
          ended.notify_all();
        });
      }
      while (running > 0) static_cast<void>(ended.wait(task));
      static_cast<void>(log->close(task));
    });
  }

  // Opens on a sound disk and holds the contract against what is there.
  void check(const std::string& about) {
    node_.run([&](env::Task& task) {
      const auto opened = open_log(task, node_.env(), config_);
      ASSERT_TRUE(opened.has_value()) << about << ": " << opened.error().to_string();
      const LogPointer log = *opened;
      const std::vector<std::string> values = read_all(task, *log);
      EXPECT_EQ(static_cast<std::int64_t>(values.size()), log->end_offset().value()) << about;
      EXPECT_EQ(log->synced_end(), log->end_offset()) << about;
      for (const auto& [offset, value] : acknowledged_) {
        const auto at = static_cast<std::size_t>(offset);
        ASSERT_LT(at, values.size()) << about << ": " << value << " is gone";
        ASSERT_EQ(values[at], value) << about << " at offset " << offset;
      }
      check_order(values, about);
      check_producers(*log, values, about);
      EXPECT_EQ(log->producers(), fold_of(task, *log)) << about;
      EXPECT_TRUE(log->close(task).has_value()) << about;
    });
  }

  bool done() const {
    for (const Producer& producer : producers_) {
      if (producer.next < batches_) return false;
    }
    return true;
  }
  std::size_t acknowledged() const { return acknowledged_.size(); }

 private:
  struct Producer {
    int id = 0;
    int next = 0;  // the first batch that is not acknowledged
  };

  std::string tag(const Producer& producer, int batch) const {
    return "p" + std::to_string(producer.id) + "." + std::to_string(100 + batch);
  }
  int records_of(int batch) const { return uniform_ ? 1 : 1 + batch % 3; }
  record::Codec codec_of(int batch) const {
    return uniform_ ? record::Codec::none : static_cast<record::Codec>(batch % record::kCodecs);
  }
  int sequence_of(int batch) const {
    int sum = 0;
    for (int i = 0; i < batch; ++i) sum += records_of(i);
    return sum;
  }

  bool send(env::Task& task, log::Log& log, Producer& producer) {
    const int batch = producer.next;
    const std::string name = tag(producer, batch);
    const auto appended = append(task, log, name,
                                 {.records = records_of(batch),
                                  .codec = codec_of(batch),
                                  .producer = producer.id,
                                  .epoch = 0,
                                  .sequence = sequence_of(batch)});
    if (!appended) {
      EXPECT_NE(appended.error().code(), ErrorCode::out_of_order_sequence) << name;
      return false;
    }
    if (!log.sync(task, appended->end)) return false;
    if (node_.disk.dead()) return false;  // nobody heard it
    EXPECT_EQ(appended->end - appended->base, records_of(batch));
    for (int i = 0; i < records_of(batch); ++i) {
      acknowledged_[appended->base.value() + i] = name + "/" + std::to_string(i);
    }
    ++producer.next;
    return true;
  }

  void check_order(const std::vector<std::string>& values, const std::string& about) const {
    std::map<std::string, int> seen;
    for (const std::string& value : values) {
      EXPECT_EQ(++seen[value], 1) << about << ": " << value << " stands twice";
    }
    for (const Producer& producer : producers_) {
      std::size_t at = 0;
      for (int batch = 0; batch < producer.next; ++batch) {
        const std::string first = tag(producer, batch) + "/0";
        while (at < values.size() && values[at] != first) ++at;
        EXPECT_LT(at, values.size()) << about << ": " << first << " out of order";
      }
    }
  }

  void check_producers(const log::Log& log, const std::vector<std::string>& values,
                       const std::string& about) const {
    for (const Producer& producer : producers_) {
      int last = -1;
      for (int batch = 0; batch < batches_; ++batch) {
        const std::string first = tag(producer, batch) + "/0";
        if (std::find(values.begin(), values.end(), first) != values.end()) last = batch;
      }
      const log::Producer* known = log.producers().find(ProducerId(producer.id));
      if (last < 0) {
        EXPECT_EQ(known, nullptr) << about;
      } else {
        ASSERT_NE(known, nullptr) << about;
        EXPECT_EQ(known->batches.back().first, Sequence(sequence_of(last))) << about;
      }
    }
  }

  SmallNode& node_;
  log::LogConfig config_;
  int batches_;
  bool uniform_;
  std::vector<Producer> producers_;
  std::map<std::int64_t, std::string> acknowledged_;
};

}  // namespace flux::test
