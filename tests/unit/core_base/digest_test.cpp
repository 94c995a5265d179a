// Digests and keyed randomness: fixed values, since stored data and stored seeds depend on them.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "core/base/crc32c.h"
#include "core/base/hash.h"
#include "core/base/keyed.h"
#include "core/base/mark.h"

namespace flux {
namespace {

TEST(Crc32c, KnownValues) {
  EXPECT_EQ(crc32c(as_bytes("123456789")), 0xE3069283U);  // RFC 3720, appendix B.4
  EXPECT_EQ(crc32c(Bytes(32, std::byte{0})), 0x8A9136AAU);
}

RC_GTEST_PROP(Crc32c, ExtendsPieceByPiece, (std::string a, std::string b)) {
  RC_ASSERT(crc32c_extend(crc32c(as_bytes(a)), as_bytes(b)) == crc32c(as_bytes(a + b)));
}

TEST(Hash, IsPartOfTheDiskFormat) {
  EXPECT_EQ(hash_bytes({}), 0x2D06800538D394C2ULL);  // XXH3's own published value
  EXPECT_EQ(hash_bytes(as_bytes("flux"), 1), hash_bytes(as_bytes("flux"), 1));
  EXPECT_NE(hash_bytes(as_bytes("flux"), 1), hash_bytes(as_bytes("flux"), 2));
}

TEST(Keyed, StoredSeedsDependOnTheseValues) {
  EXPECT_EQ(keyed_u64(1, key("a")), keyed_u64(1, key("a")));
  EXPECT_NE(keyed_u64(1, key("a")), keyed_u64(2, key("a")));
  EXPECT_NE(keyed_u64(1, key("a")), keyed_u64(1, key("b")));
  EXPECT_NE(key("a").with(1).with(2), key("a").with(2).with(1));
}

RC_GTEST_PROP(Keyed, StaysBelowItsBound, (std::uint64_t seed, std::uint64_t part)) {
  const auto bound = *rc::gen::inRange<std::uint64_t>(1, 1'000'000);
  RC_ASSERT(keyed_below(seed, key("k").with(part), bound) < bound);
}

TEST(Keyed, ChanceComesNearItsRatio) {
  int hits = 0;
  for (std::uint64_t i = 0; i < 100'000; ++i) {
    hits += keyed_chance(7, key("chance").with(i), ratio(1, 4)) ? 1 : 0;
  }
  EXPECT_NEAR(hits, 25'000, 700);  // five standard deviations
  EXPECT_FALSE(keyed_chance(7, key("x"), kNever));
  EXPECT_TRUE(keyed_chance(7, key("x"), kAlways));
}

void reach_it() { REACHED("test.reached"); }

TEST(Mark, IsKnownBeforeItIsReachedAndCounts) {
  const auto find = [] {
    for (Mark* mark : all_marks()) {
      if (std::string_view(mark->name) == "test.reached") return mark;
    }
    return static_cast<Mark*>(nullptr);
  };
  Mark* mark = find();
  ASSERT_NE(mark, nullptr);
  const std::uint64_t before = mark->hits;
  reach_it();
  EXPECT_EQ(mark->hits, before + 1);
}

}  // namespace
}  // namespace flux
