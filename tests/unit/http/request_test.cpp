// Heads of requests: what is taken, what is refused and with which status.

#include "net/http/request.h"

#include <gtest/gtest.h>

namespace flux::http {
namespace {

constexpr std::string_view kHost = "Host: x\r\n";

Request taken(std::string_view bytes) {
  const Parsed parsed = parse_request(bytes);
  EXPECT_TRUE(std::holds_alternative<Request>(parsed)) << bytes;
  const auto* request = std::get_if<Request>(&parsed);
  return request == nullptr ? Request{} : *request;
}

int refused(std::string_view bytes) {
  const Parsed parsed = parse_request(bytes);
  const auto* refusal = std::get_if<Refusal>(&parsed);
  return refusal == nullptr ? 0 : static_cast<int>(refusal->status);
}

std::string get(std::string_view target, std::string_view headers = kHost) {
  return "GET " + std::string(target) + " HTTP/1.1\r\n" + std::string(headers) + "\r\n";
}

TEST(Request, WhatScrapersSend) {
  const std::string text =
      "GET /metrics?x=1 HTTP/1.1\r\nHost: [::1]:9644\r\nUser-Agent: Prometheus/2.42.0\r\n"
      "Accept: text/plain;version=0.0.4;q=1,*/*;q=0.1\r\nAccept-Encoding: gzip\r\n\r\n";
  EXPECT_EQ(
      taken(text),
      (Request{
          .method = "GET", .path = "/metrics", .keep_alive = true, .head_bytes = text.size()}));
  // What follows is the next request's.
  EXPECT_EQ(taken(text + "HEAD / HTTP").head_bytes, text.size());
  EXPECT_EQ(taken("\r\n" + text).head_bytes, text.size() + 2);
  EXPECT_EQ(taken("\r\n" + text).path, "/metrics");
}

TEST(Request, TargetsAndVersions) {
  EXPECT_EQ(taken(get("/")).path, "/");
  EXPECT_EQ(taken(get("/?a=/b")).path, "/");
  EXPECT_EQ(taken(get("http://broker:9644/healthz")).path, "/healthz");
  EXPECT_EQ(taken(get("HTTP://broker")).path, "/");
  EXPECT_EQ(taken("OPTIONS * HTTP/1.1\r\nHost:\r\n\r\n").path, "*");
  EXPECT_FALSE(taken("GET / HTTP/1.0\r\n\r\n").keep_alive);
  EXPECT_FALSE(taken(get("/", "host: x\r\nCONNECTION: upgrade , Close\r\n")).keep_alive);
  EXPECT_TRUE(taken(get("/", "host: x\r\nConnection: keep-alive, closed\r\n")).keep_alive);
  EXPECT_TRUE(taken(get("/", "Host: x\r\nContent-Length: 0\r\n")).keep_alive);
}

TEST(Request, EveryPrefixIsIncompleteOrTheSameRefusal) {
  const std::string text = get("/healthz", "Host: x\r\nAccept: */*\r\n");
  for (std::size_t size = 0; size < text.size(); ++size) {
    EXPECT_TRUE(std::holds_alternative<Incomplete>(parse_request(text.substr(0, size)))) << size;
  }
}

TEST(Request, WhatMakesNoSenseIs400) {
  for (const std::string& bad :
       {std::string("\r\n\r\nGET\r\n\r\n"), std::string("GET /\r\n\r\n"),
        std::string("GET  / HTTP/1.1\r\nHost: x\r\n\r\n"),
        std::string("GET / HTTP/1.1 \r\nHost: x\r\n\r\n"),
        std::string("G(T / HTTP/1.1\r\nHost: x\r\n\r\n"),
        std::string("GET healthz HTTP/1.1\r\nHost: x\r\n\r\n"),
        std::string("GET http:///x HTTP/1.1\r\nHost: x\r\n\r\n"),
        std::string("GET /\x01 HTTP/1.1\r\nHost: x\r\n\r\n"),
        std::string("GET /\xC3\xA4 HTTP/1.1\r\nHost: x\r\n\r\n"),
        std::string("GET / http/1.1\r\nHost: x\r\n\r\n"),
        // No Host, two of them.
        get("/", ""), get("/", "Host: x\r\nhost: y\r\n"),
        // Where two readers might differ.
        get("/", "Host: x\r\nA : b\r\n"), get("/", "Host: x\r\n folded\r\n"),
        get("/", "Host: x\r\nnothing\r\n"), get("/", "Host: x\r\nA: b\rc\r\n"),
        get("/", "Host: x\r\nA: b\nB: c\r\n"), get("/", "Host: x\r\n: b\r\n"),
        get("/", std::string("Host: x\r\nA: ") + '\0' + "\r\n"),
        // Bodies.
        get("/", "Host: x\r\nContent-Length: 5\r\n"), get("/", "Host: x\r\nContent-Length: 00\r\n"),
        get("/", "Host: x\r\nTransfer-Encoding: chunked\r\n")}) {
    EXPECT_EQ(refused(bad), 400) << bad;
  }
}

TEST(Request, OtherVersionsAre505) {
  EXPECT_EQ(refused("PRI * HTTP/2.0\r\n\r\n"), 505);
  EXPECT_EQ(refused("GET / HTTP/1.2\r\nHost: x\r\n\r\n"), 505);
}

TEST(Request, AHeadHasALimit) {
  const std::string rest = get("/", "Host: x\r\nA: \r\n");
  const std::string most =
      get("/", "Host: x\r\nA: " + std::string(kHeadBytesMax - rest.size(), 'a') + "\r\n");
  ASSERT_EQ(most.size(), kHeadBytesMax);
  EXPECT_EQ(taken(most).path, "/");
  EXPECT_EQ(refused(get("/", "Host: x\r\nA: " + std::string(kHeadBytesMax - rest.size() + 1, 'a') +
                                 "\r\n")),
            431);
  EXPECT_EQ(refused(std::string(kHeadBytesMax, 'G')), 431);
  EXPECT_EQ(refused(std::string(kHeadBytesMax, '\n')), 431);
  std::string empty;
  for (std::size_t i = 0; i < kHeadBytesMax; i += 2) empty += "\r\n";
  EXPECT_EQ(refused(empty), 431);
}

}  // namespace
}  // namespace flux::http
