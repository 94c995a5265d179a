// Where the value of a setting comes from, and that every setting says what it means.

#include "core/controller/setting_layers.h"

#include <gtest/gtest.h>

namespace flux::controller {
namespace {

std::vector<SettingSource> sources(const std::vector<SettingOrigin>& origins) {
  std::vector<SettingSource> out;
  for (const SettingOrigin& origin : origins) out.push_back(origin.source);
  return out;
}

TEST(SettingLayers, TheFirstPlaceThatHasItIsInForce) {
  const Settings topic{{"retention.ms", "1"}};
  const Settings broker{{"log.retention.ms", "2"}};
  const Settings all{{"log.retention.ms", "3"}, {"log.roll.ms", "30"}};
  const Settings file{{"retention.ms", "4"}, {"segment.ms", "40"}, {"segment.bytes", "1048576"}};
  const SettingLayers layers{
      .topic = &topic, .broker = &broker, .all_brokers = &all, .file = &file};
  const auto origins = origins_of(*find_topic_setting("retention.ms"), layers);
  EXPECT_EQ(sources(origins),
            (std::vector{SettingSource::topic, SettingSource::broker, SettingSource::all_brokers,
                         SettingSource::file, SettingSource::fallback}));
  EXPECT_EQ(origins[0].value, "1");
  EXPECT_EQ(origins[0].name, "retention.ms");
  EXPECT_EQ(origins[1].name, "log.retention.ms");
  EXPECT_EQ(origins[4].value, "604800000");
  EXPECT_EQ(topic_defaults(layers),
            (Settings{{"retention.ms", "2"}, {"segment.ms", "30"}, {"segment.bytes", "1048576"}}));
  EXPECT_TRUE(topic_defaults({}).empty());
}

TEST(SettingLayers, TypesAreKafkas) {
  const auto type = [](const char* name) { return value_type(*find_topic_setting(name)); };
  EXPECT_EQ(type("segment.bytes"), ValueType::int32);
  EXPECT_EQ(type("segment.ms"), ValueType::int64);
  EXPECT_EQ(type("compression.zstd.level"), ValueType::int32);
  EXPECT_EQ(type("cleanup.policy"), ValueType::list);
  EXPECT_EQ(type("leader.replication.throttled.replicas"), ValueType::list);
  EXPECT_EQ(type("compression.type"), ValueType::text);
  EXPECT_EQ(type("preallocate"), ValueType::boolean);
  EXPECT_EQ(type("min.cleanable.dirty.ratio"), ValueType::float64);
}

TEST(SettingLayers, EverySettingSaysWhatItMeans) {
  for (const TopicSetting& setting : topic_setting_table()) {
    EXPECT_TRUE(topic_setting_doc(setting.name).ends_with('.')) << setting.name;
  }
  EXPECT_EQ(topic_setting_doc("no.such"), "");
}

TEST(SettingValues, AreKeptClean) {
  const auto clean = [](const char* name, std::string_view value) {
    return clean_topic_setting(*find_topic_setting(name), value).value_or("refused");
  };
  EXPECT_EQ(clean("segment.bytes", " 1048580 "), "1048580");
  EXPECT_EQ(clean("preallocate", "TRUE"), "true");
  EXPECT_EQ(clean("cleanup.policy", " delete , compact,delete"), "delete,compact");
  EXPECT_EQ(clean("cleanup.policy", ""), "");
  EXPECT_EQ(clean("segment.bytes", ""), "refused");
  EXPECT_EQ(clean("compression.type", "LZ4"), "refused");
  const char* throttled = "leader.replication.throttled.replicas";
  EXPECT_EQ(clean(throttled, "*"), "*");
  EXPECT_EQ(clean(throttled, "0:1, 1:2"), "0:1,1:2");
  for (const char* bad : {"foo", "*,0:1", "0:", ":1", "0:1:2"}) {
    EXPECT_EQ(clean(throttled, bad), "refused") << bad;
  }
  std::string many;
  while (many.size() <= kSettingValueSizeMax) many += std::to_string(many.size()) + ":1,";
  EXPECT_EQ(clean(throttled, many), "refused");
}

}  // namespace
}  // namespace flux::controller
