// Any text as the files that fluxsim reads: scenarios, tapes, records of a node, seams and the
// reports of seeds. Built once for each: FLUX_TRY is the one that is tried.
#include <cstddef>
#include <cstdint>

#include "core/base/bytes.h"
#include "core/base/check.h"
#include "sim/replay/node_record.h"
#include "sim/run/report.h"
#include "sim/run/scenario_file.h"
#include "sim/run/seam_file.h"
#include "sim/run/tape_file.h"

namespace flux::sim {
namespace {

[[maybe_unused]] void try_scenario(std::string_view text) {
  const auto scenario = load_scenario("file", "name", text, 7, {});
  if (!scenario) CHECK(!scenario.error().detail().empty());
}

[[maybe_unused]] void try_tape(std::string_view text) {
  const auto tape = read_tape("file", text);
  if (!tape) return;
  const auto again = read_tape("file", write_tape(*tape));
  CHECK(again.has_value());
  CHECK_EQ(again->decisions.size(), tape->decisions.size());
  CHECK_EQ(again->plan.size(), tape->plan.size());
}

[[maybe_unused]] void try_record(std::string_view text) {
  const auto record = read_record(text);
  if (!record) return;
  const auto again = read_record(write_record(*record));
  CHECK(again.has_value());
  CHECK_EQ(again->tokens.size(), record->tokens.size());
}

[[maybe_unused]] void try_seam(std::string_view text) {
  static_cast<void>(read_seed_report(text));
  if (!check_seam(text)) return;
  CHECK(!first_difference(text, text, {}).has_value());
}

}  // namespace
}  // namespace flux::sim

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  flux::sim::FLUX_TRY(flux::as_text(std::as_bytes(std::span(data, size))));
  return 0;
}
