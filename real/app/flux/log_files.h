// The files of a broker's data directory, as the offline commands find them.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/env/env.h"
#include "core/log/config.h"

namespace flux::app {

// A partition's directory, and who it says it is.
struct PartitionDirectory {
  std::string path;
  log::LogIdentity identity;
  std::optional<Error> trouble;  // its topic id is there and cannot be read
};

struct Chosen {
  std::vector<PartitionDirectory> partitions;
  // Set when one file was named: the last part of its path.
  std::optional<std::string> file;
  // Held while they are looked at, where a broker would hold it.
  std::unique_ptr<env::File> lock;
};

// What `path` names: a data directory (all of its partitions), one partition's directory, or one of
// its files. `locked` when a broker runs on it: it writes while one reads.
Result<Chosen> choose(env::Task& task, env::Disk& disk, const std::string& path);

}  // namespace flux::app
