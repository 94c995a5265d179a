#include "core/metrics/exposition.h"

#include <iterator>

#include <fmt/format.h>

#include "core/base/check.h"

namespace flux::metrics {

namespace {

std::string_view name_of(Kind kind) {
  switch (kind) {
    case Kind::counter:
      return "counter";
    case Kind::gauge:
      return "gauge";
    case Kind::histogram:
      return "histogram";
  }
  UNREACHABLE("a kind outside of the list");
}

void append_escaped(std::string& to, std::string_view text, bool quoted) {
  for (const char c : text) {
    if (c == '\\') {
      to += "\\\\";
    } else if (c == '\n') {
      to += "\\n";
    } else if (c == '"' && quoted) {
      to += "\\\"";
    } else {
      to += c;
    }
  }
}

std::string seconds_text(Duration value) {
  constexpr std::int64_t kSecond = 1'000'000'000;
  const std::int64_t ns = value.ns();
  const std::string_view sign = ns < 0 ? "-" : "";
  // Not negated before it is split: the smallest number has no positive one.
  const std::int64_t whole = ns / kSecond;
  const std::int64_t rest = ns % kSecond;
  std::string out =
      fmt::format("{}{}.{:09}", sign, whole < 0 ? -whole : whole, rest < 0 ? -rest : rest);
  while (out.ends_with('0')) out.pop_back();
  if (out.ends_with('.')) out.pop_back();
  return out;
}

}  // namespace

void Exposition::family(std::string_view name, Kind kind, std::string_view help) {
  family_ = name;
  fmt::format_to(std::back_inserter(text_), "# HELP {} ", name);
  append_escaped(text_, help, false);
  fmt::format_to(std::back_inserter(text_), "\n# TYPE {} {}\n", name, name_of(kind));
}

bool Exposition::admit(std::size_t series) {
  CHECK(!family_.empty(), "a sample without its family");
  if (series_ + series > kSeriesMax) {
    dropped_ += series;
    return false;
  }
  series_ += series;
  return true;
}

void Exposition::line(std::string_view suffix, Labels labels, std::string_view bound,
                      std::string_view value) {
  text_ += family_;
  text_ += suffix;
  char before = '{';
  const auto label = [&](std::string_view name, std::string_view label_value) {
    text_ += before;
    text_ += name;
    text_ += "=\"";
    append_escaped(text_, label_value, true);
    text_ += '"';
    before = ',';
  };
  for (const Label& one : labels) label(one.name, one.value);
  if (!bound.empty()) label("le", bound);
  if (before == ',') text_ += '}';
  text_ += ' ';
  text_ += value;
  text_ += '\n';
}

void Exposition::sample(std::uint64_t value, Labels labels) {
  if (admit(1)) line("", labels, "", fmt::to_string(value));
}

void Exposition::sample(Duration value, Labels labels) {
  if (admit(1)) line("", labels, "", seconds_text(value));
}

void Exposition::sample(const Histogram& histogram, Labels labels) {
  if (!admit(Histogram::kBounds.size() + 3)) return;
  std::uint64_t within = 0;
  for (std::size_t i = 0; i < Histogram::kBounds.size(); ++i) {
    within += histogram.counts()[i];
    line("_bucket", labels, seconds_text(Histogram::kBounds[i]), fmt::to_string(within));
  }
  line("_bucket", labels, "+Inf", fmt::to_string(histogram.count()));
  line("_sum", labels, "", seconds_text(histogram.sum()));
  line("_count", labels, "", fmt::to_string(histogram.count()));
}

std::string Exposition::finish() {
  const std::size_t dropped = dropped_;
  series_ = 0;
  single("flux_metrics_series_dropped", Kind::gauge,
         "Series that were left out of this answer because there are too many.",
         std::uint64_t{dropped});
  return std::move(text_);
}

}  // namespace flux::metrics
