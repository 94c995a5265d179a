// What the generated messages and the hand-written rules beside them promise.

#include <gtest/gtest.h>

#include "net/kafka/errors.h"
#include "net/kafka/gen/api_versions.h"
#include "net/kafka/gen/fetch.h"
#include "net/kafka/gen/find_coordinator.h"
#include "net/kafka/gen/metadata.h"
#include "net/kafka/gen/produce.h"
#include "net/kafka/gen/topic_record.h"
#include "net/kafka/metadata_record.h"
#include "net/kafka/request.h"

namespace flux::kafka {
namespace {

template <class Message>
Result<Message> through(const Message& message, std::int16_t version) {
  wire::Writer to;
  TRY(message.encode(to, version));
  const Bytes bytes = to.join();
  wire::Reader from(bytes);
  return Message::decode(from, version);
}

TEST(KafkaMessages, AVersionOutsideTheRangeIsUnsupported) {
  wire::Writer to;
  EXPECT_EQ(ProduceRequest{}.encode(to, 2).error(), ErrorCode::unsupported);
  EXPECT_EQ(ProduceRequest{}.encode(to, 14).error(), ErrorCode::unsupported);
  wire::Reader from(ByteView{});
  EXPECT_EQ(FetchRequest::decode(from, 19).error(), ErrorCode::unsupported);
}

TEST(KafkaMessages, AValueThatAVersionLacksIsAnErrorUnlessIgnorable) {
  const FindCoordinatorRequest request{.key = "group", .key_type = 1, .coordinator_keys = {}};
  const auto refused = through(request, 0);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error(), ErrorCode::unsupported);
  EXPECT_NE(refused.error().detail().find("find_coordinator_request.key_type"), std::string::npos);
  EXPECT_TRUE(through(request, 1).has_value());

  const MetadataResponse response{.throttle_time_ms = 5, .cluster_id = "c"};
  const auto old = through(response, 0);
  ASSERT_TRUE(old.has_value());
  EXPECT_EQ(old->throttle_time_ms, 0);
  EXPECT_EQ(old->cluster_id, std::nullopt);
}

TEST(KafkaMessages, NullWhereAVersionAllowsNoneIsAnErrorBothWays) {
  const MetadataRequest all;
  EXPECT_EQ(through(all, 0).error(), ErrorCode::unsupported);
  EXPECT_EQ(through(all, 1)->topics, std::nullopt);

  wire::Writer to;
  to.null_count();
  const Bytes bytes = to.join();
  wire::Reader from(bytes);
  EXPECT_EQ(MetadataRequest::decode(from, 0).error(), ErrorCode::invalid);
}

TEST(KafkaMessages, RecordsPointIntoTheFrame) {
  Bytes batch(100, std::byte{7});
  ProduceRequest request{.acks = -1, .timeout_ms = 1000};
  request.topics.push_back({.name = "orders", .partitions = {{.records = wire::Records(batch)}}});
  for (const std::int16_t version : {std::int16_t{3}, std::int16_t{9}}) {
    wire::Writer to;
    ASSERT_TRUE(request.encode(to, version).has_value());
    const Bytes frame = to.join();
    wire::Reader from(frame);
    const auto read = ProduceRequest::decode(from, version);
    ASSERT_TRUE(read.has_value());
    const ByteView records = read->topics[0].partitions[0].records.bytes();
    EXPECT_TRUE(equal(records, batch));
    EXPECT_GE(records.data(), frame.data());
    EXPECT_LE(records.data() + records.size(), frame.data() + frame.size());
  }
}

TEST(KafkaMessages, WhatFollowsAMessageStaysInTheReader) {
  wire::Writer to;
  ASSERT_TRUE(ApiVersionsRequest{}.encode(to, 0).has_value());
  to.integer<std::int32_t>(77);
  const Bytes bytes = to.join();
  wire::Reader from(bytes);
  ASSERT_TRUE(ApiVersionsRequest::decode(from, 0).has_value());
  EXPECT_EQ(from.integer<std::int32_t>(), 77);
}

TEST(KafkaMessages, PrintAsOneReadableLine) {
  Bytes batch(71);
  ProduceRequest request{.acks = -1, .timeout_ms = 30'000};
  request.topics.push_back(
      {.name = "a\"b\n", .partitions = {{.records = wire::Records(batch)}, {}}});
  EXPECT_EQ(request.to_string(),
            R"(produce_request{transactional_id=null acks=-1 timeout_ms=30000 )"
            R"(topics=[{name="a\"b\x0a" partitions=[{index=0 records=<71 bytes>} )"
            R"({index=0 records=null}]}]})");
  FetchResponse response;
  response.error = WireError::fetch_session_id_not_found;
  EXPECT_NE(response.to_string().find("error=fetch_session_id_not_found"), std::string::npos);
}

TEST(KafkaRequests, AdvertisesWhatKafkaAdvertises) {
  for (const ApiInfo& api : kApis) {
    EXPECT_EQ(find_api(static_cast<std::int16_t>(api.key)), &api);
    EXPECT_EQ(api.advertised_max, api.version_max);
    // The one exception: see net/schema/produce.json.
    EXPECT_EQ(api.advertised_min, api.key == ApiKey::produce ? 0 : api.version_min) << api.name;
  }
  EXPECT_EQ(find_api(4), nullptr);
  EXPECT_EQ(find_api(-1), nullptr);
  EXPECT_EQ(find_api(9999), nullptr);
}

TEST(KafkaRequests, HeaderVersionsFollowTheApi) {
  const ApiInfo& fetch = *find_api(1);
  EXPECT_EQ(request_header_version(fetch, 11), wire::RequestHeaderVersion::v1);
  EXPECT_EQ(request_header_version(fetch, 12), wire::RequestHeaderVersion::v2);
  EXPECT_EQ(response_header_version(fetch, 11), wire::ResponseHeaderVersion::v0);
  EXPECT_EQ(response_header_version(fetch, 12), wire::ResponseHeaderVersion::v1);
  const ApiInfo& versions = *find_api(18);
  EXPECT_EQ(request_header_version(versions, 3), wire::RequestHeaderVersion::v2);
  EXPECT_EQ(response_header_version(versions, 4), wire::ResponseHeaderVersion::v0);
}

TEST(KafkaRequests, DecodesHeadersOfVersionsItDoesNotKnow) {
  const wire::RequestHeader header{
      .api_key = 18, .api_version = 99, .correlation_id = 5, .client_id = "client"};
  wire::Writer to;
  wire::write_request_header(to, header, wire::RequestHeaderVersion::v2);
  const Bytes bytes = to.join();
  wire::Reader from(bytes);
  const auto read = decode_request_header(from);
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(*read, header);
  EXPECT_FALSE(is_known(*find_api(18), read->api_version));

  Bytes unknown = bytes;
  store_be<std::int16_t>(unknown.data(), 4);
  wire::Reader second(unknown);
  EXPECT_EQ(decode_request_header(second).error(), ErrorCode::unsupported);
  wire::Reader short_one(ByteView(bytes).first(7));
  EXPECT_EQ(decode_request_header(short_one).error(), ErrorCode::invalid);
}

TEST(KafkaMetadataRecords, CarryTypeAndVersionInFront) {
  const TopicRecord topic{.name = "orders", .topic_id = {.high = 1, .low = 2}};
  wire::Writer to;
  ASSERT_TRUE(encode_metadata_record(to, topic, 0).has_value());
  Bytes bytes = to.join();
  wire::Reader from(bytes);
  const auto frame = decode_metadata_frame(from);
  ASSERT_TRUE(frame.has_value());
  EXPECT_EQ(frame->type, MetadataRecordType::topic_record);
  EXPECT_EQ(TopicRecord::decode(from, frame->version).value(), topic);

  for (const std::size_t damaged : {0u, 1u, 2u}) {
    Bytes other = bytes;
    other[damaged] = std::byte{0x7e};
    wire::Reader again(other);
    EXPECT_EQ(decode_metadata_frame(again).error(), ErrorCode::unsupported);
  }
}

TEST(KafkaErrors, SayWhatTheClientDoes) {
  EXPECT_EQ(static_cast<int>(WireError::rebootstrap_required), 129);
  EXPECT_EQ(name_of(WireError::not_leader_or_follower), "not_leader_or_follower");
  EXPECT_EQ(name_of(static_cast<WireError>(9999)), "unknown_error_code");
  EXPECT_EQ(reaction_to(WireError::not_leader_or_follower), WireReaction::refresh);
  EXPECT_EQ(reaction_to(WireError::not_enough_replicas), WireReaction::retry);
  EXPECT_FALSE(is_retriable(WireError::none));
  EXPECT_FALSE(is_retriable(WireError::unknown_server_error));
  EXPECT_EQ(to_wire(ErrorCode::no_space), WireError::kafka_storage_error);
  EXPECT_EQ(to_wire(Error(ErrorCode::topic_exists)), WireError::topic_already_exists);
}

}  // namespace
}  // namespace flux::kafka
