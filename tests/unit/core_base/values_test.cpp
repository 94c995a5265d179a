// Identities, time, errors and bytes.
#include <set>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "core/base/bytes.h"
#include "core/base/ids.h"
#include "core/base/result.h"
#include "core/base/time.h"

namespace flux {
namespace {

RC_GTEST_PROP(Uuid, TextComesBack, (std::uint64_t high, std::uint64_t low)) {
  const Uuid id{high, low};
  const std::string text = id.to_string();
  RC_ASSERT(text.size() == 22U);
  RC_ASSERT(Uuid::parse(text).value() == id);
}

TEST(Uuid, KnownText) {
  // The bytes 00 01 .. 0f in URL-safe base64.
  const Uuid id{0x0001020304050607ULL, 0x08090A0B0C0D0E0FULL};
  EXPECT_EQ(id.to_string(), "AAECAwQFBgcICQoLDA0ODw");
}

TEST(Uuid, BadTextIsNamed) {
  EXPECT_FALSE(Uuid::parse("short").has_value());
  const Result<Uuid> strange = Uuid::parse("AAECAwQFBgcICQoLDA0OD!");
  ASSERT_FALSE(strange.has_value());
  EXPECT_NE(strange.error().detail().find('!'), std::string::npos);
  // The last character carries two bits; the other four must be zero.
  EXPECT_FALSE(Uuid::parse("AAECAwQFBgcICQoLDA0OD_").has_value());
}

TEST(Time, NeverStaysNever) {
  EXPECT_EQ(Instant::max() + seconds(1), Instant::max());
  EXPECT_EQ(Instant(5) + nanoseconds(3), Instant(8));
  EXPECT_EQ((Instant(8) - Instant(5)).ns(), 3);
}

Result<int> half(int n) {
  if (n % 2 != 0) return fail(ErrorCode::invalid, "odd");
  return n / 2;
}
Result<void> only_even(int n) {
  TRY(half(n));
  return {};
}
Result<int> quarter(int n) {
  TRY(only_even(n));
  return TRY(half(TRY(half(n))));
}

TEST(Result, TryPassesTheErrorOn) {
  EXPECT_EQ(quarter(8).value(), 2);
  EXPECT_EQ(quarter(6).error(), ErrorCode::invalid);
  EXPECT_EQ(quarter(3).error().to_string(), "invalid: odd");
  EXPECT_EQ(quarter(3).error().in("reading n").detail(), "reading n: odd");
}

TEST(Error, EveryCodeHasItsOwnName) {
  std::set<std::string_view> names;
  int count = 0;
#define X(name, text)                              \
  names.insert(name_of(ErrorCode::name));          \
  EXPECT_FALSE(describe(ErrorCode::name).empty()); \
  ++count;
  FLUX_ERROR_CODES(X)
#undef X
  EXPECT_EQ(names.size(), static_cast<std::size_t>(count));
}

RC_GTEST_PROP(Bytes, BigEndianComesBack, (std::int64_t value)) {
  std::byte at[8];
  store_be(at, value);
  RC_ASSERT(load_be<std::int64_t>(at) == value);
  RC_ASSERT(std::to_integer<int>(at[0]) == ((value >> 56) & 0xFF));
}

}  // namespace
}  // namespace flux
