#include "sim/run/scenario_file.h"

#include <gtest/gtest.h>

#include "sim/run/tape_file.h"

namespace flux::sim {
namespace {

Result<Scenario> load(std::string_view text, std::uint64_t seed = 1,
                      const std::vector<std::string>& settings = {}) {
  return load_scenario("test.json", "test", text, seed, settings);
}

std::string error_of(std::string_view text, const std::vector<std::string>& settings = {}) {
  const Result<Scenario> scenario = load(text, 1, settings);
  return scenario ? "no error" : scenario.error().detail();
}

constexpr std::string_view kSmall = R"({"node": "probe", "workload": [{"kind": "probe"}]})";

TEST(ScenarioFile, ReadsMembersAndLeavesDefaults) {
  const auto scenario = load(R"({
    // a comment
    "node": "probe",
    "workload": [{"kind": "probe", "clients": 4, "acks": "1"}],
    "faults": [{"fault": "rot", "target": "broker1:*.log", "mark": "probe.synced", "hit": 3},
               {"fault": "rot", "at_ms": 100}],
    "phases": {"safety_ms": 1500}
  })");
  ASSERT_TRUE(scenario.has_value()) << scenario.error().to_string();
  EXPECT_EQ(scenario->workloads[0].clients, 4U);
  EXPECT_EQ(scenario->workloads[0].acks, (Weights{{"1", 1}}));
  EXPECT_EQ(scenario->phases.safety, milliseconds(1500));
  EXPECT_EQ(scenario->phases.liveness_bound, Phases().liveness_bound);
  EXPECT_EQ(scenario->faults[1].name(), "rot#2");
  EXPECT_EQ(scenario->faults[0].trigger.kind, FaultTrigger::Kind::mark);
}

TEST(ScenarioFile, AnErrorNamesFilePathAndWhatIsAllowed) {
  EXPECT_EQ(error_of(R"({"node": "probe", "workload": [{"kind": "probe", "clients": 0}]})"),
            "test.json: workload.0.clients: 0: allowed are integers from 1 to 1000");
  EXPECT_NE(error_of(R"({"node": "probe", "wrokload": []})").find("no member \"wrokload\""),
            std::string::npos);
  EXPECT_NE(error_of(R"({"node": "prob", "workload": []})").find("allowed are broker probe"),
            std::string::npos);
  EXPECT_NE(error_of("{\n\"node\": }").find("line 2"), std::string::npos);
  EXPECT_NE(error_of(R"({"workload": [{"kind": "probe"}], "faults": [{"fault": "flood"}]})")
                .find("faults.0.fault: no fault \"flood\""),
            std::string::npos);
  EXPECT_NE(error_of(R"({"workload": [{"kind": "probe"}],
                         "faults": [{"fault": "kill", "mark": "a", "every_ms": 3}]})")
                .find("one trigger"),
            std::string::npos);
}

TEST(ScenarioFile, DrawsByThePathOfTheMember) {
  constexpr std::string_view kDrawn = R"({"node": "probe",
    "workload": [{"kind": "probe", "clients": {"draw": [1, 1000]}, "keys": {"draw": [0, 1000000]}}]
  })";
  constexpr std::string_view kOneDraw = R"({"node": "probe",
    "workload": [{"kind": "probe", "keys": {"draw": [0, 1000000]}}]})";
  const auto one = load(kDrawn, 5);
  const auto same = load(kDrawn, 5);
  const auto other = load(kDrawn, 6);
  const auto fewer = load(kOneDraw, 5);
  ASSERT_TRUE(one && same && other && fewer);
  EXPECT_EQ(one->workloads[0].keys, same->workloads[0].keys);
  EXPECT_NE(one->workloads[0].keys, other->workloads[0].keys);
  // Taking one draw out leaves the other as it was.
  EXPECT_EQ(one->workloads[0].keys, fewer->workloads[0].keys);
  EXPECT_EQ(one->draws.size(), 2U);
}

TEST(ScenarioFile, SettingsChangeMembers) {
  const auto scenario = load(
      kSmall, 1,
      {"workload.0.clients=7", "phases.safety_ms=900", "broker_config.log.segment.bytes=4096"});
  ASSERT_TRUE(scenario.has_value()) << scenario.error().to_string();
  EXPECT_EQ(scenario->workloads[0].clients, 7U);
  EXPECT_EQ(scenario->phases.safety, milliseconds(900));
  EXPECT_EQ(scenario->broker_config.at("log.segment.bytes"), "4096");
  EXPECT_NE(error_of(kSmall, {"workload.3.clients=7"}).find("the list has 1"), std::string::npos);
  EXPECT_NE(error_of(kSmall, {"phases"}).find("PATH=VALUE"), std::string::npos);
}

TEST(Tape, KeepsEverythingAndTakesEdits) {
  Tape tape;
  tape.name = "test";
  tape.scenario = std::string(kSmall);
  tape.seed = 0xFFFFFFFFFFFFFFFFULL;
  tape.settings = {"phases.safety_ms=900"};
  FaultItem item;
  item.fault = "kill";
  item.ordinal = 1001;
  item.target = "broker1";
  item.trigger.at = milliseconds(70);
  item.duration = milliseconds(10);
  tape.plan = {item};
  tape.decisions = {{0x1234, "net.delay", 100, 42}, {0x99, "disk.latency", 7, 3}};
  const std::string text = write_tape(tape);
  Result<Tape> back = read_tape("tape", text);
  ASSERT_TRUE(back.has_value()) << back.error().to_string();
  EXPECT_EQ(write_tape(*back), text);
  EXPECT_EQ(back->decisions, tape.decisions);
  EXPECT_EQ(back->seed, tape.seed);
  EXPECT_TRUE(edit_tape(*back, "0000000000001234=99"));
  EXPECT_EQ(back->decisions[0].value, 99U);
  EXPECT_FALSE(edit_tape(*back, "0000000000001234=100"));  // not below its bound
  EXPECT_FALSE(edit_tape(*back, "0000000000007777=1"));
  EXPECT_FALSE(edit_tape(*back, "drop=kill#1"));
  EXPECT_TRUE(edit_tape(*back, "drop=kill#1001"));
  EXPECT_TRUE(back->plan.empty());
  EXPECT_FALSE(read_tape("tape", "{}"));
}

}  // namespace
}  // namespace flux::sim
