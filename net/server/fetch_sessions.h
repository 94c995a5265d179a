// FetchSessions: what clients fetch again and again, so that they need not say it again (KIP-227).
//
// A client that opens a session names all its partitions once; from then on it says what changed
// and hears of what has news. begin() says what a request wants, end() what its answer holds; in
// between the broker reads. Pure: time and chance are handed in.
//
// Invariants:
//  - A session is at the epoch that its next request must name: whoever repeats a request, or sends
//    one for a session that was taken over, is told so and begins anew.
//  - A partition with records, an error, another high watermark or log start than last answered is
//    in the answer, always. One that gave records goes to the back, so that under a limit of bytes
//    each has its turn.
//  - There are at most `sessions_max` sessions, each of at most `partitions_max` partitions, and
//    they take at most `bytes_max`. When all of
//    either is taken, a new one pushes out what is stale. When it is the slots, it may also push
//    out an old one that is worth less: smaller, or a consumer's where a follower comes.
// It reads nothing and knows no broker.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "core/base/ids.h"
#include "core/base/time.h"
#include "net/kafka/errors.h"

namespace flux::server {

// A topic's name, kept once for all of its partitions that a request names: a client may give a
// long name and a million of them.
class SharedName {
 public:
  SharedName() = default;
  SharedName(std::string name)  // NOLINT(google-explicit-constructor)
      : name_(std::make_shared<const std::string>(std::move(name))) {}

  std::string_view view() const { return name_ ? std::string_view(*name_) : std::string_view(); }

  friend bool operator==(const SharedName& a, const SharedName& b) {
    return a.name_ == b.name_ || a.view() == b.view();
  }
  friend auto operator<=>(const SharedName& a, const SharedName& b) {
    return a.view() <=> b.view();
  }

 private:
  std::shared_ptr<const std::string> name_;
};

// A partition as the client names it: by topic id, or before version 13 by the topic's name.
struct FetchKey {
  Uuid topic_id;
  SharedName topic;
  PartitionIndex index;

  friend auto operator<=>(const FetchKey&, const FetchKey&) = default;
};

// What a client wants of one partition.
struct FetchWish {
  FetchKey key;
  Offset offset{0};
  std::int32_t bytes_max = 0;
  LeaderEpoch current_leader_epoch = kNoLeaderEpoch;
  LeaderEpoch last_fetched_epoch = kNoLeaderEpoch;
};

// What was found of one partition, as far as it decides whether the answer holds it.
struct FetchFound {
  bool failed = false;
  bool diverged = false;
  bool records = false;
  Offset high_watermark{-1};
  Offset log_start{-1};
};

struct FetchSessionRequest {
  std::int32_t session_id = 0;
  std::int32_t epoch = -1;  // 0 opens a session, -1 does without; either closes `session_id`
  bool names_by_id = false;
  bool follower = false;
  std::vector<FetchWish> wishes;
  std::vector<FetchKey> forgotten;
};

// What to read, in this order, and how end() knows the request again.
struct FetchPlan {
  enum class Kind : std::uint8_t { sessionless, opening, incremental };
  Kind kind = Kind::sessionless;
  std::int32_t session_id = 0;
  std::int32_t epoch = -1;   // that the session is at once this request was begun
  std::uint64_t number = 0;  // of the session; ids come again
  bool names_by_id = false;
  bool follower = false;
  std::vector<FetchWish> wishes;
};

struct FetchSessionAnswer {
  kafka::WireError error = kafka::WireError::none;
  std::int32_t session_id = 0;
  std::vector<std::size_t> holds;  // indices into FetchPlan::wishes
};

struct FetchSessionLimits {
  std::size_t sessions_max = 1'000;  // max.incremental.fetch.session.cache.slots
  std::size_t bytes_max = 64U << 20;
  // Of one session. Its work is not interrupted, and has to end in time. Who names more is answered
  // without a session.
  std::size_t partitions_max = 2'500;
  Duration evictable_after = seconds(120);  // as Kafka's

  friend bool operator==(const FetchSessionLimits&, const FetchSessionLimits&) = default;
};

class FetchSessions {
 public:
  // Candidates for an id, from 1 to 2^31-1, by a number that is never the same.
  using DrawId = std::function<std::int32_t(std::uint64_t number)>;

  explicit FetchSessions(const FetchSessionLimits& limits) : limits_(limits) {}

  std::expected<FetchPlan, kafka::WireError> begin(Instant now, FetchSessionRequest request);
  // `found` is in the order of plan.wishes.
  FetchSessionAnswer end(Instant now, const FetchPlan& plan, std::span<const FetchFound> found,
                         const DrawId& draw_id);

  std::size_t sessions() const { return sessions_.size(); }
  std::size_t bytes() const { return bytes_; }

 private:
  struct Cached {
    FetchWish wish;
    Offset high_watermark{-1};  // as last answered; -1 also after an error, so that its end is news
    Offset log_start{-1};
    std::uint64_t place = 0;
  };
  // What makes a session worth keeping, the least first: follower's or not, partitions, id.
  using Worth = std::tuple<bool, std::size_t, std::int32_t>;
  struct Session {
    std::int32_t id = 0;
    std::uint64_t number = 0;
    std::int32_t epoch = 1;
    bool names_by_id = false;
    bool follower = false;
    Instant created;
    Instant last_used;
    std::size_t bytes = 0;
    Worth worth;  // under which it stands in the evictable ones
    std::map<FetchKey, Cached> partitions;
    std::map<std::uint64_t, const FetchKey*> order;
    std::uint64_t places = 0;
  };

  std::expected<FetchPlan, kafka::WireError> continue_session(Instant now,
                                                              FetchSessionRequest request);
  std::unexpected<kafka::WireError> too_large(const Session& session);
  void open(Instant now, const FetchPlan& plan, std::span<const FetchFound> found,
            const DrawId& draw_id, FetchSessionAnswer& answer);
  void put(Session& session, const FetchWish& wish);
  void drop(Session& session, const FetchKey& key);
  bool must_answer(Session& session, const FetchKey& key, const FetchFound& found);
  bool remove_stale(Instant now);
  bool make_bytes(Instant now, std::size_t bytes);
  bool make_room(Instant now, bool follower, std::size_t partitions);
  void touch(Instant now, Session& session);
  void remove(std::int32_t id);

  FetchSessionLimits limits_;
  std::uint64_t drawn_ = 0;
  std::map<std::int32_t, Session> sessions_;
  std::set<std::pair<Instant, std::int32_t>> by_last_use_;
  std::set<Worth> evictable_by_all_;
  std::set<Worth> evictable_by_followers_;
  std::size_t bytes_ = 0;
};

}  // namespace flux::server
