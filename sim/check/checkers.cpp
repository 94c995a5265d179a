#include "sim/check/checkers.h"

#include "sim/check/acknowledged.h"
#include "sim/check/answered.h"
#include "sim/check/idempotence.h"
#include "sim/check/offset_discipline.h"
#include "sim/check/order.h"
#include "sim/check/probe_journal.h"
#include "sim/check/recovery.h"
#include "sim/check/timestamps.h"

namespace flux::sim {

Checkers make_checkers(const ClusterFacts& facts, Findings& findings) {
  Checkers all;
  all.push_back(std::make_unique<AnsweredChecker>(facts, findings));
  if (facts.node == "probe") {
    // The test node is no broker: it keeps a smaller promise in files of its own.
    all.push_back(std::make_unique<ProbeJournalChecker>(facts, findings));
    return all;
  }
  all.push_back(std::make_unique<AcknowledgedChecker>(facts, findings));
  all.push_back(std::make_unique<OrderChecker>(facts, findings));
  all.push_back(std::make_unique<OffsetDisciplineChecker>(facts, findings));
  all.push_back(std::make_unique<IdempotenceChecker>(facts, findings));
  all.push_back(std::make_unique<RecoveryChecker>(facts, findings));
  all.push_back(std::make_unique<TimestampsChecker>(facts, findings));
  return all;
}

}  // namespace flux::sim
