#include "sim/check/checker.h"

#include <utility>

#include <fmt/format.h>

namespace flux::sim {

void Findings::violation(std::string_view checker, Time at, std::string what,
                         std::vector<OperationId> operations) {
  count(checker, "violations");
  if (violations_.size() >= kViolationsMax) {
    ++dropped_;
    return;
  }
  violations_.push_back({std::string(checker), at, std::move(what), std::move(operations)});
}

void Findings::count(std::string_view checker, std::string_view what, std::uint64_t by) {
  counts_[fmt::format("{}.{}", checker, what)] += by;
}

void judge(const std::vector<Observation>& observations, Checkers& checkers, Time end) {
  for (const Observation& observation : observations) {
    for (const auto& checker : checkers) checker->observe(observation);
  }
  for (const auto& checker : checkers) checker->finish(end);
}

}  // namespace flux::sim
