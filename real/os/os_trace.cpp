#include "real/os/os_trace.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <iterator>
#include <poll.h>
#include <time.h>
#include <unistd.h>

#include <fmt/format.h>

namespace flux::os {
namespace {

using env::Field;
using env::Severity;

constexpr std::size_t kUnwrittenMax = std::size_t{1} << 20;
constexpr Duration kRetryEvery = milliseconds(20);
constexpr Duration kLastWait = seconds(1);

std::string_view name_of(Severity severity) {
  switch (severity) {
    case Severity::debug:
      return "debug";
    case Severity::info:
      return "info";
    case Severity::warning:
      return "warning";
    case Severity::error:
      return "error";
  }
  return "";
}

void append_time(std::string& to, WallTime at) {
  const auto seconds = static_cast<time_t>(at.ns() / 1'000'000'000);
  const std::int64_t us = at.ns() / 1'000 % 1'000'000;
  tm parts{};
  ::gmtime_r(&seconds, &parts);
  fmt::format_to(std::back_inserter(to), "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z",
                 parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min,
                 parts.tm_sec, us);
}

// Bytes of a multi-byte character that starts with `lead`, or 0 for none that UTF-8 has.
std::size_t utf8_length(unsigned char lead) {
  if (lead >= 0xC2 && lead <= 0xDF) return 2;
  if (lead >= 0xE0 && lead <= 0xEF) return 3;
  return lead >= 0xF0 && lead <= 0xF4 ? 4 : 0;
}

bool is_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t length = lead < 0x80 ? 1 : utf8_length(lead);
    if (length == 0 || length > text.size() - i) return false;
    for (std::size_t k = 1; k < length; ++k) {
      if ((static_cast<unsigned char>(text[i + k]) & 0xC0) != 0x80) return false;
    }
    i += length;
  }
  return true;
}

// A JSON string; logfmt quotes by the same rules. Bytes from outside (a client's id) may be
// anything: control characters are escaped, so that no text can forge a line, and so is what is no
// text at all.
void append_quoted(std::string& to, std::string_view text) {
  const bool keep_high = is_utf8(text);
  to += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      to += '\\';
      to += c;
    } else if (c == '\n') {
      to += "\\n";
    } else if (c == '\t') {
      to += "\\t";
    } else if (byte < 0x20 || byte == 0x7F || (byte > 0x7F && !keep_high)) {
      fmt::format_to(std::back_inserter(to), "\\u{:04x}", byte);
    } else {
      to += c;
    }
  }
  to += '"';
}

bool plain(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte > 0x20 && byte < 0x7F && c != '"' && c != '=' && c != '\\';
  });
}

void append_value(std::string& to, const Field& field, TraceFormat format) {
  switch (field.kind) {
    case Field::Kind::signed_number:
      fmt::format_to(std::back_inserter(to), "{}", field.signed_number);
      return;
    case Field::Kind::unsigned_number:
      fmt::format_to(std::back_inserter(to), "{}", field.unsigned_number);
      return;
    case Field::Kind::text:
      if (format == TraceFormat::logfmt && plain(field.text)) {
        to += field.text;
      } else {
        append_quoted(to, field.text);
      }
      return;
  }
}

void append_line(std::string& to, TraceFormat format, WallTime at, Severity severity,
                 std::string_view event, std::initializer_list<Field> fields) {
  const bool json = format == TraceFormat::json;
  to += json ? "{\"time\":\"" : "time=";
  append_time(to, at);
  to += json ? "\",\"level\":\"" : " level=";
  to += name_of(severity);
  to += json ? "\",\"event\":\"" : " event=";
  to += event;
  if (json) to += '"';
  for (const Field& field : fields) {
    to += json ? ",\"" : " ";
    to += field.name;
    to += json ? "\":" : "=";
    append_value(to, field, format);
  }
  to += json ? "}\n" : "\n";
}

}  // namespace

OsTrace::~OsTrace() {
  const Instant give_up = clock_.now() + kLastWait;
  for (flush(); !unwritten().empty() && clock_.now() < give_up; flush()) {
    pollfd wait{config_.fd, POLLOUT, 0};
    ::poll(&wait, 1, static_cast<int>(kRetryEvery.ms()));
  }
}

void OsTrace::emit(Severity severity, std::string_view event, std::initializer_list<Field> fields) {
  if (!wants(severity)) return;
  if (unwritten().size() >= kUnwrittenMax) {
    ++dropped_;
    return;
  }
  append_line(buffer_, config_.format, clock_.wall_now(), severity, event, fields);
  if (severity >= Severity::error) flush();
}

bool OsTrace::before_wait() {
  flush();
  return false;
}

Duration OsTrace::wait_at_most() const {
  return unwritten().empty() ? Duration::max() : kRetryEvery;
}

void OsTrace::flush() {
  if (unwritten().empty()) return;
  while (!unwritten().empty()) {
    pollfd ready{config_.fd, POLLOUT, 0};
    if (::poll(&ready, 1, 0) != 1) return;
    // A pipe that says it takes something takes PIPE_BUF bytes without blocking.
    const std::size_t piece = std::min<std::size_t>(unwritten().size(), PIPE_BUF);
    const ssize_t count = ::write(config_.fd, unwritten().data(), piece);
    if (count < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN) return;
      // The reader is gone for good, or the descriptor was closed: nobody is left to tell.
      buffer_.clear();
      written_ = 0;
      return;
    }
    written_ += static_cast<std::size_t>(count);
  }
  buffer_.clear();
  written_ = 0;
  if (dropped_ > 0) note_dropped();
}

void OsTrace::note_dropped() {
  const std::uint64_t count = dropped_;
  dropped_ = 0;
  append_line(buffer_, config_.format, clock_.wall_now(), Severity::warning, "trace.dropped",
              {{"events", count}});
}

void OsTrace::flush_blocking() {
  while (!unwritten().empty()) {
    const ssize_t count = ::write(config_.fd, unwritten().data(), unwritten().size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return;
    written_ += static_cast<std::size_t>(count);
  }
}

}  // namespace flux::os
