// A green history, altered in one way at a time: exactly the right checker must go red.
#include <set>

#include <gtest/gtest.h>

#include "sim/check/checkers.h"
#include "sim/check/recovery.h"
#include "sim/check/wall_clocks.h"

namespace flux::sim {
namespace {

constexpr std::uint32_t kProducer = 7;
constexpr std::uint32_t kConsumer = 8;
constexpr Inode kSegment{3};
constexpr std::string_view kPath = "/logs/t-0/00000000000000000000.log";
constexpr std::uint64_t kBatchBytes = 100;

// One idempotent producer stores single-record batches on one fsync topic, each written, synced,
// acknowledged and then fetched; at the end everything is read once more.
class Story {
 public:
  explicit Story(int records, Acks acks = Acks::all, bool audited = true) : acks_(acks) {
    rows.push_back(PhaseBegan{Time(), RunPhase::safety});
    for (int i = 0; i < records; ++i) store(i);
    if (audited) audit(records);
  }

  // `first` tells the records of one topic from those of the next.
  static RecordView record(int i, int first = 0) {
    RecordView view;
    view.value = {kProducer, static_cast<std::uint64_t>(first + i) + 1};
    view.digest = hash_bytes(as_bytes("record " + std::to_string(first + i)));
    view.offset = Offset(i);
    return view;
  }

  // Deletes the topic and makes it again, with records of its own from offset 0.
  void make_again(int records, Outcome deleted = Outcome::ok) {
    Operation op = operation(OperationKind::delete_topic, kConsumer);
    rows.push_back(Invoked{op});
    finish(op, deleted);
    segment_ = Inode(segment_.value() + 1);
    first_ = 100;
    for (int i = 0; i < records; ++i) store(i);
    audit(records);
  }

  // One setting of the topic.
  void alter(std::string_view setting, std::string_view value, Outcome outcome = Outcome::ok) {
    Operation op = operation(OperationKind::alter_config, kConsumer);
    op.setting = setting;
    op.value = value;
    rows.push_back(Invoked{op});
    finish(op, outcome);
  }
  void look_up(std::int64_t time_ms, std::int64_t offset, std::int64_t found_ms) {
    Operation op = operation(OperationKind::find_offset, kConsumer);
    op.time_ms = time_ms;
    rows.push_back(Invoked{op});
    op.base_offset = Offset(offset);
    op.found_ms = found_ms;
    finish(op);
  }
  void go_on(int from, int to) {
    for (int i = from; i < to; ++i) store(i);
  }
  void audit(int records) {
    rows.push_back(PhaseBegan{Time(now_), RunPhase::audit});
    final_read(records);
  }

  std::vector<Observation> rows;

 private:
  Operation operation(OperationKind kind, std::uint32_t client) {
    Operation op;
    op.id = OperationId(next_++);
    op.kind = kind;
    op.client = client;
    op.incarnation = 1;
    op.invoked = Time(++now_);
    op.topic = "t";
    op.partition = PartitionIndex(0);
    return op;
  }
  void finish(Operation op, Outcome outcome = Outcome::ok) {
    op.outcome = outcome;
    op.completed = Time(++now_);
    rows.push_back(Completed{op});
  }

  void store(int i) {
    Operation op = operation(OperationKind::produce, kProducer);
    op.acks = acks_;
    op.producer = ProducerId(1 + first_);
    op.producer_epoch = ProducerEpoch(0);
    op.sequence = Sequence(i);
    op.records = {record(i, first_)};
    op.records[0].offset = Offset(-1);
    rows.push_back(Invoked{op});
    const auto at = static_cast<std::uint64_t>(i) * kBatchBytes;
    const ByteRange range{at, at + kBatchBytes};
    rows.push_back(
        DiskEvent{Time(++now_), 0, OmenKind::written, segment_, std::string(kPath), range});
    rows.push_back(BatchStored{Time(now_), 0, segment_, range, "t", PartitionIndex(0), "/logs/t-0",
                               Offset(i), Offset(i + 1), ProducerId(1 + first_), ProducerEpoch(0),
                               Sequence(i), static_cast<std::uint64_t>(first_ + i), segment()});
    rows.push_back(BlockStored{Time(now_), 0, segment(), range});
    rows.push_back(
        DiskEvent{Time(++now_), 0, OmenKind::synced, segment_, std::string(kPath), range});
    op.base_offset = Offset(i);
    finish(op);
    fetch(i);
  }
  static std::string segment() { return std::string(kPath.substr(0, kPath.rfind('.'))); }
  void fetch(int i) {
    Operation op = operation(OperationKind::fetch, kConsumer);
    op.offset = Offset(i);
    rows.push_back(Invoked{op});
    op.records = {record(i, first_)};
    op.high_watermark = Offset(i + 1);
    op.log_start = Offset(0);
    finish(op);
  }
  void final_read(int records) {
    Operation op = operation(OperationKind::final_read, kConsumer);
    op.offset = Offset(0);
    rows.push_back(Invoked{op});
    for (int i = 0; i < records; ++i) op.records.push_back(record(i, first_));
    op.high_watermark = Offset(records);
    op.log_start = Offset(0);
    finish(op);
  }

  Acks acks_;
  Inode segment_ = kSegment;
  int first_ = 0;
  std::uint64_t next_ = 0;
  std::int64_t now_ = 0;
};

ClusterFacts facts() {
  ClusterFacts facts;
  facts.hosts.push_back({"host1", "rack1", nullptr});
  facts.topics.push_back({"t", 1, {}});
  return facts;
}

struct Verdict {
  std::set<std::string> red;
  std::map<std::string, std::uint64_t, std::less<>> counts;
};

Verdict judged(const std::vector<Observation>& rows) {
  const ClusterFacts cluster = facts();
  Findings findings;
  Checkers checkers = make_checkers(cluster, findings);
  judge(rows, checkers, Time(1'000'000));
  Verdict verdict;
  for (const Violation& violation : findings.violations()) verdict.red.insert(violation.checker);
  verdict.counts = findings.counts();
  return verdict;
}

using Names = std::set<std::string>;

// The last operation of a kind, to be altered in place; its invocation is left alone.
Operation& last_completed(std::vector<Observation>& rows, OperationKind kind, int from_end = 0) {
  for (auto row = rows.rbegin(); row != rows.rend(); ++row) {
    auto* completed = std::get_if<Completed>(&*row);
    if (completed && completed->operation.kind == kind && from_end-- == 0) {
      return completed->operation;
    }
  }
  ADD_FAILURE() << "no such operation";
  std::abort();
}

void nobody_reads_before_the_end(std::vector<Observation>& rows) {
  for (Observation& row : rows) {
    auto* completed = std::get_if<Completed>(&row);
    if (!completed || completed->operation.kind != OperationKind::fetch) continue;
    completed->operation.records.clear();
  }
}

TEST(Tamper, AnUntouchedHistoryIsGreenAndNotEmpty) {
  const Verdict verdict = judged(Story(20).rows);
  EXPECT_EQ(verdict.red, Names());
  for (const char* count :
       {"acknowledged.acknowledged", "acknowledged.owed", "acknowledged.held",
        "acknowledged.synced_when_acknowledged", "acknowledged.read.owed", "acknowledged.read.held",
        "acknowledged.read.synced_when_shown", "order.compared.records",
        "order.compared.acknowledged_order", "order.compared.sent_order",
        "offset_discipline.compared.offsets", "offset_discipline.compared.levels",
        "idempotence.compared.values", "idempotence.compared.sequences", "answered.compared"}) {
    const auto found = verdict.counts.find(count);
    ASSERT_NE(found, verdict.counts.end()) << count;
    EXPECT_GE(found->second, 19U) << count;
  }
}

TEST(Tamper, ADroppedRecord) {
  Story story(20);
  auto& records = last_completed(story.rows, OperationKind::final_read).records;
  records.pop_back();
  EXPECT_EQ(judged(story.rows).red, Names{"acknowledged"});
}

TEST(Tamper, SwappedRecords) {
  Story story(20);
  auto& records = last_completed(story.rows, OperationKind::final_read).records;
  std::swap(records[4].value, records[5].value);
  std::swap(records[4].digest, records[5].digest);
  // Every property that speaks of places sees it.
  EXPECT_EQ(judged(story.rows).red, (Names{"acknowledged", "order", "offset_discipline"}));
}

TEST(Tamper, ADuplicatedRecord) {
  Story story(20);
  auto& op = last_completed(story.rows, OperationKind::final_read);
  RecordView again = op.records.back();
  again.offset = Offset(20);
  op.records.push_back(again);
  EXPECT_EQ(judged(story.rows).red, Names{"idempotence"});
}

TEST(Tamper, AChangedRecordAsOnceRead) {
  Story story(20);
  auto& op = last_completed(story.rows, OperationKind::fetch);
  op.records[0].digest ^= 1;
  EXPECT_EQ(judged(story.rows).red, (Names{"order", "offset_discipline"}));
}

TEST(Tamper, ARewoundHighWatermark) {
  Story story(20);
  last_completed(story.rows, OperationKind::fetch).high_watermark = Offset(3);
  EXPECT_EQ(judged(story.rows).red, Names{"offset_discipline"});
}

TEST(Tamper, ARewoundLogStart) {
  Story story(20);
  for (int i = 0; i < 5; ++i) {
    last_completed(story.rows, OperationKind::fetch, i + 3).log_start = Offset(2);
  }
  EXPECT_EQ(judged(story.rows).red, Names{"offset_discipline"});
}

TEST(Tamper, ARecordThatNobodySent) {
  Story story(20);
  auto& op = last_completed(story.rows, OperationKind::final_read);
  RecordView strange = op.records.back();
  strange.value = {99, 1};
  strange.offset = Offset(20);
  op.records.push_back(strange);
  EXPECT_EQ(judged(story.rows).red, Names{"order"});
}

TEST(Tamper, ARefusedRecordThatIsThere) {
  Story story(20);
  auto& op = last_completed(story.rows, OperationKind::produce);
  op.outcome = Outcome::refused;
  EXPECT_EQ(judged(story.rows).red, Names{"order"});
}

TEST(Tamper, AReadThatSkipsARecord) {
  Story story(20);
  auto& op = last_completed(story.rows, OperationKind::fetch, 1);
  op.records = {Story::record(19)};
  op.high_watermark = Offset(20);
  EXPECT_EQ(judged(story.rows).red, Names{"order"});
}

TEST(Tamper, AnAcknowledgementBeforeItsSync) {
  Story story(20);
  std::erase_if(story.rows, [](const Observation& row) {
    const auto* event = std::get_if<DiskEvent>(&row);
    return event && event->kind == OmenKind::synced && event->range.begin == 19 * kBatchBytes;
  });
  EXPECT_EQ(judged(story.rows).red, Names{"acknowledged"});
  Story leader_only(20, Acks::leader);
  std::erase_if(leader_only.rows, [](const Observation& row) {
    const auto* event = std::get_if<DiskEvent>(&row);
    return event && event->kind == OmenKind::synced;
  });
  EXPECT_EQ(judged(leader_only.rows).red, Names{"acknowledged"}) << "readers wait for one";
  nobody_reads_before_the_end(leader_only.rows);
  EXPECT_EQ(judged(leader_only.rows).red, Names()) << "acks=1 never waits for a sync";
}

// What a consumer was shown is owed, whatever the producer was told of it.
TEST(Tamper, ARecordThatWasReadAndIsGone) {
  for (const bool unknown : {true, false}) {
    Story story(20, Acks::leader);
    auto& produce = last_completed(story.rows, OperationKind::produce);
    if (unknown) produce.outcome = Outcome::unknown;
    EXPECT_EQ(judged(story.rows).red, Names());
    last_completed(story.rows, OperationKind::final_read).records.pop_back();
    const ByteRange last{19 * kBatchBytes, 20 * kBatchBytes};
    story.rows.insert(story.rows.end() - 2,
                      DiskEvent{Time(800), 0, OmenKind::lost, kSegment, std::string(kPath), last});
    EXPECT_EQ(judged(story.rows).red, Names{"acknowledged"});
    std::vector<Observation> unread = story.rows;
    nobody_reads_before_the_end(unread);
    EXPECT_EQ(judged(unread).red, Names());
    // What its disk spoiled it need not show again.
    story.rows.insert(story.rows.end() - 2, DiskEvent{Time(800), 0, OmenKind::rotted, kSegment,
                                                      std::string(kPath), last});
    const Verdict verdict = judged(story.rows);
    EXPECT_EQ(verdict.red, Names());
    EXPECT_EQ(verdict.counts.at("acknowledged.read.excused.rotted"), 1U);
    EXPECT_EQ(verdict.counts.at("acknowledged.read.owed"), 19U);
  }
}

TEST(Tamper, AnAcknowledgementOfWhatWasNeverWritten) {
  Story story(20);
  std::erase_if(story.rows, [](const Observation& row) {
    const auto* batch = std::get_if<BatchStored>(&row);
    return batch && batch->base == Offset(19);
  });
  EXPECT_EQ(judged(story.rows).red, Names{"acknowledged"});
}

TEST(Tamper, ASequenceThatIsMissing) {
  Story story(20);
  for (Observation& row : story.rows) {
    auto* batch = std::get_if<BatchStored>(&row);
    if (batch && batch->base == Offset(10)) batch->sequence = Sequence(11);
  }
  EXPECT_EQ(judged(story.rows).red, Names{"idempotence"});
}

TEST(Tamper, ARecoveryThatCutsWhatWasSynced) {
  Story story(20);
  story.rows.push_back(DiskEvent{Time(900),
                                 0,
                                 OmenKind::truncated,
                                 kSegment,
                                 std::string(kPath),
                                 {19 * kBatchBytes, 20 * kBatchBytes}});
  EXPECT_EQ(judged(story.rows).red, Names{"recovery"});
}

TEST(Tamper, AWriteOverWhatWasSynced) {
  Story story(20);
  const ByteRange last{19 * kBatchBytes, 20 * kBatchBytes};
  story.rows.push_back(
      DiskEvent{Time(900), 0, OmenKind::written, kSegment, std::string(kPath), last});
  // A recovery may write the same bytes again, so that a sync brings them to the device.
  Story same = story;
  same.rows.push_back(BatchStored{Time(900), 0, kSegment, last, "t", PartitionIndex(0), "/logs/t-0",
                                  Offset(19), Offset(20), ProducerId(1), ProducerEpoch(0),
                                  Sequence(19), 19});
  EXPECT_EQ(judged(same.rows).red, Names());
  EXPECT_EQ(judged(story.rows).red, Names{"recovery"});
}

// A deletion excuses the topic that it was asked for, and not the next one of its name.
TEST(TopicMadeAgain, OwesItsOwnRecords) {
  Story story(20, Acks::all, false);
  story.make_again(20);
  const Verdict verdict = judged(story.rows);
  EXPECT_EQ(verdict.red, Names());
  EXPECT_EQ(verdict.counts.at("acknowledged.excused.deleted"), 20U);
  EXPECT_EQ(verdict.counts.at("acknowledged.owed"), 20U);

  last_completed(story.rows, OperationKind::final_read).records.pop_back();
  EXPECT_EQ(judged(story.rows).red, Names{"acknowledged"});
}

TEST(TopicMadeAgain, OffsetsOfTheNextTopicNameOneRecordToo) {
  Story story(20, Acks::all, false);
  story.make_again(20);
  last_completed(story.rows, OperationKind::fetch).records[0].digest ^= 1;
  EXPECT_EQ(judged(story.rows).red, (Names{"order", "offset_discipline"}));
}

TEST(TopicMadeAgain, ADeletionThatWasRefusedExcusesNothing) {
  Story story(20, Acks::all, false);
  story.make_again(20, Outcome::refused);
  EXPECT_TRUE(judged(story.rows).red.contains("acknowledged"));
}

// Nobody knows which of the two topics the last record of the first went to.
TEST(TopicMadeAgain, ARecordUnderWayDuringTheDeletionIsExcusedByName) {
  Story story(20, Acks::all, false);
  story.make_again(20);
  Operation& late = last_completed(story.rows, OperationKind::produce, 20);
  late.completed = last_completed(story.rows, OperationKind::delete_topic).completed;
  Verdict verdict = judged(story.rows);
  EXPECT_EQ(verdict.red, Names());
  EXPECT_EQ(verdict.counts.at("acknowledged.excused.deleted_meanwhile"), 1U);

  // It says so itself, and the topic that is read at the end is another one.
  late.topic_id = Uuid{1, 1};
  last_completed(story.rows, OperationKind::delete_topic).topic_id = late.topic_id;
  last_completed(story.rows, OperationKind::final_read).topic_id = Uuid{1, 2};
  verdict = judged(story.rows);
  EXPECT_EQ(verdict.counts.at("acknowledged.excused.deleted"), 20U);
  // Or it is the one, and the record is not in it.
  last_completed(story.rows, OperationKind::final_read).topic_id = late.topic_id;
  EXPECT_TRUE(judged(story.rows).red.contains("acknowledged"));
}

void lose_last_unsynced(Story& story, std::uint64_t at) {
  std::erase_if(story.rows, [&](const Observation& row) {
    const auto* event = std::get_if<DiskEvent>(&row);
    return event && event->kind == OmenKind::synced && event->range.begin == at;
  });
  last_completed(story.rows, OperationKind::final_read).records.pop_back();
  story.rows.insert(
      story.rows.end() - 2,
      DiskEvent{
          Time(800), 0, OmenKind::lost, kSegment, std::string(kPath), {at, at + kBatchBytes}});
}

// What an acknowledgement promises is what the topic's durability said while it was waited for.
TEST(Altered, APageCacheTopicPromisesNothingOverAPowerCut) {
  for (const Outcome outcome : {Outcome::ok, Outcome::unknown, Outcome::refused}) {
    Story story(10, Acks::all, false);
    story.alter("flux.durability", "page-cache", outcome);
    story.go_on(10, 20);
    story.audit(20);
    lose_last_unsynced(story, 19 * kBatchBytes);
    const Verdict verdict = judged(story.rows);
    EXPECT_EQ(verdict.red, outcome == Outcome::refused ? Names{"acknowledged"} : Names());
    if (outcome == Outcome::refused) continue;
    EXPECT_EQ(verdict.counts.at("acknowledged.excused.power_cut"), 1U);
    EXPECT_EQ(verdict.counts.at("acknowledged.synced_when_acknowledged"), 10U);
  }
}

TEST(Altered, WhatWasAcknowledgedBeforeKeepsItsPromise) {
  Story story(10, Acks::all, false);
  story.alter("flux.durability", "page-cache");
  story.alter("flux.durability", "fsync");
  story.go_on(10, 20);
  story.audit(20);
  lose_last_unsynced(story, 19 * kBatchBytes);
  EXPECT_EQ(judged(story.rows).red, Names{"acknowledged"});
}

TEST(Altered, OnlyWhatTheRetentionInForceLetsGoMayGo) {
  Story story(10, Acks::all, false);
  story.alter("retention.bytes", "300");
  story.go_on(10, 11);
  story.alter("retention.bytes", "");
  story.go_on(11, 20);
  story.audit(20);
  auto& read = last_completed(story.rows, OperationKind::final_read);
  const auto gone = [&](int records) {
    read.records.erase(read.records.begin(), read.records.begin() + records);
    read.log_start = read.records.front().offset;
    return judged(story.rows);
  };
  const Verdict verdict = gone(8);
  EXPECT_EQ(verdict.red, Names());
  EXPECT_EQ(verdict.counts.at("acknowledged.excused.retention"), 8U);
  EXPECT_EQ(gone(1).red, Names{"acknowledged"}) << "no more lay behind it when that was over";
}

// What clients deleted may be gone from the front: not from behind where the log starts.
TEST(Front, AHoleBehindTheStartIsNobodysRight) {
  Story story(20);
  Operation& deletes = last_completed(story.rows, OperationKind::fetch, 3);
  Operation begun = deletes;
  begun.kind = OperationKind::delete_records;
  begun.id = OperationId(10'000);
  begun.records.clear();
  begun.offset = Offset(10);
  story.rows.insert(story.rows.end() - 3, Invoked{begun});
  auto& read = last_completed(story.rows, OperationKind::final_read);
  read.records.erase(read.records.begin() + 5);
  EXPECT_EQ(judged(story.rows).red, Names{"acknowledged"}) << "the log still starts at 0";
  read.records.erase(read.records.begin(), read.records.begin() + 5);
  read.log_start = Offset(6);
  const Verdict verdict = judged(story.rows);
  EXPECT_EQ(verdict.red, Names());
  EXPECT_EQ(verdict.counts.at("acknowledged.excused.deleted"), 6U);
}

// What a fault excuses is excused for the records that it hit, and for no others.
TEST(Excuse, RotExcusesTheRecordItHit) {
  Story story(20);
  auto& records = last_completed(story.rows, OperationKind::final_read).records;
  records.erase(records.begin() + 12);
  const auto rot = [&](std::uint64_t at) {
    story.rows.insert(
        story.rows.end() - 2,
        DiskEvent{Time(800), 0, OmenKind::rotted, kSegment, std::string(kPath), {at, at + 1}});
  };
  rot(13 * kBatchBytes);
  EXPECT_EQ(judged(story.rows).red, Names{"acknowledged"}) << "its neighbour rotted, not it";
  rot(12 * kBatchBytes + 50);
  const Verdict verdict = judged(story.rows);
  EXPECT_EQ(verdict.red, Names());
  EXPECT_EQ(verdict.counts.at("acknowledged.excused.rotted"), 1U);
  EXPECT_EQ(verdict.counts.at("acknowledged.owed"), 18U);
}

TEST(Excuse, APowerCutExcusesOnlyWhatWasNotPromised) {
  for (const Acks acks : {Acks::all, Acks::leader}) {
    Story story(20, acks);
    nobody_reads_before_the_end(story.rows);
    last_completed(story.rows, OperationKind::final_read).records.pop_back();
    story.rows.insert(story.rows.end() - 2, DiskEvent{Time(800),
                                                      0,
                                                      OmenKind::lost,
                                                      kSegment,
                                                      std::string(kPath),
                                                      {19 * kBatchBytes, 20 * kBatchBytes}});
    const Verdict verdict = judged(story.rows);
    if (acks == Acks::all) {
      EXPECT_EQ(verdict.red, Names{"acknowledged"});
    } else {
      EXPECT_EQ(verdict.red, Names());
      EXPECT_EQ(verdict.counts.at("acknowledged.excused.power_cut"), 1U);
    }
  }
}

TEST(Excuse, ALyingSyncExcusesAPowerCut) {
  Story story(20);
  for (Observation& row : story.rows) {
    auto* event = std::get_if<DiskEvent>(&row);
    if (event && event->kind == OmenKind::synced && event->range.begin == 19 * kBatchBytes) {
      event->kind = OmenKind::lied;
    }
  }
  EXPECT_EQ(judged(story.rows).red, Names()) << "as long as the power stays on nothing is lost";
  last_completed(story.rows, OperationKind::final_read).records.pop_back();
  EXPECT_EQ(judged(story.rows).red, Names{"acknowledged"});
  story.rows.insert(story.rows.end() - 2, DiskEvent{Time(800),
                                                    0,
                                                    OmenKind::lost,
                                                    kSegment,
                                                    std::string(kPath),
                                                    {19 * kBatchBytes, 20 * kBatchBytes}});
  const Verdict verdict = judged(story.rows);
  EXPECT_EQ(verdict.red, Names());
  EXPECT_EQ(verdict.counts.at("acknowledged.excused.lying_sync"), 1U);
}

// With CreateTime a record keeps the time that it was sent with.
TEST(Timestamps, ARecordReadWithAnotherTimeThanItWasSentWith) {
  Story story(20);
  last_completed(story.rows, OperationKind::final_read).records[4].timestamp_ms += 1;
  EXPECT_EQ(judged(story.rows).red, Names{"timestamps"});
}

TEST(Timestamps, WithLogAppendTimeItHasOneThatABrokersClockShowed) {
  Story story(0);
  story.alter("message.timestamp.type", "LogAppendTime");
  story.go_on(0, 3);
  story.audit(3);
  EXPECT_EQ(judged(story.rows).red, Names{"timestamps"}) << "they still have the times sent";
  for (Observation& row : story.rows) {
    auto* done = std::get_if<Completed>(&row);
    const bool reads = done && (done->operation.kind == OperationKind::fetch ||
                                done->operation.kind == OperationKind::final_read);
    if (!reads) continue;
    for (RecordView& record : done->operation.records) record.timestamp_ms = true_wall_ms(Time());
  }
  EXPECT_EQ(judged(story.rows).red, Names());
}

TEST(Timestamps, ALookupIsToldOfTheFirstRecordThatIsAsLate) {
  const auto told = [](std::int64_t time_ms, std::int64_t offset, std::int64_t found_ms) {
    Story story(6, Acks::all, false);
    const std::vector<std::int64_t> times{10, 30, 20, 40, 30, 50};
    const auto set = [&](Operation& op) {
      for (RecordView& record : op.records) {
        record.timestamp_ms = times[static_cast<std::size_t>(record.value.number) - 1];
      }
    };
    story.look_up(time_ms, offset, found_ms);
    story.audit(6);
    for (Observation& row : story.rows) {
      if (auto* begun = std::get_if<Invoked>(&row)) set(begun->operation);
      if (auto* done = std::get_if<Completed>(&row)) set(done->operation);
    }
    return judged(story.rows).red;
  };
  const Names red{"timestamps"};
  EXPECT_EQ(told(25, 1, 30), Names());
  EXPECT_EQ(told(25, 3, 40), red) << "an earlier one is as late";
  EXPECT_EQ(told(35, 1, 30), red) << "that is earlier";
  EXPECT_EQ(told(35, 3, 41), red) << "not its time";
  EXPECT_EQ(told(51, -1, -1), Names());
  EXPECT_EQ(told(50, -1, -1), red) << "there is one";
  EXPECT_EQ(told(kNewestTime, 5, 50), Names());
  EXPECT_EQ(told(kNewestTime, 3, 40), red);
}

// What its disk took of its own files keeps a broker from starting, and from nothing else.
TEST(Outage, IsOverWithTheFirstAnswerSinceTheStart) {
  ClusterFacts cluster = facts();
  cluster.brokers.push_back({"broker1", 1, NodeId(1), 0, "/logs"});
  const std::string log = "/logs/__cluster_metadata-0/00000000000000000000.log";
  const auto outage = [&](const std::vector<Observation>& rows) {
    Findings findings;
    RecoveryChecker checker(cluster, findings);
    for (const Observation& row : rows) checker.observe(row);
    return checker.outage();
  };
  const auto rot = [&](std::string_view path) {
    return DiskEvent{Time(900), 0, OmenKind::rotted, Inode(9), std::string(path), {70, 71}};
  };
  const NodeEvent start{Time(1000), 1, 2, NodeChange::started, Exit::clean};
  std::vector<Observation> rows{rot(log), start};
  EXPECT_TRUE(outage(rows));
  for (const Observation& row : Story(2).rows) rows.push_back(row);
  EXPECT_TRUE(outage(rows)) << "asked before it started";
  Operation op = last_completed(rows, OperationKind::produce);
  op.invoked = Time(1001);
  rows.push_back(Completed{op});
  EXPECT_FALSE(outage(rows));
  EXPECT_FALSE(outage({start})) << "nothing befell its disk";
  for (const char* other : {".integrity", ".index", "-0000000001.checkpoint"}) {
    const std::string beside = log.substr(0, log.rfind('.')) + other;
    EXPECT_FALSE(outage({rot(beside), start})) << beside;
  }
}

}  // namespace
}  // namespace flux::sim
