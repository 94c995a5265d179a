// Exposition: metrics as Prometheus' text format, version 0.0.4.
//
//   to.family("flux_requests_total", Kind::counter, "Requests that were answered.");
//   to.sample(requests.value(), {{"api", "produce"}});
//
// Samples belong to the family above them, and a family is written once. Numbers are integers, and
// durations seconds with nine decimals: no floating point. Series beyond kSeriesMax are left out
// and counted in flux_metrics_series_dropped, so that no mistake with a label takes the node's
// memory, or that of whoever stores its metrics.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "core/base/time.h"
#include "core/metrics/metric.h"

namespace flux::metrics {

inline constexpr std::string_view kContentType = "text/plain; version=0.0.4; charset=utf-8";
inline constexpr std::size_t kSeriesMax = 10'000;

enum class Kind : std::uint8_t { counter, gauge, histogram };

struct Label {
  std::string_view name;
  std::string_view value;  // any text
};
using Labels = std::initializer_list<Label>;

class Exposition {
 public:
  // `help` is one sentence.
  void family(std::string_view name, Kind kind, std::string_view help);

  void sample(const Counter& counter, Labels labels = {}) { sample(counter.value(), labels); }
  void sample(std::uint64_t value, Labels labels = {});
  void sample(Duration value, Labels labels = {});
  void sample(const Histogram& histogram, Labels labels = {});

  // A family of one series.
  template <class Value>
  void single(std::string_view name, Kind kind, std::string_view help, const Value& value) {
    family(name, kind, help);
    sample(value);
  }

  // All of it, and nothing may follow.
  std::string finish();

 private:
  bool admit(std::size_t series);
  void line(std::string_view suffix, Labels labels, std::string_view bound, std::string_view value);

  std::string text_;
  std::string family_;
  std::size_t series_ = 0;
  std::size_t dropped_ = 0;
};

}  // namespace flux::metrics
