// KafkaRecordCodec: metadata records as Kafka's bytes, over the generated messages.
#pragma once

#include "core/controller/record_codec.h"

namespace flux::node {

// The newest level of the feature metadata.version that this release writes and understands: that
// of Kafka 4.3. The oldest is that of Kafka 3.3, the first without ZooKeeper.
inline constexpr std::int16_t kMetadataVersionMin = 7;
inline constexpr std::int16_t kMetadataVersionMax = 30;

class KafkaRecordCodec final : public controller::RecordCodec {
 public:
  Result<Bytes> encode(const controller::Record& record) const override;
  Result<controller::Record> decode(ByteView value) const override;
  Result<Bytes> leader_change(NodeId leader, Uuid directory) const override;
  Result<Bytes> snapshot_header(std::int64_t last_timestamp_ms) const override;
  Result<Bytes> snapshot_footer() const override;
};

}  // namespace flux::node
