// What every figure of the benchmark is printed as: one JSON object on one line.
#pragma once

#include <cstdio>

#include <nlohmann/json.hpp>

#include "tests/bench/broker_load/histogram.h"

namespace flux::load {

inline void add_times(nlohmann::ordered_json& to, const Histogram& times) {
  const auto us = [](std::uint64_t ns) { return static_cast<double>(ns) / 1000; };
  to["samples"] = times.count();
  to["p50_us"] = us(times.at(0.5));
  to["p99_us"] = us(times.at(0.99));
  to["p999_us"] = us(times.at(0.999));
  to["max_us"] = us(times.max());
}

inline void print(const nlohmann::ordered_json& report) { std::puts(report.dump().c_str()); }

}  // namespace flux::load
