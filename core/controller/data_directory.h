// DataDirectory: a node's directory, formatted at first start and held by one process at a time.
//
//   meta.properties   version, cluster.id, node.id, directory.id: Kafka's file, written once
//   .lock             held while the node lives
//
// Invariants: nothing in the directory is touched before the lock is held and meta.properties was
// found to be of this node; a directory without meta.properties is formatted only if it holds
// nothing that looks like a node's data, since that would be a damaged one.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/ids.h"
#include "core/base/result.h"
#include "core/env/env.h"

namespace flux::controller {

struct MetaProperties {
  std::string cluster_id;
  NodeId node = kNoNode;
  Uuid directory;

  std::string to_text() const;
  // invalid for what is no such file, unsupported for a newer version.
  static Result<MetaProperties> parse(std::string_view text);

  friend bool operator==(const MetaProperties&, const MetaProperties&) = default;
};

class DataDirectory {
 public:
  // Errors: locked (another process has it), invalid (another node's or cluster's, or damaged),
  // unsupported (a newer release's), and those of the disk. Without `cluster_id` a new directory
  // gets a new one and an old one is taken as it is.
  static Result<std::unique_ptr<DataDirectory>> open(env::Task& task, env::Env& env,
                                                     std::string path, NodeId node,
                                                     std::optional<std::string> cluster_id);

  const std::string& path() const { return path_; }
  const MetaProperties& properties() const { return properties_; }
  bool formatted_now() const { return formatted_now_; }

 private:
  explicit DataDirectory(std::string path) : path_(std::move(path)) {}

  Result<void> lock(env::Task& task, env::Disk& disk);
  Result<void> format(env::Task& task, env::Env& env, NodeId node, std::string cluster_id);
  Result<void> check_empty(env::Task& task, env::Disk& disk);

  std::string path_;
  MetaProperties properties_;
  std::unique_ptr<env::File> lock_;
  bool formatted_now_ = false;
};

// A new id: never zero, and its text does not begin with '-', which command lines take for an
// option.
Uuid draw_uuid(env::Random& random, Key key);

}  // namespace flux::controller
