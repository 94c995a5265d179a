// Any text as server.properties: refused with a word, or a configuration.
#include <cstddef>
#include <cstdint>

#include "core/base/bytes.h"
#include "core/base/check.h"
#include "net/node/config.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = flux::as_text(std::as_bytes(std::span(data, size)));
  const auto config = flux::node::Config::parse(text);
  if (!config) CHECK(!config.error().detail().empty());
  return 0;
}
