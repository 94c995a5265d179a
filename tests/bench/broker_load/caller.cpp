#include "tests/bench/broker_load/caller.h"

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <time.h>
#include <unistd.h>
#include <utility>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "core/base/check.h"
#include "core/record/batch_builder.h"
#include "net/kafka/gen/create_topics.h"
#include "net/kafka/gen/delete_topics.h"
#include "net/kafka/gen/list_offsets.h"
#include "net/kafka/gen/produce.h"
#include "net/kafka/request.h"
#include "net/wire/header.h"
#include "net/wire/writer.h"

namespace flux::load {

namespace {

constexpr int kTimeoutMs = 30'000;
constexpr std::int16_t kCreateTopicsVersion = 5;
constexpr std::int16_t kDeleteTopicsVersion = 4;
constexpr std::int16_t kListOffsetsVersion = 4;

std::unexpected<Error> failed(const std::string& what) {
  return fail(ErrorCode::io_error, what + ": " + std::strerror(errno));
}

std::unexpected<Error> refused(const std::string& what, kafka::WireError error) {
  const bool there = error == kafka::WireError::topic_already_exists;
  return fail(there ? ErrorCode::exists : ErrorCode::invalid,
              what + ": error " + std::to_string(static_cast<std::int16_t>(error)));
}

template <class Request>
Bytes frame_of(const Request& request, std::int16_t version, std::int32_t correlation) {
  const kafka::ApiInfo* api = kafka::find_api(Request::kKey);
  wire::Writer to;
  to.begin_frame();
  wire::write_request_header(to,
                             {.api_key = Request::kKey,
                              .api_version = version,
                              .correlation_id = correlation,
                              .client_id = "bench"},
                             kafka::request_header_version(*api, version));
  const auto encoded = request.encode(to, version);
  CHECK(encoded.has_value());
  to.end_frame();
  return to.join();
}

template <class Response>
Result<Response> decode(ByteView answer, std::int16_t version) {
  wire::Reader from(answer);
  const kafka::ApiInfo* api = kafka::find_api(Response::kKey);
  wire::read_response_header(from, kafka::response_header_version(*api, version));
  return Response::decode(from, version);
}

Bytes one_record(std::size_t value_bytes) {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  const record::Timestamp timestamp(now.tv_sec * 1000 + now.tv_nsec / 1'000'000);
  const Bytes value(value_bytes);
  auto batch = record::BatchBuilder().add(timestamp, std::nullopt, ByteView(value)).build();
  CHECK(batch.has_value());
  return std::move(*batch);
}

kafka::ProduceRequest produce_request(const std::string& topic, const std::vector<int>& partitions,
                                      ByteView batch) {
  kafka::ProduceRequest out;
  out.acks = -1;
  out.timeout_ms = kTimeoutMs;
  out.topics.push_back({.name = topic, .topic_id = {}, .partitions = {}});
  for (const int partition : partitions) {
    out.topics[0].partitions.push_back(
        {.index = PartitionIndex(partition), .records = wire::Records(batch)});
  }
  return out;
}

}  // namespace

Result<Address> parse_address(const std::string& text) {
  Address out;
  const std::size_t colon = text.rfind(':');
  if (colon != std::string::npos) {
    out.host = text.substr(0, colon);
    const char* const end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data() + colon + 1, end, out.port);
    if (parsed.ec == std::errc() && parsed.ptr == end && out.port != 0) return out;
  }
  return fail(ErrorCode::invalid, "'" + text + "' is not HOST:PORT");
}

Result<int> connect_to(const Address& at) {
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = htons(at.port);
  if (::inet_pton(AF_INET, at.host.c_str(), &name.sin_addr) != 1) {
    return fail(ErrorCode::invalid, "'" + at.host + "' is not an IPv4 address");
  }
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket < 0) return failed("socket");
  const int on = 1;
  ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::connect(socket, reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0) {
    const int error = std::exchange(errno, 0);
    ::close(socket);
    errno = error;
    return failed("connect");
  }
  return socket;
}

Result<Caller> Caller::connect(const Address& at) {
  const int socket = TRY(connect_to(at));
  const timeval patience{.tv_sec = kTimeoutMs / 1000, .tv_usec = 0};
  ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  return Caller(socket);
}

Caller::~Caller() {
  if (socket_ >= 0) ::close(socket_);
}

Caller::Caller(Caller&& other) noexcept
    : socket_(std::exchange(other.socket_, -1)), correlation_(other.correlation_) {}

Result<Bytes> Caller::exchange(ByteView frame) {
  while (!frame.empty()) {
    const ssize_t sent = ::send(socket_, frame.data(), frame.size(), MSG_NOSIGNAL);
    if (sent < 0) return failed("send");
    frame = frame.subspan(static_cast<std::size_t>(sent));
  }
  const auto take = [this](MutBytes into) -> Result<void> {
    const ssize_t got = ::recv(socket_, into.data(), into.size(), MSG_WAITALL);
    if (got < 0) return failed("recv");
    if (static_cast<std::size_t>(got) != into.size()) return fail(ErrorCode::closed);
    return {};
  };
  std::array<std::byte, 4> length;
  TRY(take(length));
  Bytes answer(load_be<std::uint32_t>(length.data()));
  TRY(take(answer));
  return answer;
}

template <class Request>
Result<Bytes> Caller::ask(const Request& request, std::int16_t version) {
  return exchange(frame_of(request, version, ++correlation_));
}

Result<void> Caller::create(const std::vector<Topic>& topics) {
  kafka::CreateTopicsRequest request;
  request.timeout_ms = kTimeoutMs;
  for (const Topic& topic : topics) {
    auto& wanted = request.topics.emplace_back();
    wanted.name = topic.name;
    wanted.num_partitions = topic.partitions;
    wanted.replication_factor = 1;
    for (const std::string& setting : topic.settings) {
      const std::size_t equals = setting.find('=');
      if (equals == std::string::npos) {
        return fail(ErrorCode::invalid, "'" + setting + "' is not NAME=VALUE");
      }
      wanted.configs.push_back({setting.substr(0, equals), setting.substr(equals + 1)});
    }
  }
  const Bytes answer = TRY(ask(request, kCreateTopicsVersion));
  const auto response = TRY(decode<kafka::CreateTopicsResponse>(answer, kCreateTopicsVersion));
  for (const auto& topic : response.topics) {
    if (topic.error != kafka::WireError::none)
      return refused("creating " + topic.name, topic.error);
  }
  return {};
}

Result<void> Caller::remove(const std::string& topic) {
  kafka::DeleteTopicsRequest request;
  request.timeout_ms = kTimeoutMs;
  request.topic_names = {topic};
  const Bytes answer = TRY(ask(request, kDeleteTopicsVersion));
  const auto response = TRY(decode<kafka::DeleteTopicsResponse>(answer, kDeleteTopicsVersion));
  for (const auto& one : response.topics) {
    if (one.error != kafka::WireError::none) return refused("deleting " + topic, one.error);
  }
  return {};
}

Result<void> Caller::produce_to(const std::string& topic, std::vector<int>& wanted) {
  const Bytes batch = one_record(1);
  const auto request = produce_request(topic, wanted, batch);
  const Bytes answer = TRY(ask(request, kProduceVersion));
  const auto response = TRY(decode<kafka::ProduceResponse>(answer, kProduceVersion));
  wanted.clear();
  for (const auto& of_topic : response.topics) {
    for (const auto& partition : of_topic.partitions) {
      if (partition.error != kafka::WireError::none) wanted.push_back(partition.index.value());
    }
  }
  return {};
}

Result<std::int64_t> Caller::end_offsets(const Topic& topic) {
  constexpr std::int64_t kEnd = -1;
  kafka::ListOffsetsRequest request;
  auto& wanted = request.topics.emplace_back();
  wanted.name = topic.name;
  for (int i = 0; i < topic.partitions; ++i) {
    wanted.partitions.push_back({.index = PartitionIndex(i), .timestamp = kEnd});
  }
  const Bytes answer = TRY(ask(request, kListOffsetsVersion));
  const auto response = TRY(decode<kafka::ListOffsetsResponse>(answer, kListOffsetsVersion));
  std::int64_t sum = 0;
  for (const auto& of_topic : response.topics) {
    for (const auto& partition : of_topic.partitions) {
      if (partition.error != kafka::WireError::none) {
        return refused("the end of " + topic.name, partition.error);
      }
      sum += partition.offset.value();
    }
  }
  return sum;
}

Bytes produce_frame(const std::string& topic, int partition, std::size_t value_bytes) {
  const Bytes batch = one_record(value_bytes);
  return frame_of(produce_request(topic, {partition}, batch), kProduceVersion, 0);
}

// correlation id (4), topics (4), name (2 + n), partitions (4), index (4), error (2), base offset
// (8), append time (8), log start (8), throttle time (4)
Result<std::int64_t> read_produced(ByteView answer, const std::string& topic, int partition) {
  const std::size_t at = 4 + 4 + 2 + topic.size() + 4;
  constexpr std::size_t kRest = 4 + 2 + 8 + 8 + 8 + 4;
  if (answer.size() != at + kRest) {
    return fail(ErrorCode::corrupt, "an answer of " + std::to_string(answer.size()) + " bytes");
  }
  if (load_be<std::int32_t>(answer.data() + at) != partition) {
    return fail(ErrorCode::corrupt, "an answer for another partition");
  }
  const auto error = load_be<std::int16_t>(answer.data() + at + 4);
  if (error != 0) return refused("producing", static_cast<kafka::WireError>(error));
  return load_be<std::int64_t>(answer.data() + at + 6);
}

}  // namespace flux::load
