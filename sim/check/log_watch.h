// LogWatch: reads what nodes write into segment files, batch by batch, off the true disk.
//
// A decoder of its own for the header of record batch v2 (docs/formats/log.md), independent of
// core/record. What it finds it reports as BatchStored, so that checkers know which bytes hold
// which offsets without asking a node; and as BlockStored which bytes are judged as a whole.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "sim/check/observation.h"

namespace flux::sim {

class DiskImage;

// Of the file beside a segment that names its blocks.
inline constexpr std::string_view kIntegritySuffix = ".integrity";

class LogWatch {
 public:
  // Batches that a `written` event completed. `disk` is where the event happened.
  std::vector<BatchStored> saw(const DiskEvent& event, const DiskImage& disk);

  // Blocks that a `written` event named.
  static std::vector<BlockStored> blocks(const DiskEvent& event, const DiskImage& disk);

 private:
  // How far a segment was read: the end of its last whole batch.
  std::map<std::pair<std::uint32_t, Inode>, std::uint64_t> read_to_;
};

// "…/orders-3/00000000000000000017.log" is a segment of orders-3; false for any other file.
bool parse_segment_path(std::string_view path, std::string& topic, PartitionIndex& partition,
                        std::string& directory);

}  // namespace flux::sim
