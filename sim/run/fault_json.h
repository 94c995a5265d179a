// Fault items as JSON: the same members in a scenario and on a tape.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "sim/fault/plan.h"

namespace flux::sim {

class JsonReader;

void read_fault(JsonReader& json, FaultItem& item);
nlohmann::json write_fault(const FaultItem& item);

}  // namespace flux::sim
