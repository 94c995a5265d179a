// Answered: after healing, every operation of a living client gets a definite answer, and no client
// ends in order before it had all.
//
// An operation that the death of its client's process cut off stays unknown for ever and is
// excused. That answers come is judged in the liveness phase only: before it, a network may keep
// anything waiting.
#pragma once

#include <map>

#include "sim/check/checker.h"

namespace flux::sim {

class AnsweredChecker final : public Checker {
 public:
  AnsweredChecker(const ClusterFacts&, Findings& findings) : Checker(findings) {}

  std::string_view name() const override { return "answered"; }
  void observe(const Observation& observation) override;
  std::vector<Pending> pending(Time now) override;

 private:
  struct Open {
    std::uint32_t client = 0;
    std::uint64_t incarnation = 0;
    std::string what;
  };
  std::map<OperationId, Open> open_;
};

}  // namespace flux::sim
