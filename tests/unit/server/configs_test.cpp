// Settings and partitions over the wire: what DescribeConfigs tells, what the requests that change
// something do, in the words and numbers of Kafka's.

#include <algorithm>

#include "net/kafka/gen/alter_configs.h"
#include "net/kafka/gen/create_partitions.h"
#include "net/kafka/gen/describe_configs.h"
#include "net/kafka/gen/incremental_alter_configs.h"
#include "net/kafka/gen/list_config_resources.h"
#include "tests/node_support/node_test.h"

namespace flux::test {
namespace {

using kafka::WireError;
using Described = kafka::DescribeConfigsResponse;
using Config = Described::Config;

constexpr std::int8_t kTopic = 2;
constexpr std::int8_t kBroker = 4;
constexpr std::int8_t kLogger = 8;

class ConfigsTest : public NodeTest {
 protected:
  void SetUp() override {
    settings = "log.retention.hours=1\nnum.partitions=3\nmessage.max.bytes=2000000\n";
    start_node();
    ASSERT_TRUE(ready) << start_error;
    with_client([](env::Task& task, client::Client& client) {
      const client::NewTopic topic{.name = "t", .partitions = 1, .config = {{"segment.ms", "9"}}};
      EXPECT_TRUE(client::Admin(client).create_topic(task, topic).ok());
    });
  }
  static Described::Resource describe(env::Task& task, RawClient& raw, std::int8_t type,
                                      const std::string& name,
                                      std::optional<std::vector<std::string>> keys = std::nullopt,
                                      std::int16_t version = 4) {
    kafka::DescribeConfigsRequest request{.include_synonyms = true,
                                          .include_documentation = version >= 3};
    request.resources.push_back(
        {.resource_type = type, .resource_name = name, .configuration_keys = std::move(keys)});
    auto answer = raw.call<Described>(task, request, version);
    EXPECT_TRUE(answer) << answer.error().to_string();
    if (!answer || answer->results.size() != 1) return {};
    return answer->results[0];
  }
  static const Config& find(const Described::Resource& in, std::string_view name) {
    static const Config kMissing{.name = "missing"};
    const auto at = std::ranges::find(in.configs, name, &Config::name);
    EXPECT_NE(at, in.configs.end()) << name;
    return at == in.configs.end() ? kMissing : *at;
  }
  static std::vector<std::string> origins(const Config& config) {
    std::vector<std::string> out;
    for (const auto& one : config.synonyms) {
      out.push_back(one.name + "=" + one.value.value_or("") + "@" + std::to_string(one.source));
    }
    return out;
  }
};

TEST_F(ConfigsTest, ATopicsSettingsAndWhereTheyComeFrom) {
  with_stream([&](env::Task& task, RawClient& raw) {
    for (std::int16_t version = 1; version <= 4; ++version) {
      const auto all = describe(task, raw, kTopic, "t", std::nullopt, version);
      EXPECT_EQ(all.error, WireError::none);
      EXPECT_EQ(all.resource_name, "t");
      EXPECT_EQ(all.configs.size(), controller::topic_setting_table().size() - 1)
          << "all but the one for tests";
      EXPECT_EQ(find(all, "segment.ms").value, "9");
    }
    const auto all = describe(task, raw, kTopic, "t");
    const Config& own = find(all, "segment.ms");
    EXPECT_EQ(own.config_source, 1);
    EXPECT_EQ(own.config_type, 5);
    EXPECT_FALSE(own.read_only);
    EXPECT_FALSE(own.documentation.value_or("").empty());
    EXPECT_EQ(origins(own), std::vector<std::string>{"segment.ms=9@1"});
    const Config& from_file = find(all, "max.message.bytes");
    EXPECT_EQ(from_file.value, "2000000");
    EXPECT_EQ(from_file.config_source, 4);
    EXPECT_EQ(origins(from_file), (std::vector<std::string>{"message.max.bytes=2000000@4",
                                                            "message.max.bytes=1048588@5"}));
    EXPECT_EQ(find(all, "retention.ms").value, "3600000");
    EXPECT_EQ(find(all, "cleanup.policy").config_source, 5);
  });
}

TEST_F(ConfigsTest, OnlyThoseThatAreAskedFor) {
  with_stream([&](env::Task& task, RawClient& raw) {
    const auto two = describe(task, raw, kTopic, "t",
                              std::vector<std::string>{"segment.ms", "nope", "flush.ms"});
    ASSERT_EQ(two.configs.size(), 2U);
    EXPECT_TRUE(origins(find(two, "flush.ms")).empty()) << "the broker's has no default";
    const auto hidden =
        describe(task, raw, kTopic, "t", std::vector<std::string>{"internal.segment.bytes"});
    EXPECT_EQ(hidden.configs.size(), 1U);
    EXPECT_GT(describe(task, raw, kTopic, "t", std::vector<std::string>{}).configs.size(), 20U);
  });
}

TEST_F(ConfigsTest, ABrokersSettings) {
  with_stream([&](env::Task& task, RawClient& raw) {
    const auto all = describe(task, raw, kBroker, "1");
    EXPECT_EQ(all.error, WireError::none);
    EXPECT_TRUE(std::ranges::is_sorted(all.configs, {}, &Config::name));
    const Config& partitions = find(all, "num.partitions");
    EXPECT_TRUE(partitions.read_only);
    EXPECT_EQ(partitions.config_type, 3);
    EXPECT_EQ(origins(partitions),
              (std::vector<std::string>{"num.partitions=3@4", "num.partitions=1@5"}));
    const Config& largest = find(all, "message.max.bytes");
    EXPECT_FALSE(largest.read_only);
    EXPECT_EQ(largest.config_source, 4);
    EXPECT_EQ(find(all, "log.roll.ms").value, std::nullopt);
    EXPECT_EQ(find(all, "log.roll.hours").value, "168");
    EXPECT_EQ(find(all, "broker.rack").value, std::nullopt);
    EXPECT_EQ(find(all, "log.dirs").value, "data");
    EXPECT_TRUE(describe(task, raw, kBroker, "").configs.empty()) << "nothing was changed yet";
  });
}

TEST_F(ConfigsTest, RefusesEachResourceWithItsOwnError) {
  with_stream([&](env::Task& task, RawClient& raw) {
    const auto refused = [&](std::int8_t type, const char* name) {
      const auto answer = describe(task, raw, type, name);
      EXPECT_TRUE(answer.configs.empty());
      return answer.error;
    };
    EXPECT_EQ(refused(kTopic, "nope"), WireError::unknown_topic_or_partition);
    EXPECT_EQ(refused(kTopic, "a b"), WireError::invalid_topic_exception);
    EXPECT_EQ(refused(kTopic, ""), WireError::invalid_topic_exception);
    EXPECT_EQ(refused(kBroker, "7"), WireError::invalid_request);
    EXPECT_EQ(refused(kBroker, "x"), WireError::invalid_request);
    EXPECT_EQ(refused(kLogger, "1"), WireError::none) << "there are no loggers";
    EXPECT_EQ(refused(kLogger, ""), WireError::invalid_request);
    EXPECT_EQ(refused(16, "m"), WireError::invalid_request);
    EXPECT_EQ(refused(32, "g"), WireError::invalid_request);
    EXPECT_EQ(refused(3, "g"), WireError::invalid_request);
    const auto many = describe(task, raw, kTopic, "t", std::vector<std::string>(1001, "x"));
    EXPECT_EQ(many.error, WireError::invalid_request);
  });
}

using Incremental = kafka::IncrementalAlterConfigsRequest;

class AlterConfigsTest : public ConfigsTest {
 protected:
  static constexpr std::int8_t kSet = 0;
  static constexpr std::int8_t kRemove = 1;

  static Incremental::Resource change(std::int8_t type, const std::string& name,
                                      const std::string& setting, std::optional<std::string> value,
                                      std::int8_t operation = kSet) {
    return {.resource_type = type,
            .resource_name = name,
            .configs = {{setting, operation, std::move(value)}}};
  }
  static std::vector<WireError> alter(env::Task& task, RawClient& raw,
                                      std::vector<Incremental::Resource> resources,
                                      bool validate_only = false) {
    const Incremental request{.resources = std::move(resources), .validate_only = validate_only};
    std::vector<WireError> out;
    const auto answer = raw.call<kafka::IncrementalAlterConfigsResponse>(task, request, 1);
    EXPECT_TRUE(answer) << answer.error().to_string();
    if (!answer) return out;
    for (const auto& one : answer->responses) {
      EXPECT_EQ(one.error == WireError::none, !one.error_message.has_value());
      out.push_back(one.error);
    }
    return out;
  }
  static std::string value(env::Task& task, RawClient& raw, std::int8_t type,
                           const std::string& name, const std::string& setting) {
    const auto told = describe(task, raw, type, name, std::vector{setting});
    return told.configs.empty() ? "" : told.configs[0].value.value_or("(null)");
  }
  static std::size_t partitions(env::Task& task, client::Client& client) {
    const auto topic = client::Admin(client).describe_topic(task, "t");
    return topic ? topic->partitions.size() : 0;
  }
};

constexpr auto kGood = WireError::none;

TEST_F(AlterConfigsTest, ChangesLastAndStandAboveTheFile) {
  with_stream([&](env::Task& task, RawClient& raw) {
    EXPECT_EQ(alter(task, raw,
                    {change(kTopic, "t", "segment.ms", "77"),
                     change(kBroker, "", "log.retention.ms", "88"),
                     change(kBroker, "1", "message.max.bytes", "99")}),
              (std::vector{kGood, kGood, kGood}));
  });
  end_node(sim::Exit::power_cut);
  start_node();
  with_stream([&](env::Task& task, RawClient& raw) {
    EXPECT_EQ(value(task, raw, kTopic, "t", "segment.ms"), "77");
    EXPECT_EQ(value(task, raw, kTopic, "t", "retention.ms"), "88");
    const auto told =
        describe(task, raw, kTopic, "t", std::vector<std::string>{"max.message.bytes"});
    EXPECT_EQ(origins(told.configs[0]),
              (std::vector<std::string>{"message.max.bytes=99@2", "message.max.bytes=2000000@4",
                                        "message.max.bytes=1048588@5"}));
    EXPECT_EQ(describe(task, raw, kBroker, "").configs.size(), 1U);
    EXPECT_EQ(alter(task, raw, {change(kBroker, "", "log.retention.ms", {}, kRemove)}),
              std::vector{kGood});
    EXPECT_EQ(value(task, raw, kTopic, "t", "retention.ms"), "3600000") << "the file's";
    EXPECT_TRUE(describe(task, raw, kBroker, "").configs.empty());
  });
}

TEST_F(AlterConfigsTest, RefusesEachResourceByItself) {
  with_stream([&](env::Task& task, RawClient& raw) {
    EXPECT_EQ(
        alter(task, raw,
              {change(kTopic, "t", "segment.ms", "5"), change(kTopic, "nope", "segment.ms", "5"),
               change(kBroker, "1", "node.id", "5"), change(32, "g", "x", "5"),
               change(kLogger, "1", "root", "INFO"), change(kLogger, "7", "root", "INFO"),
               change(0, "z", "x", "5")}),
        (std::vector{kGood, WireError::unknown_topic_or_partition, WireError::invalid_request,
                     WireError::invalid_request, WireError::invalid_config,
                     WireError::invalid_request, WireError::invalid_request}));
    EXPECT_EQ(value(task, raw, kTopic, "t", "segment.ms"), "5");
    EXPECT_EQ(alter(task, raw,
                    {change(kTopic, "t", "segment.ms", "6"), change(kTopic, "t", "flush.ms", "6")}),
              (std::vector{WireError::invalid_request, WireError::invalid_request}));
    EXPECT_EQ(alter(task, raw, {change(kTopic, "t", "segment.ms", "6", 9)}),
              std::vector{WireError::invalid_request});
    EXPECT_EQ(alter(task, raw, {change(kTopic, "t", "segment.ms", "0")}),
              std::vector{WireError::invalid_config});
    EXPECT_EQ(alter(task, raw, {change(kTopic, "t", "segment.ms", "6")}, true), std::vector{kGood});
    EXPECT_EQ(value(task, raw, kTopic, "t", "segment.ms"), "5");
  });
}

TEST_F(AlterConfigsTest, TheOldRequestReplacesAll) {
  with_stream([&](env::Task& task, RawClient& raw) {
    for (std::int16_t version = 0; version <= 2; ++version) {
      const std::string wanted = std::to_string(50 + version);
      kafka::AlterConfigsRequest request;
      request.resources.push_back(
          {.resource_type = kTopic, .resource_name = "t", .configs = {{"flush.ms", wanted}}});
      const auto answer = raw.call<kafka::AlterConfigsResponse>(task, request, version);
      ASSERT_TRUE(answer);
      EXPECT_EQ(answer->responses[0].error, kGood);
      EXPECT_EQ(value(task, raw, kTopic, "t", "flush.ms"), wanted);
      EXPECT_EQ(value(task, raw, kTopic, "t", "segment.ms"), "604800000");
    }
  });
}

// The log of a partition that is open takes what its topic, or its broker, is told.
TEST_F(AlterConfigsTest, OpenPartitionsTakeTheChangeAtOnce) {
  const auto segments = [&] {
    const auto topic = running->broker().image()->topic("t");
    return (*running->broker().partition(*topic, PartitionIndex(0)))->log()->segment_count();
  };
  const auto alter_one = [&](std::int8_t type, const std::string& name, const std::string& setting,
                             std::optional<std::string> wanted, std::int8_t operation) {
    with_stream([&](env::Task& task, RawClient& raw) {
      EXPECT_EQ(alter(task, raw, {change(type, name, setting, wanted, operation)}),
                std::vector{kGood});
    });
  };
  const auto produce_two = [&] {
    with_client([](env::Task& task, client::Client& client) {
      for (int i = 0; i < 2; ++i) EXPECT_FALSE(produce(task, client, "t", "value").error);
    });
  };
  alter_one(kTopic, "t", "segment.ms", {}, kRemove);
  produce_two();
  EXPECT_EQ(segments(), 1U);
  alter_one(kTopic, "t", "internal.segment.bytes", "1", kSet);
  produce_two();
  EXPECT_EQ(segments(), 3U) << "each batch begins a segment";
  alter_one(kTopic, "t", "internal.segment.bytes", {}, kRemove);
  produce_two();
  EXPECT_EQ(segments(), 3U);
  alter_one(kBroker, "", "internal.log.segment.bytes", "1", kSet);
  pass(seconds(1));
  produce_two();
  EXPECT_EQ(segments(), 5U);
}

TEST_F(AlterConfigsTest, ListsWhatMayHaveSettings) {
  with_stream([&](env::Task& task, RawClient& raw) {
    const auto list = [&](std::vector<std::int8_t> types, std::int16_t version) {
      kafka::ListConfigResourcesRequest request;
      request.resource_types = std::move(types);
      const auto answer = raw.call<kafka::ListConfigResourcesResponse>(task, request, version);
      EXPECT_TRUE(answer);
      std::string out = std::string(kafka::name_of(answer->error));
      for (const auto& one : answer->config_resources) {
        out += " " + std::to_string(one.resource_type) + "/" + one.resource_name;
      }
      return out;
    };
    EXPECT_EQ(list({}, 0), "none") << "client metrics, of which there are none";
    EXPECT_EQ(list({}, 1), "none 2/t 4/1 8/1");
    EXPECT_EQ(list({2, 2}, 1), "none 2/t");
    EXPECT_EQ(list({4, 32}, 1), "none 4/1");
    EXPECT_EQ(list({2, 3}, 1), "unsupported_version");
  });
}

TEST_F(AlterConfigsTest, TopicsGrowAndTheirPartitionsAreOfUseAtOnce) {
  with_stream([&](env::Task& task, RawClient& raw) {
    for (std::int16_t version = 0; version <= 3; ++version) {
      kafka::CreatePartitionsRequest request{.timeout_ms = 5000};
      request.topics = {{.name = "t", .count = 2 + version},
                        {.name = "nope", .count = 2},
                        {.name = "twice", .count = 2},
                        {.name = "twice", .count = 3}};
      request.validate_only = true;
      auto answer = raw.call<kafka::CreatePartitionsResponse>(task, request, version);
      ASSERT_TRUE(answer);
      request.validate_only = false;
      answer = raw.call<kafka::CreatePartitionsResponse>(task, request, version);
      ASSERT_TRUE(answer);
      ASSERT_EQ(answer->results.size(), 3U);
      EXPECT_EQ(answer->results[0].error, WireError::none) << "the first only looked";
      EXPECT_EQ(answer->results[1].error, WireError::unknown_topic_or_partition);
      EXPECT_EQ(answer->results[2].error, WireError::invalid_request);
    }
    kafka::CreatePartitionsRequest back{.topics = {{.name = "t", .count = 5}}, .timeout_ms = 5000};
    EXPECT_EQ(raw.call<kafka::CreatePartitionsResponse>(task, back, 3)->results[0].error,
              WireError::invalid_partitions);
  });
  with_client([&](env::Task& task, client::Client& client) {
    EXPECT_EQ(partitions(task, client), 5U);
    client::Producer producer(client, {});
    const auto sent = producer.produce(
        task, {.topic = "t", .partition = PartitionIndex(4), .value = to_bytes(as_bytes("v"))});
    EXPECT_FALSE(sent.error);
    producer.close(task);
  });
  end_node(sim::Exit::power_cut);
  start_node();
  with_client([&](env::Task& task, client::Client& client) {
    EXPECT_EQ(partitions(task, client), 5U);
    EXPECT_TRUE(client::Admin(client).delete_topic(task, "t").ok());
  });
}

}  // namespace
}  // namespace flux::test
