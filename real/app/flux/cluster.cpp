#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "net/client/admin.h"
#include "real/app/flux/commands.h"
#include "real/app/flux/output.h"
#include "real/app/flux/session.h"

namespace flux::app {
namespace {

using client::BrokerInfo;
using client::ClusterInfo;
using client::DirectoryInfo;
using client::FeatureInfo;
using nlohmann::ordered_json;

struct Described {
  ClusterInfo cluster;
  std::vector<FeatureInfo> features;
  std::vector<DirectoryInfo> directories;
};

Result<Described> describe(env::Task& task, client::Client& client) {
  client::Admin admin(client);
  Described out;
  out.cluster = TRY(admin.describe_cluster(task));
  out.features = TRY(admin.describe_features(task));
  out.directories = admin.describe_directories(task, out.cluster);
  return out;
}

ordered_json to_json(const Described& described) {
  ordered_json out;
  out["id"] = described.cluster.id;
  out["controller"] = described.cluster.controller.value();
  out["brokers"] = ordered_json::array();
  for (const BrokerInfo& broker : described.cluster.brokers) {
    ordered_json one = {{"id", broker.id.value()},
                        {"host", broker.at.host},
                        {"port", broker.at.port},
                        {"rack", nullptr}};
    if (broker.rack) one["rack"] = *broker.rack;
    out["brokers"].push_back(std::move(one));
  }
  out["features"] = ordered_json::array();
  for (const FeatureInfo& feature : described.features) {
    out["features"].push_back({{"name", feature.name},
                               {"level", feature.level},
                               {"min", feature.level_min},
                               {"max", feature.level_max}});
  }
  out["directories"] = ordered_json::array();
  for (const DirectoryInfo& directory : described.directories) {
    ordered_json one = {
        {"broker", directory.broker.value()},   {"path", directory.path},
        {"partitions", directory.partitions},   {"record_bytes", directory.record_bytes},
        {"total_bytes", directory.total_bytes}, {"free_bytes", directory.free_bytes}};
    if (directory.error) one["error"] = words_of(*directory.error);
    out["directories"].push_back(std::move(one));
  }
  return out;
}

void print_table(const Described& described) {
  const ClusterInfo& cluster = described.cluster;
  print_line(fmt::format("cluster {}  controller {}", cluster.id, cluster.controller.value()));
  for (const BrokerInfo& broker : cluster.brokers) {
    const std::string rack = broker.rack ? "  rack " + *broker.rack : "";
    print_line(fmt::format("  broker {}  {}{}", broker.id.value(), broker.at.to_string(), rack));
  }
  for (const FeatureInfo& feature : described.features) {
    print_line(fmt::format("  feature {}  level {} of {} to {}", feature.name, feature.level,
                           feature.level_min, feature.level_max));
  }
  for (const DirectoryInfo& directory : described.directories) {
    if (directory.error) {
      print_line(fmt::format("  directories of broker {}: {}", directory.broker.value(),
                             words_of(*directory.error)));
      continue;
    }
    print_line(
        fmt::format("  directory {} of broker {}  partitions {}  records {} bytes  free {}"
                    " of {} bytes",
                    directory.path, directory.broker.value(), directory.partitions,
                    directory.record_bytes, directory.free_bytes, directory.total_bytes));
  }
}

}  // namespace

int describe_cluster(const GlobalOptions& global) {
  return with_client(global, [&](env::Task& task, client::Client& client) {
    const auto described = describe(task, client);
    if (!described) {
      complain(described.error());
      return kFailed;
    }
    if (global.json) {
      print_json(to_json(*described));
    } else {
      print_table(*described);
    }
    return flush_output() ? kDone : kFailed;
  });
}

}  // namespace flux::app
