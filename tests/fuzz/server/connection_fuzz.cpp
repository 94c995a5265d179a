// Any bytes on a connection to a whole broker: every request is answered, or the connection ends;
// nothing hangs and nobody else notices. Input: one byte that says in what pieces they arrive, then
// what the client sends before it ends its side.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "core/base/check.h"
#include "core/controller/data_directory.h"
#include "net/node/kafka_record_codec.h"
#include "net/server/connection.h"
#include "tests/support/small_node.h"

namespace flux::server {
namespace {

// What inputs leave behind (topics, records) is theirs together for so many executions.
constexpr int kExecutionsPerNode = 128;
const NodeId kNode{1};

class FakeStream final : public env::Connection {
 public:
  FakeStream(ByteView input, std::size_t piece) : rest_(input), piece_(piece) {}

  Result<std::size_t> read_some(env::Task&, MutBytes into) override {
    if (closed_) return fail(ErrorCode::closed);
    const std::size_t size = std::min({into.size(), piece_, rest_.size()});
    std::copy_n(rest_.begin(), size, into.begin());
    rest_ = rest_.subspan(size);
    return size;
  }
  Result<std::size_t> write_some(env::Task&, ByteView from) override {
    if (closed_) return fail(ErrorCode::closed);
    return from.size();
  }
  Result<std::size_t> send_range(env::Task& task, env::File& file, std::uint64_t offset,
                                 std::size_t length) override {
    if (closed_) return fail(ErrorCode::closed);
    Bytes bytes(length);
    const std::size_t got = TRY(file.read_at(task, offset, bytes));
    CHECK_EQ(got, length);
    return length;
  }
  void shutdown_write() override {}
  void close() override { closed_ = true; }
  const env::Endpoint& local() const override { return at_; }
  const env::Endpoint& peer() const override { return at_; }
  std::uint64_t id() const override { return 1; }

 private:
  ByteView rest_;
  std::size_t piece_;
  bool closed_ = false;
  env::Endpoint at_{"fuzz", 1};
};

class Target {
 public:
  Target() {
    const bool started = node_.run(
        [&](env::Task& task) {
          CHECK(env::make_directories(task, node_.env().disk, "data").has_value());
          CHECK(controller_
                    .start(task,
                           [this](const controller::Image& image,
                                  std::span<const controller::Record> records) {
                             broker_.on_commit(image, records);
                           })
                    .has_value());
          CHECK(broker_.start(task, registration()).has_value());
          for (const char* name : {"t", "u"}) {
            CHECK(controller_.create_topic(task, {.name = name}, false).has_value());
          }
        },
        test::SmallNode::Until::body_ended);
    CHECK(started);
  }
  ~Target() {
    CHECK(node_.run([&](env::Task& task) { CHECK(broker_.stop(task).has_value()); }),
          "something of the broker's does not stop");
  }
  Target(const Target&) = delete;
  Target& operator=(const Target&) = delete;

  void serve(ByteView input, std::size_t piece) {
    const bool ended = node_.run(
        [&](env::Task& task) {
          Connection connection(shared_, "PLAINTEXT", std::make_unique<FakeStream>(input, piece));
          connection.serve(task);
        },
        test::SmallNode::Until::body_ended);
    CHECK(ended, "a fiber waits for what never comes");
  }

 private:
  static controller::ControllerConfig controller_config() {
    controller::ControllerConfig out;
    out.log.data_directory = "data";
    out.log.node = kNode;
    out.feature_level = {"metadata.version", node::kMetadataVersionMax};
    out.feature_level_max = node::kMetadataVersionMax;
    return out;
  }
  static std::vector<controller::FeatureRange> features() {
    return {{"metadata.version", node::kMetadataVersionMin, node::kMetadataVersionMax}};
  }
  static controller::RegisterBrokerRecord registration() {
    return {.broker = kNode,
            .incarnation = Uuid{1, 2},
            .endpoints = {{.listener = "PLAINTEXT", .host = "fuzz", .port = 9092}},
            .features = features(),
            .rack = {},
            .fenced = false,
            .directories = {Uuid{3, 4}}};
  }

  test::SmallNode node_;
  node::KafkaRecordCodec codec_;
  controller::Controller controller_{node_.env(), codec_, controller_config()};
  broker::Broker broker_{node_.env(),
                         {.node = kNode,
                          .data_directory = "data",
                          .topic_defaults = {},
                          .log = {},
                          .batch_plain_bytes_max = 1 << 20},
                         controller_};
  Shared shared_{.env = node_.env(),
                 .broker = broker_,
                 .config = {.listeners = {}, .request_bytes_max = 1 << 20},
                 .facts = {.node = kNode, .cluster_id = "fuzz", .features = features()},
                 .fetch_sessions = FetchSessions({}),
                 .request_memory = RequestMemory(64U << 20),
                 .extra_requests = ExtraRequests(100)};
};

void try_input(ByteView input) {
  static std::unique_ptr<Target> target;
  static int executions = 0;
  if (input.empty()) return;
  if (!target || ++executions % kExecutionsPerNode == 0) {
    target.reset();
    target = std::make_unique<Target>();
  }
  const std::size_t piece = 1 + std::to_integer<std::size_t>(input[0]) * 16;
  target->serve(input.subspan(1), piece);
}

}  // namespace
}  // namespace flux::server

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  flux::server::try_input(std::as_bytes(std::span(data, size)));
  return 0;
}
