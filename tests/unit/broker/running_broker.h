// A broker and its controller over one small node, for as long as a test's body takes.
#pragma once

#include <cstdint>
#include <functional>

#include <gtest/gtest.h>

#include "core/broker/broker.h"
#include "net/node/kafka_record_codec.h"
#include "tests/support/small_node.h"

namespace flux::broker {

class RunningBroker : public ::testing::Test {
 protected:
  // `stacks_max`: how many fibers there may be at once.
  explicit RunningBroker(std::size_t stacks_max = 256) : node(test::strict_disk(), 1, stacks_max) {}

  // Each time it is a later incarnation, over what the one before left on the disk.
  void with_broker(const std::function<void(env::Task&, Broker&)>& body) {
    ASSERT_TRUE(node.run([&](env::Task& task) {
      ASSERT_TRUE(env::make_directories(task, node.env().disk, "data"));
      controller::ControllerConfig config;
      config.log.data_directory = "data";
      config.log.directory = {1, 1};
      config.feature_level = {"metadata.version", 30};
      config.feature_level_max = 30;
      controller::Controller controller(node.env(), codec, config);
      Broker* running = nullptr;
      const auto started = controller.start(task, [&](const auto& image, auto records) {
        if (running != nullptr) running->on_commit(image, records);
      });
      ASSERT_TRUE(started) << started.error().to_string();
      Broker broker(node.env(),
                    {.data_directory = "data",
                     .topic_defaults = defaults,
                     .log = knobs,
                     .housekeeping = housekeeping},
                    controller);
      running = &broker;
      ASSERT_TRUE(broker.start(task, {.broker = NodeId(1),
                                      .incarnation = {++incarnation, 0},
                                      .features = {{"metadata.version", 7, 30}},
                                      .fenced = false,
                                      .directories = {{1, 1}}}));
      body(task, broker);
      EXPECT_EQ(broker.repacked_room().free(), Broker::kRepackedBytesMax);
      EXPECT_TRUE(broker.stop(task));
      EXPECT_TRUE(controller.stop(task));
    }));
  }

  test::SmallNode node;
  const node::KafkaRecordCodec codec;
  controller::Settings defaults;
  LogKnobs knobs;
  HousekeepingConfig housekeeping;
  std::uint64_t incarnation = 0;
};

}  // namespace flux::broker
