// Scenario files: JSON with comments to Scenario. scenarios/README.md documents every member,
// scenarios/schema.json says the same to editors.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "sim/cluster/scenario.h"

namespace flux::sim {

// Draws by `seed`; `settings` are PATH=VALUE and come before the draws. An error names the file,
// the path in the document and what is allowed.
Result<Scenario> load_scenario(std::string_view file, std::string_view name, std::string_view text,
                               std::uint64_t seed, const std::vector<std::string>& settings);

}  // namespace flux::sim
