// The rules of KIP-227, one by one, without a broker.

#include "net/server/fetch_sessions.h"

namespace flux::server {
namespace {

using kafka::WireError;

FetchKey partition(std::int32_t index, const std::string& topic = "orders") {
  return {.topic_id = {}, .topic = topic, .index = PartitionIndex(index)};
}

FetchWish wish(std::int32_t index, std::int64_t offset = 0) {
  return {.key = partition(index), .offset = Offset(offset), .bytes_max = 1000};
}

FetchFound at_end(std::int64_t high_watermark = 10) {
  return {.high_watermark = Offset(high_watermark), .log_start = Offset(0)};
}

class FetchSessionsTest : public ::testing::Test {
 protected:
  using Begun = std::expected<FetchPlan, WireError>;

  Begun begin(std::int32_t id, std::int32_t epoch, std::vector<FetchWish> wishes,
              std::vector<FetchKey> forgotten = {}) {
    return sessions.begin(now, {.session_id = id,
                                .epoch = epoch,
                                .names_by_id = by_id,
                                .follower = follower,
                                .wishes = std::move(wishes),
                                .forgotten = std::move(forgotten)});
  }
  FetchSessionAnswer end(const Begun& plan, const std::vector<FetchFound>& found) {
    return sessions.end(now, *plan, found, [this](std::uint64_t) { return ++last_drawn; });
  }
  FetchSessionAnswer end(const Begun& plan) {
    return end(plan, std::vector<FetchFound>(plan->wishes.size(), at_end()));
  }
  // Of `count` partitions that stand at their ends; returns its id.
  std::int32_t open(std::int32_t count, std::int32_t closing = 0) {
    std::vector<FetchWish> wishes;
    for (std::int32_t i = 0; i < count; ++i) wishes.push_back(wish(i, 10));
    return end(begin(closing, 0, wishes)).session_id;
  }
  static std::vector<std::int32_t> indices(const FetchPlan& plan) {
    std::vector<std::int32_t> out;
    for (const FetchWish& one : plan.wishes) out.push_back(one.key.index.value());
    return out;
  }
  void limit_to(std::size_t count, std::size_t bytes = 1 << 20) {
    sessions = FetchSessions({.sessions_max = count, .bytes_max = bytes});
  }

  FetchSessions sessions{FetchSessionLimits{}};
  Instant now;
  bool by_id = false;
  bool follower = false;
  std::int32_t last_drawn = 100;
};

using Indices = std::vector<std::int32_t>;
using Places = std::vector<std::size_t>;

TEST_F(FetchSessionsTest, WithoutOneNothingIsKept) {
  const auto plan = begin(0, -1, {wish(0), wish(0)});
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->wishes.size(), 2U) << "answered as asked";
  EXPECT_EQ(end(plan).session_id, 0);
  EXPECT_EQ(sessions.sessions(), 0U);
}

TEST_F(FetchSessionsTest, OpeningAnswersAllAndTheNextOnlyNews) {
  const auto opening = begin(0, 0, {wish(0), wish(1)});
  const auto first = end(opening);
  EXPECT_EQ(first.holds, (Places{0, 1}));
  EXPECT_EQ(first.session_id, 101);
  const auto again = begin(101, 1, {});
  ASSERT_TRUE(again);
  EXPECT_EQ(indices(*again), (Indices{0, 1}));
  const auto second = end(again);
  EXPECT_EQ(second.session_id, 101);
  EXPECT_TRUE(second.holds.empty());
}

// Ids are drawn, so that one may come again: a request that waited is not the new session's.
TEST_F(FetchSessionsTest, ARequestDoesNotOutliveItsSessionInAnotherOfTheSameId) {
  open(1);
  const auto waiting = begin(101, 1, {});
  ASSERT_TRUE(waiting);
  last_drawn = 100;
  EXPECT_EQ(end(begin(101, 0, {wish(7)})).session_id, 101);
  ASSERT_TRUE(begin(101, 1, {}));
  EXPECT_EQ(end(waiting).error, WireError::fetch_session_id_not_found);
}

TEST_F(FetchSessionsTest, OpeningTakesAPartitionAsItWasNamedLast) {
  const auto plan = begin(0, 0, {wish(0, 1), wish(1, 2), wish(0, 3)});
  ASSERT_EQ(indices(*plan), (Indices{0, 1}));
  EXPECT_EQ(plan->wishes[0].offset, Offset(3));
}

TEST_F(FetchSessionsTest, EachKindOfNewsIsAnswered) {
  open(5);
  const auto plan = begin(101, 1, {});
  const auto answer = end(plan, {at_end(),
                                 {.records = true, .high_watermark = Offset(10), .log_start = {}},
                                 at_end(11),
                                 {.high_watermark = Offset(10), .log_start = Offset(5)},
                                 {.failed = true}});
  EXPECT_EQ(answer.holds, (Places{1, 2, 3, 4}));
  const auto next = begin(101, 2, {});
  ASSERT_EQ(indices(*next), (Indices{0, 2, 3, 4, 1})) << "what gave records goes last";
  EXPECT_EQ(end(next, {at_end(),
                       at_end(11),
                       {.high_watermark = Offset(10), .log_start = Offset(5)},
                       {.failed = true},
                       at_end()})
                .holds,
            (Places{3}))
      << "an error is news every time";
  const auto last = begin(101, 3, {});
  EXPECT_EQ(end(last, {at_end(),
                       at_end(11),
                       {.high_watermark = Offset(10), .log_start = Offset(5)},
                       at_end(),
                       at_end()})
                .holds,
            (Places{3}))
      << "and so is its end";
}

TEST_F(FetchSessionsTest, ADivergedPartitionIsAnswered) {
  open(1);
  const auto plan = begin(101, 1, {});
  EXPECT_EQ(
      end(plan, {{.diverged = true, .high_watermark = Offset(10), .log_start = Offset(0)}}).holds,
      (Places{0}));
}

TEST_F(FetchSessionsTest, WhatIsNamedAgainIsChangedOrAdded) {
  open(2);
  const auto plan = begin(101, 1, {wish(1, 77), wish(2, 5)}, {partition(0), partition(9)});
  ASSERT_TRUE(plan);
  ASSERT_EQ(indices(*plan), (Indices{1, 2}));
  EXPECT_EQ(plan->wishes[0].offset, Offset(77));
  EXPECT_EQ(end(plan).holds, (Places{1})) << "of the new one nothing was said before";
}

TEST_F(FetchSessionsTest, AnUnknownIdIsRefused) {
  const auto plan = begin(7, 1, {});
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.error(), WireError::fetch_session_id_not_found);
}

TEST_F(FetchSessionsTest, TheWrongEpochIsRefusedAndTheRightOneStillTaken) {
  open(1);
  for (const std::int32_t wrong : {2, -2, INT32_MAX}) {
    const auto plan = begin(101, wrong, {});
    ASSERT_FALSE(plan);
    EXPECT_EQ(plan.error(), WireError::invalid_fetch_session_epoch);
  }
  ASSERT_TRUE(begin(101, 1, {}));
  EXPECT_EQ(begin(101, 1, {}).error(), WireError::invalid_fetch_session_epoch) << "a repetition";
}

TEST_F(FetchSessionsTest, WhoChangesHowTopicsAreNamedIsRefused) {
  open(1);
  by_id = true;
  EXPECT_EQ(begin(101, 1, {}).error(), WireError::fetch_session_topic_id_error);
}

TEST_F(FetchSessionsTest, OnlyTheLastOfTwoRequestsUnderWayIsAnswered) {
  open(1);
  const auto slow = begin(101, 1, {});
  const auto fast = begin(101, 2, {});
  EXPECT_EQ(end(slow).error, WireError::invalid_fetch_session_epoch);
  EXPECT_EQ(end(fast).error, WireError::none);
}

TEST_F(FetchSessionsTest, ASessionThatIsClosedMeanwhileAnswersThatItIsGone) {
  open(1);
  const auto waiting = begin(101, 1, {});
  ASSERT_TRUE(begin(101, -1, {}));
  EXPECT_EQ(end(waiting).error, WireError::fetch_session_id_not_found);
}

TEST_F(FetchSessionsTest, EitherFullRequestClosesTheSessionThatItNames) {
  open(1);
  EXPECT_EQ(open(1, 101), 102);
  EXPECT_EQ(sessions.sessions(), 1U);
  ASSERT_TRUE(begin(102, -1, {wish(0)}));
  EXPECT_EQ(sessions.sessions(), 0U);
  EXPECT_EQ(sessions.bytes(), 0U);
}

TEST_F(FetchSessionsTest, ASessionWithoutPartitionsEnds) {
  open(2);
  const auto plan = begin(101, 1, {}, {partition(0), partition(1)});
  ASSERT_TRUE(plan);
  EXPECT_TRUE(plan->wishes.empty());
  EXPECT_EQ(end(plan).session_id, 0);
  EXPECT_EQ(sessions.sessions(), 0U);
}

TEST_F(FetchSessionsTest, AnIdThatIsTakenIsDrawnAgain) {
  open(1);
  last_drawn = 100;
  EXPECT_EQ(open(1), 102);
}

// ---- room

TEST_F(FetchSessionsTest, BeyondTheSlotsThereIsNone) {
  limit_to(2);
  EXPECT_NE(open(1), 0);
  EXPECT_NE(open(1), 0);
  EXPECT_EQ(open(5), 0) << "the others are young, however small";
  limit_to(0);
  EXPECT_EQ(open(1), 0);
}

TEST_F(FetchSessionsTest, AStaleOneMakesRoom) {
  limit_to(1);
  const std::int32_t stale = open(5);
  now = now + seconds(120);
  EXPECT_EQ(open(1), 0) << "not yet";
  now = now + milliseconds(1);
  EXPECT_NE(open(1), 0);
  EXPECT_FALSE(begin(stale, 1, {}));
}

TEST_F(FetchSessionsTest, AnOldOneMakesRoomForOneThatIsNoSmaller) {
  limit_to(1);
  const std::int32_t old = open(3);
  now = now + seconds(121);
  ASSERT_TRUE(begin(old, 1, {})) << "it is in use";
  EXPECT_EQ(open(2), 0);
  EXPECT_EQ(open(3), 0) << "of equal ones the one that is there";
  EXPECT_NE(open(4), 0);
  EXPECT_FALSE(begin(old, 2, {}));
}

TEST_F(FetchSessionsTest, AFollowerMakesAConsumerGoButNotTheOtherWayRound) {
  limit_to(1);
  open(5);
  follower = true;
  const std::int32_t followers = open(1);
  EXPECT_NE(followers, 0);
  EXPECT_EQ(open(9), 0) << "no follower pushes a young one out";
  now = now + seconds(121);
  ASSERT_TRUE(begin(followers, 1, {}));
  follower = false;
  EXPECT_EQ(open(9), 0);
  follower = true;
  EXPECT_NE(open(9), 0);
}

TEST_F(FetchSessionsTest, MemoryIsBounded) {
  limit_to(100, 1000);
  EXPECT_NE(open(3), 0);
  const std::size_t taken = sessions.bytes();
  EXPECT_EQ(open(1), 0);
  EXPECT_EQ(sessions.bytes(), taken);
  const auto grown = begin(101, 1, {wish(3)});
  ASSERT_FALSE(grown);
  EXPECT_EQ(grown.error(), WireError::fetch_session_id_not_found);
  EXPECT_EQ(sessions.bytes(), 0U);
  const std::string name(2000, 'x');
  EXPECT_EQ(end(begin(0, 0, {{.key = partition(0, name)}})).session_id, 0) << "names count";
}

TEST_F(FetchSessionsTest, OneOfTooManyPartitionsIsNone) {
  sessions = FetchSessions({.partitions_max = 3});
  EXPECT_EQ(open(4), 0);
  const std::int32_t id = open(3);
  ASSERT_NE(id, 0);
  ASSERT_TRUE(begin(id, 1, {wish(2), wish(1)})) << "it has these";
  const auto grown = begin(id, 2, {wish(3)});
  ASSERT_FALSE(grown);
  EXPECT_EQ(grown.error(), WireError::fetch_session_id_not_found);
  const std::int32_t other = open(3);
  EXPECT_FALSE(begin(other, 1, {}, {partition(1), partition(1), partition(1), partition(1)}));
  EXPECT_EQ(sessions.sessions(), 0U);
}

TEST_F(FetchSessionsTest, StaleOnesMakeRoomAlsoWhereMemoryIsShort) {
  limit_to(100, 1000);
  const std::int32_t first = open(1);
  const std::int32_t second = open(1);
  ASSERT_NE(second, 0);
  EXPECT_EQ(open(2), 0);
  now = now + milliseconds(120'001);
  EXPECT_EQ(open(9), 0) << "more than there can be";
  EXPECT_TRUE(begin(second, 1, {})) << "nothing went for it";
  EXPECT_NE(open(2), 0);
  EXPECT_FALSE(begin(first, 1, {}));
  EXPECT_EQ(open(2), 0) << "the other is in use";
  EXPECT_TRUE(begin(second, 2, {}));
}

TEST_F(FetchSessionsTest, StaleOnesMakeRoomForOneThatGrows) {
  limit_to(100, 1000);
  const std::int32_t stale = open(2);
  const std::int32_t growing = open(1);
  now = now + milliseconds(120'001);
  EXPECT_TRUE(begin(growing, 1, {wish(1), wish(2)}));
  EXPECT_FALSE(begin(stale, 1, {}));
}

}  // namespace
}  // namespace flux::server
