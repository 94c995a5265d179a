#include "sim/world/trace_log.h"

#include <iterator>
#include <utility>

#include <fmt/format.h>

namespace flux::sim {
namespace {

constexpr std::string_view severity_name(env::Severity severity) {
  switch (severity) {
    case env::Severity::debug:
      return "debug";
    case env::Severity::info:
      return "info";
    case env::Severity::warning:
      return "warning";
    case env::Severity::error:
      return "error";
  }
  return "";
}

void append_text(std::string& to, std::string_view text) {
  to.push_back('"');
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      to.push_back('\\');
      to.push_back(c);
    } else if (static_cast<unsigned char>(c) < 0x20) {
      fmt::format_to(std::back_inserter(to), "\\u{:04x}", static_cast<unsigned>(c));
    } else {
      to.push_back(c);
    }
  }
  to.push_back('"');
}

void append_field(std::string& to, const env::Field& field) {
  to.push_back(',');
  append_text(to, field.name);
  to.push_back(':');
  switch (field.kind) {
    case env::Field::Kind::signed_number:
      fmt::format_to(std::back_inserter(to), "{}", field.signed_number);
      break;
    case env::Field::Kind::unsigned_number:
      fmt::format_to(std::back_inserter(to), "{}", field.unsigned_number);
      break;
    case env::Field::Kind::text:
      append_text(to, field.text);
      break;
  }
}

}  // namespace

void TraceLog::open(Sink sink, env::Severity least) {
  sink_ = std::move(sink);
  least_ = least;
  open_ = true;
}

void TraceLog::watch(Watcher watcher) {
  watcher_ = std::move(watcher);
  watched_ = true;
}

void TraceLog::write(const TraceHead& head, env::Severity severity, std::string_view event,
                     std::initializer_list<env::Field> fields) {
  if (open_ && severity >= least_) write_line(head, severity, event, fields);
  if (watched_ && severity >= env::Severity::info) watcher_(head, severity, event, fields);
}

void TraceLog::write_line(const TraceHead& head, env::Severity severity, std::string_view event,
                          std::initializer_list<env::Field> fields) {
  line_.clear();
  fmt::format_to(std::back_inserter(line_), "{{\"id\":{},\"cause\":{},\"t\":{},\"node\":", head.id,
                 head.cause, head.at.ns());
  append_text(line_, head.node);
  fmt::format_to(std::back_inserter(line_), ",\"severity\":\"{}\",\"event\":\"{}\"",
                 severity_name(severity), event);
  for (const env::Field& field : fields) append_field(line_, field);
  line_.push_back('}');
  sink_(line_);
}

}  // namespace flux::sim
