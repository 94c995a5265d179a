#include "net/wire/reader.h"

#include <algorithm>
#include <initializer_list>

#include <gtest/gtest.h>

#include "net/wire/codec.h"
#include "net/wire/frame.h"

namespace flux::wire {
namespace {

Bytes bytes_of(std::initializer_list<int> values) {
  Bytes out;
  for (const int value : values) out.push_back(static_cast<std::byte>(value));
  return out;
}

TEST(WireReader, TheFirstFailureSticksAndEndsTheInput) {
  const Bytes bytes = bytes_of({0, 1, 2});
  Reader from(bytes);
  EXPECT_EQ(from.integer<std::int16_t>(), 1);
  EXPECT_EQ(from.integer<std::int32_t>(), 0);
  EXPECT_FALSE(from.ok());
  EXPECT_EQ(from.remaining(), 0u);
  EXPECT_EQ(from.integer<std::int8_t>(), 0)
      << "a byte was left, but nothing is read after an error";
  from.fail(ErrorCode::too_large, "later");
  const Error error = from.status().error();
  EXPECT_EQ(error.code(), ErrorCode::invalid);
  EXPECT_NE(error.detail().find("at byte 2 of 3"), std::string::npos) << error.detail();
}

TEST(WireReader, ReadsVarintsOfEveryLength) {
  const std::uint64_t values[] = {0,        1,          127,        128,        16'383, 16'384,
                                  1u << 28, 0xffffffff, 1ull << 35, 1ull << 63, ~0ull};
  for (const std::uint64_t value : values) {
    Writer to;
    to.unsigned_varlong(value);
    const Bytes bytes = to.join();
    Reader from(bytes);
    EXPECT_EQ(from.unsigned_varlong(), value);
    EXPECT_TRUE(from.ok());
    EXPECT_EQ(from.remaining(), 0u);
  }
}

TEST(WireReader, ZigzagKeepsSmallNumbersShort) {
  const std::int64_t values[] = {0, -1, 1, -64, 64, INT64_MIN, INT64_MAX};
  const std::size_t sizes[] = {1, 1, 1, 1, 2, 10, 10};
  for (std::size_t i = 0; i < std::size(values); ++i) {
    Writer to;
    to.varlong(values[i]);
    const Bytes bytes = to.join();
    EXPECT_EQ(bytes.size(), sizes[i]);
    Reader from(bytes);
    EXPECT_EQ(from.varlong(), values[i]);
  }
  Writer to;
  to.varint(INT32_MIN);
  const Bytes bytes = to.join();
  Reader from(bytes);
  EXPECT_EQ(from.varint(), INT32_MIN);
}

TEST(WireReader, RefusesVarintsThatAreTooLong) {
  const Bytes wide = bytes_of({0xff, 0xff, 0xff, 0xff, 0x1f});
  Reader narrow(wide);
  EXPECT_EQ(narrow.unsigned_varint(), 0u);
  EXPECT_FALSE(narrow.ok());

  const Bytes endless(11, std::byte{0x80});
  Reader from(endless);
  EXPECT_EQ(from.unsigned_varlong(), 0u);
  EXPECT_FALSE(from.ok());

  Bytes tenth(10, std::byte{0xff});
  tenth.back() = std::byte{2};
  Reader bit65(tenth);
  EXPECT_EQ(bit65.unsigned_varlong(), 0u);
  EXPECT_FALSE(bit65.ok());
}

TEST(WireReader, NullAndEmptyStringsDiffer) {
  const Bytes classic = bytes_of({0xff, 0xff, 0, 0, 0, 1, 'x'});
  Reader from(classic);
  EXPECT_EQ(from.text(), std::nullopt);
  EXPECT_EQ(from.text(), "");
  EXPECT_EQ(from.text(), "x");
  EXPECT_TRUE(from.ok());

  const Bytes compact = bytes_of({0, 1, 2, 'x'});
  Reader flexible(compact);
  flexible.set_flexible(true);
  EXPECT_EQ(flexible.text(), std::nullopt);
  EXPECT_EQ(flexible.text(), "");
  EXPECT_EQ(flexible.text(), "x");
  EXPECT_TRUE(flexible.ok());
}

TEST(WireReader, RefusesANegativeLength) {
  const Bytes bytes = bytes_of({0xff, 0xfe});
  Reader from(bytes);
  EXPECT_EQ(from.text(), std::nullopt);
  EXPECT_FALSE(from.ok());
}

TEST(WireReader, RefusesACompactStringThatAClassicOneCouldNotHold) {
  Writer to;
  to.unsigned_varint(static_cast<std::uint32_t>(kStringSizeMax) + 2);
  to.raw(Bytes(kStringSizeMax + 1));
  const Bytes bytes = to.join();
  Reader from(bytes);
  from.set_flexible(true);
  EXPECT_EQ(from.text(), std::nullopt);
  EXPECT_EQ(from.status().error(), ErrorCode::too_large);
}

TEST(WireReader, AnArrayMustFitIntoWhatIsLeft) {
  const Bytes bytes = bytes_of({0, 0, 0, 3, 1, 2, 3, 4, 5});
  Reader fits(bytes);
  EXPECT_EQ(fits.count(1, 1), 3u);
  Reader tight(bytes);
  EXPECT_EQ(tight.count(2, 1), std::nullopt);
  EXPECT_FALSE(tight.ok());
  const Bytes huge = bytes_of({0x7f, 0xff, 0xff, 0xff, 0, 0});
  Reader from(huge);
  EXPECT_EQ(from.count(1, 1), std::nullopt);
  EXPECT_FALSE(from.ok());
}

TEST(WireReader, ArraysAndStringsShareOneMemoryBudget) {
  Writer to;
  for (int i = 0; i < 3; ++i) {
    to.count(100);
    to.raw(Bytes(100));
  }
  const Bytes bytes = to.join();
  Reader from(bytes, {.memory_max = 2000});
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(from.count(1, 8), 100u);
    from.raw(100);
  }
  EXPECT_EQ(from.count(1, 8), std::nullopt);
  EXPECT_EQ(from.status().error(), ErrorCode::too_large);
}

class Told final : public Pace {
 public:
  void worked(std::size_t amount) override {
    most = std::max(most, amount);
    all += amount;
  }
  Result<void> outgrown(std::size_t memory) override {
    asked.push_back(memory);
    if (refuses) return fail(ErrorCode::cancelled);
    return {};
  }

  std::size_t most = 0;
  std::size_t all = 0;
  std::vector<std::size_t> asked;
  bool refuses = false;
};

TEST(WireReader, LongListsAreReadAndWrittenAtAPace) {
  const std::vector<std::string> names(1'000, std::string(100, 'x'));
  Told written;
  Writer to;
  to.set_pace(&written);
  put(to, names, 0);
  const Bytes bytes = to.join();
  for (const bool refuses : {false, true}) {
    Told told;
    told.refuses = refuses;
    Reader from(bytes);
    from.set_pace(&told);
    from.limit_memory(1'000'000, 50'000);
    std::vector<std::string> out;
    get(from, out, 0);
    // The room for the names themselves is enough to ask; for what stands in them none does again.
    EXPECT_EQ(told.asked.size(), 1U);
    EXPECT_EQ(from.status().has_value(), !refuses);
    if (refuses) continue;
    EXPECT_EQ(out, names);
    EXPECT_EQ(told.all, written.all);
    EXPECT_GT(told.all, 1'000 * 100 + 1'000 * kElementWork - kPaceWork);
    EXPECT_LT(told.most, kPaceWork + 200);
  }
}

TEST(WireReader, AFewElementsNeitherPauseNorAsk) {
  Told told;
  Writer to;
  to.set_pace(&told);
  put(to, std::vector<std::string>(50, "name"), 0);
  const Bytes bytes = to.join();
  Reader from(bytes);
  from.set_pace(&told);
  from.limit_memory(1'000'000, 50'000);
  std::vector<std::string> out;
  get(from, out, 0);
  EXPECT_EQ(told.all, 0U);
  EXPECT_TRUE(told.asked.empty());
}

TEST(WireReader, OnlyRecordsAreLentByTheBytes) {
  Writer to;
  to.records(Records(ByteView()));
  to.text("x");
  const Bytes bytes = to.join();
  Reader from(bytes);
  Records records;
  EXPECT_FALSE(from.lent());
  get(from, records, 0);
  EXPECT_TRUE(from.lent());
  Reader none(ByteView(bytes).subspan(4));
  std::string text;
  get(none, text, 0);
  EXPECT_TRUE(none.ok());
  EXPECT_FALSE(none.lent());
}

TEST(WireReader, UnknownTagsAreSkipped) {
  const Bytes bytes = bytes_of({2, 0, 2, 9, 9, 5, 1, 7, 42});
  Reader from(bytes);
  skip_tags(from);
  EXPECT_TRUE(from.ok());
  EXPECT_EQ(from.integer<std::int8_t>(), 42);
}

// Tags 1 and 4 with sizes that do and do not agree with an int16.
bool reads_two_int16(std::initializer_list<int> bytes) {
  const Bytes data = bytes_of(bytes);
  Reader from(data);
  for (TagReader tags(from); tags.next();) {
    switch (tags.tag()) {
      case 1:
      case 4:
        from.integer<std::int16_t>();
        break;
      default:
        tags.skip();
        break;
    }
  }
  return from.ok() && from.remaining() == 0;
}

TEST(WireReader, ATaggedFieldMustFillItsSize) {
  EXPECT_TRUE(reads_two_int16({2, 1, 2, 0, 0, 4, 2, 0, 0}));
  EXPECT_FALSE(reads_two_int16({2, 1, 3, 0, 0, 0, 4, 2, 0, 0})) << "longer than its content";
  EXPECT_FALSE(reads_two_int16({2, 1, 1, 0, 4, 2, 0, 0})) << "shorter than its content";
  EXPECT_FALSE(reads_two_int16({2, 4, 2, 0, 0, 1, 2, 0, 0})) << "out of order";
  EXPECT_FALSE(reads_two_int16({2, 1, 2, 0, 0, 1, 2, 0, 0})) << "twice";
  EXPECT_FALSE(reads_two_int16({1, 1, 9, 0, 0})) << "past the end";
  EXPECT_FALSE(reads_two_int16({9})) << "more tags than bytes";
}

TEST(WireFrame, BoundsTheLength) {
  EXPECT_EQ(frame_length(bytes_of({0, 0, 1, 0})).value(), 256u);
  EXPECT_EQ(frame_length(bytes_of({0, 0, 0, 0})).error(), ErrorCode::invalid);
  EXPECT_EQ(frame_length(bytes_of({0xff, 0, 0, 0})).error(), ErrorCode::invalid);
  EXPECT_EQ(frame_length(bytes_of({0, 0, 1, 1}), 256).error(), ErrorCode::too_large);
}

}  // namespace
}  // namespace flux::wire
