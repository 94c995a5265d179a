#include "net/kafka/metadata_record.h"

#include <algorithm>
#include <string>

namespace flux::kafka {
namespace {

constexpr std::uint32_t kFrameVersion = 1;

}  // namespace

const MetadataRecordInfo* find_metadata_record(MetadataRecordType type) {
  const auto at = std::ranges::find(kMetadataRecords, type, &MetadataRecordInfo::type);
  return at == kMetadataRecords.end() ? nullptr : at;
}

Result<MetadataFrame> decode_metadata_frame(wire::Reader& from) {
  const std::uint32_t frame_version = from.unsigned_varint();
  const std::uint32_t type = from.unsigned_varint();
  const std::uint32_t version = from.unsigned_varint();
  TRY(from.status());
  if (frame_version != kFrameVersion) {
    return fail(ErrorCode::unsupported,
                "metadata record frame version " + std::to_string(frame_version));
  }
  const MetadataRecordInfo* info =
      type > 0xffff ? nullptr : find_metadata_record(static_cast<MetadataRecordType>(type));
  if (info == nullptr) {
    return fail(ErrorCode::unsupported, "metadata record type " + std::to_string(type));
  }
  if (version > static_cast<std::uint32_t>(info->version_max)) {
    return fail(ErrorCode::unsupported,
                std::string(info->name) + " version " + std::to_string(version));
  }
  return MetadataFrame{.type = info->type, .version = static_cast<std::int16_t>(version)};
}

void encode_metadata_frame(wire::Writer& to, const MetadataFrame& frame) {
  to.unsigned_varint(kFrameVersion);
  to.unsigned_varint(static_cast<std::uint32_t>(frame.type));
  to.unsigned_varint(static_cast<std::uint32_t>(frame.version));
}

}  // namespace flux::kafka
