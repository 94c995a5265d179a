// History: the row of observations of one run, written by clients and by the world, read by the
// checkers as it grows.
//
// It belongs to the world: what it keeps is never allocated on a node's heap, so a killed client's
// operations stay (and stay pending). What a client reports is folded into the run's hash, so two
// runs that differ in anything a client saw differ in their hash.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/check/checker.h"
#include "sim/check/observation.h"

namespace flux::sim {

class Process;
class World;

class History {
 public:
  explicit History(World& world) : world_(world) {}
  History(const History&) = delete;
  History& operator=(const History&) = delete;

  // Called with every observation, after it was recorded.
  void subscribe(Checker& checker) { checkers_.push_back(&checker); }

  // For clients. Fills id, client, incarnation and invoked; the operation is pending from now on.
  OperationId invoke(Process& client, Operation operation);
  // `fill` sets outcome and what was answered; `completed` is set here. Once only per operation.
  void complete(Process& client, OperationId id, const std::function<void(Operation&)>& fill);
  void reset(Process& client, std::string_view topic, PartitionIndex partition);
  // A value that this run has not used: unique over clients, restarts and retries.
  ValueId next_value(Process& client);

  // For the world.
  void add(Observation observation);

  const Operation& operation(OperationId id) const { return operations_[id.value()]; }
  std::size_t operations() const { return operations_.size(); }
  std::size_t pending() const { return pending_; }
  const std::vector<Observation>& observations() const { return observations_; }
  std::uint64_t acknowledged() const { return acknowledged_; }  // records, at acks 1 or all
  std::uint64_t records_read() const { return records_read_; }

 private:
  void count(const Operation& operation);

  World& world_;
  std::vector<Checker*> checkers_;
  std::vector<Observation> observations_;
  std::vector<Operation> operations_;  // by id
  std::vector<std::uint64_t> values_;  // by process index: how many values it sent
  std::size_t pending_ = 0;
  std::uint64_t acknowledged_ = 0;
  std::uint64_t records_read_ = 0;
};

// Over everything in it that a client decided or saw.
std::uint64_t digest_of(const Operation& operation);

}  // namespace flux::sim
