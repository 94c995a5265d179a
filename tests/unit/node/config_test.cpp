// Settings: what is taken, what is refused and with which words.

#include "net/node/config.h"

#include <algorithm>
#include <fstream>
#include <iterator>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "core/controller/topic_config.h"
#include "net/node/known_keys.h"
#include "net/node/properties.h"
#include "net/node/setting_facts.h"

namespace flux::node {
namespace {

std::string refusal(std::string_view text) {
  const auto config = Config::parse(text);
  EXPECT_FALSE(config) << text;
  return config ? "" : config.error().to_string();
}

TEST(Properties, AreJavas) {
  const auto parsed = parse_properties(
      "# a comment\n! another\n\na=1\nb : 2\nc 3\n  d=x\\\n   y\ne=\nf=a\\=b\\\\c\r\ng=tail  \n");
  ASSERT_TRUE(parsed);
  const Properties expected{{"a", "1"}, {"b", "2"},      {"c", "3"},   {"d", "xy"},
                            {"e", ""},  {"f", "a=b\\c"}, {"g", "tail"}};
  EXPECT_EQ(*parsed, expected);
  EXPECT_FALSE(parse_properties("=x"));
  const auto bad = parse_properties("a=1\n\n=2\n");
  ASSERT_FALSE(bad);
  EXPECT_NE(bad.error().to_string().find("line 3"), std::string::npos);
}

TEST(Config, HasDefaults) {
  const auto config = Config::parse("");
  ASSERT_TRUE(config);
  EXPECT_EQ(config->node, NodeId(1));
  EXPECT_EQ(config->data_directory, "flux-data");
  ASSERT_EQ(config->server.listeners.size(), 1U);
  EXPECT_EQ(config->server.listeners[0].at.to_string(), "127.0.0.1:9092");
  EXPECT_TRUE(config->notices.empty());
}

TEST(Config, ReadsTheHttpListener) {
  const auto at = [](std::string_view value) {
    const auto config = Config::parse("flux.http.listener=" + std::string(value));
    EXPECT_TRUE(config) << value;
    if (!config || !config->http_listener) return std::string("off");
    return config->http_listener->to_string();
  };
  EXPECT_FALSE(Config::parse("")->http_listener);
  EXPECT_EQ(at(""), "off");
  EXPECT_EQ(at("http://127.0.0.1:9000"), "127.0.0.1:9000");
  EXPECT_EQ(at("http://127.0.0.1"), "127.0.0.1:9644");
  EXPECT_EQ(at("http://broker/"), "broker:9644");
  EXPECT_EQ(at("http://[::1]"), "[::1]:9644");
  EXPECT_EQ(at("http://[::1]:0"), "[::1]:0");
  EXPECT_EQ(at("http://:9644"), ":9644");
  for (const char* bad : {"127.0.0.1:9644", "https://a:1", "http://", "http://a:x", "http://a/b"}) {
    EXPECT_NE(
        refusal("flux.http.listener=" + std::string(bad)).find("allowed are http://host:port"),
        std::string::npos)
        << bad;
  }
}

TEST(Config, ReadsConnectionLimits) {
  const auto config = Config::parse(
      "max.connections=100\nmax.connections.per.ip=0\nmax.connection.creation.rate=7\n"
      "max.connections.per.ip.overrides=10.0.0.1:5, fe80::1:9\n"
      "listener.name.plaintext.max.connections=3\n"
      "listener.name.plaintext.max.connection.creation.rate=2\n"
      "listener.name.nobody.max.connections=1\nconnections.max.idle.ms=-1\n");
  ASSERT_TRUE(config);
  const server::ConnectionLimitConfig& limits = config->server.connections;
  EXPECT_EQ(limits.broker.connections_max, 100U);
  EXPECT_EQ(limits.broker.connections_per_second, 7U);
  EXPECT_EQ(limits.per_ip_max, 0U);
  EXPECT_EQ(limits.per_ip.at("10.0.0.1"), 5U);
  EXPECT_EQ(limits.per_ip.at("fe80::1"), 9U);
  EXPECT_EQ(limits.listeners.at("plaintext").connections_max, 3U);
  EXPECT_EQ(limits.listeners.at("plaintext").connections_per_second, 2U);
  EXPECT_EQ(config->server.idle_max, Duration::max());
  ASSERT_EQ(config->notices.size(), 1U);
  EXPECT_NE(config->notices[0].find("listener.name.nobody.*: no listener"), std::string::npos);
  EXPECT_NE(refusal("max.connections.per.ip=0").find("lets nobody in"), std::string::npos);
  EXPECT_NE(refusal("max.connections.per.ip.overrides=a").find("ADDRESS:COUNT"), std::string::npos);
  EXPECT_NE(refusal("max.connections.per.ip.overrides=localhost:5").find("no numeric address"),
            std::string::npos);
  EXPECT_NE(refusal("listener.name.a.max.connections=x").find("integers from 0"),
            std::string::npos);
  EXPECT_NE(refusal("max.connection.creation.rate=0").find("integers from 1"), std::string::npos);
}

TEST(Config, TakesKafkasStockFile) {
  const auto config = Config::parse(R"(
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=localhost:9093
listeners=PLAINTEXT://:9092,CONTROLLER://:9093
inter.broker.listener.name=PLAINTEXT
advertised.listeners=PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,\
    SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL
num.network.threads=3
num.io.threads=8
socket.send.buffer.bytes=102400
socket.receive.buffer.bytes=102400
socket.request.max.bytes=104857600
log.dirs=/tmp/kraft-combined-logs
num.partitions=1
num.recovery.threads.per.data.dir=2
offsets.topic.replication.factor=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
log.retention.hours=168
log.segment.bytes=1073741824
log.retention.check.interval.ms=300000
)");
  ASSERT_TRUE(config) << config.error().to_string();
  EXPECT_EQ(config->data_directory, "/tmp/kraft-combined-logs");
  ASSERT_EQ(config->server.listeners.size(), 1U);
  EXPECT_EQ(config->server.listeners[0].name, "PLAINTEXT");
  EXPECT_EQ(config->topic_defaults.at("retention.ms"), "604800000");
  EXPECT_EQ(config->topic_defaults.at("segment.bytes"), "1073741824");
  EXPECT_EQ(config->housekeeping.check_interval, seconds(300));
  ASSERT_EQ(config->notices.size(), 1U);
  EXPECT_NE(config->notices[0].find("num.io.threads"), std::string::npos);
}

// docs/daemon.md lists what has an effect, and nothing that has none.
TEST(Config, ThePageAboutTheDaemonListsEverySetting) {
  std::ifstream file(FLUX_SOURCE_DIR "/docs/daemon.md");
  const std::string page{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const auto holds = [&page](const std::string& text) {
    return page.find(text) != std::string::npos;
  };
  for (const std::string_view name : config_names()) {
    EXPECT_TRUE(holds("`" + std::string(name) + "`")) << name;
  }
  for (const auto& setting : controller::topic_setting_table()) {
    const bool listed = holds("| `" + std::string(setting.name) + "` | `" +
                              std::string(setting.broker_key) + "` |");
    EXPECT_EQ(listed, setting.use == controller::SettingUse::acted_on) << setting.name;
  }
}

// Clients are told each setting, with the default that the node takes.
TEST(Config, EverySettingHasItsFacts) {
  std::vector<std::string_view> told;
  for (const SettingFacts& facts : setting_facts()) {
    told.push_back(facts.name);
    EXPECT_TRUE(facts.doc.ends_with('.')) << facts.name;
  }
  EXPECT_EQ(told, config_names());
  std::string text;
  for (const SettingFacts& facts : setting_facts()) {
    if (facts.fallback) text += fmt::format("{}={}\n", facts.name, *facts.fallback);
  }
  const auto said = Config::parse(text);
  ASSERT_TRUE(said) << said.error().to_string();
  const auto silent = Config::parse("");
  EXPECT_TRUE(said->server == silent->server);
  EXPECT_TRUE(said->create_topic == silent->create_topic);
  EXPECT_TRUE(said->log == silent->log);
  EXPECT_TRUE(said->housekeeping == silent->housekeeping);
  EXPECT_EQ(said->node, silent->node);
  EXPECT_EQ(said->data_directory, silent->data_directory);
  EXPECT_EQ(said->fetch_bytes_max, silent->fetch_bytes_max);
  EXPECT_EQ(said->disk_patience, silent->disk_patience);
  EXPECT_EQ(said->metadata_snapshot_records, silent->metadata_snapshot_records);
  EXPECT_EQ(controller::topic_config(nullptr, said->topic_defaults),
            controller::topic_config(nullptr, {}));
  EXPECT_EQ(said->given.at("num.partitions"), "1");
  EXPECT_TRUE(silent->given.empty());
  EXPECT_EQ(Config::parse("broker.id=7")->given.at("node.id"), "7");
  EXPECT_TRUE(Config::parse("broker.id=7\nnode.id=7"));
  EXPECT_NE(refusal("broker.id=7\nnode.id=8").find("node.id=8 and broker.id=7"), std::string::npos);
  for (const char* both : {"log.dir=a\nlog.dirs=b", "log.dirs=b\nlog.dir=a"}) {
    const auto config = Config::parse(both);
    ASSERT_TRUE(config);
    EXPECT_EQ(config->data_directory, "b") << "as in Kafka";
    ASSERT_EQ(config->notices.size(), 1U);
    EXPECT_NE(config->notices[0].find("log.dir=a is not used"), std::string::npos);
  }
}

TEST(Config, SaysWhichDefaultsOfTopicsHaveNoEffectYet) {
  const auto config = Config::parse(
      "log.preallocate=true\nlog.cleaner.min.compaction.lag.ms=7\nlog.roll.ms=9\n"
      "log.flux.durability=fsync\n");
  ASSERT_TRUE(config) << config.error().to_string();
  ASSERT_EQ(config->notices.size(), 1U);
  EXPECT_EQ(config->notices[0],
            "settings that are kept and have no effect in this release: "
            "log.cleaner.min.compaction.lag.ms, log.preallocate");
}

TEST(Config, ReadsHowOftenAndHowFastItScrubs) {
  const auto scrub = [](std::string_view text) {
    const auto config = Config::parse(text);
    EXPECT_TRUE(config) << text;
    return config ? config->housekeeping.scrub : broker::ScrubConfig{};
  };
  EXPECT_EQ(scrub("").interval, seconds(std::int64_t{7} * 24 * 3600));
  EXPECT_EQ(scrub("flux.scrub.interval.ms=-1").interval, Duration::max());
  EXPECT_EQ(scrub("flux.scrub.interval.ms=250").interval, milliseconds(250));
  EXPECT_EQ(scrub("flux.scrub.bytes.per.second=1").bytes_per_second, 1U);
  EXPECT_NE(refusal("flux.scrub.interval.ms=0").find("-1, for never, and"), std::string::npos);
  EXPECT_NE(refusal("flux.scrub.interval.ms=-2").find("from -1 to"), std::string::npos);
  EXPECT_NE(refusal("flux.scrub.bytes.per.second=0").find("from 1 to"), std::string::npos);
}

TEST(Config, NamesWhatIsWrong) {
  EXPECT_NE(refusal("num.partition=3").find("did you mean num.partitions?"), std::string::npos);
  EXPECT_NE(refusal("lisetners=x").find("did you mean listeners?"), std::string::npos);
  EXPECT_NE(refusal("zzzzzzzzzzzz=x").find("no such setting"), std::string::npos);
  EXPECT_NE(refusal("num.partitions=0").find("from 1 to"), std::string::npos);
  EXPECT_NE(refusal("log.retention.hours=0").find("allowed are -1 and"), std::string::npos);
  EXPECT_NE(refusal("log.retention.ms=0").find("-1 or at least 1"), std::string::npos);
  EXPECT_NE(refusal("compression.gzip.level=0").find("from 1 to 9"), std::string::npos);
  EXPECT_NE(refusal("num.partitions=1x").find("num.partitions=1x"), std::string::npos);
  EXPECT_NE(refusal("log.segment.bytes=5").find("segment.bytes"), std::string::npos);
  EXPECT_NE(refusal("auto.create.topics.enable=yes").find("true and false"), std::string::npos);
  EXPECT_NE(refusal("listeners=localhost:9092").find("NAME://host:port"), std::string::npos);
  EXPECT_NE(refusal("listeners=SSL://localhost:9092").find("PLAINTEXT"), std::string::npos);
  EXPECT_NE(refusal("process.roles=broker").find("broker,controller"), std::string::npos);
  EXPECT_NE(refusal("log.dirs=a,b").find("one directory"), std::string::npos);
  EXPECT_NE(refusal("advertised.listeners=PLAINTEXT://0.0.0.0:1").find("cannot connect"),
            std::string::npos);
  EXPECT_NE(refusal("advertised.listeners=OTHER://h:1").find("not in listeners"),
            std::string::npos);
}

TEST(Config, LaterSettingsWinAndTimesHaveTheirOrder) {
  const auto config = Config::parse(
      "num.partitions=2\nnum.partitions=4\nlog.retention.ms=5\nlog.retention.hours=1\n"
      "log.roll.hours=2\nlog.flux.durability=page-cache\n");
  ASSERT_TRUE(config);
  EXPECT_EQ(config->create_topic.partitions, 4);
  EXPECT_EQ(config->topic_defaults.at("retention.ms"), "5");
  EXPECT_EQ(config->topic_defaults.at("segment.ms"), "7200000");
  EXPECT_EQ(config->topic_defaults.at("flux.durability"), "page-cache");
}

TEST(EditDistance, CountsChanges) {
  EXPECT_EQ(edit_distance("", ""), 0U);
  EXPECT_EQ(edit_distance("abc", "abc"), 0U);
  EXPECT_EQ(edit_distance("abc", "abd"), 1U);
  EXPECT_EQ(edit_distance("abc", "ac"), 1U);
  EXPECT_EQ(edit_distance("", "abc"), 3U);
}

}  // namespace
}  // namespace flux::node
