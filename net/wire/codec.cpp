#include "net/wire/codec.h"

namespace flux::wire {

void fail_absent(Writer& to, std::string_view field, std::int16_t version) {
  if (!to.ok()) return;
  to.fail(ErrorCode::unsupported, std::string(field) + " has a value that version " +
                                      std::to_string(version) + " cannot carry");
}

void fail_null(Writer& to, std::string_view field, std::int16_t version) {
  if (!to.ok()) return;
  to.fail(ErrorCode::unsupported, std::string(field) + " is null, which version " +
                                      std::to_string(version) + " does not allow");
}

Result<> check_version(std::string_view name, std::int16_t version, std::int16_t min,
                       std::int16_t max) {
  if (version >= min && version <= max) return {};
  return fail(ErrorCode::unsupported, std::string(name) + " version " + std::to_string(version) +
                                          ": known are " + std::to_string(min) + " to " +
                                          std::to_string(max));
}

}  // namespace flux::wire
