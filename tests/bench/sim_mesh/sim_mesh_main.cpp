// Workloads 1 to 3 of the simulator comparison (tools/peers/simpeers) on Flux's world: mesh
// ping-pong, idle cluster, lossy RPC with timers and crashes.
//
//   sim_mesh mesh|idle|lossy [--seed N] [--replies N] [--nodes N] [--outstanding N] [--hours N]
//
// A message is a frame of 256 (request) or 16 bytes (reply) over a byte stream: id (8), slot (2),
// length (2). One connection joins each pair of nodes; one task a connection reads frames. In the
// lossy workload the loss is drawn in the program, before the write, as turmoil's program draws it.
#include <array>
#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include <sys/resource.h>

#include "core/base/check.h"
#include "sim/env/node_env.h"

namespace {

using flux::Bytes;
using flux::Duration;
using flux::Instant;
using flux::Key;
using flux::Result;
using flux::env::Connection;
using flux::env::Task;

constexpr std::size_t kRequestBytes = 256;
constexpr std::size_t kReplyBytes = 16;
constexpr std::uint16_t kPort = 1000;
constexpr Duration kTimeout = flux::milliseconds(50);
constexpr Key kPeer = flux::key("mesh.peer");
constexpr Key kLost = flux::key("mesh.lost");

struct Options {
  std::string workload;
  std::uint64_t seed = 1;
  std::uint64_t replies = 1'000'000;
  std::uint64_t nodes = 5;
  std::uint64_t outstanding = 64;
  double hours = 1;
};

// What the harness counts; it belongs to the world and outlives the nodes.
struct Stats {
  std::uint64_t delivered = 0;
  std::uint64_t replies = 0;
  std::uint64_t sent = 0;
  std::uint64_t retries = 0;
  std::uint64_t stale = 0;
  std::uint64_t crashes = 0;
  std::uint64_t hash = 0xCBF29CE484222325ULL;

  void deliver(std::uint64_t now, std::uint64_t source, std::uint64_t target, std::uint64_t id) {
    ++delivered;
    for (const std::uint64_t word : {now, source, target, id}) {
      hash = (hash ^ word) * 0x100000001B3ULL;  // FNV-1a, a 64-bit word at a time
    }
  }
};

struct Slot {
  std::uint64_t id = 0;
  std::uint64_t peer = 0;
};

struct Attempt {
  Instant due;
  std::uint64_t slot;
  std::uint64_t id;
};

class Node {
 public:
  Node(const Options& options, Stats& stats, flux::sim::World& world, flux::env::Env env,
       std::uint64_t me, std::uint64_t boot)
      : options_(options),
        stats_(stats),
        world_(world),
        env_(env),
        me_(me),
        boot_(boot),
        connections_(options.nodes),
        slots_(options.outstanding) {}

  void run(Task& task) {
    auto listener = env_.network.listen(task, {host(me_), kPort});
    CHECK(listener.has_value());
    listener_ = std::move(*listener);
    env_.scheduler.spawn("accept", [this](Task& t) { accept(t); });
    // After a crash a node connects to all; at the start the lower connects to the higher.
    for (std::uint64_t peer = boot_ == 1 ? me_ + 1 : 0; peer < options_.nodes; ++peer) {
      if (peer != me_) connect(task, peer);
    }
    CHECK(sleep_until(task, Instant(env_.clock.now() + flux::milliseconds(100))).has_value());
    if (options_.workload == "idle") return beat(task);
    for (std::uint64_t slot = 0; slot < options_.outstanding; ++slot) request(task, slot);
    if (options_.workload == "lossy") return expire(task);
    task.scheduler().park(task);
  }

 private:
  static std::string host(std::uint64_t node) { return "n" + std::to_string(node); }

  void connect(Task& task, std::uint64_t peer) {
    for (;;) {
      auto made = env_.network.connect(task, {host(peer), kPort});
      if (!made) {
        CHECK(sleep_until(task, env_.clock.now() + flux::milliseconds(10)).has_value());
        continue;
      }
      const std::byte hello{static_cast<unsigned char>(me_)};
      if (!write_all(task, **made, {&hello, 1})) continue;
      return join(peer, std::move(*made));
    }
  }

  void accept(Task& task) {
    for (;;) {
      auto made = listener_->accept(task);
      if (!made) return;
      std::byte hello{};
      if (!read_exact(task, **made, {&hello, 1})) continue;
      join(static_cast<std::uint64_t>(hello), std::move(*made));
    }
  }

  void join(std::uint64_t peer, std::unique_ptr<Connection> connection) {
    connections_[peer] = connection.get();
    kept_.push_back(std::move(connection));
    env_.scheduler.spawn("read", [this, peer](Task& t) { read(t, peer); });
  }

  void read(Task& task, std::uint64_t peer) {
    Connection* connection = connections_[peer];
    std::array<std::byte, 1024> buffer;
    std::size_t have = 0;
    for (;;) {
      const Result<std::size_t> got = connection->read_some(task, std::span(buffer).subspan(have));
      if (!got || *got == 0) {
        if (connections_[peer] == connection) connections_[peer] = nullptr;
        return connection->close();
      }
      have += *got;
      std::size_t at = 0;
      while (have - at >= kReplyBytes) {
        const std::size_t length = flux::load_be<std::uint16_t>(buffer.data() + at + 10);
        if (have - at < length) break;
        handle(task, peer, {buffer.data() + at, length});
        at += length;
      }
      std::memmove(buffer.data(), buffer.data() + at, have - at);
      have -= at;
    }
  }

  void handle(Task& task, std::uint64_t peer, flux::ByteView frame) {
    const auto id = flux::load_be<std::uint64_t>(frame.data());
    const auto slot = flux::load_be<std::uint16_t>(frame.data() + 8);
    stats_.deliver(static_cast<std::uint64_t>(world_.now().ns()), peer, me_, id);
    if (frame.size() == kRequestBytes) return send(task, peer, id, slot, kReplyBytes);
    if (options_.workload == "idle") return;
    if (slots_[slot].id != id) {
      ++stats_.stale;  // an answer to an attempt given up on
      return;
    }
    if (++stats_.replies >= options_.replies) world_.stop();
    request(task, slot);
  }

  void request(Task& task, std::uint64_t slot) {
    const std::uint64_t id = me_ << 56 | boot_ << 48 | ++sequence_;
    const std::uint64_t other = env_.random.draw(kPeer.with(id), options_.nodes - 1);
    slots_[slot] = {id, (me_ + 1 + other) % options_.nodes};
    attempt(task, slot);
  }

  void attempt(Task& task, std::uint64_t slot) {
    if (options_.workload == "lossy") {
      attempts_.push_back({env_.clock.now() + kTimeout, slot, slots_[slot].id});
    }
    send(task, slots_[slot].peer, slots_[slot].id, static_cast<std::uint16_t>(slot), kRequestBytes);
  }

  void send(Task& task, std::uint64_t peer, std::uint64_t id, std::uint16_t slot,
            std::size_t length) {
    if (options_.workload == "lossy" &&
        env_.random.chance(kLost.with(id).with(length).with(++sends_), flux::ratio(1, 100))) {
      return;
    }
    Connection* connection = connections_[peer];
    if (!connection) return;
    std::array<std::byte, kRequestBytes> frame{};
    flux::store_be(frame.data(), id);
    flux::store_be(frame.data() + 8, slot);
    flux::store_be(frame.data() + 10, static_cast<std::uint16_t>(length));
    ++stats_.sent;
    static_cast<void>(write_all(task, *connection, std::span(frame).first(length)));
  }

  // Deadlines are all the same distance away, so the earliest is always the oldest.
  void expire(Task& task) {
    for (;;) {
      while (!attempts_.empty() && slots_[attempts_.front().slot].id != attempts_.front().id) {
        attempts_.pop_front();
      }
      const Instant due = attempts_.empty() ? env_.clock.now() + kTimeout : attempts_.front().due;
      if (due > env_.clock.now()) {
        CHECK(sleep_until(task, due).has_value());
        continue;
      }
      const std::uint64_t slot = attempts_.front().slot;
      attempts_.pop_front();
      ++stats_.retries;
      attempt(task, slot);
    }
  }

  void beat(Task& task) {
    const Instant start = env_.clock.now();
    for (std::int64_t i = 1;; ++i) {
      CHECK(sleep_until(task, start + flux::seconds(i)).has_value());
      for (std::uint64_t peer = 0; peer < options_.nodes; ++peer) {
        if (peer != me_)
          send(task, peer, me_ << 56 | static_cast<std::uint64_t>(i), 0, kReplyBytes);
      }
    }
  }

  const Options& options_;
  Stats& stats_;
  flux::sim::World& world_;
  flux::env::Env env_;
  std::uint64_t me_;
  std::uint64_t boot_;
  std::unique_ptr<flux::env::Listener> listener_;
  std::vector<Connection*> connections_;  // by peer; null: none
  // Until the node ends, since another task may be writing to one that has broken.
  std::vector<std::unique_ptr<Connection>> kept_;
  std::vector<Slot> slots_;
  std::deque<Attempt> attempts_;
  std::uint64_t sequence_ = 0;
  std::uint64_t sends_ = 0;
};

// The workloads use no files.
class NoDisk final : public flux::env::Disk {
 public:
  Result<std::unique_ptr<flux::env::File>> open(Task&, std::string_view, flux::env::Open) override {
    return none();
  }
  Result<void> make_directory(Task&, std::string_view) override { return none(); }
  Result<void> rename(Task&, std::string_view, std::string_view) override { return none(); }
  Result<void> remove(Task&, std::string_view) override { return none(); }
  Result<void> sync_directory(Task&, std::string_view) override { return none(); }
  Result<std::vector<flux::env::DirectoryEntry>> list(Task&, std::string_view) override {
    return none();
  }
  Result<flux::env::Space> space(Task&) override { return none(); }
  std::uint64_t boot_id() override { return 0; }

 private:
  static std::unexpected<flux::Error> none() { return flux::fail(flux::ErrorCode::unsupported); }
};

// Kills a drawn node every 5 s and starts it anew 100 ms later.
class Crasher final : public flux::sim::EventTarget {
 public:
  Crasher(flux::sim::World& world, Stats& stats, std::function<void(std::uint64_t)> start)
      : world_(world), stats_(stats), start_(std::move(start)) {
    world_.at(world_.now() + flux::seconds(5), *this, kKill);
  }
  void fire(std::uint64_t argument) override {
    if (argument == kKill) {
      const Key which = flux::key("mesh.crash").with(++stats_.crashes);
      victim_ = world_.decisions().draw(which, world_.processes().size(), "mesh.crash");
      world_.processes()[victim_]->end(flux::sim::Exit::killed);
      world_.at(world_.now() + flux::milliseconds(100), *this, kStart);
      world_.at(world_.now() + flux::seconds(5), *this, kKill);
    } else {
      start_(victim_);
    }
  }

 private:
  enum : std::uint64_t { kKill, kStart };
  flux::sim::World& world_;
  Stats& stats_;
  std::function<void(std::uint64_t)> start_;
  std::uint64_t victim_ = 0;
};

struct Usage {
  double cpu_s;
  double rss_mib;
};
Usage usage() {
  rusage u{};
  ::getrusage(RUSAGE_SELF, &u);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  return {seconds(u.ru_utime) + seconds(u.ru_stime), static_cast<double>(u.ru_maxrss) / 1024};
}

void simulate(const Options& options, Stats& stats, flux::sim::World& world) {
  flux::sim::LinkRule link;
  link.latency_min = flux::milliseconds(1);
  link.latency_max = flux::milliseconds(10);
  flux::sim::SimNetwork network(world, {}, link);
  NoDisk disk;
  std::vector<std::unique_ptr<flux::sim::NodeEnv>> nodes;
  for (std::uint64_t i = 0; i < options.nodes; ++i) {
    const std::string name = "n" + std::to_string(i);
    flux::sim::Process& process = world.add_process({.name = name, .cost = {.call = {}}});
    nodes.push_back(std::make_unique<flux::sim::NodeEnv>(network, process, name, disk));
  }
  const auto start = [&](std::uint64_t i) {
    flux::sim::NodeEnv& node = *nodes[i];
    node.process().start([&, i](Task& task) {
      // On the heap: a killed node's stack is dropped, and the heap with it.
      auto body = std::make_unique<Node>(options, stats, world, node.env(), i,
                                         node.process().incarnation());
      body->run(task);
    });
  };
  for (std::uint64_t i = 0; i < options.nodes; ++i) start(i);
  std::unique_ptr<Crasher> crasher;
  if (options.workload == "lossy") crasher = std::make_unique<Crasher>(world, stats, start);
  const Duration limit = options.workload == "idle"
                             ? flux::seconds(static_cast<std::int64_t>(options.hours * 3600))
                             : flux::seconds(1'000'000);
  world.run_until(flux::sim::Time() + limit);
  for (const auto& process : world.processes()) process->end(flux::sim::Exit::killed);
}

Options parse(int argc, char** argv) {
  Options options;
  if (argc > 1) options.workload = argv[1];
  const bool known =
      options.workload == "mesh" || options.workload == "idle" || options.workload == "lossy";
  for (int i = 2; known && i + 1 < argc; i += 2) {
    const std::string flag = argv[i];
    const std::uint64_t value = std::strtoull(argv[i + 1], nullptr, 10);
    if (flag == "--seed") options.seed = value;
    if (flag == "--replies") options.replies = value;
    if (flag == "--nodes") options.nodes = value;
    if (flag == "--outstanding") options.outstanding = value;
    if (flag == "--hours") options.hours = std::strtod(argv[i + 1], nullptr);
  }
  if (!known || options.nodes < 2 || options.nodes > 200) {
    std::fprintf(stderr,
                 "usage: sim_mesh mesh|idle|lossy [--seed N] [--replies N] [--nodes 2..200] "
                 "[--outstanding N] [--hours N]\n");
    std::exit(2);
  }
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = parse(argc, argv);
  Stats stats;
  const Usage before = usage();
  const auto wall_before = std::chrono::steady_clock::now();
  flux::sim::World world({.seed = options.seed, .stacks = {}});
  simulate(options, stats, world);
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - wall_before;
  const Usage after = usage();
  const double cpu = after.cpu_s - before.cpu_s;
  const double simulated = static_cast<double>(world.now().ns()) * 1e-9;
  std::printf(
      "flux %s nodes=%" PRIu64 " outstanding=%" PRIu64 " seed=%" PRIu64 " delivered=%" PRIu64
      " replies=%" PRIu64 " sent=%" PRIu64 " retries=%" PRIu64 " stale=%" PRIu64 " crashes=%" PRIu64
      " events=%" PRIu64
      " wall_s=%.3f cpu_s=%.3f sim_s=%.3f msg_per_cpu_s=%.0f sim_per_wall=%.1f rss_mib=%.1f "
      "hash=%016" PRIx64 " seam=%016" PRIx64 "\n",
      options.workload.c_str(), options.nodes, options.outstanding, options.seed, stats.delivered,
      stats.replies, stats.sent, stats.retries, stats.stale, stats.crashes, world.events(),
      wall.count(), cpu, simulated, static_cast<double>(stats.delivered) / cpu,
      simulated / wall.count(), after.rss_mib, stats.hash, world.seam().hash());
  return 0;
}
