#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "net/client/admin.h"
#include "real/app/flux/commands.h"
#include "real/app/flux/output.h"
#include "real/app/flux/session.h"

namespace flux::app {
namespace {

using client::Admin;
using client::Client;
using client::TopicInfo;
using env::Task;
using kafka::WireError;
using nlohmann::ordered_json;

using Offsets = std::map<TopicPartition, client::ListedOffset>;

struct Described {
  TopicInfo topic;
  Offsets begin;
  Offsets end;
  std::vector<client::ConfigEntry> settings;  // those that are not at their defaults
};

Result<Described> describe_one(Task& task, Client& client, const std::string& name) {
  Admin admin(client);
  Described out{
      .topic = TRY(admin.describe_topic(task, name)), .begin = {}, .end = {}, .settings = {}};
  std::vector<TopicPartition> partitions;
  for (const auto& partition : out.topic.partitions) partitions.push_back({name, partition.index});
  out.begin = TRY(admin.list_offsets(task, partitions, -2));
  out.end = TRY(admin.list_offsets(task, partitions, -1));
  auto settings = admin.describe_config(task, {.name = name});
  // An old broker keeps its settings to itself.
  if (!settings && settings.error() == ErrorCode::unsupported) return out;
  out.settings = TRY(std::move(settings));
  std::erase_if(out.settings, [](const auto& entry) { return entry.source == kDefaultSource; });
  return out;
}

std::vector<std::int32_t> numbers(const std::vector<NodeId>& nodes) {
  std::vector<std::int32_t> out;
  for (const NodeId node : nodes) out.push_back(node.value());
  return out;
}

ordered_json to_json(const Described& described) {
  const TopicInfo& topic = described.topic;
  ordered_json out;
  out["name"] = topic.name;
  out["id"] = topic.id.to_string();
  out["internal"] = topic.internal;
  out["settings"] = ordered_json::object();
  for (const auto& entry : described.settings)
    out["settings"][entry.name] = entry.value.value_or("");
  out["partitions"] = ordered_json::array();
  for (const auto& partition : topic.partitions) {
    const TopicPartition at{topic.name, partition.index};
    out["partitions"].push_back({{"partition", partition.index.value()},
                                 {"leader", partition.leader.value()},
                                 {"leader_epoch", partition.leader_epoch.value()},
                                 {"replicas", numbers(partition.replicas)},
                                 {"isr", numbers(partition.in_sync)},
                                 {"begin", described.begin.at(at).offset.value()},
                                 {"end", described.end.at(at).offset.value()}});
  }
  return out;
}

std::string offset_text(const client::ListedOffset& listed) {
  return listed.error ? "?" : std::to_string(listed.offset.value());
}

void print_table(const Described& described) {
  const TopicInfo& topic = described.topic;
  print_line(fmt::format("topic {}  id {}  partitions {}", topic.name, topic.id.to_string(),
                         topic.partitions.size()));
  for (const auto& entry : described.settings) {
    print_line(fmt::format("  {}={} ({})", entry.name, entry.value.value_or(""),
                           name_of_source(entry.source)));
  }
  print_line(fmt::format("  {:>9} {:>7} {:>6} {:>10} {:>10}  {:<12} {}", "partition", "leader",
                         "epoch", "begin", "end", "replicas", "isr"));
  for (const auto& partition : topic.partitions) {
    const TopicPartition at{topic.name, partition.index};
    print_line(fmt::format("  {:>9} {:>7} {:>6} {:>10} {:>10}  {:<12} {}", partition.index.value(),
                           partition.leader.value(), partition.leader_epoch.value(),
                           offset_text(described.begin.at(at)), offset_text(described.end.at(at)),
                           fmt::format("{}", fmt::join(numbers(partition.replicas), ",")),
                           fmt::join(numbers(partition.in_sync), ",")));
  }
}

int report(const GlobalOptions& global, const Admin::Done& done, const std::string& name,
           std::string_view what, bool already) {
  if (!done.ok() && !already) {
    complain(*done.error);
    return kFailed;
  }
  if (global.json) {
    ordered_json out = {{"topic", name}, {std::string(what), !already}};
    if (!done.topic_id.is_zero()) out["id"] = done.topic_id.to_string();
    print_json(out);
  } else {
    print_line(already ? fmt::format("topic {}: nothing to do", name)
                       : fmt::format("{} topic {}", what, name));
  }
  return flush_output() ? kDone : kFailed;
}

}  // namespace

int create_topic(const GlobalOptions& global, const CreateTopicOptions& options) {
  return with_client(global, [&](Task& task, Client& client) {
    Admin admin(client);
    const Admin::Done done = admin.create_topic(task, {.name = options.name,
                                                       .partitions = options.partitions,
                                                       .replication = options.replication,
                                                       .config = options.config});
    const bool already = options.if_not_exists && done.wire == WireError::topic_already_exists;
    return report(global, done, options.name, "created", already);
  });
}

int alter_topic(const GlobalOptions& global, const AlterTopicOptions& options) {
  return with_client(global, [&](Task& task, Client& client) {
    const Admin::Done done =
        Admin(client).create_partitions(task, options.name, options.partitions, options.dry_run);
    if (!done.ok()) {
      complain(*done.error);
      return kFailed;
    }
    if (global.json) {
      print_json({{"topic", options.name},
                  {"partitions", options.partitions},
                  {"altered", !options.dry_run}});
    } else {
      print_line(fmt::format("{} topic {}: {} partitions",
                             options.dry_run ? "could alter" : "altered", options.name,
                             options.partitions));
    }
    return flush_output() ? kDone : kFailed;
  });
}

int delete_topic(const GlobalOptions& global, const DeleteTopicOptions& options) {
  return with_client(global, [&](Task& task, Client& client) {
    Admin admin(client);
    const Admin::Done done = admin.delete_topic(task, options.name);
    const bool already = options.if_exists && done.wire == WireError::unknown_topic_or_partition;
    return report(global, done, options.name, "deleted", already);
  });
}

int delete_records(const GlobalOptions& global, const DeleteRecordsOptions& options) {
  return with_client(global, [&](Task& task, Client& client) {
    Admin admin(client);
    Admin::BeforeOffsets before;
    for (const auto& [partition, offset] : options.before) {
      before[{options.topic, PartitionIndex(partition)}] = Offset(offset);
    }
    int status = kDone;
    ordered_json out = ordered_json::array();
    for (const auto& [at, deleted] : admin.delete_records(task, before)) {
      ordered_json entry = {{"topic", at.topic}, {"partition", at.partition.value()}};
      if (deleted.ok()) {
        if (!global.json)
          print_line(fmt::format("{} starts at {}", at.to_string(), deleted.start.value()));
        entry["begin"] = deleted.start.value();
      } else {
        complain(*deleted.error);
        entry["error"] = std::string(kafka::name_of(deleted.wire));
        status = kFailed;
      }
      out.push_back(std::move(entry));
    }
    if (global.json) print_json(out);
    return flush_output() ? status : kFailed;
  });
}

int list_topics(const GlobalOptions& global, bool internal) {
  return with_client(global, [&](Task& task, Client& client) {
    Admin admin(client);
    const auto topics = admin.list_topics(task, internal);
    if (!topics) {
      complain(topics.error());
      return kFailed;
    }
    ordered_json out = ordered_json::array();
    for (const TopicInfo& topic : *topics) {
      if (!global.json) print_line(topic.name);
      out.push_back({{"name", topic.name},
                     {"id", topic.id.to_string()},
                     {"partitions", topic.partitions.size()},
                     {"internal", topic.internal}});
    }
    if (global.json) print_json(out);
    return flush_output() ? kDone : kFailed;
  });
}

int describe_topics(const GlobalOptions& global, const std::vector<std::string>& names) {
  return with_client(global, [&](Task& task, Client& client) {
    std::vector<std::string> wanted = names;
    if (wanted.empty()) {
      Admin admin(client);
      const auto topics = admin.list_topics(task);
      if (!topics) {
        complain(topics.error());
        return kFailed;
      }
      for (const TopicInfo& topic : *topics) wanted.push_back(topic.name);
    }
    int status = kDone;
    ordered_json out = ordered_json::array();
    for (const std::string& name : wanted) {
      const auto described = describe_one(task, client, name);
      if (!described) {
        complain(described.error());
        status = kFailed;
        continue;
      }
      if (global.json) {
        out.push_back(to_json(*described));
      } else {
        print_table(*described);
      }
    }
    if (global.json) print_json(out);
    return flush_output() ? status : kFailed;
  });
}

}  // namespace flux::app
