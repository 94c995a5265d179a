#include "net/kafka/gen/find_coordinator.h"

#include <set>
#include <string_view>

#include "net/server/convert.h"

namespace flux::server {

namespace {

constexpr std::int16_t kManyKeysFrom = 4;
constexpr std::int8_t kKeyTypeMax = 2;  // 0 group, 1 transaction, 2 share group

}  // namespace

// There are no coordinators yet. Clients ask all the same and take the answer as "later". A key
// that is named again is not told again.
Result<Reply> handle_find_coordinator(env::Task& task, Context& context) {
  auto request = TRY(decode<kafka::FindCoordinatorRequest>(task, context));
  const bool known = request.key_type >= 0 && request.key_type <= kKeyTypeMax;
  const auto error =
      known ? kafka::WireError::coordinator_not_available : kafka::WireError::invalid_request;
  const std::string message =
      known ? "This broker has no coordinators." : "Unknown coordinator type.";
  kafka::FindCoordinatorResponse response;
  if (context.header.api_version < kManyKeysFrom) {
    response.error = error;
    if (context.header.api_version >= 1) response.error_message = message;
    response.node_id = kNoNode;
    response.port = -1;
    return reply(task, context, response);
  }
  Steps steps(task);
  std::set<std::string_view> told;
  for (const std::string& key : request.coordinator_keys) {
    steps.step();
    if (!told.insert(key).second) continue;
    response.coordinators.push_back({.key = key,
                                     .node_id = kNoNode,
                                     .host = "",
                                     .port = -1,
                                     .error = error,
                                     .error_message = message});
  }
  auto out = reply(task, context, response);
  forget(task, told);
  forget(task, request.coordinator_keys);
  forget(task, response.coordinators);
  return out;
}

}  // namespace flux::server
