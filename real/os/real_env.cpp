#include "real/os/real_env.h"

#include <utility>

#include "core/base/check.h"
#include "real/os/signals.h"

namespace flux::os {
namespace {

// The one environment of the process: a failed CHECK flushes its log.
RealEnv* current = nullptr;

}  // namespace

RealEnv::RealEnv(const RealEnvConfig& config)
    : config_(config),
      trace_(config.trace, clock_),
      reactor_(poller_, clock_, trace_),
      network_(poller_, clock_, trace_) {
  CHECK(current == nullptr, "two RealEnv in one process");
  CHECK(config_.disk_quiet_max == Duration::max() || config_.on_disk_hangs);
  current = this;
  set_check_hook(&RealEnv::on_check_failed);
  ignore_sigpipe();
}

RealEnv::~RealEnv() {
  if (engine_) drain_disk();
  set_check_hook(nullptr);
  current = nullptr;
}

void RealEnv::on_check_failed(const CheckSite&) { current->trace_.flush_blocking(); }

Result<std::unique_ptr<RealEnv>> RealEnv::create(const RealEnvConfig& config) {
  std::unique_ptr<RealEnv> out(new RealEnv(config));
  TRY(out->start());
  return out;
}

Result<void> RealEnv::start() {
  if (config_.disk_engine != DiskEngineChoice::threads) {
    engine_ = make_uring_engine(poller_, config_.disk_threads, why_no_uring_);
    if (!engine_ && config_.disk_engine == DiskEngineChoice::io_uring) {
      return fail(ErrorCode::unsupported, "io_uring cannot be used: " + why_no_uring_);
    }
  }
  if (!engine_) engine_ = make_pool_engine(poller_, config_.disk_threads);
  disk_ = TRY(OsDisk::create(config_.data_root, *engine_));
  // Log lines are written last, so that they include what the turn's other work had to tell.
  reactor_.add(*engine_);
  reactor_.add(trace_);
  env_.emplace(env::Env{clock_, reactor_.loop(), network_, *disk_, random_, trace_});
  TRACE(trace_, info, "env.started", {"disk_engine", engine_->name()},
        {"no_io_uring", why_no_uring_}, {"data_root", config_.data_root});
  return {};
}

int RealEnv::run(MainTask body, OnStop on_stop) {
  int status = 0;
  bool ended = false;
  fiber::RunLoop& loop = reactor_.loop();
  const env::TaskHandle main_task = loop.spawn(
      "main",
      [&](env::Task& task) {
        status = body(task);
        ended = true;
      },
      env::StackSize::large);
  Signals signals(poller_, [&](int number) {
    TRACE(trace_, info, "process.signal", {"number", number});
    if (!std::exchange(stopping_, true)) disk_quiet_since_ = clock_.now();
    if (on_stop) {
      on_stop(number);
    } else {
      loop.cancel(main_task);
    }
  });
  stopping_ = false;
  while (!ended) {
    reactor_.turn(stopping_ ? disk_quiet_since_ + config_.disk_quiet_max : Instant::max());
    if (stopping_) look_for_hung_disk();
  }
  end_other_tasks();
  return status;
}

void RealEnv::end_other_tasks() {
  fiber::RunLoop& loop = reactor_.loop();
  const Instant give_up = clock_.now() + config_.end_grace;
  loop.cancel_all();
  while (loop.live() > 0 && clock_.now() < give_up) reactor_.turn(give_up);
  if (loop.live() == 0) return;
  for (const std::string& pending : loop.describe()) {
    TRACE(trace_, warning, "process.task_dropped", {"task", pending});
  }
  drain_disk();
  loop.kill();
}

void RealEnv::look_for_hung_disk() {
  const Instant now = clock_.now();
  if (engine_->in_flight() == 0 || engine_->completed() != disk_completed_) {
    disk_completed_ = engine_->completed();
    disk_quiet_since_ = now;
  }
  if (now - disk_quiet_since_ >= config_.disk_quiet_max) leave_hung_disk();
}

void RealEnv::drain_disk() {
  if (!engine_->drain(config_.disk_quiet_max)) leave_hung_disk();
}

void RealEnv::leave_hung_disk() {
  TRACE(trace_, error, "process.disk_hangs", {"operations", engine_->in_flight()},
        {"quiet_ms", config_.disk_quiet_max.ms()});
  trace_.flush();
  config_.on_disk_hangs();
  UNREACHABLE("on_disk_hangs must end the process");
}

}  // namespace flux::os
