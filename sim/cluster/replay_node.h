// Plays a recorded node alone: the same program over an environment that answers from the record.
#pragma once

#include <cstdint>
#include <string>

#include "core/base/result.h"
#include "sim/replay/node_record.h"

namespace flux::sim {

struct NodeReplay {
  std::uint64_t hash = 0;  // of the node, as played
  std::string difference;  // the first; empty when it did what the record says
  std::size_t tokens = 0;  // taken from the record
};

// An error is a record that cannot be played here: an unknown program.
Result<NodeReplay> replay_node(const NodeRecord& record);

}  // namespace flux::sim
