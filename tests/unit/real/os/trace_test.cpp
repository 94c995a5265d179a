// Trace lines: their two formats, and that a reader who does not read stalls nobody.
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <string>
#include <unistd.h>

#include <gtest/gtest.h>

#include "core/base/check.h"
#include "real/os/fd.h"
#include "real/os/os_clock.h"
#include "real/os/os_trace.h"

namespace flux::os {
namespace {

class FixedClock final : public env::Clock {
 public:
  Instant now() override { return now_ = now_ + milliseconds(300); }
  WallTime wall_now() override { return WallTime(1'769'853'723'123'456'789); }

 private:
  Instant now_;
};

class Pipe {
 public:
  Pipe() {
    std::array<int, 2> ends{};
    CHECK(::pipe2(ends.data(), O_CLOEXEC) == 0);
    from_ = Fd(ends[0]);
    to_ = Fd(ends[1]);
    CHECK(::fcntl(from_.get(), F_SETFL, O_NONBLOCK) == 0);
  }
  int to() const { return to_.get(); }
  std::string take() {
    std::string out;
    std::array<char, 4096> piece{};
    for (;;) {
      const ssize_t count = ::read(from_.get(), piece.data(), piece.size());
      if (count <= 0) return out;
      out.append(piece.data(), static_cast<std::size_t>(count));
    }
  }

 private:
  Fd from_;
  Fd to_;
};

constexpr std::string_view kHostile = "a \"b\"\n=\x01\xff";

TEST(OsTrace, WritesLogfmt) {
  Pipe pipe;
  FixedClock clock;
  OsTrace trace({TraceFormat::logfmt, env::Severity::info, pipe.to()}, clock);
  TRACE(trace, info, "log.roll", {"base", 5U}, {"delta", -3}, {"path", "t-0/0.log"},
        {"odd", kHostile}, {"empty", ""});
  trace.flush();
  EXPECT_EQ(pipe.take(),
            "time=2026-01-31T10:02:03.123456Z level=info event=log.roll base=5 delta=-3 "
            "path=t-0/0.log odd=\"a \\\"b\\\"\\n=\\u0001\\u00ff\" empty=\"\"\n");
}

TEST(OsTrace, WritesJson) {
  Pipe pipe;
  FixedClock clock;
  OsTrace trace({TraceFormat::json, env::Severity::debug, pipe.to()}, clock);
  TRACE(trace, warning, "log.roll", {"base", 5U}, {"path", "t-0/0.log"},
        {"text", "gr\xc3\xbc\xc3\x9f"});
  trace.flush();
  EXPECT_EQ(
      pipe.take(),
      "{\"time\":\"2026-01-31T10:02:03.123456Z\",\"level\":\"warning\",\"event\":\"log.roll\","
      "\"base\":5,\"path\":\"t-0/0.log\",\"text\":\"gr\xc3\xbc\xc3\x9f\"}\n");
}

TEST(OsTrace, KeepsToItsSeverityAndWritesErrorsAtOnce) {
  Pipe pipe;
  FixedClock clock;
  OsTrace trace({TraceFormat::logfmt, env::Severity::warning, pipe.to()}, clock);
  TRACE(trace, info, "quiet", {"n", 1});
  trace.emit(env::Severity::info, "quiet", {});
  TRACE(trace, warning, "later", {"n", 2});
  EXPECT_EQ(pipe.take(), "");
  TRACE(trace, error, "now", {"n", 3});
  const std::string lines = pipe.take();
  EXPECT_EQ(lines.find("quiet"), std::string::npos);
  EXPECT_NE(lines.find("event=later n=2\n"), std::string::npos);
  EXPECT_NE(lines.find("event=now n=3\n"), std::string::npos);
}

TEST(OsTrace, AReaderWhoDoesNotReadStallsNobody) {
  Pipe pipe;
  FixedClock clock;
  OsTrace trace({TraceFormat::logfmt, env::Severity::info, pipe.to()}, clock);
  EXPECT_EQ(trace.wait_at_most(), Duration::max());
  constexpr int kLines = 40'000;  // more than the pipe and the buffer take
  for (int i = 0; i < kLines; ++i) {
    TRACE(trace, error, "flood", {"n", i});
  }
  EXPECT_LT(trace.wait_at_most(), seconds(1));
  std::string all;
  for (int i = 0; i < 1'000; ++i) {
    trace.flush();
    all += pipe.take();
  }
  EXPECT_NE(all.find("event=flood n=0\n"), std::string::npos);
  EXPECT_EQ(all.find("event=flood n=" + std::to_string(kLines - 1)), std::string::npos);
  EXPECT_NE(all.find("event=trace.dropped events="), std::string::npos);
  EXPECT_EQ(trace.wait_at_most(), Duration::max());
}

}  // namespace
}  // namespace flux::os
