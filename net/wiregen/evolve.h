// Keeps published versions of messages as they are.
//
// A listing says, for each message and each version of it, what stands on the wire, a line each:
//
//   produce_response v1: responses:[ name:string ... ] throttle_time_ms:int32
//
// The listing of the last published definitions stands in net/schema/listing.txt. A definition may
// gain versions, and fields in those; a line that was once there must come out the same again,
// except for names, which nobody sees on the wire.
#pragma once

#include <string>
#include <string_view>

#include "core/base/result.h"
#include "net/wiregen/schema.h"

namespace flux::wiregen {

std::string make_listing(const Schema& schema);

// The error names message, version and the first item that differs.
Result<> check_evolution(std::string_view old_listing, std::string_view new_listing);

}  // namespace flux::wiregen
