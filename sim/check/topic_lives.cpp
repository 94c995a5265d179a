#include "sim/check/topic_lives.h"

#include <algorithm>

namespace flux::sim {
namespace {

// Of topics known by their ids alone: above any count of deletions.
constexpr TopicLife kByIdAlone = TopicLife{1} << 32;

bool tells_id(const Operation& op) {
  // A deletion tells what is no more.
  return op.outcome == Outcome::ok && op.kind != OperationKind::delete_topic &&
         !op.topic_id.is_zero();
}

}  // namespace

void TopicLives::observe(const Observation& observation) {
  if (const auto* invoked = std::get_if<Invoked>(&observation)) {
    const Operation& op = invoked->operation;
    if (op.kind == OperationKind::delete_topic) deletions_[op.topic].emplace_back(op);
  } else if (const auto* done = std::get_if<Completed>(&observation)) {
    completed(done->operation);
  } else if (const auto* node = std::get_if<NodeEvent>(&observation)) {
    if (node->change != NodeChange::ended) return;
    // What it wrote down of a deletion takes effect before it serves again.
    for (auto& [topic, deletions] : deletions_) {
      for (Deletion& deletion : deletions) deletion.process_ended(*node, facts_);
    }
  }
}

void TopicLives::completed(const Operation& op) {
  if (op.kind == OperationKind::delete_topic) return deletion_completed(op);
  if (!tells_id(op)) return;
  Seen& seen = seen_[op.topic][op.topic_id];
  seen.first = std::min(seen.first, op.completed);
  seen.last = std::max(seen.last, op.invoked);
  if (op.kind == OperationKind::final_read) read_last_[{op.topic, op.partition}] = op.topic_id;
}

void TopicLives::deletion_completed(const Operation& op) {
  Deletion* deletion = take_answer(deletions_[op.topic], op);
  if (deletion == nullptr) return;
  deletion->target = op.topic_id;
  deletion->only_try = op.attempt == 1;
}

std::optional<TopicLife> TopicLives::life_of(const Operation& op) {
  std::optional<TopicLife> life = 0;
  const auto found = deletions_.find(op.topic);
  if (found != deletions_.end()) {
    for (const Deletion& deletion : found->second) {
      if (deletion.invoked > op.completed) continue;
      if (deletion.over >= op.invoked) life.reset();
      if (life) ++*life;
    }
  }
  if (!tells_id(op)) return life;
  const TopicLife other = kByIdAlone + static_cast<TopicLife>(lives_.size());
  return lives_.try_emplace({op.topic, op.topic_id}, life.value_or(other)).first->second;
}

// That it was told, or that of a topic which was there before and after.
Uuid TopicLives::id_of(const Operation& op) const {
  if (!op.topic_id.is_zero()) return op.topic_id;
  const auto topic = seen_.find(op.topic);
  if (topic == seen_.end()) return {};
  for (const auto& [id, seen] : topic->second) {
    if (seen.first < op.invoked && seen.last > op.completed) return id;
  }
  return {};
}

std::optional<std::string> TopicLives::why_deleted(const Operation& op) const {
  const auto found = deletions_.find(op.topic);
  if (found == deletions_.end()) return std::nullopt;
  const Uuid id = id_of(op);
  Seen seen;
  if (!id.is_zero()) {
    seen = seen_.at(op.topic).at(id);
    const auto read = read_last_.find({op.topic, op.partition});
    if (read != read_last_.end() && read->second == id) return std::nullopt;
  }
  std::optional<std::string> why;
  for (const Deletion& deletion : found->second) {
    if (deletion.over < op.invoked) continue;
    if (!id.is_zero() && deletion.over < seen.last) continue;
    const bool told = !id.is_zero() && !deletion.target.is_zero();
    if (told && deletion.target != id && deletion.only_try) continue;
    const bool surely = told ? deletion.target == id : deletion.invoked > op.completed;
    if (deletion.done && surely) return "deleted";
    if (!deletion.done) why = "deletion_unknown";
    if (!why) why = "deleted_meanwhile";
  }
  return why;
}

bool TopicLives::deleted_between(const std::string& topic, Time from, Time to) const {
  const auto found = deletions_.find(topic);
  if (found == deletions_.end()) return false;
  return std::ranges::any_of(found->second, [&](const Deletion& deletion) {
    return deletion.invoked <= to && deletion.over >= from;
  });
}

bool TopicLives::may_be_deleted(const std::string& topic, Time stored) const {
  const auto found = deletions_.find(topic);
  if (found == deletions_.end()) return false;
  return std::ranges::any_of(found->second,
                             [&](const Deletion& deletion) { return deletion.over >= stored; });
}

}  // namespace flux::sim
