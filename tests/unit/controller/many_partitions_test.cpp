// More partitions than one batch of metadata carries: what one request may ask for, and how a
// broker that leads them registers.

#include <gtest/gtest.h>

#include "core/controller/controller.h"
#include "net/node/kafka_record_codec.h"
#include "tests/support/small_node.h"

namespace flux::controller {
namespace {

using test::SmallNode;

const node::KafkaRecordCodec kCodec;
constexpr NodeId kBroker(1);

RegisterBrokerRecord registration(std::uint64_t incarnation) {
  return {.broker = kBroker,
          .incarnation = {incarnation, 0},
          .features = {{"metadata.version", 7, node::kMetadataVersionMax}},
          .fenced = false,
          .directories = {{1, 1}}};
}

void with_controller(SmallNode& node, const std::function<void(env::Task&, Controller&)>& body) {
  ControllerConfig config;
  config.log.data_directory = "data";
  config.log.directory = {1, 1};
  config.log.records_between_snapshots = 1'000'000'000;
  config.feature_level = {"metadata.version", node::kMetadataVersionMax};
  config.feature_level_max = node::kMetadataVersionMax;
  ASSERT_TRUE(node.run([&](env::Task& task) {
    ASSERT_TRUE(env::make_directories(task, node.env().disk, "data"));
    Controller controller(node.env(), kCodec, config);
    auto started = controller.start(task, {});
    ASSERT_TRUE(started) << started.error().to_string();
    body(task, controller);
    EXPECT_TRUE(controller.stop(task));
  }));
}

CreateTopic topic(int number, std::int32_t partitions) {
  return {.name = "t" + std::to_string(number), .partitions = partitions};
}

std::size_t with_leader_epoch(const Image& image, LeaderEpoch epoch) {
  std::size_t out = 0;
  for (const auto& [name, topic] : image.topics) {
    for (const PartitionState& one : topic->partitions) out += one.leader_epoch == epoch ? 1U : 0U;
  }
  return out;
}

TEST(ManyPartitions, ARequestIsBoundedByTheSumOfItsTopics) {
  SmallNode node;
  with_controller(node, [&](env::Task& task, Controller& it) {
    ASSERT_TRUE(it.register_broker(task, registration(1)));
    CreateTopic assigned{.name = "assigned"};
    for (int i = 0; i < 4'000; ++i) assigned.assignments.push_back({PartitionIndex(i), {kBroker}});
    for (const bool validate_only : {true, false}) {
      const std::vector<CreateTopic> many{topic(1, 6'000), assigned, topic(2, 1)};
      const auto refused = it.create_topics(task, many, validate_only);
      ASSERT_EQ(refused.size(), 3U);
      for (const auto& one : refused) {
        ASSERT_FALSE(one);
        EXPECT_EQ(one.error().kind, RefusalKind::policy_violation);
      }
    }
    EXPECT_TRUE(it.image()->topics.empty());
    const std::vector<CreateTopic> enough{topic(1, 6'000), assigned};
    for (const auto& one : it.create_topics(task, enough, false)) EXPECT_TRUE(one);
    EXPECT_EQ(with_leader_epoch(*it.image(), LeaderEpoch(0)), 10'000U);
  });
}

TEST(ManyPartitions, AnAssignmentAloneIsBoundedToo) {
  CreateTopic assigned{.name = "assigned"};
  for (std::int32_t i = 0; i <= kPartitionsPerRequestMax; ++i) {
    assigned.assignments.push_back({PartitionIndex(i), {kBroker}});
  }
  Image image;
  ASSERT_TRUE(image.apply(registration(1)));
  const auto refused = create_topic(image, assigned, {}, Uuid{5, 5}, 0);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, RefusalKind::policy_violation);
}

TEST(ManyPartitions, ABrokerThatLeadsMoreThanABatchCarriesStartsAgain) {
  constexpr int kTopics = 22;  // their new leader epochs take more than 8 MiB
  SmallNode node;
  with_controller(node, [&](env::Task& task, Controller& it) {
    ASSERT_TRUE(it.register_broker(task, registration(1)));
    for (int i = 0; i < kTopics; ++i) {
      ASSERT_TRUE(it.create_topic(task, topic(i, 10'000), false));
    }
  });
  node.power_cut();
  with_controller(node, [&](env::Task& task, Controller& it) {
    const auto registered = it.register_broker(task, registration(2));
    ASSERT_TRUE(registered) << registered.error().detail;
    EXPECT_EQ(it.image()->brokers.at(kBroker).broker_epoch, *registered);
    EXPECT_EQ(with_leader_epoch(*it.image(), LeaderEpoch(1)), kTopics * 10'000U);
  });
}

TEST(ManyPartitions, ARegistrationThatIsCutShortIsMadeAnew) {
  constexpr std::int32_t kPartitions = 2 * kEpochsPerStepMax + 1;
  Image image;
  ASSERT_TRUE(image.apply(registration(1)));
  for (int i = 0; i < 2; ++i) {
    const Uuid id{7, static_cast<std::uint64_t>(i)};
    const auto made = create_topic(image, topic(i, kPartitions), {}, id, 0);
    ASSERT_TRUE(made);
    for (const Record& record : *made) ASSERT_TRUE(image.apply(record));
  }
  // Steps until the registration itself, or as many as are told.
  const auto step = [&](std::uint64_t incarnation, int steps_max) {
    PartitionPlace next;
    for (int done = 1; done <= steps_max; ++done) {
      const auto records = register_broker(image, registration(incarnation), 77, next);
      EXPECT_TRUE(records);
      EXPECT_LE(records->size(), kEpochsPerStepMax + 1);
      const bool last = std::holds_alternative<RegisterBrokerRecord>(records->front());
      for (const Record& record : *records) EXPECT_TRUE(image.apply(record));
      if (last) return done;
    }
    return 0;
  };
  EXPECT_EQ(step(2, 2), 0);
  EXPECT_EQ(image.brokers.at(kBroker).incarnation, (Uuid{1, 0})) << "not registered yet";
  EXPECT_EQ(with_leader_epoch(image, LeaderEpoch(1)), 2 * kEpochsPerStepMax);
  EXPECT_EQ(step(3, 100), 5);
  EXPECT_EQ(image.brokers.at(kBroker).incarnation, (Uuid{3, 0}));
  EXPECT_EQ(with_leader_epoch(image, LeaderEpoch(2)), 2 * kEpochsPerStepMax);
  EXPECT_EQ(with_leader_epoch(image, LeaderEpoch(1)), 2U * kPartitions - 2 * kEpochsPerStepMax);
  EXPECT_EQ(step(3, 100), 1) << "the same incarnation renews nothing";
}

}  // namespace
}  // namespace flux::controller
