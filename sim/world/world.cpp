#include "sim/world/world.h"

#include "core/base/check.h"

namespace flux::sim {
namespace {
// Marks have no argument to carry it, and a program runs one world at a time.
constinit World* active_world = nullptr;
}  // namespace

World::World(const WorldConfig& config) : decisions_(config.seed), stacks_(config.stacks) {
  CHECK(active_world == nullptr, "two worlds at once");
  active_world = this;
  for (Mark* mark : all_marks()) mark->hits = 0;
  set_mark_hook(&World::mark_reached);
}

World::~World() {
  set_mark_hook(nullptr);
  active_world = nullptr;
  processes_.clear();
}

void World::mark_reached(const Mark& mark) {
  const WorldScope scope;
  World& world = *active_world;
  for (MarkListener* listener : world.mark_listeners_) listener->reached(mark, world.current_);
}

Process& World::add_process(const ProcessConfig& config) {
  const auto index = static_cast<std::uint32_t>(processes_.size() + 1);
  processes_.push_back(std::make_unique<Process>(*this, index, config));
  return *processes_.back();
}

void World::run_processes() {
  // Running one may make another runnable; that one is appended.
  for (std::size_t i = 0; i < runnable_.size(); ++i) runnable_[i]->run();
  runnable_.clear();
}

RunEnd World::run_until(Time end) {
  CHECK(current_ == nullptr, "run_until() inside a process");
  stopped_ = false;
  run_processes();
  while (!stopped_) {
    if (queue_.empty() || queue_.front().at > end) break;
    const Event event = queue_.pop();
    queue_.approach();
    now_ = event.at;
    cause_ = event.cause;
    ++events_;
    event.target->fire(event.argument);
    if (!runnable_.empty()) run_processes();
  }
  if (stopped_) return RunEnd::stopped;
  now_ = end;
  return queue_.empty() ? RunEnd::idle : RunEnd::time;
}

std::uint64_t World::note(const Process* process, env::Severity severity, std::string_view event,
                          std::initializer_list<env::Field> fields, std::uint64_t cause) {
  const std::uint64_t id = trace_.next_id();
  if (trace_.wants(severity)) [[unlikely]] {
    const WorldScope scope;
    const TraceHead head{id, cause == 0 ? cause_ : cause, process ? process->effect_time() : now_,
                         process ? std::string_view(process->name()) : std::string_view()};
    trace_.write(head, severity, event, fields);
  }
  return id;
}

}  // namespace flux::sim
