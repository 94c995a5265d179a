// What becomes of a request to change settings.

#include <gtest/gtest.h>

#include "core/controller/decisions_config.h"

namespace flux::controller {
namespace {

using enum ConfigOperation;
using Changes = std::vector<ConfigChange>;

const ConfigResource kTopic{ConfigResourceKind::topic, "t"};
const ConfigResource kBroker{ConfigResourceKind::broker, "1"};
const ConfigResource kAllBrokers{ConfigResourceKind::broker, ""};

class AlterConfigTest : public ::testing::Test {
 protected:
  AlterConfigTest() {
    apply({RegisterBrokerRecord{.broker = NodeId(1), .fenced = false, .directories = {{3, 4}}},
           TopicRecord{"t", {1, 2}}});
  }
  void apply(const std::vector<Record>& records) {
    for (const Record& record : records) ASSERT_TRUE(image.apply(record));
  }
  Decision<std::vector<Record>> decide(const ConfigResource& resource, const Changes& changes,
                                       bool replace = false) const {
    return alter_config(image, {.resource = resource, .changes = changes, .replace = replace},
                        file);
  }
  // Carries it out; what is set then.
  Settings alter(const ConfigResource& resource, const Changes& changes, bool replace = false) {
    const auto records = decide(resource, changes, replace);
    EXPECT_TRUE(records) << records.error().detail;
    if (records) apply(*records);
    const Settings* now = image.settings_of(resource);
    return now == nullptr ? Settings{} : *now;
  }
  Refusal refusal(const ConfigResource& resource, const Changes& changes) const {
    const auto records = decide(resource, changes);
    EXPECT_FALSE(records);
    return records ? Refusal{RefusalKind::timed_out, ""} : records.error();
  }

  Image image;
  Settings file;
};

TEST_F(AlterConfigTest, SetsAndTakesAway) {
  EXPECT_EQ(alter(kTopic, {{"segment.ms", set, "5"}, {"retention.ms", set, " 7 "}}),
            (Settings{{"segment.ms", "5"}, {"retention.ms", "7"}}));
  EXPECT_EQ(alter(kTopic, {{"segment.ms", remove, {}}, {"no.such", remove, {}}}),
            (Settings{{"retention.ms", "7"}}));
  EXPECT_TRUE(decide(kTopic, {{"retention.ms", set, "7"}})->empty()) << "nothing changes";
  EXPECT_TRUE(decide(kTopic, {{"segment.ms", remove, {}}})->empty());
  EXPECT_EQ(alter(kTopic, {{"segment.ms", set, "9"}}, true), (Settings{{"segment.ms", "9"}}));
  EXPECT_EQ(alter(kTopic, {}, true), Settings{});
}

TEST_F(AlterConfigTest, ListsGrowAndShrinkFromWhatIsInForce) {
  const auto policy = [&](ConfigOperation operation, const char* items) {
    return alter(kTopic, {{"cleanup.policy", operation, items}}).at("cleanup.policy");
  };
  EXPECT_EQ(policy(append, "compact"), "delete,compact");
  EXPECT_EQ(policy(append, "compact,delete"), "delete,compact");
  EXPECT_EQ(policy(subtract, "delete"), "compact");
  EXPECT_EQ(policy(subtract, "delete"), "compact");
  EXPECT_EQ(policy(subtract, "compact"), "");
  alter(kTopic, {{"cleanup.policy", remove, {}}});
  file = {{"cleanup.policy", "compact"}};
  EXPECT_EQ(policy(append, "delete"), "compact,delete");
  EXPECT_EQ(refusal(kTopic, {{"segment.ms", append, "1"}}).detail,
            "Can't APPEND to key segment.ms because its type is not LIST.");
}

TEST_F(AlterConfigTest, RefusesWithKafkasReasons) {
  const auto kind = [&](const ConfigResource& resource, const Changes& changes) {
    return refusal(resource, changes).kind;
  };
  const auto topic = [](const char* name) {
    return ConfigResource{ConfigResourceKind::topic, name};
  };
  const Changes good{{"segment.ms", set, "5"}};
  EXPECT_EQ(kind(topic("nope"), good), RefusalKind::unknown_topic);
  EXPECT_EQ(kind(topic("a b"), good), RefusalKind::invalid_topic);
  EXPECT_EQ(kind(topic(""), good), RefusalKind::invalid_request);
  EXPECT_EQ(kind(kTopic, {{"no.such", set, "5"}}), RefusalKind::invalid_config);
  EXPECT_EQ(kind(kTopic, {{"segment.ms", set, {}}}), RefusalKind::invalid_request);
  EXPECT_EQ(kind(kTopic, {{"segment.ms", set, "5"}, {"segment.ms", remove, {}}}),
            RefusalKind::invalid_request);
  EXPECT_EQ(kind(kTopic, Changes(kConfigChangesMax + 1)), RefusalKind::invalid_request);
  const Refusal range = refusal(kTopic, {{"segment.ms", set, "5"}, {"segment.bytes", set, "1"}});
  EXPECT_EQ(range.kind, RefusalKind::invalid_config);
  EXPECT_EQ(range.detail,
            "Invalid value 1 for configuration segment.bytes: Value must be an integer from "
            "1048576 to 2147483647");
  EXPECT_EQ(
      refusal(kTopic, {{"min.compaction.lag.ms", set, "50"}, {"max.compaction.lag.ms", set, "5"}})
          .detail,
      "conflict topic config setting min.compaction.lag.ms (50) > max.compaction.lag.ms (5)");
}

TEST_F(AlterConfigTest, OfABrokerTheDefaultsOfTopicsMayChange) {
  EXPECT_EQ(alter(kAllBrokers, {{"log.retention.ms", set, "5"}}),
            (Settings{{"log.retention.ms", "5"}}));
  EXPECT_EQ(alter(kBroker, {{"log.flux.durability", set, "page-cache"}}),
            (Settings{{"log.flux.durability", "page-cache"}}));
  const Refusal fixed = refusal(kBroker, {{"node.id", set, "7"}, {"log.dirs", set, "x"}});
  EXPECT_EQ(fixed.kind, RefusalKind::invalid_request);
  EXPECT_EQ(fixed.detail, "Cannot update these configs dynamically: [node.id, log.dirs]");
  EXPECT_EQ(refusal(kBroker, {{"log.segment.bytes", set, "1"}}).kind, RefusalKind::invalid_request);
  for (const char* name : {"7", "x", "01", " 1"}) {
    const ConfigResource nobody{ConfigResourceKind::broker, name};
    EXPECT_EQ(refusal(nobody, {{"log.retention.ms", set, "5"}}).kind, RefusalKind::invalid_request)
        << name;
  }
}

TEST_F(AlterConfigTest, ADeletedTopicsSettingsGoWithIt) {
  alter(kTopic, {{"segment.ms", set, "5"}});
  apply(*delete_topic(image, {1, 2}));
  EXPECT_EQ(image.settings_of(kTopic), nullptr);
}

}  // namespace
}  // namespace flux::controller
