// The administrator against a real node: settings and partitions.
#include <algorithm>

#include <gtest/gtest.h>

#include "tests/node_support/node_test.h"

namespace flux::test {
namespace {

using client::Admin;
using client::Client;
using client::ConfigEdit;
using client::ConfigEntry;
using client::ConfigTarget;
using env::Task;
using kafka::WireError;

class AdminNodeTest : public NodeTest {
 protected:
  AdminNodeTest() {
    start_node();
    with_client([](Task& task, Client& client) { ensure_topic(task, client, "t"); });
  }
  static ConfigEntry entry(Task& task, Client& client, const ConfigTarget& target,
                           std::string_view name) {
    const auto told = Admin(client).describe_config(task, target);
    EXPECT_TRUE(told) << told.error().to_string();
    if (!told) return {};
    const auto at = std::ranges::find(*told, name, &ConfigEntry::name);
    return at == told->end() ? ConfigEntry{} : *at;
  }
};

TEST_F(AdminNodeTest, SettingsAreAlteredAndTold) {
  with_client([](Task& task, Client& client) {
    Admin admin(client);
    const ConfigTarget topic{.name = "t"};
    using enum ConfigEdit::Operation;
    EXPECT_TRUE(admin
                    .alter_config(task, topic,
                                  {{"segment.ms", set, "7"}, {"cleanup.policy", append, "compact"}})
                    .ok());
    EXPECT_EQ(entry(task, client, topic, "segment.ms").value, "7");
    EXPECT_EQ(entry(task, client, topic, "segment.ms").source, 1);
    EXPECT_EQ(entry(task, client, topic, "cleanup.policy").value, "delete,compact");
    EXPECT_FALSE(entry(task, client, topic, "segment.ms").documentation.empty());
    EXPECT_TRUE(admin.alter_config(task, topic, {{"segment.ms", remove, ""}}).ok());
    EXPECT_EQ(entry(task, client, topic, "segment.ms").source, 5);

    const auto refused = admin.alter_config(task, topic, {{"segment.bytes", set, "1"}});
    EXPECT_EQ(refused.wire, WireError::invalid_config);
    EXPECT_NE(refused.error->to_string().find("from 1048576 to 2147483647"), std::string::npos);
    EXPECT_TRUE(admin.alter_config(task, topic, {{"segment.ms", set, "9"}}, true).ok());
    EXPECT_EQ(entry(task, client, topic, "segment.ms").source, 5) << "it only looked";

    const ConfigTarget brokers{.kind = ConfigTarget::Kind::broker};
    const ConfigTarget broker{.kind = ConfigTarget::Kind::broker, .name = "1"};
    EXPECT_TRUE(admin.alter_config(task, brokers, {{"log.retention.ms", set, "5000"}}).ok());
    EXPECT_EQ(entry(task, client, broker, "log.retention.ms").source, 3);
    EXPECT_TRUE(entry(task, client, broker, "node.id").read_only);
    const auto nobody = admin.describe_config(task, {ConfigTarget::Kind::broker, "7"});
    ASSERT_FALSE(nobody);
    EXPECT_EQ(nobody.error(), ErrorCode::invalid);
    const auto missing = admin.describe_config(task, {.name = "nope"});
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error(), ErrorCode::unknown_topic_or_partition);
  });
}

TEST_F(AdminNodeTest, TopicsGrow) {
  with_client([](Task& task, Client& client) {
    Admin admin(client);
    EXPECT_TRUE(admin.create_partitions(task, "t", 3, true).ok());
    EXPECT_EQ(admin.describe_topic(task, "t")->partitions.size(), 1U);
    EXPECT_TRUE(admin.create_partitions(task, "t", 3).ok());
    EXPECT_EQ(admin.describe_topic(task, "t")->partitions.size(), 3U);
    const auto same = admin.create_partitions(task, "t", 3);
    EXPECT_EQ(same.wire, WireError::invalid_partitions);
    EXPECT_NE(same.error->to_string().find("already has 3"), std::string::npos);
    EXPECT_EQ(admin.create_partitions(task, "nope", 3).wire, WireError::unknown_topic_or_partition);
  });
}

}  // namespace
}  // namespace flux::test
