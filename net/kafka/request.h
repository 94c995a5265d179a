// Which header goes with which version of which API.
#pragma once

#include <cstdint>

#include "core/base/result.h"
#include "net/kafka/gen/apis.h"
#include "net/wire/header.h"

namespace flux::kafka {

// nullptr when the codec does not know the API.
const ApiInfo* find_api(std::int16_t key);

// Whether the codec can decode this version. ApiVersions advertises more for Produce.
inline bool is_known(const ApiInfo& api, std::int16_t version) {
  return version >= api.version_min && version <= api.version_max;
}

wire::RequestHeaderVersion request_header_version(const ApiInfo& api, std::int16_t version);
// ApiVersions is the exception: its response header stays at v0 in all versions, since the client
// does not know yet what the broker speaks.
wire::ResponseHeaderVersion response_header_version(const ApiInfo& api, std::int16_t version);

// Reads the header of a request; the body follows in `from`. An unknown API is `unsupported`. A
// version that is not known is not an error here: ApiVersions has to answer it.
Result<wire::RequestHeader> decode_request_header(wire::Reader& from);

}  // namespace flux::kafka
