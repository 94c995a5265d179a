// What a cluster consists of: features and directories.

#include <algorithm>

#include "net/client/admin.h"
#include "net/client/errors.h"

namespace flux::client {
namespace {

using kafka::WireError;

DirectoryInfo info_of(const kafka::DescribeLogDirsResponse::Directory& directory, NodeId broker) {
  DirectoryInfo out{.broker = broker,
                    .path = directory.log_dir,
                    .total_bytes = directory.total_bytes,
                    .free_bytes = directory.usable_bytes};
  for (const auto& topic : directory.topics) {
    for (const auto& partition : topic.partitions) {
      ++out.partitions;
      out.record_bytes += partition.partition_size;
    }
  }
  if (directory.error != WireError::none) out.error = to_error(directory.error, directory.log_dir);
  return out;
}

}  // namespace

std::vector<DirectoryInfo> Admin::describe_directories(env::Task& task,
                                                       const ClusterInfo& cluster) {
  std::vector<DirectoryInfo> out;
  for (const BrokerInfo& broker : cluster.brokers) {
    const auto answer = client_.call(task, broker.at, kafka::DescribeLogDirsRequest());
    if (!answer) {
      out.push_back({.broker = broker.id, .error = answer.error().error});
      continue;
    }
    for (const auto& directory : answer->body.results) {
      out.push_back(info_of(directory, broker.id));
    }
  }
  return out;
}

Result<std::vector<FeatureInfo>> Admin::describe_features(env::Task& task) {
  const auto connection = TRY(client_.any_broker(task));
  const kafka::ApiVersionsRequest request{.client_software_name = "flux",
                                          .client_software_version = "admin"};
  const auto answer = connection->call(task, request, client_.config().request_timeout);
  if (!answer) return std::unexpected(answer.error().error);
  if (answer->body.error != WireError::none) {
    return std::unexpected(to_error(answer->body.error, "features"));
  }
  std::vector<FeatureInfo> out;
  for (const auto& feature : answer->body.supported_features) {
    out.push_back(
        {.name = feature.name, .level_min = feature.min_version, .level_max = feature.max_version});
  }
  for (const auto& feature : answer->body.finalized_features) {
    const auto known = std::ranges::find(out, feature.name, &FeatureInfo::name);
    if (known != out.end()) known->level = feature.max_version_level;
  }
  return out;
}

}  // namespace flux::client
