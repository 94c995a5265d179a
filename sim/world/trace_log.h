// The causal trace of a run, one JSON object a line (docs/formats/trace.md).
//
// Ids are given whether or not anybody listens, so that the trace of a run is the same trace at any
// filter, and switching it on changes nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>

#include "core/env/trace.h"
#include "sim/world/time.h"

namespace flux::sim {

struct TraceHead {
  std::uint64_t id = 0;
  std::uint64_t cause = 0;  // 0: the scenario itself
  Time at;
  std::string_view node;  // empty: the world
};

class TraceLog {
 public:
  using Sink = std::move_only_function<void(std::string_view line)>;
  using Watcher = std::move_only_function<void(const TraceHead& head, env::Severity severity,
                                               std::string_view event,
                                               std::initializer_list<env::Field> fields)>;

  // Lines of at least this severity go to the sink, each without its line end.
  void open(Sink sink, env::Severity least);
  // Is shown events of at least `info` as they happen; what it is given is good for the call only.
  void watch(Watcher watcher);
  bool wants(env::Severity severity) const {
    return (open_ && severity >= least_) || (watched_ && severity >= env::Severity::info);
  }

  std::uint64_t next_id() { return ++last_id_; }
  void write(const TraceHead& head, env::Severity severity, std::string_view event,
             std::initializer_list<env::Field> fields);

 private:
  void write_line(const TraceHead& head, env::Severity severity, std::string_view event,
                  std::initializer_list<env::Field> fields);

  bool open_ = false;
  bool watched_ = false;
  env::Severity least_ = env::Severity::info;
  Sink sink_;
  Watcher watcher_;
  std::uint64_t last_id_ = 0;
  std::string line_;
};

}  // namespace flux::sim
