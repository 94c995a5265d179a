// LineInput: standard input line by line, for a program of one thread.
//
// The descriptor may be a pipe, a terminal or a file. It is read only when the kernel says that a
// read would not wait; until then the task sleeps, so that the network goes on.
#pragma once

#include <optional>
#include <string>

#include "core/env/env.h"

namespace flux::app {

class LineInput {
 public:
  explicit LineInput(env::Env& env) : env_(env) {}

  // Without its line end; nullopt at the end of the input. A last line may lack its line end.
  Result<std::optional<std::string>> next(env::Task& task);
  // True when nothing more can be had without waiting: a good time to send what there is.
  bool waits() const { return waits_; }

 private:
  Result<void> fill(env::Task& task);

  env::Env& env_;
  std::string buffer_;
  std::size_t at_ = 0;
  bool ended_ = false;
  bool waits_ = false;
};

}  // namespace flux::app
