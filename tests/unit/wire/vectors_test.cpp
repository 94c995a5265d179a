// Bytes that other people's code wrote (tests/vectors) decode to the values that they stand for,
// and those values encode to the same bytes. Of what clients sent only the bytes are known: they
// decode, and encode to themselves.

#include <cstdio>
#include <filesystem>
#include <set>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "core/base/check.h"
#include "net/kafka/gen/apis.h"
#include "net/kafka/gen/reflection.h"
#include "net/kafka/request.h"
#include "net/wire/codec.h"

namespace flux::kafka {
namespace {

using Json = nlohmann::json;

std::string read_text(const std::string& path) {
  std::FILE* file = std::fopen(path.c_str(), "rb");
  if (file == nullptr) return "";
  std::string out;
  char buffer[4096];
  while (const std::size_t n = std::fread(buffer, 1, sizeof buffer, file)) out.append(buffer, n);
  std::fclose(file);
  return out;
}

std::string to_hex(ByteView bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (const std::byte b : bytes) {
    out += kDigits[std::to_integer<unsigned>(b) >> 4];
    out += kDigits[std::to_integer<unsigned>(b) & 15];
  }
  return out;
}

Bytes from_hex(std::string_view text) {
  CHECK(text.size() % 2 == 0);
  Bytes out;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    out.push_back(static_cast<std::byte>(std::stoi(std::string(text.substr(i, 2)), nullptr, 16)));
  }
  return out;
}

template <class T>
Json to_json(const T& value) {
  if constexpr (requires { value.has_value(); }) {
    return value ? to_json(*value) : Json(nullptr);
  } else if constexpr (std::integral<T> || std::same_as<T, std::string>) {
    return value;
  } else if constexpr (std::is_enum_v<T>) {
    return static_cast<std::underlying_type_t<T>>(value);
  } else if constexpr (wire::StrongInteger<T>) {
    return value.value();
  } else if constexpr (std::same_as<T, Uuid>) {
    return value.to_string();
  } else if constexpr (std::same_as<T, wire::Records>) {
    return value.is_null() ? Json(nullptr) : Json(to_hex(value.bytes()));
  } else if constexpr (std::same_as<T, Bytes>) {
    return to_hex(value);
  } else if constexpr (wire::Structure<T>) {
    Json out = Json::object();
    reflect::each_field(value, [&](const char* name, const auto& field, const auto&) {
      out[name] = to_json(field);
    });
    return out;
  } else {
    Json out = Json::array();
    for (const auto& element : value) out.push_back(to_json(element));
    return out;
  }
}

// What `expected` names must be equal; what it leaves out must be as in a new struct.
template <class T>
void expect_equal(const T& actual, const Json& expected, const std::string& where) {
  if constexpr (wire::Structure<T>) {
    const T fresh;
    const Json defaults = to_json(fresh);
    std::size_t named = 0;
    reflect::each_field(actual, [&](const char* name, const auto& field, const auto&) {
      const auto at = expected.find(name);
      if (at == expected.end()) {
        EXPECT_EQ(to_json(field), defaults[name]) << where << "." << name;
      } else {
        ++named;
        expect_equal(field, *at, where + "." + name);
      }
    });
    EXPECT_EQ(named, expected.size()) << where << " has other fields than " << expected;
  } else if constexpr (requires { actual.has_value(); }) {
    ASSERT_EQ(actual.has_value(), !expected.is_null()) << where;
    if (actual) expect_equal(*actual, expected, where);
  } else if constexpr (requires { requires wire::Structure<typename T::value_type>; }) {
    ASSERT_EQ(actual.size(), expected.size()) << where;
    for (std::size_t i = 0; i < actual.size(); ++i) {
      expect_equal(actual[i], expected[i], where + "[]");
    }
  } else {
    EXPECT_EQ(to_json(actual), expected) << where;
  }
}

template <class Message>
void check_vector(const Json& vector) {
  const auto version = vector["version"].get<std::int16_t>();
  SCOPED_TRACE(testing::Message() << Message::kName << " v" << version);
  const Bytes bytes = from_hex(vector["bytes"].get<std::string>());
  wire::Reader from(bytes);
  const auto message = Message::decode(from, version);
  ASSERT_TRUE(message.has_value()) << message.error().to_string();
  EXPECT_EQ(from.remaining(), 0u);
  expect_equal(*message, vector["value"], std::string(Message::kName));

  wire::Writer to;
  const auto done = message->encode(to, version);
  ASSERT_TRUE(done.has_value()) << done.error().to_string();
  EXPECT_EQ(to_hex(to.join()), to_hex(bytes));
}

template <class Message>
std::string vector_path(const char* folder) {
  return std::string(FLUX_SOURCE_DIR "/tests/vectors/") + folder + "/" +
         std::string(Message::kName) + ".json";
}

TEST(WireVectors, ApiMessagesOfOtherClients) {
  std::size_t checked = 0;
  reflect::each_message([&]<class Message>() {
    const std::string text = read_text(vector_path<Message>("api"));
    if (text.empty()) return;
    std::size_t versions = 0;
    for (const Json& vector : Json::parse(text)) {
      check_vector<Message>(vector);
      ++versions;
    }
    // Two for each version.
    EXPECT_EQ(versions, 2u * (Message::kVersionMax - Message::kVersionMin + 1)) << Message::kName;
    ++checked;
  });
  EXPECT_EQ(checked, 2 * kApis.size()) << "a request and a response for each";
}

TEST(WireVectors, RecordsOfAKafkaMetadataLog) {
  std::size_t checked = 0;
  reflect::each_message([&]<class Message>() {
    const std::string text = read_text(vector_path<Message>("record"));
    if (text.empty()) return;
    for (const Json& vector : Json::parse(text)) {
      check_vector<Message>(vector);
      ++checked;
    }
  });
  EXPECT_GE(checked, 25u);
}

// Whole frames: the header, its client id and the body.
void check_request(const Bytes& frame) {
  wire::Reader from(frame);
  const auto header = decode_request_header(from);
  ASSERT_TRUE(header.has_value()) << header.error().to_string();
  const ApiInfo* api = find_api(header->api_key);
  ASSERT_NE(api, nullptr);
  const std::string name = std::string(api->name) + "_request";
  SCOPED_TRACE(testing::Message() << name << " v" << header->api_version);
  bool found = false;
  reflect::each_message([&]<class Message>() {
    if (Message::kName != name) return;
    found = true;
    const auto message = Message::decode(from, header->api_version);
    ASSERT_TRUE(message.has_value()) << message.error().to_string();
    EXPECT_EQ(from.remaining(), 0u);
    wire::Writer to;
    wire::write_request_header(to, *header, request_header_version(*api, header->api_version));
    const auto done = message->encode(to, header->api_version);
    ASSERT_TRUE(done.has_value()) << done.error().to_string();
    EXPECT_EQ(to_hex(to.join()), to_hex(frame));
  });
  EXPECT_TRUE(found);
}

TEST(WireVectors, RequestsAsOtherClientsSendThem) {
  std::set<std::pair<int, int>> kinds;
  std::size_t files = 0;
  for (const auto& file :
       std::filesystem::directory_iterator(FLUX_SOURCE_DIR "/tests/vectors/clients")) {
    SCOPED_TRACE(file.path().filename());
    ++files;
    for (const Json& request : Json::parse(read_text(file.path()))) {
      check_request(from_hex(request["frame"].get<std::string>()));
      kinds.emplace(request["api"].get<int>(), request["version"].get<int>());
    }
  }
  EXPECT_GE(files, 6u);
  EXPECT_GE(kinds.size(), 20u);
}

}  // namespace
}  // namespace flux::kafka
