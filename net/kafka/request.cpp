#include "net/kafka/request.h"

#include <algorithm>
#include <string>

namespace flux::kafka {

const ApiInfo* find_api(std::int16_t key) {
  const auto at = std::ranges::lower_bound(kApis, static_cast<ApiKey>(key), {}, &ApiInfo::key);
  return at != kApis.end() && at->key == static_cast<ApiKey>(key) ? at : nullptr;
}

wire::RequestHeaderVersion request_header_version(const ApiInfo& api, std::int16_t version) {
  return version >= api.flexible_from ? wire::RequestHeaderVersion::v2
                                      : wire::RequestHeaderVersion::v1;
}

wire::ResponseHeaderVersion response_header_version(const ApiInfo& api, std::int16_t version) {
  if (api.key == ApiKey::api_versions) return wire::ResponseHeaderVersion::v0;
  return version >= api.flexible_from ? wire::ResponseHeaderVersion::v1
                                      : wire::ResponseHeaderVersion::v0;
}

Result<wire::RequestHeader> decode_request_header(wire::Reader& from) {
  wire::RequestHeader header = wire::read_request_start(from);
  TRY(from.status());
  const ApiInfo* api = find_api(header.api_key);
  if (api == nullptr) {
    return fail(ErrorCode::unsupported, "api key " + std::to_string(header.api_key));
  }
  wire::read_request_rest(from, header, request_header_version(*api, header.api_version));
  TRY(from.status());
  return header;
}

}  // namespace flux::kafka
