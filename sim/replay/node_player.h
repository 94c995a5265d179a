// NodePlayer: drives one process by a record, in a world that holds nothing else.
//
// What came from outside happens at its recorded time; each call of the node is answered from the
// record and held against it. The first departure ends the process and is told. Times, the order of
// fibers and the process's hash are computed anew, never copied, so an equal hash says that the
// node did the same.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/replay/node_calls.h"
#include "sim/replay/node_record.h"
#include "sim/world/process.h"
#include "sim/world/process_tap.h"
#include "sim/world/world.h"

namespace flux::sim {

class NodePlayer final : public ProcessTap, private EventTarget {
 public:
  // The body of the process for a setup.
  using MakeMain = std::function<Process::Main(const std::string& setup)>;

  NodePlayer(World& world, Process& process, const NodeRecord& record, MakeMain make_main);
  NodePlayer(const NodePlayer&) = delete;
  NodePlayer& operator=(const NodePlayer&) = delete;

  void play();
  // Empty when the node did what the record says, to its end.
  const std::string& difference() const { return difference_; }
  // Of the process, when the last token was taken.
  std::uint64_t hash() const { return hash_; }
  std::size_t taken() const { return cursor_; }

  // For the environment. `task` is null for calls that cannot wait.
  const Token& call(env::Task* task, NodeCall call, std::uint64_t object, std::uint64_t digest);
  Process& process() { return process_; }

  // ProcessTap
  void turn(std::uint32_t slowdown) override;
  void resumed(const env::Task& task) override;
  bool suspended(const env::Task& task) override;
  void charged(std::size_t bytes) override;
  void passed(SeamKind kind, std::uint64_t a, std::uint64_t b, std::uint64_t digest) override;
  void woken(env::TaskHandle) override {}
  void told(Told, std::int64_t) override {}

 private:
  void fire(std::uint64_t) override;
  void find_outside();
  void schedule_next();
  bool over() const { return finished_ || !difference_.empty(); }
  const Token* next() const { return cursor_ < tokens_.size() ? &tokens_[cursor_] : nullptr; }
  void take();
  void apply(const Token& token);
  void absorb();
  void expect(const Token& met);
  void differ(const std::string& met);
  const Token& abandon(const std::string& met);

  World& world_;
  Process& process_;
  const std::vector<Token>& tokens_;
  MakeMain make_main_;
  std::vector<std::size_t> outside_;  // places of what the driver does, in order
  std::size_t next_outside_ = 0;
  std::size_t cursor_ = 0;
  std::uint32_t waits_ = 0;  // for a turn at the same time as the next thing from outside
  bool playing_ = false;     // what is told now was taken from the record
  bool finished_ = false;
  std::uint64_t hash_ = 0;
  std::string difference_;
};

}  // namespace flux::sim
