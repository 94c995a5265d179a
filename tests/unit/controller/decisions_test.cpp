// The controller's decisions: what is refused and how, and what the records amount to.

#include "core/controller/decisions.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "core/controller/topic_config.h"

namespace flux::controller {
namespace {

constexpr Uuid kTopic{1, 2};
constexpr Uuid kDirectory{3, 4};

RegisterBrokerRecord broker(std::int32_t id, std::uint64_t incarnation = 1) {
  return {.broker = NodeId(id),
          .incarnation = {incarnation, 0},
          .fenced = false,
          .directories = {kDirectory}};
}

Image image_with_brokers(int count) {
  Image image;
  for (int i = 1; i <= count; ++i) EXPECT_TRUE(image.apply(broker(i)));
  return image;
}

void apply_all(Image& image, const std::vector<Record>& records) {
  for (const Record& record : records) ASSERT_TRUE(image.apply(record));
}

Decision<std::vector<Record>> create(const Image& image, const CreateTopic& request,
                                     const Uuid& id = kTopic) {
  return create_topic(image, request, {}, id, 0);
}

RefusalKind refusal(const Decision<std::vector<Record>>& decision) {
  EXPECT_FALSE(decision);
  return decision ? RefusalKind::timed_out : decision.error().kind;
}

TEST(TopicName, FollowsKafkasRules) {
  for (const char* good : {"a", "orders", "A.b_c-9", "..."}) EXPECT_TRUE(check_topic_name(good));
  for (const char* bad : {"", ".", "..", "a b", "a/b", "\xC3\xA4"}) {
    EXPECT_FALSE(check_topic_name(bad)) << bad;
  }
  EXPECT_TRUE(check_topic_name(std::string(kTopicNameSizeMax, 'a')));
  EXPECT_FALSE(check_topic_name(std::string(kTopicNameSizeMax + 1, 'a')));
}

TEST(CreateTopic, GivesTopicPartitionsAndSettings) {
  Image image = image_with_brokers(1);
  const auto records = create(
      image, {.name = "orders", .partitions = 3, .settings = {{"flux.durability", "page-cache"}}});
  ASSERT_TRUE(records);
  EXPECT_EQ(records->size(), 5U);
  apply_all(image, *records);
  const auto topic = image.topic("orders");
  ASSERT_NE(topic, nullptr);
  EXPECT_EQ(topic, image.topic(kTopic));
  ASSERT_EQ(topic->partitions.size(), 3U);
  for (const PartitionState& partition : topic->partitions) {
    EXPECT_EQ(partition.leader, NodeId(1));
    EXPECT_EQ(partition.isr, partition.replicas);
    EXPECT_EQ(partition.directories, std::vector{kDirectory});
  }
  const TopicConfig config =
      topic_config(image.settings_of({ConfigResourceKind::topic, "orders"}), {});
  EXPECT_EQ(config.durability, Durability::page_cache);
}

TEST(CreateTopic, SpreadsReplicasAndLeaders) {
  Image image = image_with_brokers(3);
  const auto records = create(image, {.name = "t", .partitions = 3, .replication_factor = 2});
  ASSERT_TRUE(records);
  apply_all(image, *records);
  std::map<NodeId, int> leads;
  for (const PartitionState& partition : image.topic("t")->partitions) {
    EXPECT_EQ(partition.replicas.size(), 2U);
    EXPECT_NE(partition.replicas[0], partition.replicas[1]);
    ++leads[partition.leader];
  }
  EXPECT_EQ(leads.size(), 3U);
}

TEST(CreateTopic, RefusesWithKafkasReasons) {
  Image image = image_with_brokers(1);
  apply_all(image, *create(image, {.name = "a.b"}));
  const auto kind = [&](const CreateTopic& request) {
    return refusal(create(image, request, Uuid{9, 9}));
  };
  EXPECT_EQ(kind({.name = "a b"}), RefusalKind::invalid_topic);
  EXPECT_EQ(kind({.name = "a.b"}), RefusalKind::topic_exists);
  EXPECT_EQ(kind({.name = "a_b"}), RefusalKind::invalid_topic);  // the metrics' names collide
  EXPECT_EQ(kind({.name = "__cluster_metadata"}), RefusalKind::invalid_request);
  EXPECT_EQ(kind({.name = "t", .partitions = 0}), RefusalKind::invalid_partitions);
  EXPECT_EQ(kind({.name = "t", .partitions = 10'001}), RefusalKind::policy_violation);
  EXPECT_EQ(kind({.name = "t", .replication_factor = 0}), RefusalKind::invalid_replication_factor);
  EXPECT_EQ(kind({.name = "t", .replication_factor = 2}), RefusalKind::invalid_replication_factor);
  EXPECT_EQ(kind({.name = "t", .settings = {{"no.such", "1"}}}), RefusalKind::invalid_config);
  EXPECT_EQ(kind({.name = "t", .settings = {{"retention.ms", "soon"}}}),
            RefusalKind::invalid_config);
  EXPECT_EQ(kind({.name = "t", .settings = {{"retention.ms", std::nullopt}}}),
            RefusalKind::invalid_config);
}

TEST(CreateTopic, TakesAssignmentsAsTheyAre) {
  Image image = image_with_brokers(3);
  const auto with = [](std::vector<ReplicaAssignment> assignments) {
    return CreateTopic{.name = "t", .assignments = std::move(assignments)};
  };
  const PartitionIndex zero(0);
  const PartitionIndex one(1);
  auto good = create(image, with({{one, {NodeId(3)}}, {zero, {NodeId(2)}}}));
  ASSERT_TRUE(good);
  apply_all(image, *good);
  EXPECT_EQ(image.topic("t")->partitions[0].leader, NodeId(2));
  EXPECT_EQ(image.topic("t")->partitions[1].leader, NodeId(3));

  const auto bad = RefusalKind::invalid_replica_assignment;
  const Image clean = image_with_brokers(3);
  EXPECT_EQ(refusal(create(clean, with({{one, {NodeId(1)}}}))), bad);
  EXPECT_EQ(refusal(create(clean, with({{zero, {NodeId(1)}}, {zero, {NodeId(1)}}}))), bad);
  EXPECT_EQ(refusal(create(clean, with({{zero, {NodeId(1), NodeId(1)}}}))), bad);
  EXPECT_EQ(refusal(create(clean, with({{zero, {NodeId(7)}}}))), bad);
  EXPECT_EQ(refusal(create(clean, with({{zero, {}}}))), bad);
}

TEST(CreatePartitions, GrowsATopic) {
  Image image = image_with_brokers(3);
  apply_all(image, *create(image, {.name = "t", .partitions = 2, .replication_factor = 2}));
  const auto before = image.topic("t")->partitions;
  apply_all(image, *create_partitions(image, {.topic = "t", .count = 4}, 1));
  const auto grown = image.topic("t")->partitions;
  ASSERT_EQ(grown.size(), 4U);
  EXPECT_TRUE(std::equal(before.begin(), before.end(), grown.begin()));
  for (const PartitionState& partition : grown) {
    EXPECT_EQ(partition.replicas.size(), 2U);
    EXPECT_EQ(partition.leader, partition.replicas[0]);
  }
  const std::vector<std::vector<NodeId>> where{{NodeId(3), NodeId(1)}};
  apply_all(image, *create_partitions(image, {.topic = "t", .count = 5, .assignments = where}, 0));
  EXPECT_EQ(image.topic("t")->partitions[4].replicas, where[0]);
}

TEST(CreatePartitions, RefusesWithKafkasReasons) {
  Image image = image_with_brokers(1);
  apply_all(image, *create(image, {.name = "t", .partitions = 2}));
  const auto kind = [&](const CreatePartitions& request) {
    return refusal(create_partitions(image, request, 0));
  };
  EXPECT_EQ(kind({.topic = "nope", .count = 3}), RefusalKind::unknown_topic);
  for (const std::int32_t count : {2, 1, 0, -1}) {
    EXPECT_EQ(kind({.topic = "t", .count = count}), RefusalKind::invalid_partitions) << count;
  }
  EXPECT_EQ(kind({.topic = "t", .count = 10'003}), RefusalKind::policy_violation);
  EXPECT_EQ(kind({.topic = "t", .count = INT32_MAX}), RefusalKind::policy_violation);
  using Where = std::vector<std::vector<NodeId>>;
  const NodeId one(1);
  for (const Where& where :
       {Where{}, Where{{one}, {one}}, Where{{}}, Where{{one, one}}, Where{{NodeId(9)}}}) {
    EXPECT_EQ(kind({.topic = "t", .count = 3, .assignments = where}),
              RefusalKind::invalid_replica_assignment);
  }
}

TEST(RegisterBroker, NewIncarnationBeginsNewLeaderEpochs) {
  Image image;
  apply_all(image, *register_broker(image, broker(1), 10));
  EXPECT_EQ(image.brokers.at(NodeId(1)).broker_epoch, 10);
  apply_all(image, *create(image, {.name = "t", .partitions = 2}));
  apply_all(image, *register_broker(image, broker(1), 20));
  EXPECT_EQ(image.brokers.at(NodeId(1)).broker_epoch, 10) << "the same incarnation";
  EXPECT_EQ(image.topic("t")->partitions[0].leader_epoch, LeaderEpoch(0));
  apply_all(image, *register_broker(image, broker(1, 2), 30));
  EXPECT_EQ(image.brokers.at(NodeId(1)).broker_epoch, 30);
  for (const PartitionState& partition : image.topic("t")->partitions) {
    EXPECT_EQ(partition.leader_epoch, LeaderEpoch(1));
    EXPECT_EQ(partition.partition_epoch, 1);
  }
}

TEST(RegisterBroker, MustKnowTheFinalizedFeatures) {
  Image image;
  apply_all(image, {FeatureLevelRecord{"metadata.version", 30}});
  EXPECT_EQ(refusal(register_broker(image, broker(1), 1)), RefusalKind::unsupported_version);
  RegisterBrokerRecord knows = broker(1);
  knows.features = {{"metadata.version", 7, 30}};
  EXPECT_TRUE(register_broker(image, knows, 1));
  knows.directories.clear();
  EXPECT_EQ(refusal(register_broker(image, knows, 1)), RefusalKind::invalid_registration);
}

TEST(ProducerIds, BlocksAreGivenOnce) {
  Image image;
  apply_all(image, *register_broker(image, broker(1), 5));
  const auto first = allocate_producer_ids(image, NodeId(1), 5);
  ASSERT_TRUE(first);
  apply_all(image, first->records);
  const auto second = allocate_producer_ids(image, NodeId(1), 5);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->block.first, first->block.first + first->block.size);
  EXPECT_EQ(allocate_producer_ids(image, NodeId(1), 4).error().kind,
            RefusalKind::stale_broker_epoch);
  EXPECT_EQ(allocate_producer_ids(image, NodeId(2), 5).error().kind, RefusalKind::unknown_broker);
}

TEST(Image, RecordsFoldBackToTheSameImage) {
  Image image = image_with_brokers(2);
  apply_all(image, {FeatureLevelRecord{"metadata.version", 30}});
  apply_all(image, *create(image, {.name = "b", .partitions = 2}));
  apply_all(image, *create(image, {.name = "a", .settings = {{"retention.ms", "5"}}}, Uuid{7, 7}));
  apply_all(image, {ProducerIdsRecord{.next = ProducerId(3000)}});
  apply_all(image, *delete_topic(image, kTopic));
  Image again;
  apply_all(again, image.records());
  EXPECT_TRUE(same_content(image, again));
  EXPECT_EQ(again.topic("b"), nullptr);
  EXPECT_EQ(std::get<FeatureLevelRecord>(image.records().front()).level, 30);
}

TEST(Image, RefusesRecordsThatDoNotFit) {
  Image image;
  EXPECT_FALSE(image.apply(PartitionRecord{.partition = PartitionIndex(0), .topic = kTopic}));
  EXPECT_FALSE(image.apply(RemoveTopicRecord{kTopic}));
  ASSERT_TRUE(image.apply(TopicRecord{"t", kTopic}));
  EXPECT_FALSE(image.apply(TopicRecord{"t", Uuid{5, 5}}));
  EXPECT_FALSE(image.apply(PartitionRecord{.partition = PartitionIndex(1), .topic = kTopic}));
}

TEST(Metadata, WhoHoldsAnImageSeesItUnchanged) {
  Metadata metadata;
  ASSERT_TRUE(metadata.apply(TopicRecord{"t", kTopic}));
  const auto held = metadata.image();
  const auto topic = held->topic("t");
  ASSERT_TRUE(metadata.apply(PartitionRecord{.partition = PartitionIndex(0), .topic = kTopic}));
  EXPECT_TRUE(topic->partitions.empty());
  EXPECT_TRUE(held->topic("t")->partitions.empty());
  EXPECT_EQ(metadata.image()->topic("t")->partitions.size(), 1U);
}

TEST(TopicSettings, LayersAndRanges) {
  const Settings own{{"segment.ms", "1"}};
  const Settings broker_defaults{{"segment.ms", "2"}, {"segment.bytes", "1048576"}};
  const TopicConfig config = topic_config(&own, broker_defaults);
  EXPECT_EQ(config.segment_ms, 1);
  EXPECT_EQ(config.segment_bytes, 1'048'576);
  EXPECT_EQ(config.max_message_bytes, 1'048'588);
  // The internal setting is about rolls only.
  const Settings small{{"internal.segment.bytes", "700"}};
  EXPECT_EQ(topic_config(&small, broker_defaults).segment_bytes, 700);
  EXPECT_EQ(topic_config(&small, broker_defaults).append_bytes_max, 1'048'576);
  EXPECT_EQ(topic_config(nullptr, {}), TopicConfig{});
  for (const TopicSetting& setting : topic_setting_table()) {
    EXPECT_TRUE(check_topic_setting(setting, setting.fallback)) << setting.name;
  }
  const auto check = [](const char* name, const char* value) {
    return check_topic_setting(*find_topic_setting(name), value).has_value();
  };
  EXPECT_TRUE(check("cleanup.policy", "compact,delete"));
  EXPECT_FALSE(check("cleanup.policy", "shred"));
  EXPECT_FALSE(check("segment.bytes", "1000"));
  EXPECT_FALSE(check("preallocate", "yes"));
  EXPECT_TRUE(check("min.cleanable.dirty.ratio", "0.25"));
  EXPECT_FALSE(check("min.cleanable.dirty.ratio", "1.5"));
}

}  // namespace
}  // namespace flux::controller
