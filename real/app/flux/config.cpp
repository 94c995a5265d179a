#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "net/client/admin.h"
#include "real/app/flux/commands.h"
#include "real/app/flux/output.h"
#include "real/app/flux/session.h"

namespace flux::app {
namespace {

using client::Admin;
using client::Client;
using client::ConfigEntry;
using client::ConfigTarget;
using env::Task;
using nlohmann::ordered_json;

std::string_view kind_of(const ConfigTarget& target) {
  return target.kind == ConfigTarget::Kind::topic ? "topic" : "broker";
}

std::string name_of(const ConfigTarget& target) {
  return target.name.empty() ? "default" : target.name;
}

ordered_json to_json(const std::optional<std::string>& value) {
  return value ? ordered_json(*value) : ordered_json(nullptr);
}

ordered_json to_json(const ConfigEntry& entry) {
  ordered_json out = {{"name", entry.name},
                      {"value", to_json(entry.value)},
                      {"source", name_of_source(entry.source)},
                      {"read_only", entry.read_only},
                      {"documentation", entry.documentation},
                      {"origins", ordered_json::array()}};
  for (const client::ConfigOrigin& origin : entry.origins) {
    out["origins"].push_back({{"name", origin.name},
                              {"value", to_json(origin.value)},
                              {"source", name_of_source(origin.source)}});
  }
  return out;
}

std::string shown_value(const ConfigEntry& entry) {
  if (entry.sensitive) return "(hidden)";
  if (!entry.value) return "(none)";
  return entry.value->empty() ? "(empty)" : *entry.value;
}

void print_table(const std::vector<ConfigEntry>& entries, bool explain) {
  std::size_t names = 7;
  std::size_t values = 5;
  for (const ConfigEntry& entry : entries) {
    names = std::max(names, entry.name.size());
    values = std::max(values, shown_value(entry).size());
  }
  values = std::min<std::size_t>(values, 40);
  print_line(fmt::format("{:<{}}  {:<{}}  {}", "setting", names, "value", values, "from"));
  for (const ConfigEntry& entry : entries) {
    print_line(fmt::format("{:<{}}  {:<{}}  {}{}", entry.name, names, shown_value(entry), values,
                           name_of_source(entry.source), entry.read_only ? ", read-only" : ""));
    if (explain && !entry.documentation.empty()) print_line("    " + entry.documentation);
  }
}

}  // namespace

int describe_config(const GlobalOptions& global, const DescribeConfigOptions& options) {
  return with_client(global, [&](Task& task, Client& client) {
    auto entries = Admin(client).describe_config(task, options.target);
    if (!entries) {
      complain(entries.error());
      return kFailed;
    }
    if (!options.all) {
      std::erase_if(*entries,
                    [](const ConfigEntry& entry) { return entry.source == kDefaultSource; });
    }
    if (global.json) {
      ordered_json out = {{"kind", kind_of(options.target)},
                          {"name", name_of(options.target)},
                          {"settings", ordered_json::array()}};
      for (const ConfigEntry& entry : *entries) out["settings"].push_back(to_json(entry));
      print_json(out);
    } else if (entries->empty()) {
      print_line(fmt::format("{} {}: all settings are at their defaults", kind_of(options.target),
                             name_of(options.target)));
    } else {
      print_table(*entries, options.explain);
    }
    return flush_output() ? kDone : kFailed;
  });
}

int alter_config(const GlobalOptions& global, const AlterConfigOptions& options) {
  return with_client(global, [&](Task& task, Client& client) {
    const Admin::Done done =
        Admin(client).alter_config(task, options.target, options.edits, options.dry_run);
    if (!done.ok()) {
      complain(*done.error);
      return kFailed;
    }
    if (global.json) {
      print_json({{"kind", kind_of(options.target)},
                  {"name", name_of(options.target)},
                  {"altered", !options.dry_run}});
    } else {
      print_line(fmt::format("{} {} {}", options.dry_run ? "could alter" : "altered",
                             kind_of(options.target), name_of(options.target)));
    }
    return flush_output() ? kDone : kFailed;
  });
}

}  // namespace flux::app
