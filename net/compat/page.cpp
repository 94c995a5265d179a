#include "net/compat/page.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "core/controller/topic_config.h"
#include "net/compat/kafka_apis.h"
#include "net/kafka/request.h"
#include "net/node/config.h"
#include "net/node/known_keys.h"
#include "net/server/dispatch.h"

namespace flux::compat {

namespace {

constexpr std::size_t kColumns = 100;

std::string range(int min, int max) {
  return min == max ? fmt::format("{}", min) : fmt::format("{}-{}", min, max);
}

const server::Served* find_served(std::int16_t key) {
  const auto apis = server::served_apis();
  const auto found = std::ranges::find(apis, static_cast<kafka::ApiKey>(key), &server::Served::key);
  return found == apis.end() ? nullptr : &*found;
}

std::string api_row(const KafkaApi& theirs, const server::Served& served) {
  const kafka::ApiInfo* ours = kafka::find_api(theirs.key);
  return fmt::format("| {} | {} | {} | {} | {} |\n", theirs.key, theirs.name,
                     range(ours->version_min, ours->version_max),
                     range(theirs.version_min, theirs.version_max), served.lacks);
}

std::string wrap(const std::vector<std::string>& words) {
  std::string out;
  std::size_t column = 0;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string word = words[i] + (i + 1 == words.size() ? "." : ",");
    if (column > 0 && column + 1 + word.size() > kColumns) {
      out += "\n";
      column = 0;
    }
    if (column > 0) out += " ";
    out += word;
    column += word.size() + (column > 0 ? 1 : 0);
  }
  return out + "\n";
}

std::string requests() {
  std::string out =
      "## Requests\n\n"
      "| key | API | served | Kafka | what it lacks |\n"
      "|---|---|---|---|---|\n";
  std::vector<std::string> missing;
  for (const KafkaApi& theirs : kKafkaApis) {
    if (const server::Served* served = find_served(theirs.key)) {
      out += api_row(theirs, *served);
    } else {
      missing.emplace_back(theirs.name);
    }
  }
  out +=
      "\nApiVersions lists these and no others; a request for anything else closes the "
      "connection, as Kafka's\ndoes. Not served are:\n";
  return out + wrap(missing);
}

std::string topic_settings() {
  std::string out =
      "\n## Settings of topics\n\n"
      "All of Kafka's names are taken and checked. A setting that is kept is shown again and has "
      "no effect.\n\n"
      "| setting | default | |\n"
      "|---|---|---|\n";
  for (const controller::TopicSetting& setting : controller::topic_setting_table()) {
    const bool kept = setting.use == controller::SettingUse::kept;
    out += fmt::format("| `{}` | {} | {} |\n", setting.name, setting.fallback,
                       kept ? "kept" : "acted on");
  }
  return out;
}

std::string node_settings() {
  std::vector<std::string> used;
  for (const std::string_view name : node::config_names())
    used.push_back(fmt::format("`{}`", name));
  std::vector<std::string> unused;
  for (const std::string_view name : node::unused_kafka_keys()) {
    unused.push_back(fmt::format("`{}`", name));
  }
  return "\n## Settings of the node\n\n"
         "Acted on, beside the defaults of topics:\n" +
         wrap(used) + "\nTaken from Kafka's files, without effect:\n" + wrap(unused);
}

}  // namespace

std::string kafka_compat_page() {
  return "<!-- Made by `cmake --build --preset dev --target kafka_compat_page`. -->\n\n"
         "# What works for a Kafka user\n\n"
         "Beside Apache Kafka 4.3.1, one node, default settings. Any client that speaks to it "
         "can speak to\nFlux; [the daemon's page](daemon.md) says how to run it.\n\n" +
         requests() + topic_settings() + node_settings();
}

}  // namespace flux::compat
