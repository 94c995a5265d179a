// Monitor: what a node tells those who watch it, over http (flux.http.listener).
//
//   /healthz   200 when it serves clients and its disk answers; 503 with a line for each reason not
//   /metrics   everything that its parts count, for Prometheus
//
// It answers from before the node opens its data until after clients are gone, and it never waits
// for the disk: a disk that hangs is what it is asked about.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/broker/broker.h"
#include "core/env/env.h"
#include "core/metrics/metered_disk.h"
#include "core/sync/condition.h"
#include "core/sync/task_group.h"
#include "net/http/server.h"
#include "net/server/server.h"

namespace flux::node {

struct MonitorConfig {
  env::Endpoint at;
  std::string version;
  Duration disk_patience;  // a disk that takes longer does not answer
};

class Monitor {
 public:
  enum class Stage : std::uint8_t { starting, ready, stopping };

  // `disk` is the node's, and outlives it.
  Monitor(env::Env& env, const metrics::MeteredDisk& disk, MonitorConfig config);

  Result<void> start(env::Task& task) { return http_.start(task); }
  Result<void> stop(env::Task& task);
  const env::Endpoint& local() const { return http_.local(); }

  void set_stage(Stage stage) { stage_ = stage; }
  // Parts that exist from here on, and outlive stop().
  void watch(const broker::Broker& broker, const server::Server& server);

  // Why the node is not well; empty when it is.
  std::vector<std::string> complaints() const;

 private:
  std::optional<http::Answer> page(env::Task& task, std::string_view path);
  http::Answer health() const;
  http::Answer numbers(env::Task& task);
  void refresh_space(env::Task& task);

  env::Env& env_;
  const metrics::MeteredDisk& disk_;
  const MonitorConfig config_;
  const WallTime begun_;
  Stage stage_ = Stage::starting;
  const broker::Broker* broker_ = nullptr;
  const server::Server* server_ = nullptr;
  env::Space space_;
  bool asking_space_ = false;
  sync::Condition space_told_;
  sync::TaskGroup work_;
  http::HttpServer http_;
};

}  // namespace flux::node
