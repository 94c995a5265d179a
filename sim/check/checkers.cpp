#include "sim/check/checkers.h"

#include "sim/check/answered.h"

namespace flux::sim {

Checkers make_checkers(const ClusterFacts& facts, Findings& findings) {
  Checkers all;
  all.push_back(std::make_unique<AnsweredChecker>(facts, findings));
  return all;
}

}  // namespace flux::sim
