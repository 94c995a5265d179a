#include "net/wire/writer.h"

#include <gtest/gtest.h>

#include "net/wire/frame.h"
#include "net/wire/reader.h"

namespace flux::wire {
namespace {

Bytes pattern(std::size_t size) {
  Bytes out(size);
  for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<std::byte>(i * 7);
  return out;
}

TEST(WireWriter, LargeBatchesStayWhereTheyAre) {
  const Bytes small = pattern(kCopyRecordsMax);
  const Bytes large = pattern(kCopyRecordsMax + 1);
  Writer to;
  to.begin_frame();
  to.records(Records(small));
  to.records(Records(large));
  to.integer<std::int8_t>(5);
  to.end_frame();

  const std::vector<Segment> segments = to.segments();
  ASSERT_EQ(segments.size(), 3u);
  EXPECT_EQ(segments[1].bytes.data(), large.data());
  EXPECT_EQ(segments[1].size(), large.size());

  const Bytes all = to.join();
  EXPECT_EQ(all.size(), to.size());
  EXPECT_EQ(frame_length(ByteView(all).first(kFrameLengthSize)).value(),
            all.size() - kFrameLengthSize);
  Reader from(ByteView(all).subspan(kFrameLengthSize));
  EXPECT_TRUE(equal(from.bytes().value(), small));
  EXPECT_TRUE(equal(from.bytes().value(), large));
  EXPECT_EQ(from.integer<std::int8_t>(), 5);
}

TEST(WireWriter, AFileRangeIsAPieceOfItsOwn) {
  int stand_in = 0;
  const FileRange range{
      .file = reinterpret_cast<env::File*>(&stand_in), .offset = 4096, .length = 10};
  Writer to;
  to.set_flexible(true);
  to.records(Records(range));
  const std::vector<Segment> segments = to.segments();
  ASSERT_EQ(segments.size(), 2u);
  EXPECT_EQ(segments[0].bytes.size(), 1u);
  EXPECT_EQ(std::to_integer<int>(segments[0].bytes[0]), 11);
  EXPECT_TRUE(segments[1].is_file());
  EXPECT_EQ(segments[1].range, range);
  EXPECT_EQ(to.size(), 11u);
}

TEST(WireWriter, NullAndEmptyBatchesHaveNoPieces) {
  Writer to;
  to.records(Records());
  to.records(Records(ByteView()));
  EXPECT_EQ(to.segments().size(), 1u);
  const Bytes bytes = to.take();
  EXPECT_EQ(to.size(), 0u);
  Reader from(bytes);
  EXPECT_EQ(from.integer<std::int32_t>(), -1);
  EXPECT_EQ(from.integer<std::int32_t>(), 0);
}

TEST(WireWriter, TheSizeOfATaggedFieldMayTakeSeveralBytes) {
  const Bytes body = pattern(300);
  Writer to;
  Writer::Tags tags = to.begin_tags();
  to.begin_tag(tags, 0);
  to.raw(body);
  to.end_tag(tags);
  to.begin_tag(tags, 200);
  to.integer<std::int8_t>(1);
  to.end_tag(tags);
  to.end_tags(tags);

  const Bytes bytes = to.join();
  Reader from(bytes);
  TagReader read(from);
  ASSERT_TRUE(read.next());
  EXPECT_EQ(read.tag(), 0u);
  EXPECT_TRUE(equal(from.raw(from.remaining()), body));
  ASSERT_TRUE(read.next());
  EXPECT_EQ(read.tag(), 200u);
  EXPECT_EQ(from.integer<std::int8_t>(), 1);
  EXPECT_FALSE(read.next());
  EXPECT_TRUE(from.ok());
  EXPECT_EQ(from.remaining(), 0u);
}

TEST(WireWriter, RefusesAStringThatIsTooLong) {
  for (const bool flexible : {false, true}) {
    Writer to;
    to.set_flexible(flexible);
    to.text(std::string(kStringSizeMax, 'x'));
    EXPECT_TRUE(to.ok());
    to.text(std::string(kStringSizeMax + 1, 'x'));
    EXPECT_EQ(to.status().error(), ErrorCode::too_large);
  }
}

TEST(WireWriter, ReusesTheMemoryOfAnOldBuffer) {
  Bytes old = pattern(5000);
  const std::byte* where = old.data();
  Writer to(std::move(old));
  EXPECT_EQ(to.size(), 0u);
  to.integer<std::int32_t>(1);
  EXPECT_EQ(to.take().data(), where);
}

}  // namespace
}  // namespace flux::wire
