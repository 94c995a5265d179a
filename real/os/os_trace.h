// Trace output of the daemon: one line for each event on a descriptor (standard error), as logfmt
// or as a JSON object, above a severity.
//
//   time=2026-01-31T10:02:03.123456Z level=info event=log.roll base=5 path="a b"
//   {"time":"2026-01-31T10:02:03.123456Z","level":"info","event":"log.roll","base":5}
//
// Lines are gathered and written once per turn of the loop, errors at once. The descriptor may be a
// pipe that nobody reads: it is written only while the kernel says that it takes a page, the rest
// waits here, and when that reaches a limit, new lines are dropped and later counted in one line
// ("trace.dropped"). The descriptor is shared with other programs, so its mode is left alone.
#pragma once

#include <cstdint>
#include <string>

#include "core/env/clock.h"
#include "core/env/trace.h"
#include "real/os/reactor.h"

namespace flux::os {

enum class TraceFormat : std::uint8_t { logfmt, json };

struct OsTraceConfig {
  TraceFormat format = TraceFormat::logfmt;
  env::Severity severity_min = env::Severity::info;
  int fd = 2;  // not closed
};

class OsTrace final : public env::Trace, public TurnWork {
 public:
  OsTrace(const OsTraceConfig& config, env::Clock& clock) : config_(config), clock_(clock) {}
  // Waits up to a second for a slow reader.
  ~OsTrace() override;
  OsTrace(const OsTrace&) = delete;
  OsTrace& operator=(const OsTrace&) = delete;

  bool wants(env::Severity severity) const override { return severity >= config_.severity_min; }
  void emit(env::Severity severity, std::string_view event,
            std::initializer_list<env::Field> fields) override;

  bool before_wait() override;
  Duration wait_at_most() const override;
  // Writes what can be written without waiting for the reader.
  void flush();
  // For a failed CHECK: writes all that is left, even if that blocks.
  void flush_blocking();

 private:
  std::string_view unwritten() const { return std::string_view(buffer_).substr(written_); }
  void note_dropped();

  OsTraceConfig config_;
  env::Clock& clock_;
  std::string buffer_;
  std::size_t written_ = 0;  // of buffer_
  std::uint64_t dropped_ = 0;
};

}  // namespace flux::os
