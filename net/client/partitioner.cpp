#include "net/client/partitioner.h"

#include <vector>

#include "core/base/check.h"

namespace flux::client {
namespace {

std::uint32_t load_le(const std::byte* at) {
  return std::to_integer<std::uint32_t>(at[0]) | std::to_integer<std::uint32_t>(at[1]) << 8 |
         std::to_integer<std::uint32_t>(at[2]) << 16 | std::to_integer<std::uint32_t>(at[3]) << 24;
}

}  // namespace

std::int32_t murmur2(ByteView bytes) {
  constexpr std::uint32_t kSeed = 0x9747B28C;
  constexpr std::uint32_t kMultiplier = 0x5BD1E995;
  constexpr int kShift = 24;
  std::uint32_t h = kSeed ^ static_cast<std::uint32_t>(bytes.size());
  while (bytes.size() >= 4) {
    std::uint32_t k = load_le(bytes.data()) * kMultiplier;
    k ^= k >> kShift;
    h = (h * kMultiplier) ^ (k * kMultiplier);
    bytes = bytes.subspan(4);
  }
  for (std::size_t i = bytes.size(); i > 0; --i) {
    h ^= std::to_integer<std::uint32_t>(bytes[i - 1]) << (8 * (i - 1));
  }
  if (!bytes.empty()) h *= kMultiplier;
  h ^= h >> 13;
  h *= kMultiplier;
  h ^= h >> 15;
  return static_cast<std::int32_t>(h);
}

PartitionIndex Partitioner::for_key(ByteView key, const TopicInfo& topic) {
  CHECK(!topic.partitions.empty());
  const std::int32_t positive = murmur2(key) & 0x7FFFFFFF;
  return PartitionIndex(positive % static_cast<std::int32_t>(topic.partitions.size()));
}

PartitionIndex Partitioner::without_key(const TopicInfo& topic) {
  CHECK(!topic.partitions.empty());
  Stay& stay = stays_[topic.name];
  const auto count = static_cast<std::int32_t>(topic.partitions.size());
  if (stay.partition.value() >= 0 && stay.partition.value() < count) return stay.partition;
  std::vector<PartitionIndex> usable;
  for (const PartitionInfo& partition : topic.partitions) {
    if (partition.leader != kNoNode) usable.push_back(partition.index);
  }
  if (usable.empty()) {
    for (const PartitionInfo& partition : topic.partitions) usable.push_back(partition.index);
  }
  const Key key = key_.with(topic.name).with(stay.moves);
  stay.partition = usable[random_.draw(key, usable.size())];
  return stay.partition;
}

void Partitioner::move_on(const std::string& topic, PartitionIndex from) {
  const auto stay = stays_.find(topic);
  if (stay == stays_.end() || stay->second.partition != from) return;
  stay->second.partition = PartitionIndex(-1);
  ++stay->second.moves;
}

}  // namespace flux::client
