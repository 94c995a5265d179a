// ListGroups and DescribeGroups, as long as there are no groups.

#include <set>
#include <string_view>

#include "net/kafka/gen/describe_groups.h"
#include "net/kafka/gen/list_groups.h"
#include "net/server/convert.h"

namespace flux::server {

namespace {

// From here on a group that is not there is an error (KIP-1043); before, it is one that is dead.
constexpr std::int16_t kNotFoundFrom = 6;

}  // namespace

Result<Reply> handle_list_groups(env::Task& task, Context& context) {
  static_cast<void>(TRY(decode<kafka::ListGroupsRequest>(task, context)));
  return reply(task, context, kafka::ListGroupsResponse{});
}

// A group that is named again is not told again.
Result<Reply> handle_describe_groups(env::Task& task, Context& context) {
  auto request = TRY(decode<kafka::DescribeGroupsRequest>(task, context));
  kafka::DescribeGroupsResponse response;
  Steps steps(task);
  std::set<std::string_view> told;
  for (const std::string& group : request.groups) {
    steps.step();
    if (!told.insert(group).second) continue;
    auto& out = response.groups.emplace_back();
    out.group_id = group;
    out.group_state = "Dead";
    if (context.header.api_version >= kNotFoundFrom) {
      out.error = kafka::WireError::group_id_not_found;
      out.error_message = "Group " + group + " not found.";
    }
  }
  auto out = reply(task, context, response);
  forget(task, told);
  forget(task, request.groups);
  forget(task, response.groups);
  return out;
}

}  // namespace flux::server
