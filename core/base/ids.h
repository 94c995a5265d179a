// Names of things in a cluster, as Kafka numbers them.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/result.h"
#include "core/base/strong.h"

namespace flux {

using NodeId = Strong<struct NodeIdTag, std::int32_t>;                  // node.id; -1 is "none"
using PartitionIndex = Strong<struct PartitionIndexTag, std::int32_t>;  // from 0
using Offset = Strong<struct OffsetTag, std::int64_t>;  // of a record in a partition, from 0
using LeaderEpoch = Strong<struct LeaderEpochTag, std::int32_t>;      // -1 is "unknown"
using ProducerId = Strong<struct ProducerIdTag, std::int64_t>;        // -1 is "not idempotent"
using ProducerEpoch = Strong<struct ProducerEpochTag, std::int16_t>;  // -1 with ProducerId -1
using Sequence = Strong<struct SequenceTag, std::int32_t>;            // wraps from 2^31-1 to 0

inline constexpr NodeId kNoNode{-1};
inline constexpr ProducerId kNoProducerId{-1};
inline constexpr ProducerEpoch kNoProducerEpoch{-1};
inline constexpr Sequence kNoSequence{-1};
inline constexpr LeaderEpoch kNoLeaderEpoch{-1};

// 128 bits, Kafka's topic id and directory id. Text form: 22 characters of URL-safe base64 without
// padding (KIP-516).
struct Uuid {
  std::uint64_t high = 0;
  std::uint64_t low = 0;

  constexpr bool is_zero() const { return high == 0 && low == 0; }
  friend constexpr auto operator<=>(const Uuid&, const Uuid&) = default;

  std::string to_string() const;
  static Result<Uuid> parse(std::string_view text);
};

struct TopicPartition {
  std::string topic;
  PartitionIndex partition;

  friend auto operator<=>(const TopicPartition&, const TopicPartition&) = default;
  // "orders-3": also the name of its directory.
  std::string to_string() const;
};

}  // namespace flux
