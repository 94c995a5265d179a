// NodeRecorder: writes down what one process is told and does. Belongs to the world; lives as long
// as its process. RecordingEnv tells it of calls, the process itself of all else (ProcessTap).
#pragma once

#include <string>
#include <string_view>

#include "sim/replay/node_calls.h"
#include "sim/replay/node_record.h"
#include "sim/world/process.h"
#include "sim/world/process_tap.h"

namespace flux::sim {

class NodeRecorder final : public ProcessTap {
 public:
  NodeRecorder(Process& process, std::string program, std::uint64_t seed, bool seeded_order);

  // Before each start of the process: what its program is set up with.
  void starting(std::string_view setup);
  void call(NodeCall call, std::uint64_t object, std::uint64_t digest);
  void answer(bool good, std::uint64_t a, std::uint64_t b, std::string_view text);
  NodeRecord finish();

  // ProcessTap
  void turn(std::uint32_t slowdown) override;
  void resumed(const env::Task& task) override;
  bool suspended(const env::Task& task) override;
  void charged(std::size_t bytes) override;
  void passed(SeamKind kind, std::uint64_t a, std::uint64_t b, std::uint64_t digest) override;
  void woken(env::TaskHandle task) override;
  void told(Told what, std::int64_t value) override;

 private:
  Token& add(TokenKind kind);

  Process& process_;
  NodeRecord record_;
};

}  // namespace flux::sim
