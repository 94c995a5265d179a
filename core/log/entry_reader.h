// EntryReader: the entries of an integrity file, one after the other.
//
// A file may have as many entries as its segment has bytes for batches, millions, so there is never
// more of it in memory than a window. What it says about the file holds for what was read so far;
// after the last entry, for all of it. A window with an entry that does not check is read a second
// time, since a disk may return other bytes than it holds, once.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/result.h"
#include "core/env/env.h"
#include "core/log/integrity.h"

namespace flux::log {

struct PlacedEntry {
  IntegrityEntry entry;
  std::uint32_t index = 0;  // its place in the file
};

class EntryReader {
 public:
  // Opens the file; one that is not there has no entries. Errors: those of the disk, unsupported
  // for a newer version, too_large. Where the disk cannot read a sector, the entries in it are left
  // out, like those that do not check.
  static Result<EntryReader> open(env::Task& task, env::Env& env, std::string path,
                                  const IntegrityCodec& codec);

  // The next good one; they ascend by position. Nothing at the end.
  Result<std::optional<PlacedEntry>> next(env::Task& task);
  // From the one at that place on.
  void go_to(std::uint32_t index);

  // Without its header the file still speaks for itself: each entry carries the key.
  bool header_good() const { return header_good_; }
  // An entry that does not check or is out of line, or odd bytes.
  bool damaged() const { return damaged_; }
  // All of it could be read.
  bool whole() const { return whole_; }

 private:
  EntryReader(env::Env& env, std::string path, const IntegrityCodec& codec)
      : env_(&env), path_(std::move(path)), codec_(codec) {}

  Result<void> read_header(env::Task& task);
  Result<void> fill(env::Task& task);

  env::Env* env_;
  std::string path_;
  IntegrityCodec codec_;
  std::unique_ptr<env::File> file_;
  bool header_good_ = false;
  bool damaged_ = false;
  bool whole_ = true;
  std::uint32_t count_ = 0;  // of the file
  std::uint32_t next_ = 0;
  std::uint32_t line_ = 0;  // no entry may be about less than this
  std::uint32_t window_at_ = 0;
  std::vector<std::optional<IntegrityEntry>> window_;
};

}  // namespace flux::log
