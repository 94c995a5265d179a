// The text that Prometheus reads, and what a histogram counts.

#include "core/metrics/exposition.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace flux::metrics {
namespace {

TEST(Histogram, CountsByUpperBoundsThatAreWithin) {
  Histogram histogram;
  histogram.observe(Duration(0));
  histogram.observe(microseconds(10));
  histogram.observe(microseconds(10) + nanoseconds(1));
  histogram.observe(seconds(30));
  histogram.observe(seconds(31));
  // A clock that goes back must not make a sum that falls.
  histogram.observe(nanoseconds(-5));
  EXPECT_EQ(histogram.counts()[0], 3U);
  EXPECT_EQ(histogram.counts()[1], 1U);
  EXPECT_EQ(histogram.counts()[Histogram::kBounds.size() - 1], 1U);
  EXPECT_EQ(histogram.counts().back(), 1U);
  EXPECT_EQ(histogram.count(), 6U);
  EXPECT_EQ(histogram.sum(), seconds(61) + microseconds(20) + nanoseconds(1));
}

TEST(Exposition, WritesFamiliesWithTheirSamples) {
  Exposition to;
  Counter requests;
  requests.add(3);
  to.family("flux_requests_total", Kind::counter, "Requests that\nwere \\ answered.");
  to.sample(requests, {{"api", "pro\"du\\ce\n"}, {"error", "none"}});
  to.single("flux_wait_seconds", Kind::gauge, "Waits.", milliseconds(1500));
  to.single("flux_back_seconds", Kind::gauge, "Goes back.", nanoseconds(-5));
  EXPECT_EQ(to.finish(),
            "# HELP flux_requests_total Requests that\\nwere \\\\ answered.\n"
            "# TYPE flux_requests_total counter\n"
            "flux_requests_total{api=\"pro\\\"du\\\\ce\\n\",error=\"none\"} 3\n"
            "# HELP flux_wait_seconds Waits.\n"
            "# TYPE flux_wait_seconds gauge\n"
            "flux_wait_seconds 1.5\n"
            "# HELP flux_back_seconds Goes back.\n"
            "# TYPE flux_back_seconds gauge\n"
            "flux_back_seconds -0.000000005\n"
            "# HELP flux_metrics_series_dropped Series that were left out of this answer because "
            "there are too many.\n"
            "# TYPE flux_metrics_series_dropped gauge\n"
            "flux_metrics_series_dropped 0\n");
}

TEST(Exposition, HistogramsAreCumulative) {
  Exposition to;
  Histogram histogram;
  histogram.observe(microseconds(20));
  histogram.observe(milliseconds(1));
  histogram.observe(seconds(100));
  to.single("flux_x_seconds", Kind::histogram, "X.", histogram);
  const std::string text = to.finish();
  for (const char* line :
       {"flux_x_seconds_bucket{le=\"0.00001\"} 0\n", "flux_x_seconds_bucket{le=\"0.000025\"} 1\n",
        "flux_x_seconds_bucket{le=\"0.001\"} 2\n", "flux_x_seconds_bucket{le=\"30\"} 2\n",
        "flux_x_seconds_bucket{le=\"+Inf\"} 3\n", "flux_x_seconds_sum 100.00102\n",
        "flux_x_seconds_count 3\n"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << text;
  }
}

TEST(Exposition, LeavesOutWhatIsTooMuchAndSaysSo) {
  Exposition to;
  to.family("flux_many", Kind::gauge, "Many.");
  for (std::size_t i = 0; i < kSeriesMax + 7; ++i) {
    to.sample(std::uint64_t{i}, {{"i", std::to_string(i)}});
  }
  const std::string text = to.finish();
  EXPECT_NE(text.find("flux_metrics_series_dropped 7\n"), std::string::npos);
  EXPECT_EQ(std::ranges::count(text, '\n'), static_cast<std::ptrdiff_t>(kSeriesMax) + 2 + 3);
}

}  // namespace
}  // namespace flux::metrics
