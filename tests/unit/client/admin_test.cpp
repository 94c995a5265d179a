// Administration, and what a client says when nobody answers.
#include "net/client/admin.h"

#include "tests/client_support/client_test.h"

namespace flux::test {
namespace {

using client::Admin;
using client::Client;
using env::Task;
using kafka::ApiKey;
using kafka::WireError;

TEST_F(ClientTest, TopicsAreMadeListedDescribedAndDeleted) {
  add_broker(1);
  for (const auto& versions : {client::VersionCaps::newest(), client::VersionCaps::oldest()}) {
    client::ClientConfig with = config();
    with.versions = versions;
    with_client(
        [&](Task& task, Client& client) {
          Admin admin(client);
          EXPECT_TRUE(admin.create_topic(task, {.name = "a", .partitions = 3}).ok());
          const Admin::Done twice = admin.create_topic(task, {.name = "a", .partitions = 3});
          EXPECT_EQ(twice.wire, WireError::topic_already_exists);
          EXPECT_EQ(twice.error.value(), ErrorCode::topic_exists);
          EXPECT_EQ(admin.list_topics(task).value().size(), 1u);
          EXPECT_EQ(admin.describe_topic(task, "a").value().partitions.size(), 3u);
          const auto ends = admin.list_offsets(task, {{"a", PartitionIndex(1)}}, -1).value();
          EXPECT_EQ(ends.at({"a", PartitionIndex(1)}).offset, Offset(0));
          EXPECT_EQ(admin.describe_cluster(task).value().brokers.size(), 1u);
          EXPECT_TRUE(admin.delete_topic(task, "a").ok());
          const Instant began = client.now();
          const Admin::Done gone = admin.delete_topic(task, "a");
          EXPECT_EQ(gone.wire, WireError::unknown_topic_or_partition);
          EXPECT_EQ(gone.tries, 1u) << "what is not there is not waited for";
          EXPECT_LT(client.now() - began, seconds(1));
          EXPECT_EQ(admin.describe_topic(task, "a").error(), ErrorCode::unknown_topic_or_partition);
        },
        with);
  }
}

TEST_F(ClientTest, ADescribedClusterIsAskedForByTheNewestApiThatBothKnow) {
  add_broker(1);
  for (const auto& versions : {client::VersionCaps::newest(), client::VersionCaps::oldest()}) {
    client::ClientConfig with = config();
    with.versions = versions;
    const std::uint64_t before = cluster.counts[ApiKey::describe_cluster];
    with_client(
        [&](Task& task, Client& client) {
          const auto described = Admin(client).describe_cluster(task);
          ASSERT_TRUE(described) << described.error().to_string();
          ASSERT_EQ(described->brokers.size(), 1u);
          EXPECT_EQ(described->brokers[0].id, NodeId(1));
          EXPECT_EQ(described->brokers[0].at, cluster.brokers.at(NodeId(1)));
        },
        with);
    const bool knows = versions.choose(ApiKey::describe_cluster, {0, 2}).has_value();
    EXPECT_EQ(cluster.counts[ApiKey::describe_cluster] - before, knows ? 1u : 0u);
  }
}

// A call without a cap would make an old client speak the newest version in silence.
TEST(VersionCaps, OldClientsHaveACapForEveryApi) {
  for (const kafka::ApiInfo& api : kafka::kApis) {
    for (const auto& caps :
         {client::VersionCaps::librdkafka_2_0(), client::VersionCaps::oldest()}) {
      EXPECT_TRUE(caps.has_cap(api.key)) << api.name;
    }
  }
}

TEST_F(ClientTest, ARefusedConnectionSaysWhereAndWhy) {
  node("broker1");  // a host without a listener
  with_client([&](Task& task, Client& client) {
    Admin admin(client);
    const auto listed = admin.list_topics(task);
    ASSERT_FALSE(listed.has_value());
    EXPECT_EQ(listed.error(), ErrorCode::refused);
    EXPECT_EQ(listed.error().detail(), "cannot reach broker1:9092: connection refused");
  });
}

TEST_F(ClientTest, ACreationWhoseAnswerWasLostIsTriedAgainAndSaysSo) {
  add_broker(1);
  cluster.script = [](const Seen& seen) {
    const bool lost = seen.api == ApiKey::create_topics && seen.number == 1;
    return Verdict{.act = lost ? Act::lose_reply : Act::serve};
  };
  with_client([&](Task& task, Client& client) {
    Admin admin(client);
    const Admin::Done done = admin.create_topic(task, {.name = "a", .partitions = 1});
    EXPECT_EQ(done.wire, WireError::topic_already_exists);
    EXPECT_EQ(done.tries, 2u);
  });
}

TEST_F(ClientTest, ATasksDeadlineEndsACall) {
  add_broker(1);
  cluster.script = [](const Seen& seen) {
    return Verdict{.act = seen.api == ApiKey::metadata ? Act::mute : Act::serve};
  };
  with_client([&](Task& task, Client& client) {
    Admin admin(client);
    const Instant began = client.now();
    const env::DeadlineScope scope(task, began + milliseconds(500));
    EXPECT_FALSE(admin.list_topics(task).has_value());
    EXPECT_LE(client.now() - began, milliseconds(600));
  });
}

TEST_F(ClientTest, AnAnswerToNoRequestEndsTheConnection) {
  sim::NodeEnv& hostile = node("broker1");
  hostile.process().start([&](Task& task) {
    auto listener = hostile.env().network.listen(task, {"", 9092}).value();
    for (;;) {
      auto stream = listener->accept(task);
      if (!stream) return;
      // A length of 8, then a correlation id that nobody asked with.
      const Bytes garbage = {std::byte{0}, std::byte{0}, std::byte{0}, std::byte{8},
                             std::byte{9}, std::byte{9}, std::byte{9}, std::byte{9},
                             std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0}};
      if (!env::write_all(task, **stream, garbage)) continue;
      Bytes sink(1000);
      static_cast<void>((*stream)->read_some(task, sink));
    }
  });
  with_client([&](Task& task, Client& client) {
    Admin admin(client);
    const env::DeadlineScope scope(task, client.now() + seconds(2));
    const auto listed = admin.list_topics(task);
    ASSERT_FALSE(listed.has_value());
    EXPECT_EQ(listed.error(), ErrorCode::corrupt);
  });
}

}  // namespace
}  // namespace flux::test
