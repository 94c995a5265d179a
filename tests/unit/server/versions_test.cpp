// Every API in every version: it is answered in that version, and what is no request of it ends the
// connection with a reason.

#include <algorithm>
#include <fstream>

#include <nlohmann/json.hpp>

#include "net/kafka/gen/reflection.h"
#include "net/server/dispatch.h"
#include "tests/node_support/node_test.h"

namespace flux::test {
namespace {

using Json = nlohmann::json;

Bytes from_hex(const std::string& text) {
  Bytes out;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    out.push_back(static_cast<std::byte>(std::stoi(text.substr(i, 2), nullptr, 16)));
  }
  return out;
}

class VersionsTest : public NodeTest {
 protected:
  void SetUp() override {
    start_node();
    ASSERT_TRUE(ready) << start_error;
  }
};

const kafka::ApiInfo& info_of(const server::Served& served) {
  return *kafka::find_api(static_cast<std::int16_t>(served.key));
}

// Whether the frame is an answer of this API in this version, to its last byte.
bool is_answer(const kafka::ApiInfo& api, std::int16_t version, ByteView frame) {
  bool found = false;
  kafka::reflect::each_message([&]<class Message>() {
    if constexpr (requires { Message::kKey; }) {
      const bool wanted = Message::kName == std::string(api.name) + "_response";
      if (!wanted || Message::kKey != static_cast<std::int16_t>(api.key)) return;
      wire::Reader from(frame);
      wire::read_response_header(from, kafka::response_header_version(api, version));
      found = Message::decode(from, version).has_value() && from.remaining() == 0;
    }
  });
  return found;
}

// The least and the most that another implementation writes.
std::vector<std::pair<std::int16_t, Bytes>> requests_of(const kafka::ApiInfo& api) {
  std::ifstream file(FLUX_SOURCE_DIR "/tests/vectors/api/" + std::string(api.name) +
                     "_request.json");
  std::vector<std::pair<std::int16_t, Bytes>> out;
  for (const Json& vector : Json::parse(file)) {
    out.emplace_back(vector["version"].get<std::int16_t>(),
                     from_hex(vector["bytes"].get<std::string>()));
  }
  return out;
}

TEST_F(VersionsTest, EachIsAnsweredInItsOwnForm) {
  for (const server::Served& served : server::served_apis()) {
    const kafka::ApiInfo& api = info_of(served);
    if (api.key == kafka::ApiKey::produce) continue;  // acks by rule: mostly no answer is wanted
    std::size_t answered = 0;
    for (const auto& [version, body] : requests_of(api)) {
      SCOPED_TRACE(std::string(api.name) + " v" + std::to_string(version));
      with_stream([&](env::Task& task, RawClient& raw) {
        ASSERT_TRUE(raw.send(
            task, RawClient::frame_of(static_cast<std::int16_t>(api.key), version, 7, body)));
        const auto frame = raw.receive(task);
        ASSERT_TRUE(frame) << frame.error().to_string();
        EXPECT_EQ(RawClient::correlation_of(*frame), 7);
        EXPECT_TRUE(is_answer(api, version, *frame));
        ++answered;
      });
    }
    EXPECT_EQ(answered, 2U * static_cast<std::size_t>(api.version_max - api.version_min + 1))
        << api.name;
  }
}

TEST_F(VersionsTest, WhatIsNoRequestEndsTheConnectionWithAReason) {
  std::size_t reasons = 0;
  world.trace().watch([&](const sim::TraceHead&, env::Severity, std::string_view event,
                          std::initializer_list<env::Field> fields) {
    if (event != "server.connection_failed") return;
    for (const env::Field& field : fields) reasons += field.name == "why" && !field.text.empty();
  });
  const Bytes garbage(64, std::byte{0xFF});
  std::size_t sent = 0;
  for (const server::Served& served : server::served_apis()) {
    const kafka::ApiInfo& api = info_of(served);
    for (std::int16_t version = api.version_min; version <= api.version_max; ++version) {
      SCOPED_TRACE(std::string(api.name) + " v" + std::to_string(version));
      with_stream([&](env::Task& task, RawClient& raw) {
        const auto key = static_cast<std::int16_t>(api.key);
        ASSERT_TRUE(raw.send(task, RawClient::frame_of(key, version, 7, garbage)));
        EXPECT_TRUE(raw.ended(task, seconds(1)));
        // The log tells one such line a second.
        ASSERT_TRUE(env::sleep_until(task, raw.env().clock.now() + seconds(1)));
      });
      ++sent;
    }
  }
  EXPECT_EQ(reasons, sent);
}

}  // namespace
}  // namespace flux::test
