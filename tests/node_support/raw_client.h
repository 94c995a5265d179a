// RawClient: frames over one connection, for requests that no decent client would send.
#pragma once

#include <array>
#include <memory>
#include <utility>

#include "core/base/check.h"
#include "core/env/env.h"
#include "net/kafka/request.h"
#include "net/wire/header.h"
#include "net/wire/reader.h"
#include "net/wire/writer.h"

namespace flux::test {

class RawClient {
 public:
  RawClient(env::Env env, std::unique_ptr<env::Connection> stream)
      : env_(env), stream_(std::move(stream)) {}

  env::Env& env() { return env_; }
  env::Connection& stream() { return *stream_; }

  static Bytes frame_of(std::int16_t key, std::int16_t version, std::int32_t correlation,
                        ByteView body) {
    const kafka::ApiInfo* api = kafka::find_api(key);
    wire::Writer to;
    to.begin_frame();
    wire::write_request_header(
        to,
        {.api_key = key, .api_version = version, .correlation_id = correlation, .client_id = "raw"},
        api == nullptr ? wire::RequestHeaderVersion::v1
                       : kafka::request_header_version(*api, version));
    to.raw(body);
    to.end_frame();
    return to.take();
  }
  template <class Request>
  static Bytes frame_of(const Request& request, std::int16_t version, std::int32_t correlation) {
    wire::Writer body;
    const auto encoded = request.encode(body, version);
    CHECK(encoded.has_value());
    const Bytes bytes = body.join();
    return frame_of(Request::kKey, version, correlation, bytes);
  }

  Result<void> send(env::Task& task, ByteView bytes) {
    return env::write_all(task, *stream_, bytes);
  }
  // The next frame without its length.
  Result<Bytes> receive(env::Task& task) {
    std::array<std::byte, 4> prefix;
    TRY(env::read_exact(task, *stream_, prefix));
    Bytes out(load_be<std::uint32_t>(prefix.data()));
    TRY(env::read_exact(task, *stream_, out));
    return out;
  }
  // True when the other side ended the connection, in whatever way.
  bool ended(env::Task& task, Duration within) {
    const env::DeadlineScope deadline(task, env_.clock.now() + within);
    std::array<std::byte, 1> byte;
    auto read = stream_->read_some(task, byte);
    return read ? *read == 0 : read.error() != ErrorCode::timed_out;
  }

  static std::int32_t correlation_of(ByteView answer) {
    return load_be<std::int32_t>(answer.data());
  }
  template <class Response>
  static Result<Response> decode(ByteView answer, std::int16_t version) {
    wire::Reader from(answer);
    const kafka::ApiInfo* api = kafka::find_api(Response::kKey);
    wire::read_response_header(from, kafka::response_header_version(*api, version));
    return Response::decode(from, version);
  }
  // One request and its answer.
  template <class Response, class Request>
  Result<Response> call(env::Task& task, const Request& request, std::int16_t version) {
    TRY(send(task, frame_of(request, version, ++correlation_)));
    kept_ = TRY(receive(task));
    CHECK_EQ(correlation_of(kept_), correlation_);
    return decode<Response>(kept_, version);
  }

 private:
  env::Env env_;
  std::unique_ptr<env::Connection> stream_;
  std::int32_t correlation_ = 0;
  Bytes kept_;  // what the last answer's records point into
};

}  // namespace flux::test
