// TopicLives: which of the topics that had one name an operation was about.
//
// A name that was deleted and made again is another topic (docs/architecture.md#what-is-promised):
// what was acknowledged to one of them is excused by the deletion of that one alone. Known from
// what clients asked and were told, never from a broker's say alone: a deletion may take effect
// from the moment it is asked for; one that was surely refused never does, one that nobody heard of
// again may until every broker has ended since. An answer that tells a topic's id shows that this
// topic was there; as ids are never used twice, it was there between any two such answers too.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sim/check/checker.h"
#include "sim/check/effect.h"
#include "sim/check/storage_map.h"

namespace flux::sim {

// Equal only if two operations were surely about the same topic.
using TopicLife = std::int64_t;

class TopicLives {
 public:
  explicit TopicLives(const ClusterFacts& facts) : facts_(facts) {}

  void observe(const Observation& observation);

  // Of an operation that completed; nothing where a deletion was under way and no id was told.
  std::optional<TopicLife> life_of(const Operation& op);

  // Why the topic that this acknowledged produce went to may be gone: "deleted"; or
  // "deletion_unknown", when nobody knows what became of a deletion that was asked for; or
  // "deleted_meanwhile", when the produce was under way during it and may have gone to the topic
  // before or to the one after.
  std::optional<std::string> why_deleted(const Operation& op) const;
  // Whether a deletion may have taken effect in between.
  bool deleted_between(const std::string& topic, Time from, Time to) const;
  // Whether what was stored under this name at that time may be of a topic that was deleted.
  bool may_be_deleted(const std::string& topic, Time stored) const;

 private:
  struct Deletion : Effect {
    using Effect::Effect;

    Uuid target;            // of the last try; zero when nobody was told
    bool only_try = false;  // no earlier one may have met another topic
  };
  struct Seen {
    Time first = Time::max();  // when an answer told of it that came first
    Time last;                 // when the operation was asked that was asked last
  };

  void completed(const Operation& op);
  void deletion_completed(const Operation& op);
  Uuid id_of(const Operation& op) const;

  const ClusterFacts& facts_;
  std::map<std::string, std::vector<Deletion>> deletions_;  // those not refused, in order
  std::map<std::string, std::map<Uuid, Seen>> seen_;
  std::map<std::pair<std::string, Uuid>, TopicLife> lives_;
  std::map<TopicPartitionName, Uuid> read_last_;  // by the latest of the final reads
};

}  // namespace flux::sim
