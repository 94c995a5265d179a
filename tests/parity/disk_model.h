// A disk in memory, to hold a real or simulated one against, and random steps to take on both.
//
// The model knows names, contents and open files (which outlive their names), and says for each
// step what must come out. It knows nothing of durability.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <ostream>
#include <rapidcheck.h>
#include <string>
#include <vector>

#include "tests/parity/harness.h"

namespace flux::parity {

struct DiskStep {
  enum class Kind : std::uint8_t {
    open,
    close,
    write,
    read,
    truncate,
    allocate,
    sync,
    rename,
    remove,
    make_directory,
    sync_directory,
    list,
  };
  static constexpr int kKinds = 12;

  Kind kind = Kind::open;
  env::Open mode = env::Open::read;
  std::size_t slot = 0;  // of the open files
  std::size_t name = 0;  // of kNames
  std::size_t other = 0;
  std::uint64_t offset = 0;
  std::size_t length = 1;
  std::uint8_t fill = 0;
};

std::ostream& operator<<(std::ostream& to, const DiskStep& step);
rc::Gen<DiskStep> any_disk_step();

class DiskModel {
 public:
  explicit DiskModel(env::Disk& disk) : disk_(disk) {}

  // Does the step on the disk and on the model; the verdict says whether both agree.
  Verdict take(env::Task& task, const DiskStep& step);
  // Every name and every byte, and every open file.
  Verdict compare_all(env::Task& task);

 private:
  static constexpr std::size_t kSlots = 3;
  struct Node {
    bool is_directory = false;
    Bytes content;
  };
  struct OpenFile {
    std::unique_ptr<env::File> file;
    std::shared_ptr<Node> node;
    bool writable = false;
  };

  Verdict open(env::Task& task, const DiskStep& step);
  Verdict write(env::Task& task, const DiskStep& step, OpenFile& open);
  Verdict read(env::Task& task, const DiskStep& step, const OpenFile& open);
  Verdict truncate(env::Task& task, const DiskStep& step, OpenFile& open);
  Verdict allocate(env::Task& task, const DiskStep& step, const OpenFile& open);
  Verdict rename(env::Task& task, const std::string& from, const std::string& to);
  Verdict remove(env::Task& task, const std::string& path);
  Verdict make_directory(env::Task& task, const std::string& path);
  Verdict sync_directory(env::Task& task, const std::string& path);
  Verdict list(env::Task& task, const std::string& path);
  Verdict compare(env::Task& task, env::File& file, const Node& node);

  bool has(const std::string& path) const { return nodes_.contains(path); }
  bool has_directory(const std::string& path) const;
  std::vector<env::DirectoryEntry> children(const std::string& directory) const;

  env::Disk& disk_;
  std::map<std::string, std::shared_ptr<Node>> nodes_;
  std::array<std::optional<OpenFile>, kSlots> open_;
};

}  // namespace flux::parity
