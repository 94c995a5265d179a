// Decisions: every choice the world makes, as a function of the seed and of a key that names the
// thing decided about; and the tape on which choices are written out, edited and played back.
//
// A decision on a played tape wins over the seed; one that is not on it falls back to the seed, so
// that editing one entry leaves all others as they were. Labels group decisions for people and
// tools; two decisions differ by key, whatever their labels.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/keyed.h"

namespace flux::sim {

struct Decision {
  std::uint64_t key = 0;
  std::string label;
  std::uint64_t bound = 0;  // the value lies in [0, bound)
  std::uint64_t value = 0;

  friend bool operator==(const Decision&, const Decision&) = default;
};

// How much of a played tape mattered.
struct TapeUse {
  std::uint64_t entries = 0;
  std::uint64_t used = 0;      // entries that were asked for
  std::uint64_t off_tape = 0;  // decisions that were not on it
};

class Decisions {
 public:
  explicit Decisions(std::uint64_t seed) : seed_(seed) {}

  std::uint64_t seed() const { return seed_; }

  // Uniform in [0, bound), bound >= 1. `label` must be a literal.
  std::uint64_t draw(Key key, std::uint64_t bound, const char* label) {
    if (!special_) [[likely]]
      return keyed_below(seed_, key, bound);
    return draw_special(key, bound, label);
  }
  bool chance(Key key, Ratio p, const char* label) {
    if (p.never()) return false;
    return draw(key, p.denominator, label) < p.numerator;
  }
  // Uniform in [low, high].
  std::uint64_t between(Key key, std::uint64_t low, std::uint64_t high, const char* label) {
    return low + draw(key, high - low + 1, label);
  }

  void record();
  const std::vector<Decision>& recorded() const { return recorded_; }

  void play(const std::vector<Decision>& tape);
  TapeUse tape_use() const;

 private:
  struct Played {
    std::uint64_t value;
    bool used;
  };
  std::uint64_t draw_special(Key key, std::uint64_t bound, const char* label);

  std::uint64_t seed_;
  bool special_ = false;  // recording or playing: off the fast path
  bool recording_ = false;
  std::vector<Decision> recorded_;
  std::map<std::uint64_t, Played> tape_;
  std::uint64_t used_ = 0;
  std::uint64_t off_tape_ = 0;
};

}  // namespace flux::sim
