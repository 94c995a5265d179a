// The list of all checkers. A run uses each of them; one that does not apply counts nothing.
#pragma once

#include "sim/check/checker.h"

namespace flux::sim {

// `facts` and `findings` must outlive the checkers.
Checkers make_checkers(const ClusterFacts& facts, Findings& findings);

}  // namespace flux::sim
