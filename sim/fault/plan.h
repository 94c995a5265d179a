// FaultPlan: which faults will strike, where and when. Plain data, drawn from a seed or written in
// a scenario, stored on the tape.
//
// Each item decides for itself: its draws are keyed by its fault and its ordinal among the items of
// that fault, which the item keeps for life. So taking an item out, or moving it in the list,
// leaves what all others do as it was.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/base/keyed.h"
#include "core/base/ratio.h"
#include "core/base/time.h"

namespace flux::sim {

struct FaultRow;

class Decisions;

struct FaultTrigger {
  enum class Kind : std::uint8_t {
    at,     // once, at a time
    mark,   // at the n-th hit of a mark, once
    every,  // at each multiple of a period, by chance
  };
  Kind kind = Kind::at;
  Duration at;                  // at: since the start of the run. every: the first time
  std::string mark;             // mark: REACHED(...) of this name
  std::uint64_t hit = 1;        // mark: which hit, from 1
  std::string process;          // mark: hits of this process only; empty: of any
  Duration delay;               // mark: so long after the hit; 0 is in the midst of it
  Duration period;              // every
  Ratio chance = kAlways;       // every: of each time
  std::uint64_t count_max = 0;  // every: strikes at most so often; 0: no limit
};

struct FaultItem {
  std::string fault;          // a row of the registry
  std::uint64_t ordinal = 0;  // among the items of this fault, from 1
  // A name of the topology, "all", or a word that draws one: "any", "any_broker", "any_client".
  std::string target = "any";
  FaultTrigger trigger;
  // Of a lasting fault; the time until a restart of one that ends processes. 0: until healing.
  Duration duration;
  // Still there in the liveness phase. What it strikes is then outside of the core.
  bool permanent = false;
  std::map<std::string, std::int64_t, std::less<>> parameters;

  std::string name() const;  // "rot#2"
  Key key() const;
};

using FaultPlan = std::vector<FaultItem>;

// What a swarm may draw, before it is drawn.
struct SwarmFaults {
  bool on = false;
  std::vector<std::string> only;    // rows that may be drawn; empty: all that have their toggle on
  std::vector<std::string> except;  // never
  std::uint32_t kind_percent = 30;  // chance that a kind takes part at all
  std::uint32_t items_max = 4;      // of each kind
  Duration until;                   // items begin before this
};

bool may_draw(const SwarmFaults& swarm, const FaultRow& row);

// By draws of (seed, kind, ordinal) alone. Ordinals start at 1001, so that written items keep
// theirs.
FaultPlan draw_plan(const SwarmFaults& swarm, Decisions& decisions);

}  // namespace flux::sim
