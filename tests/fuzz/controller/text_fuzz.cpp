// Any text as meta.properties, as a snapshot's name, as a topic's name, and as the value of each of
// a topic's settings: refused, or understood as written. Input: one byte that picks the kind, one
// that picks the setting, then the text.
#include <cstddef>
#include <cstdint>

#include "core/base/bytes.h"
#include "core/base/check.h"
#include "core/controller/data_directory.h"
#include "core/controller/decisions.h"
#include "core/controller/metadata_log.h"
#include "core/controller/topic_config.h"

namespace flux::controller {
namespace {

void try_meta_properties(std::string_view text) {
  const auto properties = MetaProperties::parse(text);
  if (!properties) return;
  const auto again = MetaProperties::parse(properties->to_text());
  CHECK(again.has_value());
  CHECK(*again == *properties);
}

void try_snapshot_name(std::string_view text) {
  const auto id = parse_snapshot_name(text);
  if (id) CHECK(snapshot_name(id->end, id->epoch) == text);
}

void try_setting(unsigned which, std::string_view text) {
  const auto table = topic_setting_table();
  const TopicSetting& setting = table[which % table.size()];
  if (!check_topic_setting(setting, text)) return;
  // What was found valid can be acted on, as the topic's own and as the broker's default.
  const Settings settings{{std::string(setting.name), std::string(text)}};
  CHECK(topic_config(&settings, {}) == topic_config(nullptr, settings));
}

}  // namespace
}  // namespace flux::controller

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace controller = flux::controller;
  if (size < 2) return 0;
  const std::string_view text = flux::as_text(std::as_bytes(std::span(data, size)).subspan(2));
  switch (data[0] % 4) {
    case 0:
      controller::try_meta_properties(text);
      break;
    case 1:
      controller::try_snapshot_name(text);
      break;
    case 2:
      static_cast<void>(controller::check_topic_name(text));
      break;
    default:
      controller::try_setting(data[1], text);
      break;
  }
  return 0;
}
