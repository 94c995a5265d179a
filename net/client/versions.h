// VersionCaps: the highest version of each API that a client uses.
//
// A client speaks min(its cap, the broker's highest, the codec's highest). The caps of real clients
// are here so that a simulated one can be as old as those that people run.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "net/kafka/gen/apis.h"

namespace flux::client {

struct VersionRange {
  std::int16_t min = 0;
  std::int16_t max = -1;

  friend bool operator==(const VersionRange&, const VersionRange&) = default;
};

class VersionCaps {
 public:
  // Whatever the codec knows; also what Java's 4.x clients send.
  static VersionCaps newest() { return {}; }
  // librdkafka 2.0.2, the one of Debian 12: kcat and the clients over it.
  static VersionCaps librdkafka_2_0();
  // The oldest that Kafka 4 brokers still serve (KIP-896).
  static VersionCaps oldest();

  // `highest` below 0 means that the client does not use the API at all.
  VersionCaps& set(kafka::ApiKey api, std::int16_t highest);
  bool has_cap(kafka::ApiKey api) const { return caps_.contains(api); }
  // The version for this API, with a broker that serves `broker`; null when there is none.
  // `limit` is a further bound of the caller, such as "before topic ids".
  std::optional<std::int16_t> choose(kafka::ApiKey api, const VersionRange& broker,
                                     std::int16_t limit = INT16_MAX) const;

 private:
  std::map<kafka::ApiKey, std::int16_t> caps_;  // absent: no cap
};

}  // namespace flux::client
