// The frame around a record of the metadata log: what the value of each record in
// __cluster_metadata begins with, before the fields of its type.
#pragma once

#include <cstdint>

#include "core/base/result.h"
#include "net/kafka/gen/metadata_records.h"
#include "net/wire/reader.h"
#include "net/wire/writer.h"

namespace flux::kafka {

struct MetadataFrame {
  MetadataRecordType type{};
  std::int16_t version = 0;

  friend bool operator==(const MetadataFrame&, const MetadataFrame&) = default;
};

// nullptr when the codec does not know the type.
const MetadataRecordInfo* find_metadata_record(MetadataRecordType type);

// Leaves the reader at the fields. A type or version that is not known is `unsupported`.
Result<MetadataFrame> decode_metadata_frame(wire::Reader& from);
void encode_metadata_frame(wire::Writer& to, const MetadataFrame& frame);

// The whole value of a record: encode_metadata_record(to, TopicRecord{...}, 0).
template <class Record>
Result<> encode_metadata_record(wire::Writer& to, const Record& record, std::int16_t version) {
  encode_metadata_frame(
      to, {.type = static_cast<MetadataRecordType>(Record::kKey), .version = version});
  return record.encode(to, version);
}

}  // namespace flux::kafka
