#include "net/node/monitor.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/base/mark.h"

namespace flux::node {

using metrics::Kind;

namespace {

// How long an answer waits for the disk to say how full it is; then it tells what was known.
constexpr Duration kSpacePatience = milliseconds(200);

}  // namespace

Monitor::Monitor(env::Env& env, const metrics::MeteredDisk& disk, MonitorConfig config)
    : env_(env),
      disk_(disk),
      config_(std::move(config)),
      begun_(env.clock.wall_now()),
      work_(env.scheduler),
      http_(env, {.at = config_.at},
            [this](env::Task& task, std::string_view path) { return page(task, path); }) {}

Result<void> Monitor::stop(env::Task& task) {
  TRY(http_.stop(task));
  return work_.wait(task);
}

void Monitor::watch(const broker::Broker& broker, const server::Server& server) {
  broker_ = &broker;
  server_ = &server;
}

std::optional<http::Answer> Monitor::page(env::Task& task, std::string_view path) {
  if (path == "/healthz") return health();
  if (path == "/metrics") return numbers(task);
  return std::nullopt;
}

std::vector<std::string> Monitor::complaints() const {
  std::vector<std::string> out;
  if (stage_ == Stage::starting) out.emplace_back("starting");
  if (stage_ == Stage::stopping) out.emplace_back("stopping");
  const auto waited = disk_.oldest();
  if (waited && *waited > config_.disk_patience) {
    REACHED("monitor.disk_silent");
    out.push_back(fmt::format("the disk has not answered for {} s", waited->ms() / 1000));
  }
  const std::uint64_t failed = broker_ == nullptr ? 0 : broker_->metrics().partitions_failed;
  if (failed > 0) {
    REACHED("monitor.partitions_failed");
    out.push_back(fmt::format(
        "partitions whose log was lost or could not be opened, and is not open again: {}", failed));
  }
  return out;
}

http::Answer Monitor::health() const {
  const std::vector<std::string> reasons = complaints();
  if (reasons.empty()) return {.body = "ok\n"};
  return {.status = http::Status::service_unavailable,
          .body = fmt::format("{}\n", fmt::join(reasons, "\n"))};
}

// In a task of its own, and one at a time: it may hang.
void Monitor::refresh_space(env::Task& task) {
  if (!asking_space_) {
    asking_space_ = true;
    work_.spawn("disk.space", [this](env::Task& own) {
      if (const auto space = env_.disk.space(own)) space_ = *space;
      asking_space_ = false;
      space_told_.notify_all();
    });
  }
  const Instant until = env_.clock.now() + kSpacePatience;
  while (asking_space_ && space_told_.wait(task, until)) {
  }
}

http::Answer Monitor::numbers(env::Task& task) {
  refresh_space(task);
  metrics::Exposition to;
  to.family("flux_build_info", Kind::gauge, "Which release this is.");
  to.sample(std::uint64_t{1}, {{"version", config_.version}});
  to.single("flux_start_time_seconds", Kind::gauge, "When the node was started, since 1970 UTC.",
            Duration(begun_.ns()));
  to.single("flux_healthy", Kind::gauge, "1 when /healthz says so, 0 when it names a reason not.",
            std::uint64_t{complaints().empty() ? 1U : 0U});
  to.single("flux_disk_size_bytes", Kind::gauge, "Size of the file system of the data directory.",
            space_.total_bytes);
  to.single("flux_disk_free_bytes", Kind::gauge, "What is free there.", space_.free_bytes);
  disk_.write(to);
  if (broker_ != nullptr) broker_->write_metrics(task, to);
  if (server_ != nullptr) server_->write_metrics(to);
  http_.write_metrics(to);
  return {.type = metrics::kContentType, .body = to.finish()};
}

}  // namespace flux::node
