// The controller over a disk: what it answered is there after power cuts, its snapshots carry it,
// and a directory that is not its own is refused.

#include "core/controller/controller.h"

#include <gtest/gtest.h>

#include "core/controller/data_directory.h"
#include "net/node/kafka_record_codec.h"
#include "tests/support/marks.h"
#include "tests/support/small_node.h"

namespace flux::controller {
namespace {

using test::SmallNode;

const node::KafkaRecordCodec kCodec;

ControllerConfig config_with_snapshots_every(std::int64_t records) {
  ControllerConfig config;
  config.log.data_directory = "data";
  config.log.directory = {1, 1};
  config.log.records_between_snapshots = records;
  config.feature_level = {"metadata.version", node::kMetadataVersionMax};
  config.feature_level_max = node::kMetadataVersionMax;
  return config;
}

RegisterBrokerRecord registration(std::uint64_t incarnation) {
  return {.broker = NodeId(1),
          .incarnation = {incarnation, 0},
          .endpoints = {{"PLAINTEXT", "localhost", 9092, 0}},
          .features = {{"metadata.version", 7, node::kMetadataVersionMax}},
          .fenced = false,
          .directories = {{1, 1}}};
}

void with_controller(SmallNode& node, const ControllerConfig& config,
                     const std::function<void(env::Task&, Controller&)>& body) {
  ASSERT_TRUE(node.run([&](env::Task& task) {
    ASSERT_TRUE(env::make_directories(task, node.env().disk, "data"));
    Controller controller(node.env(), kCodec, config);
    auto started = controller.start(task, {});
    ASSERT_TRUE(started) << started.error().to_string();
    body(task, controller);
    EXPECT_TRUE(controller.stop(task));
  }));
}

TEST(Controller, KeepsWhatItAnsweredOverPowerCuts) {
  SmallNode node;
  Uuid id;
  with_controller(node, config_with_snapshots_every(1000), [&](env::Task& task, Controller& it) {
    EXPECT_EQ(it.image()->features.at("metadata.version"), node::kMetadataVersionMax);
    ASSERT_TRUE(it.register_broker(task, registration(1)));
    const auto created = it.create_topic(task, {.name = "orders", .partitions = 3}, false);
    ASSERT_TRUE(created);
    EXPECT_EQ(created->partitions, 3);
    EXPECT_EQ(created->replication_factor, 1);
    id = created->id;
    const auto block =
        it.allocate_producer_ids(task, NodeId(1), it.image()->brokers.at(NodeId(1)).broker_epoch);
    ASSERT_TRUE(block);
    EXPECT_EQ(block->first, ProducerId(0));
  });
  node.power_cut();
  with_controller(node, config_with_snapshots_every(1000), [&](env::Task& task, Controller& it) {
    ASSERT_NE(it.image()->topic("orders"), nullptr);
    EXPECT_EQ(it.image()->topic("orders")->id, id);
    EXPECT_EQ(it.image()->next_producer_id, ProducerId(kProducerIdBlockSize));
    const auto again = it.create_topic(task, {.name = "orders"}, false);
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().kind, RefusalKind::topic_exists);
    ASSERT_TRUE(it.delete_topic(task, id));
    EXPECT_EQ(it.image()->topic("orders"), nullptr);
    const auto fresh = it.create_topic(task, {.name = "orders"}, true);
    ASSERT_TRUE(fresh) << "validation alone";
    EXPECT_EQ(it.image()->topic("orders"), nullptr);
    const auto anew = it.create_topic(task, {.name = "orders"}, false);
    ASSERT_TRUE(anew);
    EXPECT_NE(anew->id, id);
  });
}

TEST(Controller, SnapshotsCarryTheImage) {
  SmallNode node;
  const ControllerConfig config = config_with_snapshots_every(5);
  std::vector<Record> before;
  with_controller(node, config, [&](env::Task& task, Controller& it) {
    ASSERT_TRUE(it.register_broker(task, registration(1)));
    for (int i = 0; i < 12; ++i) {
      ASSERT_TRUE(it.create_topic(task, {.name = "t" + std::to_string(i)}, false));
    }
    before = it.image()->records();
  });
  std::size_t snapshots = 0;
  ASSERT_TRUE(node.run([&](env::Task& task) {
    const auto entries = node.env().disk.list(task, "data/__cluster_metadata-0");
    ASSERT_TRUE(entries);
    for (const auto& entry : *entries) snapshots += parse_snapshot_name(entry.name).has_value();
  }));
  EXPECT_EQ(snapshots, 2U);
  node.power_cut();
  with_controller(node, config,
                  [&](env::Task&, Controller& it) { EXPECT_EQ(it.image()->records(), before); });
}

TEST(Controller, SnapshotsThatAreCutShortAreAsIfTheyWereNotThere) {
  for (std::uint64_t size = 0; size < 1000; size = size * 3 / 2 + 1) {
    SCOPED_TRACE(size);
    SmallNode node;
    std::vector<Record> before;
    with_controller(node, config_with_snapshots_every(5), [&](env::Task& task, Controller& it) {
      ASSERT_TRUE(it.register_broker(task, registration(1)));
      for (int i = 0; i < 12; ++i) {
        ASSERT_TRUE(it.create_topic(task, {.name = "t" + std::to_string(i)}, false));
      }
      before = it.image()->records();
    });
    ASSERT_TRUE(node.run([&](env::Task& task) {
      env::Disk& disk = node.env().disk;
      const std::string directory = "data/__cluster_metadata-0";
      const auto entries = disk.list(task, directory);
      ASSERT_TRUE(entries);
      for (const auto& entry : *entries) {
        if (!parse_snapshot_name(entry.name)) continue;
        const auto file = *disk.open(task, directory + "/" + entry.name, env::Open::read_write);
        EXPECT_GT(*file->size(task), size);
        EXPECT_TRUE(file->truncate(task, size));
      }
    }));
    const auto told = test::mark_hits("controller.snapshot_corrupt");
    with_controller(node, config_with_snapshots_every(1000), [&](env::Task&, Controller& it) {
      EXPECT_EQ(it.image()->records(), before);
      EXPECT_EQ(test::mark_hits("controller.snapshot_corrupt"), told + 2);
    });
  }
}

// Its last writes, which say that the sync failed, and those of the one that is opened.
TEST(Controller, ALogWhoseSyncFailedIsNotWrittenToBesideItsSuccessor) {
  for (std::uint64_t steps = 0; steps < 30; ++steps) {
    SCOPED_TRACE(steps);
    SmallNode node;
    with_controller(node, config_with_snapshots_every(1000), [&](env::Task& task, Controller& it) {
      ASSERT_TRUE(it.register_broker(task, registration(1)));
      sync::TaskGroup others(node.env().scheduler);
      node.disk.fails_from = node.disk.operations + 2;
      node.disk.fails = 2;
      others.spawn("fails", [&](env::Task& other) {
        static_cast<void>(it.create_topic(other, {.name = "a"}, false));
      });
      others.spawn("opens", [&](env::Task& other) {
        for (std::uint64_t i = 0; i < steps; ++i) other.scheduler().yield(other);
        static_cast<void>(it.create_topic(other, {.name = "b"}, false));
      });
      ASSERT_TRUE(others.wait(task));
      node.disk.fails = 0;
      ASSERT_TRUE(it.create_topic(task, {.name = "c"}, false));
    });
    const auto unbelieved = test::mark_hits("log.clean_mark_not_believed");
    with_controller(node, config_with_snapshots_every(1000), [&](env::Task&, Controller& it) {
      EXPECT_NE(it.image()->topic("c"), nullptr);
    });
    EXPECT_EQ(test::mark_hits("log.clean_mark_not_believed"), unbelieved);
  }
}

TEST(Controller, SyncsSeveralDecisionsTogether) {
  SmallNode node;
  with_controller(node, config_with_snapshots_every(1000), [&](env::Task& task, Controller& it) {
    ASSERT_TRUE(it.register_broker(task, registration(1)));
    std::vector<CreateTopic> wanted;
    for (int i = 0; i < 20; ++i) wanted.push_back({.name = "t" + std::to_string(i)});
    wanted.push_back({.name = "t3"});
    const auto created = it.create_topics(task, wanted, false);
    ASSERT_EQ(created.size(), 21U);
    for (int i = 0; i < 20; ++i) EXPECT_TRUE(created[static_cast<std::size_t>(i)]);
    ASSERT_FALSE(created[20]);
    EXPECT_EQ(created[20].error().kind, RefusalKind::topic_exists);
    EXPECT_EQ(it.image()->topics.size(), 20U);
  });
}

TEST(SnapshotName, IsKafkas) {
  EXPECT_EQ(snapshot_name(Offset(42), LeaderEpoch(3)),
            "00000000000000000042-0000000003.checkpoint");
  const auto parsed = parse_snapshot_name("00000000000000000042-0000000003.checkpoint");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->end, Offset(42));
  EXPECT_EQ(parsed->epoch, LeaderEpoch(3));
  for (const char* bad : {"", "42-3.checkpoint", "00000000000000000042-0000000003.checkpoint.tmp",
                          "0000000000000000004x-0000000003.checkpoint"}) {
    EXPECT_FALSE(parse_snapshot_name(bad)) << bad;
  }
}

TEST(DataDirectory, IsFormattedOnceAndBelongsToItsNode) {
  SmallNode node;
  MetaProperties first;
  ASSERT_TRUE(node.run([&](env::Task& task) {
    auto opened = DataDirectory::open(task, node.env(), "data", NodeId(1), std::nullopt);
    ASSERT_TRUE(opened);
    EXPECT_TRUE((*opened)->formatted_now());
    first = (*opened)->properties();
    EXPECT_FALSE(first.directory.is_zero());
    EXPECT_EQ(MetaProperties::parse(first.to_text()), first);
  }));
  node.power_cut();
  ASSERT_TRUE(node.run([&](env::Task& task) {
    auto again = DataDirectory::open(task, node.env(), "data", NodeId(1), first.cluster_id);
    ASSERT_TRUE(again) << again.error().to_string();
    EXPECT_FALSE((*again)->formatted_now());
    EXPECT_EQ((*again)->properties(), first);
    again->reset();
    auto foreign = DataDirectory::open(task, node.env(), "data", NodeId(2), std::nullopt);
    ASSERT_FALSE(foreign);
    EXPECT_EQ(foreign.error().code(), ErrorCode::invalid);
    auto other = DataDirectory::open(task, node.env(), "data", NodeId(1), "another");
    ASSERT_FALSE(other);
    EXPECT_EQ(other.error().code(), ErrorCode::invalid);
  }));
}

TEST(DataDirectory, RefusesANewerOrDamagedOne) {
  SmallNode node;
  ASSERT_TRUE(node.run([&](env::Task& task) {
    ASSERT_TRUE(env::make_directories(task, node.env().disk, "newer"));
    ASSERT_TRUE(env::replace_file(task, node.env().disk, "newer/meta.properties",
                                  as_bytes("version=2\ncluster.id=a\nnode.id=1\n")));
    auto newer = DataDirectory::open(task, node.env(), "newer", NodeId(1), std::nullopt);
    ASSERT_FALSE(newer);
    EXPECT_EQ(newer.error().code(), ErrorCode::unsupported);

    ASSERT_TRUE(env::make_directories(task, node.env().disk, "damaged/orders-0"));
    auto damaged = DataDirectory::open(task, node.env(), "damaged", NodeId(1), std::nullopt);
    ASSERT_FALSE(damaged);
    EXPECT_EQ(damaged.error().code(), ErrorCode::invalid);
  }));
}

}  // namespace
}  // namespace flux::controller
