// ListGroups and DescribeGroups, as long as there are no groups.

#include "net/kafka/gen/describe_groups.h"
#include "net/kafka/gen/list_groups.h"
#include "net/server/convert.h"

namespace flux::server {

namespace {

// From here on a group that is not there is an error (KIP-1043); before, it is one that is dead.
constexpr std::int16_t kNotFoundFrom = 6;

}  // namespace

Result<Reply> handle_list_groups(env::Task&, Context& context) {
  static_cast<void>(TRY(decode<kafka::ListGroupsRequest>(context)));
  return reply(context, kafka::ListGroupsResponse{});
}

Result<Reply> handle_describe_groups(env::Task& task, Context& context) {
  const auto request = TRY(decode<kafka::DescribeGroupsRequest>(context));
  kafka::DescribeGroupsResponse response;
  for (const std::string& group : request.groups) {
    auto& out = response.groups.emplace_back();
    out.group_id = group;
    out.group_state = "Dead";
    if (context.header.api_version >= kNotFoundFrom) {
      out.error = kafka::WireError::group_id_not_found;
      out.error_message = "Group " + group + " not found.";
    }
    env::yield_if_due(task);
  }
  return reply(context, response);
}

}  // namespace flux::server
