// Story: a run told in plain words, for people who see one for the first time.
//
// It is made from observations alone and says only what they say. Long stretches of the same are
// summed up; what is rare is told one by one.
#pragma once

#include <string>
#include <vector>

#include "sim/check/checker.h"

namespace flux::sim {

struct RunResult;

// One sentence a line, with the simulated time in front.
std::vector<std::string> tell_story(const std::vector<Observation>& observations,
                                    const ClusterFacts& facts, const RunResult& result);

}  // namespace flux::sim
