#include "sim/check/checkers.h"

#include "sim/check/answered.h"
#include "sim/check/probe_journal.h"

namespace flux::sim {

Checkers make_checkers(const ClusterFacts& facts, Findings& findings) {
  Checkers all;
  all.push_back(std::make_unique<AnsweredChecker>(facts, findings));
  all.push_back(std::make_unique<ProbeJournalChecker>(facts, findings));
  return all;
}

}  // namespace flux::sim
