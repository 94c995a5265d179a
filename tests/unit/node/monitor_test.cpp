// What a node tells over http: that it is well, or why not, and what it counted; and that whoever
// asks, in whatever way, takes nothing from anybody.

#include "tests/node_support/node_test.h"

namespace flux::test {
namespace {

using ConnectionPtr = std::unique_ptr<env::Connection>;

class MonitorTest : public NodeTest {
 protected:
  MonitorTest() { settings = "flux.http.listener=http://broker\n"; }

  static ConnectionPtr connect(env::Task& task, sim::NodeEnv& at) {
    auto stream = at.env().network.connect(task, {.host = "broker", .port = 9644});
    EXPECT_TRUE(stream);
    return stream ? std::move(*stream) : nullptr;
  }
  // All that comes until the other side ends the connection.
  static std::string exchange(env::Task& task, env::Connection& stream, std::string_view request) {
    EXPECT_TRUE(env::write_all(task, stream, as_bytes(request)));
    std::string out;
    std::array<std::byte, 4096> piece;
    for (;;) {
      const auto got = stream.read_some(task, piece);
      if (!got || *got == 0) return out;
      out += as_text(ByteView(piece).first(*got));
    }
  }
  static std::string request(std::string_view method, std::string_view path) {
    return std::string(method) + " " + std::string(path) +
           " HTTP/1.1\r\nHost: broker\r\nConnection: close\r\n\r\n";
  }
  // One request over a connection of its own.
  std::string ask(std::string_view method, std::string_view path) {
    std::string out;
    as_client([&](env::Task& task, sim::NodeEnv& at) {
      const ConnectionPtr stream = connect(task, at);
      const std::string answer = exchange(task, *stream, request(method, path));
      const sim::WorldScope scope;  // the text outlives the client
      out = std::string(std::string_view(answer));
    });
    return out;
  }
  std::string get(std::string_view path) { return ask("GET", path); }
};

int status_of(std::string_view answer) {
  return answer.starts_with("HTTP/1.1 ") ? std::stoi(std::string(answer.substr(9, 3))) : 0;
}

std::string body_of(std::string_view answer) {
  const std::size_t end = answer.find("\r\n\r\n");
  return end == std::string_view::npos ? "" : std::string(answer.substr(end + 4));
}

bool has_line(std::string_view text, std::string_view line) {
  return text.find("\n" + std::string(line) + "\n") != std::string_view::npos;
}

TEST_F(MonitorTest, IsOffUnlessAskedFor) {
  settings = "";
  start_node();
  ASSERT_TRUE(ready) << start_error;
  EXPECT_FALSE(running->http());
  as_client([](env::Task& task, sim::NodeEnv& at) {
    EXPECT_FALSE(at.env().network.connect(task, {.host = "broker", .port = 9644}));
  });
}

TEST_F(MonitorTest, TellsHealthAndWhatWasCounted) {
  start_node();
  ASSERT_TRUE(ready) << start_error;
  with_client([&](env::Task& task, client::Client& client) {
    ensure_topic(task, client, "t");
    for (int i = 0; i < 3; ++i) {
      ASSERT_EQ(produce(task, client, "t", "v").fate, client::Fate::acknowledged);
    }
    EXPECT_EQ(consume(task, client, "t").size(), 3U);
    EXPECT_EQ(client::Admin(client).create_topic(task, {.name = "t"}).wire,
              kafka::WireError::topic_already_exists);
  });
  EXPECT_EQ(body_of(get("/healthz")), "ok\n");
  const std::string metrics = get("/metrics");
  EXPECT_EQ(status_of(metrics), 200);
  EXPECT_NE(metrics.find("\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"),
            std::string::npos);
  for (const char* line : {
           "flux_build_info{version=\"unknown\"} 1",
           "flux_healthy 1",
           "flux_requests_total{api=\"produce\"} 3",
           "flux_request_duration_seconds_count{api=\"produce\"} 3",
           "flux_request_errors_total{api=\"create_topics\",error=\"topic_already_exists\"} 1",
           "flux_produced_records_total 3",
           "flux_produced_batches_total 3",
           "flux_append_duration_seconds_count 3",
           "flux_commit_duration_seconds_count 3",
           "flux_topics 1",
           "flux_partitions_led 1",
           "flux_logs_open 1",
           "flux_partitions_failed 0",
           "flux_http_requests_total{code=\"200\"} 1",
           "flux_metrics_series_dropped 0",
       }) {
    EXPECT_TRUE(has_line(metrics, line)) << line << "\n" << metrics;
  }
  EXPECT_TRUE(stop_node());
}

TEST_F(MonitorTest, HasDefinedAnswersForEverythingElse) {
  start_node();
  ASSERT_TRUE(ready) << start_error;
  EXPECT_EQ(status_of(get("/")), 404);
  EXPECT_EQ(status_of(ask("DELETE", "/none")), 404);
  const std::string refused = ask("POST", "/metrics");
  EXPECT_EQ(status_of(refused), 405);
  EXPECT_NE(refused.find("\r\nAllow: GET, HEAD\r\n"), std::string::npos);
  const std::string head = ask("HEAD", "/healthz");
  EXPECT_EQ(status_of(head), 200);
  EXPECT_NE(head.find("\r\nContent-Length: 3\r\n"), std::string::npos);
  EXPECT_EQ(body_of(head), "");
  as_client([&](env::Task& task, sim::NodeEnv& at) {
    EXPECT_EQ(status_of(exchange(task, *connect(task, at), "GET /\r\n\r\n")), 400);
    EXPECT_EQ(status_of(exchange(task, *connect(task, at), std::string(8192, 'x'))), 431);
    // Kept, and asked twice at once.
    const std::string twice = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" + request("GET", "/none");
    const std::string answers = exchange(task, *connect(task, at), twice);
    EXPECT_EQ(status_of(answers), 200);
    EXPECT_EQ(status_of(body_of(answers).substr(3)), 404) << answers;
    // Half a request, and silence.
    const Instant begun = at.env().clock.now();
    EXPECT_EQ(status_of(exchange(task, *connect(task, at), "GET / HT")), 408);
    EXPECT_GE(at.env().clock.now() - begun, seconds(9));
    // Silence alone.
    EXPECT_EQ(exchange(task, *connect(task, at), ""), "");
    EXPECT_GE(at.env().clock.now() - begun, seconds(80));
  });
  EXPECT_TRUE(has_line(get("/metrics"), "flux_http_requests_total{code=\"408\"} 1"));
}

TEST_F(MonitorTest, ACrowdDoesNotKeepAScraperOut) {
  start_node();
  ASSERT_TRUE(ready) << start_error;
  as_client([&](env::Task& task, sim::NodeEnv& at) {
    std::vector<ConnectionPtr> crowd;
    for (int i = 0; i < 100; ++i) crowd.push_back(connect(task, at));
    EXPECT_EQ(body_of(exchange(task, *connect(task, at), request("GET", "/healthz"))), "ok\n");
    // Heads that do not come keep a place, for a while.
    for (const ConnectionPtr& one : crowd) {
      static_cast<void>(env::write_all(task, *one, as_bytes("GET /")));
    }
    crowd.clear();
    for (int i = 0; i < 100; ++i) {
      crowd.push_back(connect(task, at));
      static_cast<void>(env::write_all(task, *crowd.back(), as_bytes("GET /")));
    }
    ASSERT_TRUE(env::sleep_until(task, at.env().clock.now() + seconds(11)));
    EXPECT_EQ(body_of(exchange(task, *connect(task, at), request("GET", "/healthz"))), "ok\n");
  });
  EXPECT_TRUE(stop_node());
}

TEST_F(MonitorTest, SaysWhyItDoesNotStart) {
  settings += "flux.disk.patience.ms=500\n";
  machine.hang();
  start_node();
  EXPECT_FALSE(ready);
  const std::string answer = get("/healthz");
  EXPECT_EQ(status_of(answer), 503);
  EXPECT_TRUE(body_of(answer).starts_with("starting\nthe disk has not answered for ")) << answer;
  EXPECT_TRUE(has_line(get("/metrics"), "flux_healthy 0"));
  machine.resume();
  pass(seconds(5));
  EXPECT_TRUE(ready);
  EXPECT_EQ(body_of(get("/healthz")), "ok\n");
}

TEST_F(MonitorTest, NoticesADiskThatHangsAndOneThatComesBack) {
  settings += "flux.disk.patience.ms=500\n";
  start_node();
  ASSERT_TRUE(ready) << start_error;
  with_client([&](env::Task& task, client::Client& client) { ensure_topic(task, client, "t"); });
  machine.hang();
  with_client([&](env::Task& task, client::Client& client) {
    const auto late = produce(task, client, "t", "during",
                              {.idempotent = false,
                               .retries = 0,
                               .delivery_timeout = seconds(5),
                               .ack_timeout = milliseconds(300)});
    EXPECT_EQ(late.fate, client::Fate::unknown);
  });
  pass(seconds(1));
  const std::string answer = get("/healthz");
  EXPECT_EQ(status_of(answer), 503);
  EXPECT_TRUE(body_of(answer).starts_with("the disk has not answered for ")) << answer;
  EXPECT_EQ(status_of(get("/metrics")), 200);
  machine.resume();
  pass(seconds(5));
  EXPECT_EQ(body_of(get("/healthz")), "ok\n");
  EXPECT_TRUE(stop_node());
}

TEST_F(MonitorTest, NamesPartitionsThatFailedUntilTheyAreOpenAgain) {
  ASSERT_NO_FATAL_FAILURE(start_and_lose_a_log());
  const std::string answer = get("/healthz");
  EXPECT_EQ(status_of(answer), 503);
  EXPECT_TRUE(body_of(answer).ends_with("is not open again: 1\n")) << answer;
  EXPECT_TRUE(has_line(get("/metrics"), "flux_logs_lost_total 1"));
  pass(seconds(2));
  with_client([&](env::Task& task, client::Client& client) {
    EXPECT_EQ(produce(task, client, "t", "after").fate, client::Fate::acknowledged);
  });
  EXPECT_EQ(body_of(get("/healthz")), "ok\n");
}

}  // namespace
}  // namespace flux::test
