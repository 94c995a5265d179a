#include "net/server/fetch_sessions.h"

#include <utility>

#include "core/base/check.h"
#include "core/base/mark.h"
#include "core/base/mutant.h"

namespace flux::server {

using kafka::WireError;

namespace {

constexpr std::int32_t kOpening = 0;
constexpr std::int32_t kWithout = -1;

// A partition in its two maps, beside a long name.
constexpr std::size_t kPartitionBytes = 256;

std::size_t bytes_of(const FetchKey& key) { return kPartitionBytes + key.topic.view().size(); }

std::int32_t epoch_after(std::int32_t epoch) { return epoch == INT32_MAX ? 1 : epoch + 1; }

}  // namespace

std::expected<FetchPlan, WireError> FetchSessions::begin(Instant now, FetchSessionRequest request) {
  if (request.epoch != kOpening && request.epoch != kWithout) {
    return continue_session(now, std::move(request));
  }
  if (request.session_id != 0) remove(request.session_id);
  FetchPlan plan{.names_by_id = request.names_by_id, .follower = request.follower};
  if (request.epoch == kWithout || request.wishes.size() > limits_.partitions_max) {
    plan.wishes = std::move(request.wishes);
    return plan;
  }
  // A partition that is named twice counts once, as it was named last.
  plan.kind = FetchPlan::Kind::opening;
  std::map<FetchKey, std::size_t> places;
  for (FetchWish& wish : request.wishes) {
    const auto [at, fresh] = places.try_emplace(wish.key, plan.wishes.size());
    if (fresh) {
      plan.wishes.push_back(std::move(wish));
    } else {
      plan.wishes[at->second] = std::move(wish);
    }
  }
  return plan;
}

std::expected<FetchPlan, WireError> FetchSessions::continue_session(Instant now,
                                                                    FetchSessionRequest request) {
  const auto known = sessions_.find(request.session_id);
  if (known == sessions_.end()) {
    REACHED("server.fetch_session_unknown");
    return std::unexpected(WireError::fetch_session_id_not_found);
  }
  Session& session = known->second;
  if (session.epoch != request.epoch) {
    REACHED("server.fetch_session_epoch");
    return std::unexpected(WireError::invalid_fetch_session_epoch);
  }
  if (session.names_by_id != request.names_by_id) {
    REACHED("server.fetch_session_names");
    return std::unexpected(WireError::fetch_session_topic_id_error);
  }
  const std::size_t most = limits_.partitions_max;
  if (request.wishes.size() > most || request.forgotten.size() > most) {
    return too_large(session);
  }
  for (const FetchWish& wish : request.wishes) put(session, wish);
  for (const FetchKey& key : request.forgotten) drop(session, key);
  FetchPlan plan{.names_by_id = request.names_by_id, .follower = request.follower};
  if (session.partitions.empty()) {
    remove(session.id);
    plan.wishes = std::move(request.wishes);
    return plan;
  }
  touch(now, session);
  if (session.partitions.size() > most || !make_bytes(now, 0)) return too_large(session);
  session.epoch = epoch_after(session.epoch);
  plan.kind = FetchPlan::Kind::incremental;
  plan.session_id = session.id;
  plan.number = session.number;
  plan.epoch = session.epoch;
  plan.wishes.reserve(session.order.size());
  for (const auto& [place, key] : session.order) {
    plan.wishes.push_back(session.partitions.at(*key).wish);
  }
  return plan;
}

// Named in full, it will be told that there is no session for so much.
std::unexpected<WireError> FetchSessions::too_large(const Session& session) {
  REACHED("server.fetch_session_too_large");
  remove(session.id);
  return std::unexpected(WireError::fetch_session_id_not_found);
}

FetchSessionAnswer FetchSessions::end(Instant now, const FetchPlan& plan,
                                      std::span<const FetchFound> found, const DrawId& draw_id) {
  CHECK_EQ(plan.wishes.size(), found.size());
  FetchSessionAnswer answer;
  if (plan.kind != FetchPlan::Kind::incremental) {
    for (std::size_t i = 0; i < found.size(); ++i) answer.holds.push_back(i);
    if (plan.kind == FetchPlan::Kind::opening) open(now, plan, found, draw_id, answer);
    return answer;
  }
  answer.session_id = plan.session_id;
  const auto known = sessions_.find(plan.session_id);
  if (known == sessions_.end() || known->second.number != plan.number) {
    // It had to go while this request waited: what it should know is not known any more.
    REACHED("server.fetch_session_gone");
    answer.error = WireError::fetch_session_id_not_found;
    answer.session_id = 0;
    return answer;
  }
  if (known->second.epoch != plan.epoch) {
    REACHED("server.fetch_session_overtaken");
    answer.error = WireError::invalid_fetch_session_epoch;
    return answer;
  }
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (must_answer(known->second, plan.wishes[i].key, found[i])) answer.holds.push_back(i);
  }
  return answer;
}

// Also notes what is answered.
bool FetchSessions::must_answer(Session& session, const FetchKey& key, const FetchFound& found) {
  const auto at = session.partitions.find(key);
  CHECK(at != session.partitions.end(), "a session lost a partition within an epoch");
  Cached& cached = at->second;
  bool news = found.failed || found.diverged;
  news |= found.high_watermark != cached.high_watermark || found.log_start != cached.log_start;
  if (!MUTANT("server.session_forgets_records")) news |= found.records;
  cached.high_watermark = found.failed ? Offset(-1) : found.high_watermark;
  cached.log_start = found.log_start;
  if (found.records) {
    session.order.erase(cached.place);
    cached.place = ++session.places;
    session.order.emplace(cached.place, &at->first);
  }
  return news;
}

void FetchSessions::open(Instant now, const FetchPlan& plan, std::span<const FetchFound> found,
                         const DrawId& draw_id, FetchSessionAnswer& answer) {
  std::size_t bytes = 0;
  for (const FetchWish& wish : plan.wishes) bytes += bytes_of(wish.key);
  if (!make_bytes(now, bytes) || !make_room(now, plan.follower, plan.wishes.size())) {
    REACHED("server.fetch_session_refused");
    return;
  }
  std::int32_t id = 0;
  while (id == 0 || sessions_.contains(id)) id = draw_id(++drawn_);
  Session& session = sessions_[id];
  session.id = id;
  session.number = drawn_;
  session.names_by_id = plan.names_by_id;
  session.follower = plan.follower;
  session.created = now;
  session.last_used = now;
  for (std::size_t i = 0; i < found.size(); ++i) {
    put(session, plan.wishes[i]);
    Cached& cached = session.partitions.at(plan.wishes[i].key);
    cached.high_watermark = found[i].failed ? Offset(-1) : found[i].high_watermark;
    cached.log_start = found[i].log_start;
  }
  touch(now, session);
  answer.session_id = id;
}

// ---- one session

void FetchSessions::put(Session& session, const FetchWish& wish) {
  const auto [at, fresh] = session.partitions.try_emplace(wish.key);
  Cached& cached = at->second;
  if (fresh || !MUTANT("server.session_keeps_old_position")) cached.wish = wish;
  if (!fresh) return;
  cached.place = ++session.places;
  session.order.emplace(cached.place, &at->first);
  session.bytes += bytes_of(wish.key);
  bytes_ += bytes_of(wish.key);
}

void FetchSessions::drop(Session& session, const FetchKey& key) {
  const auto at = session.partitions.find(key);
  if (at == session.partitions.end()) return;
  session.order.erase(at->second.place);
  session.bytes -= bytes_of(key);
  bytes_ -= bytes_of(key);
  session.partitions.erase(at);
}

// ---- all of them

bool FetchSessions::remove_stale(Instant now) {
  if (by_last_use_.empty()) return false;
  const auto [last_use, oldest] = *by_last_use_.begin();
  if (now - last_use <= limits_.evictable_after) return false;
  REACHED("server.fetch_session_stale");
  remove(oldest);
  return true;
}

// Stale ones go for it, as many as it takes. One that is in use does not: it would be back at once.
bool FetchSessions::make_bytes(Instant now, std::size_t bytes) {
  if (bytes > limits_.bytes_max) return false;  // and none goes for what cannot be
  while (bytes_ + bytes > limits_.bytes_max) {
    if (!remove_stale(now)) return false;
  }
  return true;
}

// A stale one goes first; else the one of least worth, if it is old enough and not worth more.
bool FetchSessions::make_room(Instant now, bool follower, std::size_t partitions) {
  if (sessions_.size() < limits_.sessions_max) return true;
  if (sessions_.empty()) return false;
  if (remove_stale(now)) return true;
  const std::set<Worth>& evictable = follower ? evictable_by_followers_ : evictable_by_all_;
  if (evictable.empty() || Worth(follower, partitions, 0) < *evictable.begin()) return false;
  REACHED("server.fetch_session_evicted");
  remove(std::get<std::int32_t>(*evictable.begin()));
  return true;
}

void FetchSessions::touch(Instant now, Session& session) {
  by_last_use_.erase({session.last_used, session.id});
  evictable_by_all_.erase(session.worth);
  evictable_by_followers_.erase(session.worth);
  session.last_used = now;
  session.worth = {session.follower, session.partitions.size(), session.id};
  by_last_use_.emplace(now, session.id);
  const bool old = now - session.created > limits_.evictable_after;
  if (old) evictable_by_all_.insert(session.worth);
  if (old || !session.follower) evictable_by_followers_.insert(session.worth);
}

void FetchSessions::remove(std::int32_t id) {
  const auto at = sessions_.find(id);
  if (at == sessions_.end()) return;
  const Session& session = at->second;
  by_last_use_.erase({session.last_used, id});
  evictable_by_all_.erase(session.worth);
  evictable_by_followers_.erase(session.worth);
  bytes_ -= session.bytes;
  sessions_.erase(at);
}

}  // namespace flux::server
