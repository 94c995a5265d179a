// What every Random keeps: draws lie below their bound, one key has one answer, and keys do not
// follow each other.
#pragma once

#include <cstdint>
#include <rapidcheck.h>

#include "tests/parity/harness.h"

namespace flux::parity {

template <class Harness>
class RandomContract : public ContractTest<Harness> {};
TYPED_TEST_SUITE_P(RandomContract);

TYPED_TEST_P(RandomContract, DrawsLieBelowTheirBoundAndRepeat) {
  const bool held = rc::check("draws", [](std::uint64_t name, std::uint64_t raw_bound) {
    const std::uint64_t bound = std::max<std::uint64_t>(raw_bound, 1);
    const Verdict verdict = run_in<TypeParam>([&](auto& harness, env::Task&) -> Verdict {
      env::Random& random = harness.env().random;
      const Key what = key("parity.draw").with(name);
      const std::uint64_t first = random.draw(what, bound);
      HOLDS(first < bound);
      HOLDS(random.draw(what, bound) == first);
      HOLDS(random.draw(what, 1) == 0);
      HOLDS(random.draw_u64(what) == random.draw_u64(what));
      HOLDS(!random.chance(what, kNever));
      HOLDS(random.chance(what, kAlways));
      return {};
    });
    if (!verdict.holds()) RC_FAIL(verdict.to_string());
  });
  EXPECT_TRUE(held);
}

TYPED_TEST_P(RandomContract, NeighbouringKeysAreIndependent) {
  EXPECT_VERDICT(run_in<TypeParam>([](auto& harness, env::Task&) -> Verdict {
    env::Random& random = harness.env().random;
    constexpr std::uint64_t kKeys = 4096;
    const Key base = key("parity.neighbours");
    std::uint64_t heads = 0;
    std::uint64_t changes = 0;
    std::uint64_t before = 0;
    for (std::uint64_t i = 0; i < kKeys; ++i) {
      const std::uint64_t side = random.draw(base.with(i), 2);
      heads += side;
      changes += i > 0 && side != before ? 1 : 0;
      before = side;
    }
    // Half of them, within eight standard deviations.
    HOLDS(heads > kKeys / 2 - 256 && heads < kKeys / 2 + 256);
    HOLDS(changes > kKeys / 2 - 256 && changes < kKeys / 2 + 256);
    return {};
  }));
}

REGISTER_TYPED_TEST_SUITE_P(RandomContract, DrawsLieBelowTheirBoundAndRepeat,
                            NeighbouringKeysAreIndependent);

}  // namespace flux::parity
