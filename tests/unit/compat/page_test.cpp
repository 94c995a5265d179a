#include "net/compat/page.h"

#include <algorithm>
#include <fstream>
#include <iterator>

#include "net/compat/kafka_apis.h"
#include "net/server/dispatch.h"

namespace flux::compat {
namespace {

TEST(CompatPage, InTheTreeIsThatOfTheTables) {
  std::ifstream file(FLUX_SOURCE_DIR "/docs/kafka_compat.md");
  const std::string page{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  EXPECT_TRUE(page == kafka_compat_page())
      << "docs/kafka_compat.md is stale; make it anew with\n"
         "    cmake --build --preset dev --target kafka_compat_page";
}

// A client picks the highest version that both sides know: one that Kafka never had is tried by
// nobody, and one that it gave up is a promise to nobody.
TEST(CompatPage, EachServedApiIsAdvertisedAsKafkaDoes) {
  for (const server::Served& served : server::served_apis()) {
    const auto key = static_cast<std::int16_t>(served.key);
    const auto theirs = std::ranges::find(kKafkaApis, key, &KafkaApi::key);
    ASSERT_NE(theirs, std::end(kKafkaApis)) << key;
    const kafka::ApiInfo* ours = kafka::find_api(key);
    EXPECT_EQ(ours->advertised_min, theirs->version_min) << theirs->name;
    EXPECT_EQ(ours->advertised_max, theirs->version_max) << theirs->name;
  }
}

}  // namespace
}  // namespace flux::compat
